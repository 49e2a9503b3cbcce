//! The port a card is given on its network, through the network driver's own calls.

use std::sync::Arc;

use virtus_api::constants::VIR_NETWORK_PORT_CREATE_RECLAIM;
use virtus_api::network::NetworkDhcpLease;
use virtus_api::{Call, Caller, ConnectionId, Identity, NetworkPortRef, NetworkRef, Networks};
use virtus_base::{ErrorCode, Result, Uuid};
use virtus_conf::domain::device::Interface;
use virtus_conf::domain::device::address::PciAddress as GuestPciAddress;
use virtus_conf::domain::device::interface::{
    ActualType, HostDevAddress, HostDevSource, InterfaceSource, NetworkSource,
};
use virtus_conf::network::port::BridgePlug;
use virtus_conf::network::{NetworkPort, Plug};
use virtus_state::Undo;

use super::Owner;
use crate::driver::Shared;
use crate::error::{internal, unsupported};

/// A call that nobody but the daemon makes.
fn call() -> Call {
    let caller = Caller::new(ConnectionId(0), Identity::default(), false);
    Call::new(Arc::new(caller), "", Vec::new())
}

fn networks(shared: &Shared) -> Result<&Arc<dyn Networks>> {
    shared.setup.networks.as_ref().ok_or_else(|| unsupported("there are no networks for this daemon"))
}

/// The live definition of a network.
///
/// # Errors
/// The network driver's.
pub(crate) async fn network_document(shared: &Shared, name: &str) -> Result<String> {
    let (networks, call) = (networks(shared)?, call());
    let network = networks.network_lookup_by_name(&call, name.to_owned()).await?;
    networks.network_get_xml_desc(&call, network, 0).await
}

/// Asks for a port, if the card is on a network, and notes what the card is connected to.
///
/// # Errors
/// The network driver's.
pub(super) async fn allocate(
    shared: &Arc<Shared>,
    owner: &Owner,
    net: &mut Interface,
    undo: &mut Undo,
) -> Result<()> {
    let InterfaceSource::Network(source) = &net.source else { return Ok(()) };
    let networks = networks(shared)?;
    let call = call();
    let name = source.network.clone().unwrap_or_default();
    let network = networks.network_lookup_by_name(&call, name).await?;
    let asked = request(owner, net, source.portgroup.clone(), Uuid::random()?, Plug::None)?;
    let called = network.name.clone();
    let port =
        networks.network_port_create_xml(&call, network, asked.format(), 0).await.inspect_err(|e| {
            if e.code() == ErrorCode::OPERATION_INVALID {
                tracing::warn!("domain '{}': {e}; it is started by: virsh net-start '{called}'", owner.name);
            }
        })?;
    {
        let (shared, port) = (Arc::clone(shared), port.clone());
        undo.push_async("network port", move || async move {
            delete(&shared, port).await;
            Ok(())
        });
    }
    let given = networks.network_port_get_xml_desc(&call, port, 0).await?;
    take(net, NetworkPort::parse(&given, false)?)
}

/// The document a port is asked for by.
fn request(
    owner: &Owner,
    net: &Interface,
    group: Option<String>,
    uuid: Uuid,
    plug: Plug,
) -> Result<NetworkPort> {
    let mac = net.mac.as_ref().ok_or_else(|| internal("a network card has no address"))?;
    Ok(NetworkPort {
        uuid,
        owner_name: owner.name.clone(),
        owner_uuid: owner.uuid,
        group,
        mac: mac.address,
        virtual_port: net.rest.virtualport.clone(),
        bandwidth: net.rest.bandwidth.clone(),
        vlan: net.rest.vlan.clone(),
        isolated: net.rest.isolated,
        trust_guest_rx_filters: net.trust_guest_rx_filters,
        plug,
    })
}

/// Notes in a card what its port says.
fn take(net: &mut Interface, port: NetworkPort) -> Result<()> {
    let InterfaceSource::Network(asked) = &net.source else { return Ok(()) };
    let mut source = NetworkSource {
        network: asked.network.clone(),
        portgroup: asked.portgroup.clone(),
        portid: Some(port.uuid),
        ..NetworkSource::default()
    };
    net.rest.bandwidth = port.bandwidth;
    net.rest.vlan = port.vlan;
    net.rest.virtualport = port.virtual_port;
    net.rest.isolated = port.isolated;
    net.trust_guest_rx_filters = port.trust_guest_rx_filters;
    match port.plug {
        Plug::Network(plug) => on_bridge(&mut source, plug, ActualType::Network),
        Plug::Bridge(plug) => on_bridge(&mut source, plug, ActualType::Bridge),
        Plug::Direct { dev, mode } => {
            source.actual = ActualType::Direct;
            (source.dev, source.mode) = (Some(dev), mode);
        }
        Plug::HostdevPci { managed, address, .. } => {
            net.managed = managed;
            let number = |n: u32| u8::try_from(n).map_err(|_| internal("a network's PCI device is nowhere"));
            let address = GuestPciAddress {
                domain: address.domain,
                bus: address.bus,
                slot: address.slot,
                function: number(address.function)?.into(),
                ..GuestPciAddress::default()
            };
            net.source = InterfaceSource::HostDev(HostDevSource { address: HostDevAddress::Pci(address) });
            return Ok(());
        }
        Plug::None => return Err(internal("a network's port is connected to nothing")),
    }
    net.source = InterfaceSource::Network(source);
    Ok(())
}

