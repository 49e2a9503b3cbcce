//! Devices that others bring with them: controllers for what is plugged into them, the console of the first
//! serial port, a card for the screen.

use std::collections::HashSet;

use virtus_base::Result;

use super::order;
use crate::domain::Domain;
use crate::domain::device::Devices;
use crate::domain::device::address::{Address, CcidAddress, DriveAddress};
use crate::domain::device::console::{ChannelTarget, Console, ConsoleType, Serial, SerialTarget, SerialType};
use crate::domain::device::controller::{Controller, ControllerDriver, ControllerKind};
use crate::domain::device::disk::DiskBus;
use crate::domain::device::hostdev::{HostDev, HostDevSource};
use crate::domain::device::info::DeviceInfo;
use crate::domain::device::video::Video;
use crate::domain::os::OsType;
use crate::domain::parse::unsupported;

/// The addresses that SCSI devices of the host have.
pub(crate) fn scsi_addresses(hostdevs: &[HostDev]) -> HashSet<DriveAddress> {
    let scsi = hostdevs.iter().filter(|h| matches!(h.source, HostDevSource::Scsi(_)));
    scsi.filter_map(|h| h.info.drive().copied()).collect()
}

/// Adds controllers of one kind, but for those that are there.
fn ensure(devices: &mut Devices, kind: &ControllerKind, indexes: impl IntoIterator<Item = u32>) {
    let same = devices.controllers.iter().filter(|c| c.kind.tag() == kind.tag());
    let mut there: HashSet<u32> = same.filter_map(|c| c.index).collect();
    let missing = indexes.into_iter().filter(|index| there.insert(*index));
    let new: Vec<Controller> = missing
        .map(|index| {
            let (driver, info) = (ControllerDriver::default(), DeviceInfo::default());
            Controller { kind: kind.clone(), index: Some(index), driver, info }
        })
        .collect();
    if !new.is_empty() {
        order::insert_controllers(&mut devices.controllers, new);
    }
}

/// Adds the controllers that devices say they are plugged into.
pub(super) fn controllers(domain: &mut Domain) {
    let devices = &mut domain.devices;
    for (bus, kind) in [
        (DiskBus::Scsi, ControllerKind::Scsi { model: None }),
        (DiskBus::Fdc, ControllerKind::Fdc { model: None }),
        (DiskBus::Ide, ControllerKind::Ide { model: None }),
        (DiskBus::Sata, ControllerKind::Sata { model: None }),
    ] {
        let named = devices.disks.iter().filter(|d| d.bus() == Some(bus)).filter_map(|d| drive(&d.info));
        let highest = named.max();
        ensure(devices, &kind, upto(highest));
    }
    let index = |info: &DeviceInfo| match &info.address {
        Some(Address::VirtioSerial(address)) => address.controller,
        _ => 0,
    };
    let channels = devices.channels.iter().filter(|c| matches!(c.target, ChannelTarget::Virtio { .. }));
    let consoles = devices.consoles.iter().filter(|c| c.kind == Some(ConsoleType::Virtio));
    let wanted: Vec<u32> = channels.map(|c| index(&c.info)).chain(consoles.map(|c| index(&c.info))).collect();
    ensure(devices, &ControllerKind::VirtioSerial { model: None, ports: None, vectors: None }, wanted);
    smartcards(devices);
    let scsi = devices.hostdevs.iter().filter(|h| matches!(h.source, HostDevSource::Scsi(_)));
    let highest = scsi.filter_map(|h| drive(&h.info)).max();
    ensure(devices, &ControllerKind::Scsi { model: None }, upto(highest));
}

/// The indexes up to `highest`; a bound keeps one absurd number from adding millions of controllers.
fn upto(highest: Option<u32>) -> impl Iterator<Item = u32> {
    (0..=highest.unwrap_or(0).min(4095)).filter(move |_| highest.is_some())
}

fn drive(info: &DeviceInfo) -> Option<u32> {
    info.drive().map(|address| address.controller)
}

fn smartcards(devices: &mut Devices) {
    let address = |info: &DeviceInfo| match &info.address {
        Some(Address::Ccid(address)) => Some(*address),
        _ => None,
    };
    let used = devices.smartcards.iter().filter_map(|card| address(&card.info));
    let after = |slot: u32| slot.saturating_add(1);
    let mut free = used.filter(|a| a.controller == 0).map(|a| after(a.slot)).max().unwrap_or(0);
    let mut wanted = Vec::new();
    for card in &mut devices.smartcards {
        if card.info.address.is_none() {
            card.info.address = Some(Address::Ccid(CcidAddress { controller: 0, slot: free }));
            free = after(free);
        }
        wanted.extend(address(&card.info).map(|address| address.controller));
    }
    ensure(devices, &ControllerKind::Ccid { model: None }, wanted);
}

/// Whether a serial port can be the guest's console.
fn can_be_console(serial: &Serial) -> bool {
    !matches!(serial.target.kind, Some(SerialType::Usb | SerialType::Pci | SerialType::IsaDebug))
}

/// The first console of a full guest is its first serial port: whichever is missing is made of the other.
pub(super) fn console(domain: &mut Domain) -> Result<()> {
    if domain.os.kind.name != OsType::Hvm {
        return Ok(());
    }
    let devices = &mut domain.devices;
    if devices.consoles.iter().skip(1).any(|c| c.kind.is_none_or(|k| k == ConsoleType::Serial)) {
        return Err(unsupported("Only the first console can be a serial port"));
    }
    match (devices.consoles.first(), devices.serials.first()) {
        (Some(console), None) if console.kind.is_none_or(|k| k == ConsoleType::Serial) => {
            devices.serials.push(Serial {
                chardev: console.chardev.clone(),
                target: SerialTarget { kind: None, port: Some(0), model: None },
                info: console.info.clone(),
            });
        }
        (first, Some(serial))
            if can_be_console(serial)
                && first.is_none_or(|c| c.kind.is_some_and(|k| k != ConsoleType::Serial)) =>
        {
            let console = Console {
                chardev: serial.chardev.clone(),
                kind: Some(ConsoleType::Serial),
                port: Some(0),
                info: serial.info.clone(),
            };
            devices.consoles.insert(0, console);
            for (port, console) in (0..).zip(&mut devices.consoles) {
                console.port = Some(port);
            }
        }
        _ => {}
    }
    sync_console(domain);
    Ok(())
}

/// Makes the first console show its serial port as that is now. To be called when the port's address, alias
/// or terminal changed.
pub fn sync_console(domain: &mut Domain) {
    if domain.os.kind.name != OsType::Hvm {
        return;
    }
    let devices = &mut domain.devices;
    if let (Some(console), Some(serial)) = (devices.consoles.first_mut(), devices.serials.first())
        && console.kind == Some(ConsoleType::Serial)
        && can_be_console(serial)
    {
        console.chardev = serial.chardev.clone();
        console.info = serial.info.clone();
        console.port = serial.target.port;
    }
}

/// A guest with a screen has a card; which one the driver says.
pub(super) fn video(domain: &mut Domain) {
    if !domain.devices.graphics.is_empty() && domain.devices.videos.is_empty() {
        domain.devices.videos.push(Video::default());
    }
}
