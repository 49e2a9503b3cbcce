//! The `<capabilities>` document: the host, and the guests it can run.

use std::sync::Arc;

use virtus_base::Uuid;
use virtus_conf::domain::{VirtType, cpu as conf};
use virtus_conf::host_cpu::{HostCpu, HostFeature, PageSize, PageUnit};
use virtus_cpu::{Feature, Kind};
use virtus_host::node::{CacheKind, Topology};
use virtus_xml::{WriteOptions, Writer};

use super::node_cpu::node_cpu;
use super::{Machine, ProbedEmulator};
use crate::emulator::{Emulator as _, preferred_board};

/// What the document says beside what the emulators are.
#[derive(Debug)]
pub struct HostFacts {
    /// The host's identity.
    pub uuid: Option<Uuid>,
    /// Its shape.
    pub topology: Arc<Topology>,
    /// Whom guests run as, when the daemon chooses.
    pub user: Option<(u32, u32)>,
}

/// The document.
pub fn format(host: &HostFacts, emulators: &[(String, Arc<ProbedEmulator>)]) -> String {
    let mut w = Writer::new(WriteOptions::default());
    w.start("capabilities");
    w.blank_line();
    write_host(&mut w, host);
    for (arch, emulator) in emulators {
        write_guest(&mut w, arch, emulator);
    }
    w.blank_line();
    w.end();
    w.finish()
}

fn write_host(w: &mut Writer, host: &HostFacts) {
    w.start("host");
    if let Some(uuid) = host.uuid {
        w.element_fmt("uuid", format_args!("{uuid}"));
    }
    write_cpu(w, host);
    w.start("power_management");
    let states = std::fs::read_to_string("/sys/power/state").unwrap_or_default();
    if states.split_ascii_whitespace().any(|s| s == "mem") {
        w.empty("suspend_mem");
    }
    if states.split_ascii_whitespace().any(|s| s == "disk") {
        w.empty("suspend_disk");
    }
    w.end();
    let iommu = std::fs::read_dir("/sys/kernel/iommu_groups").is_ok_and(|mut groups| groups.next().is_some());
    w.start("iommu");
    w.attr("support", if iommu { "yes" } else { "no" });
    w.end();
    w.start("migration_features");
    w.empty("live");
    w.start("uri_transports");
    w.element_text("uri_transport", "tcp");
    w.element_text("uri_transport", "rdma");
    w.end();
    w.end();
    write_topology(w, &host.topology);
    write_caches(w, &host.topology);
    w.start("secmodel");
    w.element_text("model", "none");
    w.element_text("doi", "0");
    w.end();
    if let Some((uid, gid)) = host.user {
        w.start("secmodel");
        w.element_text("model", "dac");
        w.element_text("doi", "0");
        for kind in ["kvm", "qemu"] {
            w.start("baselabel");
            w.attr("type", kind);
            w.text(&format!("+{uid}:+{gid}"));
            w.end();
        }
        w.end();
    }
    w.end();
}

fn write_cpu(w: &mut Writer, host: &HostFacts) {
    let topology = &host.topology;
    let node = node_cpu();
    let found = node.definition(Kind::Host);
    let name = |feature: Feature| HostFeature { name: feature.name };
    let cpu = HostCpu {
        arch: topology.machine.clone(),
        microcode: node.microcode.filter(|_| found.is_some()),
        counters: node.tsc.into_iter().collect(),
        topology: Some(conf::Topology {
            sockets: topology.sockets,
            dies: 1,
            clusters: 1,
            cores: topology.cores,
            threads: topology.threads,
        }),
        maxphysaddr: node.physical_bits.map(|bits| conf::MaxPhysAddr {
            mode: conf::MaxPhysAddrMode::Emulate,
            limit: None,
            bits: Some(bits),
        }),
        pages: topology
            .page_sizes_kib
            .iter()
            .map(|size| PageSize { unit: Some(PageUnit::KiB), size: u64::from(*size) })
            .collect(),
        ..HostCpu::default()
    };
    let cpu = match found {
        Some(found) => HostCpu {
            model: found.model,
            vendor: found.vendor,
            signature: found.signature,
            features: found.features.into_iter().map(name).collect(),
            ..cpu
        },
        None => cpu,
    };
    w.element("cpu", &cpu);
}

