//! `<numatune>`: host NUMA nodes of the guest's memory.

use virtus_base::{Bitmap, Result};
use virtus_xml::{Element, Xml, keywords};

use super::cpu::Cpu;
use super::cpu_tune::{Placement, Vcpu};
use super::parse::{internal, unsupported};

keywords! {
    /// How memory keeps to the nodes.
    pub enum NumaMode {
        Strict = "strict", Preferred = "preferred", Interleave = "interleave", Restrictive = "restrictive",
    }
}

/// `<numatune>`.
#[derive(Clone, Debug, Default, PartialEq, Xml)]
pub struct NumaTune {
    pub memory: Option<NumaMemory>,
    #[xml(child = "memnode")]
    pub memnodes: Vec<NumaMemNode>,
}

/// The whole guest's nodes.
#[derive(Clone, Debug, PartialEq, Xml)]
#[xml(check = some_node)]
pub struct NumaMemory {
    #[xml(attr, default = NumaMode::Strict, invalid = "Unsupported NUMA memory tuning mode '{}'", invalid_code = CONFIG_UNSUPPORTED)]
    pub mode: NumaMode,
    #[xml(attr)]
    pub nodeset: Option<Bitmap>,
    #[xml(attr)]
    pub placement: Option<Placement>,
}

/// One guest cell's nodes.
#[derive(Clone, Debug, PartialEq, Xml)]
pub struct NumaMemNode {
    #[xml(attr)]
    pub cellid: u32,
    #[xml(attr, default = NumaMode::Strict, invalid = "Unsupported NUMA memory tuning mode '{}'", invalid_code = CONFIG_UNSUPPORTED)]
    pub mode: NumaMode,
    #[xml(attr, missing = "Missing required nodeset attribute in memnode element")]
    pub nodeset: Bitmap,
}

fn some_node(memory: &mut NumaMemory, e: Element<'_>) -> Result<()> {
    match &memory.nodeset {
        Some(nodes) if nodes.is_empty() => {
            let text = e.attr("nodeset").unwrap_or_default();
            Err(unsupported(format!("Invalid value of 'nodeset': {text}")))
        }
        _ => Ok(()),
    }
}

/// Guest NUMA cells cannot have more CPUs than there are.
pub(super) fn enough_vcpus(vcpu: &Vcpu, cpu: &Option<Cpu>) -> Result<()> {
    let numa = cpu.as_ref().and_then(|cpu| cpu.numa.as_ref());
    let cells = numa.map(|numa| numa.cells.as_slice()).unwrap_or_default();
    if vcpu.max == 0 {
        // no CPU is the last one, which libvirt notices here first
        return Err(internal("CPU IDs in <numa> exceed the <vcpu> count"));
    }
    let count: usize = cells.iter().filter_map(|cell| cell.cpus.as_ref()).map(Bitmap::len).sum();
    match count > usize::try_from(vcpu.max).unwrap_or(usize::MAX) {
        true => Err(internal("Number of CPUs in <numa> exceeds the <vcpu> count")),
        false => Ok(()),
    }
}

/// Memory that is placed by itself is not tied to nodes.
pub(super) fn check_binding(vcpu: &Vcpu, tune: &Option<NumaTune>) -> Result<()> {
    let Some(NumaTune { memory: Some(memory), memnodes }) = tune else { return Ok(()) };
    let automatic = match memory.placement {
        Some(placement) => placement == Placement::Auto,
        None => memory.nodeset.is_none() && vcpu.placement == Placement::Auto,
    };
    match automatic && !memnodes.is_empty() {
        true => Err(unsupported("Per-node binding is not compatible with automatic NUMA placement.")),
        false => Ok(()),
    }
}

/// Where vCPUs are placed automatically, memory is too; and memory without nodes is placed automatically.
pub(super) fn place(domain: &mut super::Domain, e: Element<'_>) {
    if domain.vcpu.placement == Placement::Auto && domain.numatune.is_none() {
        domain.numatune = Some(NumaTune {
            memory: Some(NumaMemory {
                mode: NumaMode::Strict,
                nodeset: None,
                placement: Some(Placement::Auto),
            }),
            memnodes: Vec::new(),
        });
    }
    let Some(memory) = domain.numatune.as_mut().and_then(|n| n.memory.as_mut()) else { return };
    if memory.nodeset.is_none() && memory.placement.is_none() {
        memory.placement = Some(Placement::Auto);
    }
    if memory.nodeset.is_some() && memory.placement == Some(Placement::Static) {
        memory.placement = None;
    }
    if memory.placement == Some(Placement::Auto) {
        memory.nodeset = None;
        // where memory goes by itself and nobody said where vCPUs are, they do too
        let said = e.child("vcpu").and_then(|vcpu| vcpu.attr("placement"));
        if domain.vcpu.cpuset.is_none() && said.is_none() {
            domain.vcpu.placement = Placement::Auto;
        }
    }
}
