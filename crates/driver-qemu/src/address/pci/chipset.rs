//! Devices that are part of the board: the places that QEMU gives them whatever the definition says.

use virtus_base::{Error, ErrorDomain, Result};
use virtus_conf::domain::Domain;
use virtus_conf::domain::device::controller::{ControllerKind, PciModel, UsbModel};
use virtus_conf::domain::device::sound::SoundModel;
use virtus_conf::domain::device::video::VideoType;
use virtus_conf::domain::device::{Controller, DeviceInfo};
use virtus_xml::OnOff;

use super::buses::{Buses, Place};
use super::connect::Connect;
use super::kinds::{Kinds, Plug};
use super::place::{choose, place_of, present, set, wanted};
use crate::machine::Machine;

const PIIX3_IDE: Place = Place::root(1, 1);
const PIIX3_USB: Place = Place::root(1, 2);
const ICH9_SATA: Place = Place::root(0x1f, 2);

/// Reserves the board's own places and puts the devices there that belong there.
///
/// # Errors
/// `INTERNAL_ERROR` when the definition has them elsewhere, `XML_ERROR` when other devices are there.
pub(super) fn reserve(domain: &mut Domain, buses: &mut Buses, kinds: &Kinds) -> Result<()> {
    let machine = Machine::of(domain);
    if machine.is_i440fx() {
        return i440fx(domain, buses, kinds);
    }
    if machine.is_q35() {
        return q35(domain, buses, kinds);
    }
    Ok(())
}

fn misplaced(text: &str) -> Error {
    Error::internal(ErrorDomain::QEMU, text)
}

fn is_first_ide(controller: &Controller) -> bool {
    matches!(controller.kind, ControllerKind::Ide { .. }) && controller.index.unwrap_or_default() == 0
}

fn is_first_piix3_usb(controller: &Controller) -> bool {
    matches!(controller.kind, ControllerKind::Usb { model: None | Some(UsbModel::Piix3Uhci), .. })
        && controller.index.unwrap_or_default() == 0
}

/// Whether a controller has the place of one that is part of i440FX' south bridge.
pub(super) fn is_builtin(controller: &Controller) -> bool {
    present(&controller.info).map(place_of).is_some_and(|place| {
        (is_first_ide(controller) && place == PIIX3_IDE)
            || (is_first_piix3_usb(controller) && place == PIIX3_USB)
    })
}

/// Fixes a built-in device's place.
fn fix(info: &mut DeviceInfo, place: Place, error: &str) -> Result<()> {
    match present(info) {
        Some(pci) if place_of(pci) != place => Err(misplaced(error)),
        Some(_) => Ok(()),
        None => {
            set(info, place, None);
            Ok(())
        }
    }
}

fn i440fx(domain: &mut Domain, buses: &mut Buses, kinds: &Kinds) -> Result<()> {
    let connect = Connect::AUTO | Connect::PCI_DEVICE;
    for controller in &mut domain.devices.controllers {
        let place = if is_first_ide(controller) {
            fix(&mut controller.info, PIIX3_IDE, "Primary IDE controller must have PCI address 0:0:1.1")?;
            PIIX3_IDE
        } else if is_first_piix3_usb(controller) {
            fix(
                &mut controller.info,
                PIIX3_USB,
                "PIIX3 USB controller at index 0 must have PCI address 0:0:1.2",
            )?;
            PIIX3_USB
        } else {
            continue;
        };
        if !buses.is_empty() {
            buses.reserve(place, connect, 0)?;
        }
    }
    if !buses.is_empty() {
        // the ISA bridge and the power management unit
        buses.reserve(Place::root(1, 0), connect, 0)?;
        buses.reserve(Place::root(1, 3), connect, 0)?;
    }
    first_video(domain, buses, kinds, Place::root(2, 0), connect)
}

fn q35(domain: &mut Domain, buses: &mut Buses, kinds: &Kinds) -> Result<()> {
    let connect = Connect::PCIE_DEVICE;
    for controller in &mut domain.devices.controllers {
        let first = controller.index.unwrap_or_default() == 0;
        match &controller.kind {
            ControllerKind::Sata { .. } if first => {
                fix(
                    &mut controller.info,
                    ICH9_SATA,
                    "Primary SATA controller must have PCI address 0:0:1f.2",
                )?;
            }
            // where real boards have them, but no more than a wish
            ControllerKind::Usb { model: Some(UsbModel::Ich9Uhci1), .. }
                if controller.info.address.is_none() =>
            {
                let place =
                    [0x1d, 0x1a].map(|slot| Place::root(slot, 0)).into_iter().find(|p| !buses.in_use(*p));
                if let Some(place) = place {
                    buses.reserve(place, connect, 0)?;
                    set(&mut controller.info, place, Some(OnOff::On));
                }
            }
            ControllerKind::Pci { model: Some(PciModel::DmiToPciBridge), .. }
                if controller.info.address.is_none() =>
            {
                let place = Place::root(0x1e, 0);
                if !buses.in_use(place) {
                    buses.reserve(place, connect, 0)?;
                    set(&mut controller.info, place, None);
                }
            }
            _ => {}
        }
    }
    if !buses.is_empty() {
        // the ISA bridge and the SMBus
        buses.reserve(Place::root(0x1f, 0), connect, 0)?;
        buses.reserve(Place::root(0x1f, 3), connect, 0)?;
    }
    first_video(domain, buses, kinds, Place::root(1, 0), connect)?;
    let place = Place::root(0x1b, 0);
    if !buses.in_use(place) {
        let audio = domain
            .devices
            .sounds
            .iter_mut()
            .find(|sound| sound.model == SoundModel::Ich9 && wanted(&sound.info));
        if let Some(sound) = audio {
            buses.reserve(place, connect, 0)?;
            set(&mut sound.info, place, None);
        }
    }
    Ok(())
}

/// The first graphics card is where QEMU's own search for a free slot would put it.
fn first_video(
    domain: &mut Domain,
    buses: &mut Buses,
    kinds: &Kinds,
    place: Place,
    connect: Connect,
) -> Result<()> {
    let Some(video) = domain.devices.videos.first_mut() else { return Ok(()) };
    if matches!(video.model.kind, Some(VideoType::None | VideoType::Ramfb)) || !wanted(&video.info) {
        return Ok(());
    }
    buses.check_document(place, connect)?;
    if buses.in_use(place) {
        let own = video.connect(kinds);
        return choose(buses, &mut video.info, own);
    }
    buses.reserve(place, connect, 0)?;
    set(&mut video.info, place, None);
    Ok(())
}
