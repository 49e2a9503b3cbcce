//! Reading a network's document.

use virtus_base::{Error, ErrorCode, ErrorDomain, Result, Uuid};
use virtus_xml::{Document, Element, OnOff, RawElement, ReadOptions, Value, Xml, YesNo, field};

use super::*;

impl Network {
    /// Reads a network's document.
    ///
    /// # Errors
    /// libvirt's, from the network code; an ill-formed text is `XML_DETAIL` with its line. With `strict`,
    /// an element or attribute nobody knows is `XML_INVALID_SCHEMA`.
    pub fn parse(text: &str, strict: bool) -> Result<Self> {
        let options = ReadOptions { track: strict, ..ReadOptions::default() };
        let document = Document::parse(text, ErrorDomain::NETWORK, &options)?;
        let root = document.root_named("network")?;
        let network = Self::read(root).map_err(|e| match e.code() {
            // values of the wrong form are the schema's to refuse; what depends on other values is not
            ErrorCode::NO_NAME if strict && root.child("name").is_none() => crate::schema_error("network", e),
            ErrorCode::XML_ERROR if strict && e.message().contains("bridge mac address") => {
                crate::schema_error("network", e)
            }
            _ => e,
        })?;
        if strict {
            crate::check_all_known(&document, "network")?;
        }
        Ok(network)
    }

    /// Reads a network's element.
    ///
    /// # Errors
    /// As [`Network::parse`].
    pub fn read(e: Element<'_>) -> Result<Self> {
        let text = |name: &str| e.child(name).and_then(|c| c.text());
        let name = text("name").ok_or_else(|| Error::new(ErrorDomain::NETWORK, ErrorCode::NO_NAME, ""))?;
        crate::legal_name(&name, "\n/")?;
        let (uuid, uuid_given) = match text("uuid") {
            None => (Uuid::random()?, false),
            Some(text) => (
                Uuid::parse(&text)
                    .ok_or_else(|| Error::internal(ErrorDomain::NETWORK, "malformed uuid element"))?,
                true,
            ),
        };
        let title = text("title");
        if title.as_ref().is_some_and(|t| t.contains('\n')) {
            return Err(xml_error("Domain title can't contain newlines"));
        }
        let mut network =
            Network { name, uuid, uuid_given, title, description: text("description"), ..Network::default() };
        let called = network.name.clone();
        if let Some(setting) = e.attr("ipv6").filter(|s| !s.is_empty()) {
            network.ipv6 =
                Some(word(setting, || format!("Invalid ipv6 setting '{setting}' in network '{called}'"))?);
        }
        network.trust_guest_rx_filters = field::attr(Some(e), "trustGuestRxFilters", &crate::RULES)?;
        network.read_domain(e)?;
        if let Some(bandwidth) = e.child("bandwidth") {
            network.bandwidth = Some(Bandwidth::read_with(bandwidth, false)?);
        }
        network.vlan = e.child("vlan").map(Vlan::read).transpose()?;
        network.port_isolated = match e.child("port") {
            Some(port) => field::attr(Some(port), "isolated", &crate::RULES)?,
            None => None,
        };
        network.read_bridge(e)?;
        if let Some(size) = e.child("mtu").and_then(|m| m.attr("size")) {
            network.mtu = Some(
                <u32 as Value>::parse(size, 10)
                    .ok_or_else(|| xml_error(format!("Invalid mtu size '{size}' in network '{called}'")))?,
            );
        }
        if let Some(dns) = e.child("dns") {
            network.dns = Dns::read(dns, &called)?;
        }
        network.virtual_port = e.child("virtualport").map(VirtualPort::read).transpose()?;
        for group in e.children("portgroup") {
            network.portgroups.push(PortGroup::read_element(group)?);
        }
        for ip in e.children("ip") {
            network.ips.push(Ip::read(ip, &called)?);
        }
        for route in e.children("route") {
            let route = Route::read(route, &called)?;
            route.check_reachable(&network.ips, &called)?;
            network.routes.push(route);
        }
        network.forward = e.child("forward").map(|f| Forward::read(f, &called)).transpose()?.flatten();
        network.check_forward()?;
        if let Some(metadata) = e.child("metadata") {
            network.metadata =
                metadata.elements().map(|m| RawElement::read(m.accept_all())).collect::<Result<_>>()?;
        }
        for options in e.children_ns(DNSMASQ_NAMESPACE, "options") {
            for option in options.children_ns(DNSMASQ_NAMESPACE, "option") {
                let value = option.attr("value").ok_or_else(|| {
                    Error::internal(ErrorDomain::NETWORK, "No dnsmasq options value specified")
                })?;
                network.dnsmasq_options.push(value.to_owned());
            }
        }
        Ok(network)
    }

