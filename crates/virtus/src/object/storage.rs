//! Storage pools and their volumes.

use super::*;

listed! { storage_methods
    StoragePool {
        fn create(self, flags: u32) = Remote::storage_pool_create(self, flags);
        fn build(self, flags: u32) = Remote::storage_pool_build(self, flags);
        fn destroy(self) = Remote::storage_pool_destroy(self);
        fn delete(self, flags: u32) = Remote::storage_pool_delete(self, flags);
        fn undefine(self) = Remote::storage_pool_undefine(self);
        fn refresh(self, flags: u32) = Remote::storage_pool_refresh(self, flags);
        fn info(self) -> StoragePoolGetInfoReply = Remote::storage_pool_get_info(self);
        fn xml(self, flags: u32) -> String = Remote::storage_pool_get_xml_desc(self, flags);
        fn autostart(self) -> bool = Remote::storage_pool_get_autostart(self);
        fn set_autostart(self, autostart: bool) = Remote::storage_pool_set_autostart(self, autostart);
        fn num_of_volumes(self) -> i32 = Remote::storage_pool_num_of_volumes(self);
        fn list_volumes(self) -> Vec<String> = Remote::storage_pool_list_volumes(self, 16_384);
        fn is_active(self) -> bool = Remote::storage_pool_is_active(self);
        fn is_persistent(self) -> bool = Remote::storage_pool_is_persistent(self);
        fn list_all_volumes(self, flags: u32) -> Vec<StorageVolume>
            = Remote::storage_pool_list_all_volumes(self, 1, flags);
        fn create_volume(self, xml: &str, flags: u32) -> StorageVolume
            = Remote::storage_vol_create_xml(self, xml, flags);
        fn lookup_volume_by_name(self, name: &str) -> StorageVolume
            = Remote::storage_vol_lookup_by_name(self, name);
        fn create_volume_from(self, xml: &str, clonevol: &StorageVolume, flags: u32) -> StorageVolume
            = Remote::storage_vol_create_xml_from(self, xml, clonevol, flags);
    }
    StorageVolume {
        fn pool(self) -> StoragePool = Remote::storage_pool_lookup_by_volume(self);
        fn delete(self, flags: u32) = Remote::storage_vol_delete(self, flags);
        fn info(self) -> StorageVolGetInfoReply = Remote::storage_vol_get_info(self);
        fn xml(self, flags: u32) -> String = Remote::storage_vol_get_xml_desc(self, flags);
        fn path(self) -> String = Remote::storage_vol_get_path(self);
        fn wipe(self, flags: u32) = Remote::storage_vol_wipe(self, flags);
        fn wipe_pattern(self, algorithm: u32, flags: u32)
            = Remote::storage_vol_wipe_pattern(self, algorithm, flags);
        fn resize(self, capacity: u64, flags: u32) = Remote::storage_vol_resize(self, capacity, flags);
        fn info_flags(self, flags: u32) -> StorageVolGetInfoFlagsReply
            = Remote::storage_vol_get_info_flags(self, flags);
        #stream fn upload(self, offset: u64, length: u64, flags: u32)
            = Remote::storage_vol_upload(self, offset, length, flags);
        #stream fn download(self, offset: u64, length: u64, flags: u32)
            = Remote::storage_vol_download(self, offset, length, flags);
    }
}

storage_methods!(methods);
