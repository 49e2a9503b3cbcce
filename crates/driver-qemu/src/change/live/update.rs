//! A device of a running guest changes: what can be changed while the guest uses it, and nothing else.

use serde_json::Value;
use virtus_base::Result;
use virtus_conf::domain as conf;
use virtus_conf::domain::device::address::DimmAddress;
use virtus_conf::domain::device::disk::{DiskDevice, DriverOptions};
use virtus_conf::domain::device::memory::MemoryModel;
use virtus_conf::domain::device::{Address, Device, Disk, MemoryDevice};
use virtus_conf::domain::validate as generic;
use virtus_conf::scaled::KiB;
use virtus_qmp::command::{QomSet, QueryBalloon, QueryMemoryDevices};

use super::{Site, graphics, media, network, refused};
use crate::change::{Asked, compatible, find};
use crate::error::{internal, unsupported};
use crate::validate;

/// Makes the device that `asked` means what it says; media by `force` even if the guest keeps the tray shut.
///
/// # Errors
/// libvirt's: there is no such device, or it cannot be changed this way.
pub(crate) async fn update(site: &Site<'_>, asked: Asked, force: bool) -> Result<()> {
    let model = site.model()?;
    generic::device(&asked.device, &model)?;
    validate::one(&asked.device, &model, &*site.emulator)?;
    match &asked.device {
        Device::Disk(disk) => change_disk(site, disk, &asked.device, force).await,
        Device::Graphics(_) => graphics::change(site, &asked.device).await,
        Device::Interface(_) => network::change(site, asked).await,
        Device::Memory(memory) => change_memory(site, memory, &asked.device).await,
        other => {
            let text = format!("live update of device '{}' is not supported", other.kind().name());
            Err(unsupported(text))
        }
    }
}

async fn change_disk(site: &Site<'_>, new: &Disk, device: &Device, force: bool) -> Result<()> {
    let model = site.model()?;
    let old = model.devices.disks.iter().find(|disk| disk.dst() == new.dst());
    let old = old.ok_or_else(|| internal(format!("disk '{}' not found", new.dst())))?;
    compatible::replaces(&model, device, Some(&old.info), true)?;
    if let Some(field) = changed_field(new, old) {
        return Err(refused(format!("cannot modify field '{field}' of the disk")));
    }
    if !media::same_place(&new.source, &old.source) {
        if !matches!(new.device, DiskDevice::Cdrom | DiskDevice::Floppy) {
            return Err(unsupported("disk source can be changed only in removable drives"));
        }
        media::change(site, new, force).await?;
    }
    let (dst, policy, snapshot) = (new.dst().to_owned(), new.source.common.startup_policy, new.snapshot);
    site.commit(
        |model| {
            if let Some(disk) = model.devices.disks.iter_mut().find(|disk| disk.dst() == dst) {
                disk.source.common.startup_policy = policy;
                disk.snapshot = snapshot;
            }
        },
        Vec::new(),
    );
    Ok(())
}

