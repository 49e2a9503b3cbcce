//! Ports of virtio-serial controllers for consoles and channels.

use std::collections::{BTreeMap, BTreeSet};

use virtus_base::{Error, ErrorCode, ErrorDomain, Result};
use virtus_conf::domain::Domain;
use virtus_conf::domain::device::DeviceInfo;
use virtus_conf::domain::device::address::{Address, VirtioSerialAddress};
use virtus_conf::domain::device::console::{ChannelTarget, ConsoleType};
use virtus_conf::domain::device::controller::{Controller, ControllerKind};
use virtus_conf::domain::post_parse::order::insert_controllers;

/// How many ports a controller has that does not say.
const DEFAULT_PORTS: u32 = 31;

/// A controller's ports.
struct Ports {
    count: u32,
    taken: BTreeSet<u32>,
    /// No port from 1 to before this one is free; none is ever given back.
    next: u32,
}

impl Ports {
    fn new(count: u32) -> Self {
        Ports { count, taken: BTreeSet::new(), next: 1 }
    }

    fn free(&mut self, first: u32) -> Option<u32> {
        if first == 0 && self.count > 0 && !self.taken.contains(&0) {
            return Some(0);
        }
        while self.taken.contains(&self.next) {
            self.next += 1;
        }
        Some(self.next).filter(|port| *port < self.count)
    }
}

/// All controllers.
#[derive(Default)]
struct Controllers {
    by_index: BTreeMap<u32, Ports>,
    /// Those that are not known to be full, for devices that may have port 0 and for those that may not.
    open: [BTreeSet<u32>; 2],
    /// Those that are to be added to the definition.
    new: Vec<Controller>,
    /// All indexes below are used.
    below: u32,
}

fn bad(text: String) -> Error {
    Error::new(ErrorDomain::DOMAIN, ErrorCode::XML_ERROR, text)
}

impl Controllers {
    fn add(&mut self, controller: &Controller) -> Result<()> {
        let ControllerKind::VirtioSerial { ports, .. } = &controller.kind else { return Ok(()) };
        let index = controller.index.unwrap_or_default();
        let count = ports.and_then(|ports| u32::try_from(ports).ok()).unwrap_or(DEFAULT_PORTS);
        for open in &mut self.open {
            open.insert(index);
        }
        match self.by_index.insert(index, Ports::new(count)) {
            None => Ok(()),
            Some(_) => Err(Error::internal(
                ErrorDomain::DOMAIN,
                format!("virtio serial controller with index {index} already exists in the address set"),
            )),
        }
    }

    fn reserve(&mut self, address: &VirtioSerialAddress) -> Result<()> {
        let VirtioSerialAddress { controller, port, .. } = *address;
        let ports = self
            .by_index
            .get_mut(&controller)
            .ok_or_else(|| bad(format!("virtio serial controller {controller} is missing")))?;
        if port >= ports.count {
            return Err(bad(format!("virtio serial controller {controller} does not have port {port}")));
        }
        if !ports.taken.insert(port) {
            return Err(bad(format!(
                "virtio serial port {port} on controller {controller} is already occupied"
            )));
        }
        Ok(())
    }

    /// The first port that is free, from `first` on.
    fn free(&mut self, first: u32) -> Option<(u32, u32)> {
        let open = self.open.get_mut(usize::from(first != 0))?;
        while let Some(index) = open.first().copied() {
            match self.by_index.get_mut(&index).and_then(|ports| ports.free(first)) {
                Some(port) => return Some((index, port)),
                None => open.remove(&index),
            };
        }
        None
    }

    /// A free port for a device that named at most its controller; of a new controller when all are full.
    fn next(&mut self, wanted: Option<u32>, first: u32) -> Result<VirtioSerialAddress> {
        let found = match wanted {
            Some(controller) => {
                let ports = self.by_index.get_mut(&controller).ok_or_else(|| {
                    Error::internal(
                        ErrorDomain::DOMAIN,
                        format!("virtio-serial controller {controller} not available"),
                    )
                })?;
                let port = ports.free(1).ok_or_else(|| {
                    bad(format!("Unable to find a free port on virtio-serial controller {controller}"))
                })?;
                (controller, port)
            }
            None if self.by_index.is_empty() => {
                return Err(Error::internal(
                    ErrorDomain::DOMAIN,
                    "no virtio-serial controllers are available",
                ));
            }
            None => match self.free(first) {
                Some(found) => found,
                None => {
                    while self.by_index.contains_key(&self.below) {
                        self.below += 1;
                    }
                    let index = self.below;
                    let new = super::controller(
                        ControllerKind::VirtioSerial { model: None, ports: None, vectors: None },
                        index,
                    );
                    self.add(&new)?;
                    self.new.push(new);
                    (index, first)
                }
            },
        };
        let address = VirtioSerialAddress { controller: found.0, bus: 0, port: found.1 };
        self.reserve(&address)?;
        Ok(address)
    }
}

/// Gives every virtio console and channel a port, adding controllers when all are full.
///
/// # Errors
/// `XML_ERROR` for ports that do not exist or are taken twice.
pub(super) fn assign(domain: &mut Domain) -> Result<()> {
    let mut controllers = Controllers::default();
    for controller in &domain.devices.controllers {
        controllers.add(controller)?;
    }
    let mut named = Vec::new();
    domain.devices.each_info(|_, info| named.extend(complete(info)));
    for address in &named {
        controllers.reserve(address)?;
    }

    for console in &domain.devices.consoles {
        if console.kind == Some(ConsoleType::Virtio) && complete(&console.info).is_none() {
            // libvirt keeps the port free, but does not write it down: port 0 is the first console's
            controllers.next(wanted(&console.info), 0)?;
        }
    }
    for channel in &mut domain.devices.channels {
        if matches!(channel.target, ChannelTarget::Virtio { .. }) && complete(&channel.info).is_none() {
            let address = controllers.next(wanted(&channel.info), 1)?;
            channel.info.address = Some(Address::VirtioSerial(address));
        }
    }
    if !controllers.new.is_empty() {
        insert_controllers(&mut domain.devices.controllers, controllers.new);
    }
    Ok(())
}

/// The address, if it names a port; port 0 is none.
fn complete(info: &DeviceInfo) -> Option<VirtioSerialAddress> {
    match info.address {
        Some(Address::VirtioSerial(address)) if address.port != 0 => Some(address),
        _ => None,
    }
}

/// The controller that an address without a port names.
fn wanted(info: &DeviceInfo) -> Option<u32> {
    match info.address {
        Some(Address::VirtioSerial(address)) => Some(address.controller),
        _ => None,
    }
}
