//! `libvirt-domain.h`.

mod basics;

pub(crate) use basics::EXPORTS;
pub use basics::*;
