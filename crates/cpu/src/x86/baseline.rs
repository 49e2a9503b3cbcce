//! The best CPU that all of several hosts can be.

use virtus_base::Result;
use virtus_conf::domain::cpu::{CpuFallback, FeaturePolicy};

use super::data::{Data, Meant, features_of, model_of};
use super::decode::decode;
use super::is_for_qemu;
use super::set::FeatureSet;
use super::table::{Vendor, table};
use crate::{Definition, Kind, Limits, failed, internal};

/// The best CPU that all of these can be; there is at least one, and each has a model.
///
/// # Errors
/// `OPERATION_FAILED` when there is none, `INTERNAL_ERROR` for models and features nobody knows.
pub fn baseline(cpus: &[Definition], limits: &Limits<'_>) -> Result<Definition> {
    let known = |name: &str| Vendor::named(name).ok_or_else(|| failed(format!("Unknown CPU vendor {name}")));
    let mut common: Option<FeatureSet> = None;
    let mut vendor: Option<Vendor> = None;
    let mut names: Vec<String> = Vec::new();
    for cpu in cpus {
        let first = common.is_none();
        let features = features_of(cpu, Meant::All)?;
        if let Some(name) = cpu.model.as_ref().filter(|name| !names.contains(name)) {
            names.push(name.clone());
        }
        let of_model = model_of(cpu)?.and_then(|model| model.vendor);
        // the first one's word is taken for it
        if let (false, Some(said), Some(of_model)) = (first, &cpu.vendor, of_model)
            && said != of_model.name
        {
            return Err(failed(format!(
                "CPU vendor {} of model {} differs from vendor {said}",
                of_model.name,
                cpu.model.as_deref().unwrap_or_default(),
            )));
        }
        let own = match &cpu.vendor {
            Some(said) => Some(said.as_str()),
            None => of_model.filter(|_| !first).map(|vendor| vendor.name),
        };
        match (own, vendor) {
            (Some(own), None) => vendor = Some(known(own)?),
            (Some(own), Some(vendor)) if own != vendor.name => {
                return Err(failed("CPU vendors do not match"));
            }
            _ => {}
        }
        common = Some(common.map_or(features, |common| common.and(&features)));
    }
    let mut common = common.unwrap_or_default();
    if let Some(only) = limits.features {
        common = common.and(&only.iter().filter_map(|name| table().feature(name)).collect());
    }
    if common.is_empty() {
        return Err(failed("CPUs are incompatible"));
    }
    // what no guest can be given
    let useless = table().features.iter().enumerate().filter(|(_, feature)| !is_for_qemu(feature.name));
    common = common.minus(&useless.map(|(place, _)| place).collect());
    let data = Data { vendor, signature: None, features: common };
    let found = decode(&data, Kind::Guest, limits.hypervisor, &names, limits.migratable)?;
    let mut cpu = Definition { signature: None, match_: Definition::exact().match_, ..found };
    if let [name] = names.as_slice()
        && cpu.model.as_ref() == Some(name)
    {
        cpu.fallback = CpuFallback::Forbid;
    }
    if cpus.iter().any(|cpu| cpu.vendor.is_none()) {
        cpu.vendor = None;
    }
    Ok(cpu)
}

/// Lists all features of a CPU, those of its model too, by name.
///
/// # Errors
/// `INTERNAL_ERROR` when its model is not known.
pub fn expand(cpu: &Definition) -> Result<Definition> {
    let name = cpu.model.as_deref().unwrap_or_default();
    let model = table().model(name).ok_or_else(|| internal(format!("unknown CPU model {name}")))?;
    let guest = cpu.kind == Kind::Guest;
    let mut expanded = Definition { features: Vec::new(), ..cpu.clone() };
    for name in table().names(&model.features) {
        expanded.set_feature(name, guest.then_some(FeaturePolicy::Require));
    }
    for feature in &cpu.features {
        let told = matches!(feature.policy, Some(FeaturePolicy::Require | FeaturePolicy::Disable));
        if !guest || told {
            expanded.set_feature(&feature.name, feature.policy);
        }
    }
    if guest {
        for name in &model.removed {
            expanded.set_missing_feature(name, FeaturePolicy::Disable);
        }
    }
    expanded.features.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(expanded)
}
