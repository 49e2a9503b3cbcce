//! `<vcpu>`, `<vcpus>`, `<cputune>`, `<iothreads>`, `<throttlegroups>`.

mod resctrl;
mod threads;

use virtus_base::{Bitmap, Result};
use virtus_xml::{Element, Writer, Xml, YesNo, keywords};

use super::device::IoTune;
use super::parse::xml_error;

pub(super) use threads::settle;

keywords! {
    /// Who places the vCPU threads.
    pub enum Placement { Static = "static", Auto = "auto" }
}

/// `<vcpu>`: how many, and where they may run.
#[derive(Clone, Debug, PartialEq, Xml)]
#[xml(check = threads::placed, order(max, current, placement, cpuset))]
pub struct Vcpu {
    /// The placement; `Static` unless said otherwise.
    #[xml(attr, default = Placement::Static)]
    pub placement: Placement,
    /// The host CPUs of all vCPUs that are not pinned by themselves.
    #[xml(attr)]
    pub cpuset: Option<Bitmap>,
    /// How many are online at boot, when not all.
    #[xml(attr)]
    pub current: Option<u32>,
    /// The maximum.
    #[xml(text, default = 1, invalid = "maximum vcpus count must be an integer")]
    pub max: u32,
}

impl Default for Vcpu {
    fn default() -> Self {
        Vcpu { placement: Placement::Static, cpuset: None, current: None, max: 1 }
    }
}

impl Vcpu {
    /// How many are online at boot.
    pub fn online(&self) -> u32 {
        self.current.unwrap_or(self.max)
    }
}

/// `<vcpus>`: state of each vCPU.
#[derive(Clone, Debug, Default, PartialEq, Xml)]
pub struct Vcpus {
    #[xml(child = "vcpu")]
    pub vcpus: Vec<VcpuState>,
}

/// One vCPU's state.
#[derive(Clone, Debug, PartialEq, Xml)]
pub struct VcpuState {
    #[xml(attr)]
    pub id: u32,
    #[xml(attr)]
    pub enabled: YesNo,
    #[xml(attr)]
    pub hotpluggable: Option<YesNo>,
    #[xml(attr)]
    pub order: Option<u32>,
}

keywords! {
    /// A scheduling policy of the host.
    pub enum Scheduler { Other = "other", Batch = "batch", Idle = "idle", Fifo = "fifo", Rr = "rr" }
}

/// `<cputune>`. Periods and quotas are in microseconds.
#[derive(Clone, Debug, Default, PartialEq, Xml)]
#[xml(check = threads::check, order(
    shares,
    period,
    quota,
    global_period,
    global_quota,
    emulator_period,
    emulator_quota,
    iothread_period,
    iothread_quota,
    vcpupin,
    emulatorpin,
    iothreadpin,
    emulatorsched,
    vcpusched,
    iothreadsched,
    cachetune,
    memorytune
))]
pub struct CpuTune {
    #[xml(value, invalid = "can't parse cputune shares value")]
    pub shares: Option<u64>,
    #[xml(value, invalid = "can't parse cputune period value")]
    pub period: Option<u64>,
    #[xml(value, invalid = "can't parse cputune quota value")]
    pub quota: Option<i64>,
    #[xml(value, invalid = "can't parse cputune global period value")]
    pub global_period: Option<u64>,
    #[xml(value, invalid = "can't parse cputune global quota value")]
    pub global_quota: Option<i64>,
    #[xml(value, invalid = "can't parse cputune emulator period value")]
    pub emulator_period: Option<u64>,
    #[xml(value, invalid = "can't parse cputune emulator quota value")]
    pub emulator_quota: Option<i64>,
    #[xml(value, invalid = "can't parse cputune iothread period value")]
    pub iothread_period: Option<u64>,
    #[xml(value, invalid = "can't parse cputune iothread quota value")]
    pub iothread_quota: Option<i64>,
    #[xml(child = "vcpupin")]
    pub vcpupin: Vec<VcpuPin>,
    #[xml(at = "emulatorpin/@cpuset")]
    pub emulatorpin: Option<Bitmap>,
    #[xml(child = "iothreadpin")]
    pub iothreadpin: Vec<IoThreadPin>,
    #[xml(child = "vcpusched")]
    pub vcpusched: Vec<VcpuSched>,
    pub emulatorsched: Option<Sched>,
    #[xml(child = "iothreadsched")]
    pub iothreadsched: Vec<IoThreadSched>,
    #[xml(child = "cachetune")]
    pub cachetune: Vec<CacheTune>,
    #[xml(child = "memorytune")]
    pub memorytune: Vec<MemoryTune>,
}

