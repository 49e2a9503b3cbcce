//! `virDomainSnapshotCreateXML`.

use std::sync::Arc;

use virtus_api::constants::*;
use virtus_api::{Call, DomainRef, DomainSnapshotRef};
use virtus_base::{Error, ErrorCode, ErrorDomain, Result};
use virtus_conf::moment::domain_text;
use virtus_conf::snapshot::{MemoryLocation, Snapshot, SnapshotOptions, SnapshotState};
use virtus_state::gate::{Job, Wanted};

use super::super::define::save;
use super::super::flags;
use super::enter::{aligned, enter, keep, place};
use super::{image, live, reference};
use crate::Driver;
use crate::domain::Domain;
use crate::driver::Shared;
use crate::error::invalid;

const REDEFINE: u32 = VIR_DOMAIN_SNAPSHOT_CREATE_REDEFINE;
const CURRENT: u32 = VIR_DOMAIN_SNAPSHOT_CREATE_CURRENT;
const NO_METADATA: u32 = VIR_DOMAIN_SNAPSHOT_CREATE_NO_METADATA;
const DISK_ONLY: u32 = VIR_DOMAIN_SNAPSHOT_CREATE_DISK_ONLY;
const REUSE: u32 = VIR_DOMAIN_SNAPSHOT_CREATE_REUSE_EXT;

/// Refuses flags that do not go together.
fn check_flags(given: u32) -> Result<()> {
    let known = REDEFINE
        | CURRENT
        | NO_METADATA
        | VIR_DOMAIN_SNAPSHOT_CREATE_HALT
        | DISK_ONLY
        | REUSE
        | VIR_DOMAIN_SNAPSHOT_CREATE_QUIESCE
        | VIR_DOMAIN_SNAPSHOT_CREATE_ATOMIC
        | VIR_DOMAIN_SNAPSHOT_CREATE_LIVE
        | VIR_DOMAIN_SNAPSHOT_CREATE_VALIDATE;
    let function = "qemuSnapshotCreateXML";
    flags(given, known, function)?;
    let wrong = |text: &str| Err(Error::invalid_arg(ErrorDomain::QEMU, function, "flags", text));
    if given & VIR_DOMAIN_SNAPSHOT_CREATE_QUIESCE != 0 && given & DISK_ONLY == 0 {
        return wrong(
            "Flag 'VIR_DOMAIN_SNAPSHOT_CREATE_DISK_ONLY' is required by flag 'VIR_DOMAIN_SNAPSHOT_CREATE_QUIESCE'",
        );
    }
    if given & VIR_DOMAIN_SNAPSHOT_CREATE_LIVE != 0 && given & REDEFINE != 0 {
        return wrong(
            "Flags 'VIR_DOMAIN_SNAPSHOT_CREATE_LIVE' and 'VIR_DOMAIN_SNAPSHOT_CREATE_REDEFINE' are mutually exclusive",
        );
    }
    if given & REDEFINE != 0 && given & NO_METADATA != 0 {
        return wrong(
            "Flags 'VIR_DOMAIN_SNAPSHOT_CREATE_REDEFINE' and 'VIR_DOMAIN_SNAPSHOT_CREATE_NO_METADATA' are mutually exclusive",
        );
    }
    Ok(())
}

/// Its file is named after it.
fn check_name(name: &str) -> Result<()> {
    let wrong = |text: String| {
        // libvirt puts no sentence before this one
        Err(Error::new(ErrorDomain::QEMU, ErrorCode::XML_DETAIL, text))
    };
    if name.contains('/') {
        return wrong(format!("invalid snapshot name '{name}': name can't contain '/'"));
    }
    if name.starts_with('.') {
        return wrong(format!("invalid snapshot name '{name}': name can't start with '.'"));
    }
    Ok(())
}

/// The time in seconds since the epoch.
pub(in super::super) fn now() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}

