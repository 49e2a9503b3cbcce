//! USB: ports for devices, and hubs when there are too few ports.

mod ports;

use virtus_base::{Error, ErrorCode, ErrorDomain, Result};
use virtus_conf::domain::Domain;
use virtus_conf::domain::device::address::{Address, UsbAddress};
use virtus_conf::domain::device::console::SerialType;
use virtus_conf::domain::device::controller::{Controller, ControllerKind, UsbModel};
use virtus_conf::domain::device::disk::DiskBus;
use virtus_conf::domain::device::hostdev::HostDevSource;
use virtus_conf::domain::device::hub::{Hub, HubType};
use virtus_conf::domain::device::input::InputBus;
use virtus_conf::domain::device::redirdev::RedirBus;
use virtus_conf::domain::device::sound::SoundModel;
use virtus_conf::domain::device::{DeviceInfo, Devices};

use ports::{HUB_PORTS, UsbBuses};

/// Calls `visit` with each USB device but hubs, in the order in which ports are handed out.
fn each(devices: &mut Devices, mut visit: impl FnMut(&mut DeviceInfo) -> Result<()>) -> Result<()> {
    macro_rules! visit {
        ($($device:ident in $list:ident where $usb:expr;)*) => {$(
            for $device in &mut devices.$list {
                if $usb {
                    visit(&mut $device.info)?;
                }
            }
        )*};
    }
    visit! {
        hostdev in hostdevs where matches!(hostdev.source, HostDevSource::Usb(_));
        disk in disks where disk.bus() == Some(DiskBus::Usb);
        interface in interfaces where interface.rest.model.as_deref() == Some("usb-net");
        controller in controllers where matches!(controller.kind, ControllerKind::Ccid { .. });
        input in inputs where input.bus == Some(InputBus::Usb);
        serial in serials where serial.target.kind == Some(SerialType::Usb);
        sound in sounds where sound.model == SoundModel::Usb;
        redirdev in redirdevs where redirdev.bus == RedirBus::Usb;
    }
    Ok(())
}

/// How many ports a controller offers; the companions of a USB 2 controller offer none of their own.
fn port_count(controller: &Controller) -> usize {
    let ControllerKind::Usb { model, ports } = &controller.kind else { return 0 };
    let own =
        |standard| ports.and_then(|ports| usize::try_from(ports).ok()).unwrap_or(standard).min(MOST_PORTS);
    match model {
        None | Some(UsbModel::Piix3Uhci | UsbModel::Piix4Uhci | UsbModel::Vt82c686bUhci) => 2,
        Some(UsbModel::Ehci | UsbModel::Ich9Ehci1) => 6,
        Some(UsbModel::PciOhci) => 3,
        Some(UsbModel::NecXhci | UsbModel::QemuXhci) => own(4),
        Some(UsbModel::Qusb1 | UsbModel::Qusb2) => own(8),
        Some(UsbModel::Ich9Uhci1 | UsbModel::Ich9Uhci2 | UsbModel::Ich9Uhci3 | UsbModel::None) => 0,
    }
}

/// More than any controller has.
const MOST_PORTS: usize = 255;

/// The USB address, if the device has one with a port.
fn complete(info: &DeviceInfo) -> Option<&UsbAddress> {
    match &info.address {
        Some(Address::Usb(usb)) if usb.port.first().is_some_and(|port| *port != 0) => Some(usb),
        _ => None,
    }
}

/// Whether the guest has no USB: the definition rules it out, or the machine comes without.
fn disabled(devices: &Devices) -> bool {
    !devices.controllers.iter().any(|controller| {
        matches!(controller.kind, ControllerKind::Usb { model, .. } if model != Some(UsbModel::None))
    })
}

/// Gives every USB device a port, adding hubs when there are too few ports.
///
/// # Errors
/// `XML_ERROR` for ports that do not exist or are taken twice, `CONFIG_UNSUPPORTED` for USB devices without USB,
/// `INTERNAL_ERROR` when no port is left.
pub(super) fn assign(domain: &mut Domain) -> Result<()> {
    let devices = &mut domain.devices;
    add_hubs(devices)?;

    let mut buses = UsbBuses::default();
    for controller in &devices.controllers {
        let count = port_count(controller);
        if count > 0 {
            buses.add_controller(controller.index.unwrap_or_default(), count)?;
        }
    }
    for hub in &devices.hubs {
        if let Some(usb) = complete(&hub.info) {
            buses.add_hub(usb)?;
        }
    }
    each(devices, |info| complete(info).map_or(Ok(()), |usb| buses.reserve(usb)))?;
    for hub in &mut devices.hubs {
        if choose(&mut buses, &mut hub.info)?
            && let Some(usb) = complete(&hub.info)
        {
            buses.release(usb);
            buses.add_hub(usb)?;
        }
    }
    each(devices, |info| choose(&mut buses, info).map(drop))
}

/// Chooses a port for a device that has none; says whether it did.
fn choose(buses: &mut UsbBuses, info: &mut DeviceInfo) -> Result<bool> {
    let wanted = match &info.address {
        None => None,
        Some(Address::Usb(usb)) if complete(info).is_none() => Some(usb.bus),
        Some(_) => return Ok(false),
    };
    info.address = Some(Address::Usb(buses.assign(wanted)?));
    Ok(true)
}

fn add_hubs(devices: &mut Devices) -> Result<()> {
    let offered: usize = devices.controllers.iter().map(port_count).sum();
    let available = offered + HUB_PORTS * devices.hubs.len();
    let mut needed = devices.hubs.len();
    each(devices, |_| {
        needed += 1;
        Ok(())
    })?;
    if needed > 0 && disabled(devices) {
        return Err(Error::new(
            ErrorDomain::QEMU,
            ErrorCode::CONFIG_UNSUPPORTED,
            "USB is disabled for this domain, but USB devices are present in the domain XML",
        ));
    }
    if needed > available {
        // each hub takes a port and offers eight
        for _ in 0..(needed - available + 1).div_ceil(HUB_PORTS - 1) {
            devices.hubs.push(Hub { kind: HubType::Usb, info: DeviceInfo::default() });
        }
    }
    Ok(())
}
