//! `<cpu>`: the guest's processor, its topology and NUMA cells.

mod stable;

pub(super) use stable::check_cells;

use std::collections::HashSet;

use virtus_base::{Bitmap, Error, ErrorCode, ErrorDomain, Result};
use virtus_xml::{Element, OnOff, Writer, Xml, YesNo, keywords};

use super::memory::MemoryAccess;
use super::owners::Owners;
use super::parse::{self, keyword_attr, xml_error};
use crate::scaled::{self, KiB};

keywords! {
    /// Where the model comes from.
    pub enum CpuMode {
        Custom = "custom", HostModel = "host-model", HostPassthrough = "host-passthrough", Maximum = "maximum",
    }
}
keywords! {
    /// How exactly the guest's CPU has to be as said.
    pub enum CpuMatch { Minimum = "minimum", Exact = "exact", Strict = "strict" }
}
keywords! {
    /// How the CPU is checked before the start.
    pub enum CpuCheck { None = "none", Partial = "partial", Full = "full" }
}
keywords! {
    /// Whether a model the host cannot have is replaced.
    pub enum CpuFallback { Allow = "allow", Forbid = "forbid" }
}
keywords! {
    /// What is done with a feature.
    pub enum FeaturePolicy {
        Force = "force", Require = "require", Optional = "optional", Disable = "disable", Forbid = "forbid",
    }
}

/// `<cpu>`.
#[derive(Clone, Debug, Default, PartialEq, Xml)]
#[xml(
    check = check,
    order(mode, migratable, match_, check, deprecated_features, model, vendor, fn vendor_of_a_model, topology, fn features_of_a_model, fn features_once, features, cache, maxphysaddr, numa)
)]
pub struct Cpu {
    #[xml(attr, invalid = "Invalid mode attribute '{}'", invalid_code = CONFIG_UNSUPPORTED, domain = CPU)]
    pub mode: Option<CpuMode>,
    #[xml(attr = "match")]
    pub match_: Option<CpuMatch>,
    #[xml(attr)]
    pub check: Option<CpuCheck>,
    #[xml(attr)]
    pub migratable: Option<OnOff>,
    #[xml(attr)]
    pub deprecated_features: Option<OnOff>,
    pub model: Option<CpuModel>,
    #[xml(value)]
    pub vendor: Option<String>,
    pub topology: Option<Topology>,
    pub cache: Option<CpuCache>,
    pub maxphysaddr: Option<MaxPhysAddr>,
    #[xml(child = "feature")]
    pub features: Vec<CpuFeature>,
    pub numa: Option<GuestNuma>,
}

fn cpu_error(text: impl Into<String>) -> Error {
    Error::new(ErrorDomain::CPU, ErrorCode::XML_ERROR, text)
}

/// How long the vendor strings of CPUs are.
const VENDOR_ID_LENGTH: usize = 12;

/// A vendor is a model's.
fn vendor_of_a_model(e: Element<'_>) -> Result<()> {
    let said = |name: &str| e.child(name).is_some_and(|part| part.text().is_some());
    match said("vendor") && !said("model") {
        true => Err(cpu_error("CPU vendor specified without CPU model")),
        false => Ok(()),
    }
}

/// Each feature has a policy that is one and a name of its own, in the order of the document.
fn features_once(e: Element<'_>) -> Result<()> {
    let mut seen = HashSet::new();
    for feature in e.children("feature") {
        let read = CpuFeature::read(feature)?;
        if read.name.is_empty() {
            return Err(cpu_error("Invalid CPU feature name"));
        }
        if !seen.insert(read.name.clone()) {
            return Err(cpu_error(format!("CPU feature '{}' specified more than once", read.name)));
        }
    }
    Ok(())
}

/// A processor of one's own choice needs a model to have features.
fn features_of_a_model(e: Element<'_>) -> Result<()> {
    let custom = e.attr("mode").is_none_or(|mode| mode == CpuMode::Custom.as_str());
    let named = e.child("model").is_some_and(|model| model.text().is_some());
    match custom && !named && e.child("feature").is_some() {
        true => Err(cpu_error("Non-empty feature list specified without CPU model")),
        false => Ok(()),
    }
}

