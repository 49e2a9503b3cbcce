//! Calls about CPUs: how they compare, what several of them have in common, what guests can have.

use std::path::Path;
use std::sync::Arc;

use virtus_api::connection::ConnectGetCpuModelNamesReply;
use virtus_api::constants::*;
use virtus_base::{Error, ErrorDomain, Result};
use virtus_conf::domain::cpu::CpuFallback;
use virtus_conf::domain::{FormatOptions, VirtType};
use virtus_cpu::{Definition, Kind, Limits};
use virtus_xdr::List;

use crate::Driver;
use crate::capabilities::ProbedEmulator;
use crate::capabilities::domain_document::{self, Question};
use crate::capabilities::node_cpu::node_cpu;
use crate::emulator::{Emulator as _, Environment as _};
use crate::error::{bad_argument, unsupported};

/// What a caller names: any of it may be left to libvirt.
#[derive(Debug, Default)]
pub(super) struct Asked {
    pub(super) emulator: Option<String>,
    pub(super) arch: Option<String>,
    pub(super) machine: Option<String>,
    pub(super) virt: Option<String>,
}

/// What a caller means.
struct Found {
    emulator: Arc<ProbedEmulator>,
    arch: String,
    machine: String,
    virt: VirtType,
}

/// Architectures that an emulator of the other also runs.
fn related(a: &str, b: &str) -> bool {
    let family = |arch: &str| match arch {
        "i686" | "x86_64" => 1,
        "ppc" | "ppc64" | "ppc64le" | "ppcemb" => 2,
        "armv6l" | "armv7b" | "armv7l" | "aarch64" => 3,
        "s390" | "s390x" => 4,
        _ => 0,
    };
    a == b || (family(a) == family(b) && family(a) != 0)
}

impl Driver {
    async fn resolve(&self, asked: &Asked) -> Result<Found> {
        let arch = match &asked.arch {
            Some(arch) if !virtus_conf::is_architecture(arch) => {
                return Err(bad_argument(format!("unknown architecture: {arch}")));
            }
            Some(arch) => arch.clone(),
            None => std::env::consts::ARCH.to_owned(),
        };
        let virt = match &asked.virt {
            Some(name) => Some(
                VirtType::from_word(name).ok_or_else(|| bad_argument(format!("unknown virttype: {name}")))?,
            ),
            None => None,
        };
        let emulators = &self.setup.emulators;
        let emulator = match &asked.emulator {
            Some(path) => {
                let emulator = emulators.get(Path::new(path)).await?;
                if !related(&emulator.capabilities.arch, &arch) {
                    return Err(bad_argument(format!(
                        "architecture from emulator '{}' doesn't match given architecture '{arch}'",
                        emulator.capabilities.arch,
                    )));
                }
                emulator
            }
            None => {
                let path = emulators.default_emulator(&arch).ok_or_else(|| {
                    unsupported(format!("unable to find any emulator to serve '{arch}' architecture"))
                })?;
                emulators.get(Path::new(&path)).await?
            }
        };
        let own = if emulator.runs(VirtType::Kvm) { VirtType::Kvm } else { VirtType::Qemu };
        let virt = virt.unwrap_or(own);
        if virt == VirtType::Kvm && !emulator.runs(virt) {
            let path = emulator.path();
            return Err(bad_argument(format!("the accel 'kvm' is not supported by '{path}' on this host")));
        }
        let machine = match &asked.machine {
            Some(name) => {
                let known = match virt {
                    VirtType::Hvf => None,
                    _ => emulator.machine(virt, name),
                };
                known.map(|machine| machine.name.clone()).ok_or_else(|| {
                    bad_argument(format!(
                        "the machine '{name}' is not supported by emulator '{}'",
                        emulator.path()
                    ))
                })?
            }
            None => emulator.preferred_machine(virt).map(|machine| machine.name.clone()).unwrap_or_default(),
        };
        Ok(Found { emulator, arch, machine, virt })
    }

