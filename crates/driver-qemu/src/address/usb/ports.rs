//! The ports of the guest's USB buses, with the hubs on them.

use std::collections::{BTreeMap, BTreeSet};

use virtus_base::{Error, ErrorCode, ErrorDomain, Result};
use virtus_conf::domain::device::address::UsbAddress;

/// How many ports a hub has.
pub(super) const HUB_PORTS: usize = 8;
/// How many ports lead to a device at most: the root's and those of three hubs.
const DEPTH: usize = 4;

/// A controller or hub: which ports are taken, and the hubs on them.
#[derive(Clone, Debug)]
struct Node {
    ports: Vec<Port>,
}

#[derive(Clone, Debug, Default)]
struct Port {
    taken: bool,
    hub: Option<Node>,
}

impl Node {
    fn new(ports: usize) -> Self {
        Node { ports: vec![Port::default(); ports] }
    }

    /// The path to a free port: of this node, or else of the hubs below, first to last.
    fn free(&self, depth: usize) -> Option<Vec<u32>> {
        if let Some((_, number)) = self.ports.iter().zip(1u32..).find(|(port, _)| !port.taken) {
            return Some(vec![number]);
        }
        if depth + 1 >= DEPTH {
            return None;
        }
        self.ports.iter().zip(1u32..).find_map(|(port, number)| {
            let mut below = port.hub.as_ref()?.free(depth + 1)?;
            below.insert(0, number);
            Some(below)
        })
    }
}

/// The guest's USB buses by number.
#[derive(Clone, Debug, Default)]
pub(super) struct UsbBuses {
    buses: BTreeMap<u32, Node>,
    /// The buses that are not known to be full.
    open: BTreeSet<u32>,
}

fn bad(text: String) -> Error {
    Error::new(ErrorDomain::DOMAIN, ErrorCode::XML_ERROR, text)
}

impl UsbBuses {
    /// Adds the ports of controller `index`.
    ///
    /// # Errors
    /// `XML_ERROR` when there is one of that index.
    pub(super) fn add_controller(&mut self, index: u32, ports: usize) -> Result<()> {
        self.open.insert(index);
        match self.buses.insert(index, Node::new(ports)) {
            None => Ok(()),
            Some(_) => Err(bad(format!("Duplicate USB controllers with index {index}"))),
        }
    }

    /// Gives a port back.
    pub(super) fn release(&mut self, address: &UsbAddress) {
        if let Ok(port) = self.port(address) {
            *port = Port::default();
            self.open.insert(address.bus);
        }
    }

    /// Plugs a hub in.
    ///
    /// # Errors
    /// `XML_ERROR` when the port does not exist or has a hub.
    pub(super) fn add_hub(&mut self, address: &UsbAddress) -> Result<()> {
        let port = self.port(address)?;
        if port.hub.is_some() {
            let UsbAddress { bus, .. } = address;
            return Err(bad(format!("Duplicate USB hub on bus {bus} port {}", address.port_text())));
        }
        *port = Port { taken: true, hub: Some(Node::new(HUB_PORTS)) };
        self.open.insert(address.bus);
        Ok(())
    }

    /// Takes a port.
    ///
    /// # Errors
    /// `XML_ERROR` when the port does not exist or is taken.
    pub(super) fn reserve(&mut self, address: &UsbAddress) -> Result<()> {
        let port = self.port(address)?;
        if port.taken {
            let UsbAddress { bus, .. } = address;
            return Err(bad(format!("Duplicate USB address bus {bus} port {}", address.port_text())));
        }
        port.taken = true;
        Ok(())
    }

    /// Takes a free port, on bus `wanted` if one is named.
    ///
    /// # Errors
    /// `XML_ERROR` when there is no such bus, `INTERNAL_ERROR` when no port is free.
    pub(super) fn assign(&mut self, wanted: Option<u32>) -> Result<UsbAddress> {
        if let Some(bus) = wanted.filter(|bus| !self.buses.contains_key(bus)) {
            return Err(bad(format!("USB bus {bus} requested but no controller with that index is present")));
        }
        loop {
            let bus = wanted.filter(|bus| self.open.contains(bus));
            let bus = if wanted.is_some() { bus } else { self.open.first().copied() };
            let Some((bus, node)) = bus.and_then(|bus| self.buses.get_key_value(&bus)) else {
                return Err(Error::internal(ErrorDomain::DOMAIN, "No free USB ports"));
            };
            if let Some(port) = node.free(0) {
                let address = UsbAddress { bus: *bus, port };
                self.reserve(&address)?;
                return Ok(address);
            }
            let full = *bus;
            self.open.remove(&full);
        }
    }

    fn port(&mut self, address: &UsbAddress) -> Result<&mut Port> {
        let UsbAddress { bus, port: path } = address;
        let text = address.port_text();
        let mut node = self.buses.get_mut(bus).ok_or_else(|| bad(format!("Missing USB bus {bus}")))?;
        let Some((last, hubs)) = path.split_last() else {
            return Err(bad(format!("requested USB port {text} not present on USB bus {bus}")));
        };
        for number in hubs {
            let port = index(*number).and_then(|i| node.ports.get_mut(i)).ok_or_else(|| {
                bad(format!("port {number} out of range in USB address bus: {bus} port: {text}"))
            })?;
            node = port.hub.as_mut().ok_or_else(|| {
                bad(format!("there is no hub at port {number} in USB address bus: {bus} port: {text}"))
            })?;
        }
        index(*last)
            .and_then(|i| node.ports.get_mut(i))
            .ok_or_else(|| bad(format!("requested USB port {text} not present on USB bus {bus}")))
    }
}

/// Ports are numbered from 1.
fn index(port: u32) -> Option<usize> {
    port.checked_sub(1).map(|i| i as usize)
}
