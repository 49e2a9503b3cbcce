//! Descriptors that the program names by their numbers.

use std::io;
use std::os::fd::{BorrowedFd, OwnedFd};

/// A copy of a descriptor that the program has.
///
/// # Errors
/// `EBADF` for a number that is none.
#[allow(unsafe_code)]
pub(crate) fn copy(number: i32) -> io::Result<OwnedFd> {
    // the one number that is no descriptor by definition, and others that are not open
    if number < 0 || std::fs::symlink_metadata(format!("/proc/self/fd/{number}")).is_err() {
        return Err(io::Error::from_raw_os_error(9));
    }
    // SAFETY: it is not -1, and is used for nothing but to be copied at once; should the program close it at this
    // moment, the copy fails.
    let borrowed = unsafe { BorrowedFd::borrow_raw(number) };
    borrowed.try_clone_to_owned()
}
