//! The headers, under libvirt's names: constants from `virtus-api`, types and functions from `virtus-capi`, what is
//! said of them from the manual.
//!
//! A header that is included by itself includes all of libvirt.h's, so that their order is nobody's concern.

mod constants;
mod functions;
mod text;
mod types;

use std::collections::HashMap;

pub use types::names;
pub(crate) use types::of as types;

use virtus::constants as api;
use virtus::manual;

/// A header.
#[derive(Clone, Debug)]
pub struct Header {
    /// Its file name.
    pub file: String,
    /// What is in it.
    pub text: String,
}

/// What libvirt.h consists of, in an order in which each knows what it needs.
const PARTS: &[&str] = &[
    "libvirt-common",
    "libvirt-host",
    "libvirt-domain",
    "libvirt-domain-checkpoint",
    "libvirt-domain-snapshot",
    "libvirt-event",
    "libvirt-interface",
    "libvirt-network",
    "libvirt-nodedev",
    "libvirt-nwfilter",
    "libvirt-secret",
    "libvirt-storage",
    "libvirt-stream",
    "virterror",
];

/// Headers of their own.
pub(crate) const ALONE: &[&str] = &["libvirt-qemu", "libvirt-lxc", "libvirt-admin"];

/// Every header.
pub fn all() -> Vec<Header> {
    let manual: HashMap<_, _> = manual::entries().map(|entry| (entry.function, entry)).collect();
    let part = |name: &&str| Header { file: format!("{name}.h"), text: part(name, &manual) };
    let mut headers = vec![Header { file: "libvirt.h".to_owned(), text: whole() }];
    headers.extend(PARTS.iter().map(part));
    headers.extend(ALONE.iter().map(part));
    headers
}

/// libvirt.h itself.
fn whole() -> String {
    let includes: String = PARTS.iter().map(|part| format!("#include <libvirt/{part}.h>\n")).collect();
    let about = text::comment(
        "The C API of libvirt, by Virtus.\n\
         A function that fails answers -1, or NULL where it answers a pointer, if nothing else is said; \
         virGetLastError then tells why. One that answers 0 or a pointer else went well. Texts and arrays that a \
         function answers as something that can be changed (char *) are to be freed with free(); what cannot be \
         changed (const char *) belongs to the object. Flags that are not known are refused with INVALID_ARG. \
         Every function may be called from every thread.",
    );
    format!("{about}#ifndef LIBVIRT_H\n#define LIBVIRT_H\n\n{includes}\n#endif /* LIBVIRT_H */\n")
}

fn part(name: &str, manual: &HashMap<&'static str, manual::Entry>) -> String {
    let guard = format!("{}_H", name.to_uppercase().replace('-', "_"));
    let mut body = String::new();
    if let Some(header) = api::HEADERS.iter().find(|header| header.name == name) {
        body += &constants::numbers(header);
        // types that are enumerations come before what has them
        body += &constants::enums(header);
        body += &constants::texts(header);
    }
    body += types::before(name);
    body += &types::declared(name);
    body += types::after(name);
    body += &functions::of(name, manual);
    let guarded = format!(
        "#ifndef {guard}\n#define {guard}\n\n{}#ifdef __cplusplus\nextern \"C\" {{\n#endif\n\n{body}#ifdef __cplusplus\n}}\n\
         #endif\n\n#endif /* {guard} */\n",
        types::includes(name),
    );
    if ALONE.contains(&name) {
        return guarded;
    }
    format!("#ifndef LIBVIRT_H\n#include <libvirt/libvirt.h>\n#else\n{guarded}#endif /* LIBVIRT_H */\n")
}

#[cfg(test)]
mod tests;
