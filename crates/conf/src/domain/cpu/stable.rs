//! Processors and NUMA cells as the guest sees them.

use virtus_base::{Error, ErrorCode, ErrorDomain, Result};

use super::*;
use crate::domain::parse::unsupported;
use crate::domain::stable::{Or, Stable, switch, text};

/// Refuses guest NUMA cells that are not the same.
pub(in crate::domain) fn check_cells(from: &[NumaCell], to: &[NumaCell]) -> Result<()> {
    let (ours, theirs) = (from.len(), to.len());
    if ours != theirs {
        return Err(unsupported(format!("Target NUMA node count '{theirs}' doesn't match source '{ours}'")));
    }
    for (i, (from, to)) in from.iter().zip(to).enumerate() {
        let (ours, theirs) = (from.memory.0, to.memory.0);
        if ours != theirs {
            return Err(unsupported(format!(
                "Size of target NUMA node {i} ({theirs}) doesn't match source ({ours})"
            )));
        }
        let cpus = |cell: &NumaCell| cell.cpus.clone().unwrap_or_default();
        if cpus(from) != cpus(to) {
            return Err(unsupported(format!("Processor mask of target NUMA node {i} doesn't match source")));
        }
        let distance = |cell: &NumaCell, id: u32| {
            let said = cell.distances.iter().find(|sibling| sibling.id == id);
            let usual = if usize::try_from(id) == Ok(i) { LOCAL_DISTANCE } else { REMOTE_DISTANCE };
            said.map_or(usual, |sibling| sibling.value)
        };
        let siblings = from.distances.iter().chain(&to.distances);
        let differs = siblings.filter(|s| distance(from, s.id) != distance(to, s.id)).map(|s| s.id).min();
        if let Some(other) = differs {
            return Err(unsupported(format!(
                "Target NUMA distance from {i} to {other} doesn't match source"
            )));
        }
    }
    Ok(())
}

fn told(what: &str, from: impl std::fmt::Display, to: impl std::fmt::Display) -> Error {
    let text = format!("Target CPU {what} {to} does not match source {from}");
    Error::new(ErrorDomain::CPU, ErrorCode::CONFIG_UNSUPPORTED, text)
}

fn same<T: PartialEq + std::fmt::Display>(what: &str, from: T, to: T) -> Result<()> {
    if from == to { Ok(()) } else { Err(told(what, from, to)) }
}

fn whole<T: PartialEq>(what: &str, from: &T, to: &T) -> Result<()> {
    let text = format!("Target CPU{what} does not match source");
    let error = || Error::new(ErrorDomain::CPU, ErrorCode::CONFIG_UNSUPPORTED, text);
    if from == to { Ok(()) } else { Err(error()) }
}

impl Stable for Option<Cpu> {
    fn check_stable(&self, to: &Self) -> Result<()> {
        whole("", &self.is_some(), &to.is_some())?;
        match (self, to) {
            (Some(from), Some(to)) => from.check_stable(to),
            _ => Ok(()),
        }
    }
}

impl Stable for Cpu {
    fn check_stable(&self, to: &Self) -> Result<()> {
        fn model(cpu: &Cpu, of: impl Fn(&CpuModel) -> Option<&String>) -> Or<&str> {
            Or(cpu.model.as_ref().and_then(of).map(String::as_str), "<null>")
        }
        fn topology(cpu: &Cpu, of: impl Fn(&Topology) -> u32) -> u32 {
            cpu.topology.as_ref().map_or(0, of)
        }
        same("mode", Or(self.mode, "custom"), Or(to.mode, "custom"))?;
        same("check", switch(self.check), switch(to.check))?;
        same("model", model(self, |m| m.name.as_ref()), model(to, |m| m.name.as_ref()))?;
        same("vendor", text(&self.vendor), text(&to.vendor))?;
        same("vendor id", model(self, |m| m.vendor_id.as_ref()), model(to, |m| m.vendor_id.as_ref()))?;
        same("sockets", topology(self, |t| t.sockets), topology(to, |t| t.sockets))?;
        same("dies", topology(self, |t| t.dies), topology(to, |t| t.dies))?;
        same("clusters", topology(self, |t| t.clusters), topology(to, |t| t.clusters))?;
        same("cores", topology(self, |t| t.cores), topology(to, |t| t.cores))?;
        same("threads", topology(self, |t| t.threads), topology(to, |t| t.threads))?;
        whole(" maxphysaddr", &self.maxphysaddr, &to.maxphysaddr)?;
        same("feature count", self.features.len(), to.features.len())?;
        for (from, to) in self.features.iter().zip(&to.features) {
            same("feature", &from.name, &to.name)?;
            same("feature policy", Or(from.policy, "require"), Or(to.policy, "require"))?;
        }
        whole(" cache", &self.cache, &to.cache)
    }
}
