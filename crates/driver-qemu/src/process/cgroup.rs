//! A guest's control group: its QEMU starts in it and so does not end with the daemon's. A host without groups, or one
//! that lets nobody make them, has none for guests either.

use std::sync::OnceLock;

use virtus_base::Result;
use virtus_conf::domain::Domain;
use virtus_host::cgroup::{Cgroups, CpuTimes, Group, machine_name};
use virtus_host::process::{Spawn, threads, usage};

use super::Running;
use crate::error::system;

/// Where a guest stands unless it says otherwise.
const PARTITION: &str = "/machine";
const DRIVER: &str = "qemu";

fn host() -> &'static Cgroups {
    static HOST: OnceLock<Cgroups> = OnceLock::new();
    HOST.get_or_init(Cgroups::detect)
}

fn partition(model: &Domain) -> &str {
    model.resource.as_ref().and_then(|r| r.partition.as_deref()).unwrap_or(PARTITION)
}

fn machine(id: i32, name: &str) -> String {
    machine_name(DRIVER, u32::try_from(id).unwrap_or(0), name)
}

/// The group of a running guest, empty where it has none.
pub(crate) fn of(running: &Running) -> Group {
    Group::of_process(host(), running.process.pid(), DRIVER)
}

/// The CPU time a guest has used: of all in its group, or where nothing counts that, of its QEMU alone.
///
/// # Errors
/// That it has ended.
pub(crate) fn cpu_times(running: &Running) -> std::io::Result<CpuTimes> {
    if let Some(times) = of(running).cpu_times() {
        return Ok(times);
    }
    let used = usage(running.process.pid(), None)?;
    Ok(CpuTimes { total: used.user.saturating_add(used.system), user: used.user, system: used.system })
}

/// The group of some of a guest's threads by its name (`vcpu0`, `emulator`, `iothread1`). Threads share the guest's
/// group until something is said of them.
pub(crate) fn thread_group(group: &Group, name: &str, threads: &[i32]) -> Result<Group> {
    for thread in threads {
        match group.add_thread(name, *thread) {
            // it may have ended meanwhile
            Err(e) if e.raw_os_error() == Some(rustix::io::Errno::SRCH.raw_os_error()) => {}
            added => added.map_err(|e| {
                system(format_args!("Failed to add thread {thread} to the control group '{name}'"), &e)
            })?,
        }
    }
    Ok(group.thread(name))
}

/// The threads of a guest's QEMU that are neither vCPUs nor I/O threads.
pub(crate) fn emulator_threads(running: &Running, iothreads: &[i32]) -> Vec<i32> {
    let vcpus = running.vcpus();
    let all = threads(running.process.pid()).unwrap_or_default();
    let others = |thread: &i32| !iothreads.contains(thread) && vcpus.iter().all(|(_, vcpu)| vcpu != thread);
    all.into_iter().filter(others).collect()
}

/// Makes the group of a guest that is about to start and has its QEMU join it. Only root's guests have groups.
pub(super) fn join(model: &Domain, id: i32, spawn: &mut Spawn) {
    if !rustix::process::geteuid().is_root() {
        return;
    }
    for file in Group::create(host(), partition(model), &machine(id, &model.name), DRIVER).procs_files() {
        spawn.cgroup(file);
    }
}

/// Ends what a guest that has ended left in its group, and removes the group.
pub(super) fn remove(model: Option<&Domain>, id: i32, name: &str) {
    if !rustix::process::geteuid().is_root() {
        return;
    }
    let group = Group::find(host(), model.map_or(PARTITION, partition), &machine(id, name), DRIVER);
    group.kill();
    if let Err(e) = group.remove() {
        // what was killed may take a moment to go; an empty group costs nothing
        tracing::debug!("cannot remove the control group of domain '{name}': {e}");
    }
}
