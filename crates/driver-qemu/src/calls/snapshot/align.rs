//! The disks of a snapshot: each of the domain's once, with what the caller does not say filled in.

use virtus_base::{Error, ErrorCode, ErrorDomain, Result};
use virtus_conf::domain as conf;
use virtus_conf::domain::device::Disk;
use virtus_conf::domain::device::disk::SnapshotLocation;
use virtus_conf::domain::device::storage::{Location, StorageSource};
use virtus_conf::snapshot::Snapshot;

use crate::domain::disk_path;

fn wrong(text: String) -> Error {
    Error::new(ErrorDomain::DOMAIN_SNAPSHOT, ErrorCode::CONFIG_UNSUPPORTED, text)
}

/// Has the snapshot name every disk of `domain`. Disks of which nothing is said go to `otherwise`; with `uniform` no
/// other place is allowed, unless it is none for a disk that is never in snapshots. Looks at images.
pub(super) fn disks(
    snapshot: &mut Snapshot,
    domain: &conf::Domain,
    otherwise: SnapshotLocation,
    uniform: bool,
) -> Result<()> {
    snapshot.align_disks(domain, otherwise, uniform)?;
    name_images(snapshot, &domain.devices.disks)
}

/// Names the new images of disks that go into files of which nothing is said: beside the old one, with the
/// snapshot's name for its ending.
fn name_images(snapshot: &mut Snapshot, all: &[Disk]) -> Result<()> {
    let name = snapshot.name.clone();
    let mut taken: Vec<(String, String)> = Vec::new();
    for (disk, known) in snapshot.disks.iter_mut().zip(all) {
        let said = disk.source.as_ref();
        if disk.snapshot != Some(SnapshotLocation::External) || said.is_some_and(|said| !said.is_empty()) {
            continue;
        }
        if let Some(said) = said.filter(|said| !matches!(said.location, Location::File(_))) {
            let kind = said.location.tag();
            return Err(wrong(format!(
                "cannot generate external snapshot name for disk '{}' on a '{kind}' device",
                disk.name
            )));
        }
        let Some(path) = disk_path(known) else {
            return Err(wrong(format!(
                "cannot generate external snapshot name for disk '{}' without source",
                disk.name
            )));
        };
        if !std::fs::metadata(path).is_ok_and(|meta| meta.is_file()) {
            return Err(wrong(format!(
                "source for disk '{}' is not a regular file; refusing to generate external snapshot name",
                disk.name
            )));
        }
        let new = format!("{}.{name}", without_ending(path));
        if let Some((_, other)) = taken.iter().find(|(known, _)| *known == new) {
            return Err(wrong(format!(
                "cannot generate external snapshot name for disk '{}': collision with disk '{other}'",
                disk.name
            )));
        }
        taken.push((new.clone(), disk.name.clone()));
        disk.source = Some(StorageSource::file(new));
    }
    Ok(())
}

/// A path without what stands after the last dot of its last part.
fn without_ending(path: &str) -> &str {
    match path.rsplit_once('.') {
        Some((start, ending)) if !ending.contains('/') => start,
        _ => path,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endings_belong_to_the_last_part() {
        assert_eq!(without_ending("/a/b.qcow2"), "/a/b");
        assert_eq!(without_ending("/a.d/b"), "/a.d/b");
        assert_eq!(without_ending("/a/b.c.d"), "/a/b.c");
    }
}
