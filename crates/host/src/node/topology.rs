//! CPUs, NUMA cells and caches from sysfs.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use virtus_base::{Bitmap, Error, ErrorDomain};

use super::{memory, open_failed, read_line, read_number};

/// No host has more NUMA nodes than this.
const MAX_CELLS: usize = 4096;

/// The host's shape.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Topology {
    /// The machine's name as `uname -m` has it.
    pub machine: String,
    /// CPUs there are, on or off.
    pub present: Bitmap,
    /// CPUs that run.
    pub online: Bitmap,
    /// The CPUs that run, by number.
    pub cpus: BTreeMap<usize, Cpu>,
    /// NUMA cells by id; a host without NUMA has one.
    pub cells: Vec<Cell>,
    /// Caches of all levels, by level and id.
    pub caches: Vec<CacheBank>,
    /// Whether the kernel speaks of NUMA nodes.
    pub numa: bool,
    /// Memory of all cells, in KiB.
    pub memory_kib: u64,
    /// Online CPUs.
    pub online_count: u32,
    /// Clock of the last CPU listed, in MHz; 0 when unknown.
    pub mhz: u32,
    /// Cells, as `virNodeInfo` counts them.
    pub nodes: u32,
    /// Sockets in each cell, as `virNodeInfo` counts them.
    pub sockets: u32,
    /// Cores in each socket, as `virNodeInfo` counts them.
    pub cores: u32,
    /// Threads in each core, as `virNodeInfo` counts them.
    pub threads: u32,
    /// Page sizes, the ordinary one first, in KiB.
    pub page_sizes_kib: Vec<u32>,
}

/// A CPU's place. Ids the kernel does not give are 0.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Cpu {
    pub socket: u32,
    pub die: u32,
    pub cluster: u32,
    pub core: u32,
    /// The threads of its core, itself among them.
    pub siblings: Bitmap,
}

/// A NUMA cell.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Cell {
    /// The kernel's number of it.
    pub id: u32,
    /// Its memory, in KiB.
    pub memory_kib: u64,
    /// How many pages of each size it has: size in KiB, count.
    pub pages: Vec<(u32, u64)>,
    /// Its CPUs that run.
    pub cpus: Bitmap,
    /// How far the cells are.
    pub distances: Vec<Distance>,
}

/// How far a cell is, 10 being its own memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Distance {
    pub cell: u32,
    pub value: u32,
}

/// What a cache holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[allow(missing_docs)]
pub enum CacheKind {
    Both,
    Code,
    Data,
}

/// A cache.
#[derive(Clone, Debug, PartialEq)]
pub struct CacheBank {
    /// The kernel's id of it, among those of its level and kind.
    pub id: u32,
    /// 1 is next to the core.
    pub level: u32,
    /// What it holds.
    pub kind: CacheKind,
    /// Its size, in bytes.
    pub size: u64,
    /// The CPUs that share it.
    pub cpus: Bitmap,
}

impl Topology {
    pub(super) fn read(root: &Path) -> Result<Topology, Error> {
        let system = root.join("sys/devices/system");
        let present = read_list(&system.join("cpu/present"))?;
        let online = read_list(&system.join("cpu/online")).unwrap_or_else(|_| present.clone());
        let cpus: BTreeMap<usize, Cpu> = online.iter().map(|id| (id, Cpu::read(&system, id))).collect();
        let mut topology = Topology {
            machine: rustix::system::uname().machine().to_string_lossy().into_owned(),
            mhz: frequency(root),
            online_count: u32::try_from(online.len()).unwrap_or(u32::MAX),
            caches: caches(&system, &online),
            page_sizes_kib: memory::page_sizes(root),
            cpus,
            present,
            online,
            ..Topology::default()
        };
        topology.read_cells(root)?;
        topology.count(&system)?;
        Ok(topology)
    }

    /// The same CPUs, with clock and memory as they are now.
    pub(super) fn read_again(&self, root: &Path) -> Result<Topology, Error> {
        let mut topology = Topology { mhz: frequency(root), cells: Vec::new(), ..self.clone() };
        topology.read_cells(root)?;
        Ok(topology)
    }

