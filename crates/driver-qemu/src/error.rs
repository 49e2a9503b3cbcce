//! The texts every call has in common.

use virtus_base::{Error, ErrorCode, ErrorDomain, Uuid};

/// An error of the driver's own.
pub(crate) fn error(code: ErrorCode, detail: impl Into<String>) -> Error {
    Error::new(ErrorDomain::QEMU, code, detail)
}

/// The agent has to be there for this.
pub(crate) fn no_agent(text: &str) -> Error {
    error(ErrorCode::AGENT_UNRESPONSIVE, text)
}

/// The call makes no sense in the domain's state.
pub(crate) fn invalid(detail: impl Into<String>) -> Error {
    error(ErrorCode::OPERATION_INVALID, detail)
}

/// An argument cannot be.
pub(crate) fn bad_argument(detail: impl Into<String>) -> Error {
    error(ErrorCode::INVALID_ARG, detail)
}

/// The configuration asks for something that is not supported.
pub(crate) fn unsupported(detail: impl Into<String>) -> Error {
    error(ErrorCode::CONFIG_UNSUPPORTED, detail)
}

/// Something that should not happen.
pub(crate) fn internal(detail: impl Into<String>) -> Error {
    Error::internal(ErrorDomain::QEMU, detail)
}

/// The domain has to be active for this.
pub(crate) fn not_running() -> Error {
    Error::new(ErrorDomain::DOMAIN, ErrorCode::OPERATION_INVALID, "domain is not running")
}

/// There is no domain of this UUID; its name is what the caller believes.
pub(crate) fn no_domain(uuid: &Uuid, name: &str) -> Error {
    error(ErrorCode::NO_DOMAIN, format!("no domain with matching uuid '{uuid}' ({name})"))
}

/// A failed system call.
pub(crate) fn system(what: impl std::fmt::Display, source: &std::io::Error) -> Error {
    Error::system(ErrorDomain::QEMU, what, source)
}
