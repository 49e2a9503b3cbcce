//! Virtual networks, their ports and leases.

use virtus_base::{TypedParam, Uuid};
use virtus_xdr::{List, record};

use crate::constants::{VIR_NETWORK_UPDATE_AFFECT_CONFIG, VIR_NETWORK_UPDATE_AFFECT_LIVE};
use crate::macros::driver;
use crate::{NetworkPortRef, NetworkRef};

driver! {
    program REMOTE; via network; errors NETWORK;
    /// Virtual networks, their ports and leases.
    pub trait Networks {
        #[call(36, virConnectListDefinedNetworks, high, [connect.search_networks])]
        fn connect_list_defined_networks(maxnames: i32) -> List<String, 16_384>;
        #[call(38, virConnectListNetworks, high, [connect.search_networks])]
        fn connect_list_networks(maxnames: i32) -> List<String, 16_384>;
        #[call(39, virNetworkCreate, low, [network.start])]
        fn network_create(net: NetworkRef);
        #[call(40, virNetworkCreateXML, low, [network.write, network.start])]
        fn network_create_xml(xml: String) -> NetworkRef;
        #[call(41, virNetworkDefineXML, high, [network.write, network.save])]
        fn network_define_xml(xml: String) -> NetworkRef;
        #[call(42, virNetworkDestroy, high, [network.stop])]
        fn network_destroy(net: NetworkRef);
        #[call(43, virNetworkGetXMLDesc, high, [network.read])]
        fn network_get_xml_desc(net: NetworkRef, flags: u32) -> String;
        #[call(44, virNetworkGetAutostart, high, [network.read])]
        fn network_get_autostart(net: NetworkRef) -> i32;
        #[call(45, virNetworkGetBridgeName, high, [network.read])]
        fn network_get_bridge_name(net: NetworkRef) -> String;
        #[call(46, virNetworkLookupByName, high, [network.getattr])]
        fn network_lookup_by_name(name: String) -> NetworkRef;
        #[call(47, virNetworkLookupByUUID, high, [network.getattr])]
        fn network_lookup_by_uuid(uuid: Uuid) -> NetworkRef;
        #[call(48, virNetworkSetAutostart, high, [network.write])]
        fn network_set_autostart(net: NetworkRef, autostart: i32);
        #[call(49, virNetworkUndefine, high, [network.delete])]
        fn network_undefine(net: NetworkRef);
        #[call(50, virConnectNumOfDefinedNetworks, high, [connect.search_networks])]
        fn connect_num_of_defined_networks() -> i32;
        #[call(52, virConnectNumOfNetworks, high, [connect.search_networks])]
        fn connect_num_of_networks() -> i32;
        #[call(152, virNetworkIsActive, high, [network.read])]
        fn network_is_active(net: NetworkRef) -> i32;
        #[call(153, virNetworkIsPersistent, high, [network.read])]
        fn network_is_persistent(net: NetworkRef) -> i32;
        #[call(283, virConnectListAllNetworks, high, [connect.search_networks])]
        fn connect_list_all_networks(need_results: i32, flags: u32) -> ConnectListAllNetworksReply;
        #[call(291, virNetworkUpdate, high, [network.write, network.save if flags & (VIR_NETWORK_UPDATE_AFFECT_CONFIG | VIR_NETWORK_UPDATE_AFFECT_LIVE) == 0, network.save if flags & VIR_NETWORK_UPDATE_AFFECT_CONFIG != 0])]
        fn network_update(net: NetworkRef, command: u32, section: u32, parent_index: i32, xml: String, flags: u32);
        #[call(341, virNetworkGetDHCPLeases, low, [network.read])]
        fn network_get_dhcp_leases(net: NetworkRef, mac: Option<String>, need_results: i32, flags: u32) -> NetworkGetDhcpLeasesReply;
        #[call(404, virNetworkListAllPorts, high, [network.search_ports])]
        fn network_list_all_ports(network: NetworkRef, need_results: i32, flags: u32) -> NetworkListAllPortsReply;
        #[call(405, virNetworkPortLookupByUUID, high, [network_port.getattr])]
        fn network_port_lookup_by_uuid(network: NetworkRef, uuid: Uuid) -> NetworkPortRef;
        #[call(406, virNetworkPortCreateXML, low, [network_port.create])]
        fn network_port_create_xml(network: NetworkRef, xml: String, flags: u32) -> NetworkPortRef;
        #[call(407, virNetworkPortGetParameters, low, [network_port.read])]
        fn network_port_get_parameters(port: NetworkPortRef, nparams: i32, flags: u32) -> NetworkPortGetParametersReply;
        #[call(408, virNetworkPortSetParameters, low, [network_port.write])]
        fn network_port_set_parameters(port: NetworkPortRef, params: List<TypedParam, 16>, flags: u32);
        #[call(409, virNetworkPortGetXMLDesc, low, [network_port.read])]
        fn network_port_get_xml_desc(port: NetworkPortRef, flags: u32) -> String;
        #[call(410, virNetworkPortDelete, low, [network_port.delete])]
        fn network_port_delete(port: NetworkPortRef, flags: u32);
        #[call(432, virNetworkDefineXMLFlags, high, [network.write, network.save])]
        fn network_define_xml_flags(xml: String, flags: u32) -> NetworkRef;
        #[call(437, virNetworkCreateXMLFlags, high, [network.write, network.start])]
        fn network_create_xml_flags(xml: String, flags: u32) -> NetworkRef;
        #[call(444, virNetworkSetMetadata, low, [network.write, network.save if flags & (VIR_NETWORK_UPDATE_AFFECT_CONFIG | VIR_NETWORK_UPDATE_AFFECT_LIVE) == 0, network.save if flags & VIR_NETWORK_UPDATE_AFFECT_CONFIG != 0])]
        fn network_set_metadata(network: NetworkRef, kind: i32, metadata: Option<String>, key: Option<String>, uri: Option<String>, flags: u32);
        #[call(445, virNetworkGetMetadata, low, [network.read])]
        fn network_get_metadata(network: NetworkRef, kind: i32, uri: Option<String>, flags: u32) -> String;
    }
}

