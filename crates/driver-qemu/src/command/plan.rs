//! What is decided about the whole guest before its devices are described.

use std::collections::HashMap;

use virtus_conf::domain::Domain;
use virtus_conf::domain::device::Disk;
use virtus_conf::domain::device::disk::{DiskBus, DiskDevice};
use virtus_conf::domain::device::storage::{BackingStore, StorageSource};
use virtus_conf::domain::os::BootDevice;

/// Decisions by device alias.
#[derive(Clone, Debug, Default)]
pub struct Plan {
    /// The boot order of devices that have none of their own: from `<boot dev='…'/>`.
    pub(crate) boot: HashMap<String, u32>,
}

impl Plan {
    /// The plan for a guest whose devices have aliases.
    pub fn of(domain: &Domain) -> Self {
        Plan { boot: boot_order(domain) }
    }
}

/// The first device of each kind that `<boot>` names takes the kind's place.
fn boot_order(domain: &Domain) -> HashMap<String, u32> {
    let mut order = HashMap::new();
    let mut place: HashMap<&str, u32> = HashMap::new();
    for (boot, i) in domain.os.boot.iter().zip(1u32..) {
        place.insert(boot.dev.as_str(), i);
    }
    let mut take = |kind: BootDevice, alias: Option<&String>| {
        if let (Some(alias), Some(i)) = (alias, place.remove(kind.as_str())) {
            order.insert(alias.clone(), i);
        }
    };
    for disk in &domain.devices.disks {
        let kind = match disk.device {
            DiskDevice::Cdrom => BootDevice::Cdrom,
            DiskDevice::Floppy => BootDevice::Floppy,
            DiskDevice::Disk | DiskDevice::Lun => BootDevice::Disk,
        };
        take(kind, disk.info.alias.as_ref());
    }
    if let Some(net) = domain.devices.interfaces.first() {
        take(BootDevice::Network, net.info.alias.as_ref());
    }
    for hostdev in &domain.devices.hostdevs {
        if matches!(hostdev.source, virtus_conf::domain::device::hostdev::HostDevSource::Scsi(_)) {
            take(BootDevice::Disk, hostdev.info.alias.as_ref());
        }
    }
    order
}

/// Numbers the images of all disks, which names their block nodes. The last disk comes first, and each chain
/// from its top. Images that have a number keep it.
pub(crate) fn number_images(domain: &mut Domain) {
    let mut last = last_image(domain);
    for disk in domain.devices.disks.iter_mut().rev() {
        if disk.bus() == Some(DiskBus::Sd) {
            continue;
        }
        if disk.source.is_empty() {
            // it takes a number that nobody sees
            last = last.saturating_add(1);
            continue;
        }
        number_disk(disk, &mut last);
    }
}

/// The last number that [`number_images`] has given.
pub(crate) fn numbers_given(domain: &Domain) -> u32 {
    // those of the empty drives in front came last
    let empty = domain.devices.disks.iter().take_while(|disk| disk.source.is_empty());
    last_image(domain).saturating_add(u32::try_from(empty.count()).unwrap_or(0))
}

/// Numbers the images of a disk that joins, above `last`, which becomes the number of the last one. An empty drive
/// takes a number, too.
pub(crate) fn number_disk(disk: &mut Disk, last: &mut u32) {
    number(&mut disk.source, last);
    let mut below = disk.backing.as_mut();
    while let Some(BackingStore::Image(image)) = below {
        number(&mut image.source, last);
        below = image.backing.as_mut();
    }
}

/// The highest number that an image has.
pub(crate) fn last_image(domain: &Domain) -> u32 {
    let numbers = domain.devices.disks.iter().map(|disk| highest(&disk.source, disk.backing.as_ref()));
    numbers.max().unwrap_or(0)
}

fn number(source: &mut StorageSource, last: &mut u32) {
    if source.common.index.is_none() {
        *last = last.saturating_add(1);
        source.common.index = Some(*last);
    }
    if let Some(data) = &mut source.common.data_store {
        number(&mut data.source, last);
    }
}

fn highest(source: &StorageSource, mut below: Option<&BackingStore>) -> u32 {
    let mut last = source.common.index.unwrap_or(0);
    while let Some(BackingStore::Image(image)) = below {
        last = last.max(image.source.common.index.unwrap_or(0));
        below = image.backing.as_ref();
    }
    last
}
