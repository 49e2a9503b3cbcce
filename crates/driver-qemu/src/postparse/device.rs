//! What is left open of a single device.

use std::collections::HashSet;

use virtus_base::{Result, Uuid};
use virtus_conf::domain::Domain;
use virtus_conf::domain::device::chardev::{ChardevSource, SocketMode};
use virtus_conf::domain::device::console::{ChannelTarget, Serial, SerialType};
use virtus_conf::domain::device::controller::{Controller, ControllerKind, PciModel, ScsiModel, UsbModel};
use virtus_conf::domain::device::disk::Disk;
use virtus_conf::domain::device::hostdev::{HostDev, HostDevSource, MdevModel};
use virtus_conf::domain::device::interface::{Interface, InterfaceSource};
use virtus_conf::domain::device::iommu::{Iommu, IommuModel};
use virtus_conf::domain::device::memballoon::BalloonModel;
use virtus_conf::domain::device::memory::MemoryModel;
use virtus_conf::domain::device::panic::PanicModel;
use virtus_conf::domain::device::shmem::{Msi, Shmem, ShmemModel, ShmemSize};
use virtus_conf::domain::device::storage::{BackingStore, EncryptionEngine, Location};
use virtus_conf::domain::device::tpm::{Tpm, TpmBackend, TpmModel, TpmVersion};
use virtus_conf::domain::device::video::{Video, VideoType};
use virtus_conf::domain::device::vsock::VsockModel;
use virtus_conf::domain::device::{Channel, Console, Device, DeviceInfo, MemBalloon, Parallel};
use virtus_xml::OnOff;

use super::domain::needs_x2apic;
use super::{internal, unsupported, xml_error};
use crate::emulator::{Emulator, Environment};
use crate::machine::Machine;

/// What the rules for devices look at.
pub(crate) struct Context<'a> {
    machine: Machine<'a>,
    virt: &'static str,
    cells: usize,
    x2apic: bool,
    name: &'a str,
    emulator: &'a dyn Emulator,
    environment: &'a dyn Environment,
}

/// Completes every device of the definition.
pub(super) fn all(domain: &mut Domain, emulator: &dyn Emulator, environment: &dyn Environment) -> Result<()> {
    let mut devices = std::mem::take(&mut domain.devices);
    let context = Context::new(domain, emulator, environment);
    macro_rules! each {
        ($($list:ident: $complete:path;)*) => {$(
            for device in &mut devices.$list {
                $complete(device, &context)?;
            }
        )*};
    }
    let mut run = || -> Result<()> {
        each! {
            disks: disk;
            interfaces: interface;
            hostdevs: hostdev;
            videos: video;
            controllers: controller;
            serials: serial;
            channels: channel;
            consoles: console;
            parallels: parallel;
            memballoons: balloon;
            shmems: shmem;
            tpms: tpm;
            panics: panic;
            memories: memory;
            iommus: iommu;
            vsocks: vsock;
            pstores: pstore;
        }
        Ok(())
    };
    let result = run();
    domain.devices = devices;
    result
}

/// SCSI controllers that a device of the host brought with it are of the model of the one before.
pub(super) fn implied_controllers(domain: &mut Domain) {
    let scsi = domain.devices.hostdevs.iter().filter(|dev| matches!(dev.source, HostDevSource::Scsi(_)));
    let implied: HashSet<u32> = scsi.filter_map(|dev| Some(dev.info.drive()?.controller)).collect();
    let mut previous = None;
    for controller in &mut domain.devices.controllers {
        let index = controller.index.unwrap_or_default();
        if let ControllerKind::Scsi { model } = &mut controller.kind {
            if model.is_none() && implied.contains(&index) {
                *model = previous;
            }
            previous = model.or(previous);
        }
    }
}

/// Completes one device that is going to be part of `domain`.
///
/// # Errors
/// libvirt's, for what the device cannot do.
pub(crate) fn complete(
    device: &mut Device,
    domain: &Domain,
    emulator: &dyn Emulator,
    environment: &dyn Environment,
) -> Result<()> {
    let context = &Context::new(domain, emulator, environment);
    match device {
        Device::Disk(device) => disk(device, context),
        Device::Interface(device) => interface(device, context),
        Device::HostDev(device) => hostdev(device, context),
        Device::Video(device) => video(device, context),
        Device::Controller(device) => controller(device, context),
        Device::Serial(device) => serial(device, context),
        Device::Channel(device) => channel(device, context),
        Device::Console(device) => console(device, context),
        Device::Parallel(device) => parallel(device, context),
        Device::MemBalloon(device) => balloon(device, context),
        Device::Shmem(device) => shmem(device, context),
        Device::Tpm(device) => tpm(device, context),
        Device::Panic(device) => panic(device, context),
        Device::Memory(device) => memory(device, context),
        Device::Iommu(device) => iommu(device, context),
        Device::Vsock(device) => vsock(device, context),
        Device::Pstore(device) => pstore(device, context),
        _ => Ok(()),
    }
}

