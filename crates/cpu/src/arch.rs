//! What can be done with the CPUs of each architecture.

use virtus_base::{ErrorCode, Result};

use crate::{Comparison, Definition, Limits, error, ppc64, x86};

/// Families of architectures whose CPUs have models.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Family {
    X86,
    Ppc64,
    Arm,
    S390,
    Riscv64,
    Loongarch,
}

impl Family {
    fn of(arch: &str) -> Option<Family> {
        Some(match arch {
            "i686" | "x86_64" => Family::X86,
            "ppc64" | "ppc64le" => Family::Ppc64,
            "aarch64" | "armv6l" | "armv7b" | "armv7l" => Family::Arm,
            "s390" | "s390x" => Family::S390,
            "riscv64" => Family::Riscv64,
            "loongarch64" => Family::Loongarch,
            _ => return None,
        })
    }
}

fn no_support(text: String) -> virtus_base::Error {
    error(ErrorCode::NO_SUPPORT, text)
}

fn family(arch: &str) -> Result<Family> {
    Family::of(arch)
        .ok_or_else(|| no_support(format!("'{arch}' architecture is not supported by CPU driver")))
}

/// Compares a CPU with a host's.
///
/// # Errors
/// `NO_SUPPORT` where CPUs are not compared; `INTERNAL_ERROR` for models and features nobody knows.
pub fn compare(arch: &str, host: Option<&Definition>, cpu: &Definition) -> Result<Comparison> {
    match family(arch)? {
        Family::X86 => match host.filter(|host| host.model.is_some()) {
            Some(host) => x86::compare(host, cpu),
            None => Ok(Comparison::Incompatible("unknown host CPU".into())),
        },
        // nothing is known of what hosts lack
        Family::Arm | Family::Loongarch | Family::Riscv64 => Ok(Comparison::Identical),
        Family::Ppc64 => match host.and_then(|host| host.model.as_ref()) {
            Some(model) if cpu.model.as_ref() == Some(model) => Ok(Comparison::Identical),
            Some(_) => {
                let model = cpu.model.as_deref().unwrap_or_default();
                let why = format!("host CPU model does not match required CPU model {model}");
                Ok(Comparison::Incompatible(why))
            }
            None => Ok(Comparison::Incompatible("unknown host CPU".into())),
        },
        Family::S390 => Err(no_support(format!("cannot compare CPUs of {arch} architecture"))),
    }
}

/// The best CPU that all of these can be. Without an `arch`, the first one's counts.
///
/// # Errors
/// `INVALID_ARG` without CPUs or models; `NO_SUPPORT` for other architectures; `OPERATION_FAILED` when there is none.
pub fn baseline(arch: Option<&str>, cpus: &[Definition], limits: &Limits<'_>) -> Result<Definition> {
    let invalid = |text: String| Err(error(ErrorCode::INVALID_ARG, text));
    let Some(first) = cpus.first() else { return invalid("no CPUs given".into()) };
    if let Some(place) = cpus.iter().position(|cpu| cpu.model.is_none()) {
        return invalid(format!("no CPU model specified at index {place}"));
    }
    let arch = arch.or(first.arch.as_deref()).unwrap_or_default();
    match family(arch)? {
        Family::X86 => x86::baseline(cpus, limits),
        Family::Ppc64 => ppc64::baseline(cpus),
        Family::Arm => Ok(Definition { model: first.model.clone(), ..Definition::exact() }),
        Family::S390 | Family::Riscv64 | Family::Loongarch => {
            Err(no_support(format!("cannot compute baseline CPU of {arch} architecture")))
        }
    }
}

/// Refuses features nobody knows.
///
/// # Errors
/// `CONFIG_UNSUPPORTED`, naming the first; `NO_SUPPORT` for architectures without models.
pub fn validate(arch: &str, cpu: &Definition) -> Result<()> {
    match family(arch)? {
        Family::X86 => x86::validate(cpu),
        Family::Arm => match cpu.features.iter().find(|feature| !is_arm_feature(&feature.name)) {
            Some(feature) => {
                let text = format!("unknown CPU feature: {}", feature.name);
                Err(error(ErrorCode::CONFIG_UNSUPPORTED, text))
            }
            None => Ok(()),
        },
        _ => Ok(()),
    }
}

