//! The emulators of this host and what each can do.

pub mod document;
pub mod domain_document;
mod flags;
mod host_model;
pub(crate) mod node_cpu;
mod probe;
mod schema;
mod store;

pub use host_model::HostModel;
pub use store::Emulators;

use std::collections::HashSet;

use serde::{Deserialize, Serialize};
use virtus_conf::domain::VirtType;
use virtus_cpu::{Hypervisor, HypervisorModel};

use self::host_model::HostCpus;
use crate::emulator::{Cpus, Emulator, MachineType};

/// A CPU model an emulator knows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CpuModel {
    /// Its name, as `-cpu` takes it.
    pub name: String,
    /// The QOM type behind it.
    pub type_name: Option<String>,
    /// The features, by libvirt's names, that keep it from running here; `None` when not known.
    pub blockers: Option<Vec<String>>,
    /// The versioned name it stands for.
    pub alias_of: Option<String>,
    /// Whether QEMU wants to be rid of it.
    pub deprecated: bool,
}

/// What one accelerator offers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Accelerated {
    /// The CPU models.
    pub cpus: Vec<CpuModel>,
    /// The machine types.
    pub machines: Vec<Machine>,
    /// The CPU that stands for all that guests can have.
    pub host: Option<HostModel>,
}

impl Hypervisor for Accelerated {
    fn model(&self, name: &str) -> Option<HypervisorModel<'_>> {
        let model = self.cpus.iter().find(|model| model.name == name)?;
        Some(HypervisorModel { blockers: model.blockers.as_deref().unwrap_or_default() })
    }
}

/// A machine type as it is kept on disk.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct Machine {
    pub name: String,
    pub alias: Option<String>,
    pub max_cpus: u32,
    pub hotplug_cpus: bool,
    pub default: bool,
    pub default_cpu: Option<String>,
    pub numa_mem: bool,
    pub acpi: Option<bool>,
    pub deprecated: bool,
    pub default_ram_id: Option<String>,
}

/// Everything found out of one binary.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Capabilities {
    /// The binary.
    pub path: String,
    /// The architecture of its guests, by libvirt's name.
    pub arch: String,
    /// Its version: major * 1,000,000 + minor * 1,000 + micro.
    pub version: u64,
    /// What its packager calls it.
    pub package: String,
    /// What it can do, by libvirt's names.
    pub flags: HashSet<String>,
    /// What it offers under emulation.
    pub tcg: Option<Accelerated>,
    /// What it offers under KVM.
    pub kvm: Option<Accelerated>,
    /// The enlightenments it can give Windows guests, by libvirt's names; `None` when it knows of none.
    pub hyperv: Option<Vec<String>>,
    /// Whether the host's CPU and QEMU can encrypt guests.
    pub sev: Option<Sev>,
    /// The versions of Arm's interrupt controller it emulates.
    pub gic: Vec<u32>,
}

/// What AMD's secure virtualization offers guests.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct Sev {
    pub pdh: String,
    pub cert_chain: String,
    pub cpu0_id: Option<String>,
    pub cbitpos: u32,
    pub reduced_phys_bits: u32,
}

/// Capabilities in the form the driver asks them in.
#[derive(Clone, Debug)]
pub struct ProbedEmulator {
    /// What was found out.
    pub capabilities: Capabilities,
    tcg: Vec<MachineType>,
    kvm: Vec<MachineType>,
    tcg_cpus: Option<HostCpus>,
    kvm_cpus: Option<HostCpus>,
}

impl ProbedEmulator {
    /// The capabilities, ready to be asked.
    pub fn new(capabilities: Capabilities) -> Self {
        let types = |accelerated: &Option<Accelerated>| -> Vec<MachineType> {
            accelerated.iter().flat_map(|a| &a.machines).map(Machine::to_type).collect()
        };
        let msrs = capabilities.flags.contains("cpu-unavailable-features");
        let cpus = |accelerated: &Option<Accelerated>, kvm| {
            accelerated.as_ref().and_then(|a| HostCpus::new(a, kvm, &capabilities.arch, msrs))
        };
        ProbedEmulator {
            tcg: types(&capabilities.tcg),
            kvm: types(&capabilities.kvm),
            tcg_cpus: cpus(&capabilities.tcg, false),
            kvm_cpus: cpus(&capabilities.kvm, true),
            capabilities,
        }
    }

    /// What it offers guests of this type.
    pub fn accelerated(&self, virt: VirtType) -> Option<&Accelerated> {
        match virt {
            VirtType::Kvm => self.capabilities.kvm.as_ref(),
            VirtType::Qemu => self.capabilities.tcg.as_ref(),
            _ => None,
        }
    }
}

impl Machine {
    /// Whether a definition may call it so.
    fn answers_to(&self, name: &str) -> bool {
        self.name == name || self.alias.as_deref() == Some(name)
    }

    fn to_type(&self) -> MachineType {
        MachineType {
            name: self.name.clone(),
            alias: self.alias.clone(),
            max_cpus: self.max_cpus,
            hotplug_cpus: self.hotplug_cpus,
            default: self.default,
            default_cpu: self.default_cpu.clone(),
            numa_mem: self.numa_mem,
            acpi: self.acpi,
            default_ram: self.default_ram_id.clone(),
        }
    }
}

impl Emulator for ProbedEmulator {
    fn path(&self) -> &str {
        &self.capabilities.path
    }

    fn arch(&self) -> &str {
        &self.capabilities.arch
    }

    fn has(&self, capability: &str) -> bool {
        self.capabilities.flags.contains(capability)
    }

    fn runs(&self, virt: VirtType) -> bool {
        self.accelerated(virt).is_some()
    }

    fn cpus(&self, virt: VirtType) -> Cpus<'_> {
        let capabilities = &self.capabilities;
        let (accelerated, host) = match virt {
            VirtType::Kvm => (&capabilities.kvm, &self.kvm_cpus),
            _ => (&capabilities.tcg, &self.tcg_cpus),
        };
        let model = accelerated.as_ref().and_then(|accelerated| accelerated.host.as_ref());
        Cpus {
            models: accelerated.as_ref().map(|accelerated| accelerated as &dyn Hypervisor),
            reported: host.as_ref().map(|host| &host.reported),
            migratable: host.as_ref().map(|host| &host.migratable),
            full: host.as_ref().map(|host| host.full.as_ref().unwrap_or(&host.reported)),
            features: model.map(|model| model.properties.as_slice()),
            deprecated: model.map(|model| model.deprecated.as_slice()).unwrap_or_default(),
        }
    }

    fn machines(&self, virt: VirtType) -> &[MachineType] {
        match virt {
            VirtType::Kvm if !self.kvm.is_empty() => &self.kvm,
            _ => &self.tcg,
        }
    }
}