impl<'a> Context<'a> {
    fn new(domain: &'a Domain, emulator: &'a dyn Emulator, environment: &'a dyn Environment) -> Self {
        let numa = domain.cpu.as_ref().and_then(|cpu| cpu.numa.as_ref());
        Context {
            machine: Machine::of(domain),
            virt: domain.virt_type.as_str(),
            cells: numa.map_or(0, |numa| numa.cells.len()),
            x2apic: needs_x2apic(domain),
            name: &domain.name,
            emulator,
            environment,
        }
    }
}

/// The first of `capabilities` that the emulator has.
fn first<T: Copy>(emulator: &dyn Emulator, capabilities: &[(&str, T)]) -> Option<T> {
    capabilities.iter().find(|(capability, _)| emulator.has(capability)).map(|(_, value)| *value)
}

/// The USB controller of a definition that names no model: one that is added without being asked for may be newer
/// than one that libvirt has always given for the bare element.
pub(super) fn default_usb_model(
    machine: Machine<'_>,
    emulator: &dyn Emulator,
    added: bool,
) -> Option<UsbModel> {
    let xhci = [("qemu-xhci", UsbModel::QemuXhci), ("nec-usb-xhci", UsbModel::NecXhci)];
    let ohci = [("pci-ohci", UsbModel::PciOhci)];
    if machine.is_s390() {
        return (!added).then_some(UsbModel::None);
    }
    let modern = machine.is_ppc64() || matches!(machine.arch, "aarch64" | "loongarch64");
    if (modern || (added && machine.is_q35()))
        && let Some(model) = first(emulator, &xhci)
    {
        return Some(model);
    }
    if machine.is_ppc64() || (added && machine.is_arm()) {
        return first(emulator, &ohci);
    }
    first(emulator, &[("piix3-usb-uhci", UsbModel::Piix3Uhci), ("pci-ohci", UsbModel::PciOhci)])
}

/// What tells the host that the guest's kernel has panicked.
pub(super) fn default_panic_model(machine: Machine<'_>) -> Option<PanicModel> {
    if machine.is_pseries() {
        Some(PanicModel::Pseries)
    } else if machine.is_s390() {
        Some(PanicModel::S390)
    } else if machine.is_x86() {
        Some(PanicModel::Isa)
    } else if machine.is_arm_virt() {
        Some(PanicModel::Pvpanic)
    } else {
        None
    }
}

