//! libvirt's XML documents as typed models: what they hold, their defaults, what is valid, and their text
//! in both directions. Nothing here touches the host.

mod architecture;
pub mod checkpoint;
pub mod domain;
pub mod host_cpu;
pub mod interface;
pub mod moment;
pub mod net;
pub mod network;
pub mod nodedev;
pub mod nwfilter;
pub mod scaled;
pub mod secret;
pub mod snapshot;
pub mod storage;

pub use architecture::is_architecture;

/// How fields are read that declare nothing.
pub(crate) const RULES: virtus_xml::field::Rules = virtus_xml::field::Rules {
    missing: None,
    invalid: None,
    code: virtus_base::ErrorCode::XML_ERROR,
    invalid_code: virtus_base::ErrorCode::XML_ERROR,
    domain: virtus_base::ErrorDomain::DOMAIN,
    number: virtus_xml::field::NumberRule::Any,
    base: 10,
};

/// Refuses a name that has one of these characters.
///
/// # Errors
/// `XML_DETAIL` from the code for XML, whosever name it is.
pub fn legal_name(name: &str, illegal: &str) -> virtus_base::Result<()> {
    match illegal.chars().find(|c| name.contains(*c)) {
        Some(c) => Err(virtus_base::Error::new(
            virtus_base::ErrorDomain::XML,
            virtus_base::ErrorCode::XML_DETAIL,
            format!("invalid char in name: {c}"),
        )),
        None => Ok(()),
    }
}

/// A document does not follow its schema; `what` says where and how.
pub(crate) fn schema_error(document: &str, what: impl std::fmt::Display) -> virtus_base::Error {
    virtus_base::Error::new(
        virtus_base::ErrorDomain::XML,
        virtus_base::ErrorCode::XML_INVALID_SCHEMA,
        format!("Unable to validate doc against /usr/share/libvirt/schemas/{document}.rng\n{what}"),
    )
}

/// The same, when reading found something nobody knows.
pub(crate) fn check_all_known(document: &virtus_xml::Document<'_>, name: &str) -> virtus_base::Result<()> {
    match document.unknown() {
        Some((what, found, line)) => {
            Err(schema_error(name, format_args!("line {line}: unexpected {what} {found}")))
        }
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use crate::domain::{Domain, ParseOptions};
    use crate::network::Network;

    #[test]
    fn names_are_no_paths() {
        let xml = "<domain type='qemu'><name>a/b</name><memory>1</memory><os><type>hvm</type></os></domain>";
        let e = Domain::parse(xml, &ParseOptions::default()).unwrap_err();
        assert_eq!(e.message(), "XML error: name a/b cannot contain '/'");
        let e = Network::parse("<network><name>a/b</name></network>", false).unwrap_err();
        assert_eq!((e.code().0, e.message()), (35, "invalid char in name: /"));
    }
}