    fn read_cells(&mut self, root: &Path) -> Result<(), Error> {
        let system = root.join("sys/devices/system");
        let nodes = read_list(&system.join("node/online")).unwrap_or_default();
        self.numa = !nodes.is_empty();
        let ids: Vec<usize> = nodes.iter().take(MAX_CELLS).collect();
        for &id in &ids {
            let node = system.join(format!("node/node{id}"));
            let (Ok(number), Ok(meminfo)) =
                (u32::try_from(id), std::fs::read_to_string(node.join("meminfo")))
            else {
                continue;
            };
            let memory_kib = memory::field(&meminfo, "MemTotal").unwrap_or(0);
            let distances = read_line(&node.join("distance")).unwrap_or_default();
            let distances = distances.split_ascii_whitespace().zip(&ids).filter_map(|(value, cell)| {
                Some(Distance { cell: u32::try_from(*cell).ok()?, value: value.parse().ok()? })
            });
            self.cells.push(Cell {
                id: number,
                memory_kib,
                pages: memory::cell_pages(root, Some(number), memory_kib, &self.page_sizes_kib),
                cpus: read_list(&node.join("cpulist")).unwrap_or_default(),
                distances: distances.collect(),
            });
        }
        if self.cells.is_empty() {
            let path = root.join("proc/meminfo");
            let meminfo = std::fs::read_to_string(&path).map_err(|e| open_failed(&path, &e))?;
            let memory_kib = memory::field(&meminfo, "MemTotal").unwrap_or(0);
            let pages = memory::cell_pages(root, None, memory_kib, &self.page_sizes_kib);
            self.cells.push(Cell {
                id: 0,
                memory_kib,
                pages,
                cpus: self.online.clone(),
                distances: Vec::new(),
            });
        }
        self.memory_kib = self.cells.iter().fold(0, |sum, cell| sum.saturating_add(cell.memory_kib));
        Ok(())
    }

    /// Counts as `virNodeInfo` wants it: the largest numbers of any cell, or one flat cell when their product is not
    /// the number of CPUs.
    fn count(&mut self, system: &Path) -> Result<(), Error> {
        let none = |what: &str| Error::internal(ErrorDomain::NONE, format!("no {what} found"));
        if self.online.is_empty() {
            return Err(none("CPUs"));
        }
        self.nodes = u32::try_from(self.cells.len()).unwrap_or(1);
        for cell in &self.cells {
            let mut cores_of: BTreeMap<u32, BTreeSet<u32>> = BTreeMap::new();
            for cpu in cell.cpus.iter().filter_map(|id| self.cpus.get(&id)) {
                cores_of.entry(cpu.socket).or_default().insert(cpu.core);
                self.threads = self.threads.max(u32::try_from(cpu.siblings.len()).unwrap_or(0));
            }
            self.sockets = self.sockets.max(u32::try_from(cores_of.len()).unwrap_or(0));
            let most = cores_of.values().map(BTreeSet::len).max().unwrap_or(0);
            self.cores = self.cores.max(u32::try_from(most).unwrap_or(0));
        }
        match (self.sockets, self.threads) {
            (0, _) => return Err(none("sockets")),
            (_, 0) => return Err(none("threads")),
            _ => {}
        }
        // only CPUs whose topology the kernel can still tell of count as offline
        let offline = self.present.iter().filter(|id| !self.online.contains(*id));
        let offline = offline.filter(|id| system.join(format!("cpu/cpu{id}")).is_dir()).count();
        let all = u64::from(self.online_count).saturating_add(offline as u64);
        let product = [self.nodes, self.sockets, self.cores, self.threads]
            .into_iter()
            .try_fold(1_u64, |product, n| product.checked_mul(u64::from(n)));
        if product != Some(all) {
            self.nodes = 1;
            self.sockets = 1;
            self.cores = u32::try_from(all).unwrap_or(u32::MAX);
            self.threads = 1;
        }
        Ok(())
    }

    /// The cell of this id.
    pub fn cell(&self, id: u32) -> Option<&Cell> {
        self.cells.iter().find(|cell| cell.id == id)
    }

    /// The largest cell id.
    pub fn max_cell(&self) -> u32 {
        self.cells.iter().map(|cell| cell.id).max().unwrap_or(0)
    }
}

