//! `<dhcp>`: the addresses guests are given.

use std::net::IpAddr;

use virtus_base::Result;
use virtus_xml::{Element, Writer, field, keywords};

use super::{unsupported, xml_error};
use crate::net::{MacAddr, address};

keywords! {
    /// What a lease's time is counted in.
    pub enum LeaseUnit { Seconds = "seconds", Minutes = "minutes", Hours = "hours" }
}

/// How long a guest keeps an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lease {
    /// How many units; 0 is for ever.
    pub expiry: u64,
    /// The unit; minutes unless named.
    pub unit: LeaseUnit,
}

/// Addresses for any guest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DhcpRange {
    /// The first.
    pub start: IpAddr,
    /// The last.
    pub end: IpAddr,
    /// How long they are kept.
    pub lease: Option<Lease>,
}

/// An address, or a name, for one guest.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DhcpHost {
    /// The guest's MAC address.
    pub mac: Option<MacAddr>,
    /// The guest's DHCP unique identifier (IPv6).
    pub id: Option<String>,
    /// The name it gets.
    pub name: Option<String>,
    /// The address it gets.
    pub ip: Option<IpAddr>,
    /// How long it keeps it.
    pub lease: Option<Lease>,
}

/// What a guest boots from the network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bootp {
    /// The file.
    pub file: String,
    /// The server it is on, if not this host.
    pub server: Option<String>,
}

/// What guests are told when they ask for an address.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Dhcp {
    /// Addresses for any guest.
    pub ranges: Vec<DhcpRange>,
    /// Addresses for those known.
    pub hosts: Vec<DhcpHost>,
    /// What to boot.
    pub bootp: Option<Bootp>,
}

/// A lease of less than this many seconds is refused.
const LEASE_MIN: u64 = 120;

impl Lease {
    /// The time in seconds; `None` when it does not fit.
    pub fn seconds(&self) -> Option<u64> {
        self.expiry.checked_mul(match self.unit {
            LeaseUnit::Seconds => 1,
            LeaseUnit::Minutes => 60,
            LeaseUnit::Hours => 3600,
        })
    }

    fn read(parent: Element<'_>) -> Result<Option<Self>> {
        let Some(e) = parent.child("lease") else { return Ok(None) };
        let rules = field::Rules { base: 0, ..crate::RULES };
        let Some(expiry) = field::attr(Some(e), "expiry", &rules)? else { return Ok(None) };
        let unit = field::attr(Some(e), "unit", &crate::RULES)?.unwrap_or(LeaseUnit::Minutes);
        let lease = Lease { expiry, unit };
        if expiry != 0 && lease.seconds().is_some_and(|s| s < LEASE_MIN) {
            return Err(unsupported("The minimum lease time should be greater than 2 minutes"));
        }
        Ok(Some(lease))
    }

    fn write(&self, w: &mut Writer) {
        w.start("lease");
        w.attr_fmt("expiry", format_args!("{}", self.expiry));
        if self.expiry != 0 && self.unit != LeaseUnit::Minutes {
            w.attr("unit", self.unit.as_str());
        } else if self.expiry != 0 {
            w.attr("unit", "minutes");
        }
        w.end();
    }
}

impl DhcpRange {
    /// Reads a range, which must lie in the network `around` it, an address with its prefix.
    ///
    /// # Errors
    /// `XML_ERROR` for a missing end, `SYSTEM_ERROR` for what is no address, `INTERNAL_ERROR` for a bad range.
    pub fn read(e: Element<'_>, network: &str, around: (IpAddr, Option<u32>)) -> Result<Self> {
        let end_of = |name: &str| {
            let text = e.attr(name).ok_or_else(|| {
                xml_error(format!("Missing '{name}' attribute in dhcp range for network '{network}'"))
            })?;
            address::require_ip(text)
        };
        let (start, end) = (end_of("start")?, end_of("end")?);
        address::range_size(start, end, Some(around))?;
        Ok(DhcpRange { start, end, lease: Lease::read(e)? })
    }

    pub(super) fn write(&self, w: &mut Writer) {
        w.start("range");
        w.attr_fmt("start", format_args!("{}", self.start));
        w.attr_fmt("end", format_args!("{}", self.end));
        if let Some(lease) = &self.lease {
            lease.write(w);
        }
        w.end();
    }
}

