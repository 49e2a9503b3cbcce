//! Emulators and a host for tests: a recent QEMU for x86 with the two PC boards, and one with the most usual board of
//! each of some other architectures.

use std::sync::Arc;

use virtus_base::{Error, ErrorDomain, Result};
use virtus_conf::domain::VirtType;

use crate::emulator::{Emulator, Environment, MachineType};
use crate::firmware::Firmware;

/// What the emulator of the tests lacks.
const LACKS: &[&str] = &[
    "spice",
    "qxl",
    "zpci",
    "sclpconsole",
    "vfio-ccw",
    "vfio-ap",
    "sev-guest",
    "sgx-epc",
    "virtio-gpu.virgl",
];

/// Other architectures: QEMU's name, libvirt's, board and alias, the CPU it has, the id of its memory, whether it has
/// ACPI, and what its emulator has that the one for x86 lacks.
type Board = (
    &'static str,
    &'static str,
    &'static str,
    &'static str,
    &'static str,
    &'static str,
    bool,
    &'static [&'static str],
);
const BOARDS: &[Board] = &[
    ("aarch64", "aarch64", "virt-10.0", "virt", "cortex-a15", "mach-virt.ram", true, &[]),
    ("arm", "armv7l", "vexpress-a15", "vexpress-a15", "cortex-a15", "vexpress.highmem", false, &[]),
    ("riscv64", "riscv64", "virt", "virt", "rv64", "riscv_virt_board.ram", true, &[]),
    ("loongarch64", "loongarch64", "virt", "virt", "la464", "loongarch.ram", true, &[]),
    ("ppc64", "ppc64", "pseries-10.0", "pseries", "POWER10", "ppc_spapr.ram", false, &[]),
    ("mips", "mips", "malta", "malta", "24Kf", "mips_malta.ram", false, &[]),
    (
        "s390x",
        "s390x",
        "s390-ccw-virtio-10.0",
        "s390-ccw-virtio",
        "qemu",
        "s390.ram",
        false,
        &["zpci", "sclpconsole", "vfio-ccw", "vfio-ap"],
    ),
];

/// An emulator of the tests that has SPICE too.
pub(crate) const WITH_SPICE: &str = "/usr/bin/qemu-with-spice";

#[derive(Debug)]
pub(crate) struct FakeEmulator {
    path: String,
    arch: &'static str,
    machines: Vec<MachineType>,
    /// What it has though the one for x86 lacks it.
    more: &'static [&'static str],
}

impl Emulator for FakeEmulator {
    fn path(&self) -> &str {
        &self.path
    }
    fn arch(&self) -> &str {
        self.arch
    }
    fn has(&self, capability: &str) -> bool {
        !LACKS.contains(&capability) || self.more.contains(&capability)
    }
    fn runs(&self, virt: VirtType) -> bool {
        virt == VirtType::Qemu
    }
    fn machines(&self, _: VirtType) -> &[MachineType] {
        &self.machines
    }
}

pub(crate) struct FakeEnvironment;

impl Environment for FakeEnvironment {
    fn host_arch(&self) -> &str {
        "x86_64"
    }
    fn default_emulator(&self, arch: &str) -> Option<String> {
        let target = match arch {
            "x86_64" => arch,
            _ => BOARDS.iter().find(|board| board.1 == arch)?.0,
        };
        Some(format!("/usr/bin/qemu-system-{target}"))
    }
    fn emulator(&self, path: &str) -> Result<Arc<dyn Emulator>> {
        let target = path.strip_prefix("/usr/bin/qemu-system-").unwrap_or_default();
        if let Some((_, arch, name, alias, cpu, ram, acpi, more)) =
            BOARDS.iter().find(|board| board.0 == target)
        {
            let machine = MachineType {
                name: (*name).to_owned(),
                alias: (name != alias).then(|| (*alias).to_owned()),
                default: true,
                default_cpu: Some((*cpu).to_owned()),
                acpi: Some(*acpi),
                default_ram: Some((*ram).to_owned()),
                ..MachineType::default()
            };
            return Ok(Arc::new(FakeEmulator { path: path.to_owned(), arch, machines: vec![machine], more }));
        }
        if !matches!(path, "/usr/bin/qemu-system-x86_64" | WITH_SPICE) {
            let gone = std::io::Error::from_raw_os_error(2);
            return Err(Error::system(ErrorDomain::QEMU, format!("Cannot check QEMU binary {path}"), &gone));
        }
        let machine = |name: &str, alias: &str, max_cpus, default| MachineType {
            name: name.to_owned(),
            alias: Some(alias.to_owned()),
            max_cpus,
            hotplug_cpus: true,
            default,
            default_cpu: Some("qemu64".to_owned()),
            numa_mem: false,
            acpi: Some(true),
            default_ram: Some("pc.ram".to_owned()),
        };
        let machines =
            vec![machine("pc-i440fx-10.0", "pc", 255, true), machine("pc-q35-10.0", "q35", 4096, false)];
        let more: &[&str] = if path == WITH_SPICE { &["spice"] } else { &[] };
        Ok(Arc::new(FakeEmulator { path: path.to_owned(), arch: "x86_64", machines, more }))
    }
    fn nvram_dir(&self) -> &str {
        "/var/lib/libvirt/qemu/nvram"
    }
    fn privileged(&self) -> bool {
        true
    }
    fn firmware(&self) -> Vec<Firmware> {
        let descriptor = |code: &str, template: &str, machines: &str, features: &str| {
            let text = format!(
                r#"{{"interface-types": ["uefi"], "features": [{features}],
                    "mapping": {{"device": "flash", "executable": {{"filename": "{code}", "format": "raw"}},
                                 "nvram-template": {{"filename": "{template}", "format": "raw"}}}},
                    "targets": [{{"architecture": "x86_64", "machines": ["{machines}"]}}]}}"#
            );
            serde_json::from_str(&text).unwrap()
        };
        vec![
            descriptor(
                "/fw/secure.fd",
                "/fw/secure-vars.fd",
                "pc-q35-*",
                r#""enrolled-keys", "requires-smm", "secure-boot""#,
            ),
            descriptor("/fw/plain.fd", "/fw/plain-vars.fd", "pc-*", r#""acpi-s3""#),
        ]
    }
}
