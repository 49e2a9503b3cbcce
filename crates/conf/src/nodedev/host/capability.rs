//! What a device is, and how that is told.

use virtus_xml::Writer;

use super::{Kind, Mdev};

/// A number with a name for it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Named {
    /// The number.
    pub id: u32,
    /// What it is called.
    pub name: Option<String>,
}

/// What the firmware says of the computer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hardware {
    /// Who made it.
    pub vendor: Option<String>,
    /// Which version it is.
    pub version: Option<String>,
    /// Its serial number.
    pub serial: Option<String>,
}

/// The computer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct System {
    /// What it is called.
    pub product: Option<String>,
    /// The machine.
    pub hardware: Hardware,
    /// Its identity.
    pub uuid: virtus_base::Uuid,
    /// Its firmware: vendor, version, date of release.
    pub firmware: [Option<String>; 3],
}

/// A PCI address.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct PciAddress {
    /// Domain.
    pub domain: u32,
    /// Bus.
    pub bus: u32,
    /// Slot.
    pub slot: u32,
    /// Function.
    pub function: u32,
}

impl PciAddress {
    /// Reads `0000:00:02.0`.
    pub fn parse(text: &str) -> Option<Self> {
        let hex = |digits: &str| u32::from_str_radix(digits, 16).ok();
        let (domain, rest) = text.split_once(':')?;
        let (bus, rest) = rest.split_once(':')?;
        let (slot, function) = rest.split_once('.')?;
        Some(PciAddress { domain: hex(domain)?, bus: hex(bus)?, slot: hex(slot)?, function: hex(function)? })
    }

    fn write(&self, w: &mut Writer) {
        w.start("address");
        w.attr_fmt("domain", format_args!("0x{:04x}", self.domain));
        w.attr_fmt("bus", format_args!("0x{:02x}", self.bus));
        w.attr_fmt("slot", format_args!("0x{:02x}", self.slot));
        w.attr_fmt("function", format_args!("0x{}", self.function));
        w.end();
    }
}

impl std::fmt::Display for PciAddress {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:04x}:{:02x}:{:02x}.{:x}", self.domain, self.bus, self.slot, self.function)
    }
}

/// A PCI express link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PcieLink {
    /// The port's number, of a link as it could be.
    pub port: Option<u32>,
    /// Its speed in GT/s as it is written.
    pub speed: &'static str,
    /// How many lanes it has.
    pub width: u32,
}

/// A kind of mediated devices that a device can have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MdevType {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: Option<String>,
    /// How it is used.
    pub api: String,
    /// How many more there can be.
    pub available: u32,
}

/// A PCI device.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PciDevice {
    /// Its class.
    pub class: Option<u32>,
    /// Its address.
    pub address: PciAddress,
    /// What it is.
    pub product: Named,
    /// Who made it.
    pub vendor: Named,
    /// The device it is a virtual function of.
    pub physical_function: Option<PciAddress>,
    /// Its virtual functions, and how many it can have.
    pub virtual_functions: Option<(u32, Vec<PciAddress>)>,
    /// What it is other than an endpoint.
    pub header: Option<&'static str>,
    /// Mediated devices it can have.
    pub mdev_types: Vec<MdevType>,
    /// The group it can be given away with.
    pub iommu_group: Option<(u32, Vec<PciAddress>)>,
    /// The NUMA node it is near to.
    pub numa_node: Option<u32>,
    /// PCI express: the link as it could be and as it is, where there is one.
    pub express: Option<Option<[PcieLink; 2]>>,
}

/// A network interface's link.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LinkInfo {
    /// Its speed in Mb/s.
    pub speed: Option<u32>,
    /// Its state.
    pub state: Option<String>,
}

/// An adapter of SCSI devices.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ScsiHost {
    /// Its number.
    pub host: u32,
    /// Its number of its kind.
    pub unique_id: Option<i32>,
    /// Its names in a fibre channel: node, port, fabric.
    pub fc_host: Option<[String; 3]>,
    /// How many virtual ports it can have, and has.
    pub vports: Option<(u32, u32)>,
}

