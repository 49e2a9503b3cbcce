//! What the driver answers, one file a subject.

mod agent;
mod block;
mod connection;
mod info;
mod lifecycle;
mod network;
mod nodedev;
mod params;
mod pool;
mod stats;
mod tuning;
mod unsupported;
mod volume;
