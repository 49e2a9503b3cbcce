//! What an interface is connected to.

use virtus_base::{Result, Uuid};
use virtus_xml::{Element, Writer, Xml, field, keywords};

use crate::domain::device::address::PciAddress;
use crate::domain::device::storage::Reconnect;
use crate::domain::parse::{RULES, xml_error};

/// What the interface is connected to.
#[derive(Clone, Debug, PartialEq)]
pub enum InterfaceSource {
    User(UserSource),
    Ethernet(EthernetSource),
    VhostUser(VhostUserSource),
    Server(SocketSource),
    Client(SocketSource),
    Mcast(SocketSource),
    Network(NetworkSource),
    Bridge(BridgeSource),
    Internal { name: Option<String> },
    Direct(DirectSource),
    HostDev(HostDevSource),
    Udp(UdpSource),
    Vdpa { dev: Option<String> },
    Null,
    Vds(VdsSource),
}

/// QEMU's own network, or passt.
#[derive(Clone, Debug, Default, PartialEq, Xml)]
pub struct UserSource {
    #[xml(attr)]
    pub dev: Option<String>,
}

/// A tap device with the host's side of the address.
#[derive(Clone, Debug, Default, PartialEq, Xml)]
pub struct EthernetSource {
    #[xml(child = "ip")]
    pub ips: Vec<IpAddress>,
    #[xml(child = "route")]
    pub routes: Vec<Route>,
}

/// A vhost-user socket.
#[derive(Clone, Debug, Default, PartialEq, Xml)]
pub struct VhostUserSource {
    #[xml(attr = "type")]
    pub kind: Option<String>,
    #[xml(attr)]
    pub path: Option<String>,
    #[xml(attr)]
    pub mode: Option<VhostUserMode>,
    #[xml(attr)]
    pub dev: Option<String>,
    pub reconnect: Option<Reconnect>,
}

keywords! {
    /// Who opens a vhost-user socket.
    pub enum VhostUserMode { Client = "client", Server = "server" }
}

/// A socket to other guests.
#[derive(Clone, Debug, Default, PartialEq, Xml)]
pub struct SocketSource {
    #[xml(attr)]
    pub address: Option<String>,
    #[xml(attr)]
    pub port: Option<i32>,
}

/// A pair of UDP sockets.
#[derive(Clone, Debug, Default, PartialEq, Xml)]
pub struct UdpSource {
    #[xml(attr)]
    pub address: Option<String>,
    #[xml(attr)]
    pub port: Option<i32>,
    #[xml(at = "local/@address")]
    pub local_address: Option<String>,
    #[xml(at = "local/@port")]
    pub local_port: Option<i32>,
}

/// A libvirt network.
#[derive(Clone, Debug, Default, PartialEq, Xml)]
pub struct NetworkSource {
    #[xml(attr)]
    pub network: Option<String>,
    #[xml(attr)]
    pub portgroup: Option<String>,
    #[xml(attr, only = "live")]
    pub portid: Option<Uuid>,
    /// Of a running guest: the bridge it got.
    #[xml(attr, only = "live")]
    pub bridge: Option<String>,
}

/// A bridge of the host.
#[derive(Clone, Debug, Default, PartialEq, Xml)]
pub struct BridgeSource {
    #[xml(attr)]
    pub bridge: Option<String>,
}

keywords! {
    /// How a macvtap device forwards.
    pub enum DirectMode { Vepa = "vepa", Private = "private", Bridge = "bridge", Passthrough = "passthrough" }
}

/// A macvtap device on one of the host's.
#[derive(Clone, Debug, Default, PartialEq, Xml)]
pub struct DirectSource {
    #[xml(attr)]
    pub dev: Option<String>,
    #[xml(attr)]
    pub mode: Option<DirectMode>,
}

/// A network device of the host, handed to the guest whole.
#[derive(Clone, Debug, PartialEq)]
pub struct HostDevSource {
    pub address: HostDevAddress,
}

/// Where it is on the host.
#[derive(Clone, Debug, PartialEq)]
pub enum HostDevAddress {
    Pci(PciAddress),
    Usb { bus: u32, device: u32 },
}

/// A port of a VMware distributed switch.
#[derive(Clone, Debug, Default, PartialEq, Xml)]
pub struct VdsSource {
    #[xml(attr)]
    pub switchid: Option<String>,
    #[xml(attr)]
    pub portid: Option<i32>,
    #[xml(attr)]
    pub portgroupid: Option<String>,
    #[xml(attr)]
    pub connectionid: Option<i32>,
}

/// An IP address.
#[derive(Clone, Debug, PartialEq, Xml)]
pub struct IpAddress {
    #[xml(attr, missing = "Missing required address in <ip>")]
    pub address: String,
    #[xml(attr)]
    pub family: Option<String>,
    #[xml(attr)]
    pub prefix: Option<u32>,
    #[xml(attr)]
    pub peer: Option<String>,
}

/// A route.
#[derive(Clone, Debug, PartialEq, Xml)]
pub struct Route {
    #[xml(attr)]
    pub family: Option<String>,
    #[xml(attr)]
    pub address: Option<String>,
    #[xml(attr)]
    pub netmask: Option<String>,
    #[xml(attr)]
    pub prefix: Option<u32>,
    #[xml(attr)]
    pub gateway: Option<String>,
    #[xml(attr)]
    pub metric: Option<u32>,
}

