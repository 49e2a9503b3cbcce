//! The QEMU driver.

pub mod address;
mod agent;
mod calls;
pub mod capabilities;
pub mod change;
pub mod command;
pub mod define;
pub mod device;
mod devices;
mod disk_name;
pub mod domain;
mod driver;
pub mod emulator;
mod error;
#[cfg(test)]
mod fake;
pub mod firmware;
mod keys;
mod launch;
pub mod layout;
mod machine;
pub mod migratable;
mod moment;
mod open;
mod ports;
pub mod postparse;
pub mod process;
pub mod settings;
pub mod stats;
pub mod store;
mod tap_names;
pub mod validate;

pub use driver::{Driver, Setup};

/// The version of libvirt this daemon speaks as, as its clients know it: major, minor and release.
pub const LIBVIRT_VERSION: u64 = 11_003_000;
/// The same in words.
pub const LIBVIRT_VERSION_TEXT: &str = "11.3.0";
