//! Checkpoints of domains.

use std::sync::Arc;

use virtus_api::constants::*;
use virtus_api::domain::checkpoint::*;
use virtus_api::{Call, DomainCheckpointRef, DomainCheckpoints, DomainRef};
use virtus_base::{Error, ErrorCode, ErrorDomain, Result};
use virtus_conf::checkpoint::Checkpoint;
use virtus_conf::domain::FormatOptions;
use virtus_conf::moment::{Tree, domain_text};
use virtus_state::gate::{Job, Wanted};
use virtus_xdr::List;

use super::flags;
use super::snapshot::now;
use crate::Driver;
use crate::domain::Domain;
use crate::domain::Moments;
use crate::driver::Shared;
use crate::error::error;
use crate::moment::store;

const TOPOLOGICAL: u32 = VIR_DOMAIN_CHECKPOINT_LIST_TOPOLOGICAL;
const LEAVES: u32 = VIR_DOMAIN_CHECKPOINT_LIST_LEAVES;
const NO_LEAVES: u32 = VIR_DOMAIN_CHECKPOINT_LIST_NO_LEAVES;

fn named(tree: &Tree<Checkpoint>, name: &str) -> Result<Arc<Checkpoint>> {
    let missing = || {
        let text = format!("no domain checkpoint with matching name '{name}'");
        error(ErrorCode::NO_DOMAIN_CHECKPOINT, text)
    };
    tree.get(name).cloned().ok_or_else(missing)
}

async fn find(driver: &Driver, checkpoint: &DomainCheckpointRef) -> Result<(Arc<Domain>, Arc<Checkpoint>)> {
    let domain = driver.find(&checkpoint.dom)?;
    let tree = driver.moments(&domain).await?.checkpoints;
    let found = named(&tree, &checkpoint.name)?;
    Ok((domain, found))
}

fn reference(domain: &Domain, name: &str) -> DomainCheckpointRef {
    DomainCheckpointRef { name: name.to_owned(), dom: domain.reference() }
}

/// Those of `among` that pass the filters, for the wire, and how many they are.
fn listed(
    domain: &Domain,
    tree: &Tree<Checkpoint>,
    among: Vec<&Arc<Checkpoint>>,
    given: u32,
    need_results: i32,
) -> Result<(List<DomainCheckpointRef, 16_384>, i32)> {
    let passes = |checkpoint: &&Arc<Checkpoint>| {
        let leaf = tree.children(&checkpoint.name).is_empty();
        virtus_state::definitions::passes(given, &[&[(LEAVES, leaf), (NO_LEAVES, !leaf)]])
    };
    let found: Vec<&Arc<Checkpoint>> = among.into_iter().filter(passes).collect();
    if found.len() > 16_384 {
        return Err(Error::internal(ErrorDomain::RPC, "Too many domain_checkpoints for limit"));
    }
    let ret = i32::try_from(found.len()).unwrap_or(i32::MAX);
    let list = match need_results {
        0 => List::default(),
        _ => found.iter().map(|checkpoint| reference(domain, &checkpoint.name)).collect(),
    };
    Ok((list, ret))
}

/// Writes checkpoints that have changed, then shows them all.
async fn keep(
    shared: &Arc<Shared>,
    domain: &Arc<Domain>,
    moments: Moments,
    changed: Vec<String>,
) -> Result<()> {
    let directory = shared.setup.layout.checkpoints(&domain.view().name);
    let tree = moments.checkpoints.clone();
    shared.blocking(move || store::save(&directory, &tree, &changed)).await?;
    shared.set_moments(domain, moments);
    Ok(())
}

