//! How objects are named in calls.

use virtus_base::Uuid;
use virtus_xdr::record;

record! {
    /// `remote_nonnull_domain`.
    pub struct DomainRef {
        #[allow(missing_docs)]
        pub name: String,
        #[allow(missing_docs)]
        pub uuid: Uuid,
        #[allow(missing_docs)]
        pub id: i32,
    }
    /// `remote_nonnull_network`.
    pub struct NetworkRef {
        #[allow(missing_docs)]
        pub name: String,
        #[allow(missing_docs)]
        pub uuid: Uuid,
    }
    /// `remote_nonnull_network_port`.
    pub struct NetworkPortRef {
        #[allow(missing_docs)]
        pub net: NetworkRef,
        #[allow(missing_docs)]
        pub uuid: Uuid,
    }
    /// `remote_nonnull_nwfilter`.
    pub struct NwfilterRef {
        #[allow(missing_docs)]
        pub name: String,
        #[allow(missing_docs)]
        pub uuid: Uuid,
    }
    /// `remote_nonnull_nwfilter_binding`.
    pub struct NwfilterBindingRef {
        #[allow(missing_docs)]
        pub portdev: String,
        #[allow(missing_docs)]
        pub filtername: String,
    }
    /// `remote_nonnull_storage_pool`.
    pub struct StoragePoolRef {
        #[allow(missing_docs)]
        pub name: String,
        #[allow(missing_docs)]
        pub uuid: Uuid,
    }
    /// `remote_nonnull_storage_vol`.
    pub struct StorageVolRef {
        #[allow(missing_docs)]
        pub pool: String,
        #[allow(missing_docs)]
        pub name: String,
        #[allow(missing_docs)]
        pub key: String,
    }
    /// `remote_nonnull_node_device`.
    pub struct NodeDeviceRef {
        #[allow(missing_docs)]
        pub name: String,
    }
    /// `remote_nonnull_secret`.
    pub struct SecretRef {
        #[allow(missing_docs)]
        pub uuid: Uuid,
        #[allow(missing_docs)]
        pub usage_type: i32,
        #[allow(missing_docs)]
        pub usage_id: String,
    }
    /// `remote_nonnull_interface`.
    pub struct InterfaceRef {
        #[allow(missing_docs)]
        pub name: String,
        #[allow(missing_docs)]
        pub mac: String,
    }
    /// `remote_nonnull_domain_snapshot`.
    pub struct DomainSnapshotRef {
        #[allow(missing_docs)]
        pub name: String,
        #[allow(missing_docs)]
        pub dom: DomainRef,
    }
    /// `remote_nonnull_domain_checkpoint`.
    pub struct DomainCheckpointRef {
        #[allow(missing_docs)]
        pub name: String,
        #[allow(missing_docs)]
        pub dom: DomainRef,
    }
    /// `admin_nonnull_server`.
    pub struct ServerRef {
        #[allow(missing_docs)]
        pub name: String,
    }
    /// `admin_nonnull_client`.
    pub struct ClientRef {
        #[allow(missing_docs)]
        pub srv: ServerRef,
        #[allow(missing_docs)]
        pub id: u64,
        #[allow(missing_docs)]
        pub timestamp: i64,
        #[allow(missing_docs)]
        pub transport: u32,
    }
}
