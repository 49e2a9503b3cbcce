//! How much memory a guest has, and how much of the host's its QEMU may use.

use virtus_api::constants::*;
use virtus_api::domain::tuning::DomainGetMemoryParametersReply;
use virtus_api::{Call, DomainRef};
use virtus_base::{Error, ErrorCode, ErrorDomain, Result, TypedParam};
use virtus_conf::domain as conf;
use virtus_conf::scaled::KiB;
use virtus_host::cgroup::{Controller, MemoryLimit};
use virtus_qmp::command::SetBalloon;
use virtus_xdr::List;

use super::super::change::{Change, one};
use super::super::flags;
use super::super::params::{self, Kind, fit};
use super::system_only;
use crate::Driver;
use crate::error::{bad_argument, invalid};
use crate::process::cgroup;

const IMPACT: u32 = VIR_DOMAIN_AFFECT_LIVE | VIR_DOMAIN_AFFECT_CONFIG;
/// The value that means no limit, in KiB.
const UNLIMITED: u64 = 9_007_199_254_740_991;
const SESSION: &str = "Memory tuning is not available in session mode";

/// `virDomainSetMemoryFlags`; `memory` in KiB.
pub(super) async fn set(
    driver: &Driver,
    call: &Call,
    dom: &DomainRef,
    memory: u64,
    given: u32,
) -> Result<()> {
    flags(given, IMPACT | VIR_DOMAIN_MEM_MAXIMUM, "qemuDomainSetMemoryFlags")?;
    if memory == 0 {
        let text = "memory in virDomainSetMemoryFlags must not be zero";
        return Err(Error::invalid_arg(ErrorDomain::DOMAIN, "virDomainSetMemoryFlags", "memory", text));
    }
    let maximum = given & VIR_DOMAIN_MEM_MAXIMUM != 0;
    driver
        .amend(call, dom, given & IMPACT, move |change| {
            Box::pin(async move {
                match maximum {
                    true => set_maximum(change, memory),
                    false => set_current(change, memory).await,
                }
            })
        })
        .await
}

fn set_maximum(change: &mut Change, memory: u64) -> Result<()> {
    if change.live.is_some() {
        return Err(invalid("cannot resize the maximum memory on an active domain"));
    }
    let Some(config) = &mut change.config else { return Ok(()) };
    if config.cpu.iter().filter_map(|cpu| cpu.numa.as_ref()).any(|numa| !numa.cells.is_empty()) {
        return Err(invalid(
            "initial memory size of a domain with NUMA nodes cannot be modified with this API",
        ));
    }
    if config.max_memory.as_ref().is_some_and(|max| max.size.0 < memory) {
        return Err(bad_argument("cannot set initial memory size greater than the maximum memory size"));
    }
    let current = config.current_memory.map_or(config.memory.size.0, |m| m.0).min(memory);
    config.memory.size = KiB(memory);
    config.current_memory = Some(KiB(current));
    Ok(())
}

async fn set_current(change: &mut Change, memory: u64) -> Result<()> {
    let max = change.both().map(|model| model.memory.size.0).min().unwrap_or(0);
    if memory > max {
        return Err(bad_argument("cannot set memory higher than max memory"));
    }
    if let Some(live) = &change.live {
        let balloon = live.devices.memballoons.iter();
        if !balloon.clone().any(|b| b.model != conf::device::memballoon::BalloonModel::None) {
            return Err(invalid(
                "Unable to change memory of active domain without the balloon device and guest OS balloon driver",
            ));
        }
        // what the guest then has, QEMU tells by an event
        change.job.execute(&SetBalloon { value: memory.saturating_mul(1024) }).await?;
    }
    if let Some(config) = &mut change.config {
        config.current_memory = Some(KiB(memory));
    }
    // the live definition follows the guest, which may take its time
    change.live = None;
    Ok(())
}

const PARAMS: &[(&str, Kind)] =
    &[("hard_limit", Kind::ULLong), ("soft_limit", Kind::ULLong), ("swap_hard_limit", Kind::ULLong)];

fn no_controller() -> Error {
    invalid("cgroup memory controller is not mounted")
}

