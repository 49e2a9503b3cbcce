//! What plugs into what: the connections a PCI device needs and a PCI bus offers.

use bitflags::bitflags;
use virtus_conf::domain::device::controller::PciModel;

bitflags! {
    /// Connections that a device needs, or that a bus offers.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
    pub(crate) struct Connect: u32 {
        /// Devices can come and go while the guest runs.
        const HOTPLUG = 1 << 0;
        /// An address is chosen here when the definition names none.
        const AUTO = 1 << 1;
        /// Several devices share a slot, one function each.
        const AGGREGATE = 1 << 2;
        /// Part of the root complex: only on bus 0.
        const INTEGRATED = 1 << 3;
        const PCI_DEVICE = 1 << 4;
        const PCIE_DEVICE = 1 << 5;
        const ROOT_PORT = 1 << 6;
        const UPSTREAM_PORT = 1 << 7;
        const DOWNSTREAM_PORT = 1 << 8;
        const DMI_BRIDGE = 1 << 9;
        const PCIE_TO_PCI_BRIDGE = 1 << 10;
        const EXPANDER = 1 << 11;
        const PCIE_EXPANDER = 1 << 12;
        const PCI_BRIDGE = 1 << 13;
        /// Either kind of end device.
        const ENDPOINT = Self::PCI_DEVICE.bits() | Self::PCIE_DEVICE.bits();
        /// All kinds of things that plug in.
        const KINDS = 0x3ff0;
    }
}

/// Each kind of connection, what errors call it, and the controller model it belongs to, in libvirt's order.
const KINDS: &[(Connect, &str)] = &[
    (Connect::PCI_DEVICE, "standard PCI device"),
    (Connect::PCIE_DEVICE, "PCI Express device"),
    (Connect::ROOT_PORT, "pcie-root-port"),
    (Connect::UPSTREAM_PORT, "pcie-switch-upstream-port"),
    (Connect::DOWNSTREAM_PORT, "pcie-switch-downstream-port"),
    (Connect::DMI_BRIDGE, "dmi-to-pci-bridge"),
    (Connect::PCIE_TO_PCI_BRIDGE, "pcie-to-pci-bridge"),
    (Connect::EXPANDER, "pci-expander-bus"),
    (Connect::PCIE_EXPANDER, "pcie-expander-bus"),
    (Connect::PCI_BRIDGE, "pci-bridge"),
];

impl Connect {
    /// What errors call the thing that plugs in this way.
    pub(crate) fn describe(self) -> &'static str {
        KINDS.iter().find(|(kind, _)| self.contains(*kind)).map_or("device", |(_, text)| text)
    }

    /// The controller that plugs in this way, if it is one.
    pub(crate) fn controller(self) -> Option<&'static str> {
        match self.intersects(Connect::ENDPOINT | Connect::PCIE_TO_PCI_BRIDGE) {
            true => None,
            false => KINDS.iter().find(|(kind, _)| self.contains(*kind)).map(|(_, text)| *text),
        }
    }

    /// How a controller itself plugs into the bus above; nothing for a root.
    pub(crate) fn upstream(model: PciModel) -> Connect {
        match model {
            PciModel::PciRoot | PciModel::PcieRoot => Connect::empty(),
            PciModel::PciBridge => Connect::PCI_BRIDGE,
            PciModel::PciExpanderBus => Connect::EXPANDER,
            PciModel::PcieExpanderBus => Connect::PCIE_EXPANDER,
            PciModel::DmiToPciBridge => Connect::DMI_BRIDGE,
            PciModel::PcieToPciBridge => Connect::PCIE_TO_PCI_BRIDGE,
            PciModel::PcieRootPort => Connect::ROOT_PORT | Connect::AGGREGATE,
            PciModel::PcieSwitchUpstreamPort => Connect::UPSTREAM_PORT,
            PciModel::PcieSwitchDownstreamPort => Connect::DOWNSTREAM_PORT,
        }
    }

    /// What the bus of a controller accepts, and its first and last slot.
    pub(crate) fn downstream(model: PciModel, hotplug: bool) -> (Connect, u32, u32) {
        let hotplug = if hotplug { Connect::HOTPLUG } else { Connect::empty() };
        let bridge = Connect::AUTO | Connect::PCI_DEVICE | Connect::PCI_BRIDGE | hotplug;
        match model {
            PciModel::PciRoot => (bridge | Connect::EXPANDER, 1, LAST_SLOT),
            PciModel::PciBridge | PciModel::PcieToPciBridge => (bridge, 1, LAST_SLOT),
            PciModel::PciExpanderBus => (bridge, 0, LAST_SLOT),
            PciModel::PcieRoot => (
                Connect::PCIE_DEVICE | Connect::ROOT_PORT | Connect::DMI_BRIDGE | Connect::PCIE_EXPANDER,
                1,
                LAST_SLOT,
            ),
            PciModel::DmiToPciBridge => (Connect::PCI_DEVICE | Connect::PCI_BRIDGE, 0, LAST_SLOT),
            PciModel::PcieRootPort | PciModel::PcieSwitchDownstreamPort => (
                Connect::AUTO
                    | Connect::PCIE_DEVICE
                    | Connect::UPSTREAM_PORT
                    | Connect::PCIE_TO_PCI_BRIDGE
                    | hotplug,
                0,
                0,
            ),
            PciModel::PcieSwitchUpstreamPort => (Connect::DOWNSTREAM_PORT, 0, LAST_SLOT),
            PciModel::PcieExpanderBus => (Connect::ROOT_PORT | Connect::DMI_BRIDGE, 0, LAST_SLOT),
        }
    }
}

/// The last slot of a full bus.
const LAST_SLOT: u32 = 31;
