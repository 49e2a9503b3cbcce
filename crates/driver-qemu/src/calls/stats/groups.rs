//! The groups of `virConnectGetAllDomainStats`, one function each.

use serde_json::Value;
use virtus_api::constants::*;
use virtus_base::{TypedParam, TypedValue};
use virtus_conf::domain::device::Disk;
use virtus_host::process::usage;

use super::one::device_stats;
use super::{StoredImages, Subject};
use crate::domain::disk_path;
use crate::process::cgroup;

/// Parameters as they are collected.
struct Params(Vec<TypedParam>);

impl Params {
    fn put(&mut self, field: impl Into<String>, value: impl Into<TypedValue>) {
        self.0.push(TypedParam::new(field, value));
    }
}

/// The parameters of these groups.
pub(super) fn all(
    subject: &Subject,
    groups: u32,
    with_backing: bool,
    stored: &StoredImages,
) -> Vec<TypedParam> {
    let mut p = Params(Vec::with_capacity(16));
    let has = |group: u32| groups & group != 0;
    if has(VIR_DOMAIN_STATS_STATE) {
        p.put("state.state", subject.view.state.state);
        p.put("state.reason", subject.view.state.reason);
    }
    if has(VIR_DOMAIN_STATS_CPU_TOTAL) {
        cpu(subject, &mut p);
    }
    if has(VIR_DOMAIN_STATS_BALLOON) {
        balloon(subject, &mut p);
    }
    if has(VIR_DOMAIN_STATS_VCPU) {
        vcpu(subject, &mut p);
    }
    if has(VIR_DOMAIN_STATS_INTERFACE) {
        net(subject, &mut p);
    }
    if has(VIR_DOMAIN_STATS_BLOCK) {
        block(subject, with_backing, stored, &mut p);
    }
    if has(VIR_DOMAIN_STATS_PERF) {
        perf(subject, &mut p);
    }
    if has(VIR_DOMAIN_STATS_IOTHREAD) {
        iothread(subject, &mut p);
    }
    if has(VIR_DOMAIN_STATS_DIRTYRATE) {
        dirty_rate(subject, &mut p);
    }
    p.0
}

fn perf(subject: &Subject, p: &mut Params) {
    for (name, count) in subject.running.iter().flat_map(|running| crate::process::perf::figures(running)) {
        p.put(format!("perf.{name}"), count);
    }
}

fn cpu(subject: &Subject, p: &mut Params) {
    let used = subject.running.as_ref().and_then(|running| cgroup::cpu_times(running).ok());
    let used = used.unwrap_or_default();
    p.put("cpu.time", used.total);
    p.put("cpu.user", used.user);
    p.put("cpu.system", used.system);
    if subject.running.is_some() {
        p.put("cpu.cache.monitor.count", 0u32);
        p.put("cpu.haltpoll.success.time", 0u64);
        p.put("cpu.haltpoll.fail.time", 0u64);
    }
}

/// The guest's own figures: libvirt's name, QEMU's, and what QEMU's has to be divided by for KiB.
const BALLOON: [(&str, &str, u64); 9] = [
    ("balloon.swap_in", "stat-swap-in", 1024),
    ("balloon.swap_out", "stat-swap-out", 1024),
    ("balloon.major_fault", "stat-major-faults", 1),
    ("balloon.minor_fault", "stat-minor-faults", 1),
    ("balloon.unused", "stat-free-memory", 1024),
    ("balloon.available", "stat-total-memory", 1024),
    ("balloon.usable", "stat-available-memory", 1024),
    ("balloon.disk_caches", "stat-disk-caches", 1024),
    ("balloon.hugetlb_pgalloc", "stat-htlb-pgalloc", 1),
];

/// One of the guest's own figures, if the guest gave it: QEMU's -1 says that it did not.
pub(super) fn guest_stat(stats: &Value, name: &str, divisor: u64) -> Option<u64> {
    let value = stats.get("stats")?.get(name)?.as_u64().filter(|v| *v != u64::MAX)?;
    Some(value / divisor)
}

fn balloon(subject: &Subject, p: &mut Params) {
    let Some(summary) = subject.view.summary() else { return };
    p.put("balloon.current", summary.memory);
    p.put("balloon.maximum", summary.max_memory);
    let Some(running) = &subject.running else { return };
    if let Some(sample) = running.samples.balloon.last() {
        let stats = &sample.value;
        for (index, (name, qemu, divisor)) in BALLOON.into_iter().enumerate() {
            if index == 7 {
                last_update(stats, p);
            }
            if let Some(value) = guest_stat(stats, qemu, divisor) {
                p.put(name, value);
            }
        }
        if let Some(value) = guest_stat(stats, "stat-htlb-pgfail", 1) {
            p.put("balloon.hugetlb_pgfail", value);
        }
    }
    if let Ok(used) = usage(running.process.pid(), None) {
        p.put("balloon.rss", used.rss_kib);
    }
}

fn last_update(stats: &Value, p: &mut Params) {
    if let Some(time) = stats.get("last-update").and_then(Value::as_u64) {
        p.put("balloon.last-update", time);
    }
}

