//! What C gets: a value, or the one that says that there is an error.

use std::ffi::{c_int, c_uint};
use std::os::fd::{IntoRawFd, OwnedFd};

use virtus::{Error, ErrorCode, Result};

use crate::call::Call;
use crate::ctype::{CType, Char, ULong};
use crate::handle::Held;
use crate::memory;
use crate::object::{Child, Kind};

/// A result.
pub(crate) trait Ret: Sized {
    /// What C gets.
    type C: CType;

    /// What says that the call failed.
    const FAILURE: Self::C;

    /// Makes it C's.
    ///
    /// # Errors
    /// `NO_MEMORY`, or that the value is none of C's.
    fn give(self, call: &Call) -> Result<Self::C>;
}

macro_rules! numbers {
    ($($type:ty as $c:ty, $failure:expr, $give:expr;)*) => {$(
        impl Ret for $type {
            type C = $c;
            const FAILURE: $c = $failure;
            fn give(self, _: &Call) -> Result<$c> {
                let give: fn($type) -> $c = $give;
                Ok(give(self))
            }
        }
    )*};
}

numbers! {
    () as c_int, -1, |()| 0;
    bool as c_int, -1, c_int::from;
    c_int as c_int, -1, |value| value;
    c_uint as c_uint, 0, |value| value;
    u64 as u64, 0, |value| value;
    i64 as i64, -1, |value| value;
    ULong as ULong, ULong(0), |value| value;
}

/// A count that C gets as an `int`.
impl Ret for usize {
    type C = c_int;
    const FAILURE: c_int = -1;
    fn give(self, call: &Call) -> Result<c_int> {
        c_int::try_from(self).map_err(|_| call.error(ErrorCode::OVERFLOW, "too many"))
    }
}

/// A descriptor, which the caller closes.
impl Ret for OwnedFd {
    type C = c_int;
    const FAILURE: c_int = -1;
    fn give(self, _: &Call) -> Result<c_int> {
        Ok(self.into_raw_fd())
    }
}

/// A text, which the caller frees.
impl Ret for String {
    type C = *mut Char;
    const FAILURE: *mut Char = std::ptr::null_mut();
    fn give(self, _: &Call) -> Result<*mut Char> {
        Ok(memory::text(&self)?.as_ptr())
    }
}

/// A text that may be missing without an error.
impl Ret for Option<String> {
    type C = *mut Char;
    const FAILURE: *mut Char = std::ptr::null_mut();
    fn give(self, _: &Call) -> Result<*mut Char> {
        memory::optional_text(self.as_deref())
    }
}

/// A text that belongs to an object, as long as that lives.
#[derive(Debug)]
pub(crate) struct Lent(pub(crate) *const Char);

impl Lent {
    /// Lends what an object has.
    pub(crate) fn new(text: &std::ffi::CStr) -> Self {
        Lent(text.as_ptr().cast())
    }
}

impl Ret for Lent {
    type C = *const Char;
    const FAILURE: *const Char = std::ptr::null();
    fn give(self, _: &Call) -> Result<*const Char> {
        Ok(self.0)
    }
}

/// A new handle.
impl<T: Kind> Ret for Held<T> {
    type C = *mut T::C;
    const FAILURE: *mut T::C = std::ptr::null_mut();
    fn give(self, _: &Call) -> Result<*mut T::C> {
        Ok(self.into_c())
    }
}

/// A handle that the caller may use as long as the object it was asked of, and does not free.
#[derive(Debug)]
pub(crate) struct Parent<C>(pub(crate) *mut C);

impl<C> Ret for Parent<C>
where
    *mut C: CType,
{
    type C = *mut C;
    const FAILURE: *mut C = std::ptr::null_mut();
    fn give(self, _: &Call) -> Result<*mut C> {
        Ok(self.0)
    }
}

/// An object of the client crate, as a new handle that keeps the connection of the call.
macro_rules! objects {
    ($($object:ident),*) => {$(
        impl Ret for virtus::$object {
            type C = *mut <crate::object::$object as crate::handle::Object>::C;
            const FAILURE: Self::C = std::ptr::null_mut();
            fn give(self, call: &Call) -> Result<Self::C> {
                let connection = call.connection.as_ref().and_then(crate::handle::Of::hold);
                let connection = connection.ok_or_else(|| gone(call))?;
                Ok(Held::new(crate::object::$object::child(connection, self)).into_c())
            }
        }
    )*};
}

objects! {
    Domain, Network, Interface, StoragePool, StorageVolume, NodeDevice, NwFilter, NwFilterBinding, Secret
}

/// The connection was closed by another thread in the middle of the call.
pub(crate) fn gone(call: &Call) -> Error {
    call.error(ErrorCode::INVALID_CONN, call.function)
}
