//! What stands deeper in the documents of devices that cannot be made: it has to be right all the same.

use virtus_base::{Error, ErrorCode, ErrorDomain, Result};
use virtus_xml::{Element, Xml, field, keywords};

use super::Kind;
use super::wanted::{internal, number};
use crate::domain::device::address::PciAddress;

keywords! {
    /// What a network card can do by itself.
    enum NetFeature {
        Rx = "rx", Tx = "tx", Sg = "sg", Tso = "tso", Gso = "gso", Gro = "gro", Lro = "lro", Rxvlan = "rxvlan",
        Txvlan = "txvlan", Ntuple = "ntuple", Rxhash = "rxhash", Rdma = "rdma", Txudptnl = "txudptnl",
        Switchdev = "switchdev",
    }
}
keywords! {
    /// How fast a link of PCI Express is, in GT/s.
    enum Speed { Two = "2.5", Five = "5", Eight = "8", Sixteen = "16", ThirtyTwo = "32", SixtyFour = "64" }
}

fn xml_error(text: impl Into<String>) -> Error {
    Error::new(ErrorDomain::NODEDEV, ErrorCode::XML_ERROR, text)
}

/// Refuses what is wrong below a capability.
pub(super) fn check(kind: Kind, e: Element<'_>) -> Result<()> {
    match kind {
        Kind::Pci => pci(e),
        Kind::Net => net(e),
        Kind::Storage => storage(e),
        Kind::ScsiTarget => {
            for inner in e.children("capability") {
                let kind =
                    inner.attr("type").ok_or_else(|| internal("missing type for SCSI target capability"))?;
                if kind != "fc_remote_port" {
                    return Err(internal(format!("unknown SCSI target capability type '{kind}'")));
                }
            }
            Ok(())
        }
        Kind::Css | Kind::ApMatrix => {
            e.children("capability").try_for_each(|inner| types(inner, "mdev_types"))
        }
        _ => Ok(()),
    }
}

fn pci(e: Element<'_>) -> Result<()> {
    for inner in e.children("capability") {
        let kind = inner.attr("type").ok_or_else(|| xml_error("Missing capability type"))?;
        match kind {
            "phys_function" | "virt_functions" => {
                let mut addresses = inner.children("address").peekable();
                if kind == "phys_function" && addresses.peek().is_none() {
                    return Err(xml_error("Missing address in 'phys_function' capability"));
                }
                addresses.try_for_each(address)?;
            }
            "mdev_types" => types(inner, kind)?,
            "vpd" => vpd(inner)?,
            _ => {}
        }
    }
    if let Some(group) = e.child("iommuGroup") {
        let _: u32 = field::required_attr(Some(group), group, "number", &crate::RULES)?;
        group.children("address").try_for_each(address)?;
    }
    let node = e.child("numa").and_then(|numa| numa.attr("node"));
    if node.is_some_and(|node| node.parse::<u32>().is_err()) {
        return Err(internal("invalid NUMA node ID supplied"));
    }
    for link in e.children("pci-express").flat_map(|express| express.children("link")) {
        let _: Option<i32> = field::attr(Some(link), "port", &crate::RULES)?;
        let _: Option<Speed> = field::attr(Some(link), "speed", &crate::RULES)?;
        let _: u32 = field::required_attr(Some(link), link, "width", &crate::RULES)?;
    }
    Ok(())
}

fn address(e: Element<'_>) -> Result<()> {
    PciAddress::read(e).map(drop)
}

/// The types of mediated devices that can be made on one.
fn types(e: Element<'_>, kind: &str) -> Result<()> {
    match e.attr("type") {
        None => return Err(xml_error("Missing capability type")),
        Some(word) if word != kind => return Ok(()),
        Some(_) => {}
    }
    for found in e.children("type") {
        let id = found
            .attr("id")
            .ok_or_else(|| xml_error("missing 'id' attribute for mediated device's <type> element"))?;
        let text = |name: &str| found.child(name).and_then(|inner| inner.text());
        if text("deviceAPI").is_none() {
            return Err(xml_error(format!("missing device API for mediated device type '{id}'")));
        }
        let count = text("availableInstances").ok_or_else(|| {
            xml_error(format!("missing number of available instances for mediated device type '{id}'"))
        })?;
        number(&count, 0).ok_or_else(|| internal("invalid number of available instances supplied"))?;
    }
    Ok(())
}

fn vpd(e: Element<'_>) -> Result<()> {
    if e.child("name").and_then(|name| name.text()).is_none() {
        return Err(xml_error("Could not read a device name from the <name> element"));
    }
    for own in e.children("fields").flat_map(|fields| fields.elements()) {
        if matches!(own.name(), "vendor_field" | "system_field") {
            let index: String = field::required_attr(Some(own), own, "index", &crate::RULES)?;
            let one = index.chars().all(|c| c.is_ascii_alphanumeric()) && index.len() == 1;
            if !one {
                let text = format!("'{}' 'index' value '{index}' malformed", own.name());
                return Err(xml_error(text));
            }
        }
    }
    Ok(())
}

fn net(e: Element<'_>) -> Result<()> {
    for feature in e.children("feature") {
        let name = feature.attr("name").ok_or_else(|| xml_error("missing network device feature name"))?;
        if NetFeature::from_word(name).is_none() {
            return Err(xml_error(format!("unknown network device feature '{name}'")));
        }
    }
    Ok(())
}

fn storage(e: Element<'_>) -> Result<()> {
    let size = |e: Element<'_>, element: &str, what: &str| -> Result<()> {
        let text = e.child(element).and_then(|size| size.text());
        let text = text.ok_or_else(|| internal(format!("no {what} supplied")))?;
        text.trim().parse::<u64>().map(drop).map_err(|_| internal(format!("invalid {what} supplied")))
    };
    let mut removable = false;
    for inner in e.children("capability") {
        let kind = inner.attr("type").ok_or_else(|| internal("missing storage capability type"))?;
        match kind {
            "hotpluggable" => {}
            "removable" => {
                removable = true;
                size(inner, "media_size", "removable media size")?;
            }
            kind => return Err(internal(format!("unknown storage capability type '{kind}'"))),
        }
    }
    match removable {
        true => Ok(()),
        false => size(e, "size", "size"),
    }
}
