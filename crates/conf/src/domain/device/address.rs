//! `<address>`: where a device is plugged in.

use virtus_base::{Error, ErrorCode, ErrorDomain, Result};
use virtus_xml::{Element, OnOff, Writer, Xml, field};

use crate::domain::parse::{RULES, keyword_attr};
use crate::domain::stable::{Stable, told};

/// A place on one of the guest's buses, chosen by `@type`.
#[derive(Clone, Debug, PartialEq)]
pub enum Address {
    Pci(PciAddress),
    Drive(DriveAddress),
    VirtioSerial(VirtioSerialAddress),
    Ccid(CcidAddress),
    Usb(UsbAddress),
    SpaprVio(SpaprVioAddress),
    VirtioS390,
    Ccw(CcwAddress),
    VirtioMmio,
    Isa(IsaAddress),
    Dimm(DimmAddress),
    /// The guest does not get the device.
    Unassigned,
}

/// A place on a PCI bus.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Xml)]
#[xml(check = valid_pci)]
pub struct PciAddress {
    #[xml(attr, base = 0, default, format = "0x{:04x}")]
    pub domain: u32,
    #[xml(attr, base = 0, default, format = "0x{:02x}")]
    pub bus: u32,
    #[xml(attr, base = 0, default, format = "0x{:02x}")]
    pub slot: u32,
    #[xml(attr, base = 0, default, format = "0x{:x}")]
    pub function: u32,
    #[xml(attr)]
    pub multifunction: Option<OnOff>,
    pub zpci: Option<Zpci>,
}

/// s390's identity of a PCI device.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Xml)]
pub struct Zpci {
    #[xml(attr, base = 0, format = "0x{:04x}")]
    pub uid: Option<u32>,
    #[xml(attr, base = 0, format = "0x{:08x}")]
    pub fid: Option<u32>,
}

fn valid_pci(pci: &mut PciAddress, _: Element<'_>) -> Result<()> {
    let bad = |what: String| {
        Err(Error::new(ErrorDomain::NONE, ErrorCode::XML_ERROR, format!("Invalid PCI address {what}")))
    };
    match pci {
        PciAddress { bus: 0x100.., .. } => bad(format!("bus='0x{:x}', must be <= 0xFF", pci.bus)),
        PciAddress { slot: 0x20.., .. } => bad(format!("slot='0x{:x}', must be <= 0x1F", pci.slot)),
        PciAddress { function: 8.., .. } => bad(format!("function=0x{:x}, must be <= 7", pci.function)),
        _ => Ok(()),
    }
}

impl PciAddress {
    /// Whether nothing is said: the place is still to be chosen.
    pub fn is_empty(&self) -> bool {
        (self.domain, self.bus, self.slot) == (0, 0, 0)
    }
}

impl std::fmt::Display for PciAddress {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:04x}:{:02x}:{:02x}.{:x}", self.domain, self.bus, self.slot, self.function)
    }
}

/// A place on a disk controller.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Xml)]
pub struct DriveAddress {
    #[xml(attr, default)]
    pub controller: u32,
    #[xml(attr, default)]
    pub bus: u32,
    #[xml(attr, default)]
    pub target: u32,
    #[xml(attr, default)]
    pub unit: u32,
}

/// A port of a virtio-serial controller.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Xml)]
pub struct VirtioSerialAddress {
    #[xml(attr, default)]
    pub controller: u32,
    #[xml(attr, default)]
    pub bus: u32,
    #[xml(attr, default)]
    pub port: u32,
}

/// A slot of a smartcard reader.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Xml)]
pub struct CcidAddress {
    #[xml(attr, default)]
    pub controller: u32,
    #[xml(attr, default)]
    pub slot: u32,
}

/// A port of a USB bus; the ports of hubs on the way first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct UsbAddress {
    pub bus: u32,
    /// At most four; empty when still to be chosen.
    pub port: Vec<u32>,
}

impl UsbAddress {
    /// The ports as `1.2`.
    pub fn port_text(&self) -> String {
        self.port.iter().map(u32::to_string).collect::<Vec<_>>().join(".")
    }
}

