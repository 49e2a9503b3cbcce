//! The CPU that stands for all that guests of an emulator can have: what QEMU says of it, and what it is called.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use virtus_conf::domain::cpu::{CpuMatch, CpuMode, FeaturePolicy};
use virtus_conf::host_cpu::Signature;
use virtus_cpu::x86::{self, Data, Vendor};
use virtus_cpu::{Definition, Feature, Kind};

use super::Accelerated;
use super::node_cpu::node_cpu;
use crate::emulator::Property;

/// QEMU's expansion of its model `host` or `max`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HostModel {
    /// The model it was expanded to.
    pub name: String,
    /// What the CPU says of its maker.
    pub vendor: Option<String>,
    /// Family, model and stepping.
    pub signature: Option<(u32, u32, u32)>,
    /// The features QEMU can be told of.
    pub properties: Vec<Property>,
    /// Features QEMU wants to be rid of.
    pub deprecated: Vec<String>,
}

impl HostModel {
    /// Reads an expansion, and what there is more when guests need not migrate.
    pub(super) fn read(arch: &str, reply: &Value, unmigratable: Option<&Value>) -> Option<HostModel> {
        let model = reply.get("model")?;
        let nothing = Map::new();
        let props = |reply: &Value| reply.pointer("/model/props").and_then(Value::as_object).cloned();
        let all = props(reply).unwrap_or_else(|| nothing.clone());
        let more = unmigratable.and_then(props).unwrap_or(nothing);
        let number = |name: &str| all.get(name).and_then(Value::as_u64).and_then(|n| u32::try_from(n).ok());
        let translate = |name: &str| match x86::is_x86(arch) {
            true => x86::from_qemu(name).to_owned(),
            false => name.to_owned(),
        };
        let properties = all
            .iter()
            .filter_map(|(name, value)| {
                let on = value.as_bool()?;
                let otherwise = more.get(name).and_then(Value::as_bool).unwrap_or(on);
                Some(Property { name: translate(name), on: on || otherwise, migratable: on || !otherwise })
            })
            .collect();
        Some(HostModel {
            name: model.get("name").and_then(Value::as_str).unwrap_or_default().to_owned(),
            vendor: all.get("vendor").and_then(Value::as_str).map(str::to_owned),
            signature: number("family")
                .zip(number("model"))
                .zip(number("stepping"))
                .map(|((f, m), s)| (f, m, s)),
            properties,
            deprecated: reply
                .get("deprecated-props")
                .and_then(Value::as_array)
                .into_iter()
                .flatten()
                .filter_map(Value::as_str)
                .map(translate)
                .collect(),
        })
    }

    fn data(&self, migratable: bool) -> Data {
        let mut data = Data {
            vendor: self.vendor.as_deref().and_then(Vendor::of_id),
            signature: self.signature.map(|(family, model, stepping)| Signature { family, model, stepping }),
            ..Data::default()
        };
        self.guests(migratable).for_each(|property| data.add(&property.name));
        data
    }

    /// The features guests can have.
    fn guests(&self, migratable: bool) -> impl Iterator<Item = &Property> {
        self.properties.iter().filter(move |p| p.on && (p.migratable || !migratable))
    }
}

/// The host's CPU as guests of an emulator can have it.
#[derive(Clone, Debug)]
pub(super) struct HostCpus {
    /// What is told of it.
    pub(super) reported: Definition,
    /// The same without what keeps guests from migrating.
    pub(super) migratable: Definition,
    /// What the host's CPU can do beside that.
    pub(super) full: Option<Definition>,
}

impl HostCpus {
    /// The CPUs of an accelerator; `None` where QEMU does not tell. `msrs` is whether QEMU can tell of the features in
    /// model specific registers which of them a guest did not get.
    pub(super) fn new(accelerated: &Accelerated, kvm: bool, arch: &str, msrs: bool) -> Option<HostCpus> {
        let host = accelerated.host.as_ref()?;
        if !x86::is_x86(arch) {
            // elsewhere, and under emulation, it is no CPU that one could name
            let cpu = Some(host).filter(|_| kvm && arch == "s390x").and_then(named)?;
            return Some(HostCpus { reported: cpu.clone(), migratable: cpu, full: None });
        }
        let decode = |migratable| {
            let mut found = x86::decode(&host.data(migratable), Kind::Guest, Some(accelerated)).ok()?;
            found.features.retain(|feature| msrs || !x86::is_in_msr(&feature.name));
            Some(Definition { match_: Some(CpuMatch::Exact), mode: Some(CpuMode::Custom), ..found })
        };
        let reported = decode(false)?;
        let full = kvm.then(|| node_cpu().definition(Kind::Guest)).flatten().map(|mut full| {
            for feature in reported.features.iter().filter(|f| f.policy == Some(FeaturePolicy::Require)) {
                full.set_feature(&feature.name, feature.policy);
            }
            full
        });
        Some(HostCpus { migratable: decode(true)?, reported, full })
    }
}

/// The CPU as QEMU itself names it: only where it says all features by itself does that mean something.
fn named(host: &HostModel) -> Option<Definition> {
    let features = host.properties.iter().map(|property| Feature {
        name: property.name.clone(),
        policy: Some(if property.on { FeaturePolicy::Require } else { FeaturePolicy::Disable }),
    });
    (!host.name.is_empty() && host.name != "max").then(|| Definition {
        model: Some(host.name.clone()),
        features: features.collect(),
        match_: Some(CpuMatch::Exact),
        mode: Some(CpuMode::Custom),
        ..Definition::new(Kind::Guest)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_there_only_without_migration_is_noted() {
        let expansion = |invtsc: bool| {
            serde_json::json!({"model": {"name": "base", "props": {
                "vendor": "AuthenticAMD", "family": 25, "model": 1, "stepping": 0,
                "invtsc": invtsc, "lahf-lm": true, "avx": false, "model-id": "a CPU"
            }}})
        };
        let host = HostModel::read("x86_64", &expansion(false), Some(&expansion(true))).unwrap();
        let of = |name: &str| host.properties.iter().find(|p| p.name == name).unwrap();
        assert_eq!((of("invtsc").on, of("invtsc").migratable), (true, false));
        assert_eq!((of("lahf_lm").on, of("lahf_lm").migratable), (true, true));
        assert!(!of("avx").on && of("avx").migratable);
        assert!(host.data(false).has("invtsc") && !host.data(true).has("invtsc"));
        assert_eq!(host.data(true).vendor.map(|v| v.name), Some("AMD"));
        assert_eq!(host.signature, Some((25, 1, 0)));
    }
}
