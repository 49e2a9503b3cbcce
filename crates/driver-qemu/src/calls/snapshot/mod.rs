//! Snapshots of domains.

mod align;
mod create;
mod delete;
mod enter;
mod image;
mod list;
mod live;
mod revert;

pub(super) use create::now;

use std::sync::Arc;

use virtus_api::constants::*;
use virtus_api::domain::snapshot::*;
use virtus_api::{Call, DomainRef, DomainSnapshotRef, DomainSnapshots};
use virtus_base::{ErrorCode, Result};
use virtus_conf::domain::FormatOptions;
use virtus_conf::moment::Tree;
use virtus_conf::snapshot::Snapshot;
use virtus_xdr::List;

use super::{flags, truth};
use crate::Driver;
use crate::domain::Domain;
use crate::error::error;

/// The snapshot a call is about, with its domain.
async fn find(driver: &Driver, snap: &DomainSnapshotRef) -> Result<(Arc<Domain>, Arc<Snapshot>)> {
    let domain = driver.find(&snap.dom)?;
    let tree = driver.moments(&domain).await?.snapshots;
    let snapshot = named(&tree, &snap.name)?;
    Ok((domain, snapshot))
}

fn named(tree: &Tree<Snapshot>, name: &str) -> Result<Arc<Snapshot>> {
    let missing = || {
        let text = format!("no domain snapshot with matching name '{name}'");
        error(ErrorCode::NO_DOMAIN_SNAPSHOT, text)
    };
    tree.get(name).cloned().ok_or_else(missing)
}

fn reference(domain: &Domain, name: &str) -> DomainSnapshotRef {
    DomainSnapshotRef { name: name.to_owned(), dom: domain.reference() }
}

#[async_trait::async_trait]
impl DomainSnapshots for Driver {
    async fn domain_snapshot_create_xml(
        &self,
        call: &Call,
        dom: DomainRef,
        xml: String,
        given: u32,
    ) -> Result<DomainSnapshotRef> {
        create::create(self, call, &dom, xml, given).await
    }

    async fn domain_snapshot_get_xml_desc(
        &self,
        _: &Call,
        snap: DomainSnapshotRef,
        given: u32,
    ) -> Result<String> {
        flags(given, VIR_DOMAIN_SNAPSHOT_XML_SECURE, "qemuDomainSnapshotGetXMLDesc")?;
        let (_, snapshot) = find(self, &snap).await?;
        let secure = given & VIR_DOMAIN_SNAPSHOT_XML_SECURE != 0;
        Ok(snapshot.format(&FormatOptions { inactive: true, secure, ..FormatOptions::default() }))
    }

    async fn domain_snapshot_num(&self, _: &Call, dom: DomainRef, given: u32) -> Result<i32> {
        let names = list::of_domain(self, &dom, given, "qemuDomainSnapshotNum").await?.1;
        Ok(i32::try_from(names.len()).unwrap_or(i32::MAX))
    }

    async fn domain_snapshot_list_names(
        &self,
        _: &Call,
        dom: DomainRef,
        max: i32,
        given: u32,
    ) -> Result<List<String, 16_384>> {
        let names = list::of_domain(self, &dom, given, "qemuDomainSnapshotListNames").await?.1;
        Ok(List(names.into_iter().take(usize::try_from(max).unwrap_or(0)).collect()))
    }

    async fn domain_snapshot_lookup_by_name(
        &self,
        _: &Call,
        dom: DomainRef,
        name: String,
        given: u32,
    ) -> Result<DomainSnapshotRef> {
        flags(given, 0, "qemuDomainSnapshotLookupByName")?;
        let domain = self.find(&dom)?;
        named(&self.moments(&domain).await?.snapshots, &name)?;
        Ok(reference(&domain, &name))
    }

    async fn domain_has_current_snapshot(&self, _: &Call, dom: DomainRef, given: u32) -> Result<i32> {
        flags(given, 0, "qemuDomainHasCurrentSnapshot")?;
        let domain = self.find(&dom)?;
        Ok(truth(self.moments(&domain).await?.snapshots.current().is_some()))
    }

