//! `<pstore>`: memory that outlives a crash of the guest.

use virtus_xml::{Xml, keywords};

use super::info::DeviceInfo;
use crate::scaled::KiB;

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
