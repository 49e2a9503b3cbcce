//! `<memballoon>`: memory the guest gives back.

use virtus_xml::{OnOff, Xml, keywords};

use super::info::DeviceInfo;
use super::virtio::{VirtioOptions, check_driver};
use crate::domain::stable::{Stable, switch, told};
use virtus_base::Result;

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

impl Stable for MemBalloon {
    fn check_stable(&self, to: &Self) -> Result<()> {
        told!(self, to, |d| d.model, "Target balloon model {to} does not match source {from}");
        told!(
            self,
            to,
            |d| switch(d.autodeflate),
            "Target balloon autodeflate attribute value '{to}' does not match source '{from}'"
        );
        told!(
            self,
            to,
            |d| switch(d.free_page_reporting),
            "Target balloon freePageReporting attribute value '{to}' does not match source '{from}'"
        );
        check_driver(&self.driver, &to.driver, |driver| driver)?;
        self.info.check_stable(&to.info)
    }
}