fn check(cpu: &mut Cpu, e: Element<'_>) -> Result<()> {
    if e.twins().nth(1).is_some() && cpu.numa.is_some() {
        // cells count wherever they stand
        let cells = e.twins().filter_map(|cpu| cpu.child("numa")).flat_map(|numa| numa.children("cell"));
        let mut all = GuestNuma {
            cells: cells.map(NumaCell::read).collect::<Result<_>>()?,
            interconnects: cpu.numa.take().and_then(|numa| numa.interconnects),
        };
        number(&mut all, e)?;
        cpu.numa = Some(all);
    }
    if let Some(id) = cpu.model.as_ref().and_then(|model| model.vendor_id.as_ref()) {
        if id.len() != VENDOR_ID_LENGTH {
            let text = format!("vendor_id must be exactly {VENDOR_ID_LENGTH} characters long");
            return Err(cpu_error(text));
        }
        if id.contains(',') {
            return Err(cpu_error("vendor id is invalid"));
        }
    }
    if e.children("cache").nth(1).is_some() {
        return Err(cpu_error("at most one CPU cache element may be specified"));
    }
    if cpu.model.is_some() && cpu.mode.is_none() && cpu.match_.is_none() {
        cpu.match_ = Some(CpuMatch::Exact);
    }
    let mode = match (cpu.mode, cpu.match_) {
        (None, Some(_)) => Some(CpuMode::Custom),
        (mode, _) => mode,
    };
    cpu.mode = mode;
    if mode == Some(CpuMode::Custom) {
        if cpu.match_.is_none() {
            cpu.match_ = Some(CpuMatch::Exact);
        }
    } else {
        cpu.match_ = None;
    }
    if !matches!(mode, Some(CpuMode::HostPassthrough | CpuMode::Maximum)) && cpu.migratable.is_some() {
        return Err(Error::new(
            ErrorDomain::CPU,
            ErrorCode::CONFIG_UNSUPPORTED,
            "Attribute migratable is only allowed for 'host-passthrough' / 'maximum' CPU mode",
        ));
    }
    match mode {
        // only a custom CPU names its model in the persistent definition
        Some(CpuMode::HostPassthrough | CpuMode::Maximum) => cpu.model = None,
        Some(CpuMode::Custom) => {
            for feature in &mut cpu.features {
                feature.policy.get_or_insert(FeaturePolicy::Require);
            }
            if let Some(model) = &mut cpu.model {
                model.fallback.get_or_insert(CpuFallback::Allow);
            }
        }
        _ => {
            for feature in &mut cpu.features {
                feature.policy.get_or_insert(FeaturePolicy::Require);
            }
            if let Some(model) = &mut cpu.model {
                model.fallback.get_or_insert(CpuFallback::Allow);
            }
        }
    }
    for feature in &mut cpu.features {
        feature.policy.get_or_insert(FeaturePolicy::Require);
    }
    // without a name there is nothing to fall back from
    let nameless = cpu.model.as_ref().is_some_and(|m| m.name.is_none() && m.vendor_id.is_none());
    if mode == Some(CpuMode::HostModel) && nameless {
        cpu.model = None;
    }
    Ok(())
}

/// The CPU model's name and what may replace it.
#[derive(Clone, Debug, Default, PartialEq, Xml)]
pub struct CpuModel {
    #[xml(attr, nonempty, invalid = "Invalid fallback attribute", invalid_code = CONFIG_UNSUPPORTED, domain = CPU)]
    pub fallback: Option<CpuFallback>,
    /// The vendor string the guest sees: exactly 12 characters.
    #[xml(attr, nonempty)]
    pub vendor_id: Option<String>,
    #[xml(text)]
    pub name: Option<String>,
}

/// Sockets, and what each holds.
#[derive(Clone, Debug, PartialEq, Xml)]
pub struct Topology {
    #[xml(attr, rule = "nonzero")]
    pub sockets: u32,
    #[xml(attr, rule = "nonzero", default = 1)]
    pub dies: u32,
    #[xml(attr, rule = "nonzero", default = 1)]
    pub clusters: u32,
    #[xml(attr, rule = "nonzero")]
    pub cores: u32,
    #[xml(attr, rule = "nonzero")]
    pub threads: u32,
}

