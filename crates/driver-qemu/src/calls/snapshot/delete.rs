//! `virDomainSnapshotDelete`.

use std::sync::Arc;

use virtus_api::constants::*;
use virtus_api::{Call, DomainSnapshotRef};
use virtus_base::{Error, ErrorCode, ErrorDomain, Result};
use virtus_conf::snapshot::Snapshot;
use virtus_state::gate::{Job, Wanted};

use super::super::flags;
use super::{enter, image, live, named};
use crate::Driver;
use crate::domain::Domain;
use crate::driver::Shared;
use crate::error::{error, unsupported};
use crate::moment::store;
use crate::process::Job as QemuJob;

pub(super) async fn delete(driver: &Driver, call: &Call, snap: &DomainSnapshotRef, given: u32) -> Result<()> {
    let (children, only_children) =
        (VIR_DOMAIN_SNAPSHOT_DELETE_CHILDREN, VIR_DOMAIN_SNAPSHOT_DELETE_CHILDREN_ONLY);
    let metadata_only = VIR_DOMAIN_SNAPSHOT_DELETE_METADATA_ONLY;
    let function = "qemuSnapshotDelete";
    flags(given, children | only_children | metadata_only, function)?;
    if given & children != 0 && given & only_children != 0 {
        let text = "Flags 'VIR_DOMAIN_SNAPSHOT_DELETE_CHILDREN' and 'VIR_DOMAIN_SNAPSHOT_DELETE_CHILDREN_ONLY' are mutually exclusive";
        return Err(Error::invalid_arg(ErrorDomain::DOMAIN_SNAPSHOT, function, "flags", text));
    }
    let domain = driver.find(&snap.dom)?;
    let job = driver.job(call, &domain, Wanted::Job(Job::Modify)).await?;
    let (shared, name) = (Arc::clone(&driver.0), snap.name.clone());
    driver
        .finish(async move {
            let tree = shared.moments(&domain).await?.snapshots;
            let snapshot = named(&tree, &name)?;
            let mut victims: Vec<Arc<Snapshot>> = Vec::new();
            if given & (children | only_children) != 0 {
                victims = tree.descendants(&name).into_iter().cloned().collect();
                // those that others build on go last
                victims.reverse();
            }
            if given & only_children == 0 {
                victims.push(snapshot);
            }
            for victim in victims {
                if given & metadata_only == 0 {
                    let tree = shared.moments(&domain).await?.snapshots;
                    let leaf = tree.children(&victim.name).is_empty();
                    discard(&shared, &domain, &job, &victim, leaf).await?;
                }
                forget(&shared, &domain, &victim.name).await?;
            }
            Ok(())
        })
        .await
}

/// Gives up what the images keep for a snapshot.
async fn discard(
    shared: &Arc<Shared>,
    domain: &Arc<Domain>,
    job: &QemuJob,
    snapshot: &Arc<Snapshot>,
    leaf: bool,
) -> Result<()> {
    let view = domain.view();
    if snapshot.is_external() {
        if !leaf {
            return Err(unsupported("deletion of external disk snapshots with children not supported"));
        }
        if view.is_active() {
            return Err(error(ErrorCode::NO_SUPPORT, "virDomainSnapshotDelete"));
        }
        return merge(shared, domain, snapshot).await;
    }
    if view.is_active() {
        return live::discard(job, &view.live()?.model, snapshot).await;
    }
    let Some(definition) = view.persistent.clone() else { return Ok(()) };
    let snapshot = Arc::clone(snapshot);
    shared.blocking(move || image::inside(&definition.model()?, &snapshot, "-d", true)).await
}

/// Writes what is in the images of a snapshot into those below, which the domain goes on with.
async fn merge(shared: &Arc<Shared>, domain: &Arc<Domain>, snapshot: &Arc<Snapshot>) -> Result<()> {
    let _config = domain.config.lock().await;
    let view = domain.view();
    let definition = view.persistent.clone().ok_or_else(crate::error::not_running)?;
    let (snapshot, user) = (Arc::clone(snapshot), shared.setup.user.clone());
    let model = shared
        .blocking(move || {
            let mut model = definition.model()?;
            // every image has to be there, also of disks that stay as they are
            crate::process::chain::there(&model, user.as_ref())?;
            image::merge(&mut model, &snapshot)?;
            Ok(model)
        })
        .await?;
    let saved = super::super::define::save(shared, Arc::clone(&view.name), model).await?;
    shared.change(domain, |view| {
        view.persistent = Some(saved);
        Vec::new()
    });
    Ok(())
}

/// Forgets a snapshot; those that build on it build on its parent from now on.
async fn forget(shared: &Arc<Shared>, domain: &Arc<Domain>, name: &str) -> Result<()> {
    let mut moments = shared.moments(domain).await?;
    let was_current = moments.snapshots.current().is_some_and(|current| current.name == name);
    let mut changed = moments.snapshots.remove(name);
    if was_current {
        changed.extend(moments.snapshots.current().map(|current| current.name.clone()));
    }
    let directory = shared.setup.layout.snapshots(&domain.view().name);
    // what is left says who its parent is before that one goes
    enter::keep(shared, domain, moments, changed).await?;
    let gone = vec![name.to_owned()];
    shared.blocking(move || store::remove(&directory, &gone)).await
}
