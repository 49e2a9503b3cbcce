//! libvirt's XML documents as typed models: what they hold, their defaults, what is valid, and their text
//! in both directions. Nothing here touches the host.

pub mod net;
pub mod network;

/// How fields are read that declare nothing.
pub(crate) const RULES: virtus_xml::field::Rules = virtus_xml::field::Rules {
    missing: None,
    invalid: None,
    code: virtus_base::ErrorCode::XML_ERROR,
    number: virtus_xml::field::NumberRule::Any,
    base: 10,
};
