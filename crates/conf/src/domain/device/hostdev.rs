//! `<hostdev>`: devices of the host handed to the guest.

use virtus_base::{Result, Uuid};
use virtus_xml::{Element, OnOff, Writer, Xml, YesNo, field, keywords};

use super::address::PciAddress;
use super::info::DeviceInfo;
use super::interface::Teaming;
use super::storage::{Auth, NetHost, StartupPolicy};
use crate::domain::parse::{RULES, internal, keyword_attr, unsupported, xml_error};
use crate::domain::stable::{Stable, told};

/// `<hostdev>`.
#[derive(Clone, Debug, PartialEq)]
pub struct HostDev {
    /// Whether the daemon takes the device from the host's driver; always said for PCI.
    pub managed: Option<YesNo>,
    pub source: HostDevSource,
    /// `<driver>` of a PCI device.
    pub driver: Option<PciDriver>,
    pub teaming: Option<Teaming>,
    pub readonly: bool,
    pub shareable: bool,
    pub info: DeviceInfo,
}

/// What is handed over, by `@mode` and `@type`.
#[derive(Clone, Debug, PartialEq)]
pub enum HostDevSource {
    Usb(UsbHost),
    Pci(PciHost),
    Scsi(Box<ScsiHost>),
    ScsiHost(ScsiHostAdapter),
    Mdev(Mdev),
    /// A container's: a block device.
    Storage {
        block: String,
    },
    /// A container's: a character device.
    Misc {
        char: String,
    },
    /// A container's: a network device.
    Net {
        interface: String,
    },
}

/// A USB device: by what it is, where it is, or both.
#[derive(Clone, Debug, Default, PartialEq, Xml)]
#[xml(check = whole_id)]
pub struct UsbHost {
    #[xml(attr = "startupPolicy")]
    pub startup_policy: Option<StartupPolicy>,
    #[xml(attr = "guestReset")]
    pub guest_reset: Option<GuestReset>,
    #[xml(at = "vendor/@id", base = 0, rule = "nonzero", format = "0x{:04x}")]
    pub vendor: Option<u32>,
    #[xml(at = "product/@id", base = 0, format = "0x{:04x}")]
    pub product: Option<u32>,
    pub address: Option<UsbHostAddress>,
}

/// What a device is takes two numbers.
fn whole_id(_: &mut UsbHost, e: Element<'_>) -> Result<()> {
    let (vendor, product) = (e.child("vendor"), e.child("product"));
    if let Some(id) = [vendor, product].into_iter().flatten().find(|id| id.attr("id").is_none()) {
        return Err(field::missing(id.name(), "id", &RULES));
    }
    match (vendor, product) {
        (Some(_), None) => Err(internal("missing product")),
        (None, Some(_)) => Err(internal("missing vendor")),
        _ => Ok(()),
    }
}

keywords! {
    /// When the guest may reset the device.
    pub enum GuestReset { Off = "off", Uninitialized = "uninitialized", On = "on" }
}

/// A place on the host's USB.
#[derive(Clone, Debug, PartialEq, Xml)]
#[xml(order(fn place))]
pub struct UsbHostAddress {
    #[xml(attr, base = 0)]
    pub bus: Option<u32>,
    #[xml(attr)]
    pub port: Option<String>,
    #[xml(attr, base = 0)]
    pub device: Option<u32>,
}

fn place(e: Element<'_>) -> Result<()> {
    let lacking = ["bus", "device"].into_iter().find(|name| e.attr(name).is_none());
    match lacking {
        Some("device") if e.attr("port").is_some() => Ok(()),
        Some(name) => Err(field::missing(e.name(), name, &RULES)),
        None => Ok(()),
    }
}

/// A PCI device.
#[derive(Clone, Debug, Default, PartialEq, Xml)]
pub struct PciHost {
    /// Whether its screen is shown; stands in `<hostdev>` itself.
    #[xml(skip)]
    pub display: Option<OnOff>,
    /// Whether its screen shows the firmware too; stands in `<hostdev>` itself.
    #[xml(skip)]
    pub ramfb: Option<OnOff>,
    #[xml(attr = "writeFiltering")]
    pub write_filtering: Option<YesNo>,
    #[xml(default)]
    pub address: PciAddress,
}

keywords! {
    /// Who drives a PCI device meanwhile.
    pub enum PciDriverName { Kvm = "kvm", Vfio = "vfio", Xen = "xen" }
}

