//! A guest's CPU on a certain host: completed before the start, corrected after it.

use virtus_base::{ErrorCode, Result};
use virtus_conf::domain::cpu::{CpuCheck, CpuFallback, CpuMatch, CpuMode, FeaturePolicy};

use super::data::{Data, Meant, features_of, model_of};
use super::decode::decode;
use super::set::FeatureSet;
use super::table::{Model, table};
use crate::{Definition, Hypervisor, Kind, error, failed, internal};

/// Completes a guest's CPU: optional features are decided, `host-model` and minimum matches become the host's own
/// model, features that were taken out of the model are disabled. `relative` is whether the host matters to it.
///
/// # Errors
/// `CONFIG_UNSUPPORTED` when it depends on a host that is not known; `INTERNAL_ERROR` for what nobody knows.
pub fn update(guest: &mut Definition, host: Option<&Definition>, relative: bool) -> Result<()> {
    if relative {
        let host = host.ok_or_else(|| error(ErrorCode::CONFIG_UNSUPPORTED, "unknown host CPU model"))?;
        let has = features_of(host, Meant::All)?;
        for feature in &mut guest.features {
            if feature.policy == Some(FeaturePolicy::Optional) {
                let place = table()
                    .feature(&feature.name)
                    .ok_or_else(|| internal(format!("unknown CPU feature {}", feature.name)))?;
                feature.policy = Some(match has.contains(place) {
                    true => FeaturePolicy::Require,
                    false => FeaturePolicy::Disable,
                });
            }
        }
        if guest.mode == Some(CpuMode::HostModel) || guest.match_ == Some(CpuMatch::Minimum) {
            like_host(guest, host);
        }
    }
    disable_removed(guest, named_model(guest)?);
    Ok(())
}

fn named_model(cpu: &Definition) -> Result<&'static Model> {
    model_of(cpu)?.ok_or_else(|| internal("Unknown CPU model "))
}

/// The host's model and features, with what the guest says of features.
pub(crate) fn like_host(guest: &mut Definition, host: &Definition) {
    let mut updated = Definition { kind: Kind::Guest, ..host.clone() };
    for feature in &mut updated.features {
        feature.policy.get_or_insert(FeaturePolicy::Require);
    }
    for feature in &guest.features {
        updated.set_feature(&feature.name, feature.policy);
    }
    guest.model = updated.model;
    guest.features = updated.features;
    if guest.mode == Some(CpuMode::HostModel) {
        guest.vendor = updated.vendor;
    }
    guest.mode = Some(CpuMode::Custom);
    guest.match_ = Some(CpuMatch::Exact);
}

fn disable_removed(cpu: &mut Definition, model: &Model) {
    for name in &model.removed {
        cpu.set_missing_feature(name, FeaturePolicy::Disable);
    }
}

/// Replaces a model that the hypervisor does not know by the nearest one it knows.
///
/// # Errors
/// `CONFIG_UNSUPPORTED` when it may not be replaced; `INTERNAL_ERROR` for what nobody knows, or when no model will do.
pub fn translate(cpu: &mut Definition, hypervisor: &dyn Hypervisor) -> Result<()> {
    let named = cpu.model.as_deref().unwrap_or_default();
    if hypervisor.model(named).is_some() {
        return Ok(());
    }
    if cpu.fallback != CpuFallback::Allow {
        let text = format!("CPU model {named} is not supported by hypervisor");
        return Err(error(ErrorCode::CONFIG_UNSUPPORTED, text));
    }
    let model = named_model(cpu)?;
    let data = Data {
        vendor: model.vendor,
        signature: model.signatures.first().map(|signature| signature.first()),
        features: features_of(cpu, Meant::All)?,
    };
    let mut translated = decode(&data, cpu.kind, Some(hypervisor), &[], false)?;
    for feature in &cpu.features {
        translated.set_feature(&feature.name, feature.policy);
    }
    cpu.model = translated.model;
    cpu.features = translated.features;
    Ok(())
}

/// The CPU without the features that keep guests from migrating.
pub fn migratable_copy(cpu: &Definition) -> Definition {
    let mut copy = cpu.clone();
    let known = |name: &str| table().feature(name).and_then(|place| table().features.get(place));
    copy.features.retain(|feature| known(&feature.name).is_none_or(|feature| feature.migratable));
    copy
}

/// The features a model was given when it was in use already.
pub fn added_features(model: &str) -> impl Iterator<Item = &'static str> {
    let set = table().model(model).map(|model| model.added).unwrap_or_default();
    let names: Vec<&'static str> = table().names(&set).collect();
    names.into_iter()
}

/// The CPU that a running guest really has.
#[derive(Clone, Copy, Debug, Default)]
pub struct Live {
    /// The features it has.
    pub enabled: FeatureSet,
    /// The features it was to have and has not.
    pub disabled: FeatureSet,
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
