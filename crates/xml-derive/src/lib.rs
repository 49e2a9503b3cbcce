//! The derive behind `virtus-xml`: one declaration of a type makes it readable from an element and
//! writable back. `virtus_xml::Xml` documents the attributes.

mod emit;
mod spec;

use proc_macro::TokenStream;
use syn::{Data, DeriveInput, parse_macro_input};

/// Makes both directions of a struct, or of an enum whose variant an attribute chooses. See
/// `virtus_xml::Xml`.
#[proc_macro_derive(Xml, attributes(xml))]
pub fn derive_xml(input: TokenStream) -> TokenStream {
    let input = parse_macro_input!(input as DeriveInput);
    let out = match &input.data {
        Data::Struct(data) => emit::for_struct(&input, data),
        Data::Enum(data) => emit::for_enum(&input, data),
        Data::Union(_) => Err(syn::Error::new_spanned(&input.ident, "a union has no XML")),
    };
    out.unwrap_or_else(syn::Error::into_compile_error).into()
}
