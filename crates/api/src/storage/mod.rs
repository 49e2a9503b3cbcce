//! Storage: pools and volumes.

pub mod pool;
pub mod volume;

pub use pool::StoragePools;
pub use volume::StorageVolumes;
