//! `-m` and the back ends of guest memory.

use virtus_base::{Bitmap, Error, ErrorCode, ErrorDomain, Result};
use virtus_conf::domain::Domain;
use virtus_conf::domain::cpu_tune::Placement;
use virtus_conf::domain::memory::{MemoryAccess, MemoryAllocation, MemoryBacking, MemorySource};
use virtus_conf::domain::numa::NumaMode;

use super::build::Build;
use super::guest::{Guest, internal};
use super::props::Props;

/// The memory the guest has without its memory devices, in KiB.
pub(crate) fn initial(guest: &Guest<'_>) -> u64 {
    super::cells::initial_memory(guest.domain)
}

/// `-m`, and the back end of a guest without NUMA.
pub(super) fn size(b: &mut Build<'_>) -> Result<()> {
    let guest = b.guest;
    let mut text = format!("size={}k", initial(&guest));
    if let Some(max) = &guest.domain.max_memory {
        if max.slots > 0 {
            text.push_str(&format!(",slots={}", max.slots));
        }
        text.push_str(&format!(",maxmem={}k", max.size.0));
    }
    b.line.option("m", text);
    if let Some(id) = default_backend(&guest) {
        let wanted =
            Wanted { size: initial(&guest).saturating_mul(1024), default_ram: true, ..Wanted::default() };
        let (props, _) = backend(&guest, id, &wanted)?;
        b.line.json("object", &props);
    }
    Ok(())
}

/// The id QEMU gives the machine's memory, if it can be replaced and NUMA does not do so.
pub(crate) fn default_backend<'a>(guest: &Guest<'a>) -> Option<&'a str> {
    if super::cells::cells(guest.domain).next().is_some() {
        return None;
    }
    let machine = guest.machine();
    guest.emulator.machine(guest.domain.virt_type, machine.name)?.default_ram.as_deref()
}

/// Whether guest memory may be swapped out.
pub(super) fn overcommit(b: &mut Build<'_>) {
    let locked = b.guest.domain.memory_backing.as_ref().is_some_and(|backing| backing.locked);
    b.line.option("overcommit", format!("mem-lock={}", if locked { "on" } else { "off" }));
}

/// Whether guest memory is in files of the guest's own directory, which then has to be there.
fn needs_directory(domain: &Domain) -> bool {
    let backing = domain.memory_backing.as_ref();
    let source = backing.and_then(|backing| backing.source);
    let shared = backing.is_some_and(|backing| backing.access.is_some())
        || super::cells::cells(domain).any(|(_, cell)| cell.mem_access.is_some())
        || domain.devices.memories.iter().any(|memory| memory.access.is_some());
    source == Some(MemorySource::File) || (shared && source != Some(MemorySource::Memfd))
}

/// Whether memory of the guest may be made of huge pages that are files.
pub fn has_huge_pages(domain: &Domain) -> bool {
    let backing = domain.memory_backing.as_ref();
    backing.is_some_and(|backing| backing.hugepages.is_some() && backing.source != Some(MemorySource::Memfd))
        || domain.devices.memories.iter().any(|memory| memory.source.pagesize.is_some())
}

/// The directories that hold a guest's memory while it runs.
pub fn directories(domain: &Domain, context: &super::Context) -> Vec<std::path::PathBuf> {
    let mut all = Vec::new();
    if needs_directory(domain) {
        all.push(context.memory_dir.clone().into());
    }
    if has_huge_pages(domain) {
        all.extend(context.hugepages.iter().map(|(_, path)| huge_page_directory(path, context).into()));
    }
    all
}

fn huge_page_directory(mount: &str, context: &super::Context) -> String {
    format!("{mount}/libvirt/qemu/{}", context.short_name)
}

/// What a piece of guest memory has to be.
#[derive(Clone, Debug, Default)]
pub(crate) struct Wanted {
    /// In bytes.
    pub(crate) size: u64,
    /// It is the machine's own memory.
    pub(crate) default_ram: bool,
    /// The guest's NUMA node.
    pub(crate) node: Option<u32>,
    pub(crate) access: Option<MemoryAccess>,
    pub(crate) discard: Option<bool>,
    /// The file of a device that has its own.
    pub(crate) path: Option<String>,
    pub(crate) pagesize: Option<u64>,
    pub(crate) host_nodes: Option<Bitmap>,
    /// Persistent memory behind the file.
    pub(crate) pmem: bool,
    /// In bytes.
    pub(crate) align: Option<u64>,
    /// Preallocate what the device needs now, nothing else.
    pub(crate) sparse: bool,
    pub(crate) is_nvdimm: bool,
}

/// The size in KiB of the huge pages that a guest node's memory is made of.
fn huge_page(guest: &Guest<'_>, backing: &MemoryBacking, wanted: &Wanted) -> Result<Option<u64>> {
    if let Some(size) = wanted.pagesize {
        return Ok((size != 4).then_some(size));
    }
    let Some(hugepages) = &backing.hugepages else { return Ok(None) };
    let node = wanted.node.unwrap_or(0);
    let of_node = hugepages
        .pages
        .iter()
        .find(|page| page.nodeset.as_ref().is_some_and(|nodes| nodes.contains(node as usize)))
        .or_else(|| hugepages.pages.iter().find(|page| page.nodeset.is_none()));
    let size = match (of_node, hugepages.pages.is_empty()) {
        (Some(page), _) => page.size.0,
        (None, true) => guest.context.default_hugepage.ok_or_else(no_hugepages)?,
        (None, false) => return Ok(None),
    };
    Ok((size != 4).then_some(size))
}

fn no_hugepages() -> virtus_base::Error {
    internal("hugetlbfs filesystem is not mounted or disabled by administrator config")
}

