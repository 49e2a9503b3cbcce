//! UUIDs, which C has as 16 bytes or as text.

use std::ptr::NonNull;

use virtus::{Result, Uuid};

use crate::arg::{Arg, Text};
use crate::call::Call;
use crate::ctype::{Char, UChar};

/// Characters of a UUID as text, with the end (`VIR_UUID_STRING_BUFLEN`).
const TEXT: usize = 37;

/// A UUID as text, which must be there and be one.
#[derive(Clone, Copy, Debug)]
pub(crate) struct UuidText(pub(crate) Uuid);

impl Arg for UuidText {
    type C = *const Char;

    // SAFETY: as the trait says
    unsafe fn take(c: Self::C, call: &mut Call, name: &str) -> Result<Self> {
        // SAFETY: as the caller promises
        let text = unsafe { Text::take(c, call, name)? };
        Uuid::parse(&text).map(UuidText).ok_or_else(|| call.wrong(name, "must be a valid UUID"))
    }
}

/// Room for a UUID as bytes, which must be there.
#[derive(Debug)]
pub(crate) struct OutUuid(NonNull<[u8; 16]>);

impl Arg for OutUuid {
    type C = *mut UChar;

    // SAFETY: as the trait says
    unsafe fn take(c: Self::C, call: &mut Call, name: &str) -> Result<Self> {
        NonNull::new(c.cast()).map(OutUuid).ok_or_else(|| call.wrong(name, "must not be NULL"))
    }
}

impl OutUuid {
    /// Puts it there.
    ///
    /// # Errors
    /// None.
    pub(crate) fn put(&self, uuid: Uuid) -> Result<()> {
        // SAFETY: there is room for 16 bytes, as the caller of `take` promised
        unsafe { self.0.write(uuid.0) };
        Ok(())
    }
}

/// Room for a UUID as text, which must be there.
#[derive(Debug)]
pub(crate) struct OutUuidText(NonNull<[u8; TEXT]>);

impl Arg for OutUuidText {
    type C = *mut Char;

    // SAFETY: as the trait says
    unsafe fn take(c: Self::C, call: &mut Call, name: &str) -> Result<Self> {
        NonNull::new(c.cast()).map(OutUuidText).ok_or_else(|| call.wrong(name, "must not be NULL"))
    }
}

impl OutUuidText {
    /// Puts it there.
    ///
    /// # Errors
    /// None.
    pub(crate) fn put(&self, uuid: Uuid) -> Result<()> {
        let mut text = [0; TEXT];
        text.iter_mut().zip(uuid.to_string().bytes()).for_each(|(place, byte)| *place = byte);
        // SAFETY: there is room for so many characters, as the caller of `take` promised
        unsafe { self.0.write(text) };
        Ok(())
    }
}
