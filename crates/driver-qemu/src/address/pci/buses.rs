//! The guest's PCI buses while addresses are handed out.

use virtus_base::{Error, ErrorCode, ErrorDomain, Result};
use virtus_conf::domain::device::controller::PciModel;

use super::connect::Connect;

/// A place on a bus.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Place {
    pub domain: u32,
    pub bus: u32,
    pub slot: u32,
    pub function: u32,
}

impl Place {
    /// A place on bus 0.
    pub(crate) const fn root(slot: u32, function: u32) -> Self {
        Place { domain: 0, bus: 0, slot, function }
    }
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:04x}:{:02x}:{:02x}.{:x}", self.domain, self.bus, self.slot, self.function)
    }
}

/// One slot: which functions are taken, and whether more devices may join.
#[derive(Clone, Copy, Debug, Default)]
struct Slot {
    functions: u8,
    aggregate: bool,
}

/// One bus, that is one PCI controller seen from below.
#[derive(Clone, Debug)]
pub(crate) struct Bus {
    pub model: PciModel,
    pub accepts: Connect,
    first: u32,
    last: u32,
    slots: [Slot; 32],
    /// Devices of other isolation groups keep away from this bus.
    pub isolation: u32,
    /// The first device does not decide the bus' isolation group.
    pub isolation_locked: bool,
}

impl Bus {
    fn new(model: PciModel, hotplug: bool) -> Self {
        let (accepts, first, last) = Connect::downstream(model, hotplug);
        Bus { model, accepts, first, last, slots: Default::default(), isolation: 0, isolation_locked: false }
    }

    fn slot(&self, slot: u32) -> Slot {
        self.slots.get(slot as usize).copied().unwrap_or_default()
    }

    fn usable(&self) -> impl Iterator<Item = Slot> {
        (self.first..=self.last).map(|slot| self.slot(slot))
    }

    /// Whether every slot has a device.
    pub(crate) fn is_full(&self) -> bool {
        self.usable().all(|slot| slot.functions != 0)
    }

    fn is_empty(&self) -> bool {
        self.usable().all(|slot| slot.functions == 0)
    }
}

/// Who chose an address, which decides what an error is: a bad document, or our own fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Origin {
    Document,
    Ourselves,
}

impl Origin {
    fn error(self, text: String) -> Error {
        match self {
            Origin::Document => Error::new(ErrorDomain::DOMAIN, ErrorCode::XML_ERROR, text),
            Origin::Ourselves => Error::internal(ErrorDomain::DOMAIN, text),
        }
    }
}

/// All buses of a guest.
#[derive(Clone, Debug, Default)]
pub(crate) struct Buses {
    buses: Vec<Bus>,
    /// New controllers may be added, because this run only finds out how many are needed.
    pub grows: bool,
    /// More than one `pci-root` can be had (pSeries).
    pub many_roots: bool,
    /// The emulator has `pcie-pci-bridge`.
    pub pcie_to_pci: bool,
}

impl Buses {
    /// Buses for the controllers by index; `None` where the definition has none yet.
    pub(crate) fn new(models: impl IntoIterator<Item = (PciModel, bool)>) -> Self {
        let buses = models.into_iter().map(|(model, hotplug)| Bus::new(model, hotplug)).collect();
        Buses { buses, ..Buses::default() }
    }

    /// How many buses there are.
    pub(crate) fn len(&self) -> usize {
        self.buses.len()
    }

    /// Whether the guest has no PCI.
    pub(crate) fn is_empty(&self) -> bool {
        self.buses.is_empty()
    }

    /// The bus of controller `index`.
    pub(crate) fn get(&self, index: usize) -> Option<&Bus> {
        self.buses.get(index)
    }

    /// Whether no bus has a slot left.
    pub(crate) fn all_full(&self) -> bool {
        self.buses.iter().all(Bus::is_full)
    }

    /// Whether a slot has any device.
    pub(crate) fn in_use(&self, place: Place) -> bool {
        self.buses.get(place.bus as usize).is_some_and(|bus| bus.slot(place.slot).functions != 0)
    }

    /// Takes a place that the document, or the chipset, names.
    ///
    /// # Errors
    /// `XML_ERROR` when it does not exist, does not fit the device or is taken.
    pub(crate) fn reserve(&mut self, place: Place, device: Connect, isolation: u32) -> Result<()> {
        self.take(place, device, isolation, Origin::Document)
    }