/// Enters a checkpoint that is there already.
async fn redefine(shared: &Arc<Shared>, domain: &Arc<Domain>, mut checkpoint: Checkpoint) -> Result<String> {
    let mut moments = shared.moments(domain).await?;
    if let Some(parent) = &checkpoint.parent {
        moments.checkpoints.check_parent(&checkpoint.name, parent)?;
    }
    let other = moments.checkpoints.get(&checkpoint.name).map(Arc::as_ref);
    checkpoint.redefine(domain.reference().uuid, other, &crate::define::check_stable)?;
    let name = checkpoint.name.clone();
    let mut changed = vec![name.clone()];
    let current = moments.checkpoints.current().map(|current| current.name.clone());
    // the one that builds on the last one is the last one
    let last = current.is_none() || checkpoint.parent == current;
    moments.checkpoints.insert(checkpoint);
    if last {
        changed.extend(current);
        moments.checkpoints.set_current(Some(name.clone()));
    }
    keep(shared, domain, moments, changed).await?;
    Ok(name)
}

#[async_trait::async_trait]
impl DomainCheckpoints for Driver {
    async fn domain_checkpoint_create_xml(
        &self,
        call: &Call,
        dom: DomainRef,
        xml: String,
        given: u32,
    ) -> Result<DomainCheckpointRef> {
        let (redefines, quiesce) =
            (VIR_DOMAIN_CHECKPOINT_CREATE_REDEFINE, VIR_DOMAIN_CHECKPOINT_CREATE_QUIESCE);
        let validate = VIR_DOMAIN_CHECKPOINT_CREATE_REDEFINE_VALIDATE;
        flags(given, redefines | quiesce | validate, "qemuCheckpointCreateXML")?;
        let domain = self.find(&dom)?;
        let again = given & redefines != 0;
        if !again && !domain.view().is_active() {
            let text = "cannot create checkpoint for inactive domain";
            return Err(error(ErrorCode::OPERATION_UNSUPPORTED, text));
        }
        let environment = Arc::clone(&self.setup.emulators);
        let checkpoint = self
            .blocking(move || {
                Checkpoint::parse(&xml, again, now(), &|e, options| {
                    crate::define::parse(&domain_text(e), options, &*environment)
                })
            })
            .await?;
        if !again {
            return Err(error(ErrorCode::NO_SUPPORT, call.function));
        }
        let job = self.job(call, &domain, Wanted::Job(Job::Modify)).await?;
        let (shared, entered) = (Arc::clone(&self.0), Arc::clone(&domain));
        let name = self
            .finish(async move {
                let _job = job;
                redefine(&shared, &entered, checkpoint).await
            })
            .await?;
        Ok(reference(&domain, &name))
    }

    async fn domain_checkpoint_get_xml_desc(
        &self,
        call: &Call,
        checkpoint: DomainCheckpointRef,
        given: u32,
    ) -> Result<String> {
        let (secure, bare, size) = (
            VIR_DOMAIN_CHECKPOINT_XML_SECURE,
            VIR_DOMAIN_CHECKPOINT_XML_NO_DOMAIN,
            VIR_DOMAIN_CHECKPOINT_XML_SIZE,
        );
        flags(given, secure | bare | size, "qemuCheckpointGetXMLDesc")?;
        let (domain, found) = find(self, &checkpoint).await?;
        if given & size != 0 {
            domain.view().require_active()?;
            return Err(error(ErrorCode::NO_SUPPORT, call.function));
        }
        let options =
            FormatOptions { inactive: true, secure: given & secure != 0, ..FormatOptions::default() };
        Ok(found.format(&options, given & bare == 0))
    }

    async fn domain_list_all_checkpoints(
        &self,
        _: &Call,
        dom: DomainRef,
        need_results: i32,
        given: u32,
    ) -> Result<DomainListAllCheckpointsReply> {
        let roots = VIR_DOMAIN_CHECKPOINT_LIST_ROOTS;
        flags(given, roots | TOPOLOGICAL | LEAVES | NO_LEAVES, "qemuDomainListAllCheckpoints")?;
        let domain = self.find(&dom)?;
        let tree = self.moments(&domain).await?.checkpoints;
        let among = if given & roots != 0 { tree.roots() } else { tree.all() };
        let (checkpoints, ret) = listed(&domain, &tree, among, given, need_results)?;
        Ok(DomainListAllCheckpointsReply { checkpoints, ret })
    }

