//! `<serial>`, `<parallel>`, `<console>`, `<channel>`: character devices the guest sees.

use virtus_base::Result;
use virtus_xml::{Element, Only, Value, Writer, Xml, field, keywords};

use super::chardev::{Chardev, ChardevSource};
use super::info::DeviceInfo;
use crate::domain::parse::{RULES, keyword_attr, unsupported, xml_error};
use crate::domain::stable::{Or, Stable, text, told};

keywords! {
    /// What a serial port is plugged into.
    pub enum SerialType {
        Isa = "isa-serial", Usb = "usb-serial", Pci = "pci-serial", SpaprVio = "spapr-vio-serial",
        System = "system-serial", Sclp = "sclp-serial", IsaDebug = "isa-debug",
    }
}

/// `<serial>`: a serial port.
#[derive(Clone, Debug, PartialEq, Xml)]
pub struct Serial {
    #[xml(flatten)]
    pub chardev: Chardev,
    #[xml(omit_default)]
    pub target: SerialTarget,
    #[xml(flatten)]
    pub info: DeviceInfo,
}

/// The guest's side of a serial port.
#[derive(Clone, Debug, Default, PartialEq, Xml)]
#[xml(check = known_model, order(kind, port, model))]
pub struct SerialTarget {
    #[xml(attr = "type", invalid = "unknown target type '{}' specified for character device",
        invalid_code = CONFIG_UNSUPPORTED)]
    pub kind: Option<SerialType>,
    /// Which of the guest's ports, from 0.
    #[xml(attr, none = "-1", invalid = "Invalid port number: {}")]
    pub port: Option<u32>,
    /// The device model, e.g. `isa-serial` or `pl011`.
    #[xml(at = "model/@name", nonempty)]
    pub model: Option<String>,
}

/// The devices libvirt knows behind a serial port.
const MODELS: &[&str] = &[
    "isa-serial",
    "usb-serial",
    "pci-serial",
    "spapr-vty",
    "pl011",
    "sclpconsole",
    "sclplmconsole",
    "16550a",
    "isa-debugcon",
];

fn known_model(target: &mut SerialTarget, _: Element<'_>) -> Result<()> {
    match target.model.as_deref().filter(|model| !MODELS.contains(model)) {
        Some(model) => {
            Err(unsupported(format!("unknown target model '{model}' specified for character device")))
        }
        None => Ok(()),
    }
}

/// `<parallel>`: a parallel port.
#[derive(Clone, Debug, PartialEq, Xml)]
pub struct Parallel {
    #[xml(flatten)]
    pub chardev: Chardev,
    #[xml(at = "target/@port", none = "-1", invalid = "Invalid port number: {}")]
    pub port: Option<u32>,
    #[xml(flatten)]
    pub info: DeviceInfo,
}

keywords! {
    /// What a console is.
    pub enum ConsoleType {
        Serial = "serial", Xen = "xen", Uml = "uml", Virtio = "virtio", Lxc = "lxc", Openvz = "openvz",
        Sclp = "sclp", Sclplm = "sclplm", Isa = "isa",
    }
}

/// `<console>`: the guest's text console; the first is the first serial port where there is one.
#[derive(Clone, Debug, PartialEq)]
pub struct Console {
    pub chardev: Chardev,
    pub kind: Option<ConsoleType>,
    pub port: Option<u32>,
    pub info: DeviceInfo,
}

impl Xml for Console {
    fn read(e: Element<'_>) -> Result<Self> {
        let target = e.child("target");
        Ok(Console {
            chardev: Chardev::read(e)?,
            kind: field::attr(
                target,
                "type",
                &field::Rules {
                    invalid: Some("unknown target type '{}' specified for character device"),
                    invalid_code: virtus_base::ErrorCode::CONFIG_UNSUPPORTED,
                    ..RULES
                },
            )?,
            port: target
                .and_then(|t| t.attr("port"))
                .filter(|port| *port != "-1")
                .map(|text| {
                    u32::parse(text, 10).ok_or_else(|| xml_error(format!("Invalid port number: {text}")))
                })
                .transpose()?,
            info: DeviceInfo::read(e)?,
        })
    }
    fn write_attrs(&self, w: &mut Writer) {
        self.chardev.write_attrs(w);
        // where clients of old look for the running guest's terminal
        if let (ChardevSource::Pty { source: Some(source) }, Some(0), true) =
            (&self.chardev.source, self.port, w.shows(Only::Live))
        {
            w.attr_opt("tty", source.path.as_deref());
        }
    }
    fn write_body(&self, w: &mut Writer) {
        self.chardev.write_body(w);
        w.start("target");
        w.attr_opt("type", self.kind.map(ConsoleType::as_str));
        if let Some(port) = &self.port {
            w.attr_value("port", port);
        }
        w.end_unless_empty();
        self.info.write_body(w);
    }
}

/// `<channel>`: a private channel between host and guest.
#[derive(Clone, Debug, PartialEq, Xml)]
pub struct Channel {
    #[xml(flatten)]
    pub chardev: Chardev,
    #[xml(missing = "target type must be specified for channel device")]
    pub target: ChannelTarget,
    #[xml(flatten)]
    pub info: DeviceInfo,
}

