//! `<graphics>`: how the guest's screen is seen.

use virtus_base::Result;
use virtus_xml::{Element, OnOff, Only, Value, Writer, Xml, YesNo, keywords};

use crate::domain::parse::{unsupported, xml_error};

/// `<graphics>`, chosen by `@type`.
#[derive(Clone, Debug, PartialEq, Xml)]
#[xml(tag = "type")]
pub enum Graphics {
    Sdl(Sdl),
    Vnc(Box<Vnc>),
    Rdp(Box<Rdp>),
    Desktop {
        #[xml(attr)]
        display: Option<String>,
        #[xml(attr)]
        fullscreen: Option<YesNo>,
    },
    Spice(Box<Spice>),
    #[xml(name = "egl-headless")]
    EglHeadless {
        #[xml(at = "gl/@rendernode")]
        rendernode: Option<String>,
    },
    Dbus(DbusGraphics),
}

/// Parts that are there for one attribute each, which may not be missing.
fn parts_say_something<T>(_: &mut T, e: Element<'_>) -> Result<()> {
    let parts = [
        ("image", "compression"),
        ("jpeg", "compression"),
        ("zlib", "compression"),
        ("playback", "compression"),
        ("streaming", "mode"),
        ("mouse", "mode"),
        ("clipboard", "copypaste"),
        ("filetransfer", "enable"),
        ("gl", "enable"),
    ];
    for (part, attribute) in parts {
        if let Some(part) = e.child(part) {
            super::super::parse::required_attr_text(part, attribute)?;
        }
    }
    Ok(())
}

/// A window of the host's.
#[derive(Clone, Debug, Default, PartialEq, Xml)]
#[xml(check = parts_say_something)]
pub struct Sdl {
    #[xml(attr)]
    pub display: Option<String>,
    #[xml(attr)]
    pub xauth: Option<String>,
    #[xml(attr)]
    pub fullscreen: Option<YesNo>,
    #[xml(at = "gl/@enable")]
    pub gl: Option<YesNo>,
}

keywords! {
    /// What becomes of others when someone connects.
    pub enum SharePolicy { AllowExclusive = "allow-exclusive", ForceShared = "force-shared", Ignore = "ignore" }
}
keywords! {
    /// What becomes of a connected client when the password is set.
    pub enum ConnectedAction { Fail = "fail", Disconnect = "disconnect", Keep = "keep" }
}

/// A password and what goes with it, which without the password is nothing.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct GraphicsAuth {
    /// Written only for those who may see it.
    pub passwd: Option<String>,
    /// UTC, as `YYYY-MM-DDTHH:MM:SS`.
    pub valid_to: Option<String>,
    pub connected: Option<ConnectedAction>,
}

impl Xml for GraphicsAuth {
    fn read(e: Element<'_>) -> Result<Self> {
        let text = |name: &str| e.attr(name).map(str::to_owned);
        let (passwd, valid_to) = (text("passwd"), text("passwdValidTo"));
        let connected = e
            .attr("connected")
            .map(|word| {
                let unknown = || crate::domain::parse::unsupported(format!("unknown connected value {word}"));
                ConnectedAction::from_word(word).ok_or_else(unknown)
            })
            .transpose()?;
        Ok(match passwd {
            Some(passwd) => GraphicsAuth { passwd: Some(passwd), valid_to, connected },
            None => GraphicsAuth::default(),
        })
    }
    fn write_attrs(&self, w: &mut Writer) {
        let Some(passwd) = &self.passwd else { return };
        if w.shows(Only::Secure) {
            w.attr("passwd", passwd);
        }
        w.attr_opt("passwdValidTo", self.valid_to.as_deref());
        w.attr_opt("connected", self.connected.map(ConnectedAction::as_str));
    }
    fn write_body(&self, _: &mut Writer) {}
}

