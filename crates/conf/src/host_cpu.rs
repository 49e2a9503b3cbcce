//! A host's `<cpu>`, as it stands in the capabilities and as calls about CPUs take it.

use virtus_base::{Error, ErrorCode, ErrorDomain, Result};
use virtus_xml::{Element, Xml, YesNo, keywords};

use crate::architecture::is_architecture;
use crate::domain::cpu::{CpuCache, MaxPhysAddr, Topology};

/// A host's `<cpu>`.
#[derive(Clone, Debug, Default, PartialEq, Xml)]
#[xml(check = check)]
pub struct HostCpu {
    /// The architecture, by libvirt's name.
    #[xml(value, missing = "Missing CPU architecture", domain = CPU)]
    pub arch: String,
    /// The model that comes nearest.
    #[xml(value)]
    pub model: Option<String>,
    /// The maker, by libvirt's name.
    #[xml(value)]
    pub vendor: Option<String>,
    #[xml(
        at = "microcode/@version",
        invalid = "invalid microcode version",
        invalid_code = CONFIG_UNSUPPORTED,
        domain = CPU
    )]
    pub microcode: Option<u32>,
    pub signature: Option<Signature>,
    #[xml(child = "counter")]
    pub counters: Vec<Counter>,
    pub topology: Option<Topology>,
    pub cache: Option<CpuCache>,
    pub maxphysaddr: Option<MaxPhysAddr>,
    /// What it has beside what its model has.
    #[xml(child = "feature")]
    pub features: Vec<HostFeature>,
    #[xml(child = "pages")]
    pub pages: Vec<PageSize>,
}

/// What the CPU calls itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Xml)]
pub struct Signature {
    #[xml(attr)]
    pub family: u32,
    #[xml(attr)]
    pub model: u32,
    #[xml(attr)]
    pub stepping: u32,
}

keywords! {
    /// A counter's name.
    pub enum CounterName { Tsc = "tsc" }
}

/// A counter; its frequency is in Hz.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Xml)]
pub struct Counter {
    #[xml(attr)]
    pub name: CounterName,
    #[xml(attr)]
    pub frequency: u64,
    /// Whether guests can have it at another frequency.
    #[xml(attr)]
    pub scaling: Option<YesNo>,
}

/// A feature that is there.
#[derive(Clone, Debug, PartialEq, Eq, Xml)]
pub struct HostFeature {
    #[xml(attr, missing = "Invalid CPU feature name", domain = CPU)]
    pub name: String,
}

/// A size of pages, in KiB.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Xml)]
pub struct PageSize {
    #[xml(attr)]
    pub unit: Option<PageUnit>,
    #[xml(attr)]
    pub size: u64,
}

keywords! {
    /// The unit of page sizes.
    pub enum PageUnit { KiB = "KiB" }
}

fn check(cpu: &mut HostCpu, _: Element<'_>) -> Result<()> {
    let error = |code, text: String| Err(Error::new(ErrorDomain::CPU, code, text));
    if !is_architecture(&cpu.arch) {
        return error(ErrorCode::CONFIG_UNSUPPORTED, format!("Unknown architecture {}", cpu.arch));
    }
    if cpu.model.is_none() {
        return error(ErrorCode::XML_ERROR, "Missing CPU model name".into());
    }
    for (i, feature) in cpu.features.iter().enumerate() {
        if feature.name.is_empty() {
            return error(ErrorCode::XML_ERROR, "Invalid CPU feature name".into());
        }
        if cpu.features.iter().skip(i + 1).any(|other| other.name == feature.name) {
            let text = format!("CPU feature '{}' specified more than once", feature.name);
            return error(ErrorCode::XML_ERROR, text);
        }
    }
    Ok(())
}
