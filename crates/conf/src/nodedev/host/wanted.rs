//! Devices that are to be made: mediated devices and virtual ports of fibre channel adapters. The documents of all
//! others are read far enough to say what is wrong with them.

use virtus_base::{Error, ErrorCode, ErrorDomain, Result, Uuid};
use virtus_xml::{Document, Element, ReadOptions, Writer, field, keywords};

use super::Kind;
use super::inside;

keywords! {
    /// What a file in `/dev` is to a device.
    enum DevnodeType { Dev = "dev", Link = "link" }
}

/// A mediated device.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mdev {
    /// Its type.
    pub kind: String,
    /// Its identity.
    pub uuid: Option<Uuid>,
    /// The address of the device it is made on.
    pub parent: Option<String>,
    /// The group it can be given away with.
    pub iommu_group: u32,
    /// The driver's attributes of it, in order.
    pub attributes: Vec<(String, String)>,
}

impl Mdev {
    pub(super) fn write(&self, w: &mut Writer) {
        w.start("type");
        w.attr("id", &self.kind);
        w.end();
        if let Some(uuid) = &self.uuid {
            w.element_fmt("uuid", format_args!("{uuid}"));
        }
        if let Some(parent) = &self.parent {
            w.element_text("parent_addr", parent);
        }
        w.start("iommuGroup");
        w.attr_fmt("number", format_args!("{}", self.iommu_group));
        w.end();
        for (name, value) in &self.attributes {
            w.start("attr");
            w.attr("name", name);
            w.attr("value", value);
            w.end();
        }
    }
}

/// The names of a virtual port: its node's and its own.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wwns {
    /// The node's.
    pub wwnn: Option<String>,
    /// Its own.
    pub wwpn: Option<String>,
}

/// How the adapter of a virtual port is named besides by `<parent>`'s text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ParentHba {
    /// By its node and port.
    pub names: Option<(String, String)>,
    /// By its fabric.
    pub fabric: Option<String>,
}

/// What is to be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WantedKind {
    /// A virtual port; `None` when the document says nothing of fibre channel.
    ScsiHost(Option<Wwns>),
    /// A mediated device.
    Mdev(Mdev),
    /// Something that cannot be made.
    Other,
}

/// A document of a device that is to be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// The device it is to be on.
    pub parent: Option<String>,
    /// The same for virtual ports, by other names.
    pub hba: ParentHba,
    /// What it is.
    pub kind: WantedKind,
}

/// What a device is called that has no name yet.
const NEW: &str = "new device";

pub(super) fn internal(text: impl std::fmt::Display) -> Error {
    Error::internal(ErrorDomain::NODEDEV, format!("{text} for '{NEW}'"))
}

fn unsupported(text: impl std::fmt::Display) -> Error {
    Error::new(ErrorDomain::NODEDEV, ErrorCode::CONFIG_UNSUPPORTED, format!("{text} for '{NEW}'"))
}

/// A number a kind has to have: element, attribute of it, base, and what is said of it.
type Number = (&'static str, Option<&'static str>, u32, &'static str);

/// What each kind has to have, in the order it is looked at.
fn numbers(kind: Kind) -> &'static [Number] {
    match kind {
        Kind::Pci => &[
            ("domain", None, 0, "PCI domain ID"),
            ("bus", None, 0, "PCI bus ID"),
            ("slot", None, 0, "PCI slot ID"),
            ("function", None, 0, "PCI function ID"),
            ("vendor", Some("id"), 16, "PCI vendor ID"),
            ("product", Some("id"), 16, "PCI product ID"),
        ],
        Kind::UsbDevice => &[
            ("bus", None, 0, "USB bus number"),
            ("device", None, 0, "USB device number"),
            ("vendor", Some("id"), 16, "USB vendor ID"),
            ("product", Some("id"), 16, "USB product ID"),
        ],
        Kind::UsbInterface => &[
            ("number", None, 0, "USB interface number"),
            ("class", None, 0, "USB interface class"),
            ("subclass", None, 0, "USB interface subclass"),
            ("protocol", None, 0, "USB interface protocol"),
        ],
        Kind::Scsi => &[
            ("host", None, 0, "SCSI host ID"),
            ("bus", None, 0, "SCSI bus ID"),
            ("target", None, 0, "SCSI target ID"),
            ("lun", None, 0, "SCSI LUN ID"),
        ],
        _ => &[],
    }
}