keywords! {
    /// What cache the guest sees.
    pub enum CpuCacheMode { Emulate = "emulate", Passthrough = "passthrough", Disable = "disable" }
}

/// The guest's view of the CPU cache.
#[derive(Clone, Debug, PartialEq, Xml)]
#[xml(check = real_level)]
pub struct CpuCache {
    #[xml(attr, rule = "int")]
    pub level: Option<u32>,
    #[xml(attr)]
    pub mode: CpuCacheMode,
}

fn real_level(cache: &mut CpuCache, _: Element<'_>) -> Result<()> {
    match cache.level {
        Some(level) if !(1..=3).contains(&level) => {
            Err(cpu_error("invalid CPU cache level, must be in range [1,3]"))
        }
        _ => Ok(()),
    }
}

keywords! {
    /// Who says how wide physical addresses are.
    pub enum MaxPhysAddrMode { Emulate = "emulate", Passthrough = "passthrough" }
}

/// The width of physical addresses, in bits.
#[derive(Clone, Debug, PartialEq, Xml)]
pub struct MaxPhysAddr {
    #[xml(attr)]
    pub mode: MaxPhysAddrMode,
    #[xml(attr)]
    pub limit: Option<u32>,
    #[xml(attr, rule = "int")]
    pub bits: Option<u32>,
}

/// One CPU feature.
#[derive(Clone, Debug, PartialEq, Xml)]
pub struct CpuFeature {
    #[xml(attr, invalid = "Invalid CPU feature policy", invalid_code = CONFIG_UNSUPPORTED, domain = CPU)]
    pub policy: Option<FeaturePolicy>,
    #[xml(attr, missing = "Invalid CPU feature name", domain = CPU)]
    pub name: String,
}

/// `<numa>`: the guest's NUMA cells.
#[derive(Clone, Debug, Default, PartialEq, Xml)]
#[xml(check = number)]
pub struct GuestNuma {
    #[xml(child = "cell")]
    pub cells: Vec<NumaCell>,
    pub interconnects: Option<Interconnects>,
}

/// Cells without an id get their place in the list; the list is in order of the ids.
fn number(numa: &mut GuestNuma, _: Element<'_>) -> Result<()> {
    for (i, cell) in (0..).zip(&mut numa.cells) {
        cell.id.get_or_insert(i);
    }
    let count = numa.cells.len();
    if count == 0 {
        return Err(xml_error("NUMA topology defined without NUMA cells"));
    }
    let mut seen = HashSet::new();
    let mut owners = Owners::default();
    for cell in &numa.cells {
        let id = cell.id.unwrap_or_default();
        if usize::try_from(id).is_ok_and(|id| id >= count) {
            return Err(xml_error(
                "Exactly one 'cell' element per guest NUMA cell allowed, non-contiguous ranges or ranges not starting from 0 are not allowed",
            ));
        }
        if !seen.insert(id) {
            return Err(xml_error(format!("Duplicate NUMA cell info for cell id '{id}'")));
        }
        if let Some(cpus) = cell.cpus.as_ref().filter(|cpus| !cpus.is_empty()) {
            if let Some(other) = owners.first(cpus) {
                return Err(parse::unsupported(format!(
                    "NUMA cells {id} and {other} have overlapping vCPU ids"
                )));
            }
            owners.add(cpus, usize::try_from(id).unwrap_or(usize::MAX));
        }
        real_distances(id, &cell.distances, count)?;
    }
    numa.cells.sort_by_key(|c| c.id);
    complete_distances(&mut numa.cells);
    Ok(())
}

/// A distance said one way holds the other way too, unless that says its own; to oneself it is 10.
/// How far a cell is from itself, and from another where nobody said.
const LOCAL_DISTANCE: u32 = 10;
const REMOTE_DISTANCE: u32 = 20;
/// A cell that cannot be reached.
const FARTHEST: u32 = 255;

