//! Whether a host can be a CPU.

use virtus_base::{ErrorCode, Result};
use virtus_conf::domain::cpu::{CpuMatch, FeaturePolicy};

use super::data::{Meant, features_of};
use super::set::FeatureSet;
use super::table::table;
use crate::{Comparison, Definition, Kind, error};

/// Compares a CPU with a host's.
///
/// # Errors
/// `INTERNAL_ERROR` for models and features nobody knows.
pub fn compare(host: &Definition, cpu: &Definition) -> Result<Comparison> {
    let incompatible = |why: String| Ok(Comparison::Incompatible(why));
    let features = |what: &str, set: &FeatureSet| {
        let names: Vec<&str> = table().names(set).collect();
        incompatible(format!("{what}: {}", names.join(", ")))
    };
    if let Some(arch) = cpu.arch.as_deref().filter(|arch| !super::is_x86(arch)) {
        return incompatible(format!("CPU arch {arch} does not match host arch"));
    }
    if let Some(vendor) = cpu.vendor.as_ref().filter(|vendor| host.vendor.as_ref() != Some(*vendor)) {
        return incompatible(format!("host CPU vendor does not match required CPU vendor {vendor}"));
    }
    let has = features_of(host, Meant::All)?;
    let with = |policy| features_of(cpu, Meant::Policy(policy));
    let force = with(FeaturePolicy::Force)?;
    let require = with(FeaturePolicy::Require)?;
    let optional = with(FeaturePolicy::Optional)?;
    let disable = with(FeaturePolicy::Disable)?;
    let forbid = with(FeaturePolicy::Forbid)?.and(&has);
    if !forbid.is_empty() {
        return features("Host CPU provides forbidden features", &forbid);
    }
    // what the model has may be wanted otherwise
    let require = require.minus(&force).minus(&optional).minus(&disable);
    if !require.is_subset(&has) {
        return features("Host CPU does not provide required features", &require.minus(&has));
    }
    let extra = has.minus(&optional).minus(&require).minus(&disable).minus(&force);
    if extra.is_empty() {
        Ok(Comparison::Identical)
    } else if cpu.kind == Kind::Guest && cpu.match_ == Some(CpuMatch::Strict) {
        features("Host CPU does not strictly match guest CPU: Extra features", &extra)
    } else {
        Ok(Comparison::Superset)
    }
}

/// Refuses features nobody knows.
///
/// # Errors
/// `CONFIG_UNSUPPORTED`, naming the first.
pub fn validate(cpu: &Definition) -> Result<()> {
    match cpu.features.iter().find(|feature| table().feature(&feature.name).is_none()) {
        Some(feature) => {
            Err(error(ErrorCode::CONFIG_UNSUPPORTED, format!("unknown CPU feature: {}", feature.name)))
        }
        None => Ok(()),
    }
}
