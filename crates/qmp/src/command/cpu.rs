//! CPUs: what runs, what may be plugged, what models there are.

use serde_json::Value;

use super::{commands, replies};

commands! {
    /// The CPUs there are, without stopping them.
    QueryCpusFast = "query-cpus-fast" {} -> Vec<CpuFast>;
    /// The places CPUs may be plugged in.
    QueryHotpluggableCpus = "query-hotpluggable-cpus" {} -> Vec<HotpluggableCpu>;
    /// CPU models.
    QueryCpuDefinitions = "query-cpu-definitions" {} -> Vec<CpuDefinition>;
    /// What a model with these properties amounts to; `type` is `static` or `full`.
    QueryCpuModelExpansion = "query-cpu-model-expansion" { r#type: String, model: CpuModel } -> CpuModelExpansion;
    /// How two models compare.
    QueryCpuModelComparison = "query-cpu-model-comparison" { modela: CpuModel, modelb: CpuModel } -> Value;
    /// The best model both can run.
    QueryCpuModelBaseline = "query-cpu-model-baseline" { modela: CpuModel, modelb: CpuModel } -> CpuModelExpansion;
    /// Statistics of the hypervisor; `target` is `vm` or `vcpu`.
    QueryStats = "query-stats" { target: String } optional { vcpus: Vec<String>, providers: Vec<Value> } -> Vec<Value>;
    /// What the statistics mean.
    QueryStatsSchemas = "query-stats-schemas" {} optional { provider: String } -> Vec<Value>;
}

/// A CPU model's name and properties.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct CpuModel {
    /// E.g. `host`, `Skylake-Client`.
    pub name: String,
    /// Property values by name; `Null` for none.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub props: Value,
}

replies! {
    /// A CPU that exists; `props` is its place in the topology, `qom_path` its object.
    CpuFast { cpu_index: i64, qom_path: String, thread_id: i64, props: Option<CpuPlace>, target: String,
        #[serde(rename = "cpu-state")] cpu_state: Option<String> }
    /// A place for a CPU; `qom_path` when there is one in it.
    HotpluggableCpu { r#type: String, vcpus_count: u32, props: CpuPlace, qom_path: Option<String> }
    /// A place in the CPU topology.
    CpuPlace { node_id: Option<i64>, socket_id: Option<i64>, die_id: Option<i64>, cluster_id: Option<i64>,
        module_id: Option<i64>, core_id: Option<i64>, thread_id: Option<i64> }
    /// A CPU model; `unavailable_features` are those this host lacks.
    CpuDefinition { name: String, migration_safe: Option<bool>, r#static: bool, typename: String,
        unavailable_features: Option<Vec<String>>, alias_of: Option<String>, deprecated: Option<bool> }
    /// Reply of [`QueryCpuModelExpansion`].
    CpuModelExpansion { model: CpuModel, deprecated_props: Option<Vec<String>> }
}
