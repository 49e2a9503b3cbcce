//! An emulator and a host for tests: a recent QEMU for x86 with the two PC boards.

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

#[derive(Debug)]
pub(crate) struct FakeEmulator {
    machines: Vec<MachineType>,
}

impl Emulator for FakeEmulator {
    fn path(&self) -> &str {
        "/usr/bin/qemu-system-x86_64"
    }
    fn arch(&self) -> &str {
        "x86_64"
    }
    fn has(&self, capability: &str) -> bool {
        !LACKS.contains(&capability)
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
        (arch == "x86_64").then(|| "/usr/bin/qemu-system-x86_64".to_owned())
    }
    fn emulator(&self, path: &str) -> Result<Arc<dyn Emulator>> {
        if path != "/usr/bin/qemu-system-x86_64" {
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
        Ok(Arc::new(FakeEmulator { machines }))
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
