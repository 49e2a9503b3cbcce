//! What Rust types are called in C: from this the headers' prototypes are written.

use std::ffi::{c_char, c_int, c_uint, c_ulong, c_ushort, c_void};

/// A type of the C API.
pub trait CType {
    /// The type's name in C.
    fn name() -> String;

    /// The name of a pointer to it; libvirt has names of their own for those to its structs.
    fn pointer() -> String {
        star(Self::name())
    }
}

fn star(name: String) -> String {
    if name.ends_with('*') { name + "*" } else { name + " *" }
}

impl<T: CType> CType for *mut T {
    fn name() -> String {
        T::pointer()
    }
}

impl<T: CType> CType for *const T {
    fn name() -> String {
        format!("const {}", star(T::name()))
    }
}

impl<T: CType, const N: usize> CType for [T; N] {
    fn name() -> String {
        format!("{}[{N}]", T::name())
    }
}

/// Types under their names.
macro_rules! named {
    ($($type:ty = $name:literal;)*) => {$(
        impl CType for $type {
            fn name() -> String {
                $name.to_owned()
            }
        }
    )*};
}

named! {
    () = "void";
    c_void = "void";
    Char = "char";
    UChar = "unsigned char";
    c_int = "int";
    c_uint = "unsigned int";
    c_ushort = "unsigned short";
    ULong = "unsigned long";
    i64 = "long long";
    u64 = "unsigned long long";
    usize = "size_t";
    f64 = "double";
}

/// `char`, which is another one of Rust's types on each kind of machine.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(transparent)]
pub struct Char(pub c_char);

/// `unsigned char`, as a type that is not `char` anywhere.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(transparent)]
pub struct UChar(pub u8);

/// `unsigned long`, as a type that is not `unsigned long long` anywhere.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(transparent)]
pub struct ULong(pub c_ulong);

impl From<ULong> for u64 {
    fn from(value: ULong) -> u64 {
        // wider or the same, by the machine
        #[allow(clippy::useless_conversion)]
        value.0.into()
    }
}

impl TryFrom<u64> for ULong {
    type Error = std::num::TryFromIntError;

    #[allow(clippy::useless_conversion, clippy::unnecessary_fallible_conversions)]
    fn try_from(value: u64) -> Result<Self, Self::Error> {
        match c_ulong::try_from(value) {
            Ok(value) => Ok(ULong(value)),
            // of no machine whose `unsigned long` is as wide
            #[allow(unreachable_patterns)]
            Err(_) => u32::try_from(value).map(|v| ULong(v.into())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::object::virDomain;

    #[test]
    fn types_are_called_as_in_the_headers() {
        assert_eq!(<*const Char as CType>::name(), "const char *");
        assert_eq!(<*mut *mut *mut virDomain as CType>::name(), "virDomainPtr **");
        assert_eq!(<*mut virDomain as CType>::name(), "virDomainPtr");
        assert_eq!(<*mut *const Char as CType>::name(), "const char **");
        assert_eq!(<*mut ULong as CType>::name(), "unsigned long *");
    }
}