/// A disk or drive.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Storage {
    /// The block device's file.
    pub block: String,
    /// The bus it is on.
    pub bus: Option<String>,
    /// What it is: `disk`, `cdrom`, `floppy`, `sd`.
    pub drive: Option<String>,
    /// Its model.
    pub model: Option<String>,
    /// Its vendor.
    pub vendor: Option<String>,
    /// Its serial number.
    pub serial: Option<String>,
    /// Whether its medium can be taken out.
    pub removable: bool,
    /// Whether there is one.
    pub media: bool,
    /// What that is called.
    pub label: Option<String>,
    /// Bytes in a block.
    pub block_size: u64,
    /// Blocks.
    pub blocks: u64,
}

/// What a device is.
#[derive(Clone, Debug, PartialEq)]
#[allow(missing_docs)]
pub enum Capability {
    System(System),
    Pci(Box<PciDevice>),
    UsbDevice {
        bus: u32,
        device: u32,
        product: Named,
        vendor: Named,
    },
    UsbInterface {
        number: u32,
        class: u32,
        subclass: u32,
        protocol: u32,
    },
    Net {
        interface: String,
        address: Option<String>,
        link: LinkInfo,
        features: Vec<&'static str>,
        wireless: bool,
    },
    ScsiHost(ScsiHost),
    ScsiTarget {
        target: String,
        remote_port: Option<(String, String)>,
    },
    Scsi {
        address: [u32; 4],
        kind: Option<&'static str>,
    },
    Storage(Box<Storage>),
    ScsiGeneric {
        file: String,
    },
    Drm {
        kind: &'static str,
    },
    Mdev(Mdev),
    Vdpa {
        file: String,
    },
    Ccw {
        address: [u32; 3],
    },
    Css {
        address: [u32; 3],
        mdev_types: Vec<MdevType>,
    },
    ApCard {
        adapter: u32,
    },
    ApQueue {
        adapter: u32,
        domain: u32,
    },
    ApMatrix {
        mdev_types: Vec<MdevType>,
    },
}

impl Capability {
    /// The main kind.
    pub fn kind(&self) -> Kind {
        match self {
            Capability::System(_) => Kind::System,
            Capability::Pci(_) => Kind::Pci,
            Capability::UsbDevice { .. } => Kind::UsbDevice,
            Capability::UsbInterface { .. } => Kind::UsbInterface,
            Capability::Net { .. } => Kind::Net,
            Capability::ScsiHost(_) => Kind::ScsiHost,
            Capability::ScsiTarget { .. } => Kind::ScsiTarget,
            Capability::Scsi { .. } => Kind::Scsi,
            Capability::Storage(_) => Kind::Storage,
            Capability::ScsiGeneric { .. } => Kind::ScsiGeneric,
            Capability::Drm { .. } => Kind::Drm,
            Capability::Mdev(_) => Kind::Mdev,
            Capability::Vdpa { .. } => Kind::Vdpa,
            Capability::Ccw { .. } => Kind::Ccw,
            Capability::Css { .. } => Kind::Css,
            Capability::ApCard { .. } => Kind::ApCard,
            Capability::ApQueue { .. } => Kind::ApQueue,
            Capability::ApMatrix { .. } => Kind::ApMatrix,
        }
    }

    /// All kinds, the main one first.
    pub fn kinds(&self) -> Vec<Kind> {
        let mut kinds = vec![self.kind()];
        let types = match self {
            Capability::ScsiHost(host) => {
                kinds.extend(host.fc_host.is_some().then_some(Kind::FcHost));
                kinds.extend(host.vports.is_some().then_some(Kind::Vports));
                &[][..]
            }
            Capability::Pci(pci) => &pci.mdev_types,
            Capability::Css { mdev_types, .. } | Capability::ApMatrix { mdev_types } => mdev_types,
            _ => &[],
        };
        kinds.extend((!types.is_empty()).then_some(Kind::MdevTypes));
        kinds
    }

