//! A device joins a running guest.

use virtus_api::DomainEvent;
use virtus_base::{Error, ErrorCode, ErrorDomain, Result};
use virtus_conf::domain as conf;
use virtus_conf::domain::device::console::ConsoleType;
use virtus_conf::domain::device::controller::{ControllerKind, ScsiModel};
use virtus_conf::domain::device::disk::{DiskBus, DiskDevice};
use virtus_conf::domain::device::filesystem::FsDriverType;
use virtus_conf::domain::device::hostdev::HostDevSource;
use virtus_conf::domain::device::input::{InputBus, InputType};
use virtus_conf::domain::device::interface::InterfaceSource;
use virtus_conf::domain::device::memory::MemoryModel;
use virtus_conf::domain::device::watchdog::{WatchdogAction, WatchdogModel};
use virtus_conf::domain::device::{Address, ChardevSource, Device, DeviceKind, Disk, HostDev, Interface};
use virtus_conf::domain::post_parse::order::insert_controller;
use virtus_conf::domain::validate as generic;
use virtus_qmp::command::SetAction;
use virtus_state::Undo;

use super::look::look_at;
use super::{Site, alone, failed, host, hostdev, insert, media, network, plug, refused, unsupported, update};
use crate::address::{self, AddressFacts, alias};
use crate::change::{Asked, compatible, find};
use crate::command::{Context, prepare};
use crate::error::{internal, invalid};
use crate::process::helper;
use crate::{postparse, validate};

/// Plugs in the device that `asked` describes, or puts its medium into a drive that is there.
///
/// # Errors
/// libvirt's: what is wrong with the device, what the host or QEMU cannot do.
pub(crate) async fn attach(site: &Site<'_>, asked: Asked) -> Result<()> {
    let mut model = site.model()?;
    let mut device = asked.device;
    generic::device(&device, &model)?;
    validate::one(&device, &model, &*site.emulator)?;
    compatible::joins(&model, &device)?;
    if let Device::Disk(disk) = &device
        && matches!(disk.device, DiskDevice::Cdrom | DiskDevice::Floppy)
        && model.devices.disks.iter().any(|other| other.dst() == disk.dst())
    {
        return media::change(site, disk, false).await;
    }
    allowed(&model, &mut device)?;
    if let Device::Lease(_) = device {
        site.commit(|model| insert(model, device), Vec::new());
        return Ok(());
    }
    match &mut device {
        Device::Disk(disk) => look_at(site, &model, disk).await?,
        Device::HostDev(hostdev) => hostdev::find(hostdev, &site.context())?,
        _ => {}
    }
    controllers(site, &mut model, &device).await?;
    let mut device = place(site, &mut model, device)?;
    let mut undo = Undo::new();
    match plug_in(site, &model, &mut device, &mut undo).await {
        Ok(()) => undo.commit(),
        Err(e) => {
            undo.unwind().await;
            return Err(e);
        }
    }
    let alias = device.info().and_then(|info| info.alias.clone()).unwrap_or_default();
    let dev_alias = match device {
        // libvirt tells the name of the memory here, not the module's
        Device::Memory(_) => format!("mem{alias}"),
        _ => alias,
    };
    let memory = matches!(device, Device::Memory(_));
    site.commit(|model| insert(model, device), vec![DomainEvent::DeviceAdded { dev_alias }]);
    if memory {
        update::memory_of(site).await;
    }
    Ok(())
}

/// Starts the program that a device needs beside QEMU.
async fn helped(
    site: &Site<'_>,
    model: &conf::Domain,
    device: &Device,
    context: &mut Context,
    undo: &mut Undo,
) -> Result<Device> {
    let mut alone = alone(model, device);
    helper::join(site.shared, &mut alone, site.running.id, context, undo).await?;
    alone.devices.pop(device.kind()).ok_or_else(|| internal("device is lost"))
}

/// Makes the device on the host and in QEMU.
async fn plug_in(site: &Site<'_>, model: &conf::Domain, device: &mut Device, undo: &mut Undo) -> Result<()> {
    let settings = &site.shared.setup.settings;
    if let Device::Disk(disk) = device {
        prepare::disk(disk, settings);
    }
    if let Some(chardev) = host::chardev_mut(device) {
        prepare::chardev(chardev, settings);
    }
    let mut context = site.context_for(model, device)?;
    if let Device::Channel(channel) = device {
        prepare::channel(channel, &context);
    }
    if matches!(device, Device::Interface(_) | Device::Filesystem(_)) {
        *device = helped(site, model, device, &mut context, undo).await?;
    }
    host::prepare(site, device, &mut context, undo).await?;
    let mut parts = site.parts(model, &context, device)?;
    host::images(site, &mut parts, undo).await?;
    host::open_nodes(site, &parts).await?;
    if let (Device::Watchdog(watchdog), true) = (&*device, model.devices.watchdogs.is_empty()) {
        let action = match watchdog.action {
            // the daemon makes the dump when QEMU says it has stopped
            WatchdogAction::Dump => "pause",
            action => action.as_str(),
        };
        let action = Some(action.to_owned());
        let command = SetAction { reboot: None, shutdown: None, panic: None, watchdog: action };
        site.job.execute(&command).await?;
    }
    let terminals = plug::make(site.job, &parts).await?;
    let monitor = site.job.monitor()?;
    undo.push_async("parts of a device", move || async move {
        plug::remove(&monitor, &parts).await;
        Ok(())
    });
    terminal(device, &terminals);
    match device {
        Device::Disk(disk) => media::throttle(site, disk).await,
        Device::Interface(net) => network::after_plug(site, net).await?,
        _ => {}
    }
    Ok(())
}

