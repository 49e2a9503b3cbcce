//! vCPUs and NUMA nodes, and what buses there are.

use std::collections::HashSet;

use virtus_base::Result;

use crate::domain::Domain;
use crate::domain::cpu::NumaCell;
use crate::domain::device::controller::{ControllerKind, UsbModel};
use crate::domain::numa::{NumaMode, NumaTune};
use crate::domain::parse::{unsupported, xml_error};

/// Whether the guest has USB at all.
pub(super) fn has_usb(domain: &Domain) -> bool {
    !domain
        .devices
        .controllers
        .iter()
        .any(|c| matches!(c.kind, ControllerKind::Usb { model: Some(UsbModel::None), .. }))
}

/// The guest's NUMA cells among themselves, and the host's nodes they are tied to.
pub(super) fn numa(domain: &Domain) -> Result<()> {
    let cells =
        domain.cpu.as_ref().and_then(|c| c.numa.as_ref()).map(|n| n.cells.as_slice()).unwrap_or_default();
    let last = cells.iter().filter_map(|c| c.cpus.as_ref()?.last()).max();
    let max = usize::try_from(domain.vcpu.max).unwrap_or(usize::MAX);
    if last.is_some_and(|last| last >= max) {
        return Err(unsupported("CPU IDs in <numa> exceed the <vcpu> count"));
    }
    match &domain.numatune {
        Some(tune) => self::tune(tune, cells),
        None => Ok(()),
    }
}

fn tune(tune: &NumaTune, cells: &[NumaCell]) -> Result<()> {
    let restrictive = |mode: NumaMode| mode == NumaMode::Restrictive;
    if !tune.memnodes.is_empty() && cells.is_empty() {
        return Err(xml_error("Element 'memnode' is invalid without any guest NUMA cells"));
    }
    let mut seen = HashSet::new();
    for node in &tune.memnodes {
        if usize::try_from(node.cellid).is_ok_and(|id| id >= cells.len()) {
            return Err(xml_error(
                "Argument 'cellid' in memnode element must correspond to existing guest's NUMA cell",
            ));
        }
        if !seen.insert(node.cellid) {
            return Err(xml_error(format!("Multiple memnode elements with cellid {}", node.cellid)));
        }
        if let Some(memory) = &tune.memory {
            if restrictive(memory.mode) && !restrictive(node.mode) {
                return Err(xml_error(
                    "'restrictive' mode is required in memnode element when mode is 'restrictive' in memory element",
                ));
            }
            if restrictive(node.mode) && !restrictive(memory.mode) {
                return Err(xml_error(
                    "'restrictive' mode is required in memory element when mode is 'restrictive' in memnode element",
                ));
            }
        } else if restrictive(node.mode) {
            return Err(xml_error(
                "'restrictive' mode is required in memory element when mode is 'restrictive' in memnode element",
            ));
        }
    }
    Ok(())
}
