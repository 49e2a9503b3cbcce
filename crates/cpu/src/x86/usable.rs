//! Whether a hypervisor can give guests a CPU: by its own word where that is clear, else by comparing features.

use virtus_base::{ErrorCode, Result};
use virtus_conf::domain::cpu::FeaturePolicy;

use super::compare::compare;
use super::data::{Meant, features_of};
use super::table::table;
use crate::{Comparison, Definition, Hypervisor, error};

/// Compares a CPU with what a hypervisor can give its guests (`offer`) and, where its word is not enough, with a host.
///
/// # Errors
/// As [`compare`].
pub fn compare_usable(
    cpu: &Definition,
    hypervisor: &dyn Hypervisor,
    offer: &Definition,
    host: &Definition,
) -> Result<Comparison> {
    use FeaturePolicy::{Disable, Require};
    let name = cpu.model.as_deref().unwrap_or_default();
    let (Some(known), Some(model)) = (hypervisor.model(name), table().model(name)) else {
        return compare(host, cpu);
    };
    let has = features_of(offer, Meant::All)?;
    let present = |name: &str| table().feature(name).is_some_and(|place| has.contains(place));
    let disabled = |name: &str| cpu.feature(name).is_some_and(|f| f.policy == Some(Disable));
    let mut missing: Vec<&str> =
        known.blockers.iter().map(String::as_str).filter(|blocker| !disabled(blocker)).collect();
    for feature in cpu.features.iter().filter(|feature| feature.policy == Some(Require)) {
        if !present(&feature.name) {
            missing.push(&feature.name);
        }
    }
    let clear = cpu.features.iter().all(|f| matches!(f.policy, Some(Require | Disable)));
    match (clear && missing.is_empty(), model.compat) {
        (true, _) => Ok(Comparison::Superset),
        (false, true) => compare(host, cpu),
        (false, false) if missing.is_empty() => Ok(Comparison::Superset),
        (false, false) => {
            let why = format!("Host CPU does not provide required features: {}", missing.join(", "));
            Ok(Comparison::Incompatible(why))
        }
    }
}

/// Refuses a CPU that must not have what the hypervisor's guests have beside their model.
///
/// # Errors
/// `CPU_INCOMPATIBLE`, naming the first such feature.
pub fn refuse_forbidden(cpu: &Definition, offer: &Definition) -> Result<()> {
    let given = |name: &str| {
        offer.feature(name).is_some_and(|f| matches!(f.policy, None | Some(FeaturePolicy::Require)))
    };
    let mut forbidden = cpu.features.iter().filter(|f| f.policy == Some(FeaturePolicy::Forbid));
    match forbidden.find(|feature| given(&feature.name)) {
        Some(feature) => {
            let why = format!("Host CPU provides forbidden feature '{}'", feature.name);
            Err(error(ErrorCode::CPU_INCOMPATIBLE, why))
        }
        None => Ok(()),
    }
}
