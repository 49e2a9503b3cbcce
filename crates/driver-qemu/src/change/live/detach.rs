//! A device leaves a running guest: the guest is asked to give it up, and when it has, what it was made from goes too.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::oneshot;
use virtus_api::DomainEvent;
use virtus_base::{ErrorCode, Result};
use virtus_conf::domain as conf;
use virtus_conf::domain::device::console::{ChannelTarget, ConsoleType};
use virtus_conf::domain::device::controller::ControllerKind;
use virtus_conf::domain::device::disk::{DiskBus, DiskDevice};
use virtus_conf::domain::device::filesystem::FsDriverType;
use virtus_conf::domain::device::hostdev::{HostDevSource, ScsiSource};
use virtus_conf::domain::device::input::{InputBus, InputType};
use virtus_conf::domain::device::shmem::ShmemModel;
use virtus_conf::domain::device::watchdog::WatchdogModel;
use virtus_conf::domain::device::{Address, Controller, Device, DeviceInfo, Disk, HostDev, PciAddress};
use virtus_qmp::command::{DeviceDel, NetdevDel, ObjectDel, QomList};
use virtus_state::gate::{self, Owner, Wanted};

use super::{Site, failed, host, missing, plug, refused, take, unsupported, update};
use crate::change::{Asked, find};
use crate::command::prepare;
use crate::device::part::Part;
use crate::domain::Domain;
use crate::driver::Shared;
use crate::error::{error, internal, invalid};
use crate::machine::Machine;
use crate::process::{Job, Running, Unplugged, helper};
use virtus_state::lock;

/// How long a guest may take to give a device up before the call ends all the same.
const PATIENCE: Duration = Duration::from_secs(5);
/// As long for guests on POWER, which take longer.
const PATIENCE_PPC64: Duration = Duration::from_secs(10);

/// How a device leaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Removal {
    /// The call waits a while until it has.
    Awaited,
    /// The call ends when the guest was asked.
    Requested,
}

/// Has the device leave that `asked` means. When the guest takes its time, the call succeeds and the device leaves
/// later.
///
/// # Errors
/// libvirt's: there is no such device, it cannot leave, or the guest refuses.
pub(crate) async fn detach(site: &Site<'_>, mut asked: Asked, removal: Removal) -> Result<()> {
    let model = site.model()?;
    if let Device::Memory(memory) = &mut asked.device {
        prepare::module(&model, memory);
    }
    let device = wanted(&model, &asked)?;
    match &device {
        Device::Lease(_) => {
            let at = find::find(&model.devices, &device, true)?;
            site.commit(|model| drop(at.and_then(|at| model.devices.remove(device.kind(), at))), Vec::new());
            return Ok(());
        }
        Device::Input(input) if input.kind == InputType::Evdev => {
            let id = input.info.alias.clone().unwrap_or_default();
            site.job.execute(&ObjectDel { id }).await?;
            return left(site, device).await;
        }
        Device::Channel(channel) if matches!(channel.target, ChannelTarget::GuestFwd { .. }) => {
            let id = channel.info.alias.clone().unwrap_or_default();
            site.job.execute(&NetdevDel { id }).await?;
            return left(site, device).await;
        }
        _ => {}
    }
    let kind = device.kind().name();
    let alias = device.info().and_then(|info| info.alias.clone());
    let alias = alias.ok_or_else(|| internal(format!("Cannot detach {kind} device with no alias")))?;
    if let Some(info) = device.info() {
        hot_unpluggable(&model, kind, info)?;
        if matches!(info.address, Some(Address::Unassigned)) {
            return left(site, device).await;
        }
    }
    let waiting = Waiting::on(&site.running, &alias, removal);
    let asked = site.job.monitor()?;
    let command = DeviceDel { id: alias.clone() };
    match site.job.run(async { Ok(asked.execute_within(&command, None).await) }).await? {
        Err(e) if e.is_device_not_found() || waiting.seen() => return left(site, device).await,
        Err(e) => return Err(e.into()),
        Ok(_) => {}
    }
    if removal == Removal::Requested {
        return Ok(());
    }
    let patience = if Machine::of(&model).is_ppc64() { PATIENCE_PPC64 } else { PATIENCE };
    match site.job.run(async { Ok(waiting.end(patience).await) }).await? {
        Some(Unplugged::Gone) => left(site, device).await,
        Some(Unplugged::Kept) => Err(failed("unplug of device was rejected by the guest")),
        None => Ok(()),
    }
}

