//! How many vCPUs there are, and which.

use serde_json::Value;
use virtus_api::constants::*;
use virtus_api::domain::tuning::{DomainGetVcpusReply, VcpuInfo};
use virtus_api::{Call, DomainRef};
use virtus_base::{Bitmap, Error, ErrorCode, ErrorDomain, Result};
use virtus_conf::domain as conf;
use virtus_host::process::{affinity, usage};
use virtus_state::gate::AgentJob;
use virtus_xdr::{List, Opaque};

use super::super::change::{Change, one};
use super::super::flags;
use super::super::sets::{on_off, parse_set};
use super::vcpu_list::VcpuList;
use super::{cpu_map, hotplug, maps_fit};
use crate::Driver;
use crate::error::{bad_argument, error, invalid};

const IMPACT: u32 = VIR_DOMAIN_AFFECT_LIVE | VIR_DOMAIN_AFFECT_CONFIG;

/// `virDomainGetVcpusFlags`.
pub(super) async fn count(driver: &Driver, call: &Call, dom: &DomainRef, given: u32) -> Result<i32> {
    let known = IMPACT | VIR_DOMAIN_VCPU_MAXIMUM | VIR_DOMAIN_VCPU_GUEST;
    flags(given, known, "qemuDomainGetVcpusFlags")?;
    let domain = driver.find(dom)?;
    let model = one(&domain.view(), given)?;
    let maximum = given & VIR_DOMAIN_VCPU_MAXIMUM != 0;
    if given & VIR_DOMAIN_VCPU_GUEST != 0 {
        if !model.is_live() {
            return Err(bad_argument(
                "vCPU count provided by the guest agent can only be requested for live domains",
            ));
        }
        let null = Value::Null;
        let reply = crate::agent::command(driver, call, &domain, AgentJob::Query, "guest-get-vcpus", null);
        let vcpus = super::super::agent::guest_vcpus(&reply.await?)?;
        let counted = vcpus.iter().filter(|vcpu| maximum || vcpu.online).count();
        return Ok(i32::try_from(counted).unwrap_or(i32::MAX));
    }
    let count = if maximum { model.vcpu.max } else { model.vcpu.online() };
    Ok(i32::try_from(count).unwrap_or(i32::MAX))
}

/// `virDomainGetVcpus`: the running guest's, with the threads they are.
pub(super) fn list(driver: &Driver, dom: &DomainRef, max: i32, length: i32) -> Result<DomainGetVcpusReply> {
    maps_fit(max, length, "maxinfo")?;
    let domain = driver.find(dom)?;
    let Some(running) = domain.running.load_full().filter(|_| domain.view().is_active()) else {
        return Err(invalid("cannot retrieve vcpu information for inactive domain"));
    };
    let length = usize::try_from(length).unwrap_or(0);
    let (mut info, mut cpumaps) = (Vec::new(), Vec::new());
    for (number, thread) in running.vcpus().into_iter().take(usize::try_from(max).unwrap_or(0)) {
        let used = usage(running.process.pid(), Some(thread)).unwrap_or_default();
        info.push(VcpuInfo {
            number,
            state: VIR_VCPU_RUNNING,
            cpu_time: used.user.saturating_add(used.system),
            cpu: i32::try_from(used.cpu).unwrap_or(-1),
        });
        let where_to = affinity(thread).unwrap_or_default();
        cpumaps.extend(cpu_map(&where_to, length));
    }
    Ok(DomainGetVcpusReply { info: List(info), cpumaps: Opaque(cpumaps) })
}

/// `virDomainSetVcpusFlags`.
pub(super) async fn set_count(
    driver: &Driver,
    call: &Call,
    dom: &DomainRef,
    count: u32,
    given: u32,
) -> Result<()> {
    let (maximum, guest) = (given & VIR_DOMAIN_VCPU_MAXIMUM != 0, given & VIR_DOMAIN_VCPU_GUEST != 0);
    let known = IMPACT | VIR_DOMAIN_VCPU_MAXIMUM | VIR_DOMAIN_VCPU_GUEST | VIR_DOMAIN_VCPU_HOTPLUGGABLE;
    flags(given, known, "qemuDomainSetVcpusFlags")?;
    if count == 0 {
        let text = "nvcpus in virDomainSetVcpusFlags must not be zero";
        return Err(Error::invalid_arg(ErrorDomain::DOMAIN, "virDomainSetVcpusFlags", "nvcpus", text));
    }
    if guest {
        return super::super::agent::set_vcpu_count(driver, call, dom, count, given).await;
    }
    let hotpluggable = given & VIR_DOMAIN_VCPU_HOTPLUGGABLE != 0;
    driver
        .amend(call, dom, given & IMPACT, move |change| {
            Box::pin(async move {
                match maximum {
                    true => set_maximum(change, count),
                    false => set_online(change, count, hotpluggable).await,
                }
            })
        })
        .await
}

