//! `<device>`: a device of the host.

pub mod host;

use virtus_base::{Error, ErrorCode, ErrorDomain, Result};
use virtus_xml::{Document, Element, RawElement, ReadOptions, Value, WriteOptions, Writer, Xml as _};

/// A device of the host.
#[derive(Clone, Debug, PartialEq)]
pub struct NodeDevice {
    /// Its name, unique on the host.
    pub name: String,
    /// Its directory in sysfs.
    pub path: Option<String>,
    /// Its file under `/dev`.
    pub devnode: Option<String>,
    /// Other names of that file.
    pub links: Vec<String>,
    /// What it hangs on.
    pub parent: Parent,
    /// The kernel's driver for it.
    pub driver: Option<String>,
    /// What it is.
    pub capabilities: Vec<Capability>,
}

/// What a device hangs on: by name, or, where one is to be made, by numbers of an adapter.
#[derive(Clone, Debug, Default, PartialEq)]
#[allow(missing_docs)]
pub struct Parent {
    pub name: Option<String>,
    pub wwnn: Option<String>,
    pub wwpn: Option<String>,
    pub fabric_wwn: Option<String>,
}

/// What a device is.
#[derive(Clone, Debug, PartialEq)]
pub enum Capability {
    /// The host itself.
    System(System),
    /// An adapter for SCSI.
    ScsiHost(ScsiHost),
    /// Any other kind, as its document has it.
    Other(RawElement),
}

/// The host itself.
#[derive(Clone, Debug, Default, PartialEq)]
#[allow(missing_docs)]
pub struct System {
    pub product: Option<String>,
    pub hardware_vendor: Option<String>,
    pub hardware_version: Option<String>,
    pub hardware_serial: Option<String>,
    pub hardware_uuid: String,
    pub firmware_vendor: Option<String>,
    pub firmware_version: Option<String>,
    pub firmware_release_date: Option<String>,
}

/// An adapter for SCSI.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ScsiHost {
    /// The kernel's number for it.
    pub host: Option<u32>,
    /// Its number among those of its card.
    pub unique_id: Option<u32>,
    /// Its names on a Fibre Channel network.
    pub fc_host: Option<FcHost>,
    /// How many virtual adapters it may have, and has, if it may have any.
    pub vports: Option<(u32, u32)>,
}

/// An adapter's names on a Fibre Channel network.
#[derive(Clone, Debug, Default, PartialEq)]
#[allow(missing_docs)]
pub struct FcHost {
    pub wwnn: Option<String>,
    pub wwpn: Option<String>,
    pub fabric_wwn: Option<String>,
}

fn error(code: ErrorCode, text: impl Into<String>) -> Error {
    Error::new(ErrorDomain::NODEDEV, code, text)
}

fn xml_error(text: impl Into<String>) -> Error {
    error(ErrorCode::XML_ERROR, text)
}

fn text(e: Element<'_>, path: &[&str]) -> Option<String> {
    e.descend(path).and_then(|e| e.text())
}

impl NodeDevice {
    /// Reads a device's document. One that is `new` needs no name; an adapter gets names that begin with this.
    ///
    /// # Errors
    /// libvirt's, from the code for node devices.
    pub fn parse(xml: &str, new: Option<&str>) -> Result<Self> {
        let document = Document::parse(xml, ErrorDomain::NODEDEV, &ReadOptions::default())?;
        Self::read(document.root_named("device")?, new)
    }

