//! What the driver answers, one file a subject.

mod agent;
mod connection;
mod info;
mod lifecycle;
mod network;
mod nodedev;
mod pool;
mod unsupported;
mod volume;
