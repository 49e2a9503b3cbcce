//! Devices that every guest of a machine type has.

use virtus_base::Result;
use virtus_conf::domain::Domain;
use virtus_conf::domain::device::audio::{Audio, AudioBackend};
use virtus_conf::domain::device::controller::{ControllerKind, PciModel};
use virtus_conf::domain::device::input::{Input, InputBus, InputType};
use virtus_conf::domain::device::iommu::{Iommu, IommuDriver, IommuModel};
use virtus_conf::domain::device::memballoon::{BalloonModel, MemBalloon};
use virtus_conf::domain::device::panic::Panic;
use virtus_conf::domain::device::watchdog::{Watchdog, WatchdogAction, WatchdogModel};
use virtus_conf::domain::device::{DeviceInfo, Devices, Graphics};
use virtus_conf::domain::post_parse::order::insert_controller;
use virtus_xml::OnOff;

use super::device::{default_panic_model, default_usb_model};
use super::domain::MAX_VCPUS_WITHOUT_X2APIC;
use super::xml_error;
use crate::address;
use crate::emulator::Emulator;
use crate::machine::Machine;

/// What a machine type comes with.
#[derive(Clone, Copy, Debug, Default)]
struct Board {
    usb: bool,
    usb_input: bool,
    sata: bool,
    pci_root: Option<PciModel>,
    balloon: bool,
    panic: bool,
    itco: bool,
    iommu: bool,
}

fn board(machine: Machine<'_>, vcpus: u32, emulator: &dyn Emulator) -> Board {
    let pci = Board { usb: true, balloon: true, pci_root: Some(PciModel::PciRoot), ..Board::default() };
    let express = |yes: bool| Board { pci_root: yes.then_some(PciModel::PcieRoot), ..Board::default() };
    match machine.arch {
        // with this board a definition has to say that there is no balloon, for there is no bus for it
        "x86_64" | "i686" if machine.name == "isapc" => Board { balloon: true, ..Board::default() },
        "x86_64" | "i686" if machine.is_q35() => Board {
            sata: true,
            itco: true,
            iommu: vcpus > MAX_VCPUS_WITHOUT_X2APIC,
            pci_root: Some(PciModel::PcieRoot),
            ..pci
        },
        "x86_64" | "i686" if machine.is_i440fx() => pci,
        "x86_64" | "i686" => Board { pci_root: None, ..pci },
        "ppc64" | "ppc64le" => Board { usb_input: true, panic: machine.is_pseries(), ..pci },
        "alpha" | "ppc" | "ppcemb" | "sh4" | "sh4eb" | "sparc64" => pci,
        "s390" | "s390x" => Board {
            balloon: true,
            panic: true,
            pci_root: emulator.has("zpci").then_some(PciModel::PciRoot),
            ..Board::default()
        },
        "loongarch64" => express(true),
        _ if machine.is_arm() => match machine.name {
            "versatilepb" => Board { balloon: false, ..pci },
            // its USB is all that is known of its PCI bus
            name if name.starts_with("realview-eb") => Board { usb: true, ..Board::default() },
            _ => express(machine.is_arm_virt()),
        },
        _ if machine.is_riscv() => Board { balloon: true, ..express(machine.is_riscv_virt()) },
        _ if machine.is_mips() => {
            Board { pci_root: machine.is_mips_malta().then_some(PciModel::PciRoot), ..pci }
        }
        _ => Board::default(),
    }
}

