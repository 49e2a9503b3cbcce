//! POWER: a model is a generation; hosts run guests of their own.

use virtus_base::Result;
use virtus_conf::domain::cpu::CpuFallback;

use crate::{Definition, failed, internal};

/// The models, each with its maker.
pub(crate) const MODELS: &[(&str, &str)] = &[
    ("POWER6", "IBM"),
    ("POWER7", "IBM"),
    ("POWER8", "IBM"),
    ("POWER9", "IBM"),
    ("POWER10", "IBM"),
    ("POWERPC_e5500", "Freescale"),
    ("POWERPC_e6500", "Freescale"),
];

/// The model of a name, however that is written.
pub fn model(name: &str) -> Option<&'static str> {
    MODELS.iter().map(|(known, _)| *known).find(|known| known.eq_ignore_ascii_case(name))
}

/// The maker of a model.
pub(crate) fn vendor_of(model: &str) -> Option<&'static str> {
    MODELS.iter().find(|(known, _)| *known == model).map(|(_, vendor)| *vendor)
}

/// The CPU that all of these are.
///
/// # Errors
/// `OPERATION_FAILED` when they are not the same, `INTERNAL_ERROR` for a model nobody knows.
pub(crate) fn baseline(cpus: &[Definition]) -> Result<Definition> {
    let mut names = cpus.iter().filter_map(|cpu| cpu.model.as_deref());
    let name = names.next().unwrap_or_default();
    let (_, of_model) = MODELS
        .iter()
        .find(|(known, _)| *known == name)
        .ok_or_else(|| internal(format!("Unknown CPU model {name}")))?;
    if names.any(|other| other != name) {
        return Err(failed("CPUs are incompatible"));
    }
    if let Some(vendor) = cpus.iter().filter_map(|cpu| cpu.vendor.as_deref()).find(|v| v != of_model) {
        return Err(failed(format!("CPU vendor {of_model} of model {name} differs from vendor {vendor}")));
    }
    // the maker goes without saying
    Ok(Definition { model: Some(name.to_owned()), fallback: CpuFallback::Forbid, ..Definition::exact() })
}
