//! What an interface is connected to.

use virtus_base::{Error, ErrorCode, ErrorDomain, Result, Uuid};
use virtus_xml::{Element, Only, Writer, Xml, field, keywords};

use crate::domain::device::address::PciAddress;
use crate::domain::device::storage::Reconnect;
use crate::domain::parse::{RULES, unsupported, xml_error};
use crate::network::MacTableManager;

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
    /// Of a running guest: who keeps that bridge's table of MAC addresses.
    #[xml(attr = "macTableManager", only = "live")]
    pub mac_table_manager: Option<MacTableManager>,
    /// Of a running guest: the host's device it got.
    #[xml(attr, only = "live")]
    pub dev: Option<String>,
    /// Of a running guest: how its macvtap device forwards.
    #[xml(attr, only = "live")]
    pub mode: Option<DirectMode>,
    /// Of a running guest: what its network turned out to be.
    #[xml(skip)]
    pub actual: ActualType,
}

/// What a network turns out to be for a running guest, by the word of `@type`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ActualType {
    /// A network with a bridge of its own, or not known yet.
    #[default]
    Network,
    /// A bridge of the host.
    Bridge,
    /// A device of the host.
    Direct,
}

impl ActualType {
    fn word(self) -> &'static str {
        match self {
            ActualType::Network => "network",
            ActualType::Bridge => "bridge",
            ActualType::Direct => "direct",
        }
    }

    fn from_word(word: &str) -> Self {
        match word {
            "bridge" => ActualType::Bridge,
            "direct" => ActualType::Direct,
            _ => ActualType::Network,
        }
    }
}

impl NetworkSource {
    /// Whether the network has said what it is.
    pub fn is_resolved(&self) -> bool {
        self.bridge.is_some() || self.dev.is_some()
    }

    /// Reads what a status file says of it beside the source.
    pub(super) fn read_actual(&mut self, actual: Element<'_>) -> Result<()> {
        self.actual = ActualType::from_word(actual.attr("type").unwrap_or_default());
        if let Some(source) = actual.child("source") {
            let found = NetworkSource::read(source)?;
            self.bridge = found.bridge;
            self.mac_table_manager = found.mac_table_manager;
            self.dev = found.dev;
            self.mode = found.mode;
        }
        Ok(())
    }

    /// The two parts a status file has it in: what was asked for, and what was got.
    fn parts(&self) -> (NetworkSource, NetworkSource) {
        let asked = NetworkSource {
            network: self.network.clone(),
            portgroup: self.portgroup.clone(),
            portid: self.portid,
            ..NetworkSource::default()
        };
        let got = NetworkSource { network: None, portgroup: None, portid: None, ..self.clone() };
        (asked, got)
    }
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
#[xml(check = real)]
pub struct IpAddress {
    #[xml(attr, missing = "Missing required address in <ip>")]
    pub address: String,
    #[xml(attr)]
    pub family: Option<String>,
    #[xml(attr, invalid = "Invalid prefix value '{}' in <ip>")]
    pub prefix: Option<u32>,
    #[xml(attr)]
    pub peer: Option<String>,
}

/// An address is one, and says of which family it is.
fn real(ip: &mut IpAddress, _: Element<'_>) -> Result<()> {
    let invalid = || xml_error(format!("Invalid address '{}' in <ip>", ip.address));
    let address = crate::net::address::parse_ip(&ip.address).ok_or_else(invalid)?;
    if let Some(peer) = ip.peer.as_deref().filter(|peer| crate::net::address::parse_ip(peer).is_none()) {
        let text = format!("Invalid peer '{peer}' in <ip>");
        return Err(Error::new(ErrorDomain::DOMAIN, ErrorCode::INVALID_ARG, text));
    }
    if ip.family.is_some() {
        ip.family = Some(if address.is_ipv6() { "ipv6" } else { "ipv4" }.to_owned());
    }
    Ok(())
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

impl HostDevSource {
    fn read(source: Option<Element<'_>>) -> Result<Self> {
        let unknown = |kind: Option<&str>| {
            let kind = kind.unwrap_or("(null)");
            unsupported(format!("unknown host device source address type '{kind}'"))
        };
        let address = source.and_then(|e| e.child("address")).ok_or_else(|| unknown(None))?;
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
            Some("pci") => HostDevAddress::Pci(PciAddress::read(address)?),
            other => return Err(unknown(other)),
        };
        Ok(HostDevSource { address })
    }

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

    /// The word of `@type` as it is written: of a running guest's network, what it turned out to be.
    pub(super) fn written_tag(&self, w: &Writer) -> &'static str {
        match self {
            InterfaceSource::Network(network) if !w.options().inactive && !w.options().status => {
                network.actual.word()
            }
            _ => self.tag(),
        }
    }

