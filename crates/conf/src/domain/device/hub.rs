//! `<hub>`: USB hubs.

use virtus_xml::{Xml, keywords};

use super::info::DeviceInfo;
use crate::domain::stable::{Stable, told};
use virtus_base::Result;

keywords! {
    /// Of which bus.
    pub enum HubType { Usb = "usb" }
}

/// `<hub>`.
#[derive(Clone, Debug, PartialEq, Xml)]
pub struct Hub {
    #[xml(attr = "type", missing = "missing hub device type", code = INTERNAL_ERROR, invalid = "unknown hub device type '{}'", invalid_code = CONFIG_UNSUPPORTED)]
    pub kind: HubType,
    #[xml(flatten)]
    pub info: DeviceInfo,
}

impl Stable for Hub {
    fn check_stable(&self, to: &Self) -> Result<()> {
        told!(self, to, |d| d.kind, "Target hub device type {to} does not match source {from}");
        self.info.check_stable(&to.info)
    }
}
