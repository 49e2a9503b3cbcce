//! What every Virtus crate speaks of: errors with libvirt's numbers, UUIDs, typed parameters, bitmaps and
//! sizes. No I/O here.

pub mod bitmap;
pub mod error;
pub mod settings;
pub mod size;
mod typed_param;
mod uuid;

pub use bitmap::Bitmap;
pub use error::{Error, ErrorCode, ErrorDomain, ErrorLevel, Fields, Result};
pub use typed_param::{TypedParam, TypedValue};
pub use uuid::Uuid;
