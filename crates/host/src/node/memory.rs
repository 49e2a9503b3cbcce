//! Memory: totals, what is free, KSM.

use std::path::Path;

use virtus_base::{Error, ErrorCode, ErrorDomain};

use super::{Node, open_failed, read_number};

/// Memory in KiB. Only the whole host knows buffers and cache.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct MemoryStats {
    pub total: u64,
    pub free: u64,
    pub buffers: Option<u64>,
    pub cached: Option<u64>,
}

/// What the kernel's merging of equal pages is set to and has done; members the kernel does not have are `None`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct KsmParameters {
    pub pages_to_scan: Option<u32>,
    /// In ms.
    pub sleep_millisecs: Option<u32>,
    pub pages_shared: Option<u64>,
    pub pages_sharing: Option<u64>,
    pub pages_unshared: Option<u64>,
    pub pages_volatile: Option<u64>,
    pub full_scans: Option<u64>,
    pub merge_across_nodes: Option<u32>,
}

impl Node {
    /// Memory of one cell, or of the whole host (`None`).
    ///
    /// # Errors
    /// libvirt's error for a cell past the last.
    pub fn memory_stats(&self, cell: Option<u32>) -> Result<MemoryStats, Error> {
        let topology = self.topology();
        // a host without NUMA has cell 0, which is all of it
        let cell = cell.filter(|id| topology.numa || *id != 0);
        let path = match cell {
            None => self.path("proc/meminfo"),
            Some(id) if id > topology.max_cell() => {
                let function = "virHostMemGetStats";
                let text =
                    format!("cellNum in {function} must be less than or equal to {}", topology.max_cell());
                return Err(Error::invalid_arg(ErrorDomain::NONE, function, "cellNum", text));
            }
            Some(id) => self.path(&format!("sys/devices/system/node/node{id}/meminfo")),
        };
        let text = std::fs::read_to_string(&path).map_err(|e| open_failed(&path, &e))?;
        let none = || Error::internal(ErrorDomain::NONE, "no available memory line found");
        Ok(MemoryStats {
            total: field(&text, "MemTotal").ok_or_else(none)?,
            free: field(&text, "MemFree").ok_or_else(none)?,
            buffers: field(&text, "Buffers").filter(|_| cell.is_none()),
            cached: field(&text, "Cached").filter(|_| cell.is_none()),
        })
    }

    /// Free memory of all cells, in bytes.
    ///
    /// # Errors
    /// When the kernel does not say.
    pub fn free_memory(&self) -> Result<u64, Error> {
        let topology = self.topology();
        if !topology.numa {
            return Ok(self.memory_stats(None)?.free.saturating_mul(1024));
        }
        Ok(topology.cells.iter().fold(0, |sum, cell| sum.saturating_add(self.free_of(cell.id))))
    }

    /// Free memory of `count` cells from `start` on, in bytes; cells that do not exist in between have 0.
    ///
    /// # Errors
    /// libvirt's error when `start` is past the last cell.
    pub fn cells_free_memory(&self, start: u32, count: u32) -> Result<Vec<u64>, Error> {
        let topology = self.topology();
        let last = topology.max_cell();
        check_start(start, last)?;
        if !topology.numa {
            return Ok(vec![self.free_memory()?]);
        }
        let end = start.saturating_add(count).min(last.saturating_add(1));
        Ok((start..end).map(|id| self.free_of(id)).collect())
    }

    fn free_of(&self, cell: u32) -> u64 {
        let path = self.path(&format!("sys/devices/system/node/node{cell}/meminfo"));
        let text = std::fs::read_to_string(path).unwrap_or_default();
        field(&text, "MemFree").unwrap_or(0).saturating_mul(1024)
    }

    /// What KSM is set to and has done.
    pub fn ksm(&self) -> KsmParameters {
        let file = |name: &str| self.path("sys/kernel/mm/ksm").join(name);
        KsmParameters {
            pages_to_scan: read_number(&file("pages_to_scan")),
            sleep_millisecs: read_number(&file("sleep_millisecs")),
            pages_shared: read_number(&file("pages_shared")),
            pages_sharing: read_number(&file("pages_sharing")),
            pages_unshared: read_number(&file("pages_unshared")),
            pages_volatile: read_number(&file("pages_volatile")),
            full_scans: read_number(&file("full_scans")),
            merge_across_nodes: read_number(&file("merge_across_nodes")),
        }
    }

    /// Sets KSM parameters by libvirt's names (`shm_pages_to_scan`, …): all of them must be known to the kernel.
    ///
    /// # Errors
    /// libvirt's errors for a parameter the kernel lacks or refuses.
    pub fn set_ksm(&self, parameters: &[(&str, u32)]) -> Result<(), Error> {
        let path =
            |name: &str| self.path("sys/kernel/mm/ksm").join(name.strip_prefix("shm_").unwrap_or(name));
        for (name, _) in parameters {
            if name.contains('/') || !path(name).exists() {
                let text = format!("Parameter '{name}' is not supported by this kernel");
                return Err(Error::new(ErrorDomain::NONE, ErrorCode::OPERATION_INVALID, text));
            }
        }
        for (name, value) in parameters {
            std::fs::write(path(name), value.to_string())
                .map_err(|e| Error::system(ErrorDomain::NONE, format!("failed to set {name}"), &e))?;
        }
        Ok(())
    }
}

