//! The guest's CPU before its start: checked against what the host can do, completed, and named as QEMU knows it.

use virtus_base::Result;
use virtus_conf::domain::clock::TimerName;
use virtus_conf::domain::cpu::{Cpu, CpuCheck, CpuFallback, CpuMode, FeaturePolicy, MaxPhysAddrMode};
use virtus_conf::domain::{Domain, VirtType};
use virtus_cpu::{Definition, x86};

use super::guest::{Context, unsupported};
use crate::emulator::{Cpus, Emulator};
use crate::machine::Machine;

/// How far a guest's time stamp counter may be off the host's, in millionths.
const TSC_TOLERANCE: u64 = 250;

/// Refuses what no CPU of this host or of QEMU can be.
///
/// # Errors
/// `CONFIG_UNSUPPORTED` with libvirt's texts.
pub(super) fn validate(domain: &Domain, emulator: &dyn Emulator, context: &Context) -> Result<()> {
    let machine = Machine::of(domain);
    if let Some(cpu) = &domain.cpu {
        let definition = Definition::from(cpu);
        virtus_cpu::validate(machine.arch, &definition)?;
        if machine.is_x86() && !emulator.has("cpu-unavailable-features") {
            let mut names = cpu.features.iter().map(|f| f.name.as_str()).filter(|name| x86::is_in_msr(name));
            if let Some(first) = names.next() {
                let all: Vec<&str> = std::iter::once(first).chain(names).collect();
                let all = all.join(", ");
                return Err(unsupported(format!(
                    "Some features cannot be reliably used with this QEMU: {all}"
                )));
            }
        }
        let wanted = cpu.maxphysaddr.as_ref().filter(|width| width.mode == MaxPhysAddrMode::Emulate);
        if let (Some(wanted), Some(host)) = (wanted.and_then(|width| width.bits), context.physical_bits)
            && wanted > host
        {
            return Err(unsupported(
                "The number of virtual CPU address bits cannot exceed the number supported by the host CPU",
            ));
        }
    }
    tsc(domain, context)
}

/// A guest's time stamp counter runs as fast as the host's, unless the host can scale it.
fn tsc(domain: &Domain, context: &Context) -> Result<()> {
    let wanted = domain.clock.timers.iter().filter(|timer| timer.name == TimerName::Tsc);
    let wanted = wanted.filter_map(|timer| timer.frequency).find(|hz| *hz > 0);
    let (Some(wanted), Some(host)) = (wanted, context.tsc) else { return Ok(()) };
    let tolerance = host.frequency.saturating_mul(TSC_TOLERANCE) / 1_000_000;
    let (low, high) = (host.frequency.saturating_sub(tolerance), host.frequency.saturating_add(tolerance));
    if host.scaling || (low..=high).contains(&wanted) {
        return Ok(());
    }
    Err(unsupported(format!(
        "Requested TSC frequency {wanted} Hz is outside tolerance range ([{low}, {high}] Hz) around host frequency {} \
         Hz and TSC scaling is not supported by the host CPU",
        host.frequency
    )))
}

/// Turns the guest's CPU into one that QEMU can be told of: `host-model` and the like become the model they mean.
///
/// # Errors
/// `CPU_INCOMPATIBLE` when the host cannot run it, `CONFIG_UNSUPPORTED` when QEMU cannot.
pub(super) fn update(domain: &mut Domain, emulator: &dyn Emulator) -> Result<()> {
    let machine = Machine::of(domain);
    let (x86, arch) = (machine.is_x86(), machine.arch.to_owned());
    let virt = domain.virt_type;
    let Some(cpu) = &mut domain.cpu else { return Ok(()) };
    let mut definition = Definition::from(&*cpu);
    let mode = cpu.mode.unwrap_or(CpuMode::Custom);
    // only its shape is said
    if mode == CpuMode::Custom && definition.model.is_none() {
        return Ok(());
    }
    let known = emulator.cpus(virt);
    if !supports(mode, virt, &known, emulator) {
        return Err(unsupported(format!(
            "CPU mode '{mode}' for {arch} {} domain on {} host is not supported by hypervisor",
            virt.as_str(),
            std::env::consts::ARCH,
        )));
    }
    let of_host = matches!(mode, CpuMode::HostPassthrough | CpuMode::Maximum);
    if !of_host {
        if cpu.check == Some(CpuCheck::Partial) {
            check(&definition, &known)?;
        }
        virtus_cpu::update(&arch, &mut definition, known.migratable)?;
        if let Some(models) = known.models {
            virtus_cpu::translate(&arch, &mut definition, models)?;
        }
        definition.fallback = CpuFallback::Forbid;
    }
    if x86 {
        definition.features.retain(|feature| {
            // what QEMU does not know is off as it is
            let off = matches!(feature.policy, Some(FeaturePolicy::Disable | FeaturePolicy::Forbid));
            let told = known.features.is_none_or(|all| all.iter().any(|p| p.name == feature.name));
            x86::is_for_qemu(&feature.name) && (told || !off)
        });
    }
    deprecated(cpu, &mut definition, &known, emulator)?;
    if of_host {
        let host_model = cpu.model.take();
        definition.put_model(cpu);
        cpu.model = host_model;
    } else {
        cpu.mode = definition.mode.or(Some(CpuMode::Custom));
        cpu.match_ = definition.match_;
        definition.put_model(cpu);
    }
    Ok(())
}

