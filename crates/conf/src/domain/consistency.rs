//! Contradictions libvirt refuses while it reads, also in definitions that are on disk already.

use std::collections::{HashMap, HashSet};

use virtus_base::{Bitmap, Error, ErrorCode, ErrorDomain, Result};

use super::Domain;
use super::cpu_tune::{CacheType, CpuTune};
use super::device::controller::{ControllerKind, UsbModel};
use super::device::hostdev::HostDevSource;
use super::device::input::InputBus;
use super::parse::{internal, unsupported, xml_error};
use crate::architecture::is_architecture;

/// Checks a definition just read.
pub(super) fn check(domain: &Domain) -> Result<()> {
    if let Some(arch) = domain.os.kind.arch.as_deref().filter(|a| !is_architecture(a)) {
        return Err(unsupported(format!("Unknown architecture {arch}")));
    }
    numa(domain)?;
    usb(domain)?;
    cputune(domain)?;
    single_devices(domain)
}

/// Guest NUMA cells cannot have more CPUs than there are.
fn numa(domain: &Domain) -> Result<()> {
    let numa = domain.cpu.as_ref().and_then(|cpu| cpu.numa.as_ref());
    let cells = numa.map(|numa| numa.cells.as_slice()).unwrap_or_default();
    let count: usize = cells.iter().filter_map(|cell| cell.cpus.as_ref()).map(virtus_base::Bitmap::len).sum();
    match count > usize::try_from(domain.vcpu.max).unwrap_or(usize::MAX) {
        true => Err(internal("Number of CPUs in <numa> exceeds the <vcpu> count")),
        false => Ok(()),
    }
}

/// A contradiction, which libvirt tells with the number of a syntax error.
fn detail_error(text: &str) -> Error {
    Error::new(ErrorDomain::DOMAIN, ErrorCode::XML_DETAIL, text)
}

fn usb(domain: &Domain) -> Result<()> {
    let detail = |text: &str| Err(detail_error(text));
    let d = &domain.devices;
    let usb = || d.controllers.iter().filter(|c| matches!(c.kind, ControllerKind::Usb { .. }));
    let none = usb().any(|c| matches!(c.kind, ControllerKind::Usb { model: Some(UsbModel::None), .. }));
    if none && usb().count() > 1 {
        return detail("Can't add another USB controller: USB is disabled for this domain");
    }
    // a companion controller says which port of its master it begins at
    if usb().count() > 0 && usb().all(|c| c.info.master.is_some()) {
        return detail("No master USB controller specified");
    }
    if !none {
        return Ok(());
    }
    if d.inputs.iter().any(|i| i.bus == Some(InputBus::Usb)) {
        return Err(unsupported("Can't add USB input device. USB bus is disabled"));
    }
    if d.hostdevs.iter().any(|h| matches!(h.source, HostDevSource::Usb(_))) {
        return Err(unsupported("Can't add host USB device: USB is disabled in this host"));
    }
    if !d.hubs.is_empty() {
        return Err(unsupported("Can't add USB hub: USB is disabled for this domain"));
    }
    Ok(())
}

fn single_devices(domain: &Domain) -> Result<()> {
    let d = &domain.devices;
    if d.memballoons.len() > 1 {
        return Err(internal("only a single memory balloon device is supported"));
    }
    let single = [
        (d.nvrams.len(), "only a single nvram device is supported"),
        (d.iommus.len(), "only a single IOMMU device is supported"),
        (d.vsocks.len(), "only a single vsock device is supported"),
        (d.pstores.len(), "only a single pstore device is supported"),
        (d.redirfilters.len(), "only one set of redirection filter rule is supported"),
    ];
    match single.iter().find(|(count, _)| *count > 1) {
        Some((_, text)) => Err(xml_error(*text)),
        None => Ok(()),
    }
}

/// No two policies for one vCPU, no two groups with one vCPU.
fn cputune(domain: &Domain) -> Result<()> {
    let Some(tune) = &domain.cputune else { return Ok(()) };
    let mut seen = virtus_base::Bitmap::new();
    for vcpu in tune.vcpusched.iter().flat_map(|s| s.vcpus.iter()) {
        if seen.contains(vcpu) {
            return Err(detail_error("'vcpusched' attributes 'vcpus' must not overlap"));
        }
        seen.set(vcpu);
    }
    cachetune(tune)
}

/// Parts of caches must be of different vCPUs, and of different parts.
fn cachetune(tune: &CpuTune) -> Result<()> {
    let groups = &tune.cachetune;
    let mut owners = Owners::default();
    for (i, group) in groups.iter().enumerate() {
        if let Some(other) = owners.first(&group.vcpus).and_then(|other| groups.get(other)) {
            return Err(xml_error(match group.vcpus == other.vcpus {
                true => "Identical vcpus in cachetunes found",
                false => "Overlapping vcpus in resctrls",
            }));
        }
        owners.add(&group.vcpus, i);
        let mut seen = HashSet::new();
        for cache in &group.caches {
            let part = |cache_type| (cache.level, cache.id, cache_type);
            let colliding = match cache.cache_type {
                CacheType::Both => [CacheType::Both, CacheType::Code, CacheType::Data].as_slice(),
                CacheType::Code => &[CacheType::Both, CacheType::Code],
                CacheType::Data => &[CacheType::Both, CacheType::Data],
            };
            if colliding.iter().any(|other| seen.contains(&part(*other))) {
                return Err(Error::new(
                    ErrorDomain::RESCTRL,
                    ErrorCode::XML_ERROR,
                    format!(
                        "Colliding cache allocations for cache level '{}' id '{}', type '{}'",
                        cache.level, cache.id, cache.cache_type
                    ),
                ));
            }
            seen.insert(part(cache.cache_type));
        }
    }
    for memory in &tune.memorytune {
        // the groups have no vCPU in common, so that any one of them tells
        let group = memory.vcpus.iter().find_map(|vcpu| groups.get(*owners.bits.get(&vcpu)?));
        if group.is_some_and(|group| group.vcpus != memory.vcpus) {
            return Err(xml_error("Overlapping vcpus in resctrls"));
        }
    }
    Ok(())
}

/// Which of some sets that have nothing in common a number is in.
#[derive(Default)]
pub(super) struct Owners {
    bits: HashMap<usize, usize>,
    /// The set without any number.
    empty: Option<usize>,
}

impl Owners {
    /// The first set that is the same as `set` or has a number in common with it.
    pub(super) fn first(&self, set: &Bitmap) -> Option<usize> {
        let empty = self.empty.filter(|_| set.is_empty());
        set.iter().filter_map(|bit| self.bits.get(&bit).copied()).min().or(empty)
    }

    /// Adds a set that [`Owners::first`] has found no other for.
    pub(super) fn add(&mut self, set: &Bitmap, number: usize) {
        self.bits.extend(set.iter().map(|bit| (bit, number)));
        if set.is_empty() {
            self.empty = Some(number);
        }
    }
}
