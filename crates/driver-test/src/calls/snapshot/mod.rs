//! Snapshots of domains.

use std::sync::Arc;

use async_trait::async_trait;
use virtus_api::constants::*;
use virtus_api::domain::snapshot::*;
use virtus_api::{Call, DomainRef, DomainSnapshotRef, DomainSnapshots, Event};
use virtus_base::{Error, ErrorCode, ErrorDomain, Result};
use virtus_conf::domain::device::disk::SnapshotLocation;
use virtus_conf::domain::device::storage::{FileSource, Location, StorageSource};
use virtus_conf::domain::stable::Stable;
use virtus_conf::domain::{self as conf};
use virtus_conf::snapshot::{MemoryLocation, Snapshot, SnapshotOptions, SnapshotState};
use virtus_xdr::List;

use super::info::now;
use crate::domain::{Domain, complete};
use crate::error::generic;
use crate::error::{exclusive, named, required};
use crate::moment::{self, Children, From};
use crate::state::State;
use crate::{Driver, count, error, flags, invalid};

mod revert;

const FILTERS: u32 = VIR_DOMAIN_SNAPSHOT_LIST_METADATA
    | VIR_DOMAIN_SNAPSHOT_LIST_NO_METADATA
    | VIR_DOMAIN_SNAPSHOT_LIST_LEAVES
    | VIR_DOMAIN_SNAPSHOT_LIST_NO_LEAVES
    | VIR_DOMAIN_SNAPSHOT_LIST_INACTIVE
    | VIR_DOMAIN_SNAPSHOT_LIST_ACTIVE
    | VIR_DOMAIN_SNAPSHOT_LIST_DISK_ONLY
    | VIR_DOMAIN_SNAPSHOT_LIST_INTERNAL
    | VIR_DOMAIN_SNAPSHOT_LIST_EXTERNAL;
/// The first bit is for roots, or for all that is below a snapshot.
const OF_DOMAIN: u32 = FILTERS | VIR_DOMAIN_SNAPSHOT_LIST_ROOTS | VIR_DOMAIN_SNAPSHOT_LIST_TOPOLOGICAL;
const OF_SNAPSHOT: u32 =
    FILTERS | VIR_DOMAIN_SNAPSHOT_LIST_DESCENDANTS | VIR_DOMAIN_SNAPSHOT_LIST_TOPOLOGICAL;

/// Reads a domain inside a snapshot's document.
fn inside(e: virtus_xml::Element<'_>, options: &conf::ParseOptions) -> Result<conf::Domain> {
    complete(conf::Domain::from_element(e, options)?, *options)
}

pub(super) fn read_inside() -> virtus_conf::snapshot::ReadDomain<'static> {
    &inside
}

/// Seconds since 1970.
pub(super) fn seconds() -> i64 {
    i64::try_from(now() / 1_000_000).unwrap_or(i64::MAX)
}

/// Whether only those without children are wanted, or only those with.
pub(super) fn leaves(given: u32, only: u32, without: u32) -> Option<bool> {
    match (given & only != 0, given & without != 0) {
        (true, false) => Some(true),
        (false, true) => Some(false),
        _ => None,
    }
}

fn wanted(snapshot: &Snapshot, given: u32) -> bool {
    let state = snapshot.state;
    let (off, disks) = (state == Some(SnapshotState::Shutoff), state == Some(SnapshotState::DiskSnapshot));
    let external = snapshot.is_external();
    crate::passes(
        given,
        &[
            &[(VIR_DOMAIN_SNAPSHOT_LIST_METADATA, true), (VIR_DOMAIN_SNAPSHOT_LIST_NO_METADATA, false)],
            &[
                (VIR_DOMAIN_SNAPSHOT_LIST_INACTIVE, off),
                (VIR_DOMAIN_SNAPSHOT_LIST_DISK_ONLY, disks),
                (VIR_DOMAIN_SNAPSHOT_LIST_ACTIVE, !off && !disks),
            ],
            &[(VIR_DOMAIN_SNAPSHOT_LIST_EXTERNAL, external), (VIR_DOMAIN_SNAPSHOT_LIST_INTERNAL, !external)],
        ],
    )
}

impl Domain {
    fn snapshot(&self, name: &str) -> Result<&Snapshot> {
        self.snapshots.get(name).map(|found| &**found).ok_or_else(|| {
            let text = format!("no domain snapshot with matching name '{name}'");
            error(ErrorCode::NO_DOMAIN_SNAPSHOT, text)
        })
    }

