//! The QEMU command line of a guest, and what is decided before it.
//!
//! Pure: what must be known of the host comes in as [`Context`]. [`prepare`] completes a live definition whose
//! devices have addresses and aliases, [`build`] describes it to QEMU.

mod boot;
pub(crate) mod build;
mod cells;
mod check;
mod clock;
mod cpu;
mod firmware;
pub mod guest;
pub(crate) mod guest_cpu;
mod launch_security;
pub(crate) mod line;
mod machine;
pub(crate) mod memory;
pub mod native;
mod numa;
mod order;
pub(crate) mod plan;
pub(crate) mod prepare;
pub mod props;
mod smbios;
mod threads;

pub use guest::{Context, Guest, Secret};
pub use line::CommandLine;
pub use memory::{directories as memory_directories, has_huge_pages};
pub use order::build;
pub use plan::Plan;
pub use prepare::prepare;
pub use props::Props;
pub(crate) use threads::limits as throttle_limits;

#[cfg(test)]
mod tests;
