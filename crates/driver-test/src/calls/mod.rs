//! What the driver answers, one file a subject.

mod agent;
mod block;
mod checkpoint;
mod connection;
mod console;
mod device;
mod info;
mod interface;
mod lifecycle;
mod metadata;
mod network;
mod nodedev;
mod params;
mod pool;
mod save;
pub(crate) mod snapshot;
mod stats;
mod tuning;
mod unsupported;
mod volume;
