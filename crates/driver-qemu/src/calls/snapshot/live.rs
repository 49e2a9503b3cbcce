//! Snapshots of running guests inside of their images: QEMU's own jobs, while the guest is paused.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use virtus_api::constants::*;
use virtus_api::{DomainEvent, DomainSnapshotRef};
use virtus_base::{ErrorCode, Result};
use virtus_conf::domain as conf;
use virtus_conf::domain::device::disk::SnapshotLocation;
use virtus_conf::snapshot::{MemoryLocation, Snapshot, SnapshotState};
use virtus_qmp::command::{Cont, JobDismiss, QueryJobs, SnapshotDelete, SnapshotLoad, SnapshotSave, Stop};

use super::super::define::save;
use super::{enter, image};
use crate::device::storage::{disk_format, effective_node};
use crate::domain::transition::{Input, StopReason};
use crate::domain::{Domain, Live, State};
use crate::driver::Shared;
use crate::error::{error, invalid, unsupported};
use crate::process::start::{self, Start};
use crate::process::{Job, events, stop};

/// How often QEMU is asked for its job.
const PAUSE: Duration = Duration::from_millis(50);

/// Takes a snapshot of a running guest.
pub(super) async fn take(
    shared: &Arc<Shared>,
    domain: &Arc<Domain>,
    job: &Job,
    mut snapshot: Snapshot,
    given: u32,
) -> Result<DomainSnapshotRef> {
    let view = domain.view();
    let live = Arc::clone(view.live()?);
    if given & VIR_DOMAIN_SNAPSHOT_CREATE_DISK_ONLY != 0 || snapshot.is_external() {
        return Err(error(ErrorCode::NO_SUPPORT, "virDomainSnapshotCreateXML"));
    }
    if given & VIR_DOMAIN_SNAPSHOT_CREATE_LIVE != 0 {
        return Err(unsupported("live snapshot creation is supported only during full system snapshots"));
    }
    if view.state.state == VIR_DOMAIN_PMSUSPENDED {
        return Err(invalid("qemu doesn't support taking snapshots of PMSUSPENDED guests"));
    }
    if snapshot.memory == Some(MemoryLocation::No) {
        return Err(unsupported("internal snapshot of a running VM must include the memory state"));
    }
    let moments = shared.moments(domain).await?;
    snapshot.state = SnapshotState::from_word(view.state.words().0);
    snapshot.memory = Some(MemoryLocation::Internal);
    snapshot.domain = Some(Box::new(as_defined(shared, &live).await?));
    if let Some(definition) = &view.persistent {
        snapshot.inactive_domain = Some(Box::new(definition.model()?));
    }
    let mut snapshot = enter::aligned(shared, snapshot, false).await?;
    let keeps = given & VIR_DOMAIN_SNAPSHOT_CREATE_NO_METADATA == 0;
    enter::place(&moments, &mut snapshot, keeps)?;
    image::check(&live.model, &mut snapshot, false, false, true)?;
    let nodes = nodes(&live.model, &snapshot)?;
    let runs = pause(shared, domain, job, VIR_DOMAIN_PAUSED_SNAPSHOT).await?;
    let saved = run(job, &snapshot.name, Action::Save, nodes).await;
    let halts = given & VIR_DOMAIN_SNAPSHOT_CREATE_HALT != 0;
    if saved.is_ok() && halts {
        stop::destroy(&job.running()?, StopReason::FromSnapshot, false).await?;
    } else if runs {
        resume(shared, domain, job, VIR_DOMAIN_RUNNING_UNPAUSED).await?;
    }
    saved?;
    enter::enter(shared, domain, moments, snapshot, keeps).await
}

/// The running guest's definition without what holds only while it runs.
async fn as_defined(shared: &Arc<Shared>, live: &Live) -> Result<conf::Domain> {
    let text =
        live.format(&conf::FormatOptions { inactive: true, secure: true, ..conf::FormatOptions::default() });
    let environment = Arc::clone(&shared.setup.emulators);
    let options = conf::ParseOptions { inactive: true, skip_validate: true, strict: false };
    shared.blocking(move || crate::define::parse(&text, &options, &*environment)).await
}

/// Removes what the images of a running guest keep for a snapshot.
pub(super) async fn discard(job: &Job, model: &conf::Domain, snapshot: &Snapshot) -> Result<()> {
    let nodes = nodes(model, snapshot)?;
    run(job, &snapshot.name, Action::Delete, nodes).await
}

