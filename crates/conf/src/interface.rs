//! `<interface>`: a network interface of the host, as the host's configuration has it.

use virtus_base::{Error, ErrorCode, ErrorDomain, Result};
use virtus_xml::{Document, Element, ReadOptions, Value, WriteOptions, Writer, keywords};

keywords! {
    /// What kind of interface it is.
    pub enum Kind { Ethernet = "ethernet", Bridge = "bridge", Bond = "bond", Vlan = "vlan" }
}
keywords! {
    /// When it starts.
    pub enum StartMode { Onboot = "onboot", Hotplug = "hotplug", None = "none" }
}
keywords! {
    /// How the ports of a bond share their work.
    pub enum BondMode {
        BalanceRr = "balance-rr", ActiveBackup = "active-backup", BalanceXor = "balance-xor",
        Broadcast = "broadcast", Lacp = "802.3ad", BalanceTlb = "balance-tlb", BalanceAlb = "balance-alb",
    }
}
keywords! {
    /// Who says whether a port has a carrier.
    pub enum Carrier { Ioctl = "ioctl", Netif = "netif" }
}
keywords! {
    /// Whose answers count.
    pub enum ArpValidate { Active = "active", Backup = "backup", All = "all" }
}

/// A network interface of the host.
#[derive(Clone, Debug, PartialEq)]
pub struct Interface {
    /// Its name.
    pub name: String,
    /// When it starts.
    pub start: Option<StartMode>,
    /// Its speed in Mbit/s, and whether it has a carrier.
    pub link: Option<Link>,
    /// The largest packet in bytes; 0 when nothing is said of it.
    pub mtu: u32,
    /// Its addresses, a family after the other.
    pub protocols: Vec<Protocol>,
    /// What only its kind has.
    pub role: Role,
}

/// Speed and carrier.
#[derive(Clone, Debug, PartialEq)]
#[allow(missing_docs)]
pub struct Link {
    pub speed: u32,
    pub state: Option<String>,
}

/// What only one kind of interface has.
#[derive(Clone, Debug, PartialEq)]
pub enum Role {
    /// A card.
    Ethernet {
        /// Its hardware address.
        mac: Option<String>,
    },
    /// A bridge with its ports.
    Bridge {
        /// Whether it looks for loops, as the document says it.
        stp: Option<bool>,
        /// How long it learns before it passes packets on, in seconds.
        delay: Option<String>,
        /// What is on it.
        ports: Vec<Interface>,
    },
    /// Several cards as one.
    Bond(Bond),
    /// A tagged network on another interface.
    Vlan {
        /// The network's number.
        tag: String,
        /// The interface it is on.
        device: String,
    },
}

/// Several cards as one.
#[derive(Clone, Debug, PartialEq)]
pub struct Bond {
    /// How they share.
    pub mode: Option<BondMode>,
    /// How a port that fails is found.
    pub monitor: Option<Monitor>,
    /// The cards.
    pub ports: Vec<Interface>,
}

/// How a port that fails is found.
#[derive(Clone, Debug, PartialEq)]
#[allow(missing_docs)]
pub enum Monitor {
    /// By looking at the carrier.
    Mii { freq: u32, downdelay: u32, updelay: u32, carrier: Option<Carrier> },
    /// By asking a neighbour.
    Arp { interval: u32, target: String, validate: Option<ArpValidate> },
}

/// The addresses of one family.
#[derive(Clone, Debug, PartialEq)]
#[allow(missing_docs)]
pub struct Protocol {
    /// `ipv4` or `ipv6`.
    pub family: String,
    pub autoconf: bool,
    pub dhcp: Option<Dhcp>,
    pub ips: Vec<Ip>,
    pub gateway: Option<String>,
}

/// Whether an address is asked for, and whether names of servers are taken from the answer.
#[derive(Clone, Debug, PartialEq)]
#[allow(missing_docs)]
pub struct Dhcp {
    pub peerdns: Option<bool>,
}

/// An address of the interface.
#[derive(Clone, Debug, PartialEq)]
#[allow(missing_docs)]
pub struct Ip {
    pub address: String,
    pub prefix: u32,
}

fn xml_error(text: impl Into<String>) -> Error {
    Error::new(ErrorDomain::INTERFACE, ErrorCode::XML_ERROR, text)
}

fn own(e: Element<'_>, name: &str) -> Option<String> {
    e.attr(name).map(str::to_owned)
}

