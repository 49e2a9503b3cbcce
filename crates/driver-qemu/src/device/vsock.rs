//! Sockets between host and guest.

use virtus_base::Result;
use virtus_conf::domain::device::Vsock;

use super::Virtio;
use crate::command::build::Build;
use crate::command::guest::Guest;
use crate::command::props::Props;

/// The device, if there is one.
pub(crate) fn add(build: &mut Build<'_>) -> Result<()> {
    let guest = build.guest;
    for vsock in &guest.domain.devices.vsocks {
        build.device(props(&guest, vsock)?);
    }
    Ok(())
}

/// The device.
///
/// # Errors
/// `INTERNAL_ERROR` for an address that does not fit.
pub fn props(guest: &Guest<'_>, vsock: &Vsock) -> Result<Props> {
    let alias = guest.alias(&vsock.info);
    let handed = guest.context.handed.get(&alias).cloned();
    let fd = handed.or_else(|| guest.context.device_fds.get(&alias).map(i32::to_string));
    Ok(guest
        .virtio("vhost-vsock", vsock.model.map_or(Virtio::Plain, Virtio::from), &vsock.driver, &vsock.info)?
        .with("id", alias)
        .with("guest-cid", vsock.cid_address.unwrap_or(0))
        .maybe("vhostfd", fd)
        .join(guest.address(&vsock.info)?))
}
