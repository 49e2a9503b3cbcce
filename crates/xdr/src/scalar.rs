//! Numbers, booleans, text, optional values and sequences of fixed shape.

use crate::{Decode, Encode, Error, Reader, STRING_MAX, put_length, put_padded, within};

macro_rules! numbers {
    ($($type:ty),*) => {$(
        impl Encode for $type {
            fn encode(&self, out: &mut Vec<u8>) {
                out.extend_from_slice(&self.to_be_bytes());
            }
        }
        impl Decode for $type {
            const MIN_SIZE: usize = size_of::<$type>();
            fn decode(from: &mut Reader<'_>) -> Result<Self, Error> {
                let bytes = from.take(Self::MIN_SIZE)?;
                Ok(<$type>::from_be_bytes(bytes.try_into().map_err(|_| Error::Short)?))
            }
        }
    )*};
}
numbers!(i32, u32, i64, u64, f64);

// `char` and `short` take a whole word on the wire
macro_rules! small_numbers {
    ($($type:ty as $wide:ty),*) => {$(
        impl Encode for $type {
            fn encode(&self, out: &mut Vec<u8>) {
                <$wide>::from(*self).encode(out);
            }
        }
        impl Decode for $type {
            const MIN_SIZE: usize = 4;
            fn decode(from: &mut Reader<'_>) -> Result<Self, Error> {
                <$type>::try_from(<$wide>::decode(from)?).map_err(|_| Error::Invalid("small number"))
            }
        }
    )*};
}
small_numbers!(i8 as i32, u8 as u32, i16 as i32, u16 as u32);

impl Encode for bool {
    fn encode(&self, out: &mut Vec<u8>) {
        u32::from(*self).encode(out);
    }
}
impl Decode for bool {
    const MIN_SIZE: usize = 4;
    fn decode(from: &mut Reader<'_>) -> Result<Self, Error> {
        match u32::decode(from)? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(Error::Invalid("boolean")),
        }
    }
}

impl Encode for String {
    fn encode(&self, out: &mut Vec<u8>) {
        put_length(self.len(), out);
        put_padded(self.as_bytes(), out);
    }
    fn check(&self) -> Result<(), Error> {
        within(self.len(), STRING_MAX)
    }
}
impl Decode for String {
    const MIN_SIZE: usize = 4;
    fn decode(from: &mut Reader<'_>) -> Result<Self, Error> {
        let length = from.length(STRING_MAX, 1)?;
        let left = from.remaining();
        let bytes = from.take_padded(length)?;
        // C peers stop at the first NUL; text that hides something behind one is refused
        if bytes.contains(&0) {
            return Err(Error::Invalid("string"));
        }
        str::from_utf8(bytes).map(str::to_owned).map_err(|_| Error::NotUtf8 { left, length })
    }
}

impl<T: Encode> Encode for Option<T> {
    fn encode(&self, out: &mut Vec<u8>) {
        self.is_some().encode(out);
        if let Some(value) = self {
            value.encode(out);
        }
    }
    fn check(&self) -> Result<(), Error> {
        self.as_ref().map_or(Ok(()), Encode::check)
    }
}
impl<T: Decode> Decode for Option<T> {
    const MIN_SIZE: usize = 4;
    fn decode(from: &mut Reader<'_>) -> Result<Self, Error> {
        bool::decode(from)?.then(|| T::decode(from)).transpose()
    }
}

macro_rules! tuples {
    ($(($($name:ident),*))*) => {$(
        #[allow(non_snake_case, unused_variables)]
        impl<$($name: Encode),*> Encode for ($($name,)*) {
            fn encode(&self, out: &mut Vec<u8>) {
                let ($($name,)*) = self;
                $($name.encode(out);)*
            }
            fn check(&self) -> Result<(), Error> {
                let ($($name,)*) = self;
                $($name.check()?;)*
                Ok(())
            }
        }
        impl<$($name: Decode),*> Decode for ($($name,)*) {
            const MIN_SIZE: usize = 0 $(+ $name::MIN_SIZE)*;
            #[allow(unused_variables)]
            fn decode(from: &mut Reader<'_>) -> Result<Self, Error> {
                Ok(($($name::decode(from)?,)*))
            }
        }
    )*};
}
tuples! {
    () (A) (A, B) (A, B, C) (A, B, C, D) (A, B, C, D, E) (A, B, C, D, E, F) (A, B, C, D, E, F, G)
    (A, B, C, D, E, F, G, H) (A, B, C, D, E, F, G, H, I) (A, B, C, D, E, F, G, H, I, J)
}

#[cfg(test)]
mod tests {
    use crate::{Error, decode, encode};

    #[test]
    fn the_layout_is_rfc_4506() {
        let value = (7i32, "abc".to_owned(), Some(-1i64), None::<String>, true);
        let bytes = encode(&value).unwrap();
        assert_eq!(
            bytes,
            [
                &[0, 0, 0, 7][..],
                &[0, 0, 0, 3, b'a', b'b', b'c', 0],
                &[0, 0, 0, 1, 255, 255, 255, 255, 255, 255, 255, 255],
                &[0, 0, 0, 0],
                &[0, 0, 0, 1]
            ]
            .concat()
        );
        assert_eq!(decode::<(i32, String, Option<i64>, Option<String>, bool)>(&bytes), Ok(value));
    }

    #[test]
    fn what_is_not_xdr_is_refused() {
        assert_eq!(decode::<i32>(&[0, 0, 0]), Err(Error::Short));
        assert_eq!(decode::<i32>(&[0; 5]), Err(Error::Trailing(1)));
        assert_eq!(decode::<bool>(&[0, 0, 0, 2]), Err(Error::Invalid("boolean")));
        assert_eq!(decode::<String>(&[0, 0, 0, 1, b'a', 0, 0, 1]), Err(Error::Invalid("padding")));
        let not_utf8 = Err(Error::NotUtf8 { left: 4, length: 1 });
        assert_eq!(decode::<String>(&[0, 0, 0, 1, 0xff, 0, 0, 0]), not_utf8);
        assert_eq!(decode::<String>(&[0, 0, 0, 9, b'a', 0, 0, 0]), Err(Error::Short));
        assert!(matches!(decode::<String>(&[255; 8]), Err(Error::TooLong { .. })));
        assert_eq!(decode::<u8>(&[0, 0, 1, 0]), Err(Error::Invalid("small number")));
    }
}