impl DhcpHost {
    /// Reads a host of an IPv6 network or of another; `partial` is for one that only names which to delete.
    ///
    /// # Errors
    /// `XML_ERROR` with libvirt's texts.
    pub fn read(e: Element<'_>, network: &str, v6: bool, partial: bool) -> Result<Self> {
        let mut host = DhcpHost::default();
        if let Some(text) = e.attr("mac") {
            if v6 {
                return Err(xml_error(format!(
                    "Invalid to specify MAC address '{text}' in network '{network}' IPv6 static host definition"
                )));
            }
            let mac = MacAddr::parse(text).ok_or_else(|| {
                xml_error(format!("Cannot parse MAC address '{text}' in network '{network}'"))
            })?;
            if mac.is_multicast() {
                return Err(xml_error(format!(
                    "expected unicast mac address, found multicast '{text}' in network '{network}'"
                )));
            }
            host.mac = Some(mac);
        }
        if let Some(id) = e.attr("id") {
            let allowed = |c: &char| c.is_ascii_hexdigit() || *c == ':';
            if let Some(bad) = id.chars().find(|c| !allowed(c)) {
                return Err(xml_error(format!(
                    "Invalid character '{bad}' in id '{id}' of network '{network}'"
                )));
            }
            host.id = Some(id.to_owned());
        }
        if let Some(name) = e.attr("name") {
            if name.is_empty() {
                return Err(xml_error(format!("Cannot use host name '{name}' in network '{network}'")));
            }
            host.name = Some(name.to_owned());
        }
        if let Some(text) = e.attr("ip") {
            host.ip = Some(address::parse_ip(text).ok_or_else(|| {
                xml_error(format!("Invalid IP address in static host definition for network '{network}'"))
            })?);
        }
        let missing = if partial {
            (host.mac.is_none() && host.name.is_none() && host.ip.is_none() && host.id.is_none()).then(|| {
                format!("At least one of name, mac, or ip attribute must be specified for static host definition in network '{network}'")
            })
        } else if v6 {
            (host.id.is_none() && host.name.is_none()).then(|| {
                format!("Static host definition in IPv6 network '{network}' must have id or name attribute")
            })
        } else {
            (host.mac.is_none() && host.name.is_none()).then(|| {
                format!("Static host definition in IPv4 network '{network}' must have mac or name attribute")
            })
        };
        if let Some(text) = missing {
            return Err(xml_error(text));
        }
        if !partial && host.ip.is_none() && (v6 || host.name.is_none()) {
            return Err(xml_error(format!(
                "Missing IP address in static host definition for network '{network}'"
            )));
        }
        host.lease = Lease::read(e)?;
        Ok(host)
    }

    pub(super) fn write(&self, w: &mut Writer) {
        w.start("host");
        if let Some(mac) = &self.mac {
            w.attr_value("mac", mac);
        }
        w.attr_opt("id", self.id.as_deref());
        w.attr_opt("name", self.name.as_deref());
        if let Some(ip) = self.ip {
            w.attr_fmt("ip", format_args!("{ip}"));
        }
        if let Some(lease) = &self.lease {
            lease.write(w);
        }
        w.end();
    }
}

impl Dhcp {
    pub(super) fn read(e: Element<'_>, network: &str, around: (IpAddr, Option<u32>)) -> Result<Option<Self>> {
        let mut dhcp = Dhcp::default();
        let v6 = around.0.is_ipv6();
        for child in e.elements() {
            match (child.namespace(), child.name()) {
                (None, "range") => dhcp.ranges.push(DhcpRange::read(child.accept(), network, around)?),
                (None, "host") => dhcp.hosts.push(DhcpHost::read(child.accept(), network, v6, false)?),
                (None, "bootp") if !v6 => {
                    let child = child.accept();
                    let (file, server) = (child.attr("file"), child.attr("server"));
                    if let Some(file) = file {
                        dhcp.bootp = Some(Bootp { file: file.to_owned(), server: server.map(str::to_owned) });
                    }
                }
                _ => {}
            }
        }
        Ok((dhcp != Dhcp::default()).then_some(dhcp))
    }

    pub(super) fn write(&self, w: &mut Writer) {
        w.start("dhcp");
        self.ranges.iter().for_each(|range| range.write(w));
        self.hosts.iter().for_each(|host| host.write(w));
        if let Some(bootp) = &self.bootp {
            w.start("bootp");
            w.attr("file", &bootp.file);
            w.attr_opt("server", bootp.server.as_deref());
            w.end();
        }
        w.end_unless_empty();
    }
}