impl Cpu {
    fn read(system: &Path, id: usize) -> Cpu {
        let topology = system.join(format!("cpu/cpu{id}/topology"));
        // the kernel says -1 for what it does not know
        let number =
            |file: &str| read_number::<i64>(&topology.join(file)).and_then(|n| u32::try_from(n).ok());
        let mut siblings = read_list(&topology.join("thread_siblings_list")).unwrap_or_default();
        siblings.set(id);
        Cpu {
            socket: number("physical_package_id").unwrap_or(0),
            die: number("die_id").unwrap_or(0),
            cluster: number("cluster_id").unwrap_or(0),
            core: number("core_id").unwrap_or(0),
            siblings,
        }
    }
}

fn read_list(path: &Path) -> Result<Bitmap, Error> {
    let text = read_line(path).map_err(|e| open_failed(path, &e))?;
    if text.is_empty() {
        return Ok(Bitmap::new());
    }
    Bitmap::parse(&text)
        .ok_or_else(|| Error::internal(ErrorDomain::NONE, format!("cannot parse {}: {text}", path.display())))
}

/// The clock of the last CPU in /proc/cpuinfo; 0 where the kernel does not say (ARM).
fn frequency(root: &Path) -> u32 {
    let name = match std::env::consts::ARCH {
        "x86" | "x86_64" => "cpu MHz",
        "powerpc" | "powerpc64" => "clock",
        "s390x" => "cpu MHz dynamic",
        "loongarch64" => "CPU MHz",
        _ => return 0,
    };
    let text = std::fs::read_to_string(root.join("proc/cpuinfo")).unwrap_or_default();
    let mut found = text.lines().filter_map(|line| {
        let (key, value) = line.split_once(':')?;
        let whole = value.trim().split('.').next()?;
        if key.trim() == name { whole.parse().ok() } else { None }
    });
    found.next_back().unwrap_or(0)
}

fn caches(system: &Path, online: &Bitmap) -> Vec<CacheBank> {
    let mut banks: BTreeMap<(u32, u32, CacheKind), CacheBank> = BTreeMap::new();
    for cpu in online.iter() {
        for index in 0..16 {
            let cache = system.join(format!("cpu/cpu{cpu}/cache/index{index}"));
            // virtual machines may have caches without ids
            let (Some(level), Some(id)) =
                (read_number(&cache.join("level")), read_number::<u32>(&cache.join("id")))
            else {
                break;
            };
            let kind = match read_line(&cache.join("type")).unwrap_or_default().as_str() {
                "Data" => CacheKind::Data,
                "Instruction" => CacheKind::Code,
                "Unified" => CacheKind::Both,
                _ => continue,
            };
            let std::collections::btree_map::Entry::Vacant(free) = banks.entry((level, id, kind)) else {
                continue;
            };
            let size = read_line(&cache.join("size")).ok().and_then(|s| size_of_text(&s)).unwrap_or(0);
            let cpus = read_list(&cache.join("shared_cpu_list")).unwrap_or_default();
            free.insert(CacheBank { id, level, kind, size, cpus });
        }
    }
    banks.into_values().collect()
}

/// Bytes of a text like `1024K`.
fn size_of_text(text: &str) -> Option<u64> {
    let digits = text.trim_end_matches(|c: char| !c.is_ascii_digit());
    let unit = match text.get(digits.len()..)? {
        "" => 1,
        "K" => 1 << 10,
        "M" => 1 << 20,
        "G" => 1 << 30,
        _ => return None,
    };
    digits.parse::<u64>().ok()?.checked_mul(unit)
}

#[cfg(test)]
mod tests {
    use super::super::fixture::tree;
    use super::*;

    const MEMINFO: &str = "MemTotal:       8000000 kB\nMemFree:        5000000 kB\n";

