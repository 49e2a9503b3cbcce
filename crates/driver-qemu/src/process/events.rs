//! The task that follows one QEMU: its events and its end. It alone reacts to them, in the order they come, and
//! never waits for a command.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use virtus_api::constants::*;
use virtus_api::{DomainEvent, Event, QemuMonitorEvent};
use virtus_host::process::Signal;
use virtus_qmp::event::data;
use virtus_qmp::{Event as Qmp, EventKind, Events};

use super::{Running, Unplugged, stop, taps};
use virtus_state::lock;

use crate::change::live;
use crate::domain::transition::{Effect, Input, Policy, transition};
use crate::domain::{Domain, Live, State};
use crate::driver::Shared;

/// How long a QEMU whose monitor has closed may go on.
const AFTER_MONITOR: Duration = Duration::from_secs(5);

/// Follows a QEMU until it has ended and everything of it is cleaned up.
pub(crate) async fn follow(
    shared: Arc<Shared>,
    domain: Arc<Domain>,
    running: Arc<Running>,
    events: Option<Events>,
) {
    if let Some(events) = events {
        follow_monitor(&shared, &domain, &running, events).await;
    }
    running.process.exited().await;
    if let Some(live) = domain.view().live.clone() {
        taps::disconnect_all(&shared, &live.model).await;
    }
    stop::clean_up(&shared, &domain, &running);
}

async fn follow_monitor(
    shared: &Arc<Shared>,
    domain: &Arc<Domain>,
    running: &Arc<Running>,
    mut events: Events,
) {
    loop {
        tokio::select! {
            biased;
            event = events.next() => match event {
                Some(event) => handle(shared, domain, running, &event),
                None => break,
            },
            _ = running.process.exited() => {
                // what it said last is still worth hearing
                while let Some(event) = events.try_next() {
                    handle(shared, domain, running, &event);
                }
                return;
            }
        }
    }
    // without a monitor it is of no use to anybody
    if tokio::time::timeout(AFTER_MONITOR, running.process.exited()).await.is_err() {
        tracing::warn!(
            "domain '{}': the monitor is closed but QEMU goes on; it is ended",
            domain.view().name
        );
        let _ = running.process.kill(Signal::KILL);
    }
}

fn handle(shared: &Arc<Shared>, domain: &Arc<Domain>, running: &Arc<Running>, event: &Qmp) {
    pass_on(shared, domain, event);
    unplugged(shared, domain, running, event);
    if let Some(input) = inputs(running, event) {
        apply(shared, domain, running, input);
    }
    tell(shared, domain, running, event);
}

/// What served an interface has gone: it is started anew, and QEMU connects to it again.
fn disconnected(shared: &Arc<Shared>, domain: &Arc<Domain>, running: &Arc<Running>, event: &Qmp) {
    let Ok(gone) = event.read::<data::NetdevStreamDisconnected>() else { return };
    let Some(alias) = gone.netdev_id.strip_prefix("host").map(str::to_owned) else { return };
    let Some(live) = domain.view().live.clone().filter(|_| running.stop_reason().is_none()) else { return };
    let (shared, running) = (Arc::clone(shared), Arc::clone(running));
    shared.runtime.clone().spawn(async move {
        if let Err(e) = super::helper::restart_passt(&shared, &live.model, &running, &alias).await {
            tracing::warn!(
                "domain '{}': the network of {alias} is not served any more: {e}",
                live.model.name
            );
        }
    });
}

/// A client that registered for QEMU's own events gets them as they are.
fn pass_on(shared: &Shared, domain: &Domain, event: &Qmp) {
    let at = event.timestamp.unwrap_or_default();
    let details = (!event.data.is_null()).then(|| event.data.to_string());
    let event = QemuMonitorEvent {
        event: event.kind.name().to_owned(),
        seconds: at.seconds,
        micros: u32::try_from(at.microseconds).unwrap_or_default(),
        details,
    };
    shared.setup.events.publish(Event::QemuMonitor(domain.reference(), event));
}

