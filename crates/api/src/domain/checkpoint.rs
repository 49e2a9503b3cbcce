//! Checkpoints of domains.

use virtus_xdr::{List, record};

use crate::constants::{VIR_DOMAIN_CHECKPOINT_CREATE_QUIESCE, VIR_DOMAIN_CHECKPOINT_XML_SECURE};
use crate::macros::driver;
use crate::{DomainCheckpointRef, DomainRef};

driver! {
    program REMOTE; via hypervisor; errors DOMAIN_CHECKPOINT;
    /// Checkpoints of domains.
    pub trait DomainCheckpoints {
        #[call(411, virDomainCheckpointCreateXML, low, [domain.checkpoint, domain.fs_freeze if flags & VIR_DOMAIN_CHECKPOINT_CREATE_QUIESCE != 0])]
        fn domain_checkpoint_create_xml(dom: DomainRef, xml_desc: String, flags: u32) -> DomainCheckpointRef;
        #[call(412, virDomainCheckpointGetXMLDesc, low, [domain.read, domain.read_secure if flags & VIR_DOMAIN_CHECKPOINT_XML_SECURE != 0])]
        fn domain_checkpoint_get_xml_desc(checkpoint: DomainCheckpointRef, flags: u32) -> String;
        #[call(413, virDomainListAllCheckpoints, high, [domain.read])]
        fn domain_list_all_checkpoints(dom: DomainRef, need_results: i32, flags: u32) -> DomainListAllCheckpointsReply;
        #[call(414, virDomainCheckpointListAllChildren, high, [domain.read])]
        fn domain_checkpoint_list_all_children(checkpoint: DomainCheckpointRef, need_results: i32, flags: u32) -> DomainCheckpointListAllChildrenReply;
        #[call(415, virDomainCheckpointLookupByName, high, [domain.read])]
        fn domain_checkpoint_lookup_by_name(dom: DomainRef, name: String, flags: u32) -> DomainCheckpointRef;
        #[call(416, virDomainCheckpointGetParent, high, [domain.read])]
        fn domain_checkpoint_get_parent(checkpoint: DomainCheckpointRef, flags: u32) -> DomainCheckpointRef;
        #[call(417, virDomainCheckpointDelete, low, [domain.checkpoint])]
        fn domain_checkpoint_delete(checkpoint: DomainCheckpointRef, flags: u32);
    }
}

record! {
    /// `remote_domain_list_all_checkpoints_ret`.
    pub struct DomainListAllCheckpointsReply {
        #[allow(missing_docs)]
        pub checkpoints: List<DomainCheckpointRef, 16_384>,
        #[allow(missing_docs)]
        pub ret: i32,
    }
    /// `remote_domain_checkpoint_list_all_children_ret`.
    pub struct DomainCheckpointListAllChildrenReply {
        #[allow(missing_docs)]
        pub checkpoints: List<DomainCheckpointRef, 16_384>,
        #[allow(missing_docs)]
        pub ret: i32,
    }
}
