//! The memory balloon.

use virtus_base::Result;
use virtus_conf::domain::device::MemBalloon;
use virtus_conf::domain::device::memballoon::BalloonModel;

use super::Virtio;
use crate::command::build::Build;
use crate::command::guest::{Guest, unsupported};
use crate::command::props::Props;

/// The balloon, if there is one.
pub(crate) fn add(build: &mut Build<'_>) -> Result<()> {
    let guest = build.guest;
    for balloon in
        guest.domain.devices.memballoons.iter().filter(|balloon| balloon.model != BalloonModel::None)
    {
        build.device(props(&guest, balloon)?);
    }
    Ok(())
}

/// The device.
///
/// # Errors
/// `CONFIG_UNSUPPORTED` for a balloon QEMU does not have.
pub fn props(guest: &Guest<'_>, balloon: &MemBalloon) -> Result<Props> {
    if balloon.model == BalloonModel::Xen {
        return Err(unsupported(format!(
            "Memory balloon device type '{}' is not supported by this version of qemu",
            balloon.model.as_str()
        )));
    }
    Ok(guest
        .virtio("virtio-balloon", Virtio::from(balloon.model), &balloon.driver, &balloon.info)?
        .with("id", guest.alias(&balloon.info))
        .switch("deflate-on-oom", balloon.autodeflate)
        .switch("free-page-reporting", balloon.free_page_reporting)
        .join(guest.address(&balloon.info)?))
}
