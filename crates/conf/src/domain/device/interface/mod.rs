//! `<interface>`: network cards.

mod source;

pub use source::*;

use virtus_base::{Result, Uuid};
use virtus_xml::{Element, OnOff, Only, Writer, Xml, YesNo, keywords};

use super::info::DeviceInfo;
use super::virtio::{VirtioOptions, check_driver};
use crate::domain::parse::{keyword_attr, unsupported, xml_error};
use crate::domain::stable::{Or, Stable, told};
use crate::net::virtual_port::PortType;
use crate::net::{Bandwidth, MacAddr, VirtualPort, Vlan};

/// `<interface>`.
#[derive(Clone, Debug, PartialEq)]
pub struct Interface {
    /// What it is connected to, by `@type`.
    pub source: InterfaceSource,
    /// Of `hostdev`: whether the daemon takes the device from the host.
    pub managed: Option<YesNo>,
    pub trust_guest_rx_filters: Option<YesNo>,
    /// Always there once read: made anew where the document has none.
    pub mac: Option<Mac>,
    pub rest: InterfaceRest,
    pub info: DeviceInfo,
}

/// `<mac>`.
#[derive(Clone, Debug, PartialEq)]
pub struct Mac {
    pub address: MacAddr,
    pub kind: Option<MacType>,
    pub check: Option<YesNo>,
}

keywords! {
    /// Where the address comes from.
    pub enum MacType { Generated = "generated", Static = "static" }
}

impl Xml for Mac {
    fn read(e: Element<'_>) -> Result<Self> {
        let text = e.attr("address").unwrap_or_default();
        let address =
            MacAddr::parse(text).ok_or_else(|| xml_error(format!("unable to parse mac address '{text}'")))?;
        if address.is_multicast() {
            return Err(xml_error(format!("expected unicast mac address, found multicast '{text}'")));
        }
        Ok(Mac { address, kind: keyword_attr(e, "type")?, check: keyword_attr(e, "check")? })
    }
    fn write_attrs(&self, w: &mut Writer) {
        w.attr_fmt("address", format_args!("{}", self.address));
        w.attr_opt("type", self.kind.map(MacType::as_str));
        w.attr_opt("check", self.check.map(YesNo::as_str));
    }
    fn write_body(&self, _: &mut Writer) {}
}

/// The part of an interface that follows its source.
#[derive(Clone, Debug, Default, PartialEq, Xml)]
pub struct InterfaceRest {
    #[xml(child = "ip")]
    pub ips: Vec<IpAddress>,
    #[xml(child = "route")]
    pub routes: Vec<Route>,
    #[xml(child = "portForward")]
    pub port_forwards: Vec<PortForward>,
    pub vlan: Option<Vlan>,
    pub virtualport: Option<VirtualPort>,
    pub bandwidth: Option<Bandwidth>,
    #[xml(at = "port/@isolated")]
    pub isolated: Option<YesNo>,
    #[xml(at = "script/@path")]
    pub script: Option<String>,
    #[xml(at = "downscript/@path")]
    pub downscript: Option<String>,
    #[xml(at = "backenddomain/@name")]
    pub backend_domain: Option<String>,
    #[xml(at = "target/@dev")]
    pub target_dev: Option<String>,
    #[xml(at = "target/@managed")]
    pub target_managed: Option<YesNo>,
    #[xml(at = "guest/@dev")]
    pub guest_dev: Option<String>,
    #[xml(at = "guest/@actual", only = "live")]
    pub guest_actual: Option<String>,
    #[xml(at = "model/@type", nonempty)]
    pub model: Option<String>,
    #[xml(omit_default)]
    pub driver: InterfaceDriver,
    #[xml(omit_default)]
    pub backend: InterfaceBackend,
    pub filterref: Option<FilterRef>,
    #[xml(at = "link/@state", invalid = "unknown interface link state '{}'", invalid_code = CONFIG_UNSUPPORTED)]
    pub link: Option<LinkState>,
    pub tune: Option<Tune>,
    #[xml(at = "mtu/@size", invalid = "malformed mtu size")]
    pub mtu: Option<u32>,
    #[xml(at = "coalesce/rx/frames/@max")]
    pub coalesce_rx_frames: Option<u32>,
    pub teaming: Option<Teaming>,
}