fn write_topology(w: &mut Writer, topology: &Topology) {
    w.start("topology");
    w.start("cells");
    w.attr_fmt("num", format_args!("{}", topology.cells.len()));
    for cell in &topology.cells {
        w.start("cell");
        w.attr_fmt("id", format_args!("{}", cell.id));
        w.start("memory");
        w.attr("unit", "KiB");
        w.text(&cell.memory_kib.to_string());
        w.end();
        for (size, count) in &cell.pages {
            w.start("pages");
            w.attr("unit", "KiB");
            w.attr_fmt("size", format_args!("{size}"));
            w.text(&count.to_string());
            w.end();
        }
        if !cell.distances.is_empty() {
            w.start("distances");
            for distance in &cell.distances {
                w.start("sibling");
                w.attr_fmt("id", format_args!("{}", distance.cell));
                w.attr_fmt("value", format_args!("{}", distance.value));
                w.end();
            }
            w.end();
        }
        w.start("cpus");
        w.attr_fmt("num", format_args!("{}", cell.cpus.len()));
        for id in cell.cpus.iter() {
            let Some(cpu) = topology.cpus.get(&id) else { continue };
            w.start("cpu");
            w.attr_fmt("id", format_args!("{id}"));
            for (name, value) in [
                ("socket_id", cpu.socket),
                ("die_id", cpu.die),
                ("cluster_id", cpu.cluster),
                ("core_id", cpu.core),
            ] {
                w.attr_fmt(name, format_args!("{value}"));
            }
            w.attr_fmt("siblings", format_args!("{}", cpu.siblings));
            w.end();
        }
        w.end();
        w.end();
    }
    w.end();
    w.end();
}

fn write_caches(w: &mut Writer, topology: &Topology) {
    // what single cores have for themselves says nothing of how guests share
    let shared = || topology.caches.iter().filter(|bank| bank.level >= 2);
    if shared().next().is_none() {
        return;
    }
    w.start("cache");
    for bank in shared() {
        let kib = bank.size / 1024;
        let (size, unit) = if kib % 1024 == 0 && kib > 0 { (kib / 1024, "MiB") } else { (kib, "KiB") };
        w.start("bank");
        w.attr_fmt("id", format_args!("{}", bank.id));
        w.attr_fmt("level", format_args!("{}", bank.level));
        w.attr(
            "type",
            match bank.kind {
                CacheKind::Both => "both",
                CacheKind::Code => "code",
                CacheKind::Data => "data",
            },
        );
        w.attr_fmt("size", format_args!("{size}"));
        w.attr("unit", unit);
        w.attr_fmt("cpus", format_args!("{}", bank.cpus));
        w.end();
    }
    w.end();
}

fn write_guest(w: &mut Writer, arch: &str, emulator: &ProbedEmulator) {
    let x86 = matches!(arch, "i686" | "x86_64");
    w.blank_line();
    w.start("guest");
    w.element_text("os_type", "hvm");
    w.start("arch");
    w.attr("name", arch);
    // libvirt takes SuperH for wide where its bytes are the other way round
    let wide = ["64", "alpha", "s390x", "sh4eb"].iter().any(|mark| arch.contains(mark));
    w.element_text("wordsize", if wide { "64" } else { "32" });
    w.element_text("emulator", emulator.path());
    let capabilities = &emulator.capabilities;
    if let Some(accelerated) = capabilities.tcg.as_ref().or(capabilities.kvm.as_ref()) {
        let first = preferred_board(&capabilities.arch);
        let leads = |m: &&Machine| m.default || first.is_some_and(|board| m.answers_to(board));
        let default = accelerated.machines.iter().filter(leads);
        let others = accelerated.machines.iter().filter(|m| !leads(m));
        default.chain(others).for_each(|machine| write_machine(w, machine));
    }
    for (virt, name) in [(VirtType::Qemu, "qemu"), (VirtType::Kvm, "kvm")] {
        if emulator.runs(virt) {
            w.start("domain");
            w.attr("type", name);
            w.end();
        }
    }
    w.end();
    w.start("features");
    if arch == "i686" {
        w.empty("pae");
        w.empty("nonpae");
    }
    if x86 || matches!(arch, "aarch64" | "loongarch64") {
        toggle(w, "acpi", "yes");
    }
    if x86 {
        toggle(w, "apic", "no");
    }
    w.empty("cpuselection");
    w.empty("deviceboot");
    toggle(w, "disksnapshot", "no");
    w.empty("externalSnapshot");
    w.end();
    w.end();
}

fn toggle(w: &mut Writer, name: &'static str, toggle: &str) {
    w.start(name);
    w.attr("default", "on");
    w.attr("toggle", toggle);
    w.end();
}

fn write_machine(w: &mut Writer, machine: &Machine) {
    let mut one = |name: &str, canonical: Option<&str>| {
        w.start("machine");
        w.attr_opt("canonical", canonical);
        if machine.max_cpus > 0 {
            w.attr_fmt("maxCpus", format_args!("{}", machine.max_cpus));
        }
        if machine.deprecated {
            w.attr("deprecated", "yes");
        }
        w.text(name);
        w.end();
    };
    one(&machine.name, None);
    if let Some(alias) = &machine.alias {
        one(alias, Some(&machine.name));
    }
}
