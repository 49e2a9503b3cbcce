//! Networks.

use async_trait::async_trait;
use virtus_api::constants::*;
use virtus_api::network::ConnectListAllNetworksReply;
use virtus_api::{Call, Event, NetworkEvent, NetworkRef, Networks};
use virtus_base::{Error, ErrorCode, ErrorDomain, Result, Uuid};
use virtus_conf::network::{Command, Network};
use virtus_xdr::List;
use virtus_xml::RawElement;

use super::metadata;
use crate::state::{Identity, NetworkObject, State, at, identify};
use crate::{Driver, count, error, flags, internal, invalid, passes};

const IMPACT: u32 = VIR_NETWORK_UPDATE_AFFECT_LIVE | VIR_NETWORK_UPDATE_AFFECT_CONFIG;

fn generic(code: ErrorCode, text: impl Into<String>) -> Error {
    Error::new(ErrorDomain::NETWORK, code, text)
}

impl State {
    fn network(
        &mut self,
        wanted: impl Fn(&Network) -> bool,
        how: impl Fn() -> String,
    ) -> Result<&mut NetworkObject> {
        let found = self.networks.iter_mut().find(|network| wanted(&network.definition));
        found.ok_or_else(|| error(ErrorCode::NO_NETWORK, how()))
    }

    pub(super) fn network_by_name(&mut self, name: &str) -> Result<&mut NetworkObject> {
        self.network(|n| n.name == name, || format!("no network with matching name '{name}'"))
    }

    fn network_by_uuid(&mut self, uuid: &Uuid) -> Result<&mut NetworkObject> {
        self.network(|n| n.uuid == *uuid, || format!("no network with matching uuid '{uuid}'"))
    }

    /// Puts a definition in the list, as what a network is or, while it runs, will be.
    fn assign_network(&mut self, definition: Network, live: bool) -> Result<&mut NetworkObject> {
        let known = self.networks.iter().map(|n| (n.definition.name.as_str(), n.definition.uuid));
        match identify(known, (&definition.name, definition.uuid), ErrorDomain::NETWORK, "network")? {
            Identity::New => {
                self.networks.push(NetworkObject {
                    definition,
                    next: None,
                    active: false,
                    persistent: !live,
                    autostart: false,
                });
                let last = self.networks.len() - 1;
                at(&mut self.networks, last)
            }
            Identity::Known(place) => {
                let network = at(&mut self.networks, place)?;
                if live && network.active {
                    let text = format!("network is already active as '{}'", network.definition.name);
                    return Err(generic(ErrorCode::OPERATION_INVALID, text));
                }
                match (live, network.active) {
                    (false, true) => network.next = Some(definition),
                    (true, _) => {
                        let old = std::mem::replace(&mut network.definition, definition);
                        network.next = network.persistent.then_some(old);
                    }
                    (false, false) => network.definition = definition,
                }
                network.persistent |= !live;
                Ok(network)
            }
        }
    }
}

impl NetworkObject {
    fn lifecycle(&self, event: i32) -> Event {
        Event::Network(self.reference(), NetworkEvent::Lifecycle { event, detail: 0 })
    }

    /// Which of its definitions flags mean: the one in effect, and the one for the next start.
    fn affects(&self, given: u32) -> Result<(bool, bool)> {
        let mut live = given & VIR_NETWORK_UPDATE_AFFECT_LIVE != 0;
        let mut config = given & VIR_NETWORK_UPDATE_AFFECT_CONFIG != 0;
        if !live && !config {
            (live, config) = (self.active, !self.active);
        }
        if live && !self.active {
            return Err(generic(ErrorCode::OPERATION_INVALID, "network is not running"));
        }
        if config && !self.persistent {
            return Err(generic(
                ErrorCode::OPERATION_INVALID,
                "cannot change persistent config of a transient network",
            ));
        }
        Ok((live, config))
    }

    /// Changes the definitions that flags mean; all of them or none.
    fn edit(&mut self, given: u32, change: impl Fn(&mut Network) -> Result<()>) -> Result<()> {
        let (live, config) = self.affects(given)?;
        let mut definition = self.definition.clone();
        // what runs has another one for the next start
        let mut next = self.next.clone().or_else(|| self.active.then(|| definition.clone()));
        if config && let Some(next) = next.as_mut().filter(|_| self.active) {
            change(next)?;
        }
        if live || !self.active {
            change(&mut definition)?;
        }
        self.definition = definition;
        self.next = next;
        Ok(())
    }
}

impl Driver {
    fn define_network(&self, xml: &str, strict: bool) -> Result<NetworkRef> {
        let definition = Network::parse(xml, strict)?;
        self.change(|state, events| {
            let network = state.assign_network(definition, false)?;
            events.push(network.lifecycle(VIR_NETWORK_EVENT_DEFINED));
            Ok(network.reference())
        })
    }

    fn names(&self, active: bool, max: i32) -> List<String, 16_384> {
        let most = usize::try_from(max).unwrap_or(0);
        let state = self.state();
        let listed = state.networks.iter().filter(|network| network.active == active);
        listed.map(|network| network.definition.name.clone()).take(most).collect()
    }
}

