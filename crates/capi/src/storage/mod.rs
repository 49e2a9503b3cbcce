//! `libvirt-storage.h`: pools and their volumes.

pub(crate) mod pools;
pub(crate) mod volumes;

pub use pools::*;
pub use volumes::*;