/// Refuses distances to cells that are not there, and those that cannot be.
fn real_distances(cell: u32, distances: &[Sibling], count: usize) -> Result<()> {
    for Sibling { id, value } in distances {
        if usize::try_from(*id).is_ok_and(|id| id >= count) {
            return Err(xml_error(format!(
                "'sibling_id {id}' does not refer to a valid cell within NUMA 'cell id {cell}'"
            )));
        }
        let itself = *id == cell;
        if !(LOCAL_DISTANCE..=FARTHEST).contains(value) || itself != (*value == LOCAL_DISTANCE) {
            return Err(xml_error(format!(
                "'value {value}' is invalid for 'sibling id {id}' under NUMA 'cell id {cell}'"
            )));
        }
    }
    Ok(())
}

fn complete_distances(cells: &mut [NumaCell]) {
    let said: Vec<(usize, Sibling)> = cells
        .iter()
        .enumerate()
        .flat_map(|(i, cell)| cell.distances.iter().map(move |sibling| (i, sibling.clone())))
        .collect();
    let mut known: HashSet<(usize, u32)> = said.iter().map(|(from, sibling)| (*from, sibling.id)).collect();
    let mut add = |from: usize, to: u32, value: u32| {
        if let Some(cell) = cells.get_mut(from)
            && known.insert((from, to))
        {
            cell.distances.push(Sibling { id: to, value });
        }
    };
    for (from, sibling) in said {
        let (Ok(own), Ok(to)) = (u32::try_from(from), usize::try_from(sibling.id)) else { continue };
        add(from, own, 10);
        add(to, sibling.id, 10);
        add(to, own, sibling.value);
    }
    cells.iter_mut().for_each(|cell| cell.distances.sort_by_key(|s| s.id));
}

/// One guest NUMA cell.
#[derive(Clone, Debug, PartialEq)]
pub struct NumaCell {
    pub id: Option<u32>,
    pub cpus: Option<Bitmap>,
    pub memory: KiB,
    pub mem_access: Option<MemoryAccess>,
    pub discard: Option<YesNo>,
    pub distances: Vec<Sibling>,
    pub caches: Vec<NumaCache>,
}

/// How far another cell is: 10 is here, 254 the farthest.
#[derive(Clone, Debug, PartialEq, Xml)]
pub struct Sibling {
    #[xml(attr)]
    pub id: u32,
    #[xml(attr)]
    pub value: u32,
}

impl Xml for NumaCell {
    fn read(e: Element<'_>) -> Result<Self> {
        let memory = scaled::scale(
            scaled::required_attr(e, "memory")?,
            e.attr("unit").filter(|unit| !unit.is_empty()).unwrap_or("KiB"),
            "./@memory",
        )?;
        let children = |path: &[&str], name| virtus_xml::field::children(e.descend(path), name);
        Ok(NumaCell {
            id: keyword_attr(e, "id")?,
            cpus: parse::bitmap_attr(e, "cpus")?,
            memory: KiB::from_bytes(memory),
            mem_access: keyword_attr(e, "memAccess")?,
            discard: keyword_attr(e, "discard")?,
            distances: virtus_xml::field::children(e.child("distances"), "sibling")?,
            caches: children(&[], "cache")?,
        })
    }
    fn write_attrs(&self, w: &mut Writer) {
        if let Some(id) = &self.id {
            w.attr_value("id", id);
        }
        if let Some(cpus) = self.cpus.as_ref().filter(|c| !c.is_empty()) {
            w.attr_value("cpus", cpus);
        }
        w.attr_value("memory", &self.memory.0);
        w.attr("unit", "KiB");
        w.attr_opt("memAccess", self.mem_access.map(MemoryAccess::as_str));
        w.attr_opt("discard", self.discard.map(YesNo::as_str));
    }
    fn write_body(&self, w: &mut Writer) {
        w.start("distances");
        for sibling in &self.distances {
            w.element("sibling", sibling);
        }
        w.end_unless_empty();
        for cache in &self.caches {
            w.element("cache", cache);
        }
    }
}

