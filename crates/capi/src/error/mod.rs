//! The last error: each thread has one, and each connection.

mod c;
mod exports;

use std::cell::UnsafeCell;
use std::ffi::c_void;
use std::sync::{Mutex, PoisonError};

use virtus::{Error, ErrorCode, ErrorDomain, ErrorLevel};
use virtus_base::Fields;

pub(crate) use c::{CALLBACKS, STRUCTS};
pub use c::{virError, virErrorFunc};
pub(crate) use exports::EXPORTS;
pub use exports::*;

use crate::object::Connect;

/// A thread's last error. C gets pointers to it, which hold until its next call.
struct Last(UnsafeCell<virError>);

impl Drop for Last {
    fn drop(&mut self) {
        // SAFETY: the thread ends, and its pointers with it; the texts are ours
        unsafe { self.0.get_mut().empty() }
    }
}

thread_local! {
    static LAST: Last = const { Last(UnsafeCell::new(virError::NONE)) };
}

/// Where this thread's last error is; null while the thread ends.
pub(crate) fn last() -> *mut virError {
    LAST.try_with(|last| last.0.get()).unwrap_or(std::ptr::null_mut())
}

/// There is no last error now.
pub(crate) fn reset() {
    let last = last();
    if !last.is_null() {
        // SAFETY: it is this thread's own, and no reference to it is kept anywhere
        unsafe { (*last).empty() }
    }
}

/// Makes `error` this thread's last.
pub(crate) fn set(error: &Error) {
    let last = last();
    if !last.is_null() {
        // SAFETY: it is this thread's own, and no reference to it is kept anywhere
        unsafe {
            (*last).empty();
            *last = virError::new(error);
        }
    }
}

/// The error for a failure that nobody has said anything of.
pub(crate) fn unknown() -> Error {
    Error::from_fields(Fields {
        code: ErrorCode::INTERNAL_ERROR,
        domain: ErrorDomain::NONE,
        message: "An error occurred, but the cause is unknown".to_owned(),
        level: ErrorLevel::Error,
        str1: None,
        str2: None,
        str3: None,
        int1: -1,
        int2: -1,
    })
}

/// Makes `error` the last of this thread and of the connection, and calls whoever wants to be told.
pub(crate) fn raise(error: &Error, connection: Option<&Connect>) {
    set(error);
    if let Some(connection) = connection {
        connection.errors().set(error);
    }
    let handler = connection.and_then(|connection| connection.errors().handler());
    let handler = handler.unwrap_or_else(|| *HANDLER.lock().unwrap_or_else(PoisonError::into_inner));
    let last = last();
    if last.is_null() {
        return;
    }
    match handler.function.0 {
        // SAFETY: C has given it to be called with this and a pointer to an error
        Some(function) => unsafe { function(handler.opaque.0, last) },
        // SAFETY: it is this thread's own
        None => unsafe { exports::print(&*last) },
    }
}

/// Who is called for errors.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Handler {
    function: virErrorFunc,
    opaque: Opaque,
}

/// What C wants to see again in its callback.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Opaque(pub(crate) *mut c_void);

// SAFETY: it is only handed on to C, whose matter it is what threads do with it
unsafe impl Send for Opaque {}
// SAFETY: as above
unsafe impl Sync for Opaque {}

static HANDLER: Mutex<Handler> =
    Mutex::new(Handler { function: virErrorFunc(None), opaque: Opaque(std::ptr::null_mut()) });

/// A connection's last error, and who is called for its errors.
#[derive(Debug)]
pub(crate) struct Errors {
    last: Mutex<Box<Shared>>,
    handler: Mutex<Option<Handler>>,
}

#[derive(Debug)]
struct Shared(UnsafeCell<virError>);

// SAFETY: the texts are the error's own; it is only changed under the lock
unsafe impl Send for Shared {}

impl Drop for Shared {
    fn drop(&mut self) {
        // SAFETY: the connection is gone, and what points into it; the texts are ours
        unsafe { self.0.get_mut().empty() }
    }
}

impl Default for Errors {
    fn default() -> Self {
        Errors {
            last: Mutex::new(Box::new(Shared(UnsafeCell::new(virError::NONE)))),
            handler: Mutex::default(),
        }
    }
}

impl Errors {
    fn set(&self, error: &Error) {
        self.with(|last| {
            // SAFETY: under the lock; C may look at it only while no call of the connection fails
            unsafe {
                (*last).empty();
                *last = virError::new(error);
            }
        });
    }

    /// Does something with the last error, which stays where it is as long as the connection.
    fn with<T>(&self, work: impl FnOnce(*mut virError) -> T) -> T {
        work(self.last.lock().unwrap_or_else(PoisonError::into_inner).0.get())
    }

    fn set_handler(&self, handler: Handler) {
        *self.handler.lock().unwrap_or_else(PoisonError::into_inner) = Some(handler);
    }

    fn handler(&self) -> Option<Handler> {
        let handler = *self.handler.lock().unwrap_or_else(PoisonError::into_inner);
        handler.filter(|handler| handler.function.0.is_some())
    }
}
