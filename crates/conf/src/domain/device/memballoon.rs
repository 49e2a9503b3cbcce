//! `<memballoon>`: memory the guest gives back.

use virtus_xml::{OnOff, Xml, keywords};

use super::info::DeviceInfo;
use super::virtio::VirtioOptions;

keywords! {
    /// The device.
    pub enum BalloonModel {
        Virtio = "virtio", Xen = "xen", None = "none", Transitional = "virtio-transitional",
        NonTransitional = "virtio-non-transitional",
    }
}

/// `<memballoon>`.
#[derive(Clone, Debug, PartialEq, Xml)]
pub struct MemBalloon {
    #[xml(attr)]
    pub model: BalloonModel,
    #[xml(attr)]
    pub autodeflate: Option<OnOff>,
    #[xml(attr = "freePageReporting")]
    pub free_page_reporting: Option<OnOff>,
    /// How often statistics come, in seconds.
    #[xml(at = "stats/@period")]
    pub stats_period: Option<i32>,
    #[xml(flatten)]
    pub info: DeviceInfo,
    #[xml(omit_default)]
    pub driver: VirtioOptions,
}
