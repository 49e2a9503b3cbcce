//! Snapshots and checkpoints of domains.

use super::*;

listed! { moment_methods
    DomainSnapshot {
        fn xml(self, flags: u32) -> String = Remote::domain_snapshot_get_xml_desc(self, flags);
        fn revert(self, flags: u32) = Remote::domain_revert_to_snapshot(self, flags);
        fn delete(self, flags: u32) = Remote::domain_snapshot_delete(self, flags);
        fn parent(self, flags: u32) -> DomainSnapshot = Remote::domain_snapshot_get_parent(self, flags);
        fn num_children(self, flags: u32) -> i32 = Remote::domain_snapshot_num_children(self, flags);
        fn list_children_names(self, flags: u32) -> Vec<String>
            = Remote::domain_snapshot_list_children_names(self, 16_384, flags);
        fn is_current(self, flags: u32) -> bool = Remote::domain_snapshot_is_current(self, flags);
        fn has_metadata(self, flags: u32) -> bool = Remote::domain_snapshot_has_metadata(self, flags);
        fn list_all_children(self, flags: u32) -> Vec<DomainSnapshot>
            = Remote::domain_snapshot_list_all_children(self, 1, flags);
    }
    DomainCheckpoint {
        fn xml(self, flags: u32) -> String = Remote::domain_checkpoint_get_xml_desc(self, flags);
        fn list_all_children(self, flags: u32) -> Vec<DomainCheckpoint>
            = Remote::domain_checkpoint_list_all_children(self, 1, flags);
        fn parent(self, flags: u32) -> DomainCheckpoint = Remote::domain_checkpoint_get_parent(self, flags);
        fn delete(self, flags: u32) = Remote::domain_checkpoint_delete(self, flags);
    }
}

moment_methods!(methods);
