//! On which CPUs of the host a guest's threads run.

use virtus_api::constants::*;
use virtus_api::domain::tuning::{
    DomainGetEmulatorPinInfoReply, DomainGetIothreadInfoReply, DomainGetVcpuPinInfoReply, DomainIothreadInfo,
};
use virtus_api::{Call, DomainRef};
use virtus_base::{Bitmap, ErrorCode, Result, TypedParam};
use virtus_conf::domain as conf;
use virtus_conf::domain::cpu_tune::{CpuTune, IoThreadPin, VcpuPin};
use virtus_host::cgroup::{Controller, Group};
use virtus_host::process::{affinity, set_affinity};
use virtus_qmp::command::QueryIothreads;
use virtus_state::gate::{Job, Wanted};
use virtus_xdr::{List, Opaque};

use super::super::change::{Change, one};
use super::super::flags;
use super::{cpu_map, iothread_number, maps_fit};
use crate::Driver;
use crate::error::{bad_argument, error, invalid, system};
use crate::process::cgroup;

const IMPACT: u32 = VIR_DOMAIN_AFFECT_LIVE | VIR_DOMAIN_AFFECT_CONFIG;

/// A caller's map of CPUs, which must name some.
fn wanted(map: &[u8], text: &str) -> Result<Bitmap> {
    let cpus = Bitmap::from_bytes(map);
    match cpus.is_empty() {
        true => Err(bad_argument(text)),
        false => Ok(cpus),
    }
}

/// Has a thread run there: its group where CPUs are controlled by group, and the thread itself.
fn place(group: &Group, name: &str, threads: &[i32], cpus: &Bitmap) -> Result<()> {
    if group.has(Controller::Cpuset) {
        cgroup::thread_group(group, name, threads)?.set_cpuset_cpus(&cpus.to_string())?;
    }
    for thread in threads {
        set_affinity(*thread, cpus)
            .map_err(|e| system(format_args!("cannot set CPU affinity on process {thread}"), &e))?;
    }
    Ok(())
}

/// `virDomainPinVcpuFlags`.
pub(super) async fn vcpu(
    driver: &Driver,
    call: &Call,
    dom: &DomainRef,
    number: u32,
    map: Vec<u8>,
    given: u32,
) -> Result<()> {
    flags(given, IMPACT, "qemuDomainPinVcpuFlags")?;
    driver
        .amend(call, dom, given, move |change| {
            Box::pin(async move {
                if let Some(config) = change.config.as_ref().filter(|c| number >= c.vcpu.max) {
                    return Err(out_of_range(number, "persistent", config));
                }
                let cpus = wanted(&map, "Empty cpu list for pinning")?;
                if let Some(live) = &change.live {
                    if number >= live.vcpu.max {
                        return Err(out_of_range(number, "live", live));
                    }
                    let (running, group) = (change.running()?, change.group()?);
                    if let Some((_, thread)) = running.vcpus().into_iter().find(|(n, _)| *n == number) {
                        place(&group, &format!("vcpu{number}"), &[thread], &cpus)?;
                    }
                    change.touched = true;
                    let name = format!("cputune.vcpupin{number}");
                    change.tuned(vec![TypedParam::new(name, cpus.to_string())]);
                }
                for model in change.both() {
                    pin_vcpu(model.cputune.get_or_insert_default(), number, &cpus);
                }
                Ok(())
            })
        })
        .await
}

fn out_of_range(number: u32, what: &str, model: &conf::Domain) -> virtus_base::Error {
    bad_argument(format!("vcpu {number} is out of range of {what} cpu count {}", model.vcpu.online()))
}

fn pin_vcpu(tune: &mut CpuTune, vcpu: u32, cpus: &Bitmap) {
    tune.vcpupin.retain(|pin| pin.vcpu != vcpu);
    let at = tune.vcpupin.partition_point(|pin| pin.vcpu < vcpu);
    tune.vcpupin.insert(at, VcpuPin { vcpu, cpuset: cpus.clone() });
}

