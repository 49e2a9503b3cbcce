//! What a disk's images are, how large, and what is in them.

use std::fs::File;
use std::os::unix::fs::{FileExt, FileTypeExt, MetadataExt};

use virtus_api::DomainRef;
use virtus_api::domain::block::DomainGetBlockInfoReply;
use virtus_base::{Error, ErrorCode, ErrorDomain, Result};
use virtus_conf::domain as conf;
use virtus_conf::domain::device::Disk;
use virtus_conf::domain::device::storage::BackingStore;
use virtus_host::image::{self, Format};
use virtus_qmp::command::{QueryBlockstats, QueryNamedBlockNodes};

use super::super::change::one;
use super::{find, named, storage_node};
use crate::Driver;
use crate::device::storage::{Names, disk_format, effective_node};
use crate::domain::disk_path;
use crate::error::{bad_argument, error, system};

/// Whether a disk's image builds on another one.
pub(super) fn has_backing(disk: &Disk) -> bool {
    matches!(disk.backing, Some(BackingStore::Image(_)))
}

/// The node that `vda`, or `vda[2]` for an image below, is stored in.
pub(super) fn node(model: &conf::Domain, dev: &str) -> Option<String> {
    if let Ok(disk) = find(model, dev) {
        return (!disk.source.is_empty()).then(|| storage_node(disk));
    }
    let (target, index) = dev.strip_suffix(']')?.split_once('[')?;
    let index: u32 = index.parse().ok()?;
    let disk = model.devices.disks.iter().find(|disk| disk.dst() == target)?;
    if disk.source.common.index == Some(index) {
        return Some(storage_node(disk));
    }
    let mut below = disk.backing.as_ref();
    while let Some(BackingStore::Image(image)) = below {
        if image.source.common.index == Some(index) {
            return Some(Names::of(&image.source).storage());
        }
        below = image.backing.as_ref();
    }
    None
}

/// What the host has of an image, in bytes.
#[derive(Clone, Copy, Debug)]
pub(in super::super) struct Stored {
    pub(in super::super) capacity: u64,
    pub(in super::super) allocation: u64,
    pub(in super::super) physical: u64,
}

/// Looks at an image; its header is read only of formats that have one.
pub(in super::super) fn stored(path: &str, format: Format) -> Result<Stored> {
    let failed = |e: std::io::Error| system(format_args!("Failed to open file '{path}'"), &e);
    let file = File::open(path).map_err(failed)?;
    let meta = file.metadata().map_err(failed)?;
    let block = meta.file_type().is_block_device();
    let physical = match block {
        true => image::read_as(&file, Format::Raw).map_err(failed)?.virtual_size,
        false => meta.len(),
    };
    let capacity = match format {
        Format::Raw => physical,
        format => {
            let found = image::read_as(&file, format).map_err(|e| match e.kind() {
                std::io::ErrorKind::InvalidData => {
                    error(ErrorCode::INTERNAL_ERROR, format!("failed to probe storage source '{path}'"))
                }
                _ => failed(e),
            })?;
            found.virtual_size
        }
    };
    let allocation = if block { physical } else { meta.blocks().saturating_mul(512) };
    Ok(Stored { capacity, allocation, physical })
}

fn no_source(target: &str) -> Error {
    bad_argument(format!("disk '{target}' does not currently have a source assigned"))
}

