//! Constants of `libvirt-interface.h`.

use crate::macros::constants;

constants! {
    virConnectListAllInterfacesFlags: u32 {
        VIR_CONNECT_LIST_INTERFACES_ACTIVE = 2,
        VIR_CONNECT_LIST_INTERFACES_INACTIVE = 1,
    }
    virInterfaceDefineFlags: u32 {
        VIR_INTERFACE_DEFINE_VALIDATE = 1,
    }
    virInterfaceXMLFlags: u32 {
        VIR_INTERFACE_XML_INACTIVE = 1,
    }
}
