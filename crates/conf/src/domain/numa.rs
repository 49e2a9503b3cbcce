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
#[xml(check = says_something)]
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

/// A `<memory>` that says nothing is as none.
fn says_something(tune: &mut NumaTune, e: Element<'_>) -> Result<()> {
    let said =
        |memory: Element<'_>| ["mode", "placement", "nodeset"].iter().any(|name| memory.attr(name).is_some());
    if !e.child("memory").is_some_and(said) {
        tune.memory = None;
    }
    Ok(())
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

/// Memory that is not placed by itself has nodes; what is, is not tied to them.
pub(super) fn check_binding(vcpu: &Vcpu, tune: &Option<NumaTune>) -> Result<()> {
    let Some(NumaTune { memory: Some(memory), memnodes }) = tune else { return Ok(()) };
    let nowhere = memory.nodeset.is_none();
    match memory.placement.or(nowhere.then_some(vcpu.placement)) {
        Some(Placement::Static) if nowhere => {
            Err(unsupported("nodeset for NUMA memory tuning must be set if 'placement' is 'static'"))
        }
        Some(Placement::Auto) if !memnodes.is_empty() => {
            Err(unsupported("Per-node binding is not compatible with automatic NUMA placement."))
        }
        _ => Ok(()),
    }
}

/// Where vCPUs are placed automatically, memory is too.
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

#[cfg(test)]
mod tests {
    use super::super::{Domain, ParseOptions};

    /// What becomes of vCPUs placed so and of a `<numatune>` with this in it.
    fn placed(vcpu: &str, numatune: &str) -> String {
        let xml = format!(
            "<domain type='qemu'><name>n</name><memory>1024</memory><vcpu {vcpu}>2</vcpu>\
             <numatune>{numatune}</numatune><os><type arch='x86_64'>hvm</type></os></domain>"
        );
        match Domain::parse(&xml, &ParseOptions { skip_validate: true, ..ParseOptions::default() }) {
            Err(error) => error.message().to_owned(),
            Ok(domain) => {
                let memory = domain.numatune.and_then(|tune| tune.memory);
                format!("{:?} {:?}", domain.vcpu.placement, memory.map(|memory| memory.placement))
            }
        }
    }

    #[test]
    fn memory_has_nodes_or_is_placed() {
        let no_nodes = "unsupported configuration: nodeset for NUMA memory tuning must be set if \
                        'placement' is 'static'";
        assert_eq!(placed("", "<memory mode='strict'/>"), no_nodes);
        assert_eq!(placed("placement='auto'", "<memory placement='static'/>"), no_nodes);
        assert_eq!(placed("placement='auto'", "<memory mode='strict'/>"), "Auto Some(Some(Auto))");
        assert_eq!(placed("", "<memory placement='auto' nodeset='0'/>"), "Auto Some(Some(Auto))");
        assert_eq!(placed("cpuset='0'", "<memory placement='auto'/>"), "Static Some(Some(Auto))");
        assert_eq!(placed("placement='auto'", "<memory nodeset='0'/>"), "Auto Some(None)");
        assert_eq!(placed("", "<memory/>"), "Static None");
        assert_eq!(
            placed("", "<memory placement='auto'/><memnode cellid='0' nodeset='0'/>"),
            "unsupported configuration: Per-node binding is not compatible with automatic NUMA placement."
        );
    }
}
