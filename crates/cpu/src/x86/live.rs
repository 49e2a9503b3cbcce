//! A guest's CPU corrected by what the guest really got.

use virtus_base::Result;
use virtus_conf::domain::cpu::{CpuCheck, CpuMode, FeaturePolicy};

use super::data::{Meant, features_of, model_of};
use super::set::FeatureSet;
use super::table::{Register, table};
use super::update::disable_removed;
use crate::{Definition, failed};

/// A register of CPUID as a guest has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Word {
    /// What is asked for: leaf and subleaf.
    pub asked: (u32, u32),
    /// Which register, eax being 0.
    pub register: usize,
    /// Its bits.
    pub bits: u32,
}

/// The CPU that a running guest really has.
#[derive(Clone, Copy, Debug, Default)]
pub struct Live {
    enabled: FeatureSet,
    disabled: FeatureSet,
}

impl Live {
    /// The features of registers and those told by name; `unavailable` are those it was to have and has not.
    /// Features that fail `told`, which nobody can choose, do not count.
    pub fn new(
        words: &[Word],
        named: &[String],
        unavailable: &[String],
        told: impl Fn(&str) -> bool,
    ) -> Live {
        let table = table();
        let in_words = |register, bit| match register {
            Register::Cpuid(leaf, subleaf, place) => words
                .iter()
                .filter(|word| word.asked == (leaf, subleaf) && word.register == place)
                .any(|word| word.bits.checked_shr(bit).is_some_and(|bits| bits & 1 == 1)),
            Register::Msr(..) => false,
        };
        let enabled = table.features.iter().enumerate().filter(|(_, feature)| {
            let named = || named.iter().any(|name| name == feature.name);
            told(feature.name) && (in_words(feature.register, feature.bit) || named())
        });
        Live {
            enabled: enabled.map(|(place, _)| place).collect(),
            disabled: unavailable.iter().filter_map(|name| table.feature(name)).collect(),
        }
    }

    /// Whether it has a feature.
    pub fn has(&self, feature: &str) -> bool {
        table().feature(feature).is_some_and(|place| self.enabled.contains(place))
    }
}

/// The features a CPU is to have that CPUID does not tell of.
///
/// # Errors
/// `INTERNAL_ERROR` for what nobody knows.
pub fn wanted_in_msrs(cpu: &Definition) -> Result<Vec<String>> {
    let wanted = features_of(cpu, Meant::All)?;
    let told = |name: &&str| super::is_in_msr(name);
    Ok(table().names(&wanted).filter(told).map(str::to_owned).collect())
}

/// Corrects a guest's CPU by what it really has.
///
/// # Errors
/// `OPERATION_FAILED` when nothing may differ and something does.
pub fn update_live(cpu: &mut Definition, check: Option<CpuCheck>, live: &Live) -> Result<()> {
    use FeaturePolicy::{Disable, Require};
    let full = check == Some(CpuCheck::Full);
    let host = matches!(cpu.mode, Some(CpuMode::HostPassthrough | CpuMode::Maximum));
    let wanted = features_of(cpu, Meant::All)?;
    let unwanted = features_of(cpu, Meant::Policy(Disable))?;
    let model = model_of(cpu)?;
    let (mut extra, mut missing) = (Vec::new(), Vec::new());
    for (place, feature) in table().features.iter().enumerate() {
        let name = feature.name;
        let expected = match wanted.contains(place) {
            true => Some(Require),
            false if !host || unwanted.contains(place) => Some(Disable),
            false => None,
        };
        let enabled = live.enabled.contains(place);
        // a feature that came into the model later was never promised
        let promised = cpu.feature(name).is_some() || !model.is_some_and(|m| m.added.contains(place));
        if expected == Some(Disable) && enabled {
            match full {
                true if promised => extra.push(name),
                true => {}
                false => cpu.set_feature(name, Some(Require)),
            }
        }
        if live.disabled.contains(place) || (expected == Some(Require) && !enabled) {
            match full {
                true if promised => missing.push(name),
                true => {}
                false => cpu.set_feature(name, Some(Disable)),
            }
        }
    }
    if let Some(model) = model {
        disable_removed(cpu, model);
    }
    let differs = |what: String| Err(failed(format!("guest CPU doesn't match specification: {what}")));
    match (extra.as_slice(), missing.as_slice()) {
        ([], []) => Ok(()),
        (extra, []) => differs(format!("extra features: {}", extra.join(","))),
        ([], missing) => differs(format!("missing features: {}", missing.join(","))),
        (extra, missing) => {
            differs(format!("extra features: {}, missing features: {}", extra.join(","), missing.join(",")))
        }
    }
}
