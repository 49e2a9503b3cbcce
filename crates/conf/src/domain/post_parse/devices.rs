//! Defaults of single devices.

use std::collections::{HashMap, HashSet};

use virtus_base::{Error, ErrorDomain, Result};
use virtus_xml::YesNo;

use super::implicit::scsi_addresses;
use super::xml_error;
use crate::domain::Domain;
use crate::domain::device::address::{Address, DriveAddress};
use crate::domain::device::console::{ConsoleType, SerialType};
use crate::domain::device::controller::{ControllerKind, ScsiModel};
use crate::domain::device::disk::{Disk, DiskBus, DiskDevice, IoTune, SnapshotLocation, name_index};
use crate::domain::device::filesystem::AccessMode;
use crate::domain::device::hostdev::{HostDevSource, MdevModel, ScsiSource};
use crate::domain::device::input::{Input, InputBus, InputType};
use crate::domain::device::memory::MemoryModel;
use crate::domain::device::rng::RngBackend;
use crate::domain::device::sound::SoundModel;
use crate::domain::device::storage::{BackingStore, Location, NetProtocol, NetTransport, StorageSource};
use crate::domain::device::video::{Video, VideoType};
use crate::domain::memory::MemoryAccess;
use crate::domain::os::OsType;
use crate::domain::parse::unsupported;

/// How many ISA serial ports there can be.
const ISA_SERIAL_PORTS: u32 = 4;

/// How many units of a SCSI controller get devices of their own accord.
const SCSI_UNITS: u32 = 7;

/// Numbers the ISA serial ports that have no number: those that the document calls so, and not yet those that a
/// driver takes for such.
///
/// # Errors
/// `INTERNAL_ERROR` when there are more than a PC has, or two have one number.
pub fn isa_serial_ports(domain: &mut Domain) -> Result<()> {
    let mut used = Vec::new();
    let isa = |kind: Option<SerialType>| kind == Some(SerialType::Isa);
    let full = || {
        Error::internal(
            ErrorDomain::DOMAIN,
            format!("Maximum supported number of ISA serial ports is '{ISA_SERIAL_PORTS}'"),
        )
    };
    let serials = &mut domain.devices.serials;
    let count = serials.iter().filter(|s| isa(s.target.kind)).count();
    if u32::try_from(count).is_ok_and(|c| c > ISA_SERIAL_PORTS) {
        return Err(full());
    }
    for port in serials.iter().filter(|s| isa(s.target.kind)).filter_map(|s| s.target.port) {
        if port >= ISA_SERIAL_PORTS {
            return Err(full());
        }
        if used.contains(&port) {
            return Err(Error::internal(
                ErrorDomain::DOMAIN,
                format!("target port '{port}' already allocated"),
            ));
        }
        used.push(port);
    }
    for serial in serials.iter_mut().filter(|s| isa(s.target.kind) && s.target.port.is_none()) {
        serial.target.port = (0..ISA_SERIAL_PORTS).find(|port| !used.contains(port));
        used.extend(serial.target.port);
    }
    Ok(())
}