    /// Reads a device's element.
    ///
    /// # Errors
    /// As [`NodeDevice::parse`].
    pub fn read(e: Element<'_>, new: Option<&str>) -> Result<Self> {
        let name = match text(e, &["name"]) {
            Some(name) if new.is_none() => name,
            None if new.is_none() => return Err(error(ErrorCode::NO_NAME, "")),
            _ => "new device".to_owned(),
        };
        let parent = e.child("parent");
        let own = |name: &str| parent.and_then(|parent| parent.attr(name)).map(str::to_owned);
        let parent = Parent {
            name: parent.and_then(|parent| parent.text()),
            wwnn: own("wwnn"),
            wwpn: own("wwpn"),
            fabric_wwn: own("fabric_wwn"),
        };
        if parent.wwnn.is_some() != parent.wwpn.is_some() {
            let (given, missing) = if parent.wwnn.is_some() { ("wwnn", "wwpn") } else { ("wwpn", "wwnn") };
            return Err(xml_error(format!(
                "when providing parent {given}, the {missing} must also be provided"
            )));
        }
        let capabilities: Vec<_> =
            e.children("capability").map(|cap| Capability::read(cap, &name, new)).collect::<Result<_>>()?;
        if capabilities.is_empty() {
            return Err(xml_error(format!("no device capabilities for '{name}'")));
        }
        let devnodes = |kind: &'static str| {
            e.children("devnode")
                .filter(move |node| node.attr("type") == Some(kind))
                .filter_map(|node| node.text())
        };
        let (devnode, links) = (devnodes("dev").next(), devnodes("link").collect());
        Ok(NodeDevice {
            path: text(e, &["path"]),
            devnode,
            links,
            parent,
            driver: text(e, &["driver", "name"]),
            capabilities,
            name,
        })
    }

    /// The document's text.
    pub fn format(&self) -> String {
        let mut w = Writer::new(WriteOptions::default());
        w.start("device");
        w.element_text("name", &self.name);
        if let Some(path) = &self.path {
            w.element_text("path", path);
        }
        let devnodes = self.devnode.iter().map(|path| ("dev", path));
        for (kind, path) in devnodes.chain(self.links.iter().map(|path| ("link", path))) {
            w.start("devnode");
            w.attr("type", kind);
            w.text(path);
            w.end();
        }
        if let Some(parent) = &self.parent.name {
            w.element_text("parent", parent);
        }
        if let Some(driver) = &self.driver {
            w.start("driver");
            w.element_text("name", driver);
            w.end();
        }
        self.capabilities.iter().for_each(|capability| capability.write(&mut w));
        w.end();
        w.finish()
    }

    /// The names on a Fibre Channel network of the adapter that it is (node, then port).
    ///
    /// # Errors
    /// `INTERNAL_ERROR` when it is none.
    pub fn wwns(&self) -> Result<(String, String)> {
        self.scsi_hosts()
            .find_map(|host| {
                let fc = host.fc_host.as_ref()?;
                Some((fc.wwnn.clone()?, fc.wwpn.clone()?))
            })
            .ok_or_else(|| error(ErrorCode::INTERNAL_ERROR, "Device is not a fibre channel HBA"))
    }

    /// The SCSI adapters among what it is.
    pub fn scsi_hosts(&self) -> impl Iterator<Item = &ScsiHost> {
        self.capabilities.iter().filter_map(|capability| match capability {
            Capability::ScsiHost(host) => Some(host),
            _ => None,
        })
    }
}

impl Capability {
    /// The kind's name.
    pub fn kind(&self) -> &str {
        match self {
            Capability::System(_) => "system",
            Capability::ScsiHost(_) => "scsi_host",
            Capability::Other(element) => element.attribute("type").unwrap_or_default(),
        }
    }

    fn read(e: Element<'_>, device: &str, new: Option<&str>) -> Result<Self> {
        /// Kinds beside those that are read here.
        const OTHERS: [&str; 21] = [
            "pci",
            "usb_device",
            "usb",
            "net",
            "scsi_target",
            "scsi",
            "storage",
            "fc_host",
            "vports",
            "scsi_generic",
            "drm",
            "mdev_types",
            "mdev",
            "ccw",
            "css",
            "vdpa",
            "ap_card",
            "ap_queue",
            "ap_matrix",
            "vpd",
            "mdev_class",
        ];
        match e.attr("type") {
            None => Err(xml_error("missing capability type")),
            Some("system") => System::read(e, device).map(Capability::System),
            Some("scsi_host") => ScsiHost::read(e, device, new).map(Capability::ScsiHost),
            Some(kind) if OTHERS.contains(&kind) => RawElement::read(e).map(Capability::Other),
            Some(kind) => Err(error(
                ErrorCode::INTERNAL_ERROR,
                format!("unknown capability type '{kind}' for '{device}'"),
            )),
        }
    }

    fn write(&self, w: &mut Writer) {
        if let Capability::Other(element) = self {
            w.raw_element(element);
            return;
        }
        w.start("capability");
        w.attr("type", self.kind());
        match self {
            Capability::System(system) => system.write(w),
            Capability::ScsiHost(host) => host.write(w),
            Capability::Other(_) => {}
        }
        w.end();
    }
}

impl System {
    fn read(e: Element<'_>, device: &str) -> Result<Self> {
        let uuid = text(e, &["hardware", "uuid"]).ok_or_else(|| {
            error(ErrorCode::INTERNAL_ERROR, format!("no system UUID supplied for '{device}'"))
        })?;
        if virtus_base::Uuid::parse(&uuid).is_none() {
            return Err(error(ErrorCode::INTERNAL_ERROR, format!("malformed uuid element for '{device}'")));
        }
        Ok(System {
            product: text(e, &["product"]),
            hardware_vendor: text(e, &["hardware", "vendor"]),
            hardware_version: text(e, &["hardware", "version"]),
            hardware_serial: text(e, &["hardware", "serial"]),
            hardware_uuid: uuid,
            firmware_vendor: text(e, &["firmware", "vendor"]),
            firmware_version: text(e, &["firmware", "version"]),
            firmware_release_date: text(e, &["firmware", "release_date"]),
        })
    }

    fn write(&self, w: &mut Writer) {
        fn optional(w: &mut Writer, name: &'static str, value: &Option<String>) {
            if let Some(value) = value {
                w.element_text(name, value);
            }
        }
        optional(w, "product", &self.product);
        w.start("hardware");
        optional(w, "vendor", &self.hardware_vendor);
        optional(w, "version", &self.hardware_version);
        optional(w, "serial", &self.hardware_serial);
        w.element_text("uuid", &self.hardware_uuid);
        w.end();
        w.start("firmware");
        optional(w, "vendor", &self.firmware_vendor);
        optional(w, "version", &self.firmware_version);
        optional(w, "release_date", &self.firmware_release_date);
        w.end();
    }
}