/// Where huge pages of a size are found.
fn mount(guest: &Guest<'_>, size: u64) -> Result<String> {
    if guest.context.hugepages.is_empty() {
        return Err(no_hugepages());
    }
    let found = guest.context.hugepages.iter().find(|(of, _)| *of == size);
    let (_, path) =
        found.ok_or_else(|| internal(format!("Unable to find any usable hugetlbfs mount for {size} KiB")))?;
    Ok(huge_page_directory(path, guest.context))
}

/// The back end of a piece of guest memory, and whether anything about it is out of the ordinary.
///
/// # Errors
/// `INTERNAL_ERROR` when the host has no huge pages of the size asked for.
pub(crate) fn backend(guest: &Guest<'_>, id: &str, wanted: &Wanted) -> Result<(Props, bool)> {
    let domain = guest.domain;
    let backing = domain.memory_backing.clone().unwrap_or_default();
    let access = wanted.access.or(backing.access);
    let huge = match &wanted.path {
        Some(_) => None,
        None => huge_page(guest, &backing, wanted)?,
    };
    let share = |props: &mut Props| props.opt("share", access.map(|access| access == MemoryAccess::Shared));
    let mut preallocate = backing.allocation == Some(MemoryAllocation::Immediate) || huge.is_some();
    let mut props;
    let mut canonical = true;
    if backing.source == Some(MemorySource::Memfd) && wanted.path.is_none() {
        props = Props::object("memory-backend-memfd", id);
        if let Some(size) = huge {
            props.set("hugetlb", true);
            props.set("hugetlbsize", size.saturating_mul(1024));
        }
        share(&mut props);
    } else if huge.is_some()
        || wanted.path.is_some()
        || access.is_some()
        || backing.source == Some(MemorySource::File)
    {
        let path = match (&wanted.path, huge) {
            (Some(path), _) => path.clone(),
            (None, Some(size)) => mount(guest, size)?,
            (None, None) => format!("{}/{id}", guest.context.memory_dir),
        };
        props = Props::object("memory-backend-file", id).with("mem-path", path);
        share(&mut props);
        let discard = wanted.discard.unwrap_or(backing.discard);
        props = props.flag("discard-data", discard);
        preallocate |= wanted.is_nvdimm && !wanted.pmem;
    } else {
        props = Props::object("memory-backend-ram", id);
        canonical = false;
    }
    if wanted.default_ram
        && canonical
        && guest.has("memory-backend-file.x-use-canonical-path-for-ramblock-id")
    {
        props.set("x-use-canonical-path-for-ramblock-id", false);
    }
    if preallocate && !wanted.sparse {
        props.set("prealloc", true);
        props.opt("prealloc-threads", backing.allocation_threads.filter(|threads| *threads > 0));
    }
    props.set("size", wanted.size);
    props.opt("align", wanted.align);
    props = props.flag("pmem", wanted.pmem);
    let mut special = canonical || preallocate;
    let placed = host_nodes(guest, wanted)?;
    if let Some((nodes, _)) = &placed {
        available(guest, nodes)?;
    }
    if let Some((nodes, Some(policy))) = placed {
        let nodes: Vec<u64> = nodes.iter().map(|node| node as u64).collect();
        if !nodes.is_empty() {
            special = true;
            props.set("host-nodes", nodes);
            props.set("policy", policy);
        }
    }
    Ok((props, special))
}

/// Whether the host has these nodes, as far as they are known.
///
/// # Errors
/// `CONFIG_UNSUPPORTED` for one it does not have.
pub(super) fn available(guest: &Guest<'_>, nodes: &Bitmap) -> Result<()> {
    let Some(there) = &guest.context.host_nodes else { return Ok(()) };
    match nodes.iter().find(|node| !there.contains(*node)) {
        Some(missing) => Err(Error::new(
            ErrorDomain::NONE,
            ErrorCode::CONFIG_UNSUPPORTED,
            format!("NUMA node {missing} is unavailable"),
        )),
        None => Ok(()),
    }
}

/// The host's nodes a guest node's memory is on, and how strictly; control groups see to it when not said.
///
/// # Errors
/// `CONFIG_UNSUPPORTED` for nodes the host does not have, `INTERNAL_ERROR` when numad was to choose but did not.
fn host_nodes(guest: &Guest<'_>, wanted: &Wanted) -> Result<Option<(Bitmap, Option<&'static str>)>> {
    let tune = guest.domain.numatune.as_ref();
    let whole = tune.and_then(|tune| tune.memory.as_ref());
    let cell = wanted
        .node
        .and_then(|node| tune.and_then(|tune| tune.memnodes.iter().find(|memnode| memnode.cellid == node)));
    let mode = match (cell, whole) {
        (Some(cell), _) => cell.mode,
        (None, Some(memory)) => memory.mode,
        (None, None) => NumaMode::Strict,
    };
    let nodes = match (&wanted.host_nodes, cell, whole) {
        (Some(nodes), _, _) => nodes.clone(),
        (None, Some(cell), _) => cell.nodeset.clone(),
        (None, None, Some(memory)) if memory.placement == Some(Placement::Auto) => {
            guest.context.advised_nodes.clone().ok_or_else(|| {
                Error::internal(
                    ErrorDomain::DOMAIN,
                    "Advice from numad is needed in case of automatic numa placement",
                )
            })?
        }
        (None, None, Some(memory)) => match &memory.nodeset {
            Some(nodes) => nodes.clone(),
            None => return Ok(None),
        },
        (None, None, None) => return Ok(None),
    };
    let policy = match mode {
        NumaMode::Strict => Some("bind"),
        NumaMode::Preferred => Some("preferred"),
        NumaMode::Interleave => Some("interleave"),
        NumaMode::Restrictive => None,
    };
    Ok(Some((nodes, policy)))
}