/// The host CPUs of one vCPU.
#[derive(Clone, Debug, PartialEq, Xml)]
pub struct VcpuPin {
    #[xml(attr)]
    pub vcpu: u32,
    #[xml(attr, missing = "missing cpuset for vcpupin", code = INTERNAL_ERROR)]
    pub cpuset: Bitmap,
}

/// The host CPUs of one I/O thread.
#[derive(Clone, Debug, PartialEq, Xml)]
pub struct IoThreadPin {
    #[xml(attr, rule = "nonzero")]
    pub iothread: u32,
    #[xml(attr, missing = "missing cpuset for iothreadpin", code = INTERNAL_ERROR)]
    pub cpuset: Bitmap,
}

/// A scheduling policy with its priority (only of `fifo` and `rr`).
#[derive(Clone, Debug, PartialEq, Xml)]
#[xml(check = threads::priority)]
pub struct Sched {
    #[xml(attr)]
    pub scheduler: Scheduler,
    #[xml(attr)]
    pub priority: Option<i32>,
}

/// The policy of some vCPUs.
#[derive(Clone, Debug, PartialEq, Xml)]
pub struct VcpuSched {
    #[xml(attr, missing = "Missing attribute 'vcpus' in element 'vcpusched'")]
    pub vcpus: Bitmap,
    #[xml(flatten)]
    pub sched: Sched,
}

/// The policy of some I/O threads.
#[derive(Clone, Debug, PartialEq, Xml)]
pub struct IoThreadSched {
    #[xml(attr, missing = "Missing attribute 'iothreads' in element 'iothreadsched'")]
    pub iothreads: Bitmap,
    #[xml(flatten)]
    pub sched: Sched,
}

/// `<cachetune>`: parts of the host's caches for some vCPUs.
#[derive(Clone, Debug, PartialEq, Xml)]
pub struct CacheTune {
    #[xml(
        attr,
        missing = "Missing cachetune attribute 'vcpus'",
        invalid = "Invalid cachetune attribute 'vcpus' value '{}'"
    )]
    pub vcpus: Bitmap,
    #[xml(attr, only = "live")]
    pub id: Option<String>,
    #[xml(child = "cache")]
    pub caches: Vec<CacheAllocation>,
    #[xml(child = "monitor")]
    pub monitors: Vec<CacheMonitor>,
}

keywords! {
    /// What a part of a cache holds.
    pub enum CacheType { Both = "both", Code = "code", Data = "data" }
}

/// A part of one cache.
#[derive(Clone, Debug, PartialEq)]
pub struct CacheAllocation {
    pub id: u32,
    pub level: u32,
    pub cache_type: CacheType,
    /// In bytes.
    pub size: u64,
}

impl Xml for CacheAllocation {
    fn read(e: Element<'_>) -> Result<Self> {
        use super::parse::{RULES, required_attr_text};
        use virtus_xml::field::required_attr;
        let size = required_attr_text(e, "size")?;
        Ok(CacheAllocation {
            id: required_attr(Some(e), e, "id", &RULES)?,
            level: required_attr(Some(e), e, "level", &RULES)?,
            cache_type: required_attr(Some(e), e, "type", &RULES)?,
            size: crate::scaled::scale(size, e.attr("unit").unwrap_or("bytes"), "./@size")?,
        })
    }
    fn write_attrs(&self, w: &mut Writer) {
        w.attr_value("id", &self.id);
        w.attr_value("level", &self.level);
        w.attr_value("type", &self.cache_type);
        let (value, unit) = crate::scaled::pretty(self.size);
        w.attr_value("size", &value);
        w.attr("unit", unit);
    }
    fn write_body(&self, _: &mut Writer) {}
}

