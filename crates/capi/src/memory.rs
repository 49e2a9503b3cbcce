//! What callers get to keep: it comes from `malloc`, for they give it back with `free`.

use std::ffi::{CString, c_void};
use std::ptr::NonNull;

use virtus::{Error, ErrorCode, ErrorDomain, Result};

use crate::ctype::Char;

/// Room for `count` values, all zero, which the caller frees.
///
/// # Errors
/// `NO_MEMORY` when there is none.
pub(crate) fn array<T>(count: usize) -> Result<NonNull<T>> {
    const { assert!(align_of::<T>() <= align_of::<libc::max_align_t>()) };
    // SAFETY: calloc may be called with any numbers; it answers null when their product is too large
    let room = unsafe { libc::calloc(count.max(1), size_of::<T>().max(1)) };
    NonNull::new(room.cast()).ok_or_else(|| Error::new(ErrorDomain::NONE, ErrorCode::NO_MEMORY, ""))
}

/// A copy of the values, which the caller frees.
///
/// # Errors
/// `NO_MEMORY`.
pub(crate) fn copy<T: Copy>(values: &[T]) -> Result<NonNull<T>> {
    let room = array::<T>(values.len())?;
    // SAFETY: `array` gave room for as many, and nobody else knows of it
    unsafe { room.copy_from_nonoverlapping(NonNull::from(values).cast(), values.len()) };
    Ok(room)
}

/// A text with its end; what comes after a NUL inside is not seen by C.
///
/// # Errors
/// `NO_MEMORY`.
pub(crate) fn text(text: &str) -> Result<NonNull<Char>> {
    let mut bytes = Vec::with_capacity(text.len() + 1);
    bytes.extend_from_slice(text.as_bytes());
    bytes.push(0);
    Ok(copy(&bytes)?.cast())
}

/// A text that is not there as a null pointer.
///
/// # Errors
/// `NO_MEMORY`.
pub(crate) fn optional_text(text: Option<&str>) -> Result<*mut Char> {
    text.map_or(Ok(std::ptr::null_mut()), |text| self::text(text).map(NonNull::as_ptr))
}

/// Gives back what came from here.
///
/// # Safety
/// `room` is null or came from `malloc` and is not used any more.
pub(crate) unsafe fn free<T>(room: *mut T) {
    // SAFETY: as the caller promises
    unsafe { libc::free(room.cast::<c_void>()) }
}

/// A text that lives as long as what it belongs to.
pub(crate) fn kept(text: &str) -> CString {
    let end = text.find('\0').unwrap_or(text.len());
    CString::new(text.get(..end).unwrap_or_default()).unwrap_or_default()
}