/// A VNC server.
#[derive(Clone, Debug, Default, PartialEq, Xml)]
pub struct Vnc {
    /// Ports, and where the server listens.
    #[xml(flatten)]
    pub server: VncServer,
    #[xml(attr)]
    pub keymap: Option<String>,
    #[xml(attr = "sharePolicy")]
    pub share_policy: Option<SharePolicy>,
    #[xml(attr = "powerControl")]
    pub power_control: Option<YesNo>,
    #[xml(attr)]
    pub wait: Option<YesNo>,
    #[xml(at = "audio/@id", rule = "nonzero")]
    pub audio: Option<u32>,
    #[xml(flatten)]
    pub auth: GraphicsAuth,
}

/// Where a VNC server is: on ports of an address, on a socket, or nowhere.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct VncServer {
    pub ports: VncPorts,
    pub listens: Listens,
}

impl Xml for VncServer {
    fn read(e: Element<'_>) -> Result<Self> {
        Ok(VncServer { ports: VncPorts::read(e)?, listens: Listens::read(e)? })
    }
    fn write_attrs(&self, w: &mut Writer) {
        if self.listens.on_ports() {
            self.ports.write_attrs(w);
        }
        self.listens.write_attrs(w);
    }
    fn write_body(&self, w: &mut Writer) {
        self.listens.write_body(w);
    }
}

/// A VNC server's ports.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct VncPorts {
    /// The port; of a persistent definition only when fixed.
    pub port: Option<i32>,
    pub autoport: bool,
    pub websocket: Option<i32>,
    pub websocket_generated: bool,
}

impl Xml for VncPorts {
    fn read(e: Element<'_>) -> Result<Self> {
        let number = |name: &str| -> Result<Option<i32>> {
            e.attr(name)
                .map(|text| {
                    i32::parse(text, 10).ok_or_else(|| {
                        crate::domain::parse::internal(format!("cannot parse vnc {} {text}", name))
                    })
                })
                .transpose()
        };
        let port = number("port")?;
        // -1 meant "choose" before autoport did
        let legacy = port.is_none() || port == Some(-1);
        let said: Option<YesNo> = e.attr("autoport").and_then(YesNo::from_word);
        let autoport = said.map_or(legacy, YesNo::is_true);
        let keep = !autoport || e.reads(Only::Live);
        let port = port.filter(|p| *p != -1 && *p != 0 && keep);
        Ok(VncPorts {
            port,
            autoport,
            websocket: crate::domain::parse::keyword_attr(e, "websocket")?,
            websocket_generated: e.attr("websocketGenerated") == Some("yes"),
        })
    }
    fn write_attrs(&self, w: &mut Writer) {
        let port = match self.autoport && !w.shows(Only::Live) {
            true => -1,
            false => self.port.unwrap_or(-1),
        };
        if self.port.is_some() || self.autoport {
            w.attr_value("port", &port);
        }
        w.attr_value("autoport", &YesNo::from(self.autoport));
        if let Some(websocket) = &self.websocket {
            match self.websocket_generated && !w.shows(Only::Live) {
                true => w.attr("websocket", "-1"),
                false => w.attr_value("websocket", websocket),
            }
        }
        if self.websocket_generated && w.shows(Only::Status) {
            w.attr("websocketGenerated", "yes");
        }
    }
    fn write_body(&self, _: &mut Writer) {}
}

/// Where a server listens: `<listen>` elements, the first of them also as attributes.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Listens {
    pub list: Vec<Listen>,
}

/// One `<listen>`.
#[derive(Clone, Debug, PartialEq)]
pub enum Listen {
    /// An address; the network's when `network` says where it is from.
    Address {
        address: Option<String>,
    },
    Network {
        network: String,
        address: Option<String>,
    },
    Socket {
        socket: Option<String>,
        auto_generated: bool,
        from_config: bool,
    },
    None,
}

impl Listen {
    fn read(e: Element<'_>) -> Result<Self> {
        let text = |name: &str| e.attr(name).filter(|t| !t.is_empty()).map(str::to_owned);
        let live = e.reads(Only::Live);
        match virtus_xml::field::tag(e, "type", None, &crate::domain::parse::RULES)? {
            "address" => Ok(Listen::Address { address: text("address") }),
            "network" => Ok(Listen::Network {
                network: text("network")
                    .ok_or_else(|| xml_error("'network' attribute is required for listen type 'network'"))?,
                address: text("address").filter(|_| live),
            }),
            "socket" => Ok(Listen::Socket {
                socket: text("socket"),
                auto_generated: e.attr("autoGenerated") == Some("yes"),
                from_config: e.attr("fromConfig") == Some("1"),
            }),
            "none" => Ok(Listen::None),
            other => Err(virtus_xml::field::invalid(e, "type", other, "", &crate::domain::parse::RULES)),
        }
    }

