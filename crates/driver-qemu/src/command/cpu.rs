//! `-cpu`.

use std::fmt::Write as _;

use virtus_base::Result;
use virtus_conf::domain::clock::TimerName;
use virtus_conf::domain::cpu::{Cpu, CpuCacheMode, CpuMode, FeaturePolicy, MaxPhysAddrMode};
use virtus_conf::domain::device::panic::PanicModel;
use virtus_conf::domain::features::{HyperV, HyperVMode, KvmFeatures, RequiredSwitch};
use virtus_cpu::x86;

use super::build::Build;
use super::guest::unsupported;
use super::line::escape;

/// The CPU with everything the definition says about it in other places.
pub(super) fn add(b: &mut Build<'_>) -> Result<()> {
    let guest = b.guest;
    let domain = guest.domain;
    let features = domain.features.clone().unwrap_or_default();
    let mut text = String::new();
    if let Some(cpu) = &domain.cpu {
        model(guest.machine().is_x86(), guest.has("cpu.migratable"), cpu, &mut text)?;
    }
    let named = !text.is_empty();
    let mut switch = |name: &str, state: Option<&str>| {
        if let Some(state) = state {
            let _ = write!(text, ",{name}={state}");
        }
    };
    for timer in &domain.clock.timers {
        let present = timer.present.map(|present| if present.is_true() { "on" } else { "off" });
        match timer.name {
            TimerName::KvmClock => switch("kvmclock", present),
            TimerName::HypervClock => switch("hv-time", present.filter(|on| *on == "on")),
            TimerName::Tsc => {
                let frequency = timer.frequency.filter(|hz| *hz > 0).map(|hz| hz.to_string());
                switch("tsc-frequency", frequency.as_deref());
            }
            _ => {}
        }
    }
    switch("kvm-pv-eoi", features.apic.as_ref().and_then(|apic| apic.eoi).map(|eoi| eoi.as_str()));
    switch("kvm-pv-unhalt", features.pvspinlock.map(|pv| pv.state.as_str()));
    if let Some(hyperv) = &features.hyperv {
        enlightenments(hyperv, &mut text);
    }
    if domain.devices.panics.iter().any(|panic| panic.model == Some(PanicModel::Hyperv)) {
        text.push_str(",hv-crash");
    }
    if let Some(kvm) = &features.kvm {
        kvm_features(kvm, &mut text);
    }
    if let Some(pmu) = features.pmu {
        let _ = write!(text, ",pmu={}", pmu.state.as_str());
    }
    if let Some(cpu) = &domain.cpu {
        caches(cpu, &mut text);
        physical_bits(cpu, &mut text);
    }
    // switches need a model to be switches of
    if !named && !text.is_empty() {
        let machine = guest.machine();
        let known = guest.emulator.machine(domain.virt_type, machine.name);
        let default = known.and_then(|known| known.default_cpu.as_deref()).filter(|_| machine.is_x86());
        let Some(default) = default else {
            let arch = machine.arch;
            return Err(unsupported(format!(
                "CPU flags requested but can't determine default CPU for arch {arch}"
            )));
        };
        text.insert_str(0, default);
    }
    if !text.is_empty() {
        b.line.option("cpu", text);
    }
    Ok(())
}

fn model(is_x86: bool, migratable: bool, cpu: &Cpu, text: &mut String) -> Result<()> {
    match cpu.mode {
        Some(CpuMode::HostPassthrough) => text.push_str("host"),
        Some(CpuMode::Maximum) => text.push_str("max"),
        Some(CpuMode::HostModel) if cpu.model.as_ref().and_then(|model| model.name.as_ref()).is_none() => {
            return Err(super::guest::internal("CPU mode 'host-model' was not expanded"));
        }
        _ => text.push_str(cpu.model.as_ref().and_then(|model| model.name.as_deref()).unwrap_or_default()),
    }
    if text.is_empty() {
        return Ok(());
    }
    if matches!(cpu.mode, Some(CpuMode::HostPassthrough | CpuMode::Maximum))
        && migratable
        && let Some(migratable) = cpu.migratable
    {
        let _ = write!(text, ",migratable={}", migratable.as_str());
    }
    if let Some(vendor) = cpu.model.as_ref().and_then(|model| model.vendor_id.as_ref()) {
        let _ = write!(text, ",vendor={}", escape(vendor));
    }
    for feature in &cpu.features {
        let name = if is_x86 { x86::to_qemu(&feature.name) } else { feature.name.as_str() };
        match feature.policy {
            Some(FeaturePolicy::Disable | FeaturePolicy::Forbid) => {
                let _ = write!(text, ",{name}=off");
            }
            // whether the host has it is known before: then it is required
            Some(FeaturePolicy::Optional) => {}
            None | Some(FeaturePolicy::Force | FeaturePolicy::Require) => {
                let _ = write!(text, ",{name}=on");
            }
        }
    }
    Ok(())
}

