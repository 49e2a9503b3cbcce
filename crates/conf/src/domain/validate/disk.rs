//! Disks.

use std::collections::HashMap;

use virtus_base::{Error, ErrorCode, ErrorDomain, Result};

use super::{Known, no_virtio, printable, refuse, refuse_xml};
use crate::domain::device::Disk;
use crate::domain::device::address::Address;
use crate::domain::device::disk::{DiskBus, DiskDevice, IoTune, Sgio, SnapshotLocation, VirtioModel};
use crate::domain::device::storage::{
    BackingStore, EncryptionFormat, Location, NetProtocol, StartupPolicy, StorageSource,
};
use crate::domain::parse::{internal, unsupported, xml_error};
use crate::domain::seclabel::DeviceSecLabel;

/// The longest vendor and product a SCSI disk can tell.
const VENDOR_MAX: usize = 8;
const PRODUCT_MAX: usize = 16;

pub(super) fn disk(disk: &Disk, known: &Known<'_>) -> Result<()> {
    let (dst, rest) = (disk.dst(), &disk.rest);
    if rest.target.dev.is_none() {
        return Err(Error::new(ErrorDomain::DOMAIN, ErrorCode::NO_TARGET, told_source(&disk.source)));
    }
    chain(disk, &mut |s| source(s))?;
    let lun = disk.device == DiskDevice::Lun;
    refuse(&[(disk.sgio == Some(Sgio::Unfiltered), "unfiltered sgio is no longer supported")])?;
    if lun {
        whole_unit(&disk.source, disk.driver.format.as_deref())?;
    } else {
        let reservations = disk.source.common.reservations.is_some();
        refuse(&[
            (reservations, "<reservations/> allowed only for lun devices"),
            (disk.rawio.is_some(), "rawio can be used only with device='lun'"),
            (disk.sgio.is_some(), "sgio can be used only with device='lun'"),
        ])?;
    }
    limits(&rest.iotune)?;
    bus(disk)?;
    if let Location::Nvme(nvme) = &disk.source.location {
        refuse(&[(nvme.namespace.unwrap_or(0) == 0, "NVMe namespace can't be zero")])?;
    }
    if matches!(disk.source.location, Location::VhostUser(_)) {
        vhost_user(disk)?;
    }
    chain(disk, &mut |s| labels(&s.common.seclabels, known))?;
    let removable = matches!(disk.device, DiskDevice::Cdrom | DiskDevice::Floppy);
    refuse(&[(rest.target.tray.is_some() && !removable, "tray is only valid for cdrom and floppy")])?;
    for (what, text, max) in [("vendor", &rest.vendor, VENDOR_MAX), ("product", &rest.product, PRODUCT_MAX)] {
        if let Some(text) = text {
            if !printable(text) {
                return Err(xml_error(format!("disk {what} is not printable string")));
            }
            if text.len() > max {
                return Err(unsupported(format!("disk {what} is more than {max} characters")));
            }
        }
    }
    let fdc = disk.bus() == Some(DiskBus::Fdc);
    let bus = disk.bus().map_or("", DiskBus::as_str);
    match disk.device {
        DiskDevice::Floppy if !fdc => {
            return Err(internal(format!("Invalid bus type '{bus}' for floppy disk")));
        }
        DiskDevice::Floppy => {}
        _ if fdc => return Err(internal(format!("Invalid bus type '{bus}' for disk"))),
        _ => {}
    }
    if rest.target.removable.is_some() && !matches!(disk.bus(), Some(DiskBus::Usb | DiskBus::Scsi)) {
        return Err(xml_error("removable is only valid for usb or scsi disks"));
    }
    startup_policy(disk)?;
    if let Some(wwn) = &rest.wwn {
        let digits = wwn.strip_prefix("0x").unwrap_or(wwn);
        if digits.len() != 16 || !digits.bytes().all(|b| b.is_ascii_hexdigit()) {
            return Err(Error::internal(ErrorDomain::NONE, format!("Malformed wwn: {wwn}")));
        }
    }
    if let Some(store) = &disk.source.common.data_store {
        let inside = &store.source.common;
        refuse(&[
            (
                disk.driver.format.as_deref() != Some("qcow2"),
                "<dataStore> feature available only with qcow2 images",
            ),
            (store.format != "raw", "only 'raw' images supported as <dataStore>"),
            (
                inside.data_store.is_some(),
                "The <source> of <dataStore> can't have another nested <dataStore> or <backingStore> element",
            ),
            (!inside.slices.is_empty(), "slices are not supported for <dataStore>"),
        ])?;
    }
    driver(disk, known)?;
    let named = |prefixes: &[&str]| prefixes.iter().any(|p| dst.starts_with(p));
    match disk.device {
        DiskDevice::Disk | DiskDevice::Lun if !named(&["hd", "sd", "vd", "xvd", "ubd"]) => {
            Err(internal(format!("Invalid harddisk device name: {dst}")))
        }
        DiskDevice::Floppy if !dst.starts_with("fd") => {
            Err(internal(format!("Invalid floppy device name: {dst}")))
        }
        DiskDevice::Disk if disk.source.is_empty() => {
            Err(Error::new(ErrorDomain::DOMAIN, ErrorCode::NO_SOURCE, dst))
        }
        _ => Ok(()),
    }
}

