//! Small readers and errors that hand-written parts share.

use virtus_base::{Bitmap, Error, ErrorCode, ErrorDomain, Result};
use virtus_xml::{Element, Value, field};

/// How fields are read that declare nothing.
pub(crate) const RULES: field::Rules = field::Rules {
    missing: None,
    invalid: None,
    code: ErrorCode::XML_ERROR,
    invalid_code: ErrorCode::XML_ERROR,
    domain: virtus_base::ErrorDomain::DOMAIN,
    number: field::NumberRule::Any,
    base: 10,
};

/// `XML_ERROR` of the domain code.
pub(crate) fn xml_error(text: impl Into<String>) -> Error {
    Error::new(ErrorDomain::DOMAIN, ErrorCode::XML_ERROR, text)
}

/// `CONFIG_UNSUPPORTED` of the domain code.
pub(crate) fn unsupported(text: impl Into<String>) -> Error {
    Error::new(ErrorDomain::DOMAIN, ErrorCode::CONFIG_UNSUPPORTED, text)
}

/// `INTERNAL_ERROR` of the domain code.
pub(crate) fn internal(text: impl Into<String>) -> Error {
    Error::internal(ErrorDomain::DOMAIN, text)
}

/// An attribute's text, which has to be there.
pub(crate) fn required_attr_text<'a>(e: Element<'a>, name: &str) -> Result<&'a str> {
    e.attr(name).ok_or_else(|| field::missing(e.name(), name, &RULES))
}

/// A typed attribute that may be absent.
pub(crate) fn keyword_attr<V: Value>(e: Element<'_>, name: &str) -> Result<Option<V>> {
    field::attr(Some(e), name, &RULES)
}

/// A bitmap attribute that may be absent.
pub(crate) fn bitmap_attr(e: Element<'_>, name: &str) -> Result<Option<Bitmap>> {
    e.attr(name).map(bitmap).transpose()
}

/// A bitmap, or libvirt's error for what is none.
pub(crate) fn bitmap(text: &str) -> Result<Bitmap> {
    Bitmap::parse(text).ok_or_else(|| {
        Error::new(ErrorDomain::NONE, ErrorCode::INVALID_ARG, format!("Failed to parse bitmap '{text}'"))
    })
}
