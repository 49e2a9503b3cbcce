//! The CPU a guest really got: asked of QEMU in one go, noted in the live definition.

use std::time::Duration;

use serde_json::{Value, json};
use virtus_base::Result;
use virtus_conf::domain::Domain;
use virtus_conf::domain::cpu::{CpuCheck, CpuMode, FeaturePolicy};
use virtus_cpu::Definition;
use virtus_cpu::x86::{self, Live, Word};
use virtus_qmp::Monitor;

use crate::emulator::Emulator;
use crate::error::unsupported;
use crate::machine::Machine;

/// Corrects the live definition by what the first CPU has.
///
/// # Errors
/// `CONFIG_UNSUPPORTED` when the guest lacks what it cannot do without, `OPERATION_FAILED` when its CPU had to be
/// exactly as said and is not.
pub(super) async fn correct(
    monitor: &Monitor,
    qom_path: &str,
    model: &mut Domain,
    emulator: &dyn Emulator,
    patience: Duration,
) -> Result<()> {
    if !Machine::of(model).is_x86() {
        return Ok(());
    }
    let spinlocks =
        model.features.as_ref().and_then(|f| f.pvspinlock.as_ref()).is_some_and(|s| s.state.is_true());
    let definition = model.cpu.as_ref().map(Definition::from);
    // CPUID tells of all other features at once
    let in_msrs: Vec<String> = match &definition {
        Some(definition) => x86::wanted_in_msrs(definition)?,
        None => Vec::new(),
    };
    let mut batch = monitor.batch();
    let mut get = |property: &str| batch.add_raw("qom-get", &json!({"path": qom_path, "property": property}));
    let words = get("feature-words");
    let unavailable = get("unavailable-features");
    let spinlocks = spinlocks.then(|| get("kvm-pv-unhalt"));
    let msrs: Vec<_> = in_msrs.iter().map(|name| (name, get(x86::to_qemu(name)))).collect();
    batch.send();
    let limit = Some(patience);
    let words: Vec<Word> = list(&words.within(limit).await?).filter_map(word).collect();
    let unavailable: Vec<String> = match unavailable.within(limit).await {
        Ok(names) => list(&names).filter_map(|n| n.as_str().map(|n| x86::from_qemu(n).to_owned())).collect(),
        // emulators of 32-bit guests may not know
        Err(_) => Vec::new(),
    };
    if let Some(spinlocks) = spinlocks
        && spinlocks.within(limit).await.ok().and_then(|on| on.as_bool()) != Some(true)
    {
        return Err(unsupported("host doesn't support paravirtual spinlocks"));
    }
    let mut enabled_msrs = Vec::new();
    for (name, ticket) in msrs {
        // what QEMU does not know of is not there
        if ticket.within(limit).await.ok().and_then(|on| on.as_bool()) == Some(true) {
            enabled_msrs.push(name.clone());
        }
    }
    let known = emulator.cpus(model.virt_type).features;
    let told = |name: &str| known.is_none_or(|all| all.iter().any(|p| p.name == name));
    let live = Live::new(&words, &enabled_msrs, &unavailable, told);
    apply(model, &live)
}

/// Notes what the CPU has.
fn apply(model: &mut Domain, live: &Live) -> Result<()> {
    let Some(cpu) = &mut model.cpu else { return Ok(()) };
    let required =
        |name: &str| cpu.features.iter().any(|f| f.name == name && f.policy == Some(FeaturePolicy::Require));
    if required("invtsc") && !live.has("invtsc") {
        return Err(unsupported("host doesn't support invariant TSC"));
    }
    let mut definition = Definition::from(&*cpu);
    let custom = matches!(cpu.mode, None | Some(CpuMode::Custom));
    if custom && definition.model.is_none() {
        return Ok(());
    }
    x86::update_live(&mut definition, cpu.check, live)?;
    let (model, vendor) = (cpu.model.clone(), cpu.vendor.clone());
    definition.put_model(cpu);
    (cpu.model, cpu.vendor) = (model, vendor);
    if custom {
        // a migrated guest has to find exactly this
        cpu.check = Some(CpuCheck::Full);
    }
    Ok(())
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

/// One register of QEMU's `feature-words`.
fn word(value: &Value) -> Option<Word> {
    let number = |name: &str| value.get(name).and_then(Value::as_u64).and_then(|n| u32::try_from(n).ok());
    let register = value.get("cpuid-register").and_then(Value::as_str)?;
    Some(Word {
        asked: (number("cpuid-input-eax")?, number("cpuid-input-ecx").unwrap_or(0)),
        register: ["EAX", "EBX", "ECX", "EDX"].iter().position(|name| *name == register)?,
        bits: number("features")?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use virtus_conf::domain::ParseOptions;

    fn domain(cpu: &str) -> Domain {
        let xml = format!(
            "<domain type='qemu'><name>g</name><memory>1024</memory><os><type arch='x86_64'>hvm</type></os>{cpu}\
             </domain>"
        );
        Domain::parse(&xml, &ParseOptions::default()).unwrap()
    }

    /// A 486 without `vme` in a hypervisor.
    fn live() -> Live {
        let words = json!([
            {"cpuid-register": "EDX", "cpuid-input-eax": 1, "features": 0b1001},
            {"cpuid-register": "ECX", "cpuid-input-eax": 1, "features": 1_u32 << 31},
        ]);
        let words: Vec<Word> = list(&words).filter_map(word).collect();
        Live::new(&words, &[], &["vme".to_owned()], |_| true)
    }

    #[test]
    fn the_live_definition_says_what_the_guest_has() {
        let mut domain = domain("<cpu check='none'><model>486</model></cpu>");
        apply(&mut domain, &live()).unwrap();
        let cpu = domain.cpu.unwrap();
        let features: Vec<_> = cpu.features.iter().map(|f| (f.name.as_str(), f.policy.unwrap())).collect();
        assert_eq!(features, [("hypervisor", FeaturePolicy::Require), ("vme", FeaturePolicy::Disable)]);
        assert_eq!(cpu.check, Some(CpuCheck::Full));
    }

    #[test]
    fn what_has_to_be_exact_is_refused_when_it_is_not() {
        let mut domain = domain("<cpu check='full'><model>486</model></cpu>");
        let e = apply(&mut domain, &live()).unwrap_err();
        assert_eq!(
            e.message(),
            "operation failed: guest CPU doesn't match specification: extra features: hypervisor, missing features: vme"
        );
    }
}
