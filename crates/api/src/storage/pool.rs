//! Storage pools.

use virtus_base::Uuid;
use virtus_xdr::{List, record};

use crate::macros::driver;
use crate::{StoragePoolRef, StorageVolRef};

driver! {
    program REMOTE; via storage; errors STORAGE;
    /// Storage pools.
    pub trait StoragePools {
        #[call(71, virConnectNumOfStoragePools, high, [connect.search_storage_pools])]
        fn connect_num_of_storage_pools() -> i32;
        #[call(72, virConnectListStoragePools, high, [connect.search_storage_pools])]
        fn connect_list_storage_pools(maxnames: i32) -> List<String, 16_384>;
        #[call(73, virConnectNumOfDefinedStoragePools, high, [connect.search_storage_pools])]
        fn connect_num_of_defined_storage_pools() -> i32;
        #[call(74, virConnectListDefinedStoragePools, high, [connect.search_storage_pools])]
        fn connect_list_defined_storage_pools(maxnames: i32) -> List<String, 16_384>;
        #[call(75, virConnectFindStoragePoolSources, low, [connect.detect_storage_pools])]
        fn connect_find_storage_pool_sources(kind: String, src_spec: Option<String>, flags: u32) -> String;
        #[call(76, virStoragePoolCreateXML, low, [storage_pool.start, storage_pool.write])]
        fn storage_pool_create_xml(xml: String, flags: u32) -> StoragePoolRef;
        #[call(77, virStoragePoolDefineXML, high, [storage_pool.write, storage_pool.save])]
        fn storage_pool_define_xml(xml: String, flags: u32) -> StoragePoolRef;
        #[call(78, virStoragePoolCreate, low, [storage_pool.start])]
        fn storage_pool_create(pool: StoragePoolRef, flags: u32);
        #[call(79, virStoragePoolBuild, low, [storage_pool.format])]
        fn storage_pool_build(pool: StoragePoolRef, flags: u32);
        #[call(80, virStoragePoolDestroy, high, [storage_pool.stop])]
        fn storage_pool_destroy(pool: StoragePoolRef);
        #[call(81, virStoragePoolDelete, low, [storage_pool.format])]
        fn storage_pool_delete(pool: StoragePoolRef, flags: u32);
        #[call(82, virStoragePoolUndefine, high, [storage_pool.delete])]
        fn storage_pool_undefine(pool: StoragePoolRef);
        #[call(83, virStoragePoolRefresh, low, [storage_pool.refresh])]
        fn storage_pool_refresh(pool: StoragePoolRef, flags: u32);
        #[call(84, virStoragePoolLookupByName, high, [storage_pool.getattr])]
        fn storage_pool_lookup_by_name(name: String) -> StoragePoolRef;
        #[call(85, virStoragePoolLookupByUUID, high, [storage_pool.getattr])]
        fn storage_pool_lookup_by_uuid(uuid: Uuid) -> StoragePoolRef;
        #[call(86, virStoragePoolLookupByVolume, high, [storage_pool.getattr])]
        fn storage_pool_lookup_by_volume(vol: StorageVolRef) -> StoragePoolRef;
        #[call(87, virStoragePoolGetInfo, high, [storage_pool.read])]
        fn storage_pool_get_info(pool: StoragePoolRef) -> StoragePoolGetInfoReply;
        #[call(88, virStoragePoolGetXMLDesc, high, [storage_pool.read])]
        fn storage_pool_get_xml_desc(pool: StoragePoolRef, flags: u32) -> String;
        #[call(89, virStoragePoolGetAutostart, high, [storage_pool.read])]
        fn storage_pool_get_autostart(pool: StoragePoolRef) -> i32;
        #[call(90, virStoragePoolSetAutostart, high, [storage_pool.write])]
        fn storage_pool_set_autostart(pool: StoragePoolRef, autostart: i32);
        #[call(91, virStoragePoolNumOfVolumes, high, [storage_pool.search_storage_vols])]
        fn storage_pool_num_of_volumes(pool: StoragePoolRef) -> i32;
        #[call(92, virStoragePoolListVolumes, high, [storage_pool.search_storage_vols])]
        fn storage_pool_list_volumes(pool: StoragePoolRef, maxnames: i32) -> List<String, 16_384>;
        #[call(154, virStoragePoolIsActive, high, [storage_pool.read])]
        fn storage_pool_is_active(pool: StoragePoolRef) -> i32;
        #[call(155, virStoragePoolIsPersistent, high, [storage_pool.read])]
        fn storage_pool_is_persistent(pool: StoragePoolRef) -> i32;
        #[call(281, virConnectListAllStoragePools, high, [connect.search_storage_pools])]
        fn connect_list_all_storage_pools(need_results: i32, flags: u32) -> ConnectListAllStoragePoolsReply;
        #[call(282, virStoragePoolListAllVolumes, high, [storage_pool.search_storage_vols])]
        fn storage_pool_list_all_volumes(pool: StoragePoolRef, need_results: i32, flags: u32) -> StoragePoolListAllVolumesReply;
        #[call(391, virStoragePoolLookupByTargetPath, high, [storage_pool.getattr])]
        fn storage_pool_lookup_by_target_path(path: String) -> StoragePoolRef;
        #[call(403, virConnectGetStoragePoolCapabilities, low, [connect.read])]
        fn connect_get_storage_pool_capabilities(flags: u32) -> String;
    }
}

record! {
    /// `remote_storage_pool_get_info_ret`.
    pub struct StoragePoolGetInfoReply {
        #[allow(missing_docs)]
        pub state: u8,
        #[allow(missing_docs)]
        pub capacity: u64,
        #[allow(missing_docs)]
        pub allocation: u64,
        #[allow(missing_docs)]
        pub available: u64,
    }
    /// `remote_connect_list_all_storage_pools_ret`.
    pub struct ConnectListAllStoragePoolsReply {
        #[allow(missing_docs)]
        pub pools: List<StoragePoolRef, 16_384>,
        #[allow(missing_docs)]
        pub ret: u32,
    }
    /// `remote_storage_pool_list_all_volumes_ret`.
    pub struct StoragePoolListAllVolumesReply {
        #[allow(missing_docs)]
        pub vols: List<StorageVolRef, 16_384>,
        #[allow(missing_docs)]
        pub ret: u32,
    }
}
