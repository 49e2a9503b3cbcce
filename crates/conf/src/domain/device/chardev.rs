//! The host's side of a character device: what a serial port, console, channel, RNG … talks to.

use virtus_base::Result;
use virtus_xml::{Element, OnOff, Only, Writer, Xml, YesNo, field, keywords};

use crate::RULES;

use super::storage::Reconnect;
use crate::domain::parse::xml_error;
use crate::domain::seclabel::DeviceSecLabel;

/// The host's side with its log.
#[derive(Clone, Debug, PartialEq, Xml)]
pub struct Chardev {
    #[xml(flatten)]
    pub source: ChardevSource,
    #[xml(child)]
    pub log: Option<ChardevLog>,
}

/// `<log>`: a copy of what the guest wrote.
#[derive(Clone, Debug, PartialEq, Xml)]
pub struct ChardevLog {
    #[xml(attr)]
    pub file: String,
    #[xml(attr)]
    pub append: Option<OnOff>,
}

/// The words of `@type`.
pub(super) const TYPES: &[&str] = &[
    "null",
    "vc",
    "pty",
    "dev",
    "file",
    "pipe",
    "stdio",
    "udp",
    "tcp",
    "unix",
    "spicevmc",
    "spiceport",
    "nmdm",
    "qemu-vdagent",
    "dbus",
];

/// What is talked to, chosen by `@type`.
#[derive(Clone, Debug, PartialEq, Xml)]
#[xml(tag = "type", default = "pty", check = check,
    invalid = "unknown type presented to host for character device: {}", invalid_code = CONFIG_UNSUPPORTED)]
pub enum ChardevSource {
    Null,
    Vc,
    /// A pseudo terminal; the running guest's is `path`.
    Pty {
        #[xml(child = "source", only = "live")]
        source: Option<PtySource>,
    },
    Dev {
        #[xml(omit_default)]
        source: PathSource,
    },
    File {
        #[xml(omit_default)]
        source: FileSource,
    },
    Pipe {
        #[xml(omit_default)]
        source: PathSource,
    },
    Stdio,
    Udp(UdpSource),
    Tcp(TcpSource),
    Unix {
        #[xml(omit_default)]
        source: UnixSource,
    },
    #[xml(name = "spicevmc")]
    SpiceVmc,
    #[xml(name = "spiceport")]
    SpicePort {
        #[xml(omit_default)]
        source: ChannelSource,
    },
    Nmdm {
        #[xml(omit_default)]
        source: NmdmSource,
    },
    #[xml(name = "qemu-vdagent")]
    QemuVdagent {
        #[xml(omit_default)]
        source: VdagentSource,
    },
    Dbus {
        #[xml(omit_default)]
        source: ChannelSource,
    },
}

/// A running guest's pseudo terminal.
#[derive(Clone, Debug, Default, PartialEq, Xml)]
pub struct PtySource {
    #[xml(attr)]
    pub path: Option<String>,
    #[xml(child = "seclabel")]
    pub seclabels: Vec<DeviceSecLabel>,
}

/// A path of the host.
#[derive(Clone, Debug, Default, PartialEq, Xml)]
pub struct PathSource {
    #[xml(attr)]
    pub path: Option<String>,
    #[xml(child = "seclabel")]
    pub seclabels: Vec<DeviceSecLabel>,
}

/// A file that is written.
#[derive(Clone, Debug, Default, PartialEq, Xml)]
pub struct FileSource {
    #[xml(attr)]
    pub path: Option<String>,
    #[xml(attr)]
    pub append: Option<OnOff>,
    #[xml(child = "seclabel")]
    pub seclabels: Vec<DeviceSecLabel>,
}

keywords! {
    /// Who opens the connection.
    pub enum SocketMode { Connect = "connect", Bind = "bind" }
}

/// A Unix socket. One without a path gets it from the daemon, and is not written.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct UnixSource {
    pub mode: Option<SocketMode>,
    pub path: Option<String>,
    pub reconnect: Option<Reconnect>,
    pub seclabels: Vec<DeviceSecLabel>,
}

impl Xml for UnixSource {
    fn read(e: Element<'_>) -> Result<Self> {
        Ok(UnixSource {
            mode: field::attr(Some(e), "mode", &RULES)?,
            path: e.attr("path").map(str::to_owned),
            reconnect: field::child(Some(e), "reconnect")?,
            seclabels: field::children(Some(e), "seclabel")?,
        })
    }
    fn write_attrs(&self, w: &mut Writer) {
        w.attr_opt("mode", self.mode.map(SocketMode::as_str));
        w.attr_opt("path", self.path.as_deref());
    }
    fn write_body(&self, w: &mut Writer) {
        if let Some(reconnect) = &self.reconnect {
            w.element("reconnect", reconnect);
        }
        for label in &self.seclabels {
            w.element("seclabel", label);
        }
    }
    fn write_element(&self, name: &'static str, w: &mut Writer) {
        if self.path.is_some() {
            w.start(name);
            self.write_attrs(w);
            self.write_body(w);
            w.end();
        }
    }
}

