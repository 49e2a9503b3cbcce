//! A guest's network cards on the host's side.

use virtus_base::{Error, ErrorCode, ErrorDomain, Result};
use virtus_conf::domain as conf;
use virtus_conf::domain::device::interface::InterfaceSource;
use virtus_host::net::TapOptions;
use virtus_host::process::Spawn;

use super::images::unresolved;
use crate::command::Context;

/// Makes the tap devices of all interfaces that have one. Each goes with the QEMU that holds its descriptors.
pub(super) fn open(model: &mut conf::Domain, context: &mut Context, spawn: &mut Spawn) -> Result<()> {
    for interface in &mut model.devices.interfaces {
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
            _ => continue,
        };
        let alias = interface.info.alias.clone().unwrap_or_default();
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
            mtu: interface.rest.mtu,
            persistent: false,
            up: true,
        }
        .create()?;
        interface.rest.target_dev = Some(tap.name);
        let numbers = tap.fds.into_iter().map(|fd| spawn.next_fd(fd)).collect();
        context.tap_fds.insert(alias, numbers);
    }
    Ok(())
}
