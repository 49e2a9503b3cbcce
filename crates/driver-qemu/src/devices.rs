//! Small questions about devices that several calls ask.

use virtus_conf::domain::device::{Disk, Interface};

/// The name of an interface on the host's side while its guest runs, if it has one.
pub(crate) fn host_interface(interface: &Interface) -> Option<&str> {
    interface.rest.target_dev.as_deref()
}

/// Where QEMU has a disk's drive in its object tree: most drives are their device's own.
pub(crate) fn drive_path(disk: &Disk) -> Option<String> {
    use virtus_conf::domain::device::disk::DiskBus;
    let alias = disk.info.alias.as_deref()?;
    Some(match disk.bus() {
        Some(DiskBus::Virtio) => format!("/machine/peripheral/{alias}/virtio-backend"),
        Some(DiskBus::Usb) => format!("/machine/peripheral/{alias}/{alias}.0/legacy[0]"),
        _ => alias.to_owned(),
    })
}