keywords! {
    /// How a memory-side cache maps addresses.
    pub enum CacheAssociativity { None = "none", Direct = "direct", Full = "full" }
}
keywords! {
    /// When a memory-side cache writes.
    pub enum CachePolicy { None = "none", Writeback = "writeback", Writethrough = "writethrough" }
}

/// A memory-side cache.
#[derive(Clone, Debug, PartialEq, Xml)]
pub struct NumaCache {
    #[xml(attr)]
    pub level: u32,
    #[xml(attr)]
    pub associativity: CacheAssociativity,
    #[xml(attr)]
    pub policy: CachePolicy,
    pub size: CacheSize,
    pub line: CacheLine,
}

/// `<size value='10' unit='KiB'/>`, in KiB.
#[derive(Clone, Debug, PartialEq)]
pub struct CacheSize(pub u64);

/// `<line value='8' unit='B'/>`, in bytes.
#[derive(Clone, Debug, PartialEq)]
pub struct CacheLine(pub u64);

fn scaled_value(e: Element<'_>, unit: &str) -> Result<u64> {
    scaled::scale(scaled::required_attr(e, "value")?, e.attr("unit").unwrap_or(unit), "./@value")
}

impl Xml for CacheSize {
    fn read(e: Element<'_>) -> Result<Self> {
        scaled_value(e, "KiB").map(|bytes| CacheSize(bytes.div_ceil(1024)))
    }
    fn write_attrs(&self, w: &mut Writer) {
        w.attr_value("value", &self.0);
        w.attr("unit", "KiB");
    }
    fn write_body(&self, _: &mut Writer) {}
}

impl Xml for CacheLine {
    fn read(e: Element<'_>) -> Result<Self> {
        scaled_value(e, "B").map(CacheLine)
    }
    fn write_attrs(&self, w: &mut Writer) {
        w.attr_value("value", &self.0);
        w.attr("unit", "B");
    }
    fn write_body(&self, _: &mut Writer) {}
}

keywords! {
    /// Which accesses a number is about.
    pub enum AccessType { Access = "access", Read = "read", Write = "write" }
}

/// `<interconnects>`: how fast cells reach each other's memory.
#[derive(Clone, Debug, Default, PartialEq, Xml)]
pub struct Interconnects {
    #[xml(child = "latency")]
    pub latencies: Vec<Latency>,
    #[xml(child = "bandwidth")]
    pub bandwidths: Vec<Bandwidth>,
}

/// A latency in nanoseconds.
#[derive(Clone, Debug, PartialEq, Xml)]
pub struct Latency {
    #[xml(attr)]
    pub initiator: u32,
    #[xml(attr)]
    pub target: u32,
    #[xml(attr)]
    pub cache: Option<u32>,
    #[xml(attr = "type")]
    pub access: AccessType,
    #[xml(attr)]
    pub value: u64,
}

/// A bandwidth in KiB a second.
#[derive(Clone, Debug, PartialEq)]
pub struct Bandwidth {
    pub initiator: u32,
    pub target: u32,
    pub cache: Option<u32>,
    pub access: AccessType,
    pub value: u64,
}

impl Xml for Bandwidth {
    fn read(e: Element<'_>) -> Result<Self> {
        use virtus_xml::field::required_attr;
        let rules = &parse::RULES;
        Ok(Bandwidth {
            initiator: required_attr(Some(e), e, "initiator", rules)?,
            target: required_attr(Some(e), e, "target", rules)?,
            cache: keyword_attr(e, "cache")?,
            access: required_attr(Some(e), e, "type", rules)?,
            value: scaled_value(e, "KiB")?.div_ceil(1024),
        })
    }
    fn write_attrs(&self, w: &mut Writer) {
        w.attr_value("initiator", &self.initiator);
        w.attr_value("target", &self.target);
        if let Some(cache) = &self.cache {
            w.attr_value("cache", cache);
        }
        w.attr_value("type", &self.access);
        w.attr_value("value", &self.value);
        w.attr("unit", "KiB");
    }
    fn write_body(&self, _: &mut Writer) {}
}
