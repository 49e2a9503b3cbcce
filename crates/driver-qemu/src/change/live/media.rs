//! Drives get another medium, or none; disks get limits.

use std::time::Duration;

use serde_json::{Map, Value};
use virtus_base::Result;
use virtus_conf::domain as conf;
use virtus_conf::domain::device::disk::{DiskBus, DiskDevice, IoTune, Tray};
use virtus_conf::domain::device::storage::StorageSource;
use virtus_conf::domain::device::{Device, Disk};
use virtus_qmp::command::{
    BlockInfo, BlockSetIoThrottle, BlockdevCloseTray, BlockdevInsertMedium, BlockdevOpenTray,
    BlockdevRemoveMedium, QueryBlock,
};
use virtus_state::Undo;

use super::look::look_at;
use super::{Site, failed, host, plug};
use crate::device::disk;
use crate::device::part::Part;
use crate::error::internal;

/// How long a guest may take to let its tray open.
const PATIENCE: Duration = Duration::from_secs(5);
/// How often that is looked at.
const LOOK: Duration = Duration::from_millis(50);

/// Puts the medium of `new` into the drive of its target, by `force` even if the guest keeps the tray shut.
///
/// # Errors
/// When the new image cannot be opened or the guest does not let go of the old one.
pub(super) async fn change(site: &Site<'_>, new: &Disk, force: bool) -> Result<()> {
    let mut model = site.model()?;
    let at = model.devices.disks.iter().position(|disk| disk.dst() == new.dst());
    let old = at.and_then(|at| model.devices.disks.get(at)).cloned();
    let (Some(at), Some(old)) = (at, old) else {
        return Err(internal(format!("disk '{}' not found", new.dst())));
    };
    if old.mirror.is_some() {
        let text = "can't change media while a block job is running on the device";
        return Err(super::refused(text));
    }
    let mut changed = Box::new(old.clone());
    changed.source = new.source.clone();
    changed.source.common.index = None;
    changed.backing = new.backing.clone();
    changed.backing_detected = false;
    changed.driver.format = new.driver.format.clone().or(changed.driver.format.take());
    changed.driver.metadata_cache_max = new.driver.metadata_cache_max;
    look_at(site, &model, &mut changed).await?;
    if let Some(slot) = model.devices.disks.get_mut(at) {
        *slot = (*changed).clone();
    }
    let context = site.context_for(&model, &Device::Disk(changed.clone()))?;
    let mut undo = Undo::new();
    let exchanged = async {
        let mut parts = site.guest(&model, &context, |guest| disk::image(guest, &changed))?;
        host::images(site, &mut parts, &mut undo).await?;
        host::open_nodes(site, &parts).await?;
        exchange(site, &model, &old, &changed, &parts, force).await
    };
    match exchanged.await {
        Ok(()) => undo.commit(),
        Err(e) => {
            undo.unwind().await;
            return Err(e);
        }
    }
    changed.rest.target.tray = None;
    let dst = new.dst().to_owned();
    site.commit(
        |model| {
            if let Some(slot) = model.devices.disks.iter_mut().find(|disk| disk.dst() == dst) {
                *slot = *changed;
            }
        },
        Vec::new(),
    );
    Ok(())
}

async fn exchange(
    site: &Site<'_>,
    model: &conf::Domain,
    old: &Disk,
    new: &Disk,
    parts: &[Part],
    force: bool,
) -> Result<()> {
    let id = qom_name(old);
    let drive = drive(site, &id).await?;
    if drive.tray_open == Some(false) {
        let command = BlockdevOpenTray { id: id.clone(), force: Some(force) };
        site.job.execute(&command).await?;
        if !force {
            wait_for_tray(site, &id, old.dst()).await?;
        }
    }
    site.job.execute(&BlockdevRemoveMedium { id: id.clone() }).await?;
    let names = site.names(model, &Device::Disk(Box::new(old.clone())));
    let behind = site.guest(model, &names, |guest| disk::image(guest, old));
    if let Ok(behind) = behind {
        plug::remove(&site.job.monitor()?, &behind).await;
    }
    if let Some(node_name) = disk::drive_node(new) {
        plug::make(site.job, parts).await?;
        let command = BlockdevInsertMedium { id: id.clone(), node_name };
        if let Err(e) = site.job.execute(&command).await {
            plug::remove(&site.job.monitor()?, parts).await;
            return Err(e);
        }
        throttle(site, new).await;
    }
    if drive.tray_open.is_some() {
        site.job.execute(&BlockdevCloseTray { id }).await?;
    }
    Ok(())
}

