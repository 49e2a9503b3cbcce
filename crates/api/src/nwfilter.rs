//! Packet filters and their bindings.

use virtus_base::{Result, Uuid};
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

/// A guest's network interface on the host, and what is to filter its packets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FilteredPort {
    /// The interface's name, e.g. `vnet0`.
    pub interface: String,
    /// The interface it is made on, where it is a macvtap.
    pub link: Option<String>,
    /// The guest's name.
    pub owner: String,
    /// The guest's identity.
    pub owner_uuid: Uuid,
    /// The guest's hardware address on it.
    pub mac: [u8; 6],
    /// The filter's name.
    pub filter: String,
    /// Values for the filter's variables; a name that stands several times is a list.
    pub parameters: Vec<(String, String)>,
}

/// Where hypervisors have the packets of their guests filtered. Any of these may wait for the kernel.
pub trait FilterBindings: Send + Sync + std::fmt::Debug {
    /// Has an interface filtered, before anything leaves it. With `again`, one that is filtered for the same
    /// guest already is as wanted.
    ///
    /// # Errors
    /// libvirt's: a filter that does not exist, values that are missing, an interface that is filtered already.
    /// The interface is as before then.
    fn bind(&self, port: &FilteredPort, again: bool) -> Result<()>;

    /// Ends the filtering of an interface that is gone or about to go; nothing when it is not filtered. It does
    /// not wait.
    fn unbind(&self, interface: &str);
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
