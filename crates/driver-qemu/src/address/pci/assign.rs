//! PCI addresses for a whole definition.
//!
//! Two runs over the same rules: the first finds out which controllers are needed and adds them, the second
//! hands the addresses out.

use std::collections::{HashMap, HashSet};

use virtus_base::{Error, ErrorCode, ErrorDomain, Result};
use virtus_conf::domain::Domain;
use virtus_conf::domain::device::console::ConsoleType;
use virtus_conf::domain::device::controller::{ControllerKind, PciModel, ScsiModel, UsbModel};
use virtus_conf::domain::device::disk::DiskBus;
use virtus_conf::domain::device::hostdev::{HostDevSource, MdevModel};
use virtus_conf::domain::device::interface::InterfaceSource;
use virtus_conf::domain::device::memballoon::BalloonModel;
use virtus_conf::domain::device::sound::SoundModel;
use virtus_conf::domain::device::video::VideoType;
use virtus_conf::domain::device::{Address, Console, Controller, DeviceInfo, Devices};
use virtus_conf::domain::post_parse::order::insert_controller;
use virtus_xml::OnOff;

use super::buses::{Buses, Place};
use super::connect::Connect;
use super::kinds::{Kinds, Plug};
use super::place::{choose, place_of, present, set, wanted};
use super::{chipset, controllers, zpci};
use crate::address::{self, AddressFacts};
use crate::machine::Machine;

/// Gives every PCI device of the definition an address, adding the controllers they need.
///
/// # Errors
/// `XML_ERROR` for addresses that do not exist, do not suit the device or are taken twice; `INTERNAL_ERROR`
/// when there is no room.
pub(crate) fn assign(domain: &mut Domain, facts: AddressFacts) -> Result<()> {
    let express = has_root(domain, PciModel::PcieRoot);
    let kinds = Kinds::new(express, facts.modern_virtio);
    let run = Run {
        kinds,
        express,
        many_roots: Machine::of(domain).is_pseries(),
        pcie_to_pci: facts.pcie_to_pci_bridge,
        virtio_mmio: facts.virtio_mmio,
    };
    let highest = controllers::pci(domain).map(|(index, _)| index).max();
    let mut count = highest.map_or(0, |index| index as usize + 1);
    if count > MAX_BUSES {
        let text = format!("Inappropriate new pci controller index {} exceeds addrs array length", count - 1);
        return Err(Error::internal(ErrorDomain::QEMU, text));
    }
    if count > 0 {
        count = run.dry(domain, count)?;
    }
    run.real(domain, count)?;
    zpci::assign(domain, facts.zpci)
}

/// PCI knows no more buses.
const MAX_BUSES: usize = 256;

pub(super) fn has_root(domain: &Domain, root: PciModel) -> bool {
    controllers::pci(domain).any(|(index, model)| index == 0 && model == Some(root))
}

/// What both runs go by.
struct Run {
    kinds: Kinds,
    express: bool,
    many_roots: bool,
    pcie_to_pci: bool,
    virtio_mmio: bool,
}

impl Run {
    /// The first run: adds the controllers that are missing and says how many buses there are.
    fn dry(&self, domain: &mut Domain, count: usize) -> Result<usize> {
        let mut buses = self.buses(domain, count, true)?;
        chipset::reserve(domain, &mut buses, &self.kinds)?;
        if has_root(domain, PciModel::PciRoot) && !buses.all_full() {
            // room for one more controller, should the guest grow
            buses.reserve_next(self.kinds.pci(), 0, None)?;
        }
        self.devices(domain, &mut buses)?;
        if count <= 1 && buses.len() > count && self.express {
            // a definition that left all buses to us gets a spare port for hot-plug
            buses.reserve_next(Connect::AUTO | Connect::PCIE_DEVICE, 0, None)?;
        }
        let there: HashSet<u32> = controllers::pci(domain).map(|(index, _)| index).collect();
        for index in 1..buses.len() {
            let Some(bus) = buses.get(index) else { break };
            let model = bus.model;
            let number = u32::try_from(index).unwrap_or(u32::MAX);
            if there.contains(&number) {
                continue;
            }
            let upstream = Connect::upstream(model);
            insert_controller(
                &mut domain.devices.controllers,
                address::controller(
                    ControllerKind::Pci { model: Some(model), options: Box::default() },
                    number,
                ),
            );
            if !upstream.is_empty() {
                buses.reserve_next(upstream, 0, None)?;
            }
        }
        Ok(buses.len())
    }

    /// The second run: every device gets its address, every controller its remaining numbers.
    fn real(&self, domain: &mut Domain, count: usize) -> Result<()> {
        let mut buses = self.buses(domain, count, false)?;
        if !Machine::of(domain).supports_pci() {
            return Ok(());
        }
        chipset::reserve(domain, &mut buses, &self.kinds)?;
        self.devices(domain, &mut buses)?;
        mark_multifunction(domain);
        controllers::finish(domain)
    }