/// The guest's side of a channel.
#[derive(Clone, Debug, PartialEq)]
pub enum ChannelTarget {
    /// A virtio-serial port of this name.
    Virtio { name: Option<String>, state: Option<ChannelState> },
    /// An address of the guest's user network.
    GuestFwd { address: String, port: u16 },
    /// A Xen channel of this name.
    Xen { name: Option<String> },
}

keywords! {
    /// Whether a program in the guest has the port open.
    pub enum ChannelState { Connected = "connected", Disconnected = "disconnected" }
}

impl Xml for ChannelTarget {
    fn read(e: Element<'_>) -> Result<Self> {
        let name = || e.attr("name").map(str::to_owned);
        match e.attr("type").unwrap_or("(null)") {
            "virtio" => {
                let state = if e.reads(Only::Live) { keyword_attr(e, "state")? } else { None };
                Ok(ChannelTarget::Virtio { name: name(), state })
            }
            "xen" => Ok(ChannelTarget::Xen { name: name() }),
            "guestfwd" => {
                let address = e
                    .attr("address")
                    .ok_or_else(|| xml_error("guestfwd channel does not define a target address"))?;
                let address = crate::net::address::require_ip(address)?;
                if !address.is_ipv4() {
                    return Err(unsupported("guestfwd channel only supports IPv4 addresses"));
                }
                let port = field::required_attr(Some(e), e, "port", &RULES)?;
                Ok(ChannelTarget::GuestFwd { address: address.to_string(), port })
            }
            other => {
                Err(unsupported(format!("unknown target type '{other}' specified for character device")))
            }
        }
    }
    fn write_attrs(&self, w: &mut Writer) {
        match self {
            ChannelTarget::Virtio { name, state } => {
                w.attr("type", "virtio");
                w.attr_opt("name", name.as_deref());
                if let (Some(state), true) = (state, w.shows(Only::Live)) {
                    w.attr_value("state", state);
                }
            }
            ChannelTarget::Xen { name } => {
                w.attr("type", "xen");
                w.attr_opt("name", name.as_deref());
            }
            ChannelTarget::GuestFwd { address, port } => {
                w.attr("type", "guestfwd");
                w.attr("address", address);
                w.attr_value("port", port);
            }
        }
    }
    fn write_body(&self, _: &mut Writer) {}
}

impl Stable for Serial {
    fn check_stable(&self, to: &Self) -> Result<()> {
        told!(
            self,
            to,
            |d| Or(d.target.kind, "none"),
            "Target serial type {to} does not match source {from}"
        );
        told!(
            self,
            to,
            |d| Or(d.target.model.as_deref(), "none"),
            "Target serial model {to} does not match source {from}"
        );
        told!(self, to, |d| Or(d.target.port, "-1"), "Target serial port {to} does not match source {from}");
        self.info.check_stable(&to.info)
    }
}

impl Stable for Parallel {
    fn check_stable(&self, to: &Self) -> Result<()> {
        told!(self, to, |d| Or(d.port, "-1"), "Target parallel port {to} does not match source {from}");
        self.info.check_stable(&to.info)
    }
}

impl Stable for Console {
    fn check_stable(&self, to: &Self) -> Result<()> {
        told!(self, to, |d| Or(d.kind, "none"), "Target console type {to} does not match source {from}");
        self.info.check_stable(&to.info)
    }
}

impl Stable for Channel {
    fn check_stable(&self, to: &Self) -> Result<()> {
        told!(self, to, |d| d.target.tag(), "Target channel type {to} does not match source {from}");
        match (&self.target, &to.target) {
            (ChannelTarget::Virtio { name: ours, .. }, ChannelTarget::Virtio { name: theirs, .. })
            | (ChannelTarget::Xen { name: ours }, ChannelTarget::Xen { name: theirs }) => {
                told!(
                    ours,
                    theirs,
                    |name| text(name),
                    "Target channel name {to} does not match source {from}"
                );
                let spice = |channel: &Channel| matches!(channel.chardev.source, ChardevSource::SpiceVmc);
                if ours.is_none() && spice(self) != spice(to) {
                    let text =
                        "Changing device type to/from spicevmc would change default target channel name";
                    return Err(unsupported(text));
                }
            }
            (
                ChannelTarget::GuestFwd { address: ours, port: our_port },
                ChannelTarget::GuestFwd { address: theirs, port: their_port },
            ) => told!(
                (ours, our_port),
                (theirs, their_port),
                |to| format!("{}:{}", to.0, to.1),
                "Target channel addr {to} does not match source {from}"
            ),
            _ => {}
        }
        self.info.check_stable(&to.info)
    }
}

impl ChannelTarget {
    /// The type.
    fn tag(&self) -> &'static str {
        match self {
            ChannelTarget::Virtio { .. } => "virtio",
            ChannelTarget::GuestFwd { .. } => "guestfwd",
            ChannelTarget::Xen { .. } => "xen",
        }
    }
}
