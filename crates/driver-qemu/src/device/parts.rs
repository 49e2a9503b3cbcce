//! Which parts each kind of device has.

use virtus_base::Result;
use virtus_conf::domain::device::Device;

use super::part::Part;
use super::{
    console, controller, disk, filesystem, hostdev, input, interface, memory, redirdev, rng, shmem, vsock,
    watchdog,
};
use crate::command::guest::Guest;
use crate::error::internal;

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
            console::parts(guest, device)?
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