#[async_trait]
impl Networks for Driver {
    async fn connect_num_of_networks(&self, _: &Call) -> Result<i32> {
        Ok(count(self.state().networks.iter().filter(|network| network.active).count()))
    }

    async fn connect_list_networks(&self, _: &Call, max: i32) -> Result<List<String, 16_384>> {
        Ok(self.names(true, max))
    }

    async fn connect_num_of_defined_networks(&self, _: &Call) -> Result<i32> {
        Ok(count(self.state().networks.iter().filter(|network| !network.active).count()))
    }

    async fn connect_list_defined_networks(&self, _: &Call, max: i32) -> Result<List<String, 16_384>> {
        Ok(self.names(false, max))
    }

    async fn connect_list_all_networks(
        &self,
        _: &Call,
        need_results: i32,
        filter: u32,
    ) -> Result<ConnectListAllNetworksReply> {
        let known = (VIR_CONNECT_LIST_NETWORKS_NO_AUTOSTART << 1) - 1;
        flags(filter, known, "testConnectListAllNetworks")?;
        let admits = |network: &&NetworkObject| {
            let NetworkObject { active, persistent, autostart, .. } = **network;
            passes(
                filter,
                &[
                    &[
                        (VIR_CONNECT_LIST_NETWORKS_ACTIVE, active),
                        (VIR_CONNECT_LIST_NETWORKS_INACTIVE, !active),
                    ],
                    &[
                        (VIR_CONNECT_LIST_NETWORKS_PERSISTENT, persistent),
                        (VIR_CONNECT_LIST_NETWORKS_TRANSIENT, !persistent),
                    ],
                    &[
                        (VIR_CONNECT_LIST_NETWORKS_AUTOSTART, autostart),
                        (VIR_CONNECT_LIST_NETWORKS_NO_AUTOSTART, !autostart),
                    ],
                ],
            )
        };
        let state = self.state();
        let mut nets: List<_, 16_384> =
            state.networks.iter().filter(admits).map(NetworkObject::reference).collect();
        let ret = count(nets.len());
        if need_results == 0 {
            nets = List::default();
        }
        Ok(ConnectListAllNetworksReply { nets, ret })
    }

    async fn network_lookup_by_name(&self, _: &Call, name: String) -> Result<NetworkRef> {
        Ok(self.state().network_by_name(&name)?.reference())
    }

    async fn network_lookup_by_uuid(&self, _: &Call, uuid: Uuid) -> Result<NetworkRef> {
        Ok(self.state().network_by_uuid(&uuid)?.reference())
    }

    async fn network_create_xml(&self, call: &Call, xml: String) -> Result<NetworkRef> {
        self.network_create_xml_flags(call, xml, 0).await
    }

    async fn network_create_xml_flags(&self, _: &Call, xml: String, given: u32) -> Result<NetworkRef> {
        flags(given, VIR_NETWORK_CREATE_VALIDATE, "testNetworkCreateXMLFlags")?;
        let definition = Network::parse(&xml, given & VIR_NETWORK_CREATE_VALIDATE != 0)?;
        self.change(|state, events| {
            let network = state.assign_network(definition, true)?;
            network.active = true;
            events.push(network.lifecycle(VIR_NETWORK_EVENT_STARTED));
            Ok(network.reference())
        })
    }

    async fn network_define_xml(&self, _: &Call, xml: String) -> Result<NetworkRef> {
        self.define_network(&xml, false)
    }

    async fn network_define_xml_flags(&self, _: &Call, xml: String, given: u32) -> Result<NetworkRef> {
        flags(given, VIR_NETWORK_DEFINE_VALIDATE, "testNetworkDefineXMLFlags")?;
        self.define_network(&xml, given & VIR_NETWORK_DEFINE_VALIDATE != 0)
    }

    async fn network_undefine(&self, _: &Call, net: NetworkRef) -> Result<()> {
        self.change(|state, events| {
            let network = state.network_by_name(&net.name)?;
            if network.active {
                return Err(invalid(format!("Network '{}' is still running", net.name)));
            }
            events.push(network.lifecycle(VIR_NETWORK_EVENT_UNDEFINED));
            state.networks.retain(|network| network.definition.name != net.name);
            Ok(())
        })
    }

    async fn network_update(
        &self,
        _: &Call,
        net: NetworkRef,
        command: u32,
        section: u32,
        parent_index: i32,
        xml: String,
        given: u32,
    ) -> Result<()> {
        flags(given, IMPACT, "testNetworkUpdate")?;
        self.state().network_by_uuid(&net.uuid)?.edit(given, |definition| {
            definition.update(Command::from_number(command), section, parent_index, &xml)
        })
    }

    async fn network_create(&self, _: &Call, net: NetworkRef) -> Result<()> {
        self.change(|state, events| {
            let network = state.network_by_name(&net.name)?;
            if network.active {
                return Err(invalid(format!("Network '{}' is already running", net.name)));
            }
            network.active = true;
            events.push(network.lifecycle(VIR_NETWORK_EVENT_STARTED));
            Ok(())
        })
    }

