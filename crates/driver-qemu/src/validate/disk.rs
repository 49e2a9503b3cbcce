//! Disks.

use virtus_base::{Error, ErrorCode, ErrorDomain, Result};
use virtus_conf::domain::device::Address;
use virtus_conf::domain::device::controller::{Controller, ControllerKind, ScsiModel};
use virtus_conf::domain::device::disk::{CacheMode, Disk, DiskBus, DiskDevice, IoMode, IoThreadMap, IoTune};
use virtus_conf::domain::device::storage::Location;
use virtus_xml::OnOff;

use super::{Checks, internal, unsupported};
use crate::disk_name;

/// More than QEMU's throttling counts.
const IOTUNE_MAX: u64 = 1_000_000_000_000_000;

/// Whether two disks can be in one group of limits: it has the same limits for all.
pub(super) fn may_share(one: &Disk, other: &Disk) -> bool {
    one.dst() == other.dst() || one.rest.iotune == other.rest.iotune
}

impl Checks<'_> {
    pub(super) fn disks(&self, disk: &Disk) -> Result<()> {
        self.disk_frontend(disk)?;
        self.disk_throttling(disk)?;
        self.disk_transient(disk)?;
        let dst = disk.dst();
        if disk.rest.shareable && !disk.rest.readonly && disk.driver.format.as_deref() != Some("raw") {
            return Err(unsupported(format!(
                "shared access for disk '{dst}' requires use of supported storage format"
            )));
        }
        if let Some(name) = disk.driver.name.as_deref().filter(|name| *name != "qemu") {
            return Err(unsupported(format!("unsupported driver name '{name}' for disk '{dst}'")));
        }
        match disk_name::parse(dst) {
            None => return Err(unsupported(format!("invalid disk target '{dst}'"))),
            Some((_, partition)) if partition != 0 => {
                return Err(unsupported(format!(
                    "invalid disk target '{dst}', partitions can't appear in disk targets"
                )));
            }
            Some(_) => {}
        }
        if matches!(disk.source.location, Location::VhostUser(_)) {
            self.shared_memory("vhostuser")?;
        }
        self.disk_storage(disk)
    }

    fn disk_frontend(&self, disk: &Disk) -> Result<()> {
        let Some(bus) = disk.bus() else { return Ok(()) };
        let (dst, rest) = (disk.dst(), &disk.rest);
        if let Some(geometry) = rest.geometry.as_ref().filter(|g| g.cyls > 0 && g.heads > 0 && g.secs > 0) {
            if matches!(bus, DiskBus::Usb | DiskBus::Sd) {
                return Err(unsupported(format!("CHS geometry can not be set for '{bus}' bus")));
            }
            if geometry.trans.is_some() && bus != DiskBus::Ide {
                let text = format!("CHS translation mode can only be set for 'ide' bus not '{bus}'");
                return Err(unsupported(text));
            }
        }
        if rest.serial.is_some() && bus == DiskBus::Sd {
            return Err(internal(format!("Serial property not supported for drive bus '{bus}'")));
        }
        if disk.device == DiskDevice::Cdrom && matches!(bus, DiskBus::Sd | DiskBus::Virtio) {
            return Err(unsupported(format!("disk type of '{dst}' does not support ejectable media")));
        }
        let copy_on_read = disk.driver.options.copy_on_read == Some(OnOff::On);
        if copy_on_read {
            if rest.readonly {
                let text = format!("copy_on_read is not compatible with read-only disk '{dst}'");
                return Err(unsupported(text));
            }
            if matches!(disk.device, DiskDevice::Cdrom | DiskDevice::Floppy) {
                return Err(unsupported(format!(
                    "copy_on_read is not supported with removable disk '{dst}'"
                )));
            }
        }
        if rest.wwn.is_some() && !matches!(bus, DiskBus::Ide | DiskBus::Scsi) {
            return Err(unsupported("Only ide and scsi disk support wwn"));
        }
        if rest.vendor.is_some() && bus != DiskBus::Scsi {
            return Err(unsupported("Only scsi disk supports 'vendor'"));
        }
        if rest.product.is_some() && !matches!(bus, DiskBus::Scsi | DiskBus::Ide | DiskBus::Sata) {
            return Err(unsupported("Only ide, sata and scsi disk supports 'product'"));
        }
        if disk.device == DiskDevice::Lun {
            self.lun(disk, bus, copy_on_read)?;
        }
        self.disk_address(disk, bus)?;
        if bus == DiskBus::Usb && disk.source.is_empty() {
            return Err(unsupported("'usb' disk must not be empty"));
        }
        if rest.readonly && disk.device == DiskDevice::Disk {
            if bus == DiskBus::Ide {
                return Err(unsupported("readonly ide disks are not supported"));
            }
            if bus == DiskBus::Sata {
                return Err(unsupported("readonly sata disks are not supported"));
            }
        }
        if rest.target.rotation_rate.is_some() {
            if !matches!(bus, DiskBus::Scsi | DiskBus::Ide | DiskBus::Sata) {
                return Err(internal("rotation rate is only valid for SCSI/IDE/SATA bus"));
            }
            if disk.device != DiskDevice::Disk {
                return Err(internal("rotation rate is only valid for disk device"));
            }
        }
        let options = &disk.driver.options;
        let cached = !matches!(options.cache, Some(CacheMode::None | CacheMode::Directsync));
        if options.io == Some(IoMode::Native) && cached {
            return Err(unsupported("io='native' needs either no disk cache or directsync cache mode"));
        }
        if rest.serial.is_some() && bus == DiskBus::Scsi && disk.device == DiskDevice::Lun {
            return Err(unsupported("scsi-block 'lun' devices do not support the serial property"));
        }
        if options.io == Some(IoMode::IoUring) {
            self.need("aio.io_uring", "io uring is not supported by this QEMU binary")?;
        }
        let plain = |c: char| c.is_ascii_alphanumeric() || "-_ .+".contains(c);
        if let Some(serial) = rest.serial.as_ref().filter(|serial| !serial.chars().all(plain)) {
            return Err(internal(format!("driver serial '{serial}' contains unsafe characters")));
        }
        self.disk_iothreads(disk, bus)
    }

    fn lun(&self, disk: &Disk, bus: DiskBus, copy_on_read: bool) -> Result<()> {
        if !matches!(bus, DiskBus::Scsi | DiskBus::Virtio) {
            return Err(unsupported(format!("disk device='lun' is not supported for bus='{bus}'")));
        }
        if bus == DiskBus::Virtio {
            self.need(
                "virtio-blk-pci.scsi",
                "This QEMU doesn't support SCSI emulation with 'virtio-blk' device",
            )?;
        }
        if copy_on_read {
            return Err(unsupported(format!(
                "copy_on_read is not compatible with 'lun' disk '{}'",
                disk.dst()
            )));
        }
        if disk.rest.wwn.is_some() {
            return Err(unsupported("Setting wwn is not supported for lun device"));
        }
        if disk.rest.vendor.is_some() || disk.rest.product.is_some() {
            return Err(unsupported("Setting vendor or product is not supported for lun device"));
        }
        Ok(())
    }

    /// Places that QEMU's disk controllers have.
    fn disk_address(&self, disk: &Disk, bus: DiskBus) -> Result<()> {
        let drive = match (&disk.info.address, bus) {
            (None | Some(Address::Usb(_)), DiskBus::Usb) => return Ok(()),
            (_, DiskBus::Usb) => return Err(internal("unexpected address type for usb disk")),
            (Some(Address::Drive(drive)), _) => drive,
            _ => return Ok(()),
        };
        match bus {
            DiskBus::Scsi => {
                if drive.bus != 0 {
                    return Err(internal("SCSI controller only supports 1 bus"));
                }
                let controllers = &self.domain.devices.controllers;
                match controllers.iter().find_map(|controller| scsi_model(controller, drive.controller)) {
                    Some(
                        model @ (ScsiModel::Lsilogic
                        | ScsiModel::Lsisas1068
                        | ScsiModel::Lsisas1078
                        | ScsiModel::Vmpvscsi
                        | ScsiModel::Buslogic
                        | ScsiModel::Ncr53c90
                        | ScsiModel::Dc390
                        | ScsiModel::Am53c974),
                    ) if drive.target != 0 && model == ScsiModel::Lsilogic => {
                        Err(unsupported(format!("target must be 0 for controller model '{model}'")))
                    }
                    Some(ScsiModel::IbmVscsi) if drive.target > 7 => {
                        Err(unsupported("This QEMU doesn't support target greater than 7"))
                    }
                    _ => Ok(()),
                }
            }
            DiskBus::Ide if drive.controller != 0 => Err(internal("Only 1 IDE controller is supported")),
            DiskBus::Ide if drive.target != 0 => Err(unsupported("target must be 0 for ide controller")),
            DiskBus::Fdc if drive.controller != 0 => Err(internal("Only 1 fdc controller is supported")),
            DiskBus::Fdc if drive.bus != 0 => Err(internal("Only 1 fdc bus is supported")),
            DiskBus::Fdc if drive.target != 0 => Err(unsupported("target must be 0 for controller fdc")),
            DiskBus::Sata if drive.bus != 0 => Err(unsupported("bus must be 0 for sata controller")),
            DiskBus::Sata if drive.target != 0 => Err(unsupported("target must be 0 for sata controller")),
            _ => Ok(()),
        }
    }

    fn disk_iothreads(&self, disk: &Disk, bus: DiskBus) -> Result<()> {
        let options = &disk.driver.options;
        let mapped = options.iothreads.as_ref().is_some_and(|map| !map.iothreads.is_empty());
        if options.iothread.is_none() && !mapped {
            return Ok(());
        }
        if bus != DiskBus::Virtio {
            return Err(unsupported(format!("IOThreads not available for bus {bus} target {}", disk.dst())));
        }
        if let Some(id) = options.iothread.filter(|id| !self.has_iothread(*id)) {
            return Err(unsupported(format!("Disk iothread '{id}' not defined in iothreadid")));
        }
        match &options.iothreads {
            Some(map) => self.iothread_map(map, options.queues),
            None => Ok(()),
        }
    }

    /// Whether the definition has I/O thread `id`.
    pub(super) fn has_iothread(&self, id: u32) -> bool {
        let count = self.domain.iothreads.unwrap_or(0);
        let listed = self.domain.iothreadids.as_ref();
        match listed {
            Some(_) if self.iothreads.binary_search(&id).is_ok() => true,
            // threads that are not listed get the lowest free numbers
            Some(ids) => {
                let unlisted = (count as usize).saturating_sub(ids.iothreads.len());
                let below = self.iothreads.partition_point(|thread| *thread < id);
                id != 0 && (id as usize).saturating_sub(below) <= unlisted
            }
            None => (1..=count).contains(&id),
        }
    }

    /// Which thread serves which queue: all queues are served, by threads that exist.
    pub(super) fn iothread_map(&self, map: &IoThreadMap, queues: Option<u32>) -> Result<()> {
        let mut served = std::collections::BTreeSet::new();
        let with_queues = map.iothreads.iter().filter(|thread| !thread.queues.is_empty()).count();
        if with_queues != 0 && with_queues != map.iothreads.len() {
            return Err(unsupported(
                "iothread to queue mapping must be provided for all iothreads or for none",
            ));
        }
        for thread in &map.iothreads {
            let queues = match (with_queues, queues) {
                (0, _) => None,
                (_, Some(queues)) => Some(queues),
                (_, None) => {
                    return Err(unsupported(
                        "'queue' count must be configured for explicit iothread to queue mapping",
                    ));
                }
            };
            if !self.has_iothread(thread.id) {
                return Err(unsupported(format!("iothread '{}' not defined in iothreadid", thread.id)));
            }
            let Some(queues) = queues else { continue };
            for queue in &thread.queues {
                if queue.id >= queues {
                    return Err(unsupported(format!("iothread queue '{}' mapping out of range", queue.id)));
                }
                served.insert(queue.id);
            }
        }
        if let (true, Some(queues)) = (with_queues != 0, queues) {
            let missing = (0..queues).find(|queue| !served.contains(queue));
            if let Some(queue) = missing {
                return Err(unsupported(format!("missing iothread mapping for queue '{queue}'")));
            }
        }
        Ok(())
    }

    fn disk_throttling(&self, disk: &Disk) -> Result<()> {
        let tune = &disk.rest.iotune;
        let limits = IoTune { group_name: None, ..tune.clone() };
        if tune.group_name.is_some() && limits == IoTune::default() {
            return Err(unsupported("group_name can be configured only together with settings"));
        }
        if let Some(name) = &tune.group_name {
            let group = self.sharing.get(name.as_str());
            let mut others =
                group.into_iter().flat_map(|group| [Some(group.first), group.different]).flatten();
            if let Some(other) = others.find(|other| !may_share(other, disk)) {
                let text = format!("different iotunes for disks {} and {}", disk.dst(), other.dst());
                return Err(unsupported(text));
            }
        }
        let limits = [
            tune.total_bytes_sec,
            tune.read_bytes_sec,
            tune.write_bytes_sec,
            tune.total_iops_sec,
            tune.read_iops_sec,
            tune.write_iops_sec,
            tune.total_bytes_sec_max,
            tune.read_bytes_sec_max,
            tune.write_bytes_sec_max,
            tune.total_iops_sec_max,
            tune.read_iops_sec_max,
            tune.write_iops_sec_max,
            tune.size_iops_sec,
        ];
        if limits.iter().flatten().any(|limit| *limit > IOTUNE_MAX) {
            return Err(Error::new(
                ErrorDomain::QEMU,
                ErrorCode::ARGUMENT_UNSUPPORTED,
                format!("block I/O throttle limit must be no more than {IOTUNE_MAX} using QEMU"),
            ));
        }
        Ok(())
    }

    fn disk_transient(&self, disk: &Disk) -> Result<()> {
        if disk.rest.transient.is_none() {
            return Ok(());
        }
        let dst = disk.dst();
        if disk.source.is_empty() {
            return Err(unsupported(format!("transient disk '{dst}' must not be empty")));
        }
        if disk.rest.readonly {
            return Err(unsupported(format!("transient disk '{dst}' must not be read-only")));
        }
        if !matches!(disk.source.location, Location::File(_)) {
            return Err(unsupported(format!("transient disk supported only with 'file' type ({dst})")));
        }
        if disk.device != DiskDevice::Disk {
            return Err(unsupported(format!("transient disk supported only with 'disk' device ({dst})")));
        }
        Ok(())
    }
}

fn scsi_model(controller: &Controller, index: u32) -> Option<ScsiModel> {
    match &controller.kind {
        ControllerKind::Scsi { model } if controller.index.unwrap_or_default() == index => *model,
        _ => None,
    }
}
