//! `<os>`: what the guest boots.

use virtus_base::Result;
use virtus_xml::{Element, Writer, Xml, YesNo, keywords};

use super::device::storage::StorageSource;
use super::parse::{keyword_attr, unsupported, xml_error};
use super::stable::{Or, Stable, told};

keywords! {
    /// What kind of guest it is.
    pub enum OsType { Hvm = "hvm", Xen = "xen", Linux = "linux", Exe = "exe", Uml = "uml", Xenpvh = "xenpvh" }
}
keywords! {
    /// Firmware chosen by the daemon.
    pub enum Firmware { Bios = "bios", Efi = "efi" }
}
keywords! {
    /// What to boot from.
    pub enum BootDevice { Floppy = "fd", Cdrom = "cdrom", Disk = "hd", Network = "network" }
}
keywords! {
    /// Where the SMBIOS tables come from.
    pub enum SmbiosMode { Emulate = "emulate", Host = "host", Sysinfo = "sysinfo" }
}
keywords! {
    /// How firmware is mapped.
    pub enum LoaderType { Rom = "rom", Pflash = "pflash" }
}

/// `<os>`.
#[derive(Clone, Debug, PartialEq, Xml)]
#[xml(check = whole_order, order(kind, firmware_features, firmware, nvram, loader, acpi, boot, bootmenu))]
pub struct Os {
    #[xml(attr, nonempty, unless = "migratable", invalid = "unknown firmware value {}")]
    pub firmware: Option<Firmware>,
    /// What kind of guest, and on what machine.
    #[xml(child = "type", missing = "an os <type> must be specified")]
    pub kind: OsKind,
    #[xml(value)]
    pub init: Option<String>,
    #[xml(value = "initarg")]
    pub initargs: Vec<String>,
    #[xml(child = "initenv")]
    pub initenvs: Vec<InitEnv>,
    #[xml(value)]
    pub initdir: Option<String>,
    #[xml(value)]
    pub inituser: Option<String>,
    #[xml(value)]
    pub initgroup: Option<String>,
    #[xml(child = "firmware", unless = "migratable")]
    pub firmware_features: Option<FirmwareFeatures>,
    pub loader: Option<Loader>,
    pub nvram: Option<Nvram>,
    #[xml(value)]
    pub kernel: Option<String>,
    #[xml(value)]
    pub initrd: Option<String>,
    #[xml(value)]
    pub cmdline: Option<String>,
    #[xml(value)]
    pub dtb: Option<String>,
    #[xml(value)]
    pub root: Option<String>,
    #[xml(value)]
    pub shim: Option<String>,
    #[xml(child)]
    pub acpi: Option<AcpiTables>,
    #[xml(child = "boot")]
    pub boot: Vec<Boot>,
    pub bootmenu: Option<BootMenu>,
    #[xml(at = "bios/@useserial", lenient)]
    pub bios_useserial: Option<YesNo>,
    /// In milliseconds; -1 never reboots.
    #[xml(at = "bios/@rebootTimeout")]
    pub bios_reboot_timeout: Option<i32>,
    #[xml(at = "smbios/@mode", nonempty, invalid = "unknown smbios mode '{}'", invalid_code = CONFIG_UNSUPPORTED)]
    pub smbios: Option<SmbiosMode>,
}

/// The boot order goes over all `<os>` elements there are.
/// What has to be known of a domain before anything else: what kind of guest it is, and of which architecture.
pub(super) fn check_kind(domain: Element<'_>) -> Result<()> {
    let kind = domain.descend(&["os", "type"]).ok_or_else(|| xml_error("an os <type> must be specified"))?;
    let kind = OsKind::read(kind)?;
    match kind.arch.as_deref().filter(|arch| !crate::is_architecture(arch)) {
        Some(arch) => Err(unsupported(format!("Unknown architecture {arch}"))),
        None => Ok(()),
    }
}

fn whole_order(os: &mut Os, e: Element<'_>) -> Result<()> {
    // a word that is none is no
    if os.bios_useserial.is_none() && e.child("bios").is_some_and(|bios| bios.attr("useserial").is_some()) {
        os.bios_useserial = Some(YesNo::No);
    }
    os.bootmenu = os.bootmenu.take().filter(|menu| menu.enable.is_some());
    os.boot = e.twins().flat_map(|e| e.children("boot")).map(Boot::read).collect::<Result<_>>()?;
    os.boot.truncate(BootDevice::ALL.len());
    Ok(())
}

/// `<type>`.
#[derive(Clone, Debug, PartialEq, Xml)]
pub struct OsKind {
    /// The guest's architecture, by libvirt's name.
    #[xml(attr, nonempty)]
    pub arch: Option<String>,
    /// The machine type.
    #[xml(attr, nonempty)]
    pub machine: Option<String>,
    #[xml(text, missing = "an os <type> must be specified", invalid = "unknown OS type '{}'", invalid_code = CONFIG_UNSUPPORTED)]
    pub name: OsType,
}

/// A container's environment variable.
#[derive(Clone, Debug, PartialEq, Xml)]
pub struct InitEnv {
    #[xml(attr)]
    pub name: String,
    #[xml(text)]
    pub value: String,
}

/// What the firmware that is looked for has to have, or not.
#[derive(Clone, Debug, Default, PartialEq, Xml)]
pub struct FirmwareFeatures {
    #[xml(child = "feature")]
    pub features: Vec<FirmwareFeature>,
}

keywords! {
    /// A property of firmware.
    pub enum FirmwareFeatureName { EnrolledKeys = "enrolled-keys", SecureBoot = "secure-boot" }
}