/// A text a kind has to have, and what is said when it is not there.
fn texts(kind: Kind) -> Option<(&'static str, &'static str)> {
    match kind {
        Kind::Net => Some(("interface", "no network interface supplied")),
        Kind::Storage => Some(("block", "no block device path supplied")),
        Kind::ScsiTarget => Some(("target", "no target name supplied")),
        _ => None,
    }
}

/// Numbers of s390's kinds, of which the error has another form.
fn channel(kind: Kind) -> &'static [&'static str] {
    match kind {
        Kind::Ccw | Kind::Css | Kind::CcwGroup => &["cssid", "ssid", "devno"],
        Kind::ApCard => &["ap-adapter"],
        Kind::ApQueue => &["ap-adapter", "ap-domain"],
        _ => &[],
    }
}

impl Wanted {
    /// Reads the document of a device that is to be made.
    ///
    /// # Errors
    /// libvirt's, from the node device code. With `strict`, what the schema does not know is `XML_INVALID_SCHEMA`.
    pub fn parse(text: &str, strict: bool) -> Result<Self> {
        let options = ReadOptions { track: strict, ..ReadOptions::default() };
        let document = Document::parse(text, ErrorDomain::NODEDEV, &options)?;
        let wanted = match Self::read(document.root_named("device")?) {
            Err(e) if strict => return Err(crate::schema_error("nodedev", e)),
            other => other?,
        };
        if strict {
            if document.root().child("name").is_none() {
                return Err(crate::schema_error("nodedev", "a device without a name"));
            }
            crate::check_all_known(&document, "nodedev")?;
        }
        Ok(wanted)
    }

    fn read(e: Element<'_>) -> Result<Self> {
        // its own name and places are the host's to say
        for name in ["name", "path"] {
            let _ = e.child(name).and_then(|child| child.text());
        }
        for node in e.children("devnode") {
            let _: DevnodeType = field::required_attr(Some(node), node, "type", &crate::RULES)?;
            let _ = node.text();
        }
        let _ = e.child("driver").map(Element::accept_all);
        let parent = e.child("parent");
        let hba = match parent {
            Some(parent) => read_hba(parent)?,
            None => ParentHba::default(),
        };
        let mut kinds = Vec::new();
        for capability in e.children("capability") {
            kinds.push(read_capability(capability)?);
        }
        if kinds.is_empty() {
            return Err(internal("no device capabilities"));
        }
        let made = |kind: &WantedKind| !matches!(kind, WantedKind::Other);
        let at = kinds.iter().position(made).unwrap_or(0);
        Ok(Wanted { parent: parent.and_then(|p| p.text()), hba, kind: kinds.swap_remove(at) })
    }
}

fn read_hba(parent: Element<'_>) -> Result<ParentHba> {
    let attr = |name: &str| parent.attr(name).map(str::to_owned);
    let (wwnn, wwpn, fabric) = (attr("wwnn"), attr("wwpn"), attr("fabric_wwn"));
    let incomplete = |given: &str, value: &str, other: &str| {
        let text = format!("when providing parent {given}='{value}', the {other} must also be provided");
        Err(Error::new(ErrorDomain::NODEDEV, ErrorCode::XML_ERROR, text))
    };
    let names = match (wwnn, wwpn) {
        (Some(wwnn), Some(wwpn)) => Some((wwnn, wwpn)),
        (None, None) => None,
        (Some(wwnn), None) => return incomplete("wwnn", &wwnn, "wwpn"),
        (None, Some(wwpn)) => return incomplete("wwpn", &wwpn, "wwnn"),
    };
    Ok(ParentHba { names, fabric })
}

