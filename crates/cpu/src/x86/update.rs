//! A guest's CPU on a certain host, completed before the start.

use virtus_base::{ErrorCode, Result};
use virtus_conf::domain::cpu::{CpuMatch, CpuMode, FeaturePolicy};

use super::data::{Data, Meant, features_of, model_of};
use super::decode::decode;
use super::table::{Model, table};
use crate::{Definition, Hypervisor, Kind, error, internal};

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

pub(super) fn disable_removed(cpu: &mut Definition, model: &Model) {
    for name in &model.removed {
        cpu.set_missing_feature(name, FeaturePolicy::Disable);
    }
}

/// Replaces a model by the nearest one the hypervisor knows.
///
/// # Errors
/// `INTERNAL_ERROR` for what nobody knows, or when no model will do.
pub fn translate(cpu: &mut Definition, hypervisor: &dyn Hypervisor) -> Result<()> {
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