    pub(super) fn write(&self, w: &mut Writer) {
        match self {
            Capability::System(system) => system.write(w),
            Capability::Pci(pci) => pci.write(w),
            Capability::UsbDevice { bus, device, product, vendor } => {
                numbers(w, &[("bus", *bus), ("device", *device)]);
                named(w, "product", product);
                named(w, "vendor", vendor);
            }
            Capability::UsbInterface { number, class, subclass, protocol } => numbers(
                w,
                &[("number", *number), ("class", *class), ("subclass", *subclass), ("protocol", *protocol)],
            ),
            Capability::Net { interface, address, link, features, wireless } => {
                w.element_text("interface", interface);
                text(w, "address", address.as_deref());
                link.write(w);
                for feature in features {
                    w.start("feature");
                    w.attr("name", feature);
                    w.end();
                }
                empty_capability(w, if *wireless { "80211" } else { "80203" });
            }
            Capability::ScsiHost(host) => host.write(w),
            Capability::ScsiTarget { target, remote_port } => {
                w.element_text("target", target);
                if let Some((name, wwpn)) = remote_port {
                    capability(w, "fc_remote_port", |w| {
                        w.element_text("rport", name);
                        w.element_text("wwpn", wwpn);
                    });
                }
            }
            Capability::Scsi { address: [host, bus, target, lun], kind } => {
                numbers(w, &[("host", *host), ("bus", *bus), ("target", *target), ("lun", *lun)]);
                text(w, "type", *kind);
            }
            Capability::Storage(storage) => storage.write(w),
            Capability::ScsiGeneric { file } => w.element_text("char", file),
            Capability::Drm { kind } => w.element_text("type", kind),
            Capability::Mdev(mdev) => mdev.write(w),
            Capability::Vdpa { file } => w.element_text("chardev", file),
            Capability::Ccw { address } => channel(w, address),
            Capability::Css { address, mdev_types } => {
                channel(w, address);
                types(w, mdev_types);
            }
            Capability::ApCard { adapter } => w.element_fmt("ap-adapter", format_args!("0x{adapter:02x}")),
            Capability::ApQueue { adapter, domain } => {
                w.element_fmt("ap-adapter", format_args!("0x{adapter:02x}"));
                w.element_fmt("ap-domain", format_args!("0x{domain:04x}"));
            }
            Capability::ApMatrix { mdev_types } => types(w, mdev_types),
        }
    }
}

fn text(w: &mut Writer, name: &'static str, value: Option<&str>) {
    if let Some(value) = value {
        w.element_text(name, value);
    }
}

