//! `virError`, and how it is filled and emptied.

use std::ffi::{c_int, c_void};
use std::ptr::null_mut;

use virtus::Error;

use crate::ctype::Char;
use crate::declare::{callbacks, structs};
use crate::memory;
use crate::object::{virConnect, virDomain, virNetwork};

structs! {
    /// An error, as C sees it.
    virError {
        code: c_int,
        domain: c_int,
        message: *mut Char,
        level: c_int,
        conn: *mut virConnect,
        dom: *mut virDomain,
        str1: *mut Char,
        str2: *mut Char,
        str3: *mut Char,
        int1: c_int,
        int2: c_int,
        net: *mut virNetwork,
    }
}

callbacks! {
    /// What is called for each error.
    virErrorFunc(userData: *mut c_void, error: *mut virError);
}

impl virError {
    /// No error.
    pub(crate) const NONE: virError = virError {
        code: 0,
        domain: 0,
        message: null_mut(),
        level: 0,
        conn: null_mut(),
        dom: null_mut(),
        str1: null_mut(),
        str2: null_mut(),
        str3: null_mut(),
        int1: 0,
        int2: 0,
        net: null_mut(),
    };

    /// The error in C's form. Without memory its texts are missing.
    pub(crate) fn new(error: &Error) -> Self {
        let fields = error.fields();
        let text = |text: Option<&str>| memory::optional_text(text).unwrap_or(null_mut());
        virError {
            code: fields.code.0,
            domain: fields.domain.0,
            message: text(Some(&fields.message)),
            level: fields.level as c_int,
            str1: text(fields.str1.as_deref()),
            str2: text(fields.str2.as_deref()),
            str3: text(fields.str3.as_deref()),
            int1: fields.int1,
            int2: fields.int2,
            ..virError::NONE
        }
    }

    /// A copy with texts of its own.
    ///
    /// # Safety
    /// The texts are null or have their ends.
    pub(crate) unsafe fn copy(&self) -> virError {
        let copy = |text: *mut Char| match text.is_null() {
            true => null_mut(),
            // SAFETY: it has its end, as the caller promises
            false => unsafe { libc::strdup(text.cast()).cast() },
        };
        virError {
            message: copy(self.message),
            str1: copy(self.str1),
            str2: copy(self.str2),
            str3: copy(self.str3),
            ..*self
        }
    }

    /// Makes it none, and frees its texts.
    ///
    /// # Safety
    /// The texts are null or came from `malloc`, and nobody uses them any more.
    pub(crate) unsafe fn empty(&mut self) {
        for text in [self.message, self.str1, self.str2, self.str3] {
            // SAFETY: as the caller promises
            unsafe { memory::free(text) };
        }
        *self = virError::NONE;
    }
}
