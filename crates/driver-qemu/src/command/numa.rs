//! `-numa`: the guest's nodes, their distances, caches and interconnects.

use std::fmt::Write as _;

use virtus_base::{Bitmap, Result};
use virtus_conf::domain::Domain;
use virtus_conf::domain::cpu::{AccessType, CacheAssociativity, CachePolicy, NumaCell};
use virtus_conf::domain::memory::MemoryAllocation;

use super::build::Build;
use super::cells::cells;
use super::memory::{self, Wanted};

/// Whether the guest is told about memory's speed.
pub(super) fn has_hmat(domain: &Domain) -> bool {
    let interconnects = domain
        .cpu
        .as_ref()
        .and_then(|cpu| cpu.numa.as_ref())
        .is_some_and(|numa| numa.interconnects.is_some());
    interconnects || cells(domain).any(|(_, cell)| !cell.caches.is_empty())
}

/// Runs of CPUs, each as an option.
fn cpu_runs(cpus: &Bitmap) -> String {
    let mut text = String::new();
    let mut run: Option<(usize, usize)> = None;
    let mut end = |run: Option<(usize, usize)>| match run {
        Some((first, last)) if first == last => {
            let _ = write!(text, ",cpus={first}");
        }
        Some((first, last)) => {
            let _ = write!(text, ",cpus={first}-{last}");
        }
        None => {}
    };
    for cpu in cpus.iter() {
        run = match run {
            Some((first, last)) if last + 1 == cpu => Some((first, cpu)),
            other => {
                end(other);
                Some((cpu, cpu))
            }
        };
    }
    end(run);
    text
}

/// All nodes.
pub(super) fn add(b: &mut Build<'_>) -> Result<()> {
    let guest = b.guest;
    let domain = guest.domain;
    let known = guest.emulator.machine(domain.virt_type, guest.machine().name);
    let old_style = known.is_some_and(|known| known.numa_mem);
    let mut nodes = Vec::new();
    let mut special = false;
    for (id, cell) in cells(domain) {
        let wanted = Wanted {
            size: cell.memory.bytes(),
            node: Some(id),
            access: cell.mem_access,
            discard: cell.discard.map(|discard| discard.is_true()),
            ..Wanted::default()
        };
        let (props, out_of_ordinary) = memory::backend(&guest, &format!("ram-node{id}"), &wanted)?;
        special |= out_of_ordinary;
        nodes.push((id, cell, props));
    }
    // old machines keep the memory they had before there were back ends, so that they can migrate
    let immediate = domain
        .memory_backing
        .as_ref()
        .is_some_and(|backing| backing.allocation == Some(MemoryAllocation::Immediate));
    let only_immediate = immediate
        && domain.memory_backing.as_ref().is_some_and(|backing| {
            backing.source.is_none() && backing.hugepages.is_none() && backing.access.is_none()
        });
    let back_ends = !old_style || (special && !only_immediate);
    if !nodes.is_empty() && !back_ends && immediate {
        b.line.flag("mem-prealloc");
    }
    let hmat = has_hmat(domain);
    let initiator = cells(domain)
        .find(|(_, cell)| cell.cpus.as_ref().is_some_and(|cpus| !cpus.is_empty()))
        .map(|(id, _)| id);
    for (id, cell, props) in nodes {
        if back_ends && cell.memory.0 > 0 {
            b.line.json("object", &props);
        }
        let mut text = format!("node,nodeid={id}");
        match &cell.cpus {
            Some(cpus) if !cpus.is_empty() => text.push_str(&cpu_runs(cpus)),
            _ => {}
        }
        if let (true, Some(initiator)) = (hmat, initiator) {
            let own = cell.cpus.as_ref().is_some_and(|cpus| !cpus.is_empty());
            let _ = write!(text, ",initiator={}", if own { id } else { initiator });
        }
        match (back_ends, cell.memory.0) {
            (_, 0) => {}
            (true, _) => {
                let _ = write!(text, ",memdev=ram-node{id}");
            }
            (false, kib) => {
                let _ = write!(text, ",mem={}", kib >> 10);
            }
        }
        b.line.option("numa", text);
    }
    distances(b);
    if hmat {
        interconnects(b);
    }
    Ok(())
}

fn distances(b: &mut Build<'_>) {
    let domain = b.guest.domain;
    let all: Vec<(u32, &NumaCell)> = cells(domain).collect();
    if all.iter().all(|(_, cell)| cell.distances.is_empty()) {
        return;
    }
    for (src, cell) in &all {
        for (dst, _) in &all {
            let said = cell.distances.iter().find(|sibling| sibling.id == *dst).map(|sibling| sibling.value);
            let value = said.unwrap_or(if src == dst { 10 } else { 20 });
            b.line.option("numa", format!("dist,src={src},dst={dst},val={value}"));
        }
    }
}

fn interconnects(b: &mut Build<'_>) {
    let domain = b.guest.domain;
    let numa = domain.cpu.as_ref().and_then(|cpu| cpu.numa.as_ref());
    let level = |cache: Option<u32>| match cache {
        None | Some(0) => "memory",
        Some(1) => "first-level",
        Some(2) => "second-level",
        Some(_) => "third-level",
    };
    let kind = |access: AccessType, what: &str| match access {
        AccessType::Access => format!("access-{what}"),
        AccessType::Read => format!("read-{what}"),
        AccessType::Write => format!("write-{what}"),
    };
    if let Some(interconnects) = numa.and_then(|numa| numa.interconnects.as_ref()) {
        for latency in &interconnects.latencies {
            b.line.option(
                "numa",
                format!(
                    "hmat-lb,initiator={},target={},hierarchy={},data-type={},latency={}",
                    latency.initiator,
                    latency.target,
                    level(latency.cache),
                    kind(latency.access, "latency"),
                    latency.value
                ),
            );
        }
        for bandwidth in &interconnects.bandwidths {
            b.line.option(
                "numa",
                format!(
                    "hmat-lb,initiator={},target={},hierarchy={},data-type={},bandwidth={}K",
                    bandwidth.initiator,
                    bandwidth.target,
                    level(bandwidth.cache),
                    kind(bandwidth.access, "bandwidth"),
                    bandwidth.value
                ),
            );
        }
    }
    for (id, cell) in cells(domain) {
        for cache in &cell.caches {
            let associativity = match cache.associativity {
                CacheAssociativity::None => "none",
                CacheAssociativity::Direct => "direct",
                CacheAssociativity::Full => "complex",
            };
            let policy = match cache.policy {
                CachePolicy::None => "none",
                CachePolicy::Writeback => "write-back",
                CachePolicy::Writethrough => "write-through",
            };
            b.line.option(
                "numa",
                format!(
                    "hmat-cache,node-id={id},size={}K,level={},associativity={associativity},policy={policy},line={}",
                    cache.size.0, cache.level, cache.line.0
                ),
            );
        }
    }
}
