//! A running QEMU: started, followed, found again, ended.

mod autostart;
pub(crate) mod cgroup;
pub(crate) mod chain;
pub(crate) mod dev;
mod directory;
pub mod events;
pub(crate) mod filters;
pub(crate) mod helper;
pub(crate) mod images;
mod limits;
pub(crate) mod listen;
mod live_cpu;
pub mod log;
pub(crate) mod perf;
pub(crate) mod prepare;
mod reach;
mod reconnect;
pub(crate) mod scheduler;
pub(crate) mod secrets;
pub mod start;
pub mod stop;
pub(crate) mod taps;
mod tune;
pub(crate) mod volumes;

pub(crate) use autostart::autostart;
pub(crate) use prepare::is_serial;
pub use reconnect::reconnect;

use std::time::Duration;

pub use crate::domain::running::{AgentSlot, Job, Running, Unplugged};

/// How long QEMU may take for a command before its caller is told.
pub const MONITOR_TIMEOUT: Duration = Duration::from_secs(30);
