//! Networks and their ports.

use super::*;

listed! { network_methods
    Network {
        fn create(self) = Remote::network_create(self);
        fn destroy(self) = Remote::network_destroy(self);
        fn xml(self, flags: u32) -> String = Remote::network_get_xml_desc(self, flags);
        fn autostart(self) -> bool = Remote::network_get_autostart(self);
        fn bridge_name(self) -> String = Remote::network_get_bridge_name(self);
        fn set_autostart(self, autostart: bool) = Remote::network_set_autostart(self, autostart);
        fn undefine(self) = Remote::network_undefine(self);
        fn is_active(self) -> bool = Remote::network_is_active(self);
        fn is_persistent(self) -> bool = Remote::network_is_persistent(self);
        fn update(self, command: u32, section: u32, parent_index: i32, xml: &str, flags: u32)
            = Remote::network_update(self, command, section, parent_index, xml, flags);
        fn dhcp_leases(self, mac: Option<&str>, flags: u32) -> Vec<NetworkDhcpLease>
            = Remote::network_get_dhcp_leases(self, mac, 1, flags);
        fn list_all_ports(self, flags: u32) -> Vec<NetworkPort>
            = Remote::network_list_all_ports(self, 1, flags);
        fn lookup_port_by_uuid(self, uuid: Uuid) -> NetworkPort
            = Remote::network_port_lookup_by_uuid(self, uuid);
        fn create_port(self, xml: &str, flags: u32) -> NetworkPort
            = Remote::network_port_create_xml(self, xml, flags);
        fn set_metadata(
            self, kind: i32, metadata: Option<&str>, key: Option<&str>, uri: Option<&str>, flags: u32
        )
            = Remote::network_set_metadata(self, kind, metadata, key, uri, flags);
        fn metadata(self, kind: i32, uri: Option<&str>, flags: u32) -> String
            = Remote::network_get_metadata(self, kind, uri, flags);
    }
    NetworkPort {
        fn parameters(self, flags: u32) -> Vec<TypedParam>
            = Remote::network_port_get_parameters(self, 16, flags);
        fn set_parameters(self, params: &[TypedParam], flags: u32)
            = Remote::network_port_set_parameters(self, params, flags);
        fn xml(self, flags: u32) -> String = Remote::network_port_get_xml_desc(self, flags);
        fn delete(self, flags: u32) = Remote::network_port_delete(self, flags);
    }
}

network_methods!(methods);
