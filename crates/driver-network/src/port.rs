//! Ports: a guest's card asks for one, and is told what it is connected to.

use std::path::PathBuf;

use virtus_api::constants::VIR_NETWORK_PORT_CREATE_RECLAIM;
use virtus_api::{NetworkPortRef, NetworkRef};
use virtus_base::{Error, ErrorCode, ErrorDomain, Result, TypedParam, TypedValue, Uuid};
use virtus_conf::domain::device::interface::DirectMode;
use virtus_conf::net::bandwidth::Rate;
use virtus_conf::net::virtual_port::PortType;
use virtus_conf::net::{Bandwidth, VirtualPort};
use virtus_conf::network::port::BridgePlug;
use virtus_conf::network::{ForwardInterface, ForwardMode, Network, NetworkPort, Plug, PortGroup};
use virtus_state::file::{self, Durability};
use virtus_xml::YesNo;

use crate::live::Live;
use crate::{Shared, bridge, internal, invalid, qos, reference, unsupported};

/// The names of a port's parameters, of the traffic to the guest, then from it.
const INBOUND: [&str; 4] = ["inbound.average", "inbound.peak", "inbound.floor", "inbound.burst"];
const OUTBOUND: [&str; 3] = ["outbound.average", "outbound.peak", "outbound.burst"];

fn not_found(uuid: &Uuid) -> Error {
    Error::new(
        ErrorDomain::NETWORK,
        ErrorCode::NO_NETWORK_PORT,
        format!("Network port with UUID {uuid} does not exist"),
    )
}

fn inactive(name: &str) -> Error {
    invalid(format!("network '{name}' is not active"))
}

impl Shared {
    fn running(&self, net: &NetworkRef) -> Result<std::sync::Arc<Live>> {
        let definition = self.find(net)?.definition();
        definition.live.clone().ok_or_else(|| inactive(&definition.current().name))
    }

    /// All ports of a network.
    pub(crate) fn ports(&self, net: &NetworkRef) -> Result<Vec<NetworkPortRef>> {
        let live = self.running(net)?;
        let net = reference(&live.network);
        Ok(live.ports.keys().map(|uuid| NetworkPortRef { net: net.clone(), uuid: *uuid }).collect())
    }

    /// One port as it is now.
    pub(crate) fn port(&self, net: &NetworkRef, uuid: &Uuid) -> Result<NetworkPort> {
        let definition = self.find(net)?.definition();
        let port = definition.live.as_ref().and_then(|live| live.ports.get(uuid)).cloned();
        match (&definition.live, port) {
            (_, Some(port)) => Ok(port),
            (Some(_), None) => Err(not_found(uuid)),
            (None, None) => Err(not_found(uuid)),
        }
    }

    /// Gives a guest a port; with `RECLAIM`, one it has already.
    pub(crate) fn create_port(
        &self,
        net: &NetworkRef,
        mut port: NetworkPort,
        flags: u32,
    ) -> Result<NetworkPortRef> {
        let edit = self.networks.edit();
        let entry = self.find(net)?;
        let definition = entry.definition();
        let name = definition.current().name.clone();
        let mut live = definition.live.as_deref().cloned().ok_or_else(|| inactive(&name))?;
        let reclaim = flags & VIR_NETWORK_PORT_CREATE_RECLAIM != 0;
        match (&port.plug, reclaim) {
            (Plug::None, true) => {
                return Err(argument("Port reclaim requested but plug type is none"));
            }
            (Plug::None, false) | (_, true) => {}
            (_, false) => return Err(argument("Port reclaim not requested but plug type is not none")),
        }
        if live.ports.contains_key(&port.uuid) {
            let text = format!("Network port with UUID {} already exists", port.uuid);
            return Err(crate::error(ErrorCode::NETWORK_PORT_EXIST, text));
        }
        match reclaim {
            true => check_reclaimed(&live.network, &port)?,
            false => allocate(&live.network, &mut port)?,
        }
        if matches!(port.plug, Plug::Network(_) | Plug::Bridge(_)) {
            let wanted = port.bandwidth.take();
            qos::change(self.runner(), &mut live, &mut port, wanted, false)?;
        }
        let uuid = port.uuid;
        self.save_port(&name, &port)?;
        live.ports.insert(uuid, port);
        live.count();
        let reference = NetworkPortRef { net: reference(&live.network), uuid };
        self.note_owners(&live);
        self.keep(&edit, &entry, live).inspect_err(|_| self.forget_port(&name, &uuid))?;
        Ok(reference)
    }