    /// The buses with everything the definition puts on them.
    fn buses(&self, domain: &Domain, count: usize, grows: bool) -> Result<Buses> {
        let standard = match (self.many_roots, self.express) {
            (true, _) => PciModel::PciRoot,
            (false, true) => PciModel::PcieRootPort,
            (false, false) => PciModel::PciBridge,
        };
        let mut models = vec![(standard, true); count];
        if let Some(root) = models.first_mut() {
            root.0 = PciModel::PciRoot;
        }
        for controller in &domain.devices.controllers {
            let ControllerKind::Pci { model, options } = &controller.kind else { continue };
            let Some(model) = *model else {
                return Err(Error::internal(
                    ErrorDomain::DOMAIN,
                    "PCI controller model was not set correctly",
                ));
            };
            let index = controller.index.unwrap_or_default() as usize;
            let hotplug = options.target.hotplug != Some(OnOff::Off);
            if let Some(slot) = models.get_mut(index) {
                *slot = (model, hotplug);
            }
        }
        let mut buses = Buses::new(models);
        buses.grows = grows;
        buses.many_roots = self.many_roots;
        buses.pcie_to_pci = self.pcie_to_pci;
        self.collect(domain, &mut buses)?;
        Ok(buses)
    }

    /// Reserves the addresses of the definition.
    fn collect(&self, domain: &Domain, buses: &mut Buses) -> Result<()> {
        let devices = &domain.devices;
        let kinds = &self.kinds;
        let mut take = |info: &DeviceInfo, connect: Connect| match present(info) {
            // devices that should have no PCI address have been let through for long
            Some(pci) if connect.is_empty() => buses.reserve(place_of(pci), Connect::PCI_DEVICE, 0),
            Some(pci) => buses.reserve(place_of(pci), connect, 0),
            None => Ok(()),
        };
        macro_rules! plugs {
            ($($list:ident),*) => {$(
                for device in &devices.$list {
                    take(&device.info, device.connect(kinds))?;
                }
            )*};
        }
        macro_rules! others {
            ($($list:ident: $connect:expr),*) => {$(
                for device in &devices.$list {
                    take(&device.info, $connect)?;
                }
            )*};
        }
        plugs!(disks, interfaces, sounds, hostdevs, videos);
        for controller in &devices.controllers {
            if chipset::is_builtin(controller) {
                if self.express {
                    return Err(Error::internal(
                        ErrorDomain::QEMU,
                        "Bus 0 must be PCI for integrated PIIX3 USB or IDE controllers",
                    ));
                }
                continue;
            }
            take(&controller.info, controller.connect(kinds))?;
        }
        others!(smartcards: Connect::empty());
        plugs!(serials);
        others!(parallels: Connect::empty(), channels: Connect::empty());
        for (console, i) in devices.consoles.iter().zip(0..) {
            if !is_serial_port(console, i, devices) {
                take(&console.info, Connect::empty())?;
            }
        }
        plugs!(inputs, filesystems, watchdogs, memballoons, rngs);
        others!(nvrams: Connect::empty(), hubs: Connect::empty(), shmems: kinds.pci(), tpms: Connect::empty());
        plugs!(panics, memories, iommus, vsocks);
        others!(cryptos: kinds.pci(), redirdevs: Connect::empty(), pstores: Connect::empty());
        Ok(())
    }

    /// Chooses addresses in the order QEMU once did by itself, which guests have kept.
    fn devices(&self, domain: &mut Domain, buses: &mut Buses) -> Result<()> {
        let kinds = &self.kinds;
        let devices = &mut domain.devices;
        for controller in &mut devices.controllers {
            if let ControllerKind::Pci { model, .. } = &controller.kind
                && !matches!(model, Some(PciModel::PciRoot | PciModel::PcieRoot))
            {
                let connect = controller.connect(kinds);
                choose(buses, &mut controller.info, connect)?;
            }
        }
        for filesystem in &mut devices.filesystems {
            let connect = filesystem.connect(kinds);
            choose(buses, &mut filesystem.info, connect)?;
        }
        for interface in &mut devices.interfaces {
            let connect = interface.connect(kinds);
            if !matches!(interface.source, InterfaceSource::HostDev(_)) && !connect.is_empty() {
                choose(buses, &mut interface.info, connect)?;
            }
        }
        for sound in &mut devices.sounds {
            if !matches!(sound.model, SoundModel::Sb16 | SoundModel::Pcspk | SoundModel::Usb) {
                let connect = sound.connect(kinds);
                choose(buses, &mut sound.info, connect)?;
            }
        }
        self.controllers(&mut devices.controllers, buses)?;
        for disk in devices.disks.iter_mut().filter(|disk| disk.bus() == Some(DiskBus::Virtio)) {
            match &disk.info.address {
                Some(Address::Ccw(_)) => {}
                Some(Address::VirtioMmio) if self.virtio_mmio => {}
                Some(Address::Pci(_)) | None => {
                    let connect = disk.connect(kinds);
                    choose(buses, &mut disk.info, connect)?;
                }
                Some(other) => {
                    let text = format!("virtio disk cannot have an address of type '{}'", other.tag());
                    return Err(Error::new(ErrorDomain::QEMU, ErrorCode::CONFIG_UNSUPPORTED, text));
                }
            }
        }
        for interface in &mut devices.interfaces {
            if matches!(interface.source, InterfaceSource::HostDev(_)) {
                let connect = interface.connect(kinds);
                choose(buses, &mut interface.info, connect)?;
            }
        }
        for hostdev in &mut devices.hostdevs {
            let on_pci = match &hostdev.source {
                HostDevSource::Pci(_) | HostDevSource::ScsiHost(_) => true,
                HostDevSource::Mdev(mdev) => mdev.model == MdevModel::VfioPci,
                _ => false,
            };
            if on_pci {
                let connect = hostdev.connect(kinds);
                choose(buses, &mut hostdev.info, connect)?;
            }
        }
        macro_rules! plugs {
            ($($list:ident),*) => {$(
                for device in &mut devices.$list {
                    let connect = device.connect(kinds);
                    if !connect.is_empty() {
                        choose(buses, &mut device.info, connect)?;
                    }
                }
            )*};
        }
        // some that no bus takes are looked for a place all the same
        for balloon in devices.memballoons.iter_mut().filter(|balloon| balloon.model != BalloonModel::None) {
            let connect = balloon.connect(kinds);
            choose(buses, &mut balloon.info, connect)?;
        }
        plugs!(rngs, watchdogs);
        for video in &mut devices.videos {
            if !matches!(video.model.kind, Some(VideoType::None | VideoType::Ramfb)) {
                let connect = video.connect(kinds);
                choose(buses, &mut video.info, connect)?;
            }
        }
        for shmem in &mut devices.shmems {
            choose(buses, &mut shmem.info, kinds.pci())?;
        }
        plugs!(inputs, serials, iommus, vsocks, memories);
        for crypto in &mut devices.cryptos {
            choose(buses, &mut crypto.info, kinds.pci())?;
        }
        plugs!(panics);
        for pstore in &mut devices.pstores {
            choose(buses, &mut pstore.info, kinds.pci())?;
        }
        Ok(())
    }

