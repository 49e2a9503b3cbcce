//! `virterror.h`.

use std::ffi::{c_int, c_void};
use std::ptr::{NonNull, null_mut};
use std::sync::PoisonError;

use virtus::ErrorDomain;

use super::{HANDLER, Handler, Opaque, last, reset, virError, virErrorFunc};
use crate::ctype::Char;
use crate::declare::exports;
use crate::handle::Of;
use crate::memory;
use crate::object::{Connect, virConnect};

exports! {
    header ERROR, errors NONE;

    plain {
        "0.1.0" fn virGetLastError() -> *mut virError = present(last());
        "4.5.0" fn virGetLastErrorCode() -> c_int = look(|error| error.code);
        "4.5.0" fn virGetLastErrorDomain() -> c_int = look(|error| error.domain);
        "1.0.6" fn virGetLastErrorMessage() -> *const Char = message();
        "0.1.0" fn virResetLastError() = reset();
        "0.1.0" fn virResetError(err: *mut virError)
            // SAFETY: as the caller promises
            = unsafe { empty(err) };
        "0.6.1" fn virSaveLastError() -> *mut virError = save();
        "0.6.1" fn virFreeError(err: *mut virError)
            // SAFETY: as the caller promises
            = unsafe {
            empty(err);
            memory::free(err);
        };
        // SAFETY: as the caller promises; this thread's own is good
        "0.1.0" fn virCopyLastError(to: *mut virError) -> c_int = unsafe { copy(last(), to) };
        "0.1.0" fn virSetErrorFunc(userData: *mut c_void, handler: virErrorFunc) =
            *HANDLER.lock().unwrap_or_else(PoisonError::into_inner) =
                Handler { function: handler, opaque: Opaque(userData) };
        "0.1.0" fn virDefaultErrorFunc(err: *mut virError)
            // SAFETY: as the caller promises
            = unsafe { err.as_ref().map_or((), |err| print(err)) };

        "0.1.0" fn virConnGetLastError(conn: *mut virConnect) -> *mut virError =
            of(conn).map_or(null_mut(), |conn| conn.errors().with(|last| last));
        "0.1.0" fn virConnResetLastError(conn: *mut virConnect) =
            // SAFETY: a connection's error is good, and changed under its lock only
            of(conn).map_or((), |conn| conn.errors().with(|last| unsafe { empty(last) }));
        "0.1.0" fn virConnCopyLastError(conn: *mut virConnect, to: *mut virError) -> c_int =
            // SAFETY: as the caller promises; a connection's error is good
            of(conn).map_or(-1, |conn| conn.errors().with(|last| unsafe { copy(last, to) }));
        "0.1.0" fn virConnSetErrorFunc(conn: *mut virConnect, userData: *mut c_void, handler: virErrorFunc) =
            of(conn).map_or((), |conn| {
                conn.errors().set_handler(Handler { function: handler, opaque: Opaque(userData) });
            });
    }
}

fn of(conn: *mut virConnect) -> Option<Of<Connect>> {
    Of::find(conn)
}

fn present(error: *mut virError) -> *mut virError {
    // SAFETY: it is this thread's own, or null
    match unsafe { error.as_ref() } {
        Some(virError { code: 1.., .. }) => error,
        _ => null_mut(),
    }
}

fn look(look: fn(&virError) -> c_int) -> c_int {
    // SAFETY: it is this thread's own, or null
    unsafe { last().as_ref() }.map_or(0, look)
}

fn message() -> *const Char {
    let fixed = |text: &'static std::ffi::CStr| text.as_ptr().cast::<Char>();
    // SAFETY: it is this thread's own, or null
    match unsafe { last().as_ref() } {
        None | Some(virError { code: 0, .. }) => fixed(c"no error"),
        Some(error) if error.message.is_null() => fixed(c"unknown error"),
        Some(error) => error.message,
    }
}

/// # Safety
/// Null, or an error whose texts came from `malloc`.
unsafe fn empty(error: *mut virError) {
    if let Some(mut error) = NonNull::new(error) {
        // SAFETY: as the caller promises
        unsafe { error.as_mut().empty() }
    }
}

/// # Safety
/// `from` is null or an error whose texts have their ends; `to` is null or room for one, whatever is in it.
unsafe fn copy(from: *mut virError, to: *mut virError) -> c_int {
    if to.is_null() {
        return -1;
    }
    // SAFETY: as the caller promises
    unsafe {
        let copy = from.as_ref().map_or(virError::NONE, |from| from.copy());
        // callers need not have cleared it, so there is nothing in it to be freed
        to.write(copy);
        copy.code
    }
}

fn save() -> *mut virError {
    let errno = std::io::Error::last_os_error().raw_os_error();
    let saved = match memory::array::<virError>(1) {
        // SAFETY: it is room for one, of zeros, which is an error without texts; the thread's own is good
        Ok(room) => unsafe {
            copy(last(), room.as_ptr());
            room.as_ptr()
        },
        Err(_) => null_mut(),
    };
    // a caller who cleans up wants to find the number as it was
    if let Some(errno) = errno {
        // SAFETY: it is this thread's own
        unsafe { *libc::__errno_location() = errno };
    }
    saved
}

/// Tells a person: `libvirt: QEMU Driver error : …`.
///
/// # Safety
/// The message is null or has its end.
pub(super) unsafe fn print(error: &virError) {
    if error.code == 0 {
        return;
    }
    let part = ErrorDomain(error.domain).label();
    let level = match error.level {
        1 => "warning",
        2 => "error",
        _ => "",
    };
    let message = match error.message.is_null() {
        true => std::borrow::Cow::Borrowed(""),
        // SAFETY: as the caller promises
        false => unsafe { std::ffi::CStr::from_ptr(error.message.cast()) }.to_string_lossy(),
    };
    let end = if message.ends_with('\n') { "" } else { "\n" };
    let line = format!("libvirt: {} {level} : {message}{end}", part);
    // one that cannot be written cannot be reported either
    let _ = std::io::Write::write_all(&mut std::io::stderr().lock(), line.as_bytes());
}
