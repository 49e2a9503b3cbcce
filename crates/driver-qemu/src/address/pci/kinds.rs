//! How each kind of device plugs into PCI; nothing for those that do not.

use virtus_conf::domain::device::console::SerialType;
use virtus_conf::domain::device::controller::{ControllerKind, ScsiModel, UsbModel, VirtioSerialModel};
use virtus_conf::domain::device::disk::{DiskBus, VirtioModel};
use virtus_conf::domain::device::filesystem::{FsDriverType, FsModel};
use virtus_conf::domain::device::hostdev::{HostDevSource, ScsiHostModel};
use virtus_conf::domain::device::input::{InputBus, InputModel};
use virtus_conf::domain::device::interface::InterfaceSource;
use virtus_conf::domain::device::iommu::IommuModel;
use virtus_conf::domain::device::memballoon::BalloonModel;
use virtus_conf::domain::device::memory::MemoryModel;
use virtus_conf::domain::device::panic::PanicModel;
use virtus_conf::domain::device::rng::RngModel;
use virtus_conf::domain::device::sound::SoundModel;
use virtus_conf::domain::device::video::VideoType;
use virtus_conf::domain::device::vsock::VsockModel;
use virtus_conf::domain::device::watchdog::WatchdogModel;
use virtus_conf::domain::device::{
    Controller, Disk, Filesystem, HostDev, Input, Interface, Iommu, MemBalloon, MemoryDevice, Panic, Rng,
    Serial, Sound, Video, Vsock, Watchdog,
};

use super::connect::Connect;

/// How PCI, PCI Express and virtio devices plug in on one guest.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Kinds {
    pci: Connect,
    pcie: Connect,
    virtio: Connect,
}

/// A device kind's connection.
pub(crate) trait Plug {
    /// How it plugs into PCI; nothing if it does not.
    fn connect(&self, kinds: &Kinds) -> Connect;
}

impl Kinds {
    /// The connections on a guest with or without PCI Express, whose emulator has (or lacks) the virtio
    /// devices without a legacy mode.
    pub(crate) fn new(express: bool, modern_virtio: bool) -> Self {
        let pci = Connect::PCI_DEVICE | Connect::AUTO;
        let pcie = if express { Connect::PCIE_DEVICE | Connect::AUTO } else { pci };
        Kinds { pci, pcie, virtio: if modern_virtio { pcie } else { pci } }
    }

    /// A plain PCI device.
    pub(crate) fn pci(&self) -> Connect {
        self.pci
    }

    /// A virtio device: the transitional model needs I/O ports, which PCI Express slots lack.
    fn virtio(&self, transitional: bool) -> Connect {
        if transitional { self.pci } else { self.virtio }
    }
}

impl Plug for Controller {
    fn connect(&self, kinds: &Kinds) -> Connect {
        match &self.kind {
            ControllerKind::Pci { model, .. } => model.map_or(Connect::empty(), Connect::upstream),
            ControllerKind::Sata { .. } | ControllerKind::Ide { .. } => kinds.pci,
            ControllerKind::Usb { model, .. } => match model {
                Some(UsbModel::NecXhci | UsbModel::QemuXhci) => kinds.pcie,
                Some(UsbModel::Qusb1 | UsbModel::Qusb2 | UsbModel::None) => Connect::empty(),
                _ => kinds.pci,
            },
            ControllerKind::Scsi { model } => match model {
                None | Some(ScsiModel::Ncr53c90) => Connect::empty(),
                Some(ScsiModel::VirtioScsi | ScsiModel::VirtioNonTransitional) => kinds.virtio,
                Some(_) => kinds.pci,
            },
            ControllerKind::VirtioSerial { model, .. } => {
                kinds.virtio(*model == Some(VirtioSerialModel::Transitional))
            }
            ControllerKind::Fdc { .. }
            | ControllerKind::Ccid { .. }
            | ControllerKind::XenBus { .. }
            | ControllerKind::Isa { .. } => Connect::empty(),
        }
    }
}

impl Plug for Filesystem {
    fn connect(&self, kinds: &Kinds) -> Connect {
        match self.driver.kind {
            None | Some(FsDriverType::Path | FsDriverType::Handle | FsDriverType::Mtp) => {
                kinds.virtio(self.options.model == Some(FsModel::Transitional))
            }
            Some(FsDriverType::Virtiofs) => kinds.virtio,
            Some(_) => Connect::empty(),
        }
    }
}

