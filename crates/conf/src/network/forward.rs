//! `<forward>`: how a network is connected to the rest of the world.

use std::net::IpAddr;

use virtus_base::Result;
use virtus_xml::{Element, Value, Writer, YesNo, keywords};

use super::{unsupported, xml_detail, xml_error};
use crate::net::address;

keywords! {
    /// The ways of connecting.
    pub enum ForwardMode {
        Nat = "nat",
        Route = "route",
        Open = "open",
        Bridge = "bridge",
        Private = "private",
        Vepa = "vepa",
        Passthrough = "passthrough",
        Hostdev = "hostdev",
    }
}

/// Source address translation.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Nat {
    /// Whether IPv6 is translated too.
    pub ipv6: Option<YesNo>,
    /// The addresses to translate to.
    pub addresses: Option<(IpAddr, IpAddr)>,
    /// The ports to translate to.
    pub ports: Option<(u16, u16)>,
}

/// A host device's place on the PCI bus.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct PciAddress {
    pub domain: u32,
    pub bus: u32,
    pub slot: u32,
    pub function: u32,
}

impl std::fmt::Display for PciAddress {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:04x}:{:02x}:{:02x}.{:x}", self.domain, self.bus, self.slot, self.function)
    }
}

impl PciAddress {
    pub(super) fn read(e: Element<'_>) -> Result<Self> {
        let number = |name: &str| -> Result<u32> {
            let rules = virtus_xml::field::Rules { base: 0, ..crate::RULES };
            Ok(virtus_xml::field::attr(Some(e), name, &rules)?.unwrap_or(0))
        };
        Ok(PciAddress {
            domain: number("domain")?,
            bus: number("bus")?,
            slot: number("slot")?,
            function: number("function")?,
        })
    }

    pub(super) fn write(&self, w: &mut Writer) {
        w.attr_fmt("domain", format_args!("0x{:04x}", self.domain));
        w.attr_fmt("bus", format_args!("0x{:02x}", self.bus));
        w.attr_fmt("slot", format_args!("0x{:02x}", self.slot));
        w.attr_fmt("function", format_args!("0x{:x}", self.function));
    }
}

/// A host device that guests are connected through.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ForwardInterface {
    /// A network device.
    Device {
        /// Its name.
        dev: String,
        /// How many guests use it, in a running network.
        connections: u32,
    },
    /// A PCI device handed to a guest.
    Pci {
        /// Where it is.
        address: PciAddress,
        /// How many guests use it, in a running network.
        connections: u32,
    },
}

/// How a network is connected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Forward {
    /// The way.
    pub mode: ForwardMode,
    /// Whether host devices are taken from and given back to the host.
    pub managed: bool,
    /// Whether the element itself named its device.
    pub dev_given: bool,
    /// The host driver for devices handed to guests.
    pub driver_name: Option<String>,
    /// A variant of that driver.
    pub driver_model: Option<String>,
    /// A device whose virtual functions are used.
    pub pf: Option<String>,
    /// Address translation.
    pub nat: Option<Nat>,
    /// The devices to use.
    pub interfaces: Vec<ForwardInterface>,
}

impl Forward {
    /// A connection of this kind through any device.
    pub fn new(mode: ForwardMode) -> Self {
        Forward {
            mode,
            managed: false,
            dev_given: false,
            driver_name: None,
            driver_model: None,
            pf: None,
            nat: None,
            interfaces: Vec::new(),
        }
    }

    /// The first network device.
    pub fn first_device(&self) -> Option<&str> {
        self.interfaces.iter().find_map(|i| match i {
            ForwardInterface::Device { dev, .. } => Some(dev.as_str()),
            ForwardInterface::Pci { .. } => None,
        })
    }

