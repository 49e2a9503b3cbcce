//! What the host is: CPUs, memory, identity. What does not change is read once; what may change with hot-plug is
//! checked again at most once a second, so that asking costs a load of a pointer.

mod cpu;
mod cpuid;
mod hugepages;
mod hugetlbfs;
mod identity;
mod kvm;
mod memory;
mod sysinfo;
mod topology;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use arc_swap::ArcSwap;
use virtus_base::{Error, ErrorDomain};

pub use cpu::CpuStats;
pub use cpuid::{CpuidLeaf, arch_capabilities, cpuid_leaves, microcode_version};
pub use hugepages::PagePool;
pub use hugetlbfs::{default_huge_page, huge_page_mounts};
pub use identity::{boot_id, fully_qualified_hostname, host_uuid};
pub use kvm::{KvmFacts, TscInfo};
pub use memory::{KsmParameters, MemoryStats};
pub use sysinfo::{Entries, Sysinfo};
pub use topology::{CacheBank, CacheKind, Cell, Cpu, Distance, Topology};

/// How often what may change is compared, in ms.
const CHECK_AFTER: u64 = 1_000;
/// How often what changes unseen (clock, memory) is read again, in ms.
const READ_AFTER: u64 = 10_000;

/// The host. Share one.
#[derive(Debug)]
pub struct Node {
    root: PathBuf,
    start: Instant,
    checked: AtomicU64,
    snapshot: ArcSwap<Snapshot>,
}

#[derive(Debug)]
struct Snapshot {
    topology: Arc<Topology>,
    fingerprint: Fingerprint,
    read: u64,
}

/// Texts that change when CPUs or memory nodes come and go.
#[derive(Debug, Default, PartialEq, Eq)]
struct Fingerprint([String; 3]);

impl Node {
    /// This host.
    ///
    /// # Errors
    /// When /proc or /sys cannot be read or make no sense.
    pub fn host() -> Result<Node, Error> {
        Node::at("/")
    }

    /// A host whose /proc and /sys are below `root`, for tests.
    ///
    /// # Errors
    /// As [`Node::host`].
    pub fn at(root: impl Into<PathBuf>) -> Result<Node, Error> {
        let root = root.into();
        let fingerprint = Fingerprint::read(&root);
        let topology = Arc::new(Topology::read(&root)?);
        Ok(Node {
            start: Instant::now(),
            checked: AtomicU64::new(0),
            snapshot: ArcSwap::from_pointee(Snapshot { topology, fingerprint, read: 0 }),
            root,
        })
    }

    /// CPUs, memory nodes and caches as they are, or were a second ago.
    pub fn topology(&self) -> Arc<Topology> {
        let now = u64::try_from(self.start.elapsed().as_millis()).unwrap_or(u64::MAX);
        let checked = self.checked.load(Ordering::Relaxed);
        let due = now.saturating_sub(checked) >= CHECK_AFTER;
        // one caller looks, the others go on with what is known
        if due && self.checked.compare_exchange(checked, now, Ordering::Relaxed, Ordering::Relaxed).is_ok() {
            self.refresh(now);
        }
        Arc::clone(&self.snapshot.load().topology)
    }

    fn refresh(&self, now: u64) {
        let known = self.snapshot.load();
        let fingerprint = Fingerprint::read(&self.root);
        let read = if fingerprint != known.fingerprint {
            Topology::read(&self.root)
        } else if now.saturating_sub(known.read) >= READ_AFTER {
            known.topology.read_again(&self.root)
        } else {
            return;
        };
        match read {
            Ok(topology) => {
                let topology = Arc::new(topology);
                self.snapshot.store(Arc::new(Snapshot { topology, fingerprint, read: now }));
            }
            Err(e) => tracing::warn!(target: "virtus_host", "cannot read the host's topology: {e}"),
        }
    }

    fn path(&self, path: &str) -> PathBuf {
        self.root.join(path)
    }
}

impl Fingerprint {
    fn read(root: &Path) -> Fingerprint {
        let files = ["cpu/online", "cpu/present", "node/online"];
        Fingerprint(
            files.map(|f| {
                std::fs::read_to_string(root.join("sys/devices/system").join(f)).unwrap_or_default()
            }),
        )
    }
}

/// A small file's text without its line end.
fn read_line(path: &Path) -> io::Result<String> {
    let mut text = std::fs::read_to_string(path)?;
    text.truncate(text.trim_end().len());
    Ok(text)
}

/// A small file's number.
fn read_number<T: std::str::FromStr>(path: &Path) -> Option<T> {
    read_line(path).ok()?.parse().ok()
}

fn open_failed(path: &Path, error: &io::Error) -> Error {
    Error::system(ErrorDomain::NONE, format!("cannot open {}", path.display()), error)
}

#[cfg(test)]
pub(crate) mod fixture {
    use std::path::Path;

    /// Writes `files` (path, text) below a new directory.
    pub(crate) fn tree(files: &[(&str, &str)]) -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        add(root.path(), files);
        root
    }

    pub(crate) fn add(root: &Path, files: &[(&str, &str)]) {
        for (path, text) in files {
            let path = root.join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hot_plug_is_noticed() {
        let online = "sys/devices/system/cpu/online";
        let root = fixture::tree(&[
            ("proc/meminfo", "MemTotal: 100 kB\n"),
            ("sys/devices/system/cpu/present", "0-1"),
            (online, "0"),
        ]);
        let node = Node::at(root.path()).unwrap();
        assert_eq!(node.topology().online_count, 1);
        fixture::add(root.path(), &[(online, "0-1")]);
        node.refresh(1);
        assert_eq!(node.topology().online_count, 2);
        fixture::add(root.path(), &[("proc/meminfo", "MemTotal: 200 kB\n")]);
        node.refresh(READ_AFTER);
        assert_eq!(node.topology().memory_kib, 100);
        node.refresh(READ_AFTER + 1);
        assert_eq!((node.topology().memory_kib, node.topology().online_count), (200, 2));
        // a host that stops making sense is as it was last
        fixture::add(root.path(), &[(online, "nonsense"), ("sys/devices/system/cpu/present", "x")]);
        node.refresh(READ_AFTER + 2);
        assert_eq!(node.topology().online_count, 2);
    }
}
