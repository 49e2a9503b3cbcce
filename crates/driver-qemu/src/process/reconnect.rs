//! After a restart of the daemon: finding the guests that run, and what is left of those that do not.

use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use virtus_api::constants::*;
use virtus_base::Result;
use virtus_conf::domain::device::Graphics;
use virtus_host::process::{Process, Signal};
use virtus_qmp::command::{QueryCpusFast, QueryStatus};
use virtus_state::file::{self, Durability};

use super::directory::remove_directory;
use super::{Running, events, start};
use crate::domain::status::{Status, line_of};
use crate::domain::transition::StopReason;
use crate::domain::{Domain, Live, State, View};
use crate::driver::Driver;

/// Reads all status files, publishes the guests as they were, and reaches them in the background. Then what
/// belongs to no guest is removed.
pub fn reconnect(driver: &Driver) {
    let layout = &driver.setup.layout;
    let files = file::list(&layout.state, "xml").unwrap_or_else(|e| {
        tracing::error!("cannot read {}: {e}", layout.state.display());
        Vec::new()
    });
    let mut kept: HashSet<PathBuf> = HashSet::new();
    for (name, path) in files {
        let status = std::fs::read_to_string(&path).map_err(|e| crate::error::system("cannot read", &e));
        match status.and_then(|text| Status::parse(&text)) {
            Ok(status) => take_up(driver, &name, status, &mut kept),
            Err(e) => file::set_aside(&path, line_of(&e), &e),
        }
    }
    sweep(driver, &kept);
}

/// One guest: published at once with what its file says.
fn take_up(driver: &Driver, name: &str, status: Status, kept: &mut HashSet<PathBuf>) {
    let model = status.domain;
    let id = model.id.unwrap_or(-1);
    driver.seen_id(id);
    let domain = match driver.registry.by_uuid(&model.uuid) {
        Some(domain) => domain,
        None => {
            let domain = Domain::new(model.uuid, View::empty(name.into()));
            if driver.registry.insert(Arc::clone(&domain)).is_err() {
                tracing::error!("the running domain '{name}' has the name of another one; it is passed over");
                return;
            }
            domain
        }
    };
    let process = {
        let _runtime = driver.runtime.enter();
        Process::open(status.pid, status.start_time)
    };
    let ours = |process: &Process| status.start_time.is_some() || runs(process.pid(), name);
    let Ok(process) = process
        .as_ref()
        .map_err(|_| ())
        .and_then(|p| if ours(p) { Ok(()) } else { Err(()) })
        .and(process.map_err(|_| ()))
    else {
        tracing::warn!("domain '{name}' has ended while nobody looked");
        super::filters::unbind_all(driver, &model);
        gone(driver, &domain, id, name, &status.lib_dir, &status.channel_dir);
        let shared = Arc::clone(&driver.0);
        driver.runtime.spawn(async move { super::taps::disconnect_all(&shared, &model).await });
        return;
    };
    kept.extend([status.lib_dir.clone(), status.channel_dir.clone()]);
    let running =
        Running::new(id, process, status.lib_dir, status.channel_dir, Arc::new(status.capabilities));
    running.set_vcpus(status.vcpus);
    if let Some(cpu) = status.original_cpu {
        running.note_original_cpu(cpu);
    }
    running.fake_reboot.store(status.fake_reboot, Ordering::Relaxed);
    running
        .last_image
        .store(status.last_image.max(crate::command::plan::last_image(&model)), Ordering::Relaxed);
    running.agent_timeout.store(status.agent_timeout, Ordering::Relaxed);
    let starting = status.job.as_deref() == Some("start");
    running.starting.store(starting, Ordering::Relaxed);
    note_ports(driver, &model, id);
    let mut model = model;
    super::perf::restart(&running, &mut model);
    let running = Arc::new(running);
    domain.running.store(Some(Arc::clone(&running)));
    driver.change(&domain, |view| {
        view.id = Some(id);
        view.state = status.state;
        view.live = Some(Arc::new(Live::new(model)));
        Vec::new()
    });
    if starting {
        // nobody waits for it, and nobody knows how far it came
        running.set_stop(StopReason::Failed);
        let _ = running.process.kill(Signal::KILL);
    }
    driver.runtime.spawn(reach(driver.clone(), domain, running));
}

