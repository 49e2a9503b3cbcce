//! How much of the host's CPU time a guest gets.

use virtus_api::constants::*;
use virtus_api::domain::tuning::DomainGetSchedulerTypeReply;
use virtus_api::{Call, DomainRef};
use virtus_base::{Error, Result, TypedParam};
use virtus_conf::domain as conf;
use virtus_conf::domain::cpu_tune::CpuTune;
use virtus_host::cgroup::{BandwidthLimit, Controller, Group};
use virtus_xdr::List;

use super::super::change::{Change, one};
use super::super::flags;
use super::super::params::{self, Kind, fit};
use super::{pin, system_only};
use crate::Driver;
use crate::error::{bad_argument, invalid};
use crate::process::cgroup;

const IMPACT: u32 = VIR_DOMAIN_AFFECT_LIVE | VIR_DOMAIN_AFFECT_CONFIG;
const SESSION: &str = "CPU tuning is not available in session mode";
/// What a group has that nobody limited.
const UNLIMITED: BandwidthLimit = BandwidthLimit { period: 100_000, quota: -1 };

/// Whose time it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Whose {
    Vcpus,
    Emulator,
    Global,
    Iothreads,
}

/// Who has a period and a quota, by libvirt's names of them, in the order they are told.
const OWNERS: [(Whose, &str, &str); 4] = [
    (Whose::Vcpus, "vcpu_period", "vcpu_quota"),
    (Whose::Emulator, "emulator_period", "emulator_quota"),
    (Whose::Global, "global_period", "global_quota"),
    (Whose::Iothreads, "iothread_period", "iothread_quota"),
];

impl Whose {
    fn slots(self, tune: &mut CpuTune) -> (&mut Option<u64>, &mut Option<i64>) {
        match self {
            Whose::Vcpus => (&mut tune.period, &mut tune.quota),
            Whose::Emulator => (&mut tune.emulator_period, &mut tune.emulator_quota),
            Whose::Global => (&mut tune.global_period, &mut tune.global_quota),
            Whose::Iothreads => (&mut tune.iothread_period, &mut tune.iothread_quota),
        }
    }
}

/// `virDomainGetSchedulerType`.
pub(super) fn kind(driver: &Driver, dom: &DomainRef) -> Result<DomainGetSchedulerTypeReply> {
    let domain = driver.find(dom)?;
    system_only(driver, SESSION)?;
    if let Ok(running) = domain.running()
        && !cgroup::of(&running).has(Controller::Cpu)
    {
        return Err(no_controller());
    }
    Ok(DomainGetSchedulerTypeReply { kind: "posix".to_owned(), nparams: 9 })
}

fn no_controller() -> Error {
    invalid("cgroup CPU controller is not mounted")
}

/// `virDomainGetSchedulerParametersFlags`.
pub(super) fn parameters(
    driver: &Driver,
    dom: &DomainRef,
    room: i32,
    given: u32,
) -> Result<List<TypedParam, 16>> {
    flags(given, IMPACT | VIR_TYPED_PARAM_STRING_OKAY, "qemuDomainGetSchedulerParametersFlags")?;
    let domain = driver.find(dom)?;
    system_only(driver, SESSION)?;
    let model = one(&domain.view(), given & IMPACT)?;
    let mut tune = model.cputune.clone().unwrap_or_default();
    let mut all = Vec::new();
    if model.is_live() {
        let group = cgroup::of(&*domain.running()?);
        all.push(TypedParam::new("cpu_shares", group.cpu_shares().ok_or_else(no_controller)?));
        for (whose, period, quota) in OWNERS {
            let limit = limit_of(&group, whose, &model);
            all.push(TypedParam::new(period, limit.period));
            all.push(TypedParam::new(quota, limit.quota));
        }
    } else {
        all.push(TypedParam::new("cpu_shares", tune.shares.unwrap_or(0)));
        for (whose, period, quota) in OWNERS {
            let slots = whose.slots(&mut tune);
            all.push(TypedParam::new(period, slots.0.unwrap_or(0)));
            all.push(TypedParam::new(quota, slots.1.unwrap_or(0)));
        }
    }
    Ok(List(fit(all, room, 16)?.0))
}

/// What holds for these threads; those without a group of their own have no limit of their own.
fn limit_of(group: &Group, whose: Whose, model: &conf::Domain) -> BandwidthLimit {
    let own = match whose {
        Whose::Global => group.bandwidth(),
        Whose::Vcpus => group.thread("vcpu0").bandwidth(),
        Whose::Emulator => group.thread("emulator").bandwidth(),
        Whose::Iothreads => {
            let first = model.iothread_ids().first().copied();
            first.and_then(|id| group.thread(&format!("iothread{id}")).bandwidth())
        }
    };
    own.unwrap_or(UNLIMITED)
}

/// What a caller wants.
struct Wanted {
    shares: Option<u64>,
    limits: Vec<(Whose, Option<u64>, Option<i64>)>,
    params: Vec<TypedParam>,
}