/// `<driver>` of a PCI device.
#[derive(Clone, Debug, Default, PartialEq, Xml)]
pub struct PciDriver {
    #[xml(attr)]
    pub name: Option<PciDriverName>,
    #[xml(attr)]
    pub model: Option<String>,
    #[xml(attr)]
    pub iommufd: Option<YesNo>,
}

/// A SCSI unit.
#[derive(Clone, Debug, PartialEq)]
pub struct ScsiHost {
    pub sgio: Option<super::disk::Sgio>,
    pub rawio: Option<YesNo>,
    pub source: ScsiSource,
}

/// Where a SCSI unit is.
#[derive(Clone, Debug, PartialEq)]
pub enum ScsiSource {
    /// On an adapter of the host, e.g. `scsi_host0`.
    Host {
        adapter: String,
        bus: u32,
        target: u32,
        unit: u64,
    },
    Iscsi {
        name: Option<String>,
        hosts: Vec<NetHost>,
        auth: Option<Auth>,
        initiator: Option<String>,
    },
}

keywords! {
    /// Which virtio generation a vhost-scsi device is.
    pub enum ScsiHostModel {
        Virtio = "virtio", Transitional = "virtio-transitional", NonTransitional = "virtio-non-transitional",
    }
}

/// A vhost-scsi target.
#[derive(Clone, Debug, PartialEq)]
pub struct ScsiHostAdapter {
    pub model: Option<ScsiHostModel>,
    pub wwpn: String,
}

keywords! {
    /// How a mediated device reaches the guest.
    pub enum MdevModel { VfioPci = "vfio-pci", VfioCcw = "vfio-ccw", VfioAp = "vfio-ap" }
}

/// A mediated device.
#[derive(Clone, Debug, PartialEq)]
pub struct Mdev {
    pub model: MdevModel,
    pub display: Option<OnOff>,
    pub ramfb: Option<OnOff>,
    pub uuid: Uuid,
}