/// A number that may be absent.
fn number(e: Option<Element<'_>>, name: &str, error: &str) -> Result<Option<u32>> {
    let text = e.and_then(|e| e.attr(name));
    text.map(|text| u32::parse(text, 10).ok_or_else(|| xml_error(error))).transpose()
}

fn keyword<V: Value>(e: Element<'_>, name: &str, error: &str) -> Result<Option<V>> {
    e.attr(name)
        .map(|word| V::parse(word, 10).ok_or_else(|| xml_error(format!("{error} {word}"))))
        .transpose()
}

/// `on` or `off`, `yes` or `no`.
fn switch(e: Element<'_>, name: &str, (on, off): (&str, &str), error: &str) -> Result<Option<bool>> {
    match e.attr(name) {
        None => Ok(None),
        Some(word) if word == on => Ok(Some(true)),
        Some(word) if word == off => Ok(Some(false)),
        Some(word) => Err(xml_error(format!("{error} {word}"))),
    }
}

impl Interface {
    /// Reads an interface's document.
    ///
    /// # Errors
    /// libvirt's, from the code for interfaces. With `strict`, what nobody knows is `XML_INVALID_SCHEMA`.
    pub fn parse(xml: &str, strict: bool) -> Result<Self> {
        let options = ReadOptions { track: strict, ..ReadOptions::default() };
        let document = Document::parse(xml, ErrorDomain::INTERFACE, &options)?;
        let interface = Self::read(document.root_named("interface")?)?;
        if strict {
            crate::check_all_known(&document, "interface")?;
        }
        Ok(interface)
    }

    /// Reads an interface's element.
    ///
    /// # Errors
    /// As [`Interface::parse`].
    pub fn read(e: Element<'_>) -> Result<Self> {
        Self::read_in(e, None)
    }

    /// The kind.
    pub fn kind(&self) -> Kind {
        match &self.role {
            Role::Ethernet { .. } => Kind::Ethernet,
            Role::Bridge { .. } => Kind::Bridge,
            Role::Bond(_) => Kind::Bond,
            Role::Vlan { .. } => Kind::Vlan,
        }
    }

    /// Its hardware address, if it says one.
    pub fn mac(&self) -> Option<&str> {
        match &self.role {
            Role::Ethernet { mac } => mac.as_deref(),
            _ => None,
        }
    }

    fn read_in(e: Element<'_>, parent: Option<Kind>) -> Result<Self> {
        let bad = |text: String| Error::new(ErrorDomain::XML, ErrorCode::XML_ERROR, text);
        let word = e
            .attr("type")
            .ok_or_else(|| bad("Missing required attribute 'type' in element 'interface'".to_owned()))?;
        let kind = Kind::from_word(word).ok_or_else(|| {
            bad(format!("Invalid value for attribute 'type' in element 'interface': '{word}'."))
        })?;
        let allowed = match parent {
            None => true,
            Some(Kind::Bridge) => kind != Kind::Bridge,
            Some(_) => kind == Kind::Ethernet,
        };
        if let Some(parent) = parent.filter(|_| !allowed) {
            let parent = parent.as_str();
            return Err(xml_error(format!("interface has unsupported type '{word}' in {parent}")));
        }
        let name = own(e, "name").ok_or_else(|| xml_error("interface has no name"))?;
        let start = match e.child("start") {
            Some(start) => keyword(start, "mode", "unknown interface startmode")?,
            None => None,
        };
        let mtu = number(e.child("mtu"), "size", "interface mtu value is improper")?.unwrap_or(0);
        let link = match e.child("link") {
            None => None,
            Some(link) => {
                let speed = number(Some(link), "speed", "invalid link speed")?.unwrap_or(0);
                Some(Link { speed, state: own(link, "state") })
            }
        };
        let protocols = e.children("protocol").map(Protocol::read).collect::<Result<Vec<_>>>()?;
        let inside = |kind: Kind| {
            let name = kind.as_str();
            e.child(name).ok_or_else(|| xml_error(format!("{name} interface misses the {name} element")))
        };
        let role = match kind {
            Kind::Ethernet => Role::Ethernet { mac: e.child("mac").and_then(|mac| own(mac, "address")) },
            Kind::Bridge => {
                let bridge = inside(kind)?;
                Role::Bridge {
                    // what is neither on nor off is passed over
                    stp: match bridge.attr("stp") {
                        Some("on") => Some(true),
                        Some("off") => Some(false),
                        _ => None,
                    },
                    delay: own(bridge, "delay"),
                    ports: ports(bridge, kind)?,
                }
            }
            Kind::Bond => Role::Bond(Bond::read(inside(kind)?)?),
            Kind::Vlan => {
                let vlan = inside(kind)?;
                let tag =
                    own(vlan, "tag").ok_or_else(|| xml_error("vlan interface misses the tag attribute"))?;
                let device = vlan.child("interface").and_then(|device| own(device, "name"));
                let device = device.ok_or_else(|| xml_error("vlan interface misses name attribute"))?;
                Role::Vlan { tag, device }
            }
        };
        Ok(Interface { name, start, link, mtu, protocols, role })
    }