/// Arm's features: pointer authentication, and vectors with each length there may be.
fn is_arm_feature(name: &str) -> bool {
    match name.strip_prefix("sve") {
        Some("") => true,
        Some(bits) => bits.parse::<u32>().is_ok_and(|bits| bits % 128 == 0 && (128..=2048).contains(&bits)),
        None => name == "pauth",
    }
}

/// Replaces a model that the hypervisor does not know, where there is a nearest one.
///
/// # Errors
/// `CONFIG_UNSUPPORTED` when it may not be replaced, `NO_SUPPORT` when it cannot; for x86 as [`x86::translate`].
pub fn translate(arch: &str, cpu: &mut Definition, hypervisor: &dyn crate::Hypervisor) -> Result<()> {
    let named = cpu.model.as_deref().unwrap_or_default();
    let unsupported = |text: String| Err(error(ErrorCode::CONFIG_UNSUPPORTED, text));
    if hypervisor.model(named).is_some() {
        Ok(())
    } else if cpu.fallback != virtus_conf::domain::cpu::CpuFallback::Allow {
        unsupported(format!("CPU model {named} is not supported by hypervisor"))
    } else if family(arch)? == Family::X86 {
        x86::translate(cpu, hypervisor)
    } else {
        Err(no_support(format!("cannot translate CPU model {named} to a supported model")))
    }
}

/// Lists all features of a CPU, those of its model too.
///
/// # Errors
/// `INTERNAL_ERROR` when its model is not known.
pub fn expand(arch: &str, cpu: Definition) -> Result<Definition> {
    match family(arch)? {
        Family::X86 => x86::expand(&cpu),
        _ => Ok(cpu),
    }
}

/// The names of the models of an architecture; none where any name QEMU has will do.
///
/// # Errors
/// `NO_SUPPORT` for architectures without models.
pub fn models(arch: &str) -> Result<Vec<&'static str>> {
    Ok(match family(arch)? {
        Family::X86 => x86::models().collect(),
        Family::Ppc64 => ppc64::MODELS.iter().map(|(name, _)| *name).collect(),
        Family::Arm | Family::S390 | Family::Riscv64 | Family::Loongarch => Vec::new(),
    })
}

/// The maker of a model, if it has one.
pub fn vendor_of(arch: &str, model: &str) -> Option<&'static str> {
    match Family::of(arch)? {
        Family::X86 => x86::vendor_of(model),
        Family::Ppc64 => ppc64::vendor_of(model),
        // what QEMU made up is nobody's
        Family::S390 => (model.starts_with('z') || model.starts_with("gen")).then_some("IBM"),
        Family::Arm | Family::Riscv64 | Family::Loongarch => None,
    }
}

/// Completes a guest's CPU on a host, as [`x86::update`] does.
///
/// # Errors
/// As there; `NO_SUPPORT` for architectures without models.
pub fn update(arch: &str, guest: &mut Definition, host: Option<&Definition>) -> Result<()> {
    use virtus_conf::domain::cpu::{CpuMatch, CpuMode, FeaturePolicy};
    let relative = match guest.mode {
        Some(CpuMode::HostPassthrough | CpuMode::Maximum) => return Ok(()),
        Some(CpuMode::HostModel) => true,
        Some(CpuMode::Custom) | None => {
            let optional = |feature: &crate::Feature| feature.policy == Some(FeaturePolicy::Optional);
            guest.match_ == Some(CpuMatch::Minimum) || guest.features.iter().any(optional)
        }
    };
    let unsupported = |text: String| Err(error(ErrorCode::CONFIG_UNSUPPORTED, text));
    match (family(arch)?, guest.mode) {
        (Family::X86, _) => x86::update(guest, host, relative),
        (Family::S390 | Family::Arm | Family::Ppc64, Some(CpuMode::HostModel)) => match host {
            Some(host) => {
                x86::like_host(guest, host);
                Ok(())
            }
            None => unsupported("unknown host CPU model".into()),
        },
        (Family::S390, _) if guest.match_ == Some(CpuMatch::Minimum) => {
            unsupported("match mode minimum not supported".into())
        }
        (Family::S390, _) => {
            let told = |feature: &&crate::Feature| {
                !matches!(feature.policy, None | Some(FeaturePolicy::Require | FeaturePolicy::Disable))
            };
            match guest.features.iter().find(told) {
                Some(feature) => unsupported(format!(
                    "only cpu feature policies 'require' and 'disable' are supported for {}",
                    feature.name
                )),
                None => Ok(()),
            }
        }
        _ => Ok(()),
    }
}