    async fn domain_snapshot_current(
        &self,
        _: &Call,
        dom: DomainRef,
        given: u32,
    ) -> Result<DomainSnapshotRef> {
        flags(given, 0, "qemuDomainSnapshotCurrent")?;
        let domain = self.find(&dom)?;
        let tree = self.moments(&domain).await?.snapshots;
        let none = || error(ErrorCode::NO_DOMAIN_SNAPSHOT, "the domain does not have a current snapshot");
        Ok(reference(&domain, &tree.current().ok_or_else(none)?.name))
    }

    async fn domain_revert_to_snapshot(
        &self,
        call: &Call,
        snap: DomainSnapshotRef,
        given: u32,
    ) -> Result<()> {
        revert::revert(self, call, &snap, given).await
    }

    async fn domain_snapshot_delete(&self, call: &Call, snap: DomainSnapshotRef, given: u32) -> Result<()> {
        delete::delete(self, call, &snap, given).await
    }

    async fn domain_snapshot_get_parent(
        &self,
        _: &Call,
        snap: DomainSnapshotRef,
        given: u32,
    ) -> Result<DomainSnapshotRef> {
        flags(given, 0, "qemuDomainSnapshotGetParent")?;
        let (domain, snapshot) = find(self, &snap).await?;
        let none = || {
            let text = format!("snapshot '{}' does not have a parent", snapshot.name);
            error(ErrorCode::NO_DOMAIN_SNAPSHOT, text)
        };
        Ok(reference(&domain, snapshot.parent.as_deref().ok_or_else(none)?))
    }

    async fn domain_snapshot_num_children(
        &self,
        _: &Call,
        snap: DomainSnapshotRef,
        given: u32,
    ) -> Result<i32> {
        let names = list::of_snapshot(self, &snap, given, "qemuDomainSnapshotNumChildren").await?.1;
        Ok(i32::try_from(names.len()).unwrap_or(i32::MAX))
    }

    async fn domain_snapshot_list_children_names(
        &self,
        _: &Call,
        snap: DomainSnapshotRef,
        max: i32,
        given: u32,
    ) -> Result<List<String, 16_384>> {
        let names = list::of_snapshot(self, &snap, given, "qemuDomainSnapshotListChildrenNames").await?.1;
        Ok(List(names.into_iter().take(usize::try_from(max).unwrap_or(0)).collect()))
    }

    async fn domain_snapshot_is_current(&self, _: &Call, snap: DomainSnapshotRef, given: u32) -> Result<i32> {
        flags(given, 0, "qemuDomainSnapshotIsCurrent")?;
        let domain = self.find(&snap.dom)?;
        let tree = self.moments(&domain).await?.snapshots;
        named(&tree, &snap.name)?;
        Ok(truth(tree.current().is_some_and(|current| current.name == snap.name)))
    }

    async fn domain_snapshot_has_metadata(
        &self,
        _: &Call,
        snap: DomainSnapshotRef,
        given: u32,
    ) -> Result<i32> {
        flags(given, 0, "qemuDomainSnapshotHasMetadata")?;
        // none is known of that has none
        find(self, &snap).await.map(|_| 1)
    }

    async fn domain_list_all_snapshots(
        &self,
        _: &Call,
        dom: DomainRef,
        need_results: i32,
        given: u32,
    ) -> Result<DomainListAllSnapshotsReply> {
        let (domain, names) = list::of_domain(self, &dom, given, "qemuDomainListAllSnapshots").await?;
        let (snapshots, ret) = list::references(&domain, &names, need_results)?;
        Ok(DomainListAllSnapshotsReply { snapshots, ret })
    }

    async fn domain_snapshot_list_all_children(
        &self,
        _: &Call,
        snapshot: DomainSnapshotRef,
        need_results: i32,
        given: u32,
    ) -> Result<DomainSnapshotListAllChildrenReply> {
        let function = "qemuDomainSnapshotListAllChildren";
        let (domain, names) = list::of_snapshot(self, &snapshot, given, function).await?;
        let (snapshots, ret) = list::references(&domain, &names, need_results)?;
        Ok(DomainSnapshotListAllChildrenReply { snapshots, ret })
    }
}
