//! The short elements of a domain: resource, power management, performance events, block I/O tuning, maps.

use virtus_base::Result;
use virtus_xml::{Element, OnOff, Xml, YesNo, keywords};

use super::parse::xml_error;

/// `<resource>`: where the guest stands in the host's resource tree.
#[derive(Clone, Debug, Default, PartialEq, Xml)]
pub struct Resource {
    #[xml(value)]
    pub partition: Option<String>,
    #[xml(at = "fibrechannel/@appid")]
    pub appid: Option<String>,
}

/// `<pm>`: which sleep states the guest is offered.
#[derive(Clone, Debug, Default, PartialEq, Xml)]
pub struct PowerManagement {
    #[xml(at = "suspend-to-mem/@enabled")]
    pub suspend_to_mem: Option<YesNo>,
    #[xml(at = "suspend-to-disk/@enabled")]
    pub suspend_to_disk: Option<YesNo>,
}

/// `<perf>`.
#[derive(Clone, Debug, Default, PartialEq, Xml)]
#[xml(check = each_once)]
pub struct Perf {
    #[xml(child = "event")]
    pub events: Vec<PerfEvent>,
}

keywords! {
    /// A performance event of the host.
    pub enum PerfEventName {
        Cmt = "cmt", Mbmt = "mbmt", Mbml = "mbml", CpuCycles = "cpu_cycles", Instructions = "instructions",
        CacheReferences = "cache_references", CacheMisses = "cache_misses",
        BranchInstructions = "branch_instructions", BranchMisses = "branch_misses", BusCycles = "bus_cycles",
        StalledCyclesFrontend = "stalled_cycles_frontend", StalledCyclesBackend = "stalled_cycles_backend",
        RefCpuCycles = "ref_cpu_cycles", CpuClock = "cpu_clock", TaskClock = "task_clock",
        PageFaults = "page_faults", ContextSwitches = "context_switches", CpuMigrations = "cpu_migrations",
        PageFaultsMin = "page_faults_min", PageFaultsMaj = "page_faults_maj",
        AlignmentFaults = "alignment_faults", EmulationFaults = "emulation_faults",
    }
}

/// Something is said once of an event.
fn each_once(perf: &mut Perf, _: Element<'_>) -> Result<()> {
    let mut seen = std::collections::HashSet::new();
    match perf.events.iter().find(|event| !seen.insert(event.name)) {
        Some(twice) => Err(xml_error(format!("perf event '{}' was already specified", twice.name))),
        None => Ok(()),
    }
}

/// Whether an event is counted.
#[derive(Clone, Debug, PartialEq, Xml)]
pub struct PerfEvent {
    #[xml(attr)]
    pub name: PerfEventName,
    #[xml(attr)]
    pub enabled: YesNo,
}

/// `<blkiotune>`.
#[derive(Clone, Debug, Default, PartialEq, Xml)]
#[xml(check = some_limit)]
pub struct BlkioTune {
    #[xml(value, lenient)]
    pub weight: Option<u32>,
    #[xml(child = "device")]
    pub devices: Vec<BlkioDevice>,
}

/// A limit of nothing is none, and a device without limits needs no word.
fn some_limit(tune: &mut BlkioTune, _: Element<'_>) -> Result<()> {
    fn some<T: Default + PartialEq>(limit: &mut Option<T>) -> bool {
        *limit = limit.take().filter(|limit| *limit != T::default());
        limit.is_some()
    }
    some(&mut tune.weight);
    for device in &mut tune.devices {
        some(&mut device.weight);
        some(&mut device.read_iops_sec);
        some(&mut device.write_iops_sec);
        some(&mut device.read_bytes_sec);
        some(&mut device.write_bytes_sec);
    }
    tune.devices.retain(BlkioDevice::is_limited);
    Ok(())
}

