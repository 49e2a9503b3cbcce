//! The host's devices.

use virtus_xdr::{List, record};

use crate::NodeDeviceRef;
use crate::constants::{VIR_NODE_DEVICE_UPDATE_AFFECT_CONFIG, VIR_NODE_DEVICE_UPDATE_AFFECT_LIVE};
use crate::macros::driver;

driver! {
    program REMOTE; via nodedev; errors NODEDEV;
    /// The host's devices.
    pub trait NodeDevices {
        #[call(111, virNodeNumOfDevices, high, [connect.search_node_devices])]
        fn node_num_of_devices(cap: Option<String>, flags: u32) -> i32;
        #[call(112, virNodeListDevices, high, [connect.search_node_devices])]
        fn node_list_devices(cap: Option<String>, maxnames: i32, flags: u32) -> List<String, 65_536>;
        #[call(113, virNodeDeviceLookupByName, high, [node_device.getattr])]
        fn node_device_lookup_by_name(name: String) -> NodeDeviceRef;
        #[call(114, virNodeDeviceGetXMLDesc, low, [node_device.read])]
        fn node_device_get_xml_desc(name: String, flags: u32) -> String;
        #[call(115, virNodeDeviceGetParent, high, [node_device.read])]
        fn node_device_get_parent(name: String) -> Option<String>;
        #[call(116, virNodeDeviceNumOfCaps, high, [node_device.read])]
        fn node_device_num_of_caps(name: String) -> i32;
        #[call(117, virNodeDeviceListCaps, high, [node_device.read])]
        fn node_device_list_caps(name: String, maxnames: i32) -> List<String, 65_536>;
        #[call(123, virNodeDeviceCreateXML, low, [node_device.write, node_device.start])]
        fn node_device_create_xml(xml_desc: String, flags: u32) -> NodeDeviceRef;
        #[call(124, virNodeDeviceDestroy, high, [node_device.stop])]
        fn node_device_destroy(name: String);
        #[call(285, virConnectListAllNodeDevices, high, [connect.search_node_devices])]
        fn connect_list_all_node_devices(need_results: i32, flags: u32) -> ConnectListAllNodeDevicesReply;
        #[call(297, virNodeDeviceLookupSCSIHostByWWN, high, [node_device.getattr])]
        fn node_device_lookup_scsi_host_by_wwn(wwnn: String, wwpn: String, flags: u32) -> NodeDeviceRef;
        #[call(428, virNodeDeviceDefineXML, low, [node_device.write, node_device.save])]
        fn node_device_define_xml(xml_desc: String, flags: u32) -> NodeDeviceRef;
        #[call(429, virNodeDeviceUndefine, high, [node_device.delete])]
        fn node_device_undefine(name: String, flags: u32);
        #[call(430, virNodeDeviceCreate, high, [node_device.start])]
        fn node_device_create(name: String, flags: u32);
        #[call(433, virNodeDeviceGetAutostart, high, [node_device.read])]
        fn node_device_get_autostart(name: String) -> i32;
        #[call(434, virNodeDeviceSetAutostart, high, [node_device.write])]
        fn node_device_set_autostart(name: String, autostart: i32);
        #[call(435, virNodeDeviceIsPersistent, high, [node_device.read])]
        fn node_device_is_persistent(name: String) -> i32;
        #[call(436, virNodeDeviceIsActive, high, [node_device.read])]
        fn node_device_is_active(name: String) -> i32;
        #[call(447, virNodeDeviceUpdate, high, [node_device.write, node_device.save if flags & (VIR_NODE_DEVICE_UPDATE_AFFECT_CONFIG | VIR_NODE_DEVICE_UPDATE_AFFECT_LIVE) == 0, node_device.save if flags & VIR_NODE_DEVICE_UPDATE_AFFECT_CONFIG != 0])]
        fn node_device_update(name: String, xml_desc: String, flags: u32);
    }
}

driver! {
    program REMOTE; via hypervisor; errors NODEDEV;
    /// Taking host devices from the host for domains.
    pub trait NodeDeviceAssignment {
        #[call(118, virNodeDeviceDettach, low, [node_device.detach])]
        fn node_device_dettach(name: String);
        #[call(119, virNodeDeviceReAttach, low, [node_device.detach])]
        fn node_device_re_attach(name: String);
        #[call(120, virNodeDeviceReset, low, [node_device.detach])]
        fn node_device_reset(name: String);
        #[call(301, virNodeDeviceDetachFlags, low, [node_device.detach])]
        fn node_device_detach_flags(name: String, driver_name: Option<String>, flags: u32);
    }
}

record! {
    /// `remote_connect_list_all_node_devices_ret`.
    pub struct ConnectListAllNodeDevicesReply {
        #[allow(missing_docs)]
        pub devices: List<NodeDeviceRef, 65_536>,
        #[allow(missing_docs)]
        pub ret: u32,
    }
}
