//! `<redirdev>` and `<redirfilter>`: USB devices of the client.

use virtus_base::Result;
use virtus_xml::{Element, Writer, Xml, YesNo, field, keywords};

use super::chardev::{Chardev, ChardevSource};
use super::info::DeviceInfo;
use crate::domain::parse::{RULES, internal, unsupported, xml_error};
use crate::domain::stable::{Stable, equal, told};

keywords! {
    /// What is redirected.
    pub enum RedirBus { Usb = "usb" }
}

/// `<redirdev>`.
#[derive(Clone, Debug, PartialEq, Xml)]
#[xml(check = check, order(bus, fn known_source))]
pub struct RedirDev {
    #[xml(attr, default = RedirBus::Usb, invalid = "unknown redirdev bus '{}'", invalid_code = CONFIG_UNSUPPORTED)]
    pub bus: RedirBus,
    #[xml(flatten)]
    pub chardev: Chardev,
    #[xml(flatten)]
    pub info: DeviceInfo,
}

/// The daemon's own channel is meant where D-Bus has none.
/// What is at the other end has to be said.
fn known_source(e: Element<'_>) -> Result<()> {
    match e.attr("type") {
        None => Err(internal("missing type in redirdev")),
        Some(kind) if !super::chardev::TYPES.contains(&kind) => {
            Err(unsupported(format!("unknown redirdev character device type '{kind}'")))
        }
        Some(_) => Ok(()),
    }
}

fn check(device: &mut RedirDev, _: Element<'_>) -> Result<()> {
    if let ChardevSource::Dbus { source } = &mut device.chardev.source {
        source.channel.get_or_insert_with(|| "org.qemu.usbredir".to_owned());
    }
    Ok(())
}

/// `<redirfilter>`: which devices may come.
#[derive(Clone, Debug, Default, PartialEq, Xml)]
pub struct RedirFilter {
    #[xml(child = "usbdev")]
    pub usbdevs: Vec<UsbRule>,
}

/// One rule; absent numbers match any.
#[derive(Clone, Debug, PartialEq)]
pub struct UsbRule {
    pub class: Option<u8>,
    pub vendor: Option<u32>,
    pub product: Option<u32>,
    /// Major and minor, as the device says it: 0x0200 is 2.00.
    pub version: Option<(u32, u32)>,
    pub allow: YesNo,
}

impl Xml for UsbRule {
    fn read(e: Element<'_>) -> Result<Self> {
        let rules = field::Rules { base: 0, ..RULES };
        // none is told as -1, too
        let number = |name: &str| -> Result<Option<i32>> {
            Ok(field::attr::<i32>(Some(e), name, &rules)?.filter(|number| *number != -1))
        };
        let class = match number("class")? {
            Some(class) => Some(
                u8::try_from(class).map_err(|_| internal(format!("Invalid USB Class code 0x{class:x}")))?,
            ),
            None => None,
        };
        let version = match e.attr("version").filter(|v| *v != "-1") {
            Some(text) => {
                let bad = || xml_error(format!("Cannot parse USB device version {text}"));
                let (major, minor) = text.split_once('.').ok_or_else(bad)?;
                let minor: u32 = minor.parse().map_err(|_| bad())?;
                Some((major.parse().map_err(|_| bad())?, minor))
            }
            None => None,
        };
        Ok(UsbRule {
            class,
            vendor: number("vendor")?.and_then(|id| u32::try_from(id).ok()),
            product: number("product")?.and_then(|id| u32::try_from(id).ok()),
            version,
            allow: field::required_attr(Some(e), e, "allow", &RULES)?,
        })
    }
    fn write_attrs(&self, w: &mut Writer) {
        if let Some(class) = self.class {
            w.attr_fmt("class", format_args!("0x{class:02X}"));
        }
        if let Some(vendor) = self.vendor {
            w.attr_fmt("vendor", format_args!("0x{vendor:04X}"));
        }
        if let Some(product) = self.product {
            w.attr_fmt("product", format_args!("0x{product:04X}"));
        }
        if let Some((major, minor)) = self.version {
            w.attr_fmt("version", format_args!("{major}.{minor:02}"));
        }
        w.attr_value("allow", &self.allow);
    }
    fn write_body(&self, _: &mut Writer) {}
}

impl Stable for RedirDev {
    fn check_stable(&self, to: &Self) -> Result<()> {
        told!(self, to, |d| d.bus, "Target redirected device bus {to} does not match source {from}");
        told!(
            self,
            to,
            |d| d.chardev.source.tag(),
            "Target redirected device source type {to} does not match source device source type {from}"
        );
        self.info.check_stable(&to.info)
    }
}

impl Stable for RedirFilter {
    fn check_stable(&self, to: &Self) -> Result<()> {
        told!(
            self,
            to,
            |d| d.usbdevs.len(),
            "Target USB redirection filter rule count {to} does not match source {from}"
        );
        self.usbdevs.iter().zip(&to.usbdevs).try_for_each(|(from, to)| from.check_stable(to))
    }
}

impl Stable for UsbRule {
    fn check_stable(&self, to: &Self) -> Result<()> {
        equal!(self, to, |rule| rule.class, "Target USB Class code does not match source");
        equal!(self, to, |rule| rule.vendor, "Target USB vendor ID does not match source");
        equal!(self, to, |rule| rule.product, "Target USB product ID does not match source");
        equal!(self, to, |rule| rule.version, "Target USB version does not match source");
        told!(self, to, |rule| rule.allow, "Target USB allow '{to}' does not match source '{from}'");
        Ok(())
    }
}
