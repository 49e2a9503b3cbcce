//! Addresses and aliases: which place on which of the guest's buses each device gets.
//!
//! A pure function of the definition and of what the emulator has; running it again on its own output changes
//! nothing.

pub mod alias;
mod bus;
mod memory_slot;
mod pci;
mod usb;
mod virtio_serial;

use virtus_base::Result;
use virtus_conf::domain::Domain;
use virtus_conf::domain::device::DeviceInfo;
use virtus_conf::domain::device::controller::{Controller, ControllerDriver, ControllerKind};

use crate::emulator::Emulator;

/// What address assignment asks of an emulator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AddressFacts {
    /// It has virtio devices without a legacy mode.
    pub modern_virtio: bool,
    /// It has `pcie-pci-bridge`.
    pub pcie_to_pci_bridge: bool,
    /// It has `virtio-mmio`.
    pub virtio_mmio: bool,
    /// It has `zpci`.
    pub zpci: bool,
}

impl AddressFacts {
    /// The facts about an emulator.
    pub fn of(emulator: &dyn Emulator) -> Self {
        AddressFacts {
            modern_virtio: emulator.has("virtio-pci-non-transitional"),
            pcie_to_pci_bridge: emulator.has("pcie-pci-bridge"),
            virtio_mmio: emulator.has("virtio-mmio"),
            zpci: emulator.has("zpci"),
        }
    }
}

/// Gives every device of the definition that needs one an address, adding the controllers and hubs this takes.
///
/// # Errors
/// `XML_ERROR` for addresses that do not exist or are taken twice, `CONFIG_UNSUPPORTED` and `INTERNAL_ERROR` for
/// what cannot be plugged in.
pub fn assign(domain: &mut Domain, facts: AddressFacts) -> Result<()> {
    virtio_serial::assign(domain)?;
    bus::spapr_vio(domain)?;
    bus::ccw(domain)?;
    bus::virtio_mmio(domain, facts);
    pci::assign(domain, facts)?;
    usb::assign(domain)?;
    memory_slot::assign(domain)
}

/// A new controller without an address.
pub(crate) fn controller(kind: ControllerKind, index: u32) -> Controller {
    Controller { kind, index: Some(index), driver: ControllerDriver::default(), info: DeviceInfo::default() }
}

#[cfg(test)]
mod tests;
