//! UUIDs as libvirt reads them: 16 bytes, dashes and blanks optional.

use crate::{Error, ErrorCode, ErrorDomain, Result};

/// A 16-byte object identity.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Uuid(pub [u8; 16]);

impl Uuid {
    /// A new random (version 4) UUID.
    pub fn random() -> Result<Self> {
        let mut bytes = [0; 16];
        getrandom::fill(&mut bytes).map_err(|e| {
            Error::new(ErrorDomain::NONE, ErrorCode::INTERNAL_ERROR, format!("cannot make a UUID: {e}"))
        })?;
        bytes[6] = (bytes[6] & 0x0f) | 0x40;
        bytes[8] = (bytes[8] & 0x3f) | 0x80;
        Ok(Uuid(bytes))
    }

    /// Reads 32 hexadecimal digits; leading blanks, blanks and dashes between bytes are passed over, as
    /// libvirt does. `None` when the text is anything else.
    pub fn parse(text: &str) -> Option<Self> {
        let mut bytes = [0u8; 16];
        let mut rest = text.trim_start().as_bytes();
        for byte in &mut bytes {
            while let [b'-' | b' ', tail @ ..] = rest {
                rest = tail;
            }
            let [high, low, tail @ ..] = rest else { return None };
            let digit = |c: &u8| char::from(*c).to_digit(16).and_then(|d| u8::try_from(d).ok());
            *byte = digit(high)? << 4 | digit(low)?;
            rest = tail;
        }
        rest.iter().all(u8::is_ascii_whitespace).then_some(Uuid(bytes))
    }

    /// Whether all bytes are zero: no identity at all.
    pub fn is_nil(&self) -> bool {
        self.0 == [0; 16]
    }
}

impl std::fmt::Display for Uuid {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (i, byte) in self.0.iter().enumerate() {
            if matches!(i, 4 | 6 | 8 | 10) {
                f.write_str("-")?;
            }
            write!(f, "{byte:02x}")?;
        }
        Ok(())
    }
}

impl std::fmt::Debug for Uuid {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{self}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_libvirt_reads() {
        let want = "8f7a3c1e-5d2b-4e6f-9a10-0c0ffee00011";
        for text in [want, "8f7a3c1e5d2b4e6f9a100c0ffee00011", " 8F7A3C1E 5d2b 4e6f-9a10-0c0ffee00011\n"] {
            assert_eq!(Uuid::parse(text).map(|u| u.to_string()).as_deref(), Some(want), "{text:?}");
        }
        for text in
            ["", "8f7a3c1e", "8f7a3c1e-5d2b-4e6f-9a10-0c0ffee0001g", "8f7a3c1e5d2b4e6f9a100c0ffee000112"]
        {
            assert_eq!(Uuid::parse(text), None, "{text:?}");
        }
    }

    #[test]
    fn random_ones_differ_and_are_version_4() {
        let (a, b) = (Uuid::random().unwrap(), Uuid::random().unwrap());
        assert_ne!(a, b);
        assert_eq!(a.to_string().as_bytes()[14], b'4');
    }
}
