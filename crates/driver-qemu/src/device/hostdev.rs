//! Devices of the host handed to the guest.

use virtus_base::{Error, ErrorCode, ErrorDomain, Result};
use virtus_conf::domain::device::hostdev::{
    GuestReset, HostDevSource, Mdev, MdevModel, ScsiHostAdapter, ScsiSource, UsbHost,
};
use virtus_conf::domain::device::{Address, DeviceInfo, HostDev, VirtioOptions};
use virtus_xml::OnOff;

use super::part::Part;
use super::{Virtio, disk, storage};
use crate::command::build::Build;
use crate::command::guest::{Guest, internal, unsupported};
use crate::command::props::Props;

/// All devices that are handed over.
pub(crate) fn add(build: &mut Build<'_>) -> Result<()> {
    let guest = build.guest;
    for hostdev in &guest.domain.devices.hostdevs {
        match &hostdev.source {
            HostDevSource::Scsi(scsi) => {
                if let Some((id, _)) = storage::iscsi_secret(hostdev) {
                    build.line.json("object", &storage::secret_object(&guest, &id)?);
                }
                build.line.json("blockdev", &scsi_node(&guest, hostdev, &scsi.source)?);
                build.device(scsi_props(&guest, hostdev)?);
            }
            HostDevSource::Storage { .. } | HostDevSource::Misc { .. } | HostDevSource::Net { .. } => {
                return Err(unsupported(format!(
                    "hostdev mode 'capabilities' is not supported in {}",
                    "qemu"
                )));
            }
            HostDevSource::Pci(_) if matches!(hostdev.info.address, Some(Address::Unassigned)) => {}
            _ => build.device(props(&guest, hostdev)?),
        }
    }
    Ok(())
}

/// What a device that is handed over is made of; nothing when QEMU is not told of it.
///
/// # Errors
/// As [`props`].
pub(super) fn parts(guest: &Guest<'_>, hostdev: &HostDev) -> Result<Vec<Part>> {
    let mut parts = Vec::new();
    match &hostdev.source {
        HostDevSource::Pci(_) if matches!(hostdev.info.address, Some(Address::Unassigned)) => {
            return Ok(parts);
        }
        HostDevSource::Scsi(scsi) => {
            if let Some((id, _)) = storage::iscsi_secret(hostdev) {
                parts.push(Part::Object(storage::secret_object(guest, &id)?));
            }
            parts.push(Part::Block(scsi_node(guest, hostdev, &scsi.source)?));
        }
        _ => {}
    }
    parts.push(Part::Device(props(guest, hostdev)?));
    Ok(parts)
}

/// The device.
///
/// # Errors
/// `CONFIG_UNSUPPORTED` for what QEMU cannot hand over, `INTERNAL_ERROR` for an incomplete source.
pub fn props(guest: &Guest<'_>, hostdev: &HostDev) -> Result<Props> {
    match &hostdev.source {
        HostDevSource::Usb(usb) => usb_props(guest, hostdev, usb),
        HostDevSource::Pci(pci) => {
            let on = |value: Option<OnOff>| value.is_some_and(|value| value.is_true());
            let mut props = vfio(guest, &pci.address.to_string(), &hostdev.info)?;
            if on(pci.ramfb) {
                props.set("driver", "vfio-pci-nohotplug");
                props.set("ramfb", true);
            }
            Ok(props.maybe("display", pci.display.map(OnOff::as_str)).maybe(
                "failover_pair_id",
                hostdev.teaming.as_ref().and_then(|teaming| teaming.persistent.clone()),
            ))
        }
        HostDevSource::Scsi(_) => scsi_props(guest, hostdev),
        HostDevSource::ScsiHost(host) => vhost_scsi(guest, hostdev, host),
        HostDevSource::Mdev(mdev) => mdev_props(guest, hostdev, mdev),
        _ => Err(unsupported("hostdev mode 'capabilities' is not supported in qemu")),
    }
}

/// A PCI device through VFIO.
pub(super) fn vfio(guest: &Guest<'_>, host: &str, info: &DeviceInfo) -> Result<Props> {
    Ok(Props::device("vfio-pci")
        .with("host", host)
        .with("id", guest.alias(info))
        .join(guest.bootindex(info))
        .join(guest.address(info)?)
        .join(guest.rom(info)))
}

fn usb_props(guest: &Guest<'_>, hostdev: &HostDev, usb: &UsbHost) -> Result<Props> {
    let mut props = Props::device("usb-host");
    match usb.address.as_ref().map(|address| (address.bus.unwrap_or(0), address.device)) {
        Some((bus, Some(device))) if guest.has("usb-host.hostdevice") => {
            props.set("hostdevice", format!("/dev/bus/usb/{bus:03}/{device:03}"));
        }
        Some((bus, Some(device))) => {
            props.set("hostbus", bus);
            props.set("hostaddr", device);
        }
        _ => {
            if usb.vendor.is_none() {
                return Err(internal("USB host device is missing bus/device information"));
            }
            props = props.maybe("vendorid", usb.vendor).maybe("productid", usb.product);
        }
    }
    props.set("id", guest.alias(&hostdev.info));
    props = match usb.guest_reset {
        Some(GuestReset::Off) => props.with("guest-reset", false),
        Some(GuestReset::Uninitialized) => props.with("guest-reset", true).with("guest-resets-all", false),
        Some(GuestReset::On) => props.with("guest-reset", true).with("guest-resets-all", true),
        None => props,
    };
    Ok(props.join(guest.bootindex(&hostdev.info)).join(guest.address(&hostdev.info)?))
}

