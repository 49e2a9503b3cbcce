//! Buses that virtio devices of other machines are on by default: s390's channels, virtio-mmio; and pSeries'
//! virtual I/O.

use std::collections::{BTreeMap, BTreeSet};

use virtus_base::{Error, ErrorCode, ErrorDomain, Result};
use virtus_conf::domain::Domain;
use virtus_conf::domain::device::address::{Address, CcwAddress, SpaprVioAddress};
use virtus_conf::domain::device::console::SerialType;
use virtus_conf::domain::device::controller::{ControllerKind, PciModel, ScsiModel};
use virtus_conf::domain::device::disk::DiskBus;
use virtus_conf::domain::device::hostdev::{HostDevSource, MdevModel};
use virtus_conf::domain::device::input::InputBus;
use virtus_conf::domain::device::memballoon::BalloonModel;
use virtus_conf::domain::device::memory::MemoryModel;
use virtus_conf::domain::device::sound::SoundModel;
use virtus_conf::domain::device::tpm::TpmModel;
use virtus_conf::domain::device::video::VideoType;
use virtus_conf::domain::device::{DeviceInfo, DeviceKind, Devices, PciAddress};

use super::AddressFacts;
use crate::machine::Machine;

/// Where QEMU itself begins to look for registers.
const VIO_NET: u64 = 0x1000;
const VIO_SCSI: u64 = 0x2000;
const VIO_NVRAM: u64 = 0x3000;
const VIO_TPM: u64 = 0x4000;
const VIO_SERIAL: u64 = 0x3000_0000;
const VIO_STEP: u64 = 0x1000;

fn bad(text: String) -> Error {
    Error::new(ErrorDomain::QEMU, ErrorCode::XML_ERROR, text)
}

/// Puts pSeries' own devices on its virtual bus and gives them registers.
///
/// # Errors
/// `XML_ERROR` when a register is taken twice.
pub(super) fn spapr_vio(domain: &mut Domain) -> Result<()> {
    let pseries = Machine::of(domain).is_pseries();
    let devices = &mut domain.devices;
    let mut seen = BTreeSet::new();
    let mut twice = None;
    devices.each_info(|kind, info| {
        // the console that is a serial port has that port's address
        if kind != DeviceKind::Console
            && let Some(Address::SpaprVio(SpaprVioAddress { reg: Some(reg) })) = &info.address
            && !seen.insert(*reg)
        {
            twice.get_or_insert(*reg);
        }
    });
    if let Some(reg) = twice {
        return Err(bad(format!("spapr-vio address {reg:#x} already in use")));
    }
    let mut next: BTreeMap<u64, u64> = BTreeMap::new();
    let mut place = |info: &mut DeviceInfo, belongs: bool, first: u64| {
        if belongs && !matches!(info.address, Some(Address::SpaprVio(_))) {
            info.address = Some(Address::SpaprVio(SpaprVioAddress { reg: reinterpreted(info) }));
        }
        if let Some(Address::SpaprVio(vio)) = &mut info.address
            && vio.reg.is_none()
        {
            let reg = next.entry(first).or_insert(first);
            while !seen.insert(*reg) {
                *reg += VIO_STEP;
            }
            vio.reg = Some(*reg);
        }
    };
    for net in &mut devices.interfaces {
        let own = net.rest.model.as_deref() == Some("spapr-vlan");
        place(&mut net.info, own, VIO_NET);
    }
    for controller in &mut devices.controllers {
        let own = matches!(controller.kind, ControllerKind::Scsi { model: Some(ScsiModel::IbmVscsi) });
        place(&mut controller.info, own, VIO_SCSI);
    }
    for serial in &mut devices.serials {
        let own = serial.target.kind == Some(SerialType::SpaprVio);
        place(&mut serial.info, own, VIO_SERIAL);
    }
    for nvram in &mut devices.nvrams {
        place(&mut nvram.info, pseries, VIO_NVRAM);
    }
    for tpm in &mut devices.tpms {
        let own = pseries && tpm.model != Some(TpmModel::SpaprProxy);
        place(&mut tpm.info, own, VIO_TPM);
    }
    Ok(())
}

/// What libvirt makes of an address of another bus, whose numbers it reads as a register.
fn reinterpreted(info: &DeviceInfo) -> Option<u64> {
    let (low, high, told) = match &info.address {
        Some(Address::Pci(pci)) => (pci.domain, pci.bus, pci.slot),
        Some(Address::Ccw(ccw)) => (ccw.cssid?, ccw.ssid?, ccw.devno?),
        _ => return None,
    };
    (told & 0xff != 0).then(|| u64::from(low) | u64::from(high) << 32)
}

