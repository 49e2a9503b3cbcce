//! Devices joining and leaving a persistent definition.
//!
//! Pure: a definition goes in, the changed one comes out, and nothing of a running guest is touched.

use virtus_base::{Error, ErrorCode, ErrorDomain, Result};
use virtus_conf::domain::device::console::ConsoleType;
use virtus_conf::domain::device::{Device, DeviceInfo, DeviceKind, Devices, HostDev, Interface, Watchdog};
use virtus_conf::domain::post_parse::order::{insert_controller, insert_disk};
use virtus_conf::domain::validate as generic;
use virtus_conf::domain::{Domain, ParseOptions, post_parse};

use virtus_xml::{Document, ReadOptions};

use crate::emulator::{Emulator, Environment};
use crate::{define, postparse, validate};

fn invalid(text: impl Into<String>) -> Error {
    Error::new(ErrorDomain::QEMU, ErrorCode::OPERATION_INVALID, text)
}

fn missing(text: impl Into<String>) -> Error {
    Error::new(ErrorDomain::QEMU, ErrorCode::DEVICE_MISSING, text)
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
    let emulator = environment.emulator(domain.devices.emulator.as_deref().unwrap_or_default())?;
    let device = read(domain, xml, options, &*emulator, environment)?;
    generic::device(&device, domain)?;
    joins(domain, &device)?;
    validate::one(&device, domain, &*emulator)?;
    let mut domain = domain.clone();
    insert(&mut domain, device)?;
    define::complete(&mut domain, environment)?;
    validate::all(&domain, &*emulator)?;
    Ok(domain)
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
    let emulator = environment.emulator(domain.devices.emulator.as_deref().unwrap_or_default())?;
    let device = read(domain, xml, options, &*emulator, environment)?;
    let mut domain = domain.clone();
    remove(&mut domain, &device, names_mac(xml, options)?)?;
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
    let emulator = environment.emulator(domain.devices.emulator.as_deref().unwrap_or_default())?;
    let device = read(domain, xml, options, &*emulator, environment)?;
    generic::device(&device, domain)?;
    joins(domain, &device)?;
    validate::one(&device, domain, &*emulator)?;
    let mut domain = domain.clone();
    replace(&mut domain, device, names_mac(xml, options)?)?;
    define::complete(&mut domain, environment)?;
    validate::all(&domain, &*emulator)?;
    Ok(domain)
}

fn replace(domain: &mut Domain, device: Device, mac: bool) -> Result<()> {
    let devices = &mut domain.devices;
    let absent = |text: String| Error::new(ErrorDomain::QEMU, ErrorCode::INVALID_ARG, text);
    match device {
        Device::Disk(disk) => match devices.disks.iter_mut().find(|other| other.dst() == disk.dst()) {
            Some(found) => *found = *disk,
            None => return Err(absent(format!("target {} doesn't exist.", disk.dst()))),
        },
        Device::Interface(net) => {
            let at = find_interface(&devices.interfaces, &net, mac)?;
            if let Some(found) = devices.interfaces.get_mut(at) {
                *found = *net;
            }
        }
        Device::Graphics(graphics) => {
            let kind = std::mem::discriminant(&*graphics);
            match devices.graphics.iter_mut().find(|other| std::mem::discriminant(*other) == kind) {
                Some(found) => *found = *graphics,
                None => {
                    let kind = graphics.tag();
                    return Err(absent(format!(
                        "cannot find existing graphics type '{kind}' device to modify"
                    )));
                }
            }
        }
        Device::Memory(memory) => {
            let found = devices
                .memories
                .iter_mut()
                .find(|other| other.model == memory.model && same_place(&other.info, &memory.info));
            *found.ok_or_else(|| missing("matching memory device was not found"))? = *memory;
        }
        other => return Err(unsupported("update", other.kind())),
    }
    Ok(())
}

/// No network interface is as the document says.
fn no_interface(net: &Interface) -> Error {
    let none = || "(<null>)".to_owned();
    let address =
        net.info.address.as_ref().and_then(|address| address.pci()).map_or_else(none, |pci| pci.to_string());
    let mac = net.mac.as_ref().map_or_else(none, |mac| mac.address.to_string());
    let alias = net.info.alias.clone().unwrap_or_else(none);
    Error::new(
        ErrorDomain::DOMAIN,
        ErrorCode::DEVICE_MISSING,
        format!("no device found at address '{address}' matching MAC address '{mac}' and alias '{alias}'"),
    )
}