/// The first field in which a disk would differ and must not.
fn changed_field(new: &Disk, old: &Disk) -> Option<&'static str> {
    fn set<T: PartialEq>(new: &Option<T>, old: &Option<T>) -> bool {
        new.is_some() && new != old
    }
    let (n, o) = (&new.rest, &old.rest);
    let (nd, od): (&DriverOptions, &DriverOptions) = (&new.driver.options, &old.driver.options);
    let geometry = match (&n.geometry, &o.geometry) {
        (Some(new), Some(old)) => new != old,
        (new, _) => new.is_some(),
    };
    let blockio = |of: fn(&virtus_conf::domain::device::disk::BlockIo) -> Option<u32>| {
        let value = |disk: &Disk| disk.rest.blockio.as_ref().and_then(of).unwrap_or(0);
        value(new) != value(old)
    };
    let tune = |of: fn(&virtus_conf::domain::device::disk::IoTune) -> Option<u64>| {
        of(&n.iotune).is_some_and(|value| value > 0) && of(&n.iotune) != of(&o.iotune)
    };
    let boot = |disk: &Disk| disk.info.boot.as_ref().map(|boot| boot.order);
    let fields = [
        ("device", new.device != old.device),
        ("bus", new.bus() != old.bus()),
        ("tray", set(&n.target.tray, &o.target.tray)),
        ("removable", set(&n.target.removable, &o.target.removable)),
        ("geometry cylinders", geometry),
        ("blockio logical_block_size", blockio(|io| io.logical_block_size)),
        ("blockio physical_block_size", blockio(|io| io.physical_block_size)),
        ("blockio discard_granularity", blockio(|io| io.discard_granularity)),
        ("blkdeviotune total_bytes_sec", tune(|t| t.total_bytes_sec)),
        ("blkdeviotune read_bytes_sec", tune(|t| t.read_bytes_sec)),
        ("blkdeviotune write_bytes_sec", tune(|t| t.write_bytes_sec)),
        ("blkdeviotune total_iops_sec", tune(|t| t.total_iops_sec)),
        ("blkdeviotune read_iops_sec", tune(|t| t.read_iops_sec)),
        ("blkdeviotune write_iops_sec", tune(|t| t.write_iops_sec)),
        ("blkdeviotune total_bytes_sec_max", tune(|t| t.total_bytes_sec_max)),
        ("blkdeviotune read_bytes_sec_max", tune(|t| t.read_bytes_sec_max)),
        ("blkdeviotune write_bytes_sec_max", tune(|t| t.write_bytes_sec_max)),
        ("blkdeviotune total_iops_sec_max", tune(|t| t.total_iops_sec_max)),
        ("blkdeviotune read_iops_sec_max", tune(|t| t.read_iops_sec_max)),
        ("blkdeviotune write_iops_sec_max", tune(|t| t.write_iops_sec_max)),
        ("blkdeviotune size_iops_sec", tune(|t| t.size_iops_sec)),
        ("blkdeviotune group name", set(&n.iotune.group_name, &o.iotune.group_name)),
        ("serial", set(&n.serial, &o.serial)),
        ("wwn", set(&n.wwn, &o.wwn)),
        ("vendor", set(&n.vendor, &o.vendor)),
        ("product", set(&n.product, &o.product)),
        ("cache", set(&nd.cache, &od.cache)),
        ("error_policy", set(&nd.error_policy, &od.error_policy)),
        ("rerror_policy", set(&nd.rerror_policy, &od.rerror_policy)),
        ("io", set(&nd.io, &od.io)),
        ("ioeventfd", set(&nd.ioeventfd, &od.ioeventfd)),
        ("event_idx", set(&nd.event_idx, &od.event_idx)),
        ("copy_on_read", set(&nd.copy_on_read, &od.copy_on_read)),
        ("discard_no_unref", set(&nd.discard_no_unref, &od.discard_no_unref)),
        ("transient", n.transient.is_some() && o.transient.is_none()),
        ("address", set(&new.info.address, &old.info.address)),
        ("boot order", boot(new).is_some() && boot(new) != boot(old)),
        ("rawio", set(&new.rawio, &old.rawio)),
        ("sgio", set(&new.sgio, &old.sgio)),
        ("discard", set(&nd.discard, &od.discard)),
        ("iothread", set(&nd.iothread, &od.iothread)),
        ("backenddomain", set(&n.backend_domain, &o.backend_domain)),
        ("readonly", n.readonly && !o.readonly),
        ("shared", n.shareable && !o.shareable),
        ("reservations", new.source.common.reservations != old.source.common.reservations),
    ];
    fields.iter().find(|(_, changed)| *changed).map(|(name, _)| *name)
}

/// The one thing of a memory device that can change: how much of it the guest is to have.
async fn change_memory(site: &Site<'_>, new: &MemoryDevice, device: &Device) -> Result<()> {
    let model = site.model()?;
    let old = find::memory(&model.devices, new).and_then(|at| model.devices.memories.get(at));
    let Some(old) = old else {
        let alias = new.info.alias.as_deref().unwrap_or("<null>");
        return Err(unsupported(format!("memory '{alias}' not found")));
    };
    compatible::replaces(&model, device, Some(&old.info), true)?;
    unchanged(old, new)?;
    let alias = old.info.alias.clone().unwrap_or_default();
    let requested = new.target.requested;
    let command = QomSet {
        path: format!("/machine/peripheral/{alias}"),
        property: "requested-size".to_owned(),
        value: requested.map_or(Value::from(0), |size| size.bytes().into()),
    };
    site.job.execute(&command).await?;
    site.commit(
        |model| {
            let named = |memory: &&mut MemoryDevice| memory.info.alias.as_deref() == Some(&alias);
            if let Some(memory) = model.devices.memories.iter_mut().find(named) {
                memory.target.requested = requested;
            }
        },
        Vec::new(),
    );
    Ok(())
}

