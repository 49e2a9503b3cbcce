//! `<virtualport>`: what a switch beyond the host is told of an interface.

use virtus_base::{Error, ErrorCode, ErrorDomain, Result, Uuid};
use virtus_xml::{Element, Value, Writer, Xml, keywords};

keywords! {
    /// The kind of switch.
    pub enum PortType {
        Vepa = "802.1Qbg",
        VnTag = "802.1Qbh",
        OpenVSwitch = "openvswitch",
        MidoNet = "midonet",
    }
}

/// The parameters of a port. Which of them are taken, and which must be there, depends on the type.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct VirtualPort {
    /// The kind of switch; unspecified where another place says it.
    pub kind: Option<PortType>,
    /// 802.1Qbg: the VSI manager.
    pub manager_id: Option<u8>,
    /// 802.1Qbg: the VSI type, 24 bits.
    pub type_id: Option<u32>,
    /// 802.1Qbg: the VSI type's version.
    pub type_id_version: Option<u8>,
    /// 802.1Qbg: the VSI instance.
    pub instance_id: Option<Uuid>,
    /// Open vSwitch and MidoNet: the interface.
    pub interface_id: Option<Uuid>,
    /// 802.1Qbh and Open vSwitch: the port profile, at most 39 bytes.
    pub profile_id: Option<String>,
}

/// The longest profile name.
const PROFILE_MAX: usize = 39;

fn error(code: ErrorCode, text: impl Into<String>) -> Error {
    Error::new(ErrorDomain::NONE, code, text)
}

fn number<V: Value>(e: Element<'_>, name: &str) -> Result<Option<V>> {
    let Some(text) = e.attr(name) else { return Ok(None) };
    // 0 as base: libvirt takes hexadecimal here
    let value: u32 = Value::parse(text, 0)
        .ok_or_else(|| error(ErrorCode::XML_ERROR, format!("cannot parse value of {name} parameter")))?;
    match V::parse(&value.to_string(), 10) {
        Some(value) => Ok(Some(value)),
        None => Err(error(ErrorCode::XML_ERROR, format!("value of {name} out of range"))),
    }
}

fn uuid(e: Element<'_>, name: &str) -> Result<Option<Uuid>> {
    e.attr(name)
        .map(|text| {
            Uuid::parse(text).ok_or_else(|| {
                error(ErrorCode::XML_ERROR, format!("cannot parse {name} parameter as a uuid"))
            })
        })
        .transpose()
}

impl VirtualPort {
    fn parameters(&self) -> [(&'static str, bool); 6] {
        [
            ("managerid", self.manager_id.is_some()),
            ("typeid", self.type_id.is_some()),
            ("typeidversion", self.type_id_version.is_some()),
            ("instanceid", self.instance_id.is_some()),
            ("profileid", self.profile_id.is_some()),
            ("interfaceid", self.interface_id.is_some()),
        ]
    }

    /// The parameters a type takes, and those it must have.
    fn taken(kind: PortType) -> (&'static [&'static str], &'static [&'static str]) {
        match kind {
            PortType::Vepa => (
                &["managerid", "typeid", "typeidversion", "instanceid"],
                &["managerid", "typeid", "typeidversion"],
            ),
            PortType::VnTag => (&["profileid"], &["profileid"]),
            PortType::OpenVSwitch => (&["interfaceid", "profileid"], &[]),
            PortType::MidoNet => (&["interfaceid"], &["interfaceid"]),
        }
    }

    /// Refuses parameters the type does not take and, where the port is `complete`, the lack of those it needs.
    ///
    /// # Errors
    /// `XML_ERROR` naming the parameter and the type.
    pub fn check(&self, complete: bool) -> Result<()> {
        let Some(kind) = self.kind else { return Ok(()) };
        let (taken, needed) = Self::taken(kind);
        let given = self.parameters();
        let wrong = |text: String| Error::new(ErrorDomain::NET, ErrorCode::XML_ERROR, text);
        if let Some(missing) =
            needed.iter().filter(|_| complete).find(|name| !given.iter().any(|(n, set)| n == *name && *set))
        {
            return Err(wrong(format!("missing {missing} in <virtualport type='{kind}'>")));
        }
        match given.iter().find(|(name, set)| *set && !taken.contains(name)) {
            Some((extra, _)) => {
                Err(wrong(format!("extra {extra} unsupported in <virtualport type='{kind}'>")))
            }
            None => Ok(()),
        }
    }
}

impl Xml for VirtualPort {
    fn read(e: Element<'_>) -> Result<Self> {
        let kind = e
            .attr("type")
            .map(|text| {
                PortType::from_word(text).ok_or_else(|| {
                    error(ErrorCode::CONFIG_UNSUPPORTED, format!("unknown virtualport type {text}"))
                })
            })
            .transpose()?;
        let mut port = VirtualPort { kind, ..VirtualPort::default() };
        for p in e.children("parameters") {
            port.manager_id = number(p, "managerid")?.or(port.manager_id);
            port.type_id = number(p, "typeid")?.or(port.type_id);
            port.type_id_version = number(p, "typeidversion")?.or(port.type_id_version);
            port.instance_id = uuid(p, "instanceid")?.or(port.instance_id);
            port.interface_id = uuid(p, "interfaceid")?.or(port.interface_id);
            if let Some(profile) = p.attr("profileid") {
                if profile.len() > PROFILE_MAX {
                    return Err(error(ErrorCode::XML_ERROR, "profileid parameter too long"));
                }
                port.profile_id = Some(profile.to_owned());
            }
        }
        if port.type_id.is_some_and(|id| id > 0xff_ffff) {
            return Err(error(ErrorCode::XML_ERROR, "value for typeid out of range"));
        }
        Ok(port)
    }
    fn write_attrs(&self, w: &mut Writer) {
        w.attr_opt("type", self.kind.map(PortType::as_str));
    }
    fn write_body(&self, w: &mut Writer) {
        w.start("parameters");
        if let Some(v) = &self.manager_id {
            w.attr_value("managerid", v);
        }
        if let Some(v) = &self.type_id {
            w.attr_value("typeid", v);
        }
        if let Some(v) = &self.type_id_version {
            w.attr_value("typeidversion", v);
        }
        if let Some(v) = &self.instance_id {
            w.attr_value("instanceid", v);
        }
        if let Some(v) = &self.interface_id {
            w.attr_value("interfaceid", v);
        }
        w.attr_opt("profileid", self.profile_id.as_deref());
        w.end_unless_empty();
    }
}