impl Plug for Interface {
    fn connect(&self, kinds: &Kinds) -> Connect {
        if let InterfaceSource::HostDev(_) = self.source {
            return kinds.pcie;
        }
        match self.rest.model.as_deref() {
            Some("usb-net") => Connect::empty(),
            Some("virtio" | "virtio-non-transitional") => kinds.virtio,
            Some(model) if LEGACY_CARDS.contains(&model) => kinds.pci,
            // the newer cards, and those libvirt does not know
            _ => kinds.pcie,
        }
    }
}

/// Network cards that libvirt knows to be of old.
const LEGACY_CARDS: &[&str] = &[
    "netfront",
    "rtl8139",
    "e1000",
    "virtio-transitional",
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

impl Plug for Sound {
    fn connect(&self, kinds: &Kinds) -> Connect {
        match self.model {
            SoundModel::Es1370 | SoundModel::Ac97 | SoundModel::Ich6 | SoundModel::Ich9 => kinds.pci,
            SoundModel::Virtio => kinds.virtio,
            SoundModel::Sb16 | SoundModel::Pcspk | SoundModel::Usb | SoundModel::Ich7 => Connect::empty(),
        }
    }
}

impl Plug for Disk {
    fn connect(&self, kinds: &Kinds) -> Connect {
        match self.bus() {
            Some(DiskBus::Virtio) => kinds.virtio(self.model == Some(VirtioModel::Transitional)),
            _ => Connect::empty(),
        }
    }
}

impl Plug for HostDev {
    fn connect(&self, kinds: &Kinds) -> Connect {
        match &self.source {
            // what is assigned to guests is PCI Express as a rule; libvirt asks the host's sysfs
            HostDevSource::Pci(_) | HostDevSource::Mdev(_) => kinds.pcie,
            HostDevSource::ScsiHost(host) => kinds.virtio(host.model == Some(ScsiHostModel::Transitional)),
            _ => Connect::empty(),
        }
    }
}

impl Plug for MemBalloon {
    fn connect(&self, kinds: &Kinds) -> Connect {
        match self.model {
            BalloonModel::Virtio | BalloonModel::NonTransitional => kinds.virtio,
            BalloonModel::Transitional => kinds.pci,
            BalloonModel::Xen | BalloonModel::None => Connect::empty(),
        }
    }
}

impl Plug for Rng {
    fn connect(&self, kinds: &Kinds) -> Connect {
        kinds.virtio(self.model == RngModel::Transitional)
    }
}

impl Plug for Watchdog {
    fn connect(&self, kinds: &Kinds) -> Connect {
        match self.model {
            WatchdogModel::I6300esb => kinds.pci,
            _ => Connect::empty(),
        }
    }
}

impl Plug for Video {
    fn connect(&self, kinds: &Kinds) -> Connect {
        match self.model.kind {
            Some(VideoType::Virtio) => kinds.virtio,
            Some(VideoType::Bochs) => kinds.pcie,
            None | Some(VideoType::Gop | VideoType::None | VideoType::Ramfb) => Connect::empty(),
            Some(_) => kinds.pci,
        }
    }
}

impl Plug for Input {
    fn connect(&self, kinds: &Kinds) -> Connect {
        match self.bus {
            Some(InputBus::Virtio) => kinds.virtio(self.model == Some(InputModel::Transitional)),
            _ => Connect::empty(),
        }
    }
}

impl Plug for Serial {
    fn connect(&self, kinds: &Kinds) -> Connect {
        match self.target.kind {
            Some(SerialType::Pci) => kinds.pci,
            _ => Connect::empty(),
        }
    }
}

impl Plug for Iommu {
    fn connect(&self, kinds: &Kinds) -> Connect {
        match self.model {
            IommuModel::Virtio => kinds.virtio | Connect::INTEGRATED,
            IommuModel::Intel | IommuModel::Smmuv3 => Connect::empty(),
        }
    }
}

impl Plug for Vsock {
    fn connect(&self, kinds: &Kinds) -> Connect {
        self.model.map_or(Connect::empty(), |model| kinds.virtio(model == VsockModel::Transitional))
    }
}

impl Plug for MemoryDevice {
    fn connect(&self, kinds: &Kinds) -> Connect {
        match self.model {
            MemoryModel::VirtioPmem | MemoryModel::VirtioMem => kinds.virtio,
            MemoryModel::Dimm | MemoryModel::Nvdimm | MemoryModel::SgxEpc => Connect::empty(),
        }
    }
}

impl Plug for Panic {
    fn connect(&self, kinds: &Kinds) -> Connect {
        match self.model {
            Some(PanicModel::Pvpanic) => kinds.pcie | Connect::INTEGRATED,
            _ => Connect::empty(),
        }
    }
}
