//! What the driver answers about volumes.

use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use virtus_api::constants::*;
use virtus_api::storage::volume::{StorageVolGetInfoFlagsReply, StorageVolGetInfoReply};
use virtus_api::{
    Call, StoragePoolRef, StorageVolRef, StorageVolumes, StreamPair, VolumePlace, VolumePlaces,
};
use virtus_base::{Error, ErrorCode, ErrorDomain, Result};
use virtus_conf::storage::{Capacity, Pool, Volume, VolumeFormat, VolumeKind};
use virtus_state::definitions::blocking;

use crate::build::{How, build};
use crate::contents::{Contents, no_volume};
use crate::transfer::{Download, Range, Upload};
use crate::{Driver, Shared, change, error, missing, probe};

/// How the wire names a pool's volume.
pub(crate) fn reference(pool: &str, volume: &Volume) -> StorageVolRef {
    StorageVolRef { pool: pool.to_owned(), name: volume.name.clone(), key: volume.key.clone() }
}

fn flags(flags: u32, supported: u32, function: &str) -> Result<()> {
    Error::check_flags(ErrorDomain::STORAGE, flags, supported, function)
}

impl Shared {
    /// The pool of a volume, which has to be active, with what it holds.
    fn pool_of(&self, vol: &StorageVolRef) -> Result<(StoragePoolRef, Arc<Contents>)> {
        let entry = self.pools.by_name(&vol.pool);
        let entry =
            entry.ok_or_else(|| missing(format!("no storage pool with matching name '{}'", vol.pool)))?;
        let pool = crate::reference(&entry.definition().0);
        let contents = self.contents(&pool)?;
        Ok((pool, contents))
    }

    fn volume(&self, vol: &StorageVolRef) -> Result<(Arc<Contents>, Arc<Volume>)> {
        let (_, contents) = self.pool_of(vol)?;
        let volume = contents.get(&vol.name).ok_or_else(|| no_volume(&vol.name))?;
        Ok((contents, volume))
    }

    /// The volume as it is now.
    async fn as_it_is(&self, vol: &StorageVolRef) -> Result<Arc<Volume>> {
        let (contents, volume) = self.volume(vol)?;
        blocking(move || probe::again(&volume).map(|now| contents.update(now))).await
    }

    /// The first volume, in any active pool, that fits.
    fn find_volume(&self, fits: impl Fn(&Volume) -> bool) -> Option<StorageVolRef> {
        self.pools.list().iter().map(|entry| entry.definition()).find_map(|definition| {
            let contents = self.active.get(&definition.0.uuid)?;
            contents.list().iter().find(|v| fits(v)).map(|v| reference(&definition.0.name, v))
        })
    }

    /// Changes the sizes of a pool by what a volume takes or gives back, in bytes.
    fn account(&self, pool: &StoragePoolRef, taken: u64, given: u64) {
        self.change_sizes(pool, |sizes| {
            sizes.allocation = sizes.allocation.saturating_add(taken).saturating_sub(given);
            sizes.available = sizes.available.saturating_sub(taken).saturating_add(given);
        });
    }

    /// Makes a volume, of nothing or of another.
    async fn create_volume(
        &self,
        pool: StoragePoolRef,
        mut volume: Volume,
        from: Option<StorageVolRef>,
        how: How,
    ) -> Result<StorageVolRef> {
        let contents = self.contents(&pool)?;
        let definition = self.find(&pool)?.definition();
        let from = match &from {
            None => None,
            Some(vol) => {
                let (_, source) = self.pool_of(vol)?;
                Some(source.start_use(&vol.name)?)
            }
        };
        if contents.get(&volume.name).is_some() {
            return Err(match from {
                None => error(ErrorCode::STORAGE_VOL_EXIST, format!("'{}'", volume.name)),
                Some(_) => Error::internal(
                    ErrorDomain::STORAGE,
                    format!("storage volume name '{}' already in use.", volume.name),
                ),
            });
        }
        if let Some(from) = &from {
            let source = from.volume.clone();
            let now = blocking(move || probe::again(&source)).await?;
            volume.capacity = volume.capacity.max(now.capacity);
            volume.allocation = volume.allocation.or(now.allocation);
            from.update(now);
        }
        place(&mut volume, &definition.0)?;
        if let Some(backing) = &mut volume.backing {
            if !backing.path.starts_with('/') {
                let directory = Path::new(&volume.target.path).parent().unwrap_or(Path::new("/"));
                backing.path = directory.join(&backing.path).to_string_lossy().into_owned();
            }
            let (path, format) = (backing.path.clone(), volume.target.format);
            if !matches!(format, VolumeFormat::Raw | VolumeFormat::Dir) {
                blocking(move || readable(&path)).await?;
            }
        }
        let claim = contents
            .claim(volume.clone())
            .ok_or_else(|| error(ErrorCode::STORAGE_VOL_EXIST, format!("'{}'", volume.name)))?;
        let source = from.as_ref().map(|from| &*from.volume);
        build(&volume, source, how, &*self.programs, &*self.secrets).await?;
        let made = blocking(move || {
            probe::again(&volume).inspect_err(|_| {
                // what cannot be looked at is not kept
                let _ = change::delete(&volume);
            })
        })
        .await?;
        self.account(&pool, made.allocation.unwrap_or(0), 0);
        let reference = reference(&definition.0.name, &made);
        claim.done(made);
        Ok(reference)
    }