impl Xml for HostDevSource {
    fn read(e: Element<'_>) -> Result<Self> {
        let address = e.child("address").ok_or_else(|| xml_error("missing source address"))?;
        let address = match address.attr("type") {
            Some("usb") => HostDevAddress::Usb {
                bus: field::required_attr(Some(address), address, "bus", &field::Rules { base: 0, ..RULES })?,
                device: field::required_attr(
                    Some(address),
                    address,
                    "device",
                    &field::Rules { base: 0, ..RULES },
                )?,
            },
            _ => HostDevAddress::Pci(PciAddress::read(address)?),
        };
        Ok(HostDevSource { address })
    }
    fn write_attrs(&self, _: &mut Writer) {}
    fn write_body(&self, w: &mut Writer) {
        w.start("address");
        match &self.address {
            HostDevAddress::Pci(pci) => {
                w.attr("type", "pci");
                pci.write_attrs(w);
            }
            HostDevAddress::Usb { bus, device } => {
                w.attr("type", "usb");
                w.attr_value("bus", bus);
                w.attr_value("device", device);
            }
        }
        w.end();
    }
}

impl InterfaceSource {
    /// The word of `@type`.
    pub fn tag(&self) -> &'static str {
        match self {
            InterfaceSource::User(_) => "user",
            InterfaceSource::Ethernet(_) => "ethernet",
            InterfaceSource::VhostUser(_) => "vhostuser",
            InterfaceSource::Server(_) => "server",
            InterfaceSource::Client(_) => "client",
            InterfaceSource::Mcast(_) => "mcast",
            InterfaceSource::Network(_) => "network",
            InterfaceSource::Bridge(_) => "bridge",
            InterfaceSource::Internal { .. } => "internal",
            InterfaceSource::Direct(_) => "direct",
            InterfaceSource::HostDev(_) => "hostdev",
            InterfaceSource::Udp(_) => "udp",
            InterfaceSource::Vdpa { .. } => "vdpa",
            InterfaceSource::Null => "null",
            InterfaceSource::Vds(_) => "vds",
        }
    }

    pub(super) fn read(e: Element<'_>) -> Result<Self> {
        fn inner<T: Xml + Default>(source: Option<Element<'_>>) -> Result<T> {
            source.map_or_else(|| Ok(T::default()), T::read)
        }
        let source = e.child("source");
        let tag = e.attr("type").unwrap_or("user");
        let required =
            || source.ok_or_else(|| xml_error(format!("interface type='{tag}' requires a 'source' element")));
        let with = |names: &[&str]| -> Result<Option<Element<'_>>> {
            let source = required()?;
            match names.iter().find(|name| source.attr(name).is_none()) {
                Some(name) => Err(field::missing("source", name, &RULES)),
                None => Ok(Some(source)),
            }
        };
        let attr = |name: &str| source.and_then(|s| s.attr(name)).map(str::to_owned);
        Ok(match tag {
            "user" => InterfaceSource::User(inner(source)?),
            "ethernet" => InterfaceSource::Ethernet(inner(source)?),
            // passt makes the socket itself
            "vhostuser" if e.child("backend").and_then(|b| b.attr("type")) == Some("passt") => {
                InterfaceSource::VhostUser(inner(source)?)
            }
            "vhostuser" => InterfaceSource::VhostUser(VhostUserSource::read(required()?)?),
            "server" => InterfaceSource::Server(inner(with(&["port"])?)?),
            "client" => InterfaceSource::Client(inner(with(&["port", "address"])?)?),
            "mcast" => InterfaceSource::Mcast(inner(with(&["port", "address"])?)?),
            "network" => InterfaceSource::Network(inner(with(&["network"])?)?),
            "bridge" => InterfaceSource::Bridge(inner(with(&["bridge"])?)?),
            "internal" => {
                with(&["name"])?;
                InterfaceSource::Internal { name: attr("name") }
            }
            "direct" => InterfaceSource::Direct(inner(with(&["dev"])?)?),
            "hostdev" => InterfaceSource::HostDev(HostDevSource::read(required()?)?),
            "udp" => InterfaceSource::Udp(inner(with(&["port", "address"])?)?),
            "vdpa" => {
                with(&["dev"])?;
                InterfaceSource::Vdpa { dev: attr("dev") }
            }
            "null" => InterfaceSource::Null,
            "vds" => InterfaceSource::Vds(inner(source)?),
            other => return Err(field::invalid(e, "type", other, "", &RULES)),
        })
    }

    pub(super) fn write(&self, w: &mut Writer) {
        fn whole<T: Xml>(value: &T, w: &mut Writer) {
            value.write_attrs(w);
            value.write_body(w);
        }
        w.start("source");
        match self {
            InterfaceSource::User(s) => whole(s, w),
            InterfaceSource::Ethernet(s) => whole(s, w),
            InterfaceSource::VhostUser(s) => whole(s, w),
            InterfaceSource::Server(s) | InterfaceSource::Client(s) | InterfaceSource::Mcast(s) => {
                whole(s, w)
            }
            InterfaceSource::Network(s) => whole(s, w),
            InterfaceSource::Bridge(s) => whole(s, w),
            InterfaceSource::Internal { name } => w.attr_opt("name", name.as_deref()),
            InterfaceSource::Direct(s) => whole(s, w),
            InterfaceSource::HostDev(s) => whole(s, w),
            InterfaceSource::Udp(s) => whole(s, w),
            InterfaceSource::Vdpa { dev } => w.attr_opt("dev", dev.as_deref()),
            InterfaceSource::Null => {}
            InterfaceSource::Vds(s) => whole(s, w),
        }
        w.end_unless_empty();
    }
}