    /// Controllers other than PCI's own.
    fn controllers(&self, list: &mut [Controller], buses: &mut Buses) -> Result<()> {
        // the parts of a USB 2 controller are functions of one slot
        let mut slots: HashMap<u32, Place> = HashMap::new();
        for part in list.iter().filter(|controller| companion(controller).is_some()) {
            if let Some(pci) = present(&part.info) {
                slots.entry(part.index.unwrap_or_default()).or_insert_with(|| place_of(pci));
            }
        }
        for controller in list {
            let index = controller.index.unwrap_or_default();
            let connect = controller.connect(&self.kinds);
            let skip = match &controller.kind {
                ControllerKind::Pci { .. } | ControllerKind::Fdc { .. } | ControllerKind::Ccid { .. } => true,
                ControllerKind::Ide { .. } => index == 0,
                ControllerKind::Usb { model, .. } => *model == Some(UsbModel::None),
                ControllerKind::Scsi { model } => *model == Some(ScsiModel::Ncr53c90),
                _ => false,
            };
            if skip || !wanted(&controller.info) {
                continue;
            }
            let Some((function, multifunction)) = companion(controller) else {
                choose(buses, &mut controller.info, connect)?;
                continue;
            };
            let sibling = slots.get(&index).map(|place| Place { function, ..*place });
            let place = match sibling {
                Some(place) => {
                    buses.reserve(place, connect, 0)?;
                    place
                }
                None => buses.reserve_next(connect, 0, Some(function))?,
            };
            if sibling.is_some() || !buses.grows {
                set(&mut controller.info, place, multifunction);
                slots.entry(index).or_insert(place);
            }
        }
        Ok(())
    }
}

/// Whether a console is a serial port once more, with the port's address.
fn is_serial_port(console: &Console, index: usize, devices: &Devices) -> bool {
    matches!(console.kind, None | Some(ConsoleType::Serial)) && index < devices.serials.len()
}

/// The function of a part of a USB 2 controller, and whether that function says there are more.
fn companion(controller: &Controller) -> Option<(u32, Option<OnOff>)> {
    let ControllerKind::Usb { model: Some(model), .. } = &controller.kind else { return None };
    match model {
        UsbModel::Ich9Ehci1 => Some((7, None)),
        UsbModel::Ich9Uhci1 => Some((0, Some(OnOff::On))),
        UsbModel::Ich9Uhci2 => Some((1, None)),
        UsbModel::Ich9Uhci3 => Some((2, None)),
        _ => None,
    }
}

/// Function 0 of a slot with more functions says so.
fn mark_multifunction(domain: &mut Domain) {
    let mut more = std::collections::BTreeSet::new();
    domain.devices.each_info(|_, info| {
        if let Some(Address::Pci(pci)) = &info.address
            && pci.function != 0
        {
            more.insert((pci.domain, pci.bus, pci.slot));
        }
    });
    domain.devices.each_info_mut(|_, info| {
        if let Some(Address::Pci(pci)) = &mut info.address
            && pci.function == 0
            && pci.multifunction.is_none()
            && more.contains(&(pci.domain, pci.bus, pci.slot))
        {
            pci.multifunction = Some(OnOff::On);
        }
    });
}
