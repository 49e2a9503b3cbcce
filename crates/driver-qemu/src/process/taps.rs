//! A guest's network cards on the host's side.

use std::os::fd::OwnedFd;

use virtus_base::{Error, ErrorCode, ErrorDomain, Result};
use virtus_conf::domain as conf;
use virtus_conf::domain::device::Interface;
use virtus_conf::domain::device::interface::InterfaceSource;
use virtus_host::net::TapOptions;
use virtus_host::process::Spawn;

use super::images::unresolved;
use crate::command::Context;

/// Makes the tap devices of all interfaces that have one. Each goes with the QEMU that holds its descriptors.
pub(super) fn open(model: &mut conf::Domain, context: &mut Context, spawn: &mut Spawn) -> Result<()> {
    for interface in &mut model.devices.interfaces {
        if let Some(fds) = one(interface)? {
            let numbers = fds.into_iter().map(|fd| spawn.next_fd(fd)).collect();
            context.tap_fds.insert(interface.info.alias.clone().unwrap_or_default(), numbers);
        }
    }
    Ok(())
}

/// Makes the tap device of an interface, if it has one, and notes its name; answers its descriptors.
pub(crate) fn one(interface: &mut Interface) -> Result<Option<Vec<OwnedFd>>> {
    let bridge = match &interface.source {
        InterfaceSource::Bridge(source) => source.bridge.clone(),
        InterfaceSource::Ethernet(_) => None,
        InterfaceSource::Network(source) => {
            let name = source.network.as_deref().unwrap_or_default();
            let text = format!("no network with matching name '{name}'");
            return Err(Error::new(ErrorDomain::NETWORK, ErrorCode::NO_NETWORK, text));
        }
        InterfaceSource::Direct(_) => {
            return Err(unresolved("macvtap devices are not made yet".to_owned()));
        }
        _ => return Ok(None),
    };
    // as large as the bridge's, which would shrink otherwise
    let mtu = match (interface.rest.mtu, &bridge) {
        (None, Some(bridge)) => Some(virtus_host::net::mtu(bridge)?),
        (mtu, _) => mtu,
    };
    let mac = interface.mac.as_ref().map(|mac| {
        let mut bytes = mac.address.0;
        // higher than any other of the bridge, which takes the lowest for its own
        bytes[0] = 0xfe;
        bytes
    });
    let tap = TapOptions {
        name: interface.rest.target_dev.clone().unwrap_or_else(|| "vnet%d".to_owned()),
        queues: interface.rest.driver.queues.unwrap_or(1),
        vnet_header: interface.rest.model.as_deref().is_some_and(|m| m.starts_with("virtio")),
        mac,
        bridge,
        mtu,
        persistent: false,
        up: true,
    }
    .create()?;
    interface.rest.target_dev = Some(tap.name);
    Ok(Some(tap.fds))
}
