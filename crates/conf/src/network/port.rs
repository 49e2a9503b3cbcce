//! `<networkport>`: one guest's place in a running network.

use virtus_base::{Error, ErrorDomain, Result, Uuid};
use virtus_xml::{Document, Element, ReadOptions, WriteOptions, Writer, Xml, YesNo, field};

use super::forward::PciAddress;
use super::{MacTableManager, xml_error};
use crate::domain::device::interface::DirectMode;
use crate::net::{Bandwidth, MacAddr, VirtualPort, Vlan};

/// A guest's place in a running network.
#[derive(Clone, Debug, PartialEq)]
pub struct NetworkPort {
    /// Its identity.
    pub uuid: Uuid,
    /// The guest's name.
    pub owner_name: String,
    /// The guest's identity.
    pub owner_uuid: Uuid,
    /// The group of settings it asked for.
    pub group: Option<String>,
    /// The card's MAC address.
    pub mac: MacAddr,
    /// What the switch is told.
    pub virtual_port: Option<VirtualPort>,
    /// Its rates; the class is the one of the network's bridge that guarantees its floor.
    pub bandwidth: Option<Bandwidth>,
    /// Its VLANs.
    pub vlan: Option<Vlan>,
    /// Whether it cannot reach other isolated ports.
    pub isolated: Option<YesNo>,
    /// Whether the host believes the guest's receive filters.
    pub trust_guest_rx_filters: Option<YesNo>,
    /// What the guest is connected to; nothing while a port is only asked for.
    pub plug: Plug,
}

/// What a guest is connected to.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Plug {
    /// Nothing yet.
    #[default]
    None,
    /// The network's own bridge.
    Network(BridgePlug),
    /// A bridge of the host.
    Bridge(BridgePlug),
    /// A device of the host, through a macvtap device.
    Direct { dev: String, mode: Option<DirectMode> },
    /// A PCI device of the host, handed over whole.
    HostdevPci { managed: Option<YesNo>, driver: Option<String>, address: PciAddress },
}

/// A bridge to be a port of.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BridgePlug {
    /// Its name.
    pub bridge: String,
    /// Who keeps its table of MAC addresses.
    pub mac_table_manager: Option<MacTableManager>,
}

fn internal(text: impl Into<String>) -> Error {
    Error::internal(ErrorDomain::NETWORK, text)
}

impl NetworkPort {
    /// Reads a port's document.
    ///
    /// # Errors
    /// libvirt's, from the network code. With `strict`, an element or attribute nobody knows is refused.
    pub fn parse(text: &str, strict: bool) -> Result<Self> {
        let options = ReadOptions { track: strict, inactive: false, ..ReadOptions::default() };
        let document = Document::parse(text, ErrorDomain::NETWORK, &options)?;
        let root = document.root_named("networkport")?;
        let port = Self::read(root)?;
        if strict {
            crate::check_all_known(&document, "networkport")?;
        }
        Ok(port)
    }

    fn read(e: Element<'_>) -> Result<Self> {
        let text = |e: Option<Element<'_>>, name: &str| e?.child(name)?.text().filter(|t| !t.is_empty());
        let identity = |text: String| {
            Uuid::parse(&text).ok_or_else(|| internal(format!("Unable to parse UUID '{text}'")))
        };
        let owner = e.child("owner");
        let uuid = text(Some(e), "uuid").ok_or_else(|| internal("network port has no uuid"))?;
        let uuid = identity(uuid)?;
        let owner_name = text(owner, "name").ok_or_else(|| internal("network port has no owner name"))?;
        let owner_uuid = text(owner, "uuid").ok_or_else(|| internal("network port has no owner UUID"))?;
        let owner_uuid = identity(owner_uuid)?;
        let mac = e.child("mac").and_then(|m| m.attr("address"));
        let mac = mac.ok_or_else(|| internal("network port has no mac"))?;
        let mac = MacAddr::parse(mac).ok_or_else(|| internal(format!("Unable to parse MAC '{mac}'")))?;
        Ok(NetworkPort {
            uuid,
            owner_name,
            owner_uuid,
            group: text(Some(e), "group"),
            mac,
            virtual_port: e.child("virtualport").map(VirtualPort::read).transpose()?,
            bandwidth: e.child("bandwidth").map(|b| Bandwidth::read_with(b, true)).transpose()?,
            vlan: e.child("vlan").map(Vlan::read).transpose()?,
            isolated: optional(e.child("port"), "isolated")?,
            trust_guest_rx_filters: optional(e.child("rxfilters"), "trustGuest")?,
            plug: e.child("plug").map(Plug::read).transpose()?.unwrap_or_default(),
        })
    }

    /// The document.
    pub fn format(&self) -> String {
        let mut w = Writer::new(WriteOptions { inactive: false, ..WriteOptions::default() });
        w.start("networkport");
        w.element_fmt("uuid", format_args!("{}", self.uuid));
        w.start("owner");
        w.element_text("name", &self.owner_name);
        w.element_fmt("uuid", format_args!("{}", self.owner_uuid));
        w.end();
        if let Some(group) = &self.group {
            w.element_text("group", group);
        }
        w.start("mac");
        w.attr_value("address", &self.mac);
        w.end();
        if let Some(port) = &self.virtual_port {
            w.element("virtualport", port);
        }
        if let Some(bandwidth) = self.bandwidth.as_ref().filter(|b| !b.is_empty()) {
            w.element("bandwidth", bandwidth);
        }
        if let Some(vlan) = &self.vlan {
            w.element("vlan", vlan);
        }
        for (element, attribute, value) in
            [("port", "isolated", self.isolated), ("rxfilters", "trustGuest", self.trust_guest_rx_filters)]
        {
            if let Some(value) = value {
                w.start(element);
                w.attr(attribute, value.as_str());
                w.end();
            }
        }
        self.plug.write(&mut w);
        w.end();
        w.finish()
    }
}