fn unchanged(old: &MemoryDevice, new: &MemoryDevice) -> Result<()> {
    let refuse = |text: String| Err(unsupported(text));
    if old.model != MemoryModel::VirtioMem {
        return refuse(format!("cannot modify memory of model '{}'", old.model));
    }
    if old.model != new.model {
        return refuse(format!("cannot modify memory model from '{}' to '{}'", old.model, new.model));
    }
    let word = |value: Option<&str>| value.unwrap_or("default").to_owned();
    let kib = |size: Option<KiB>| size.map_or(0, |size| size.0);
    let (from, to) = (&old.target, &new.target);
    let changes = [
        ("access", word(old.access.map(|a| a.as_str())), word(new.access.map(|a| a.as_str()))),
        ("discard", word(old.discard.map(|d| d.as_str())), word(new.discard.map(|d| d.as_str()))),
    ];
    for (what, from, to) in changes {
        if from != to {
            return refuse(format!("cannot modify memory {what} from '{from}' to '{to}'"));
        }
    }
    if old.source.nodemask != new.source.nodemask {
        return refuse("cannot modify memory source nodes".to_owned());
    }
    let node = |node: Option<u32>| node.map_or(-1, i64::from).to_string();
    let changes = [
        ("pagesize", kib(old.source.pagesize).to_string(), kib(new.source.pagesize).to_string()),
        ("targetNode", node(from.node), node(to.node)),
        ("size", from.size.0.to_string(), to.size.0.to_string()),
        ("block size", kib(from.block).to_string(), kib(to.block).to_string()),
        ("address", format!("0x{:x}", from.address.unwrap_or(0)), format!("0x{:x}", to.address.unwrap_or(0))),
    ];
    match changes.iter().find(|(_, from, to)| from != to) {
        Some((what, from, to)) => refuse(format!("cannot modify memory {what} from '{from}' to '{to}'")),
        None => Ok(()),
    }
}

/// Asks what has become of memory that was plugged in: where it is, and how much the guest has by now.
pub(super) async fn memory_of(site: &Site<'_>) {
    match site.job.execute(&QueryMemoryDevices {}).await {
        Ok(found) => {
            site.commit(|model| found.iter().for_each(|found| placed(model, &found.data)), Vec::new())
        }
        Err(e) => tracing::warn!("where memory devices are is not known: {e}"),
    }
    balloon(site).await;
}

/// Notes what QEMU says of a memory device.
fn placed(model: &mut conf::Domain, data: &Value) {
    let number = |name: &str| data.get(name).and_then(Value::as_u64);
    let id = data.get("id").and_then(Value::as_str);
    let named = |memory: &&mut MemoryDevice| id.is_some() && memory.info.alias.as_deref() == id;
    let Some(memory) = model.devices.memories.iter_mut().find(named) else { return };
    match memory.model {
        MemoryModel::VirtioMem => {
            memory.target.current = number("size").map(|size| KiB(size.div_ceil(1024)));
            memory.target.address = number("memaddr").or(memory.target.address);
        }
        MemoryModel::VirtioPmem => memory.target.address = number("memaddr").or(memory.target.address),
        MemoryModel::Dimm | MemoryModel::Nvdimm => {
            let slot = number("slot").and_then(|slot| u32::try_from(slot).ok());
            memory.info.address = Some(Address::Dimm(DimmAddress { slot, base: number("addr") }));
        }
        MemoryModel::SgxEpc => {}
    }
}

/// Asks how much memory the guest has by now.
pub(super) async fn balloon(site: &Site<'_>) {
    let actual = site.job.execute(&QueryBalloon {}).await.map(|balloon| balloon.actual / 1024);
    site.commit(
        |model| {
            // without a balloon it is all there is
            let actual = actual.as_ref().copied().unwrap_or(model.memory.size.0);
            model.current_memory = Some(KiB(actual));
        },
        Vec::new(),
    );
}
