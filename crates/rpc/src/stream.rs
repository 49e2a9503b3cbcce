//! The pieces of a stream.

use virtus_xdr::record;

record! {
    /// A hole in a sparse stream (`virNetStreamHole`).
    pub struct StreamHole {
        /// Its length in bytes.
        pub length: i64,
        /// None are defined.
        pub flags: u32,
    }
}