impl Xml for UsbAddress {
    fn read(e: Element<'_>) -> Result<Self> {
        let bad = || Error::internal(ErrorDomain::DEVICE, "Cannot parse <address> 'port' attribute");
        let port: Vec<u32> = match e.attr("port").filter(|p| !p.is_empty()) {
            Some(text) => text
                .split('.')
                .map(|p| p.parse().ok().filter(|_| p.bytes().all(|b| b.is_ascii_digit())).ok_or_else(bad))
                .collect::<Result<_>>()?,
            None => Vec::new(),
        };
        if port.len() > 4 {
            return Err(bad());
        }
        Ok(UsbAddress { bus: keyword_attr(e, "bus")?.unwrap_or(0), port })
    }
    fn write_attrs(&self, w: &mut Writer) {
        w.attr_value("bus", &self.bus);
        if !self.port.is_empty() {
            w.attr("port", &self.port_text());
        }
    }
    fn write_body(&self, _: &mut Writer) {}
}

/// A register of pSeries' virtual I/O bus.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Xml)]
pub struct SpaprVioAddress {
    #[xml(attr, base = 16, format = "0x{:08x}")]
    pub reg: Option<u64>,
}

/// A place on s390's channel subsystem.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Xml)]
#[xml(check = valid_ccw)]
pub struct CcwAddress {
    #[xml(attr, base = 0, format = "0x{:x}")]
    pub cssid: Option<u32>,
    #[xml(attr, base = 0, format = "0x{:x}")]
    pub ssid: Option<u32>,
    #[xml(attr, base = 0, format = "0x{:04x}")]
    pub devno: Option<u32>,
}

/// All of it is said, or nothing is.
fn valid_ccw(ccw: &mut CcwAddress, _: Element<'_>) -> Result<()> {
    let internal = |text: String| Err(Error::internal(ErrorDomain::DEVICE, text));
    match (ccw.cssid, ccw.ssid, ccw.devno) {
        (None, None, None) => Ok(()),
        (Some(cssid), Some(ssid), Some(devno)) => match (cssid, ssid, devno) {
            (0..=254, 0..=3, 0..=0xffff) => Ok(()),
            _ => internal(format!(
                "Invalid specification for virtio ccw address: cssid='0x{cssid:x}' ssid='0x{ssid:x}' devno='0x{devno:04x}'"
            )),
        },
        _ => internal("Invalid partial specification for virtio ccw address".to_owned()),
    }
}

/// Ports of the ISA bus.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Xml)]
pub struct IsaAddress {
    #[xml(attr, base = 16, format = "0x{:x}")]
    pub iobase: Option<u32>,
    #[xml(attr, base = 16, format = "0x{:x}")]
    pub irq: Option<u32>,
}

/// A memory slot.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Xml)]
pub struct DimmAddress {
    #[xml(attr)]
    pub slot: Option<u32>,
    /// Where the guest sees it.
    #[xml(attr, base = 16, format = "0x{:x}")]
    pub base: Option<u64>,
}

impl Address {
    /// The word of `@type`.
    pub fn tag(&self) -> &'static str {
        match self {
            Address::Pci(_) => "pci",
            Address::Drive(_) => "drive",
            Address::VirtioSerial(_) => "virtio-serial",
            Address::Ccid(_) => "ccid",
            Address::Usb(_) => "usb",
            Address::SpaprVio(_) => "spapr-vio",
            Address::VirtioS390 => "virtio-s390",
            Address::Ccw(_) => "ccw",
            Address::VirtioMmio => "virtio-mmio",
            Address::Isa(_) => "isa",
            Address::Dimm(_) => "dimm",
            Address::Unassigned => "unassigned",
        }
    }

    /// The PCI address, if it is one.
    pub fn pci(&self) -> Option<&PciAddress> {
        match self {
            Address::Pci(pci) => Some(pci),
            _ => None,
        }
    }

    fn write(&self, w: &mut Writer, body: bool) {
        fn half<T: Xml>(value: &T, w: &mut Writer, body: bool) {
            match body {
                false => value.write_attrs(w),
                true => value.write_body(w),
            }
        }
        match self {
            // a PCI address still to be chosen is its type alone
            Address::Pci(pci) if pci.is_empty() && pci.multifunction.is_none() => {
                if body {
                    half(pci, w, true);
                }
            }
            Address::Pci(a) => half(a, w, body),
            Address::Drive(a) => half(a, w, body),
            Address::VirtioSerial(a) => half(a, w, body),
            Address::Ccid(a) => half(a, w, body),
            Address::Usb(a) => half(a, w, body),
            Address::SpaprVio(a) => half(a, w, body),
            Address::Ccw(a) => half(a, w, body),
            Address::Isa(a) => half(a, w, body),
            Address::Dimm(a) => half(a, w, body),
            Address::VirtioS390 | Address::VirtioMmio | Address::Unassigned => {}
        }
    }
}

