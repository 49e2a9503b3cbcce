//! Volumes of storage pools.

use virtus_xdr::record;

use crate::macros::driver;
use crate::{StoragePoolRef, StorageVolRef};

driver! {
    program REMOTE; via storage; errors STORAGE;
    /// Volumes of storage pools.
    pub trait StorageVolumes {
        #[call(93, virStorageVolCreateXML, low, [storage_vol.create])]
        fn storage_vol_create_xml(pool: StoragePoolRef, xml: String, flags: u32) -> StorageVolRef;
        #[call(94, virStorageVolDelete, low, [storage_vol.delete])]
        fn storage_vol_delete(vol: StorageVolRef, flags: u32);
        #[call(95, virStorageVolLookupByName, high, [storage_vol.getattr])]
        fn storage_vol_lookup_by_name(pool: StoragePoolRef, name: String) -> StorageVolRef;
        #[call(96, virStorageVolLookupByKey, high, [storage_vol.getattr])]
        fn storage_vol_lookup_by_key(key: String) -> StorageVolRef;
        #[call(97, virStorageVolLookupByPath, high, [storage_vol.getattr])]
        fn storage_vol_lookup_by_path(path: String) -> StorageVolRef;
        #[call(98, virStorageVolGetInfo, high, [storage_vol.read])]
        fn storage_vol_get_info(vol: StorageVolRef) -> StorageVolGetInfoReply;
        #[call(99, virStorageVolGetXMLDesc, high, [storage_vol.read])]
        fn storage_vol_get_xml_desc(vol: StorageVolRef, flags: u32) -> String;
        #[call(100, virStorageVolGetPath, high, [storage_vol.read])]
        fn storage_vol_get_path(vol: StorageVolRef) -> String;
        #[call(125, virStorageVolCreateXMLFrom, low, [storage_vol.create])]
        fn storage_vol_create_xml_from(pool: StoragePoolRef, xml: String, clonevol: StorageVolRef, flags: u32) -> StorageVolRef;
        #[call(165, virStorageVolWipe, low, [storage_vol.format])]
        fn storage_vol_wipe(vol: StorageVolRef, flags: u32);
        #[call(208, virStorageVolUpload, low, [storage_vol.data_write], stream)]
        fn storage_vol_upload(vol: StorageVolRef, offset: u64, length: u64, flags: u32);
        #[call(209, virStorageVolDownload, low, [storage_vol.data_read], stream)]
        fn storage_vol_download(vol: StorageVolRef, offset: u64, length: u64, flags: u32);
        #[call(259, virStorageVolWipePattern, low, [storage_vol.format])]
        fn storage_vol_wipe_pattern(vol: StorageVolRef, algorithm: u32, flags: u32);
        #[call(260, virStorageVolResize, low, [storage_vol.resize])]
        fn storage_vol_resize(vol: StorageVolRef, capacity: u64, flags: u32);
        #[call(378, virStorageVolGetInfoFlags, high, [storage_vol.read])]
        fn storage_vol_get_info_flags(vol: StorageVolRef, flags: u32) -> StorageVolGetInfoFlagsReply;
    }
}

record! {
    /// `remote_storage_vol_get_info_ret`.
    pub struct StorageVolGetInfoReply {
        #[allow(missing_docs)]
        pub kind: i8,
        #[allow(missing_docs)]
        pub capacity: u64,
        #[allow(missing_docs)]
        pub allocation: u64,
    }
    /// `remote_storage_vol_get_info_flags_ret`.
    pub struct StorageVolGetInfoFlagsReply {
        #[allow(missing_docs)]
        pub kind: i8,
        #[allow(missing_docs)]
        pub capacity: u64,
        #[allow(missing_docs)]
        pub allocation: u64,
    }
}
