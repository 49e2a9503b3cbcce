//! The file of leases that were seen, in libvirt's own form: when it ends, the interface, the address, the server.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::path::Path;

use virtus_state::file::{self, Durability};

/// An address a guest may use for some time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Lease {
    /// The address.
    pub(crate) address: Ipv4Addr,
    /// Who gave it.
    pub(crate) server: Ipv4Addr,
    /// When it ends, in seconds since 1970.
    pub(crate) ends: u64,
}

/// Leases by the key of the guest's interface.
pub(crate) type Leases = BTreeMap<String, Vec<Lease>>;

/// What an interface is called in the file: by its guest and hardware address, for its name may be another's later.
pub(crate) fn key(owner: virtus_base::Uuid, mac: virtus_conf::net::MacAddr) -> String {
    format!("{owner}-{mac}")
}

/// The present, in seconds since 1970.
pub(crate) fn now() -> u64 {
    std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

/// Reads the file; lines that are none are passed over, and later ones replace earlier ones.
pub(crate) fn read(path: &Path, now: u64) -> Leases {
    let mut all = Leases::new();
    let text = std::fs::read_to_string(path).unwrap_or_default();
    for line in text.lines() {
        let mut words = line.split_ascii_whitespace();
        let (Some(ends), Some(key), Some(address), Some(server)) = (
            words.next().and_then(|w| w.parse::<u64>().ok()),
            words.next(),
            words.next().and_then(|w| w.parse().ok()),
            words.next().and_then(|w| w.parse().ok()),
        ) else {
            continue;
        };
        let leases = all.entry(key.to_owned()).or_default();
        leases.retain(|lease| lease.address != address);
        if ends > now {
            leases.push(Lease { address, server, ends });
        }
    }
    all.retain(|_, leases| !leases.is_empty());
    all
}

/// Writes the file; what fails is logged, for a guest goes on without it.
pub(crate) fn write(path: &Path, all: &Leases) {
    let mut text = String::new();
    for (key, leases) in all {
        for lease in leases {
            text.push_str(&format!("{} {key} {} {}\n", lease.ends, lease.address, lease.server));
        }
    }
    let written = path.parent().map_or(Ok(()), std::fs::create_dir_all);
    if let Err(e) = written.and_then(|()| file::write(path, text.as_bytes(), 0o644, Durability::Process)) {
        tracing::warn!("cannot write {}: {e}", path.display());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn later_lines_replace_earlier_ones() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("network/nwfilter.leases");
        assert!(read(&path, 0).is_empty());
        let lease =
            |last: u8, ends| Lease { address: [10, 0, 0, last].into(), server: [10, 0, 0, 1].into(), ends };
        let all: Leases = [("a".to_owned(), vec![lease(5, 100), lease(6, 300)])].into();
        write(&path, &all);
        assert_eq!(read(&path, 0), all);
        assert_eq!(read(&path, 200)["a"], [lease(6, 300)]);
        let text = std::fs::read_to_string(&path).unwrap();
        std::fs::write(&path, format!("{text}broken\n0 a 10.0.0.6 10.0.0.1\n")).unwrap();
        assert_eq!(read(&path, 0)["a"], [lease(5, 100)]);
    }
}