fn note_ports(driver: &Driver, model: &virtus_conf::domain::Domain, id: i32) {
    for graphics in &model.devices.graphics {
        let ports = match graphics {
            Graphics::Vnc(vnc) => [vnc.server.ports.port, vnc.server.ports.websocket],
            Graphics::Spice(spice) => [spice.ports.port, spice.ports.tls_port],
            _ => continue,
        };
        for port in ports.into_iter().flatten().filter_map(|p| u16::try_from(p).ok()) {
            driver.ports.note(port, id);
        }
    }
}

/// Whether a process is the QEMU of the domain of this name, for status files that do not say when it began.
fn runs(pid: i32, name: &str) -> bool {
    let line = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    let guest = format!("guest={name}");
    line.split(|b| *b == 0).any(|arg| {
        arg.strip_prefix(guest.as_bytes()).is_some_and(|rest| rest.is_empty() || rest.first() == Some(&b','))
    })
}

/// Connects to a guest's monitor and learns what has happened meanwhile; then follows it.
async fn reach(driver: Driver, domain: Arc<Domain>, running: Arc<Running>) {
    let name = Arc::clone(&domain.view().name);
    super::taps::reattach(&driver.0, &domain, None).await;
    let events = if running.stop_reason().is_some() {
        None
    } else {
        match meet(&driver, &domain, &running, &name).await {
            Ok(events) => Some(events),
            Err(e) => {
                tracing::error!("domain '{name}' runs but its monitor cannot be reached: {e}; it is ended");
                running.set_stop(StopReason::Daemon);
                let _ = running.process.kill(Signal::TERM);
                None
            }
        }
    };
    events::follow(Arc::clone(&driver.0), domain, running, events).await;
}

async fn meet(
    driver: &Driver,
    domain: &Arc<Domain>,
    running: &Arc<Running>,
    name: &str,
) -> Result<virtus_qmp::Events> {
    let (monitor, events) = loop {
        match start::connect(&driver.0, running, name).await {
            Ok(met) => break met,
            // a QEMU that is stopped cannot greet; it may go on one day
            Err(e) if e.code() == virtus_base::ErrorCode::OPERATION_TIMEOUT && running.process.is_alive() => {
                tracing::warn!("domain '{name}' does not answer; it is tried again");
            }
            Err(e) => return Err(e),
        }
    };
    if let Some(live) = domain.view().live.as_ref() {
        super::filters::rebind_all(&driver.0, live.model.clone()).await;
    }
    let mut batch = monitor.batch();
    let (status, cpus) = (batch.add(&QueryStatus {}), batch.add(&QueryCpusFast {}));
    batch.send();
    let status = status.await?;
    if let Ok(cpus) = cpus.await {
        running.set_vcpus(
            cpus.iter()
                .filter_map(|c| Some((u32::try_from(c.cpu_index).ok()?, i32::try_from(c.thread_id).ok()?)))
                .collect(),
        );
    }
    let _ = running.monitor.set(monitor);
    crate::change::live::find_gone(&driver.0, domain, running).await?;
    let seen = domain.view().state;
    if let Some(state) = state_of(&status.status, status.running, seen) {
        driver.change(domain, |view| {
            view.state = state;
            Vec::new()
        });
    }
    if seen.state == VIR_DOMAIN_SHUTDOWN || status.status == "shutdown" {
        // it turned itself off, and its QEMU waits for somebody to notice
        running.set_stop(StopReason::Shutdown);
        let _ = running.process.kill(Signal::TERM);
    }
    Ok(events)
}

