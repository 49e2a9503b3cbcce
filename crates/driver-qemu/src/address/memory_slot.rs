//! Slots of memory modules.

use std::collections::BTreeSet;

use virtus_base::{Error, ErrorDomain, Result};
use virtus_conf::domain::Domain;
use virtus_conf::domain::device::Address;
use virtus_conf::domain::device::address::DimmAddress;
use virtus_conf::domain::device::memory::MemoryModel;

/// Gives every memory module a slot.
///
/// # Errors
/// `INTERNAL_ERROR` when there are more modules than slots.
pub(super) fn assign(domain: &mut Domain) -> Result<()> {
    let Some(max) = &domain.max_memory else { return Ok(()) };
    let memories = &mut domain.devices.memories;
    let taken: BTreeSet<u32> = memories
        .iter()
        .filter_map(|memory| match &memory.info.address {
            Some(Address::Dimm(dimm)) => Some(dimm.slot.unwrap_or(0)),
            _ => None,
        })
        .collect();
    let modules = memories
        .iter_mut()
        .filter(|memory| matches!(memory.model, MemoryModel::Dimm | MemoryModel::Nvdimm))
        .filter(|memory| !matches!(memory.info.address, Some(Address::Dimm(_))));
    let mut free = (0..max.slots).filter(|slot| !taken.contains(slot));
    for memory in modules {
        let slot = free
            .next()
            .ok_or_else(|| Error::internal(ErrorDomain::QEMU, "failed to find an empty memory slot"))?;
        memory.info.address = Some(Address::Dimm(DimmAddress { slot: Some(slot), base: None }));
    }
    Ok(())
}