fn set_maximum(change: &mut Change, count: u32) -> Result<()> {
    if change.live.is_some() {
        let text = "maximum vcpu count of a live domain can't be modified";
        return Err(error(ErrorCode::OPERATION_UNSUPPORTED, text));
    }
    let Some(config) = &mut change.config else { return Ok(()) };
    let cells = config.cpu.iter().filter_map(|cpu| cpu.numa.as_ref()).flat_map(|numa| &numa.cells);
    let in_cells: usize = cells.filter_map(|cell| cell.cpus.as_ref()).map(Bitmap::len).sum();
    if in_cells > usize::try_from(count).unwrap_or(usize::MAX) {
        return Err(bad_argument("Number of CPUs in <numa> exceeds the desired maximum vcpu count"));
    }
    if topology(config).is_some_and(|wanted| wanted != u64::from(count)) {
        return Err(bad_argument("CPU topology doesn't match the desired vcpu count"));
    }
    match &config.vcpus {
        Some(_) => {
            let mut list = VcpuList::of(config)?;
            list.vcpus.iter_mut().for_each(|vcpu| vcpu.order = None);
            list.vcpus.resize(usize::try_from(count).unwrap_or(0), Default::default());
            list.store(config);
        }
        None => {
            let online = config.vcpu.online().min(count);
            config.vcpu.max = count;
            config.vcpu.current = (online != count).then_some(online);
        }
    }
    if let Some(tune) = &mut config.cputune {
        let there = |set: &Bitmap| set.iter().all(|vcpu| u32::try_from(vcpu).is_ok_and(|v| v < count));
        tune.vcpupin.retain(|pin| pin.vcpu < count);
        tune.vcpusched.retain(|sched| there(&sched.vcpus));
    }
    Ok(())
}

/// How many vCPUs the topology makes.
fn topology(domain: &conf::Domain) -> Option<u64> {
    let topology = domain.cpu.as_ref()?.topology.as_ref()?;
    [topology.sockets, topology.dies, topology.clusters, topology.cores, topology.threads]
        .into_iter()
        .try_fold(1u64, |product, part| product.checked_mul(u64::from(part)))
}

async fn set_online(change: &mut Change, count: u32, hotpluggable: bool) -> Result<()> {
    for (model, what) in [(&change.live, "live"), (&change.config, "persistent")] {
        if let Some(max) = model.as_ref().map(|model| model.vcpu.max).filter(|max| count > *max) {
            return Err(bad_argument(format!(
                "requested vcpus is greater than max allowable vcpus for the {what} domain: {count} > {max}"
            )));
        }
    }
    if let Some(live) = &change.live {
        let (which, plug) = hotplug::choose(&VcpuList::of(live)?, count)?;
        hotplug::apply(change, &which, plug).await?;
    }
    if let Some(config) = &mut change.config {
        if config.vcpus.is_none() && !hotpluggable {
            config.vcpu.current = (count != config.vcpu.max).then_some(count);
        } else {
            let mut list = VcpuList::of(config)?;
            list.set_online(count, hotpluggable);
            list.store(config);
        }
    }
    Ok(())
}

/// `virDomainSetVcpu`.
pub(super) async fn set_one(
    driver: &Driver,
    call: &Call,
    dom: &DomainRef,
    which: &str,
    state: i32,
    given: u32,
) -> Result<()> {
    flags(given, IMPACT, "qemuDomainSetVcpu")?;
    let online = on_off(state, "qemuDomainSetVcpu")?;
    let which = parse_set(which)?;
    if which.is_empty() {
        return Err(bad_argument("no vcpus selected for modification"));
    }
    driver
        .amend(call, dom, given, move |change| {
            Box::pin(async move {
                if let Some(live) = &change.live {
                    hotplug::may_set(&VcpuList::of(live)?, &which, online)?;
                }
                let mut config = change.config.as_ref().map(VcpuList::of).transpose()?;
                if let Some(list) = &config {
                    list.may_set(&which)?;
                }
                if change.live.is_some() {
                    hotplug::apply(change, &which, online).await?;
                }
                if let (Some(list), Some(model)) = (&mut config, &mut change.config) {
                    list.set(&which, online);
                    list.store(model);
                }
                Ok(())
            })
        })
        .await
}