/// How libvirt calls the source of a disk without a name.
fn told_source(source: &StorageSource) -> String {
    match &source.location {
        Location::Volume(volume) => {
            let told = |text: &Option<String>| text.clone().unwrap_or_else(|| "(null)".to_owned());
            format!("pool = '{}', volume = '{}'", told(&volume.pool), told(&volume.volume))
        }
        Location::Network(network) => {
            let name = network.name.as_deref().unwrap_or_default();
            // of these the first part is the pool or the volume
            let split = matches!(network.protocol, Some(NetProtocol::Rbd | NetProtocol::Gluster));
            name.split_once('/').filter(|_| split).map_or(name, |(_, image)| image).to_owned()
        }
        Location::VhostUser(_) => String::new(),
        _ => source.path().unwrap_or_default().to_owned(),
    }
}

fn driver(disk: &Disk, known: &Known<'_>) -> Result<()> {
    let (options, rest) = (&disk.driver.options, &disk.rest);
    let no_unref = options.discard_no_unref.is_some_and(|d| d.is_true());
    refuse(&[
        (
            no_unref && disk.driver.format.as_deref() != Some("qcow2"),
            "'discard_no_unref' only works with qcow2 disk format",
        ),
        (no_unref && rest.readonly, "'discard_no_unref' is not compatible with read-only disk"),
        (
            options.iothread.is_some() && options.iothreads.is_some(),
            "disk driver 'iothread' attribute can't be used together with 'iothreads' subelement",
        ),
    ])?;
    if rest.throttlefilters.is_empty() {
        return Ok(());
    }
    if rest.iotune != IoTune::default() {
        let dst = disk.dst();
        return Err(unsupported(format!(
            "block 'throttlefilters' can't be used together with 'iotune' for disk '{dst}'"
        )));
    }
    refuse(&[(disk.device == DiskDevice::Cdrom, "cdrom device with throttle filters isn't supported")])?;
    for filter in &rest.throttlefilters {
        if !known.throttle_groups.contains(filter.group.as_str()) {
            return Err(xml_error(format!("throttle group '{}' not found", filter.group)));
        }
    }
    Ok(())
}

/// Calls `check` with each source of the chain, the top first.
fn chain(disk: &Disk, check: &mut dyn FnMut(&StorageSource) -> Result<()>) -> Result<()> {
    check(&disk.source)?;
    let mut next = disk.backing.as_ref();
    while let Some(BackingStore::Image(image)) = next {
        check(&image.source)?;
        next = image.backing.as_ref();
    }
    Ok(())
}

