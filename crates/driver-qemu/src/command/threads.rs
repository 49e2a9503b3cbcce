//! vCPUs, I/O threads and throttle groups.

use virtus_conf::domain::cpu_tune::IoThread;
use virtus_conf::domain::device::IoTune;

use super::build::Build;
use super::props::Props;

/// `-smp`.
pub(super) fn smp(b: &mut Build<'_>) {
    let guest = b.guest;
    let vcpu = &guest.domain.vcpu;
    let mut text = boot_cpus(guest.domain).to_string();
    if boot_cpus(guest.domain) != vcpu.max {
        text.push_str(&format!(",maxcpus={}", vcpu.max));
    }
    match guest.domain.cpu.as_ref().and_then(|cpu| cpu.topology.as_ref()) {
        Some(topology) => {
            text.push_str(&format!(",sockets={}", topology.sockets));
            if guest.has("smp-dies") {
                text.push_str(&format!(",dies={}", topology.dies));
            }
            if guest.has("smp-clusters") {
                text.push_str(&format!(",clusters={}", topology.clusters));
            }
            text.push_str(&format!(",cores={},threads={}", topology.cores, topology.threads));
        }
        None => text.push_str(&format!(",sockets={},cores=1,threads=1", vcpu.max)),
    }
    b.line.option("smp", text);
}

/// How many vCPUs QEMU starts with: those that can be unplugged are plugged in afterwards.
pub(crate) fn boot_cpus(domain: &virtus_conf::domain::Domain) -> u32 {
    match &domain.vcpus {
        Some(vcpus) if !vcpus.vcpus.is_empty() => {
            let fixed = vcpus.vcpus.iter().filter(|vcpu| {
                vcpu.enabled.is_true() && vcpu.hotpluggable.is_none_or(|hotpluggable| !hotpluggable.is_true())
            });
            u32::try_from(fixed.count()).unwrap_or(1).max(1)
        }
        _ => domain.vcpu.online(),
    }
}

/// The I/O threads of a definition, with what it says of each.
fn all_iothreads(domain: &virtus_conf::domain::Domain) -> Vec<IoThread> {
    let listed = || domain.iothreadids.iter().flat_map(|ids| &ids.iothreads);
    let plain = |id| IoThread { id, thread_pool_min: None, thread_pool_max: None, poll: None };
    let ids = domain.iothread_ids().into_iter();
    ids.map(|id| listed().find(|thread| thread.id == id).cloned().unwrap_or_else(|| plain(id))).collect()
}

/// I/O threads, and the thread pool of the main loop.
pub(super) fn iothreads(b: &mut Build<'_>) {
    let domain = b.guest.domain;
    for thread in &all_iothreads(domain) {
        let poll = thread.poll.clone().unwrap_or_default();
        let props = Props::object("iothread", format!("iothread{}", thread.id))
            .maybe("thread-pool-min", thread.thread_pool_min)
            .maybe("thread-pool-max", thread.thread_pool_max)
            .maybe("poll-max-ns", poll.max)
            .maybe("poll-grow", poll.grow)
            .maybe("poll-shrink", poll.shrink);
        b.line.json("object", &props);
    }
    if let Some(main) = &domain.defaultiothread {
        let props = Props::object("main-loop", "main-loop")
            .maybe("thread-pool-min", main.thread_pool_min)
            .maybe("thread-pool-max", main.thread_pool_max);
        b.line.json("object", &props);
    }
}

/// Limits that several disks share.
pub(super) fn throttle_groups(b: &mut Build<'_>) {
    let domain = b.guest.domain;
    for group in domain.throttlegroups.iter().flat_map(|groups| &groups.groups) {
        let id = format!("throttle-{}", group.group_name.as_deref().unwrap_or_default());
        let props = Props::object("throttle-group", id).with("limits", limits(group));
        b.line.json("object", &props);
    }
}

/// Limits as QEMU names them.
pub(crate) fn limits(tune: &IoTune) -> Props {
    Props::new()
        .maybe("bps-total", tune.total_bytes_sec)
        .maybe("bps-read", tune.read_bytes_sec)
        .maybe("bps-write", tune.write_bytes_sec)
        .maybe("iops-total", tune.total_iops_sec)
        .maybe("iops-read", tune.read_iops_sec)
        .maybe("iops-write", tune.write_iops_sec)
        .maybe("bps-total-max", tune.total_bytes_sec_max)
        .maybe("bps-read-max", tune.read_bytes_sec_max)
        .maybe("bps-write-max", tune.write_bytes_sec_max)
        .maybe("iops-total-max", tune.total_iops_sec_max)
        .maybe("iops-read-max", tune.read_iops_sec_max)
        .maybe("iops-write-max", tune.write_iops_sec_max)
        .maybe("iops-size", tune.size_iops_sec)
        .maybe("bps-total-max-length", tune.total_bytes_sec_max_length)
        .maybe("bps-read-max-length", tune.read_bytes_sec_max_length)
        .maybe("bps-write-max-length", tune.write_bytes_sec_max_length)
        .maybe("iops-total-max-length", tune.total_iops_sec_max_length)
        .maybe("iops-read-max-length", tune.read_iops_sec_max_length)
        .maybe("iops-write-max-length", tune.write_iops_sec_max_length)
}
