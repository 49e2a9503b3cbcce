//! The QEMU driver.

pub mod address;
pub mod capabilities;
mod disk_name;
pub mod emulator;
mod machine;