    fn list_snapshots(&self, from: From<'_>, given: u32) -> Vec<&Arc<Snapshot>> {
        let leaves = leaves(given, VIR_DOMAIN_SNAPSHOT_LIST_LEAVES, VIR_DOMAIN_SNAPSHOT_LIST_NO_LEAVES);
        moment::list(&self.snapshots, from, leaves, |snapshot| wanted(snapshot, given))
    }
}

impl State {
    fn of_domain(&mut self, dom: &DomainRef, given: u32, function: &str) -> Result<Vec<String>> {
        flags(given, OF_DOMAIN, function)?;
        let from = From::Domain { roots: given & VIR_DOMAIN_SNAPSHOT_LIST_ROOTS != 0 };
        let found = self.domain(dom)?.list_snapshots(from, given);
        Ok(found.iter().map(|snapshot| snapshot.name.clone()).collect())
    }

    fn of_snapshot(&mut self, snap: &DomainSnapshotRef, given: u32, function: &str) -> Result<Vec<String>> {
        flags(given, OF_SNAPSHOT, function)?;
        let domain = self.domain(&snap.dom)?;
        let name = domain.snapshot(&snap.name)?.name.as_str();
        let from = From::Moment { name, descendants: given & VIR_DOMAIN_SNAPSHOT_LIST_DESCENDANTS != 0 };
        Ok(domain.list_snapshots(from, given).iter().map(|snapshot| snapshot.name.clone()).collect())
    }
}

fn reference(dom: &DomainRef, name: impl Into<String>) -> DomainSnapshotRef {
    DomainSnapshotRef { name: name.into(), dom: dom.clone() }
}

fn references(dom: &DomainRef, names: Vec<String>) -> List<DomainSnapshotRef, 16_384> {
    names.into_iter().map(|name| reference(dom, name)).collect()
}

fn up_to(names: Vec<String>, max: i32) -> List<String, 16_384> {
    names.into_iter().take(usize::try_from(max).unwrap_or(0)).collect()
}

/// What the domain does now, in a snapshot's words.
fn state_of(domain: &Domain) -> SnapshotState {
    let number = usize::try_from(domain.state).unwrap_or(0);
    SnapshotState::ALL.get(number).copied().unwrap_or(SnapshotState::Nostate)
}

/// Gives each disk that is to go on in another image the name of one.
fn name_images(snapshot: &mut Snapshot, domain: &conf::Domain) -> Result<()> {
    let unsupported =
        |text: String| Error::new(ErrorDomain::DOMAIN_SNAPSHOT, ErrorCode::CONFIG_UNSUPPORTED, text);
    for (disk, own) in snapshot.disks.iter_mut().zip(&domain.devices.disks) {
        if disk.snapshot != Some(SnapshotLocation::External) || disk.source.is_some() {
            continue;
        }
        let name = &disk.name;
        let path = own.source.path().filter(|path| std::fs::metadata(path).is_ok_and(|file| file.is_file()));
        let path = path.ok_or_else(|| {
            unsupported(format!(
                "source for disk '{name}' is not a regular file; refusing to generate external snapshot name"
            ))
        })?;
        // what stands behind the last dot of the file's name makes room for the snapshot's
        let base = match path.rsplit_once('.') {
            Some((base, end)) if !end.contains('/') => base,
            _ => path,
        };
        let file = FileSource { file: Some(format!("{base}.{}", snapshot.name)), fdgroup: None };
        disk.source =
            Some(StorageSource { location: Location::File(file), common: own.source.common.clone() });
    }
    Ok(())
}

impl Driver {
    fn create_snapshot(&self, dom: &DomainRef, xml: &str, given: u32) -> Result<DomainSnapshotRef> {
        let redefine = given & VIR_DOMAIN_SNAPSHOT_CREATE_REDEFINE != 0;
        let halt = given & VIR_DOMAIN_SNAPSHOT_CREATE_HALT != 0;
        let makes_current = !redefine || given & VIR_DOMAIN_SNAPSHOT_CREATE_CURRENT != 0;
        self.change(|state, events| {
            let domain = state.domain(dom)?;
            if domain.checkpoint_count() > 0 {
                let text = "cannot create snapshot while checkpoint exists";
                return Err(error(ErrorCode::OPERATION_UNSUPPORTED, text));
            }
            if !domain.persistent && halt {
                return Err(invalid("cannot halt after transient domain snapshot"));
            }
            let strict = given & VIR_DOMAIN_SNAPSHOT_CREATE_VALIDATE != 0;
            let options = SnapshotOptions { redefine, strict, now: seconds() };
            let mut snapshot = Snapshot::parse(xml, options, read_inside())?;
            let name = snapshot.name.clone();
            if redefine {
                prepare_again(domain, &mut snapshot)?;
            } else {
                take(domain, &mut snapshot)?;
            }
            match redefine {
                true => domain.snapshots.insert(snapshot),
                false => moment::add(&mut domain.snapshots, snapshot)?,
            }
            if makes_current {
                domain.snapshots.set_current(Some(name.clone()));
            }
            if !redefine && halt && domain.is_active() {
                let why = (VIR_DOMAIN_SHUTOFF_FROM_SNAPSHOT, VIR_DOMAIN_EVENT_STOPPED_FROM_SNAPSHOT);
                state.stop(dom, why, events)?;
            }
            Ok(reference(dom, name))
        })
    }
}