impl HostDevSource {
    /// The word of `@type`.
    pub fn tag(&self) -> &'static str {
        match self {
            HostDevSource::Usb(_) => "usb",
            HostDevSource::Pci(_) => "pci",
            HostDevSource::Scsi(_) => "scsi",
            HostDevSource::ScsiHost(_) => "scsi_host",
            HostDevSource::Mdev(_) => "mdev",
            HostDevSource::Storage { .. } => "storage",
            HostDevSource::Misc { .. } => "misc",
            HostDevSource::Net { .. } => "net",
        }
    }

    /// The word of `@mode`.
    pub fn mode(&self) -> &'static str {
        match self {
            HostDevSource::Storage { .. } | HostDevSource::Misc { .. } | HostDevSource::Net { .. } => {
                "capabilities"
            }
            _ => "subsystem",
        }
    }

    fn read(e: Element<'_>) -> Result<Self> {
        let tag = field::tag(e, "type", None, &RULES)?;
        let source =
            || e.child("source").ok_or_else(|| xml_error("Missing <source> element in hostdev device"));
        let text = |name: &str, missing: &str| -> Result<String> {
            source()?.child(name).and_then(|c| c.text()).ok_or_else(|| xml_error(missing))
        };
        match e.attr("mode") {
            None | Some("subsystem") => {}
            Some("capabilities") => {
                return Ok(match tag {
                    "storage" => HostDevSource::Storage {
                        block: text("block", "Missing <block> element in hostdev storage device")?,
                    },
                    "misc" => HostDevSource::Misc {
                        char: text("char", "Missing <char> element in hostdev character device")?,
                    },
                    "net" => HostDevSource::Net {
                        interface: text("interface", "Missing <interface> element in hostdev net device")?,
                    },
                    other => return Err(field::invalid(e, "type", other, "", &RULES)),
                });
            }
            Some(other) => return Err(field::invalid(e, "mode", other, "", &RULES)),
        }
        for attribute in ["sgio", "rawio"] {
            if tag != "scsi" && e.attr(attribute).is_some() {
                return Err(xml_error(format!("{attribute} is only supported for scsi host device")));
            }
        }
        Ok(match tag {
            "usb" => HostDevSource::Usb(UsbHost::read(source()?)?),
            "pci" => HostDevSource::Pci(PciHost {
                display: keyword_attr(e, "display")?,
                ramfb: keyword_attr(e, "ramfb")?,
                ..PciHost::read(source()?)?
            }),
            "scsi" => HostDevSource::Scsi(Box::new(ScsiHost {
                sgio: keyword_attr(e, "sgio")?,
                rawio: keyword_attr(e, "rawio")?,
                source: ScsiSource::read(source()?)?,
            })),
            "scsi_host" => {
                let source = source()?;
                match source.attr("protocol") {
                    Some("vhost") => {}
                    Some(other) => {
                        return Err(field::invalid(source, "protocol", other, "", &RULES));
                    }
                    None => return Err(field::missing("source", "protocol", &RULES)),
                }
                if source.attr("wwpn").is_none() {
                    return Err(xml_error("missing vhost-scsi hostdev source wwpn"));
                }
                let wwpn = source.attr("wwpn").filter(|w| w.starts_with("naa."));
                let wwpn = wwpn.ok_or_else(|| xml_error("malformed 'wwpn' value"))?.to_owned();
                HostDevSource::ScsiHost(ScsiHostAdapter { model: keyword_attr(e, "model")?, wwpn })
            }
            "mdev" => {
                let (model, display) =
                    (field::required_attr(Some(e), e, "model", &RULES)?, keyword_attr(e, "display")?);
                let ramfb = keyword_attr(e, "ramfb")?;
                let address = source()?.child("address");
                let address = address.ok_or_else(|| unsupported("Missing <address> element"))?;
                let uuid = address
                    .attr("uuid")
                    .ok_or_else(|| unsupported("Missing 'uuid' attribute for element <address>"))?;
                let bad = || internal("Cannot parse uuid attribute of element <address>");
                HostDevSource::Mdev(Mdev { model, display, ramfb, uuid: Uuid::parse(uuid).ok_or_else(bad)? })
            }
            other => return Err(field::invalid(e, "type", other, "", &RULES)),
        })
    }

    fn write_attrs(&self, w: &mut Writer, managed: Option<YesNo>) {
        w.attr("mode", self.mode());
        w.attr("type", self.tag());
        if self.mode() == "subsystem" {
            w.attr_value("managed", &managed.unwrap_or(YesNo::No));
        }
        match self {
            HostDevSource::Scsi(scsi) => {
                w.attr_opt("sgio", scsi.sgio.map(super::disk::Sgio::as_str));
                w.attr_opt("rawio", scsi.rawio.map(YesNo::as_str));
            }
            HostDevSource::ScsiHost(host) => w.attr_opt("model", host.model.map(ScsiHostModel::as_str)),
            HostDevSource::Pci(pci) => {
                w.attr_opt("display", pci.display.map(OnOff::as_str));
                w.attr_opt("ramfb", pci.ramfb.map(OnOff::as_str));
            }
            HostDevSource::Mdev(mdev) => {
                w.attr_value("model", &mdev.model);
                w.attr_opt("display", mdev.display.map(OnOff::as_str));
                w.attr_opt("ramfb", mdev.ramfb.map(OnOff::as_str));
            }
            _ => {}
        }
    }

    fn write_source(&self, w: &mut Writer) {
        match self {
            // even where it says nothing: libvirt leaves it out, and cannot read its own file any more
            HostDevSource::Usb(usb) => w.element("source", usb),
            HostDevSource::Pci(pci) => w.element("source", pci),
            HostDevSource::Scsi(scsi) => w.element("source", &scsi.source),
            HostDevSource::ScsiHost(host) => {
                w.start("source");
                w.attr("protocol", "vhost");
                w.attr("wwpn", &host.wwpn);
                w.end();
            }
            HostDevSource::Mdev(mdev) => {
                w.start("source");
                w.start("address");
                w.attr_value("uuid", &mdev.uuid);
                w.end();
                w.end();
            }
            HostDevSource::Storage { block: text } => container(w, "block", text),
            HostDevSource::Misc { char: text } => container(w, "char", text),
            HostDevSource::Net { interface: text } => container(w, "interface", text),
        }
    }
}

fn container(w: &mut Writer, name: &'static str, text: &str) {
    w.start("source");
    w.element_text(name, text);
    w.end();
}

/// As whom an iSCSI unit is opened.
fn iscsi_auth(e: Element<'_>) -> Result<Option<Auth>> {
    let auth: Option<Auth> = field::child(Some(e), "auth")?;
    match auth.as_ref().and_then(|auth| auth.secret.kind.as_deref()).filter(|kind| *kind != "iscsi") {
        Some(kind) => Err(unsupported(format!("invalid secret type {kind}"))),
        None => Ok(auth),
    }
}