    /// Reads the element; `mode='none'` is as good as no element.
    pub(super) fn read(e: Element<'_>, network: &str) -> Result<Option<Self>> {
        let mode = match e.attr("mode") {
            None | Some("") => ForwardMode::Nat,
            Some("none") => return Ok(None),
            Some(word) => ForwardMode::from_word(word)
                .ok_or_else(|| unsupported(format!("unknown forwarding type '{word}'")))?,
        };
        let mut forward = Forward::new(mode);
        forward.managed = e.attr("managed").is_some_and(|m| m.eq_ignore_ascii_case("yes"));
        if let Some(driver) = e.child("driver") {
            forward.driver_name = driver.attr("name").map(str::to_owned);
            forward.driver_model = driver.attr("model").map(str::to_owned);
        }
        forward.read_nat(e, network)?;
        let pfs: Vec<_> = e.children("pf").collect();
        let addresses: Vec<_> = e.children("address").collect();
        let dev = e.attr("dev").filter(|d| !d.is_empty());
        if dev.is_some() && !(pfs.is_empty() && addresses.is_empty()) {
            return Err(xml_error(format!(
                "the <forward> 'dev' attribute cannot be used when <address> or <pf> sub-elements are present in network {network}"
            )));
        }
        forward.read_interfaces(e, dev, network)?;
        for address in addresses {
            forward.read_address(address, network)?;
        }
        match pfs.as_slice() {
            [] => {}
            [pf] => {
                forward.pf = Some(pf.attr("dev").map(str::to_owned).ok_or_else(|| {
                    xml_error(format!(
                        "Missing required dev attribute in <pf> element of network '{network}'"
                    ))
                })?);
            }
            _ => {
                return Err(xml_error(format!(
                    "Only one <pf> element is allowed in <forward> of network {network}"
                )));
            }
        }
        Ok(Some(forward))
    }