/// A snapshot of the domain as it is now.
fn take(domain: &Domain, snapshot: &mut Snapshot) -> Result<()> {
    let state = state_of(domain);
    snapshot.state = Some(state);
    snapshot.parent = domain.snapshots.current().map(|current| current.name.clone());
    let external = snapshot.memory == Some(MemoryLocation::External);
    if !external {
        let off = state == SnapshotState::Shutoff;
        snapshot.memory = Some(if off { MemoryLocation::No } else { MemoryLocation::Internal });
    }
    let location = if external { SnapshotLocation::External } else { SnapshotLocation::Internal };
    let definition = conf::Domain { id: None, ..domain.definition.clone() };
    snapshot.align_disks(&definition, location, !external)?;
    name_images(snapshot, &definition)?;
    snapshot.domain = Some(Box::new(definition));
    Ok(())
}

/// A snapshot that was taken before, whose document comes again.
fn prepare_again(domain: &Domain, snapshot: &mut Snapshot) -> Result<()> {
    if let Some(parent) = snapshot.parent.as_deref() {
        domain.snapshots.check_parent(&snapshot.name, parent)?;
    }
    let other = domain.snapshots.get(&snapshot.name).map(|other| &**other);
    snapshot.redefine(domain.definition.uuid, other, &Stable::check_stable)?;
    let Some(inside) = snapshot.domain.clone() else {
        let text = "missing domain in snapshot";
        return Err(Error::new(ErrorDomain::DOMAIN_SNAPSHOT, ErrorCode::INTERNAL_ERROR, text));
    };
    let external = snapshot.state == Some(SnapshotState::DiskSnapshot) || snapshot.is_external();
    let location = if external { SnapshotLocation::External } else { SnapshotLocation::Internal };
    snapshot.align_disks(&inside, location, !external)
}

#[async_trait]
impl DomainSnapshots for Driver {
    async fn domain_snapshot_create_xml(
        &self,
        _: &Call,
        dom: DomainRef,
        xml: String,
        given: u32,
    ) -> Result<DomainSnapshotRef> {
        let known = VIR_DOMAIN_SNAPSHOT_CREATE_REDEFINE
            | VIR_DOMAIN_SNAPSHOT_CREATE_CURRENT
            | VIR_DOMAIN_SNAPSHOT_CREATE_HALT
            | VIR_DOMAIN_SNAPSHOT_CREATE_QUIESCE
            | VIR_DOMAIN_SNAPSHOT_CREATE_ATOMIC
            | VIR_DOMAIN_SNAPSHOT_CREATE_LIVE
            | VIR_DOMAIN_SNAPSHOT_CREATE_VALIDATE;
        let of = (ErrorDomain::DOMAIN_SNAPSHOT, "virDomainSnapshotCreateXML");
        let needed = named![VIR_DOMAIN_SNAPSHOT_CREATE_REDEFINE, VIR_DOMAIN_SNAPSHOT_CREATE_CURRENT];
        required(of, given, needed)?;
        exclusive(
            of,
            given,
            &[
                named![VIR_DOMAIN_SNAPSHOT_CREATE_REDEFINE, VIR_DOMAIN_SNAPSHOT_CREATE_NO_METADATA],
                named![VIR_DOMAIN_SNAPSHOT_CREATE_REDEFINE, VIR_DOMAIN_SNAPSHOT_CREATE_HALT],
            ],
        )?;
        flags(given, known, "testDomainSnapshotCreateXML")?;
        self.create_snapshot(&dom, &xml, given)
    }

