//! Starting a domain: prepare, spawn, talk, run. Every step that leaves something behind pushes its undo.

use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::net::UnixStream;
use virtus_api::DomainEvent;
use virtus_api::constants::*;
use virtus_base::{Error, ErrorCode, Result};
use virtus_conf::domain as conf;
use virtus_conf::domain::device::{ChardevSource, Graphics};
use virtus_host::process::Spawn;
use virtus_qmp::command::{Cont, QueryChardev, QueryCpusFast, SetPassword};
use virtus_qmp::{Events, Monitor, Options};
use virtus_state::Undo;
use virtus_state::file::{self, Durability};

use super::prepare::{self, Places};
use super::{
    Running, cgroup, chain, dev, events, filters, helper, images, limits, listen, live_cpu, log, reach,
    secrets, stop, taps, volumes,
};
use crate::capabilities::ProbedEmulator;
use crate::command::Context;
use crate::domain::transition::{Input, StopReason};
use crate::domain::{Domain, Live, State};
use crate::driver::Shared;
use crate::emulator::Emulator;
use crate::error::{error, internal, system};
use crate::settings::Settings;

/// How a domain is to be started.
#[derive(Clone, Copy, Debug, Default)]
pub struct Start {
    /// Its CPUs are not to run yet.
    pub paused: bool,
    /// Its firmware variables are to be new.
    pub reset_nvram: bool,
}

/// How long QEMU may take until its monitor answers.
const GREETING: Duration = Duration::from_secs(30);

/// Starts a domain from `model`, which is complete. The caller holds its job.
///
/// # Errors
/// What failed, with what QEMU said of it; nothing of the attempt is left then.
pub(crate) async fn start(
    shared: &Arc<Shared>,
    domain: &Arc<Domain>,
    model: conf::Domain,
    how: Start,
) -> Result<()> {
    let id = shared.next_id();
    let mut undo = Undo::new();
    {
        let ports = Arc::clone(shared);
        undo.push("ports", move || {
            ports.ports.release(id);
            Ok(())
        });
    }
    match attempt(shared, domain, model, id, how, &mut undo).await {
        Ok(()) => {
            undo.commit();
            Ok(())
        }
        Err(e) => {
            undo.unwind().await;
            shared.change(domain, |view| {
                view.state = State::new(VIR_DOMAIN_SHUTOFF, VIR_DOMAIN_SHUTOFF_FAILED);
                Vec::new()
            });
            Err(e)
        }
    }
}

async fn attempt(
    shared: &Arc<Shared>,
    domain: &Arc<Domain>,
    model: conf::Domain,
    id: i32,
    how: Start,
    undo: &mut Undo,
) -> Result<()> {
    let name = Arc::clone(&domain.view().name);
    let places = Places::of(shared, id, &name);
    let emulator = emulator_of(shared, &model).await?;
    let mut context = crate::launch::context(shared, id, &name);
    let (user, files) = (shared.setup.user.clone(), Arc::clone(shared));
    let mut model = model;
    crate::address::alias::assign(&mut model);
    // what lies on another host's disk may keep us waiting
    let (mut model, found, missing) = shared
        .blocking(move || {
            let found = volumes::places(&model.devices.disks, &*files.setup.volumes)?;
            let missing = chain::drop_missing(&mut model, &found);
            chain::chains(&mut model, &found, user.as_ref())?;
            prepare::variables(&files, &model, how.reset_nvram)?;
            Ok((model, found, missing))
        })
        .await?;
    context.volumes = found;
    let started_with = model.cpu.clone();
    listen::look_up(shared, &mut model).await?;
    model = prepare::live_model(shared, model, id, &places, (&*emulator, &context))?;
    prepare::check_host(&model)?;
    reach::devices(&model, context.vfio)?;
    prepare::directories(shared, &places, &crate::command::memory_directories(&model, &context), undo)?;
    let key = prepare::master_key(shared, &places)?;
    secrets::fill(&*shared.setup.secrets, &model, &key, &mut context)?;
    undo_cgroup(&model, id, &name, undo);
    let sockets = helper::start(shared, &mut model, &places, id, &mut context, undo).await?;
    let cards = taps::connect_all(shared, &mut model, undo).await?;
    filters::bind_all(shared, &model, undo).await?;
    let given = (cards, sockets);
    if shared.setup.user.is_some() {
        // these too may lie on another host's disk
        model = shared.blocking(move || reach::paths(&model).map(|()| model)).await?;
    }
    let (running, log_from) = spawn(shared, &mut model, &emulator, &mut context, &places, given, undo)?;
    super::perf::enable_all(&running, &model)?;
    if let Some(cpu) = started_with {
        running.note_original_cpu(cpu);
    }
    let closed = format!("QEMU unexpectedly closed the monitor (vm='{name}')");
    let talked = match connect(shared, &running, &model.name).await {
        Ok((monitor, events)) => match talk(shared, &running, monitor, &mut model, &emulator).await {
            Ok(()) => super::tune::apply(&running, &model).await.map(|()| events),
            Err(e) if is_verdict(&e) => Err(e),
            Err(e) => Err(explain(&places, log_from, e, &closed).await),
        },
        Err(e) => Err(explain(&places, log_from, e, "process exited while connecting to monitor").await),
    };
    let events = match talked {
        Ok(events) => events,
        Err(e) => {
            running.set_stop(StopReason::Failed);
            return Err(e);
        }
    };
    // from here on the task that follows QEMU cleans up whatever happens
    publish(shared, domain, &running, model);
    missing.into_iter().for_each(|event| shared.tell(domain, event));
    shared.runtime.spawn(events::follow(
        Arc::clone(shared),
        Arc::clone(domain),
        Arc::clone(&running),
        Some(events),
    ));
    let ran = if how.paused { Ok(()) } else { run(shared, domain, &running).await };
    if let Err(e) = ran {
        let e = explain(&places, log_from, e, &closed).await;
        let _ = stop::destroy(&running, StopReason::Failed, false).await;
        return Err(e);
    }
    finish(shared, domain, &running, how);
    Ok(())
}