    fn read_nat(&mut self, e: Element<'_>, network: &str) -> Result<()> {
        let nats: Vec<_> = e.children("nat").collect();
        let element = match nats.as_slice() {
            [] => return Ok(()),
            [nat] => *nat,
            _ => {
                return Err(xml_error(format!(
                    "Only one <nat> element is allowed in <forward> of network {network}"
                )));
            }
        };
        if self.mode != ForwardMode::Nat {
            return Err(xml_error(format!(
                "The <nat> element can only be used when <forward> 'mode' is 'nat' in network {network}"
            )));
        }
        let mut nat =
            Nat { ipv6: virtus_xml::field::attr(Some(element), "ipv6", &crate::RULES)?, ..Nat::default() };
        let one = |name: &str| -> Result<Option<Element<'_>>> {
            let found: Vec<_> = element.children(name).collect();
            match found.as_slice() {
                [] => Ok(None),
                [single] => Ok(Some(*single)),
                _ if name == "port" => Err(xml_error(format!(
                    "Only one <port> element is allowed in <nat> in <forward> in network {network}"
                ))),
                _ => Err(xml_error(format!(
                    "Only one <address> element is allowed in <nat> in <forward> in network {network}"
                ))),
            }
        };
        if let Some(range) = one("address")? {
            let end_of = |name: &str| {
                let text = range.attr(name).ok_or_else(|| {
                    xml_error(format!(
                        "missing '{name}' attribute in <address> element in <nat> in <forward> in network {network}"
                    ))
                })?;
                address::parse_ip(text).filter(IpAddr::is_ipv4).ok_or_else(|| {
                    xml_error(format!(
                        "Bad ipv4 {name} address '{text}' in <nat> in <forward> in network '{network}'"
                    ))
                })
            };
            let (start, end) = (end_of("start")?, end_of("end")?);
            address::range_size(start, end, None)?;
            nat.addresses = Some((start, end));
        }
        if let Some(range) = one("port")? {
            let end_of = |name: &str| {
                range.attr(name).and_then(|text| <u16 as Value>::parse(text, 10)).ok_or_else(|| {
                    xml_detail(format!(
                        "Missing or invalid '{name}' attribute in <port> in <nat> in <forward> in network {network}"
                    ))
                })
            };
            nat.ports = Some((end_of("start")?, end_of("end")?));
        }
        self.nat = Some(nat);
        Ok(())
    }

    fn read_interfaces(&mut self, e: Element<'_>, dev: Option<&str>, network: &str) -> Result<()> {
        self.dev_given = dev.is_some();
        if let Some(dev) = dev {
            self.interfaces.push(ForwardInterface::Device { dev: dev.to_owned(), connections: 0 });
        }
        for (i, element) in e.children("interface").enumerate() {
            let name = element.attr("dev").ok_or_else(|| {
                xml_error(format!(
                    "Missing required dev attribute in <forward> <interface> element of network {network}"
                ))
            })?;
            if let (0, Some(dev)) = (i, dev) {
                if name != dev {
                    return Err(xml_error(format!(
                        "<forward dev='{dev}'> must match first <interface dev='{name}'/> in network {network}"
                    )));
                }
                continue;
            }
            let listed =
                |i: &ForwardInterface| matches!(i, ForwardInterface::Device { dev, .. } if dev == name);
            if self.interfaces.iter().any(listed) {
                return Err(xml_error(format!(
                    "interface '{name}' can only be listed once in network {network}"
                )));
            }
            let connections = virtus_xml::field::attr(Some(element), "connections", &crate::RULES)
                .ok()
                .flatten()
                .unwrap_or(0);
            self.interfaces.push(ForwardInterface::Device { dev: name.to_owned(), connections });
        }
        Ok(())
    }

    fn read_address(&mut self, e: Element<'_>, network: &str) -> Result<()> {
        match e.attr("type") {
            Some("pci") => {}
            None => return Err(xml_error(format!("missing address type in network {network}"))),
            Some(
                other @ ("drive" | "virtio-serial" | "ccid" | "usb" | "spapr-vio" | "virtio-s390" | "ccw"
                | "virtio-mmio" | "isa" | "dimm" | "unassigned" | "none"),
            ) => {
                return Err(xml_error(format!("unsupported address type '{other}' in network {network}")));
            }
            Some(other) => {
                return Err(xml_error(format!("unknown address type '{other}' in network {network}")));
            }
        }
        let address = PciAddress::read(e)?;
        let listed =
            |i: &ForwardInterface| matches!(i, ForwardInterface::Pci { address: a, .. } if *a == address);
        if self.interfaces.iter().any(listed) {
            return Err(xml_error(format!(
                "PCI device '{address}' can only be listed once in network {network}"
            )));
        }
        self.interfaces.push(ForwardInterface::Pci { address, connections: 0 });
        Ok(())
    }

    pub(super) fn write(&self, w: &mut Writer) {
        w.start("forward");
        if self.pf.is_none() {
            w.attr_opt("dev", self.first_device());
        }
        w.attr("mode", self.mode.as_str());
        if self.mode == ForwardMode::Hostdev {
            w.attr("managed", if self.managed { "yes" } else { "no" });
        }
        if self.driver_name.is_some() || self.driver_model.is_some() {
            w.start("driver");
            w.attr_opt("name", self.driver_name.as_deref());
            w.attr_opt("model", self.driver_model.as_deref());
            w.end();
        }
        if let Some(nat) = &self.nat {
            w.start("nat");
            if nat.ipv6 == Some(YesNo::Yes) {
                w.attr("ipv6", "yes");
            }
            if let Some((start, end)) = nat.addresses {
                w.start("address");
                w.attr_fmt("start", format_args!("{start}"));
                w.attr_fmt("end", format_args!("{end}"));
                w.end();
            }
            if let Some((start, end)) = nat.ports.filter(|p| *p != (0, 0)) {
                w.start("port");
                w.attr_fmt("start", format_args!("{start}"));
                w.attr_fmt("end", format_args!("{end}"));
                w.end();
            }
            w.end_unless_empty();
        }
        if let Some(pf) = &self.pf {
            w.start("pf");
            w.attr("dev", pf);
            w.end();
        }
        let live = !w.options().inactive;
        if self.pf.is_none() || live {
            for interface in &self.interfaces {
                write_interface(w, interface, live);
            }
        }
        w.end();
    }
}

fn write_interface(w: &mut Writer, interface: &ForwardInterface, live: bool) {
    let used = match interface {
        ForwardInterface::Device { dev, connections } => {
            w.start("interface");
            w.attr("dev", dev);
            *connections
        }
        ForwardInterface::Pci { address: a, connections } => {
            w.start("address");
            w.attr("type", "pci");
            a.write(w);
            *connections
        }
    };
    if live && used > 0 {
        w.attr_fmt("connections", format_args!("{used}"));
    }
    w.end();
}
