//! Where one device is: what its definition says of it, and writing there what was chosen.

use virtus_base::Result;
use virtus_conf::domain::device::{Address, DeviceInfo, PciAddress};
use virtus_xml::OnOff;

use super::buses::{Buses, Place};
use super::connect::Connect;

/// Whether a PCI address is still to be chosen.
pub(super) fn wanted(info: &DeviceInfo) -> bool {
    match &info.address {
        None => true,
        Some(Address::Pci(pci)) => pci.is_empty(),
        Some(_) => false,
    }
}

/// The PCI address that is chosen already.
pub(super) fn present(info: &DeviceInfo) -> Option<&PciAddress> {
    info.address.as_ref().and_then(Address::pci).filter(|pci| !pci.is_empty())
}

/// The place of an address.
pub(super) fn place_of(pci: &PciAddress) -> Place {
    Place { domain: pci.domain, bus: pci.bus, slot: pci.slot, function: pci.function }
}

/// Writes a place down.
pub(super) fn set(info: &mut DeviceInfo, place: Place, multifunction: Option<OnOff>) {
    let zpci = info.address.as_ref().and_then(Address::pci).and_then(|pci| pci.zpci);
    let Place { domain, bus, slot, function } = place;
    info.address = Some(Address::Pci(PciAddress { domain, bus, slot, function, multifunction, zpci }));
}

/// Chooses a place for a device that wants one; the first run only notes that it is taken.
pub(super) fn choose(buses: &mut Buses, info: &mut DeviceInfo, device: Connect) -> Result<()> {
    if !wanted(info) {
        return Ok(());
    }
    let place = buses.reserve_next(device, 0, None)?;
    if !buses.grows {
        set(info, place, None);
    }
    Ok(())
}