/// What an event means for the domain's state.
fn inputs(running: &Running, event: &Qmp) -> Option<Input> {
    // a reason is given beforehand by the call that has the CPUs stopped or run
    let asked = |reason: &std::sync::atomic::AtomicI32, otherwise| match reason.load(Ordering::Acquire) {
        -1 => otherwise,
        reason => reason,
    };
    Some(match &event.kind {
        EventKind::Stop => Input::Stop(asked(&running.pause_reason, VIR_DOMAIN_PAUSED_UNKNOWN)),
        EventKind::Resume => Input::Resume(asked(&running.resume_reason, VIR_DOMAIN_RUNNING_UNPAUSED)),
        EventKind::Shutdown => Input::Shutdown(event.read::<data::Shutdown>().ok().and_then(|d| d.guest)),
        EventKind::Reset => Input::Reset,
        EventKind::Suspend => Input::Suspend,
        EventKind::SuspendDisk => Input::SuspendDisk,
        EventKind::Wakeup => Input::Wakeup,
        EventKind::GuestPanicked => Input::Panicked,
        EventKind::GuestCrashloaded => Input::Crashloaded,
        EventKind::Watchdog if event.read::<data::Watchdog>().is_ok_and(|d| d.action == "pause") => {
            Input::WatchdogPause
        }
        EventKind::BlockIoError if event.read::<data::BlockIoError>().is_ok_and(|d| d.action == "stop") => {
            Input::IoErrorPause
        }
        _ => return None,
    })
}

/// Has the domain take the step that `input` means.
pub(crate) fn apply(shared: &Arc<Shared>, domain: &Arc<Domain>, running: &Arc<Running>, input: Input) {
    let view = domain.view();
    let Some(live) = &view.live else { return };
    let policy = Policy {
        on_poweroff: live.model.on_poweroff,
        on_reboot: live.model.on_reboot,
        on_crash: live.model.on_crash,
        rebooting: running.fake_reboot.load(Ordering::Acquire),
    };
    // the state may have changed since `view`; decide on the one that is changed
    let mut rest = Vec::new();
    shared.change(domain, |view| {
        let mut events = Vec::new();
        for effect in transition(view.state, &policy, input) {
            match effect {
                Effect::State(state) => view.state = state,
                Effect::Event(event) => events.push(event),
                later => rest.push(later),
            }
        }
        events
    });
    for effect in rest {
        match effect {
            Effect::Kill(reason) => {
                running.set_stop(reason);
                let _ = running.process.kill(Signal::TERM);
            }
            Effect::Restart => {
                tokio::spawn(restart(Arc::clone(shared), Arc::clone(domain), Arc::clone(running)));
            }
            Effect::State(_) | Effect::Event(_) => {}
        }
    }
}

/// Resets the machine and has it run again: a reboot by way of a shutdown.
async fn restart(shared: Arc<Shared>, domain: Arc<Domain>, running: Arc<Running>) {
    use virtus_qmp::command::{Cont, SystemReset};
    let crashed = domain.view().state.state == VIR_DOMAIN_CRASHED;
    running.fake_reboot.store(false, Ordering::Release);
    let reason = if crashed { VIR_DOMAIN_RUNNING_CRASHED } else { VIR_DOMAIN_RUNNING_BOOTED };
    let done = async {
        let monitor = running.queries()?;
        let mut batch = monitor.batch();
        let (reset, cont) = (batch.add(&SystemReset {}), batch.add(&Cont {}));
        batch.send();
        reset.within(Some(super::MONITOR_TIMEOUT)).await?;
        cont.within(Some(super::MONITOR_TIMEOUT)).await?;
        Ok::<(), virtus_base::Error>(())
    };
    if let Err(e) = done.await {
        tracing::warn!("domain '{}' could not be restarted: {e}", domain.view().name);
        running.set_stop(crate::domain::transition::StopReason::Shutdown);
        let _ = running.process.kill(Signal::TERM);
        return;
    }
    shared.change(&domain, |view| {
        view.state = State::new(VIR_DOMAIN_RUNNING, reason);
        Vec::new()
    });
}

/// What clients learn of an event, beside changes of state.
fn tell(shared: &Arc<Shared>, domain: &Arc<Domain>, running: &Arc<Running>, event: &Qmp) {
    let told = match &event.kind {
        EventKind::RtcChange => {
            event.read::<data::RtcChange>().ok().map(|d| DomainEvent::RtcChange { offset: d.offset })
        }
        EventKind::Watchdog => event
            .read::<data::Watchdog>()
            .ok()
            .map(|d| DomainEvent::Watchdog { action: watchdog_action(&d.action) }),
        EventKind::NetdevStreamDisconnected => return disconnected(shared, domain, running, event),
        EventKind::BalloonChange => return balloon(shared, domain, event),
        EventKind::VserportChange => return port(shared, domain, running, event),
        EventKind::BlockIoError => return io_error(shared, domain, event),
        EventKind::DeviceTrayMoved => event.read::<data::DeviceTrayMoved>().ok().map(|d| {
            tray(shared, domain, &d);
            let reason = if d.tray_open {
                VIR_DOMAIN_EVENT_TRAY_CHANGE_OPEN
            } else {
                VIR_DOMAIN_EVENT_TRAY_CHANGE_CLOSE
            };
            DomainEvent::TrayChange { dev_alias: d.id, reason }
        }),
        EventKind::MemoryDeviceSizeChange => event
            .read::<data::MemoryDeviceSizeChange>()
            .ok()
            .and_then(|d| Some(DomainEvent::MemoryDeviceSizeChange { alias: d.id?, size: d.size / 1024 })),
        EventKind::VncConnected | EventKind::VncInitialized | EventKind::VncDisconnected => graphics(event),
        EventKind::BlockWriteThreshold => {
            event.read::<data::BlockWriteThreshold>().ok().map(|d| DomainEvent::BlockThreshold {
                dev: d.node_name,
                path: None,
                threshold: d.write_threshold,
                excess: d.amount_exceeded,
            })
        }
        _ => None,
    };
    if let Some(told) = told {
        shared.tell(domain, told);
    }
}