fn default_nic(context: &Context<'_>) -> &'static str {
    let machine = context.machine;
    if machine.is_s390() || machine.is_loongarch_virt() || machine.is_riscv_virt() || machine.is_arm_virt() {
        return "virtio";
    }
    if machine.is_arm() {
        // as libvirt spells it
        return if machine.name == "versatilepb" { "scm91c111" } else { "lan9118" };
    }
    let cards = [("rtl8139", "rtl8139"), ("e1000", "e1000"), ("virtio-net", "virtio")];
    first(context.emulator, &cards).unwrap_or("rtl8139")
}

fn interface(net: &mut Interface, context: &Context<'_>) -> Result<()> {
    let model = match &net.source {
        InterfaceSource::Vdpa { .. } | InterfaceSource::VhostUser { .. } => "virtio",
        InterfaceSource::HostDev(_) => return Ok(()),
        _ => default_nic(context),
    };
    net.rest.model.get_or_insert_with(|| model.to_owned());
    Ok(())
}

fn disk(disk: &mut Disk, _: &Context<'_>) -> Result<()> {
    disk.driver.name.get_or_insert_with(|| "qemu".to_owned());
    if !matches!(disk.source.location, Location::Volume(_)) {
        disk.driver.format.get_or_insert_with(|| "raw".to_owned());
    }
    if let Some(mirror) = &mut disk.mirror {
        mirror.format.get_or_insert_with(|| "raw".to_owned());
    }
    let mut images = vec![&mut disk.source];
    let mut next = disk.backing.as_mut();
    while let Some(BackingStore::Image(image)) = next {
        images.push(&mut image.source);
        next = image.backing.as_mut();
    }
    for encryption in images.into_iter().filter_map(|source| source.common.encryption.as_mut()) {
        encryption.engine.get_or_insert(EncryptionEngine::Qemu);
    }
    Ok(())
}

fn video(video: &mut Video, context: &Context<'_>) -> Result<()> {
    let machine = context.machine;
    if video.model.kind.is_none() {
        video.model.kind = if machine.is_ppc64() {
            Some(VideoType::Vga)
        } else if machine.is_arm_virt()
            || machine.is_loongarch_virt()
            || machine.is_riscv_virt()
            || machine.is_s390()
        {
            Some(VideoType::Virtio)
        } else {
            first(context.emulator, &[("cirrus-vga", VideoType::Cirrus), ("VGA", VideoType::Vga)])
        };
    }
    if video.model.kind == Some(VideoType::Qxl) && video.model.vgamem.unwrap_or(0) == 0 {
        video.model.vgamem = Some(QXL_VGA_MEMORY);
    }
    Ok(())
}

/// In KiB.
const QXL_VGA_MEMORY: u32 = 16 * 1024;

fn panic(panic: &mut virtus_conf::domain::device::Panic, context: &Context<'_>) -> Result<()> {
    panic.model = panic.model.or(default_panic_model(context.machine));
    Ok(())
}

/// More ports than QEMU's xHCI controllers have.
const XHCI_PORTS: i32 = 15;

fn controller(controller: &mut Controller, context: &Context<'_>) -> Result<()> {
    let index = controller.index.unwrap_or_default();
    let machine = context.machine;
    match &mut controller.kind {
        ControllerKind::Scsi { model: model @ (None | Some(ScsiModel::Auto)) } => {
            let standard = if machine.is_pseries() {
                Some(ScsiModel::IbmVscsi)
            } else if machine.is_s390() || machine.is_loongarch_virt() {
                Some(ScsiModel::VirtioScsi)
            } else {
                let known = [("lsi", ScsiModel::Lsilogic), ("virtio-scsi-pci", ScsiModel::VirtioScsi)];
                first(context.emulator, &known).or(machine.has_builtin_esp().then_some(ScsiModel::Ncr53c90))
            };
            *model = standard;
            if model.is_none() {
                return Err(internal(format!("Unable to determine model for SCSI controller idx={index}")));
            }
        }
        ControllerKind::Usb { model, ports } => {
            if model.is_none() {
                *model = default_usb_model(machine, context.emulator, false);
            }
            match model {
                Some(UsbModel::None) => controller.info.address = None,
                Some(UsbModel::Qusb1 | UsbModel::Qusb2) => {
                    return Err(unsupported(format!(
                        "USB controller model type 'qusb1' or 'qusb2' is not supported in {}",
                        context.virt
                    )));
                }
                Some(model @ (UsbModel::NecXhci | UsbModel::QemuXhci))
                    if ports.is_some_and(|p| p > XHCI_PORTS) =>
                {
                    return Err(unsupported(format!(
                        "'{model}' controller only supports up to '{XHCI_PORTS}' ports"
                    )));
                }
                _ => {}
            }
        }
        ControllerKind::Pci { model: Some(model), options } => {
            if matches!(model, PciModel::PciRoot | PciModel::PcieRoot) && index != 0 && !machine.is_pseries()
            {
                return Err(xml_error("pci-root and pcie-root controllers should have index 0"));
            }
            if *model == PciModel::PciExpanderBus && !machine.is_i440fx() {
                return Err(unsupported(
                    "pci-expander-bus controllers are only supported on 440fx-based machinetypes",
                ));
            }
            if *model == PciModel::PcieExpanderBus && !machine.is_q35() && !machine.is_arm_virt() {
                return Err(unsupported(
                    "pcie-expander-bus controllers are not supported with this machine type",
                ));
            }
            let node = options.target.node.and_then(|node| usize::try_from(node).ok());
            if let Some(node) = node.filter(|node| *node >= context.cells) {
                return Err(xml_error(format!(
                    "{model} with index {index} is configured for a NUMA node ({node}) not present in the domain's \
                     <cpu><numa> array ({})",
                    context.cells
                )));
            }
        }
        _ => {}
    }
    Ok(())
}

/// In bytes.
const SHMEM_SIZE: u64 = 4 << 20;

fn shmem(shmem: &mut Shmem, _: &Context<'_>) -> Result<()> {
    let doorbell = shmem.model == ShmemModel::IvshmemDoorbell;
    if !doorbell {
        shmem.size.get_or_insert(ShmemSize(SHMEM_SIZE));
    }
    if shmem.model == ShmemModel::Ivshmem {
        return Ok(());
    }
    let model = shmem.model;
    if shmem.server.is_none() {
        return match doorbell {
            true => Err(unsupported(format!(
                "shmem model '{model}' is supported only with server option enabled"
            ))),
            false => Ok(()),
        };
    }
    if !doorbell {
        return Err(unsupported(format!(
            "shmem model '{model}' is supported only with server option disabled"
        )));
    }
    if shmem.size.is_some() {
        return Err(unsupported(format!("shmem model '{model}' does not support size setting")));
    }
    shmem.msi.get_or_insert_with(Msi::default).ioeventfd.get_or_insert(OnOff::On);
    Ok(())
}

fn serial(serial: &mut Serial, context: &Context<'_>) -> Result<()> {
    let machine = context.machine;
    let target = &mut serial.target;
    // the bare element has always been the machine's own port, as has ISA's
    if matches!(target.kind, None | Some(SerialType::Isa)) {
        target.kind = if machine.is_x86() {
            Some(SerialType::Isa)
        } else if machine.is_pseries() {
            Some(SerialType::SpaprVio)
        } else if machine.is_arm_virt() || machine.is_loongarch_virt() || machine.is_riscv_virt() {
            Some(SerialType::System)
        } else if machine.is_s390() {
            Some(SerialType::Sclp)
        } else {
            None
        };
    }
    let model = match target.kind {
        Some(SerialType::Isa) => Some("isa-serial"),
        Some(SerialType::Usb) => Some("usb-serial"),
        Some(SerialType::Pci) => Some("pci-serial"),
        Some(SerialType::SpaprVio) => Some("spapr-vty"),
        Some(SerialType::System) if machine.is_arm_virt() => Some("pl011"),
        Some(SerialType::System) if machine.is_loongarch_virt() || machine.is_riscv_virt() => Some("16550a"),
        Some(SerialType::Sclp) => Some("sclpconsole"),
        Some(SerialType::IsaDebug) => Some("isa-debugcon"),
        Some(SerialType::System) | None => None,
    };
    if let Some(model) = model {
        target.model.get_or_insert_with(|| model.to_owned());
    }
    listen(&mut serial.chardev.source);
    Ok(())
}

fn channel(channel: &mut Channel, _: &Context<'_>) -> Result<()> {
    if let (ChannelTarget::Virtio { name, .. }, ChardevSource::Unix { source }) =
        (&channel.target, &mut channel.chardev.source)
        && source.path.as_deref().is_some_and(|path| is_generated(path, name.as_deref().unwrap_or_default()))
    {
        // it is another guest's, or this one's of its last run
        source.path = None;
    }
    listen(&mut channel.chardev.source);
    Ok(())
}

/// Whether the path of a channel's socket is one that a daemon made up: below a daemon's directory of channels,
/// `1-guest/org.qemu.guest_agent.0`, or as older ones did `domain-guest/…` or `guest.org.qemu.guest_agent.0`.
fn is_generated(path: &str, name: &str) -> bool {
    /// Where daemons of users and older ones had their directories.
    const BELOW: [&str; 2] = ["/libvirt/qemu/run/channel/", "/qemu/channel/target/"];
    let Some(stem) = path.strip_suffix(name) else { return false };
    let below = |root: &&str| stem.split_once(*root).map(|(_, rest)| rest);
    let rest = stem.strip_prefix("/run/libvirt/qemu/channel/").or_else(|| BELOW.iter().find_map(below));
    let Some(rest) = rest else { return false };
    let numbered = |directory: &str| {
        let named = directory.trim_start_matches(|c: char| c.is_ascii_digit());
        named.len() < directory.len() && named.strip_prefix('-').is_some_and(|guest| !guest.is_empty())
    };
    match rest.strip_suffix('/') {
        Some(directory) => {
            let domain = directory.strip_prefix("domain-").is_some_and(|guest| !guest.is_empty());
            !directory.contains('/') && (domain || numbered(directory))
        }
        None => rest.len() > 1 && rest.ends_with('.') && !rest.contains('/'),
    }
}

fn console(console: &mut Console, _: &Context<'_>) -> Result<()> {
    listen(&mut console.chardev.source);
    Ok(())
}

fn parallel(parallel: &mut Parallel, _: &Context<'_>) -> Result<()> {
    listen(&mut parallel.chardev.source);
    Ok(())
}

/// A Unix socket whose path is made up at the start is one that QEMU listens on.
fn listen(source: &mut ChardevSource) {
    if let ChardevSource::Unix { source } = source
        && source.path.is_none()
    {
        source.mode = Some(SocketMode::Bind);
    }
}

/// A balloon that is not there is nowhere.
fn balloon(balloon: &mut MemBalloon, _: &Context<'_>) -> Result<()> {
    if balloon.model == BalloonModel::None {
        balloon.info = DeviceInfo::default();
    }
    Ok(())
}

fn hostdev(hostdev: &mut HostDev, _: &Context<'_>) -> Result<()> {
    if let HostDevSource::Mdev(mdev) = &mut hostdev.source
        && mdev.model == MdevModel::VfioPci
    {
        mdev.display.get_or_insert(OnOff::Off);
    }
    Ok(())
}

fn tpm(tpm: &mut Tpm, context: &Context<'_>) -> Result<()> {
    let standard = if context.machine.is_ppc64() { TpmModel::Spapr } else { TpmModel::Tis };
    let model = *tpm.model.get_or_insert(standard);
    if let TpmBackend::Emulator(emulator) = &mut tpm.backend {
        // TPM 1.2 is what x86 guests have had since there are TPMs
        let old = model == TpmModel::Tis && context.machine.is_x86();
        emulator.version.get_or_insert(if old { TpmVersion::V1_2 } else { TpmVersion::V2_0 });
    }
    Ok(())
}

fn memory(memory: &mut virtus_conf::domain::device::MemoryDevice, context: &Context<'_>) -> Result<()> {
    if !context.machine.is_ppc64() {
        return Ok(());
    }
    let label = memory.target.label_size.map_or(0, |label| label.0);
    let size = &mut memory.target.size.0;
    if memory.model == MemoryModel::Nvdimm {
        // what the guest sees is whole blocks, with the label behind them
        let blocks = size.saturating_sub(label) / PPC64_ALIGNMENT;
        if blocks == 0 {
            return Err(unsupported("minimum target size for the NVDIMM must be 256MB plus the label size"));
        }
        *size = blocks.saturating_mul(PPC64_ALIGNMENT).saturating_add(label);
        if memory.uuid.is_none() {
            memory.uuid = Some(Uuid::random()?);
        }
    } else {
        *size = size.checked_next_multiple_of(PPC64_ALIGNMENT).unwrap_or(*size);
    }
    Ok(())
}

/// In KiB.
const PPC64_ALIGNMENT: u64 = 256 * 1024;

fn iommu(iommu: &mut Iommu, context: &Context<'_>) -> Result<()> {
    if context.x2apic && iommu.model == IommuModel::Intel {
        let driver = &mut iommu.driver;
        if context.emulator.has("intel-iommu.intremap") {
            driver.intremap.get_or_insert(OnOff::On);
        }
        if context.emulator.has("intel-iommu.eim") {
            driver.eim.get_or_insert(OnOff::On);
        }
    }
    Ok(())
}

fn vsock(vsock: &mut virtus_conf::domain::device::Vsock, _: &Context<'_>) -> Result<()> {
    vsock.model.get_or_insert(VsockModel::Virtio);
    Ok(())
}

fn pstore(pstore: &mut virtus_conf::domain::device::Pstore, context: &Context<'_>) -> Result<()> {
    let path = || format!("{}/{}_PSTORE.raw", context.environment.nvram_dir(), context.name);
    pstore.path.get_or_insert_with(path);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_daemons_own_socket_paths_are_made_up_anew() {
        let agent = "org.qemu.guest_agent.0";
        for (place, generated) in [
            ("/run/libvirt/qemu/channel/7-guest/", true),
            ("/run/user/1000/libvirt/qemu/run/channel/7-guest/", true),
            ("/var/lib/libvirt/qemu/channel/target/domain-guest/", true),
            ("/var/lib/libvirt/qemu/channel/target/guest.", true),
            ("/var/run/libvirt/qemu/channel/7-guest/", false),
            ("/run/libvirt/qemu/channel/guest/", false),
            ("/run/libvirt/qemu/channel/7-guest/more/", false),
            ("/tmp/7-guest/", false),
        ] {
            assert_eq!(is_generated(&format!("{place}{agent}"), agent), generated, "{place}");
        }
        assert!(!is_generated("/run/libvirt/qemu/channel/7-guest/other", agent));
    }
}
