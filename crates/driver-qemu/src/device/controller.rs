//! Controllers that are not part of the board.

use virtus_base::Result;
use virtus_conf::domain::device::Controller;
use virtus_conf::domain::device::controller::{
    ControllerKind, PciModel, PciModelName, PciOptions, ScsiModel, UsbModel,
};

use super::Virtio;
use super::disk::iothread_map;
use crate::command::build::Build;
use crate::command::guest::{Guest, internal, unsupported};
use crate::command::props::Props;

/// USB controllers and the capability of each.
const USB: &[(UsbModel, &str)] = &[
    (UsbModel::Piix3Uhci, "piix3-usb-uhci"),
    (UsbModel::Piix4Uhci, "piix4-usb-uhci"),
    (UsbModel::Ehci, "usb-ehci"),
    (UsbModel::Ich9Ehci1, "ich9-usb-ehci1"),
    (UsbModel::Ich9Uhci1, "ich9-usb-ehci1"),
    (UsbModel::Ich9Uhci2, "ich9-usb-ehci1"),
    (UsbModel::Ich9Uhci3, "ich9-usb-ehci1"),
    (UsbModel::Vt82c686bUhci, "vt82c686b-usb-uhci"),
    (UsbModel::PciOhci, "pci-ohci"),
    (UsbModel::NecXhci, "nec-usb-xhci"),
    (UsbModel::QemuXhci, "qemu-xhci"),
];

/// The order in which controllers are made, by `@type`.
const ORDER: &[&str] = &["pci", "usb", "scsi", "ide", "sata", "virtio-serial", "ccid", "nvme"];

/// All controllers that have to be asked for.
pub(crate) fn add(build: &mut Build<'_>) -> Result<()> {
    let guest = build.guest;
    let controllers = &guest.domain.devices.controllers;
    for tag in ORDER {
        for controller in controllers.iter().filter(|controller| controller.kind.tag() == *tag) {
            if !builtin(&guest, controller) {
                build.device(props(&guest, controller)?);
            }
        }
    }
    Ok(())
}

/// Properties of the board's own PCI host.
pub(crate) fn globals(build: &mut Build<'_>) -> Result<()> {
    let machine = build.guest.machine();
    for controller in build.guest.domain.devices.controllers.iter().filter(|c| c.index == Some(0)) {
        let ControllerKind::Pci { model, options } = &controller.kind else { continue };
        if let (Some(PciModel::PciRoot), Some(hotplug), true) =
            (model, options.target.hotplug, machine.is_i440fx())
        {
            build.line.option("global", format!("PIIX4_PM.acpi-root-pci-hotplug={}", hotplug.as_str()));
        }
        let Some(hole) = options.pcihole64 else { continue };
        let host = match model {
            Some(PciModel::PciRoot) if machine.is_i440fx() => "i440FX-pcihost",
            Some(PciModel::PcieRoot) if machine.is_q35() => "q35-pcihost",
            _ => return Err(unsupported("Setting the 64-bit PCI hole size is not supported for machine")),
        };
        build.line.option("global", format!("{host}.pci-hole64-size={}K", hole.0));
    }
    Ok(())
}

/// Whether the board has it, or it is none at all.
fn builtin(guest: &Guest<'_>, controller: &Controller) -> bool {
    let machine = guest.machine();
    let first = controller.index == Some(0);
    match &controller.kind {
        ControllerKind::Pci { model, .. } => {
            first && matches!(model, Some(PciModel::PciRoot | PciModel::PcieRoot))
        }
        ControllerKind::Ide { .. } => first && machine.has_builtin_ide(),
        ControllerKind::Sata { .. } => first && machine.is_q35(),
        ControllerKind::Usb { model, .. } => *model == Some(UsbModel::None),
        ControllerKind::Scsi { model } => {
            first && *model == Some(ScsiModel::Ncr53c90) && machine.has_builtin_esp()
        }
        _ => false,
    }
}

