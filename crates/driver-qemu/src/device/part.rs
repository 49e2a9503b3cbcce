//! What a device is made of in QEMU: the command line names the parts one after the other, a device that is plugged in
//! or out has them made or removed through the monitor.

use serde_json::Value;
use virtus_base::Result;
use virtus_conf::domain::device::Device;

use super::{
    chardev, controller, disk, filesystem, hostdev, input, interface, memory, redirdev, rng, shmem, vsock,
    watchdog,
};
use crate::command::guest::Guest;
use crate::command::props::Props;
use crate::error::internal;

/// One thing of QEMU's.
#[derive(Clone, Debug, PartialEq)]
pub enum Part {
    /// For `object-add`.
    Object(Props),
    /// For `blockdev-add`.
    Block(Props),
    /// For `chardev-add`: its id and what is behind it.
    Chardev(String, Value),
    /// For `netdev_add`.
    Netdev(Props),
    /// For `device_add`. The guest has to give it up before the parts it is made from can go.
    Device(Props),
}

impl Part {
    /// The name under which QEMU knows it.
    pub fn id(&self) -> &str {
        match self {
            Part::Object(props) | Part::Netdev(props) | Part::Device(props) => props.text("id"),
            Part::Block(props) => props.text("node-name"),
            Part::Chardev(id, _) => Some(id.as_str()),
        }
        .unwrap_or_default()
    }
}

impl From<super::storage::Node> for Part {
    fn from(node: super::storage::Node) -> Part {
        match node {
            super::storage::Node::Object(props) => Part::Object(props),
            super::storage::Node::Block(props) => Part::Block(props),
        }
    }
}

/// The parts of a device that has its address and alias, in the order in which they are made.
///
/// # Errors
/// `CONFIG_UNSUPPORTED` for what the emulator does not have, `INTERNAL_ERROR` for what cannot be plugged in.
pub(crate) fn parts(guest: &Guest<'_>, device: &Device) -> Result<Vec<Part>> {
    let mut parts = match device {
        Device::Disk(x) => disk::parts(guest, x)?,
        Device::Controller(x) => vec![Part::Device(controller::props(guest, x)?)],
        Device::Interface(x) => interface::parts(guest, x)?,
        Device::HostDev(x) => hostdev::parts(guest, x)?,
        Device::RedirDev(x) => redirdev::parts(guest, x)?,
        Device::Serial(_) | Device::Parallel(_) | Device::Console(_) | Device::Channel(_) => {
            super::console::parts(guest, device)?
        }
        Device::Rng(x) => rng::parts(guest, x)?,
        Device::Memory(x) => memory::parts(guest, x)?,
        Device::Shmem(x) => shmem::parts(guest, x)?,
        Device::Watchdog(x) => vec![Part::Device(watchdog::props(guest, x)?)],
        Device::Input(x) => input::parts(guest, x)?,
        Device::Vsock(x) => vec![Part::Device(vsock::props(guest, x)?)],
        Device::Filesystem(x) => filesystem::parts(guest, x)?,
        other => return Err(internal(format!("device '{}' has no parts", other.kind().name()))),
    };
    for part in &mut parts {
        if let Part::Device(props) = part {
            guest.overridden(props);
        }
    }
    Ok(parts)
}

/// The part that a character device's host side is.
pub(super) fn chardev(
    guest: &Guest<'_>,
    alias: &str,
    chardev: &virtus_conf::domain::device::Chardev,
) -> Result<Part> {
    let id = chardev::id(alias);
    let backend = chardev::monitor::backend(guest, alias, &id, chardev)?;
    Ok(Part::Chardev(id, backend))
}
