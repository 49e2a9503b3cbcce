//! What the host counts for a guest (`<perf>`).

use virtus_base::{Error, ErrorCode, ErrorDomain, Result};
use virtus_conf::domain as conf;
use virtus_conf::domain::misc::{Perf, PerfEvent, PerfEventName};
use virtus_host::process::{Counter, Event};
use virtus_xml::YesNo;

use super::Running;

/// The kernel's event. It counted traffic of caches and memory until 4.14, and has none for them since.
fn event(name: PerfEventName) -> Option<Event> {
    use Event::{Hardware, Software};
    Some(match name {
        PerfEventName::Cmt | PerfEventName::Mbmt | PerfEventName::Mbml => return None,
        PerfEventName::CpuCycles => Hardware(0),
        PerfEventName::Instructions => Hardware(1),
        PerfEventName::CacheReferences => Hardware(2),
        PerfEventName::CacheMisses => Hardware(3),
        PerfEventName::BranchInstructions => Hardware(4),
        PerfEventName::BranchMisses => Hardware(5),
        PerfEventName::BusCycles => Hardware(6),
        PerfEventName::StalledCyclesFrontend => Hardware(7),
        PerfEventName::StalledCyclesBackend => Hardware(8),
        PerfEventName::RefCpuCycles => Hardware(9),
        PerfEventName::CpuClock => Software(0),
        PerfEventName::TaskClock => Software(1),
        PerfEventName::PageFaults => Software(2),
        PerfEventName::ContextSwitches => Software(3),
        PerfEventName::CpuMigrations => Software(4),
        PerfEventName::PageFaultsMin => Software(5),
        PerfEventName::PageFaultsMaj => Software(6),
        PerfEventName::AlignmentFaults => Software(7),
        PerfEventName::EmulationFaults => Software(8),
    })
}

/// The events a definition wants counted.
fn wanted(model: &conf::Domain) -> impl Iterator<Item = PerfEventName> {
    let events = model.perf.iter().flat_map(|perf: &Perf| &perf.events);
    events.filter(|event| event.enabled.is_true()).map(|event| event.name)
}

/// Begins to count an event in a guest's QEMU, unless it is counted already.
///
/// # Errors
/// `ARGUMENT_UNSUPPORTED` for events that no kernel counts any more, `SYSTEM_ERROR` when this host does not.
pub(crate) fn enable(running: &Running, name: PerfEventName) -> Result<()> {
    if running.counter(name, |_| ()).is_some() {
        return Ok(());
    }
    let Some(event) = event(name) else {
        return Err(Error::new(
            ErrorDomain::PERF,
            ErrorCode::ARGUMENT_UNSUPPORTED,
            format!("unable to enable host cpu perf event for {name}"),
        ));
    };
    let counter = Counter::open(running.process.pid(), event).map_err(|e| {
        Error::system(ErrorDomain::PERF, format_args!("unable to open host cpu perf event for {name}"), &e)
    })?;
    running.count(name, Some(counter));
    Ok(())
}

/// Counts an event no longer.
pub(crate) fn disable(running: &Running, name: PerfEventName) {
    running.count(name, None);
}

/// Begins to count what a guest's definition says.
///
/// # Errors
/// As [`enable`].
pub(super) fn enable_all(running: &Running, model: &conf::Domain) -> Result<()> {
    wanted(model).try_for_each(|name| enable(running, name))
}

/// Counts anew for a guest that ran on without a daemon. What is not counted is not said to be.
pub(super) fn restart(running: &Running, model: &mut conf::Domain) {
    for PerfEvent { name, enabled } in model.perf.iter_mut().flat_map(|perf| &mut perf.events) {
        if enabled.is_true()
            && let Err(e) = enable(running, *name)
        {
            tracing::warn!("domain '{}': {e}", model.name);
            *enabled = YesNo::No;
        }
    }
}

/// What has been counted, in the order of the events.
pub(crate) fn figures(running: &Running) -> Vec<(PerfEventName, u64)> {
    let known = PerfEventName::ALL.iter();
    known.filter_map(|name| Some((*name, running.counter(*name, |c| c.read().ok())??))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_event_but_the_caches_is_one_of_the_kernels() {
        let none: Vec<_> = PerfEventName::ALL.iter().filter(|name| event(**name).is_none()).collect();
        assert_eq!(none, [&PerfEventName::Cmt, &PerfEventName::Mbmt, &PerfEventName::Mbml]);
        let some: Vec<_> = PerfEventName::ALL.iter().filter_map(|name| event(*name)).collect();
        assert!(some.iter().enumerate().all(|(i, a)| some[i + 1..].iter().all(|b| a != b)));
    }
}