    pub(super) async fn domain_capabilities(&self, asked: &Asked, flags: u32) -> Result<String> {
        let known = VIR_CONNECT_GET_DOMAIN_CAPABILITIES_DISABLE_DEPRECATED_FEATURES;
        Error::check_flags(ErrorDomain::QEMU, flags, known, "qemuConnectGetDomainCapabilities")?;
        let found = self.resolve(asked).await?;
        let emulator = &found.emulator;
        let own = &emulator.capabilities.arch;
        // a 64-bit PC's emulator runs 32-bit guests too
        let runs = *own == found.arch
            || (own == "x86_64" && found.arch == "i686")
            || (own == "aarch64" && found.arch == "armv7l")
            || (own == "armv7l" && found.arch == "armv6l")
            || (own.starts_with("ppc64") && found.arch.starts_with("ppc64"));
        if !runs {
            return Err(bad_argument(format!(
                "Emulator '{}' does not support arch '{}'",
                emulator.path(),
                found.arch
            )));
        }
        if !emulator.runs(found.virt) {
            return Err(bad_argument(format!(
                "Emulator '{}' does not support virt type '{}'",
                emulator.path(),
                found.virt.as_str()
            )));
        }
        let shared = Arc::clone(&self.0);
        self.blocking(move || {
            let question = Question {
                emulator: &found.emulator,
                arch: &found.arch,
                machine: &found.machine,
                virt: found.virt,
                without_deprecated: flags & known != 0,
            };
            Ok(domain_document::format(&question, &*shared.setup.emulators))
        })
        .await
    }

    pub(super) fn compare_cpu(&self, xml: &str, flags: u32) -> Result<i32> {
        let (strict, validate) = comparing(flags, "qemuConnectCompareCPU")?;
        let cpu = Definition::parse(xml, None, validate)?;
        let host = node_cpu().definition(Kind::Host);
        virtus_cpu::compare(std::env::consts::ARCH, host.as_ref(), &cpu)?.answer(strict)
    }

    pub(super) async fn compare_hypervisor_cpu(&self, asked: &Asked, xml: &str, flags: u32) -> Result<i32> {
        let (strict, validate) = comparing(flags, "qemuConnectCompareHypervisorCPU")?;
        let found = self.resolve(asked).await?;
        let host = found.emulator.cpus(found.virt).reported;
        if host.is_none() {
            return Err(refused(format!(
                "QEMU '{}' does not support reporting CPU model for virttype '{}'",
                found.emulator.path(),
                found.virt.as_str()
            )));
        }
        if !virtus_cpu::x86::is_x86(&found.arch) {
            return Err(refused(format!(
                "comparing with the hypervisor CPU is not supported for arch {}",
                found.arch
            )));
        }
        let cpu = Definition::parse(xml, None, validate)?;
        let compared = match (host, found.emulator.cpus(found.virt).models) {
            (Some(host), Some(models)) => virtus_cpu::x86::compare_usable(&cpu, models, host, host)?,
            _ => virtus_cpu::compare(&found.arch, host, &cpu)?,
        };
        compared.answer(strict)
    }

    pub(super) fn baseline_cpu(&self, xmls: &[String], flags: u32) -> Result<String> {
        some_cpus(xmls, "virConnectBaselineCPU")?;
        let migratable = baselining(flags, "qemuConnectBaselineCPU")?;
        let cpus = parse_all(xmls, Some(Kind::Host))?;
        let limits = Limits { migratable, ..Limits::default() };
        let mut cpu = virtus_cpu::baseline(None, &cpus, &limits)?;
        if flags & VIR_CONNECT_BASELINE_CPU_EXPAND_FEATURES != 0 {
            let arch = cpus.first().and_then(|cpu| cpu.arch.as_deref()).unwrap_or_default();
            cpu = virtus_cpu::expand(arch, cpu)?;
        }
        Ok(cpu.format())
    }

