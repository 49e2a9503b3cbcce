//! Volumes of storage pools.

use async_trait::async_trait;
use virtus_api::constants::VIR_STORAGE_VOL_CREATE_VALIDATE;
use virtus_api::storage::StorageVolumes;
use virtus_api::storage::volume::StorageVolGetInfoReply;
use virtus_api::{Call, StoragePoolRef, StorageVolRef};
use virtus_base::{ErrorCode, Result};
use virtus_conf::storage::{Capacity, Kind, Volume};

use crate::node::allocation;
use crate::state::PoolObject;
use crate::{Driver, error, flags, internal};

impl PoolObject {
    pub(super) fn volume_ref(&self, volume: &Volume) -> StorageVolRef {
        StorageVolRef {
            pool: self.definition.name.clone(),
            name: volume.name.clone(),
            key: volume.key.clone(),
        }
    }

    fn volume(&self, name: &str) -> Result<&Volume> {
        let found = self.volumes.iter().find(|volume| volume.name == name);
        found.ok_or_else(|| {
            error(ErrorCode::NO_STORAGE_VOL, format!("no storage vol with matching name '{name}'"))
        })
    }

    /// Makes the volume of a document; `from` is the one it is a copy of.
    fn create(&mut self, xml: &str, from: Option<&str>, given: u32) -> Result<StorageVolRef> {
        let strict = given & VIR_STORAGE_VOL_CREATE_VALIDATE != 0;
        let mut volume = Volume::parse(xml, Capacity::UnlessBacked, strict)?;
        if self.volumes.iter().any(|other| other.name == volume.name) {
            return Err(error(ErrorCode::OPERATION_FAILED, "storage vol already exists"));
        }
        if let Some(from) = from {
            self.volume(from)?;
        }
        let sizes = self.definition.sizes;
        if sizes.allocation.saturating_add(allocation(&volume)) > sizes.capacity {
            return Err(internal(format!("Not enough free space in pool for volume '{}'", volume.name)));
        }
        volume.target.path.clear();
        volume.key.clear();
        self.place(&mut volume);
        let reference = self.volume_ref(&volume);
        self.add(volume);
        Ok(reference)
    }

    /// What volumes of such a pool are.
    fn volume_kind(&self) -> virtus_conf::storage::VolumeKind {
        use virtus_conf::storage::VolumeKind;
        match self.definition.kind {
            Kind::Dir | Kind::Fs | Kind::Netfs | Kind::Vstorage => VolumeKind::File,
            Kind::Sheepdog | Kind::IscsiDirect | Kind::Gluster | Kind::Rbd => VolumeKind::Network,
            _ => VolumeKind::Block,
        }
    }
}

impl Driver {
    fn lookup_volume(&self, wanted: impl Fn(&Volume) -> bool, how: &str) -> Result<StorageVolRef> {
        let state = self.state();
        let mut active = state.pools.iter().filter(|pool| pool.active);
        let found = active.find_map(|pool| Some((pool, pool.volumes.iter().find(|volume| wanted(volume))?)));
        match found {
            Some((pool, volume)) => Ok(pool.volume_ref(volume)),
            None => Err(error(ErrorCode::NO_STORAGE_VOL, format!("no storage vol with matching {how}"))),
        }
    }
}

#[async_trait]
impl StorageVolumes for Driver {
    async fn storage_vol_lookup_by_name(
        &self,
        _: &Call,
        pool: StoragePoolRef,
        name: String,
    ) -> Result<StorageVolRef> {
        let mut state = self.state();
        let pool = state.active_pool(&pool.name)?;
        Ok(pool.volume_ref(pool.volume(&name)?))
    }

    async fn storage_vol_lookup_by_key(&self, _: &Call, key: String) -> Result<StorageVolRef> {
        self.lookup_volume(|volume| volume.key == key, &format!("key '{key}'"))
    }

    async fn storage_vol_lookup_by_path(&self, _: &Call, path: String) -> Result<StorageVolRef> {
        self.lookup_volume(|volume| volume.target.path == path, &format!("path '{path}'"))
    }

    async fn storage_vol_create_xml(
        &self,
        _: &Call,
        pool: StoragePoolRef,
        xml: String,
        given: u32,
    ) -> Result<StorageVolRef> {
        flags(given, VIR_STORAGE_VOL_CREATE_VALIDATE, "testStorageVolCreateXML")?;
        self.state().active_pool(&pool.name)?.create(&xml, None, given)
    }

    async fn storage_vol_create_xml_from(
        &self,
        _: &Call,
        pool: StoragePoolRef,
        xml: String,
        clonevol: StorageVolRef,
        given: u32,
    ) -> Result<StorageVolRef> {
        flags(given, VIR_STORAGE_VOL_CREATE_VALIDATE, "testStorageVolCreateXMLFrom")?;
        self.state().active_pool(&pool.name)?.create(&xml, Some(&clonevol.name), given)
    }

    async fn storage_vol_delete(&self, _: &Call, vol: StorageVolRef, given: u32) -> Result<()> {
        flags(given, 0, "testStorageVolDelete")?;
        let mut state = self.state();
        let pool = state.active_pool(&vol.pool)?;
        let freed = allocation(pool.volume(&vol.name)?);
        pool.volumes.retain(|volume| volume.name != vol.name);
        let sizes = &mut pool.definition.sizes;
        sizes.allocation = sizes.allocation.saturating_sub(freed);
        sizes.available = sizes.capacity.saturating_sub(sizes.allocation);
        Ok(())
    }

    async fn storage_vol_get_info(&self, _: &Call, vol: StorageVolRef) -> Result<StorageVolGetInfoReply> {
        let mut state = self.state();
        let pool = state.active_pool(&vol.pool)?;
        let volume = pool.volume(&vol.name)?;
        Ok(StorageVolGetInfoReply {
            kind: pool.volume_kind().number(),
            capacity: volume.capacity,
            allocation: allocation(volume),
        })
    }

    async fn storage_vol_get_xml_desc(&self, _: &Call, vol: StorageVolRef, given: u32) -> Result<String> {
        flags(given, 0, "testStorageVolGetXMLDesc")?;
        let mut state = self.state();
        let mut volume = state.active_pool(&vol.pool)?.volume(&vol.name)?.clone();
        volume.allocation = Some(allocation(&volume));
        Ok(volume.format())
    }

    async fn storage_vol_get_path(&self, _: &Call, vol: StorageVolRef) -> Result<String> {
        let mut state = self.state();
        Ok(state.active_pool(&vol.pool)?.volume(&vol.name)?.target.path.clone())
    }
}