impl Xml for ScsiSource {
    fn read(e: Element<'_>) -> Result<Self> {
        match e.attr("protocol") {
            Some("iscsi") => Ok(ScsiSource::Iscsi {
                name: e.attr("name").map(str::to_owned),
                hosts: field::children(Some(e), "host")?,
                auth: iscsi_auth(e)?,
                initiator: field::attr(e.descend(&["initiator", "iqn"]), "name", &RULES)?
                    .filter(|name: &String| !name.is_empty()),
            }),
            None | Some("adapter") => {
                let address = e
                    .child("address")
                    .ok_or_else(|| xml_error("'address' must be specified for scsi hostdev source"))?;
                let adapter = e
                    .child("adapter")
                    .ok_or_else(|| xml_error("'adapter' must be specified for scsi hostdev source"))?;
                let rules = field::Rules { base: 0, ..RULES };
                let named = Some(adapter).filter(|e| e.attr("name").is_some_and(|name| !name.is_empty()));
                let unnamed = field::Rules {
                    missing: Some("'adapter' name must be specified for scsi hostdev source"),
                    ..RULES
                };
                Ok(ScsiSource::Host {
                    adapter: field::required_attr(named, adapter, "name", &unnamed)?,
                    bus: field::required_attr(Some(address), address, "bus", &rules)?,
                    target: field::required_attr(Some(address), address, "target", &rules)?,
                    unit: field::required_attr(Some(address), address, "unit", &rules)?,
                })
            }
            Some(other) => Err(field::invalid(e, "protocol", other, "", &RULES)),
        }
    }
    fn write_attrs(&self, w: &mut Writer) {
        if let ScsiSource::Iscsi { name, .. } = self {
            w.attr("protocol", "iscsi");
            w.attr_opt("name", name.as_deref());
        }
    }
    fn write_body(&self, w: &mut Writer) {
        match self {
            ScsiSource::Host { adapter, bus, target, unit } => {
                w.start("adapter");
                w.attr("name", adapter);
                w.end();
                w.start("address");
                w.attr_value("bus", bus);
                w.attr_value("target", target);
                w.attr_value("unit", unit);
                w.end();
            }
            ScsiSource::Iscsi { hosts, auth, initiator, .. } => {
                for host in hosts {
                    w.element("host", host);
                }
                if let Some(auth) = auth {
                    w.element("auth", auth);
                }
                if let Some(initiator) = initiator {
                    w.start("initiator");
                    w.start("iqn");
                    w.attr("name", initiator);
                    w.end();
                    w.end();
                }
            }
        }
    }
}

impl Xml for HostDev {
    fn read(e: Element<'_>) -> Result<Self> {
        let source = HostDevSource::read(e)?;
        let scsi = matches!(source, HostDevSource::Scsi(_));
        Ok(HostDev {
            managed: e.attr("managed").map(|m| YesNo::from(m == "yes")),
            driver: match &source {
                HostDevSource::Pci(_) => {
                    field::child(Some(e), "driver")?.filter(|d: &PciDriver| *d != PciDriver::default())
                }
                _ => None,
            },
            source,
            teaming: field::child(Some(e), "teaming")?,
            readonly: scsi && e.child("readonly").is_some(),
            shareable: scsi && e.child("shareable").is_some(),
            info: DeviceInfo::read(e)?,
        })
    }

    fn write_attrs(&self, w: &mut Writer) {
        self.source.write_attrs(w, self.managed);
    }

    fn write_body(&self, w: &mut Writer) {
        if let Some(driver) = &self.driver {
            w.element("driver", driver);
        }
        self.source.write_source(w);
        if let Some(teaming) = &self.teaming {
            w.element("teaming", teaming);
        }
        if self.readonly {
            w.empty("readonly");
        }
        if self.shareable {
            w.empty("shareable");
        }
        self.info.write_body(w);
    }
}

impl Stable for HostDev {
    fn check_stable(&self, to: &Self) -> Result<()> {
        told!(self, to, |d| d.source.mode(), "Target host device mode {to} does not match source {from}");
        told!(
            self,
            to,
            |d| d.source.tag(),
            "Target host device subsystem type {to} is not compatible with source subsystem type {from}"
        );
        self.info.check_stable(&to.info)
    }
}
