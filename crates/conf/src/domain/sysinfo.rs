//! `<sysinfo>`: SMBIOS tables and fw_cfg entries.

use virtus_base::{Error, ErrorCode, ErrorDomain, Result};
use virtus_xml::{Element, Writer, Xml};

use super::parse::{unsupported, xml_error};
use super::stable::{Or, Stable};

/// `<sysinfo>`, chosen by `@type`.
#[derive(Clone, Debug, PartialEq, Xml)]
#[xml(tag = "type")]
pub enum SysInfo {
    Smbios(Box<Smbios>),
    #[xml(name = "fwcfg")]
    FwCfg {
        #[xml(child = "entry")]
        entries: Vec<FwCfgEntry>,
    },
}

/// The SMBIOS tables.
#[derive(Clone, Debug, Default, PartialEq, Xml)]
pub struct Smbios {
    pub bios: Option<BiosTable>,
    pub system: Option<SystemTable>,
    #[xml(child = "baseBoard")]
    pub base_boards: Vec<BaseBoardTable>,
    pub chassis: Option<ChassisTable>,
    #[xml(child = "oemStrings")]
    pub oem_strings: Option<OemStrings>,
}

/// Declares a table of named `<entry>` elements, written in the order given.
macro_rules! tables {
    ($($(#[$meta:meta])* $name:ident { $($field:ident = $entry:literal),* $(,)? })*) => {$(
        $(#[$meta])*
        #[derive(Clone, Debug, Default, PartialEq)]
        #[allow(missing_docs)]
        pub struct $name { $(pub $field: Option<String>),* }

        impl Xml for $name {
            fn read(e: Element<'_>) -> Result<Self> {
                let mut table = $name::default();
                for entry in e.children("entry") {
                    match entry.attr("name") {
                        $(Some($entry) if table.$field.is_none() => table.$field = entry.text(),)*
                        _ => {}
                    }
                }
                Ok(table)
            }
            fn write_attrs(&self, _: &mut Writer) {}
            fn write_body(&self, w: &mut Writer) {
                $(if let Some(value) = &self.$field {
                    w.start("entry");
                    w.attr("name", $entry);
                    w.text(value);
                    w.end();
                })*
            }
        }

        impl $name {
            /// Refuses another text in an entry of the table that libvirt calls `what`.
            fn check_entries(&self, to: &Self, what: &str) -> Result<()> {
                $(entry(what, $entry, self.$field.as_deref(), to.$field.as_deref())?;)*
                Ok(())
            }
        }
    )*};
}

tables! {
    /// Type 0.
    BiosTable { vendor = "vendor", version = "version", date = "date", release = "release" }
    /// Type 1.
    SystemTable {
        manufacturer = "manufacturer", product = "product", version = "version", serial = "serial",
        uuid = "uuid", sku = "sku", family = "family",
    }
    /// Type 2.
    BaseBoardTable {
        manufacturer = "manufacturer", product = "product", version = "version", serial = "serial",
        asset = "asset", location = "location",
    }
    /// Type 3.
    ChassisTable {
        manufacturer = "manufacturer", version = "version", serial = "serial", asset = "asset", sku = "sku",
    }
}

/// Type 11.
#[derive(Clone, Debug, Default, PartialEq, Xml)]
pub struct OemStrings {
    #[xml(value = "entry")]
    pub entries: Vec<String>,
}

/// A named blob for the guest's firmware: text, or a file's content.
#[derive(Clone, Debug, PartialEq)]
pub struct FwCfgEntry {
    pub name: String,
    pub file: Option<String>,
    pub value: Option<String>,
}

impl Xml for FwCfgEntry {
    fn read(e: Element<'_>) -> Result<Self> {
        let name = e.attr("name").ok_or_else(|| xml_error("Firmware entry is missing 'name' attribute"))?;
        let (file, value) = (e.attr("file").map(str::to_owned), e.text());
        match (&file, &value) {
            (None, None) => Err(xml_error("Firmware entry must have either value or 'file' attribute")),
            _ => Ok(FwCfgEntry { name: name.to_owned(), file, value }),
        }
    }
    fn write_attrs(&self, w: &mut Writer) {
        w.attr("name", &self.name);
        w.attr_opt("file", self.file.as_deref());
    }
    fn write_body(&self, w: &mut Writer) {
        if let Some(value) = &self.value {
            w.text(value);
        }
    }
}

fn differs(text: &str) -> Error {
    Error::new(ErrorDomain::SYSINFO, ErrorCode::CONFIG_UNSUPPORTED, format!("Target {text}"))
}

/// Compares an entry; who made something is its vendor to libvirt.
fn entry(what: &str, name: &str, from: Option<&str>, to: Option<&str>) -> Result<()> {
    if from == to {
        return Ok(());
    }
    let name = if name == "manufacturer" { "vendor" } else { name };
    let (from, to) = (Or(from, "<null>"), Or(to, "<null>"));
    Err(differs(&format!("sysinfo {what} {name} {to} does not match source {from}")))
}

/// Compares two tables, which are there in both or in neither.
fn table<T>(
    from: &Option<T>,
    to: &Option<T>,
    what: &str,
    entries: impl Fn(&T, &T) -> Result<()>,
) -> Result<()> {
    match (from, to) {
        (Some(from), Some(to)) => entries(from, to),
        (None, None) => Ok(()),
        _ => Err(differs(&format!("{what} does not match source"))),
    }
}

impl Stable for Smbios {
    fn check_stable(&self, to: &Self) -> Result<()> {
        table(&self.bios, &to.bios, "sysinfo", |from, to| from.check_entries(to, "BIOS"))?;
        table(&self.system, &to.system, "sysinfo", |from, to| from.check_entries(to, "system"))?;
        let (ours, theirs) = (self.base_boards.len(), to.base_boards.len());
        if ours != theirs {
            let text = format!("sysinfo base board count '{theirs}' does not match source '{ours}'");
            return Err(differs(&text));
        }
        for (from, to) in self.base_boards.iter().zip(&to.base_boards) {
            from.check_entries(to, "base board")?;
        }
        table(&self.chassis, &to.chassis, "chassis", |from, to| from.check_entries(to, "chassis"))
    }
}

impl Stable for [SysInfo] {
    fn check_stable(&self, to: &Self) -> Result<()> {
        if self.len() != to.len() {
            return Err(unsupported("Target domain count of sysinfo does not match source"));
        }
        self.iter().zip(to).try_for_each(|pair| match pair {
            (SysInfo::Smbios(from), SysInfo::Smbios(to)) => from.check_stable(to),
            (SysInfo::FwCfg { .. }, SysInfo::FwCfg { .. }) => Ok(()),
            (from, to) => {
                let name = |info: &SysInfo| match info {
                    SysInfo::Smbios(_) => "smbios",
                    SysInfo::FwCfg { .. } => "fwcfg",
                };
                Err(differs(&format!("sysinfo {} does not match source {}", name(to), name(from))))
            }
        })
    }
}