/// One property.
#[derive(Clone, Debug, PartialEq, Xml)]
pub struct FirmwareFeature {
    #[xml(attr)]
    pub enabled: YesNo,
    #[xml(attr)]
    pub name: FirmwareFeatureName,
}

/// `<loader>`: the firmware's file.
#[derive(Clone, Debug, Default, PartialEq, Xml)]
pub struct Loader {
    #[xml(attr)]
    pub readonly: Option<YesNo>,
    #[xml(attr)]
    pub secure: Option<YesNo>,
    #[xml(attr = "type")]
    pub loader_type: Option<LoaderType>,
    #[xml(attr)]
    pub stateless: Option<YesNo>,
    #[xml(attr)]
    pub format: Option<FirmwareFormat>,
    #[xml(text)]
    pub path: Option<String>,
}

keywords! {
    /// A format firmware comes in.
    pub enum FirmwareFormat { Raw = "raw", Qcow2 = "qcow2" }
}

/// `<nvram>`: the firmware's variables.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Nvram {
    /// The file the variables are made from.
    pub template: Option<String>,
    pub template_format: Option<FirmwareFormat>,
    pub format: Option<FirmwareFormat>,
    /// Where the variables are kept.
    pub source: Option<StorageSource>,
    /// Whether the source is written as an element of its own instead of a path.
    pub explicit_type: bool,
}

impl Nvram {
    /// The variables' local path.
    pub fn path(&self) -> Option<&str> {
        self.source.as_ref().and_then(StorageSource::path)
    }
}

impl Xml for Nvram {
    fn read(e: Element<'_>) -> Result<Self> {
        let explicit_type = e.attr("type").is_some();
        let source = match explicit_type {
            true => Some(StorageSource::read(e)?),
            false => e.text().map(|t| t.trim().to_owned()).filter(|t| !t.is_empty()).map(StorageSource::file),
        };
        Ok(Nvram {
            template: e.attr("template").map(str::to_owned),
            template_format: keyword_attr(e, "templateFormat")?,
            format: keyword_attr(e, "format")?,
            source,
            explicit_type,
        })
    }
    fn write_attrs(&self, w: &mut Writer) {
        w.attr_opt("template", self.template.as_deref());
        w.attr_opt("templateFormat", self.template_format.map(FirmwareFormat::as_str));
        if let (true, Some(source)) = (self.explicit_type, &self.source) {
            source.write_attrs(w);
        }
        w.attr_opt("format", self.format.map(FirmwareFormat::as_str));
    }
    fn write_body(&self, w: &mut Writer) {
        match (&self.source, self.explicit_type) {
            (Some(source), true) => source.write_body(w),
            (Some(source), false) => w.text(source.path().unwrap_or_default()),
            (None, _) => {}
        }
    }
}

/// `<acpi>` inside `<os>`: tables handed to the guest.
#[derive(Clone, Debug, Default, PartialEq, Xml)]
pub struct AcpiTables {
    #[xml(child = "table")]
    pub tables: Vec<AcpiTable>,
}

keywords! {
    /// What table it is.
    pub enum AcpiTableType { Raw = "raw", Rawset = "rawset", Slic = "slic", Msdm = "msdm" }
}

/// One table's file.
#[derive(Clone, Debug, PartialEq, Xml)]
pub struct AcpiTable {
    #[xml(attr = "type")]
    pub table_type: AcpiTableType,
    #[xml(text)]
    pub path: String,
}

/// `<boot>`: one device in the boot order.
#[derive(Clone, Debug, PartialEq, Xml)]
pub struct Boot {
    #[xml(attr)]
    pub dev: BootDevice,
}

/// `<bootmenu>`, the time-out in milliseconds.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct BootMenu {
    pub enable: Option<YesNo>,
    pub timeout: Option<u32>,
}

/// The longest time, in milliseconds, that the menu can be shown.
pub(super) const MENU_TIMEOUT: u32 = 65535;

impl Xml for BootMenu {
    fn read(e: Element<'_>) -> Result<Self> {
        let enable = keyword_attr(e, "enable")?;
        // the time-out means something only with the menu on
        let timeout = match (enable, e.attr("timeout")) {
            (Some(YesNo::Yes), Some(text)) => {
                let timeout: Option<u32> = keyword_attr(e, "timeout")?;
                if e.options().track && timeout.is_some_and(|timeout| timeout > MENU_TIMEOUT) {
                    return Err(xml_error(format!("{text} is out of range")));
                }
                timeout
            }
            _ => None,
        };
        Ok(BootMenu { enable, timeout })
    }
    fn write_attrs(&self, w: &mut Writer) {
        w.attr_opt("enable", self.enable.map(YesNo::as_str));
        if let Some(timeout) = &self.timeout {
            w.attr_value("timeout", timeout);
        }
    }
    fn write_body(&self, _: &mut Writer) {}
}

impl Stable for Os {
    fn check_stable(&self, to: &Self) -> Result<()> {
        told!(self, to, |os| os.kind.name, "Target domain OS type {to} does not match source {from}");
        told!(
            self,
            to,
            |os| Or(os.kind.arch.as_deref(), "none"),
            "Target domain architecture {to} does not match source {from}"
        );
        told!(
            self,
            to,
            |os| Or(os.kind.machine.as_deref(), "(null)"),
            "Target domain machine type {to} does not match source {from}"
        );
        told!(
            self,
            to,
            |os| Or(os.smbios, "none"),
            "Target domain SMBIOS mode {to} does not match source {from}"
        );
        Ok(())
    }
}
