//! The host bus adapter of a SCSI pool.

use virtus_base::{Error, ErrorDomain, Result};
use virtus_xml::{Element, RawElement, Value, Writer, Xml, YesNo, field};

use super::xml_error;

/// A host bus adapter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Adapter {
    /// A Fibre Channel port.
    FcHost {
        /// Name, node or port of the adapter it is made on.
        parent: Option<String>,
        #[allow(missing_docs)]
        parent_wwnn: Option<String>,
        #[allow(missing_docs)]
        parent_wwpn: Option<String>,
        #[allow(missing_docs)]
        parent_fabric_wwn: Option<String>,
        /// Whether it goes away with the pool.
        managed: Option<YesNo>,
        /// The node's name.
        wwnn: String,
        /// The port's name.
        wwpn: String,
    },
    /// An adapter the host knows by this name.
    Named(String),
    /// An adapter by the PCI address it is at.
    At {
        /// Which of those at the address.
        unique_id: u32,
        /// The address.
        address: RawElement,
    },
}

impl Adapter {
    pub(super) fn read(e: Element<'_>) -> Result<Option<Self>> {
        let own = |name: &str| e.attr(name).map(str::to_owned);
        match e.attr("type") {
            Some("fc_host") => {
                let (Some(wwnn), Some(wwpn)) = (own("wwnn"), own("wwpn")) else {
                    return Err(xml_error("'wwnn' and 'wwpn' must be specified for adapter type 'fchost'"));
                };
                Ok(Some(Adapter::FcHost {
                    parent: own("parent"),
                    parent_wwnn: own("parent_wwnn"),
                    parent_wwpn: own("parent_wwpn"),
                    parent_fabric_wwn: own("parent_fabric_wwn"),
                    managed: field::attr(Some(e), "managed", &crate::RULES)?,
                    wwnn,
                    wwpn,
                }))
            }
            Some("scsi_host") => match (own("name"), e.child("parentaddr")) {
                (Some(_), Some(_)) => {
                    Err(xml_error("Both 'name' and 'parent' cannot be specified for the 'scsi_host' adapter"))
                }
                (Some(name), None) => Ok(Some(Adapter::Named(name))),
                (None, Some(parent)) => {
                    let unique_id = parent.attr("unique_id").and_then(|id| <u32 as Value>::parse(id, 10));
                    let unique_id = unique_id
                        .ok_or_else(|| xml_error("Missing or invalid scsi adapter 'unique_id' value"))?;
                    let address = parent.child("address").ok_or_else(|| {
                        Error::internal(ErrorDomain::STORAGE, "Missing scsi_host PCI address element")
                    })?;
                    Ok(Some(Adapter::At { unique_id, address: RawElement::read(address.accept_all())? }))
                }
                (None, None) => {
                    Err(xml_error("Either 'name' or 'parent' must be specified for the 'scsi_host' adapter"))
                }
            },
            Some(_) => Err(virtus_xml::field::invalid(
                e,
                "type",
                e.attr("type").unwrap_or_default(),
                "",
                &crate::RULES,
            )),
            None => {
                if ["wwnn", "wwpn", "parent"].iter().any(|name| e.attr(name).is_some()) {
                    return Err(xml_error(
                        "Use of 'wwnn', 'wwpn', and 'parent' attributes requires use of the adapter 'type'",
                    ));
                }
                if e.child("parentaddr").is_some() {
                    return Err(xml_error("Use of 'parentaddr' element requires use of the adapter 'type'"));
                }
                Ok(own("name").map(Adapter::Named))
            }
        }
    }

    pub(super) fn write(&self, w: &mut Writer) {
        w.start("adapter");
        match self {
            Adapter::FcHost { parent, parent_wwnn, parent_wwpn, parent_fabric_wwn, managed, wwnn, wwpn } => {
                w.attr("type", "fc_host");
                w.attr_opt("parent", parent.as_deref());
                w.attr_opt("parent_wwnn", parent_wwnn.as_deref());
                w.attr_opt("parent_wwpn", parent_wwpn.as_deref());
                w.attr_opt("parent_fabric_wwn", parent_fabric_wwn.as_deref());
                w.attr_opt("managed", managed.map(YesNo::as_str));
                w.attr("wwnn", wwnn);
                w.attr("wwpn", wwpn);
            }
            Adapter::Named(name) => {
                w.attr("type", "scsi_host");
                w.attr("name", name);
            }
            Adapter::At { unique_id, address } => {
                w.attr("type", "scsi_host");
                w.start("parentaddr");
                w.attr_fmt("unique_id", format_args!("{unique_id}"));
                w.raw_element(address);
                w.end();
            }
        }
        w.end();
    }
}