keywords! {
    /// What a TCP connection speaks.
    pub enum TcpProtocol { Raw = "raw", Telnet = "telnet", Telnets = "telnets", Tls = "tls" }
}

/// A TCP socket.
#[derive(Clone, Debug, Default, PartialEq, Xml)]
pub struct TcpSource {
    #[xml(omit_default)]
    pub source: TcpEndpoint,
    #[xml(at = "protocol/@type")]
    pub protocol: Option<TcpProtocol>,
}

/// One end of a TCP connection.
#[derive(Clone, Debug, Default, PartialEq, Xml)]
pub struct TcpEndpoint {
    #[xml(attr)]
    pub mode: Option<SocketMode>,
    #[xml(attr)]
    pub host: Option<String>,
    #[xml(attr)]
    pub service: Option<String>,
    #[xml(attr)]
    pub tls: Option<YesNo>,
    pub reconnect: Option<Reconnect>,
}

/// UDP: where packets go, and where they come in.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct UdpSource {
    pub bind: Option<UdpEndpoint>,
    pub connect: Option<UdpEndpoint>,
}

/// One end of UDP.
#[derive(Clone, Debug, Default, PartialEq, Xml)]
pub struct UdpEndpoint {
    #[xml(attr)]
    pub host: Option<String>,
    #[xml(attr)]
    pub service: Option<String>,
}

/// A named channel of SPICE or D-Bus.
#[derive(Clone, Debug, Default, PartialEq, Xml)]
pub struct ChannelSource {
    #[xml(attr)]
    pub channel: Option<String>,
}

/// A pair of null-modem devices.
#[derive(Clone, Debug, Default, PartialEq, Xml)]
pub struct NmdmSource {
    #[xml(attr)]
    pub master: Option<String>,
    #[xml(attr)]
    pub slave: Option<String>,
}

keywords! {
    /// Who draws the mouse pointer.
    pub enum MouseMode { Server = "server", Client = "client" }
}

/// QEMU's own SPICE agent.
#[derive(Clone, Debug, Default, PartialEq, Xml)]
pub struct VdagentSource {
    #[xml(at = "clipboard/@copypaste")]
    pub clipboard: Option<YesNo>,
    #[xml(at = "mouse/@mode")]
    pub mouse: Option<MouseMode>,
}

impl Xml for UdpSource {
    fn read(e: Element<'_>) -> Result<Self> {
        let mut udp = UdpSource::default();
        for source in e.children("source") {
            let end = Some(UdpEndpoint::read(source)?);
            match source.attr("mode") {
                Some("bind") => udp.bind = end,
                _ => udp.connect = end,
            }
        }
        Ok(udp)
    }
    fn write_attrs(&self, _: &mut Writer) {}
    fn write_body(&self, w: &mut Writer) {
        for (mode, end) in [("bind", &self.bind), ("connect", &self.connect)] {
            if let Some(end) = end {
                w.start("source");
                w.attr("mode", mode);
                end.write_attrs(w);
                w.end();
            }
        }
    }
}

impl Default for ChardevSource {
    fn default() -> Self {
        ChardevSource::Pty { source: None }
    }
}

fn check(source: &mut ChardevSource, e: Element<'_>) -> Result<()> {
    let count = e.children("source").count();
    // the schema lets every kind have what any of them has
    for source in e.children("source") {
        for name in ["mode", "path", "host", "service", "append", "channel", "tls", "master", "slave"] {
            let _ = source.attr(name);
        }
    }
    match source {
        ChardevSource::Udp(_) if count > 2 => {
            return Err(xml_error("only two source elements are allowed for character device"));
        }
        ChardevSource::Udp(_) => {}
        _ if count > 1 => return Err(xml_error("only one source element is allowed for character device")),
        _ => {}
    }
    if e.children("protocol").nth(1).is_some() {
        return Err(xml_error("only one protocol element is allowed for character device"));
    }
    match source {
        ChardevSource::Tcp(tcp) => {
            tcp.source.mode.get_or_insert(SocketMode::Connect);
            tcp.protocol.get_or_insert(TcpProtocol::Raw);
        }
        ChardevSource::Unix { source } if count > 0 => {
            source.mode.get_or_insert(SocketMode::Connect);
        }
        ChardevSource::Pty { source } => {
            // an old client's form of the terminal's path
            if let (Some(tty), true, true) = (e.attr("tty"), e.reads(Only::Live), source.is_none()) {
                *source = Some(PtySource { path: Some(tty.to_owned()), seclabels: Vec::new() });
            }
        }
        _ => {}
    }
    Ok(())
}

impl ChardevSource {
    /// The host's path, if it has one.
    pub fn path(&self) -> Option<&str> {
        match self {
            ChardevSource::Pty { source } => source.as_ref()?.path.as_deref(),
            ChardevSource::Dev { source } | ChardevSource::Pipe { source } => source.path.as_deref(),
            ChardevSource::File { source } => source.path.as_deref(),
            ChardevSource::Unix { source } => source.path.as_deref(),
            _ => None,
        }
    }
}
