//! Enumerations of words.

/// Declares an enum whose variants are words of a document: `as_str`, `from_word`, `ALL`, `Display`, and
/// [`crate::Value`] so that it can be a field's type.
///
/// ```
/// virtus_xml::keywords! {
///     /// A bus.
///     pub enum Bus { Ide = "ide", Virtio = "virtio" }
/// }
/// assert_eq!(Bus::from_word("ide"), Some(Bus::Ide));
/// assert_eq!(Bus::Virtio.as_str(), "virtio");
/// ```
#[macro_export]
macro_rules! keywords {
    ($(#[$meta:meta])* $vis:vis enum $name:ident {
        $($(#[$vmeta:meta])* $variant:ident = $word:literal),+ $(,)?
    }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[allow(missing_docs)]
        $vis enum $name { $($(#[$vmeta])* $variant),+ }

        #[allow(dead_code)]
        impl $name {
            /// Every word, in libvirt's order.
            pub const ALL: &'static [$name] = &[$($name::$variant),+];

            /// The word.
            pub fn as_str(self) -> &'static str {
                match self { $($name::$variant => $word),+ }
            }

            /// The variant of a word.
            pub fn from_word(word: &str) -> Option<Self> {
                match word { $($word => Some($name::$variant),)+ _ => None }
            }
        }

        impl ::std::fmt::Display for $name {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                f.pad(self.as_str())
            }
        }

        impl $crate::Value for $name {
            fn parse(text: &str, _: u32) -> Option<Self> {
                $name::from_word(text)
            }
            fn write(&self, out: &mut String) {
                out.push_str(self.as_str());
            }
        }
    };
}