/// What an event says of a device that was to leave, by its alias.
fn unplug_of(event: &Qmp) -> Option<(String, Unplugged)> {
    let device = || event.data.get("device")?.as_str().map(str::to_owned);
    Some(match &event.kind {
        EventKind::DeviceDeleted => (device()?, Unplugged::Gone),
        EventKind::DeviceUnplugGuestError | EventKind::MemUnplugError => (device()?, Unplugged::Kept),
        EventKind::AcpiDeviceOst => {
            let info = event.read::<data::AcpiDeviceOst>().ok()?.info;
            // ACPI's codes: an ejection was asked for, and it failed or the guest would not
            let ejection = matches!(info.source, 0x003 | 0x103);
            let refused = info.slot_type == "DIMM" && ejection && matches!(info.status, 0x01 | 0x80..=0x83);
            (info.device.filter(|_| refused)?, Unplugged::Kept)
        }
        _ => return None,
    })
}

/// A device has left, or is not going to. Who waits for it goes on; if nobody does, what is left of it is removed.
fn unplugged(shared: &Arc<Shared>, domain: &Arc<Domain>, running: &Arc<Running>, event: &Qmp) {
    let Some((alias, how)) = unplug_of(event) else { return };
    let waiting = lock(&running.unplugs).remove(&alias);
    // one who has given up waiting is as good as none
    let told = waiting.is_some_and(|waiting| waiting.send(how).is_ok());
    match how {
        Unplugged::Gone if !told => live::removed_later(shared, domain, alias),
        Unplugged::Gone => {}
        Unplugged::Kept => shared.tell(domain, DomainEvent::DeviceRemovalFailed { dev_alias: alias }),
    }
}

/// A drive's tray has moved.
fn tray(shared: &Shared, domain: &Arc<Domain>, moved: &data::DeviceTrayMoved) {
    shared.change(domain, |view| {
        if let Some(live) = &view.live {
            let mut model = live.model.clone();
            live::tray_moved(&mut model, &moved.id, moved.tray_open);
            view.live = Some(Arc::new(Live::new(model)));
        }
        Vec::new()
    });
}

fn watchdog_action(name: &str) -> i32 {
    match name {
        "pause" => VIR_DOMAIN_EVENT_WATCHDOG_PAUSE,
        "reset" => VIR_DOMAIN_EVENT_WATCHDOG_RESET,
        "poweroff" => VIR_DOMAIN_EVENT_WATCHDOG_POWEROFF,
        "shutdown" => VIR_DOMAIN_EVENT_WATCHDOG_SHUTDOWN,
        "debug" => VIR_DOMAIN_EVENT_WATCHDOG_DEBUG,
        "inject-nmi" => VIR_DOMAIN_EVENT_WATCHDOG_INJECTNMI,
        _ => VIR_DOMAIN_EVENT_WATCHDOG_NONE,
    }
}

fn balloon(shared: &Shared, domain: &Arc<Domain>, event: &Qmp) {
    let Ok(data) = event.read::<data::BalloonChange>() else { return };
    let actual = data.actual / 1024;
    shared.change(domain, |view| {
        if let Some(live) = &view.live {
            let mut model = live.model.clone();
            model.current_memory = Some(virtus_conf::scaled::KiB(actual));
            view.live = Some(Arc::new(Live::new(model)));
        }
        vec![DomainEvent::BalloonChange { actual }]
    });
}

