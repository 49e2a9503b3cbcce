//! Memory devices.

use virtus_base::Result;
use virtus_xml::YesNo;

use super::{Known, detail, refuse};
use crate::domain::device::memory::MemoryModel;
use crate::domain::device::{Address, MemoryDevice};
use crate::domain::memory::MemoryAccess;
use crate::domain::parse::unsupported;

/// The size of a transparent huge page on nearly every host, in KiB.
const HUGE_PAGE: u64 = 2048;

/// The slot of a memory device.
pub(super) fn slot_of(memory: &MemoryDevice) -> Option<u32> {
    match &memory.info.address {
        Some(Address::Dimm(dimm)) => dimm.slot,
        _ => None,
    }
}

pub(super) fn memory(memory: &MemoryDevice, known: &Known<'_>) -> Result<()> {
    let domain = known.domain;
    if let Some(slot) = slot_of(memory).filter(|slot| known.twice_used_slots.contains(slot)) {
        return Err(unsupported(format!(
            "memory device slot '{slot}' is already being used by another memory device"
        )));
    }
    let (model, source, target) = (memory.model, &memory.source, &memory.target);
    let cells = domain.cpu.as_ref().and_then(|c| c.numa.as_ref()).map_or(0, |n| n.cells.len());
    // persistent and encrypted memory stand outside the nodes; the others are memory of one
    if matches!(model, MemoryModel::Nvdimm | MemoryModel::VirtioMem | MemoryModel::Dimm) {
        backend_node(target.node, cells)?;
    }
    match model {
        MemoryModel::Nvdimm => {
            let ppc = domain.os.kind.arch.as_deref().is_some_and(|a| a.starts_with("ppc64"));
            refuse(&[
                (memory.discard == Some(YesNo::Yes), "discard is not supported for nvdimms"),
                (ppc && target.label_size.is_none(), "label size is required for NVDIMM device"),
                (!ppc && memory.uuid.is_some(), "UUID is not supported for NVDIMM device"),
            ])?;
        }
        MemoryModel::VirtioPmem => {
            if source.path.is_none() {
                return Err(detail(format!("path is required for model '{model}'")));
            }
            if memory.discard == Some(YesNo::Yes) {
                return Err(unsupported(format!("discard is not supported for model '{model}'")));
            }
            refuse(&[
                (
                    memory.access != Some(MemoryAccess::Shared),
                    "shared access mode required for virtio-pmem device",
                ),
                (target.node.is_some(), "virtio-pmem does not support NUMA nodes"),
            ])?;
        }
        MemoryModel::VirtioMem => {
            let (requested, block) =
                (target.requested.unwrap_or_default().0, target.block.unwrap_or_default().0);
            if requested > target.size.0 {
                let size = target.size.0;
                return Err(detail(format!(
                    "requested size must be smaller than or equal to @size ({size}KiB)"
                )));
            }
            if !block.is_power_of_two() {
                return Err(detail("block size must be a power of two"));
            }
            if block < HUGE_PAGE {
                return Err(detail(format!("block size too small, must be at least {HUGE_PAGE}KiB")));
            }
            if requested % block != 0 {
                return Err(detail("requested size must be an integer multiple of block size"));
            }
        }
        MemoryModel::Dimm | MemoryModel::SgxEpc => {}
    }
    Ok(())
}

fn backend_node(node: Option<u32>, cells: usize) -> Result<()> {
    if cells == 0 {
        return match node {
            Some(_) => Err(detail("can't add memory backend as guest has no NUMA nodes configured")),
            None => Ok(()),
        };
    }
    match node {
        Some(node) if usize::try_from(node).is_ok_and(|n| n >= cells) => Err(detail(format!(
            "can't add memory backend for guest node '{node}' as the guest has only '{cells}' NUMA nodes configured"
        ))),
        _ => Ok(()),
    }
}