    /// Takes a port back.
    pub(crate) fn delete_port(&self, net: &NetworkRef, uuid: &Uuid) -> Result<()> {
        let edit = self.networks.edit();
        let entry = self.find(net)?;
        let mut live = entry.definition().live.as_deref().cloned().ok_or_else(|| not_found(uuid))?;
        let mut port = live.ports.remove(uuid).ok_or_else(|| not_found(uuid))?;
        if let Err(e) = qos::change(self.runner(), &mut live, &mut port, None, true) {
            tracing::warn!("network '{}': a port's rate stays: {e}", live.network.name);
        }
        live.count();
        self.forget_port(&live.network.name, uuid);
        self.note_owners(&live);
        self.keep(&edit, &entry, live)
    }

    /// What a port's parameters are.
    pub(crate) fn port_parameters(&self, net: &NetworkRef, uuid: &Uuid) -> Result<Vec<TypedParam>> {
        let bandwidth = self.port(net, uuid)?.bandwidth.unwrap_or_default();
        let value = |v: Option<u64>| u32::try_from(v.unwrap_or(0)).unwrap_or(u32::MAX);
        let inbound = bandwidth.inbound.map(|r| [r.average, r.peak, r.floor, r.burst]);
        let outbound = bandwidth.outbound.map(|r| [r.average, r.peak, r.burst]);
        let inbound = inbound.into_iter().flat_map(|values| INBOUND.into_iter().zip(values));
        let outbound = outbound.into_iter().flat_map(|values| OUTBOUND.into_iter().zip(values));
        Ok(inbound.chain(outbound).map(|(name, v)| TypedParam::new(name, value(v))).collect())
    }

    /// Changes a port's parameters.
    pub(crate) fn set_port_parameters(
        &self,
        net: &NetworkRef,
        uuid: &Uuid,
        params: &[TypedParam],
    ) -> Result<()> {
        let edit = self.networks.edit();
        let entry = self.find(net)?;
        let mut live = entry.definition().live.as_deref().cloned().ok_or_else(|| not_found(uuid))?;
        let mut port = live.ports.get(uuid).cloned().ok_or_else(|| not_found(uuid))?;
        let (mut inbound, mut outbound) = (Rate::default(), Rate::default());
        for param in params {
            let TypedValue::UInt(value) = param.value else {
                return Err(argument(format!("invalid type of parameter '{}'", param.field)));
            };
            let value = Some(u64::from(value)).filter(|v| *v > 0);
            let slot = match param.field.as_str() {
                "inbound.average" => &mut inbound.average,
                "inbound.peak" => &mut inbound.peak,
                "inbound.floor" => &mut inbound.floor,
                "inbound.burst" => &mut inbound.burst,
                "outbound.average" => &mut outbound.average,
                "outbound.peak" => &mut outbound.peak,
                "outbound.burst" => &mut outbound.burst,
                other => {
                    let text = format!("parameter '{other}' not supported");
                    return Err(Error::new(ErrorDomain::NONE, ErrorCode::INVALID_ARG, text));
                }
            };
            *slot = value;
        }
        let new = Bandwidth {
            class_id: None,
            inbound: Some(inbound).filter(|r| r.average.is_some() || r.floor.is_some()),
            outbound: Some(outbound).filter(|r| r.average.is_some()),
        };
        qos::change(self.runner(), &mut live, &mut port, Some(new).filter(|b| !b.is_empty()), true)?;
        self.save_port(&live.network.name, &port)?;
        live.ports.insert(*uuid, port);
        self.keep(&edit, &entry, live)
    }

    /// Where it is written which guest has which card, for the host's resolver (`libvirt_guest` of nsswitch.conf).
    pub(crate) fn mac_file(&self, bridge: &str) -> PathBuf {
        self.setup.dnsmasq.join(format!("{bridge}.macs"))
    }

    fn note_owners(&self, live: &Live) {
        let Some(bridge) = live.network.bridge.name.as_ref().filter(|_| live.network.has_own_bridge()) else {
            return;
        };
        let mut owners: std::collections::BTreeMap<&str, Vec<String>> = std::collections::BTreeMap::new();
        for port in live.ports.values() {
            owners.entry(&port.owner_name).or_default().push(port.mac.to_string());
        }
        let list: Vec<_> = owners
            .into_iter()
            .map(|(name, macs)| serde_json::json!({ "domain": name, "macs": macs }))
            .collect();
        let path = self.mac_file(bridge);
        let text = format!("{:#}\n", serde_json::Value::from(list));
        if let Err(e) = file::write(&path, text.as_bytes(), 0o644, Durability::Process) {
            tracing::warn!("cannot write {}: {e}", path.display());
        }
    }
}

fn argument(text: impl Into<String>) -> Error {
    crate::error(ErrorCode::INVALID_ARG, text)
}