    /// The document's text.
    pub fn format(&self) -> String {
        let mut w = Writer::new(WriteOptions::default());
        self.write(&mut w);
        w.finish()
    }

    fn write(&self, w: &mut Writer) {
        w.start("interface");
        w.attr("type", self.kind().as_str());
        w.attr("name", &self.name);
        w.keep_open();
        if let Some(start) = self.start {
            w.start("start");
            w.attr("mode", start.as_str());
            w.end();
        }
        if self.mtu != 0 {
            w.start("mtu");
            w.attr_value("size", &self.mtu);
            w.end();
        }
        self.protocols.iter().for_each(|protocol| protocol.write(w));
        if let Some(link) = &self.link {
            w.start("link");
            if link.speed != 0 {
                w.attr_value("speed", &link.speed);
            }
            w.attr_opt("state", link.state.as_deref());
            w.end_unless_empty();
        }
        self.role.write(w);
        w.end();
    }
}

fn ports(e: Element<'_>, parent: Kind) -> Result<Vec<Interface>> {
    e.children("interface").map(|port| Interface::read_in(port, Some(parent))).collect()
}

impl Role {
    fn write(&self, w: &mut Writer) {
        match self {
            Role::Ethernet { mac: None } => {}
            Role::Ethernet { mac: Some(mac) } => {
                w.start("mac");
                w.attr("address", mac);
                w.end();
            }
            Role::Bridge { stp, delay, ports } => {
                w.start("bridge");
                w.attr_opt("stp", stp.map(|on| if on { "on" } else { "off" }));
                w.attr_opt("delay", delay.as_deref());
                w.keep_open();
                ports.iter().for_each(|port| port.write(w));
                w.end();
            }
            Role::Bond(bond) => bond.write(w),
            Role::Vlan { tag, device } => {
                w.start("vlan");
                w.attr("tag", tag);
                w.start("interface");
                w.attr("name", device);
                w.end();
                w.end();
            }
        }
    }
}

impl Bond {
    fn read(e: Element<'_>) -> Result<Self> {
        let mode = keyword(e, "mode", "unknown bonding mode")?;
        let monitor = if let Some(mii) = e.child("miimon") {
            let freq = number(Some(mii), "freq", "bond interface miimon freq missing or invalid")?;
            Some(Monitor::Mii {
                freq: freq.ok_or_else(|| xml_error("bond interface miimon freq missing or invalid"))?,
                downdelay: number(Some(mii), "downdelay", "bond interface miimon downdelay invalid")?
                    .unwrap_or(0),
                updelay: number(Some(mii), "updelay", "bond interface miimon updelay invalid")?.unwrap_or(0),
                carrier: keyword(mii, "carrier", "unknown mii bonding carrier")?,
            })
        } else if let Some(arp) = e.child("arpmon") {
            let interval =
                number(Some(arp), "interval", "bond interface arpmon interval missing or invalid")?;
            Some(Monitor::Arp {
                interval: interval
                    .ok_or_else(|| xml_error("bond interface arpmon interval missing or invalid"))?,
                target: own(arp, "target")
                    .ok_or_else(|| xml_error("bond interface arpmon target missing"))?,
                validate: keyword(arp, "validate", "unknown arp bonding validate")?,
            })
        } else {
            None
        };
        Ok(Bond { mode, monitor, ports: ports(e, Kind::Bond)? })
    }

