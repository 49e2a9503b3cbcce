//! Memory devices: DIMMs, persistent memory, virtio-mem.

use virtus_base::Result;
use virtus_conf::domain::device::memory::MemoryModel;
use virtus_conf::domain::device::{MemoryDevice, VirtioOptions};

use super::Virtio;
use super::part::Part;
use crate::command::build::Build;
use crate::command::guest::{Guest, internal};
use crate::command::memory::{self, Wanted};
use crate::command::props::Props;

/// All modules with their back ends.
pub(crate) fn add(build: &mut Build<'_>) -> Result<()> {
    let guest = build.guest;
    for memory in &guest.domain.devices.memories {
        build.line.json("object", &backend(&guest, memory)?);
        if memory.model != MemoryModel::SgxEpc {
            build.device(props(&guest, memory)?);
        }
    }
    Ok(())
}

/// What a module is made of.
///
/// # Errors
/// As [`backend`] and [`props`].
pub(super) fn parts(guest: &Guest<'_>, memory: &MemoryDevice) -> Result<Vec<Part>> {
    Ok(vec![Part::Object(backend(guest, memory)?), Part::Device(props(guest, memory)?)])
}

/// The back end.
///
/// # Errors
/// `INTERNAL_ERROR` when the host has no huge pages of the size asked for.
pub fn backend(guest: &Guest<'_>, memory: &MemoryDevice) -> Result<Props> {
    let alias = guest.alias(&memory.info);
    let id = format!("mem{alias}");
    if memory.model == MemoryModel::SgxEpc {
        return Ok(Props::object("memory-backend-epc", id)
            .with("prealloc", true)
            .with("size", memory.target.size.bytes()));
    }
    let wanted = Wanted {
        size: memory.target.size.bytes(),
        node: memory.target.node,
        access: memory.access,
        discard: memory.discard.map(|discard| discard.is_true()),
        path: memory.source.path.clone(),
        pagesize: memory.source.pagesize.map(|size| size.0),
        host_nodes: memory.source.nodemask.clone(),
        pmem: memory.source.pmem,
        align: memory.source.alignsize.map(|size| size.bytes()),
        sparse: memory.model == MemoryModel::VirtioMem,
        is_nvdimm: memory.model == MemoryModel::Nvdimm,
        default_ram: false,
    };
    let (mut props, _) = memory::backend(guest, &id, &wanted)?;
    if memory.model == MemoryModel::VirtioMem && guest.has("memory-backend-file.reserve") {
        props.set("reserve", false);
    }
    Ok(props)
}

/// The module.
///
/// # Errors
/// `INTERNAL_ERROR` for an address that does not fit.
pub fn props(guest: &Guest<'_>, memory: &MemoryDevice) -> Result<Props> {
    let alias = guest.alias(&memory.info);
    let backend = format!("mem{alias}");
    let target = &memory.target;
    let props = match memory.model {
        MemoryModel::Dimm => Props::device("pc-dimm").maybe("node", target.node),
        MemoryModel::Nvdimm => Props::device("nvdimm")
            .maybe("node", target.node)
            .maybe("label-size", target.label_size.map(|size| size.bytes()))
            .maybe("uuid", memory.uuid.filter(|_| guest.machine().is_pseries()).map(|uuid| uuid.to_string()))
            .flag("unarmed", target.readonly),
        MemoryModel::VirtioPmem => {
            guest.virtio("virtio-pmem", Virtio::Plain, &VirtioOptions::default(), &memory.info)?
        }
        MemoryModel::VirtioMem => {
            let prealloc = guest.domain.memory_backing.as_ref().is_some_and(|backing| {
                backing.allocation == Some(virtus_conf::domain::memory::MemoryAllocation::Immediate)
                    || backing.hugepages.is_some()
            });
            guest
                .virtio("virtio-mem", Virtio::Plain, &VirtioOptions::default(), &memory.info)?
                .maybe("node", target.node)
                .maybe("block-size", target.block.map(|size| size.bytes()))
                .maybe("requested-size", target.requested.map(|size| size.bytes()))
                .switch("dynamic-memslots", target.dynamic_memslots)
                .flag("prealloc", prealloc && guest.has("virtio-mem-pci.prealloc"))
        }
        MemoryModel::SgxEpc => return Err(internal("memory device model 'sgx-epc' is not a device")),
    };
    Ok(props
        .with("memdev", backend)
        .maybe("memaddr", target.address)
        .with("id", alias)
        .join(guest.address(&memory.info)?))
}