    fn write(&self, w: &mut Writer) {
        w.start("listen");
        match self {
            Listen::Address { address } => {
                w.attr("type", "address");
                w.attr_opt("address", address.as_deref());
            }
            Listen::Network { network, address } => {
                w.attr("type", "network");
                if w.shows(Only::Live) {
                    w.attr_opt("address", address.as_deref());
                }
                w.attr("network", network);
            }
            Listen::Socket { socket, auto_generated, from_config } => {
                w.attr("type", "socket");
                // the daemon's own choice of a path is not part of the persistent definition
                if w.shows(Only::Live) || !(*auto_generated || *from_config) {
                    w.attr_opt("socket", socket.as_deref());
                }
                if w.shows(Only::Status) {
                    if *auto_generated {
                        w.attr("autoGenerated", "yes");
                    }
                    if *from_config {
                        w.attr("fromConfig", "1");
                    }
                }
            }
            Listen::None => w.attr("type", "none"),
        }
        w.end();
    }
}

impl Listens {
    /// Whether the server has ports: the first listener is an address or a network.
    pub fn on_ports(&self) -> bool {
        !matches!(self.list.first(), Some(Listen::Socket { .. } | Listen::None))
    }
}

impl Xml for Listens {
    fn read(e: Element<'_>) -> Result<Self> {
        let mut list = e.children("listen").map(Listen::read).collect::<Result<Vec<_>>>()?;
        let text = |name: &str| e.attr(name).filter(|t| !t.is_empty()).map(str::to_owned);
        let (address, socket) = (text("listen"), text("socket"));
        if let (Some(address), Some(Listen::Address { address: first })) =
            (&address, list.iter_mut().find(|l| matches!(l, Listen::Address { .. })))
        {
            match first {
                Some(first) if first != address => {
                    return Err(unsupported(format!(
                        "graphics 'listen' attribute '{address}' must match 'address' attribute of first listen element (found '{first}')"
                    )));
                }
                first => *first = Some(address.clone()),
            }
        }
        if let (Some(socket), Some(Listen::Socket { socket: Some(first), .. })) =
            (&socket, list.iter().find(|l| matches!(l, Listen::Socket { .. })))
            && socket != first
        {
            return Err(unsupported(format!(
                "graphics 'socket' attribute '{socket}' must match 'socket' attribute of first listen element (found '{first}')"
            )));
        }
        if e.attr("type") == Some("vnc") && !list.iter().any(|l| matches!(l, Listen::Socket { .. })) {
            // the attribute's socket takes the place of what the first element says
            if let (Some(socket), Some(first)) = (&socket, list.first_mut()) {
                *first = Listen::Socket {
                    socket: Some(socket.clone()),
                    auto_generated: false,
                    from_config: false,
                };
            }
        }
        if list.is_empty() {
            let networked = matches!(e.attr("type"), Some("vnc" | "rdp" | "spice"));
            match socket.filter(|_| e.attr("type") == Some("vnc")) {
                Some(socket) => list.push(Listen::Socket {
                    socket: Some(socket),
                    auto_generated: false,
                    from_config: false,
                }),
                None if networked => list.push(Listen::Address { address }),
                None => {}
            }
        }
        // without a port there is nobody to listen
        if let (Some("spice"), Some(first @ (Listen::Address { .. } | Listen::Network { .. }))) =
            (e.attr("type"), list.first_mut())
            && SpicePorts::read(e)?.is_none()
        {
            *first = Listen::None;
        }
        Ok(Listens { list })
    }
    fn write_attrs(&self, w: &mut Writer) {
        match self.list.first() {
            Some(Listen::Address { address: Some(address) }) => w.attr("listen", address),
            Some(Listen::Network { address: Some(address), .. }) if w.shows(Only::Live) => {
                w.attr("listen", address);
            }
            Some(Listen::Socket { socket: Some(socket), auto_generated, from_config })
                if w.shows(Only::Live) || !(*auto_generated || *from_config) =>
            {
                w.attr("socket", socket);
            }
            _ => {}
        }
    }
    fn write_body(&self, w: &mut Writer) {
        // what reads a migrated definition may not know sockets as listeners
        let old = w.shows(Only::Migratable);
        let unknown = |l: &&Listen| old && matches!(l, Listen::Socket { socket: Some(_), .. });
        for listen in self.list.iter().filter(|l| !unknown(l)) {
            listen.write(w);
        }
    }
}

