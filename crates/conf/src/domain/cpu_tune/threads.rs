//! What is said of single threads: every vCPU and I/O thread that is named exists, and is named once.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use virtus_base::{Bitmap, Error, ErrorCode, ErrorDomain, Result};
use virtus_xml::{Element, YesNo};

use super::{CpuTune, IoThreadSched, Placement, Sched, Scheduler, Vcpu, VcpuSched, VcpuState};
use crate::domain::Domain;
use crate::domain::parse::{internal, unsupported, xml_error};

/// No machine has more vCPUs.
const MOST_VCPUS: u32 = 1 << 16;

/// What of `<cputune>` there is once, and what must not be empty.
pub(super) fn check(tune: &mut CpuTune, e: Element<'_>) -> Result<()> {
    // a period or quota of nothing is none
    let CpuTune { period, global_period, emulator_period, iothread_period, .. } = tune;
    for period in [period, global_period, emulator_period, iothread_period] {
        *period = period.filter(|period| *period != 0);
    }
    let CpuTune { quota, global_quota, emulator_quota, iothread_quota, .. } = tune;
    for quota in [quota, global_quota, emulator_quota, iothread_quota] {
        *quota = quota.filter(|quota| *quota != 0);
    }
    for name in ["emulatorpin", "emulatorsched"] {
        if e.children(name).nth(1).is_some() {
            return Err(xml_error(format!("only one {name} is supported")));
        }
    }
    if tune.emulatorpin.is_none() && e.child("emulatorpin").is_some() {
        return Err(internal("missing cpuset for emulatorpin"));
    }
    let pins = (e.children("vcpupin").zip(tune.vcpupin.iter().map(|pin| &pin.cpuset)))
        .chain(e.children("emulatorpin").zip(&tune.emulatorpin))
        .chain(e.children("iothreadpin").zip(tune.iothreadpin.iter().map(|pin| &pin.cpuset)));
    for (pin, cpus) in pins {
        if cpus.is_empty() {
            let text = pin.attr("cpuset").unwrap_or_default();
            return Err(unsupported(format!("Invalid value of 'cpuset': {text}")));
        }
    }
    let sets = (e.children("vcpusched").zip(tune.vcpusched.iter().map(|policy| &policy.vcpus)))
        .map(|(e, set)| (e, "vcpus", set))
        .chain(
            (e.children("iothreadsched").zip(tune.iothreadsched.iter().map(|policy| &policy.iothreads)))
                .map(|(e, set)| (e, "iothreads", set)),
        );
    for (e, name, set) in sets {
        if set.is_empty() {
            let text = e.attr(name).unwrap_or_default();
            return Err(unsupported(format!("'{name}' scheduler bitmap '{text}' is empty")));
        }
    }
    Ok(())
}

/// Where vCPUs run, and how many: those that are placed automatically are on no CPUs of the document's.
pub(super) fn placed(vcpu: &mut Vcpu, e: Element<'_>) -> Result<()> {
    if e.text().is_none() {
        return Err(xml_error("maximum vcpus count must be an integer"));
    }
    if vcpu.current == Some(0) {
        return Err(unsupported("vcpu 0 can't be offline"));
    }
    if vcpu.cpuset.as_ref().is_some_and(Bitmap::is_empty) {
        let text = e.attr("cpuset").unwrap_or_default();
        return Err(unsupported(format!("Invalid value of 'cpuset': {text}")));
    }
    if vcpu.placement == Placement::Auto {
        vcpu.cpuset = None;
    }
    if vcpu.current.is_some_and(|current| current > vcpu.max) {
        return Err(unsupported("maximum vCPU count must not be less than current vCPU count"));
    }
    Ok(())
}

/// Only two policies have priorities, and need one.
pub(super) fn priority(sched: &mut Sched, e: Element<'_>) -> Result<()> {
    match sched.scheduler {
        Scheduler::Fifo | Scheduler::Rr if sched.priority.is_none() => Err(Error::new(
            ErrorDomain::XML,
            ErrorCode::XML_ERROR,
            format!("Missing required attribute 'priority' in element '{}'", e.name()),
        )),
        Scheduler::Fifo | Scheduler::Rr => Ok(()),
        Scheduler::Other | Scheduler::Batch | Scheduler::Idle => {
            sched.priority = None;
            Ok(())
        }
    }
}

