//! `<numatune>`: host NUMA nodes of the guest's memory.

use virtus_base::{Bitmap, Result};
use virtus_xml::{Element, Xml, keywords};

use super::cpu_tune::Placement;
use super::parse::unsupported;

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
    #[xml(attr, default = NumaMode::Strict)]
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
    #[xml(attr, default = NumaMode::Strict)]
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
