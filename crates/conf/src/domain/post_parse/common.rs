//! The definition as a whole: vCPUs, memory, loader, timers, CPU.

use virtus_base::Result;
use virtus_xml::YesNo;

use super::xml_error;
use crate::domain::Domain;
use crate::domain::clock::{Catchup, TickPolicy, TimerName};
use crate::domain::cpu::CpuMode;
use crate::domain::device::panic::PanicModel;
use crate::domain::features::{Capabilities, CapabilitiesPolicy, Features};
use crate::domain::os::{LoaderType, OsType};
use crate::domain::parse::unsupported;
use crate::scaled::KiB;

/// vCPU states, memory sizes, the loader's type.
pub(super) fn complete(domain: &mut Domain) -> Result<()> {
    if domain.os.kind.name == OsType::Exe && domain.os.init.is_none() {
        return Err(xml_error("init binary must be specified"));
    }
    vcpus(domain)?;
    memory(domain)?;
    if let Some(features) = &mut domain.features {
        let says = |c: &Capabilities| c.policy != CapabilitiesPolicy::Default || !c.exceptions.is_empty();
        let before = features.capabilities.take();
        let told = before.is_some();
        features.capabilities = before.filter(says);
        if told && *features == Features::default() {
            domain.features = None;
        }
    }
    if let Some(loader) = domain.os.loader.as_mut().filter(|l| l.path.is_some()) {
        loader.loader_type.get_or_insert(LoaderType::Rom);
    }
    if domain.cpu.as_ref().and_then(|c| c.numa.as_ref()).is_none()
        && let Some(hugepages) = domain.memory_backing.as_mut().and_then(|m| m.hugepages.as_mut())
    {
        // a set that names nothing but node 0 names the whole guest
        for page in &mut hugepages.pages {
            page.nodeset = page.nodeset.take().filter(|n| n.last().is_some_and(|last| last > 0));
        }
    }
    Ok(())
}

fn vcpus(domain: &mut Domain) -> Result<()> {
    if domain.vcpu.current == Some(domain.vcpu.max) {
        domain.vcpu.current = None;
    }
    for (i, vcpu) in domain.vcpus.iter_mut().flat_map(|v| &mut v.vcpus).enumerate() {
        let online = vcpu.enabled.is_true();
        match vcpu.hotpluggable {
            None => vcpu.hotpluggable = Some(YesNo::from(!online)),
            Some(YesNo::No) if !online => {
                return Err(unsupported(format!("vcpu '{i}' is both offline and not hotpluggable")));
            }
            Some(_) => {}
        }
    }
    Ok(())
}

fn memory(domain: &mut Domain) -> Result<()> {
    let numa: u64 = domain
        .cpu
        .iter()
        .filter_map(|c| c.numa.as_ref())
        .flat_map(|n| &n.cells)
        .fold(0, |sum, cell| sum.saturating_add(cell.memory.0));
    let plugged: u64 = domain.devices.memories.iter().fold(0, |sum, m| sum.saturating_add(m.target.size.0));
    // the cells say it better than <memory>
    if numa > 0 {
        domain.memory.size = KiB(numa.saturating_add(plugged));
    } else if plugged > domain.memory.size.0 {
        return Err(xml_error("Total size of memory devices exceeds the total memory size"));
    }
    let total = domain.memory.size;
    if total.0 == plugged {
        return Err(xml_error("Memory size must be specified via <memory> or in the <numa> configuration"));
    }
    if domain.current_memory.is_none_or(|c| c > total || c.0 == 0) {
        domain.current_memory = Some(total);
    }
    match &domain.max_memory {
        Some(max) if max.size.0 == 0 && max.slots > 0 => {
            Err(xml_error("maximum memory size must be specified when specifying number of memory slots"))
        }
        Some(max) if max.size < total => {
            Err(xml_error("maximum memory size must be equal or greater than the actual memory size"))
        }
        _ => Ok(()),
    }
}

/// Refuses timers' attributes that mean nothing on them.
pub(super) fn timers(domain: &Domain) -> Result<()> {
    for timer in &domain.clock.timers {
        let name = timer.name;
        let lacks = |what| Err(unsupported(format!("timer {name} doesn't support setting of timer {what}")));
        if matches!(name, TimerName::KvmClock | TimerName::HypervClock) && timer.tickpolicy.is_some() {
            return lacks("tickpolicy");
        }
        let catchup = timer.catchup.as_ref().is_some_and(|c| *c != Catchup::default());
        if timer.tickpolicy != Some(TickPolicy::Catchup) && catchup {
            return Err(xml_error(
                "setting of timer catchup policies is only supported with tickpolicy='catchup'",
            ));
        }
        if name != TimerName::Tsc {
            if timer.frequency.is_some_and(|f| f != 0) {
                return lacks("frequency");
            }
            if timer.mode.is_some() {
                return lacks("mode");
            }
        }
        if !matches!(name, TimerName::Platform | TimerName::Rtc) && timer.track.is_some() {
            return lacks("track");
        }
    }
    Ok(())
}

/// Refuses two panic devices of one model.
pub(super) fn reject_duplicate_panics(domain: &Domain) -> Result<()> {
    let mut seen = std::collections::HashSet::new();
    match domain.devices.panics.iter().map(|p| p.model).find(|model| !seen.insert(*model)) {
        Some(model) => {
            let model = model.map_or("default", PanicModel::as_str);
            Err(xml_error(format!("Multiple panic devices with model '{model}'")))
        }
        None => Ok(()),
    }
}

/// Refuses a check of a CPU that names no model.
pub(super) fn cpu(domain: &Domain) -> Result<()> {
    match &domain.cpu {
        Some(cpu) if cpu.mode == Some(CpuMode::Custom) && cpu.model.is_none() && cpu.check.is_some() => {
            Err(unsupported("check attribute specified for CPU with no model"))
        }
        _ => Ok(()),
    }
}