/// Notes the terminal QEMU has opened for a character device.
fn terminal(device: &mut Device, terminals: &std::collections::HashMap<String, String>) {
    use virtus_conf::domain::device::chardev::PtySource;
    let Some(alias) = device.info().and_then(|info| info.alias.clone()) else { return };
    let Some(path) = terminals.get(&crate::device::chardev::id(&alias)) else { return };
    let Some(chardev) = host::chardev_mut(device) else { return };
    if let ChardevSource::Pty { source } = &mut chardev.source {
        source.get_or_insert_with(PtySource::default).path = Some(path.clone());
    }
}

/// Refuses what cannot join while the guest runs.
fn allowed(model: &conf::Domain, device: &mut Device) -> Result<()> {
    let devices = &model.devices;
    match device {
        Device::Disk(disk) => disk_allowed(model, disk),
        Device::Controller(controller) => {
            let kind = controller.kind.tag();
            if !matches!(controller.kind, ControllerKind::Scsi { .. } | ControllerKind::VirtioSerial { .. }) {
                return Err(refused(format!("'{kind}' controller cannot be hot plugged.")));
            }
            let taken = |index: u32| {
                devices.controllers.iter().any(|c| c.kind.tag() == kind && c.index == Some(index))
            };
            let free = || (0..=u32::MAX).find(|index| !taken(*index));
            let index = *controller.index.get_or_insert_with(|| free().unwrap_or(0));
            if taken(index) {
                return Err(failed(format!("target {kind}:{index} already exists")));
            }
            Ok(())
        }
        Device::Interface(net) => interface_allowed(net),
        Device::HostDev(hostdev) => hostdev_allowed(hostdev),
        Device::Serial(_) | Device::Parallel(_) | Device::Console(_) | Device::Channel(_) => {
            if let Device::Console(console) = device
                && matches!(console.kind, None | Some(ConsoleType::Serial))
            {
                return Err(crate::error::unsupported("unsupported console target type serial"));
            }
            match find::find(devices, device, true)? {
                Some(_) => Err(invalid("chardev already exists")),
                None => Ok(()),
            }
        }
        Device::Memory(memory) => {
            prepare::module(model, memory);
            let slots = model.max_memory.as_ref().map_or(0, |max| max.slots);
            let modules = devices
                .memories
                .iter()
                .filter(|m| matches!(m.model, MemoryModel::Dimm | MemoryModel::Nvdimm));
            let slotted = matches!(memory.model, MemoryModel::Dimm | MemoryModel::Nvdimm);
            if slotted && u32::try_from(modules.count()).unwrap_or(u32::MAX) >= slots {
                let text = format!(
                    "count of memory devices requiring memory slots '{}' exceeds slots count '{slots}'",
                    slots + 1
                );
                return Err(crate::error::unsupported(text));
            }
            Ok(())
        }
        Device::Watchdog(watchdog) if watchdog.model != WatchdogModel::I6300esb => {
            Err(refused(format!("hotplug of watchdog model '{}' is not supported", watchdog.model)))
        }
        Device::Input(input) => match (input.kind, input.bus) {
            (InputType::Evdev, _) | (_, Some(InputBus::Usb | InputBus::Virtio)) => Ok(()),
            (_, bus) => {
                let bus = bus.map_or("default", InputBus::as_str);
                Err(refused(format!("input device on bus '{bus}' cannot be hot plugged.")))
            }
        },
        Device::Vsock(_) if !devices.vsocks.is_empty() => {
            Err(refused("the domain already has a vsock device"))
        }
        Device::Filesystem(fs) if fs.driver.kind != Some(FsDriverType::Virtiofs) => {
            Err(refused("only virtiofs filesystems can be hotplugged"))
        }
        Device::Lease(_)
        | Device::RedirDev(_)
        | Device::Rng(_)
        | Device::Shmem(_)
        | Device::Watchdog(_)
        | Device::Vsock(_)
        | Device::Filesystem(_) => Ok(()),
        other => Err(unsupported("attach", other.kind())),
    }
}