/// What of a cache is watched.
#[derive(Clone, Debug, PartialEq, Xml)]
pub struct CacheMonitor {
    #[xml(attr)]
    pub level: u32,
    #[xml(
        attr,
        missing = "Missing monitor attribute 'vcpus'",
        invalid = "Invalid monitor attribute 'vcpus' value '{}'"
    )]
    pub vcpus: Bitmap,
}

/// `<memorytune>`: shares of the host's memory bandwidth.
#[derive(Clone, Debug, PartialEq, Xml)]
pub struct MemoryTune {
    #[xml(
        attr,
        missing = "Missing memorytune attribute 'vcpus'",
        invalid = "Invalid memorytune attribute 'vcpus' value '{}'"
    )]
    pub vcpus: Bitmap,
    #[xml(attr, only = "live")]
    pub id: Option<String>,
    #[xml(child = "node")]
    pub nodes: Vec<MemoryBandwidth>,
    #[xml(child = "monitor")]
    pub monitors: Vec<BandwidthMonitor>,
}

/// A share in percent on one host node.
#[derive(Clone, Debug, PartialEq, Xml)]
pub struct MemoryBandwidth {
    #[xml(attr)]
    pub id: u32,
    #[xml(attr)]
    pub bandwidth: u32,
}

/// vCPUs whose bandwidth is watched.
#[derive(Clone, Debug, PartialEq, Xml)]
pub struct BandwidthMonitor {
    #[xml(
        attr,
        missing = "Missing monitor attribute 'vcpus'",
        invalid = "Invalid monitor attribute 'vcpus' value '{}'"
    )]
    pub vcpus: Bitmap,
}

/// `<iothreadids>`.
#[derive(Clone, Debug, Default, PartialEq, Xml)]
pub struct IoThreadIds {
    #[xml(child = "iothread")]
    pub iothreads: Vec<IoThread>,
}

/// One I/O thread.
#[derive(Clone, Debug, PartialEq, Xml)]
#[xml(check = some_polling)]
pub struct IoThread {
    #[xml(attr, rule = "nonzero")]
    pub id: u32,
    #[xml(attr, rule = "nonnegative")]
    pub thread_pool_min: Option<i32>,
    #[xml(attr, rule = "nonnegative")]
    pub thread_pool_max: Option<i32>,
    pub poll: Option<IoThreadPoll>,
}

/// Polling of which nothing is said is the usual one.
fn some_polling(thread: &mut IoThread, _: Element<'_>) -> Result<()> {
    thread.poll = thread.poll.take().filter(|poll| *poll != IoThreadPoll::default());
    Ok(())
}

/// How an I/O thread polls, times in nanoseconds.
#[derive(Clone, Debug, Default, PartialEq, Xml)]
pub struct IoThreadPoll {
    #[xml(attr)]
    pub max: Option<u64>,
    #[xml(attr)]
    pub grow: Option<u64>,
    #[xml(attr)]
    pub shrink: Option<u64>,
}

/// `<defaultiothread>`: the main loop's thread pool.
#[derive(Clone, Debug, PartialEq, Xml)]
pub struct DefaultIoThread {
    #[xml(attr, rule = "nonnegative")]
    pub thread_pool_min: Option<i32>,
    #[xml(attr, rule = "nonnegative")]
    pub thread_pool_max: Option<i32>,
}

/// `<throttlegroups>`.
#[derive(Clone, Debug, Default, PartialEq, Xml)]
#[xml(check = distinct_names, order(fn whole_limits))]
pub struct ThrottleGroups {
    #[xml(child = "throttlegroup")]
    pub groups: Vec<IoTune>,
}

fn whole_limits(groups: Element<'_>) -> Result<()> {
    groups.children("throttlegroup").try_for_each(|group| IoTune::check_numbers(group, "throttle group"))
}

/// Every group has a name of its own.
fn distinct_names(list: &mut ThrottleGroups, _: Element<'_>) -> Result<()> {
    let mut seen = std::collections::HashSet::new();
    for group in &list.groups {
        let name = group.group_name.as_deref().ok_or_else(|| xml_error("missing group name"))?;
        if !seen.insert(name) {
            return Err(xml_error(format!("duplicate group name '{name}' found")));
        }
    }
    Ok(())
}
