//! `<shmem>`: memory shared with other guests.

use virtus_base::Result;
use virtus_xml::{Element, OnOff, Writer, Xml, keywords};

use super::info::DeviceInfo;
use crate::domain::stable::{Or, Stable, equal, told};

keywords! {
    /// The device.
    pub enum ShmemModel { Ivshmem = "ivshmem", IvshmemPlain = "ivshmem-plain", IvshmemDoorbell = "ivshmem-doorbell" }
}
keywords! {
    /// Which side goes along on migration.
    pub enum ShmemRole { Master = "master", Peer = "peer" }
}

/// `<shmem>`.
#[derive(Clone, Debug, PartialEq, Xml)]
pub struct Shmem {
    #[xml(attr, missing = "shmem element must contain 'name' attribute")]
    pub name: String,
    #[xml(attr)]
    pub role: Option<ShmemRole>,
    #[xml(at = "model/@type", default = ShmemModel::Ivshmem)]
    pub model: ShmemModel,
    pub size: Option<ShmemSize>,
    pub server: Option<ShmemServer>,
    pub msi: Option<Msi>,
    #[xml(flatten)]
    pub info: DeviceInfo,
}

/// The size in bytes, written in mebibytes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ShmemSize(pub u64);

impl Xml for ShmemSize {
    fn read(e: Element<'_>) -> Result<Self> {
        Ok(ShmemSize(crate::scaled::read_bytes_to(e, "bytes", u64::MAX)?.unwrap_or(0)))
    }
    fn write_attrs(&self, w: &mut Writer) {
        w.attr("unit", "M");
    }
    fn write_body(&self, w: &mut Writer) {
        w.text_value(&(self.0 >> 20));
    }
}

/// The server of the doorbell variant.
#[derive(Clone, Debug, Default, PartialEq, Xml)]
pub struct ShmemServer {
    #[xml(attr)]
    pub path: Option<String>,
}

/// Interrupts of the doorbell variant.
#[derive(Clone, Debug, Default, PartialEq, Xml)]
pub struct Msi {
    #[xml(attr, invalid = "invalid number of vectors for shmem: '{}'")]
    pub vectors: Option<u32>,
    #[xml(attr)]
    pub ioeventfd: Option<OnOff>,
}

impl Stable for Shmem {
    fn check_stable(&self, to: &Self) -> Result<()> {
        told!(
            self,
            to,
            |d| Or(d.role, "default"),
            "Target shared memory role '{to}' does not match source role '{from}'"
        );
        told!(
            self,
            to,
            |d| d.model,
            "Target shared memory model '{to}' does not match source model '{from}'"
        );
        told!(
            self,
            to,
            |d| d.size.map_or(0, |size| size.0),
            "Target shared memory size '{to}' does not match source size '{from}'"
        );
        equal!(self, to, |d| d.server.is_some(), "Target shared memory server usage doesn't match source");
        equal!(self, to, |d| &d.msi, "Target shared memory MSI configuration doesn't match source");
        self.info.check_stable(&to.info)
    }
}
