//! Descriptors that the caller keeps: a call sends duplicates.

use std::ffi::c_int;
use std::os::fd::{FromRawFd, OwnedFd};

use virtus::{Error, ErrorDomain, Result};

use crate::arg::InMut;
use crate::call::Call;

/// Duplicates of so many descriptors.
///
/// # Errors
/// `INVALID_ARG` when there is no list; `SYSTEM_ERROR` for one that is not open.
pub(crate) fn duplicates(
    call: &Call,
    files: &InMut<c_int>,
    count: std::ffi::c_uint,
    name: &str,
) -> Result<Vec<OwnedFd>> {
    // SAFETY: the caller has so many
    let files = unsafe { files.values(count, call, name)? };
    files.iter().map(|file| duplicate(*file)).collect()
}

/// A duplicate of a descriptor.
///
/// # Errors
/// `SYSTEM_ERROR` when it is not open.
pub(crate) fn duplicate(file: c_int) -> Result<OwnedFd> {
    // SAFETY: it may be called with any number
    let copy = unsafe { libc::fcntl(file, libc::F_DUPFD_CLOEXEC, 3) };
    if copy < 0 {
        let why = std::io::Error::last_os_error();
        return Err(Error::system(ErrorDomain::RPC, format!("Cannot duplicate FD {file}"), &why));
    }
    // SAFETY: it was made just now, and nobody else knows of it
    Ok(unsafe { OwnedFd::from_raw_fd(copy) })
}

/// Whether a descriptor is open at all.
///
/// # Errors
/// `SYSTEM_ERROR` when it is not.
pub(crate) fn check(call: &Call, file: c_int) -> Result<()> {
    // SAFETY: it may be called with any number
    if unsafe { libc::fcntl(file, libc::F_GETFD) } >= 0 {
        return Ok(());
    }
    let why = std::io::Error::last_os_error();
    Err(Error::system(call.errors, format!("Unable to access file descriptor {file}"), &why))
}
