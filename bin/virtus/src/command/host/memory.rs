//! The host's memory: `freecell`, `freepages`, `allocpages` and `node-memory-tune`.

use virtus::TypedParam;
use virtus::calls::Remote;
use virtus::constants::{VIR_NODE_ALLOC_PAGES_ADD, VIR_NODE_ALLOC_PAGES_SET, VIR_TYPED_PARAM_STRING_OKAY};

use crate::command::{Command, Opt};
use crate::grammar::{Arguments, Number};
use crate::shell::{Failure, OrSay, Outcome, Shell, extra, fail, out};
use crate::show;
use crate::xml;

const CELL: Opt = Opt::number("cellno", "the NUMA cell").also_positional();

/// The attribute of each NUMA cell, or of something in them, in the host's capabilities.
fn from_capabilities(text: &str, path: &str, name: &str) -> Outcome<Vec<String>> {
    let document = xml::Document::parse(text).map_err(|_| Failure::new("unable to get node capabilities"))?;
    let found = xml::children(document.root_element(), path);
    Ok(found.iter().filter_map(|node| node.attribute(name)).map(str::to_owned).collect())
}

const CELLS: &str = "host/topology/cells/cell";

fn capabilities(shell: &Shell) -> Outcome<String> {
    shell.call(Remote::connect_get_capabilities()).or_say("unable to get node capabilities")
}

/// The numbers of the host's NUMA cells.
fn cells(text: &str) -> Outcome<Vec<i32>> {
    let ids = from_capabilities(text, CELLS, "id")?;
    let numbers = ids.iter().map(|id| i32::read(id).filter(|id| *id >= 0));
    numbers.collect::<Option<_>>().ok_or_else(|| Failure::new("conversion from string failed"))
}

pub(super) static FREECELL: Command = Command {
    name: "freecell",
    summary: "tell how much memory of the host is free",
    options: &[CELL, Opt::flag("all", "tell about all NUMA cells")],
    run: freecell,
    ..Command::PLAIN
};

fn freecell(shell: &mut Shell, arguments: &Arguments) -> Outcome {
    arguments.exclusive("all", "cellno")?;
    let cell = arguments.number::<i32>("cellno")?;
    let free_of = |shell: &Shell, cell: i32| -> virtus::Result<Option<u64>> {
        Ok(shell.call(Remote::node_get_cells_free_memory(cell, 1))?.first().copied())
    };
    if !arguments.has("all") {
        if let Some(cell) = cell {
            let free = free_of(shell, cell)?.ok_or_else(Failure::silent)?;
            out!(shell, "{cell}: {} KiB\n", free / 1024);
            return Ok(());
        }
        let free = shell.call(Remote::node_get_free_memory())?;
        out!(shell, "Total: {} KiB\n", free / 1024);
        return Ok(());
    }
    let mut rows = Vec::new();
    for cell in cells(&capabilities(shell)?)? {
        let free = free_of(shell, cell)
            .or_say(format_args!("failed to get free memory for NUMA node number: {cell}"))?;
        rows.push((cell, free.unwrap_or(0)));
    }
    for (cell, free) in &rows {
        out!(shell, "{cell:>5}: {:>10} KiB\n", free / 1024);
    }
    let total: u64 = rows.iter().map(|(_, free)| free).sum();
    extra!(shell, "{:-<20}\n{:>5}: {:>10} KiB\n", "", "Total", total / 1024);
    Ok(())
}

pub(super) static FREEPAGES: Command = Command {
    name: "freepages",
    summary: "tell how many pages of a size are free",
    options: &[
        CELL,
        Opt::number("pagesize", "the size of a page, in KiB or with a unit").also_positional(),
        Opt::flag("all", "tell about all NUMA cells"),
    ],
    run: freepages,
    ..Command::PLAIN
};

/// What a size of pages may be at most, in bytes.
const PAGE_LIMIT: u64 = u32::MAX as u64 * 1024;

/// `--pagesize` in KiB.
fn page_size(arguments: &Arguments) -> Outcome<Option<u32>> {
    let bytes = arguments.size("pagesize", 1024, PAGE_LIMIT)?;
    Ok(bytes.map(|bytes| u32::try_from(bytes.div_ceil(1024)).unwrap_or(u32::MAX)))
}