/// An RDP server.
#[derive(Clone, Debug, Default, PartialEq, Xml)]
pub struct Rdp {
    #[xml(flatten)]
    pub ports: RdpPorts,
    #[xml(attr = "replaceUser")]
    pub replace_user: Option<YesNo>,
    #[xml(attr = "multiUser")]
    pub multi_user: Option<YesNo>,
    #[xml(attr, only = "secure")]
    pub username: Option<String>,
    #[xml(attr, only = "secure")]
    pub passwd: Option<String>,
    #[xml(flatten)]
    pub listens: Listens,
}

/// An RDP server's port.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RdpPorts {
    pub port: Option<i32>,
    pub autoport: bool,
}

impl Xml for RdpPorts {
    fn read(e: Element<'_>) -> Result<Self> {
        let port = port(e, "rdp", "port")?;
        let said: Option<YesNo> = crate::domain::parse::keyword_attr(e, "autoport")?;
        let autoport = matches!(port, None | Some(-1)) || said.is_some_and(YesNo::is_true);
        let keep = !autoport || e.reads(Only::Live);
        Ok(RdpPorts { port: port.filter(|port| keep && *port > 0), autoport })
    }
    fn write_attrs(&self, w: &mut Writer) {
        match self.port.filter(|_| !self.autoport || w.shows(Only::Live)) {
            Some(port) => w.attr_value("port", &port),
            None if self.autoport => w.attr("port", "0"),
            None => {}
        }
        if self.autoport {
            w.attr("autoport", "yes");
        }
    }
    fn write_body(&self, _: &mut Writer) {}
}

/// A port as it is given; none is no number.
fn port(e: Element<'_>, server: &str, name: &str) -> Result<Option<i32>> {
    let number = |text: &str| {
        i32::parse(text, 10)
            .ok_or_else(|| crate::domain::parse::internal(format!("cannot parse {server} {name} {text}")))
    };
    e.attr(name).map(number).transpose()
}

/// A SPICE server's ports.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SpicePorts {
    pub port: Option<i32>,
    pub tls_port: Option<i32>,
    pub autoport: bool,
    /// Whether they are not used: nobody listens, or on a socket.
    pub unused: Option<Unused>,
}

/// Why a server's ports are not used.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Unused {
    Nobody,
    Socket,
}

impl SpicePorts {
    /// Whether there is none, and none is chosen either.
    fn is_none(&self) -> bool {
        self.port.is_none() && self.tls_port.is_none() && !self.autoport
    }
}

impl Xml for SpicePorts {
    fn read(e: Element<'_>) -> Result<Self> {
        let (port, tls_port) = (port(e, "spice", "port")?, port(e, "spice", "tlsPort")?);
        let said: Option<YesNo> = crate::domain::parse::keyword_attr(e, "autoport")?;
        // two times -1 meant "choose" before autoport did
        let autoport = said.is_some_and(YesNo::is_true) || (port, tls_port) == (Some(-1), Some(-1));
        let kept = |port: Option<i32>| port.filter(|port| *port != 0 && (!autoport || e.reads(Only::Live)));
        let mut ports = SpicePorts { port: kept(port), tls_port: kept(tls_port), autoport, unused: None };
        let first = e.children("listen").next();
        ports.unused = match first.and_then(|listen| listen.attr("type")) {
            Some("socket") => Some(Unused::Socket),
            Some("none") => Some(Unused::Nobody),
            _ => ports.is_none().then_some(Unused::Nobody),
        };
        Ok(ports)
    }
    fn write_attrs(&self, w: &mut Writer) {
        match self.unused {
            Some(Unused::Socket) => return,
            // what reads a migrated definition may not know that nobody listens
            Some(Unused::Nobody) if w.shows(Only::Migratable) => return w.attr("autoport", "no"),
            Some(Unused::Nobody) => return,
            None => {}
        }
        let shown = !self.autoport || w.shows(Only::Live);
        if let Some(port) = self.port.filter(|_| shown) {
            w.attr_value("port", &port);
        }
        if let Some(port) = self.tls_port.filter(|_| shown) {
            w.attr_value("tlsPort", &port);
        }
        w.attr_value("autoport", &YesNo::from(self.autoport));
    }
    fn write_body(&self, _: &mut Writer) {}
}