    /// What a status file says beside the source.
    pub(super) fn write_actual(&self, w: &mut Writer, rest: impl FnOnce(&mut Writer)) {
        let InterfaceSource::Network(network) = self else { return };
        if !w.options().status || !network.is_resolved() {
            return;
        }
        w.start("actual");
        w.attr("type", network.actual.word());
        w.element("source", &network.parts().1);
        rest(w);
        w.end();
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
            "vhostuser" => {
                let mut socket: VhostUserSource = inner(source)?;
                match socket.kind.get_or_insert_with(|| "unix".to_owned()).as_str() {
                    "unix" => {}
                    other => {
                        return Err(unsupported(format!(
                            "Type='{other}' unsupported for <interface type='vhostuser'>"
                        )));
                    }
                }
                InterfaceSource::VhostUser(socket)
            }
            "server" => InterfaceSource::Server(inner(with(&["port"])?)?),
            "client" => InterfaceSource::Client(inner(with(&["port", "address"])?)?),
            "mcast" => InterfaceSource::Mcast(inner(with(&["port", "address"])?)?),
            "network" => InterfaceSource::Network(inner(with(&["network"])?)?),
            // a running guest's, whose network turned out to be something else
            "bridge" | "direct"
                if e.reads(Only::Live) && source.is_some_and(|s| s.attr("network").is_some()) =>
            {
                let mut network: NetworkSource = inner(source)?;
                network.actual = ActualType::from_word(tag);
                InterfaceSource::Network(network)
            }
            "bridge" => InterfaceSource::Bridge(inner(with(&["bridge"])?)?),
            "internal" => {
                with(&["name"])?;
                InterfaceSource::Internal { name: attr("name") }
            }
            "direct" => {
                let mut direct: DirectSource = inner(with(&["dev"])?)?;
                direct.mode.get_or_insert(DirectMode::Vepa);
                InterfaceSource::Direct(direct)
            }
            "hostdev" => InterfaceSource::HostDev(HostDevSource::read(source)?),
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
            InterfaceSource::Network(s) if w.options().status => whole(&s.parts().0, w),
            InterfaceSource::Network(s) => whole(s, w),
            InterfaceSource::Bridge(s) => whole(s, w),
            InterfaceSource::Internal { name } => w.attr_opt("name", name.as_deref()),
            InterfaceSource::Direct(s) => whole(s, w),
            InterfaceSource::HostDev(s) => s.write_body(w),
            InterfaceSource::Udp(s) => whole(s, w),
            InterfaceSource::Vdpa { dev } => w.attr_opt("dev", dev.as_deref()),
            InterfaceSource::Null => {}
            InterfaceSource::Vds(s) => whole(s, w),
        }
        w.end_unless_empty();
    }
}

#[cfg(test)]
mod tests {
    use super::super::Interface;
    use super::*;
    use virtus_xml::{Document, ReadOptions, WriteOptions};

    fn round(text: &str, status: bool, write: WriteOptions) -> String {
        let read = ReadOptions { inactive: false, status, track: false };
        let document = Document::parse(text, virtus_base::ErrorDomain::DOMAIN, &read).unwrap();
        let interface = Interface::read(document.root()).unwrap();
        let mut w = Writer::new(write);
        w.element("interface", &interface);
        w.finish()
    }

    #[test]
    fn what_a_network_turned_out_to_be_is_kept() {
        let live = "<interface type='bridge'>
  <mac address='52:54:00:00:00:02'/>
  <source network='nb' portid='5872980c-b999-4bfd-a51c-bb97aac67e6b' bridge='hbr'/>
  <port isolated='yes'/>
  <target dev='vnet1'/>
</interface>
";
        let options = WriteOptions { inactive: false, ..WriteOptions::default() };
        assert_eq!(round(live, false, options), live);
        let asked = round(live, false, WriteOptions { inactive: true, ..WriteOptions::default() });
        assert!(
            asked.starts_with("<interface type='network'>") && asked.contains("<source network='nb'/>"),
            "{asked}"
        );
        let status =
            round(live, false, WriteOptions { inactive: false, status: true, ..WriteOptions::default() });
        assert!(status.contains("<source network='nb' portid='5872980c-b999-4bfd-a51c-bb97aac67e6b'/>\n  <actual type='bridge'>\n    <source bridge='hbr'/>\n    <port isolated='yes'/>\n  </actual>"), "{status}");
        assert_eq!(round(&status, true, options), live);
    }

    #[test]
    fn a_macvtap_device_leaves_forwarding_to_the_switch_unless_told_otherwise() {
        let text =
            "<interface type='direct'><mac address='52:54:00:00:00:02'/><source dev='e0'/></interface>";
        let options = WriteOptions { inactive: true, ..WriteOptions::default() };
        assert!(round(text, false, options).contains("<source dev='e0' mode='vepa'/>"));
    }
}
