//! Shares of caches and of memory bandwidth. What is said of the same vCPUs is one group of the host's `resctrl`;
//! groups have no vCPU in common.

use std::collections::HashSet;

use virtus_base::{Bitmap, Error, ErrorCode, ErrorDomain, Result};

use super::{CacheAllocation, CacheType, CpuTune, MemoryBandwidth};
use crate::domain::owners::Owners;
use crate::domain::parse::xml_error;

impl CpuTune {
    /// Leaves out vCPUs that are not there and what says nothing; what is said twice of the same vCPUs is put
    /// together.
    ///
    /// # Errors
    /// For groups with a vCPU in common, and parts that two have.
    pub(in crate::domain) fn share(&mut self, vcpus: u32) -> Result<()> {
        let most = usize::try_from(vcpus).unwrap_or(usize::MAX);
        let there = |set: &Bitmap| set.iter().take_while(|vcpu| *vcpu < most).collect::<Bitmap>();
        let mut groups: Vec<Bitmap> = Vec::new();
        let mut owners = Owners::default();
        let mut tunes = Vec::new();
        for mut tune in self.cachetune.drain(..) {
            tune.vcpus = there(&tune.vcpus);
            if tune.vcpus.is_empty() {
                continue;
            }
            match group(&mut groups, &mut owners, &tune.vcpus)? {
                (_, true) => return Err(xml_error("Identical vcpus in cachetunes found")),
                (_, false) => distinct(&tune.caches)?,
            }
            tunes.push(tune);
        }
        tunes.retain(|tune| !tune.caches.is_empty() || !tune.monitors.is_empty());
        self.cachetune = tunes;
        let mut tunes: Vec<(usize, super::MemoryTune)> = Vec::new();
        for mut tune in self.memorytune.drain(..) {
            tune.vcpus = there(&tune.vcpus);
            if tune.vcpus.is_empty() || (tune.nodes.is_empty() && tune.monitors.is_empty()) {
                continue;
            }
            let (number, _) = group(&mut groups, &mut owners, &tune.vcpus)?;
            // a group that only has memory is the last one or an earlier one, in order of their numbers
            match tunes.binary_search_by_key(&number, |(number, _)| *number) {
                Ok(at) => {
                    if let Some((_, same)) = tunes.get_mut(at) {
                        same.nodes.append(&mut tune.nodes);
                        same.monitors.append(&mut tune.monitors);
                    }
                }
                Err(at) => tunes.insert(at, (number, tune)),
            }
        }
        for (_, tune) in &mut tunes {
            tune.nodes.sort_by_key(|node| node.id);
            nodes(&tune.nodes)?;
        }
        self.memorytune = tunes.into_iter().map(|(_, tune)| tune).collect();
        Ok(())
    }
}

/// The group of these vCPUs, and whether it was there before.
fn group(groups: &mut Vec<Bitmap>, owners: &mut Owners, vcpus: &Bitmap) -> Result<(usize, bool)> {
    match owners.first(vcpus) {
        Some(at) if groups.get(at) == Some(vcpus) => Ok((at, true)),
        Some(_) => Err(xml_error("Overlapping vcpus in resctrls")),
        None => {
            owners.add(vcpus, groups.len());
            groups.push(vcpus.clone());
            Ok((groups.len() - 1, false))
        }
    }
}

fn distinct(caches: &[CacheAllocation]) -> Result<()> {
    let mut seen = HashSet::new();
    for cache in caches {
        let part = |cache_type| (cache.level, cache.id, cache_type);
        let colliding = match cache.cache_type {
            CacheType::Both => [CacheType::Both, CacheType::Code, CacheType::Data].as_slice(),
            CacheType::Code => &[CacheType::Both, CacheType::Code],
            CacheType::Data => &[CacheType::Both, CacheType::Data],
        };
        if colliding.iter().any(|other| seen.contains(&part(*other))) {
            let CacheAllocation { level, id, cache_type, .. } = cache;
            return Err(resctrl(format!(
                "Colliding cache allocations for cache level '{level}' id '{id}', type '{cache_type}'"
            )));
        }
        seen.insert(part(cache.cache_type));
    }
    Ok(())
}

fn nodes(nodes: &[MemoryBandwidth]) -> Result<()> {
    match nodes.windows(2).find(|pair| matches!(pair, [one, other] if one.id == other.id)) {
        Some([one, ..]) => Err(resctrl(format!("Memory Bandwidth already defined for node {}", one.id))),
        _ => Ok(()),
    }
}

fn resctrl(text: String) -> Error {
    Error::new(ErrorDomain::RESCTRL, ErrorCode::XML_ERROR, text)
}