    async fn network_destroy(&self, _: &Call, net: NetworkRef) -> Result<()> {
        self.change(|state, events| {
            let network = state.network_by_name(&net.name)?;
            network.active = false;
            events.push(network.lifecycle(VIR_NETWORK_EVENT_STOPPED));
            if !network.persistent {
                state.networks.retain(|network| network.definition.name != net.name);
            }
            Ok(())
        })
    }

    async fn network_get_xml_desc(&self, _: &Call, net: NetworkRef, given: u32) -> Result<String> {
        flags(given, 0, "testNetworkGetXMLDesc")?;
        Ok(self.state().network_by_name(&net.name)?.definition.format(true))
    }

    async fn network_get_bridge_name(&self, _: &Call, net: NetworkRef) -> Result<String> {
        let bridge = self.state().network_by_name(&net.name)?.definition.bridge.name.clone();
        bridge.ok_or_else(|| internal(format!("network '{}' does not have a bridge name.", net.name)))
    }

    async fn network_get_autostart(&self, _: &Call, net: NetworkRef) -> Result<i32> {
        Ok(i32::from(self.state().network_by_name(&net.name)?.autostart))
    }

    async fn network_set_autostart(&self, _: &Call, net: NetworkRef, autostart: i32) -> Result<()> {
        self.state().network_by_name(&net.name)?.autostart = autostart != 0;
        Ok(())
    }

    async fn network_is_active(&self, _: &Call, net: NetworkRef) -> Result<i32> {
        Ok(i32::from(self.state().network_by_uuid(&net.uuid)?.active))
    }

    async fn network_is_persistent(&self, _: &Call, net: NetworkRef) -> Result<i32> {
        Ok(i32::from(self.state().network_by_uuid(&net.uuid)?.persistent))
    }

    async fn network_set_metadata(
        &self,
        _: &Call,
        net: NetworkRef,
        kind: i32,
        metadata: Option<String>,
        key: Option<String>,
        uri: Option<String>,
        given: u32,
    ) -> Result<()> {
        let of = (ErrorDomain::NETWORK, "virNetworkSetMetadata");
        metadata::check_set(of, kind, (metadata.as_deref(), key.as_deref(), uri.as_deref()))?;
        flags(given, IMPACT, "testNetworkSetMetadata")?;
        let text = metadata.filter(|text| !text.is_empty());
        let key = key.unwrap_or_default();
        self.change(|state, events| {
            let network = state.network_by_uuid(&net.uuid)?;
            network.edit(given, |definition| {
                set_metadata(definition, kind, text.as_deref(), &key, uri.as_deref().unwrap_or_default())
            })?;
            let event = NetworkEvent::MetadataChange { kind, nsuri: uri.clone() };
            events.push(Event::Network(network.reference(), event));
            Ok(())
        })
    }

    async fn network_get_metadata(
        &self,
        _: &Call,
        net: NetworkRef,
        kind: i32,
        uri: Option<String>,
        given: u32,
    ) -> Result<String> {
        metadata::check_get((ErrorDomain::NETWORK, "virNetworkGetMetadata"), kind, uri.as_deref())?;
        flags(given, IMPACT, "testNetworkGetMetadata")?;
        let mut state = self.state();
        let network = state.network_by_uuid(&net.uuid)?;
        let (live, _) = network.affects(given)?;
        let definition = match (live, &network.next) {
            (false, Some(next)) if network.active => next,
            _ => &network.definition,
        };
        let found = match kind {
            VIR_NETWORK_METADATA_DESCRIPTION => definition.description.clone(),
            VIR_NETWORK_METADATA_TITLE => definition.title.clone(),
            VIR_NETWORK_METADATA_ELEMENT => {
                definition.metadata.iter().find(|element| element.namespace() == uri.as_deref()).map(
                    |element| element.clone().without_namespace(uri.as_deref().unwrap_or_default()).to_text(),
                )
            }
            ..0 => None,
            _ => return Err(unknown_metadata(kind)),
        };
        found.ok_or_else(|| {
            generic(ErrorCode::NO_NETWORK_METADATA, "Requested metadata element is not present")
        })
    }
}

fn unknown_metadata(kind: i32) -> Error {
    generic(ErrorCode::INVALID_ARG, format!("unknown metadata type '{kind}'"))
}

fn set_metadata(definition: &mut Network, kind: i32, text: Option<&str>, key: &str, uri: &str) -> Result<()> {
    match kind {
        VIR_NETWORK_METADATA_DESCRIPTION => definition.description = text.map(str::to_owned),
        VIR_NETWORK_METADATA_TITLE => definition.title = text.map(str::to_owned),
        VIR_NETWORK_METADATA_ELEMENT => {
            let element = text.map(|text| RawElement::parse(text, ErrorDomain::NETWORK)).transpose()?;
            definition.metadata.retain(|element| element.namespace() != Some(uri));
            definition.metadata.extend(element.map(|mut element| {
                element.set_namespace(key, uri);
                element
            }));
        }
        ..0 => {}
        _ => return Err(unknown_metadata(kind)),
    }
    Ok(())
}