/// Puts virtio devices without an address on `bus`.
fn prime(devices: &mut Devices, bus: &Address) {
    let ccw = matches!(bus, Address::Ccw(_));
    macro_rules! prime {
        ($($device:ident in $list:ident if $virtio:expr;)*) => {$(
            for $device in &mut devices.$list {
                if $device.info.address.is_none() && $virtio {
                    $device.info.address = Some(bus.clone());
                }
            }
        )*};
    }
    prime! {
        disk in disks if disk.bus() == Some(DiskBus::Virtio);
        net in interfaces if matches!(
            net.rest.model.as_deref(),
            Some("virtio" | "virtio-transitional" | "virtio-non-transitional")
        );
        sound in sounds if sound.model == SoundModel::Virtio;
        video in videos if video.model.kind == Some(VideoType::Virtio);
        input in inputs if input.bus == Some(InputBus::Virtio);
        controller in controllers
            if matches!(controller.kind, ControllerKind::VirtioSerial { .. } | ControllerKind::Scsi { .. });
        hostdev in hostdevs if matches!(hostdev.source, HostDevSource::ScsiHost(_));
        balloon in memballoons if balloon.model != BalloonModel::None;
        rng in rngs if rng.info.address.is_none();
        memory in memories if matches!(memory.model, MemoryModel::VirtioPmem | MemoryModel::VirtioMem);
        filesystem in filesystems if ccw && filesystem.info.address.is_none();
        vsock in vsocks if ccw && vsock.info.address.is_none();
        crypto in cryptos if crypto.info.address.is_none();
    }
}

/// The channel subsystem of virtio devices.
const VIRTIO_CSSID: u32 = 0xfe;
/// The last device number of a subchannel set, and the last set.
const LAST_DEVNO: u32 = 0xffff;
const LAST_SSID: u32 = 3;

/// Numbers the devices on s390's channels.
///
/// # Errors
/// `XML_ERROR` when a number is taken twice, `INTERNAL_ERROR` when they run out.
pub(super) fn ccw(domain: &mut Domain) -> Result<()> {
    if !Machine::of(domain).is_s390_ccw() {
        return Ok(());
    }
    let devices = &mut domain.devices;
    let bus = Address::Ccw(CcwAddress::default());
    for hostdev in &mut devices.hostdevs {
        if let HostDevSource::Mdev(mdev) = &hostdev.source
            && mdev.model == MdevModel::VfioCcw
            && hostdev.info.address.is_none()
        {
            hostdev.info.address = Some(bus.clone());
        }
    }
    prime(devices, &bus);
    let mut taken = BTreeSet::new();
    let mut twice = None;
    devices.each_info(|_, info| {
        if let Some(Address::Ccw(CcwAddress { cssid: Some(cssid), ssid: Some(ssid), devno: Some(devno) })) =
            &info.address
            && !taken.insert((*cssid, *ssid, *devno))
        {
            twice.get_or_insert((*cssid, *ssid, *devno));
        }
    });
    if let Some((cssid, ssid, devno)) = twice {
        let text = format!("The CCW devno '{cssid:x}.{ssid:x}.{devno:04x}' is in use already");
        return Err(Error::new(ErrorDomain::DOMAIN, ErrorCode::XML_ERROR, text));
    }
    let mut free = (0..=LAST_SSID)
        .flat_map(|ssid| (0..=LAST_DEVNO).map(move |devno| (VIRTIO_CSSID, ssid, devno)))
        .filter(|number| !taken.contains(number));
    let mut exhausted = false;
    devices.each_info_mut(|_, info| {
        if let Some(Address::Ccw(ccw)) = &mut info.address
            && ccw.devno.is_none()
        {
            match free.next() {
                Some((cssid, ssid, devno)) => {
                    *ccw = CcwAddress { cssid: Some(cssid), ssid: Some(ssid), devno: Some(devno) };
                }
                None => exhausted = true,
            }
        }
    });
    match exhausted {
        true => Err(Error::internal(ErrorDomain::DOMAIN, "There are no more free CCW devnos.")),
        false => Ok(()),
    }
}

/// Chooses between PCI Express and virtio-mmio for the virtio devices of Arm and RISC-V boards: PCI Express where
/// there is a root and nothing on the older bus yet.
pub(super) fn virtio_mmio(domain: &mut Domain, facts: AddressFacts) {
    let machine = Machine::of(domain);
    let board = machine.name.starts_with("vexpress-") || machine.is_arm_virt() || machine.is_riscv_virt();
    if !(machine.is_arm() || machine.is_riscv()) || !board {
        return;
    }
    let express = domain.devices.controllers.iter().any(|controller| {
        matches!(controller.kind, ControllerKind::Pci { model: Some(PciModel::PcieRoot), .. })
    });
    let mut used = false;
    domain.devices.each_info(|_, info| used |= matches!(info.address, Some(Address::VirtioMmio)));
    if express && !used {
        prime(&mut domain.devices, &Address::Pci(PciAddress::default()));
    } else if facts.virtio_mmio {
        prime(&mut domain.devices, &Address::VirtioMmio);
    }
}
