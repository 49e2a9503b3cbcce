//! `<vlan>`: the VLANs an interface or a network belongs to.

use virtus_base::{Error, ErrorCode, ErrorDomain, Result};
use virtus_xml::{Element, Writer, Xml, keywords};

keywords! {
    /// How the native VLAN's frames leave.
    pub enum NativeMode { Tagged = "tagged", Untagged = "untagged" }
}

/// A VLAN.
#[derive(Clone, Debug, PartialEq, Eq, Xml)]
pub struct Tag {
    /// Its number, at most 4095.
    #[xml(attr)]
    pub id: u32,
    /// Whether it is the native one, and how its frames leave.
    #[xml(attr = "nativeMode")]
    pub native_mode: Option<NativeMode>,
}

/// The VLANs of a port.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Vlan {
    /// Whether the port is a trunk.
    pub trunk: bool,
    /// Its VLANs; at least one.
    pub tags: Vec<Tag>,
}

impl Xml for Vlan {
    fn read(e: Element<'_>) -> Result<Self> {
        let wrong = |text: String| Err(Error::new(ErrorDomain::NONE, ErrorCode::XML_ERROR, text));
        let mut tags: Vec<Tag> = Vec::new();
        for child in e.children("tag") {
            let tag = Tag::read(child)?;
            if tag.id > 4095 {
                return wrong(format!("vlan tag id {} too large (maximum 4095)", tag.id));
            }
            if tag.native_mode.is_some() && tags.iter().any(|t| t.native_mode.is_some()) {
                return wrong("duplicate native vlan setting".into());
            }
            tags.push(tag);
        }
        if tags.is_empty() {
            return wrong(
                "missing tag id - each <vlan> must have at least one <tag id='n'/> subelement".into(),
            );
        }
        let native = tags.iter().any(|t| t.native_mode.is_some());
        let trunk = match e.attr("trunk") {
            None => tags.len() > 1 || native,
            Some("yes") => true,
            Some(other) if tags.len() > 1 => {
                return wrong(format!(
                    "invalid \"trunk='{other}'\" in <vlan> - trunk='yes' is required for more than one vlan tag"
                ));
            }
            Some("no") if native => {
                return wrong(
                    "invalid configuration in <vlan> - \"trunk='no'\" is not allowed with a native vlan id"
                        .into(),
                );
            }
            Some("no") => false,
            Some(other) => {
                return wrong(format!("invalid \"trunk='{other}'\" in <vlan> - must be yes or no"));
            }
        };
        Ok(Vlan { trunk, tags })
    }
    fn write_attrs(&self, w: &mut Writer) {
        if self.trunk {
            w.attr("trunk", "yes");
        }
    }
    fn write_body(&self, w: &mut Writer) {
        for tag in &self.tags {
            w.element("tag", tag);
        }
    }
}