/// Reads a device and fills in what it leaves out, as it would be in `domain`.
fn read(
    domain: &Domain,
    xml: &str,
    options: &ParseOptions,
    emulator: &dyn Emulator,
    environment: &dyn Environment,
) -> Result<Device> {
    let mut device = Device::parse(xml, options)?;
    postparse::one_device(&mut device, domain, emulator, environment)?;
    let kind = device.kind();
    let mut around = domain.clone();
    if names_port(&device) {
        // whether the port is free is not asked here
        around.devices.serials.clear();
        around.devices.parallels.clear();
        around.devices.consoles.clear();
        around.devices.channels.clear();
    }
    around.devices.push(device);
    post_parse::devices(&mut around)?;
    around.devices.pop(kind).ok_or_else(|| Error::internal(ErrorDomain::QEMU, "device is lost"))
}

/// Whether a serial port or its like says which it is.
fn names_port(device: &Device) -> bool {
    match device {
        Device::Serial(serial) => serial.target.port.is_some(),
        Device::Parallel(parallel) => parallel.port.is_some(),
        Device::Console(console) => console.port.is_some(),
        _ => false,
    }
}

/// Whether the definition has what the device needs.
fn joins(domain: &Domain, device: &Device) -> Result<()> {
    let refuse = |code, text: String| Err(Error::new(ErrorDomain::DOMAIN, code, text));
    match device {
        Device::Audio(audio) if domain.devices.audios.iter().any(|other| other.id == audio.id) => {
            refuse(ErrorCode::XML_ERROR, format!("audio ID {} is used multiple times", audio.id))
        }
        Device::Memory(_) if domain.max_memory.is_none() => refuse(
            ErrorCode::CONFIG_UNSUPPORTED,
            "cannot use/hotplug a memory device when domain 'maxMemory' is not defined".to_owned(),
        ),
        _ => Ok(()),
    }
}

fn unsupported(verb: &str, kind: DeviceKind) -> Error {
    Error::new(
        ErrorDomain::QEMU,
        ErrorCode::OPERATION_UNSUPPORTED,
        format!("persistent {verb} of device '{}' is not supported", kind.name()),
    )
}

fn insert(domain: &mut Domain, device: Device) -> Result<()> {
    let devices = &mut domain.devices;
    let twice = || Err(invalid("device is already in the domain configuration"));
    match device {
        Device::Disk(disk) => {
            if devices.disks.iter().any(|other| other.dst() == disk.dst()) {
                return Err(invalid(format!("target {} already exists", disk.dst())));
            }
            insert_disk(&mut devices.disks, *disk);
        }
        Device::Controller(controller) => {
            let taken = controller.index.filter(|index| {
                devices
                    .controllers
                    .iter()
                    .any(|other| other.index == Some(*index) && other.kind.tag() == controller.kind.tag())
            });
            if let Some(index) = taken {
                return Err(invalid(format!("controller index='{index}' already exists")));
            }
            insert_controller(&mut devices.controllers, *controller);
        }
        Device::HostDev(hostdev) => {
            if devices.hostdevs.iter().any(|other| same_host_device(other, &hostdev)) {
                return twice();
            }
            devices.hostdevs.push(*hostdev);
        }
        Device::Lease(lease) => {
            if devices.leases.iter().any(|other| other.key == lease.key && other.lockspace == lease.lockspace)
            {
                return Err(invalid(format!(
                    "Lease {} in lockspace {} already exists",
                    lease.key,
                    lease.lockspace.as_deref().unwrap_or_default()
                )));
            }
            devices.leases.push(*lease);
        }
        Device::Console(console) if matches!(console.kind, None | Some(ConsoleType::Serial)) => {
            return Err(Error::new(
                ErrorDomain::QEMU,
                ErrorCode::OPERATION_UNSUPPORTED,
                "attaching serial console is not supported",
            ));
        }
        Device::Filesystem(filesystem) => {
            if devices.filesystems.iter().any(|other| other.target == filesystem.target) {
                return Err(invalid("Target already exists"));
            }
            devices.filesystems.push(*filesystem);
        }
        Device::Shmem(shmem) => {
            if devices.shmems.iter().any(|other| other.name == shmem.name) {
                return twice();
            }
            devices.shmems.push(*shmem);
        }
        Device::Watchdog(watchdog) => {
            let same = |other: &Watchdog| other.model == watchdog.model && other.action == watchdog.action;
            if devices.watchdogs.iter().any(same) {
                return twice();
            }
            devices.watchdogs.push(*watchdog);
        }
        Device::Vsock(vsock) => {
            if !devices.vsocks.is_empty() {
                return Err(invalid("domain already has a vsock device"));
            }
            devices.vsocks.push(*vsock);
        }
        Device::Iommu(iommu) => {
            if !devices.iommus.is_empty() {
                return Err(invalid("domain already has an iommu device"));
            }
            devices.iommus.push(*iommu);
        }
        device @ (Device::Interface(_)
        | Device::Sound(_)
        | Device::Serial(_)
        | Device::Parallel(_)
        | Device::Console(_)
        | Device::Channel(_)
        | Device::Rng(_)
        | Device::Memory(_)
        | Device::RedirDev(_)
        | Device::Input(_)) => devices.push(device),
        other => return Err(unsupported("attach", other.kind())),
    }
    Ok(())
}

