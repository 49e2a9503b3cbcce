//! The host's network interfaces.

use super::*;

listed! { interface_methods
    Interface {
        fn xml(self, flags: u32) -> String = Remote::interface_get_xml_desc(self, flags);
        fn undefine(self) = Remote::interface_undefine(self);
        fn create(self, flags: u32) = Remote::interface_create(self, flags);
        fn destroy(self, flags: u32) = Remote::interface_destroy(self, flags);
        fn is_active(self) -> bool = Remote::interface_is_active(self);
    }
}

interface_methods!(methods);