    /// Takes the next free place for a device; `function` when it has to be a particular one.
    ///
    /// # Errors
    /// `INTERNAL_ERROR` when there is none, `XML_ERROR` when the guest has no PCI bus.
    pub(crate) fn reserve_next(
        &mut self,
        device: Connect,
        isolation: u32,
        function: Option<u32>,
    ) -> Result<Place> {
        let place = self.next(device, isolation, function)?;
        self.take(place, device, isolation, Origin::Ourselves)?;
        Ok(place)
    }

    fn take(&mut self, mut place: Place, device: Connect, isolation: u32, origin: Origin) -> Result<()> {
        let name = place.to_string();
        if self.grows {
            self.grow(&mut place, device)?;
        }
        self.check(place, &name, device, origin)?;
        let Some(bus) = self.buses.get_mut(place.bus as usize) else { return Ok(()) };
        let empty = bus.is_empty();
        let Some(slot) = bus.slots.get_mut(place.slot as usize) else { return Ok(()) };
        if slot.functions & bit(place.function) != 0 {
            return Err(origin.error(format!("Attempted double use of PCI Address {name}")));
        }
        if slot.functions == 0 && device.contains(Connect::AGGREGATE) {
            slot.aggregate = true;
        }
        slot.functions |= bit(place.function);
        if empty && !bus.isolation_locked {
            bus.isolation = isolation;
        } else if bus.isolation != isolation && origin == Origin::Document {
            // what the document wants is done, but the bus isolates nothing any more
            bus.isolation = 0;
        }
        Ok(())
    }

    /// Whether `place` exists and suits a device that the document puts there.
    ///
    /// # Errors
    /// `XML_ERROR` if not.
    pub(crate) fn check_document(&self, place: Place, device: Connect) -> Result<()> {
        self.check(place, &place.to_string(), device, Origin::Document)
    }

    fn check(&self, place: Place, name: &str, device: Connect, origin: Origin) -> Result<()> {
        if self.buses.is_empty() {
            return Err(origin.error("No PCI buses available".to_owned()));
        }
        if place.domain != 0 {
            return Err(origin.error(format!("Invalid PCI address {name}. Only PCI domain 0 is available")));
        }
        let Some(bus) = self.buses.get(place.bus as usize) else {
            let last = self.buses.len().saturating_sub(1);
            return Err(origin
                .error(format!("Invalid PCI address {name}. Only PCI buses up to {last} are available")));
        };
        compatible(place, name, bus.accepts, device, origin)?;
        if place.slot < bus.first {
            return Err(origin.error(format!("Invalid PCI address {name}. slot must be >= {}", bus.first)));
        }
        if place.slot > bus.last {
            return Err(origin.error(format!("Invalid PCI address {name}. slot must be <= {}", bus.last)));
        }
        if place.function > LAST_FUNCTION {
            return Err(
                origin.error(format!("Invalid PCI address {name}. function must be <= {LAST_FUNCTION}"))
            );
        }
        Ok(())
    }

    /// The next free place; on a new bus if need be and allowed.
    fn next(&mut self, device: Connect, isolation: u32, function: Option<u32>) -> Result<Place> {
        if self.buses.is_empty() {
            return Err(Origin::Document.error("No PCI buses available".to_owned()));
        }
        let suits = [
            // first the buses of the same isolation group, then empty ones that can still join it
            |bus: &Bus, group: u32| bus.isolation == group,
            |bus: &Bus, _: u32| bus.is_empty() && !bus.isolation_locked,
        ];
        for suits in suits {
            for (bus, index) in self.buses.iter().zip(0..) {
                if !suits(bus, isolation) {
                    continue;
                }
                if let Some((slot, function)) = bus.free(index, device, function) {
                    return Ok(Place { domain: 0, bus: index, slot, function });
                }
            }
        }
        if !self.grows {
            return Err(Origin::Ourselves.error("No more available PCI slots".to_owned()));
        }
        let bus = u32::try_from(self.buses.len()).unwrap_or(u32::MAX);
        let mut place = Place { domain: 0, bus, slot: 0, function: function.unwrap_or(0) };
        self.grow(&mut place, device)?;
        place.slot = self.buses.get(place.bus as usize).map_or(0, |bus| bus.first);
        Ok(place)
    }