/// Fills in the generic defaults of every device.
///
/// # Errors
/// For what has none: a disk name without meaning, an address another device has.
pub fn generic(domain: &mut Domain) -> Result<()> {
    disks(domain)?;
    for controller in &domain.devices.controllers {
        let virtio = matches!(
            &controller.kind,
            ControllerKind::Scsi {
                model: Some(
                    ScsiModel::VirtioScsi | ScsiModel::VirtioTransitional | ScsiModel::VirtioNonTransitional
                )
            }
        );
        if controller.driver.iothread.is_some_and(|i| i != 0) && !virtio {
            return Err(xml_error("'iothread' attribute only supported for virtio scsi controllers"));
        }
    }
    for fs in &mut domain.devices.filesystems {
        if fs.socket.is_none() {
            fs.options.accessmode.get_or_insert(AccessMode::Passthrough);
        }
    }
    ports(domain);
    let (hvm, arch) = (domain.os.kind.name == OsType::Hvm, domain.os.kind.arch.clone());
    for input in &mut domain.devices.inputs {
        // an event device of the host is on no bus
        let s390 = matches!(arch.as_deref(), Some("s390" | "s390x"));
        if hvm && input.bus.is_none() && (s390 || input.kind != InputType::Evdev) {
            input.bus = Some(input_bus(input, arch.as_deref()));
        }
    }
    for sound in &mut domain.devices.sounds {
        if sound.model == SoundModel::Virtio {
            sound.streams = Some(sound.streams.filter(|s| *s != 0).unwrap_or(2));
        }
    }
    domain.devices.videos.iter_mut().for_each(video);
    hostdevs(domain)?;
    for rng in &mut domain.devices.rngs {
        if let RngBackend::Random { path: path @ None } = &mut rng.backend {
            *path = Some("/dev/random".to_owned());
        }
    }
    for memory in domain.devices.memories.iter_mut().filter(|m| m.model == MemoryModel::VirtioPmem) {
        memory.access.get_or_insert(MemoryAccess::Shared);
    }
    for vsock in &mut domain.devices.vsocks {
        let given = vsock.cid_address.is_some_and(|cid| cid != 0);
        vsock.cid_auto.get_or_insert(YesNo::from(!given));
    }
    Ok(())
}

/// Defaults of the devices that [`super::common`] added, and the primary video card.
///
/// # Errors
/// None at present.
pub fn added(domain: &mut Domain) -> Result<()> {
    if let Some(first) = domain.devices.videos.first_mut() {
        if first.model.kind == Some(VideoType::None) {
            let alias = first.info.alias.take();
            *first = Video::default();
            first.model.kind = Some(VideoType::None);
            first.model.heads = None;
            first.info.alias = alias;
        } else {
            first.model.primary = Some(YesNo::Yes);
            video(first);
        }
    }
    ports(domain);
    Ok(())
}

/// The bus of an input device whose document names none.
pub fn input_bus(input: &Input, arch: Option<&str>) -> InputBus {
    match (input.kind, arch) {
        (InputType::Mouse | InputType::Keyboard, None | Some("x86_64" | "i686")) => InputBus::Ps2,
        (_, Some("s390" | "s390x")) | (InputType::Passthrough, _) => InputBus::Virtio,
        _ => InputBus::Usb,
    }
}

/// Numbers parallel ports, serial ports that are not ISA's, and consoles.
fn ports(domain: &mut Domain) {
    fn number<'a>(ports: impl Iterator<Item = &'a mut Option<u32>>) {
        let ports: Vec<_> = ports.collect();
        let after = |port: u32| port.saturating_add(1);
        let mut next = ports.iter().filter_map(|port| **port).max().map_or(0, after);
        for port in ports.into_iter().filter(|port| port.is_none()) {
            *port = Some(next);
            next = after(next);
        }
    }
    let devices = &mut domain.devices;
    number(devices.serials.iter_mut().map(|s| &mut s.target.port));
    number(devices.parallels.iter_mut().map(|p| &mut p.port));
    for console in &mut devices.consoles {
        console.kind.get_or_insert(ConsoleType::Serial);
    }
    number(devices.consoles.iter_mut().map(|c| &mut c.port));
}

/// Memory of a card, in KiB, where the driver did not say.
fn video(video: &mut Video) {
    let model = &mut video.model;
    let default = match model.kind {
        Some(VideoType::Xen) => 4 * 1024,
        Some(VideoType::Vbox) => 8 * 1024,
        Some(VideoType::Vmvga | VideoType::Vga | VideoType::Cirrus | VideoType::Bochs) => 16 * 1024,
        Some(VideoType::Parallels) => 4 * 1024,
        Some(VideoType::Qxl) => 64 * 1024,
        _ => 0,
    };
    if model.kind == Some(VideoType::Qxl) {
        model.ram = Some(model.ram.filter(|r| *r != 0).unwrap_or(default));
    }
    if model.vram.is_none_or(|v| v == 0) {
        model.vram = (default != 0).then_some(default);
    }
    let round = |size: u32| size.checked_next_power_of_two().unwrap_or(size);
    model.ram = model.ram.filter(|r| *r != 0).map(round);
    model.vram = model.vram.map(round);
}

