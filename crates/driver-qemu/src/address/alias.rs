//! Names of devices, which QEMU knows them by.
//!
//! A device that has a name keeps it: the user's (`ua-…`), or that of a guest which runs already.

use std::collections::HashSet;

use virtus_conf::domain::Domain;
use virtus_conf::domain::device::console::ConsoleType;
use virtus_conf::domain::device::controller::{Controller, ControllerKind, PciModel, ScsiModel};
use virtus_conf::domain::device::disk::DiskBus;
use virtus_conf::domain::device::interface::InterfaceSource;
use virtus_conf::domain::device::memballoon::BalloonModel;
use virtus_conf::domain::device::memory::MemoryModel;
use virtus_conf::domain::device::{Address, DeviceInfo, Disk};

use crate::disk_name;
use crate::machine::Machine;

/// Hands out `prefix0`, `prefix1` …, above every number that is in use.
struct Numbers {
    prefix: &'static str,
    next: u32,
}

impl Numbers {
    fn above<'a>(prefix: &'static str, infos: impl Iterator<Item = &'a DeviceInfo>) -> Self {
        let used = infos.filter_map(|info| info.alias.as_deref()?.strip_prefix(prefix)?.parse::<u32>().ok());
        Numbers { prefix, next: used.max().map_or(0, |last| last.saturating_add(1)) }
    }

    fn name(&mut self, info: &mut DeviceInfo) {
        if info.alias.is_none() {
            info.alias = Some(format!("{}{}", self.prefix, self.next));
            self.next = self.next.saturating_add(1);
        }
    }
}

/// Names every device of the definition that has no name.
pub fn assign(domain: &mut Domain) {
    let machine = Machine::of(domain);
    let board = Board {
        builtin_ide: machine.has_builtin_ide(),
        q35: machine.is_q35(),
        numbers_buses: machine.numbers_pci_buses(),
    };
    let devices = &mut domain.devices;

    let lsi = |controller: &&Controller| {
        matches!(controller.kind, ControllerKind::Scsi { model: Some(ScsiModel::Lsilogic) })
    };
    let flat: HashSet<u32> =
        devices.controllers.iter().filter(lsi).map(|c| c.index.unwrap_or_default()).collect();
    for disk in devices.disks.iter_mut().filter(|disk| disk.info.alias.is_none()) {
        disk.info.alias = Some(disk_alias(disk, &flat));
    }

    // network devices of the host that are handed over are named as other such devices
    let handed = |source: &InterfaceSource| matches!(source, InterfaceSource::HostDev(_));
    let mut nets = Numbers::above("net", devices.interfaces.iter().map(|net| &net.info));
    for net in devices.interfaces.iter_mut().filter(|net| !handed(&net.source)) {
        nets.name(&mut net.info);
    }
    let infos =
        devices.interfaces.iter().map(|net| &net.info).chain(devices.hostdevs.iter().map(|dev| &dev.info));
    let mut hostdevs = Numbers::above("hostdev", infos);
    for net in devices.interfaces.iter_mut().filter(|net| handed(&net.source)) {
        hostdevs.name(&mut net.info);
    }
    for hostdev in &mut devices.hostdevs {
        hostdevs.name(&mut hostdev.info);
    }

    macro_rules! number {
        ($($list:ident = $prefix:literal),* $(,)?) => {$(
            let mut numbers = Numbers::above($prefix, devices.$list.iter().map(|device| &device.info));
            for device in &mut devices.$list {
                numbers.name(&mut device.info);
            }
        )*};
    }
    number! {
        filesystems = "fs", sounds = "sound", redirdevs = "redir", videos = "video", inputs = "input",
        parallels = "parallel", serials = "serial", channels = "channel", hubs = "hub", shmems = "shmem",
        smartcards = "smartcard", watchdogs = "watchdog", rngs = "rng", tpms = "tpm",
        vsocks = "vsock", iommus = "iommu", cryptos = "crypto", panics = "panic", pstores = "pstore",
    }
    let mut balloons = Numbers::above("balloon", devices.memballoons.iter().map(|device| &device.info));
    for balloon in devices.memballoons.iter_mut().filter(|balloon| balloon.model != BalloonModel::None) {
        balloons.name(&mut balloon.info);
    }
    let mut consoles = Numbers::above("console", devices.consoles.iter().map(|device| &device.info));
    for (console, i) in devices.consoles.iter_mut().zip(0..) {
        // the console that is a serial port shares its name
        match devices.serials.get(i).filter(|_| matches!(console.kind, None | Some(ConsoleType::Serial))) {
            Some(serial) => {
                console.info.alias.clone_from(&serial.info.alias);
                consoles.next = consoles.next.saturating_add(1);
            }
            None => consoles.name(&mut console.info),
        }
    }
    for nvram in &mut devices.nvrams {
        nvram.info.alias.get_or_insert_with(|| "nvram".to_owned());
    }
    for controller in devices.controllers.iter_mut().filter(|controller| controller.info.alias.is_none()) {
        controller.info.alias = Some(controller_alias(controller, board));
    }
    let infos = || devices.memories.iter().map(|memory| &memory.info);
    let mut numbers = [
        (MemoryModel::Dimm, "dimm"),
        (MemoryModel::Nvdimm, "nvdimm"),
        (MemoryModel::VirtioPmem, "virtiopmem"),
        (MemoryModel::VirtioMem, "virtiomem"),
        (MemoryModel::SgxEpc, "epc"),
    ]
    .map(|(model, prefix)| (model, Numbers::above(prefix, infos())));
    for memory in &mut devices.memories {
        let Some((_, numbers)) = numbers.iter_mut().find(|(model, _)| *model == memory.model) else {
            continue;
        };
        match (memory.model, &memory.info.address) {
            // a module is named by its slot
            (MemoryModel::Dimm | MemoryModel::Nvdimm, Some(Address::Dimm(dimm)))
                if memory.info.alias.is_none() && dimm.slot.is_some() =>
            {
                let slot = dimm.slot.unwrap_or_default();
                memory.info.alias = Some(format!("{}{slot}", numbers.prefix));
                numbers.next = numbers.next.max(slot.saturating_add(1));
            }
            _ => numbers.name(&mut memory.info),
        }
    }
}

