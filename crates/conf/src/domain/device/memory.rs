//! `<memory>` devices: DIMMs, persistent memory, virtio-mem, SGX.

use virtus_base::{Bitmap, Result, Uuid};
use virtus_xml::{Element, Xml, YesNo, keywords};

use super::info::DeviceInfo;
use crate::domain::memory::MemoryAccess;
use crate::domain::parse::xml_error;
use crate::domain::stable::{Stable, equal, told};
use crate::scaled::KiB;

keywords! {
    /// The device.
    pub enum MemoryModel {
        Dimm = "dimm", Nvdimm = "nvdimm", VirtioPmem = "virtio-pmem", VirtioMem = "virtio-mem", SgxEpc = "sgx-epc",
    }
}

/// `<memory>`.
#[derive(Clone, Debug, PartialEq, Xml)]
#[xml(check = check)]
pub struct MemoryDevice {
    #[xml(attr)]
    pub model: MemoryModel,
    #[xml(attr)]
    pub access: Option<MemoryAccess>,
    #[xml(attr)]
    pub discard: Option<YesNo>,
    #[xml(value)]
    pub uuid: Option<Uuid>,
    #[xml(omit_default)]
    pub source: MemorySource,
    #[xml(missing = "missing <target> element for <memory> device")]
    pub target: MemoryTarget,
    #[xml(flatten)]
    pub info: DeviceInfo,
}

/// What of the host backs it.
#[derive(Clone, Debug, Default, PartialEq, Xml)]
pub struct MemorySource {
    /// The host's NUMA nodes.
    #[xml(value)]
    pub nodemask: Option<Bitmap>,
    pub pagesize: Option<KiB>,
    #[xml(value)]
    pub path: Option<String>,
    pub alignsize: Option<KiB>,
    #[xml(flag)]
    pub pmem: bool,
}

/// What the guest sees.
#[derive(Clone, Debug, PartialEq, Xml)]
pub struct MemoryTarget {
    #[xml(attr = "dynamicMemslots")]
    pub dynamic_memslots: Option<YesNo>,
    pub size: KiB,
    /// The guest's NUMA node.
    #[xml(value, invalid = "invalid value of memory device node")]
    pub node: Option<u32>,
    #[xml(child = "label/size")]
    pub label_size: Option<KiB>,
    #[xml(flag)]
    pub readonly: bool,
    pub block: Option<KiB>,
    pub requested: Option<KiB>,
    #[xml(child, only = "live")]
    pub current: Option<KiB>,
    #[xml(at = "address/@base", base = 16, format = "0x{:x}")]
    pub address: Option<u64>,
}

fn check(device: &mut MemoryDevice, _: Element<'_>) -> Result<()> {
    if device.model == MemoryModel::Nvdimm && device.source.path.is_none() {
        return Err(xml_error("path is required for model 'nvdimm'"));
    }
    Ok(())
}

impl Stable for MemoryDevice {
    fn check_stable(&self, to: &Self) -> Result<()> {
        told!(self, to, |d| d.model, "Target memory device model '{to}' doesn't match source model '{from}'");
        told!(
            self,
            to,
            |d| d.target.node.map_or(-1, i64::from),
            "Target memory device targetNode '{to}' doesn't match source targetNode '{from}'"
        );
        told!(
            self,
            to,
            |d| d.target.size.0,
            "Target memory device size '{to}' doesn't match source memory device size '{from}'"
        );
        self.check_kind(to)?;
        self.info.check_stable(&to.info)
    }
}

impl MemoryDevice {
    /// What counts of one model only.
    fn check_kind(&self, to: &Self) -> Result<()> {
        match self.model {
            MemoryModel::Nvdimm => {
                // libvirt tells these two the other way round
                told!(
                    self,
                    to,
                    |d| d.target.label_size.unwrap_or_default().0,
                    "Target NVDIMM label size '{from}' doesn't match source NVDIMM label size '{to}'"
                );
                told!(
                    self,
                    to,
                    |d| d.source.alignsize.unwrap_or_default().0,
                    "Target NVDIMM alignment '{from}' doesn't match source NVDIMM alignment '{to}'"
                );
                equal!(
                    self,
                    to,
                    |d| d.source.pmem,
                    "Target NVDIMM pmem flag doesn't match source NVDIMM pmem flag"
                );
                equal!(
                    self,
                    to,
                    |d| d.target.readonly,
                    "Target NVDIMM readonly flag doesn't match source NVDIMM readonly flag"
                );
                equal!(self, to, |d| d.uuid, "Target NVDIMM UUID doesn't match source NVDIMM");
            }
            MemoryModel::VirtioPmem => self.check_address(to)?,
            MemoryModel::VirtioMem => {
                told!(
                    self,
                    to,
                    |d| d.target.block.unwrap_or_default().0,
                    "Target memory device block size '{to}' doesn't match source memory device block size '{from}'"
                );
                told!(
                    self,
                    to,
                    |d| d.target.requested.unwrap_or_default().0,
                    "Target memory device requested size '{to}' doesn't match source memory device requested size '{from}'"
                );
                self.check_address(to)?;
                equal!(
                    self,
                    to,
                    |d| d.target.dynamic_memslots,
                    "Target memory device 'dynamicMemslots' property doesn't match source memory device"
                );
            }
            MemoryModel::Dimm | MemoryModel::SgxEpc => {}
        }
        Ok(())
    }

    fn check_address(&self, to: &Self) -> Result<()> {
        told!(
            self,
            to,
            |d| d.target.address.unwrap_or(0),
            "Target memory device address '0x{to:x}' doesn't match source memory device address '0x{from:x}'"
        );
        Ok(())
    }
}