fn source(source: &StorageSource) -> Result<()> {
    if source.network().is_some_and(|n| n.protocol == Some(NetProtocol::Sheepdog)) {
        return Err(unsupported("'sheepdog' protocol is no longer supported by any hypervisor driver"));
    }
    cookies(source)?;
    if let (Some(network), Some(auth)) = (source.network(), &source.common.auth) {
        use NetProtocol as P;
        if let Some(protocol) = network
            .protocol
            .filter(|p| matches!(p, P::Nbd | P::Sheepdog | P::Gluster | P::Tftp | P::Vxhs | P::Nfs))
        {
            return Err(unsupported(format!("authentication is not supported for protocol '{protocol}'")));
        }
        let kind = auth.secret.kind.as_deref();
        let known = ["none", "volume", "ceph", "iscsi", "tls", "vtpm"];
        let Some(kind) = kind.filter(|k| known.contains(k)) else {
            return Err(unsupported(format!("unknown secret type '{}'", kind.unwrap_or("<null>"))));
        };
        let wanted = match network.protocol {
            Some(P::Iscsi) => Some("iscsi"),
            Some(P::Rbd) => Some("ceph"),
            _ => None,
        };
        if wanted.is_some_and(|wanted| wanted != kind) {
            return Err(unsupported(format!("invalid secret type '{kind}'")));
        }
    }
    if let Some(encryption) = &source.common.encryption {
        let luks = encryption.format == EncryptionFormat::Luks && encryption.cipher.is_some();
        refuse(&[(luks, "supplying <cipher> for domain disk definition is unnecessary")])?;
    }
    Ok(())
}

fn cookies(source: &StorageSource) -> Result<()> {
    let cookies = source.network().map(|n| n.cookies.as_slice()).unwrap_or_default();
    let last: HashMap<&str, usize> = cookies.iter().map(|cookie| cookie.name.as_str()).zip(0..).collect();
    for (i, cookie) in cookies.iter().enumerate() {
        if last.get(cookie.name.as_str()).is_some_and(|last| *last > i) {
            return Err(Error::new(
                ErrorDomain::STORAGE,
                ErrorCode::XML_ERROR,
                format!("duplicate cookie '{}'", cookie.name),
            ));
        }
    }
    Ok(())
}

/// A unit handed to the guest whole has to be one on the host.
fn whole_unit(source: &StorageSource, format: Option<&str>) -> Result<()> {
    match &source.location {
        Location::Network(network) => {
            if let Some(protocol) = network.protocol.filter(|p| *p != NetProtocol::Iscsi) {
                let text = format!("disk device='lun' is not supported for protocol='{protocol}'");
                return Err(unsupported(text));
            }
        }
        Location::Block(_) | Location::Volume(_) => {}
        _ => return Err(unsupported("disk device='lun' is only valid for block type disk source")),
    }
    let encrypted = source.common.encryption.as_ref().is_some_and(|e| e.format != EncryptionFormat::Default);
    refuse(&[
        (format.is_some_and(|f| f != "raw"), "disk device 'lun' must use 'raw' format"),
        (!source.common.slices.is_empty(), "disk device 'lun' doesn't support storage slice"),
        (encrypted, "disk device 'lun' doesn't support encryption"),
    ])
}

fn limits(tune: &IoTune) -> Result<()> {
    let set = |v: Option<u64>| v.is_some_and(|v| v != 0);
    let both = |total, read, write| set(total) && (set(read) || set(write));
    refuse_xml(&[
        (
            both(tune.total_bytes_sec, tune.read_bytes_sec, tune.write_bytes_sec),
            "total and read/write bytes_sec cannot be set at the same time",
        ),
        (
            both(tune.total_iops_sec, tune.read_iops_sec, tune.write_iops_sec),
            "total and read/write iops_sec cannot be set at the same time",
        ),
        (
            both(tune.total_bytes_sec_max, tune.read_bytes_sec_max, tune.write_bytes_sec_max),
            "total and read/write bytes_sec_max cannot be set at the same time",
        ),
        (
            both(tune.total_iops_sec_max, tune.read_iops_sec_max, tune.write_iops_sec_max),
            "total and read/write iops_sec_max cannot be set at the same time",
        ),
    ])
}