/// Has the domain, running or not, go back to a snapshot with memory.
pub(super) async fn revert(
    shared: &Arc<Shared>,
    domain: &Arc<Domain>,
    job: &Job,
    snapshot: &Arc<Snapshot>,
    runs: bool,
) -> Result<()> {
    let Some(model) = snapshot.domain.as_deref().cloned() else {
        return Err(crate::error::internal("missing domain in snapshot"));
    };
    // the machine has to be the one that was saved
    if let Some(running) = domain.running.load_full() {
        stop::destroy(&running, StopReason::FromSnapshot, false).await?;
    }
    if domain.view().is_persistent() {
        let _config = domain.config.lock().await;
        let kept = snapshot.inactive_domain.as_deref().cloned().unwrap_or_else(|| model.clone());
        let saved = save(shared, Arc::clone(&domain.view().name), kept).await?;
        shared.change(domain, |view| {
            view.persistent = Some(saved);
            Vec::new()
        });
    }
    start::start(shared, domain, model, Start { paused: true, reset_nvram: false }).await?;
    let view = domain.view();
    let nodes = nodes(&view.live()?.model, snapshot)?;
    if let Err(e) = run(job, &snapshot.name, Action::Load, nodes).await {
        if let Some(running) = domain.running.load_full() {
            stop::destroy(&running, StopReason::Failed, false).await?;
        }
        return Err(e);
    }
    if runs {
        return resume(shared, domain, job, VIR_DOMAIN_RUNNING_FROM_SNAPSHOT).await;
    }
    shared.change(domain, |view| {
        view.state = State::new(VIR_DOMAIN_PAUSED, VIR_DOMAIN_PAUSED_FROM_SNAPSHOT);
        let (event, detail) = (VIR_DOMAIN_EVENT_SUSPENDED, VIR_DOMAIN_EVENT_SUSPENDED_FROM_SNAPSHOT);
        vec![DomainEvent::Lifecycle { event, detail }]
    });
    Ok(())
}

/// The nodes of the images that hold a snapshot; memory is in the first.
fn nodes(model: &conf::Domain, snapshot: &Snapshot) -> Result<Vec<String>> {
    let inside = snapshot.disks.iter().filter(|disk| disk.snapshot == Some(SnapshotLocation::Internal));
    let known = inside.filter_map(|disk| model.devices.disks.iter().find(|known| known.dst() == disk.name));
    let nodes: Vec<String> = known
        .filter(|known| !known.source.is_empty())
        .map(|known| effective_node(&known.source, disk_format(known)))
        .collect();
    match nodes.is_empty() {
        true => Err(unsupported("nothing selected for snapshot")),
        false => Ok(nodes),
    }
}

/// Pauses the guest; tells whether it ran.
async fn pause(shared: &Arc<Shared>, domain: &Arc<Domain>, job: &Job, reason: i32) -> Result<bool> {
    if domain.view().state.state != VIR_DOMAIN_RUNNING {
        return Ok(false);
    }
    let running = job.running()?;
    running.pause_reason.store(reason, Ordering::Release);
    let stopped = job.execute(&Stop {}).await;
    if stopped.is_ok() {
        events::apply(shared, domain, &running, Input::Stop(reason));
    }
    running.pause_reason.store(-1, Ordering::Release);
    stopped.map(|_| true)
}

async fn resume(shared: &Arc<Shared>, domain: &Arc<Domain>, job: &Job, reason: i32) -> Result<()> {
    let running = job.running()?;
    running.resume_reason.store(reason, Ordering::Release);
    let resumed = job.execute(&Cont {}).await;
    if resumed.is_ok() {
        events::apply(shared, domain, &running, Input::Resume(reason));
    }
    running.resume_reason.store(-1, Ordering::Release);
    resumed.map(|_| ())
}

/// What is done with a snapshot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Action {
    Save,
    Load,
    Delete,
}

/// Has QEMU do it and waits until it is done.
async fn run(job: &Job, tag: &str, action: Action, devices: Vec<String>) -> Result<()> {
    let vmstate = devices.first().cloned().unwrap_or_default();
    let tag = tag.to_owned();
    let (job_id, failed) = match action {
        Action::Save => ("internal-snapshot-save0", "snapshot-save job failed".to_owned()),
        Action::Load => ("internal-snapshot-load0", format!("load of internal snapshot '{tag}' job failed")),
        Action::Delete => {
            ("internal-snapshot-delete0", format!("deletion of internal snapshot '{tag}' job failed"))
        }
    };
    let id = job_id.to_owned();
    match action {
        Action::Save => job.execute(&SnapshotSave { job_id: id, tag, vmstate, devices }).await?,
        Action::Load => job.execute(&SnapshotLoad { job_id: id, tag, vmstate, devices }).await?,
        Action::Delete => job.execute(&SnapshotDelete { job_id: id, tag, devices }).await?,
    };
    loop {
        let jobs = job.execute(&QueryJobs {}).await?;
        let Some(found) = jobs.into_iter().find(|found| found.id == job_id) else { return Ok(()) };
        if found.status == "concluded" {
            job.execute(&JobDismiss { id: job_id.to_owned() }).await?;
            return match found.error {
                Some(why) => Err(error(ErrorCode::OPERATION_FAILED, format!("{failed}: {why}"))),
                None => Ok(()),
            };
        }
        tokio::time::sleep(PAUSE).await;
    }
}