keywords! {
    /// A protocol that is forwarded.
    pub enum ForwardProto { Tcp = "tcp", Udp = "udp" }
}

/// Ports of the host that lead into the guest.
#[derive(Clone, Debug, PartialEq, Xml)]
pub struct PortForward {
    #[xml(attr)]
    pub proto: ForwardProto,
    #[xml(attr)]
    pub address: Option<String>,
    #[xml(attr)]
    pub dev: Option<String>,
    #[xml(child = "range")]
    pub ranges: Vec<PortRange>,
}

/// A range of ports.
#[derive(Clone, Debug, PartialEq, Xml)]
pub struct PortRange {
    #[xml(attr, rule = "nonzero")]
    pub start: u32,
    #[xml(attr, rule = "nonzero")]
    pub end: Option<u32>,
    #[xml(attr, rule = "nonzero")]
    pub to: Option<u32>,
    #[xml(attr)]
    pub exclude: Option<YesNo>,
}

keywords! {
    /// Who moves packets.
    pub enum NetDriverName { Qemu = "qemu", Vhost = "vhost" }
}

keywords! {
    /// How packets are sent.
    pub enum TxMode { Iothread = "iothread", Timer = "timer" }
}

/// `<driver>` of an interface.
#[derive(Clone, Debug, Default, PartialEq, Xml)]
pub struct InterfaceDriver {
    #[xml(attr)]
    pub name: Option<NetDriverName>,
    #[xml(attr)]
    pub txmode: Option<TxMode>,
    #[xml(attr)]
    pub ioeventfd: Option<OnOff>,
    #[xml(attr)]
    pub event_idx: Option<OnOff>,
    #[xml(attr)]
    pub queues: Option<u32>,
    #[xml(attr)]
    pub rx_queue_size: Option<u32>,
    #[xml(attr)]
    pub tx_queue_size: Option<u32>,
    #[xml(attr)]
    pub rss: Option<OnOff>,
    #[xml(attr)]
    pub rss_hash_report: Option<OnOff>,
    #[xml(flatten)]
    pub virtio: VirtioOptions,
    #[xml(omit_default)]
    pub host: HostOffloads,
    #[xml(omit_default)]
    pub guest: GuestOffloads,
}

/// What the host's side leaves to the network card.
#[derive(Clone, Debug, Default, PartialEq, Xml)]
pub struct HostOffloads {
    #[xml(attr)]
    pub csum: Option<OnOff>,
    #[xml(attr)]
    pub gso: Option<OnOff>,
    #[xml(attr)]
    pub tso4: Option<OnOff>,
    #[xml(attr)]
    pub tso6: Option<OnOff>,
    #[xml(attr)]
    pub ecn: Option<OnOff>,
    #[xml(attr)]
    pub ufo: Option<OnOff>,
    #[xml(attr)]
    pub mrg_rxbuf: Option<OnOff>,
}

/// What the guest leaves to the network card.
#[derive(Clone, Debug, Default, PartialEq, Xml)]
pub struct GuestOffloads {
    #[xml(attr)]
    pub csum: Option<OnOff>,
    #[xml(attr)]
    pub tso4: Option<OnOff>,
    #[xml(attr)]
    pub tso6: Option<OnOff>,
    #[xml(attr)]
    pub ecn: Option<OnOff>,
    #[xml(attr)]
    pub ufo: Option<OnOff>,
}

keywords! {
    /// The program behind a user network.
    pub enum BackendType { Default = "default", Passt = "passt" }
}

/// `<backend>` of an interface.
#[derive(Clone, Debug, Default, PartialEq, Xml)]
pub struct InterfaceBackend {
    #[xml(attr = "type")]
    pub kind: Option<BackendType>,
    #[xml(attr)]
    pub tap: Option<String>,
    #[xml(attr)]
    pub vhost: Option<String>,
    #[xml(attr = "logFile")]
    pub log_file: Option<String>,
    #[xml(attr)]
    pub hostname: Option<String>,
    #[xml(attr)]
    pub fqdn: Option<String>,
}

/// A filter of packets.
#[derive(Clone, Debug, PartialEq, Xml)]
pub struct FilterRef {
    #[xml(attr, default)]
    pub filter: String,
    #[xml(child = "parameter")]
    pub parameters: Vec<FilterParameter>,
}

