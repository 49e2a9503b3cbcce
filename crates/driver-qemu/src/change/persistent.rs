//! Devices joining, leaving and changing in a persistent definition.
//!
//! Pure: a definition goes in, the changed one comes out, and nothing of a running guest is touched.

use virtus_base::{Error, ErrorCode, ErrorDomain, Result};
use virtus_conf::domain::device::console::ConsoleType;
use virtus_conf::domain::device::memory::MemoryModel;
use virtus_conf::domain::device::watchdog::WatchdogModel;
use virtus_conf::domain::device::{Device, DeviceKind, Devices};
use virtus_conf::domain::post_parse::order::{insert_controller, insert_disk};
use virtus_conf::domain::validate as generic;
use virtus_conf::domain::{Domain, ParseOptions};

use super::{Asked, compatible, find};
use crate::emulator::Environment;
use crate::error::{error, invalid};
use crate::{define, validate};

fn missing(text: impl Into<String>) -> Error {
    error(ErrorCode::DEVICE_MISSING, text)
}

fn unsupported(verb: &str, kind: DeviceKind) -> Error {
    error(
        ErrorCode::OPERATION_UNSUPPORTED,
        format!("persistent {verb} of device '{}' is not supported", kind.name()),
    )
}

/// The definition with the device of the document `xml`.
///
/// # Errors
/// libvirt's: what is wrong with the device, `OPERATION_INVALID` when it is there already, `OPERATION_UNSUPPORTED`
/// for kinds that cannot join.
pub fn attach(
    domain: &Domain,
    xml: &str,
    options: &ParseOptions,
    environment: &dyn Environment,
) -> Result<Domain> {
    let (asked, emulator) = Asked::read(domain, xml, options, environment)?;
    let device = asked.device;
    generic::device(&device, domain)?;
    other_audio(domain, &device)?;
    validate::one(&device, domain, &*emulator)?;
    compatible::joins(domain, &device)?;
    let mut domain = copy(domain);
    insert(&mut domain, device)?;
    define::complete(&mut domain, environment)?;
    validate::all(&domain, &*emulator)?;
    Ok(domain)
}

/// Whether an audio device has an id of its own: it is not yet there, whether it is to join or to change.
fn other_audio(domain: &Domain, device: &Device) -> Result<()> {
    match device {
        Device::Audio(audio) if domain.devices.audios.iter().any(|other| other.id == audio.id) => {
            let text = format!("audio ID {} is used multiple times", audio.id);
            Err(Error::new(ErrorDomain::DOMAIN, ErrorCode::XML_ERROR, text))
        }
        _ => Ok(()),
    }
}

/// The definition without the device of the document `xml`.
///
/// # Errors
/// libvirt's: `DEVICE_MISSING` mostly when there is no such device.
pub fn detach(
    domain: &Domain,
    xml: &str,
    options: &ParseOptions,
    environment: &dyn Environment,
) -> Result<Domain> {
    let (asked, _) = Asked::read(domain, xml, options, environment)?;
    without(domain, &asked, environment)
}

/// The definition without the device that the user named `alias`.
///
/// # Errors
/// `INTERNAL_ERROR` when there is none, otherwise as [`detach`].
pub fn detach_alias(domain: &Domain, alias: &str, environment: &dyn Environment) -> Result<Domain> {
    without(domain, &Asked::of_alias(domain, alias)?, environment)
}

/// The definition as it is read again, which numbers its consoles.
fn copy(domain: &Domain) -> Domain {
    let mut domain = domain.clone();
    for (port, console) in (0..).zip(&mut domain.devices.consoles) {
        console.port = Some(port);
    }
    domain
}

fn without(domain: &Domain, asked: &Asked, environment: &dyn Environment) -> Result<Domain> {
    let mut domain = copy(domain);
    remove(&mut domain, asked)?;
    define::complete(&mut domain, environment)?;
    Ok(domain)
}

/// The definition with the device of the document `xml` in the place of the one it is about: a disk of the same
/// target, a network interface of the same MAC address, a display of the same kind.
///
/// # Errors
/// libvirt's: `INVALID_ARG` or `DEVICE_MISSING` when there is no such device, `OPERATION_UNSUPPORTED` for kinds that
/// cannot be changed.
pub fn update(
    domain: &Domain,
    xml: &str,
    options: &ParseOptions,
    environment: &dyn Environment,
) -> Result<Domain> {
    let (asked, emulator) = Asked::read(domain, xml, options, environment)?;
    generic::device(&asked.device, domain)?;
    other_audio(domain, &asked.device)?;
    validate::one(&asked.device, domain, &*emulator)?;
    let mut domain = copy(domain);
    replace(&mut domain, asked)?;
    define::complete(&mut domain, environment)?;
    Ok(domain)
}