    async fn delete_volume(&self, vol: StorageVolRef) -> Result<()> {
        let (pool, contents) = self.pool_of(&vol)?;
        let alone = contents.alone(&vol.name)?;
        let volume = alone.volume.clone();
        blocking(move || change::delete(&volume)).await?;
        self.account(&pool, 0, alone.volume.allocation.unwrap_or(0));
        contents.forget(&vol.name);
        Ok(())
    }

    async fn resize_volume(&self, vol: StorageVolRef, capacity: u64, flags: u32) -> Result<()> {
        let (pool, contents) = self.pool_of(&vol)?;
        let alone = contents.alone(&vol.name)?;
        let capacity = change::new_capacity(&alone.volume, capacity, flags)?;
        change::resize(&alone.volume, capacity, flags, &*self.programs, &*self.secrets).await?;
        let (old, volume) = (alone.volume.allocation.unwrap_or(0), alone.volume.clone());
        let now = blocking(move || probe::again(&volume)).await?;
        self.account(&pool, now.allocation.unwrap_or(0), old);
        alone.update(now);
        Ok(())
    }

    async fn wipe_volume(&self, vol: StorageVolRef, algorithm: u32) -> Result<()> {
        let (_, contents) = self.pool_of(&vol)?;
        let alone = contents.alone(&vol.name)?;
        change::wipe(&alone.volume, algorithm, &*self.programs).await?;
        // whatever format it had is gone, unless it is made again by who knows it
        let volume = alone.volume.clone();
        let now = blocking(move || {
            let path = Path::new(&volume.target.path);
            probe::find(volume.name.clone(), path).map_err(|e| {
                Error::system(
                    ErrorDomain::STORAGE,
                    format_args!("cannot open volume '{}'", path.display()),
                    &e,
                )
            })
        })
        .await?;
        now.into_iter().for_each(|now| alone.update(now));
        Ok(())
    }
}

/// Gives a new volume its place in the pool's directory.
fn place(volume: &mut Volume, pool: &Pool) -> Result<()> {
    let invalid = |text| error(ErrorCode::OPERATION_INVALID, text);
    if volume.name.contains('/') {
        return Err(invalid(format!("volume name '{}' cannot contain '/'", volume.name)));
    }
    let directory = pool.target.as_ref().map(|target| target.path.as_str()).unwrap_or_default();
    volume.target.path = format!("{directory}/{}", volume.name);
    volume.key = volume.target.path.clone();
    volume.kind = match volume.target.format {
        VolumeFormat::Dir => VolumeKind::Dir,
        VolumeFormat::Ploop => VolumeKind::Ploop,
        _ => VolumeKind::File,
    };
    match std::fs::symlink_metadata(&volume.target.path) {
        Ok(_) => Err(invalid(format!("volume target path '{}' already exists", volume.target.path))),
        Err(_) => Ok(()),
    }
}

fn readable(path: &str) -> Result<()> {
    rustix::fs::access(path, rustix::fs::Access::READ_OK).map_err(|e| {
        Error::system(
            ErrorDomain::STORAGE,
            format_args!("inaccessible backing store volume {path}"),
            &e.into(),
        )
    })
}

