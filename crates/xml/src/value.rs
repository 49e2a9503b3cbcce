//! Values that are text in a document: numbers, words, identities.

use virtus_base::{Bitmap, Error, ErrorCode, ErrorDomain, Uuid};

use crate::{keywords, number, writer::escape};

/// A value written as an attribute or as the text of an element.
pub trait Value: Sized {
    /// What libvirt's error says after the bad value, e.g. ` Expected integer value`.
    const EXPECTED: &'static str = "";
    /// Reads the value; `base` is for numbers: 10, 16, or 0 for any.
    fn parse(text: &str, base: u32) -> Option<Self>;
    /// Appends the value, escaped for XML.
    fn write(&self, out: &mut String);
    /// The error for a text that is none, where libvirt has one of the type's own.
    fn error(_: &str) -> Option<Error> {
        None
    }
    /// Whether it is a number and zero.
    fn is_zero(&self) -> bool {
        false
    }
    /// Whether it is a number below zero.
    fn is_negative(&self) -> bool {
        false
    }
}

macro_rules! integers {
    ($($type:ty: $signed:literal, $expected:literal;)*) => {$(
        impl Value for $type {
            const EXPECTED: &'static str = $expected;
            fn parse(text: &str, base: u32) -> Option<Self> {
                match number::parse(text, base)? {
                    (false, n) => <$type>::try_from(n).ok(),
                    (true, n) if $signed => <$type>::try_from(-i128::from(n)).ok(),
                    (true, _) => None,
                }
            }
            fn write(&self, out: &mut String) {
                use std::fmt::Write as _;
                // writing into a String cannot fail
                let _ = write!(out, "{self}");
            }
            fn is_zero(&self) -> bool {
                *self == 0
            }
            fn is_negative(&self) -> bool {
                i128::from(*self) < 0
            }
        }
    )*};
}

integers! {
    u8: false, " Expected non-negative integer value";
    u16: false, " Expected non-negative integer value";
    u32: false, " Expected non-negative integer value";
    u64: false, " Expected non-negative integer value";
    i32: true, " Expected integer value";
    i64: true, " Expected long long integer value";
}

impl Value for String {
    fn parse(text: &str, _: u32) -> Option<Self> {
        Some(text.to_owned())
    }
    fn write(&self, out: &mut String) {
        escape(out, self);
    }
}

impl Value for Uuid {
    const EXPECTED: &'static str = " Expected UUID";
    fn parse(text: &str, _: u32) -> Option<Self> {
        Uuid::parse(text)
    }
    fn write(&self, out: &mut String) {
        use std::fmt::Write as _;
        let _ = write!(out, "{self}");
    }
}

impl Value for Bitmap {
    fn parse(text: &str, _: u32) -> Option<Self> {
        Bitmap::parse(text)
    }
    fn error(text: &str) -> Option<Error> {
        let text = format!("Failed to parse bitmap '{text}'");
        Some(Error::new(ErrorDomain::NONE, ErrorCode::INVALID_ARG, text))
    }
    fn write(&self, out: &mut String) {
        use std::fmt::Write as _;
        let _ = write!(out, "{self}");
    }
}

keywords! {
    /// libvirt's `yes` and `no`.
    pub enum YesNo { Yes = "yes", No = "no" }
}

keywords! {
    /// libvirt's `on` and `off`.
    pub enum OnOff { On = "on", Off = "off" }
}

macro_rules! booleans {
    ($($type:ident: $yes:ident, $no:ident;)*) => {$(
        impl From<bool> for $type {
            fn from(value: bool) -> Self {
                if value { $type::$yes } else { $type::$no }
            }
        }
        impl From<$type> for bool {
            fn from(value: $type) -> Self {
                value == $type::$yes
            }
        }
        impl $type {
            /// Whether it is the positive word.
            pub fn is_true(self) -> bool {
                self == $type::$yes
            }
        }
    )*};
}
booleans! { YesNo: Yes, No; OnOff: On, Off; }

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_keep_to_their_type() {
        assert_eq!(u8::parse("255", 10), Some(255));
        assert_eq!(u8::parse("256", 10), None);
        assert_eq!(u32::parse("-1", 10), None);
        assert_eq!(i64::parse("-9223372036854775808", 10), Some(i64::MIN));
        assert_eq!(i32::parse("2147483648", 10), None);
    }
}
