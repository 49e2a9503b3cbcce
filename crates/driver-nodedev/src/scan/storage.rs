//! Disks and drives.

use virtus_conf::nodedev::host::{Capability, Storage};

use super::device_file;
use super::entry::Entry;

pub(super) fn read(entry: &Entry<'_>) -> Option<(Capability, Option<String>)> {
    let block = device_file(entry.property("DEVNAME")?);
    let serial = entry.property("ID_SERIAL").map(str::to_owned);
    let udev = |property: &str| entry.property(property).filter(|v| !v.is_empty()).map(str::to_owned);
    let sysfs = |file: &str| entry.attribute(file).filter(|v| !v.is_empty());
    let drive = drive(entry, &block);
    // nothing is known of loop devices and the like but that they are there
    let drive = drive?;
    let removable = matches!(drive.as_str(), "cdrom" | "floppy") && entry.number("removable", 10) == Some(1);
    let media = match drive.as_str() {
        "cdrom" => entry.property("ID_CDROM_MEDIA") == Some("1"),
        "floppy" => {
            entry.property("DKD_MEDIA_AVAILABLE") == Some("1") || entry.property("ID_FS_LABEL").is_some()
        }
        _ => false,
    };
    // an empty drive has no size
    let sized = media || !matches!(drive.as_str(), "cdrom" | "floppy");
    let number = |file: &str| entry.attribute(file).and_then(|text| text.parse().ok());
    let storage = Storage {
        bus: udev("ID_BUS"),
        model: udev("ID_MODEL").or_else(|| sysfs("device/model")),
        vendor: udev("ID_VENDOR").or_else(|| sysfs("device/vendor")),
        serial: serial.clone(),
        removable,
        media,
        label: udev("ID_FS_LABEL").filter(|_| media),
        block_size: if sized { number("queue/logical_block_size").unwrap_or(0) } else { 0 },
        blocks: if sized { number("size").unwrap_or(0) } else { 0 },
        drive: Some(drive),
        block,
    };
    Some((Capability::Storage(Box::new(storage)), serial))
}

/// What kind of drive it is; without udev it is told from the name.
fn drive(entry: &Entry<'_>, block: &str) -> Option<String> {
    if let Some(kind) = entry.property("ID_TYPE") {
        return Some(if kind == "cd" { "cdrom" } else { kind }.to_owned());
    }
    if ["ID_DRIVE_FLOPPY", "ID_DRIVE_FLASH_SD"].iter().any(|p| entry.property(p) == Some("1")) {
        let floppy = entry.property("ID_DRIVE_FLOPPY") == Some("1");
        return Some(if floppy { "floppy" } else { "sd" }.to_owned());
    }
    let known = ["/dev/vd", "/dev/sd", "/dev/nvme", "/dev/xvd", "/dev/dasd"];
    known.iter().any(|prefix| block.starts_with(prefix)).then(|| "disk".to_owned())
}
