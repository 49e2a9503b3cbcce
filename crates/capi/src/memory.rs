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

/// Texts as an array with null at its end; the caller frees it and each of them.
///
/// # Errors
/// `NO_MEMORY`.
pub(crate) fn texts(texts: &[String]) -> Result<*mut *mut Char> {
    let mut copies = Vec::with_capacity(texts.len() + 1);
    for text in texts {
        copies.push(self::text(text)?.as_ptr());
    }
    copies.push(std::ptr::null_mut());
    Ok(copy(&copies)?.as_ptr())
}

/// One value, which the caller frees.
///
/// # Errors
/// `NO_MEMORY`.
pub(crate) fn one<T: Copy>(value: T) -> Result<*mut T> {
    Ok(copy(&[value])?.as_ptr())
}

/// Pointers as a list with null at its end, which the caller frees.
///
/// # Errors
/// `NO_MEMORY`.
pub(crate) fn list<T>(values: &[*mut T]) -> Result<*mut *mut T> {
    let mut list = values.to_vec();
    list.push(std::ptr::null_mut());
    Ok(copy(&list)?.as_ptr())
}

/// Frees a list of so many texts.
///
/// # Safety
/// Null, or a list of so many that came from here.
pub(crate) unsafe fn free_list(list: *mut *mut Char, count: usize) {
    if list.is_null() {
        return;
    }
    for place in 0..count {
        // SAFETY: as the caller promises
        unsafe { free(*list.add(place)) };
    }
    // SAFETY: as the caller promises
    unsafe { free(list) };
}

/// Bytes, where there is room for `size`.
///
/// # Safety
/// There is.
pub(crate) unsafe fn put_bytes(place: *mut c_void, size: usize, bytes: &[u8]) {
    let count = size.min(bytes.len());
    if count > 0 {
        // SAFETY: as the caller promises
        unsafe { place.cast::<u8>().copy_from_nonoverlapping(bytes.as_ptr(), count) };
    }
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

/// A text as a field of fixed size, cut so that its end fits.
pub(crate) fn chars<const N: usize>(text: &str) -> [Char; N] {
    bytes_as_chars(text.as_bytes())
}

/// Bytes as such a field.
pub(crate) fn bytes_as_chars<const N: usize>(bytes: &[u8]) -> [Char; N] {
    let mut field = [Char(0); N];
    let end = N.saturating_sub(1);
    for (place, byte) in field.iter_mut().take(end).zip(bytes) {
        *place = Char(*byte as std::ffi::c_char);
    }
    field
}
