//! Checkpoints of domains.

use async_trait::async_trait;
use virtus_api::constants::*;
use virtus_api::domain::checkpoint::*;
use virtus_api::{Call, DomainCheckpointRef, DomainCheckpoints, DomainRef};
use virtus_base::{ErrorCode, ErrorDomain, Result};
use virtus_conf::checkpoint::{Checkpoint, CheckpointKind};
use virtus_conf::domain::stable::Stable;
use virtus_conf::domain::{self as conf};
use virtus_xdr::List;

use super::snapshot::{leaves, read_inside, seconds};
use crate::domain::Domain;
use crate::error::{exclusive, named, required};
use crate::moment::{self, Children, From};
use crate::{Driver, count, error, flags};

const FILTERS: u32 = VIR_DOMAIN_CHECKPOINT_LIST_LEAVES | VIR_DOMAIN_CHECKPOINT_LIST_NO_LEAVES;
/// How many bytes of each disk have changed.
const CHANGED: u64 = 1024;

impl Domain {
    fn checkpoint(&self, name: &str) -> Result<&Checkpoint> {
        self.checkpoints.get(name).map(|found| &**found).ok_or_else(|| {
            let text = format!("no domain checkpoint with matching name '{name}'");
            error(ErrorCode::NO_DOMAIN_CHECKPOINT, text)
        })
    }

    fn list_checkpoints(
        &self,
        from: From<'_>,
        given: u32,
        dom: &DomainRef,
    ) -> List<DomainCheckpointRef, 16_384> {
        let leaves = leaves(given, VIR_DOMAIN_CHECKPOINT_LIST_LEAVES, VIR_DOMAIN_CHECKPOINT_LIST_NO_LEAVES);
        let found = moment::list(&self.checkpoints, from, leaves, |_| true);
        found.iter().map(|checkpoint| reference(dom, &checkpoint.name)).collect()
    }
}

fn reference(dom: &DomainRef, name: &str) -> DomainCheckpointRef {
    DomainCheckpointRef { name: name.to_owned(), dom: dom.clone() }
}

#[async_trait]
impl DomainCheckpoints for Driver {
    async fn domain_checkpoint_create_xml(
        &self,
        _: &Call,
        dom: DomainRef,
        xml: String,
        given: u32,
    ) -> Result<DomainCheckpointRef> {
        let redefine = given & VIR_DOMAIN_CHECKPOINT_CREATE_REDEFINE != 0;
        let known = VIR_DOMAIN_CHECKPOINT_CREATE_REDEFINE | VIR_DOMAIN_CHECKPOINT_CREATE_QUIESCE;
        let of = (ErrorDomain::DOMAIN_CHECKPOINT, "virDomainCheckpointCreateXML");
        required(
            of,
            given,
            named![VIR_DOMAIN_CHECKPOINT_CREATE_REDEFINE, VIR_DOMAIN_CHECKPOINT_CREATE_REDEFINE_VALIDATE],
        )?;
        let pair = named![VIR_DOMAIN_CHECKPOINT_CREATE_REDEFINE, VIR_DOMAIN_CHECKPOINT_CREATE_QUIESCE];
        exclusive(of, given, &[pair])?;
        flags(given, known, "testDomainCheckpointCreateXML")?;
        let unsupported = |text: &str| Err(error(ErrorCode::OPERATION_UNSUPPORTED, text));
        let mut state = self.state();
        let domain = state.domain(&dom)?;
        if domain.snapshot_count() > 0 {
            return unsupported("cannot create checkpoint while snapshot exists");
        }
        if !domain.is_active() {
            return unsupported("cannot create checkpoint for inactive domain");
        }
        let mut checkpoint = Checkpoint::parse(&xml, redefine, seconds(), read_inside())?;
        let name = checkpoint.name.clone();
        let mut makes_current = !redefine;
        if redefine {
            if let Some(parent) = checkpoint.parent.as_deref() {
                domain.checkpoints.check_parent(&name, parent)?;
            }
            let other = domain.checkpoints.get(&name).map(|other| &**other);
            checkpoint.redefine(domain.definition.uuid, other, &Stable::check_stable)?;
            makes_current = domain.checkpoints.current().is_none_or(|current| current.name == name);
        } else {
            let definition = conf::Domain { id: None, ..domain.definition.clone() };
            checkpoint.align_disks(&definition)?;
            checkpoint.domain = Some(Box::new(definition));
            checkpoint.parent = domain.checkpoints.current().map(|current| current.name.clone());
        }
        match redefine {
            true => domain.checkpoints.insert(checkpoint),
            false => moment::add(&mut domain.checkpoints, checkpoint)?,
        }
        if makes_current {
            domain.checkpoints.set_current(Some(name.clone()));
        }
        Ok(reference(&dom, &name))
    }

