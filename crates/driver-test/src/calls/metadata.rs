//! What libvirt itself looks at when metadata of a domain or network is read or set, before it asks a driver.
//!
//! The kinds have the same numbers for both.

use virtus_api::constants::{
    VIR_DOMAIN_METADATA_DESCRIPTION, VIR_DOMAIN_METADATA_ELEMENT, VIR_DOMAIN_METADATA_TITLE,
};
use virtus_base::{Error, ErrorDomain, Result};

fn must((domain, function): (ErrorDomain, &str), argument: &str, what: &str) -> Error {
    Error::invalid_argument(domain, function, argument, format!("{argument} in {function} {what}"))
}

/// A URI belongs to elements, and to nothing else.
pub(super) fn check_get(of: (ErrorDomain, &str), kind: i32, uri: Option<&str>) -> Result<()> {
    match (kind, uri) {
        (VIR_DOMAIN_METADATA_ELEMENT, None) => Err(must(of, "uri", "must not be NULL")),
        (VIR_DOMAIN_METADATA_TITLE | VIR_DOMAIN_METADATA_DESCRIPTION, Some(_)) => {
            Err(must(of, "uri", "must be NULL"))
        }
        _ => Ok(()),
    }
}

/// The same when metadata is set, with the prefix (`key`) for the URI; titles are a line.
pub(super) fn check_set(
    of: (ErrorDomain, &str),
    kind: i32,
    (metadata, key, uri): (Option<&str>, Option<&str>, Option<&str>),
) -> Result<()> {
    if kind == VIR_DOMAIN_METADATA_TITLE && metadata.is_some_and(|title| title.contains('\n')) {
        let text = "metadata title can't contain newlines".to_owned();
        return Err(Error::invalid_argument(of.0, of.1, "metadata", text));
    }
    check_get(of, kind, uri)?;
    match kind {
        VIR_DOMAIN_METADATA_ELEMENT if metadata.is_some() && key.is_none() => {
            Err(must(of, "key", "must not be NULL"))
        }
        VIR_DOMAIN_METADATA_TITLE | VIR_DOMAIN_METADATA_DESCRIPTION if key.is_some() => {
            Err(must(of, "key", "must be NULL"))
        }
        _ => Ok(()),
    }
}
