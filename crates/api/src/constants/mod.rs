//! libvirt's public constants under their C names, one file for each of its headers.

use virtus_base::{ErrorCode, ErrorDomain};

pub mod admin;
pub mod common;
pub mod domain;
pub mod domain_checkpoint;
pub mod domain_fields;
pub mod domain_snapshot;
pub mod domain_stats;
pub mod event;
pub mod host;
pub mod interface;
pub mod network;
pub mod nodedev;
pub mod nwfilter;
pub mod qemu;
pub mod secret;
pub mod storage;
pub mod stream;

#[doc(no_inline)]
pub use admin::*;
#[doc(no_inline)]
pub use common::*;
#[doc(no_inline)]
pub use domain::*;
#[doc(no_inline)]
pub use domain_checkpoint::*;
#[doc(no_inline)]
pub use domain_fields::*;
#[doc(no_inline)]
pub use domain_snapshot::*;
#[doc(no_inline)]
pub use domain_stats::*;
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
pub use qemu::*;
#[doc(no_inline)]
pub use secret::*;
#[doc(no_inline)]
pub use storage::*;
#[doc(no_inline)]
pub use stream::*;

/// What each of libvirt's headers declares.
pub const HEADERS: &[Header] = &[
    Header::new("libvirt-common").enums(common::ENUMS).numbers(common::NUMBERS),
    Header::new("libvirt-host").enums(host::ENUMS).numbers(host::NUMBERS).texts(&[host::TEXTS]),
    Header::new("libvirt-domain-checkpoint").enums(domain_checkpoint::ENUMS),
    Header::new("libvirt-domain-snapshot").enums(domain_snapshot::ENUMS),
    Header::new("libvirt-domain")
        .enums(domain::ENUMS)
        .numbers(domain_fields::NUMBERS)
        .texts(&[domain_fields::TEXTS, domain_stats::TEXTS]),
    Header::new("libvirt-event").enums(event::ENUMS),
    Header::new("libvirt-interface").enums(interface::ENUMS),
    Header::new("libvirt-network").enums(network::ENUMS).texts(&[network::TEXTS]),
    Header::new("libvirt-nodedev").enums(nodedev::ENUMS),
    Header::new("libvirt-nwfilter").enums(nwfilter::ENUMS),
    Header::new("libvirt-secret").enums(secret::ENUMS),
    Header::new("libvirt-storage").enums(storage::ENUMS),
    Header::new("libvirt-stream").enums(stream::ENUMS),
    Header::new("virterror").enums(ERRORS),
    Header::new("libvirt-qemu").enums(qemu::ENUMS),
    Header::new("libvirt-lxc"),
    Header::new("libvirt-admin").enums(admin::ENUMS).texts(&[admin::TEXTS]),
];

/// The enumerations of `virterror.h`, whose numbers `virtus-base` has.
const ERRORS: &[Enum] = &[
    Enum {
        name: "virErrorLevel",
        values: &[("VIR_ERR_NONE", 0), ("VIR_ERR_WARNING", 1), ("VIR_ERR_ERROR", 2)],
    },
    Enum { name: "virErrorDomain", values: ErrorDomain::NAMES },
    Enum { name: "virErrorNumber", values: ErrorCode::NAMES },
];

/// Every enumeration.
pub fn enums() -> impl Iterator<Item = &'static Enum> {
    HEADERS.iter().flat_map(|h| h.enums)
}

/// Every constant of the C API that has a value: those of enumerations, then numbers, then texts, by header.
pub fn constants() -> impl Iterator<Item = Constant> {
    HEADERS.iter().flat_map(Header::constants)
}

/// One of libvirt's headers, by what it declares.
#[derive(Clone, Copy, Debug)]
pub struct Header {
    /// Its name without `.h`.
    pub name: &'static str,
    /// Its enumerations.
    pub enums: &'static [Enum],
    /// Its numbers that belong to no enumeration.
    pub numbers: &'static [(&'static str, i64)],
    /// Its constants that are text, in parts.
    pub texts: &'static [&'static [(&'static str, &'static str)]],
}

impl Header {
    const fn new(name: &'static str) -> Header {
        Header { name, enums: &[], numbers: &[], texts: &[] }
    }

    const fn enums(self, enums: &'static [Enum]) -> Header {
        Header { enums, ..self }
    }

    const fn numbers(self, numbers: &'static [(&'static str, i64)]) -> Header {
        Header { numbers, ..self }
    }

    const fn texts(self, texts: &'static [&'static [(&'static str, &'static str)]]) -> Header {
        Header { texts, ..self }
    }

    /// What it declares, as constants.
    pub fn constants(&self) -> impl Iterator<Item = Constant> + use<> {
        let header = self.name;
        let of_enums = self.enums.iter().flat_map(|e| e.values).chain(self.numbers);
        let texts = self.texts.iter().copied().flatten();
        of_enums
            .map(move |&(name, value)| Constant { name, value: Value::Number(value), header })
            .chain(texts.map(move |&(name, text)| Constant { name, value: Value::Text(text), header }))
    }
}

/// An enumeration of the C API: its name, and its constants in order.
#[derive(Clone, Copy, Debug)]
pub struct Enum {
    /// The C type's name.
    pub name: &'static str,
    /// Names and values.
    pub values: &'static [(&'static str, i64)],
}

/// A constant of the C API.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Constant {
    /// Its name in C.
    pub name: &'static str,
    /// What it stands for.
    pub value: Value,
    /// The header that declares it, without `.h`.
    pub header: &'static str,
}

/// What a [`Constant`] stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Value {
    /// A number.
    Number(i64),
    /// The name of a parameter or field, or a part of one.
    Text(&'static str),
}
