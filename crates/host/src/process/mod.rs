//! Processes: starting QEMU and other long-lived helpers, and watching them through pidfds.

mod child;
mod counter;
mod credentials;
mod dev;
mod loan;
mod namespace;
mod pidfd;
mod scheduler;
mod spawn;
mod usage;

pub use child::Step;
pub use counter::{Counter, Event};
pub use credentials::Credentials;
pub use dev::PrivateDev;
pub use loan::{Lender, Loan};
pub use namespace::{add_node, remove_node};
pub use pidfd::{Exit, Process, start_time};
pub use rustix::process::{Resource, Signal};
pub use scheduler::{Policy, set_scheduler};
pub use spawn::{Spawn, SpawnError};
pub use usage::{Usage, affinity, set_affinity, threads, usage};