fn freepages(shell: &mut Shell, arguments: &Arguments) -> Outcome {
    arguments.exclusive("all", "cellno")?;
    let size = page_size(arguments)?;
    let ask = |shell: &Shell, sizes: &[u32], cell: i32| {
        shell.call(Remote::node_get_free_pages(sizes.to_vec().into(), cell, 1, 0))
    };
    if arguments.has("all") {
        let text = capabilities(shell)?;
        let sizes = match size {
            Some(size) => vec![size],
            None => page_sizes(&text)?,
        };
        let mut complete = true;
        for cell in cells(&text)? {
            let counts = ask(shell, &sizes, cell)?;
            if counts.len() < sizes.len() {
                complete = false;
                shell.error(format_args!("Did not get all free page data for node {cell}"));
                continue;
            }
            out!(shell, "Node {cell}:\n");
            for (size, count) in sizes.iter().zip(counts.iter()) {
                out!(shell, "{size}KiB: {}\n", count.cast_signed());
            }
            out!(shell, "\n");
        }
        return if complete { Ok(()) } else { Err(Failure::silent()) };
    }
    if !arguments.has("cellno") {
        fail!("missing cellno argument");
    }
    let cell = arguments.number::<i32>("cellno")?.unwrap_or(-1);
    if cell < -1 {
        fail!("cell number must be non-negative integer or -1");
    }
    let Some(size) = size else { fail!("missing pagesize argument") };
    match ask(shell, &[size], cell)?.first() {
        Some(count) => out!(shell, "{size}KiB: {}\n", count.cast_signed()),
        None => fail!("Could not get count of free {size}KiB pages, no data returned"),
    }
    Ok(())
}

/// The sizes of pages that the host has.
fn page_sizes(text: &str) -> Outcome<Vec<u32>> {
    let mut found = from_capabilities(text, "host/cpu/pages", "size")?;
    if found.is_empty() {
        found = from_capabilities(text, "host/topology/cells/cell/pages", "size")?;
    }
    if found.is_empty() {
        fail!("could not get information about supported page sizes");
    }
    let mut sizes = Vec::new();
    for size in &found {
        match u32::read(size) {
            Some(size) => sizes.push(size),
            None => fail!("unable to parse page size: {size}"),
        }
    }
    sizes.sort_unstable();
    sizes.dedup();
    Ok(sizes)
}

pub(super) static ALLOCPAGES: Command = Command {
    name: "allocpages",
    summary: "change how many huge pages the host keeps ready",
    options: &[
        Opt::number("pagesize", "the size of a page, in KiB or with a unit").positional().required(),
        Opt::number("pagecount", "how many pages").positional().required(),
        CELL,
        Opt::flag("add", "add the pages to those that are there"),
        Opt::flag("all", "in all NUMA cells"),
    ],
    run: allocpages,
    ..Command::PLAIN
};

fn allocpages(shell: &mut Shell, arguments: &Arguments) -> Outcome {
    arguments.exclusive("all", "cellno")?;
    let cell = arguments.number::<i32>("cellno")?.unwrap_or(-1);
    let size = page_size(arguments)?.unwrap_or(0);
    let count = arguments.number::<u64>("pagecount")?.unwrap_or(0);
    let flags = if arguments.has("add") { VIR_NODE_ALLOC_PAGES_ADD } else { VIR_NODE_ALLOC_PAGES_SET };
    let cells = match arguments.has("all") {
        true => cells(&capabilities(shell)?)?,
        false => vec![cell],
    };
    for cell in cells {
        shell.call(Remote::node_alloc_pages(vec![size].into(), vec![count].into(), cell, 1, flags))?;
    }
    Ok(())
}

pub(super) static TUNE: Command = Command {
    name: "node-memory-tune",
    summary: "tell or set how the host merges equal memory",
    options: &[
        Opt::number("shm-pages-to-scan", "pages to look at in one go").also_positional(),
        Opt::number("shm-sleep-millisecs", "milliseconds to rest between").also_positional(),
        Opt::number("shm-merge-across-nodes", "merge pages of different NUMA nodes: 0 or 1")
            .also_positional(),
    ],
    run: tune,
    ..Command::PLAIN
};

fn tune(shell: &mut Shell, arguments: &Arguments) -> Outcome {
    let mut changes = Vec::new();
    for (option, field) in [
        ("shm-pages-to-scan", "shm_pages_to_scan"),
        ("shm-sleep-millisecs", "shm_sleep_millisecs"),
        ("shm-merge-across-nodes", "shm_merge_across_nodes"),
    ] {
        changes.extend(arguments.number::<u32>(option)?.map(|value| TypedParam::new(field, value)));
    }
    if !changes.is_empty() {
        return shell
            .call(Remote::node_set_memory_parameters(changes.into(), 0))
            .or_say("Unable to change memory parameters");
    }
    let ask = |count| Remote::node_get_memory_parameters(count, VIR_TYPED_PARAM_STRING_OKAY);
    let count = shell.call(ask(0)).or_say("Unable to get number of memory parameters")?.nparams;
    if count == 0 {
        return Ok(());
    }
    let params = shell.call(ask(count)).or_say("Unable to get memory parameters")?.params;
    out!(shell, "Shared memory:\n");
    for param in params {
        out!(shell, "\t{:<15} {}\n", param.field, show::param(&param.value));
    }
    Ok(())
}
