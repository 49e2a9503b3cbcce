//! The declaration of a structure.

/// Declares a structure whose wire form is its fields in order.
#[macro_export]
macro_rules! record {
    ($($(#[$meta:meta])* pub struct $name:ident { $($(#[$field_meta:meta])* pub $field:ident: $type:ty,)* })*) => {$(
        $(#[$meta])*
        #[derive(Clone, Debug, PartialEq)]
        pub struct $name { $($(#[$field_meta])* pub $field: $type,)* }

        impl $crate::Encode for $name {
            fn encode(&self, out: &mut Vec<u8>) {
                $($crate::Encode::encode(&self.$field, out);)*
            }
            fn check(&self) -> Result<(), $crate::Error> {
                $($crate::Encode::check(&self.$field)?;)*
                Ok(())
            }
        }
        impl $crate::Decode for $name {
            const MIN_SIZE: usize = 0 $(+ <$type as $crate::Decode>::MIN_SIZE)*;
            fn decode(from: &mut $crate::Reader<'_>) -> Result<Self, $crate::Error> {
                Ok($name { $($field: $crate::Decode::decode(from)?,)* })
            }
        }
    )*};
}
