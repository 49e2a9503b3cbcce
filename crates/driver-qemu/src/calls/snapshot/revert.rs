//! `virDomainRevertToSnapshot`.

use std::sync::Arc;

use virtus_api::constants::*;
use virtus_api::{Call, DomainEvent, DomainSnapshotRef};
use virtus_base::{Error, ErrorCode, ErrorDomain, Result};
use virtus_conf::domain::device::disk::SnapshotLocation;
use virtus_conf::snapshot::{Snapshot, SnapshotDisk, SnapshotState};
use virtus_state::gate::{AsyncJob, Mask, Wanted};

use super::super::define::save;
use super::super::flags;
use super::create::now;
use super::enter::keep;
use super::{align, image, live, named};
use crate::Driver;
use crate::domain::transition::StopReason;
use crate::domain::{Domain, State};
use crate::driver::Shared;
use crate::error::{error, invalid};
use crate::process::start::{self, Start};
use crate::process::stop;

pub(super) async fn revert(driver: &Driver, call: &Call, snap: &DomainSnapshotRef, given: u32) -> Result<()> {
    let (running, paused) = (VIR_DOMAIN_SNAPSHOT_REVERT_RUNNING, VIR_DOMAIN_SNAPSHOT_REVERT_PAUSED);
    let (force, nvram) = (VIR_DOMAIN_SNAPSHOT_REVERT_FORCE, VIR_DOMAIN_SNAPSHOT_REVERT_RESET_NVRAM);
    let function = "qemuSnapshotRevert";
    flags(given, running | paused | force | nvram, function)?;
    if given & running != 0 && given & paused != 0 {
        let text = "Flags 'VIR_DOMAIN_SNAPSHOT_REVERT_RUNNING' and 'VIR_DOMAIN_SNAPSHOT_REVERT_PAUSED' are mutually exclusive";
        return Err(Error::invalid_arg(ErrorDomain::DOMAIN_SNAPSHOT, function, "flags", text));
    }
    let domain = driver.find(&snap.dom)?;
    let wanted = Wanted::Async(AsyncJob::Snapshot, Mask::DEFAULT);
    let job = driver.job(call, &domain, wanted).await?;
    let (shared, name) = (Arc::clone(&driver.0), snap.name.clone());
    let function = call.function;
    driver
        .finish(async move {
            let tree = shared.moments(&domain).await?.snapshots;
            let snapshot = named(&tree, &name)?;
            check(&domain, &snapshot, given)?;
            if !snapshot.state.is_some_and(is_offline) {
                if snapshot.is_external() {
                    return Err(error(ErrorCode::NO_SUPPORT, function));
                }
                let runs = match (given & running != 0, given & paused != 0) {
                    (true, _) => true,
                    (_, true) => false,
                    _ => snapshot.state == Some(SnapshotState::Running),
                };
                live::revert(&shared, &domain, &job, &snapshot, runs).await?;
                return arrived(&shared, &domain, &snapshot).await;
            }
            offline(&shared, &domain, &snapshot).await?;
            if given & (running | paused) == 0 {
                return Ok(());
            }
            let definition = domain.view().persistent.clone().ok_or_else(crate::error::not_running)?;
            let how = Start { paused: given & paused != 0, reset_nvram: given & nvram != 0 };
            start::start(&shared, &domain, definition.model()?, how).await
        })
        .await
}

/// Whether there was no memory to keep.
fn is_offline(state: SnapshotState) -> bool {
    matches!(state, SnapshotState::Shutoff | SnapshotState::DiskSnapshot)
}

/// Whether the domain can go back.
fn check(domain: &Domain, snapshot: &Snapshot, given: u32) -> Result<()> {
    let starts = given & (VIR_DOMAIN_SNAPSHOT_REVERT_RUNNING | VIR_DOMAIN_SNAPSHOT_REVERT_PAUSED) != 0;
    let off = snapshot.state.is_some_and(is_offline);
    if !domain.view().is_persistent() && off && !starts {
        return Err(invalid("transient domain needs to request run or pause to revert to inactive snapshot"));
    }
    if given & VIR_DOMAIN_SNAPSHOT_REVERT_FORCE != 0 {
        return Ok(());
    }
    if snapshot.domain.is_none() {
        let name = &domain.view().name;
        return Err(error(
            ErrorCode::SNAPSHOT_REVERT_RISKY,
            format!("snapshot '{}' lacks domain '{name}' rollback info", snapshot.name),
        ));
    }
    if domain.view().managed_save {
        return Err(error(
            ErrorCode::SNAPSHOT_REVERT_RISKY,
            "snapshot without memory state, removal of existing managed saved state strongly recommended to avoid corruption",
        ));
    }
    Ok(())
}

/// Turns the domain off, gives its images what they had, and its definition too.
async fn offline(shared: &Arc<Shared>, domain: &Arc<Domain>, snapshot: &Arc<Snapshot>) -> Result<()> {
    if let Some(running) = domain.running.load_full() {
        stop::destroy(&running, StopReason::FromSnapshot, false).await?;
    }
    let _config = domain.config.lock().await;
    let old = snapshot.domain.clone();
    let missing = || Error::internal(ErrorDomain::DOMAIN_SNAPSHOT, "missing domain in snapshot");
    let model = old.ok_or_else(missing)?;
    let (images, external) = (Arc::clone(snapshot), snapshot.is_external());
    let time = now();
    let model = shared
        .blocking(move || {
            let mut model = model;
            match external {
                false => image::inside(&model, &images, "-a", false)?,
                true => fresh_overlays(&mut model, &images, time)?,
            }
            Ok(model)
        })
        .await?;
    let saved = save(shared, Arc::clone(&domain.view().name), *model).await?;
    shared.change(domain, |view| {
        view.persistent = Some(saved);
        view.state = State::new(VIR_DOMAIN_SHUTOFF, VIR_DOMAIN_SHUTOFF_FROM_SNAPSHOT);
        let (event, detail) = (VIR_DOMAIN_EVENT_DEFINED, VIR_DOMAIN_EVENT_DEFINED_FROM_SNAPSHOT);
        vec![DomainEvent::Lifecycle { event, detail }]
    });
    arrived(shared, domain, snapshot).await
}

/// The domain is on this snapshot from now on.
async fn arrived(shared: &Arc<Shared>, domain: &Arc<Domain>, snapshot: &Arc<Snapshot>) -> Result<()> {
    let mut moments = shared.moments(domain).await?;
    let mut changed = vec![snapshot.name.clone()];
    changed.extend(moments.snapshots.current().map(|current| current.name.clone()));
    changed.dedup();
    moments.snapshots.set_current(Some(snapshot.name.clone()));
    keep(shared, domain, moments, changed).await
}

/// A snapshot whose images others build on must not be written to: the domain goes on in new ones.
fn fresh_overlays(model: &mut virtus_conf::domain::Domain, snapshot: &Snapshot, time: i64) -> Result<()> {
    let mut new = Snapshot { name: time.to_string(), disks: Vec::new(), ..snapshot.clone() };
    new.disks = model
        .devices
        .disks
        .iter()
        .map(|disk| {
            let place = match disk.source.is_empty() {
                true => SnapshotLocation::No,
                false => SnapshotLocation::External,
            };
            SnapshotDisk { name: disk.dst().to_owned(), snapshot: Some(place), format: None, source: None }
        })
        .collect();
    align::disks(&mut new, model, SnapshotLocation::External, false)?;
    image::overlays(model, &new, false)
}
