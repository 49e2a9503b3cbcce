//! Sequences with a declared limit.

use std::ops::{Deref, DerefMut};

use crate::{Decode, Encode, Error, Reader, put_length, put_padded, within};

macro_rules! wrapper {
    ([$($generics:tt)*] $type:ty, $inner:ty) => {
        impl<$($generics)*> Deref for $type {
            type Target = $inner;
            fn deref(&self) -> &$inner { &self.0 }
        }
        impl<$($generics)*> DerefMut for $type {
            fn deref_mut(&mut self) -> &mut $inner { &mut self.0 }
        }
        impl<$($generics)*> From<$inner> for $type {
            fn from(inner: $inner) -> Self { Self(inner) }
        }
    };
}

/// At most `MAX` elements.
#[derive(Clone, Debug, PartialEq)]
pub struct List<T, const MAX: usize>(pub Vec<T>);
wrapper!([T, const MAX: usize] List<T, MAX>, Vec<T>);

impl<T, const MAX: usize> Default for List<T, MAX> {
    fn default() -> Self {
        List(Vec::new())
    }
}

impl<T, const MAX: usize> FromIterator<T> for List<T, MAX> {
    fn from_iter<I: IntoIterator<Item = T>>(items: I) -> Self {
        List(items.into_iter().collect())
    }
}

impl<T, const MAX: usize> IntoIterator for List<T, MAX> {
    type Item = T;
    type IntoIter = std::vec::IntoIter<T>;
    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl<T: Encode, const MAX: usize> Encode for List<T, MAX> {
    fn encode(&self, out: &mut Vec<u8>) {
        put_length(self.len(), out);
        self.iter().for_each(|item| item.encode(out));
    }
    fn check(&self) -> Result<(), Error> {
        within(self.len(), MAX)?;
        self.iter().try_for_each(Encode::check)
    }
}

impl<T: Decode, const MAX: usize> Decode for List<T, MAX> {
    const MIN_SIZE: usize = 4;
    fn decode(from: &mut Reader<'_>) -> Result<Self, Error> {
        let length = from.length(MAX, T::MIN_SIZE)?;
        let mut items = Vec::with_capacity(length);
        for _ in 0..length {
            items.push(T::decode(from)?);
        }
        Ok(List(items))
    }
}

/// At most `MAX` bytes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Opaque<const MAX: usize>(pub Vec<u8>);
wrapper!([const MAX: usize] Opaque<MAX>, Vec<u8>);

impl<const MAX: usize> Encode for Opaque<MAX> {
    fn encode(&self, out: &mut Vec<u8>) {
        put_length(self.len(), out);
        put_padded(self, out);
    }
    fn check(&self) -> Result<(), Error> {
        within(self.len(), MAX)
    }
}

impl<const MAX: usize> Decode for Opaque<MAX> {
    const MIN_SIZE: usize = 4;
    fn decode(from: &mut Reader<'_>) -> Result<Self, Error> {
        let length = from.length(MAX, 1)?;
        Ok(Opaque(from.take_padded(length)?.to_vec()))
    }
}

fn encode_chars(bytes: &[u8], out: &mut Vec<u8>) {
    // a C `char`: signed, one word each
    bytes.iter().for_each(|byte| i32::from(byte.cast_signed()).encode(out));
}

fn decode_char(from: &mut Reader<'_>) -> Result<u8, Error> {
    let value = i32::decode(from)?;
    match (i8::try_from(value), u8::try_from(value)) {
        (Ok(signed), _) => Ok(signed.cast_unsigned()),
        (_, Ok(byte)) => Ok(byte),
        _ => Err(Error::Invalid("character")),
    }
}

/// At most `MAX` C characters, which take four bytes each on the wire (`char name<MAX>`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Chars<const MAX: usize>(pub Vec<u8>);
wrapper!([const MAX: usize] Chars<MAX>, Vec<u8>);

impl<const MAX: usize> Encode for Chars<MAX> {
    fn encode(&self, out: &mut Vec<u8>) {
        put_length(self.len(), out);
        encode_chars(self, out);
    }
    fn check(&self) -> Result<(), Error> {
        within(self.len(), MAX)
    }
}

impl<const MAX: usize> Decode for Chars<MAX> {
    const MIN_SIZE: usize = 4;
    fn decode(from: &mut Reader<'_>) -> Result<Self, Error> {
        let length = from.length(MAX, 4)?;
        (0..length).map(|_| decode_char(from)).collect::<Result<_, _>>().map(Chars)
    }
}

/// Exactly `N` C characters, four bytes each on the wire (`char name[N]`), filled up with NULs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CharArray<const N: usize>(pub [u8; N]);

impl<const N: usize> CharArray<N> {
    /// The text, cut so that a NUL follows it.
    pub fn new(text: &str) -> Self {
        let mut bytes = [0; N];
        for (to, from) in bytes.iter_mut().take(N.saturating_sub(1)).zip(text.bytes()) {
            *to = from;
        }
        CharArray(bytes)
    }

    /// The text before the first NUL.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(self.0.split(|b| *b == 0).next().unwrap_or_default()).into_owned()
    }
}

impl<const N: usize> Encode for CharArray<N> {
    fn encode(&self, out: &mut Vec<u8>) {
        encode_chars(&self.0, out);
    }
}

impl<const N: usize> Decode for CharArray<N> {
    const MIN_SIZE: usize = 4 * N;
    fn decode(from: &mut Reader<'_>) -> Result<Self, Error> {
        let mut bytes = [0; N];
        for byte in &mut bytes {
            *byte = decode_char(from)?;
        }
        Ok(CharArray(bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{decode, encode};

    #[test]
    fn lengths_are_checked_before_memory_is_taken() {
        // 16 Mi elements are announced, four bytes are there
        let bytes = [1, 0, 0, 0, 0, 0, 0, 0];
        assert_eq!(decode::<List<u32, { 1 << 30 }>>(&bytes), Err(Error::Short));
        assert!(matches!(decode::<List<u32, 8>>(&bytes), Err(Error::TooLong { limit: 8, .. })));
        assert!(matches!(encode(&List::<u32, 1>(vec![1, 2])), Err(Error::TooLong { length: 2, limit: 1 })));
    }

    #[test]
    fn opaque_is_packed_and_characters_are_not() {
        assert_eq!(encode(&Opaque::<8>(vec![1, 2, 3, 4, 5])).unwrap(), [0, 0, 0, 5, 1, 2, 3, 4, 5, 0, 0, 0]);
        let chars = Chars::<8>(vec![b'a', 0xff]);
        let bytes = encode(&chars).unwrap();
        assert_eq!(bytes, [0, 0, 0, 2, 0, 0, 0, b'a', 255, 255, 255, 255]);
        assert_eq!(decode::<Chars<8>>(&bytes), Ok(chars));
        assert_eq!(CharArray::<4>::new("x86_64").text(), "x86");
    }
}
