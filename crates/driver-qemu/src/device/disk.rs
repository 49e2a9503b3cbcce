//! Disks: `ide-hd`, `scsi-hd`, `virtio-blk`, `usb-storage`, `floppy` and their kin, on block nodes.

use serde_json::{Value, json};
use virtus_base::Result;
use virtus_conf::domain::device::controller::{ControllerKind, ScsiModel};
use virtus_conf::domain::device::disk::{CacheMode, DiskBus, DiskDevice, ErrorPolicy, IoThreadMap};
use virtus_conf::domain::device::storage::Location;
use virtus_conf::domain::device::{Address, Disk};

use super::part::Part;
use super::storage::{self, Node};
use super::{Virtio, chardev};
use crate::command::build::Build;
use crate::command::guest::{Guest, internal, unsupported};
use crate::command::props::Props;

/// All disks.
pub(crate) fn add(build: &mut Build<'_>) -> Result<()> {
    let guest = build.guest;
    floppy_boot(build)?;
    for disk in &guest.domain.devices.disks {
        // its overlay can only be made while QEMU runs; it is plugged in then
        if plugged_later(disk) {
            continue;
        }
        if disk.bus() == Some(DiskBus::Sd) {
            build.line.option("drive", sd_card(disk)?);
            continue;
        }
        if let Location::VhostUser(server) = &disk.source.location {
            let path = server.path.clone().unwrap_or_default();
            let backend =
                chardev::vhost_user(&guest, &chardev_id(&guest, disk), &path, server.reconnect.as_ref());
            build.line.option("chardev", backend);
        } else if !disk.source.is_empty() {
            for node in storage::chain(&guest, disk)? {
                match node {
                    Node::Object(props) => build.line.json("object", &props),
                    Node::Block(props) => build.line.json("blockdev", &props),
                }
            }
            for node in above(disk) {
                build.line.json("blockdev", &node);
            }
        }
        build.device(props(&guest, disk)?);
    }
    Ok(())
}

/// What a disk is made of; without the image's nodes when the drive is empty.
///
/// # Errors
/// As [`props`].
pub(super) fn parts(guest: &Guest<'_>, disk: &Disk) -> Result<Vec<Part>> {
    let mut parts = image(guest, disk)?;
    parts.push(Part::Device(props(guest, disk)?));
    Ok(parts)
}

/// What holds the image of a disk, if there is one.
///
/// # Errors
/// `CONFIG_UNSUPPORTED` for what QEMU cannot open.
pub(crate) fn image(guest: &Guest<'_>, disk: &Disk) -> Result<Vec<Part>> {
    if disk.source.is_empty() {
        return Ok(Vec::new());
    }
    if let Location::VhostUser(server) = &disk.source.location {
        let path = server.path.clone().unwrap_or_default();
        let backend = chardev::monitor::connection(guest, &path, server.reconnect.as_ref());
        return Ok(vec![Part::Chardev(chardev_id(guest, disk), backend)]);
    }
    let chain = storage::chain(guest, disk)?.into_iter().map(Part::from);
    Ok(chain.chain(above(disk).into_iter().map(Part::Block)).collect())
}

/// Whether a disk shares its image with other guests and drops what it wrote: the command line leaves it out.
pub fn plugged_later(disk: &Disk) -> bool {
    let transient = disk.rest.transient.as_ref();
    transient.and_then(|transient| transient.share_backing).is_some_and(|share| share.is_true())
}

/// Nodes between the image and the device: throttling, copy-on-read.
fn above(disk: &Disk) -> Vec<Props> {
    let mut nodes = Vec::new();
    let mut below = storage::effective_node(&disk.source, storage::disk_format(disk));
    for (filter, i) in disk.rest.throttlefilters.iter().zip(0..) {
        let name = filter_node(disk, i);
        nodes.push(
            Props::device("throttle")
                .with("node-name", name.clone())
                .with("throttle-group", format!("throttle-{}", filter.group))
                .with("file", below),
        );
        below = name;
    }
    if copies_on_read(disk) {
        nodes.push(
            Props::device("copy-on-read")
                .with("node-name", format!("libvirt-CoR-{}", disk.dst()))
                .with("file", below)
                .with("discard", "unmap"),
        );
    }
    nodes
}

fn copies_on_read(disk: &Disk) -> bool {
    disk.driver.options.copy_on_read.is_some_and(|on| on.is_true())
}

fn filter_node(disk: &Disk, i: usize) -> String {
    format!("libvirt-{}-filter{i}", disk.source.common.index.unwrap_or(0))
}

/// The node the device reads and writes, if the drive is not empty.
pub fn drive_node(disk: &Disk) -> Option<String> {
    if disk.source.is_empty() {
        return None;
    }
    Some(match disk.rest.throttlefilters.len().checked_sub(1) {
        _ if copies_on_read(disk) => format!("libvirt-CoR-{}", disk.dst()),
        Some(last) => filter_node(disk, last),
        None => storage::effective_node(&disk.source, storage::disk_format(disk)),
    })
}

fn chardev_id(guest: &Guest<'_>, disk: &Disk) -> String {
    format!("chr-vu-{}", guest.alias(&disk.info))
}

