//! Errors that are not the driver's own.

use virtus_base::{Error, ErrorCode, ErrorDomain};

/// An error of the generic domain code.
pub(crate) fn generic(code: ErrorCode, text: impl Into<String>) -> Error {
    Error::new(ErrorDomain::DOMAIN, code, text)
}
