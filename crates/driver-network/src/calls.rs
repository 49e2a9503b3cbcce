//! What the driver answers.

use async_trait::async_trait;
use virtus_api::constants::*;
use virtus_api::network::{
    ConnectListAllNetworksReply, NetworkGetDhcpLeasesReply, NetworkListAllPortsReply,
    NetworkPortGetParametersReply,
};
use virtus_api::{Call, NetworkPortRef, NetworkRef, Networks};
use virtus_base::{Error, ErrorDomain, Result, TypedParam, Uuid};
use virtus_conf::network::{Command, Network, NetworkPort};
use virtus_state::definitions::{blocking, passes};
use virtus_xdr::List;

use crate::metadata::Change;
use crate::update::Part;
use crate::{Driver, Shared, internal, missing, reference};

fn flags(flags: u32, supported: u32, function: &str) -> Result<()> {
    Error::check_flags(ErrorDomain::NETWORK, flags, supported, function)
}

fn length<T>(list: &[T]) -> u32 {
    u32::try_from(list.len()).unwrap_or(u32::MAX)
}

impl Driver {
    /// Runs `work`, which may wait for the disk or a program, where it holds up nobody.
    async fn work<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Shared) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let shared = self.0.clone();
        blocking(move || work(&shared)).await
    }

    async fn define(&self, xml: &str, strict: bool) -> Result<NetworkRef> {
        let network = Network::parse(xml, strict)?;
        self.work(move |shared| shared.define(network)).await
    }

    async fn create(&self, xml: &str, strict: bool) -> Result<NetworkRef> {
        let network = Network::parse(xml, strict)?;
        let driver = self.clone();
        let created = self.work(move |shared| shared.create_transient(network)).await?;
        driver.warn_of_others(&created);
        Ok(created)
    }

    /// Looks for others who drop what the guests of a network send; nobody waits for that.
    fn warn_of_others(&self, net: &NetworkRef) {
        let (shared, net) = (self.0.clone(), net.clone());
        drop(tokio::task::spawn_blocking(move || {
            if let Some(live) = shared.find(&net).ok().and_then(|entry| entry.definition().live.clone()) {
                shared.warn_of_others(&live.network);
            }
        }));
    }

    fn names(&self, active: bool, most: i32) -> Vec<String> {
        let most = usize::try_from(most).unwrap_or(0);
        let all = self.0.networks.list();
        let definitions = all.iter().map(|entry| entry.definition());
        definitions
            .filter(|d| d.live.is_some() == active)
            .take(most)
            .map(|d| d.current().name.clone())
            .collect()
    }

    fn count(&self, active: bool) -> i32 {
        i32::try_from(self.names(active, i32::MAX).len()).unwrap_or(i32::MAX)
    }
}

#[async_trait]
impl Networks for Driver {
    async fn connect_num_of_networks(&self, _: &Call) -> Result<i32> {
        Ok(self.count(true))
    }

    async fn connect_list_networks(&self, _: &Call, maxnames: i32) -> Result<List<String, 16_384>> {
        Ok(List(self.names(true, maxnames)))
    }

    async fn connect_num_of_defined_networks(&self, _: &Call) -> Result<i32> {
        Ok(self.count(false))
    }

    async fn connect_list_defined_networks(&self, _: &Call, maxnames: i32) -> Result<List<String, 16_384>> {
        Ok(List(self.names(false, maxnames)))
    }

