//! XDR (RFC 4506) as libvirt uses it.
//!
//! Every type knows its declared limit, and a length is checked against that limit and against the bytes
//! that are left before anything is allocated. Padding must be zero, booleans 0 or 1, and [`decode`]
//! refuses trailing bytes: what was read is all there was.

mod array;
mod record;
mod scalar;
mod values;

pub use array::{CharArray, Chars, List, Opaque};

/// No string is longer than this many bytes (`REMOTE_STRING_MAX`).
pub const STRING_MAX: usize = 4 << 20;

/// Why bytes are not the value they were taken for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Error {
    /// The bytes end before the value does.
    Short,
    /// A length above the declared limit.
    TooLong {
        /// The length found.
        length: usize,
        /// The declared limit.
        limit: usize,
    },
    /// A value its type does not have: a boolean of 2, an unknown union arm.
    Invalid(&'static str),
    /// Text that is not UTF-8.
    NotUtf8 {
        /// How many bytes were left where it begins.
        left: usize,
        /// How long it is.
        length: usize,
    },
    /// Bytes are left after the value.
    Trailing(usize),
}

impl std::fmt::Display for Error {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Error::Short => f.write_str("the data ends too early"),
            Error::TooLong { length, limit } => write!(f, "length {length} is above the limit {limit}"),
            Error::NotUtf8 { .. } => f.write_str("a text is not UTF-8"),
            Error::Invalid(what) => write!(f, "invalid {what}"),
            Error::Trailing(count) => write!(f, "{count} bytes follow the data"),
        }
    }
}

impl std::error::Error for Error {}

/// The bytes not read yet.
#[derive(Debug)]
pub struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    /// A reader of `bytes`.
    pub fn new(bytes: &'a [u8]) -> Self {
        Reader { rest: bytes }
    }

    /// How many bytes are left.
    pub fn remaining(&self) -> usize {
        self.rest.len()
    }

    /// All bytes that are left.
    pub fn rest(&mut self) -> &'a [u8] {
        std::mem::take(&mut self.rest)
    }

    /// The next `count` bytes, without padding.
    pub fn take(&mut self, count: usize) -> Result<&'a [u8], Error> {
        let (taken, rest) = self.rest.split_at_checked(count).ok_or(Error::Short)?;
        self.rest = rest;
        Ok(taken)
    }

    /// The next `count` bytes and their zero padding to a multiple of four.
    pub fn take_padded(&mut self, count: usize) -> Result<&'a [u8], Error> {
        let taken = self.take(count)?;
        let padding = self.take(count.wrapping_neg() & 3)?;
        if padding.iter().any(|b| *b != 0) {
            return Err(Error::Invalid("padding"));
        }
        Ok(taken)
    }

    /// The next four bytes.
    pub fn word(&mut self) -> Result<[u8; 4], Error> {
        self.take(4)?.try_into().map_err(|_| Error::Short)
    }

    /// A length, checked against its declared `limit` and, at `minimum` bytes an element, against what is left.
    pub fn length(&mut self, limit: usize, minimum: usize) -> Result<usize, Error> {
        let length = usize::try_from(u32::from_be_bytes(self.word()?)).unwrap_or(usize::MAX);
        if length > limit {
            return Err(Error::TooLong { length, limit });
        }
        if length.checked_mul(minimum).is_none_or(|bytes| bytes > self.remaining()) {
            return Err(Error::Short);
        }
        Ok(length)
    }
}

/// A value that can be written as XDR.
pub trait Encode {
    /// Appends the value to `out`.
    fn encode(&self, out: &mut Vec<u8>);

    /// Whether every length in it is within its declared limit, so that the other side will take it.
    fn check(&self) -> Result<(), Error> {
        Ok(())
    }
}

/// A value that can be read from XDR.
pub trait Decode: Sized {
    /// The fewest bytes a value takes.
    const MIN_SIZE: usize;

    /// Reads one value.
    fn decode(from: &mut Reader<'_>) -> Result<Self, Error>;
}

/// Reads one value that must be all of `bytes`.
pub fn decode<T: Decode>(bytes: &[u8]) -> Result<T, Error> {
    let mut reader = Reader::new(bytes);
    let value = T::decode(&mut reader)?;
    match reader.remaining() {
        0 => Ok(value),
        left => Err(Error::Trailing(left)),
    }
}

/// Writes one value, if its lengths are within their limits.
pub fn encode<T: Encode>(value: &T) -> Result<Vec<u8>, Error> {
    value.check()?;
    let mut out = Vec::new();
    value.encode(&mut out);
    Ok(out)
}

fn put_length(length: usize, out: &mut Vec<u8>) {
    // `check` came first: every limit is far below 4 GiB
    out.extend_from_slice(&u32::try_from(length).unwrap_or(u32::MAX).to_be_bytes());
}

fn put_padded(bytes: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(bytes);
    out.extend_from_slice(&[0; 3][..bytes.len().wrapping_neg() & 3]);
}

fn within(length: usize, limit: usize) -> Result<(), Error> {
    if length > limit { Err(Error::TooLong { length, limit }) } else { Ok(()) }
}