/// The device.
///
/// # Errors
/// `CONFIG_UNSUPPORTED` for a bus the emulator does not have, `INTERNAL_ERROR` for addresses that do not fit.
pub fn props(guest: &Guest<'_>, disk: &Disk) -> Result<Props> {
    let options = &disk.driver.options;
    let mut props = match disk.bus() {
        Some(DiskBus::Ide | DiskBus::Sata) => ata(guest, disk)?,
        Some(DiskBus::Scsi) => scsi(guest, disk)?,
        Some(DiskBus::Virtio) => virtio(guest, disk)?,
        Some(DiskBus::Usb) => Props::device("usb-storage").join(guest.address(&disk.info)?),
        Some(DiskBus::Fdc) if guest.machine().is_pseries() => {
            return Err(unsupported("PowerPC pseries machines do not support floppy device"));
        }
        Some(DiskBus::Fdc) => Props::device("floppy").with("unit", drive(disk)?.unit),
        bus => {
            return Err(internal(format!(
                "unsupported disk bus '{}' with device setup",
                bus.map_or("virtio", DiskBus::as_str)
            )));
        }
    };
    props = props.flag("share-rw", disk.rest.shareable && disk.bus() != Some(DiskBus::Fdc));
    match &disk.source.location {
        Location::VhostUser(_) => props.set("chardev", chardev_id(guest, disk)),
        _ => props.opt("drive", drive_node(disk)),
    }
    props.set("id", guest.alias(&disk.info));
    if disk.bus() != Some(DiskBus::Fdc) {
        props = props.join(guest.bootindex(&disk.info));
    }
    if let Some(blockio) = &disk.rest.blockio {
        props = props
            .maybe("logical_block_size", blockio.logical_block_size.filter(|size| *size > 0))
            .maybe("physical_block_size", blockio.physical_block_size.filter(|size| *size > 0))
            .maybe("discard_granularity", blockio.discard_granularity);
    }
    if let Some(geometry) = disk.rest.geometry.as_ref().filter(|geometry| geometry.cyls > 0) {
        props = props
            .with("cyls", geometry.cyls)
            .with("heads", geometry.heads)
            .with("secs", geometry.secs)
            .maybe("bios-chs-trans", geometry.trans.map(|trans| trans.as_str()).filter(|t| *t != "default"));
    }
    let wwn = disk.rest.wwn.as_ref().map(|wwn| {
        u64::from_str_radix(wwn.trim_start_matches("0x"), 16)
            .map_err(|_| internal(format!("Failed to parse disk wwn '{wwn}'")))
    });
    props = props
        .maybe("wwn", wwn.transpose()?)
        .maybe("rotation_rate", disk.rest.target.rotation_rate.filter(|rate| *rate > 0))
        .maybe("vendor", disk.rest.vendor.clone())
        .maybe("product", disk.rest.product.clone());
    match disk.bus() {
        Some(DiskBus::Usb) => {
            props.set("removable", disk.rest.target.removable.is_some_and(|on| on.is_true()))
        }
        _ => props = props.switch("removable", disk.rest.target.removable),
    }
    let write_cache = match options.cache {
        None | Some(CacheMode::Default) => None,
        Some(CacheMode::Writethrough | CacheMode::Directsync) => Some("off"),
        Some(_) => Some("on"),
    };
    let on_error = |policy: Option<ErrorPolicy>| {
        policy.map(|policy| match policy {
            ErrorPolicy::Enospace => "enospc",
            policy => policy.as_str(),
        })
    };
    let rerror =
        options.rerror_policy.or(options.error_policy.filter(|policy| *policy != ErrorPolicy::Enospace));
    Ok(props
        .maybe("write-cache", write_cache.filter(|_| !matches!(disk.source.location, Location::VhostUser(_))))
        // blanks stand escaped, as they always have: guests know their disks by it
        .maybe(
            "serial",
            disk.rest.serial.as_ref().map(|serial| serial.replace('\\', "\\\\").replace(' ', "\\ ")),
        )
        .switch("dpofua", disk.rest.target.dpofua)
        .maybe("werror", on_error(options.error_policy))
        .maybe("rerror", on_error(rerror))
        .maybe(
            "stats-intervals",
            (!options.statistics.is_empty()).then(|| {
                options.statistics.iter().map(|statistic| Value::from(statistic.interval)).collect::<Vec<_>>()
            }),
        ))
}

fn drive(disk: &Disk) -> Result<virtus_conf::domain::device::address::DriveAddress> {
    match &disk.info.address {
        Some(Address::Drive(drive)) => Ok(*drive),
        _ => Err(internal(format!(
            "unexpected address type for {} disk",
            disk.bus().map_or("", DiskBus::as_str)
        ))),
    }
}