/// Fills in what a port gets from its network and the group it asked for.
fn allocate(network: &Network, port: &mut NetworkPort) -> Result<()> {
    let group = group(network, port.group.as_deref());
    if port.bandwidth.is_none() {
        port.bandwidth = group.and_then(|g| g.bandwidth.clone());
    }
    if port.vlan.is_none() {
        port.vlan = group.and_then(|g| g.vlan.clone()).or_else(|| network.vlan.clone());
    }
    port.trust_guest_rx_filters = port
        .trust_guest_rx_filters
        .or(group.and_then(|g| g.trust_guest_rx_filters))
        .or(network.trust_guest_rx_filters);
    port.isolated = port.isolated.or(network.port_isolated);
    let sources = [
        port.virtual_port.as_ref(),
        network.virtual_port.as_ref(),
        group.and_then(|g| g.virtual_port.as_ref()),
    ];
    port.virtual_port = merge(sources)?;
    port.plug = plug(network, port)?;
    Ok(())
}

/// The group of this name; without one, the default.
fn group<'a>(network: &'a Network, name: Option<&str>) -> Option<&'a PortGroup> {
    network.portgroups.iter().find(|group| match name {
        Some(name) => group.name.as_deref() == Some(name),
        None => group.default,
    })
}

/// What the switch is told, of which each part says something.
fn merge(sources: [Option<&VirtualPort>; 3]) -> Result<Option<VirtualPort>> {
    let mut merged: Option<VirtualPort> = None;
    for source in sources.into_iter().flatten() {
        let Some(all) = &mut merged else {
            merged = Some(source.clone());
            continue;
        };
        macro_rules! take {
            ($($field:ident: $what:literal)*) => { $(
                match (&all.$field, &source.$field) {
                    (Some(one), Some(other)) if one != other => {
                        return Err(crate::error(ErrorCode::XML_ERROR, format!(
                            "attempt to merge virtualports with mismatched {}", $what
                        )));
                    }
                    (None, Some(other)) => all.$field = Some(other.clone()),
                    _ => {}
                }
            )* };
        }
        take! {
            kind: "type" manager_id: "managerids" type_id: "typeids" type_id_version: "typeidversions"
            instance_id: "instanceids" interface_id: "interfaceids" profile_id: "profileids"
        }
    }
    Ok(merged)
}

/// What a guest is connected to.
fn plug(network: &Network, port: &NetworkPort) -> Result<Plug> {
    let kind = port.virtual_port.as_ref().and_then(|p| p.kind);
    let name = &network.name;
    let refuse = |what: &str| -> Result<()> {
        Err(unsupported(format!(
            "<virtualport type='{}'> not supported for network '{name}' which uses {what}",
            kind.map_or("none", PortType::as_str)
        )))
    };
    let has_port = port.virtual_port.is_some();
    let bridge = || -> Result<BridgePlug> {
        Ok(BridgePlug {
            bridge: bridge::name(network)?.to_owned(),
            mac_table_manager: network.bridge.mac_table_manager,
        })
    };
    let for_switches = matches!(kind, Some(PortType::Vepa | PortType::VnTag));
    let mode = match network.mode() {
        _ if network.has_own_bridge() => {
            if has_port {
                refuse("IP forwarding")?;
            }
            return Ok(Plug::Network(bridge()?));
        }
        Some(ForwardMode::Bridge) if network.bridge.name.is_some() => {
            if has_port && kind != Some(PortType::OpenVSwitch) {
                refuse("a bridge device")?;
            }
            return Ok(Plug::Bridge(bridge()?));
        }
        Some(ForwardMode::Hostdev) => {
            if has_port && !for_switches {
                refuse("an SR-IOV Virtual Function via PCI passthrough")?;
            }
            return hostdev(network);
        }
        Some(ForwardMode::Private) => DirectMode::Private,
        Some(ForwardMode::Vepa) => DirectMode::Vepa,
        Some(ForwardMode::Passthrough) => DirectMode::Passthrough,
        _ => DirectMode::Bridge,
    };
    if has_port && !for_switches {
        refuse("a macvtap device")?;
    }
    let exclusive =
        mode == DirectMode::Passthrough || (mode == DirectMode::Private && kind == Some(PortType::VnTag));
    let devices = network.forward.iter().flat_map(|f| &f.interfaces).filter_map(|i| match i {
        ForwardInterface::Device { dev, connections } => Some((dev, *connections)),
        ForwardInterface::Pci { .. } => None,
    });
    let mut devices = devices.peekable();
    if devices.peek().is_none() {
        let text =
            format!("network '{name}' uses a direct mode, but has no forward dev and no interface pool");
        return Err(internal(text));
    }
    let chosen = match exclusive {
        true => devices.find(|(_, connections)| *connections == 0),
        false => devices.min_by_key(|(_, connections)| *connections),
    };
    let (dev, _) = chosen.ok_or_else(|| all_taken(name))?;
    Ok(Plug::Direct { dev: dev.clone(), mode: Some(mode) })
}

fn all_taken(name: &str) -> Error {
    internal(format!("network '{name}' requires exclusive access to interfaces, but none are available"))
}

