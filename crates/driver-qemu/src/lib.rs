//! The QEMU driver.

pub mod address;
mod disk_name;
mod machine;