/// A call that waits until the guest has given a device up.
struct Waiting<'a> {
    running: &'a Running,
    alias: &'a str,
    told: Option<oneshot::Receiver<Unplugged>>,
}

impl<'a> Waiting<'a> {
    fn on(running: &'a Running, alias: &'a str, removal: Removal) -> Waiting<'a> {
        let told = (removal == Removal::Awaited).then(|| {
            let (tell, told) = oneshot::channel();
            lock(&running.unplugs).insert(alias.to_owned(), tell);
            told
        });
        Waiting { running, alias, told }
    }

    /// Whether the answer is there already.
    fn seen(&self) -> bool {
        self.told.is_some() && !lock(&self.running.unplugs).contains_key(self.alias)
    }

    async fn end(mut self, patience: Duration) -> Option<Unplugged> {
        let told = self.told.take()?;
        tokio::time::timeout(patience, told).await.ok()?.ok()
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        lock(&self.running.unplugs).remove(self.alias);
    }
}

/// The guest's device that `asked` means, if it can leave.
fn wanted(model: &conf::Domain, asked: &Asked) -> Result<Device> {
    let device = &asked.device;
    match device {
        Device::Controller(c) if !matches!(c.kind, ControllerKind::Scsi { .. }) => {
            return Err(refused(format!("'{}' controller cannot be hot unplugged.", c.kind.tag())));
        }
        Device::HostDev(hostdev) if hostdev.source.mode() != "subsystem" => {
            let mode = hostdev.source.mode();
            let text = format!("hot unplug is not supported for hostdev mode '{mode}'");
            return Err(crate::error::unsupported(text));
        }
        Device::Sound(_)
        | Device::Video(_)
        | Device::Graphics(_)
        | Device::Hub(_)
        | Device::Smartcard(_)
        | Device::MemBalloon(_)
        | Device::Nvram(_)
        | Device::Tpm(_)
        | Device::Panic(_)
        | Device::Iommu(_)
        | Device::Audio(_)
        | Device::Crypto(_)
        | Device::Pstore(_)
        | Device::RedirFilter(_) => return Err(unsupported("detach", device.kind())),
        _ => {}
    }
    let found = find::find(&model.devices, device, asked.mac)?;
    let found = found.and_then(|at| model.devices.get(device.kind(), at));
    let found = found.ok_or_else(|| absent(device))?;
    can_leave(model, &found)?;
    Ok(found)
}

fn can_leave(model: &conf::Domain, device: &Device) -> Result<()> {
    match device {
        Device::Disk(disk) => disk_can_leave(disk),
        Device::Controller(controller) if is_busy(model, controller) => {
            Err(failed("device cannot be detached: device is busy"))
        }
        Device::Console(console) if matches!(console.kind, None | Some(ConsoleType::Serial)) => {
            Err(refused("detaching of <console/> is unsupported. Try corresponding <serial/> instead"))
        }
        Device::Watchdog(watchdog) if watchdog.model != WatchdogModel::I6300esb => {
            let model = watchdog.model;
            Err(refused(format!("hot unplug of watchdog of model {model} is not supported")))
        }
        Device::Shmem(shmem) if shmem.model == ShmemModel::Ivshmem => {
            Err(refused(format!("live detach of shmem model '{}' is not supported", shmem.model)))
        }
        Device::Input(input)
            if matches!(input.bus, Some(InputBus::Ps2 | InputBus::Xen | InputBus::Parallels)) =>
        {
            let bus = input.bus.map_or("default", InputBus::as_str);
            Err(refused(format!("input device on bus '{bus}' cannot be detached")))
        }
        Device::Filesystem(fs) if fs.driver.kind != Some(FsDriverType::Virtiofs) => {
            Err(refused("only virtiofs filesystems can be hotplugged"))
        }
        _ => Ok(()),
    }
}

fn disk_can_leave(disk: &Disk) -> Result<()> {
    let pluggable = matches!(disk.bus(), Some(DiskBus::Usb | DiskBus::Scsi));
    match disk.device {
        DiskDevice::Disk | DiskDevice::Lun if pluggable || disk.bus() == Some(DiskBus::Virtio) => {}
        DiskDevice::Disk | DiskDevice::Lun => {
            return Err(refused("This type of disk cannot be hot unplugged"));
        }
        DiskDevice::Cdrom if pluggable => {}
        device => return Err(refused(format!("disk device type '{device}' cannot be detached"))),
    }
    if disk.mirror.is_some() {
        let text = format!("disk '{}' already in active block job", disk.dst());
        return Err(error(ErrorCode::BLOCK_COPY_ACTIVE, text));
    }
    Ok(())
}

