//! USB hubs.

use virtus_base::Result;
use virtus_conf::domain::device::Hub;

use crate::command::build::Build;
use crate::command::guest::Guest;
use crate::command::props::Props;

/// All hubs.
pub(crate) fn add(build: &mut Build<'_>) -> Result<()> {
    for hub in &build.guest.domain.devices.hubs {
        build.device(props(&build.guest, hub)?);
    }
    Ok(())
}

/// A hub.
///
/// # Errors
/// `INTERNAL_ERROR` without a controller for its address.
pub fn props(guest: &Guest<'_>, hub: &Hub) -> Result<Props> {
    Ok(Props::device("usb-hub").with("id", guest.alias(&hub.info)).join(guest.address(&hub.info)?))
}
