//! Firmware for guests: what is installed, told by QEMU's descriptor files, and which of it a guest gets.

mod descriptor;
mod select;

pub use descriptor::{Firmware, Mapping, installed};
pub(crate) use select::fill;