/// A filter's variable.
#[derive(Clone, Debug, PartialEq, Xml)]
pub struct FilterParameter {
    #[xml(attr)]
    pub name: String,
    #[xml(attr)]
    pub value: String,
}

keywords! {
    /// Whether the cable is in.
    pub enum LinkState { Up = "up", Down = "down" }
}

/// `<tune>`: how much the host buffers, in bytes.
#[derive(Clone, Debug, PartialEq, Xml)]
pub struct Tune {
    #[xml(value)]
    pub sndbuf: Option<u64>,
}

keywords! {
    /// Which side of a failover pair.
    pub enum TeamingType { Persistent = "persistent", Transient = "transient" }
}

/// A failover pair.
#[derive(Clone, Debug, PartialEq, Xml)]
pub struct Teaming {
    #[xml(attr = "type", missing = "unknown teaming type '(null)'", invalid = "unknown teaming type '{}'", code = CONFIG_UNSUPPORTED)]
    pub kind: TeamingType,
    /// The other device's alias.
    #[xml(attr)]
    pub persistent: Option<String>,
}

/// A random address under QEMU's prefix.
fn new_address() -> Result<MacAddr> {
    let [a, b, c, ..] = Uuid::random()?.0;
    Ok(MacAddr::generated([0x52, 0x54, 0x00], [a, b, c]))
}

impl Interface {
    /// The device model, e.g. `virtio`; chosen by post-parse when absent.
    pub fn model(&self) -> Option<&str> {
        self.rest.model.as_deref()
    }
}

impl Xml for Interface {
    fn read(e: Element<'_>) -> Result<Self> {
        let mut rest = InterfaceRest::read(e)?;
        // names the daemon made for the last run are not kept
        if !e.reads(Only::Live) && rest.target_dev.as_deref().is_some_and(generated_name) {
            rest.target_dev = None;
        }
        rest.model = rest.model.take().map(canonical_model);
        if !rest.model.as_deref().is_some_and(|m| m.starts_with("virtio")) {
            // the rest of these options are virtio's
            let virtio = std::mem::take(&mut rest.driver.virtio);
            rest.driver = InterfaceDriver { virtio, ..InterfaceDriver::default() };
            rest.backend.vhost = None;
        }
        rest.driver.queues = rest.driver.queues.filter(|q| *q > 1);
        rest.coalesce_rx_frames = rest.coalesce_rx_frames.filter(|max| *max > 0);
        let mut source = InterfaceSource::read(e)?;
        if let (InterfaceSource::Network(network), Some(actual)) = (&mut source, e.child("actual"))
            && e.reads(Only::Status)
        {
            network.read_actual(actual)?;
            // what the network has added to what was asked for
            let got = InterfaceRest::read(actual)?;
            rest.vlan = got.vlan.or(rest.vlan);
            rest.virtualport = got.virtualport.or(rest.virtualport);
            rest.bandwidth = got.bandwidth.or(rest.bandwidth);
            rest.isolated = got.isolated.or(rest.isolated);
        }
        if let Some(port) = &rest.virtualport {
            use InterfaceSource as S;
            if !matches!(source, S::Network(_) | S::Bridge(_) | S::Direct(_) | S::HostDev(_) | S::Ethernet(_))
            {
                return Err(unsupported(format!(
                    "<virtualport> element unsupported for <interface type='{}'>",
                    source.tag()
                )));
            }
            port.check(!matches!(source, S::Network(_)))?;
        }
        // one without a name is none
        rest.filterref = rest.filterref.take().filter(|filter| !filter.filter.is_empty());
        use InterfaceSource as Source;
        if matches!(source, Source::HostDev(_)) {
            rest.driver = InterfaceDriver::default();
        }
        if !matches!(source, Source::Ethernet(_) | Source::Network(_) | Source::Bridge(_)) {
            rest.filterref = None;
        }
        if let Some(port) = &mut rest.virtualport {
            match port.kind {
                Some(PortType::OpenVSwitch) if port.interface_id.is_none() => {
                    port.interface_id = Some(Uuid::random()?);
                }
                Some(PortType::Vepa) if port.instance_id.is_none() => {
                    port.instance_id = Some(Uuid::random()?)
                }
                // which of the two it takes is not known yet
                None => {
                    for id in [&mut port.instance_id, &mut port.interface_id] {
                        if id.is_none() {
                            *id = Some(Uuid::random()?);
                        }
                    }
                }
                _ => {}
            }
        }
        Ok(Interface {
            managed: e.attr("managed").and_then(YesNo::from_word),
            trust_guest_rx_filters: keyword_attr(e, "trustGuestRxFilters")?,
            mac: Some(match e.child("mac").filter(|mac| mac.attr("address").is_some()) {
                Some(mac) => match Mac::read(mac)? {
                    // all zeroes is none
                    Mac { address: MacAddr([0, 0, 0, 0, 0, 0]), kind, check } => {
                        Mac { address: new_address()?, kind, check }
                    }
                    mac => mac,
                },
                None => Mac { address: new_address()?, kind: None, check: None },
            }),
            source,
            rest,
            info: DeviceInfo::read(e)?,
        })
    }

