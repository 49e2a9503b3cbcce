//! Ports of virtio-serial controllers for consoles and channels.

use std::collections::{BTreeMap, BTreeSet};

use virtus_base::{Error, ErrorCode, ErrorDomain, Result};
use virtus_conf::domain::Domain;
use virtus_conf::domain::device::DeviceInfo;
use virtus_conf::domain::device::address::{Address, VirtioSerialAddress};
use virtus_conf::domain::device::console::{ChannelTarget, ConsoleType};
use virtus_conf::domain::device::controller::{Controller, ControllerKind};
use virtus_conf::domain::post_parse::order::insert_controller;

/// How many ports a controller has that does not say.
const DEFAULT_PORTS: u32 = 31;

/// A controller's ports.
struct Ports {
    count: u32,
    taken: BTreeSet<u32>,
}

impl Ports {
    fn free(&self, first: u32) -> Option<u32> {
        (first..self.count).find(|port| !self.taken.contains(port))
    }
}

/// All controllers, by index.
#[derive(Default)]
struct Controllers(BTreeMap<u32, Ports>);

fn bad(text: String) -> Error {
    Error::new(ErrorDomain::DOMAIN, ErrorCode::XML_ERROR, text)
}

impl Controllers {
    fn add(&mut self, controller: &Controller) -> Result<()> {
        let ControllerKind::VirtioSerial { ports, .. } = &controller.kind else { return Ok(()) };
        let index = controller.index.unwrap_or_default();
        let count = ports.and_then(|ports| u32::try_from(ports).ok()).unwrap_or(DEFAULT_PORTS);
        match self.0.insert(index, Ports { count, taken: BTreeSet::new() }) {
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
            .0
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

    /// A free port for a device that named at most its controller. A new controller is added to the domain
    /// when all are full.
    fn next(&mut self, domain: &mut Domain, wanted: Option<u32>, first: u32) -> Result<VirtioSerialAddress> {
        let found = match wanted {
            Some(controller) => {
                let ports = self.0.get(&controller).ok_or_else(|| {
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
            None if self.0.is_empty() => {
                return Err(Error::internal(
                    ErrorDomain::DOMAIN,
                    "no virtio-serial controllers are available",
                ));
            }
            None => match self.0.iter().find_map(|(index, ports)| Some((*index, ports.free(first)?))) {
                Some(found) => found,
                None => {
                    let index = (0..=u32::MAX).find(|index| !self.0.contains_key(index)).unwrap_or(u32::MAX);
                    let new = super::controller(
                        ControllerKind::VirtioSerial { model: None, ports: None, vectors: None },
                        index,
                    );
                    self.add(&new)?;
                    insert_controller(&mut domain.devices.controllers, new);
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

    let mut consoles = std::mem::take(&mut domain.devices.consoles);
    for console in &consoles {
        if console.kind == Some(ConsoleType::Virtio) && complete(&console.info).is_none() {
            // libvirt keeps the port free, but does not write it down: port 0 is the first console's
            controllers.next(domain, wanted(&console.info), 0)?;
        }
    }
    domain.devices.consoles.append(&mut consoles);

    let mut channels = std::mem::take(&mut domain.devices.channels);
    for channel in &mut channels {
        if matches!(channel.target, ChannelTarget::Virtio { .. }) && complete(&channel.info).is_none() {
            let address = controllers.next(domain, wanted(&channel.info), 1)?;
            channel.info.address = Some(Address::VirtioSerial(address));
        }
    }
    domain.devices.channels.append(&mut channels);
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
