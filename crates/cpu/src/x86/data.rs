//! What a CPU is found to have.

use virtus_base::Result;
use virtus_conf::domain::cpu::FeaturePolicy;
use virtus_conf::host_cpu::Signature;

use super::set::FeatureSet;
use super::table::{Model, Register, Vendor, table};
use crate::{Definition, Kind, internal};

/// One answer of the CPUID instruction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Leaf {
    /// What was asked for: leaf and subleaf.
    pub asked: (u32, u32),
    /// eax, ebx, ecx, edx.
    pub registers: [u32; 4],
}

/// The register that says which of its known weaknesses a CPU does not have.
pub const ARCH_CAPABILITIES: u32 = 0x10a;

/// A CPU's maker, signature and features.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Data {
    /// The maker, if it is a known one.
    pub vendor: Option<Vendor>,
    /// What it calls itself.
    pub signature: Option<Signature>,
    /// Its features.
    pub features: FeatureSet,
}

impl Data {
    /// What a CPU says. `msrs` are model specific registers with their values.
    pub fn from_cpu(leaves: &[Leaf], msrs: &[(u32, u64)]) -> Data {
        let leaf = |asked| leaves.iter().find(|leaf| leaf.asked == asked).map(|leaf| leaf.registers);
        let value = |register| match register {
            Register::Cpuid(main, sub, place) => leaf((main, sub)).and_then(|r| r.get(place).copied()),
            Register::Msr(index, half) => msrs.iter().find(|(found, _)| *found == index).map(|(_, value)| {
                let value = if half == 0 { *value } else { value >> 32 };
                u32::try_from(value & u64::from(u32::MAX)).unwrap_or(0)
            }),
        };
        let table = table();
        let has = |feature: &super::table::Feature| {
            value(feature.register)
                .is_some_and(|bits| bits.checked_shr(feature.bit).is_some_and(|b| b & 1 == 1))
        };
        let features = table.features.iter().enumerate().filter(|(_, f)| has(f)).map(|(i, _)| i).collect();
        Data {
            vendor: leaf((0, 0)).and_then(|[_, b, c, d]| {
                let id = [b, d, c].map(u32::to_le_bytes).concat();
                std::str::from_utf8(&id).ok().and_then(Vendor::of_id)
            }),
            signature: leaf((1, 0)).map(|[eax, ..]| signature_of(eax)),
            features,
        }
    }

    /// Adds a feature by libvirt's name; what is not known is passed over.
    pub fn add(&mut self, feature: &str) {
        if let Some(place) = table().feature(feature) {
            self.features.insert(place);
        }
    }

    /// Whether it has a feature of libvirt's name.
    pub fn has(&self, feature: &str) -> bool {
        table().feature(feature).is_some_and(|place| self.features.contains(place))
    }
}

/// Family, model and stepping from leaf 1's eax.
fn signature_of(eax: u32) -> Signature {
    Signature {
        family: ((eax >> 20) & 0xff) + ((eax >> 8) & 0xf),
        model: ((eax >> 12) & 0xf0) + ((eax >> 4) & 0xf),
        stepping: eax & 0xf,
    }
}

/// Which of a definition's features are meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Meant {
    /// What the CPU has: those of the model, those required or forced, not those disabled or forbidden.
    All,
    /// Those with a policy; the model's are required.
    Policy(FeaturePolicy),
}

fn known_model(name: &str) -> Result<&'static Model> {
    table().model(name).ok_or_else(|| internal(format!("Unknown CPU model {name}")))
}

/// A definition's model.
///
/// # Errors
/// `INTERNAL_ERROR` when it is not known.
pub(super) fn model_of(cpu: &Definition) -> Result<Option<&'static Model>> {
    cpu.model.as_deref().map(known_model).transpose()
}

/// The features of a definition.
///
/// # Errors
/// `INTERNAL_ERROR` when its model or a feature is not known.
pub(super) fn features_of(cpu: &Definition, meant: Meant) -> Result<FeatureSet> {
    use FeaturePolicy::{Disable, Forbid, Force, Optional, Require};
    let with_model = matches!(meant, Meant::All | Meant::Policy(Require));
    let mut set = FeatureSet::default();
    // what a host has, it has
    if cpu.kind == Kind::Host && !with_model {
        return Ok(set);
    }
    if with_model && let Some(model) = model_of(cpu)? {
        set = model.features;
    }
    for feature in &cpu.features {
        let policy = feature.policy.unwrap_or(Require);
        let wanted = match meant {
            Meant::All => policy != Optional,
            Meant::Policy(meant) => policy == meant,
        };
        if !wanted {
            continue;
        }
        let place = table()
            .feature(&feature.name)
            .ok_or_else(|| internal(format!("Unknown CPU feature {}", feature.name)))?;
        match policy {
            Disable | Forbid if meant == Meant::All => set.remove(place),
            Force | Require | Optional | Disable | Forbid => set.insert(place),
        }
    }
    Ok(set)
}
