//! `<dns>`: what a network's name server answers.

use std::net::IpAddr;

use virtus_base::Result;
use virtus_xml::{Element, Value, Writer, YesNo, field};

use super::{xml_detail, xml_error};
use crate::net::address;

/// The longest service or domain name in a record.
const SERVICE_MAX: usize = 512;

/// Whom to ask for names this server does not know.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DnsForwarder {
    /// The names it is asked for; all when there is none.
    pub domain: Option<String>,
    /// The server; the host's own when there is none.
    pub address: Option<IpAddr>,
}

/// A text record.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DnsTxt {
    /// Its name.
    pub name: String,
    /// Its text; missing only where a record is named to be deleted.
    pub value: Option<String>,
}

/// A service record.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct DnsSrv {
    pub service: Option<String>,
    pub protocol: Option<String>,
    pub domain: Option<String>,
    pub target: Option<String>,
    pub port: Option<u16>,
    pub priority: Option<u16>,
    pub weight: Option<u16>,
}

/// The names of an address.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DnsHost {
    /// The address.
    pub ip: Option<IpAddr>,
    /// Its names.
    pub names: Vec<String>,
}

/// What the name server answers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Dns {
    /// Whether there is one at all.
    pub enable: Option<YesNo>,
    /// Whether names without a dot are asked of others.
    pub forward_plain_names: Option<YesNo>,
    /// Whom to ask.
    pub forwarders: Vec<DnsForwarder>,
    /// Text records.
    pub txts: Vec<DnsTxt>,
    /// Service records.
    pub srvs: Vec<DnsSrv>,
    /// Names of addresses.
    pub hosts: Vec<DnsHost>,
}

impl DnsTxt {
    /// Reads a record; `partial` is for one that only names which to delete.
    ///
    /// # Errors
    /// `XML_DETAIL` with libvirt's texts.
    pub fn read(e: Element<'_>, network: &str, partial: bool) -> Result<Self> {
        let name = e.attr("name").filter(|n| !n.is_empty()).ok_or_else(|| {
            xml_detail(format!("missing required name attribute in DNS TXT record of network {network}"))
        })?;
        if name.contains(' ') || name.chars().any(char::is_control) {
            return Err(xml_detail(format!(
                "prohibited character in DNS TXT record name '{name}' of network {network}"
            )));
        }
        let value = e.attr("value").filter(|v| !v.is_empty()).map(str::to_owned);
        if !partial && value.is_none() {
            return Err(xml_detail(format!(
                "missing required value attribute in DNS TXT record named '{name}' of network {network}"
            )));
        }
        Ok(DnsTxt { name: name.to_owned(), value })
    }

    fn write(&self, w: &mut Writer) {
        w.start("txt");
        w.attr("name", &self.name);
        w.attr_opt("value", self.value.as_deref());
        w.end();
    }
}

impl DnsSrv {
    /// Reads a record; `partial` is for one that only names which to delete.
    ///
    /// # Errors
    /// `XML_DETAIL` with libvirt's texts.
    pub fn read(e: Element<'_>, network: &str, partial: bool) -> Result<Self> {
        let word = |name: &str| e.attr(name).filter(|s| !s.is_empty()).map(str::to_owned);
        let mut srv = DnsSrv {
            service: word("service"),
            protocol: word("protocol"),
            domain: word("domain"),
            target: word("target"),
            ..DnsSrv::default()
        };
        match &srv.service {
            None if !partial => {
                return Err(xml_detail(format!(
                    "missing required service attribute in DNS SRV record of network '{network}'"
                )));
            }
            Some(s) if s.len() > SERVICE_MAX => {
                return Err(xml_detail(format!(
                    "service attribute '{s}' in network '{network}' is too long, limit is {SERVICE_MAX} bytes"
                )));
            }
            Some(s) if s.contains(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '-' | '_'))) => {
                return Err(xml_error(format!(
                    "invalid character in service attribute '{s}' in DNS SRV record of network '{network}'"
                )));
            }
            _ => {}
        }
        let service = srv.service.clone().unwrap_or_default();
        match &srv.protocol {
            None if !partial => {
                return Err(xml_detail(format!(
                    "missing required protocol attribute in DNS SRV record '{service}' of network '{network}'"
                )));
            }
            Some(p) if p.contains(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '-' | '_'))) => {
                return Err(xml_error(format!(
                    "invalid character in protocol attribute '{p}' in DNS SRV record of network '{network}'"
                )));
            }
            _ => {}
        }
        let number = |name: &str, text_name: &str, invalid: &str, least: u16| -> Result<Option<u16>> {
            let Some(text) = e.attr(name) else { return Ok(None) };
            if srv.target.is_none() && !partial {
                return Err(xml_error(format!(
                    "DNS SRV {text_name} attribute not permitted without target for service '{service}' in network '{network}'"
                )));
            }
            match <u16 as Value>::parse(text, 10).filter(|n| *n >= least) {
                Some(n) => Ok(Some(n)),
                None => Err(xml_detail(format!(
                    "{invalid} DNS SRV {text_name} attribute for service '{service}' in network '{network}'"
                ))),
            }
        };
        let (port, priority, weight) = (
            number("port", "port", "invalid", 1)?,
            number("priority", "priority", "Invalid", 0)?,
            number("weight", "weight", "invalid", 0)?,
        );
        (srv.port, srv.priority, srv.weight) = (port, priority, weight);
        Ok(srv)
    }

    fn write(&self, w: &mut Writer) {
        w.start("srv");
        w.attr_opt("service", self.service.as_deref());
        w.attr_opt("protocol", self.protocol.as_deref());
        w.attr_opt("domain", self.domain.as_deref());
        w.attr_opt("target", self.target.as_deref());
        for (name, value) in [("port", self.port), ("priority", self.priority), ("weight", self.weight)] {
            if let Some(value) = value.filter(|v| *v != 0) {
                w.attr_fmt(name, format_args!("{value}"));
            }
        }
        w.end();
    }
}