/// The emulator of a definition. Finding out what it can do may take a while.
async fn emulator_of(shared: &Arc<Shared>, model: &conf::Domain) -> Result<Arc<ProbedEmulator>> {
    let path = model.devices.emulator.clone().unwrap_or_default();
    shared.setup.emulators.get(std::path::Path::new(&path)).await
}

fn undo_cgroup(model: &conf::Domain, id: i32, name: &Arc<str>, undo: &mut Undo) {
    let (model, name) = (model.clone(), Arc::clone(name));
    undo.push("control group", move || {
        cgroup::remove(Some(&model), id, &name);
        Ok(())
    });
}

/// Starts the process. It does nothing before it is told to go on through its monitor.
fn spawn(
    shared: &Arc<Shared>,
    model: &mut conf::Domain,
    emulator: &ProbedEmulator,
    context: &mut Context,
    places: &Places,
    (cards, sockets): (taps::Connected, Vec<(String, OwnedFd)>),
    undo: &mut Undo,
) -> Result<(Arc<Running>, u64)> {
    let (id, name) = (places.id, &places.name);
    let mut spawn = Spawn::new(emulator.path());
    for (chardev, socket) in sockets {
        context.chardev_fds.insert(chardev, spawn.next_fd(socket));
    }
    prepare::sockets(shared, model, places, context, &mut spawn)?;
    taps::hand_over(cards, context, &mut spawn);
    let mut launch = crate::command::build(model, emulator, context)?;
    let user = shared.setup.user.as_ref();
    let private = dev::is_private(shared);
    images::hand_over(&mut launch.args, user, private, &shared.lender, &mut spawn)?;
    images::readable(&mut launch.args, user, &places.lib_dir)?;
    if private {
        spawn.private_dev(dev::of(shared, &launch.args));
    }
    spawn.args(&launch.args).umask(0o022).session(true);
    for (variable, value) in &launch.env {
        spawn.env(variable, value);
    }
    if let Some(user) = &shared.setup.user {
        spawn.credentials(user.clone()).clear_capabilities();
    }
    limits::set(model, &shared.setup.settings, &mut spawn);
    cgroup::join(model, id, &mut spawn);
    let mut log_file = prepare::log_file(places, &mut spawn)?;
    log::started(
        &mut log_file,
        &crate::launch::version_text(emulator),
        &shared.hostname,
        &launch.env,
        emulator.path(),
        &launch.args,
    );
    let log_from = log_file.metadata().map_or(0, |m| m.len());
    let process = {
        let _runtime = shared.runtime.enter();
        spawn.start()?
    };
    let running = Arc::new(Running::new(
        id,
        process,
        places.lib_dir.clone(),
        places.channel_dir.clone(),
        Arc::new(crate::launch::capability_names(emulator)),
    ));
    undo_process(shared, name, &running, undo);
    let pid = format!("{}", running.process.pid());
    let pid_file = shared.setup.layout.pid_file(name);
    file::write(&pid_file, pid.as_bytes(), 0o644, Durability::Process)
        .map_err(|e| system(format_args!("Failed to write pid file '{}'", pid_file.display()), &e))?;
    Ok((running, log_from))
}

