//! Processes: starting QEMU and other long-lived helpers, and watching them through pidfds.

mod child;
mod dev;
mod pidfd;
mod spawn;
mod usage;

pub use child::Step;
pub use dev::PrivateDev;
pub use pidfd::{Exit, Process, start_time};
pub use rustix::process::{Resource, Signal};
pub use spawn::{Credentials, Spawn, SpawnError};
pub use usage::{Usage, affinity, set_affinity, threads, usage};
