//! What the driver answers about pools.

use async_trait::async_trait;
use virtus_api::constants::*;
use virtus_api::storage::pool::{
    ConnectListAllStoragePoolsReply, StoragePoolGetInfoReply, StoragePoolListAllVolumesReply,
};
use virtus_api::{Call, StoragePoolRef, StoragePools, StorageVolRef};
use virtus_base::{Error, ErrorCode, ErrorDomain, Result, Uuid};
use virtus_conf::storage::{Kind, Pool};
use virtus_state::definitions::{View, blocking, passes};
use virtus_xdr::List;

use crate::lifecycle::USABLE;
use crate::{Definition, Driver, Kept, error, missing, reference};
use crate::{capabilities, volume_calls};

/// The flag that lists a kind of pools, for each kind.
const KIND_FLAGS: [(Kind, u32); 14] = [
    (Kind::Dir, VIR_CONNECT_LIST_STORAGE_POOLS_DIR),
    (Kind::Fs, VIR_CONNECT_LIST_STORAGE_POOLS_FS),
    (Kind::Netfs, VIR_CONNECT_LIST_STORAGE_POOLS_NETFS),
    (Kind::Logical, VIR_CONNECT_LIST_STORAGE_POOLS_LOGICAL),
    (Kind::Disk, VIR_CONNECT_LIST_STORAGE_POOLS_DISK),
    (Kind::Iscsi, VIR_CONNECT_LIST_STORAGE_POOLS_ISCSI),
    (Kind::IscsiDirect, VIR_CONNECT_LIST_STORAGE_POOLS_ISCSI_DIRECT),
    (Kind::Scsi, VIR_CONNECT_LIST_STORAGE_POOLS_SCSI),
    (Kind::Mpath, VIR_CONNECT_LIST_STORAGE_POOLS_MPATH),
    (Kind::Rbd, VIR_CONNECT_LIST_STORAGE_POOLS_RBD),
    (Kind::Sheepdog, VIR_CONNECT_LIST_STORAGE_POOLS_SHEEPDOG),
    (Kind::Gluster, VIR_CONNECT_LIST_STORAGE_POOLS_GLUSTER),
    (Kind::Zfs, VIR_CONNECT_LIST_STORAGE_POOLS_ZFS),
    (Kind::Vstorage, VIR_CONNECT_LIST_STORAGE_POOLS_VSTORAGE),
];

/// The flags for what a pool is besides its kind.
const STATE_FLAGS: u32 = VIR_CONNECT_LIST_STORAGE_POOLS_ACTIVE
    | VIR_CONNECT_LIST_STORAGE_POOLS_INACTIVE
    | VIR_CONNECT_LIST_STORAGE_POOLS_PERSISTENT
    | VIR_CONNECT_LIST_STORAGE_POOLS_TRANSIENT
    | VIR_CONNECT_LIST_STORAGE_POOLS_AUTOSTART
    | VIR_CONNECT_LIST_STORAGE_POOLS_NO_AUTOSTART;

/// What a start may be asked to do first.
const CREATE_FLAGS: u32 = VIR_STORAGE_POOL_CREATE_WITH_BUILD
    | VIR_STORAGE_POOL_CREATE_WITH_BUILD_OVERWRITE
    | VIR_STORAGE_POOL_CREATE_WITH_BUILD_NO_OVERWRITE;

fn flags(flags: u32, supported: u32, function: &str) -> Result<()> {
    Error::check_flags(ErrorDomain::STORAGE, flags, supported, function)
}

/// Whether a listing with this filter has the pool.
fn admits(filter: u32, view: &View<Definition>, active: bool) -> bool {
    let kinds = KIND_FLAGS.map(|(kind, flag)| (flag, kind == view.definition.0.kind));
    let persistent = view.definition.1 == Kept::Persistent;
    passes(
        filter,
        &[
            &[
                (VIR_CONNECT_LIST_STORAGE_POOLS_ACTIVE, active),
                (VIR_CONNECT_LIST_STORAGE_POOLS_INACTIVE, !active),
            ],
            &[
                (VIR_CONNECT_LIST_STORAGE_POOLS_PERSISTENT, persistent),
                (VIR_CONNECT_LIST_STORAGE_POOLS_TRANSIENT, !persistent),
            ],
            &[
                (VIR_CONNECT_LIST_STORAGE_POOLS_AUTOSTART, view.autostart),
                (VIR_CONNECT_LIST_STORAGE_POOLS_NO_AUTOSTART, !view.autostart),
            ],
            &kinds,
        ],
    )
}

impl Driver {
    /// The names of the pools that are active, or of those that are not.
    fn names(&self, active: bool, max: usize) -> Vec<String> {
        let all = self.0.pools.list();
        let definitions = all.iter().map(|entry| entry.definition());
        let some = definitions.filter(|d| self.0.active.has(&d.0.uuid) == active);
        some.take(max).map(|d| d.0.name.clone()).collect()
    }
}

