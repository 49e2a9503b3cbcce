//! Addresses and aliases: which place on which of the guest's buses each device gets.
//!
//! A pure function of the definition and of what the emulator has; running it again on its own output changes
//! nothing.

pub mod alias;
mod pci;
mod usb;
mod virtio_serial;

use virtus_base::Result;
use virtus_conf::domain::Domain;
use virtus_conf::domain::device::DeviceInfo;
use virtus_conf::domain::device::controller::{Controller, ControllerDriver, ControllerKind};

/// What address assignment asks of an emulator.
pub trait AddressFacts {
    /// Whether it has virtio devices without a legacy mode.
    fn modern_virtio(&self) -> bool;
    /// Whether it has `pcie-pci-bridge`.
    fn pcie_to_pci_bridge(&self) -> bool;
    /// Whether it has `virtio-mmio`.
    fn virtio_mmio(&self) -> bool;
}

/// Gives every device of the definition that needs one an address, adding the controllers and hubs this takes.
///
/// # Errors
/// `XML_ERROR` for addresses that do not exist or are taken twice, `CONFIG_UNSUPPORTED` and `INTERNAL_ERROR` for
/// what cannot be plugged in.
pub fn assign(domain: &mut Domain, emulator: &dyn AddressFacts) -> Result<()> {
    virtio_serial::assign(domain)?;
    pci::assign(domain, emulator)?;
    usb::assign(domain)
}

/// A new controller without an address.
fn controller(kind: ControllerKind, index: u32) -> Controller {
    Controller { kind, index: Some(index), driver: ControllerDriver::default(), info: DeviceInfo::default() }
}

#[cfg(test)]
mod tests;