fn supports(mode: CpuMode, virt: VirtType, known: &Cpus<'_>, emulator: &dyn Emulator) -> bool {
    match mode {
        CpuMode::HostPassthrough => matches!(virt, VirtType::Kvm | VirtType::Hvf),
        CpuMode::HostModel => known.reported.is_some(),
        CpuMode::Maximum => emulator.has("cpu-max"),
        // QEMU itself says what it does not know
        CpuMode::Custom => true,
    }
}

/// Whether the host can run the CPU.
fn check(cpu: &Definition, known: &Cpus<'_>) -> Result<()> {
    let compared = match (known.models, known.reported, known.full) {
        (Some(models), Some(offer), Some(full)) => {
            let named = cpu.model.as_deref().is_some_and(|name| models.model(name).is_some());
            if named {
                x86::refuse_forbidden(cpu, offer)?;
            }
            x86::compare_usable(cpu, models, offer, full)?
        }
        _ => virtus_cpu::compare(std::env::consts::ARCH, known.full, cpu)?,
    };
    compared.answer(true).map(drop)
}

/// Features QEMU wants to be rid of are switched as the definition says.
fn deprecated(
    cpu: &Cpu,
    definition: &mut Definition,
    known: &Cpus<'_>,
    emulator: &dyn Emulator,
) -> Result<()> {
    let Some(wanted) = cpu.deprecated_features else { return Ok(()) };
    if !emulator.has("query-cpu-model-expansion.deprecated-props") {
        return Err(unsupported("toggling deprecated features for CPU model is unsupported"));
    }
    let policy = if wanted.is_true() { FeaturePolicy::Require } else { FeaturePolicy::Disable };
    for name in known.deprecated {
        definition.set_missing_feature(name, policy);
    }
    Ok(())
}

/// The definition's CPU as guests on this host would have it, for whoever wants to see it before a start.
///
/// # Errors
/// As libvirt: for models nobody knows, or when the host's is not known.
pub(crate) fn shown(domain: &mut Domain, emulator: &dyn Emulator) -> Result<()> {
    let arch = Machine::of(domain).arch.to_owned();
    let virt = domain.virt_type;
    let Some(cpu) = &mut domain.cpu else { return Ok(()) };
    let mut definition = Definition::from(&*cpu);
    let of_host = matches!(cpu.mode, Some(CpuMode::HostPassthrough | CpuMode::Maximum));
    if of_host || (cpu.mode != Some(CpuMode::HostModel) && definition.model.is_none()) {
        return Ok(());
    }
    virtus_cpu::update(&arch, &mut definition, emulator.cpus(virt).migratable)?;
    cpu.mode = definition.mode.or(Some(CpuMode::Custom));
    cpu.match_ = definition.match_;
    definition.put_model(cpu);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::guest::Tsc;
    use virtus_conf::domain::ParseOptions;

    fn domain(cpu: &str) -> Domain {
        let xml = format!(
            "<domain type='qemu'><name>g</name><memory>1024</memory><os><type arch='x86_64'>hvm</type></os>{cpu}\
             <clock offset='utc'><timer name='tsc' frequency='2000100000'/></clock></domain>"
        );
        Domain::parse(&xml, &ParseOptions::default()).unwrap()
    }

    fn emulator() -> std::sync::Arc<dyn Emulator> {
        use crate::emulator::Environment as _;
        crate::fake::FakeEnvironment.emulator("/usr/bin/qemu-system-x86_64").unwrap()
    }

    #[test]
    fn time_stamps_are_as_fast_as_the_hosts() {
        let tsc =
            |frequency, scaling| Context { tsc: Some(Tsc { frequency, scaling }), ..Context::default() };
        let domain = domain("");
        let emulator = emulator();
        validate(&domain, &*emulator, &tsc(2_000_000_000, false)).unwrap();
        validate(&domain, &*emulator, &tsc(1_000_000_000, true)).unwrap();
        let e = validate(&domain, &*emulator, &tsc(1_000_000_000, false)).unwrap_err();
        assert!(e.message().contains("outside tolerance range ([999750000, 1000250000] Hz)"), "{e}");
    }

    #[test]
    fn unknown_features_are_refused() {
        let domain = domain("<cpu><model>qemu64</model><feature policy='require' name='warp'/></cpu>");
        let e = validate(&domain, &*emulator(), &Context::default()).unwrap_err();
        assert_eq!(e.message(), "unsupported configuration: unknown CPU feature: warp");
    }

    #[test]
    fn what_was_taken_out_of_a_model_is_off() {
        let mut domain = domain("<cpu check='none'><model>EPYC</model></cpu>");
        update(&mut domain, &*emulator()).unwrap();
        let cpu = domain.cpu.unwrap();
        let features: Vec<_> = cpu.features.iter().map(|f| (f.name.as_str(), f.policy)).collect();
        assert_eq!(features, [("monitor", Some(FeaturePolicy::Disable))]);
        assert_eq!(cpu.model.unwrap().fallback, Some(CpuFallback::Forbid));
    }

    #[test]
    fn a_host_that_is_not_known_cannot_be_copied() {
        let mut domain = domain("<cpu mode='host-model'/>");
        let e = update(&mut domain, &*emulator()).unwrap_err();
        assert!(e.message().contains("CPU mode 'host-model' for x86_64 qemu domain"), "{e}");
    }
}