impl ScsiHost {
    fn read(e: Element<'_>, device: &str, new: Option<&str>) -> Result<Self> {
        let number = |name: &str, what: &str| -> Result<Option<u32>> {
            let wrong = || xml_error(format!("invalid SCSI host {what} for '{device}'"));
            text(e, &[name]).map(|text| u32::parse(&text, 10).ok_or_else(wrong)).transpose()
        };
        let host = match number("host", "ID supplied")? {
            None if new.is_none() => {
                let text = format!("no SCSI host ID supplied for '{device}'");
                return Err(error(ErrorCode::INTERNAL_ERROR, text));
            }
            host => host,
        };
        let mut scsi =
            ScsiHost { host, unique_id: number("unique_id", "unique_id supplied")?, ..ScsiHost::default() };
        for cap in e.children("capability") {
            match cap.attr("type") {
                None => {
                    let text = format!("missing SCSI host capability type for '{device}'");
                    return Err(xml_error(text));
                }
                // how many there are is the host's to say
                Some("vport_ops") => scsi.vports = Some((0, 0)),
                Some("fc_host") => scsi.fc_host = Some(FcHost::read(cap, device, new)?),
                Some(kind) => {
                    let text = format!("unknown SCSI host capability type '{kind}' for '{device}'");
                    return Err(error(ErrorCode::INTERNAL_ERROR, text));
                }
            }
        }
        Ok(scsi)
    }

    fn write(&self, w: &mut Writer) {
        if let Some(host) = &self.host {
            w.element_value("host", host);
        }
        if let Some(unique_id) = &self.unique_id {
            w.element_value("unique_id", unique_id);
        }
        if let Some(fc) = &self.fc_host {
            w.start("capability");
            w.attr("type", "fc_host");
            w.element_text("wwnn", fc.wwnn.as_deref().unwrap_or_default());
            w.element_text("wwpn", fc.wwpn.as_deref().unwrap_or_default());
            if let Some(fabric) = &fc.fabric_wwn {
                w.element_text("fabric_wwn", fabric);
            }
            w.end();
        }
        if let Some((most, now)) = &self.vports {
            w.start("capability");
            w.attr("type", "vport_ops");
            w.element_value("max_vports", most);
            w.element_value("vports", now);
            w.end();
        }
    }
}

impl FcHost {
    fn read(e: Element<'_>, device: &str, new: Option<&str>) -> Result<Self> {
        let name = |field: &str, what: &str| -> Result<Option<String>> {
            match text(e, &[field]) {
                Some(text) if text.len() == 16 && text.bytes().all(|b| b.is_ascii_hexdigit()) => {
                    Ok(Some(text))
                }
                Some(_) => {
                    Err(xml_error(format!("malformed wwn: {}", text(e, &[field]).unwrap_or_default())))
                }
                // a new adapter gets names of its own
                None if new.is_some() => random_wwn(new.unwrap_or_default()).map(Some),
                None => Err(error(ErrorCode::INTERNAL_ERROR, format!("no {what} supplied for '{device}'"))),
            }
        };
        Ok(FcHost {
            wwnn: name("wwnn", "WWNN")?,
            wwpn: name("wwpn", "WWPN")?,
            fabric_wwn: text(e, &["fabric_wwn"]),
        })
    }
}

/// A name on a Fibre Channel network that nobody else has: the prefix, and digits up to sixteen.
fn random_wwn(prefix: &str) -> Result<String> {
    let random = virtus_base::Uuid::random()?;
    let digits: String = random.0.iter().map(|byte| format!("{byte:02x}")).collect();
    Ok(prefix.chars().chain(digits.chars()).take(16).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_adapter_is_written_as_it_is_read() {
        let xml = "<device>\n  <name>scsi_host1</name>\n  <parent>computer</parent>\n  \
                   <capability type='scsi_host'>\n    <host>1</host>\n    <unique_id>0</unique_id>\n    \
                   <capability type='fc_host'>\n      <wwnn>2000000012341234</wwnn>\n      \
                   <wwpn>1000000012341234</wwpn>\n    </capability>\n  </capability>\n</device>\n";
        let device = NodeDevice::parse(xml, None).unwrap();
        assert_eq!(device.format(), xml);
        assert_eq!(device.wwns().unwrap().0, "2000000012341234");
    }

    #[test]
    fn a_new_adapter_gets_names() {
        let xml = "<device><parent>scsi_host1</parent><capability type='scsi_host'>\
                   <capability type='fc_host'/></capability></device>";
        let (wwnn, wwpn) = NodeDevice::parse(xml, Some("5100000")).unwrap().wwns().unwrap();
        assert!(wwnn.starts_with("5100000") && wwnn.len() == 16 && wwnn != wwpn);
        assert_eq!(NodeDevice::parse(xml, None).unwrap_err().code(), ErrorCode::NO_NAME);
    }
}