/// The device.
///
/// # Errors
/// `CONFIG_UNSUPPORTED` for a model the emulator does not have.
pub fn props(guest: &Guest<'_>, controller: &Controller) -> Result<Props> {
    let props = match &controller.kind {
        ControllerKind::Scsi { model } => scsi(guest, controller, *model)?,
        ControllerKind::VirtioSerial { model, ports, vectors } => guest
            .virtio(
                "virtio-serial",
                model.map_or(Virtio::Plain, Virtio::from),
                &controller.driver.virtio,
                &controller.info,
            )?
            .with("id", guest.alias(&controller.info))
            .maybe("max_ports", *ports)
            .maybe("vectors", *vectors),
        ControllerKind::Ccid { .. } => Props::device("usb-ccid").with("id", guest.alias(&controller.info)),
        ControllerKind::Sata { .. } => Props::device("ahci").with("id", guest.alias(&controller.info)),
        ControllerKind::Usb { model, ports } => usb(guest, controller, *model, *ports)?,
        ControllerKind::Pci { model, options } => pci(guest, controller, *model, options)?,
        ControllerKind::Ide { .. } => {
            return Err(unsupported("IDE controllers are unsupported for this QEMU binary or machine type"));
        }
        kind => return Err(unsupported(format!("Unsupported controller type: {}", kind.tag()))),
    };
    Ok(props.join(guest.address(&controller.info)?))
}

fn scsi(guest: &Guest<'_>, controller: &Controller, model: Option<ScsiModel>) -> Result<Props> {
    let driver = &controller.driver;
    let generation = match model {
        Some(ScsiModel::VirtioScsi) => Some(Virtio::Plain),
        Some(ScsiModel::VirtioTransitional) => Some(Virtio::Transitional),
        Some(ScsiModel::VirtioNonTransitional) => Some(Virtio::NonTransitional),
        _ => None,
    };
    let props = match (generation, model) {
        (Some(generation), _) => guest
            .virtio("virtio-scsi", generation, &driver.virtio, &controller.info)?
            .maybe("iothread", driver.iothread.map(|id| format!("iothread{id}")))
            .maybe("iothread-vq-mapping", driver.iothreads.as_ref().map(iothread_map)),
        (None, Some(ScsiModel::Lsilogic)) => Props::device("lsi"),
        (None, Some(ScsiModel::IbmVscsi)) => Props::device("spapr-vscsi"),
        (None, Some(ScsiModel::Lsisas1068)) => Props::device("mptsas1068"),
        (None, Some(ScsiModel::Lsisas1078)) => Props::device("megasas"),
        (None, Some(ScsiModel::Vmpvscsi)) => Props::device("pvscsi"),
        (None, Some(ScsiModel::Am53c974)) => Props::device("am53c974"),
        (None, Some(ScsiModel::Dc390)) => Props::device("dc-390"),
        (None, Some(model)) => {
            return Err(unsupported(format!("Unsupported controller model: {}", model.as_str())));
        }
        (None, None) => return Err(internal("Unexpected SCSI controller model -1")),
    };
    Ok(props
        .with("id", guest.alias(&controller.info))
        .maybe("num_queues", driver.queues)
        .maybe("cmd_per_lun", driver.cmd_per_lun)
        .maybe("max_sectors", driver.max_sectors)
        .switch("ioeventfd", driver.ioeventfd))
}

