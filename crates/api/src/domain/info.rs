//! Finding domains and describing them.

use virtus_base::Uuid;
use virtus_xdr::{List, record};

use crate::DomainRef;
use crate::constants::{
    VIR_DOMAIN_AFFECT_CONFIG, VIR_DOMAIN_AFFECT_LIVE, VIR_DOMAIN_XML_MIGRATABLE, VIR_DOMAIN_XML_SECURE,
};
use crate::macros::driver;

driver! {
    program REMOTE; via hypervisor; errors DOMAIN;
    /// Finding domains and describing them.
    pub trait DomainInfo {
        #[call(14, virDomainGetXMLDesc, low, [domain.read, domain.read_secure if flags & VIR_DOMAIN_XML_SECURE != 0, domain.read_secure if flags & VIR_DOMAIN_XML_MIGRATABLE != 0])]
        fn domain_get_xml_desc(dom: DomainRef, flags: u32) -> String;
        #[call(16, virDomainGetInfo, low, [domain.read])]
        fn domain_get_info(dom: DomainRef) -> DomainGetInfoReply;
        #[call(19, virDomainGetOSType, high, [domain.read])]
        fn domain_get_os_type(dom: DomainRef) -> String;
        #[call(21, virConnectListDefinedDomains, high, [connect.search_domains])]
        fn connect_list_defined_domains(maxnames: i32) -> List<String, 16_384>;
        #[call(22, virDomainLookupByID, high, [domain.getattr])]
        fn domain_lookup_by_id(id: i32) -> DomainRef;
        #[call(23, virDomainLookupByName, high, [domain.getattr])]
        fn domain_lookup_by_name(name: String) -> DomainRef;
        #[call(24, virDomainLookupByUUID, high, [domain.getattr])]
        fn domain_lookup_by_uuid(uuid: Uuid) -> DomainRef;
        #[call(25, virConnectNumOfDefinedDomains, high, [connect.search_domains])]
        fn connect_num_of_defined_domains() -> i32;
        #[call(37, virConnectListDomains, high, [connect.search_domains])]
        fn connect_list_domains(maxids: i32) -> List<i32, 16_384>;
        #[call(51, virConnectNumOfDomains, high, [connect.search_domains])]
        fn connect_num_of_domains() -> i32;
        #[call(135, virConnectDomainXMLFromNative, low, [connect.write])]
        fn connect_domain_xml_from_native(native_format: String, native_config: String, flags: u32) -> String;
        #[call(136, virConnectDomainXMLToNative, low, [connect.write])]
        fn connect_domain_xml_to_native(native_format: String, domain_xml: String, flags: u32) -> String;
        #[call(150, virDomainIsActive, high, [domain.read])]
        fn domain_is_active(dom: DomainRef) -> i32;
        #[call(151, virDomainIsPersistent, high, [domain.read])]
        fn domain_is_persistent(dom: DomainRef) -> i32;
        #[call(202, virDomainIsUpdated, high, [domain.read])]
        fn domain_is_updated(dom: DomainRef) -> i32;
        #[call(212, virDomainGetState, high, [domain.read])]
        fn domain_get_state(dom: DomainRef, flags: u32) -> DomainGetStateReply;
        #[call(229, virDomainGetControlInfo, high, [domain.read])]
        fn domain_get_control_info(dom: DomainRef, flags: u32) -> DomainGetControlInfoReply;
        #[call(264, virDomainSetMetadata, low, [domain.write, domain.save if flags & (VIR_DOMAIN_AFFECT_CONFIG | VIR_DOMAIN_AFFECT_LIVE) == 0, domain.save if flags & VIR_DOMAIN_AFFECT_CONFIG != 0])]
        fn domain_set_metadata(dom: DomainRef, kind: i32, metadata: Option<String>, key: Option<String>, uri: Option<String>, flags: u32);
        #[call(265, virDomainGetMetadata, low, [domain.read])]
        fn domain_get_metadata(dom: DomainRef, kind: i32, uri: Option<String>, flags: u32) -> String;
        #[call(273, virConnectListAllDomains, high, [connect.search_domains])]
        fn connect_list_all_domains(need_results: i32, flags: u32) -> ConnectListAllDomainsReply;
    }
}

record! {
    /// `remote_domain_get_info_ret`.
    pub struct DomainGetInfoReply {
        #[allow(missing_docs)]
        pub state: u8,
        #[allow(missing_docs)]
        pub max_mem: u64,
        #[allow(missing_docs)]
        pub memory: u64,
        #[allow(missing_docs)]
        pub nr_virt_cpu: u16,
        #[allow(missing_docs)]
        pub cpu_time: u64,
    }
    /// `remote_domain_get_state_ret`.
    pub struct DomainGetStateReply {
        #[allow(missing_docs)]
        pub state: i32,
        #[allow(missing_docs)]
        pub reason: i32,
    }
    /// `remote_domain_get_control_info_ret`.
    pub struct DomainGetControlInfoReply {
        #[allow(missing_docs)]
        pub state: u32,
        #[allow(missing_docs)]
        pub details: u32,
        #[allow(missing_docs)]
        pub state_time: u64,
    }
    /// `remote_connect_list_all_domains_ret`.
    pub struct ConnectListAllDomainsReply {
        #[allow(missing_docs)]
        pub domains: List<DomainRef, 16_384>,
        #[allow(missing_docs)]
        pub ret: u32,
    }
}
