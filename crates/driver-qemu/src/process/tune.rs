//! What a definition says of a guest's share of the host, given to it once its QEMU is there: CPUs, CPU time, memory,
//! disk time.

use serde_json::json;
use virtus_base::{Bitmap, Error, ErrorDomain, Result};
use virtus_conf::domain as conf;
use virtus_conf::domain::cpu_tune::Sched;
use virtus_conf::domain::device::IoTune;
use virtus_conf::domain::misc::BlkioDevice;
use virtus_conf::domain::numa::NumaMode;
use virtus_host::cgroup::{Controller, DeviceLimit, Group, MemoryLimit};
use virtus_host::process::set_affinity;
use virtus_qmp::command::{BlockSetIoThrottle, QomSet, QueryIothreads};

use super::{Running, cgroup, scheduler};
use crate::device::iotune;
use crate::error::unsupported;

/// The threads that are neither vCPUs nor I/O threads.
const EMULATOR: &str = "emulator";

/// Some threads of a guest and what is said of them.
struct Threads<'a> {
    name: String,
    threads: Vec<i32>,
    cpus: Option<&'a Bitmap>,
    period: Option<u64>,
    quota: Option<i64>,
    sched: Option<&'a Sched>,
}

/// Gives a guest that does not run yet what its definition says.
///
/// # Errors
/// When the host has no way to do it.
pub(super) async fn apply(running: &Running, model: &conf::Domain) -> Result<()> {
    throttles(running, model).await?;
    balloon(running, model).await?;
    if wants_nothing(model) {
        return Ok(());
    }
    let iothreads = match model.iothread_ids().is_empty() {
        true => Vec::new(),
        false => running.queries()?.execute(&QueryIothreads {}).await?,
    };
    let iothreads: Vec<(u32, i32)> = iothreads
        .iter()
        .filter_map(|thread| {
            let id = thread.id.strip_prefix("iothread")?.parse().ok()?;
            Some((id, i32::try_from(thread.thread_id).ok()?))
        })
        .collect();
    let group = cgroup::of(running);
    whole(&group, model)?;
    for threads in all_threads(running, model, &iothreads) {
        place(&group, &threads)?;
    }
    // last, for threads that QEMU makes by itself are not meant
    let emulator = model.cputune.as_ref().and_then(|tune| tune.emulatorsched.as_ref());
    emulator.map_or(Ok(()), |sched| scheduler::apply(running.process.pid(), sched))
}

fn wants_nothing(model: &conf::Domain) -> bool {
    model.cputune.is_none()
        && model.memtune.is_none()
        && model.blkiotune.is_none()
        && model.vcpu.cpuset.is_none()
        && model.numatune.is_none()
}

/// What holds for the guest as a whole.
fn whole(group: &Group, model: &conf::Domain) -> Result<()> {
    if let Some(tune) = &model.cputune {
        let limited = tune.shares.is_some()
            || [tune.period, tune.global_period, tune.emulator_period, tune.iothread_period]
                .iter()
                .any(Option::is_some)
            || [tune.quota, tune.global_quota, tune.emulator_quota, tune.iothread_quota]
                .iter()
                .any(Option::is_some);
        if limited && !group.has(Controller::Cpu) {
            return Err(unsupported("cgroup cpu is required for scheduler tuning"));
        }
        if let Some(shares) = tune.shares {
            group.set_cpu_shares(shares)?;
        }
        if tune.global_period.is_some() || tune.global_quota.is_some() {
            group.set_bandwidth(tune.global_period, tune.global_quota)?;
        }
    }
    if let Some(tune) = model.memtune.as_ref().filter(|_| group.has(Controller::Memory)) {
        for (limit, value) in [
            (MemoryLimit::Hard, tune.hard_limit),
            (MemoryLimit::Soft, tune.soft_limit),
            (MemoryLimit::SwapHard, tune.swap_hard_limit),
        ] {
            if let Some(value) = value {
                group.set_memory_limit(limit, Some(value.0))?;
            }
        }
    }
    if let Some(tune) = &model.blkiotune {
        if let Some(weight) = tune.weight {
            group.set_blkio_weight(weight)?;
        }
        tune.devices.iter().try_for_each(|device| device_limits(group, device))?;
    }
    // memory that QEMU does not bind itself is kept to its nodes by the group
    let memory = model.numatune.as_ref().and_then(|tune| tune.memory.as_ref());
    if let Some(memory) = memory.filter(|m| matches!(m.mode, NumaMode::Strict | NumaMode::Restrictive))
        && let Some(nodes) = &memory.nodeset
        && group.has(Controller::Cpuset)
    {
        group.set_cpuset_mems(&nodes.to_string())?;
    }
    Ok(())
}