/// `virDomainGetMemoryParameters`.
pub(super) fn parameters(
    driver: &Driver,
    dom: &DomainRef,
    room: i32,
    given: u32,
) -> Result<DomainGetMemoryParametersReply> {
    flags(given, IMPACT | VIR_TYPED_PARAM_STRING_OKAY, "qemuDomainGetMemoryParameters")?;
    let domain = driver.find(dom)?;
    system_only(driver, SESSION)?;
    let model = one(&domain.view(), given & IMPACT)?;
    let (hard, soft, swap) = if model.is_live() {
        let group = cgroup::of(&*domain.running()?);
        let limits = group.memory_limits().ok_or_else(no_controller)?;
        (limits.hard, limits.soft, limits.swap_hard)
    } else {
        let tune = model.memtune.clone().unwrap_or_default();
        let kib = |limit: Option<KiB>| limit.map(|kib| kib.0);
        (kib(tune.hard_limit), kib(tune.soft_limit), kib(tune.swap_hard_limit))
    };
    let all = [("hard_limit", hard), ("soft_limit", soft), ("swap_hard_limit", swap)];
    let all = all.map(|(name, value)| TypedParam::new(name, value.unwrap_or(UNLIMITED)));
    let (params, nparams) = fit(all.into(), room, 16)?;
    Ok(DomainGetMemoryParametersReply { params: List(params), nparams })
}

/// `virDomainSetMemoryParameters`.
pub(super) async fn set_parameters(
    driver: &Driver,
    call: &Call,
    dom: &DomainRef,
    given_params: Vec<TypedParam>,
    given: u32,
) -> Result<()> {
    flags(given, IMPACT, "qemuDomainSetMemoryParameters")?;
    params::check(&given_params, PARAMS)?;
    driver.find(dom)?;
    system_only(driver, SESSION)?;
    let of = |name| params::ullong(&given_params, name);
    let (hard, soft, swap) = (of("hard_limit"), of("soft_limit"), of("swap_hard_limit"));
    driver
        .amend(call, dom, given, move |change| {
            Box::pin(async move {
                if change.live.is_some() && !change.group()?.has(Controller::Memory) {
                    return Err(no_controller());
                }
                check_order(change.both().next(), hard, swap)?;
                set_limit(change, MemoryLimit::Soft, soft)?;
                // memory may not exceed memory and swap at any moment
                let now = change.live.as_ref().and_then(|live| live.memtune.as_ref()?.hard_limit);
                let lowers = hard.is_some_and(|hard| now.map_or(UNLIMITED, |now| now.0) > hard);
                if lowers {
                    set_limit(change, MemoryLimit::Hard, hard)?;
                }
                set_limit(change, MemoryLimit::SwapHard, swap)?;
                match lowers {
                    true => Ok(()),
                    false => set_limit(change, MemoryLimit::Hard, hard),
                }
            })
        })
        .await
}

/// Memory alone may not have more than memory and swap together.
fn check_order(model: Option<&mut conf::Domain>, hard: Option<u64>, swap: Option<u64>) -> Result<()> {
    if hard.is_none() && swap.is_none() {
        return Ok(());
    }
    let tune = model.and_then(|model| model.memtune.clone()).unwrap_or_default();
    let or_now = |wanted: Option<u64>, now: Option<KiB>| wanted.or(now.map(|n| n.0)).unwrap_or(UNLIMITED);
    match or_now(hard, tune.hard_limit) > or_now(swap, tune.swap_hard_limit) {
        true => Err(Error::new(
            ErrorDomain::DOMAIN,
            ErrorCode::INVALID_ARG,
            "memory hard_limit tunable value must be lower than or equal to swap_hard_limit",
        )),
        false => Ok(()),
    }
}

fn set_limit(change: &mut Change, limit: MemoryLimit, value: Option<u64>) -> Result<()> {
    let Some(value) = value else { return Ok(()) };
    let kib = (value < UNLIMITED).then_some(value);
    if change.live.is_some() {
        change.group()?.set_memory_limit(limit, kib)?;
        change.touched = true;
    }
    for model in change.both() {
        let tune = model.memtune.get_or_insert_default();
        let slot = match limit {
            MemoryLimit::Hard => &mut tune.hard_limit,
            MemoryLimit::Soft => &mut tune.soft_limit,
            MemoryLimit::SwapHard => &mut tune.swap_hard_limit,
        };
        *slot = kib.map(KiB);
    }
    Ok(())
}
