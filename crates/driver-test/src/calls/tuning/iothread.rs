//! A domain's I/O threads.

use virtus_api::DomainRef;
use virtus_api::domain::tuning::*;
use virtus_base::{Bitmap, ErrorCode, Result, TypedParam};
use virtus_conf::domain::cpu_tune::{CpuTune, IoThread as IoThreadElement, IoThreadIds, IoThreadPin};
use virtus_conf::domain::device::controller::ControllerKind;
use virtus_conf::domain::{self as conf};
use virtus_xdr::{List, Opaque};

use super::super::params::{number, validate};
use super::some_cpus;
use crate::bad_argument;
use crate::domain::IoThread;
use crate::error::generic;
use crate::state::State;

/// How long a thread polls before it sleeps, in nanoseconds.
const POLL: u64 = 32_768;

pub(super) fn list(definition: &conf::Domain) -> Result<DomainGetIothreadInfoReply> {
    let all = Bitmap::filled(usize::try_from(definition.vcpu.online()).unwrap_or(0));
    let info: List<_, 16_384> = definition
        .iothread_ids()
        .into_iter()
        .map(|id| {
            let pins = definition.cputune.iter().flat_map(|tune| &tune.iothreadpin);
            let pin = pins.into_iter().find(|pin| pin.iothread == id).map(|pin| &pin.cpuset);
            let cpus = pin.or(definition.vcpu.cpuset.as_ref()).unwrap_or(&all);
            let bytes = cpus.last().map_or(1, |last| last / 8 + 1);
            DomainIothreadInfo { iothread_id: id, cpumap: Opaque(cpus.to_bytes(bytes)) }
        })
        .collect();
    let ret = u32::try_from(info.len()).unwrap_or(0);
    Ok(DomainGetIothreadInfoReply { info, ret })
}

fn some(id: u32) -> Result<()> {
    match id {
        0 => Err(bad_argument("invalid value of 0 for iothread_id")),
        _ => Ok(()),
    }
}

pub(super) fn pin(definition: &mut conf::Domain, id: u32, cpumap: &[u8]) -> Result<()> {
    let cpuset = some_cpus(cpumap, "iothread cpumap")?;
    if !definition.iothread_ids().contains(&id) {
        return Err(bad_argument(format!("iothreadid {id} not found")));
    }
    let pins = &mut definition.cputune.get_or_insert_with(CpuTune::default).iothreadpin;
    pins.retain(|pin| pin.iothread != id);
    pins.push(IoThreadPin { iothread: id, cpuset });
    Ok(())
}

/// Names all threads that there are, so that one can join or leave.
fn name_all(definition: &mut conf::Domain, ids: &[u32]) {
    let known = definition.iothreadids.take().unwrap_or_default().iothreads;
    let element = |id: &u32| {
        known.iter().find(|thread| thread.id == *id).cloned().unwrap_or(IoThreadElement {
            id: *id,
            thread_pool_min: None,
            thread_pool_max: None,
            poll: None,
        })
    };
    let iothreads: Vec<_> = ids.iter().map(element).collect();
    definition.iothreads = Some(u32::try_from(ids.len()).unwrap_or(u32::MAX)).filter(|count| *count > 0);
    definition.iothreadids = Some(IoThreadIds { iothreads }).filter(|list| *list != IoThreadIds::default());
}

pub(super) fn add(state: &mut State, dom: &DomainRef, id: u32, given: u32) -> Result<()> {
    some(id)?;
    let domain = state.domain(dom)?;
    let definition = domain.one(given)?;
    let mut ids = definition.iothread_ids();
    if ids.contains(&id) {
        return Err(generic(
            ErrorCode::INVALID_ARG,
            format!("an IOThread is already using iothread_id '{id}'"),
        ));
    }
    ids.push(id);
    name_all(definition, &ids);
    domain.iothreads.push(IoThread { id, poll_max_ns: POLL, poll_grow: 0, poll_shrink: 0 });
    Ok(())
}

pub(super) fn remove(state: &mut State, dom: &DomainRef, id: u32, given: u32) -> Result<()> {
    some(id)?;
    let domain = state.domain(dom)?;
    let definition = domain.one(given)?;
    let mut ids = definition.iothread_ids();
    if !ids.contains(&id) {
        return Err(generic(
            ErrorCode::INVALID_ARG,
            format!("cannot find IOThread '{id}' in iothreadids list"),
        ));
    }
    in_use(definition, id)?;
    ids.retain(|other| *other != id);
    name_all(definition, &ids);
    if let Some(tune) = &mut definition.cputune {
        tune.iothreadpin.retain(|pin| pin.iothread != id);
    }
    definition.cputune = definition.cputune.take().filter(|tune| *tune != CpuTune::default());
    domain.iothreads.retain(|thread| thread.id != id);
    Ok(())
}

/// Refuses a thread that a disk or controller uses.
fn in_use(definition: &conf::Domain, id: u32) -> Result<()> {
    let used = |by: String| {
        generic(
            ErrorCode::INVALID_ARG,
            format!("cannot remove IOThread '{id}' since it is being used by {by}"),
        )
    };
    let devices = &definition.devices;
    if let Some(disk) = devices.disks.iter().find(|disk| disk.driver.options.iothread == Some(id)) {
        return Err(used(format!("disk '{}'", disk.dst())));
    }
    let uses = |controller: &&conf::device::Controller| match &controller.kind {
        ControllerKind::Scsi { .. } => controller.driver.iothread == Some(id),
        _ => false,
    };
    match devices.controllers.iter().find(uses) {
        Some(controller) => Err(used(format!("controller '{}'", controller.index.unwrap_or(0)))),
        None => Ok(()),
    }
}

pub(super) fn set(
    state: &mut State,
    dom: &DomainRef,
    id: u32,
    params: &[TypedParam],
    given: u32,
) -> Result<()> {
    some(id)?;
    let domain = state.domain(dom)?;
    if !domain.one(given)?.iothread_ids().contains(&id) {
        return Err(bad_argument(format!("cannot find IOThread '{id}' in iothreadids")));
    }
    validate(params, &[("poll_max_ns", "ullong"), ("poll_grow", "uint"), ("poll_shrink", "uint")])?;
    let small = |name| number(params, name).and_then(|value| u32::try_from(value).ok());
    if let Some(thread) = domain.iothreads.iter_mut().find(|thread| thread.id == id) {
        thread.poll_max_ns = number(params, "poll_max_ns").unwrap_or(thread.poll_max_ns);
        thread.poll_grow = small("poll_grow").unwrap_or(thread.poll_grow);
        thread.poll_shrink = small("poll_shrink").unwrap_or(thread.poll_shrink);
    }
    Ok(())
}
