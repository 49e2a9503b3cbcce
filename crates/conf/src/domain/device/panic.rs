//! `<panic>`: how the guest says that its kernel is gone.

use virtus_xml::{Xml, keywords};

use super::info::DeviceInfo;
use crate::domain::stable::{Or, Stable, told};
use virtus_base::Result;

keywords! {
    /// The device.
    pub enum PanicModel { Isa = "isa", Pseries = "pseries", Hyperv = "hyperv", S390 = "s390", Pvpanic = "pvpanic" }
}

/// `<panic>`.
#[derive(Clone, Debug, Default, PartialEq, Xml)]
pub struct Panic {
    /// The device; chosen by post-parse when absent.
    #[xml(attr, invalid = "unknown panic model '{}'", invalid_code = CONFIG_UNSUPPORTED)]
    pub model: Option<PanicModel>,
    #[xml(flatten)]
    pub info: DeviceInfo,
}

impl Stable for Panic {
    fn check_stable(&self, to: &Self) -> Result<()> {
        told!(
            self,
            to,
            |d| Or(d.model, "default"),
            "Target panic model '{to}' does not match source '{from}'"
        );
        self.info.check_stable(&to.info)
    }
}