/// Whether two entries hand over the same device.
fn same_host_device(one: &HostDev, other: &HostDev) -> bool {
    one.source == other.source
}

/// Whether what `asked` says of its place is true of `found`; what it does not say is not asked for.
fn same_place(found: &DeviceInfo, asked: &DeviceInfo) -> bool {
    asked.alias.as_ref().is_none_or(|alias| found.alias.as_ref() == Some(alias))
        && asked.address.as_ref().is_none_or(|address| found.address.as_ref() == Some(address))
}

/// Where the one interface is that `asked` means: of its MAC address (if its document named one) and its place.
fn find_interface(list: &[Interface], asked: &Interface, mac: bool) -> Result<usize> {
    let same = |found: &Interface| {
        let address = |net: &Interface| net.mac.as_ref().map(|mac| mac.address);
        (!mac || address(found) == address(asked)) && same_place(&found.info, &asked.info)
    };
    let mut found = list.iter().enumerate().filter(|(_, net)| same(net)).map(|(at, _)| at);
    match (found.next(), found.next()) {
        (Some(at), None) => Ok(at),
        (None, _) => Err(no_interface(asked)),
        (Some(_), Some(_)) => {
            let mac = asked.mac.as_ref().map(|mac| mac.address.to_string()).unwrap_or_default();
            Err(Error::new(
                ErrorDomain::DOMAIN,
                ErrorCode::OPERATION_FAILED,
                format!("multiple devices matching MAC address {mac} found"),
            ))
        }
    }
}

/// Whether a network interface's document names its MAC address; else reading has made one up.
fn names_mac(xml: &str, options: &ParseOptions) -> Result<bool> {
    let read = ReadOptions { inactive: options.inactive, status: false, track: false };
    let document = Document::parse(xml, ErrorDomain::DOMAIN, &read)?;
    Ok(document.root().child("mac").is_some())
}

/// Takes the first that matches out of a list.
fn take<T>(list: &mut Vec<T>, matches: impl Fn(&T) -> bool, error: impl FnOnce() -> Error) -> Result<T> {
    match list.iter().position(matches) {
        Some(at) => Ok(list.remove(at)),
        None => Err(error()),
    }
}

