//! `<ip>`: an address of the network's bridge.

use std::net::{IpAddr, Ipv4Addr};

use virtus_base::Result;
use virtus_xml::{Element, Writer, YesNo, field, keywords};

use super::dhcp::Dhcp;
use super::{unsupported, xml_error};
use crate::net::{Subnet, address};

keywords! {
    /// A protocol.
    pub enum Family { V4 = "ipv4", V6 = "ipv6" }
}

/// An address of the bridge, and what is offered to the guests around it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ip {
    /// The protocol as the document names it.
    pub family: Option<Family>,
    /// The address.
    pub address: IpAddr,
    /// The length of the network's prefix, if given that way.
    pub prefix: Option<u32>,
    /// The network's mask, if given that way.
    pub netmask: Option<Ipv4Addr>,
    /// Whether reverse look-ups in it are never asked of others.
    pub local_ptr: Option<YesNo>,
    /// Files to boot from.
    pub tftp_root: Option<String>,
    /// Addresses for the guests.
    pub dhcp: Option<Dhcp>,
}

impl Ip {
    /// The length of the prefix: as given, or the one of the address's class, or 64 for IPv6. `None` for a
    /// mask with holes.
    pub fn prefix_length(&self) -> Option<u32> {
        if let Some(prefix) = self.prefix {
            return Some(prefix);
        }
        if let Some(mask) = self.netmask {
            return address::netmask_prefix(mask);
        }
        Some(match self.address {
            IpAddr::V4(v4) => match v4.octets() {
                [0..=127, ..] => 8,
                [128..=191, ..] => 16,
                [192..=223, ..] => 24,
                _ => return None,
            },
            IpAddr::V6(_) => 64,
        })
    }

    /// The network the address is in.
    pub fn subnet(&self) -> Option<Subnet> {
        self.prefix_length().map(|prefix| Subnet { address: self.address, prefix })
    }

    pub(super) fn read(e: Element<'_>, network: &str) -> Result<Self> {
        let family = e.attr("family");
        let text = e
            .attr("address")
            .filter(|a| !a.is_empty())
            .ok_or_else(|| xml_error(format!("Missing required address attribute in network '{network}'")))?;
        let local_ptr = field::attr(Some(e), "localPtr", &crate::RULES)?;
        let prefix: Option<u32> = field::attr(Some(e), "prefix", &crate::RULES)?;
        let prefix = prefix.filter(|p| *p != 0 || e.attr("prefix").is_some());
        let address = address::parse_ip(text)
            .ok_or_else(|| xml_error(format!("Invalid address '{text}' in network '{network}'")))?;
        let netmask = e
            .attr("netmask")
            .filter(|m| !m.is_empty())
            .map(|mask| {
                address::parse_ip(mask)
                    .map(|ip| (mask, ip))
                    .ok_or_else(|| xml_error(format!("Invalid netmask '{mask}' in network '{network}'")))
            })
            .transpose()?;
        let (family, netmask) = check(network, family, text, address, prefix, netmask)?;
        let mut ip = Ip { family, address, prefix, netmask, local_ptr, tftp_root: None, dhcp: None };
        if let Some(dhcp) = e.child("dhcp") {
            ip.dhcp = Dhcp::read(dhcp, network, (ip.address, ip.prefix_length()))?;
        }
        if let Some(root) = e.children("tftp").last().and_then(|t| t.attr("root")) {
            if address.is_ipv6() {
                return Err(unsupported(format!(
                    "Unsupported <tftp> element in an IPv6 element in network '{network}'"
                )));
            }
            ip.tftp_root = Some(root.to_owned());
        }
        Ok(ip)
    }

    pub(super) fn write(&self, w: &mut Writer) {
        w.start("ip");
        w.attr_opt("family", self.family.map(Family::as_str));
        w.attr_fmt("address", format_args!("{}", self.address));
        if let Some(mask) = self.netmask {
            w.attr_fmt("netmask", format_args!("{mask}"));
        }
        if let Some(prefix) = self.prefix {
            w.attr_fmt("prefix", format_args!("{prefix}"));
        }
        w.attr_opt("localPtr", self.local_ptr.map(YesNo::as_str));
        w.keep_open();
        if let Some(root) = &self.tftp_root {
            w.start("tftp");
            w.attr("root", root);
            w.end();
        }
        if let Some(dhcp) = &self.dhcp {
            dhcp.write(w);
        }
        w.end();
    }
}

fn check(
    network: &str,
    family: Option<&str>,
    text: &str,
    address: IpAddr,
    prefix: Option<u32>,
    netmask: Option<(&str, IpAddr)>,
) -> Result<(Option<Family>, Option<Ipv4Addr>)> {
    match family {
        None | Some("ipv4") => {
            if !address.is_ipv4() {
                let which = if family.is_none() { "no" } else { "ipv4" };
                return Err(unsupported(format!(
                    "{which} family specified for non-IPv4 address '{text}' in network '{network}'"
                )));
            }
            let mask = match netmask {
                None => None,
                Some((_, IpAddr::V4(_))) if prefix.is_some_and(|p| p > 0) => {
                    return Err(unsupported(format!(
                        "Network '{network}' IP address cannot have both a prefix and a netmask"
                    )));
                }
                Some((_, IpAddr::V4(mask))) => Some(mask),
                Some((mask, IpAddr::V6(_))) => {
                    return Err(unsupported(format!(
                        "Invalid netmask '{mask}' for address '{text}' in network '{network}' (both must be IPv4)"
                    )));
                }
            };
            if let Some(prefix) = prefix.filter(|p| *p > 32) {
                return Err(unsupported(format!("Invalid IPv4 prefix '{prefix}' in network '{network}'")));
            }
            Ok((family.map(|_| Family::V4), mask))
        }
        Some("ipv6") => {
            if !address.is_ipv6() {
                return Err(unsupported(format!(
                    "Family 'ipv6' specified for non-IPv6 address '{text}' in network '{network}'"
                )));
            }
            if netmask.is_some() {
                return Err(unsupported(format!(
                    "netmask not allowed for IPv6 address '{text}' in network '{network}'"
                )));
            }
            if let Some(prefix) = prefix.filter(|p| *p > 128) {
                return Err(unsupported(format!("Invalid IPv6 prefix '{prefix}' in network '{network}'")));
            }
            Ok((Some(Family::V6), None))
        }
        Some(other) => Err(xml_error(format!("Unrecognized family '{other}' in network '{network}'"))),
    }
}