fn optional<V: virtus_xml::Value>(e: Option<Element<'_>>, name: &str) -> Result<Option<V>> {
    match e {
        Some(_) => field::attr(e, name, &crate::RULES),
        None => Ok(None),
    }
}

impl Plug {
    fn read(e: Element<'_>) -> Result<Self> {
        let bridge = || -> Result<BridgePlug> {
            let name = e.attr("bridge").ok_or_else(|| xml_error("Missing network port bridge name"))?;
            let manager = e.attr("macTableManager").map(|word| {
                MacTableManager::from_word(word).ok_or_else(|| {
                    xml_error(format!("Invalid macTableManager setting '{word}' in network port"))
                })
            });
            Ok(BridgePlug { bridge: name.to_owned(), mac_table_manager: manager.transpose()? })
        };
        Ok(match e.attr("type") {
            None | Some("none") => Plug::None,
            Some("network") => Plug::Network(bridge()?),
            Some("bridge") => Plug::Bridge(bridge()?),
            Some("direct") => {
                let dev = e.attr("dev").ok_or_else(|| xml_error("Missing network port link device name"))?;
                let mode = e.attr("mode").map(|word| {
                    DirectMode::from_word(word)
                        .ok_or_else(|| xml_error(format!("Invalid mode setting '{word}' in network port")))
                });
                Plug::Direct { dev: dev.to_owned(), mode: mode.transpose()? }
            }
            Some("hostdev-pci") => {
                let address =
                    e.child("address").ok_or_else(|| xml_error("Missing network port PCI address"))?;
                Plug::HostdevPci {
                    managed: field::attr(Some(e), "managed", &crate::RULES)?,
                    driver: e.child("driver").and_then(|d| d.attr("name")).map(str::to_owned),
                    address: PciAddress::read(address)?,
                }
            }
            Some(other) => return Err(field::invalid(e, "type", other, "", &crate::RULES)),
        })
    }

    fn write(&self, w: &mut Writer) {
        let bridge = |w: &mut Writer, plug: &BridgePlug| {
            w.attr("bridge", &plug.bridge);
            w.attr_opt("macTableManager", plug.mac_table_manager.map(MacTableManager::as_str));
        };
        let kind = match self {
            Plug::None => return,
            Plug::Network(_) => "network",
            Plug::Bridge(_) => "bridge",
            Plug::Direct { .. } => "direct",
            Plug::HostdevPci { .. } => "hostdev-pci",
        };
        w.start("plug");
        w.attr("type", kind);
        match self {
            Plug::None => {}
            Plug::Network(plug) | Plug::Bridge(plug) => bridge(w, plug),
            Plug::Direct { dev, mode } => {
                w.attr("dev", dev);
                w.attr("mode", mode.unwrap_or(DirectMode::Vepa).as_str());
            }
            Plug::HostdevPci { managed, driver, address } => {
                w.attr_opt("managed", managed.map(YesNo::as_str));
                if let Some(driver) = driver {
                    w.start("driver");
                    w.attr("name", driver);
                    w.end();
                }
                w.start("address");
                address.write(w);
                w.end();
            }
        }
        w.end();
    }

    /// The bridge, where it is one.
    pub fn bridge(&self) -> Option<&BridgePlug> {
        match self {
            Plug::Network(plug) | Plug::Bridge(plug) => Some(plug),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str = "<networkport>
  <uuid>81ff0d90-c91e-6742-64da-4a736edb9a9b</uuid>
  <owner>
    <name>memtest</name>
    <uuid>d54df46f-1ab5-4a22-8618-4560ef5fac2c</uuid>
  </owner>
";

    #[test]
    fn a_document_comes_back_as_it_went_in() {
        for rest in [
            "  <mac address='52:54:00:7b:35:93'/>\n</networkport>\n",
            "  <group>web1</group>
  <mac address='52:54:00:7b:35:93'/>
  <bandwidth classID='3'>
    <inbound average='1000' peak='5000' floor='200' burst='1024'/>
  </bandwidth>
  <port isolated='yes'/>
  <rxfilters trustGuest='yes'/>
  <plug type='network' bridge='virbr0' macTableManager='libvirt'/>
</networkport>
",
            "  <mac address='52:54:00:7b:35:93'/>
  <plug type='direct' dev='ens3' mode='vepa'/>
</networkport>
",
            "  <mac address='52:54:00:7b:35:93'/>
  <plug type='hostdev-pci' managed='yes'>
    <driver name='vfio'/>
    <address domain='0x0001' bus='0x02' slot='0x03' function='0x4'/>
  </plug>
</networkport>
",
        ] {
            let text = format!("{HEAD}{rest}");
            let port = NetworkPort::parse(&text, true).unwrap();
            assert_eq!(port.format(), text);
        }
    }

    #[test]
    fn what_is_missing_is_named() {
        for (inside, text) in [
            ("", "internal error: network port has no uuid"),
            ("<uuid>x</uuid>", "internal error: Unable to parse UUID 'x'"),
            (
                "<uuid>81ff0d90-c91e-6742-64da-4a736edb9a9b</uuid><owner/>",
                "internal error: network port has no owner name",
            ),
        ] {
            let e = NetworkPort::parse(&format!("<networkport>{inside}</networkport>"), false).unwrap_err();
            assert_eq!(e.message(), text);
        }
        let e = NetworkPort::parse(
            &format!("{HEAD}<mac address='52:54:00:7b:35:93'/><plug type='bridge'/></networkport>"),
            false,
        );
        assert_eq!(e.unwrap_err().message(), "XML error: Missing network port bridge name");
    }
}
