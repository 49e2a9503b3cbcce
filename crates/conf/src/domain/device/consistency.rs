//! Contradictions between devices that libvirt refuses while it reads, also in definitions that are on disk already.

use virtus_base::{Error, ErrorCode, ErrorDomain, Result};

use super::controller::{Controller, ControllerKind, UsbModel};
use super::hostdev::HostDevSource;
use super::input::InputBus;
use super::{DeviceKind, Devices};
use crate::domain::parse::{internal, unsupported, xml_error};

/// A contradiction, which libvirt tells with the number of a syntax error.
fn detail_error(text: &str) -> Error {
    Error::new(ErrorDomain::DOMAIN, ErrorCode::XML_DETAIL, text)
}

/// What is wrong with devices of `kind` before they are looked at: there are `count` of them.
pub(super) fn before(kind: DeviceKind, count: usize, devices: &Devices) -> Result<()> {
    let only = |what: &str| xml_error(format!("only a single {what} device is supported"));
    match kind {
        _ if count < 2 => {}
        DeviceKind::MemBalloon => {
            return Err(internal("only a single memory balloon device is supported"));
        }
        DeviceKind::RedirFilter => {
            return Err(internal("only one set of redirection filter rule is supported"));
        }
        DeviceKind::Nvram => return Err(only("nvram")),
        DeviceKind::Iommu => return Err(only("IOMMU")),
        DeviceKind::Vsock => return Err(only("vsock")),
        DeviceKind::Pstore => return Err(only("pstore")),
        _ => {}
    }
    if kind == DeviceKind::Hub && count > 0 && !has_usb(devices) {
        return Err(unsupported("Can't add USB hub: USB is disabled for this domain"));
    }
    Ok(())
}

/// What is wrong with devices of `kind`, as they are, and the kinds before it.
pub(super) fn after(kind: DeviceKind, devices: &Devices) -> Result<()> {
    match kind {
        DeviceKind::Controller => usb(devices),
        DeviceKind::Input if !has_usb(devices) => {
            let on_usb = devices.inputs.iter().any(|input| input.bus == Some(InputBus::Usb));
            match on_usb {
                true => Err(unsupported("Can't add USB input device. USB bus is disabled")),
                false => Ok(()),
            }
        }
        DeviceKind::HostDev if !has_usb(devices) => {
            let usb = devices.hostdevs.iter().any(|host| matches!(host.source, HostDevSource::Usb(_)));
            match usb {
                true => Err(unsupported("Can't add host USB device: USB is disabled in this host")),
                false => Ok(()),
            }
        }
        _ => Ok(()),
    }
}

fn usb_controllers(devices: &Devices) -> impl Iterator<Item = &Controller> {
    devices.controllers.iter().filter(|c| matches!(c.kind, ControllerKind::Usb { .. }))
}

/// Whether nobody says that there is no USB.
fn has_usb(devices: &Devices) -> bool {
    let none = |c: &Controller| matches!(c.kind, ControllerKind::Usb { model: Some(UsbModel::None), .. });
    !devices.controllers.iter().any(none)
}

fn usb(devices: &Devices) -> Result<()> {
    let usb = || usb_controllers(devices);
    let none = |c: &Controller| matches!(c.kind, ControllerKind::Usb { model: Some(UsbModel::None), .. });
    if !has_usb(devices) && usb().count() > 1 {
        return Err(detail_error("Can't add another USB controller: USB is disabled for this domain"));
    }
    // a companion controller says which port of its master it begins at
    if usb().any(|c| !none(c)) && usb().all(|c| c.info.master.is_some()) {
        return Err(detail_error("No master USB controller specified"));
    }
    Ok(())
}
