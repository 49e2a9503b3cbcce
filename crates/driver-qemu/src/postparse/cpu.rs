//! The CPU that a guest has when its definition leaves it open.

use virtus_base::Result;
use virtus_conf::domain::cpu::{
    Cpu, CpuCheck, CpuFallback, CpuFeature, CpuMatch, CpuMode, CpuModel, FeaturePolicy,
};
use virtus_conf::domain::{Domain, VirtType};
use virtus_xml::OnOff;

use super::{internal, unsupported};
use crate::emulator::Emulator;
use crate::machine::Machine;

/// Architectures whose CPU models libvirt knows.
fn is_known(machine: Machine<'_>) -> bool {
    machine.is_x86()
        || machine.is_ppc64()
        || machine.is_s390()
        || machine.is_arm()
        || machine.arch == "riscv64"
        || machine.arch == "loongarch64"
}

/// Names the machine's own default model, which otherwise would change with the emulator.
pub(super) fn default_model(domain: &mut Domain, emulator: &dyn Emulator) -> Result<()> {
    let machine = Machine::of(domain);
    let chosen = domain.cpu.as_ref().is_some_and(|cpu| {
        cpu.mode.is_some_and(|mode| mode != CpuMode::Custom)
            || cpu.model.as_ref().is_some_and(|model| model.name.is_some())
    });
    // the emulators of other architectures report what only holds without hardware help
    let reliable =
        machine.is_x86() || machine.is_s390() || machine.is_ppc64() || domain.virt_type == VirtType::Qemu;
    if chosen || !is_known(machine) || !reliable {
        return Ok(());
    }
    let Some(default) =
        emulator.machine(domain.virt_type, machine.name).and_then(|machine| machine.default_cpu.clone())
    else {
        return Ok(());
    };
    let cpu = domain.cpu.get_or_insert_with(Cpu::default);
    if default == "host" {
        if domain.virt_type != VirtType::Kvm {
            return Err(internal(
                "QEMU reports invalid default CPU model \"host\" for non-kvm domain virt type",
            ));
        }
        cpu.mode = Some(CpuMode::HostPassthrough);
        return Ok(());
    }
    cpu.check = Some(CpuCheck::None);
    cpu.mode = Some(CpuMode::Custom);
    cpu.match_ = Some(CpuMatch::Exact);
    cpu.model = Some(CpuModel { fallback: Some(CpuFallback::Forbid), vendor_id: None, name: Some(default) });
    Ok(())
}

/// How the CPU is checked and whether it can migrate.
pub(super) fn complete(domain: &mut Domain, emulator: &dyn Emulator) -> Result<()> {
    let x86 = Machine::of(domain).is_x86();
    let running = domain.id.is_some();
    let virt = domain.virt_type;
    // an element that says nothing stays only where it got a model
    domain.cpu = domain.cpu.take().filter(|cpu| *cpu != Cpu::default());
    let Some(cpu) = &mut domain.cpu else { return Ok(()) };
    vector_lengths(cpu)?;
    if !running && cpu.mode == Some(CpuMode::HostPassthrough) && cpu.migratable.is_none() {
        if emulator.has("cpu.migratable") {
            cpu.migratable = Some(OnOff::On);
        } else if x86 {
            cpu.migratable = Some(OnOff::Off);
        }
    }
    let named = cpu.model.as_ref().is_some_and(|model| model.name.is_some());
    let check = match cpu.mode {
        Some(CpuMode::HostPassthrough | CpuMode::Maximum) => CpuCheck::None,
        Some(CpuMode::HostModel) => CpuCheck::Partial,
        _ if !named => return Ok(()),
        // emulated CPUs have nothing to do with the host's
        _ if virt == VirtType::Qemu => CpuCheck::None,
        _ => CpuCheck::Partial,
    };
    cpu.check.get_or_insert(check);
    Ok(())
}

/// Arm's vector lengths need the vector extension.
fn vector_lengths(cpu: &mut Cpu) -> Result<()> {
    if !cpu.features.iter().any(|feature| feature.name.starts_with("sve") && feature.name != "sve") {
        return Ok(());
    }
    match cpu.features.iter_mut().find(|feature| feature.name == "sve") {
        Some(sve) if matches!(sve.policy, Some(FeaturePolicy::Disable | FeaturePolicy::Forbid)) => {
            return Err(unsupported("SVE disabled, but SVE vector lengths provided"));
        }
        Some(sve) => sve.policy = Some(FeaturePolicy::Require),
        None => {
            cpu.features.push(CpuFeature { policy: Some(FeaturePolicy::Require), name: "sve".to_owned() });
        }
    }
    Ok(())
}
