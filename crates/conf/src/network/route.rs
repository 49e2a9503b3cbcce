//! `<route>`: a network that is reached through a guest.

use std::net::{IpAddr, Ipv4Addr};

use virtus_base::Result;
use virtus_xml::{Element, Value, Writer};

use super::ip::Family;
use super::{unsupported, xml_error};
use crate::net::{Subnet, address};

/// A static route.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    /// The protocol as the document names it.
    pub family: Option<Family>,
    /// The network.
    pub address: IpAddr,
    /// The length of its prefix, if given that way.
    pub prefix: Option<u32>,
    /// Its mask, if given that way.
    pub netmask: Option<Ipv4Addr>,
    /// The guest.
    pub gateway: IpAddr,
    /// How far it is; greater than 0.
    pub metric: Option<u32>,
}

impl Route {
    /// The network.
    pub fn subnet(&self) -> Option<Subnet> {
        let prefix = match (self.prefix, self.netmask) {
            (Some(prefix), _) => prefix,
            (None, Some(mask)) => address::netmask_prefix(mask)?,
            (None, None) => super::Ip {
                family: None,
                address: self.address,
                prefix: None,
                netmask: None,
                local_ptr: None,
                tftp_root: None,
                dhcp: None,
            }
            .prefix_length()?,
        };
        Some(Subnet { address: self.address, prefix })
    }

    pub(super) fn read(e: Element<'_>, network: &str) -> Result<Self> {
        let family = e.attr("family");
        let wrong = |text: String| xml_error(format!("{network}: {text} in route definition"));
        let text = e.attr("address").filter(|a| !a.is_empty()).ok_or_else(|| {
            xml_error(format!("{network}: Missing required address attribute in route definition"))
        })?;
        let gateway_text = e.attr("gateway").filter(|a| !a.is_empty()).ok_or_else(|| {
            xml_error(format!("{network}: Missing required gateway attribute in route definition"))
        })?;
        let number = |name: &str| -> Result<Option<u32>> {
            e.attr(name)
                .map(|t| {
                    <u32 as Value>::parse(t, 10).ok_or_else(|| {
                        xml_error(format!("{network}: Invalid {name} specified in route definition"))
                    })
                })
                .transpose()
        };
        let prefix = number("prefix")?;
        let metric = match e.attr("metric") {
            None => None,
            Some(t) => Some(<u32 as Value>::parse(t, 10).filter(|m| *m > 0).ok_or_else(|| {
                xml_error(format!("{network}: Invalid metric specified, must be > 0 in route definition"))
            })?),
        };
        let address =
            address::parse_ip(text).ok_or_else(|| wrong(format!("Bad network address '{text}'")))?;
        let gateway = address::parse_ip(gateway_text)
            .ok_or_else(|| wrong(format!("Bad gateway address '{gateway_text}'")))?;
        let netmask = e.attr("netmask").filter(|m| !m.is_empty());
        let (family, netmask) = match family {
            None | Some("ipv4") => {
                let which = if family.is_none() { "No" } else { "IPv4" };
                if !address.is_ipv4() {
                    return Err(wrong(format!("{which} family specified for non-IPv4 address '{text}'")));
                }
                if !gateway.is_ipv4() {
                    return Err(wrong(format!(
                        "{which} family specified for non-IPv4 gateway '{gateway_text}'"
                    )));
                }
                let mask = netmask
                    .map(|m| match address::parse_ip(m) {
                        Some(IpAddr::V4(mask)) => Ok(mask),
                        _ => Err(wrong(format!("Bad netmask address '{m}'"))),
                    })
                    .transpose()?;
                if mask.is_some() && prefix.is_some_and(|p| p > 0) {
                    return Err(wrong("Route definition cannot have both a prefix and a netmask".into()));
                }
                if let Some(prefix) = prefix.filter(|p| *p > 32) {
                    return Err(xml_error(format!(
                        "{network}: Invalid prefix {prefix} specified in route definition, must be 0 - 32"
                    )));
                }
                (family.map(|_| Family::V4), mask)
            }
            Some("ipv6") => {
                if !address.is_ipv6() {
                    return Err(wrong(format!("ipv6 family specified for non-IPv6 address '{text}'")));
                }
                if netmask.is_some() {
                    return Err(wrong(format!("Specifying netmask invalid for IPv6 address '{text}'")));
                }
                if !gateway.is_ipv6() {
                    return Err(wrong(format!(
                        "ipv6 specified for non-IPv6 gateway address '{gateway_text}'"
                    )));
                }
                if let Some(prefix) = prefix.filter(|p| *p > 128) {
                    return Err(xml_error(format!(
                        "{network}: Invalid prefix {prefix} specified in route definition, must be 0 - 128"
                    )));
                }
                (Some(Family::V6), None)
            }
            Some(other) => return Err(wrong(format!("Unrecognized family '{other}'"))),
        };
        let route = Route { family, address, prefix, netmask, gateway, metric };
        match route.subnet() {
            Some(subnet) if subnet.network() == address => Ok(route),
            _ => Err(wrong(format!("Address '{text}' in route definition is not a network address"))),
        }
    }

    pub(super) fn write(&self, w: &mut Writer) {
        w.start("route");
        w.attr_opt("family", self.family.map(Family::as_str));
        w.attr_fmt("address", format_args!("{}", self.address));
        if let Some(mask) = self.netmask {
            w.attr_fmt("netmask", format_args!("{mask}"));
        }
        if let Some(prefix) = self.prefix {
            w.attr_fmt("prefix", format_args!("{prefix}"));
        }
        w.attr_fmt("gateway", format_args!("{}", self.gateway));
        if let Some(metric) = self.metric {
            w.attr_fmt("metric", format_args!("{metric}"));
        }
        w.end();
    }

    pub(super) fn check_reachable(&self, ips: &[super::Ip], network: &str) -> Result<()> {
        let reached = ips.iter().filter_map(super::Ip::subnet).any(|subnet| subnet.contains(self.gateway));
        match reached {
            true => Ok(()),
            false => Err(unsupported(format!(
                "unreachable static route gateway '{}' specified for network '{network}'",
                self.gateway
            ))),
        }
    }
}