/// Reads and checks the parameters.
fn wanted(given: Vec<TypedParam>) -> Result<Wanted> {
    let mut known = vec![("cpu_shares", Kind::ULLong)];
    for (_, period, quota) in OWNERS {
        known.extend([(period, Kind::ULLong), (quota, Kind::LLong)]);
    }
    params::check(&given, &known)?;
    let out_of = |name: &str, least: u64, most: u64| {
        Err(bad_argument(format!("value of '{name}' is out of range [{least}, {most}]")))
    };
    let mut limits = Vec::new();
    for param in &given {
        let name = param.field.as_str();
        if let Some((_, period, _)) = OWNERS.iter().find(|(_, period, _)| *period == name) {
            let value = params::ullong(&given, period).unwrap_or(0);
            if value != 0 && !(1_000..=1_000_000).contains(&value) {
                return out_of(name, 1_000, 1_000_000);
            }
        }
        if let Some((_, _, quota)) = OWNERS.iter().find(|(_, _, quota)| *quota == name) {
            let value = params::llong(&given, quota).unwrap_or(0);
            if value > 0 && !(1_000..=17_592_186_044_415).contains(&value) {
                return out_of(name, 1_000, 17_592_186_044_415);
            }
        }
    }
    for (whose, period, quota) in OWNERS {
        let limit = (whose, params::ullong(&given, period), params::llong(&given, quota));
        if limit.1.is_some() || limit.2.is_some() {
            limits.push(limit);
        }
    }
    Ok(Wanted { shares: params::ullong(&given, "cpu_shares"), limits, params: given })
}

/// `virDomainSetSchedulerParametersFlags`.
pub(super) async fn set_parameters(
    driver: &Driver,
    call: &Call,
    dom: &DomainRef,
    given_params: Vec<TypedParam>,
    given: u32,
) -> Result<()> {
    flags(given, IMPACT, "qemuDomainSetSchedulerParametersFlags")?;
    driver.find(dom)?;
    system_only(driver, SESSION)?;
    let mut wanted = wanted(given_params)?;
    driver
        .amend(call, dom, given, move |change| {
            Box::pin(async move {
                if change.live.is_some() {
                    let group = change.group()?;
                    if !group.has(Controller::Cpu) {
                        return Err(no_controller());
                    }
                    if let Some(shares) = wanted.shares {
                        group.set_cpu_shares(shares)?;
                        change.touched = true;
                        change.live.iter_mut().for_each(|live| put_shares(live, shares));
                    }
                    for (whose, period, quota) in &wanted.limits {
                        limit(change, &group, *whose, *period, *quota).await?;
                        change.touched = true;
                        let live = change.live.iter_mut();
                        live.for_each(|live| put(live, *whose, *period, *quota));
                    }
                    for param in &mut wanted.params {
                        param.field.insert_str(0, "cputune.");
                    }
                    change.tuned(wanted.params);
                }
                if let Some(config) = &mut change.config {
                    if let Some(shares) = wanted.shares {
                        put_shares(config, shares);
                    }
                    for (whose, period, quota) in &wanted.limits {
                        put(config, *whose, *period, *quota);
                    }
                }
                Ok(())
            })
        })
        .await
}

fn put_shares(model: &mut conf::Domain, shares: u64) {
    model.cputune.get_or_insert_default().shares = Some(shares);
}

fn put(model: &mut conf::Domain, whose: Whose, period: Option<u64>, quota: Option<i64>) {
    let slots = whose.slots(model.cputune.get_or_insert_default());
    if let Some(period) = period {
        *slots.0 = Some(period).filter(|period| *period != 0);
    }
    if let Some(quota) = quota {
        *slots.1 = Some(quota).filter(|quota| *quota != 0);
    }
}

/// Limits the running guest's threads. 0 leaves a part as it is.
async fn limit(
    change: &Change,
    group: &Group,
    whose: Whose,
    period: Option<u64>,
    quota: Option<i64>,
) -> Result<()> {
    let (period, quota) = (period.filter(|p| *p != 0), quota.filter(|q| *q != 0));
    if period.is_none() && quota.is_none() {
        return Ok(());
    }
    let running = change.running()?;
    match whose {
        Whose::Global => group.set_bandwidth(period, quota)?,
        Whose::Vcpus => {
            for (number, thread) in running.vcpus() {
                let name = format!("vcpu{number}");
                cgroup::thread_group(group, &name, &[thread])?.set_bandwidth(period, quota)?;
            }
        }
        Whose::Emulator => {
            let iothreads: Vec<i32> = pin::iothreads(change).await?.into_iter().map(|(_, t)| t).collect();
            let threads = cgroup::emulator_threads(&running, &iothreads);
            cgroup::thread_group(group, "emulator", &threads)?.set_bandwidth(period, quota)?;
        }
        Whose::Iothreads => {
            for (id, thread) in pin::iothreads(change).await? {
                let name = format!("iothread{id}");
                cgroup::thread_group(group, &name, &[thread])?.set_bandwidth(period, quota)?;
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_the_kernels() {
        let why = |name: &str, value: virtus_base::TypedValue| {
            let given = vec![TypedParam { field: name.to_owned(), value }];
            wanted(given).err().map(|e| e.message().to_owned())
        };
        assert_eq!(
            why("vcpu_period", 10u64.into()).as_deref(),
            Some("invalid argument: value of 'vcpu_period' is out of range [1000, 1000000]")
        );
        assert_eq!(
            why("emulator_quota", 3i64.into()).as_deref(),
            Some("invalid argument: value of 'emulator_quota' is out of range [1000, 17592186044415]")
        );
        assert_eq!(why("vcpu_quota", (-2i64).into()), None);
        assert_eq!(why("global_period", 0u64.into()), None);
        assert_eq!(
            why("speed", 0u64.into()).as_deref(),
            Some("argument unsupported: parameter 'speed' not supported")
        );
    }
}