fn read_capability(e: Element<'_>) -> Result<WantedKind> {
    let kind: Kind = field::required_attr(Some(e), e, "type", &crate::RULES)?;
    for (element, attribute, base, what) in numbers(kind) {
        let child = e.child(element);
        let text = match attribute {
            Some(name) => child.and_then(|c| c.attr(name)).map(str::to_owned),
            None => child.and_then(|c| c.text()),
        };
        let text = text.ok_or_else(|| internal(format!("no {what} supplied")))?;
        let _ = number(&text, *base).ok_or_else(|| internal(format!("invalid {what} supplied")))?;
    }
    if let Some((element, missing)) = texts(kind) {
        let _ = e.child(element).and_then(|c| c.text()).ok_or_else(|| internal(missing))?;
    }
    for element in channel(kind) {
        let text = e.child(element).and_then(|c| c.text());
        let text = text.ok_or_else(|| unsupported(format!("missing {element} value")))?;
        let _ = number(&text, 0).ok_or_else(|| unsupported(format!("invalid {element} value '{text}'")))?;
    }
    inside::check(kind, e)?;
    match kind {
        Kind::ScsiHost => read_scsi_host(e).map(WantedKind::ScsiHost),
        Kind::Mdev => read_mdev(e).map(WantedKind::Mdev),
        Kind::System => {
            let uuid = e.child("hardware").and_then(|h| h.child("uuid")).and_then(|u| u.text());
            let uuid = uuid.ok_or_else(|| internal("no system UUID supplied"))?;
            Uuid::parse(&uuid).ok_or_else(|| internal("malformed uuid element"))?;
            Ok(other(e))
        }
        Kind::Drm => {
            let word = e.child("type").and_then(|t| t.text());
            match word.as_deref() {
                Some("primary" | "control" | "render") => Ok(other(e)),
                word => Err(unsupported(format!("unknown drm type '{}'", word.unwrap_or("(null)")))),
            }
        }
        Kind::FcHost
        | Kind::Vports
        | Kind::ScsiGeneric
        | Kind::MdevTypes
        | Kind::Vdpa
        | Kind::Vpd
        | Kind::CcwGroupMember => Err(internal(format!("unknown capability type '{}'", kind as u32))),
        _ => Ok(other(e)),
    }
}

/// One that cannot be made; what else is in it does not matter.
fn other(e: Element<'_>) -> WantedKind {
    let _ = e.accept_all();
    WantedKind::Other
}

fn read_scsi_host(e: Element<'_>) -> Result<Option<Wwns>> {
    for name in ["host", "unique_id"] {
        let _ = e.child(name).and_then(|child| child.text());
    }
    let mut found = None;
    for inner in e.children("capability") {
        let kind = inner.attr("type").ok_or_else(|| internal("missing SCSI host capability type"))?;
        match kind {
            "vport_ops" => drop(inner.accept_all()),
            "fc_host" => {
                let text = |name: &str| inner.child(name).and_then(|child| child.text());
                let _ = text("fabric_wwn");
                found = Some(Wwns { wwnn: text("wwnn"), wwpn: text("wwpn") });
            }
            kind => return Err(internal(format!("unknown SCSI host capability type '{kind}'"))),
        }
    }
    Ok(found)
}

