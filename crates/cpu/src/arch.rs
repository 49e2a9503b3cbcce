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

/// Arm's models that QEMU does not list by itself.
const ARM_MODELS: &[&str] = &[
    "cortex-a53",
    "cortex-a57",
    "cortex-a72",
    "Neoverse-N1",
    "Neoverse-N2",
    "Neoverse-V1",
    "Falkor",
    "ThunderX299xx",
    "a64fx",
    "Kunpeng-920",
    "FT-2000plus",
    "Tengyun-S2500",
    "Ampere-1",
    "Ampere-1a",
];

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
        Family::Ppc64 => ppc64::baseline(cpus, limits),
        Family::Arm => Ok(Definition { model: first.model.clone(), ..Definition::exact() }),
        Family::S390 | Family::Riscv64 | Family::Loongarch => {
            Err(no_support(format!("cannot compute baseline CPU of {arch} architecture")))
        }
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

/// The names of the models of an architecture; `None` where any name QEMU has will do.
///
/// # Errors
/// `NO_SUPPORT` for architectures without models.
pub fn models(arch: &str) -> Result<Option<Vec<&'static str>>> {
    Ok(match family(arch)? {
        Family::X86 => Some(x86::models().collect()),
        Family::Ppc64 => Some(ppc64::MODELS.iter().map(|(name, _)| *name).collect()),
        Family::Arm if arch == "aarch64" => Some(ARM_MODELS.to_vec()),
        Family::Arm => Some(Vec::new()),
        Family::S390 | Family::Riscv64 | Family::Loongarch => None,
    })
}
