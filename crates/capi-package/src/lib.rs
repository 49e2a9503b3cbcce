//! What goes beside the C library, from the declarations of its functions in `virtus-capi`: headers, symbol maps,
//! stubs, pkg-config files, and the table of what is covered.

pub mod api_xml;
pub mod coverage;
pub mod headers;
pub mod libraries;
pub mod pkgconfig;
pub mod stubs;
pub mod symbols;