fn hostdev(network: &Network) -> Result<Plug> {
    let free = network.forward.iter().flat_map(|f| &f.interfaces).find_map(|i| match i {
        ForwardInterface::Pci { address, connections: 0 } => Some(*address),
        _ => None,
    });
    let forward = network.forward.as_ref();
    Ok(Plug::HostdevPci {
        managed: forward.map(|f| if f.managed { YesNo::Yes } else { YesNo::No }),
        driver: forward.and_then(|f| f.driver_name.clone()),
        address: free.ok_or_else(|| all_taken(&network.name))?,
    })
}

/// Whether a guest can have the port that it says it has.
fn check_reclaimed(network: &Network, port: &NetworkPort) -> Result<()> {
    let name = &network.name;
    let interfaces = || network.forward.iter().flat_map(|f| &f.interfaces);
    match &port.plug {
        Plug::None => Err(internal("Unexpectedly got a network port without a plug")),
        Plug::Network(_) | Plug::Bridge(_) => match network.bridge.name {
            Some(_) => Ok(()),
            None => Err(internal("Unexpectedly got a network port without a network bridge")),
        },
        Plug::Direct { dev: wanted, mode } => {
            let found = interfaces().find_map(|i| match i {
                ForwardInterface::Device { dev, connections } if dev == wanted => Some(*connections),
                _ => None,
            });
            match found {
                None => Err(internal(format!(
                    "network '{name}' doesn't have dev='{wanted}' in use by network port '{}'",
                    port.uuid
                ))),
                Some(connections) if connections > 0 && *mode == Some(DirectMode::Passthrough) => {
                    Err(internal(format!(
                        "network '{name}' claims dev='{wanted}' is already in use by a different port"
                    )))
                }
                Some(_) => Ok(()),
            }
        }
        Plug::HostdevPci { address: wanted, .. } => {
            let found = interfaces().find_map(|i| match i {
                ForwardInterface::Pci { address, connections } if address == wanted => Some(*connections),
                _ => None,
            });
            match found {
                None => Err(internal(format!(
                    "network '{name}' doesn't have PCI device {wanted} in use by network port"
                ))),
                Some(0) => Ok(()),
                Some(_) => Err(internal(format!(
                    "network '{name}' claims the PCI device at domain={} bus={} slot={} function={} is already in use by a different network port",
                    wanted.domain, wanted.bus, wanted.slot, wanted.function
                ))),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(group: &str) -> NetworkPort {
        NetworkPort::parse(
            &format!(
                "<networkport><uuid>81ff0d90-c91e-6742-64da-4a736edb9a9b</uuid><owner><name>g</name>
<uuid>81ff0d90-c91e-6742-64da-4a736edb9a9b</uuid></owner>{group}<mac address='52:54:00:00:00:01'/></networkport>"
            ),
            false,
        )
        .unwrap()
    }

    fn given(network: &str, group: &str) -> Result<NetworkPort> {
        let mut port = asked(group);
        let network = format!("<network><name>n</name>{network}</network>");
        allocate(&Network::parse(&network, false)?, &mut port)?;
        Ok(port)
    }

    #[test]
    fn a_port_has_what_its_network_and_group_say() {
        let groups = "<bridge name='b'/><port isolated='yes'/><portgroup name='a' default='yes'/>
<portgroup name='x'><bandwidth><inbound average='7'/></bandwidth></portgroup>";
        let port = given(groups, "<group>x</group>").unwrap();
        assert_eq!(port.plug.bridge().map(|b| b.bridge.as_str()), Some("b"));
        assert_eq!(port.isolated, Some(YesNo::Yes));
        assert!(port.bandwidth.is_some() && given(groups, "").unwrap().bandwidth.is_none());
        let bridged = given("<forward mode='bridge'/><bridge name='b'/>", "").unwrap();
        assert!(matches!(bridged.plug, Plug::Bridge(_)));
    }

    #[test]
    fn devices_are_shared_out() {
        let pool = |mode: &str, used: u32| {
            format!(
                "<forward mode='{mode}'><interface dev='e0' connections='{used}'/><interface dev='e1'/></forward>"
            )
        };
        let dev = |network: &str| match given(network, "").unwrap().plug {
            Plug::Direct { dev, mode } => (dev, mode),
            other => panic!("{other:?}"),
        };
        assert_eq!(dev(&pool("bridge", 0)), ("e0".to_owned(), Some(DirectMode::Bridge)));
        let none = given("<forward mode='vepa'/>", "").unwrap_err();
        assert_eq!(
            none.message(),
            "internal error: network 'n' uses a direct mode, but has no forward dev and no interface pool"
        );
        let e = given("<bridge name='b'/><virtualport type='openvswitch'/>", "").unwrap_err();
        assert!(e.message().contains("which uses IP forwarding"), "{e}");
    }
}