fn disks(domain: &mut Domain) -> Result<()> {
    let taken = scsi_addresses(&domain.devices.hostdevs);
    domain.devices.disks.iter_mut().try_for_each(|disk| one_disk(disk, &taken))?;
    share_limits(&mut domain.devices.disks);
    Ok(())
}

/// `taken`: what SCSI devices of the host have.
fn one_disk(disk: &mut Disk, taken: &HashSet<DriveAddress>) -> Result<()> {
    if let Some(rest) = disk.dst().strip_prefix("ioemu:") {
        disk.rest.target.dev = Some(rest.to_owned());
    }
    if disk.device == DiskDevice::Cdrom {
        disk.rest.readonly = true;
    }
    if disk.rest.target.bus.is_none() {
        let by_name = [
            ("hd", DiskBus::Ide),
            ("sd", DiskBus::Scsi),
            ("vd", DiskBus::Virtio),
            ("xvd", DiskBus::Xen),
            ("ubd", DiskBus::Uml),
        ];
        let bus = match disk.device {
            DiskDevice::Floppy => DiskBus::Fdc,
            _ => by_name
                .iter()
                .find(|(prefix, _)| disk.dst().starts_with(prefix))
                .map_or(DiskBus::Ide, |(_, bus)| *bus),
        };
        disk.rest.target.bus = Some(bus);
    }
    if disk.rest.readonly || matches!(disk.source.location, Location::VhostUser(_)) {
        disk.snapshot.get_or_insert(SnapshotLocation::No);
        if disk.rest.readonly && disk.snapshot == Some(SnapshotLocation::No) {
            // what read-only means anyway is not written
            disk.snapshot = None;
        }
    }
    default_ports(&mut disk.source);
    let mut below = disk.backing.as_mut();
    while let Some(BackingStore::Image(image)) = below {
        default_ports(&mut image.source);
        below = image.backing.as_mut();
    }
    match &mut disk.source.location {
        Location::Network(network) if network.protocol == Some(NetProtocol::Iscsi) => {
            network.name = network.name.take().map(iscsi_unit);
        }
        Location::Nvme(nvme) => {
            nvme.managed.get_or_insert(YesNo::Yes);
        }
        _ => {}
    }
    if disk.info.address.is_none() {
        drive_address(disk, taken)?;
    }
    Ok(())
}

/// A server's port is its protocol's where none is said.
fn default_ports(source: &mut StorageSource) {
    let Location::Network(network) = &mut source.location else { return };
    let port = match network.protocol {
        Some(NetProtocol::Ssh) => "22",
        Some(NetProtocol::Http) => "80",
        Some(NetProtocol::Https) => "443",
        Some(NetProtocol::Ftp) => "21",
        Some(NetProtocol::Ftps) => "990",
        Some(NetProtocol::Tftp) => "69",
        Some(NetProtocol::Sheepdog) => "7000",
        Some(NetProtocol::Nbd) => "10809",
        Some(NetProtocol::Iscsi) => "3260",
        Some(NetProtocol::Gluster) => "24007",
        Some(NetProtocol::Vxhs) => "9999",
        _ => return,
    };
    for host in &mut network.hosts {
        if host.transport.is_none_or(|t| t == NetTransport::Tcp) {
            host.port.get_or_insert_with(|| port.to_owned());
        }
    }
}

/// An iSCSI name without a unit is unit 0.
fn iscsi_unit(name: String) -> String {
    if name.contains('/') { name } else { format!("{name}/0") }
}

