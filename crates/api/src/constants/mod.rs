//! libvirt's public constants under their C names, one file for each of its headers.

pub mod common;
pub mod domain;
pub mod domain_checkpoint;
pub mod domain_snapshot;
pub mod event;
pub mod host;
pub mod interface;
pub mod network;
pub mod nodedev;
pub mod nwfilter;
pub mod secret;
pub mod storage;
pub mod stream;

#[doc(no_inline)]
pub use common::*;
#[doc(no_inline)]
pub use domain::*;
#[doc(no_inline)]
pub use domain_checkpoint::*;
#[doc(no_inline)]
pub use domain_snapshot::*;
#[doc(no_inline)]
pub use event::*;
#[doc(no_inline)]
pub use host::*;
#[doc(no_inline)]
pub use interface::*;
#[doc(no_inline)]
pub use network::*;
#[doc(no_inline)]
pub use nodedev::*;
#[doc(no_inline)]
pub use nwfilter::*;
#[doc(no_inline)]
pub use secret::*;
#[doc(no_inline)]
pub use storage::*;
#[doc(no_inline)]
pub use stream::*;

/// Every enumeration.
pub fn enums() -> impl Iterator<Item = &'static Enum> {
    [
        common::ENUMS,
        domain::ENUMS,
        domain_checkpoint::ENUMS,
        domain_snapshot::ENUMS,
        event::ENUMS,
        host::ENUMS,
        interface::ENUMS,
        network::ENUMS,
        nodedev::ENUMS,
        nwfilter::ENUMS,
        secret::ENUMS,
        storage::ENUMS,
        stream::ENUMS,
    ]
    .into_iter()
    .flatten()
}

/// An enumeration of the C API: its name, and its constants in order.
#[derive(Clone, Copy, Debug)]
pub struct Enum {
    /// The C type's name.
    pub name: &'static str,
    /// Names and values.
    pub values: &'static [(&'static str, i64)],
}
