//! Storage: pools and volumes.

pub mod pool;
pub mod volume;

pub use pool::StoragePools;
pub use volume::StorageVolumes;

use virtus_base::Result;

/// What a volume that a document names is on this host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VolumePlace {
    /// Where it is.
    pub path: String,
    /// Whether that is a block device.
    pub block: bool,
}

/// Where drivers learn what the volumes are that their documents name.
pub trait VolumePlaces: Send + Sync + std::fmt::Debug {
    /// The volume of this name in the pool of that name.
    ///
    /// # Errors
    /// `NO_STORAGE_POOL`, `NO_STORAGE_VOL`, `OPERATION_INVALID` when the pool is not active.
    fn place(&self, pool: &str, volume: &str) -> Result<VolumePlace>;
}