    async fn connect_list_all_networks(
        &self,
        _: &Call,
        need_results: i32,
        filter: u32,
    ) -> Result<ConnectListAllNetworksReply> {
        let known = VIR_CONNECT_LIST_NETWORKS_ACTIVE
            | VIR_CONNECT_LIST_NETWORKS_INACTIVE
            | VIR_CONNECT_LIST_NETWORKS_PERSISTENT
            | VIR_CONNECT_LIST_NETWORKS_TRANSIENT
            | VIR_CONNECT_LIST_NETWORKS_AUTOSTART
            | VIR_CONNECT_LIST_NETWORKS_NO_AUTOSTART;
        flags(filter, known, "networkConnectListAllNetworks")?;
        let admits = |active: bool, persistent: bool, autostart: bool| {
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
        let all = self.0.networks.list();
        let views = all.iter().map(|entry| entry.view()).filter(|view| {
            admits(view.definition.live.is_some(), view.definition.config.is_some(), view.autostart)
        });
        let mut nets: Vec<_> = views.map(|view| reference(view.definition.current())).collect();
        let ret = length(&nets);
        if need_results == 0 {
            nets.clear();
        }
        Ok(ConnectListAllNetworksReply { nets: List(nets), ret })
    }

    async fn network_lookup_by_name(&self, _: &Call, name: String) -> Result<NetworkRef> {
        match self.0.networks.by_name(&name) {
            Some(entry) => Ok(reference(entry.definition().current())),
            None => Err(missing(format!("no network with matching name '{name}'"))),
        }
    }

    async fn network_lookup_by_uuid(&self, _: &Call, uuid: Uuid) -> Result<NetworkRef> {
        match self.0.networks.by_uuid(&uuid) {
            Some(entry) => Ok(reference(entry.definition().current())),
            None => Err(missing(format!("no network with matching uuid '{uuid}'"))),
        }
    }

    async fn network_define_xml(&self, _: &Call, xml: String) -> Result<NetworkRef> {
        self.define(&xml, false).await
    }

    async fn network_define_xml_flags(&self, _: &Call, xml: String, given: u32) -> Result<NetworkRef> {
        flags(given, VIR_NETWORK_DEFINE_VALIDATE, "networkDefineXMLFlags")?;
        self.define(&xml, given & VIR_NETWORK_DEFINE_VALIDATE != 0).await
    }

    async fn network_create_xml(&self, _: &Call, xml: String) -> Result<NetworkRef> {
        self.create(&xml, false).await
    }

    async fn network_create_xml_flags(&self, _: &Call, xml: String, given: u32) -> Result<NetworkRef> {
        flags(given, VIR_NETWORK_CREATE_VALIDATE, "networkCreateXMLFlags")?;
        self.create(&xml, given & VIR_NETWORK_CREATE_VALIDATE != 0).await
    }

    async fn network_create(&self, _: &Call, net: NetworkRef) -> Result<()> {
        let started = net.clone();
        self.work(move |shared| shared.create(&net)).await?;
        self.warn_of_others(&started);
        Ok(())
    }

    async fn network_destroy(&self, _: &Call, net: NetworkRef) -> Result<()> {
        self.work(move |shared| shared.destroy(&net)).await
    }

    async fn network_undefine(&self, _: &Call, net: NetworkRef) -> Result<()> {
        self.work(move |shared| shared.undefine(&net)).await
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
        let known = VIR_NETWORK_UPDATE_AFFECT_LIVE | VIR_NETWORK_UPDATE_AFFECT_CONFIG;
        flags(given, known, "networkUpdate")?;
        let command = Command::from_number(command);
        self.work(move |shared| {
            shared.update(&net, Part { command, section, index: parent_index, xml: &xml }, given)
        })
        .await
    }

    async fn network_get_xml_desc(&self, _: &Call, net: NetworkRef, given: u32) -> Result<String> {
        flags(given, VIR_NETWORK_XML_INACTIVE, "networkGetXMLDesc")?;
        let definition = self.0.find(&net)?.definition();
        let inactive = given & VIR_NETWORK_XML_INACTIVE != 0;
        Ok(match (&definition.live, &definition.config) {
            (Some(live), None) => live.format(inactive),
            (Some(live), Some(_)) if !inactive => live.format(false),
            _ => definition.next().format(inactive),
        })
    }

    async fn network_get_bridge_name(&self, _: &Call, net: NetworkRef) -> Result<String> {
        let definition = self.0.find(&net)?.definition();
        let network = definition.current();
        let none = || internal(format!("network '{}' does not have a bridge name.", network.name));
        network.bridge.name.clone().ok_or_else(none)
    }

    async fn network_get_autostart(&self, _: &Call, net: NetworkRef) -> Result<i32> {
        Ok(i32::from(self.0.find(&net)?.view().autostart))
    }

    async fn network_set_autostart(&self, _: &Call, net: NetworkRef, autostart: i32) -> Result<()> {
        self.work(move |shared| shared.set_autostart(&net, autostart != 0)).await
    }

    async fn network_is_active(&self, _: &Call, net: NetworkRef) -> Result<i32> {
        Ok(i32::from(self.0.find(&net)?.definition().live.is_some()))
    }

    async fn network_is_persistent(&self, _: &Call, net: NetworkRef) -> Result<i32> {
        Ok(i32::from(self.0.find(&net)?.definition().config.is_some()))
    }

    async fn network_get_dhcp_leases(
        &self,
        _: &Call,
        net: NetworkRef,
        mac: Option<String>,
        need_results: i32,
        given: u32,
    ) -> Result<NetworkGetDhcpLeasesReply> {
        flags(given, 0, "networkGetDHCPLeases")?;
        let mut leases =
            self.work(move |shared| shared.leases(&shared.find(&net)?.definition(), mac.as_deref())).await?;
        let ret = length(&leases);
        if need_results == 0 {
            leases.clear();
        }
        Ok(NetworkGetDhcpLeasesReply { leases: List(leases), ret })
    }

    async fn network_list_all_ports(
        &self,
        _: &Call,
        network: NetworkRef,
        need_results: i32,
        given: u32,
    ) -> Result<NetworkListAllPortsReply> {
        flags(given, 0, "networkListAllPorts")?;
        let mut ports = self.0.ports(&network)?;
        let ret = length(&ports);
        if need_results == 0 {
            ports.clear();
        }
        Ok(NetworkListAllPortsReply { ports: List(ports), ret })
    }

    async fn network_port_lookup_by_uuid(
        &self,
        _: &Call,
        network: NetworkRef,
        uuid: Uuid,
    ) -> Result<NetworkPortRef> {
        self.0.port(&network, &uuid)?;
        Ok(NetworkPortRef { net: reference(self.0.find(&network)?.definition().current()), uuid })
    }

    async fn network_port_create_xml(
        &self,
        _: &Call,
        network: NetworkRef,
        xml: String,
        given: u32,
    ) -> Result<NetworkPortRef> {
        let known = VIR_NETWORK_PORT_CREATE_RECLAIM | VIR_NETWORK_PORT_CREATE_VALIDATE;
        flags(given, known, "networkPortCreateXML")?;
        let port = NetworkPort::parse(&xml, given & VIR_NETWORK_PORT_CREATE_VALIDATE != 0)?;
        self.work(move |shared| shared.create_port(&network, port, given)).await
    }

    async fn network_port_get_parameters(
        &self,
        _: &Call,
        port: NetworkPortRef,
        nparams: i32,
        given: u32,
    ) -> Result<NetworkPortGetParametersReply> {
        flags(given, VIR_TYPED_PARAM_STRING_OKAY, "networkPortGetParameters")?;
        let params = self.0.port_parameters(&port.net, &port.uuid)?;
        let count = i32::try_from(params.len()).unwrap_or(i32::MAX);
        let params = if nparams == 0 { Vec::new() } else { params };
        Ok(NetworkPortGetParametersReply { params: List(params), nparams: count })
    }

    async fn network_port_set_parameters(
        &self,
        _: &Call,
        port: NetworkPortRef,
        params: List<TypedParam, 16>,
        given: u32,
    ) -> Result<()> {
        flags(given, 0, "networkPortSetParameters")?;
        self.work(move |shared| shared.set_port_parameters(&port.net, &port.uuid, &params.0)).await
    }

    async fn network_port_get_xml_desc(&self, _: &Call, port: NetworkPortRef, given: u32) -> Result<String> {
        flags(given, 0, "networkPortGetXMLDesc")?;
        Ok(self.0.port(&port.net, &port.uuid)?.format())
    }

    async fn network_port_delete(&self, _: &Call, port: NetworkPortRef, given: u32) -> Result<()> {
        flags(given, 0, "networkPortDelete")?;
        self.work(move |shared| shared.delete_port(&port.net, &port.uuid)).await
    }

    async fn network_set_metadata(
        &self,
        _: &Call,
        network: NetworkRef,
        kind: i32,
        metadata: Option<String>,
        key: Option<String>,
        uri: Option<String>,
        given: u32,
    ) -> Result<()> {
        let known = VIR_NETWORK_UPDATE_AFFECT_LIVE | VIR_NETWORK_UPDATE_AFFECT_CONFIG;
        flags(given, known, "networkSetMetadata")?;
        self.0.find(&network)?;
        let change = Change::new(kind, metadata, key.as_deref(), uri.as_deref())?;
        self.work(move |shared| shared.set_metadata(&network, kind, change, given)).await
    }

    async fn network_get_metadata(
        &self,
        _: &Call,
        network: NetworkRef,
        kind: i32,
        uri: Option<String>,
        given: u32,
    ) -> Result<String> {
        let known = VIR_NETWORK_UPDATE_AFFECT_LIVE | VIR_NETWORK_UPDATE_AFFECT_CONFIG;
        flags(given, known, "networkGetMetadata")?;
        self.0.metadata(&network, kind, uri.as_deref(), given)
    }
}
