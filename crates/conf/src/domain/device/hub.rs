//! `<hub>`: USB hubs.

use virtus_xml::{Xml, keywords};

use super::info::DeviceInfo;

keywords! {
    /// Of which bus.
    pub enum HubType { Usb = "usb" }
}

/// `<hub>`.
#[derive(Clone, Debug, PartialEq, Xml)]
pub struct Hub {
    #[xml(attr = "type")]
    pub kind: HubType,
    #[xml(flatten)]
    pub info: DeviceInfo,
}