pub(super) fn check_start(start: u32, last: u32) -> Result<(), Error> {
    match start > last {
        false => Ok(()),
        true => {
            let text = format!("start cell {start} out of range (0-{last})");
            Err(Error::internal(ErrorDomain::NONE, text))
        }
    }
}

/// A line's number in a `meminfo` file of the host or of a cell (`Node 0 MemTotal: …`), in KiB.
pub(super) fn field(text: &str, name: &str) -> Option<u64> {
    text.lines().find_map(|line| {
        let (before, value) = line.split_once(':')?;
        let key = before.rsplit(' ').next()?;
        (key == name).then(|| value.split_ascii_whitespace().next()?.parse().ok())?
    })
}

/// The sizes pages may have: the ordinary one, then the huge ones, in KiB.
pub(super) fn page_sizes(root: &Path) -> Vec<u32> {
    let mut sizes: Vec<u32> = std::fs::read_dir(root.join("sys/kernel/mm/hugepages"))
        .into_iter()
        .flatten()
        .filter_map(|entry| {
            let name = entry.ok()?.file_name();
            name.to_str()?.strip_prefix("hugepages-")?.strip_suffix("kB")?.parse().ok()
        })
        .collect();
    sizes.sort_unstable();
    let ordinary = u32::try_from(rustix::param::page_size() / 1024).unwrap_or(4);
    sizes.insert(0, ordinary);
    sizes.dedup();
    sizes
}

/// How many pages of each size a cell (or the host) has: the ordinary ones are what the others leave.
pub(super) fn cell_pages(root: &Path, cell: Option<u32>, memory_kib: u64, sizes: &[u32]) -> Vec<(u32, u64)> {
    let mut left = memory_kib;
    let mut pages: Vec<(u32, u64)> = Vec::with_capacity(sizes.len());
    for size in sizes.iter().skip(1) {
        let count = pool(root, cell, *size, "nr_hugepages").unwrap_or(0);
        left = left.saturating_sub(count.saturating_mul(u64::from(*size)));
        pages.push((*size, count));
    }
    if let Some(ordinary) = sizes.first() {
        pages.insert(0, (*ordinary, left / u64::from(*ordinary).max(1)));
    }
    pages
}

/// A number of the kernel's pool of huge pages of one size.
pub(super) fn pool(root: &Path, cell: Option<u32>, size_kib: u32, file: &str) -> Option<u64> {
    read_number(&pool_directory(root, cell, size_kib).join(file))
}

pub(super) fn pool_directory(root: &Path, cell: Option<u32>, size_kib: u32) -> std::path::PathBuf {
    let parent = match cell {
        None => "sys/kernel/mm/hugepages".to_owned(),
        Some(id) => format!("sys/devices/system/node/node{id}/hugepages"),
    };
    root.join(parent).join(format!("hugepages-{size_kib}kB"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_found_with_and_without_a_node_before() {
        assert_eq!(field("MemTotal:  12 kB\nMemFree: 3 kB\n", "MemFree"), Some(3));
        assert_eq!(field("Node 0 MemTotal:  12 kB\n", "MemTotal"), Some(12));
        assert_eq!(field("SwapCached: 1 kB\nCached: 2 kB\n", "Cached"), Some(2));
        assert_eq!(field("MemTotal: x kB\n", "MemTotal"), None);
    }

    #[test]
    fn this_host_has_memory() {
        let node = Node::host().unwrap();
        let all = node.memory_stats(None).unwrap();
        assert!(all.total > all.free && all.buffers.is_some());
        assert!(node.free_memory().unwrap() > 0);
        let last = node.topology().max_cell();
        assert!(!node.cells_free_memory(last, 5).unwrap().is_empty());
        assert_eq!(
            node.cells_free_memory(last + 1, 1).unwrap_err().message(),
            format!("internal error: start cell {} out of range (0-{last})", last + 1)
        );
        if node.topology().numa {
            assert_eq!(
                node.memory_stats(Some(last + 1)).unwrap_err().message(),
                format!("cellNum in virHostMemGetStats must be less than or equal to {last}")
            );
        }
    }

    #[test]
    fn ksm_is_set_all_or_nothing() {
        let root = super::super::fixture::tree(&[
            ("proc/meminfo", "MemTotal: 1 kB\n"),
            ("sys/devices/system/cpu/present", "0"),
            ("sys/kernel/mm/ksm/pages_to_scan", "100\n"),
            ("sys/kernel/mm/ksm/full_scans", "7\n"),
        ]);
        let node = Node::at(root.path()).unwrap();
        assert_eq!(node.ksm().full_scans, Some(7));
        let refused = node.set_ksm(&[("shm_pages_to_scan", 5), ("shm_sleep_millisecs", 1)]).unwrap_err();
        assert_eq!(
            refused.message(),
            "Requested operation is not valid: Parameter 'shm_sleep_millisecs' is not supported by this kernel"
        );
        assert_eq!(node.ksm().pages_to_scan, Some(100));
        node.set_ksm(&[("shm_pages_to_scan", 5)]).unwrap();
        assert_eq!(node.ksm().pages_to_scan, Some(5));
    }
}
