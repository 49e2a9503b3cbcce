//! Which snapshots there are.

use std::sync::Arc;

use virtus_api::constants::*;
use virtus_api::{DomainRef, DomainSnapshotRef};
use virtus_base::{Error, ErrorDomain, Result};
use virtus_conf::moment::Tree;
use virtus_conf::snapshot::{Snapshot, SnapshotState};
use virtus_xdr::List;

use super::super::flags;
use super::{find, reference};
use crate::Driver;
use crate::domain::Domain;

/// All filters but those that say where to look.
const FILTERS: u32 = VIR_DOMAIN_SNAPSHOT_LIST_METADATA
    | VIR_DOMAIN_SNAPSHOT_LIST_NO_METADATA
    | VIR_DOMAIN_SNAPSHOT_LIST_LEAVES
    | VIR_DOMAIN_SNAPSHOT_LIST_NO_LEAVES
    | VIR_DOMAIN_SNAPSHOT_LIST_INACTIVE
    | VIR_DOMAIN_SNAPSHOT_LIST_ACTIVE
    | VIR_DOMAIN_SNAPSHOT_LIST_DISK_ONLY
    | VIR_DOMAIN_SNAPSHOT_LIST_INTERNAL
    | VIR_DOMAIN_SNAPSHOT_LIST_EXTERNAL
    | VIR_DOMAIN_SNAPSHOT_LIST_TOPOLOGICAL;

/// The names of a domain's snapshots that pass the filters.
pub(super) async fn of_domain(
    driver: &Driver,
    dom: &DomainRef,
    given: u32,
    function: &str,
) -> Result<(Arc<Domain>, Vec<String>)> {
    flags(given, FILTERS | VIR_DOMAIN_SNAPSHOT_LIST_ROOTS, function)?;
    let domain = driver.find(dom)?;
    let tree = driver.moments(&domain).await?.snapshots;
    let among = match given & VIR_DOMAIN_SNAPSHOT_LIST_ROOTS != 0 {
        true => tree.roots(),
        false => tree.all(),
    };
    let names = passing(&tree, among, given);
    Ok((domain, names))
}

/// The names of the snapshots that build on one and pass the filters.
pub(super) async fn of_snapshot(
    driver: &Driver,
    snap: &DomainSnapshotRef,
    given: u32,
    function: &str,
) -> Result<(Arc<Domain>, Vec<String>)> {
    flags(given, FILTERS | VIR_DOMAIN_SNAPSHOT_LIST_DESCENDANTS, function)?;
    let (domain, snapshot) = find(driver, snap).await?;
    let tree = driver.moments(&domain).await?.snapshots;
    let among = match given & VIR_DOMAIN_SNAPSHOT_LIST_DESCENDANTS != 0 {
        true => tree.descendants(&snapshot.name),
        false => tree.children(&snapshot.name),
    };
    let names = passing(&tree, among, given);
    Ok((domain, names))
}

fn passing(tree: &Tree<Snapshot>, among: Vec<&Arc<Snapshot>>, given: u32) -> Vec<String> {
    let passing = among.into_iter().filter(|snapshot| passes(tree, snapshot, given));
    passing.map(|snapshot| snapshot.name.clone()).collect()
}

/// Whether of each group of filters that is asked for the snapshot has one.
fn passes(tree: &Tree<Snapshot>, snapshot: &Snapshot, given: u32) -> bool {
    let leaf = tree.children(&snapshot.name).is_empty();
    let state = snapshot.state.unwrap_or(SnapshotState::Nostate);
    let disk_only = state == SnapshotState::DiskSnapshot;
    let off = state == SnapshotState::Shutoff;
    let external = snapshot.is_external();
    virtus_state::definitions::passes(
        given,
        &[
            &[(VIR_DOMAIN_SNAPSHOT_LIST_METADATA, true), (VIR_DOMAIN_SNAPSHOT_LIST_NO_METADATA, false)],
            &[(VIR_DOMAIN_SNAPSHOT_LIST_LEAVES, leaf), (VIR_DOMAIN_SNAPSHOT_LIST_NO_LEAVES, !leaf)],
            &[
                (VIR_DOMAIN_SNAPSHOT_LIST_INACTIVE, off),
                (VIR_DOMAIN_SNAPSHOT_LIST_ACTIVE, !off && !disk_only),
                (VIR_DOMAIN_SNAPSHOT_LIST_DISK_ONLY, disk_only),
            ],
            &[(VIR_DOMAIN_SNAPSHOT_LIST_INTERNAL, !external), (VIR_DOMAIN_SNAPSHOT_LIST_EXTERNAL, external)],
        ],
    )
}

/// Snapshots for the wire, or how many there are.
pub(super) fn references(
    domain: &Domain,
    names: &[String],
    need_results: i32,
) -> Result<(List<DomainSnapshotRef, 16_384>, i32)> {
    if names.len() > 16_384 {
        return Err(Error::internal(ErrorDomain::RPC, "Too many domain_snapshots for limit"));
    }
    let ret = i32::try_from(names.len()).unwrap_or(i32::MAX);
    let list = match need_results {
        0 => List::default(),
        _ => names.iter().map(|name| reference(domain, name)).collect(),
    };
    Ok((list, ret))
}