fn replace(domain: &mut Domain, asked: Asked) -> Result<()> {
    let absent = |text: String| error(ErrorCode::INVALID_ARG, text);
    let devices = &domain.devices;
    let at = match &asked.device {
        Device::Disk(_) | Device::Interface(_) | Device::Graphics(_) => {
            find::find(devices, &asked.device, asked.mac)?
        }
        Device::Memory(memory) => find::memory(devices, memory),
        other => return Err(unsupported("update", other.kind())),
    };
    let Some(at) = at else {
        return Err(absent(match &asked.device {
            Device::Disk(disk) => format!("target {} doesn't exist.", disk.dst()),
            Device::Graphics(graphics) => {
                let kind = graphics.tag();
                format!("cannot find existing graphics type '{kind}' device to modify")
            }
            _ => "memory not found".to_owned(),
        }));
    };
    let old = match &asked.device {
        Device::Disk(_) => devices.disks.get(at).map(|old| &old.info),
        Device::Interface(_) => devices.interfaces.get(at).map(|old| &old.info),
        Device::Memory(_) => devices.memories.get(at).map(|old| &old.info),
        _ => None,
    };
    compatible::replaces(domain, &asked.device, old, false)?;
    fn put<T>(list: &mut [T], at: usize, new: T) {
        if let Some(slot) = list.get_mut(at) {
            *slot = new;
        }
    }
    let devices = &mut domain.devices;
    match asked.device {
        Device::Disk(new) => put(&mut devices.disks, at, *new),
        Device::Interface(new) => put(&mut devices.interfaces, at, *new),
        Device::Graphics(new) => put(&mut devices.graphics, at, *new),
        Device::Memory(new) => put(&mut devices.memories, at, *new),
        other => return Err(unsupported("update", other.kind())),
    }
    Ok(())
}

/// Puts a device into the definition.
///
/// # Errors
/// `OPERATION_INVALID` when it is there already.
fn insert(domain: &mut Domain, device: Device) -> Result<()> {
    if let Device::Rng(rng) = &device
        && rng.info.address.as_ref().is_some_and(|address| compatible::address_taken(domain, address))
    {
        let text = "a device with the same address already exists ";
        return Err(error(ErrorCode::CONFIG_UNSUPPORTED, text));
    }
    let slots = domain.max_memory.as_ref().map_or(0, |max| u64::from(max.slots));
    let devices = &mut domain.devices;
    let there = find::find(devices, &device, false).ok().flatten().is_some();
    let twice = || Err(invalid("device is already in the domain configuration"));
    match device {
        Device::Disk(disk) if there => return Err(invalid(format!("target {} already exists", disk.dst()))),
        Device::Disk(disk) => insert_disk(&mut devices.disks, *disk),
        Device::Controller(controller) => {
            if let (true, Some(index)) = (there, controller.index) {
                return Err(invalid(format!("controller index='{index}' already exists")));
            }
            insert_controller(&mut devices.controllers, *controller);
        }
        Device::Lease(lease) if there => {
            return Err(invalid(format!(
                "Lease {} in lockspace {} already exists",
                lease.key,
                lease.lockspace.as_deref().unwrap_or("<null>")
            )));
        }
        Device::Console(console) if matches!(console.kind, None | Some(ConsoleType::Serial)) => {
            let text = "attaching serial console is not supported";
            return Err(error(ErrorCode::OPERATION_UNSUPPORTED, text));
        }
        Device::Serial(_) | Device::Parallel(_) | Device::Console(_) | Device::Channel(_) if there => {
            return Err(invalid("chardev already exists"));
        }
        Device::Filesystem(filesystem)
            if devices.filesystems.iter().any(|other| other.target == filesystem.target) =>
        {
            return Err(invalid("Target already exists"));
        }
        Device::HostDev(_) | Device::Shmem(_) | Device::Watchdog(_) if there => return twice(),
        Device::Watchdog(watchdog) => {
            let lonely = watchdog.model != WatchdogModel::I6300esb
                && devices.watchdogs.iter().any(|other| other.model == watchdog.model);
            if lonely {
                let model = watchdog.model;
                return Err(invalid(format!("domain can only have one watchdog with model '{model}'")));
            }
            devices.watchdogs.push(*watchdog);
        }
        Device::Vsock(_) if !devices.vsocks.is_empty() => {
            return Err(invalid("domain already has a vsock device"));
        }
        Device::Iommu(_) if there => return Err(invalid("domain already has an iommu device")),
        Device::Memory(memory) => {
            let slotted = matches!(memory.model, MemoryModel::Dimm | MemoryModel::Nvdimm);
            if slotted && u64::try_from(devices.memories.len()).unwrap_or(u64::MAX) == slots {
                let text = "no free memory device slot available";
                return Err(error(ErrorCode::CONFIG_UNSUPPORTED, text));
            }
            devices.memories.push(*memory);
        }
        device @ (Device::Interface(_)
        | Device::Sound(_)
        | Device::HostDev(_)
        | Device::Lease(_)
        | Device::Serial(_)
        | Device::Parallel(_)
        | Device::Console(_)
        | Device::Channel(_)
        | Device::Filesystem(_)
        | Device::Shmem(_)
        | Device::Vsock(_)
        | Device::Iommu(_)
        | Device::Rng(_)
        | Device::RedirDev(_)
        | Device::Input(_)) => devices.push(device),
        other => return Err(unsupported("attach", other.kind())),
    }
    Ok(())
}