    async fn domain_snapshot_get_xml_desc(
        &self,
        _: &Call,
        snap: DomainSnapshotRef,
        given: u32,
    ) -> Result<String> {
        flags(given, VIR_DOMAIN_SNAPSHOT_XML_SECURE, "testDomainSnapshotGetXMLDesc")?;
        let options = conf::FormatOptions {
            inactive: true,
            secure: given & VIR_DOMAIN_SNAPSHOT_XML_SECURE != 0,
            ..conf::FormatOptions::default()
        };
        Ok(self.state().domain(&snap.dom)?.snapshot(&snap.name)?.format(&options))
    }

    async fn domain_snapshot_num(&self, _: &Call, dom: DomainRef, given: u32) -> Result<i32> {
        Ok(count(self.state().of_domain(&dom, given, "testDomainSnapshotNum")?.len()))
    }

    async fn domain_snapshot_list_names(
        &self,
        _: &Call,
        dom: DomainRef,
        max: i32,
        given: u32,
    ) -> Result<List<String, 16_384>> {
        Ok(up_to(self.state().of_domain(&dom, given, "testDomainSnapshotListNames")?, max))
    }

    async fn domain_list_all_snapshots(
        &self,
        _: &Call,
        dom: DomainRef,
        need_results: i32,
        given: u32,
    ) -> Result<DomainListAllSnapshotsReply> {
        let names = self.state().of_domain(&dom, given, "testDomainListAllSnapshots")?;
        let ret = count(names.len());
        let snapshots = if need_results == 0 { List::default() } else { references(&dom, names) };
        Ok(DomainListAllSnapshotsReply { snapshots, ret })
    }

    async fn domain_snapshot_num_children(
        &self,
        _: &Call,
        snap: DomainSnapshotRef,
        given: u32,
    ) -> Result<i32> {
        Ok(count(self.state().of_snapshot(&snap, given, "testDomainSnapshotNumChildren")?.len()))
    }

    async fn domain_snapshot_list_children_names(
        &self,
        _: &Call,
        snap: DomainSnapshotRef,
        max: i32,
        given: u32,
    ) -> Result<List<String, 16_384>> {
        Ok(up_to(self.state().of_snapshot(&snap, given, "testDomainSnapshotListChildrenNames")?, max))
    }

    async fn domain_snapshot_list_all_children(
        &self,
        _: &Call,
        snap: DomainSnapshotRef,
        need_results: i32,
        given: u32,
    ) -> Result<DomainSnapshotListAllChildrenReply> {
        let names = self.state().of_snapshot(&snap, given, "testDomainSnapshotListAllChildren")?;
        let ret = count(names.len());
        let snapshots = if need_results == 0 { List::default() } else { references(&snap.dom, names) };
        Ok(DomainSnapshotListAllChildrenReply { snapshots, ret })
    }

    async fn domain_snapshot_lookup_by_name(
        &self,
        _: &Call,
        dom: DomainRef,
        name: String,
        given: u32,
    ) -> Result<DomainSnapshotRef> {
        flags(given, 0, "testDomainSnapshotLookupByName")?;
        self.state().domain(&dom)?.snapshot(&name)?;
        Ok(reference(&dom, name))
    }

    async fn domain_has_current_snapshot(&self, _: &Call, dom: DomainRef, given: u32) -> Result<i32> {
        flags(given, 0, "testDomainHasCurrentSnapshot")?;
        Ok(i32::from(self.state().domain(&dom)?.snapshots.current().is_some()))
    }

    async fn domain_snapshot_get_parent(
        &self,
        _: &Call,
        snap: DomainSnapshotRef,
        given: u32,
    ) -> Result<DomainSnapshotRef> {
        flags(given, 0, "testDomainSnapshotGetParent")?;
        let mut state = self.state();
        let snapshot = state.domain(&snap.dom)?.snapshot(&snap.name)?;
        let parent = snapshot.parent.clone().ok_or_else(|| {
            let text = format!("snapshot '{}' does not have a parent", snapshot.name);
            error(ErrorCode::NO_DOMAIN_SNAPSHOT, text)
        })?;
        Ok(reference(&snap.dom, parent))
    }

    async fn domain_snapshot_current(
        &self,
        _: &Call,
        dom: DomainRef,
        given: u32,
    ) -> Result<DomainSnapshotRef> {
        flags(given, 0, "testDomainSnapshotCurrent")?;
        let mut state = self.state();
        let current = state.domain(&dom)?.snapshots.current();
        let current = current.ok_or_else(|| {
            error(ErrorCode::NO_DOMAIN_SNAPSHOT, "the domain does not have a current snapshot")
        })?;
        Ok(reference(&dom, current.name.clone()))
    }

