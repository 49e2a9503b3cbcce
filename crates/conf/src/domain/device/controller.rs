//! `<controller>`: buses, and what devices are plugged into.

use virtus_base::Result;
use virtus_xml::{Element, OnOff, Writer, Xml, field, keywords};

use super::info::DeviceInfo;
use super::virtio::{VirtioOptions, check_driver};
use crate::domain::parse::{RULES, xml_error};
use crate::domain::stable::{Stable, told};

/// `<controller>`.
#[derive(Clone, Debug, PartialEq)]
pub struct Controller {
    /// The kind, with what belongs to it.
    pub kind: ControllerKind,
    /// Its number among those of its kind; chosen by post-parse when absent.
    pub index: Option<u32>,
    pub driver: ControllerDriver,
    pub info: DeviceInfo,
}

/// `<driver>` of a controller.
#[derive(Clone, Debug, Default, PartialEq, Xml)]
pub struct ControllerDriver {
    #[xml(attr)]
    pub queues: Option<u32>,
    #[xml(attr)]
    pub cmd_per_lun: Option<u32>,
    #[xml(attr)]
    pub max_sectors: Option<u32>,
    #[xml(attr)]
    pub ioeventfd: Option<OnOff>,
    #[xml(attr)]
    pub iothread: Option<u32>,
    #[xml(flatten)]
    pub virtio: VirtioOptions,
    pub iothreads: Option<super::disk::IoThreadMap>,
}

/// The kinds of controllers, chosen by `@type`.
#[derive(Clone, Debug, PartialEq)]
pub enum ControllerKind {
    Ide { model: Option<IdeModel> },
    Fdc { model: Option<FdcModel> },
    Scsi { model: Option<ScsiModel> },
    Sata { model: Option<String> },
    VirtioSerial { model: Option<VirtioSerialModel>, ports: Option<i32>, vectors: Option<i32> },
    Ccid { model: Option<String> },
    Usb { model: Option<UsbModel>, ports: Option<i32> },
    Pci { model: Option<PciModel>, options: Box<PciOptions> },
    XenBus { max_grant_frames: Option<i32>, max_event_channels: Option<i32> },
    Isa { model: Option<String> },
}

keywords! {
    /// IDE controllers.
    pub enum IdeModel { Piix3 = "piix3", Piix4 = "piix4", Ich6 = "ich6" }
}
keywords! {
    /// Floppy controllers have no models.
    pub enum FdcModel { Fdc = "fdc" }
}
keywords! {
    /// SCSI controllers.
    pub enum ScsiModel {
        Auto = "auto", Buslogic = "buslogic", Lsilogic = "lsilogic", Lsisas1068 = "lsisas1068",
        Vmpvscsi = "vmpvscsi", IbmVscsi = "ibmvscsi", VirtioScsi = "virtio-scsi", Lsisas1078 = "lsisas1078",
        VirtioTransitional = "virtio-transitional", VirtioNonTransitional = "virtio-non-transitional",
        Ncr53c90 = "ncr53c90", Dc390 = "dc390", Am53c974 = "am53c974",
    }
}
keywords! {
    /// Virtio-serial controllers.
    pub enum VirtioSerialModel {
        Virtio = "virtio", Transitional = "virtio-transitional", NonTransitional = "virtio-non-transitional",
    }
}
keywords! {
    /// USB controllers.
    pub enum UsbModel {
        Piix3Uhci = "piix3-uhci", Piix4Uhci = "piix4-uhci", Ehci = "ehci", Ich9Ehci1 = "ich9-ehci1",
        Ich9Uhci1 = "ich9-uhci1", Ich9Uhci2 = "ich9-uhci2", Ich9Uhci3 = "ich9-uhci3",
        Vt82c686bUhci = "vt82c686b-uhci", PciOhci = "pci-ohci", NecXhci = "nec-xhci", Qusb1 = "qusb1",
        Qusb2 = "qusb2", QemuXhci = "qemu-xhci", None = "none",
    }
}
keywords! {
    /// PCI controllers.
    pub enum PciModel {
        PciRoot = "pci-root", PcieRoot = "pcie-root", PciBridge = "pci-bridge",
        DmiToPciBridge = "dmi-to-pci-bridge", PcieToPciBridge = "pcie-to-pci-bridge",
        PcieRootPort = "pcie-root-port", PcieSwitchUpstreamPort = "pcie-switch-upstream-port",
        PcieSwitchDownstreamPort = "pcie-switch-downstream-port", PciExpanderBus = "pci-expander-bus",
        PcieExpanderBus = "pcie-expander-bus",
    }
}
keywords! {
    /// The device behind a PCI controller.
    pub enum PciModelName {
        None = "none", PciBridge = "pci-bridge", I82801b11Bridge = "i82801b11-bridge", Ioh3420 = "ioh3420",
        X3130Upstream = "x3130-upstream", Xio3130Downstream = "xio3130-downstream", Pxb = "pxb",
        PxbPcie = "pxb-pcie", PcieRootPort = "pcie-root-port", SpaprPciHostBridge = "spapr-pci-host-bridge",
        PciePciBridge = "pcie-pci-bridge",
    }
}

