//! What is done to the images of a domain that does not run: by qemu-img.

use std::path::Path;

use virtus_base::{Error, ErrorCode, Result};
use virtus_conf::domain as conf;
use virtus_conf::domain::device::disk::SnapshotLocation;
use virtus_conf::domain::device::storage::StorageSource;
use virtus_conf::snapshot::Snapshot;
use virtus_host::program::{Host, Program, run_blocking};

use crate::device::storage::disk_format;
use crate::domain::disk_path;
use crate::error::{error, internal, unsupported};

fn qemu_img() -> Result<Program> {
    let path = virtus_host::program::find_in_path(Path::new("qemu-img"));
    path.map(Program::new).ok_or_else(|| internal("unable to find qemu-img"))
}

fn run(program: &Program) -> Result<()> {
    run_blocking(&Host, program)?.success(program).map(drop)
}

/// Does something with a snapshot inside of images: `-c` makes, `-a` applies, `-d` removes it. With `try_all` images
/// that refuse are passed over.
///
/// # Errors
/// When an image cannot hold snapshots or qemu-img refuses. What was made by then is taken back.
pub(super) fn inside(domain: &conf::Domain, snapshot: &Snapshot, action: &str, try_all: bool) -> Result<()> {
    let mut done: Vec<String> = Vec::new();
    for disk in &snapshot.disks {
        if disk.snapshot != Some(SnapshotLocation::Internal) {
            continue;
        }
        let known = domain.devices.disks.iter().find(|known| known.dst() == disk.name);
        let Some(known) = known.filter(|known| !known.source.is_empty()) else { continue };
        let Some(path) = disk_path(known).map(str::to_owned) else { continue };
        if disk_format(known) != "qcow2" {
            if try_all {
                tracing::warn!("skipping 'qemu-img snapshot {action}' on '{path}', which is not qcow2");
                continue;
            }
            undo(&done, &snapshot.name, action);
            return Err(error(
                ErrorCode::OPERATION_INVALID,
                format!("Disk device '{}' does not support snapshotting", disk.name),
            ));
        }
        let program = qemu_img()?.args(["snapshot", action, &snapshot.name, &path]);
        match run(&program) {
            Ok(()) => done.push(path),
            Err(e) if try_all => tracing::warn!("'qemu-img snapshot {action}' failed on '{path}': {e}"),
            Err(e) => {
                undo(&done, &snapshot.name, action);
                return Err(e);
            }
        }
    }
    Ok(())
}

/// Takes back what was made in the images before one refused.
fn undo(done: &[String], name: &str, action: &str) {
    if action != "-c" {
        return;
    }
    for path in done {
        if let Ok(program) = qemu_img()
            && let Err(e) = run(&program.args(["snapshot", "-d", name, path]))
        {
            tracing::warn!("cannot take back snapshot '{name}' of '{path}': {e}");
        }
    }
}

/// Makes new images on top of a domain's, and has its definition use them.
///
/// # Errors
/// When an image cannot be made; those that were are removed.
pub(super) fn overlays(domain: &mut conf::Domain, snapshot: &Snapshot, reuse: bool) -> Result<()> {
    let mut made: Vec<String> = Vec::new();
    let result =
        snapshot.disks.iter().filter(|disk| disk.snapshot == Some(SnapshotLocation::External)).try_for_each(
            |disk| {
                let known = domain.devices.disks.iter_mut().find(|known| known.dst() == disk.name);
                let known = known.ok_or_else(|| internal(format!("disk '{}' is lost", disk.name)))?;
                let (below, format) = (disk_path(known).map(str::to_owned), disk_format(known).to_owned());
                let top = disk.source.as_ref().and_then(StorageSource::path).map(str::to_owned);
                let (Some(below), Some(top)) = (below, top) else {
                    return Err(unsupported(format!(
                        "external inactive snapshots are not supported on '{}' disks",
                        known.source.location.tag()
                    )));
                };
                let kind = disk.format.as_deref().unwrap_or("qcow2");
                if !reuse {
                    let program = qemu_img()?.args(["create", "-f", kind, "-F", &format, "-b", &below, &top]);
                    run(&program)?;
                    made.push(top);
                }
                known.source = disk.source.clone().unwrap_or_default();
                known.driver.format = Some(kind.to_owned());
                known.backing = None;
                Ok(())
            },
        );
    if result.is_err() {
        for path in made {
            // it was made just now
            let _ = std::fs::remove_file(path);
        }
    }
    result
}