/// A disk's name says its place on a bus of drives.
fn drive_address(disk: &mut Disk, taken: &HashSet<DriveAddress>) -> Result<()> {
    if disk.rest.target.dev.is_none() {
        // refused when the definition is looked at as a whole
        return Ok(());
    }
    let name = disk.dst().to_owned();
    let index = name_index(&name)
        .ok_or_else(|| xml_error(format!("Unknown disk name '{name}' and no address specified")))?;
    let drive = |controller, bus, unit| DriveAddress { controller, bus, target: 0, unit };
    let address = match disk.bus() {
        Some(DiskBus::Scsi) => {
            // unit 7 is the controller itself
            let address = drive(index / SCSI_UNITS, 0, index % SCSI_UNITS);
            if taken.contains(&address) {
                let DriveAddress { controller, bus, target, unit } = address;
                return Err(unsupported(format!(
                    "using disk target name '{name}' conflicts with SCSI host device address controller='{controller}' bus='{bus}' target='{target}' unit='{unit}"
                )));
            }
            address
        }
        Some(DiskBus::Ide) => drive(index / 4, index % 4 / 2, index % 2),
        Some(DiskBus::Sata) => drive(index / 6, 0, index % 6),
        Some(DiskBus::Fdc) => drive(index / 2, 0, index % 2),
        _ => return Ok(()),
    };
    disk.info.address = Some(Address::Drive(address));
    Ok(())
}

/// A disk of a throttle group that says no limits has those of the group's first disk that does.
fn share_limits(disks: &mut [Disk]) {
    let bare = |tune: &IoTune| tune.limits().all(|(_, limit)| limit.is_none());
    let mut limits: HashMap<String, IoTune> = HashMap::new();
    for tune in disks.iter().map(|disk| &disk.rest.iotune) {
        if let Some(name) = tune.group_name.as_ref().filter(|_| !bare(tune)) {
            limits.entry(name.clone()).or_insert_with(|| tune.clone());
        }
    }
    for tune in disks.iter_mut().map(|disk| &mut disk.rest.iotune) {
        let Some(name) = tune.group_name.as_ref().filter(|_| bare(tune)) else { continue };
        if let Some(limits) = limits.get(name) {
            *tune = limits.clone();
        }
    }
}

fn hostdevs(domain: &mut Domain) -> Result<()> {
    let devices = &mut domain.devices;
    let on_scsi = devices.disks.iter().filter(|disk| disk.bus() == Some(DiskBus::Scsi));
    let disks: HashSet<DriveAddress> = on_scsi.filter_map(|disk| disk.info.drive().copied()).collect();
    let mut used = scsi_addresses(&devices.hostdevs);
    used.extend(&disks);
    // the first place on a SCSI controller that neither a disk nor a host device has
    let mut places = (0..=u32::MAX).flat_map(|controller| {
        (0..SCSI_UNITS).map(move |unit| DriveAddress { controller, bus: 0, target: 0, unit })
    });
    for hostdev in &mut devices.hostdevs {
        match &mut hostdev.source {
            HostDevSource::Scsi(scsi) => {
                if let ScsiSource::Iscsi { name, .. } = &mut scsi.source {
                    *name = name.take().map(iscsi_unit);
                }
                let address = hostdev.info.address.get_or_insert_with(|| {
                    Address::Drive(places.find(|place| !used.contains(place)).unwrap_or_default())
                });
                if let Address::Drive(address) = address
                    && disks.contains(address)
                {
                    let DriveAddress { controller, bus, target, unit } = address;
                    return Err(xml_error(format!(
                        "SCSI host address controller='{controller}' bus='{bus}' target='{target}' unit='{unit}' in use by a SCSI disk"
                    )));
                }
            }
            HostDevSource::Mdev(mdev) => match (mdev.model, &hostdev.info.address) {
                (MdevModel::VfioPci, Some(Address::Pci(_)))
                | (MdevModel::VfioCcw, Some(Address::Ccw(_)))
                | (MdevModel::VfioAp, _)
                | (_, None) => {}
                (model, Some(other)) => {
                    return Err(xml_error(format!(
                        "Unsupported address type '{}' with mediated device model '{model}'",
                        other.tag()
                    )));
                }
            },
            _ => {}
        }
    }
    Ok(())
}
