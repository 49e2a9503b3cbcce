//! The documents that say what the host can do.

use virtus_base::Result;
use virtus_conf::domain::VirtType;
use virtus_conf::is_architecture;
use virtus_xml::{WriteOptions, Writer};

use crate::bad_argument;
use crate::state::Cell;

/// Sizes of the host's pages in KiB.
const PAGES: [u64; 4] = [4, 8, 2048, 1024 * 1024];
const CPUS_OF_CELL: u64 = 8;

/// `virConnectGetCapabilities`.
pub(super) fn host(cells: &[Cell]) -> String {
    let mut w = Writer::new(WriteOptions::default());
    w.start("capabilities");
    w.raw_lines("\n");
    w.start("host");
    w.start("cpu");
    w.element_text("arch", "i686");
    features(&mut w);
    for size in PAGES {
        w.start("pages");
        w.attr("unit", "KiB");
        w.attr_value("size", &size);
        w.end();
    }
    w.end();
    w.empty("power_management");
    w.start("iommu");
    w.attr("support", "no");
    w.end();
    if !cells.is_empty() {
        topology(&mut w, cells);
    }
    w.start("secmodel");
    w.element_text("model", "testSecurity");
    w.element_text("doi", "");
    w.end();
    w.end();
    w.raw_lines("\n");
    for os in ["hvm", "xen"] {
        w.start("guest");
        w.element_text("os_type", os);
        w.start("arch");
        w.attr("name", "i686");
        w.element_text("wordsize", "32");
        w.element_text("emulator", "/usr/bin/test-hv");
        w.start("domain");
        w.attr("type", "test");
        w.end();
        w.end();
        features(&mut w);
        w.end();
        w.raw_lines("\n");
    }
    w.end();
    // the blank lines between the parts are bare
    w.finish().replace("\n  \n", "\n\n")
}

fn features(w: &mut Writer) {
    w.start("features");
    w.empty("pae");
    w.empty("nonpae");
    w.end();
}

fn topology(w: &mut Writer, cells: &[Cell]) {
    w.start("topology");
    w.start("cells");
    w.attr_value("num", &(cells.len() as u64));
    for (id, cell) in (0_u64..).zip(cells) {
        w.start("cell");
        w.attr_value("id", &id);
        w.start("memory");
        w.attr("unit", "KiB");
        w.text_value(&cell.memory);
        w.end();
        let small = if id == 1 { 8 } else { 4 };
        for (size, pages) in [(small, cell.memory / small), (2048, 0), (1024 * 1024, 0)] {
            w.start("pages");
            w.attr("unit", "KiB");
            w.attr_value("size", &size);
            w.text_value(&pages);
            w.end();
        }
        w.start("cpus");
        w.attr_value("num", &CPUS_OF_CELL);
        for core in 0..CPUS_OF_CELL {
            let cpu = id * CPUS_OF_CELL + core;
            w.start("cpu");
            for (name, value) in [
                ("id", cpu),
                ("socket_id", id),
                ("die_id", 0),
                ("cluster_id", 0),
                ("core_id", core),
                ("siblings", cpu),
            ] {
                w.attr_value(name, &value);
            }
            w.end();
        }
        w.end();
        w.end();
    }
    w.end();
    w.end();
}

/// `virConnectGetDomainCapabilities`.
pub(super) fn domain(
    emulator: Option<&str>,
    arch: Option<&str>,
    machine: Option<&str>,
    virt_type: Option<&str>,
) -> Result<String> {
    let arch = arch.unwrap_or("i686");
    if !is_architecture(arch) {
        return Err(bad_argument(format!("unknown architecture: {arch}")));
    }
    let virt_type = virt_type.unwrap_or("test");
    if VirtType::from_word(virt_type).is_none() {
        return Err(bad_argument(format!("unknown virttype: {virt_type}")));
    }
    let mut w = Writer::new(WriteOptions::default());
    w.start("domainCapabilities");
    if let Some(path) = emulator {
        w.element_text("path", path);
    }
    w.element_text("domain", virt_type);
    if let Some(machine) = machine {
        w.element_text("machine", machine);
    }
    w.element_text("arch", arch);
    w.start("cpu");
    for mode in ["host-passthrough", "maximum", "host-model", "custom"] {
        w.start("mode");
        w.attr("name", mode);
        w.attr("supported", "no");
        w.end();
    }
    w.end();
    w.start("devices");
    w.keep_open();
    w.end();
    w.start("features");
    for feature in ["sev", "sgx"] {
        w.start(feature);
        w.attr("supported", "no");
        w.end();
    }
    w.end();
    w.end();
    Ok(w.finish())
}