fn vcpu(subject: &Subject, p: &mut Params) {
    let Some(summary) = subject.view.summary() else { return };
    p.put("vcpu.current", summary.vcpus);
    p.put("vcpu.maximum", summary.max_vcpus);
    let Some(running) = &subject.running else { return };
    for (number, thread) in running.vcpus() {
        let used = usage(running.process.pid(), Some(thread)).unwrap_or_default();
        p.put(format!("vcpu.{number}.state"), VIR_VCPU_RUNNING);
        p.put(format!("vcpu.{number}.time"), used.user.saturating_add(used.system));
        p.put(format!("vcpu.{number}.wait"), 0u64);
        p.put(format!("vcpu.{number}.delay"), used.delay);
    }
}

fn net(subject: &Subject, p: &mut Params) {
    let (Some(_), Some(live)) = (&subject.running, &subject.view.live) else { return };
    let interfaces = &live.model.devices.interfaces;
    p.put("net.count", u32::try_from(interfaces.len()).unwrap_or(u32::MAX));
    if interfaces.iter().all(|i| super::one::host_side(i).is_none()) {
        return;
    }
    let counters = virtus_host::net::all_stats().unwrap_or_default();
    for (index, interface) in interfaces.iter().enumerate() {
        let Some(name) = super::one::host_side(interface) else { continue };
        p.put(format!("net.{index}.name"), name);
        let Some((_, stats)) = counters.iter().find(|(known, _)| known == name) else { continue };
        let stats = stats.seen_by_guest();
        for (field, value) in [
            ("rx.bytes", stats.rx_bytes),
            ("rx.pkts", stats.rx_packets),
            ("rx.errs", stats.rx_errs),
            ("rx.drop", stats.rx_drop),
            ("tx.bytes", stats.tx_bytes),
            ("tx.pkts", stats.tx_packets),
            ("tx.errs", stats.tx_errs),
            ("tx.drop", stats.tx_drop),
        ] {
            p.put(format!("net.{index}.{field}"), value);
        }
    }
}

fn block(subject: &Subject, with_backing: bool, stored: &StoredImages, p: &mut Params) {
    let place = p.0.len();
    p.put("block.count", 0u32);
    let mut count = 0u32;
    match (&subject.running, &subject.view.live, &subject.view.persistent) {
        (Some(running), Some(live), _) => {
            let stats = running.samples.blocks.last();
            let nodes = running.samples.nodes.last();
            for disk in &live.model.devices.disks {
                let stats = stats.as_ref().and_then(|s| device_stats(&s.value, disk));
                let images = images(nodes.as_ref().map_or(&[][..], |n| &n.value), disk, stats);
                image(p, count, disk, images.first(), stats);
                count = count.saturating_add(1);
                for lower in images.iter().skip(1).filter(|_| with_backing) {
                    backing(p, count, disk, lower);
                    count = count.saturating_add(1);
                }
            }
        }
        (_, _, Some(definition)) => {
            for disk in &definition.summary.disks {
                p.put(format!("block.{count}.name"), &*disk.target);
                if let Some(path) = &disk.path {
                    p.put(format!("block.{count}.path"), &**path);
                    if let Some(image) = stored.get(path) {
                        p.put(format!("block.{count}.allocation"), image.allocation);
                        p.put(format!("block.{count}.capacity"), image.capacity);
                        p.put(format!("block.{count}.physical"), image.physical);
                    }
                }
                count = count.saturating_add(1);
            }
        }
        _ => {}
    }
    if let Some(first) = p.0.get_mut(place) {
        first.value = count.into();
    }
}

/// An image that a disk is made of, as QEMU has it open.
struct Image {
    path: Option<String>,
    node: String,
    capacity: Option<u64>,
    highest: Option<u64>,
}

/// The images of a disk from the top down; their paths are the definition's, for QEMU knows descriptors only.
fn images(nodes: &[Value], disk: &Disk, stats: Option<&virtus_qmp::command::BlockStats>) -> Vec<Image> {
    use virtus_conf::domain::device::storage::BackingStore;
    let mut images = Vec::new();
    let mut layer = stats;
    let mut path = disk_path(disk).map(str::to_owned);
    let mut below = disk.backing.as_ref();
    while let Some(stats) = layer {
        if let Some(name) = &stats.node_name {
            let node = nodes.iter().find(|n| n.get("node-name").and_then(Value::as_str) == Some(name));
            let image = node.and_then(|n| n.get("image"));
            images.push(Image {
                path: path.take(),
                node: name.clone(),
                capacity: image.and_then(|i| i.get("virtual-size")?.as_u64()),
                highest: stats.parent.as_ref().map(|p| p.stats.wr_highest_offset),
            });
        }
        if let Some(BackingStore::Image(image)) = below {
            path = image.source.path().map(str::to_owned);
            below = image.backing.as_ref();
        }
        layer = stats.backing.as_deref();
    }
    images
}

