//! Snapshots of domains.

use virtus_xdr::{List, record};

use crate::constants::{VIR_DOMAIN_SNAPSHOT_CREATE_QUIESCE, VIR_DOMAIN_SNAPSHOT_XML_SECURE};
use crate::macros::driver;
use crate::{DomainRef, DomainSnapshotRef};

driver! {
    program REMOTE; via hypervisor; errors DOMAIN_SNAPSHOT;
    /// Snapshots of domains.
    pub trait DomainSnapshots {
        #[call(185, virDomainSnapshotCreateXML, low, [domain.snapshot, domain.fs_freeze if flags & VIR_DOMAIN_SNAPSHOT_CREATE_QUIESCE != 0])]
        fn domain_snapshot_create_xml(dom: DomainRef, xml_desc: String, flags: u32) -> DomainSnapshotRef;
        #[call(186, virDomainSnapshotGetXMLDesc, high, [domain.read, domain.read_secure if flags & VIR_DOMAIN_SNAPSHOT_XML_SECURE != 0])]
        fn domain_snapshot_get_xml_desc(snap: DomainSnapshotRef, flags: u32) -> String;
        #[call(187, virDomainSnapshotNum, high, [domain.read])]
        fn domain_snapshot_num(dom: DomainRef, flags: u32) -> i32;
        #[call(188, virDomainSnapshotListNames, high, [domain.read])]
        fn domain_snapshot_list_names(dom: DomainRef, maxnames: i32, flags: u32) -> List<String, 16_384>;
        #[call(189, virDomainSnapshotLookupByName, high, [domain.read])]
        fn domain_snapshot_lookup_by_name(dom: DomainRef, name: String, flags: u32) -> DomainSnapshotRef;
        #[call(190, virDomainHasCurrentSnapshot, low, [domain.read])]
        fn domain_has_current_snapshot(dom: DomainRef, flags: u32) -> i32;
        #[call(191, virDomainSnapshotCurrent, low, [domain.read])]
        fn domain_snapshot_current(dom: DomainRef, flags: u32) -> DomainSnapshotRef;
        #[call(192, virDomainRevertToSnapshot, low, [domain.snapshot])]
        fn domain_revert_to_snapshot(snap: DomainSnapshotRef, flags: u32);
        #[call(193, virDomainSnapshotDelete, low, [domain.snapshot])]
        fn domain_snapshot_delete(snap: DomainSnapshotRef, flags: u32);
        #[call(244, virDomainSnapshotGetParent, high, [domain.read])]
        fn domain_snapshot_get_parent(snap: DomainSnapshotRef, flags: u32) -> DomainSnapshotRef;
        #[call(246, virDomainSnapshotNumChildren, high, [domain.read])]
        fn domain_snapshot_num_children(snap: DomainSnapshotRef, flags: u32) -> i32;
        #[call(247, virDomainSnapshotListChildrenNames, high, [domain.read])]
        fn domain_snapshot_list_children_names(snap: DomainSnapshotRef, maxnames: i32, flags: u32) -> List<String, 16_384>;
        #[call(271, virDomainSnapshotIsCurrent, low, [domain.read])]
        fn domain_snapshot_is_current(snap: DomainSnapshotRef, flags: u32) -> i32;
        #[call(272, virDomainSnapshotHasMetadata, low, [domain.read])]
        fn domain_snapshot_has_metadata(snap: DomainSnapshotRef, flags: u32) -> i32;
        #[call(274, virDomainListAllSnapshots, high, [domain.read])]
        fn domain_list_all_snapshots(dom: DomainRef, need_results: i32, flags: u32) -> DomainListAllSnapshotsReply;
        #[call(275, virDomainSnapshotListAllChildren, high, [domain.read])]
        fn domain_snapshot_list_all_children(snapshot: DomainSnapshotRef, need_results: i32, flags: u32) -> DomainSnapshotListAllChildrenReply;
    }
}

record! {
    /// `remote_domain_list_all_snapshots_ret`.
    pub struct DomainListAllSnapshotsReply {
        #[allow(missing_docs)]
        pub snapshots: List<DomainSnapshotRef, 16_384>,
        #[allow(missing_docs)]
        pub ret: i32,
    }
    /// `remote_domain_snapshot_list_all_children_ret`.
    pub struct DomainSnapshotListAllChildrenReply {
        #[allow(missing_docs)]
        pub snapshots: List<DomainSnapshotRef, 16_384>,
        #[allow(missing_docs)]
        pub ret: i32,
    }
}