    fn write(&self, w: &mut Writer) {
        w.start("bond");
        w.attr_opt("mode", self.mode.map(BondMode::as_str));
        w.keep_open();
        match &self.monitor {
            None => {}
            Some(Monitor::Mii { freq, downdelay, updelay, carrier }) => {
                w.start("miimon");
                w.attr_value("freq", freq);
                for (name, delay) in [("downdelay", downdelay), ("updelay", updelay)] {
                    if *delay > 0 {
                        w.attr_value(name, delay);
                    }
                }
                w.attr_opt("carrier", carrier.map(Carrier::as_str));
                w.end();
            }
            Some(Monitor::Arp { interval, target, validate }) => {
                w.start("arpmon");
                w.attr_value("interval", interval);
                w.attr("target", target);
                w.attr_opt("validate", validate.map(ArpValidate::as_str));
                w.end();
            }
        }
        self.ports.iter().for_each(|port| port.write(w));
        w.end();
    }
}

impl Protocol {
    fn read(e: Element<'_>) -> Result<Self> {
        let family = own(e, "family").ok_or_else(|| xml_error("protocol misses the family attribute"))?;
        if family != "ipv4" && family != "ipv6" {
            return Err(xml_error(format!("unsupported protocol family '{family}'")));
        }
        let dhcp = match e.child("dhcp") {
            None => None,
            Some(dhcp) => {
                Some(Dhcp { peerdns: switch(dhcp, "peerdns", ("yes", "no"), "unknown dhcp peerdns value")? })
            }
        };
        let mut ips = Vec::new();
        for ip in e.children("ip") {
            let prefix = number(Some(ip), "prefix", "Invalid ip address prefix value")?.unwrap_or(0);
            if let Some(address) = own(ip, "address") {
                ips.push(Ip { address, prefix });
            }
        }
        Ok(Protocol {
            autoconf: family == "ipv6" && e.child("autoconf").is_some(),
            dhcp,
            ips,
            gateway: e.child("route").and_then(|route| own(route, "gateway")),
            family,
        })
    }

    fn write(&self, w: &mut Writer) {
        w.start("protocol");
        w.attr("family", &self.family);
        w.keep_open();
        if self.autoconf {
            w.empty("autoconf");
        }
        if let Some(dhcp) = &self.dhcp {
            w.start("dhcp");
            w.attr_opt("peerdns", dhcp.peerdns.map(|yes| if yes { "yes" } else { "no" }));
            w.end();
        }
        for ip in &self.ips {
            w.start("ip");
            w.attr("address", &ip.address);
            if ip.prefix != 0 {
                w.attr_value("prefix", &ip.prefix);
            }
            w.end();
        }
        if let Some(gateway) = &self.gateway {
            w.start("route");
            w.attr("gateway", gateway);
            w.end();
        }
        w.end();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn same(xml: &str) {
        assert_eq!(Interface::parse(xml, true).unwrap().format(), xml);
    }

    #[test]
    fn interfaces_are_written_as_they_are_read() {
        same(
            "<interface type='bridge' name='br0'>\n  <start mode='onboot'/>\n  <mtu size='1500'/>\n  \
              <protocol family='ipv4'>\n    <dhcp/>\n  </protocol>\n  <bridge stp='off' delay='0.01'>\n    \
              <interface type='ethernet' name='eth0'>\n      <mac address='ab:bb:cc:dd:ee:ff'/>\n    \
              </interface>\n    <interface type='ethernet' name='eth1'>\n    </interface>\n  </bridge>\n\
              </interface>\n",
        );
        same(
            "<interface type='bond' name='bond0'>\n  <start mode='none'/>\n  <protocol family='ipv6'>\n    \
              <autoconf/>\n    <dhcp peerdns='no'/>\n    <ip address='::1' prefix='64'/>\n  </protocol>\n  \
              <bond mode='active-backup'>\n    <miimon freq='100' downdelay='10' updelay='20' \
              carrier='ioctl'/>\n    <interface type='ethernet' name='eth1'>\n    </interface>\n  </bond>\n\
              </interface>\n",
        );
        same(
            "<interface type='vlan' name='eth0.42'>\n  <start mode='hotplug'/>\n  <vlan tag='42'>\n    \
              <interface name='eth0'/>\n  </vlan>\n</interface>\n",
        );
    }

    #[test]
    fn what_is_missing_is_named() {
        let error = |xml: &str| Interface::parse(xml, false).unwrap_err().message().to_owned();
        assert_eq!(error("<interface type='ethernet'/>"), "XML error: interface has no name");
        assert_eq!(
            error("<interface type='bridge' name='b'/>"),
            "XML error: bridge interface misses the bridge element"
        );
        assert!(error("<interface name='b'/>").contains("Missing required attribute 'type'"));
    }
}
