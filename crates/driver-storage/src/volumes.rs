//! What the driver answers about volumes: which there are, and where.

use async_trait::async_trait;
use virtus_api::{Call, StoragePoolRef, StorageVolRef, StorageVolumes};
use virtus_base::{ErrorCode, Result};
use virtus_conf::storage::Pool;

use crate::{Driver, error, missing};

/// How the wire names a pool's volume; its key is its path.
pub(crate) fn volume(pool: &Pool, name: String) -> StorageVolRef {
    let directory = pool.target.as_ref().map(|target| target.path.as_str()).unwrap_or_default();
    let key = format!("{directory}/{name}");
    StorageVolRef { pool: pool.name.clone(), name, key }
}

impl Driver {
    /// The volume of this path, in any active pool.
    fn at(&self, path: &str) -> Option<StorageVolRef> {
        let all = self.0.pools.list();
        all.iter().map(|entry| entry.definition()).find_map(|definition| {
            let names = self.0.active.volumes(&definition.0.uuid)?;
            names.iter().map(|name| volume(&definition.0, name.clone())).find(|volume| volume.key == path)
        })
    }
}

#[async_trait]
impl StorageVolumes for Driver {
    async fn storage_vol_create_xml(
        &self,
        call: &Call,
        pool: StoragePoolRef,
        _: String,
        _: u32,
    ) -> Result<StorageVolRef> {
        // that the pool is not active is told of first
        self.0.volumes(&pool)?;
        Err(error(ErrorCode::NO_SUPPORT, call.function))
    }

    async fn storage_vol_lookup_by_name(
        &self,
        _: &Call,
        pool: StoragePoolRef,
        name: String,
    ) -> Result<StorageVolRef> {
        match self.0.volumes(&pool)?.contains(&name) {
            true => Ok(volume(&self.0.find(&pool)?.definition().0, name)),
            false => {
                let text = format!("no storage vol with matching name '{name}'");
                Err(error(ErrorCode::NO_STORAGE_VOL, text))
            }
        }
    }

    async fn storage_vol_lookup_by_key(&self, _: &Call, key: String) -> Result<StorageVolRef> {
        self.at(&key).ok_or_else(|| {
            error(ErrorCode::NO_STORAGE_VOL, format!("no storage vol with matching key {key}"))
        })
    }

    async fn storage_vol_lookup_by_path(&self, _: &Call, path: String) -> Result<StorageVolRef> {
        self.at(&path).ok_or_else(|| {
            error(ErrorCode::NO_STORAGE_VOL, format!("no storage vol with matching path '{path}'"))
        })
    }

    async fn storage_vol_get_path(&self, call: &Call, vol: StorageVolRef) -> Result<String> {
        let entry = self.0.pools.by_name(&vol.pool);
        let entry =
            entry.ok_or_else(|| missing(format!("no storage pool with matching name '{}'", vol.pool)))?;
        let pool = crate::reference(&entry.definition().0);
        Ok(self.storage_vol_lookup_by_name(call, pool, vol.name).await?.key)
    }
}