/// Writes what the images of a snapshot hold into those below, has the definition use these, and removes the others.
///
/// # Errors
/// When the domain does not use the snapshot's images, or an image cannot be written. Images that were merged by then
/// stay merged.
pub(super) fn merge(domain: &mut conf::Domain, snapshot: &Snapshot) -> Result<()> {
    let before = snapshot.domain.as_ref();
    for disk in &snapshot.disks {
        if disk.snapshot != Some(SnapshotLocation::External) {
            continue;
        }
        let lost = || {
            unsupported(format!(
                "VM doesn't have disk '{}' referenced by snapshot '{}'",
                disk.name, snapshot.name
            ))
        };
        let old = before.and_then(|model| model.devices.disks.iter().find(|d| d.dst() == disk.name));
        let now = domain.devices.disks.iter_mut().find(|d| d.dst() == disk.name);
        let (Some(old), Some(now)) = (old, now) else { return Err(lost()) };
        let Some(top) =
            disk.source.as_ref().and_then(StorageSource::path).filter(|top| disk_path(now) == Some(top))
        else {
            return Err(error(
                ErrorCode::OPERATION_FAILED,
                "VM disk source and snapshot disk source are not the same",
            ));
        };
        run(&qemu_img()?.args(["commit", "-q", "-f", disk_format(now), top]))?;
        now.source.clone_from(&old.source);
        now.driver.format.clone_from(&old.driver.format);
        now.backing.clone_from(&old.backing);
        if let Err(e) = std::fs::remove_file(top) {
            tracing::warn!("Failed to remove snapshot image '{top}': {e}");
        }
    }
    Ok(())
}

/// Whether a snapshot of these disks can be taken.
///
/// # Errors
/// libvirt's.
pub(super) fn check(
    domain: &conf::Domain,
    snapshot: &mut Snapshot,
    disk_only: bool,
    reuse: bool,
    active: bool,
) -> Result<()> {
    let (mut inside, mut outside, mut left_out) = (false, 0, false);
    for disk in &mut snapshot.disks {
        let known = domain.devices.disks.iter().find(|known| known.dst() == disk.name);
        let Some(known) = known else { continue };
        match disk.snapshot {
            Some(SnapshotLocation::Internal) => {
                if active && disk_only {
                    return Err(unsupported(format!(
                        "active qemu domains require external disk snapshots; disk {} requested internal",
                        disk.name
                    )));
                }
                inside = true;
                let format = disk_format(known);
                if format != "qcow2" {
                    return Err(unsupported(format!(
                        "internal snapshot for disk {} unsupported for storage type {format}",
                        disk.name
                    )));
                }
            }
            Some(SnapshotLocation::External) => {
                outside += 1;
                let format = disk.format.get_or_insert_with(|| "qcow2".to_owned());
                if !matches!(format.as_str(), "qcow2" | "qed") {
                    return Err(unsupported(format!(
                        "external snapshot format for disk {} is unsupported: {format}",
                        disk.name
                    )));
                }
                place(disk, reuse)?;
            }
            _ => {
                let read = known.source.is_empty() || known.rest.readonly;
                left_out |= !read;
            }
        }
    }
    if !inside && outside == 0 {
        return Err(unsupported("nothing selected for snapshot"));
    }
    if disk_only && outside == 0 {
        return Err(unsupported("disk-only snapshots require at least one disk to be selected for snapshot"));
    }
    if inside && outside > 0 {
        return Err(unsupported("mixing internal and external targets for a snapshot is not yet supported"));
    }
    if inside && left_out {
        return Err(unsupported(
            "internal and full system snapshots require all disks to be selected for snapshot",
        ));
    }
    Ok(())
}

/// Whether a new image can be where it is wanted.
fn place(disk: &virtus_conf::snapshot::SnapshotDisk, reuse: bool) -> Result<()> {
    use std::os::unix::fs::FileTypeExt;
    let Some(path) = disk.source.as_ref().and_then(StorageSource::path) else { return Ok(()) };
    match std::fs::metadata(path) {
        Ok(meta) => {
            if meta.file_type().is_block_device() || (meta.len() == 0 && meta.is_file()) || reuse {
                return Ok(());
            }
            Err(unsupported(format!(
                "external snapshot file for disk {} already exists and is not a block device: {path}",
                disk.name
            )))
        }
        Err(e) if e.kind() == std::io::ErrorKind::NotFound && !reuse => Ok(()),
        Err(e) => {
            let what = format!("unable to stat for disk {}: {path}", disk.name);
            Err(Error::system(virtus_base::ErrorDomain::QEMU, what, &e))
        }
    }
}