fn numbers(w: &mut Writer, all: &[(&'static str, u32)]) {
    for (name, value) in all {
        w.element_fmt(name, format_args!("{value}"));
    }
}

fn named(w: &mut Writer, element: &'static str, value: &Named) {
    w.start(element);
    w.attr_fmt("id", format_args!("0x{:04x}", value.id));
    if let Some(name) = &value.name {
        w.text(name);
    }
    w.end();
}

fn capability(w: &mut Writer, kind: &str, inside: impl FnOnce(&mut Writer)) {
    w.start("capability");
    w.attr("type", kind);
    inside(w);
    w.end();
}

fn empty_capability(w: &mut Writer, kind: &str) {
    capability(w, kind, |_| {});
}

fn channel(w: &mut Writer, [cssid, ssid, devno]: &[u32; 3]) {
    w.element_fmt("cssid", format_args!("0x{cssid:x}"));
    w.element_fmt("ssid", format_args!("0x{ssid:x}"));
    w.element_fmt("devno", format_args!("0x{devno:04x}"));
}

fn types(w: &mut Writer, all: &[MdevType]) {
    if all.is_empty() {
        return;
    }
    capability(w, "mdev_types", |w| {
        for kind in all {
            w.start("type");
            w.attr("id", &kind.id);
            text(w, "name", kind.name.as_deref());
            w.element_text("deviceAPI", &kind.api);
            w.element_fmt("availableInstances", format_args!("{}", kind.available));
            w.end();
        }
    });
}

impl System {
    fn write(&self, w: &mut Writer) {
        text(w, "product", self.product.as_deref());
        w.start("hardware");
        text(w, "vendor", self.hardware.vendor.as_deref());
        text(w, "version", self.hardware.version.as_deref());
        text(w, "serial", self.hardware.serial.as_deref());
        w.element_fmt("uuid", format_args!("{}", self.uuid));
        w.end();
        w.start("firmware");
        w.keep_open();
        let [vendor, version, date] = &self.firmware;
        text(w, "vendor", vendor.as_deref());
        text(w, "version", version.as_deref());
        text(w, "release_date", date.as_deref());
        w.end();
    }
}

impl PciDevice {
    fn write(&self, w: &mut Writer) {
        if let Some(class) = self.class {
            w.element_fmt("class", format_args!("0x{class:06x}"));
        }
        let PciAddress { domain, bus, slot, function } = self.address;
        numbers(w, &[("domain", domain), ("bus", bus), ("slot", slot), ("function", function)]);
        named(w, "product", &self.product);
        named(w, "vendor", &self.vendor);
        if let Some(address) = &self.physical_function {
            capability(w, "phys_function", |w| address.write(w));
        }
        if let Some((max, functions)) = &self.virtual_functions {
            w.start("capability");
            w.attr("type", "virt_functions");
            if *max > 0 {
                w.attr_fmt("maxCount", format_args!("{max}"));
            }
            functions.iter().for_each(|address| address.write(w));
            w.end();
        }
        if let Some(header) = self.header {
            empty_capability(w, header);
        }
        types(w, &self.mdev_types);
        if let Some((number, devices)) = &self.iommu_group {
            w.start("iommuGroup");
            w.attr_fmt("number", format_args!("{number}"));
            devices.iter().for_each(|address| address.write(w));
            w.end();
        }
        if let Some(node) = self.numa_node {
            w.start("numa");
            w.attr_fmt("node", format_args!("{node}"));
            w.end();
        }
        if let Some(links) = &self.express {
            w.start("pci-express");
            for (validity, link) in ["cap", "sta"].iter().zip(links.iter().flatten()) {
                w.start("link");
                w.attr("validity", validity);
                if let Some(port) = link.port {
                    w.attr_fmt("port", format_args!("{port}"));
                }
                if !link.speed.is_empty() {
                    w.attr("speed", link.speed);
                }
                w.attr_fmt("width", format_args!("{}", link.width));
                w.end();
            }
            w.end();
        }
    }
}

impl LinkInfo {
    /// Writes `<link>`, if there is anything to say.
    pub fn write(&self, w: &mut Writer) {
        if self.speed.is_none() && self.state.is_none() {
            return;
        }
        w.start("link");
        if let Some(speed) = self.speed {
            w.attr_fmt("speed", format_args!("{speed}"));
        }
        w.attr_opt("state", self.state.as_deref());
        w.end();
    }
}

impl ScsiHost {
    fn write(&self, w: &mut Writer) {
        w.element_fmt("host", format_args!("{}", self.host));
        if let Some(id) = self.unique_id {
            w.element_fmt("unique_id", format_args!("{id}"));
        }
        if let Some([wwnn, wwpn, fabric]) = &self.fc_host {
            capability(w, "fc_host", |w| {
                w.element_text("wwnn", wwnn);
                w.element_text("wwpn", wwpn);
                w.element_text("fabric_wwn", fabric);
            });
        }
        if let Some((max, used)) = self.vports {
            capability(w, "vport_ops", |w| numbers(w, &[("max_vports", max), ("vports", used)]));
        }
    }
}

impl Storage {
    fn write(&self, w: &mut Writer) {
        w.element_text("block", &self.block);
        for (name, value) in [
            ("bus", &self.bus),
            ("drive_type", &self.drive),
            ("model", &self.model),
            ("vendor", &self.vendor),
            ("serial", &self.serial),
        ] {
            text(w, name, value.as_deref());
        }
        let size = self.blocks.saturating_mul(self.block_size);
        let blocks = |w: &mut Writer| {
            for (name, value) in [("logical_block_size", self.block_size), ("num_blocks", self.blocks)] {
                if value > 0 {
                    w.element_fmt(name, format_args!("{value}"));
                }
            }
        };
        match self.removable {
            true => capability(w, "removable", |w| {
                w.element_fmt("media_available", format_args!("{}", u8::from(self.media)));
                w.element_fmt("media_size", format_args!("{size}"));
                text(w, "media_label", self.label.as_deref());
                blocks(w);
            }),
            false => {
                w.element_fmt("size", format_args!("{size}"));
                blocks(w);
            }
        }
    }
}