/// A SPICE server.
#[derive(Clone, Debug, Default, PartialEq, Xml)]
#[xml(check = parts_say_something)]
pub struct Spice {
    #[xml(flatten)]
    pub ports: SpicePorts,
    #[xml(flatten)]
    pub listens: Listens,
    #[xml(attr)]
    pub keymap: Option<String>,
    #[xml(attr = "defaultMode")]
    pub default_mode: Option<SpiceMode>,
    #[xml(flatten)]
    pub auth: GraphicsAuth,
    #[xml(child = "channel")]
    pub channels: Vec<SpiceChannel>,
    #[xml(at = "image/@compression")]
    pub image: Option<SpiceImageCompression>,
    #[xml(at = "jpeg/@compression")]
    pub jpeg: Option<SpiceCompression>,
    #[xml(at = "zlib/@compression")]
    pub zlib: Option<SpiceCompression>,
    #[xml(at = "playback/@compression")]
    pub playback: Option<OnOff>,
    #[xml(at = "streaming/@mode")]
    pub streaming: Option<SpiceStreaming>,
    #[xml(at = "mouse/@mode")]
    pub mouse: Option<super::chardev::MouseMode>,
    #[xml(at = "clipboard/@copypaste")]
    pub clipboard: Option<YesNo>,
    #[xml(at = "filetransfer/@enable")]
    pub filetransfer: Option<YesNo>,
    #[xml(at = "gl/@enable")]
    pub gl: Option<YesNo>,
    #[xml(at = "gl/@rendernode")]
    pub rendernode: Option<String>,
}

keywords! {
    /// Whether a channel is encrypted.
    pub enum SpiceMode { Any = "any", Secure = "secure", Insecure = "insecure" }
}
keywords! {
    /// A SPICE channel.
    pub enum SpiceChannelName {
        Main = "main", Display = "display", Inputs = "inputs", Cursor = "cursor", Playback = "playback",
        Record = "record", Smartcard = "smartcard", Usbredir = "usbredir",
    }
}
keywords! {
    /// How pictures are compressed.
    pub enum SpiceImageCompression {
        AutoGlz = "auto_glz", AutoLz = "auto_lz", Quic = "quic", Glz = "glz", Lz = "lz", Off = "off",
    }
}
keywords! {
    /// When something is compressed.
    pub enum SpiceCompression { Auto = "auto", Never = "never", Always = "always" }
}
keywords! {
    /// What is taken for a film.
    pub enum SpiceStreaming { Filter = "filter", All = "all", Off = "off" }
}

/// The encryption of one channel.
#[derive(Clone, Debug, PartialEq, Xml)]
pub struct SpiceChannel {
    #[xml(attr)]
    pub name: SpiceChannelName,
    #[xml(attr)]
    pub mode: SpiceMode,
}

/// A D-Bus display.
#[derive(Clone, Debug, Default, PartialEq, Xml)]
#[xml(check = parts_say_something)]
pub struct DbusGraphics {
    #[xml(attr)]
    pub p2p: Option<YesNo>,
    #[xml(attr)]
    pub address: Option<String>,
    #[xml(at = "gl/@enable")]
    pub gl: Option<YesNo>,
    #[xml(at = "gl/@rendernode")]
    pub rendernode: Option<String>,
    #[xml(at = "audio/@id", rule = "nonzero")]
    pub audio: Option<u32>,
}
