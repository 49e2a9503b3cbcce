//! What QEMU, or libvirt's QEMU driver, cannot do.
//!
//! The definition as a whole first, then each device in the order in which libvirt looks at them: a document with
//! several faults is told the same one.

mod chardev;
mod controller;
mod cpu;
mod device;
mod disk;
mod display;
mod domain;
mod features;
mod filesystem;
mod hostdev;
mod interface;
mod memory;
mod pci_controller;
mod security;
mod storage;

use std::collections::HashMap;

use virtus_base::{Error, ErrorCode, ErrorDomain, Result};
use virtus_conf::domain::Domain;
use virtus_conf::domain::device::{Address, Device, DeviceInfo, Disk, Graphics};
use virtus_conf::domain::validate as generic;

use crate::emulator::Emulator;
use crate::machine::Machine;
use crate::postparse::{internal, unsupported, xml_error};

/// What the rules look at.
struct Checks<'a> {
    domain: &'a Domain,
    machine: Machine<'a>,
    emulator: &'a dyn Emulator,
    /// The I/O threads that are listed, in order.
    iothreads: Vec<u32>,
    /// Disks that share limits, by the name of their group.
    sharing: HashMap<&'a str, Sharing<'a>>,
    /// There is a display that only draws.
    egl_headless: bool,
    /// There is a SPICE display.
    spice: bool,
}

/// The disks of one group of limits.
struct Sharing<'a> {
    first: &'a Disk,
    /// The first that has another name and other limits.
    different: Option<&'a Disk>,
}

impl<'a> Checks<'a> {
    fn new(domain: &'a Domain, emulator: &'a dyn Emulator) -> Self {
        let mut iothreads: Vec<u32> =
            domain.iothreadids.iter().flat_map(|list| &list.iothreads).map(|thread| thread.id).collect();
        iothreads.sort_unstable();
        let devices = &domain.devices;
        let mut sharing: HashMap<&str, Sharing<'_>> = HashMap::new();
        for disk in &devices.disks {
            let Some(name) = &disk.rest.iotune.group_name else { continue };
            let group = sharing.entry(name).or_insert(Sharing { first: disk, different: None });
            if group.different.is_none() && !disk::may_share(disk, group.first) {
                group.different = Some(disk);
            }
        }
        Checks {
            domain,
            machine: Machine::of(domain),
            emulator,
            iothreads,
            sharing,
            egl_headless: devices.graphics.iter().any(|g| matches!(g, Graphics::EglHeadless { .. })),
            spice: devices.graphics.iter().any(|g| matches!(g, Graphics::Spice(_))),
        }
    }
}

/// Checks a whole definition.
///
/// # Errors
/// `CONFIG_UNSUPPORTED` mostly, with libvirt's texts.
pub fn all(domain: &Domain, emulator: &dyn Emulator) -> Result<()> {
    let checks = Checks::new(domain, emulator);
    checks.domain()?;
    // of two faults the one of the first device is told, so the generic rules and a device's own ones take turns;
    // without a fault there is no need to
    match generic::devices(domain).and_then(|()| checks.devices(false)) {
        Ok(()) => generic::definition(domain),
        Err(error) => Err(checks.devices(true).err().unwrap_or(error)),
    }
}

/// Checks one device that is to become part of `domain`.
///
/// # Errors
/// As [`all`].
pub fn one(device: &Device, domain: &Domain, emulator: &dyn Emulator) -> Result<()> {
    let checks = Checks::new(domain, emulator);
    if let Some(info) = device.info() {
        checks.info(info)?;
    }
    match device {
        Device::Disk(device) => checks.disks(device),
        Device::Controller(device) => checks.controllers(device),
        Device::Filesystem(device) => checks.filesystems(device),
        Device::Interface(device) => checks.interfaces(device),
        Device::Smartcard(device) => checks.smartcards(device),
        Device::Serial(device) => checks.serials(device),
        Device::Parallel(device) => checks.parallels(device),
        Device::Console(device) => checks.consoles(device),
        Device::Channel(device) => checks.channels(device),
        Device::Input(device) => checks.inputs(device),
        Device::Tpm(device) => checks.tpms(device),
        Device::Graphics(device) => checks.graphics(device),
        Device::Sound(device) => checks.sounds(device),
        Device::Audio(device) => checks.audio(device),
        Device::Video(device) => checks.videos(device),
        Device::HostDev(device) => checks.hostdevs(device),
        Device::RedirDev(device) => checks.redirdevs(device),
        Device::Hub(device) => checks.hubs(device),
        Device::Watchdog(device) => checks.watchdogs(device),
        Device::MemBalloon(device) => checks.memballoons(device),
        Device::Rng(device) => checks.rngs(device),
        Device::Nvram(device) => checks.nvrams(device),
        Device::Panic(device) => checks.panics(device),
        Device::Shmem(device) => checks.shmems(device),
        Device::Memory(device) => checks.memories(device),
        Device::Crypto(device) => checks.cryptos(device),
        Device::Iommu(device) => checks.iommus(device),
        Device::Vsock(device) => checks.vsocks(device),
        Device::Pstore(device) => checks.pstores(device),
        Device::Lease(_) | Device::RedirFilter(_) => Ok(()),
    }
}

