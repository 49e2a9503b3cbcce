//! What every device has: boot order, alias, ROM, ACPI index, address.

use virtus_base::Result;
use virtus_xml::{Element, OnOff, Only, Writer, Xml, YesNo};

use super::address::{Address, DriveAddress};
use crate::domain::parse::internal;
use crate::domain::stable::{Stable, told};

/// The end of most devices' elements.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DeviceInfo {
    /// When the firmware tries to boot from it.
    pub boot: Option<BootOrder>,
    /// The device's name. Of a persistent definition only those the user gave are read, which begin with `ua-`.
    pub alias: Option<String>,
    /// The port of the USB2 controller that this companion controller begins at.
    pub master: Option<u32>,
    pub rom: Option<Rom>,
    /// The number the guest's operating system names the device by.
    pub acpi_index: Option<u32>,
    pub address: Option<Address>,
}

/// `<boot order='1'/>`.
#[derive(Clone, Debug, PartialEq, Xml)]
#[xml(check = loadparm)]
pub struct BootOrder {
    #[xml(attr, rule = "nonzero")]
    pub order: u32,
    #[xml(attr)]
    pub loadparm: Option<String>,
}

/// s390's boot parameter: at most eight characters of a small set, in capitals.
fn loadparm(boot: &mut BootOrder, _: Element<'_>) -> Result<()> {
    let Some(text) = &boot.loadparm else { return Ok(()) };
    if text.is_empty() || text.len() > 8 {
        return Err(internal(format!("loadparm value '{text}' must be between 1 and 8 characters long")));
    }
    let text = text.to_ascii_uppercase();
    if !text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'.' || b == b' ') {
        return Err(internal(format!(
            "invalid loadparm value '{text}', expecting chars in set of [a-zA-Z0-9.] and blank spaces"
        )));
    }
    boot.loadparm = Some(text);
    Ok(())
}

/// `<rom>`: the device's option ROM.
#[derive(Clone, Debug, Default, PartialEq, Xml)]
pub struct Rom {
    #[xml(attr)]
    pub enabled: Option<YesNo>,
    #[xml(attr)]
    pub bar: Option<OnOff>,
    #[xml(attr)]
    pub file: Option<String>,
}

#[derive(Xml)]
struct Fields {
    boot: Option<BootOrder>,
    #[xml(at = "alias/@name")]
    alias: Option<String>,
    #[xml(at = "master/@startport")]
    master: Option<u32>,
    rom: Option<Rom>,
    #[xml(at = "acpi/@index", rule = "nonzero")]
    acpi_index: Option<u32>,
    address: Option<AddressOrNone>,
}

/// `<address type='none'/>` is no address.
struct AddressOrNone(Option<Address>);

impl Xml for AddressOrNone {
    fn read(e: Element<'_>) -> Result<Self> {
        match e.attr("type") {
            Some("none") => Ok(AddressOrNone(None)),
            _ => Address::read(e).map(|a| AddressOrNone(Some(a))),
        }
    }
    fn write_attrs(&self, _: &mut Writer) {}
    fn write_body(&self, _: &mut Writer) {}
}

/// What begins the alias of a device that the user named.
pub(super) const USER_ALIAS: &str = "ua-";

impl DeviceInfo {
    /// The place on a bus of drives, if it has one.
    pub fn drive(&self) -> Option<&DriveAddress> {
        match &self.address {
            Some(Address::Drive(address)) => Some(address),
            _ => None,
        }
    }

    /// Whether the user chose the alias.
    pub fn has_user_alias(&self) -> bool {
        self.alias.as_deref().is_some_and(|a| a.starts_with(USER_ALIAS))
    }
}

impl Xml for DeviceInfo {
    fn read(e: Element<'_>) -> Result<Self> {
        let Fields { boot, alias, master, rom, acpi_index, address } = Fields::read(e)?;
        let live = e.reads(Only::Live);
        let plain = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
        let alias = alias.filter(|a| live || (a.starts_with(USER_ALIAS) && a.chars().all(plain)));
        let rom = rom.filter(|r| *r != Rom::default());
        Ok(DeviceInfo { boot, alias, master, rom, acpi_index, address: address.and_then(|a| a.0) })
    }
    fn write_attrs(&self, _: &mut Writer) {}
    fn write_body(&self, w: &mut Writer) {
        if let Some(boot) = &self.boot {
            w.element("boot", boot);
        }
        if let Some(alias) = &self.alias {
            w.start("alias");
            w.attr("name", alias);
            w.end();
        }
        if let Some(startport) = &self.master {
            w.start("master");
            w.attr_value("startport", startport);
            w.end();
        }
        if let Some(rom) = &self.rom {
            w.element("rom", rom);
        }
        if let Some(index) = &self.acpi_index {
            w.start("acpi");
            w.attr_value("index", index);
            w.end();
        }
        if let Some(address) = &self.address {
            w.element("address", address);
        }
    }
}

impl Stable for DeviceInfo {
    fn check_stable(&self, to: &Self) -> Result<()> {
        let tag = |info: &DeviceInfo| info.address.as_ref().map_or("none", Address::tag);
        told!(self, to, |d| tag(d), "Target device address type {to} does not match source {from}");
        if let (Some(from), Some(to)) = (&self.address, &to.address) {
            from.check_stable(to)?;
        }
        told!(
            self,
            to,
            |d| d.acpi_index.unwrap_or(0),
            "Target ACPI index '{to}' does not match source '{from}'"
        );
        Ok(())
    }
}
