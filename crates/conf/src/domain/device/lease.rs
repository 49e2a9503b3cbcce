//! `<lease>`: locks a guest holds while it runs.

use virtus_xml::Xml;

/// `<lease>`.
#[derive(Clone, Debug, PartialEq, Xml)]
pub struct Lease {
    #[xml(value)]
    pub lockspace: Option<String>,
    #[xml(value, missing = "Missing 'key' element for lease")]
    pub key: String,
    #[xml(missing = "Missing 'target' element for lease")]
    pub target: LeaseTarget,
}

/// The lock's file, and where in it.
#[derive(Clone, Debug, PartialEq, Xml)]
pub struct LeaseTarget {
    #[xml(attr)]
    pub path: String,
    /// In bytes.
    #[xml(attr)]
    pub offset: Option<u64>,
}