/// Whether something is plugged into a SCSI controller.
fn is_busy(model: &conf::Domain, controller: &Controller) -> bool {
    let on = |info: &DeviceInfo| matches!(&info.address, Some(Address::Drive(drive)) if Some(drive.controller) == controller.index);
    let disks = model.devices.disks.iter().any(|d| d.bus() == Some(DiskBus::Scsi) && on(&d.info));
    let hostdevs = model.devices.hostdevs.iter();
    disks || hostdevs.filter(|h| matches!(h.source, HostDevSource::Scsi(_))).any(|h| on(&h.info))
}

/// What is said when the guest has no such device.
fn absent(device: &Device) -> virtus_base::Error {
    let of_model = |what: &str, model: &str, where_: &str| {
        missing(format!("model '{model}' {what} device not present in {where_} configuration"))
    };
    match device {
        Device::Disk(disk) => missing(format!("disk {} not found", disk.dst())),
        Device::Controller(c) => {
            missing(format!("controller {}:{} not found", c.kind.tag(), c.index.map_or(-1, i64::from)))
        }
        Device::HostDev(hostdev) => no_host_device(hostdev),
        Device::Lease(lease) => error(
            ErrorCode::INVALID_ARG,
            format!(
                "Lease {} in lockspace {} does not exist",
                lease.key,
                lease.lockspace.as_deref().unwrap_or("<null>")
            ),
        ),
        Device::Serial(_) | Device::Parallel(_) | Device::Console(_) | Device::Channel(_) => {
            let kind = device.kind().name();
            missing(format!("chr type '{kind}' device not present in domain configuration"))
        }
        Device::Rng(rng) => {
            // libvirt looks the model up among the back ends
            let model = match rng.model.as_str() {
                "virtio" => "random",
                "virtio-transitional" => "egd",
                _ => "builtin",
            };
            of_model("RNG", model, "domain")
        }
        Device::Memory(memory) => of_model("memory", memory.model.as_str(), "the domain"),
        Device::Shmem(shmem) => of_model("shmem", shmem.model.as_str(), "domain"),
        Device::Watchdog(_) => invalid("no matching watchdog was found"),
        Device::RedirDev(_) => invalid("no matching redirdev was not found"),
        Device::Input(_) => missing("matching input device not found"),
        Device::Vsock(_) => missing("matching vsock device not found"),
        Device::Filesystem(_) => missing("matching filesystem not found"),
        other => missing(format!("{} device not found", other.kind().name())),
    }
}

fn no_host_device(hostdev: &HostDev) -> virtus_base::Error {
    match &hostdev.source {
        HostDevSource::Pci(pci) => missing(format!("host pci device {} not found", pci.address)),
        HostDevSource::Usb(usb) => match usb.address.as_ref().map(|a| (a.bus, a.device)) {
            Some((Some(bus), Some(device))) => {
                missing(format!("host usb device {bus:03}.{device:03} not found"))
            }
            _ => missing(format!(
                "host usb device vendor=0x{:04x} product=0x{:04x} not found",
                usb.vendor.unwrap_or(0),
                usb.product.unwrap_or(0)
            )),
        },
        HostDevSource::Scsi(scsi) => match &scsi.source {
            ScsiSource::Iscsi { name, .. } => {
                missing(format!("host scsi iSCSI path {} not found", name.as_deref().unwrap_or_default()))
            }
            ScsiSource::Host { adapter, bus, target, unit } => {
                missing(format!("host scsi device {adapter}:{bus}:{target}.{unit} not found"))
            }
        },
        HostDevSource::Mdev(mdev) => missing(format!("mediated device '{}' not found", mdev.uuid)),
        _ => failed("host device not found"),
    }
}