/// `virDomainGetBlockInfo`.
pub(super) async fn info(driver: &Driver, dom: &DomainRef, path: &str) -> Result<DomainGetBlockInfoReply> {
    let domain = driver.find(dom)?;
    let view = domain.view();
    let model = one(&view, 0)?;
    let unknown = |_| bad_argument(format!("invalid path {path} not assigned to domain"));
    let disk = find(&model, path).map_err(unknown)?;
    if disk.source.is_empty() {
        return Err(no_source(disk.dst()));
    }
    let (file, format) = (disk_path(disk).unwrap_or_default().to_owned(), disk_format(disk));
    let plain = format != "qcow2";
    let format = Format::from_name(format).unwrap_or(Format::Raw);
    let local = disk.source.network().is_none();
    let here = driver.blocking(move || stored(&file, format)).await;
    if !model.is_live() {
        if !local {
            return Err(error(ErrorCode::NO_SUPPORT, "virDomainGetBlockInfo"));
        }
        let here = here?;
        return Ok(DomainGetBlockInfoReply {
            allocation: here.allocation,
            capacity: here.capacity,
            physical: here.physical,
        });
    }
    let running = domain.running()?;
    let monitor = running.queries()?;
    let mut batch = monitor.batch();
    let stats = batch.add(&QueryBlockstats { query_nodes: Some(true) });
    let nodes = batch.add(&QueryNamedBlockNodes { flat: Some(true) });
    batch.send();
    let limit = Some(crate::process::MONITOR_TIMEOUT);
    let (stats, nodes) = (stats.within(limit).await?, nodes.within(limit).await?);
    let top = effective_node(&disk.source, disk_format(disk));
    let image = named(&nodes, &top).and_then(|node| node.get("image"));
    let number = |name: &str| image.and_then(|image| image.get(name)?.as_u64());
    let capacity = number("virtual-size").unwrap_or(0);
    let actual = number("actual-size").unwrap_or(0);
    let storage = storage_node(disk);
    let highest = stats
        .iter()
        .find(|stats| stats.node_name.as_deref() == Some(&storage))
        .map_or(0, |stats| stats.stats.wr_highest_offset);
    let (stored_allocation, physical) = match &here {
        Ok(here) if local => (here.allocation, here.physical),
        _ => (actual, actual),
    };
    // a format that grows takes what it takes; otherwise what was written last tells
    let grown = plain && highest != 0 && highest != actual;
    Ok(DomainGetBlockInfoReply {
        allocation: if grown { highest } else { stored_allocation },
        capacity,
        physical,
    })
}

/// `virDomainBlockPeek`: bytes of a raw image, as the host has them.
pub(super) async fn peek(
    driver: &Driver,
    dom: &DomainRef,
    device: &str,
    offset: u64,
    size: u32,
) -> Result<Vec<u8>> {
    let model = one(&*driver.look(dom)?, 0)?;
    let disk = find(&model, device)?;
    let format = disk_format(disk);
    if format != "raw" {
        return Err(error(
            ErrorCode::OPERATION_UNSUPPORTED,
            format!("peeking is only supported for disk with 'raw' format not '{format}'"),
        ));
    }
    let Some(path) = disk_path(disk).map(str::to_owned) else {
        let e = std::io::Error::from(rustix::io::Errno::FAULT);
        return Err(Error::system(ErrorDomain::STORAGE, "Failed to open file '(null)'", &e));
    };
    let (device, size) = (device.to_owned(), usize::try_from(size).unwrap_or(usize::MAX));
    driver
        .blocking(move || {
            let failed = |e: std::io::Error| {
                Error::system(ErrorDomain::STORAGE, format_args!("Failed to open file '{path}'"), &e)
            };
            let file = File::open(&path).map_err(failed)?;
            let mut bytes = vec![0; size];
            let mut filled = 0;
            while let Some(rest) = bytes.get_mut(filled..).filter(|rest| !rest.is_empty()) {
                let at = offset.saturating_add(u64::try_from(filled).unwrap_or(u64::MAX));
                match file.read_at(rest, at) {
                    Ok(0) => break,
                    Ok(count) => filled += count,
                    Err(e) if e.kind() == std::io::ErrorKind::Interrupted => {}
                    Err(e) => {
                        let text = format_args!("cannot read data '{path}'");
                        return Err(Error::system(ErrorDomain::STORAGE, text, &e));
                    }
                }
            }
            match filled == size {
                true => Ok(bytes),
                false => Err(bad_argument(format!(
                    "'{device}' starting from {offset} has only {filled} bytes available"
                ))),
            }
        })
        .await
}
