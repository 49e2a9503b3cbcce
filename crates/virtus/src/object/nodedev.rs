//! The host's devices.

use super::*;

listed! { nodedev_methods
    NodeDevice {
        fn xml(self, flags: u32) -> String = Remote::node_device_get_xml_desc(self, flags);
        fn parent(self) -> Option<String> = Remote::node_device_get_parent(self);
        fn num_of_caps(self) -> i32 = Remote::node_device_num_of_caps(self);
        fn list_caps(self) -> Vec<String> = Remote::node_device_list_caps(self, 65_536);
        fn destroy(self) = Remote::node_device_destroy(self);
        fn undefine(self, flags: u32) = Remote::node_device_undefine(self, flags);
        fn create(self, flags: u32) = Remote::node_device_create(self, flags);
        fn autostart(self) -> bool = Remote::node_device_get_autostart(self);
        fn set_autostart(self, autostart: bool) = Remote::node_device_set_autostart(self, autostart);
        fn is_persistent(self) -> bool = Remote::node_device_is_persistent(self);
        fn is_active(self) -> bool = Remote::node_device_is_active(self);
        fn update(self, xml_desc: &str, flags: u32) = Remote::node_device_update(self, xml_desc, flags);
        fn detach(self) = Remote::node_device_dettach(self);
        fn reattach(self) = Remote::node_device_re_attach(self);
        fn reset(self) = Remote::node_device_reset(self);
        fn detach_flags(self, driver_name: Option<&str>, flags: u32)
            = Remote::node_device_detach_flags(self, driver_name, flags);
    }
}

nodedev_methods!(methods);
