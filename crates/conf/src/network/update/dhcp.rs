//! Hosts and ranges of DHCP.

use virtus_base::Result;
use virtus_xml::Element;

use super::{Command, change, expect, invalid, unsupported};
use crate::network::{Dhcp, DhcpHost, DhcpRange, Ip, Network, xml_error};

impl Network {
    /// Which `<ip>` a change is about.
    fn dhcp_ip(&self, index: i32) -> Result<usize> {
        let none = |place: &str| {
            let name = &self.name;
            invalid(format!(
                "couldn't update dhcp host entry - no <ip> element found {place}in network '{name}'"
            ))
        };
        match usize::try_from(index) {
            Ok(at) if at < self.ips.len() => Ok(at),
            Ok(at) => Err(none(&format!("at index {at} "))),
            Err(_) if self.ips.is_empty() => Err(none("")),
            Err(_) => Ok(self.ips.iter().position(serves).unwrap_or(0)),
        }
    }

    /// One protocol has one DHCP server.
    fn check_only_dhcp(&self, at: usize) -> Result<()> {
        let Some(ip) = self.ips.get(at) else { return Ok(()) };
        let v4 = ip.address.is_ipv4();
        let others = self.ips.iter().enumerate().filter(|(i, _)| *i != at).map(|(_, other)| other);
        match others.filter(|other| other.address.is_ipv4() == v4).any(serves) {
            true => {
                let protocol = if v4 { "IPv4" } else { "IPv6" };
                Err(invalid(format!(
                    "dhcp is supported only for a single {protocol} address on each network"
                )))
            }
            false => Ok(()),
        }
    }

    fn dhcp_at(&mut self, at: usize) -> Option<&mut Dhcp> {
        self.ips.get_mut(at).map(|ip| ip.dhcp.get_or_insert_default())
    }

    pub(super) fn update_dhcp_host(&mut self, command: Command, index: i32, e: Element<'_>) -> Result<()> {
        let at = self.dhcp_ip(index)?;
        expect(e, "host", &self.name)?;
        let Some(ip) = self.ips.get(at) else { return Ok(()) };
        let partial = command == Command::Delete;
        let host = DhcpHost::read(e, &self.name, ip.address.is_ipv6(), partial)?;
        match host.ip {
            _ if partial => {}
            None => {
                let name = &self.name;
                return Err(xml_error(format!(
                    "Missing IP address in static host definition for network '{name}'"
                )));
            }
            Some(address) if address.is_ipv4() != ip.address.is_ipv4() => {
                return Err(invalid(
                    "the address family of a host entry IP must match the address family of the dhcp element's parent",
                ));
            }
            Some(_) => {}
        }
        let hosts = ip.dhcp.as_ref().map(|dhcp| dhcp.hosts.as_slice()).unwrap_or_default();
        let alike = |other: &DhcpHost| {
            (host.mac.is_some() && host.mac == other.mac)
                || (host.name.is_some() && host.name == other.name)
                || (host.ip.is_some() && host.ip == other.ip)
        };
        let matches = |other: &DhcpHost| {
            (host.mac.is_none() || other.mac.is_none() || host.mac == other.mac)
                && (host.name.is_none() || host.name == other.name)
                && (host.ip.is_none() || host.ip == other.ip)
        };
        let network = &self.name;
        let mac = host.mac.map_or_else(|| "unknown".to_owned(), |mac| mac.to_string());
        let name = host.name.as_deref().unwrap_or("(null)");
        let address = host.ip.map_or_else(|| "unknown".to_owned(), |ip| ip.to_string());
        let found = match command {
            Command::Delete => hosts.iter().position(matches),
            _ => hosts.iter().position(alike),
        };
        match (command, found) {
            (Command::Modify, None) => {
                return Err(invalid(format!(
                    "couldn't locate an existing dhcp host entry with \"mac='{mac}'\" \"name='{name}'\" \"ip='{address}'\" in network '{network}'"
                )));
            }
            (Command::Delete, None) => {
                return Err(invalid(format!(
                    "couldn't locate a matching dhcp host entry in network '{network}'"
                )));
            }
            (Command::AddFirst | Command::AddLast, found) => {
                self.check_only_dhcp(at)?;
                if found.is_some() {
                    return Err(invalid(format!(
                        "there is an existing dhcp host entry in network '{network}' that matches \"<host mac='{mac}' name='{name}' ip='{address}'/>\""
                    )));
                }
            }
            _ => {}
        }
        match self.dhcp_at(at) {
            Some(dhcp) => change(&mut dhcp.hosts, command, found, host),
            None => Ok(()),
        }
    }

    pub(super) fn update_dhcp_range(&mut self, command: Command, index: i32, e: Element<'_>) -> Result<()> {
        let at = self.dhcp_ip(index)?;
        if command == Command::Modify {
            return Err(unsupported("dhcp ranges cannot be modified, only added or deleted"));
        }
        expect(e, "range", &self.name)?;
        let Some(ip) = self.ips.get(at) else { return Ok(()) };
        let range = DhcpRange::read(e, &self.name, (ip.address, ip.prefix_length()))?;
        let ranges = ip.dhcp.as_ref().map(|dhcp| dhcp.ranges.as_slice()).unwrap_or_default();
        let found = ranges.iter().position(|r| (r.start, r.end) == (range.start, range.end));
        let network = &self.name;
        match (command, found) {
            (Command::Delete, None) => {
                return Err(invalid(format!(
                    "couldn't locate a matching dhcp range entry in network '{network}'"
                )));
            }
            (Command::AddFirst | Command::AddLast, found) => {
                self.check_only_dhcp(at)?;
                if found.is_some() {
                    let (start, end) = (range.start, range.end);
                    return Err(invalid(format!(
                        "there is an existing dhcp range entry in network '{network}' that matches \"<range start='{start}' end='{end}'/>\""
                    )));
                }
            }
            _ => {}
        }
        match self.dhcp_at(at) {
            Some(dhcp) => change(&mut dhcp.ranges, command, found, range),
            None => Ok(()),
        }
    }
}

/// Whether addresses are given out there.
fn serves(ip: &Ip) -> bool {
    ip.dhcp.as_ref().is_some_and(|dhcp| !dhcp.ranges.is_empty() || !dhcp.hosts.is_empty())
}