fn undo_process(shared: &Arc<Shared>, name: &Arc<str>, running: &Arc<Running>, undo: &mut Undo) {
    let (shared, name, running) = (Arc::clone(shared), Arc::clone(name), Arc::clone(running));
    undo.push_async("process", move || async move {
        if *running.gone.borrow() {
            return Ok(());
        }
        let _ = running.process.kill(virtus_host::process::Signal::KILL);
        running.process.exited().await;
        let layout = &shared.setup.layout;
        log::stopped(&layout.log(&name), "failed");
        for path in [layout.pid_file(&name), layout.status(&name)] {
            let _ = file::remove(&path, Durability::Process);
        }
        Ok(())
    });
}

/// Meets the monitor and asks what only QEMU knows.
async fn talk(
    shared: &Shared,
    running: &Arc<Running>,
    monitor: Monitor,
    model: &mut conf::Domain,
    emulator: &ProbedEmulator,
) -> Result<()> {
    let settings = &shared.setup.settings;
    let passwords = model.devices.graphics.iter().filter_map(|graphics| password(graphics, settings));
    let mut batch = monitor.batch();
    let cpus = batch.add(&QueryCpusFast {});
    let chardevs = batch.add(&QueryChardev {});
    let passwords: Vec<_> = passwords.map(|command| batch.add(&command)).collect();
    batch.send();
    let cpus = cpus.within(Some(GREETING)).await?;
    running.set_vcpus(
        cpus.iter()
            .filter_map(|c| Some((u32::try_from(c.cpu_index).ok()?, i32::try_from(c.thread_id).ok()?)))
            .collect(),
    );
    let chardevs = chardevs.within(Some(GREETING)).await?;
    for chardev in &chardevs {
        if let Some(path) = chardev.filename.strip_prefix("pty:") {
            set_pty(model, &chardev.label, path);
        }
    }
    for password in passwords {
        password.within(Some(GREETING)).await?;
    }
    if let Some(first) = cpus.iter().find(|cpu| cpu.cpu_index == 0) {
        live_cpu::correct(&monitor, &first.qom_path, model, emulator, GREETING).await?;
    }
    // a monitor that was closed meanwhile would have failed above
    let _ = running.monitor.set(monitor);
    Ok(())
}

/// Whether an error is this daemon's own word on the guest, which QEMU's log does not explain.
fn is_verdict(e: &Error) -> bool {
    matches!(e.code(), ErrorCode::OPERATION_FAILED | ErrorCode::CONFIG_UNSUPPORTED)
}

/// Connects to the monitor; QEMU was given the listening socket, so that the connection is there at once.
pub(super) async fn connect(
    shared: &Arc<Shared>,
    running: &Running,
    name: &str,
) -> Result<(Monitor, Events)> {
    let path = running.lib_dir.join("monitor.sock");
    let name = name.to_owned();
    let meet = async move {
        let stream = UnixStream::connect(&path)
            .await
            .map_err(|e| system("failed to connect to monitor socket", &e))?;
        let options = Options { vm: name, timeout: Some(super::MONITOR_TIMEOUT) };
        let (monitor, events, _) = Monitor::connect(stream, options).await?;
        Ok((monitor, events))
    };
    // the connection's task lives with the driver, not with the call
    let meet = shared.runtime.spawn(meet);
    tokio::select! {
        met = meet => met.map_err(|e| internal(format!("the monitor's task ended: {e}")))?,
        _ = running.process.exited() => Err(internal("process exited while connecting to monitor")),
    }
}

/// The password of a display: its own or, if all have one, that of the settings.
fn password(graphics: &Graphics, settings: &Settings) -> Option<SetPassword> {
    let (protocol, auth, usual) = match graphics {
        Graphics::Vnc(vnc) => ("vnc", &vnc.auth, settings.vnc_password.as_ref()),
        Graphics::Spice(spice) => ("spice", &spice.auth, settings.spice_password.as_ref()),
        _ => return None,
    };
    let password = auth.passwd.as_ref().or(usual)?.clone();
    let connected = auth.connected.map(|c| c.as_str().to_owned());
    Some(SetPassword { protocol: protocol.to_owned(), password, connected })
}

