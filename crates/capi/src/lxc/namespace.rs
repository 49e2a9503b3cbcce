//! Namespaces.

use std::ffi::{c_int, c_uint};
use std::fs::File;
use std::io::Error;
use std::os::fd::{BorrowedFd, IntoRawFd, OwnedFd};

use virtus::{ErrorCode, Result};

use super::system;
use crate::arg::Out;
use crate::call::Call;
use crate::memory;

/// The kinds, in the order in which they are entered.
const KINDS: &[&str] = &["user", "ipc", "uts", "net", "pid", "mnt"];

/// Hands descriptors over as an array; says how many.
pub(super) fn give(files: Vec<OwnedFd>, place: &Out<*mut c_int>) -> Result<usize> {
    let files: Vec<c_int> = files.into_iter().map(IntoRawFd::into_raw_fd).collect();
    place.put(memory::copy(&files)?.as_ptr());
    Ok(files.len())
}

/// Enters namespaces, and tells those it leaves to who asks for them.
pub(super) fn enter(call: &Call, files: &[c_int], old: Option<(Out<c_uint>, Out<*mut c_int>)>) -> Result<()> {
    if files.is_empty() {
        return Err(call.error(ErrorCode::INTERNAL_ERROR, "Expected at least one file descriptor"));
    }
    let left = if old.is_some() { present() } else { Vec::new() };
    for (place, &file) in files.iter().enumerate() {
        if file < 0 {
            continue;
        }
        // SAFETY: the caller has it open during the call; if not, the kernel says so
        let file = unsafe { BorrowedFd::borrow_raw(file) };
        match rustix::thread::move_into_link_name_space(file, None) {
            Ok(()) => {}
            // the first is the user's: who is in it already is told so
            Err(rustix::io::Errno::INVAL) if place == 0 => {}
            Err(errno) => return Err(system(call, "Unable to join domain namespace", &Error::from(errno))),
        }
    }
    if let Some((number, list)) = old {
        let count = give(left, &list)?;
        number.put(c_uint::try_from(count).unwrap_or(c_uint::MAX));
    }
    Ok(())
}

/// Those that the process is in, as far as the kernel has them.
fn present() -> Vec<OwnedFd> {
    let open = |kind: &&str| File::open(format!("/proc/self/ns/{kind}")).ok();
    KINDS.iter().filter_map(open).map(OwnedFd::from).collect()
}