/// The state a guest is in, when that is another one than what was `seen` last.
fn state_of(status: &str, running: bool, seen: State) -> Option<State> {
    let now = match (status, running) {
        (_, true) => State::new(VIR_DOMAIN_RUNNING, VIR_DOMAIN_RUNNING_UNPAUSED),
        ("guest-panicked", _) => State::new(VIR_DOMAIN_CRASHED, VIR_DOMAIN_CRASHED_PANICKED),
        ("io-error", _) => State::new(VIR_DOMAIN_PAUSED, VIR_DOMAIN_PAUSED_IOERROR),
        ("watchdog", _) => State::new(VIR_DOMAIN_PAUSED, VIR_DOMAIN_PAUSED_WATCHDOG),
        ("suspended", _) => State::new(VIR_DOMAIN_PMSUSPENDED, VIR_DOMAIN_PMSUSPENDED_UNKNOWN),
        ("shutdown", _) => State::new(VIR_DOMAIN_SHUTDOWN, VIR_DOMAIN_SHUTDOWN_UNKNOWN),
        _ => State::new(VIR_DOMAIN_PAUSED, VIR_DOMAIN_PAUSED_UNKNOWN),
    };
    (now.state != seen.state).then_some(now)
}

/// A guest that ended while no daemon ran.
fn gone(
    driver: &Driver,
    domain: &Arc<Domain>,
    id: i32,
    name: &str,
    lib: &std::path::Path,
    channel: &std::path::Path,
) {
    let layout = &driver.setup.layout;
    super::log::stopped(&layout.log(name), "daemon");
    for path in [layout.pid_file(name), layout.status(name)] {
        let _ = file::remove(&path, Durability::Process);
    }
    for path in [channel, lib] {
        // a file of libvirt's always says where; an odd one must not lead anywhere else
        if path.starts_with(&layout.lib) || path.starts_with(&layout.state) {
            remove_directory(path);
        }
    }
    super::helper::stop(driver, id, lib);
    super::cgroup::remove(None, id, name);
    driver.ports.release(id);
    driver.change(domain, |view| {
        view.state = StopReason::Daemon.state();
        Vec::new()
    });
    if !domain.view().is_persistent() {
        driver.registry.remove(domain);
    }
}

/// Removes the directories of guests that were being started when the daemon died, and ends their QEMUs: the
/// directory is made before QEMU is started and removed after it has ended, so it is where to look.
fn sweep(driver: &Driver, kept: &HashSet<PathBuf>) {
    let layout = &driver.setup.layout;
    let left = |dir: PathBuf, prefix: &str| {
        let entries = std::fs::read_dir(dir).into_iter().flatten().flatten();
        let named =
            |path: &PathBuf| path.file_name().and_then(|n| n.to_str()).is_some_and(|n| n.starts_with(prefix));
        entries.map(|e| e.path()).filter(|p| named(p) && !kept.contains(p)).collect::<Vec<_>>()
    };
    let lib = left(layout.lib.clone(), "domain-");
    if !lib.is_empty() {
        end_orphans(&lib);
    }
    for path in lib.iter().chain(&left(layout.state.join("channel"), "")) {
        tracing::info!("removing what is left of a start: {}", path.display());
        remove_directory(path);
    }
    super::helper::sweep(driver, &ids(driver));
    for (name, path) in file::list(&layout.state, "pid").unwrap_or_default() {
        if name != "driver" && driver.registry.by_name(&name).is_none_or(|d| !d.view().is_active()) {
            let _ = file::remove(&path, Durability::Process);
        }
    }
}

/// The numbers of all guests that run.
fn ids(driver: &Driver) -> HashSet<i32> {
    driver.registry.list().iter().filter_map(|domain| domain.view().id).collect()
}

/// Ends the QEMUs that were given one of these directories.
fn end_orphans(directories: &[PathBuf]) {
    let processes = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    for pid in processes.filter_map(|e| e.file_name().to_str()?.parse::<i32>().ok()) {
        let line = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        let line = String::from_utf8_lossy(&line);
        let theirs = |dir: &PathBuf| line.contains(&format!("{}/master-key.aes", dir.display()));
        // taken hold of first, so that the number cannot come to mean another one
        if directories.iter().any(theirs)
            && let Ok(process) = Process::open(pid, None)
            && std::fs::read(format!("/proc/{pid}/cmdline"))
                .is_ok_and(|l| String::from_utf8_lossy(&l) == line)
        {
            tracing::warn!("ending process {pid}, a QEMU whose start was never finished");
            let _ = process.kill(Signal::KILL);
        }
    }
}