    /// Adds the controllers that `place` needs to exist; a device of a PCI Express guest may be moved on by
    /// the bridge it needs.
    fn grow(&mut self, place: &mut Place, device: Connect) -> Result<()> {
        let have = self.buses.len();
        let Some(mut add) = (place.bus as usize + 1).checked_sub(have).filter(|add| *add > 0) else {
            return Ok(());
        };
        // a document can name any bus; there are no more than this
        if place.bus > LAST_BUS {
            return Ok(());
        }
        let mut model = PciModel::PcieRootPort;
        let mut new = Vec::new();
        if device.contains(Connect::PCI_DEVICE) {
            model = if self.many_roots { PciModel::PciRoot } else { PciModel::PciBridge };
            let has_pci = self.buses.iter().any(|bus| bus.accepts.contains(Connect::PCI_BRIDGE));
            if !self.many_roots && !has_pci {
                if self.pcie_to_pci {
                    // this root port is for the bridge alone: a spare one for hot-plug is another
                    let mut port = Bus::new(PciModel::PcieRootPort, true);
                    port.accepts = Connect::PCIE_TO_PCI_BRIDGE;
                    new.push(port);
                    new.push(Bus::new(PciModel::PcieToPciBridge, true));
                } else {
                    new.push(Bus::new(PciModel::DmiToPciBridge, false));
                }
                if add == 1 {
                    add += 1;
                    place.bus += 1;
                }
            }
        } else if !device.intersects(Connect::PCIE_DEVICE | Connect::UPSTREAM_PORT) {
            return Err(Origin::Ourselves.error(match device.controller() {
                Some(model) => format!(
                    "a PCI slot is needed to connect a PCI controller model='{model}', but none is available, \
                     and it cannot be automatically added"
                ),
                None => {
                    let flags = if device.contains(Connect::PCIE_TO_PCI_BRIDGE) { BRIDGE_FLAGS } else { 0 };
                    format!("Cannot automatically add a new PCI bus for a device with connect flags {flags:02x}")
                }
            }));
        }
        while new.len() < add {
            new.push(Bus::new(model, true));
        }
        self.buses.extend(new);
        Ok(())
    }
}

impl Bus {
    /// A free slot and function for a device whose address nobody chose.
    fn free(&self, index: u32, device: Connect, function: Option<u32>) -> Option<(u32, u32)> {
        let place = Place { domain: 0, bus: index, slot: self.first, function: 0 };
        compatible(place, "", self.accepts, device, Origin::Ourselves).ok()?;
        (self.first..=self.last).find_map(|number| {
            let slot = self.slot(number);
            let wanted = function.unwrap_or(0);
            if slot.functions == 0 {
                return Some((number, wanted));
            }
            if !device.contains(Connect::AGGREGATE) || !slot.aggregate {
                return None;
            }
            let candidates = if function.is_some() { wanted..=wanted } else { 0..=LAST_FUNCTION };
            candidates.into_iter().find(|f| slot.functions & bit(*f) == 0).map(|f| (number, f))
        })
    }
}

/// Whether a bus accepts a device.
fn compatible(place: Place, name: &str, mut bus: Connect, mut device: Connect, origin: Origin) -> Result<()> {
    let index = place.bus;
    if device.contains(Connect::INTEGRATED) {
        if place.bus != 0 {
            return Err(origin.error(format!(
                "The device at PCI address {name} needs to be an integrated device (bus=0)"
            )));
        }
        bus |= Connect::AUTO;
    }
    if origin == Origin::Document {
        // a document may put a PCI device into a PCI Express slot and the other way round
        if bus.intersects(Connect::ENDPOINT) {
            bus |= Connect::ENDPOINT;
        }
        if device.contains(Connect::PCI_BRIDGE) {
            device |= Connect::PCI_DEVICE;
        }
    } else if device.contains(Connect::AUTO) && !bus.contains(Connect::AUTO) {
        return Err(origin.error(format!(
            "The device at PCI address {name} was auto-assigned this address, but the PCI controller with \
             index='{index}' doesn't allow auto-assignment"
        )));
    }
    if device.contains(Connect::HOTPLUG) && !bus.contains(Connect::HOTPLUG) {
        return Err(origin.error(format!(
            "The device at PCI address {name} requires hotplug capability, but the PCI controller with \
             index='{index}' doesn't support hotplug"
        )));
    }
    if !device.intersects(bus & Connect::KINDS) {
        return Err(origin.error(format!(
            "The device at PCI address {name} cannot be plugged into the PCI controller with index='{index}'. \
             It requires a controller that accepts a {}.",
            device.describe()
        )));
    }
    Ok(())
}

/// The number by which libvirt tells what a PCI Express to PCI bridge plugs into.
const BRIDGE_FLAGS: u32 = 0x2000;
const LAST_FUNCTION: u32 = 7;
const LAST_BUS: u32 = 255;

fn bit(function: u32) -> u8 {
    1u8.checked_shl(function).unwrap_or(0)
}
