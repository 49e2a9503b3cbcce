//! Going back to a snapshot: what becomes of a domain that runs, is paused or is off.

use virtus_api::DomainSnapshotRef;
use virtus_api::constants::*;
use virtus_base::{ErrorCode, Result};
use virtus_conf::domain::{self as conf};
use virtus_conf::snapshot::SnapshotState;

use super::Events;
use crate::domain::Domain;
use crate::state::State;
use crate::{error, invalid};

const RUN: u32 = VIR_DOMAIN_SNAPSHOT_REVERT_RUNNING;
const PAUSE: u32 = VIR_DOMAIN_SNAPSHOT_REVERT_PAUSED;

fn risky(text: impl Into<String>) -> virtus_base::Error {
    error(ErrorCode::SNAPSHOT_REVERT_RISKY, text)
}

pub(super) fn revert(
    state: &mut State,
    snap: &DomainSnapshotRef,
    given: u32,
    events: &mut Events,
) -> Result<()> {
    let id = state.last_id.saturating_add(1);
    let domain = state.domain(&snap.dom)?;
    let snapshot = domain.snapshot(&snap.name)?;
    let was_on = matches!(snapshot.state, Some(SnapshotState::Running | SnapshotState::Paused));
    let was_paused = snapshot.state == Some(SnapshotState::Paused);
    let asks = given & (RUN | PAUSE) != 0;
    if !domain.persistent && !was_on && !asks {
        return Err(invalid("transient domain needs to request run or pause to revert to inactive snapshot"));
    }
    let force = given & VIR_DOMAIN_SNAPSHOT_REVERT_FORCE != 0;
    if !force {
        if snapshot.domain.is_none() {
            let text = format!(
                "snapshot '{}' lacks domain '{}' rollback info",
                snapshot.name, domain.definition.name
            );
            return Err(risky(text));
        }
        if domain.is_active() && !was_on && asks {
            return Err(risky("must respawn guest to start inactive snapshot"));
        }
    }
    let Some(config) = snapshot.domain.as_deref().cloned() else {
        return Err(crate::internal("the snapshot has no domain"));
    };
    domain.snapshots.set_current(None);
    let started = match was_on {
        true => to_running(domain, config, (given, was_paused, force), id, events)?,
        false => to_inactive(domain, config, given, id, events),
    };
    domain.snapshots.set_current(Some(snap.name.clone()));
    if started {
        state.last_id = id;
    }
    Ok(())
}

/// To a domain that ran then; says whether it has been started.
fn to_running(
    domain: &mut Domain,
    config: conf::Domain,
    (given, was_paused, force): (u32, bool, bool),
    id: i32,
    events: &mut Events,
) -> Result<bool> {
    let mut was_running = false;
    let mut started = !domain.is_active();
    if domain.is_active() {
        match same_machine(&domain.definition, &config) {
            Ok(()) => {
                was_running = domain.state == VIR_DOMAIN_RUNNING;
                if was_running {
                    domain.set_state(VIR_DOMAIN_PAUSED, VIR_DOMAIN_PAUSED_FROM_SNAPSHOT);
                }
            }
            Err(text) if !force => return Err(risky(text)),
            Err(_) => {
                domain.stop(VIR_DOMAIN_SHUTOFF_FROM_SNAPSHOT);
                events
                    .push(domain.lifecycle(VIR_DOMAIN_EVENT_STOPPED, VIR_DOMAIN_EVENT_STOPPED_FROM_SNAPSHOT));
                started = true;
            }
        }
    }
    match started {
        true => {
            domain.definition = config;
            domain.start(id, VIR_DOMAIN_RUNNING_FROM_SNAPSHOT);
            events.push(domain.lifecycle(VIR_DOMAIN_EVENT_STARTED, VIR_DOMAIN_EVENT_STARTED_FROM_SNAPSHOT));
        }
        // while it runs, what it is defined as is what it will be
        false => domain.next = Some(config),
    }
    if given & RUN == 0 && (was_paused || given & PAUSE != 0) {
        domain.set_state(VIR_DOMAIN_PAUSED, VIR_DOMAIN_PAUSED_FROM_SNAPSHOT);
        if started || was_running {
            events
                .push(domain.lifecycle(VIR_DOMAIN_EVENT_SUSPENDED, VIR_DOMAIN_EVENT_SUSPENDED_FROM_SNAPSHOT));
        }
    } else if was_running {
        events.push(domain.lifecycle(VIR_DOMAIN_EVENT_RESUMED, VIR_DOMAIN_EVENT_RESUMED));
    }
    Ok(started)
}

/// To a domain that was off then; says whether it has been started.
fn to_inactive(domain: &mut Domain, config: conf::Domain, given: u32, id: i32, events: &mut Events) -> bool {
    if domain.is_active() {
        domain.next = Some(config);
        domain.stop(VIR_DOMAIN_SHUTOFF_FROM_SNAPSHOT);
        events.push(domain.lifecycle(VIR_DOMAIN_EVENT_STOPPED, VIR_DOMAIN_EVENT_STOPPED_FROM_SNAPSHOT));
    } else {
        domain.definition = config;
    }
    if given & (RUN | PAUSE) == 0 {
        return false;
    }
    domain.start(id, VIR_DOMAIN_RUNNING_FROM_SNAPSHOT);
    events.push(domain.lifecycle(VIR_DOMAIN_EVENT_STARTED, VIR_DOMAIN_EVENT_STARTED_FROM_SNAPSHOT));
    if given & PAUSE != 0 {
        domain.set_state(VIR_DOMAIN_PAUSED, VIR_DOMAIN_PAUSED_FROM_SNAPSHOT);
        events.push(domain.lifecycle(VIR_DOMAIN_EVENT_SUSPENDED, VIR_DOMAIN_EVENT_SUSPENDED_FROM_SNAPSHOT));
    }
    true
}

/// Whether the guest would find the same machine; else what is different.
fn same_machine(now: &conf::Domain, then: &conf::Domain) -> Result<(), String> {
    let differs = |what: &str, then: &dyn std::fmt::Display, now: &dyn std::fmt::Display| {
        Err(format!("Target {what} {then} does not match source {now}"))
    };
    if now.virt_type != then.virt_type {
        return differs("domain virt type", &then.virt_type.as_str(), &now.virt_type.as_str());
    }
    if now.uuid != then.uuid {
        return differs("domain uuid", &then.uuid, &now.uuid);
    }
    if now.memory.size != then.memory.size {
        return differs("domain max memory", &then.memory.size.0, &now.memory.size.0);
    }
    if now.vcpu.max != then.vcpu.max {
        return differs("domain vCPU max", &then.vcpu.max, &now.vcpu.max);
    }
    if now.vcpu.online() != then.vcpu.online() {
        return differs("domain vCPU count", &then.vcpu.online(), &now.vcpu.online());
    }
    let counts = |domain: &conf::Domain| {
        let devices = &domain.devices;
        [
            ("domain disk count", devices.disks.len()),
            ("domain controller count", devices.controllers.len()),
            ("domain filesystem count", devices.filesystems.len()),
            ("domain net card count", devices.interfaces.len()),
            ("domain input device count", devices.inputs.len()),
            ("domain sound card count", devices.sounds.len()),
            ("domain video card count", devices.videos.len()),
            ("domain host device count", devices.hostdevs.len()),
            ("domain hub device count", devices.hubs.len()),
            ("domain watchdog count", devices.watchdogs.len()),
        ]
    };
    for ((what, now), (_, then)) in counts(now).into_iter().zip(counts(then)) {
        if now != then {
            return differs(what, &then, &now);
        }
    }
    Ok(())
}
