//! Firmware for guests: what is installed, told by QEMU's descriptor files.

mod descriptor;

pub(crate) use descriptor::{File, FlashMode};
pub use descriptor::{Firmware, Mapping, installed};