/// Takes the device out that `asked` means.
fn remove(domain: &mut Domain, asked: &Asked) -> Result<()> {
    let devices = &mut domain.devices;
    let device = &asked.device;
    match device {
        Device::Console(console) if matches!(console.kind, None | Some(ConsoleType::Serial)) => {
            return Err(invalid("detaching serial console is not supported"));
        }
        Device::Video(_)
        | Device::Graphics(_)
        | Device::Hub(_)
        | Device::Smartcard(_)
        | Device::MemBalloon(_)
        | Device::Nvram(_)
        | Device::Tpm(_)
        | Device::Panic(_)
        | Device::Audio(_)
        | Device::Crypto(_)
        | Device::Pstore(_)
        | Device::RedirFilter(_) => return Err(unsupported("detach", device.kind())),
        _ => {}
    }
    let found = match device {
        Device::Filesystem(filesystem) => {
            devices.filesystems.iter().position(|other| other.target == filesystem.target)
        }
        device => find::find(devices, device, asked.mac)?,
    };
    let at = found.ok_or_else(|| absent(device))?;
    devices.remove(device.kind(), at);
    if matches!(device, Device::Serial(_)) && at == 0 && repeats_serial(devices) {
        devices.consoles.remove(0);
    }
    Ok(())
}

/// Whether the first console is but another name of a serial port.
fn repeats_serial(devices: &Devices) -> bool {
    devices.consoles.first().is_some_and(|c| matches!(c.kind, None | Some(ConsoleType::Serial)))
}

/// What is said when a definition has no such device.
fn absent(device: &Device) -> Error {
    let failed = |text: &str| error(ErrorCode::OPERATION_FAILED, text);
    match device {
        Device::Disk(disk) => missing(format!("no target device {}", disk.dst())),
        Device::Lease(lease) => missing(format!(
            "Lease {} in lockspace {} does not exist",
            lease.key,
            lease.lockspace.as_deref().unwrap_or("<null>")
        )),
        Device::Serial(_) | Device::Parallel(_) | Device::Console(_) | Device::Channel(_) => {
            Error::new(ErrorDomain::QEMU, ErrorCode::INVALID_ARG, NOT_PRESENT)
        }
        Device::Filesystem(_) => missing("no matching filesystem device was found"),
        Device::Rng(_) => missing("no matching RNG device was found"),
        Device::Memory(_) => missing("matching memory device was not found"),
        Device::RedirDev(_) => missing("no matching redirdev was not found"),
        Device::Shmem(_) => missing("matching shmem device was not found"),
        Device::Watchdog(_) => missing("no matching watchdog was found"),
        Device::Input(_) => missing("matching input device not found"),
        Device::Vsock(_) => failed("matching vsock device not found"),
        Device::Iommu(_) => failed("matching iommu device not found"),
        _ => missing(NOT_PRESENT),
    }
}

const NOT_PRESENT: &str = "device not present in domain configuration";
