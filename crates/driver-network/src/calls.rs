//! What the driver answers. Starting networks is not supported yet, so that all of them are inactive and
//! persistent.

use async_trait::async_trait;
use virtus_api::constants::*;
use virtus_api::network::ConnectListAllNetworksReply;
use virtus_api::{Call, NetworkRef, Networks};
use virtus_base::{Error, ErrorCode, ErrorDomain, Result, Uuid};
use virtus_conf::network::{Command, Network};
use virtus_state::definitions::{blocking, passes};
use virtus_xdr::List;

use crate::{Driver, error, internal, missing, reference};

fn flags(flags: u32, supported: u32, function: &str) -> Result<()> {
    Error::check_flags(ErrorDomain::NETWORK, flags, supported, function)
}

impl Driver {
    async fn define(&self, xml: &str, strict: bool) -> Result<NetworkRef> {
        let network = Network::parse(xml, strict)?;
        let shared = self.0.clone();
        blocking(move || shared.define(network)).await
    }
}

#[async_trait]
impl Networks for Driver {
    async fn connect_num_of_networks(&self, _: &Call) -> Result<i32> {
        Ok(0)
    }

    async fn connect_list_networks(&self, _: &Call, _: i32) -> Result<List<String, 16_384>> {
        Ok(List(Vec::new()))
    }

    async fn connect_num_of_defined_networks(&self, _: &Call) -> Result<i32> {
        Ok(i32::try_from(self.0.networks.len()).unwrap_or(i32::MAX))
    }

    async fn connect_list_defined_networks(&self, _: &Call, maxnames: i32) -> Result<List<String, 16_384>> {
        let max = usize::try_from(maxnames).unwrap_or(0);
        Ok(List(self.0.networks.list().iter().take(max).map(|n| n.definition().0.name.clone()).collect()))
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
        let admits = |autostart: bool| {
            passes(
                filter,
                &[
                    &[(VIR_CONNECT_LIST_NETWORKS_ACTIVE, false), (VIR_CONNECT_LIST_NETWORKS_INACTIVE, true)],
                    &[
                        (VIR_CONNECT_LIST_NETWORKS_PERSISTENT, true),
                        (VIR_CONNECT_LIST_NETWORKS_TRANSIENT, false),
                    ],
                    &[
                        (VIR_CONNECT_LIST_NETWORKS_AUTOSTART, autostart),
                        (VIR_CONNECT_LIST_NETWORKS_NO_AUTOSTART, !autostart),
                    ],
                ],
            )
        };
        let all = self.0.networks.list();
        let views = all.iter().map(|entry| entry.view()).filter(|view| admits(view.autostart));
        let mut nets: Vec<_> = views.map(|view| reference(&view.definition.0)).collect();
        let ret = u32::try_from(nets.len()).unwrap_or(u32::MAX);
        if need_results == 0 {
            nets.clear();
        }
        Ok(ConnectListAllNetworksReply { nets: List(nets), ret })
    }

    async fn network_lookup_by_name(&self, _: &Call, name: String) -> Result<NetworkRef> {
        match self.0.networks.by_name(&name) {
            Some(entry) => Ok(reference(&entry.definition().0)),
            None => Err(missing(format!("no network with matching name '{name}'"))),
        }
    }

    async fn network_lookup_by_uuid(&self, _: &Call, uuid: Uuid) -> Result<NetworkRef> {
        match self.0.networks.by_uuid(&uuid) {
            Some(entry) => Ok(reference(&entry.definition().0)),
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

    async fn network_undefine(&self, _: &Call, net: NetworkRef) -> Result<()> {
        let shared = self.0.clone();
        blocking(move || shared.undefine(&net)).await
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
        self.0.find(&net)?;
        if given & VIR_NETWORK_UPDATE_AFFECT_LIVE != 0 {
            return Err(error(ErrorCode::OPERATION_INVALID, "network is not running"));
        }
        let shared = self.0.clone();
        let command = Command::from_number(command);
        blocking(move || shared.update(&net, command, section, parent_index, &xml)).await
    }

    async fn network_destroy(&self, _: &Call, net: NetworkRef) -> Result<()> {
        let name = self.0.find(&net)?.definition().0.name.clone();
        Err(error(ErrorCode::OPERATION_INVALID, format!("network '{name}' is not active")))
    }

    async fn network_get_xml_desc(&self, _: &Call, net: NetworkRef, given: u32) -> Result<String> {
        flags(given, VIR_NETWORK_XML_INACTIVE, "networkGetXMLDesc")?;
        Ok(self.0.find(&net)?.definition().0.format(given & VIR_NETWORK_XML_INACTIVE != 0))
    }

    async fn network_get_bridge_name(&self, _: &Call, net: NetworkRef) -> Result<String> {
        let definition = self.0.find(&net)?.definition();
        let name = &definition.0.name;
        let bridge = definition.0.bridge.name.clone();
        bridge.ok_or_else(|| internal(format!("network '{name}' does not have a bridge name.")))
    }

    async fn network_get_autostart(&self, _: &Call, net: NetworkRef) -> Result<i32> {
        Ok(i32::from(self.0.find(&net)?.view().autostart))
    }

    async fn network_set_autostart(&self, _: &Call, net: NetworkRef, autostart: i32) -> Result<()> {
        let shared = self.0.clone();
        blocking(move || shared.set_autostart(&net, autostart != 0)).await
    }

    async fn network_is_active(&self, _: &Call, net: NetworkRef) -> Result<i32> {
        self.0.find(&net).map(|_| 0)
    }

    async fn network_is_persistent(&self, _: &Call, net: NetworkRef) -> Result<i32> {
        self.0.find(&net).map(|_| 1)
    }
}