    pub(super) async fn baseline_hypervisor_cpu(
        &self,
        asked: &Asked,
        xmls: &[String],
        flags: u32,
    ) -> Result<String> {
        some_cpus(xmls, "virConnectBaselineHypervisorCPU")?;
        let migratable = baselining(flags, "qemuConnectBaselineHypervisorCPU")?;
        let cpus = parse_all(xmls, None)?;
        let found = self.resolve(asked).await?;
        let known = found.emulator.cpus(found.virt);
        let emulated = found.emulator.capabilities.tcg.as_ref();
        let offered = found.emulator.accelerated(found.virt).or(emulated);
        let none = offered.is_some_and(|offered| offered.cpus.is_empty());
        let Some(models) = known.models.filter(|_| !none) else {
            return Err(refused(format!(
                "QEMU '{}' does not support any CPU models for virttype '{}'",
                found.emulator.path(),
                found.virt.as_str()
            )));
        };
        if found.arch == "s390x" {
            let named = cpus.iter().filter_map(|cpu| cpu.model.as_deref());
            if let Some(name) = named.into_iter().find(|name| models.model(name).is_none()) {
                return Err(bad_argument(format!("CPU model '{name}' not supported by hypervisor")));
            }
        }
        if !virtus_cpu::x86::is_x86(&found.arch) {
            return Err(refused(format!(
                "computing baseline hypervisor CPU is not supported for arch {}",
                found.arch
            )));
        }
        let features: Option<Vec<String>> = known.features.map(|properties| {
            let wanted = properties.iter().filter(|property| property.migratable || !migratable);
            wanted.map(|property| property.name.clone()).collect()
        });
        let limits = Limits {
            hypervisor: Some(models),
            // QEMU itself says what migrates
            migratable: migratable && features.is_none(),
            features: features.as_deref(),
        };
        let mut cpu = virtus_cpu::baseline(Some(&found.arch), &cpus, &limits)?;
        cpu.fallback = CpuFallback::Forbid;
        if flags & VIR_CONNECT_BASELINE_CPU_EXPAND_FEATURES != 0 {
            cpu = virtus_cpu::expand(&found.arch, cpu)?;
        }
        Ok(cpu.format())
    }

    pub(super) fn cpu_model_names(
        &self,
        arch: &str,
        need: bool,
        flags: u32,
    ) -> Result<ConnectGetCpuModelNamesReply> {
        Error::check_flags(ErrorDomain::QEMU, flags, 0, "qemuConnectGetCPUModelNames")?;
        if !virtus_conf::is_architecture(arch) {
            return Err(bad_argument(format!("cannot find architecture {arch}")));
        }
        let names = virtus_cpu::models(arch)?;
        let ret = i32::try_from(names.len()).unwrap_or(i32::MAX);
        let names = if need { names.into_iter().map(str::to_owned).collect() } else { Vec::new() };
        Ok(ConnectGetCpuModelNamesReply { models: List(names), ret })
    }
}

/// A definition's document with its CPU as guests on this host would have it.
///
/// # Errors
/// For models nobody knows, or when the host's is not known.
pub(super) async fn with_host_cpu(
    driver: &Driver,
    mut model: virtus_conf::domain::Domain,
    options: FormatOptions,
) -> Result<String> {
    let path = model.devices.emulator.clone().unwrap_or_default();
    let emulator = driver.setup.emulators.get(Path::new(&path)).await?;
    crate::command::guest_cpu::shown(&mut model, &*emulator)?;
    Ok(match options.migratable {
        true => crate::migratable::reduced(&model).format(&options),
        false => model.format(&options),
    })
}

fn refused(text: String) -> Error {
    crate::error::error(virtus_base::ErrorCode::OPERATION_UNSUPPORTED, text)
}

/// Whether what does not fit is an error, and whether the document is checked strictly.
fn comparing(flags: u32, function: &str) -> Result<(bool, bool)> {
    let known = VIR_CONNECT_COMPARE_CPU_FAIL_INCOMPATIBLE | VIR_CONNECT_COMPARE_CPU_VALIDATE_XML;
    Error::check_flags(ErrorDomain::QEMU, flags, known, function)?;
    let set = |flag| flags & flag != 0;
    Ok((set(VIR_CONNECT_COMPARE_CPU_FAIL_INCOMPATIBLE), set(VIR_CONNECT_COMPARE_CPU_VALIDATE_XML)))
}

/// Whether only what migrates is wanted.
fn baselining(flags: u32, function: &str) -> Result<bool> {
    let known = VIR_CONNECT_BASELINE_CPU_EXPAND_FEATURES | VIR_CONNECT_BASELINE_CPU_MIGRATABLE;
    Error::check_flags(ErrorDomain::QEMU, flags, known, function)?;
    Ok(flags & VIR_CONNECT_BASELINE_CPU_MIGRATABLE != 0)
}

/// libvirt refuses an empty list before any driver sees it.
fn some_cpus(xmls: &[String], function: &str) -> Result<()> {
    match xmls.is_empty() {
        true => {
            let text = format!("xmlCPUs in {function} must not be NULL");
            Err(Error::invalid_argument(ErrorDomain::DOMAIN, function, "xmlCPUs", text))
        }
        false => Ok(()),
    }
}

fn parse_all(xmls: &[String], kind: Option<Kind>) -> Result<Vec<Definition>> {
    xmls.iter().map(|xml| Definition::parse(xml, kind, false)).collect()
}
