//! `<maxMemory>`, `<memory>`, `<memtune>`, `<memoryBacking>`.

use virtus_base::{Bitmap, Error, ErrorCode, ErrorDomain, Result};
use virtus_xml::{Element, OnOff, Writer, Xml, keywords};

use crate::scaled::KiB;

/// `<maxMemory>`: the limit for memory hot-plug and the number of slots.
#[derive(Clone, Debug, PartialEq)]
pub struct MaxMemory {
    /// How many memory devices fit.
    pub slots: u32,
    /// The limit, in KiB.
    pub size: KiB,
}

/// `<memory>`: the memory the guest boots with.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct BootMemory {
    /// The size, in KiB.
    pub size: KiB,
    /// Whether a core dump has it.
    pub dump_core: Option<OnOff>,
}

/// `<memtune>`: limits in KiB.
#[derive(Clone, Debug, Default, PartialEq, Xml)]
pub struct MemTune {
    pub hard_limit: Option<KiB>,
    pub soft_limit: Option<KiB>,
    pub min_guarantee: Option<KiB>,
    pub swap_hard_limit: Option<KiB>,
}

keywords! {
    /// What backs guest memory.
    pub enum MemorySource { File = "file", Anonymous = "anonymous", Memfd = "memfd" }
}
keywords! {
    /// Whether others can map guest memory.
    pub enum MemoryAccess { Shared = "shared", Private = "private" }
}
keywords! {
    /// When guest memory is allocated.
    pub enum MemoryAllocation { Immediate = "immediate", Ondemand = "ondemand" }
}

/// `<memoryBacking>`.
#[derive(Clone, Debug, Default, PartialEq, Xml)]
#[xml(check = tidy)]
pub struct MemoryBacking {
    pub hugepages: Option<HugePages>,
    #[xml(flag)]
    pub nosharepages: bool,
    #[xml(flag)]
    pub locked: bool,
    #[xml(at = "source/@type", nonempty, invalid = "unknown memoryBacking/source/type '{}'", invalid_code = CONFIG_UNSUPPORTED)]
    pub source: Option<MemorySource>,
    #[xml(at = "access/@mode", nonempty, invalid = "unknown memoryBacking/access/mode '{}'", invalid_code = CONFIG_UNSUPPORTED)]
    pub access: Option<MemoryAccess>,
    #[xml(at = "allocation/@mode", nonempty, invalid = "unknown memoryBacking/allocation/mode '{}'", invalid_code = CONFIG_UNSUPPORTED)]
    pub allocation: Option<MemoryAllocation>,
    #[xml(at = "allocation/@threads", invalid = "Failed to parse memory allocation threads")]
    pub allocation_threads: Option<u32>,
    #[xml(flag)]
    pub discard: bool,
}

/// No threads are as many as there would be anyway; sizes of pages count wherever they stand.
fn tidy(backing: &mut MemoryBacking, e: Element<'_>) -> Result<()> {
    backing.allocation_threads = backing.allocation_threads.filter(|threads| *threads != 0);
    if let (Some(huge), Some(_)) = (&mut backing.hugepages, e.twins().nth(1)) {
        let pages = e.twins().flat_map(|e| e.children("hugepages").collect::<Vec<_>>());
        let pages = pages.flat_map(|huge| huge.children("page").collect::<Vec<_>>());
        huge.pages = pages.map(HugePage::read).collect::<Result<_>>()?;
    }
    Ok(())
}

/// `<hugepages>`: pages of the default size when no `<page>` says otherwise.
#[derive(Clone, Debug, Default, PartialEq, Xml)]
pub struct HugePages {
    #[xml(child = "page")]
    pub pages: Vec<HugePage>,
}

/// One size of huge page and the guest NUMA nodes it is for.
#[derive(Clone, Debug, PartialEq)]
pub struct HugePage {
    /// The page size.
    pub size: KiB,
    /// The guest's NUMA nodes; all others' when absent.
    pub nodeset: Option<Bitmap>,
}

impl Xml for HugePage {
    fn read(e: Element<'_>) -> Result<Self> {
        let size = crate::scaled::required_attr(e, "size")?;
        let size = crate::scaled::scale(size, e.attr("unit").unwrap_or("KiB"), "./@size")?;
        if size == 0 {
            let text = "hugepage size can't be zero";
            return Err(Error::new(ErrorDomain::DOMAIN, ErrorCode::XML_DETAIL, text));
        }
        let nodeset = super::parse::bitmap_attr(e, "nodeset")?;
        Ok(HugePage { size: KiB::from_bytes(size), nodeset })
    }
    fn write_attrs(&self, w: &mut Writer) {
        w.attr_value("size", &self.size.0);
        w.attr("unit", "KiB");
        if let Some(nodeset) = &self.nodeset {
            w.attr_value("nodeset", nodeset);
        }
    }
    fn write_body(&self, _: &mut Writer) {}
}

impl Xml for MaxMemory {
    fn read(e: Element<'_>) -> Result<Self> {
        let size = KiB::read(e)?;
        let slots = e.attr("slots").map_or(Ok(0), |text| {
            <u32 as virtus_xml::Value>::parse(text, 10)
                .ok_or_else(|| super::parse::xml_error("Failed to parse memory slot count"))
        })?;
        Ok(MaxMemory { slots, size })
    }
    fn write_attrs(&self, w: &mut Writer) {
        if self.slots != 0 {
            w.attr_value("slots", &self.slots);
        }
        self.size.write_attrs(w);
    }
    fn write_body(&self, w: &mut Writer) {
        self.size.write_body(w);
    }
}

impl Xml for BootMemory {
    fn read(e: Element<'_>) -> Result<Self> {
        // none said is what the cells sum up to
        let size = crate::scaled::read_bytes(e, "KiB")?.map(KiB::read_from).transpose()?.unwrap_or_default();
        Ok(BootMemory { size, dump_core: super::parse::keyword_attr(e, "dumpCore")? })
    }
    fn write_attrs(&self, w: &mut Writer) {
        if let Some(dump_core) = &self.dump_core {
            w.attr_value("dumpCore", dump_core);
        }
        self.size.write_attrs(w);
    }
    fn write_body(&self, w: &mut Writer) {
        self.size.write_body(w);
    }
}
