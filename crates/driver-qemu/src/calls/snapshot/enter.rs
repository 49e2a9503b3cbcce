//! A snapshot enters the tree of its domain.

use std::sync::Arc;

use virtus_api::DomainSnapshotRef;
use virtus_base::{Error, ErrorCode, ErrorDomain, Result};
use virtus_conf::domain::device::disk::SnapshotLocation;
use virtus_conf::snapshot::Snapshot;

use super::{align, reference};
use crate::domain::Domain;
use crate::domain::Moments;
use crate::driver::Shared;
use crate::error::error;
use crate::moment::store;

/// The snapshot with every disk of its domain.
pub(super) async fn aligned(
    shared: &Arc<Shared>,
    mut snapshot: Snapshot,
    external: bool,
) -> Result<Snapshot> {
    shared
        .blocking(move || {
            let missing = || Error::internal(ErrorDomain::DOMAIN_SNAPSHOT, "missing domain in snapshot");
            let model = snapshot.domain.take().ok_or_else(missing)?;
            let otherwise = if external { SnapshotLocation::External } else { SnapshotLocation::Internal };
            align::disks(&mut snapshot, &model, otherwise, !external)?;
            snapshot.domain = Some(model);
            Ok(snapshot)
        })
        .await
}

/// Writes snapshots that have changed, then shows them all.
pub(super) async fn keep(
    shared: &Arc<Shared>,
    domain: &Arc<Domain>,
    moments: Moments,
    changed: Vec<String>,
) -> Result<()> {
    let directory = shared.setup.layout.snapshots(&domain.view().name);
    let tree = moments.snapshots.clone();
    shared.blocking(move || store::save(&directory, &tree, &changed)).await?;
    shared.set_moments(domain, moments);
    Ok(())
}

/// Puts a new snapshot on top of the present one.
pub(super) fn place(moments: &Moments, snapshot: &mut Snapshot, keeps: bool) -> Result<()> {
    if keeps && moments.snapshots.get(&snapshot.name).is_some() {
        return Err(error(
            ErrorCode::INTERNAL_ERROR,
            format!("domain moment {} already exists", snapshot.name),
        ));
    }
    snapshot.parent = moments.snapshots.current().map(|current| current.name.clone());
    Ok(())
}

/// Enters a new snapshot, which the domain is on from now on; one that is not kept is only told.
pub(super) async fn enter(
    shared: &Arc<Shared>,
    domain: &Arc<Domain>,
    mut moments: Moments,
    snapshot: Snapshot,
    keeps: bool,
) -> Result<DomainSnapshotRef> {
    let name = snapshot.name.clone();
    if keeps {
        let mut changed: Vec<String> = snapshot.parent.iter().cloned().collect();
        changed.push(name.clone());
        moments.snapshots.insert(snapshot);
        moments.snapshots.set_current(Some(name.clone()));
        keep(shared, domain, moments, changed).await?;
    }
    Ok(reference(domain, &name))
}