/// `virDomainPinEmulator`.
pub(super) async fn emulator(
    driver: &Driver,
    call: &Call,
    dom: &DomainRef,
    map: Vec<u8>,
    given: u32,
) -> Result<()> {
    flags(given, IMPACT, "qemuDomainPinEmulator")?;
    driver
        .amend(call, dom, given, move |change| {
            Box::pin(async move {
                let cpus = wanted(&map, "Empty cpu list for pinning")?;
                if change.live.is_some() {
                    let (running, group) = (change.running()?, change.group()?);
                    let iothreads = iothread_threads(change).await?;
                    let threads = cgroup::emulator_threads(&running, &iothreads);
                    place(&group, "emulator", &threads, &cpus)?;
                    change.touched = true;
                    change.tuned(vec![TypedParam::new("cputune.emulatorpin", cpus.to_string())]);
                }
                for model in change.both() {
                    model.cputune.get_or_insert_default().emulatorpin = Some(cpus.clone());
                }
                Ok(())
            })
        })
        .await
}

/// The running guest's I/O threads: number and thread.
pub(super) async fn iothreads(change: &Change) -> Result<Vec<(u32, i32)>> {
    let threads = change.job.execute(&QueryIothreads {}).await?;
    let known = |thread: &virtus_qmp::command::Iothread| {
        Some((iothread_number(&thread.id)?, i32::try_from(thread.thread_id).ok()?))
    };
    Ok(threads.iter().filter_map(known).collect())
}

async fn iothread_threads(change: &Change) -> Result<Vec<i32>> {
    Ok(iothreads(change).await?.into_iter().map(|(_, thread)| thread).collect())
}

/// `virDomainPinIOThread`.
pub(super) async fn iothread(
    driver: &Driver,
    call: &Call,
    dom: &DomainRef,
    id: u32,
    map: Vec<u8>,
    given: u32,
) -> Result<()> {
    flags(given, IMPACT, "qemuDomainPinIOThread")?;
    driver
        .amend(call, dom, given, move |change| {
            Box::pin(async move {
                let cpus = wanted(&map, "Empty iothread cpumap list for pinning")?;
                if let Some(live) = &change.live {
                    if !live.iothread_ids().contains(&id) {
                        return Err(bad_argument(format!("iothread {id} not found")));
                    }
                    let thread = iothreads(change).await?.into_iter().find(|(number, _)| *number == id);
                    let (_, thread) =
                        thread.ok_or_else(|| bad_argument(format!("iothread {id} not found")))?;
                    place(&change.group()?, &format!("iothread{id}"), &[thread], &cpus)?;
                    change.touched = true;
                    let name = format!("cputune.iothreadpin{id}");
                    change.tuned(vec![TypedParam::new(name, cpus.to_string())]);
                }
                if change.config.as_ref().is_some_and(|config| !config.iothread_ids().contains(&id)) {
                    return Err(bad_argument(format!("iothreadid {id} not found")));
                }
                change.both().for_each(|model| pin_iothread(model, id, &cpus));
                Ok(())
            })
        })
        .await
}

fn pin_iothread(model: &mut conf::Domain, id: u32, cpus: &Bitmap) {
    let order = model.iothread_ids();
    let pins = &mut model.cputune.get_or_insert_default().iothreadpin;
    pins.retain(|pin| pin.iothread != id);
    pins.push(IoThreadPin { iothread: id, cpuset: cpus.clone() });
    pins.sort_by_key(|pin| order.iter().position(|id| *id == pin.iothread));
}