impl Xml for Address {
    fn read(e: Element<'_>) -> Result<Self> {
        Ok(match field::tag(e, "type", None, &RULES)? {
            "pci" => Address::Pci(PciAddress::read(e)?),
            "drive" => Address::Drive(DriveAddress::read(e)?),
            "virtio-serial" => Address::VirtioSerial(VirtioSerialAddress::read(e)?),
            "ccid" => Address::Ccid(CcidAddress::read(e)?),
            "usb" => Address::Usb(UsbAddress::read(e)?),
            "spapr-vio" => Address::SpaprVio(SpaprVioAddress::read(e)?),
            "virtio-s390" => Address::VirtioS390,
            "ccw" => Address::Ccw(CcwAddress::read(e)?),
            "virtio-mmio" => Address::VirtioMmio,
            "isa" => Address::Isa(IsaAddress::read(e)?),
            "dimm" if e.attr("slot").is_none() => return Err(field::missing(e.name(), "slot", &RULES)),
            "dimm" => Address::Dimm(DimmAddress::read(e)?),
            "unassigned" => Address::Unassigned,
            other => return Err(field::invalid(e, "type", other, "", &RULES)),
        })
    }
    fn write_attrs(&self, w: &mut Writer) {
        w.attr("type", self.tag());
        self.write(w, false);
    }
    fn write_body(&self, w: &mut Writer) {
        self.write(w, true);
    }
}

impl Stable for Address {
    /// Of two addresses of one type.
    fn check_stable(&self, to: &Self) -> Result<()> {
        match (self, to) {
            (Address::Pci(from), Address::Pci(to)) => {
                told!(
                    from,
                    to,
                    |a| a.to_string(),
                    "Target device PCI address {to} does not match source {from}"
                );
            }
            (Address::Drive(from), Address::Drive(to)) => {
                let told = |a: &DriveAddress| format!("{}:{}:{}", a.controller, a.bus, a.unit);
                told!(from, to, |a| told(a), "Target device drive address {to} does not match source {from}");
            }
            (Address::VirtioSerial(from), Address::VirtioSerial(to)) => {
                let told = |a: &VirtioSerialAddress| format!("{}:{}:{}", a.controller, a.bus, a.port);
                told!(
                    from,
                    to,
                    |a| told(a),
                    "Target device virtio serial address {to} does not match source {from}"
                );
            }
            (Address::Ccid(from), Address::Ccid(to)) => {
                let told = |a: &CcidAddress| format!("{}:{}", a.controller, a.slot);
                told!(from, to, |a| told(a), "Target device ccid address {to} does not match source {from}");
            }
            (Address::Isa(from), Address::Isa(to)) => {
                let signed = |n: Option<u32>| n.unwrap_or(0).cast_signed();
                let told = |a: &IsaAddress| format!("{}:{}", signed(a.iobase), signed(a.irq));
                told!(from, to, |a| told(a), "Target device isa address {to} does not match source {from}");
            }
            (Address::Dimm(from), Address::Dimm(to)) => {
                told!(
                    from,
                    to,
                    |a| a.slot.unwrap_or(0),
                    "Target device dimm slot {to} does not match source {from}"
                );
                told!(
                    from,
                    to,
                    |a| a.base.unwrap_or(0),
                    "Target device dimm base address '{to:x}' does not match source '{from:x}'"
                );
            }
            (Address::Ccw(from), Address::Ccw(to)) => {
                let part = |n: Option<u32>| n.unwrap_or(0);
                let told =
                    |a: &CcwAddress| format!("{:x}.{:x}.{:04x}", part(a.cssid), part(a.ssid), part(a.devno));
                told!(from, to, |a| told(a), "Target device CCW address {to} does not match source {from}");
            }
            _ => {}
        }
        Ok(())
    }
}