fn remove(domain: &mut Domain, device: &Device, mac: bool) -> Result<()> {
    let devices = &mut domain.devices;
    let absent = || missing("device not present in domain configuration");
    let no = |what: &'static str| move || missing(what);
    match device {
        Device::Disk(disk) => {
            let error = || missing(format!("no target device {}", disk.dst()));
            take(&mut devices.disks, |other| other.dst() == disk.dst(), error).map(drop)
        }
        Device::Interface(net) => {
            let at = find_interface(&devices.interfaces, net, mac)?;
            devices.interfaces.remove(at);
            Ok(())
        }
        Device::Sound(sound) => {
            let same = |other: &_| same_sound(other, sound);
            take(&mut devices.sounds, same, absent).map(drop)
        }
        Device::HostDev(hostdev) => {
            take(&mut devices.hostdevs, |other| same_host_device(other, hostdev), absent).map(drop)
        }
        Device::Lease(lease) => {
            let error = || {
                Error::new(
                    ErrorDomain::QEMU,
                    ErrorCode::INVALID_ARG,
                    format!(
                        "Lease {} in lockspace {} does not exist",
                        lease.key,
                        lease.lockspace.as_deref().unwrap_or_default()
                    ),
                )
            };
            let same = |other: &virtus_conf::domain::device::Lease| {
                other.key == lease.key && other.lockspace == lease.lockspace
            };
            take(&mut devices.leases, same, error).map(drop)
        }
        Device::Controller(controller) => {
            let same = |other: &virtus_conf::domain::device::Controller| {
                other.kind.tag() == controller.kind.tag()
                    && other.index.unwrap_or_default() == controller.index.unwrap_or_default()
            };
            take(&mut devices.controllers, same, absent).map(drop)
        }
        Device::Serial(_) | Device::Parallel(_) | Device::Console(_) | Device::Channel(_) => {
            remove_character(devices, device)
        }
        Device::Filesystem(filesystem) => {
            let error = no("no matching filesystem device was found");
            take(&mut devices.filesystems, |other| other.target == filesystem.target, error).map(drop)
        }
        Device::Rng(rng) => {
            let same = |other: &virtus_conf::domain::device::Rng| {
                other.model == rng.model
                    && other.backend == rng.backend
                    && other.rate == rng.rate
                    && same_place(&other.info, &rng.info)
            };
            take(&mut devices.rngs, same, no("no matching RNG device was found")).map(drop)
        }
        Device::Memory(memory) => {
            let same = |other: &virtus_conf::domain::device::MemoryDevice| {
                other.model == memory.model
                    && other.source == memory.source
                    && other.target.size == memory.target.size
                    && other.target.node == memory.target.node
                    && same_place(&other.info, &memory.info)
            };
            take(&mut devices.memories, same, no("matching memory device was not found")).map(drop)
        }
        Device::RedirDev(redirdev) => {
            let same = |other: &virtus_conf::domain::device::RedirDev| {
                other.bus == redirdev.bus
                    && other.chardev == redirdev.chardev
                    && same_place(&other.info, &redirdev.info)
            };
            take(&mut devices.redirdevs, same, no("no matching redirdev was not found")).map(drop)
        }
        Device::Shmem(shmem) => {
            let same = |other: &virtus_conf::domain::device::Shmem| {
                other.name == shmem.name && other.model == shmem.model && same_place(&other.info, &shmem.info)
            };
            take(&mut devices.shmems, same, no("matching shmem device was not found")).map(drop)
        }
        Device::Watchdog(watchdog) => {
            let same = |other: &virtus_conf::domain::device::Watchdog| {
                other.model == watchdog.model
                    && other.action == watchdog.action
                    && same_place(&other.info, &watchdog.info)
            };
            take(&mut devices.watchdogs, same, no("no matching watchdog was not found")).map(drop)
        }
        Device::Input(input) => {
            let same = |other: &virtus_conf::domain::device::Input| {
                other.kind == input.kind
                    && other.bus == input.bus
                    && other.source == input.source
                    && same_place(&other.info, &input.info)
            };
            take(&mut devices.inputs, same, no("matching input device not found")).map(drop)
        }
        Device::Vsock(vsock) => {
            let same = |other: &virtus_conf::domain::device::Vsock| {
                other.model == vsock.model && same_place(&other.info, &vsock.info)
            };
            take(&mut devices.vsocks, same, no("matching vsock device not found")).map(drop)
        }
        Device::Iommu(iommu) => {
            let same = |other: &virtus_conf::domain::device::Iommu| other.model == iommu.model;
            take(&mut devices.iommus, same, no("matching iommu device not found")).map(drop)
        }
        other => Err(unsupported("detach", other.kind())),
    }
}

fn same_sound(
    found: &virtus_conf::domain::device::Sound,
    asked: &virtus_conf::domain::device::Sound,
) -> bool {
    found.model == asked.model && found.codecs == asked.codecs && same_place(&found.info, &asked.info)
}

/// Serial ports and their like are told apart by both their sides.
fn remove_character(devices: &mut Devices, device: &Device) -> Result<()> {
    let absent = || {
        Error::new(ErrorDomain::QEMU, ErrorCode::INVALID_ARG, "device not present in domain configuration")
    };
    match device {
        Device::Serial(asked) => {
            let same = |other: &virtus_conf::domain::device::Serial| {
                other.chardev.source == asked.chardev.source && other.target == asked.target
            };
            take(&mut devices.serials, same, absent).map(drop)
        }
        Device::Parallel(asked) => {
            let same = |other: &virtus_conf::domain::device::Parallel| {
                other.chardev.source == asked.chardev.source && other.port == asked.port
            };
            take(&mut devices.parallels, same, absent).map(drop)
        }
        Device::Console(asked) => {
            let same = |other: &virtus_conf::domain::device::Console| {
                other.chardev.source == asked.chardev.source
                    && other.kind == asked.kind
                    && other.port == asked.port
            };
            take(&mut devices.consoles, same, absent).map(drop)
        }
        Device::Channel(asked) => {
            let same = |other: &virtus_conf::domain::device::Channel| {
                other.chardev.source == asked.chardev.source && other.target == asked.target
            };
            take(&mut devices.channels, same, absent).map(drop)
        }
        _ => Err(absent()),
    }
}