/// `flat`: the SCSI controllers on which disks have no bus and target of their own.
fn disk_alias(disk: &Disk, flat: &HashSet<u32>) -> String {
    let bus = disk.bus().map_or("virtio", DiskBus::as_str);
    let Some(Address::Drive(drive)) = &disk.info.address else {
        return format!("{bus}-disk{}", disk_name::index(disk.dst()).unwrap_or_default());
    };
    match disk.bus() {
        Some(DiskBus::Scsi) if !flat.contains(&drive.controller) => {
            format!("{bus}{}-{}-{}-{}", drive.controller, drive.bus, drive.target, drive.unit)
        }
        _ => format!("{bus}{}-{}-{}", drive.controller, drive.bus, drive.unit),
    }
}

/// What the names of controllers go by.
#[derive(Clone, Copy)]
struct Board {
    builtin_ide: bool,
    q35: bool,
    numbers_buses: bool,
}

/// Controllers that are part of the board have names that QEMU gave them.
fn controller_alias(controller: &Controller, board: Board) -> String {
    let index = controller.index.unwrap_or_default();
    match &controller.kind {
        ControllerKind::Pci { model: Some(PciModel::PcieRoot), .. } => format!("pcie.{index}"),
        ControllerKind::Pci { .. } if !board.numbers_buses => "pci".to_owned(),
        ControllerKind::Pci { .. } => format!("pci.{index}"),
        ControllerKind::Ide { .. } if board.builtin_ide && index == 0 => "ide".to_owned(),
        ControllerKind::Sata { .. } if board.q35 && index == 0 => "ide".to_owned(),
        ControllerKind::Usb { .. } if index == 0 => "usb".to_owned(),
        ControllerKind::Scsi { model: Some(ScsiModel::Ncr53c90) } if index == 0 => "scsi".to_owned(),
        kind => format!("{}{index}", kind.tag()),
    }
}