fn image(
    p: &mut Params,
    n: u32,
    disk: &Disk,
    image: Option<&Image>,
    stats: Option<&virtus_qmp::command::BlockStats>,
) {
    p.put(format!("block.{n}.name"), disk.dst());
    let path = disk_path(disk);
    if let Some(path) = path {
        p.put(format!("block.{n}.path"), path);
    }
    if let Some(index) = image.and_then(index_of) {
        p.put(format!("block.{n}.backingIndex"), index);
    }
    if let Some(stats) = stats {
        let s = &stats.stats;
        for (field, value) in [
            ("rd.reqs", s.rd_operations),
            ("rd.bytes", s.rd_bytes),
            ("rd.times", s.rd_total_time_ns),
            ("wr.reqs", s.wr_operations),
            ("wr.bytes", s.wr_bytes),
            ("wr.times", s.wr_total_time_ns),
            ("fl.reqs", s.flush_operations),
            ("fl.times", s.flush_total_time_ns),
        ] {
            p.put(format!("block.{n}.{field}"), value);
        }
    }
    if let (Some(image), Some(_)) = (image, path) {
        sizes(p, n, image, path);
    }
}

fn backing(p: &mut Params, n: u32, disk: &Disk, image: &Image) {
    p.put(format!("block.{n}.name"), disk.dst());
    if let Some(path) = &image.path {
        p.put(format!("block.{n}.path"), path.as_str());
    }
    if let Some(index) = index_of(image) {
        p.put(format!("block.{n}.backingIndex"), index);
    }
    sizes(p, n, image, image.path.as_deref());
}

fn sizes(p: &mut Params, n: u32, image: &Image, path: Option<&str>) {
    if let Some(highest) = image.highest {
        p.put(format!("block.{n}.allocation"), highest);
    }
    if let Some(capacity) = image.capacity {
        p.put(format!("block.{n}.capacity"), capacity);
    }
    // QEMU has it open, so its file system answers
    if let Some(meta) = path.and_then(|path| std::fs::metadata(path).ok()) {
        use std::os::unix::fs::MetadataExt;
        p.put(format!("block.{n}.physical"), meta.blocks().saturating_mul(512));
    }
}

/// The number in QEMU's name of an image, e.g. 2 in `libvirt-2-format`.
fn index_of(image: &Image) -> Option<u32> {
    image.node.strip_prefix("libvirt-")?.split('-').next()?.parse().ok()
}

fn iothread(subject: &Subject, p: &mut Params) {
    let Some(live) = subject.view.live.as_ref().filter(|l| crate::stats::has_iothreads(&l.model)) else {
        return;
    };
    let Some(sample) = subject.running.as_ref().and_then(|r| r.samples.iothreads.last()) else { return };
    let _ = live;
    p.put("iothread.count", u32::try_from(sample.value.len()).unwrap_or(u32::MAX));
    for thread in &sample.value {
        let Some(number) = thread.id.strip_prefix("iothread").and_then(|n| n.parse::<u32>().ok()) else {
            continue;
        };
        for (field, value) in [
            ("poll-max-ns", thread.poll_max_ns),
            ("poll-grow", thread.poll_grow),
            ("poll-shrink", thread.poll_shrink),
        ] {
            let field = format!("iothread.{number}.{field}");
            match field.ends_with("ns") {
                true => p.put(field, u64::try_from(value).unwrap_or_default()),
                false => p.put(field, u32::try_from(value).unwrap_or_default()),
            }
        }
    }
}

fn dirty_rate(subject: &Subject, p: &mut Params) {
    let Some(sample) = subject.running.as_ref().and_then(|r| r.samples.dirty_rate.last()) else { return };
    let rate = &sample.value;
    let number = |name: &str| rate.get(name).and_then(Value::as_i64);
    let status = match rate.get("status").and_then(Value::as_str) {
        Some("measuring") => VIR_DOMAIN_DIRTYRATE_MEASURING,
        Some("measured") => VIR_DOMAIN_DIRTYRATE_MEASURED,
        _ => VIR_DOMAIN_DIRTYRATE_UNSTARTED,
    };
    p.put("dirtyrate.calc_status", status);
    p.put("dirtyrate.calc_start_time", number("start-time").unwrap_or(0));
    p.put("dirtyrate.calc_period", i32::try_from(number("calc-time").unwrap_or(0)).unwrap_or(i32::MAX));
    let mode = rate.get("mode").and_then(Value::as_str).unwrap_or("page-sampling");
    p.put("dirtyrate.calc_mode", mode);
    if status == VIR_DOMAIN_DIRTYRATE_MEASURED
        && let Some(rate) = number("dirty-rate")
    {
        p.put("dirtyrate.megabytes_per_second", rate);
    }
    for vcpu in rate.get("vcpu-dirty-rate").and_then(Value::as_array).into_iter().flatten() {
        if let (Some(id), Some(rate)) =
            (vcpu.get("id").and_then(Value::as_i64), vcpu.get("dirty-rate").and_then(Value::as_u64))
        {
            p.put(format!("dirtyrate.vcpu.{id}.megabytes_per_second"), rate);
        }
    }
}
