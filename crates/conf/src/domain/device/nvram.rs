//! `<nvram>` device: pSeries' non-volatile memory.

use virtus_xml::Xml;

use super::info::DeviceInfo;

/// `<nvram>`.
#[derive(Clone, Debug, Default, PartialEq, Xml)]
pub struct NvramDevice {
    #[xml(flatten)]
    pub info: DeviceInfo,
}
