//! `<memory>` devices: DIMMs, persistent memory, virtio-mem, SGX.

use virtus_base::{Bitmap, Result, Uuid};
use virtus_xml::{Element, Xml, YesNo, keywords};

use super::info::DeviceInfo;
use crate::domain::memory::MemoryAccess;
use crate::domain::parse::xml_error;
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
