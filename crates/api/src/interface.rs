//! The host's own network interfaces.

use virtus_xdr::{List, record};

use crate::InterfaceRef;
use crate::macros::driver;

driver! {
    program REMOTE; via interface; errors INTERFACE;
    /// The host's own network interfaces.
    pub trait Interfaces {
        #[call(126, virConnectNumOfInterfaces, high, [connect.search_interfaces])]
        fn connect_num_of_interfaces() -> i32;
        #[call(127, virConnectListInterfaces, high, [connect.search_interfaces])]
        fn connect_list_interfaces(maxnames: i32) -> List<String, 16_384>;
        #[call(128, virInterfaceLookupByName, high, [interface.getattr])]
        fn interface_lookup_by_name(name: String) -> InterfaceRef;
        #[call(129, virInterfaceLookupByMACString, high, [interface.getattr])]
        fn interface_lookup_by_mac_string(mac: String) -> InterfaceRef;
        #[call(130, virInterfaceGetXMLDesc, low, [interface.read])]
        fn interface_get_xml_desc(iface: InterfaceRef, flags: u32) -> String;
        #[call(131, virInterfaceDefineXML, high, [interface.write, interface.save])]
        fn interface_define_xml(xml: String, flags: u32) -> InterfaceRef;
        #[call(132, virInterfaceUndefine, high, [interface.delete])]
        fn interface_undefine(iface: InterfaceRef);
        #[call(133, virInterfaceCreate, low, [interface.start])]
        fn interface_create(iface: InterfaceRef, flags: u32);
        #[call(134, virInterfaceDestroy, high, [interface.stop])]
        fn interface_destroy(iface: InterfaceRef, flags: u32);
        #[call(137, virConnectNumOfDefinedInterfaces, high, [connect.search_interfaces])]
        fn connect_num_of_defined_interfaces() -> i32;
        #[call(138, virConnectListDefinedInterfaces, high, [connect.search_interfaces])]
        fn connect_list_defined_interfaces(maxnames: i32) -> List<String, 16_384>;
        #[call(156, virInterfaceIsActive, high, [interface.read])]
        fn interface_is_active(iface: InterfaceRef) -> i32;
        #[call(220, virInterfaceChangeBegin, low, [connect.interface_transaction])]
        fn interface_change_begin(flags: u32);
        #[call(221, virInterfaceChangeCommit, low, [connect.interface_transaction])]
        fn interface_change_commit(flags: u32);
        #[call(222, virInterfaceChangeRollback, low, [connect.interface_transaction])]
        fn interface_change_rollback(flags: u32);
        #[call(284, virConnectListAllInterfaces, high, [connect.search_interfaces])]
        fn connect_list_all_interfaces(need_results: i32, flags: u32) -> ConnectListAllInterfacesReply;
    }
}

record! {
    /// `remote_connect_list_all_interfaces_ret`.
    pub struct ConnectListAllInterfacesReply {
        #[allow(missing_docs)]
        pub ifaces: List<InterfaceRef, 16_384>,
        #[allow(missing_docs)]
        pub ret: u32,
    }
}