    /// Two cells of two cores with two threads each; CPU 7 is off.
    fn numa() -> tempfile::TempDir {
        let root = tree(&[
            (
                "proc/cpuinfo",
                "processor\t: 0\ncpu MHz\t\t: 1200.000\nprocessor\t: 1\ncpu MHz\t\t: 2596.138\n",
            ),
            ("proc/meminfo", MEMINFO),
            ("sys/devices/system/cpu/present", "0-7\n"),
            ("sys/devices/system/cpu/online", "0-6\n"),
            ("sys/devices/system/node/online", "0,2\n"),
            ("sys/devices/system/node/node0/meminfo", "Node 0 MemTotal:        3000000 kB\n"),
            ("sys/devices/system/node/node0/cpulist", "0-3\n"),
            ("sys/devices/system/node/node0/distance", "10 21\n"),
            ("sys/devices/system/node/node2/meminfo", "Node 2 MemTotal:        4000000 kB\n"),
            ("sys/devices/system/node/node2/cpulist", "4-6\n"),
            ("sys/devices/system/node/node2/distance", "21 10\n"),
            ("sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages", "3\n"),
            ("sys/devices/system/node/node2/hugepages/hugepages-2048kB/nr_hugepages", "3\n"),
            ("sys/devices/system/cpu/cpu0/cache/index0/id", "0"),
            ("sys/devices/system/cpu/cpu0/cache/index0/level", "3"),
            ("sys/devices/system/cpu/cpu0/cache/index0/type", "Unified"),
            ("sys/devices/system/cpu/cpu0/cache/index0/size", "32768K"),
            ("sys/devices/system/cpu/cpu0/cache/index0/shared_cpu_list", "0-3"),
        ]);
        for cpu in 0..8_usize {
            let topology = format!("sys/devices/system/cpu/cpu{cpu}/topology");
            let pair = format!("{}-{}", cpu & !1, cpu | 1);
            super::super::fixture::add(
                root.path(),
                &[
                    (&format!("{topology}/physical_package_id"), &(cpu / 4).to_string()),
                    (&format!("{topology}/core_id"), &(cpu % 4 / 2).to_string()),
                    (&format!("{topology}/cluster_id"), "-1"),
                    (&format!("{topology}/thread_siblings_list"), &pair),
                ],
            );
        }
        root
    }

    #[test]
    fn a_numa_host_is_counted_per_cell() {
        let root = numa();
        let t = Topology::read(root.path()).unwrap();
        assert_eq!((t.nodes, t.sockets, t.cores, t.threads), (2, 1, 2, 2));
        assert_eq!((t.online_count, t.mhz, t.memory_kib), (7, 2596, 7_000_000));
        let far = t.cell(2).unwrap();
        assert_eq!(far.distances, [Distance { cell: 0, value: 21 }, Distance { cell: 2, value: 10 }]);
        assert_eq!(far.pages.last(), Some(&(2048, 3)));
        let page = t.page_sizes_kib[0];
        assert_eq!(far.pages[0], (page, (4_000_000 - 3 * 2048) / u64::from(page)));
        assert_eq!(t.caches[0].size, 32 << 20);
        assert_eq!(t.max_cell(), 2);
    }

    #[test]
    fn a_shape_that_does_not_multiply_is_told_flat() {
        let root = numa();
        super::super::fixture::add(root.path(), &[("sys/devices/system/cpu/online", "0-3\n")]);
        std::fs::remove_dir_all(root.path().join("sys/devices/system/cpu/cpu7")).unwrap();
        let t = Topology::read(root.path()).unwrap();
        assert_eq!((t.nodes, t.sockets, t.cores, t.threads), (1, 1, 7, 1));
    }

    #[test]
    fn a_host_without_numa_has_one_cell() {
        let root = tree(&[
            ("proc/meminfo", MEMINFO),
            ("sys/devices/system/cpu/present", "0"),
            ("sys/devices/system/cpu/online", "0"),
        ]);
        let t = Topology::read(root.path()).unwrap();
        assert!(!t.numa);
        assert_eq!((t.cells.len(), t.memory_kib, t.nodes, t.cores, t.threads), (1, 8_000_000, 1, 1, 1));
    }

    #[test]
    fn nonsense_is_an_error_not_a_crash() {
        for online in ["", "x", "5-", "99999999999"] {
            let root = tree(&[
                ("proc/meminfo", ""),
                ("sys/devices/system/cpu/present", "0"),
                ("sys/devices/system/cpu/online", online),
            ]);
            let _ = Topology::read(root.path());
        }
        assert!(Topology::read(Path::new("/nonexistent")).is_err());
    }
}
