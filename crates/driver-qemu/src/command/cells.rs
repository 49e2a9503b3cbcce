//! The memory that a definition gives a guest, and its nodes.

use virtus_conf::domain::Domain;
use virtus_conf::domain::cpu::NumaCell;
use virtus_conf::domain::device::memory::MemoryModel;

/// The guest's nodes with their numbers.
pub(crate) fn cells(domain: &Domain) -> impl Iterator<Item = (u32, &NumaCell)> {
    let numa = domain.cpu.as_ref().and_then(|cpu| cpu.numa.as_ref());
    numa.into_iter().flat_map(|numa| numa.cells.iter().zip(0..).map(|(cell, i)| (cell.id.unwrap_or(i), cell)))
}

/// The memory of the devices that count as the guest's, in KiB.
pub(super) fn device_memory(domain: &Domain) -> u64 {
    let counts = |model| !matches!(model, MemoryModel::SgxEpc);
    domain
        .devices
        .memories
        .iter()
        .filter(|memory| counts(memory.model))
        .fold(0, |sum, memory| sum.saturating_add(memory.target.size.0))
}

/// The memory without memory devices, in KiB.
pub(crate) fn initial_memory(domain: &Domain) -> u64 {
    let cells: u64 = cells(domain).fold(0, |sum, (_, cell)| sum.saturating_add(cell.memory.0));
    match cells {
        0 => domain.memory.size.0.saturating_sub(device_memory(domain)),
        cells => cells,
    }
}
