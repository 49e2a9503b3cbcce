//! What the rest of the driver asks of an emulator and of the host, so that all of it can be tested on data.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use virtus_base::Result;
use virtus_conf::domain::VirtType;
use virtus_cpu::{Definition, Hypervisor};

use crate::firmware::Firmware;

/// A machine type of an emulator.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MachineType {
    /// The versioned name, e.g. `pc-q35-10.0`.
    pub name: String,
    /// The name that stands for its newest version, e.g. `q35`.
    pub alias: Option<String>,
    /// How many vCPUs it can have; 0 when not known.
    pub max_cpus: u32,
    /// Whether vCPUs can be added while it runs.
    pub hotplug_cpus: bool,
    /// The emulator takes it when none is named.
    pub default: bool,
    /// The CPU model it has when none is named, without QEMU's type suffix.
    pub default_cpu: Option<String>,
    /// The obsolete `-numa mem=` works.
    pub numa_mem: bool,
    /// Whether it can have ACPI; `None` when not known.
    pub acpi: Option<bool>,
    /// The id of its memory, if another back end can be made for that.
    pub default_ram: Option<String>,
}

/// One QEMU binary.
pub trait Emulator: Send + Sync + std::fmt::Debug {
    /// The binary.
    fn path(&self) -> &str;
    /// The architecture of its guests, by libvirt's name.
    fn arch(&self) -> &str;
    /// Whether it has a capability, by libvirt's name of it (`virtio-pci-non-transitional`).
    fn has(&self, capability: &str) -> bool;
    /// Whether it can run guests of this type.
    fn runs(&self, virt: VirtType) -> bool;
    /// The machine types for guests of this type; those of emulation for a type that the emulator cannot run.
    fn machines(&self, virt: VirtType) -> &[MachineType];

    /// What is known of the CPUs of guests of this type.
    fn cpus(&self, virt: VirtType) -> Cpus<'_> {
        let _ = virt;
        Cpus::default()
    }

    /// The machine type of a name or alias.
    fn machine(&self, virt: VirtType, name: &str) -> Option<&MachineType> {
        let machines = self.machines(virt);
        machines
            .iter()
            .find(|machine| machine.alias.as_deref() == Some(name))
            .or_else(|| machines.iter().find(|machine| machine.name == name))
    }

    /// The machine type of a definition that names none.
    fn preferred_machine(&self, virt: VirtType) -> Option<&MachineType> {
        let machines = self.machines(virt);
        preferred_board(self.arch())
            .and_then(|board| self.machine(virt, board))
            .or_else(|| machines.iter().find(|machine| machine.default))
            .or_else(|| machines.first())
    }
}

/// The board of guests of an architecture whose definitions name none, where QEMU itself has none or takes one that is
/// of little use.
pub(crate) fn preferred_board(arch: &str) -> Option<&'static str> {
    let virt = ["aarch64", "armv6l", "armv7b", "armv7l", "riscv32", "riscv64", "loongarch64"];
    virt.contains(&arch).then_some("virt")
}

/// What an emulator knows of CPUs.
#[derive(Clone, Copy, Debug, Default)]
pub struct Cpus<'a> {
    /// The models, with what keeps them from being used here.
    pub models: Option<&'a dyn Hypervisor>,
    /// The best CPU guests can have here.
    pub reported: Option<&'a Definition>,
    /// The same without what keeps guests from migrating.
    pub migratable: Option<&'a Definition>,
    /// What the host's CPU can do, whether guests can have it or not.
    pub full: Option<&'a Definition>,
    /// The features QEMU can be told of, by libvirt's names; `None` where that is not known.
    pub features: Option<&'a [Property]>,
    /// The features QEMU wants to be rid of.
    pub deprecated: &'a [String],
}

/// A feature QEMU can be told of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Property {
    /// libvirt's name.
    pub name: String,
    /// Whether guests can have it here.
    pub on: bool,
    /// Whether guests that have it can migrate.
    pub migratable: bool,
}

/// What a definition is completed from, beside the emulator.
pub trait Environment: Send + Sync {
    /// The host's architecture, by libvirt's name.
    fn host_arch(&self) -> &str;
    /// The emulator for guests of an architecture, when the definition names none.
    fn default_emulator(&self, arch: &str) -> Option<String>;
    /// The emulator of a path.
    ///
    /// # Errors
    /// `SYSTEM_ERROR` when it cannot be run, `INTERNAL_ERROR` when it cannot be probed.
    fn emulator(&self, path: &str) -> Result<Arc<dyn Emulator>>;
    /// Where the firmware variables of guests are kept.
    fn nvram_dir(&self) -> &str;
    /// Whether the daemon serves the whole system.
    fn privileged(&self) -> bool;
    /// The firmware that is installed, the preferred first.
    fn firmware(&self) -> Vec<Firmware>;
    /// Firmware without descriptors and the templates of its variables, as the daemon's configuration lists them.
    fn firmware_pairs(&self) -> Vec<(String, String)> {
        let pairs = [
            ("/usr/share/OVMF/OVMF_CODE.fd", "/usr/share/OVMF/OVMF_VARS.fd"),
            ("/usr/share/OVMF/OVMF_CODE.secboot.fd", "/usr/share/OVMF/OVMF_VARS.fd"),
            ("/usr/share/AAVMF/AAVMF_CODE.fd", "/usr/share/AAVMF/AAVMF_VARS.fd"),
            ("/usr/share/AAVMF/AAVMF32_CODE.fd", "/usr/share/AAVMF/AAVMF32_VARS.fd"),
        ];
        pairs.map(|(code, template)| (code.to_owned(), template.to_owned())).to_vec()
    }
}
