//! PCI controllers: which options belong to which model.

use virtus_base::Result;
use virtus_conf::domain::device::controller::{PciModel, PciModelName, PciOptions};

use super::{Checks, internal, unsupported};

/// The devices behind the models, and the capability of each.
const DEVICES: &[(PciModelName, &str)] = &[
    (PciModelName::PciBridge, "pci-bridge"),
    (PciModelName::I82801b11Bridge, "dmi-to-pci-bridge"),
    (PciModelName::Ioh3420, "ioh3420"),
    (PciModelName::X3130Upstream, "x3130-upstream"),
    (PciModelName::Xio3130Downstream, "xio3130-downstream"),
    (PciModelName::Pxb, "pxb"),
    (PciModelName::PxbPcie, "pxb-pcie"),
    (PciModelName::PcieRootPort, "pcie-root-port"),
    (PciModelName::SpaprPciHostBridge, "spapr-pci-host-bridge"),
    (PciModelName::PciePciBridge, "pcie-pci-bridge"),
];

/// What the models may be made of.
fn names(model: PciModel) -> &'static [PciModelName] {
    match model {
        PciModel::PciRoot => &[PciModelName::SpaprPciHostBridge],
        PciModel::PcieRoot => &[],
        PciModel::PciBridge => &[PciModelName::PciBridge],
        PciModel::DmiToPciBridge => &[PciModelName::I82801b11Bridge],
        PciModel::PcieToPciBridge => &[PciModelName::PciePciBridge],
        PciModel::PcieRootPort => &[PciModelName::Ioh3420, PciModelName::PcieRootPort],
        PciModel::PcieSwitchUpstreamPort => &[PciModelName::X3130Upstream],
        PciModel::PcieSwitchDownstreamPort => &[PciModelName::Xio3130Downstream],
        PciModel::PciExpanderBus => &[PciModelName::Pxb],
        PciModel::PcieExpanderBus => &[PciModelName::PxbPcie],
    }
}

impl Checks<'_> {
    pub(super) fn pci_controller(&self, model: PciModel, options: &PciOptions, index: u32) -> Result<()> {
        let name = options.model_name.unwrap_or(PciModelName::None);
        let target = &options.target;
        let pseries = name == PciModelName::SpaprPciHostBridge;
        let root = matches!(model, PciModel::PciRoot | PciModel::PcieRoot);
        let place = format!("PCI controller with index '{index}', model '{model}' and modelName '{name}'");
        let invalid = |option: &str| Err(unsupported(format!("Option '{option}' is not valid for {place}")));
        let missing =
            |option: &str| Err(internal(format!("Required option '{option}' is not set for {place}")));

        let named = name != PciModelName::None;
        let must = !root || (model == PciModel::PciRoot && self.machine.is_pseries());
        if must && !named {
            return missing("modelName");
        }
        if !must && named {
            return invalid("modelName");
        }
        if named && !names(model).contains(&name) {
            return Err(unsupported(format!("Option 'modelName' has invalid value for {place}")));
        }
        if root && index != 0 && !pseries {
            return Err(unsupported(format!("Index for '{model}' controllers must be 0")));
        }
        if !root && index == 0 {
            return Err(unsupported(format!("Index for '{model}' controllers must be > 0")));
        }
        if pseries && target.index.is_none() {
            return missing("targetIndex");
        }
        if !pseries && target.index.is_some() {
            return invalid("targetIndex");
        }
        if options.pcihole64.is_some() {
            let fits = match model {
                PciModel::PciRoot => self.machine.is_i440fx(),
                PciModel::PcieRoot => self.machine.is_q35(),
                _ => return invalid("pcihole64"),
            };
            if !fits {
                return Err(unsupported(format!(
                    "Setting the 64-bit PCI hole size is not supported for machine '{}'",
                    self.machine.name
                )));
            }
        }
        let expander = matches!(model, PciModel::PciExpanderBus | PciModel::PcieExpanderBus);
        if expander && target.bus_nr.is_none() {
            return missing("busNr");
        }
        if !expander && target.bus_nr.is_some() {
            return invalid("busNr");
        }
        let can_have_node = expander || (pseries && target.index != Some(0));
        if target.node.is_some() && !can_have_node {
            return invalid("numaNode");
        }
        if model == PciModel::PciBridge && target.chassis_nr.is_none() {
            return missing("chassisNr");
        }
        if model != PciModel::PciBridge && target.chassis_nr.is_some() {
            return invalid("chassisNr");
        }
        let port = matches!(model, PciModel::PcieRootPort | PciModel::PcieSwitchDownstreamPort);
        for (option, value) in [("chassis", target.chassis), ("port", target.port)] {
            if port && value.is_none() {
                return missing(option);
            }
            if !port && value.is_some() {
                return invalid(option);
            }
        }
        if target.hotplug.is_some() {
            let capability = match model {
                PciModel::PciRoot => "piix4.acpi-root-pci-hotplug",
                _ if port => "pcie-root-port.hotplug",
                _ => return invalid("hotplug"),
            };
            if !self.has(capability) {
                return Err(unsupported(format!(
                    "setting the 'hotplug' property on a '{name}' device is not supported by this QEMU binary"
                )));
            }
        }
        let device = DEVICES.iter().find(|(known, _)| *known == name);
        if device.is_some_and(|(_, capability)| !self.has(capability)) {
            return Err(unsupported(format!("The '{name}' device is not supported by this QEMU binary")));
        }
        Ok(())
    }
}