    async fn domain_checkpoint_list_all_children(
        &self,
        _: &Call,
        checkpoint: DomainCheckpointRef,
        need_results: i32,
        given: u32,
    ) -> Result<DomainCheckpointListAllChildrenReply> {
        let below = VIR_DOMAIN_CHECKPOINT_LIST_DESCENDANTS;
        flags(given, below | TOPOLOGICAL | LEAVES | NO_LEAVES, "qemuDomainCheckpointListAllChildren")?;
        let (domain, found) = find(self, &checkpoint).await?;
        let tree = self.moments(&domain).await?.checkpoints;
        let among = match given & below != 0 {
            true => tree.descendants(&found.name),
            false => tree.children(&found.name),
        };
        let (checkpoints, ret) = listed(&domain, &tree, among, given, need_results)?;
        Ok(DomainCheckpointListAllChildrenReply { checkpoints, ret })
    }

    async fn domain_checkpoint_lookup_by_name(
        &self,
        _: &Call,
        dom: DomainRef,
        name: String,
        given: u32,
    ) -> Result<DomainCheckpointRef> {
        flags(given, 0, "qemuDomainCheckpointLookupByName")?;
        let domain = self.find(&dom)?;
        named(&self.moments(&domain).await?.checkpoints, &name)?;
        Ok(reference(&domain, &name))
    }

    async fn domain_checkpoint_get_parent(
        &self,
        _: &Call,
        checkpoint: DomainCheckpointRef,
        given: u32,
    ) -> Result<DomainCheckpointRef> {
        flags(given, 0, "qemuDomainCheckpointGetParent")?;
        let (domain, found) = find(self, &checkpoint).await?;
        let none = || {
            let text = format!("checkpoint '{}' does not have a parent", found.name);
            error(ErrorCode::NO_DOMAIN_CHECKPOINT, text)
        };
        Ok(reference(&domain, found.parent.as_deref().ok_or_else(none)?))
    }

    async fn domain_checkpoint_delete(
        &self,
        call: &Call,
        checkpoint: DomainCheckpointRef,
        given: u32,
    ) -> Result<()> {
        let (children, only_children) =
            (VIR_DOMAIN_CHECKPOINT_DELETE_CHILDREN, VIR_DOMAIN_CHECKPOINT_DELETE_CHILDREN_ONLY);
        let metadata_only = VIR_DOMAIN_CHECKPOINT_DELETE_METADATA_ONLY;
        flags(given, children | only_children | metadata_only, "qemuCheckpointDelete")?;
        let domain = self.find(&checkpoint.dom)?;
        let job = self.job(call, &domain, Wanted::Job(Job::Modify)).await?;
        let tree = self.moments(&domain).await?.checkpoints;
        let found = named(&tree, &checkpoint.name)?;
        if given & metadata_only == 0 {
            if !domain.view().is_active() {
                let text = "cannot delete checkpoint for inactive domain";
                return Err(error(ErrorCode::OPERATION_UNSUPPORTED, text));
            }
            return Err(error(ErrorCode::NO_SUPPORT, call.function));
        }
        let mut victims: Vec<String> = Vec::new();
        if given & (children | only_children) != 0 {
            victims = tree.descendants(&found.name).iter().rev().map(|below| below.name.clone()).collect();
        }
        if given & only_children == 0 {
            victims.push(found.name.clone());
        }
        let shared = Arc::clone(&self.0);
        self.finish(async move {
            let _job = job;
            for name in victims {
                let mut moments = shared.moments(&domain).await?;
                let was_current = moments.checkpoints.current().is_some_and(|current| current.name == name);
                let mut changed = moments.checkpoints.remove(&name);
                if was_current {
                    changed.extend(moments.checkpoints.current().map(|current| current.name.clone()));
                }
                keep(&shared, &domain, moments, changed).await?;
                let directory = shared.setup.layout.checkpoints(&domain.view().name);
                shared.blocking(move || store::remove(&directory, &[name])).await?;
            }
            Ok(())
        })
        .await
    }
}