/// Adds what the machine has and the definition does not mention.
///
/// # Errors
/// `XML_ERROR` when the definition's root bus is not the machine's.
pub(super) fn devices(domain: &mut Domain, emulator: &dyn Emulator) -> Result<()> {
    let machine = Machine::of(domain);
    let board = board(machine, domain.vcpu.max, emulator);
    let usb = board.usb.then(|| default_usb_model(machine, emulator, true)).flatten();
    let panic = default_panic_model(machine);
    let ps2 = domain.features.as_ref().and_then(|features| features.ps2.as_ref()).map(|ps2| ps2.state);
    let keyboard = machine.has_i8042() && ps2 != Some(OnOff::Off);
    let devices = &mut domain.devices;
    if keyboard {
        add_input(devices, InputType::Mouse, InputBus::Ps2);
        add_input(devices, InputType::Keyboard, InputBus::Ps2);
    }
    if let Some(model) = usb
        && !has_controller(devices, |kind| matches!(kind, ControllerKind::Usb { .. }))
    {
        add_controller(devices, ControllerKind::Usb { model: Some(model), ports: None });
    }
    if board.sata && !has_controller(devices, |kind| matches!(kind, ControllerKind::Sata { .. })) {
        add_controller(devices, ControllerKind::Sata { model: None });
    }
    if let Some(root) = board.pci_root {
        let first = devices.controllers.iter().find_map(|controller| match &controller.kind {
            ControllerKind::Pci { model, .. } if controller.index == Some(0) => Some(*model),
            _ => None,
        });
        match first {
            Some(found) if found == Some(root) => {}
            Some(found) => {
                let found = found.map_or("(null)", PciModel::as_str);
                return Err(xml_error(format!(
                    "The PCI controller with index='0' must be model='{root}' for this machine type, but \
                     model='{found}' was found instead"
                )));
            }
            None => {
                add_controller(devices, ControllerKind::Pci { model: Some(root), options: Box::default() });
            }
        }
    }
    if board.balloon && devices.memballoons.is_empty() {
        devices.memballoons.push(MemBalloon {
            model: BalloonModel::Virtio,
            autodeflate: None,
            free_page_reporting: None,
            stats_period: None,
            driver: Default::default(),
            info: DeviceInfo::default(),
        });
    }
    if board.usb_input && !devices.graphics.is_empty() {
        add_input(devices, InputType::Keyboard, InputBus::Usb);
        let tablet =
            devices.inputs.iter().any(|i| i.kind == InputType::Tablet && i.bus == Some(InputBus::Usb));
        if !tablet {
            add_input(devices, InputType::Mouse, InputBus::Usb);
        }
    }
    if board.panic
        && !devices.panics.iter().any(|device| device.model.is_none_or(|model| Some(model) == panic))
    {
        devices.panics.push(Panic { model: None, info: DeviceInfo::default() });
    }
    if board.itco && !devices.watchdogs.iter().any(|watchdog| watchdog.model == WatchdogModel::Itco) {
        let action = devices.watchdogs.first().map_or(WatchdogAction::Reset, |first| first.action);
        devices.watchdogs.push(Watchdog { model: WatchdogModel::Itco, action, info: DeviceInfo::default() });
    }
    let iommu = ["intel-iommu", "intel-iommu.intremap", "intel-iommu.eim"];
    if board.iommu && devices.iommus.is_empty() && iommu.iter().all(|capability| emulator.has(capability)) {
        devices.iommus.push(Iommu {
            model: IommuModel::Intel,
            driver: IommuDriver { intremap: Some(OnOff::On), eim: Some(OnOff::On), ..IommuDriver::default() },
            info: DeviceInfo::default(),
        });
    }
    add_audio(devices);
    Ok(())
}

fn add_input(devices: &mut Devices, kind: InputType, bus: InputBus) {
    if !devices.inputs.iter().any(|input| input.kind == kind && input.bus == Some(bus)) {
        devices.inputs.push(Input {
            kind,
            bus: Some(bus),
            model: None,
            driver: Default::default(),
            source: Default::default(),
            info: DeviceInfo::default(),
        });
    }
}

fn has_controller(devices: &Devices, is: impl Fn(&ControllerKind) -> bool) -> bool {
    devices.controllers.iter().any(|controller| controller.index == Some(0) && is(&controller.kind))
}

fn add_controller(devices: &mut Devices, kind: ControllerKind) {
    insert_controller(&mut devices.controllers, address::controller(kind, 0));
}

/// The host's side of sound when nothing is said: SPICE carries it, VNC and a guest without a display have none;
/// other displays leave it to QEMU.
fn add_audio(devices: &mut Devices) {
    if !devices.audios.is_empty() {
        return;
    }
    let displays = &devices.graphics;
    let backend = if displays.iter().any(|graphics| matches!(graphics, Graphics::Spice(_))) {
        AudioBackend::Spice(Default::default())
    } else if displays.is_empty() || displays.iter().any(|graphics| matches!(graphics, Graphics::Vnc(_))) {
        AudioBackend::None(Default::default())
    } else {
        return;
    };
    devices.audios.push(Audio { id: 1, backend, timer_period: None });
}
