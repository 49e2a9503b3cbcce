//! `<pstore>`: memory that outlives a crash of the guest.

use virtus_xml::{Xml, keywords};

use super::info::DeviceInfo;
use crate::domain::stable::{Stable, told};
use crate::scaled::KiB;
use virtus_base::Result;

keywords! {
    /// The device.
    pub enum PstoreBackend { AcpiErst = "acpi-erst" }
}

/// `<pstore>`.
#[derive(Clone, Debug, PartialEq, Xml)]
pub struct Pstore {
    #[xml(attr)]
    pub backend: PstoreBackend,
    #[xml(value)]
    pub path: Option<String>,
    pub size: Option<KiB>,
    #[xml(flatten)]
    pub info: DeviceInfo,
}

impl Stable for Pstore {
    fn check_stable(&self, to: &Self) -> Result<()> {
        told!(self, to, |d| d.backend, "Target pstore device backend '{to}' does not match source '{from}'");
        told!(
            self,
            to,
            |d| d.size.unwrap_or_default().0,
            "Target pstore size '{to}' does not match source '{from}'"
        );
        self.info.check_stable(&to.info)
    }
}
