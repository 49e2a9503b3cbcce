//! `<panic>`: how the guest says that its kernel is gone.

use virtus_xml::{Xml, keywords};

use super::info::DeviceInfo;

keywords! {
    /// The device.
    pub enum PanicModel { Isa = "isa", Pseries = "pseries", Hyperv = "hyperv", S390 = "s390", Pvpanic = "pvpanic" }
}

/// `<panic>`.
#[derive(Clone, Debug, Default, PartialEq, Xml)]
pub struct Panic {
    /// The device; chosen by post-parse when absent.
    #[xml(attr)]
    pub model: Option<PanicModel>,
    #[xml(flatten)]
    pub info: DeviceInfo,
}
