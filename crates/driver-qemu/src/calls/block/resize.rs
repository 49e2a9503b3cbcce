//! `virDomainBlockResize`.

use virtus_api::constants::*;
use virtus_api::{Call, DomainRef};
use virtus_base::{ErrorCode, Result};
use virtus_conf::domain::device::storage::Location;
use virtus_host::image::{self, Format};
use virtus_qmp::command::BlockResize;
use virtus_state::gate::{Job, Wanted};

use super::super::flags;
use super::find;
use crate::Driver;
use crate::device::storage::{disk_format, effective_node};
use crate::domain::disk_path;
use crate::error::{bad_argument, error, system};

/// Resizes a running guest's disk; `size` in KiB unless the flags say otherwise.
pub(super) async fn resize(
    driver: &Driver,
    call: &Call,
    dom: &DomainRef,
    device: &str,
    size: u64,
    given: u32,
) -> Result<()> {
    let (bytes, whole) = (VIR_DOMAIN_BLOCK_RESIZE_BYTES, VIR_DOMAIN_BLOCK_RESIZE_CAPACITY);
    flags(given, bytes | whole, "qemuDomainBlockResize")?;
    let unsupported = |text: String| error(ErrorCode::OPERATION_UNSUPPORTED, text);
    let mut size = match given & bytes != 0 {
        true => size,
        false => size.checked_mul(1024).ok_or_else(|| {
            error(ErrorCode::OVERFLOW, format!("size must be less than {}", u64::MAX / 1024))
        })?,
    };
    let domain = driver.find(dom)?;
    domain.view().require_active()?;
    let job = driver.job(call, &domain, Wanted::Job(Job::Modify)).await?;
    let view = domain.view();
    let unknown = |_| bad_argument(format!("disk '{device}' was not found in the domain config"));
    let disk = find(&view.live()?.model, device).map_err(unknown)?;
    if disk.source.is_empty() || disk.rest.readonly {
        return Err(unsupported(format!("can't resize empty or readonly disk '{}'", disk.dst())));
    }
    if matches!(disk.source.location, Location::VhostUser(_)) {
        return Err(unsupported("block resize is not supported for vhostuser disk".to_owned()));
    }
    let format = disk_format(disk);
    let raw_device = format == "raw" && matches!(disk.source.location, Location::Block(_));
    if given & whole != 0 && !raw_device {
        let text = "block resize to full capacity supported only with 'raw' local block-based disks";
        return Err(unsupported(text.to_owned()));
    }
    if matches!(format, "qcow2" | "qed") {
        size = size.checked_next_multiple_of(512).unwrap_or(size);
    }
    if raw_device {
        let path = disk_path(disk).unwrap_or_default().to_owned();
        let capacity = driver.blocking(move || capacity(&path)).await?;
        if given & whole != 0 {
            if size != 0 && size != capacity {
                return Err(bad_argument(format!(
                    "Requested resize to '{size}' but device size is '{capacity}'"
                )));
            }
            size = capacity;
        } else if size != capacity {
            return Err(bad_argument(format!(
                "block device backed disk must be resized to its actual size '{capacity}'"
            )));
        }
    }
    let node_name = Some(effective_node(&disk.source, format));
    job.execute(&BlockResize { size, device: None, node_name }).await.map(|_| ())
}

fn capacity(path: &str) -> Result<u64> {
    let read = std::fs::File::open(path).and_then(|file| image::read_as(&file, Format::Raw));
    let image = read.map_err(|e| system(format_args!("Failed to open file '{path}'"), &e))?;
    Ok(image.virtual_size)
}
