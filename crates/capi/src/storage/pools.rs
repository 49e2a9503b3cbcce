//! Pools.

use std::ffi::{c_int, c_uint};

use virtus::Uuid;
use virtus::types::StoragePoolGetInfoReply;

use crate::arg::{Names, NonNegative, Out, OutList, Rw, Text};
use crate::connect::Connect;
use crate::declare::{exports, structs};
use crate::handle::Of;
use crate::object::{Child, StoragePool, StorageVolume, virConnect};
use crate::ret::{Lent, Parent};
use crate::uuid::{OutUuid, OutUuidText, UuidText};

structs! {
    /// How full a pool is, in bytes.
    virStoragePoolInfo { state: c_int, capacity: u64, allocation: u64, available: u64 }
}

impl From<StoragePoolGetInfoReply> for virStoragePoolInfo {
    fn from(info: StoragePoolGetInfoReply) -> Self {
        virStoragePoolInfo {
            state: info.state.into(),
            capacity: info.capacity,
            allocation: info.allocation,
            available: info.available,
        }
    }
}

exports! {
    header STORAGE, errors STORAGE;

    "0.4.1" fn virConnectNumOfStoragePools(conn: Of<Connect>) -> c_int = conn.num_of_storage_pools();
    "0.4.1" fn virConnectListStoragePools[call](
        conn: Of<Connect>, names: Names, maxnames: NonNegative<c_int>
    ) -> c_int
        = names.list(call, maxnames, "names", || conn.list_storage_pools());
    "0.4.1" fn virConnectNumOfDefinedStoragePools(conn: Of<Connect>) -> c_int = conn.num_of_defined_storage_pools();
    "0.4.1" fn virConnectListDefinedStoragePools[call](
        conn: Of<Connect>, names: Names, maxnames: NonNegative<c_int>
    ) -> c_int
        = names.list(call, maxnames, "names", || conn.list_defined_storage_pools());
    "0.10.2" fn virConnectListAllStoragePools(
        conn: Of<Connect>, pools: OutList<StoragePool>, flags: c_uint
    ) -> usize
        = pools.fill(&conn, conn.list_all_storage_pools(flags)?);
    "0.4.5" fn virConnectFindStoragePoolSources[call](
        conn: Of<Connect>, r#type: Text, srcSpec: Option<Text>, flags: c_uint
    ) -> String
        = {
            call.check_write()?;
            conn.find_storage_pool_sources(&r#type, srcSpec.as_deref(), flags)
        };
    "5.2.0" fn virConnectGetStoragePoolCapabilities(conn: Of<Connect>, flags: c_uint) -> String
        = conn.storage_pool_capabilities(flags);

    "0.4.1" fn virStoragePoolLookupByName(conn: Of<Connect>, name: Text) -> virtus::StoragePool
        = conn.lookup_storage_pool_by_name(&name);
    "0.4.1" fn virStoragePoolLookupByUUID(conn: Of<Connect>, uuid: Uuid) -> virtus::StoragePool
        = conn.lookup_storage_pool_by_uuid(uuid);
    "0.4.1" fn virStoragePoolLookupByUUIDString(conn: Of<Connect>, uuidstr: UuidText) -> virtus::StoragePool
        = conn.lookup_storage_pool_by_uuid(uuidstr.0);
    "0.4.1" fn virStoragePoolLookupByVolume(vol: Of<StorageVolume>) -> virtus::StoragePool = vol.pool();
    "4.1.0" fn virStoragePoolLookupByTargetPath(conn: Of<Connect>, path: Text) -> virtus::StoragePool
        = conn.lookup_storage_pool_by_target_path(&path);

    "0.4.1" fn virStoragePoolCreateXML(conn: Rw<Connect>, xmlDesc: Text, flags: c_uint) -> virtus::StoragePool
        = conn.create_storage_pool(&xmlDesc, flags);
    "0.4.1" fn virStoragePoolDefineXML(conn: Rw<Connect>, xml: Text, flags: c_uint) -> virtus::StoragePool
        = conn.define_storage_pool(&xml, flags);
    "0.4.1" fn virStoragePoolBuild(pool: Rw<StoragePool>, flags: c_uint) -> () = pool.build(flags);
    "0.4.1" fn virStoragePoolUndefine(pool: Rw<StoragePool>) -> () = pool.undefine();
    "0.4.1" fn virStoragePoolCreate(pool: Rw<StoragePool>, flags: c_uint) -> () = pool.create(flags);
    "0.4.1" fn virStoragePoolDestroy(pool: Rw<StoragePool>) -> () = pool.destroy();
    "0.4.1" fn virStoragePoolDelete(pool: Rw<StoragePool>, flags: c_uint) -> () = pool.delete(flags);
    "0.4.1" fn virStoragePoolRefresh(pool: Rw<StoragePool>, flags: c_uint) -> () = pool.refresh(flags);

    "0.4.1" fn virStoragePoolFree(pool: Of<StoragePool>) -> () = pool.free();
    "0.6.0" fn virStoragePoolRef(pool: Of<StoragePool>) -> () = pool.add();
    "0.4.1" fn virStoragePoolGetConnect(pool: Of<StoragePool>) -> Parent<virConnect>
        = Ok(Parent(pool.parent().as_c()));

    "0.4.1" fn virStoragePoolGetName(pool: Of<StoragePool>) -> Lent = Ok(Lent::new(&pool.name));
    "0.4.1" fn virStoragePoolGetUUID(pool: Of<StoragePool>, uuid: OutUuid) -> () = uuid.put(pool.uuid());
    "0.4.1" fn virStoragePoolGetUUIDString(pool: Of<StoragePool>, buf: OutUuidText) -> () = buf.put(pool.uuid());
    "0.4.1" fn virStoragePoolGetInfo(pool: Of<StoragePool>, info: Out<virStoragePoolInfo>) -> ()
        = pool.info().map(|reply| info.put(reply.into()));
    "0.4.1" fn virStoragePoolGetXMLDesc(pool: Of<StoragePool>, flags: c_uint) -> String = pool.xml(flags);
    "0.4.1" fn virStoragePoolGetAutostart(pool: Of<StoragePool>, autostart: Out<c_int>) -> ()
        = pool.autostart().map(|on| autostart.put(on.into()));
    "0.4.1" fn virStoragePoolSetAutostart(pool: Rw<StoragePool>, autostart: c_int) -> ()
        = pool.set_autostart(autostart != 0);
    "0.7.3" fn virStoragePoolIsActive(pool: Of<StoragePool>) -> bool = pool.is_active();
    "0.7.3" fn virStoragePoolIsPersistent(pool: Of<StoragePool>) -> bool = pool.is_persistent();

    "0.4.1" fn virStoragePoolNumOfVolumes(pool: Of<StoragePool>) -> c_int = pool.num_of_volumes();
    "0.4.1" fn virStoragePoolListVolumes[call](
        pool: Of<StoragePool>, names: Names, maxnames: NonNegative<c_int>
    ) -> c_int
        = names.list(call, maxnames, "names", || pool.list_volumes());
}