fn invalid_argument(text: impl Into<String>) -> Error {
    Error::new(ErrorDomain::QEMU, ErrorCode::INVALID_ARG, text)
}

impl Checks<'_> {
    /// Every device in libvirt's order, each after the generic rules if `generic`.
    fn devices(&self, generic: bool) -> Result<()> {
        let devices = &self.domain.devices;
        let known = generic.then(|| generic::Known::of(self.domain));
        macro_rules! each {
            ($($list:ident: $variant:ident),* $(,)?) => {$(
                for device in &devices.$list {
                    if let Some(known) = &known {
                        known.device(&Device::$variant(Box::new(device.clone())))?;
                    }
                    self.info(&device.info)?;
                    self.$list(device)?;
                }
            )*};
        }
        each!(
            disks: Disk, interfaces: Interface, sounds: Sound, hostdevs: HostDev, videos: Video,
            controllers: Controller, smartcards: Smartcard, serials: Serial, parallels: Parallel,
            channels: Channel, consoles: Console, inputs: Input, filesystems: Filesystem, watchdogs: Watchdog,
            memballoons: MemBalloon, rngs: Rng, nvrams: Nvram, hubs: Hub, shmems: Shmem, tpms: Tpm, panics: Panic,
            memories: Memory, iommus: Iommu, vsocks: Vsock, cryptos: Crypto, redirdevs: RedirDev, pstores: Pstore,
        );
        devices.graphics.iter().try_for_each(|graphics| self.graphics(graphics))?;
        devices.audios.iter().try_for_each(|audio| self.audio(audio))
    }

    fn has(&self, capability: &str) -> bool {
        self.emulator.has(capability)
    }

    /// An error unless the emulator has the capability.
    fn need(&self, capability: &str, text: &str) -> Result<()> {
        if self.has(capability) { Ok(()) } else { Err(unsupported(text)) }
    }

    /// Address, option ROM and ACPI index of a device.
    fn info(&self, info: &DeviceInfo) -> Result<()> {
        match &info.address {
            Some(Address::Pci(pci)) => {
                if let Some(zpci) = pci.zpci.filter(|zpci| zpci.uid.is_some() || zpci.fid.is_some()) {
                    self.need("zpci", "This QEMU binary doesn't support zPCI")?;
                    if let Some(uid) = zpci.uid.filter(|uid| *uid == 0 || *uid > LAST_ZPCI_UID) {
                        return Err(xml_error(format!(
                            "Invalid PCI address uid='0x{uid:04x}', must be > 0x0000 and <= 0x{LAST_ZPCI_UID:04x}"
                        )));
                    }
                }
            }
            Some(Address::Ccw(_)) if !self.machine.is_s390_ccw() => {
                let text = format!("CCW addresses are not supported by machine type '{}'", self.machine.name);
                return Err(unsupported(text));
            }
            Some(Address::VirtioS390) => {
                return Err(unsupported("'virtio-s390' addresses are no longer supported"));
            }
            Some(Address::SpaprVio(vio)) => {
                if let Some(reg) = vio.reg.filter(|reg| *reg > LAST_SPAPR_REG) {
                    return Err(unsupported(format!(
                        "spapr-vio reg='0x{reg:x}' exceeds maximum possible value (0xffffffff)"
                    )));
                }
            }
            _ => {}
        }
        let elsewhere = !matches!(info.address, None | Some(Address::Pci(_)));
        if info.acpi_index.is_some() {
            self.need("acpi-index", "ACPI index is not supported with this QEMU")?;
            if elsewhere {
                return Err(unsupported("ACPI index is only supported for PCI devices"));
            }
        }
        if info.rom.is_some() && elsewhere {
            return Err(unsupported("ROM tuning is only supported for PCI devices"));
        }
        Ok(())
    }
}

const LAST_ZPCI_UID: u32 = 0xffff;
const LAST_SPAPR_REG: u64 = 0xffff_ffff;