fn device_limits(group: &Group, device: &BlkioDevice) -> Result<()> {
    for (limit, value) in [
        (DeviceLimit::Weight, device.weight.map(u64::from)),
        (DeviceLimit::ReadIops, device.read_iops_sec.map(u64::from)),
        (DeviceLimit::WriteIops, device.write_iops_sec.map(u64::from)),
        (DeviceLimit::ReadBytes, device.read_bytes_sec),
        (DeviceLimit::WriteBytes, device.write_bytes_sec),
    ] {
        if let Some(value) = value.filter(|value| *value != 0) {
            group.set_device_limit(limit, &device.path, value)?;
        }
    }
    Ok(())
}

fn all_threads<'a>(running: &Running, model: &'a conf::Domain, iothreads: &[(u32, i32)]) -> Vec<Threads<'a>> {
    let tune = model.cputune.as_ref();
    let everywhere = model.vcpu.cpuset.as_ref();
    let mut all = Vec::new();
    for (number, thread) in running.vcpus() {
        let own = tune.and_then(|tune| tune.vcpupin.iter().find(|pin| pin.vcpu == number));
        all.push(Threads {
            name: format!("vcpu{number}"),
            threads: vec![thread],
            cpus: own.map(|pin| &pin.cpuset).or(everywhere),
            period: tune.and_then(|tune| tune.period),
            quota: tune.and_then(|tune| tune.quota),
            sched: scheduler::of_vcpu(tune, number),
        });
    }
    for (id, thread) in iothreads {
        let own = tune.and_then(|tune| tune.iothreadpin.iter().find(|pin| pin.iothread == *id));
        all.push(Threads {
            name: format!("iothread{id}"),
            threads: vec![*thread],
            cpus: own.map(|pin| &pin.cpuset).or(everywhere),
            period: tune.and_then(|tune| tune.iothread_period),
            quota: tune.and_then(|tune| tune.iothread_quota),
            sched: scheduler::of_iothread(tune, *id),
        });
    }
    let known: Vec<i32> = iothreads.iter().map(|(_, thread)| *thread).collect();
    all.push(Threads {
        name: EMULATOR.to_owned(),
        threads: cgroup::emulator_threads(running, &known),
        cpus: tune.and_then(|tune| tune.emulatorpin.as_ref()).or(everywhere),
        period: tune.and_then(|tune| tune.emulator_period),
        quota: tune.and_then(|tune| tune.emulator_quota),
        sched: None,
    });
    all
}

fn place(group: &Group, threads: &Threads<'_>) -> Result<()> {
    if threads.name == EMULATOR {
        // where QEMU may not be is known before there are any threads
        run_there(threads)?;
    }
    let limited = threads.period.is_some() || threads.quota.is_some();
    if limited || (threads.cpus.is_some() && group.has(Controller::Cpuset)) {
        let own = cgroup::thread_group(group, &threads.name, &threads.threads)?;
        if limited {
            own.set_bandwidth(threads.period, threads.quota)?;
        }
        if let Some(cpus) = threads.cpus.filter(|_| own.has(Controller::Cpuset)) {
            own.set_cpuset_cpus(&cpus.to_string())?;
        }
    }
    run_there(threads)?;
    let sched = threads.sched.into_iter();
    sched
        .flat_map(|sched| threads.threads.iter().map(move |t| (t, sched)))
        .try_for_each(|(thread, sched)| scheduler::apply(*thread, sched))
}

fn run_there(threads: &Threads<'_>) -> Result<()> {
    let Some(cpus) = threads.cpus else { return Ok(()) };
    threads.threads.iter().try_for_each(|thread| {
        set_affinity(*thread, cpus).map_err(|e| {
            Error::system(ErrorDomain::NONE, format_args!("cannot set CPU affinity on process {thread}"), &e)
        })
    })
}

/// The limits of disks, which QEMU takes once it runs.
async fn throttles(running: &Running, model: &conf::Domain) -> Result<()> {
    for disk in &model.devices.disks {
        let tune = &disk.rest.iotune;
        if *tune != IoTune::default() && !disk.source.is_empty() {
            let command = BlockSetIoThrottle(iotune::arguments(disk, tune)?);
            running.queries()?.execute(&command).await?;
        }
    }
    Ok(())
}

/// How often the balloon asks the guest for its figures.
async fn balloon(running: &Running, model: &conf::Domain) -> Result<()> {
    let Some(balloon) = model.devices.memballoons.first() else { return Ok(()) };
    if let (Some(period), Some(alias)) = (balloon.stats_period, &balloon.info.alias) {
        let command = QomSet {
            path: format!("/machine/peripheral/{alias}"),
            property: "guest-stats-polling-interval".to_owned(),
            value: json!(period),
        };
        running.queries()?.execute(&command).await?;
    }
    Ok(())
}