record! {
    /// `remote_connect_list_all_networks_ret`.
    pub struct ConnectListAllNetworksReply {
        #[allow(missing_docs)]
        pub nets: List<NetworkRef, 16_384>,
        #[allow(missing_docs)]
        pub ret: u32,
    }
    /// `remote_network_dhcp_lease`.
    pub struct NetworkDhcpLease {
        #[allow(missing_docs)]
        pub iface: String,
        #[allow(missing_docs)]
        pub expirytime: i64,
        #[allow(missing_docs)]
        pub kind: i32,
        #[allow(missing_docs)]
        pub mac: Option<String>,
        #[allow(missing_docs)]
        pub iaid: Option<String>,
        #[allow(missing_docs)]
        pub ipaddr: String,
        #[allow(missing_docs)]
        pub prefix: u32,
        #[allow(missing_docs)]
        pub hostname: Option<String>,
        #[allow(missing_docs)]
        pub clientid: Option<String>,
    }
    /// `remote_network_get_dhcp_leases_ret`.
    pub struct NetworkGetDhcpLeasesReply {
        #[allow(missing_docs)]
        pub leases: List<NetworkDhcpLease, 65_536>,
        #[allow(missing_docs)]
        pub ret: u32,
    }
    /// `remote_network_list_all_ports_ret`.
    pub struct NetworkListAllPortsReply {
        #[allow(missing_docs)]
        pub ports: List<NetworkPortRef, 16_384>,
        #[allow(missing_docs)]
        pub ret: u32,
    }
    /// `remote_network_port_get_parameters_ret`.
    pub struct NetworkPortGetParametersReply {
        #[allow(missing_docs)]
        pub params: List<TypedParam, 16>,
        #[allow(missing_docs)]
        pub nparams: i32,
    }
}