fn enlightenments(hyperv: &HyperV, text: &mut String) {
    if hyperv.mode == HyperVMode::Passthrough {
        text.push_str(",hv-passthrough=on");
    }
    let on = |switch: &Option<RequiredSwitch>| switch.as_ref().is_some_and(|switch| switch.state.is_true());
    let mut add = |name: &str, enabled: bool| {
        if enabled {
            let _ = write!(text, ",hv-{name}=on");
        }
    };
    add("relaxed", on(&hyperv.relaxed));
    add("vapic", on(&hyperv.vapic));
    add("vpindex", on(&hyperv.vpindex));
    add("runtime", on(&hyperv.runtime));
    add("synic", on(&hyperv.synic));
    if let Some(stimer) = hyperv.stimer.as_ref().filter(|stimer| stimer.state.is_true()) {
        add("stimer", true);
        add("stimer-direct", on(&stimer.direct));
    }
    add("reset", on(&hyperv.reset));
    add("frequencies", on(&hyperv.frequencies));
    add("reenlightenment", on(&hyperv.reenlightenment));
    if let Some(flush) = hyperv.tlbflush.as_ref().filter(|flush| flush.state.is_true()) {
        add("tlbflush", true);
        add("tlbflush-direct", on(&flush.direct));
        add("tlbflush-ext", on(&flush.extended));
    }
    add("ipi", on(&hyperv.ipi));
    add("evmcs", on(&hyperv.evmcs));
    add("avic", on(&hyperv.avic));
    add("emsr-bitmap", on(&hyperv.emsr_bitmap));
    add("xmm-input", on(&hyperv.xmm_input));
    if let Some(spinlocks) = hyperv.spinlocks.as_ref().filter(|spinlocks| spinlocks.state.is_true()) {
        let _ = write!(text, ",hv-spinlocks=0x{:x}", spinlocks.retries.unwrap_or(0));
    }
    if let Some(vendor) = hyperv.vendor_id.as_ref().filter(|vendor| vendor.state.is_true()) {
        let _ = write!(text, ",hv-vendor-id={}", escape(vendor.value.as_deref().unwrap_or_default()));
    }
}

fn kvm_features(kvm: &KvmFeatures, text: &mut String) {
    let state = |switch: &Option<RequiredSwitch>| switch.as_ref().map(|switch| switch.state.is_true());
    if state(&kvm.hidden) == Some(true) {
        text.push_str(",kvm=off");
    }
    if state(&kvm.hint_dedicated) == Some(true) {
        text.push_str(",kvm-hint-dedicated=on");
    }
    if state(&kvm.poll_control) == Some(true) {
        text.push_str(",kvm-poll-control=on");
    }
    // QEMU has this one on by itself
    if state(&kvm.pv_ipi) == Some(false) {
        text.push_str(",kvm-pv-ipi=off");
    }
}

fn caches(cpu: &Cpu, text: &mut String) {
    let Some(cache) = &cpu.cache else { return };
    let passthrough = matches!(cpu.mode, Some(CpuMode::HostPassthrough | CpuMode::Maximum));
    match (cache.mode, cache.level) {
        (CpuCacheMode::Emulate, _) => {
            text.push_str(",l3-cache=on");
            if passthrough {
                text.push_str(",host-cache-info=off");
            }
        }
        (CpuCacheMode::Passthrough, _) => text.push_str(",host-cache-info=on,l3-cache=off"),
        (CpuCacheMode::Disable, _) => {
            text.push_str(",l3-cache=off");
            if passthrough {
                text.push_str(",host-cache-info=off");
            }
        }
    }
}

fn physical_bits(cpu: &Cpu, text: &mut String) {
    let Some(address) = &cpu.maxphysaddr else { return };
    match address.mode {
        MaxPhysAddrMode::Passthrough => {
            text.push_str(",host-phys-bits=on");
            if let Some(limit) = address.limit.filter(|limit| *limit > 0) {
                let _ = write!(text, ",host-phys-bits-limit={limit}");
            }
        }
        MaxPhysAddrMode::Emulate => {
            if let Some(bits) = address.bits.filter(|bits| *bits > 0) {
                let _ = write!(text, ",phys-bits={bits}");
            }
        }
    }
}
