//! Packet filters and their bindings.

use virtus_base::Uuid;
use virtus_xdr::{List, record};

use crate::macros::driver;
use crate::{NwfilterBindingRef, NwfilterRef};

driver! {
    program REMOTE; via nwfilter; errors NWFILTER;
    /// Packet filters and their bindings.
    pub trait NetworkFilters {
        #[call(175, virNWFilterLookupByName, high, [nwfilter.getattr])]
        fn nwfilter_lookup_by_name(name: String) -> NwfilterRef;
        #[call(176, virNWFilterLookupByUUID, high, [nwfilter.getattr])]
        fn nwfilter_lookup_by_uuid(uuid: Uuid) -> NwfilterRef;
        #[call(177, virNWFilterGetXMLDesc, high, [nwfilter.read])]
        fn nwfilter_get_xml_desc(nwfilter: NwfilterRef, flags: u32) -> String;
        #[call(178, virConnectNumOfNWFilters, high, [connect.search_nwfilters])]
        fn connect_num_of_nwfilters() -> i32;
        #[call(179, virConnectListNWFilters, high, [connect.search_nwfilters])]
        fn connect_list_nwfilters(maxnames: i32) -> List<String, 16_384>;
        #[call(180, virNWFilterDefineXML, high, [nwfilter.write, nwfilter.save])]
        fn nwfilter_define_xml(xml: String) -> NwfilterRef;
        #[call(181, virNWFilterUndefine, high, [nwfilter.delete])]
        fn nwfilter_undefine(nwfilter: NwfilterRef);
        #[call(286, virConnectListAllNWFilters, high, [connect.search_nwfilters])]
        fn connect_list_all_nwfilters(need_results: i32, flags: u32) -> ConnectListAllNwfiltersReply;
        #[call(397, virNWFilterBindingLookupByPortDev, high, [nwfilter_binding.getattr])]
        fn nwfilter_binding_lookup_by_port_dev(name: String) -> NwfilterBindingRef;
        #[call(398, virNWFilterBindingGetXMLDesc, high, [nwfilter_binding.read])]
        fn nwfilter_binding_get_xml_desc(nwfilter: NwfilterBindingRef, flags: u32) -> String;
        #[call(399, virNWFilterBindingCreateXML, high, [nwfilter_binding.create])]
        fn nwfilter_binding_create_xml(xml: String, flags: u32) -> NwfilterBindingRef;
        #[call(400, virNWFilterBindingDelete, high, [nwfilter_binding.delete])]
        fn nwfilter_binding_delete(nwfilter: NwfilterBindingRef);
        #[call(401, virConnectListAllNWFilterBindings, high, [connect.search_nwfilter_bindings])]
        fn connect_list_all_nwfilter_bindings(need_results: i32, flags: u32) -> ConnectListAllNwfilterBindingsReply;
        #[call(431, virNWFilterDefineXMLFlags, high, [nwfilter.write, nwfilter.save])]
        fn nwfilter_define_xml_flags(xml: String, flags: u32) -> NwfilterRef;
    }
}

record! {
    /// `remote_connect_list_all_nwfilters_ret`.
    pub struct ConnectListAllNwfiltersReply {
        #[allow(missing_docs)]
        pub filters: List<NwfilterRef, 16_384>,
        #[allow(missing_docs)]
        pub ret: u32,
    }
    /// `remote_connect_list_all_nwfilter_bindings_ret`.
    pub struct ConnectListAllNwfilterBindingsReply {
        #[allow(missing_docs)]
        pub bindings: List<NwfilterBindingRef, 16_384>,
        #[allow(missing_docs)]
        pub ret: u32,
    }
}