    fn read_domain(&mut self, e: Element<'_>) -> Result<()> {
        let Some(domain) = e.child("domain") else { return Ok(()) };
        let name = self.name.clone();
        self.domain.name = domain.attr("name").filter(|n| !n.is_empty()).map(str::to_owned);
        if let Some(setting) = domain.attr("localOnly").filter(|s| !s.is_empty()) {
            self.domain.local_only = Some(word(setting, || {
                format!("Invalid domain localOnly setting '{setting}' in network '{name}'")
            })?);
        }
        self.domain.register = field::attr(Some(domain), "register", &crate::RULES)?;
        if self.domain.register == Some(YesNo::Yes) && self.domain.local_only != Some(YesNo::Yes) {
            return Err(xml_error(format!(
                "attribute 'register=yes' in <domain> element requires 'localOnly=yes' in network {name}"
            )));
        }
        Ok(())
    }

    fn read_bridge(&mut self, e: Element<'_>) -> Result<()> {
        let name = self.name.clone();
        if let Some(bridge) = e.child("bridge") {
            let own = |attr: &str| bridge.attr(attr).filter(|v| !v.is_empty()).map(str::to_owned);
            self.bridge.name = own("name");
            self.bridge.zone = own("zone");
            self.bridge.stp = bridge.attr("stp").map(|s| if s == "off" { OnOff::Off } else { OnOff::On });
            if let Some(delay) = own("delay") {
                self.bridge.delay = Some(
                    <u64 as Value>::parse(&delay, 10)
                        .ok_or_else(|| xml_error(format!("Invalid delay value in network '{name}'")))?,
                );
            }
            if let Some(manager) = own("macTableManager") {
                self.bridge.mac_table_manager =
                    Some(MacTableManager::from_word(&manager).ok_or_else(|| {
                        xml_error(format!("Invalid macTableManager setting '{manager}' in network '{name}'"))
                    })?);
            }
        }
        if let Some(text) = e.child("mac").and_then(|m| m.attr("address")).filter(|a| !a.is_empty()) {
            let mac = MacAddr::parse(text).ok_or_else(|| {
                xml_error(format!("Invalid bridge mac address '{text}' in network '{name}'"))
            })?;
            if mac.is_multicast() {
                return Err(xml_error(format!(
                    "Invalid multicast bridge mac address '{text}' in network '{name}'"
                )));
            }
            self.mac = Some(mac);
        }
        Ok(())
    }
}

fn word<V: Value>(text: &str, wrong: impl FnOnce() -> String) -> Result<V> {
    V::parse(text, 10).ok_or_else(|| xml_error(wrong()))
}

impl PortGroup {
    /// Reads a group.
    ///
    /// # Errors
    /// Those of its parts.
    pub fn read_element(e: Element<'_>) -> Result<Self> {
        Ok(PortGroup {
            name: e.attr("name").filter(|n| !n.is_empty()).map(str::to_owned),
            default: e.attr("default").is_some_and(|d| d.eq_ignore_ascii_case("yes")),
            trust_guest_rx_filters: field::attr(Some(e), "trustGuestRxFilters", &crate::RULES)?,
            vlan: e.child("vlan").map(Vlan::read).transpose()?,
            virtual_port: e.child("virtualport").map(VirtualPort::read).transpose()?,
            bandwidth: e.child("bandwidth").map(|b| Bandwidth::read_with(b, false)).transpose()?,
        })
    }
}