#[async_trait]
impl StoragePools for Driver {
    async fn connect_num_of_storage_pools(&self, _: &Call) -> Result<i32> {
        Ok(i32::try_from(self.names(true, usize::MAX).len()).unwrap_or(i32::MAX))
    }

    async fn connect_list_storage_pools(&self, _: &Call, maxnames: i32) -> Result<List<String, 16_384>> {
        Ok(List(self.names(true, usize::try_from(maxnames).unwrap_or(0))))
    }

    async fn connect_num_of_defined_storage_pools(&self, _: &Call) -> Result<i32> {
        Ok(i32::try_from(self.names(false, usize::MAX).len()).unwrap_or(i32::MAX))
    }

    async fn connect_list_defined_storage_pools(
        &self,
        _: &Call,
        maxnames: i32,
    ) -> Result<List<String, 16_384>> {
        Ok(List(self.names(false, usize::try_from(maxnames).unwrap_or(0))))
    }

    async fn connect_list_all_storage_pools(
        &self,
        _: &Call,
        need_results: i32,
        filter: u32,
    ) -> Result<ConnectListAllStoragePoolsReply> {
        let known = KIND_FLAGS.iter().fold(STATE_FLAGS, |all, (_, flag)| all | flag);
        flags(filter, known, "storageConnectListAllStoragePools")?;
        let all = self.0.pools.list();
        let views = all
            .iter()
            .map(|entry| entry.view())
            .filter(|view| admits(filter, view, self.0.active.has(&view.definition.0.uuid)));
        let mut pools: Vec<_> = views.map(|view| reference(&view.definition.0)).collect();
        let ret = u32::try_from(pools.len()).unwrap_or(u32::MAX);
        if need_results == 0 {
            pools.clear();
        }
        Ok(ConnectListAllStoragePoolsReply { pools: List(pools), ret })
    }

    async fn connect_find_storage_pool_sources(
        &self,
        call: &Call,
        kind: String,
        spec: Option<String>,
        given: u32,
    ) -> Result<String> {
        flags(given, 0, "storageConnectFindStoragePoolSources")?;
        let text = match (Kind::from_word(&kind), spec) {
            (None, _) => {
                return Err(error(ErrorCode::INVALID_ARG, format!("unknown storage pool type {kind}")));
            }
            (Some(Kind::Netfs), None) => {
                let text = "hostname must be specified for netfs sources";
                return Err(error(ErrorCode::INVALID_ARG, text));
            }
            (Some(Kind::Netfs | Kind::Logical | Kind::Iscsi | Kind::Gluster), _) => call.function.to_owned(),
            (Some(_), _) => format!("pool type '{kind}' does not support source discovery"),
        };
        Err(error(ErrorCode::NO_SUPPORT, text))
    }

    async fn connect_get_storage_pool_capabilities(&self, _: &Call, given: u32) -> Result<String> {
        flags(given, 0, "storageConnectGetStoragePoolCapabilities")?;
        Ok(capabilities::document(USABLE))
    }

    async fn storage_pool_define_xml(&self, _: &Call, xml: String, given: u32) -> Result<StoragePoolRef> {
        flags(given, VIR_STORAGE_POOL_DEFINE_VALIDATE, "storagePoolDefineXML")?;
        let pool = Pool::parse(&xml, given & VIR_STORAGE_POOL_DEFINE_VALIDATE != 0)?;
        let shared = self.0.clone();
        blocking(move || shared.define(pool)).await
    }

    async fn storage_pool_create_xml(&self, _: &Call, xml: String, given: u32) -> Result<StoragePoolRef> {
        flags(given, CREATE_FLAGS, "storagePoolCreateXML")?;
        let pool = Pool::parse(&xml, false)?;
        let shared = self.0.clone();
        blocking(move || shared.create(pool, given)).await
    }

    async fn storage_pool_create(&self, _: &Call, pool: StoragePoolRef, given: u32) -> Result<()> {
        flags(given, CREATE_FLAGS, "storagePoolCreate")?;
        let shared = self.0.clone();
        blocking(move || shared.start_pool(&pool, given)).await
    }

    async fn storage_pool_build(&self, _: &Call, pool: StoragePoolRef, given: u32) -> Result<()> {
        let shared = self.0.clone();
        blocking(move || shared.build(&pool, given)).await
    }

    async fn storage_pool_delete(&self, _: &Call, pool: StoragePoolRef, given: u32) -> Result<()> {
        let shared = self.0.clone();
        blocking(move || shared.delete(&pool, given)).await
    }

    async fn storage_pool_undefine(&self, _: &Call, pool: StoragePoolRef) -> Result<()> {
        let shared = self.0.clone();
        blocking(move || shared.undefine(&pool)).await
    }

    async fn storage_pool_destroy(&self, _: &Call, pool: StoragePoolRef) -> Result<()> {
        let shared = self.0.clone();
        blocking(move || shared.stop_pool(&pool)).await
    }

