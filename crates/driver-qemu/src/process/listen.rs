//! Where a display's server listens that is to listen on a network: the network's own address, or that of the host's
//! device which the network is on.

use std::net::IpAddr;

use virtus_base::{Error, ErrorCode, ErrorDomain, Result};
use virtus_conf::domain::Domain;
use virtus_conf::domain::device::graphics::{Graphics, Listen, Listens};
use virtus_conf::network::{ForwardInterface, ForwardMode, Network};

use super::taps;
use crate::driver::Shared;
use crate::error::internal;

/// Looks up the addresses of all networks that displays listen on.
///
/// # Errors
/// `NO_NETWORK`; `INTERNAL_ERROR` when a network has no address.
pub(crate) async fn look_up(shared: &Shared, model: &mut Domain) -> Result<()> {
    for listen in model.devices.graphics.iter_mut().filter_map(listens).flat_map(|all| &mut all.list) {
        if let Listen::Network { network, address: address @ None } = listen {
            let document = taps::network_document(shared, network).await?;
            *address = Some(of(&Network::parse(&document, false)?)?.to_string());
        }
    }
    Ok(())
}

fn listens(graphics: &mut Graphics) -> Option<&mut Listens> {
    match graphics {
        Graphics::Vnc(vnc) => Some(&mut vnc.server.listens),
        Graphics::Spice(spice) => Some(&mut spice.listens),
        Graphics::Rdp(rdp) => Some(&mut rdp.listens),
        Graphics::Sdl(_) | Graphics::Desktop { .. } | Graphics::EglHeadless { .. } | Graphics::Dbus(_) => {
            None
        }
    }
}

fn of(network: &Network) -> Result<IpAddr> {
    let name = &network.name;
    let forward = network.forward.as_ref();
    let outside = forward.and_then(|forward| forward.interfaces.first()).and_then(|first| match first {
        ForwardInterface::Device { dev, .. } => Some(dev),
        ForwardInterface::Pci { .. } => None,
    });
    let device = match forward.map(|forward| forward.mode) {
        None | Some(ForwardMode::Nat | ForwardMode::Route | ForwardMode::Open) => {
            let first = network.ips.first().map(|ip| ip.address);
            return first.ok_or_else(|| internal(format!("network '{name}' doesn't have an IP address")));
        }
        Some(ForwardMode::Bridge) => network.bridge.name.as_ref().or(outside),
        Some(ForwardMode::Private | ForwardMode::Vepa | ForwardMode::Passthrough | ForwardMode::Hostdev) => {
            outside
        }
    };
    let device =
        device.ok_or_else(|| internal(format!("network '{name}' has no associated interface or bridge")))?;
    of_device(device)
}

/// The address of a device: one of version 4 if it has any.
fn of_device(device: &str) -> Result<IpAddr> {
    let number = virtus_host::net::index(device).ok();
    let all = virtus_host::net::addresses()?;
    let own = all.iter().filter(|address| Some(address.interface) == number);
    own.map(|address| address.ip).min_by_key(IpAddr::is_ipv6).ok_or_else(|| {
        let text = format!("no IP address found for interface '{device}'");
        Error::new(ErrorDomain::NONE, ErrorCode::INTERNAL_ERROR, text)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(inner: &str) -> Result<IpAddr> {
        of(&Network::parse(&format!("<network><name>n</name>{inner}</network>"), false).unwrap())
    }

    fn refusal(inner: &str) -> String {
        address(inner).unwrap_err().message().to_owned()
    }

    #[test]
    fn a_network_has_an_address_or_its_device_has() {
        let own = "<bridge name='b'/><ip address='10.1.2.3' netmask='255.0.0.0'/>";
        assert_eq!(address(own).unwrap().to_string(), "10.1.2.3");
        assert_eq!(refusal("<bridge name='b'/>"), "internal error: network 'n' doesn't have an IP address");
        let outside = |dev| format!("<forward mode='bridge'/><bridge name='{dev}'/>");
        assert_eq!(address(&outside("lo")).unwrap().to_string(), "127.0.0.1");
        let text = "internal error: no IP address found for interface 'virtus-none'";
        assert_eq!(refusal(&outside("virtus-none")), text);
        assert_eq!(refusal("<forward mode='vepa' dev='virtus-none'/>"), text);
    }
}