fn ata(guest: &Guest<'_>, disk: &Disk) -> Result<Props> {
    let address = drive(disk)?;
    let driver = if disk.device == DiskDevice::Cdrom { "ide-cd" } else { "ide-hd" };
    let tag = disk.bus().map_or("ide", DiskBus::as_str);
    let controller = guest.controller_alias(tag, address.controller)?;
    Ok(match disk.bus() {
        // each SATA port is a bus of its own
        Some(DiskBus::Sata) => Props::device(driver).with("bus", format!("{controller}.{}", address.unit)),
        _ => Props::device(driver)
            .with("bus", format!("{controller}.{}", address.bus))
            .with("unit", address.unit),
    })
}

fn scsi(guest: &Guest<'_>, disk: &Disk) -> Result<Props> {
    let address = drive(disk)?;
    let driver = match disk.device {
        DiskDevice::Lun => "scsi-block",
        DiskDevice::Cdrom => "scsi-cd",
        _ => "scsi-hd",
    };
    let mut props = Props::device(driver).join(scsi_place(guest, &address)?);
    if disk.device != DiskDevice::Lun {
        let alias = guest.alias(&disk.info);
        props.set("device_id", disk.rest.serial.clone().unwrap_or_else(|| format!("drive-{alias}")));
    }
    Ok(props)
}

/// Where a unit is on its SCSI controller: only some of them have channels.
pub(super) fn scsi_place(
    guest: &Guest<'_>,
    address: &virtus_conf::domain::device::address::DriveAddress,
) -> Result<Props> {
    let controller = guest.domain.devices.controllers.iter().find(|controller| {
        matches!(controller.kind, ControllerKind::Scsi { .. }) && controller.index == Some(address.controller)
    });
    let Some(controller) = controller else {
        return Err(internal(format!("Unable to find a SCSI controller with index {}", address.controller)));
    };
    let bus = format!("{}.0", guest.alias(&controller.info));
    let flat = match controller.kind {
        ControllerKind::Scsi { model } => {
            matches!(
                model,
                Some(ScsiModel::Lsilogic | ScsiModel::Dc390 | ScsiModel::Am53c974 | ScsiModel::Ncr53c90)
            )
        }
        _ => false,
    };
    let props = Props::new().with("bus", bus);
    Ok(match flat {
        true => props.with("scsi-id", address.unit),
        false => props.with("channel", address.bus).with("scsi-id", address.target).with("lun", address.unit),
    })
}

fn virtio(guest: &Guest<'_>, disk: &Disk) -> Result<Props> {
    let options = &disk.driver.options;
    let model = disk.model.map_or(Virtio::Plain, Virtio::from);
    let base = match disk.source.location {
        Location::VhostUser(_) => "vhost-user-blk",
        _ => "virtio-blk",
    };
    Ok(guest
        .virtio(base, model, &options.virtio, &disk.info)?
        .switch("ioeventfd", options.ioeventfd)
        .switch("event_idx", options.event_idx)
        .maybe("num-queues", options.queues)
        .maybe("queue-size", options.queue_size.filter(|size| *size > 0))
        .maybe("iothread", options.iothread.map(|id| format!("iothread{id}")))
        .maybe("iothread-vq-mapping", options.iothreads.as_ref().map(iothread_map))
        .join(guest.address(&disk.info)?))
}

/// Which I/O threads serve which queues.
pub(super) fn iothread_map(map: &IoThreadMap) -> Value {
    let threads = map.iothreads.iter().map(|thread| {
        let name = format!("iothread{}", thread.id);
        match thread.queues.is_empty() {
            true => json!({"iothread": name}),
            false => {
                let queues: Vec<u32> = thread.queues.iter().map(|queue| queue.id).collect();
                json!({"iothread": name, "vqs": queues})
            }
        }
    });
    Value::Array(threads.collect())
}

/// Cards have no device of their own, so that only the old option makes them.
fn sd_card(disk: &Disk) -> Result<String> {
    use crate::command::line::escape;
    let mut text = String::new();
    if let Some(path) = disk.source.path() {
        text = format!("file={},format={},", escape(path), storage::disk_format(disk));
    }
    let index = virtus_conf::domain::device::disk::name_index(disk.dst())
        .ok_or_else(|| internal(format!("unsupported disk type '{}'", disk.dst())))?;
    text.push_str(&format!("if=sd,index={index}"));
    if disk.rest.readonly {
        text.push_str(",readonly=on");
    }
    Ok(text)
}

/// The order of floppies in the boot order is a property of their controller.
fn floppy_boot(build: &mut Build<'_>) -> Result<()> {
    let guest = build.guest;
    let mut orders = Props::new();
    let mut any = false;
    for disk in guest.domain.devices.disks.iter().filter(|disk| disk.bus() == Some(DiskBus::Fdc)) {
        any = true;
        let name = if drive(disk)?.unit == 0 { "bootindexA" } else { "bootindexB" };
        if let Value::Object(order) = guest.bootindex(&disk.info).into_json() {
            orders.opt(name, order.get("bootindex").cloned());
        }
    }
    if !any {
        return Ok(());
    }
    match guest.machine().is_q35() {
        true => build.device(Props::device("isa-fdc").join(orders)),
        false => {
            if let Value::Object(orders) = orders.into_json() {
                for (name, order) in orders {
                    build.line.option("global", format!("isa-fdc.{name}={order}"));
                }
            }
        }
    }
    Ok(())
}