    async fn storage_pool_refresh(&self, _: &Call, pool: StoragePoolRef, given: u32) -> Result<()> {
        flags(given, 0, "storagePoolRefresh")?;
        let shared = self.0.clone();
        blocking(move || shared.refresh(&pool)).await
    }

    async fn storage_pool_lookup_by_name(&self, _: &Call, name: String) -> Result<StoragePoolRef> {
        match self.0.pools.by_name(&name) {
            Some(entry) => Ok(reference(&entry.definition().0)),
            None => Err(missing(format!("no storage pool with matching name '{name}'"))),
        }
    }

    async fn storage_pool_lookup_by_uuid(&self, _: &Call, uuid: Uuid) -> Result<StoragePoolRef> {
        match self.0.pools.by_uuid(&uuid) {
            Some(entry) => Ok(reference(&entry.definition().0)),
            None => Err(missing(format!("no storage pool with matching uuid '{uuid}'"))),
        }
    }

    async fn storage_pool_lookup_by_target_path(&self, _: &Call, path: String) -> Result<StoragePoolRef> {
        // libvirt looks among active pools alone
        let all = self.0.pools.list();
        let found = all.iter().map(|entry| entry.definition()).find(|d| {
            d.0.target.as_ref().is_some_and(|target| target.path == path) && self.0.active.has(&d.0.uuid)
        });
        found
            .map(|d| reference(&d.0))
            .ok_or_else(|| missing(format!("no storage pool with matching target path '{path}'")))
    }

    async fn storage_pool_get_info(&self, _: &Call, pool: StoragePoolRef) -> Result<StoragePoolGetInfoReply> {
        let sizes = self.0.find(&pool)?.definition().0.sizes;
        let state = match self.0.active.has(&pool.uuid) {
            true => VIR_STORAGE_POOL_RUNNING,
            false => VIR_STORAGE_POOL_INACTIVE,
        };
        Ok(StoragePoolGetInfoReply {
            state: u8::try_from(state).unwrap_or(0),
            capacity: sizes.capacity,
            allocation: sizes.allocation,
            available: sizes.available,
        })
    }

    async fn storage_pool_get_xml_desc(&self, _: &Call, pool: StoragePoolRef, given: u32) -> Result<String> {
        flags(given, VIR_STORAGE_XML_INACTIVE, "storagePoolGetXMLDesc")?;
        Ok(self.0.find(&pool)?.definition().0.format())
    }

    async fn storage_pool_get_autostart(&self, _: &Call, pool: StoragePoolRef) -> Result<i32> {
        Ok(i32::from(self.0.find(&pool)?.view().autostart))
    }

    async fn storage_pool_set_autostart(&self, _: &Call, pool: StoragePoolRef, autostart: i32) -> Result<()> {
        let shared = self.0.clone();
        blocking(move || shared.set_autostart(&pool, autostart != 0)).await
    }

    async fn storage_pool_is_active(&self, _: &Call, pool: StoragePoolRef) -> Result<i32> {
        self.0.find(&pool).map(|_| i32::from(self.0.active.has(&pool.uuid)))
    }

    async fn storage_pool_is_persistent(&self, _: &Call, pool: StoragePoolRef) -> Result<i32> {
        Ok(i32::from(self.0.find(&pool)?.definition().1 == Kept::Persistent))
    }

    async fn storage_pool_num_of_volumes(&self, _: &Call, pool: StoragePoolRef) -> Result<i32> {
        Ok(i32::try_from(self.0.contents(&pool)?.len()).unwrap_or(i32::MAX))
    }

    async fn storage_pool_list_volumes(
        &self,
        _: &Call,
        pool: StoragePoolRef,
        maxnames: i32,
    ) -> Result<List<String, 16_384>> {
        let volumes = self.0.contents(&pool)?.list();
        let max = usize::try_from(maxnames).unwrap_or(0);
        Ok(List(volumes.iter().take(max).map(|volume| volume.name.clone()).collect()))
    }

    async fn storage_pool_list_all_volumes(
        &self,
        _: &Call,
        pool: StoragePoolRef,
        need_results: i32,
        given: u32,
    ) -> Result<StoragePoolListAllVolumesReply> {
        flags(given, 0, "storagePoolListAllVolumes")?;
        let mut volumes = self.0.contents(&pool)?.list();
        let definition = self.0.find(&pool)?.definition();
        let ret = u32::try_from(volumes.len()).unwrap_or(u32::MAX);
        if need_results == 0 {
            volumes.clear();
        }
        let vols = volumes.iter().map(|volume| volume_calls::reference(&definition.0.name, volume)).collect();
        Ok(StoragePoolListAllVolumesReply { vols: List(vols), ret })
    }

    async fn storage_pool_lookup_by_volume(&self, call: &Call, vol: StorageVolRef) -> Result<StoragePoolRef> {
        self.storage_pool_lookup_by_name(call, vol.pool).await
    }
}