    async fn domain_snapshot_is_current(&self, _: &Call, snap: DomainSnapshotRef, given: u32) -> Result<i32> {
        flags(given, 0, "testDomainSnapshotIsCurrent")?;
        let mut state = self.state();
        let domain = state.domain(&snap.dom)?;
        domain.snapshot(&snap.name)?;
        Ok(i32::from(domain.snapshots.current().is_some_and(|current| current.name == snap.name)))
    }

    async fn domain_snapshot_has_metadata(
        &self,
        _: &Call,
        snap: DomainSnapshotRef,
        given: u32,
    ) -> Result<i32> {
        flags(given, 0, "testDomainSnapshotHasMetadata")?;
        self.state().domain(&snap.dom)?.snapshot(&snap.name)?;
        Ok(1)
    }

    async fn domain_revert_to_snapshot(&self, _: &Call, snap: DomainSnapshotRef, given: u32) -> Result<()> {
        let known = VIR_DOMAIN_SNAPSHOT_REVERT_RUNNING
            | VIR_DOMAIN_SNAPSHOT_REVERT_PAUSED
            | VIR_DOMAIN_SNAPSHOT_REVERT_FORCE;
        exclusive(
            (ErrorDomain::DOMAIN_SNAPSHOT, "virDomainRevertToSnapshot"),
            given,
            &[named![VIR_DOMAIN_SNAPSHOT_REVERT_RUNNING, VIR_DOMAIN_SNAPSHOT_REVERT_PAUSED]],
        )?;
        flags(given, known, "testDomainRevertToSnapshot")?;
        self.change(|state, events| revert::revert(state, &snap, given, events))
    }

    async fn domain_snapshot_delete(&self, _: &Call, snap: DomainSnapshotRef, given: u32) -> Result<()> {
        let only = VIR_DOMAIN_SNAPSHOT_DELETE_CHILDREN_ONLY;
        exclusive(
            (ErrorDomain::DOMAIN_SNAPSHOT, "virDomainSnapshotDelete"),
            given,
            &[named![VIR_DOMAIN_SNAPSHOT_DELETE_CHILDREN, VIR_DOMAIN_SNAPSHOT_DELETE_CHILDREN_ONLY]],
        )?;
        flags(given, VIR_DOMAIN_SNAPSHOT_DELETE_CHILDREN | only, "testDomainSnapshotDelete")?;
        let mut state = self.state();
        let domain = state.domain(&snap.dom)?;
        domain.snapshot(&snap.name)?;
        let children = match (given & only != 0, given & VIR_DOMAIN_SNAPSHOT_DELETE_CHILDREN != 0) {
            (true, _) => Children::GoAlone,
            (false, true) => Children::Go,
            (false, false) => Children::Stay,
        };
        moment::delete(&mut domain.snapshots, &snap.name, children);
        Ok(())
    }
}

/// Snapshots that a node's file gives a domain.
pub(crate) fn read_of_node(domain: &mut Domain, e: virtus_xml::Element<'_>) -> Result<()> {
    let options = SnapshotOptions { redefine: true, strict: false, now: seconds() };
    let snapshot = Snapshot::read(e, options, read_inside())?;
    let active = e.child("active").and_then(|e| e.text()).is_some_and(|text| text.trim() == "1");
    if active {
        if domain.snapshots.current().is_some() {
            return Err(crate::internal("more than one snapshot claims to be active"));
        }
        domain.snapshots.set_current(Some(snapshot.name.clone()));
    }
    moment::add(&mut domain.snapshots, snapshot)
}

/// Refuses snapshots of a node's file whose parents are not there.
pub(crate) fn check_of_node(domain: &Domain) -> Result<()> {
    let all = moment::list(&domain.snapshots, From::Domain { roots: false }, None, |_| true);
    let whole = all
        .iter()
        .filter_map(|snapshot| Some((snapshot, snapshot.parent.as_deref()?)))
        .all(|(snapshot, parent)| domain.snapshots.check_parent(&snapshot.name, parent).is_ok());
    match whole && all.len() == domain.snapshots.len() {
        true => Ok(()),
        false => Err(generic(
            ErrorCode::INTERNAL_ERROR,
            format!("Snapshots have inconsistent relations for domain {}", domain.definition.name),
        )),
    }
}

type Events = Vec<Event>;