/// A program in the guest has opened or closed a port; the agent's is told by an event.
fn port(shared: &Shared, domain: &Arc<Domain>, running: &Running, event: &Qmp) {
    use virtus_conf::domain::device::console::{ChannelState, ChannelTarget};
    let Ok(data) = event.read::<data::VserportChange>() else { return };
    let new = if data.open { ChannelState::Connected } else { ChannelState::Disconnected };
    shared.change(domain, |view| {
        let Some(live) = &view.live else { return Vec::new() };
        let mut model = live.model.clone();
        let channel = model.devices.channels.iter_mut().find(|c| c.info.alias.as_deref() == Some(&data.id));
        let Some(channel) = channel else { return Vec::new() };
        let ChannelTarget::Virtio { name, state } = &mut channel.target else { return Vec::new() };
        if *state == Some(new) {
            return Vec::new();
        }
        *state = Some(new);
        let agent = name.as_deref() == Some("org.qemu.guest_agent.0");
        view.live = Some(Arc::new(Live::new(model)));
        if !agent {
            return Vec::new();
        }
        let mut slot = lock(&running.agent);
        slot.connected = data.open;
        if !data.open
            && let Some(agent) = slot.agent.take()
        {
            agent.close();
        }
        let state = match data.open {
            true => VIR_CONNECT_DOMAIN_EVENT_AGENT_LIFECYCLE_STATE_CONNECTED,
            false => VIR_CONNECT_DOMAIN_EVENT_AGENT_LIFECYCLE_STATE_DISCONNECTED,
        };
        let reason = VIR_CONNECT_DOMAIN_EVENT_AGENT_LIFECYCLE_REASON_CHANNEL;
        vec![DomainEvent::AgentLifecycle { state, reason }]
    });
}

fn io_error(shared: &Shared, domain: &Arc<Domain>, event: &Qmp) {
    let Ok(data) = event.read::<data::BlockIoError>() else { return };
    let view = domain.view();
    // by the device where there is one, by its place in the machine otherwise
    let path = data.qom_path.as_deref().unwrap_or_default();
    let disk =
        view.live.as_ref().and_then(|live| {
            live.model.devices.disks.iter().find(|d| {
                d.info.alias.as_deref().is_some_and(|alias| path.split('/').any(|part| part == alias))
            })
        });
    let src_path = disk.and_then(crate::domain::disk_path).unwrap_or_default().to_owned();
    let dev_alias = disk.and_then(|d| d.info.alias.clone()).unwrap_or_default();
    let action = match data.action.as_str() {
        "stop" => VIR_DOMAIN_EVENT_IO_ERROR_PAUSE,
        "report" => VIR_DOMAIN_EVENT_IO_ERROR_REPORT,
        _ => VIR_DOMAIN_EVENT_IO_ERROR_NONE,
    };
    let reason = if data.nospace == Some(true) { "enospc".to_owned() } else { String::new() };
    shared.tell(
        domain,
        DomainEvent::IoError { src_path: src_path.clone(), dev_alias: dev_alias.clone(), action },
    );
    shared.tell(domain, DomainEvent::IoErrorReason { src_path, dev_alias, action, reason });
}

fn graphics(event: &Qmp) -> Option<DomainEvent> {
    use virtus_api::event::{DomainEventGraphicsAddress, DomainEventGraphicsIdentity};
    use virtus_qmp::event::VncAddress;
    let (phase, server, client) = match &event.kind {
        EventKind::VncConnected => {
            let d = event.read::<data::VncConnected>().ok()?;
            (VIR_DOMAIN_EVENT_GRAPHICS_CONNECT, d.server, d.client)
        }
        EventKind::VncInitialized => {
            let d = event.read::<data::VncInitialized>().ok()?;
            (VIR_DOMAIN_EVENT_GRAPHICS_INITIALIZE, d.server, d.client)
        }
        _ => {
            let d = event.read::<data::VncDisconnected>().ok()?;
            (VIR_DOMAIN_EVENT_GRAPHICS_DISCONNECT, d.server, d.client)
        }
    };
    let auth_scheme = server.auth.clone().unwrap_or_default();
    let address = |a: &VncAddress| DomainEventGraphicsAddress {
        family: match a.family.as_str() {
            "ipv6" => VIR_DOMAIN_EVENT_GRAPHICS_ADDRESS_IPV6,
            "unix" => VIR_DOMAIN_EVENT_GRAPHICS_ADDRESS_UNIX,
            _ => VIR_DOMAIN_EVENT_GRAPHICS_ADDRESS_IPV4,
        },
        node: a.host.clone(),
        service: a.service.clone(),
    };
    let identity = |kind: &str, name: &Option<String>| {
        name.clone().map(|name| DomainEventGraphicsIdentity { kind: kind.to_owned(), name })
    };
    let subject =
        [identity("x509dname", &client.x509_dname), identity("saslUsername", &client.sasl_username)];
    Some(DomainEvent::Graphics {
        phase,
        local: address(&server),
        remote: address(&client),
        auth_scheme,
        subject: subject.into_iter().flatten().collect(),
    })
}