    fn write_attrs(&self, w: &mut Writer) {
        w.attr("type", self.source.written_tag(w));
        let shown = self.managed.filter(|_| self.source.written_tag(w) == "hostdev");
        w.attr_opt("managed", shown.map(YesNo::as_str));
        w.attr_opt("trustGuestRxFilters", self.trust_guest_rx_filters.map(YesNo::as_str));
    }

    fn write_body(&self, w: &mut Writer) {
        if let Some(mac) = &self.mac {
            w.element("mac", mac);
        }
        self.source.write(w);
        self.source.write_actual(w, |w| {
            let rest = &self.rest;
            if let Some(vlan) = &rest.vlan {
                w.element("vlan", vlan);
            }
            if let Some(port) = &rest.virtualport {
                w.element("virtualport", port);
            }
            if let Some(bandwidth) = &rest.bandwidth {
                w.element("bandwidth", bandwidth);
            }
            if let Some(isolated) = rest.isolated {
                w.start("port");
                w.attr("isolated", isolated.as_str());
                w.end();
            }
        });
        self.rest.write_body(w);
        self.info.write_body(w);
    }
}

/// The models libvirt knows.
const KNOWN_MODELS: &[&str] = &[
    "netfront",
    "rtl8139",
    "virtio",
    "e1000",
    "e1000e",
    "igb",
    "virtio-transitional",
    "virtio-non-transitional",
    "usb-net",
    "spapr-vlan",
    "lan9118",
    "scm91c111",
    "vlance",
    "vmxnet",
    "vmxnet2",
    "vmxnet3",
    "Am79C970A",
    "Am79C973",
    "82540EM",
    "82545EM",
    "82543GC",
];

/// Models that libvirt knows are the same in any case.
fn canonical_model(model: String) -> String {
    KNOWN_MODELS
        .iter()
        .find(|known| known.eq_ignore_ascii_case(&model))
        .map_or(model, |known| (*known).to_owned())
}

/// Whether a device name is one the daemon makes.
pub fn generated_name(name: &str) -> bool {
    ["vnet", "macvtap", "macvlan"].iter().any(|prefix| {
        name.strip_prefix(prefix).is_some_and(|n| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit()))
    })
}

impl Stable for Interface {
    fn check_stable(&self, to: &Self) -> Result<()> {
        told!(
            self,
            to,
            |d| Or(d.mac.as_ref().map(|mac| mac.address), ""),
            "Target network card mac {to} does not match source {from}"
        );
        told!(self, to, |d| d.unknown_model(), "Target network card model {to} does not match source {from}");
        told!(
            self,
            to,
            |d| Or(d.rest.model.as_deref(), "unknown"),
            "Target network card model {to} does not match source {from}"
        );
        told!(
            self,
            to,
            |d| d.rest.mtu.unwrap_or(0),
            "Target network card MTU {to} does not match source {from}"
        );
        check_driver(&self.rest.driver, &to.rest.driver, |driver| &driver.virtio)?;
        self.info.check_stable(&to.info)
    }
}

impl Interface {
    /// The model as libvirt tells one that it does not know.
    fn unknown_model(&self) -> Or<&str> {
        Or(self.rest.model.as_deref().filter(|model| !KNOWN_MODELS.contains(model)), "<null>")
    }
}
