//! Numbers as libvirt's programs read them: blanks before, a sign, decimal digits, and nothing after.

use virtus_base::{Error, ErrorCode, ErrorDomain};

/// A type that options can have.
pub(crate) trait Number: Sized {
    /// Reads all of `text`.
    fn read(text: &str) -> Option<Self>;
}

/// Sign, digits as far as they go, and the rest; `None` without a digit, or when no number is that long.
fn digits(text: &str) -> Option<(bool, u128, &str)> {
    let text = text.trim_start_matches([' ', '\t', '\n', '\x0b', '\x0c', '\r']);
    let (negative, text) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (digits, rest) = text.split_at_checked(end)?;
    Some((negative, digits.parse().ok()?, rest))
}

fn whole(text: &str) -> Option<(bool, u128)> {
    digits(text).filter(|(_, _, rest)| rest.is_empty()).map(|(negative, value, _)| (negative, value))
}

macro_rules! signed {
    ($($type:ty),*) => {$(
        impl Number for $type {
            fn read(text: &str) -> Option<Self> {
                let (negative, value) = whole(text)?;
                let value = i128::try_from(value).ok()?;
                (if negative { -value } else { value }).try_into().ok()
            }
        }
    )*};
}
signed!(i32, i64);

macro_rules! unsigned {
    ($($type:ty),*) => {$(
        impl Number for $type {
            fn read(text: &str) -> Option<Self> {
                whole(text).filter(|(negative, _)| !negative)?.1.try_into().ok()
            }
        }
    )*};
}
unsigned!(u32, u64);

/// An unsigned number of which `-1` is the greatest: what some options take for historical reasons.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Wrapping<T>(pub(crate) T);

macro_rules! wrapping {
    ($($type:ty),*) => {$(
        impl Number for Wrapping<$type> {
            fn read(text: &str) -> Option<Self> {
                let (negative, value) = whole(text)?;
                let value = <$type>::try_from(value).ok()?;
                Some(Wrapping(if negative { value.wrapping_neg() } else { value }))
            }
        }
    )*};
}
wrapping!(u32, u64);

/// A number in decimal, octal or hexadecimal, as C writes them.
pub(crate) fn c_number(text: &str) -> Option<i32> {
    let text = text.trim_start_matches([' ', '\t', '\n', '\x0b', '\x0c', '\r']);
    let (negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let value = match digits {
        _ if digits.starts_with("0x") || digits.starts_with("0X") => {
            i64::from_str_radix(digits.get(2..)?, 16).ok()?
        }
        _ if digits.len() > 1 && digits.starts_with('0') => i64::from_str_radix(digits, 8).ok()?,
        _ if digits.starts_with(['+', '-']) => return None,
        _ => digits.parse().ok()?,
    };
    (if negative { -value } else { value }).try_into().ok()
}

/// Why a size is none.
pub(crate) enum SizeError {
    /// No number at all.
    Malformed,
    /// A number, and libvirt's word on what follows it.
    Unit(Error),
}

/// A number with a unit (`k`, `KiB`, `MB` …) or, without one, with a factor of `scale`; at most `limit`.
pub(crate) fn scaled(text: &str, scale: u64, limit: u64) -> Result<u64, SizeError> {
    let (negative, value, unit) = digits(text).ok_or(SizeError::Malformed)?;
    let value = u64::try_from(value).ok().filter(|_| !negative).ok_or(SizeError::Malformed)?;
    let factor = match unit {
        "" => scale,
        unit => virtus_base::size::unit(unit).ok_or_else(|| {
            SizeError::Unit(Error::new(
                ErrorDomain::NONE,
                ErrorCode::INVALID_ARG,
                format!("unknown suffix '{unit}'"),
            ))
        })?,
    };
    value.checked_mul(factor).filter(|bytes| *bytes <= limit).ok_or_else(|| {
        SizeError::Unit(Error::new(
            ErrorDomain::NONE,
            ErrorCode::OVERFLOW,
            format!("value too large: {value}{unit}"),
        ))
    })
}

/// A number of bytes, perhaps with a unit.
///
/// # Errors
/// It is none; libvirt's word on what follows the number.
pub(crate) fn byte_size(text: &str) -> Result<u64, Option<Error>> {
    scaled(text, 1, u64::MAX).map_err(|error| match error {
        SizeError::Malformed => None,
        SizeError::Unit(error) => Some(error),
    })
}

/// A size of which a negative one means none: `None` then.
///
/// # Errors
/// It is none; libvirt's word on what follows the number.
pub(crate) fn signed_size(text: &str, scale: u64, limit: u64) -> Result<Option<u64>, Option<Error>> {
    match digits(text) {
        None => Err(None),
        Some((true, value, _)) if value != 0 => Ok(None),
        Some((_, _, unit)) => {
            let number = text.get(..text.len() - unit.len()).unwrap_or_default();
            let plain = format!("{}{unit}", number.trim_start().trim_start_matches(['-', '+']));
            scaled(&plain, scale, limit).map(Some).map_err(|error| match error {
                SizeError::Malformed => None,
                SizeError::Unit(error) => Some(error),
            })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_as_libvirt_reads_them() {
        assert_eq!(i32::read(" -5"), Some(-5));
        assert_eq!(i32::read("+7"), Some(7));
        assert_eq!(i32::read("2147483648"), None);
        assert_eq!(u32::read("-1"), None);
        assert_eq!(Wrapping::<u32>::read("-1"), Some(Wrapping(u32::MAX)));
        assert_eq!(u64::read("18446744073709551615"), Some(u64::MAX));
        for text in ["", "x", "1x", "0x1", "- 1", "1 "] {
            assert_eq!(i64::read(text), None, "{text}");
        }
    }

    #[test]
    fn sizes_have_units() {
        assert_eq!(scaled("5", 1024, u64::MAX).ok(), Some(5120));
        assert_eq!(scaled("2MiB", 1024, u64::MAX).ok(), Some(2 << 20));
        assert_eq!(scaled("1kB", 1024, u64::MAX).ok(), Some(1000));
        assert!(
            matches!(scaled("5X", 1, u64::MAX), Err(SizeError::Unit(e)) if e.message() == "invalid argument: unknown suffix 'X'")
        );
        assert_eq!(signed_size("-1", 1024, u64::MAX), Ok(None));
        assert_eq!(signed_size("+2", 1024, u64::MAX), Ok(Some(2048)));
        assert_eq!(signed_size("x", 1024, u64::MAX), Err(None));
        assert!(matches!(scaled("", 1, u64::MAX), Err(SizeError::Malformed)));
        assert!(matches!(scaled("17E", 1, u64::MAX), Err(SizeError::Unit(_))));
    }
}
