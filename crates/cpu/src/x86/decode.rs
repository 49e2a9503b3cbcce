//! Finding the model that comes nearest to what a CPU has.

use virtus_base::Result;
use virtus_conf::domain::cpu::FeaturePolicy;

use super::data::Data;
use super::table::{Model, table};
use crate::{Definition, Feature, Hypervisor, HypervisorModel, Kind, internal};

/// What a disabled feature costs when models are compared; each further one costs one more.
const PENALTY: usize = 2;

/// A model with what has to be said beside its name.
struct Candidate {
    model: &'static Model,
    features: Vec<Feature>,
}

/// Describes a CPU as a model with features. `preferred` are models that are taken if they will do at all.
///
/// # Errors
/// `INTERNAL_ERROR` when no model will do.
pub(super) fn decode(
    data: &Data,
    kind: Kind,
    hypervisor: Option<&dyn Hypervisor>,
    preferred: &[String],
    migratable: bool,
) -> Result<Definition> {
    let data = without_broken(data);
    let mut best: Option<Candidate> = None;
    // the newest first
    for model in table().models.iter().rev() {
        let known = hypervisor.map(|hypervisor| hypervisor.model(model.name));
        if known.is_some_and(|known| known.is_none()) {
            continue;
        }
        if data.vendor.is_some() && model.vendor.is_some() && data.vendor != model.vendor {
            continue;
        }
        let candidate = Candidate { model, features: describe(&data, model, known.flatten(), kind) };
        match choose(best.as_ref(), &candidate, &data, kind, preferred) {
            Choice::Old => {}
            Choice::New => best = Some(candidate),
            Choice::Final => {
                best = Some(candidate);
                break;
            }
        }
    }
    let best = best.ok_or_else(|| internal("Cannot find suitable CPU model for given data"))?;
    let movable = |name: &str| table().feature(name).is_none_or(is_migratable);
    let mut features = best.features;
    features.retain(|feature| !migratable || movable(&feature.name));
    if kind == Kind::Host {
        features.iter_mut().for_each(|feature| feature.policy = None);
    }
    Ok(Definition {
        model: Some(best.model.name.to_owned()),
        vendor: data.vendor.map(|vendor| vendor.name.to_owned()),
        signature: data.signature,
        features,
        ..Definition::new(kind)
    })
}

fn is_migratable(place: usize) -> bool {
    table().features.get(place).is_none_or(|feature| feature.migratable)
}

/// Some CPUs have transactional memory that does not work.
fn without_broken(data: &Data) -> Data {
    let mut data = *data;
    let broken = data.signature.is_some_and(|s| {
        s.family == 6 && (matches!(s.model, 60 | 69 | 70) || (s.model == 63 && s.stepping < 4))
    });
    if broken && data.vendor.is_some_and(|vendor| vendor.name == "Intel") {
        let places = ["hle", "rtm"].iter().filter_map(|name| table().feature(name));
        places.for_each(|place| data.features.remove(place));
    }
    data
}

/// What has to be said beside the model's name.
fn describe(
    data: &Data,
    model: &'static Model,
    known: Option<HypervisorModel<'_>>,
    kind: Kind,
) -> Vec<Feature> {
    let table = table();
    let more = data.features.minus(&model.features);
    let mut less = model.features.minus(&data.features);
    // the hypervisor's model of that name may have features that cannot be had here
    for blocker in known.iter().flat_map(|known| known.blockers) {
        if let Some(place) = table.feature(blocker).filter(|place| !more.contains(*place)) {
            less.insert(place);
        }
    }
    let feature = |name: &str, policy| Feature { name: name.to_owned(), policy: Some(policy) };
    let mut features: Vec<Feature> =
        table.names(&more).map(|name| feature(name, FeaturePolicy::Require)).collect();
    features.extend(table.names(&less).map(|name| feature(name, FeaturePolicy::Disable)));
    if kind == Kind::Guest {
        for name in &model.removed {
            if !features.iter().any(|feature| feature.name == *name) {
                features.push(feature(name, FeaturePolicy::Disable));
            }
        }
    }
    features
}