fn read_mdev(e: Element<'_>) -> Result<Mdev> {
    let kind = e.child("type").and_then(|t| t.attr("id"));
    let kind = kind.ok_or_else(|| unsupported("missing type id attribute"))?.to_owned();
    let uuid = match e.child("uuid").and_then(|u| u.text()) {
        None => None,
        Some(text) => Some(Uuid::parse(&text).ok_or_else(|| {
            Error::internal(ErrorDomain::NODEDEV, format!("Invalid uuid '{text}' for new mdev device"))
        })?),
    };
    let _ = e.child("parent_addr").and_then(|p| p.text());
    let iommu_group = match e.child("iommuGroup").and_then(|group| group.attr("number")) {
        None => 0,
        Some(text) => number(text, 0).ok_or_else(|| internal("invalid iommuGroup number attribute"))?,
    };
    let attributes = e
        .children("attr")
        .filter_map(|attr| Some((attr.attr("name")?.to_owned(), attr.attr("value")?.to_owned())));
    Ok(Mdev { kind, uuid, parent: None, iommu_group, attributes: attributes.collect() })
}

/// A number as C reads it: base 0 goes by how it begins.
pub(super) fn number(text: &str, base: u32) -> Option<u32> {
    let hex = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X"));
    let (digits, base) = match (hex, base) {
        (Some(digits), 0 | 16) => (digits, 16),
        (_, 0) if text.len() > 1 && text.starts_with('0') => (text, 8),
        (_, 0) => (text, 10),
        (_, base) => (text, base),
    };
    u32::from_str_radix(digits, base).ok().filter(|_| !digits.starts_with('+'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(inside: &str) -> String {
        Wanted::parse(&format!("<device><name>x</name>{inside}</device>"), false)
            .unwrap_err()
            .message()
            .to_owned()
    }

    #[test]
    fn what_is_missing_is_named() {
        for (inside, want) in [
            ("", "internal error: no device capabilities for 'new device'"),
            ("<capability type='pci'/>", "internal error: no PCI domain ID supplied for 'new device'"),
            (
                "<capability type='usb_device'><bus>z</bus></capability>",
                "internal error: invalid USB bus number supplied for 'new device'",
            ),
            ("<capability type='vpd'/>", "internal error: unknown capability type '21' for 'new device'"),
            ("<capability type='ccw'/>", "unsupported configuration: missing cssid value for 'new device'"),
            (
                "<capability type='drm'/>",
                "unsupported configuration: unknown drm type '(null)' for 'new device'",
            ),
            (
                "<capability type='mdev'/>",
                "unsupported configuration: missing type id attribute for 'new device'",
            ),
            (
                "<capability type='bogus'/>",
                "XML error: Invalid value for attribute 'type' in element 'capability': 'bogus'.",
            ),
            ("<devnode>a</devnode>", "XML error: Missing required attribute 'type' in element 'devnode'"),
            (
                "<parent wwnn='a'/><capability type='scsi_host'/>",
                "XML error: when providing parent wwnn='a', the wwpn must also be provided",
            ),
        ] {
            assert_eq!(error(inside), want);
        }
    }

    #[test]
    fn mediated_devices_and_ports_are_read() {
        let text = "<device><parent>pci_0000_00_02_0</parent><capability type='mdev'><type id='a'/>\
                    <uuid>d069d019-36ea-4111-8f0a-8c9a70e21366</uuid><attr name='x' value='1'/><attr name='y'/>\
                    </capability></device>";
        let wanted = Wanted::parse(text, false).unwrap();
        let WantedKind::Mdev(mdev) = wanted.kind else { panic!("a mediated device") };
        assert_eq!((mdev.kind.as_str(), mdev.attributes.len()), ("a", 1));
        let text = "<device><name>x</name><capability type='scsi_host'><capability type='fc_host'>\
                    <wwnn>1</wwnn></capability></capability></device>";
        let names = Wwns { wwnn: Some("1".into()), wwpn: None };
        assert_eq!(Wanted::parse(text, true).unwrap().kind, WantedKind::ScsiHost(Some(names)));
        assert!(
            Wanted::parse(&text.replace("<capability type='fc", "<zork/><capability type='fc"), true)
                .is_err()
        );
    }
}