/// `virDomainGetVcpuPinInfo`.
pub(super) fn vcpu_info(
    driver: &Driver,
    dom: &DomainRef,
    maps: i32,
    length: i32,
    given: u32,
) -> Result<DomainGetVcpuPinInfoReply> {
    maps_fit(maps, length, "ncpumaps")?;
    flags(given, IMPACT, "qemuDomainGetVcpuPinInfo")?;
    let model = one(&*driver.look(dom)?, given)?;
    let length = usize::try_from(length).unwrap_or(0);
    let mut cpumaps = Vec::new();
    let all = everywhere(driver, &model);
    let count = model.vcpu.max.min(u32::try_from(maps).unwrap_or(0));
    for vcpu in 0..count {
        let pins = model.cputune.iter().flat_map(|tune| &tune.vcpupin);
        let own = pins.filter(|pin| pin.vcpu == vcpu).map(|pin| &pin.cpuset).next();
        cpumaps.extend(cpu_map(own.unwrap_or(&all), length));
    }
    Ok(DomainGetVcpuPinInfoReply { cpumaps: Opaque(cpumaps), num: i32::try_from(count).unwrap_or(0) })
}

/// Where threads run that are not pinned by themselves.
fn everywhere(driver: &Driver, model: &conf::Domain) -> Bitmap {
    model.vcpu.cpuset.clone().unwrap_or_else(|| driver.setup.node.topology().online.clone())
}

/// `virDomainGetEmulatorPinInfo`.
pub(super) fn emulator_info(
    driver: &Driver,
    dom: &DomainRef,
    length: i32,
    given: u32,
) -> Result<DomainGetEmulatorPinInfoReply> {
    maps_fit(1, length, "ncpumaps")?;
    flags(given, IMPACT, "qemuDomainGetEmulatorPinInfo")?;
    let model = one(&*driver.look(dom)?, given)?;
    let own = model.cputune.as_ref().and_then(|tune| tune.emulatorpin.clone());
    let cpus = own.unwrap_or_else(|| everywhere(driver, &model));
    let map = cpu_map(&cpus, usize::try_from(length).unwrap_or(0));
    Ok(DomainGetEmulatorPinInfoReply { cpumaps: Opaque(map), ret: 1 })
}

/// `virDomainGetIOThreadInfo`.
pub(super) async fn iothread_info(
    driver: &Driver,
    call: &Call,
    dom: &DomainRef,
    given: u32,
) -> Result<DomainGetIothreadInfoReply> {
    flags(given, IMPACT, "qemuDomainGetIOThreadInfo")?;
    let domain = driver.find(dom)?;
    let model = one(&domain.view(), given)?;
    let bytes = |cpus: &Bitmap| cpu_map(cpus, cpus.last().map_or(0, |last| last / 8 + 1));
    let mut info = Vec::new();
    if model.is_live() {
        let job = driver.job(call, &domain, Wanted::Job(Job::Query)).await?;
        if !domain.view().is_active() {
            return Err(invalid("cannot list IOThreads for an inactive domain"));
        }
        for thread in job.execute(&QueryIothreads {}).await? {
            let Some(iothread_id) = iothread_number(&thread.id) else { continue };
            let number = i32::try_from(thread.thread_id).unwrap_or(-1);
            let cpus = affinity(number)
                .map_err(|e| system(format_args!("cannot get CPU affinity of process {number}"), &e))?;
            info.push(DomainIothreadInfo { iothread_id, cpumap: Opaque(bytes(&cpus)) });
        }
    } else {
        let all = everywhere(driver, &model);
        for iothread_id in model.iothread_ids() {
            let mut pins = model.cputune.iter().flat_map(|tune| &tune.iothreadpin);
            let own = pins.find(|pin| pin.iothread == iothread_id).map(|pin| &pin.cpuset);
            info.push(DomainIothreadInfo { iothread_id, cpumap: Opaque(bytes(own.unwrap_or(&all))) });
        }
    }
    match u32::try_from(info.len()) {
        Ok(ret) if ret <= 16_384 => Ok(DomainGetIothreadInfoReply { info: List(info), ret }),
        _ => Err(error(ErrorCode::INTERNAL_ERROR, "Too many IOThreads in info")),
    }
}