fn usb(
    guest: &Guest<'_>,
    controller: &Controller,
    model: Option<UsbModel>,
    ports: Option<i32>,
) -> Result<Props> {
    let known = USB.iter().find(|(usb, _)| Some(*usb) == model);
    if let Some((model, _)) = known.filter(|(_, capability)| !guest.has(capability)) {
        return Err(unsupported(format!("USB controller model '{model}' not supported in this QEMU binary")));
    }
    let driver = match model {
        Some(UsbModel::Piix3Uhci) => "piix3-usb-uhci",
        Some(UsbModel::Piix4Uhci) => "piix4-usb-uhci",
        Some(UsbModel::Ehci) => "usb-ehci",
        Some(UsbModel::Ich9Ehci1) => "ich9-usb-ehci1",
        Some(UsbModel::Ich9Uhci1) => "ich9-usb-uhci1",
        Some(UsbModel::Ich9Uhci2) => "ich9-usb-uhci2",
        Some(UsbModel::Ich9Uhci3) => "ich9-usb-uhci3",
        Some(UsbModel::Vt82c686bUhci) => "vt82c686b-usb-uhci",
        Some(UsbModel::PciOhci) => "pci-ohci",
        Some(UsbModel::NecXhci) => "nec-usb-xhci",
        Some(UsbModel::QemuXhci) => "qemu-xhci",
        None => return Err(unsupported("no model provided for USB controller")),
        Some(model) => {
            return Err(unsupported(format!("{} not supported in this QEMU binary", model.as_str())));
        }
    };
    let props = Props::device(driver);
    let alias = guest.alias(&controller.info);
    Ok(match (controller.info.master, model) {
        // companions have the bus of their master
        (Some(firstport), _) => props.with("masterbus", format!("{alias}.0")).with("firstport", firstport),
        (None, Some(UsbModel::NecXhci | UsbModel::QemuXhci)) => {
            props.maybe("p2", ports).maybe("p3", ports).with("id", alias)
        }
        _ => props.with("id", alias),
    })
}

fn pci(
    guest: &Guest<'_>,
    controller: &Controller,
    model: Option<PciModel>,
    options: &PciOptions,
) -> Result<Props> {
    let id = guest.alias(&controller.info);
    let target = &options.target;
    let index = controller.index.unwrap_or(0);
    let name = |default: &'static str| match options.model_name {
        None | Some(PciModelName::None) => default,
        Some(name) => name.as_str(),
    };
    let hotplug = |props: Props| props.switch("hotplug", target.hotplug);
    Ok(match model {
        Some(PciModel::PciBridge) => Props::device(name("pci-bridge"))
            .with("chassis_nr", target.chassis_nr.unwrap_or(0))
            .with("id", id),
        Some(PciModel::PciExpanderBus | PciModel::PcieExpanderBus) => {
            let default = if model == Some(PciModel::PciExpanderBus) { "pxb" } else { "pxb-pcie" };
            Props::device(name(default))
                .with("bus_nr", target.bus_nr.unwrap_or(0))
                .with("id", id)
                .maybe("numa_node", target.node)
        }
        Some(PciModel::DmiToPciBridge) => Props::device(name("i82801b11-bridge")).with("id", id),
        Some(PciModel::PcieToPciBridge) => Props::device(name("pcie-pci-bridge")).with("id", id),
        Some(PciModel::PcieRootPort) => hotplug(
            Props::device(name("pcie-root-port"))
                .with("port", target.port.unwrap_or(0))
                .with("chassis", target.chassis.unwrap_or(0))
                .with("id", id),
        )
        .maybe("mem-reserve", target.mem_reserve),
        Some(PciModel::PcieSwitchUpstreamPort) => Props::device(name("x3130-upstream")).with("id", id),
        Some(PciModel::PcieSwitchDownstreamPort) => hotplug(
            Props::device(name("xio3130-downstream"))
                .with("port", target.port.unwrap_or(0))
                .with("chassis", target.chassis.unwrap_or(0))
                .with("id", id),
        ),
        Some(PciModel::PciRoot) if guest.machine().is_pseries() => Props::device("spapr-pci-host-bridge")
            .with("index", target.index.unwrap_or(0))
            .with("id", id)
            .maybe("numa_node", target.node),
        _ => return Err(unsupported(format!("Unsupported PCI Express root controller (index {index})"))),
    })
}