fn on_bridge(source: &mut NetworkSource, plug: BridgePlug, actual: ActualType) {
    source.actual = actual;
    source.bridge = Some(plug.bridge);
    source.mac_table_manager = plug.mac_table_manager;
}

async fn delete(shared: &Shared, port: NetworkPortRef) {
    let Some(networks) = &shared.setup.networks else { return };
    // a network that was ended has taken its ports with it
    if let Err(e) = networks.network_port_delete(&call(), port, 0).await {
        tracing::debug!("a network port is gone already: {e}");
    }
}

/// The leases of a card's address on its network.
///
/// # Errors
/// The network driver's.
pub(super) async fn leases(shared: &Shared, net: &Interface) -> Result<Vec<NetworkDhcpLease>> {
    let (InterfaceSource::Network(source), Some(mac)) = (&net.source, &net.mac) else {
        return Ok(Vec::new());
    };
    if source.actual != ActualType::Network {
        return Ok(Vec::new());
    }
    let (networks, call) = (networks(shared)?, call());
    let name = source.network.clone().unwrap_or_default();
    let network = networks.network_lookup_by_name(&call, name).await?;
    let mac = Some(mac.address.to_string());
    Ok(networks.network_get_dhcp_leases(&call, network, mac, 1, 0).await?.leases.0)
}

/// The network of a card, and the card's port there.
async fn find(shared: &Shared, net: &Interface) -> Option<(NetworkRef, Uuid)> {
    let InterfaceSource::Network(source) = &net.source else { return None };
    let networks = shared.setup.networks.as_ref()?;
    let network = networks.network_lookup_by_name(&call(), source.network.clone()?).await.ok()?;
    Some((network, source.portid?))
}

/// Gives a card's port back.
pub(super) async fn release(shared: &Arc<Shared>, owner: &Owner, net: &Interface) {
    match &net.source {
        InterfaceSource::Network(_) => {
            if let Some((network, uuid)) = find(shared, net).await {
                delete(shared, NetworkPortRef { net: network, uuid }).await;
            }
        }
        // which network a device of the host came from is only known there
        InterfaceSource::HostDev(_) => release_device(shared, owner, net).await,
        _ => {}
    }
}

async fn release_device(shared: &Arc<Shared>, owner: &Owner, net: &Interface) {
    let (Some(networks), Some(mac)) = (&shared.setup.networks, &net.mac) else { return };
    let call = call();
    let Ok(all) = networks.connect_list_all_networks(&call, 1, 0).await else { return };
    for network in all.nets.0 {
        let Ok(ports) = networks.network_list_all_ports(&call, network, 1, 0).await else { continue };
        for port in ports.ports.0 {
            let Ok(text) = networks.network_port_get_xml_desc(&call, port.clone(), 0).await else { continue };
            let ours = NetworkPort::parse(&text, false)
                .is_ok_and(|found| found.owner_uuid == owner.uuid && found.mac == mac.address);
            if ours {
                delete(shared, port).await;
            }
        }
    }
}

/// Makes sure that a running guest's card has its port: the network may have been ended and started anew meanwhile.
///
/// # Errors
/// When the network is not there any more or does not run.
pub(super) async fn reclaim(shared: &Arc<Shared>, owner: &Owner, net: &mut Interface) -> Result<()> {
    let InterfaceSource::Network(source) = &net.source else { return Ok(()) };
    let networks = networks(shared)?;
    let call = call();
    let name = source.network.clone().unwrap_or_default();
    let network = networks.network_lookup_by_name(&call, name).await?;
    if let Some(uuid) = source.portid
        && networks.network_port_lookup_by_uuid(&call, network.clone(), uuid).await.is_ok()
    {
        return Ok(());
    }
    let uuid = source.portid.map_or_else(Uuid::random, Ok)?;
    let plug = |bridge: String| BridgePlug { bridge, mac_table_manager: source.mac_table_manager };
    let plug = match (source.actual, &source.dev) {
        (ActualType::Direct, Some(dev)) => Plug::Direct { dev: dev.clone(), mode: source.mode },
        (ActualType::Direct, None) => return Err(internal("a network card has lost its device")),
        // the network may have another bridge by now
        (actual, _) => {
            let bridge = networks.network_get_bridge_name(&call, network.clone()).await?;
            if actual == ActualType::Network {
                Plug::Network(plug(bridge))
            } else {
                Plug::Bridge(plug(bridge))
            }
        }
    };
    let asked = request(owner, net, source.portgroup.clone(), uuid, plug)?;
    let flags = VIR_NETWORK_PORT_CREATE_RECLAIM;
    let port = networks.network_port_create_xml(&call, network, asked.format(), flags).await?;
    let given = networks.network_port_get_xml_desc(&call, port, 0).await?;
    take(net, NetworkPort::parse(&given, false)?)
}