impl Driver {
    /// Sees work to its end, also when the caller goes away meanwhile.
    async fn finish<T, F>(&self, work: impl FnOnce(Arc<Shared>) -> F) -> Result<T>
    where
        T: Send + 'static,
        F: Future<Output = Result<T>> + Send + 'static,
    {
        let done = tokio::spawn(work(self.0.clone())).await;
        done.unwrap_or_else(|e| {
            Err(Error::internal(ErrorDomain::STORAGE, format!("the call's task ended: {e}")))
        })
    }
}

/// What a volume may be made with.
const CREATE_FLAGS: u32 = VIR_STORAGE_VOL_CREATE_PREALLOC_METADATA | VIR_STORAGE_VOL_CREATE_VALIDATE;

fn how(flags: u32) -> How {
    How {
        preallocate: flags & VIR_STORAGE_VOL_CREATE_PREALLOC_METADATA != 0,
        reflink: flags & VIR_STORAGE_VOL_CREATE_REFLINK != 0,
    }
}

impl VolumePlaces for Driver {
    fn place(&self, pool: &str, volume: &str) -> Result<VolumePlace> {
        let entry = self.0.pools.by_name(pool).ok_or_else(|| {
            error(ErrorCode::NO_STORAGE_POOL, format!("no storage pool with matching name '{pool}'"))
        })?;
        let contents = self.0.active.get(&entry.definition().0.uuid).ok_or_else(|| {
            let text = format!("storage pool '{pool}' containing volume '{volume}' is not active");
            Error::new(ErrorDomain::STORAGE, ErrorCode::OPERATION_INVALID, text)
        })?;
        let found = contents.get(volume).ok_or_else(|| no_volume(volume))?;
        Ok(VolumePlace { path: found.target.path.clone(), block: found.kind == VolumeKind::Block })
    }
}

#[async_trait]
impl StorageVolumes for Driver {
    async fn storage_vol_create_xml(
        &self,
        _: &Call,
        pool: StoragePoolRef,
        xml: String,
        given: u32,
    ) -> Result<StorageVolRef> {
        flags(given, CREATE_FLAGS, "storageVolCreateXML")?;
        self.0.contents(&pool)?;
        let strict = given & VIR_STORAGE_VOL_CREATE_VALIDATE != 0;
        let volume = Volume::parse(&xml, Capacity::UnlessBacked, strict)?;
        self.finish(|shared| async move { shared.create_volume(pool, volume, None, how(given)).await }).await
    }

    async fn storage_vol_create_xml_from(
        &self,
        _: &Call,
        pool: StoragePoolRef,
        xml: String,
        clonevol: StorageVolRef,
        given: u32,
    ) -> Result<StorageVolRef> {
        flags(given, CREATE_FLAGS | VIR_STORAGE_VOL_CREATE_REFLINK, "storageVolCreateXMLFrom")?;
        self.0.contents(&pool)?;
        let strict = given & VIR_STORAGE_VOL_CREATE_VALIDATE != 0;
        let volume = Volume::parse(&xml, Capacity::Optional, strict)?;
        self.finish(
            |shared| async move { shared.create_volume(pool, volume, Some(clonevol), how(given)).await },
        )
        .await
    }

    async fn storage_vol_delete(&self, _: &Call, vol: StorageVolRef, given: u32) -> Result<()> {
        self.0.volume(&vol)?;
        flags(given, 0, "virStorageBackendVolDeleteLocal")?;
        self.finish(|shared| async move { shared.delete_volume(vol).await }).await
    }

    async fn storage_vol_lookup_by_name(
        &self,
        _: &Call,
        pool: StoragePoolRef,
        name: String,
    ) -> Result<StorageVolRef> {
        let volume = self.0.contents(&pool)?.get(&name).ok_or_else(|| no_volume(&name))?;
        Ok(reference(&self.0.find(&pool)?.definition().0.name, &volume))
    }

    async fn storage_vol_lookup_by_key(&self, _: &Call, key: String) -> Result<StorageVolRef> {
        self.0.find_volume(|volume| volume.key == key).ok_or_else(|| {
            error(ErrorCode::NO_STORAGE_VOL, format!("no storage vol with matching key {key}"))
        })
    }

    async fn storage_vol_lookup_by_path(&self, _: &Call, path: String) -> Result<StorageVolRef> {
        self.0.find_volume(|volume| volume.target.path == path).ok_or_else(|| {
            error(ErrorCode::NO_STORAGE_VOL, format!("no storage vol with matching path '{path}'"))
        })
    }