fn disk_allowed(model: &conf::Domain, disk: &Disk) -> Result<()> {
    if disk.device == DiskDevice::Floppy {
        return Err(refused("floppy device hotplug isn't supported"));
    }
    if let Some(other) = model.devices.disks.iter().find(|other| other.dst() == disk.dst()) {
        let source = |disk: &Disk| disk.source.path().unwrap_or("<null>").to_owned();
        return Err(Error::new(
            ErrorDomain::DOMAIN,
            ErrorCode::XML_ERROR,
            format!(
                "target '{}' duplicated for disk sources '{}' and '{}'",
                disk.dst(),
                source(other),
                source(disk)
            ),
        ));
    }
    match (disk.bus(), disk.device) {
        (Some(DiskBus::Usb), DiskDevice::Lun) => {
            Err(crate::error::unsupported("disk device='lun' is not supported for usb bus"))
        }
        (Some(DiskBus::Virtio), DiskDevice::Cdrom) => {
            Err(refused("cdrom device with virtio bus isn't supported"))
        }
        (Some(DiskBus::Usb | DiskBus::Virtio), _) => Ok(()),
        (Some(DiskBus::Scsi), _) => match &disk.info.address {
            Some(address @ Address::Drive(_)) => {
                let same = |bus: bool, other: &Option<Address>| bus && other.as_ref() == Some(address);
                let taken =
                    model.devices.disks.iter().any(|d| same(d.bus() == Some(DiskBus::Scsi), &d.info.address))
                        || model
                            .devices
                            .hostdevs
                            .iter()
                            .any(|h| same(matches!(h.source, HostDevSource::Scsi(_)), &h.info.address));
                if taken { Err(invalid("Domain already contains a disk with that address")) } else { Ok(()) }
            }
            other => {
                let kind = other.as_ref().map_or("none", Address::tag);
                Err(internal(format!("unexpected disk address type {kind}")))
            }
        },
        (bus, _) => {
            let bus = bus.map_or("none", DiskBus::as_str);
            Err(refused(format!("disk bus '{bus}' cannot be hotplugged.")))
        }
    }
}

fn interface_allowed(net: &Interface) -> Result<()> {
    match &net.source {
        InterfaceSource::Bridge(_)
        | InterfaceSource::Network(_)
        | InterfaceSource::Direct(_)
        | InterfaceSource::Ethernet(_)
        | InterfaceSource::User(_)
        | InterfaceSource::VhostUser(_)
        | InterfaceSource::HostDev(_)
        | InterfaceSource::Vdpa { .. } => Ok(()),
        source => {
            let kind = source.tag();
            Err(refused(format!("hotplug of interface type of {kind} is not implemented yet")))
        }
    }
}

fn hostdev_allowed(hostdev: &HostDev) -> Result<()> {
    match hostdev.source.mode() {
        "subsystem" => Ok(()),
        mode => Err(crate::error::unsupported(format!("hotplug is not supported for hostdev mode '{mode}'"))),
    }
}

/// Plugs in the SCSI controllers that a device needs and the guest does not have.
async fn controllers(site: &Site<'_>, model: &mut conf::Domain, device: &Device) -> Result<()> {
    let address = match device {
        Device::Disk(disk) if disk.bus() == Some(DiskBus::Scsi) => &disk.info.address,
        Device::HostDev(hostdev) if matches!(hostdev.source, HostDevSource::Scsi(_)) => &hostdev.info.address,
        _ => return Ok(()),
    };
    let Some(Address::Drive(drive)) = address else { return Ok(()) };
    let mut like: Option<ScsiModel> = None;
    for index in 0..=drive.controller {
        let there = model.devices.controllers.iter().find(|controller| {
            matches!(controller.kind, ControllerKind::Scsi { .. }) && controller.index == Some(index)
        });
        if let Some(controller) = there {
            if let ControllerKind::Scsi { model } = &controller.kind {
                like = *model;
            }
            continue;
        }
        let controller = address::controller(ControllerKind::Scsi { model: like }, index);
        let mut device = Device::Controller(Box::new(controller));
        postparse::one_device(&mut device, model, &*site.emulator, &*site.shared.setup.emulators)?;
        let device = place(site, model, device)?;
        let parts = site.parts(model, &site.context(), &device)?;
        plug::make(site.job, &parts).await?;
        if let Device::Controller(controller) = &device {
            insert_controller(&mut model.devices.controllers, (**controller).clone());
        }
        site.commit(|model| insert(model, device), Vec::new());
    }
    Ok(())
}

/// Finds an address and an alias for a device, which is not part of `model` afterwards.
fn place(site: &Site<'_>, model: &mut conf::Domain, device: Device) -> Result<Device> {
    let kind = device.kind();
    let count = |model: &conf::Domain| (model.devices.controllers.len(), model.devices.hubs.len());
    let own = usize::from(kind == DeviceKind::Controller);
    let (controllers, hubs) = count(model);
    let mut with = model.clone();
    with.devices.push(device);
    address::assign(&mut with, AddressFacts::of(&*site.emulator))?;
    let (controllers_now, hubs_now) = count(&with);
    if hubs_now > hubs {
        return Err(Error::new(ErrorDomain::DOMAIN, ErrorCode::INTERNAL_ERROR, "No free USB ports"));
    }
    if controllers_now > controllers.saturating_add(own) {
        // it would take another bus, and those cannot be plugged in
        return Err(Error::new(
            ErrorDomain::DOMAIN,
            ErrorCode::INTERNAL_ERROR,
            "No more available PCI slots",
        ));
    }
    alias::assign(&mut with);
    with.devices.pop(kind).ok_or_else(|| internal("device is lost"))
}