/// What a PCI controller has.
#[derive(Clone, Debug, Default, PartialEq, Xml)]
pub struct PciOptions {
    /// The hole above 4 GiB.
    pub pcihole64: Option<crate::scaled::KiB>,
    #[xml(at = "model/@name")]
    pub model_name: Option<PciModelName>,
    #[xml(omit_default)]
    pub target: PciTarget,
}

/// `<target>` of a PCI controller.
#[derive(Clone, Debug, Default, PartialEq, Xml)]
pub struct PciTarget {
    #[xml(attr = "chassisNr", rule = "nonnegative", base = 0)]
    pub chassis_nr: Option<i32>,
    #[xml(attr, rule = "nonnegative", base = 0)]
    pub chassis: Option<i32>,
    #[xml(attr, rule = "nonnegative", base = 0, format = "0x{:x}")]
    pub port: Option<i32>,
    #[xml(attr = "busNr", rule = "nonnegative", base = 0)]
    pub bus_nr: Option<i32>,
    /// On pSeries: the number of the host bridge.
    #[xml(attr, rule = "nonnegative", base = 0)]
    pub index: Option<i32>,
    #[xml(attr)]
    pub hotplug: Option<OnOff>,
    /// Memory kept for hot-plug behind it, in KiB.
    #[xml(attr = "memReserve")]
    pub mem_reserve: Option<u64>,
    /// The guest NUMA node the bus belongs to.
    #[xml(value, invalid = "invalid NUMA node in target")]
    pub node: Option<i32>,
}

impl ControllerKind {
    /// The word of `@type`.
    pub fn tag(&self) -> &'static str {
        match self {
            ControllerKind::Ide { .. } => "ide",
            ControllerKind::Fdc { .. } => "fdc",
            ControllerKind::Scsi { .. } => "scsi",
            ControllerKind::Sata { .. } => "sata",
            ControllerKind::VirtioSerial { .. } => "virtio-serial",
            ControllerKind::Ccid { .. } => "ccid",
            ControllerKind::Usb { .. } => "usb",
            ControllerKind::Pci { .. } => "pci",
            ControllerKind::XenBus { .. } => "xenbus",
            ControllerKind::Isa { .. } => "isa",
        }
    }

    /// The word of `@model`.
    pub fn model(&self) -> Option<&str> {
        match self {
            ControllerKind::Ide { model } => model.map(IdeModel::as_str),
            ControllerKind::Fdc { model } => model.map(FdcModel::as_str),
            ControllerKind::Scsi { model } => model.map(ScsiModel::as_str),
            ControllerKind::VirtioSerial { model, .. } => model.map(VirtioSerialModel::as_str),
            ControllerKind::Usb { model, .. } => model.map(UsbModel::as_str),
            ControllerKind::Pci { model, .. } => model.map(PciModel::as_str),
            ControllerKind::Sata { model }
            | ControllerKind::Ccid { model }
            | ControllerKind::Isa { model } => model.as_deref(),
            ControllerKind::XenBus { .. } => None,
        }
    }

    fn read(e: Element<'_>) -> Result<Self> {
        let non_negative = field::Rules { number: field::NumberRule::NonNegative, ..RULES };
        let number = |name| field::attr::<i32>(Some(e), name, &non_negative);
        let word = || e.attr("model").map(str::to_owned);
        let rules = field::Rules {
            invalid: Some("Unknown model type '{}'"),
            invalid_code: virtus_base::ErrorCode::CONFIG_UNSUPPORTED,
            ..RULES
        };
        let tag = e.attr("type").unwrap_or("ide");
        if let (Some(model), "sata" | "fdc" | "ccid" | "xenbus") = (e.attr("model"), tag) {
            return Err(field::invalid(e, "model", model, "", &rules));
        }
        Ok(match tag {
            "ide" => ControllerKind::Ide { model: field::attr(Some(e), "model", &rules)? },
            "fdc" => ControllerKind::Fdc { model: field::attr(Some(e), "model", &rules)? },
            "scsi" => ControllerKind::Scsi { model: field::attr(Some(e), "model", &rules)? },
            "sata" => ControllerKind::Sata { model: word() },
            "virtio-serial" => ControllerKind::VirtioSerial {
                model: field::attr(Some(e), "model", &rules)?,
                ports: number("ports")?,
                vectors: number("vectors")?,
            },
            "ccid" => ControllerKind::Ccid { model: word() },
            "usb" => {
                ControllerKind::Usb { model: field::attr(Some(e), "model", &rules)?, ports: number("ports")? }
            }
            "pci" => ControllerKind::Pci {
                model: field::attr(Some(e), "model", &rules)?,
                options: Box::new(PciOptions::read(e)?),
            },
            "xenbus" => ControllerKind::XenBus {
                max_grant_frames: number("maxGrantFrames")?,
                max_event_channels: number("maxEventChannels")?,
            },
            "isa" => ControllerKind::Isa { model: word() },
            other => return Err(field::invalid(e, "type", other, "", &RULES)),
        })
    }
}