/// Brings what a definition says of threads into the order of the threads.
///
/// # Errors
/// For threads that are not there, and those of which two things are said.
pub(in crate::domain) fn settle(domain: &mut Domain) -> Result<()> {
    vcpu_states(domain)?;
    let mut seen = HashSet::new();
    let listed = domain.iothreadids.iter().flat_map(|list| &list.iothreads);
    if let Some(twice) = listed.map(|thread| thread.id).find(|id| !seen.insert(*id)) {
        return Err(xml_error(format!("duplicate iothread id '{twice}' found")));
    }
    let listed = u32::try_from(seen.len()).unwrap_or(u32::MAX);
    if listed > 0 {
        domain.iothreads = Some(listed.max(domain.iothreads.unwrap_or(0)));
    }
    let (vcpus, iothreads) = (domain.vcpu.max, domain.iothread_ids().into_iter().collect::<BTreeSet<u32>>());
    match &mut domain.cputune {
        Some(tune) => tune.settle(vcpus, &iothreads),
        None => Ok(()),
    }
}

/// A list of vCPUs says something of all of them: those that are not in it are offline.
fn vcpu_states(domain: &mut Domain) -> Result<()> {
    let max = domain.vcpu.max;
    let Some(list) = domain.vcpus.as_mut().filter(|list| !list.vcpus.is_empty() && max <= MOST_VCPUS) else {
        return Ok(());
    };
    let mut states: BTreeMap<u32, VcpuState> = BTreeMap::new();
    for state in list.vcpus.drain(..) {
        if state.id >= max {
            let id = state.id;
            return Err(xml_error(format!("vcpu id '{id}' is out of range of maximum vcpu count")));
        }
        states.insert(state.id, state);
    }
    for id in 0..max {
        states.entry(id).or_insert(VcpuState { id, enabled: YesNo::No, hotpluggable: None, order: None });
    }
    list.vcpus = states.into_values().collect();
    let online = list.vcpus.iter().filter(|state| state.enabled.is_true()).count();
    domain.vcpu.current = u32::try_from(online).ok().filter(|online| *online > 0 && *online != max);
    Ok(())
}

impl CpuTune {
    fn settle(&mut self, vcpus: u32, iothreads: &BTreeSet<u32>) -> Result<()> {
        // libvirt passes over vCPUs that are not there, but not over I/O threads
        self.vcpupin.retain(|pin| pin.vcpu < vcpus);
        let mut seen = HashSet::new();
        if let Some(pin) = self.vcpupin.iter().find(|pin| !seen.insert(pin.vcpu)) {
            return Err(internal(format!("duplicate vcpupin for vcpu '{}'", pin.vcpu)));
        }
        let absent = |thread: u32| unsupported(format!("Cannot find 'iothread' : {thread}"));
        let mut seen = HashSet::new();
        for pin in &self.iothreadpin {
            if !iothreads.contains(&pin.iothread) {
                return Err(absent(pin.iothread));
            }
            if !seen.insert(pin.iothread) {
                let text = format!("duplicate iothreadpin for same iothread '{}'", pin.iothread);
                return Err(internal(text));
            }
        }
        self.vcpupin.sort_by_key(|pin| pin.vcpu);
        self.iothreadpin.sort_by_key(|pin| pin.iothread);
        let policies = self.vcpusched.iter().map(|policy| (&policy.vcpus, &policy.sched));
        let policies = each(policies, "vcpu", |vcpu| match vcpu < vcpus {
            true => Ok(()),
            false => Err(unsupported(format!("vCPU '{vcpu}' is not present in domain definition"))),
        })?;
        self.vcpusched =
            policies.into_iter().map(|(vcpu, sched)| VcpuSched { vcpus: one(vcpu), sched }).collect();
        let policies = self.iothreadsched.iter().map(|policy| (&policy.iothreads, &policy.sched));
        let policies = each(policies, "iothread", |thread| match iothreads.contains(&thread) {
            true => Ok(()),
            false => Err(absent(thread)),
        })?;
        self.iothreadsched = policies
            .into_iter()
            .map(|(thread, sched)| IoThreadSched { iothreads: one(thread), sched })
            .collect();
        Ok(())
    }
}

/// The policy of each thread, in order of the threads.
fn each<'a>(
    policies: impl Iterator<Item = (&'a Bitmap, &'a Sched)>,
    what: &str,
    there: impl Fn(u32) -> Result<()>,
) -> Result<BTreeMap<u32, Sched>> {
    let mut threads = BTreeMap::new();
    for (set, sched) in policies {
        for thread in set.iter().filter_map(|thread| u32::try_from(thread).ok()) {
            there(thread)?;
            if threads.insert(thread, sched.clone()).is_some() {
                return Err(Error::new(
                    ErrorDomain::DOMAIN,
                    ErrorCode::XML_DETAIL,
                    format!("'{what}sched' attributes '{what}s' must not overlap"),
                ));
            }
        }
    }
    Ok(threads)
}

fn one(thread: u32) -> Bitmap {
    std::iter::once(usize::try_from(thread).unwrap_or(0)).collect()
}
