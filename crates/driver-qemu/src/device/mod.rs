//! One file a kind of device: what QEMU is told about it, on the command line and when it is plugged in.

pub mod audio;

pub mod chardev;
pub mod console;
pub mod controller;
pub mod crypto;
pub mod disk;
pub mod filesystem;
pub mod graphics;
pub mod hostdev;
pub mod hub;
pub mod input;
pub mod interface;
pub mod iommu;
pub mod iotune;
pub mod memballoon;
pub mod memory;
pub mod nvram;
pub mod panic;
pub mod part;
pub mod parts;
pub mod pstore;
pub mod redirdev;
pub mod rng;
pub mod shmem;
pub mod smartcard;
pub mod sound;
pub mod storage;
mod tls;
pub mod tpm;
pub mod video;
pub mod vsock;
pub mod watchdog;

use virtus_base::Result;
use virtus_conf::domain::device::controller::{ControllerKind, PciModel};
use virtus_conf::domain::device::{Address, DeviceInfo, PciAddress, VirtioOptions};

use crate::command::guest::{Guest, internal, unsupported};
use crate::command::props::Props;

/// Which generation of virtio a device is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Virtio {
    /// Whatever the bus makes it.
    Plain,
    Transitional,
    NonTransitional,
}

/// The generation that a device's model names.
macro_rules! generation {
    ($($path:path),* $(,)?) => {$(
        impl From<$path> for Virtio {
            fn from(model: $path) -> Self {
                use $path as Model;
                #[allow(unreachable_patterns)]
                match model {
                    Model::Transitional => Virtio::Transitional,
                    Model::NonTransitional => Virtio::NonTransitional,
                    _ => Virtio::Plain,
                }
            }
        }
    )*};
}
generation! {
    virtus_conf::domain::device::disk::VirtioModel,
    virtus_conf::domain::device::rng::RngModel,
    virtus_conf::domain::device::input::InputModel,
    virtus_conf::domain::device::memballoon::BalloonModel,
    virtus_conf::domain::device::vsock::VsockModel,
    virtus_conf::domain::device::filesystem::FsModel,
    virtus_conf::domain::device::hostdev::ScsiHostModel,
    virtus_conf::domain::device::controller::VirtioSerialModel,
}