impl Xml for Controller {
    fn read(e: Element<'_>) -> Result<Self> {
        for name in ["model", "target"] {
            if e.children(name).nth(1).is_some() {
                let text = format!("Multiple <{name}> elements in controller definition not allowed");
                return Err(xml_error(text));
            }
        }
        let rules = field::Rules { number: field::NumberRule::NonNegative, ..RULES };
        let index = field::attr::<i32>(Some(e), "index", &rules)?.and_then(|i| u32::try_from(i).ok());
        let kind = ControllerKind::read(e)?;
        let mut info = DeviceInfo::read(e)?;
        if let ControllerKind::Usb { model: Some(model), .. } = &kind {
            // a companion serves two ports of its master
            let port = match model {
                UsbModel::Ich9Uhci1 => Some(0),
                UsbModel::Ich9Uhci2 => Some(2),
                UsbModel::Ich9Uhci3 => Some(4),
                _ => None,
            };
            info.master = info.master.or(port);
        }
        Ok(Controller {
            kind,
            index,
            driver: e.child("driver").map(ControllerDriver::read).transpose()?.unwrap_or_default(),
            info,
        })
    }

    fn write_attrs(&self, w: &mut Writer) {
        w.attr("type", self.kind.tag());
        w.attr_value("index", &self.index.unwrap_or(0));
        w.attr_opt("model", self.kind.model());
        let mut number = |name, value: &Option<i32>| {
            if let Some(value) = value {
                w.attr_value(name, value);
            }
        };
        match &self.kind {
            ControllerKind::VirtioSerial { ports, vectors, .. } => {
                number("ports", ports);
                number("vectors", vectors);
            }
            ControllerKind::Usb { ports, .. } => number("ports", ports),
            ControllerKind::XenBus { max_grant_frames, max_event_channels } => {
                number("maxGrantFrames", max_grant_frames);
                number("maxEventChannels", max_event_channels);
            }
            _ => {}
        }
    }

    fn write_body(&self, w: &mut Writer) {
        if let ControllerKind::Pci { options, .. } = &self.kind {
            options.write_body(w);
        }
        w.start("driver");
        self.driver.write_attrs(w);
        self.driver.write_body(w);
        w.end_unless_empty();
        self.info.write_body(w);
    }
}

impl Stable for Controller {
    fn check_stable(&self, to: &Self) -> Result<()> {
        told!(self, to, |d| d.kind.tag(), "Target controller type {to} does not match source {from}");
        told!(
            self,
            to,
            |d| d.index.unwrap_or(0),
            "Target controller index {to} does not match source {from}"
        );
        told!(
            self,
            to,
            |d| d.kind.model_number(),
            "Target controller model {to} does not match source {from}"
        );
        told!(self, to, |d| d.kind.ports(), "Target controller ports {to} does not match source {from}");
        told!(self, to, |d| d.kind.vectors(), "Target controller vectors {to} does not match source {from}");
        check_driver(&self.driver, &to.driver, |driver| &driver.virtio)?;
        self.info.check_stable(&to.info)
    }
}

impl ControllerKind {
    /// libvirt tells models by number.
    fn model_number(&self) -> i64 {
        fn number<T: PartialEq>(all: &[T], model: &Option<T>) -> i64 {
            let place = model.as_ref().and_then(|model| all.iter().position(|other| other == model));
            place.and_then(|place| i64::try_from(place).ok()).unwrap_or(-1)
        }
        match self {
            ControllerKind::Ide { model } => number(IdeModel::ALL, model),
            ControllerKind::Scsi { model } => number(ScsiModel::ALL, model),
            ControllerKind::Usb { model, .. } => number(UsbModel::ALL, model),
            ControllerKind::Pci { model, .. } => number(PciModel::ALL, model),
            ControllerKind::VirtioSerial { model, .. } => number(VirtioSerialModel::ALL, model),
            ControllerKind::Fdc { .. }
            | ControllerKind::Sata { .. }
            | ControllerKind::Ccid { .. }
            | ControllerKind::XenBus { .. }
            | ControllerKind::Isa { .. } => -1,
        }
    }

    fn ports(&self) -> i32 {
        match self {
            ControllerKind::VirtioSerial { ports, .. } | ControllerKind::Usb { ports, .. } => {
                ports.unwrap_or(-1)
            }
            _ => -1,
        }
    }

    fn vectors(&self) -> i32 {
        match self {
            ControllerKind::VirtioSerial { vectors, .. } => vectors.unwrap_or(-1),
            _ => -1,
        }
    }
}