async fn drive(site: &Site<'_>, id: &str) -> Result<BlockInfo> {
    let drives = site.job.execute(&QueryBlock {}).await?;
    let found = drives.into_iter().find(|drive| drive.qdev.as_deref() == Some(id));
    found.ok_or_else(|| internal(format!("drive '{id}' is not known to QEMU")))
}

async fn wait_for_tray(site: &Site<'_>, id: &str, dst: &str) -> Result<()> {
    let open = async {
        loop {
            if drive(site, id).await?.tray_open != Some(false) {
                return Ok(());
            }
            tokio::time::sleep(LOOK).await;
        }
    };
    match tokio::time::timeout(PATIENCE, open).await {
        Ok(done) => done,
        Err(_) => Err(failed(format!("timed out waiting to open tray of '{dst}'"))),
    }
}

/// The name under which QEMU's block layer knows a disk's device.
pub(super) fn qom_name(disk: &Disk) -> String {
    let alias = disk.info.alias.as_deref().unwrap_or_default();
    match disk.bus() {
        Some(DiskBus::Virtio) => format!("/machine/peripheral/{alias}/virtio-backend"),
        Some(DiskBus::Usb) => format!("/machine/peripheral/{alias}/{alias}.0/legacy[0]"),
        _ => alias.to_owned(),
    }
}

/// Sets the limits that a disk has. A disk without them is of more use than none, so a failure is only logged.
pub(super) async fn throttle(site: &Site<'_>, disk: &Disk) {
    if disk.rest.iotune == IoTune::default() {
        return;
    }
    let command = BlockSetIoThrottle(limits(disk));
    if let Err(e) = site.job.execute(&command).await {
        tracing::warn!("disk '{}' has no limits: {e}", disk.dst());
    }
}

fn limits(disk: &Disk) -> Value {
    let tune = &disk.rest.iotune;
    let mut limits = Map::new();
    limits.insert("id".to_owned(), qom_name(disk).into());
    for (name, value) in [
        ("bps", tune.total_bytes_sec),
        ("bps_rd", tune.read_bytes_sec),
        ("bps_wr", tune.write_bytes_sec),
        ("iops", tune.total_iops_sec),
        ("iops_rd", tune.read_iops_sec),
        ("iops_wr", tune.write_iops_sec),
    ] {
        limits.insert(name.to_owned(), value.unwrap_or(0).into());
    }
    for (name, value) in [
        ("bps_max", tune.total_bytes_sec_max),
        ("bps_rd_max", tune.read_bytes_sec_max),
        ("bps_wr_max", tune.write_bytes_sec_max),
        ("iops_max", tune.total_iops_sec_max),
        ("iops_rd_max", tune.read_iops_sec_max),
        ("iops_wr_max", tune.write_iops_sec_max),
        ("iops_size", tune.size_iops_sec),
        ("bps_max_length", tune.total_bytes_sec_max_length),
        ("bps_rd_max_length", tune.read_bytes_sec_max_length),
        ("bps_wr_max_length", tune.write_bytes_sec_max_length),
        ("iops_max_length", tune.total_iops_sec_max_length),
        ("iops_rd_max_length", tune.read_iops_sec_max_length),
        ("iops_wr_max_length", tune.write_iops_sec_max_length),
    ] {
        if let Some(value) = value.filter(|value| *value > 0) {
            limits.insert(name.to_owned(), value.into());
        }
    }
    if let Some(group) = &tune.group_name {
        limits.insert("group".to_owned(), group.as_str().into());
    }
    Value::Object(limits)
}

/// Whether two sources are the same place.
pub(super) fn same_place(one: &StorageSource, other: &StorageSource) -> bool {
    (one.is_empty() && other.is_empty()) || one.location == other.location
}

/// Notes that a tray has been opened or shut.
pub(crate) fn tray_moved(model: &mut conf::Domain, alias: &str, open: bool) {
    let named = |disk: &&mut Disk| disk.info.alias.as_deref() == Some(alias);
    if let Some(disk) = model.devices.disks.iter_mut().find(named)
        && matches!(disk.device, DiskDevice::Cdrom | DiskDevice::Floppy)
    {
        disk.rest.target.tray = open.then_some(Tray::Open);
    }
}