pub(super) async fn create(
    driver: &Driver,
    call: &Call,
    dom: &DomainRef,
    xml: String,
    given: u32,
) -> Result<DomainSnapshotRef> {
    check_flags(given)?;
    let domain = driver.find(dom)?;
    let view = domain.view();
    let has = move |flag: u32| given & flag != 0;
    if !view.is_persistent() && has(VIR_DOMAIN_SNAPSHOT_CREATE_HALT) {
        return Err(invalid("cannot halt after transient domain snapshot"));
    }
    let offline = has(DISK_ONLY) || !view.is_active();
    let how = SnapshotOptions {
        redefine: has(REDEFINE),
        strict: has(VIR_DOMAIN_SNAPSHOT_CREATE_VALIDATE),
        now: now(),
    };
    let environment = Arc::clone(&driver.setup.emulators);
    let snapshot = driver
        .blocking(move || {
            Snapshot::parse(&xml, how, &|e, options| {
                crate::define::parse(&domain_text(e), options, &*environment)
            })
        })
        .await?;
    let memory = snapshot.memory.filter(|memory| *memory != MemoryLocation::No);
    if offline && !has(REDEFINE) && memory.is_some() {
        let text = "memory state cannot be saved with offline or disk-only snapshot";
        return Err(Error::new(ErrorDomain::DOMAIN_SNAPSHOT, ErrorCode::XML_ERROR, text));
    }
    if !has(NO_METADATA) {
        check_name(&snapshot.name)?;
    }
    let job = driver.job(call, &domain, Wanted::Job(Job::Modify)).await?;
    let shared = Arc::clone(&driver.0);
    driver
        .finish(async move {
            if has(REDEFINE) {
                return redefine(&shared, &domain, snapshot, has(CURRENT)).await;
            }
            match domain.view().is_active() {
                true => live::take(&shared, &domain, &job, snapshot, given).await,
                false => take(&shared, &domain, snapshot, given).await,
            }
        })
        .await
}

/// Enters a snapshot that is there already.
async fn redefine(
    shared: &Arc<Shared>,
    domain: &Arc<Domain>,
    mut snapshot: Snapshot,
    current: bool,
) -> Result<DomainSnapshotRef> {
    let mut moments = shared.moments(domain).await?;
    let tree = &moments.snapshots;
    if let Some(parent) = &snapshot.parent {
        tree.check_parent(&snapshot.name, parent)?;
    }
    let other = tree.get(&snapshot.name).map(Arc::as_ref);
    snapshot.redefine(domain.reference().uuid, other, &crate::define::check_stable)?;
    let external = snapshot.state == Some(SnapshotState::DiskSnapshot) || snapshot.is_external();
    let snapshot = aligned(shared, snapshot, external).await?;
    let name = snapshot.name.clone();
    let mut changed = vec![name.clone()];
    let before = moments.snapshots.current().map(|snapshot| snapshot.name.clone());
    moments.snapshots.insert(snapshot);
    if current {
        changed.extend(before.filter(|before| *before != name));
        moments.snapshots.set_current(Some(name.clone()));
    }
    keep(shared, domain, moments, changed).await?;
    Ok(reference(domain, &name))
}

/// Takes a snapshot of a domain that does not run.
async fn take(
    shared: &Arc<Shared>,
    domain: &Arc<Domain>,
    mut snapshot: Snapshot,
    given: u32,
) -> Result<DomainSnapshotRef> {
    let _config = domain.config.lock().await;
    let view = domain.view();
    let definition = view.persistent.clone().ok_or_else(crate::error::not_running)?;
    let moments = shared.moments(domain).await?;
    let disk_only = given & DISK_ONLY != 0;
    let external = disk_only || snapshot.is_external();
    snapshot.state = SnapshotState::from_word(view.state.words().0);
    if disk_only || !external {
        snapshot.memory = Some(MemoryLocation::No);
    }
    snapshot.domain = Some(Box::new(definition.model()?));
    let mut snapshot = aligned(shared, snapshot, external).await?;
    let keeps = given & NO_METADATA == 0;
    place(&moments, &mut snapshot, keeps)?;
    let reuse = given & REUSE != 0;
    let (snapshot, changed) = shared
        .blocking(move || {
            let Some(model) = snapshot.domain.clone() else {
                return Err(Error::internal(ErrorDomain::DOMAIN_SNAPSHOT, "missing domain in snapshot"));
            };
            image::check(&model, &mut snapshot, disk_only, reuse, false)?;
            if !external {
                image::inside(&model, &snapshot, "-c", false)?;
                return Ok((snapshot, None));
            }
            let mut model = model;
            image::overlays(&mut model, &snapshot, reuse)?;
            Ok((snapshot, Some(model)))
        })
        .await?;
    if let Some(model) = changed {
        let saved = save(shared, Arc::clone(&view.name), *model).await?;
        shared.change(domain, |view| {
            view.persistent = Some(saved);
            Vec::new()
        });
    }
    enter(shared, domain, moments, snapshot, keeps).await
}
