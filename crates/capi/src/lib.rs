//! The C API of libvirt 11.3: the public functions of `libvirt.so.0`, `libvirt-qemu.so.0`, `libvirt-lxc.so.0` and
//! `libvirt-admin.so.0`, on top of the client crate [`virtus`].
//!
//! A function is declared once, by an entry of the macro `exports!` ([`declare`]) in the module that has the name of
//! its header: the version that brought it, its name, its arguments, its result, and what it does. From that come
//! the symbol, the checks of arguments with libvirt's errors, the handling of the last error, and a row of
//! [`exports`], from which headers, symbol maps and the table of what is covered are written.
//!
//! How to add one:
//!
//! 1. Write its entry. What C gives has a type that says what is refused ([`arg`]): `Of<Domain>` a handle,
//!    `Rw<Domain>` a handle of a connection that may change something, `Text` a text that must be there,
//!    `Option<Text>` one that may be missing, `Out<T>` room that must be there, `Positive<c_int>` and so on.
//!    What C gets has one that says what tells a failure ([`ret`]): `()` is 0 or -1, `String` a text to be freed,
//!    `virtus::Domain` a new handle.
//! 2. A struct or a callback it needs is one entry of `structs!` or `callbacks!`.
//! 3. A kind of object has a file in `object`, with what is said of a handle that is none.
//!
//! What happens is told by the event loop, the program's or the one that comes along (`event`, `notice`).
//!
//! How it works: handles are numbers, never addresses ([`handle`]); what is handed over comes from `malloc`
//! ([`memory`]); nothing unwinds into C ([`call`]).

// names are C's
#![allow(non_snake_case, non_camel_case_types)]
// the border itself: each place says why it is sound
#![allow(unsafe_code)]
// the body of an entry is one expression
#![allow(clippy::unit_arg)]
// what C gives and gets is named by traits of ours; the functions are public for C's sake
#![allow(private_interfaces, private_bounds)]

mod admin;
mod arg;
mod call;
mod connect;
pub mod ctype;
pub mod declare;
mod domain;
mod error;
mod event;
mod flags;
mod handle;
mod interface;
mod listing;
mod lxc;
mod memory;
mod network;
mod nodedev;
mod notice;
mod nwfilter;
pub mod object;
mod params;
mod qemu;
mod ret;
mod secret;
mod storage;
mod stream;
#[cfg(test)]
mod tests;
mod uuid;

use declare::{Export, TypeDef};

pub use admin::*;
pub use connect::*;
pub use domain::*;
pub use error::*;
pub use event::*;
pub use interface::*;
pub use lxc::*;
pub use network::*;
pub use nodedev::*;
pub use notice::*;
pub use nwfilter::*;
pub use params::*;
pub use qemu::*;
pub use secret::*;
pub use storage::*;
pub use stream::*;

/// Every function.
pub fn exports() -> impl Iterator<Item = &'static Export> {
    const FLAT: &[&[Export]] = &[
        admin::clients::EXPORTS,
        admin::close::EXPORTS,
        admin::connection::EXPORTS,
        admin::servers::EXPORTS,
        error::EXPORTS,
        event::EXPORTS,
        interface::EXPORTS,
        lxc::EXPORTS,
        network::leases::EXPORTS,
        network::networks::EXPORTS,
        network::ports::EXPORTS,
        nodedev::EXPORTS,
        nwfilter::EXPORTS,
        params::EXPORTS,
        qemu::EXPORTS,
        secret::EXPORTS,
        storage::pools::EXPORTS,
        storage::volumes::EXPORTS,
    ];
    [connect::EXPORTS, domain::EXPORTS, notice::EXPORTS, stream::EXPORTS, FLAT]
        .into_iter()
        .flatten()
        .copied()
        .flatten()
}

/// Every struct whose fields C may see.
pub fn structs() -> impl Iterator<Item = &'static TypeDef> {
    const FLAT: &[&[TypeDef]] = &[
        error::STRUCTS,
        network::leases::STRUCTS,
        params::STRUCTS,
        storage::pools::STRUCTS,
        storage::volumes::STRUCTS,
    ];
    [connect::STRUCTS, domain::STRUCTS, notice::STRUCTS, FLAT].into_iter().flatten().copied().flatten()
}

/// Every type of function that C gives.
pub fn callbacks() -> impl Iterator<Item = &'static TypeDef> {
    const FLAT: &[&[TypeDef]] =
        &[admin::close::CALLBACKS, error::CALLBACKS, event::CALLBACKS, stream::CALLBACKS];
    [connect::CALLBACKS, notice::TYPES, FLAT].into_iter().flatten().copied().flatten()
}

/// The types whose inside C does not see.
pub fn opaque() -> &'static [&'static str] {
    object::OPAQUE
}