impl DnsHost {
    /// Reads a host; `partial` is for one that only names which to delete.
    ///
    /// # Errors
    /// `XML_DETAIL` with libvirt's texts.
    pub fn read(e: Element<'_>, network: &str, partial: bool) -> Result<Self> {
        let text = e.attr("ip").filter(|i| !i.is_empty());
        if text.is_none() && !partial {
            return Err(xml_detail(format!("Missing IP address in network '{network}' DNS HOST record")));
        }
        let ip = text
            .map(|t| {
                address::parse_ip(t).ok_or_else(|| {
                    xml_detail(format!("Invalid IP address in network '{network}' DNS HOST record"))
                })
            })
            .transpose()?;
        let mut names = Vec::new();
        for hostname in e.children("hostname") {
            names.push(hostname.text().ok_or_else(|| {
                xml_detail(format!("Missing hostname in network '{network}' DNS HOST record"))
            })?);
        }
        if names.is_empty() && !partial {
            return Err(xml_detail(format!("Missing hostname in network '{network}' DNS HOST record")));
        }
        if names.is_empty() && ip.is_none() {
            return Err(xml_detail(format!(
                "Missing ip and hostname in network '{network}' DNS HOST record"
            )));
        }
        Ok(DnsHost { ip, names })
    }

    fn write(&self, w: &mut Writer) {
        w.start("host");
        if let Some(ip) = self.ip {
            w.attr_fmt("ip", format_args!("{ip}"));
        }
        for name in &self.names {
            w.element_text("hostname", name);
        }
        w.end();
    }
}

impl Dns {
    pub(super) fn read(e: Element<'_>, network: &str) -> Result<Self> {
        let mut dns = Dns {
            enable: field::attr(Some(e), "enable", &crate::RULES)?,
            forward_plain_names: field::attr(Some(e), "forwardPlainNames", &crate::RULES)?,
            ..Dns::default()
        };
        for child in e.children("forwarder") {
            let text = child.attr("addr");
            let address = text
                .map(|t| {
                    address::parse_ip(t).ok_or_else(|| {
                        xml_error(format!("Invalid forwarder IP address '{t}' in network '{network}'"))
                    })
                })
                .transpose()?;
            let domain = child.attr("domain").map(str::to_owned);
            if address.is_none() && domain.is_none() {
                return Err(xml_error(
                    "Invalid forwarder element, must contain at least one of addr or domain",
                ));
            }
            dns.forwarders.push(DnsForwarder { domain, address });
        }
        for child in e.children("host") {
            dns.hosts.push(DnsHost::read(child, network, false)?);
        }
        for child in e.children("srv") {
            dns.srvs.push(DnsSrv::read(child, network, false)?);
        }
        for child in e.children("txt") {
            dns.txts.push(DnsTxt::read(child, network, false)?);
        }
        let says_more = !(dns.forwarders.is_empty()
            && dns.hosts.is_empty()
            && dns.srvs.is_empty()
            && dns.txts.is_empty());
        if dns.enable == Some(YesNo::No) && says_more {
            return Err(xml_error(format!("Extra data in disabled network '{network}'")));
        }
        Ok(dns)
    }

    pub(super) fn write(&self, w: &mut Writer) {
        if *self == Dns::default() {
            return;
        }
        w.start("dns");
        w.attr_opt("enable", self.enable.map(YesNo::as_str));
        w.attr_opt("forwardPlainNames", self.forward_plain_names.map(YesNo::as_str));
        for forwarder in &self.forwarders {
            w.start("forwarder");
            w.attr_opt("domain", forwarder.domain.as_deref());
            if let Some(address) = forwarder.address {
                w.attr_fmt("addr", format_args!("{address}"));
            }
            w.end();
        }
        self.txts.iter().for_each(|txt| txt.write(w));
        self.srvs.iter().for_each(|srv| srv.write(w));
        self.hosts.iter().for_each(|host| host.write(w));
        w.end();
    }
}