/// Refuses devices whose place cannot be emptied.
fn hot_unpluggable(model: &conf::Domain, kind: &str, info: &DeviceInfo) -> Result<()> {
    let Some(Address::Pci(pci)) = &info.address else { return Ok(()) };
    let mut shared = false;
    model.devices.each_info(|_, other| {
        if let Some(Address::Pci(other)) = &other.address {
            let slot = |a: &PciAddress| (a.domain, a.bus, a.slot);
            shared |= slot(other) == slot(pci) && other.function != pci.function;
        }
    });
    if shared {
        return Err(failed(format!(
            "cannot hot unplug {kind} device with multifunction PCI guest address: {pci}"
        )));
    }
    let controller = model.devices.controllers.iter().find_map(|c| match &c.kind {
        ControllerKind::Pci { options, .. } if c.index == Some(pci.bus) => Some(options),
        _ => None,
    });
    let why = match controller {
        None => "controller not found",
        Some(options) if options.target.hotplug.is_some_and(|hotplug| !hotplug.is_true()) => {
            "not allowed by controller"
        }
        Some(_) => return Ok(()),
    };
    Err(failed(format!("cannot hot unplug {kind} device with PCI guest address: {pci} - {why}")))
}

/// The guest has given a device up: removes what it was made from, and it from the live definition.
async fn left(site: &Site<'_>, device: Device) -> Result<()> {
    let model = site.model()?;
    let context = site.names(&model, &device);
    let alias = device.info().and_then(|info| info.alias.clone()).unwrap_or_default();
    let monitor = site.job.monitor()?;
    let mut all = Vec::new();
    match site.parts(&model, &context, &device) {
        Ok(parts) => {
            all.clone_from(&parts);
            let behind: Vec<Part> =
                parts.into_iter().filter(|part| !matches!(part, Part::Device(_))).collect();
            site.job
                .run(async {
                    plug::remove(&monitor, &behind).await;
                    Ok(())
                })
                .await?;
        }
        Err(e) => tracing::warn!("what device '{alias}' was made from is not known: {e}"),
    }
    host::release(site, &model, &device).await;
    helper::leave(site.shared, &context.short_name, &alias);
    let memory = matches!(device, Device::Memory(_));
    let gone = DomainEvent::DeviceRemoved { dev_alias: alias.clone() };
    site.commit(|model| drop(take(model, &alias)), vec![gone]);
    host::close_nodes(site, &all).await;
    if memory {
        update::balloon(site).await;
    }
    Ok(())
}

/// A device has left that no call waits for.
pub(crate) fn removed_later(shared: &Arc<Shared>, domain: &Arc<Domain>, alias: String) {
    let (shared, domain) = (Arc::clone(shared), Arc::clone(domain));
    let runtime = shared.runtime.clone();
    runtime.spawn(async move {
        let owner = Owner { api: "DeviceDeleted", pid: None };
        let name = Arc::clone(&domain.view().name);
        let begun =
            domain.gate.begin(Wanted::Job(gate::Job::Modify), owner, shared.setup.job_wait, &name).await;
        let removed = async {
            let job = Job::new(Arc::clone(&domain), begun?);
            let site = Site::of(&shared, &job).await?;
            let model = site.model()?;
            // a vCPU, or something a user plugged in through the monitor
            let Some((kind, at)) = model.devices.find_alias(&alias) else { return Ok(()) };
            match model.devices.get(kind, at) {
                Some(device) => left(&site, device).await,
                None => Ok(()),
            }
        };
        if let Err(e) = removed.await {
            tracing::warn!("domain '{name}': device '{alias}' has left but is still in its definition: {e}");
        }
    });
}

/// The devices that left while no daemon looked.
pub(crate) async fn find_gone(shared: &Arc<Shared>, domain: &Arc<Domain>, running: &Running) -> Result<()> {
    let view = domain.view();
    let model = &view.live()?.model;
    let monitor = running.queries()?;
    let there = monitor.execute(&QomList { path: "/machine/peripheral".to_owned() }).await?;
    let mut gone = Vec::new();
    model.devices.each_info(|kind, info| {
        use virtus_conf::domain::device::DeviceKind as K;
        let pluggable = matches!(kind, K::Interface | K::Rng | K::Memory | K::Vsock | K::RedirDev | K::Shmem);
        let placed = info.address.as_ref().is_some_and(|a| !matches!(a, Address::Unassigned));
        if let (true, true, Some(alias)) = (pluggable, placed, &info.alias)
            && !there.iter().any(|device| device.name == *alias)
        {
            gone.push(alias.clone());
        }
    });
    let disks = model.devices.disks.iter().filter(|disk| disk_can_leave(disk).is_ok());
    gone.extend(
        disks
            .filter_map(|disk| disk.info.alias.clone())
            .filter(|alias| !there.iter().any(|device| device.name == *alias)),
    );
    for alias in gone {
        removed_later(shared, domain, alias);
    }
    Ok(())
}