    async fn storage_vol_get_info(&self, _: &Call, vol: StorageVolRef) -> Result<StorageVolGetInfoReply> {
        let volume = self.0.as_it_is(&vol).await?;
        let allocation = volume.allocation.unwrap_or(0);
        Ok(StorageVolGetInfoReply { kind: volume.kind.number(), capacity: volume.capacity, allocation })
    }

    async fn storage_vol_get_info_flags(
        &self,
        _: &Call,
        vol: StorageVolRef,
        given: u32,
    ) -> Result<StorageVolGetInfoFlagsReply> {
        flags(given, VIR_STORAGE_VOL_GET_PHYSICAL, "storageVolGetInfoFlags")?;
        let volume = self.0.as_it_is(&vol).await?;
        let allocation = match given & VIR_STORAGE_VOL_GET_PHYSICAL {
            0 => volume.allocation.unwrap_or(0),
            _ => volume.physical,
        };
        Ok(StorageVolGetInfoFlagsReply { kind: volume.kind.number(), capacity: volume.capacity, allocation })
    }

    async fn storage_vol_get_xml_desc(&self, _: &Call, vol: StorageVolRef, given: u32) -> Result<String> {
        flags(given, 0, "storageVolGetXMLDesc")?;
        Ok(self.0.as_it_is(&vol).await?.format())
    }

    async fn storage_vol_get_path(&self, _: &Call, vol: StorageVolRef) -> Result<String> {
        Ok(self.0.volume(&vol)?.1.target.path.clone())
    }

    async fn storage_vol_resize(
        &self,
        _: &Call,
        vol: StorageVolRef,
        capacity: u64,
        given: u32,
    ) -> Result<()> {
        let known =
            VIR_STORAGE_VOL_RESIZE_ALLOCATE | VIR_STORAGE_VOL_RESIZE_DELTA | VIR_STORAGE_VOL_RESIZE_SHRINK;
        flags(given, known, "storageVolResize")?;
        self.finish(|shared| async move { shared.resize_volume(vol, capacity, given).await }).await
    }

    async fn storage_vol_wipe(&self, call: &Call, vol: StorageVolRef, given: u32) -> Result<()> {
        self.storage_vol_wipe_pattern(call, vol, 0, given).await
    }

    async fn storage_vol_wipe_pattern(
        &self,
        _: &Call,
        vol: StorageVolRef,
        algorithm: u32,
        given: u32,
    ) -> Result<()> {
        flags(given, 0, "storageVolWipePattern")?;
        change::check_algorithm(algorithm)?;
        self.finish(|shared| async move { shared.wipe_volume(vol, algorithm).await }).await
    }

    async fn storage_vol_upload(
        &self,
        call: &Call,
        vol: StorageVolRef,
        offset: u64,
        length: u64,
        given: u32,
    ) -> Result<()> {
        flags(given, VIR_STORAGE_VOL_UPLOAD_SPARSE_STREAM, "storageVolUpload")?;
        let (pool, contents) = self.0.pool_of(&vol)?;
        let alone = contents.alone(&vol.name)?;
        let range = Range { offset, length, sparse: given & VIR_STORAGE_VOL_UPLOAD_SPARSE_STREAM != 0 };
        // what came may be of another format, and another size
        let shared = self.0.clone();
        let again = Box::new(move || {
            tokio::task::spawn_blocking(move || shared.refresh(&pool));
        });
        let upload = blocking(move || Upload::open(alone, range, again)).await?;
        call.open_stream(StreamPair { reader: None, writer: Some(Box::new(upload)) });
        Ok(())
    }

    async fn storage_vol_download(
        &self,
        call: &Call,
        vol: StorageVolRef,
        offset: u64,
        length: u64,
        given: u32,
    ) -> Result<()> {
        flags(given, VIR_STORAGE_VOL_DOWNLOAD_SPARSE_STREAM, "storageVolDownload")?;
        let (_, contents) = self.0.pool_of(&vol)?;
        let in_use = contents.start_use(&vol.name)?;
        let range = Range { offset, length, sparse: given & VIR_STORAGE_VOL_DOWNLOAD_SPARSE_STREAM != 0 };
        let download = blocking(move || Download::open(in_use, range)).await?;
        call.open_stream(StreamPair { reader: Some(Box::new(download)), writer: None });
        Ok(())
    }
}
