//! What remains to be said of PCI controllers once they have addresses.

use virtus_base::{Error, ErrorCode, ErrorDomain, Result};
use virtus_conf::domain::Domain;
use virtus_conf::domain::device::controller::{ControllerKind, PciModel, PciModelName};

use super::place::present;
use crate::machine::Machine;

/// Index and model of each PCI controller.
pub(super) fn pci(domain: &Domain) -> impl Iterator<Item = (u32, Option<PciModel>)> {
    domain.devices.controllers.iter().filter_map(|controller| match &controller.kind {
        ControllerKind::Pci { model, .. } => Some((controller.index.unwrap_or_default(), *model)),
        _ => None,
    })
}

fn unsupported(text: String) -> Error {
    Error::new(ErrorDomain::QEMU, ErrorCode::CONFIG_UNSUPPORTED, text)
}

/// Chooses the QEMU device and its numbers for each controller that does not say.
///
/// # Errors
/// `CONFIG_UNSUPPORTED` when numbers run out, or a bridge is on a bus of a higher number.
pub(super) fn finish(domain: &mut Domain) -> Result<()> {
    let pseries = Machine::of(domain).is_pseries();
    for i in 0..domain.devices.controllers.len() {
        let Some(ControllerKind::Pci { .. }) = domain.devices.controllers.get(i).map(|c| &c.kind) else {
            continue;
        };
        let free_bus = free_bus_number(domain);
        let free_target = free_target_index(domain);
        let Some(controller) = domain.devices.controllers.get_mut(i) else { break };
        let index = controller.index.unwrap_or_default();
        let number = i32::try_from(index).unwrap_or(i32::MAX);
        let (bus, slot, function) =
            present(&controller.info).map_or((0, 0, 0), |pci| (pci.bus, pci.slot, pci.function));
        let ControllerKind::Pci { model: Some(model), options } = &mut controller.kind else { continue };
        if options.model_name.is_none() {
            options.model_name = standard_name(*model, pseries);
        }
        let target = &mut options.target;
        let port = i32::try_from((slot << 3) + function).unwrap_or_default();
        match model {
            PciModel::PciBridge => {
                target.chassis_nr.get_or_insert(number);
                if index <= bus {
                    return Err(unsupported(format!(
                        "PCI controller at index {index} (0x{index:02x}) has bus='0x{bus:02x}', but index must \
                         be larger than bus"
                    )));
                }
            }
            PciModel::PcieRootPort => {
                target.chassis.get_or_insert(number);
                target.port.get_or_insert(port);
            }
            PciModel::PcieSwitchDownstreamPort => {
                target.chassis.get_or_insert(number);
                target.port.get_or_insert(i32::try_from(slot).unwrap_or_default());
            }
            PciModel::PciExpanderBus | PciModel::PcieExpanderBus => {
                if target.bus_nr.is_none() {
                    target.bus_nr = free_bus;
                }
                if target.bus_nr.is_none() {
                    return Err(unsupported(format!(
                        "No free busNr lower than current lowest busNr is available to auto-assign to bus {bus}. \
                         Must be manually assigned"
                    )));
                }
            }
            PciModel::PciRoot if pseries => {
                if target.index.is_none() {
                    target.index = if index == 0 { Some(0) } else { free_target };
                }
                if target.index.is_none() {
                    return Err(unsupported(format!("No usable target index found for {bus}")));
                }
            }
            _ => {}
        }
    }
    Ok(())
}

fn standard_name(model: PciModel, pseries: bool) -> Option<PciModelName> {
    Some(match model {
        PciModel::PciBridge => PciModelName::PciBridge,
        PciModel::DmiToPciBridge => PciModelName::I82801b11Bridge,
        PciModel::PcieToPciBridge => PciModelName::PciePciBridge,
        PciModel::PcieRootPort => PciModelName::PcieRootPort,
        PciModel::PcieSwitchUpstreamPort => PciModelName::X3130Upstream,
        PciModel::PcieSwitchDownstreamPort => PciModelName::Xio3130Downstream,
        PciModel::PciExpanderBus => PciModelName::Pxb,
        PciModel::PcieExpanderBus => PciModelName::PxbPcie,
        PciModel::PciRoot if pseries => PciModelName::SpaprPciHostBridge,
        PciModel::PciRoot | PciModel::PcieRoot => return None,
    })
}

/// The number of the first bus of a new expander: two below the lowest in use, for itself and its bridge.
fn free_bus_number(domain: &Domain) -> Option<i32> {
    let lowest = domain
        .devices
        .controllers
        .iter()
        .filter_map(|controller| match &controller.kind {
            ControllerKind::Pci { options, .. } => options.target.bus_nr,
            _ => None,
        })
        .min()
        .unwrap_or(256)
        .min(256);
    (lowest > 2).then(|| lowest - 2)
}

/// A number for a new pSeries host bridge; QEMU has 32, of which 0 is its own.
fn free_target_index(domain: &Domain) -> Option<i32> {
    let taken = |index: i32| {
        domain.devices.controllers.iter().any(|controller| {
            matches!(&controller.kind, ControllerKind::Pci { model: Some(PciModel::PciRoot), options }
                if options.target.index == Some(index))
        })
    };
    (1..=31).find(|index| !taken(*index))
}