/// Notes the terminal QEMU has opened for a character device.
fn set_pty(model: &mut conf::Domain, label: &str, path: &str) {
    use virtus_conf::domain::device::chardev::PtySource;
    let Some(alias) = label.strip_prefix("char") else { return };
    let devices = &mut model.devices;
    let chardevs = (devices.serials.iter_mut().map(|d| (&d.info, &mut d.chardev)))
        .chain(devices.parallels.iter_mut().map(|d| (&d.info, &mut d.chardev)))
        .chain(devices.channels.iter_mut().map(|d| (&d.info, &mut d.chardev)))
        .chain(devices.consoles.iter_mut().map(|d| (&d.info, &mut d.chardev)));
    for (info, chardev) in chardevs {
        if info.alias.as_deref() == Some(alias)
            && let ChardevSource::Pty { source } = &mut chardev.source
        {
            source.get_or_insert_with(PtySource::default).path = Some(path.to_owned());
        }
    }
}

/// The domain is active from now on.
fn publish(shared: &Arc<Shared>, domain: &Arc<Domain>, running: &Arc<Running>, model: conf::Domain) {
    running.last_image.store(crate::command::plan::numbers_given(&model), Ordering::Relaxed);
    domain.running.store(Some(Arc::clone(running)));
    shared.change(domain, |view| {
        view.id = Some(running.id);
        view.live = Some(Arc::new(Live::new(model)));
        view.state = State::new(VIR_DOMAIN_PAUSED, VIR_DOMAIN_PAUSED_STARTING_UP);
        view.updated = false;
        agent_event(view.live.as_deref()).into_iter().collect()
    });
}

/// A guest with an agent's channel has no agent yet.
fn agent_event(live: Option<&Live>) -> Option<DomainEvent> {
    use virtus_conf::domain::device::console::ChannelTarget;
    let is_agent = |target: &ChannelTarget| matches!(target, ChannelTarget::Virtio { name: Some(name), .. } if name == "org.qemu.guest_agent.0");
    let channels = &live?.model.devices.channels;
    channels.iter().any(|c| is_agent(&c.target)).then_some(DomainEvent::AgentLifecycle {
        state: VIR_CONNECT_DOMAIN_EVENT_AGENT_LIFECYCLE_STATE_DISCONNECTED,
        reason: VIR_CONNECT_DOMAIN_EVENT_AGENT_LIFECYCLE_REASON_DOMAIN_STARTED,
    })
}

/// Has the CPUs run.
async fn run(shared: &Arc<Shared>, domain: &Arc<Domain>, running: &Arc<Running>) -> Result<()> {
    running.resume_reason.store(VIR_DOMAIN_RUNNING_BOOTED, Ordering::Release);
    let ran = running.queries()?.execute(&Cont {}).await;
    ran?;
    events::apply(shared, domain, running, Input::Resume(VIR_DOMAIN_RUNNING_BOOTED));
    running.resume_reason.store(-1, Ordering::Release);
    Ok(())
}

/// The start has come to its end.
fn finish(shared: &Arc<Shared>, domain: &Arc<Domain>, running: &Arc<Running>, how: Start) {
    running.starting.store(false, Ordering::Release);
    shared.change(domain, |view| {
        let lifecycle = |event, detail| DomainEvent::Lifecycle { event, detail };
        let mut events = vec![lifecycle(VIR_DOMAIN_EVENT_STARTED, VIR_DOMAIN_EVENT_STARTED_BOOTED)];
        if how.paused {
            view.state = State::new(VIR_DOMAIN_PAUSED, VIR_DOMAIN_PAUSED_USER);
            events.push(lifecycle(VIR_DOMAIN_EVENT_SUSPENDED, VIR_DOMAIN_EVENT_SUSPENDED_PAUSED));
        }
        events
    });
}

/// Says what QEMU said, if it ended with an explanation.
async fn explain(places: &Places, log_from: u64, e: Error, what: &str) -> Error {
    // its last words may still be under way
    tokio::time::sleep(Duration::from_millis(5)).await;
    let said = log::since(&places.log, log_from);
    if said.is_empty() {
        return e;
    }
    error(ErrorCode::INTERNAL_ERROR, format!("{what}: {said}"))
}