impl BlkioDevice {
    /// Whether it is limited at all.
    pub fn is_limited(&self) -> bool {
        self.weight.is_some()
            || self.read_iops_sec.is_some()
            || self.write_iops_sec.is_some()
            || self.read_bytes_sec.is_some()
            || self.write_bytes_sec.is_some()
    }
}

/// The limits of one device of the host.
#[derive(Clone, Debug, PartialEq, Xml)]
pub struct BlkioDevice {
    #[xml(value, missing = "missing per-device path", code = CONFIG_UNSUPPORTED)]
    pub path: String,
    #[xml(value, invalid = "could not parse weight {}", invalid_code = CONFIG_UNSUPPORTED)]
    pub weight: Option<u32>,
    #[xml(value, invalid = "could not parse read iops sec {}", invalid_code = CONFIG_UNSUPPORTED)]
    pub read_iops_sec: Option<u32>,
    #[xml(value, invalid = "could not parse write iops sec {}", invalid_code = CONFIG_UNSUPPORTED)]
    pub write_iops_sec: Option<u32>,
    #[xml(value, invalid = "could not parse read bytes sec {}", invalid_code = CONFIG_UNSUPPORTED)]
    pub read_bytes_sec: Option<u64>,
    #[xml(value, invalid = "could not parse write bytes sec {}", invalid_code = CONFIG_UNSUPPORTED)]
    pub write_bytes_sec: Option<u64>,
}

/// `<idmap>`: a container's user and group ids.
#[derive(Clone, Debug, Default, PartialEq, Xml)]
#[xml(check = in_order)]
pub struct IdMaps {
    #[xml(child = "uid")]
    pub uid: Vec<IdMap>,
    #[xml(child = "gid")]
    pub gid: Vec<IdMap>,
}

/// Ranges stand in order of the ids inside.
fn in_order(maps: &mut IdMaps, _: Element<'_>) -> Result<()> {
    maps.uid.sort_by_key(|map| map.start);
    maps.gid.sort_by_key(|map| map.start);
    Ok(())
}

/// A range of ids inside and outside.
#[derive(Clone, Debug, PartialEq, Xml)]
pub struct IdMap {
    #[xml(
        attr,
        missing = "invalid idmap start/target/count settings",
        invalid = "invalid idmap start/target/count settings"
    )]
    pub start: u32,
    #[xml(
        attr,
        missing = "invalid idmap start/target/count settings",
        invalid = "invalid idmap start/target/count settings"
    )]
    pub target: u32,
    #[xml(
        attr,
        missing = "invalid idmap start/target/count settings",
        invalid = "invalid idmap start/target/count settings"
    )]
    pub count: u32,
}

/// `<keywrap>`: s390's protected keys.
#[derive(Clone, Debug, Default, PartialEq, Xml)]
#[xml(check = one_of_each)]
pub struct KeyWrap {
    #[xml(child = "cipher")]
    pub ciphers: Vec<KeyWrapCipher>,
}

fn one_of_each(keys: &mut KeyWrap, e: Element<'_>) -> Result<()> {
    keys.ciphers =
        e.twins().flat_map(|e| e.children("cipher")).map(KeyWrapCipher::read).collect::<Result<_>>()?;
    let mut seen = std::collections::HashSet::new();
    match keys.ciphers.iter().find(|cipher| !seen.insert(cipher.name)) {
        Some(cipher) => Err(super::parse::internal(format!(
            "A domain definition can have no more than one cipher node with name {}",
            cipher.name
        ))),
        None => Ok(()),
    }
}

keywords! {
    /// A cipher with protected keys.
    pub enum KeyWrapCipherName { Aes = "aes", Dea = "dea" }
}

/// Whether one cipher has protected keys.
#[derive(Clone, Debug, PartialEq, Xml)]
pub struct KeyWrapCipher {
    #[xml(attr)]
    pub name: KeyWrapCipherName,
    #[xml(attr)]
    pub state: OnOff,
}