fn bus(disk: &Disk) -> Result<()> {
    let Some(bus) = disk.bus() else { return Ok(()) };
    let drives = matches!(bus, DiskBus::Ide | DiskBus::Fdc | DiskBus::Scsi | DiskBus::Sata);
    if let (true, Some(address)) = (drives, &disk.info.address)
        && !matches!(address, Address::Drive(_))
    {
        return Err(unsupported(format!(
            "Invalid address type '{}' for the disk '{}' with the bus type '{bus}'",
            address.tag(),
            disk.dst()
        )));
    }
    if bus == DiskBus::Virtio {
        return Ok(());
    }
    if let Some(model) = disk.model.filter(|m| VirtioModel::ALL.contains(m)) {
        return Err(unsupported(format!("disk model '{model}' not supported for bus '{bus}'")));
    }
    let options = &disk.driver.options;
    refuse(&[
        (
            options.queues.is_some_and(|q| q != 0),
            "queues attribute in disk driver element is only supported for virtio bus",
        ),
        (
            options.queue_size.is_some_and(|q| q != 0),
            "queue_size attribute in disk driver is only supported for virtio bus",
        ),
        (options.event_idx.is_some(), "disk event_idx mode supported only for virtio bus"),
        (options.ioeventfd.is_some(), "disk ioeventfd mode supported only for virtio bus"),
    ])?;
    no_virtio(&options.virtio)
}

fn vhost_user(disk: &Disk) -> Result<()> {
    let (options, rest, common) = (&disk.driver.options, &disk.rest, &disk.source.common);
    let no_snapshot = disk.snapshot.is_none_or(|s| s == SnapshotLocation::No);
    refuse(&[
        (disk.bus() != Some(DiskBus::Virtio), "vhostuser disk supports only virtio bus"),
        (!no_snapshot, "only snapshot=no is supported with vhostuser disk"),
    ])?;
    let given = [
        (options.cache.is_some(), "cache"),
        (options.error_policy.is_some() || options.rerror_policy.is_some(), "error_policy"),
        (options.io.is_some(), "io"),
        (options.ioeventfd.is_some(), "ioeventfd"),
        (options.copy_on_read.is_some(), "copy_on_read"),
        (options.discard.is_some(), "discard"),
        (options.iothread.is_some(), "iothread"),
        (options.detect_zeroes.is_some(), "detect_zeroes"),
        (disk.driver.metadata_cache_max.is_some(), "metadata_cache"),
        (rest.iotune != IoTune::default(), "iotune"),
        (disk.backing.is_some(), "backingStore"),
        (common.encryption.is_some(), "encryption"),
        (rest.readonly, "readonly"),
        (rest.shareable, "shareable"),
        (rest.transient.is_some(), "transient"),
        (rest.serial.is_some(), "serial"),
        (rest.wwn.is_some(), "wwn"),
        (rest.vendor.is_some(), "vendor"),
        (rest.product.is_some(), "product"),
        (common.auth.is_some(), "auth"),
        (rest.geometry.is_some(), "geometry"),
        (rest.blockio.is_some(), "blockio"),
    ];
    match given.iter().find(|(given, _)| *given) {
        Some((_, what)) => Err(unsupported(format!("{what} is not supported with vhostuser disk"))),
        None => Ok(()),
    }
}

/// Refuses a device's own label where the domain's says that nothing is relabelled.
pub(super) fn labels(labels: &[DeviceSecLabel], known: &Known<'_>) -> Result<()> {
    let fixed = labels.iter().any(|label| known.fixed_labels.contains(&label.model.as_deref()));
    refuse(&[(fixed, "label overrides require relabeling to be enabled at the domain level")])
}

fn startup_policy(disk: &Disk) -> Result<()> {
    let Some(policy) = disk.source.common.startup_policy else { return Ok(()) };
    let local = matches!(
        disk.source.location,
        Location::File(_) | Location::Block(_) | Location::Dir(_) | Location::Volume(_)
    );
    if !local {
        let kind = disk.source.location.tag();
        return Err(xml_error(format!(
            "disk startupPolicy '{policy}' is not allowed for disk of '{kind}' type"
        )));
    }
    let removable = matches!(disk.device, DiskDevice::Cdrom | DiskDevice::Floppy);
    refuse_xml(&[(
        policy == StartupPolicy::Requisite && !removable,
        "disk startupPolicy 'requisite' is allowed only for cdrom or floppy",
    )])
}