impl Guest<'_> {
    /// A virtio device on the bus of its address, with the options all of them have.
    pub(crate) fn virtio(
        &self,
        base: &str,
        model: Virtio,
        options: &VirtioOptions,
        info: &DeviceInfo,
    ) -> Result<Props> {
        let bus = match &info.address {
            Some(Address::Pci(_)) => "-pci",
            Some(Address::Ccw(_)) => "-ccw",
            Some(Address::VirtioMmio) => "-device",
            Some(Address::VirtioS390) => "-s390",
            Some(_) => return Err(internal(format!("Unexpected address type for '{base}'"))),
            None => return Err(internal("Unexpected enum value 0 for virDomainDeviceAddressType")),
        };
        let generation = match model {
            Virtio::Plain => "",
            Virtio::Transitional => "-transitional",
            Virtio::NonTransitional => "-non-transitional",
        };
        Ok(Props::device(format!("{base}{bus}{generation}")).join(virtio_options(options)))
    }

    /// Where a device is plugged in.
    pub(crate) fn address(&self, info: &DeviceInfo) -> Result<Props> {
        let props = Props::new();
        Ok(match &info.address {
            Some(Address::Pci(pci)) => self.pci_address(pci, info)?,
            Some(Address::Usb(usb)) => props
                .with("bus", format!("{}.0", self.controller_alias("usb", usb.bus)?))
                .maybe("port", (!usb.port.is_empty()).then(|| usb.port_text())),
            Some(Address::SpaprVio(vio)) => props.maybe("reg", vio.reg.filter(|reg| *reg > 0)),
            Some(Address::Ccw(ccw)) => {
                let (cssid, ssid, devno) =
                    (ccw.cssid.unwrap_or(0), ccw.ssid.unwrap_or(0), ccw.devno.unwrap_or(0));
                props.with("devno", format!("{cssid:x}.{ssid:x}.{devno:04x}"))
            }
            Some(Address::Isa(isa)) => props.maybe("iobase", isa.iobase).maybe("irq", isa.irq),
            Some(Address::Dimm(dimm)) => props.maybe("slot", dimm.slot).maybe("addr", dimm.base),
            _ => props,
        })
    }

    fn pci_address(&self, pci: &PciAddress, info: &DeviceInfo) -> Result<Props> {
        if pci.domain != 0 {
            return Err(unsupported("Only PCI device addresses with domain=0 are supported"));
        }
        let addr = match pci.function {
            0 => format!("0x{:x}", pci.slot),
            function => format!("0x{:x}.0x{function:x}", pci.slot),
        };
        Ok(Props::new()
            .with("bus", self.pci_bus(pci)?)
            .switch("multifunction", pci.multifunction)
            .maybe("acpi-index", info.acpi_index)
            .with("addr", addr))
    }

    /// s390's identity of the device of an alias, if it is on PCI: a device of its own, made first.
    pub(crate) fn zpci(&self, alias: &str) -> Option<Props> {
        if !self.machine().is_s390() {
            return None;
        }
        let mut found = None;
        self.domain.devices.each_info(|_, info| {
            if info.alias.as_deref() == Some(alias) {
                found = info.address.as_ref().and_then(Address::pci).and_then(|pci| pci.zpci);
            }
        });
        let zpci = found?;
        let uid = zpci.uid?;
        Some(
            Props::device("zpci")
                .with("uid", uid)
                .maybe("fid", zpci.fid)
                .with("target", alias)
                .with("id", format!("zpci{uid}")),
        )
    }

    /// QEMU's name of the bus of a PCI address.
    pub(crate) fn pci_bus(&self, pci: &PciAddress) -> Result<String> {
        let controller = self.domain.devices.controllers.iter().find(|controller| {
            controller.index == Some(pci.bus) && matches!(controller.kind, ControllerKind::Pci { .. })
        });
        let Some(controller) = controller else {
            return Err(internal(format!(
                "Could not find PCI controller with index '{}' required for device at address '{pci}'",
                pci.bus
            )));
        };
        let alias = self.alias(&controller.info);
        let multibus = self.machine().is_ppc64();
        Ok(match controller.kind {
            // pSeries' first host bridge is the board's own, the others have a bus below them
            ControllerKind::Pci { model: Some(PciModel::PciRoot), .. } if multibus && pci.bus > 0 => {
                format!("{alias}.0")
            }
            // whatever the controller is called, the board has named its bus
            ControllerKind::Pci { model: Some(PciModel::PciRoot), .. }
                if !self.machine().numbers_pci_buses() =>
            {
                "pci".to_owned()
            }
            ControllerKind::Pci { model: Some(PciModel::PciRoot), .. } => "pci.0".to_owned(),
            _ => alias,
        })
    }

    /// The alias of a controller of a type.
    pub(crate) fn controller_alias(&self, tag: &str, index: u32) -> Result<String> {
        let found = self
            .domain
            .devices
            .controllers
            .iter()
            .find(|controller| controller.kind.tag() == tag && controller.index == Some(index));
        match found {
            Some(controller) => Ok(self.alias(&controller.info)),
            None => Err(internal(format!("could not find {tag} controller with index '{index}'"))),
        }
    }

    /// Does what the definition's `qemu:override` says about a device.
    pub(crate) fn overridden(&self, props: &mut Props) {
        let alias = props.text("id").map(str::to_owned);
        for replacement in &self.domain.qemu.overrides {
            if alias.as_deref() == Some(&replacement.alias) {
                props.replace(replacement);
            }
        }
    }

    /// A PCI device's option ROM.
    pub(crate) fn rom(&self, info: &DeviceInfo) -> Props {
        let Some(rom) = &info.rom else { return Props::new() };
        match rom.enabled {
            Some(enabled) if !enabled.is_true() => Props::new().with("romfile", ""),
            _ => Props::new()
                .maybe("rombar", rom.bar.map(|bar| i32::from(bar.is_true())))
                .maybe("romfile", rom.file.clone()),
        }
    }

    /// The device's place in the boot order.
    pub(crate) fn bootindex(&self, info: &DeviceInfo) -> Props {
        let order = match &info.boot {
            Some(boot) => Some(boot.order),
            None => info.alias.as_ref().and_then(|alias| self.plan.boot.get(alias).copied()),
        };
        let parameter = info.boot.as_ref().and_then(|boot| boot.loadparm.clone());
        let channel = matches!(info.address, Some(Address::Ccw(_))) && self.has("virtio-blk-ccw.loadparm");
        Props::new().maybe("bootindex", order).maybe("loadparm", parameter.filter(|_| channel))
    }
}

/// `<driver>` of a virtio device.
pub(crate) fn virtio_options(options: &VirtioOptions) -> Props {
    Props::new()
        .switch("iommu_platform", options.iommu)
        .switch("ats", options.ats)
        .switch("packed", options.packed)
        .switch("page-per-vq", options.page_per_vq)
}