enum Choice {
    /// What was found before is better.
    Old,
    /// This is better.
    New,
    /// Nothing can be better than this.
    Final,
}

fn choose(
    best: Option<&Candidate>,
    candidate: &Candidate,
    data: &Data,
    kind: Kind,
    preferred: &[String],
) -> Choice {
    let model = candidate.model;
    let usable = match kind {
        // what a host lacks cannot be said
        Kind::Host => {
            model.host && candidate.features.iter().all(|f| f.policy == Some(FeaturePolicy::Require))
        }
        Kind::Guest => model.guest,
    };
    if !usable {
        return Choice::Old;
    }
    let is_preferred = preferred.iter().any(|name| name == model.name);
    if is_preferred && preferred.len() == 1 {
        return Choice::Final;
    }
    let Some(best) = best else { return Choice::New };
    // a model of the same family comes before one that is shorter to describe
    if let Some(signature) = data.signature.filter(|signature| *signature != Default::default()) {
        match (best.model.matches(signature), model.matches(signature)) {
            (true, false) => return Choice::Old,
            (false, true) => return Choice::New,
            _ => {}
        }
    }
    let (cost, disabled) = cost(&candidate.features, kind);
    let (best_cost, best_disabled) = self::cost(&best.features, kind);
    let cheaper = cost < best_cost || (cost == best_cost && disabled < best_disabled);
    match cheaper || (is_preferred && disabled < best_disabled) {
        true => Choice::New,
        false => Choice::Old,
    }
}

/// How much there is to say, and how much of that is about disabled features.
fn cost(features: &[Feature], kind: Kind) -> (usize, usize) {
    let mut enabled = features.len();
    let mut disabled = 0;
    if kind == Kind::Guest {
        let mut penalty = PENALTY;
        let mut place = 0;
        // libvirt looks only as far as it takes features for enabled, so that about half of the disabled count;
        // which model is found depends on it
        while place < enabled {
            if features.get(place).is_some_and(|f| f.policy == Some(FeaturePolicy::Disable)) {
                enabled -= 1;
                disabled += penalty;
                penalty += 1;
            }
            place += 1;
        }
    }
    (enabled + disabled, disabled)
}

#[cfg(test)]
mod tests {
    use super::*;
    use virtus_conf::host_cpu::Signature;

    fn data(model: &str, signature: (u32, u32, u32)) -> Data {
        let model = table().model(model).unwrap();
        let (family, number, stepping) = signature;
        Data {
            vendor: model.vendor,
            signature: Some(Signature { family, model: number, stepping }),
            features: model.features,
        }
    }

    #[test]
    fn models_are_found_by_their_features_and_signatures() {
        let mut cpu = data("Skylake-Server", (6, 85, 4));
        cpu.add("pku");
        let found = decode(&cpu, Kind::Guest, None, &[], false).unwrap();
        assert_eq!(found.model.as_deref(), Some("Skylake-Server"));
        assert_eq!(found.vendor.as_deref(), Some("Intel"));
        let said: Vec<_> = found.features.iter().map(|f| (f.name.as_str(), f.policy.unwrap())).collect();
        assert_eq!(said, [("pku", FeaturePolicy::Require), ("mpx", FeaturePolicy::Disable)]);
    }

    #[test]
    fn hosts_are_never_said_to_lack_something() {
        let mut cpu = data("Haswell", (6, 158, 1));
        cpu.features.remove(table().feature("avx").unwrap());
        let found = decode(&cpu, Kind::Host, None, &[], false).unwrap();
        assert!(found.features.iter().all(|f| f.policy.is_none()));
        assert!(
            !table()
                .model(found.model.as_deref().unwrap())
                .unwrap()
                .features
                .contains(table().feature("avx").unwrap())
        );
    }

    #[test]
    fn broken_transactional_memory_is_not_there() {
        let found = decode(&data("Haswell", (6, 60, 3)), Kind::Host, None, &[], false).unwrap();
        assert_eq!(found.model.as_deref(), Some("Haswell-v2"));
    }
}
