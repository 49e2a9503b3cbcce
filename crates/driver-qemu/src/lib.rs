//! The QEMU driver.

pub mod address;
pub mod capabilities;
pub mod define;
mod disk_name;
pub mod emulator;
mod machine;
pub mod postparse;
pub mod validate;