    async fn domain_checkpoint_get_xml_desc(
        &self,
        _: &Call,
        checkpoint: DomainCheckpointRef,
        given: u32,
    ) -> Result<String> {
        let known = VIR_DOMAIN_CHECKPOINT_XML_SECURE
            | VIR_DOMAIN_CHECKPOINT_XML_NO_DOMAIN
            | VIR_DOMAIN_CHECKPOINT_XML_SIZE;
        flags(given, known, "testDomainCheckpointGetXMLDesc")?;
        let mut state = self.state();
        let domain = state.domain(&checkpoint.dom)?;
        let mut found = domain.checkpoint(&checkpoint.name)?.clone();
        if given & VIR_DOMAIN_CHECKPOINT_XML_SIZE != 0 {
            domain.check_active()?;
            for disk in found.disks.iter_mut().filter(|disk| disk.kind == Some(CheckpointKind::Bitmap)) {
                disk.size = Some(CHANGED);
            }
        }
        let options = conf::FormatOptions {
            inactive: true,
            secure: given & VIR_DOMAIN_CHECKPOINT_XML_SECURE != 0,
            ..conf::FormatOptions::default()
        };
        Ok(found.format(&options, given & VIR_DOMAIN_CHECKPOINT_XML_NO_DOMAIN == 0))
    }

    async fn domain_list_all_checkpoints(
        &self,
        _: &Call,
        dom: DomainRef,
        need_results: i32,
        given: u32,
    ) -> Result<DomainListAllCheckpointsReply> {
        let known = FILTERS | VIR_DOMAIN_CHECKPOINT_LIST_ROOTS | VIR_DOMAIN_CHECKPOINT_LIST_TOPOLOGICAL;
        flags(given, known, "testDomainListAllCheckpoints")?;
        let from = From::Domain { roots: given & VIR_DOMAIN_CHECKPOINT_LIST_ROOTS != 0 };
        let mut checkpoints = self.state().domain(&dom)?.list_checkpoints(from, given, &dom);
        let ret = count(checkpoints.len());
        if need_results == 0 {
            checkpoints = List::default();
        }
        Ok(DomainListAllCheckpointsReply { checkpoints, ret })
    }

    async fn domain_checkpoint_list_all_children(
        &self,
        _: &Call,
        checkpoint: DomainCheckpointRef,
        need_results: i32,
        given: u32,
    ) -> Result<DomainCheckpointListAllChildrenReply> {
        let known = FILTERS | VIR_DOMAIN_CHECKPOINT_LIST_DESCENDANTS | VIR_DOMAIN_CHECKPOINT_LIST_TOPOLOGICAL;
        flags(given, known, "testDomainCheckpointListAllChildren")?;
        let mut state = self.state();
        let domain = state.domain(&checkpoint.dom)?;
        let name = domain.checkpoint(&checkpoint.name)?.name.as_str();
        let descendants = given & VIR_DOMAIN_CHECKPOINT_LIST_DESCENDANTS != 0;
        let from = From::Moment { name, descendants };
        let mut checkpoints = domain.list_checkpoints(from, given, &checkpoint.dom);
        let ret = count(checkpoints.len());
        if need_results == 0 {
            checkpoints = List::default();
        }
        Ok(DomainCheckpointListAllChildrenReply { checkpoints, ret })
    }

    async fn domain_checkpoint_lookup_by_name(
        &self,
        _: &Call,
        dom: DomainRef,
        name: String,
        given: u32,
    ) -> Result<DomainCheckpointRef> {
        flags(given, 0, "testDomainCheckpointLookupByName")?;
        self.state().domain(&dom)?.checkpoint(&name)?;
        Ok(reference(&dom, &name))
    }

    async fn domain_checkpoint_get_parent(
        &self,
        _: &Call,
        checkpoint: DomainCheckpointRef,
        given: u32,
    ) -> Result<DomainCheckpointRef> {
        flags(given, 0, "testDomainCheckpointGetParent")?;
        let mut state = self.state();
        let found = state.domain(&checkpoint.dom)?.checkpoint(&checkpoint.name)?;
        match &found.parent {
            Some(parent) => Ok(reference(&checkpoint.dom, parent)),
            None => Err(error(
                ErrorCode::NO_DOMAIN_CHECKPOINT,
                format!("checkpoint '{}' does not have a parent", found.name),
            )),
        }
    }

    async fn domain_checkpoint_delete(
        &self,
        _: &Call,
        checkpoint: DomainCheckpointRef,
        given: u32,
    ) -> Result<()> {
        let (all, only) = (VIR_DOMAIN_CHECKPOINT_DELETE_CHILDREN, VIR_DOMAIN_CHECKPOINT_DELETE_CHILDREN_ONLY);
        let known = all | only | VIR_DOMAIN_CHECKPOINT_DELETE_METADATA_ONLY;
        let pair = named![VIR_DOMAIN_CHECKPOINT_DELETE_CHILDREN, VIR_DOMAIN_CHECKPOINT_DELETE_CHILDREN_ONLY];
        exclusive((ErrorDomain::DOMAIN_CHECKPOINT, "virDomainCheckpointDelete"), given, &[pair])?;
        flags(given, known, "testDomainCheckpointDelete")?;
        let mut state = self.state();
        let domain = state.domain(&checkpoint.dom)?;
        domain.checkpoint(&checkpoint.name)?;
        let children = match (given & only != 0, given & all != 0) {
            (true, _) => Children::GoAlone,
            (false, true) => Children::Go,
            (false, false) => Children::Stay,
        };
        moment::delete(&mut domain.checkpoints, &checkpoint.name, children);
        Ok(())
    }
}