fn mdev_props(guest: &Guest<'_>, hostdev: &HostDev, mdev: &Mdev) -> Result<Props> {
    let ramfb = mdev.ramfb.is_some_and(|on| on.is_true());
    let driver = match mdev.model {
        MdevModel::VfioPci if ramfb => "vfio-pci-nohotplug",
        MdevModel::VfioPci => "vfio-pci",
        MdevModel::VfioCcw => "vfio-ccw",
        MdevModel::VfioAp => "vfio-ap",
    };
    Ok(Props::device(driver)
        .with("id", guest.alias(&hostdev.info))
        .with("sysfsdev", format!("/sys/bus/mdev/devices/{}", mdev.uuid))
        .maybe("display", mdev.display.map(OnOff::as_str))
        .flag("ramfb", ramfb)
        .join(guest.bootindex(&hostdev.info))
        .join(guest.address(&hostdev.info)?))
}

fn vhost_scsi(guest: &Guest<'_>, hostdev: &HostDev, host: &ScsiHostAdapter) -> Result<Props> {
    let alias = guest.alias(&hostdev.info);
    let handed = guest.context.handed.get(&alias).cloned();
    let fd = handed.or_else(|| guest.context.device_fds.get(&alias).map(i32::to_string));
    let fd = fd.ok_or_else(|| {
        let text = "vhost-scsi device file '/dev/vhost-scsi' cannot be found";
        Error::new(ErrorDomain::NONE, ErrorCode::CONFIG_UNSUPPORTED, text)
    })?;
    let model = host.model.map_or(Virtio::Plain, Virtio::from);
    Ok(guest
        .virtio("vhost-scsi", model, &VirtioOptions::default(), &hostdev.info)?
        .with("wwpn", host.wwpn.clone())
        .with("vhostfd", fd)
        .with("id", alias)
        .join(guest.address(&hostdev.info)?))
}

fn node_name(guest: &Guest<'_>, hostdev: &HostDev) -> String {
    format!("libvirt-{}-backend", guest.alias(&hostdev.info))
}

fn scsi_node(guest: &Guest<'_>, hostdev: &HostDev, source: &ScsiSource) -> Result<Props> {
    let node = node_name(guest, hostdev);
    let props = match source {
        ScsiSource::Host { adapter, bus, target, unit } => {
            let place = format!("{}:{bus}:{target}:{unit}", adapter.trim_start_matches("scsi_host"));
            let device = guest.context.scsi_generic.get(&place).ok_or_else(|| {
                let path = format!("/sys/bus/scsi/devices/{place}/scsi_generic");
                Error::system(
                    ErrorDomain::NONE,
                    format!("cannot open directory '{path}'"),
                    &std::io::Error::from_raw_os_error(2),
                )
            })?;
            Props::device("host_device").with("filename", format!("/dev/{device}"))
        }
        ScsiSource::Iscsi { name, hosts, auth, initiator } => {
            let name = name.as_deref().unwrap_or_default();
            let (target, lun) = name.rsplit_once('/').unwrap_or((name, "0"));
            let lun: u32 = lun
                .parse()
                .map_err(|_| internal(format!("Failed to parse target for iSCSI source '{name}'")))?;
            let host = hosts.first().cloned().unwrap_or_default();
            let portal =
                format!("{}:{}", host.name.unwrap_or_default(), host.port.as_deref().unwrap_or("3260"));
            Props::device("iscsi")
                .with("portal", portal)
                .with("target", target)
                .with("lun", lun)
                .with("transport", "tcp")
                .maybe("user", auth.as_ref().map(|auth| auth.username.clone()))
                .maybe("password-secret", storage::iscsi_secret(hostdev).map(|(id, _)| id))
                .maybe("initiator-name", initiator.clone())
        }
    };
    Ok(props.with("node-name", node).with("read-only", hostdev.readonly))
}

fn scsi_props(guest: &Guest<'_>, hostdev: &HostDev) -> Result<Props> {
    let Some(Address::Drive(address)) = &hostdev.info.address else {
        return Err(internal("unexpected address type for SCSI host device"));
    };
    Ok(Props::device("scsi-generic")
        .join(disk::scsi_place(guest, address)?)
        .flag("share-rw", hostdev.shareable)
        .with("drive", node_name(guest, hostdev))
        .with("id", guest.alias(&hostdev.info))
        .join(guest.bootindex(&hostdev.info)))
}
