//! Features that only some machines have.

use virtus_base::Result;
use virtus_conf::domain::cpu::CpuMode;
use virtus_conf::domain::features::Features;
use virtus_xml::OnOff;

use super::{Checks, unsupported};

impl Checks<'_> {
    pub(super) fn features(&self) -> Result<()> {
        let Some(features) = &self.domain.features else { return Ok(()) };
        let machine = self.machine;
        let elsewhere = |name: &str| {
            unsupported(format!(
                "The '{name}' feature is not supported for architecture '{}' or machine type '{}'",
                machine.arch, machine.name
            ))
        };
        if features.apic.as_ref().is_some_and(|apic| apic.eoi.is_some()) && !machine.is_x86() {
            return Err(unsupported(format!(
                "The 'eoi' attribute of the 'apic' feature is not supported for architecture '{}' or machine type \
                 '{}'",
                machine.arch, machine.name
            )));
        }
        if features.hyperv.is_some() && !machine.is_x86() && !machine.is_arm_virt() {
            return Err(unsupported(format!(
                "Hyperv features are not supported for architecture '{}' or machine type '{}'",
                machine.arch, machine.name
            )));
        }
        self.kvm(features)?;
        if features.pvspinlock.is_some() && !machine.is_x86() {
            return Err(elsewhere("pvspinlock"));
        }
        if features.pmu.as_ref().is_some_and(|pmu| pmu.state == OnOff::Off) && machine.is_ppc64() {
            return Err(unsupported(format!("PMU is always enabled for architecture '{}'", machine.arch)));
        }
        if features.vmport.is_some() && !self.has("machine-vmport-opt") {
            return Err(unsupported("vmport is not available with this QEMU binary"));
        }
        if features.gic.is_some() && !machine.is_arm_virt() {
            return Err(elsewhere("gic"));
        }
        if features.ioapic.is_some() && !machine.is_x86() {
            return Err(elsewhere("ioapic"));
        }
        let pseries = [
            ("hpt", features.hpt.is_some()),
            ("htm", features.htm.is_some()),
            ("nested-hv", features.nested_hv.is_some()),
            ("ccf-assist", features.ccf_assist.is_some()),
            ("cfpc", features.cfpc.is_some()),
            ("sbbc", features.sbbc.is_some()),
            ("ibs", features.ibs.is_some()),
        ];
        if let Some((name, _)) = pseries.iter().find(|(_, set)| *set && !machine.is_pseries()) {
            return Err(elsewhere(name));
        }
        if features.vmcoreinfo.as_ref().is_some_and(|info| info.state == OnOff::On) {
            self.need("vmcoreinfo", "vmcoreinfo is not available with this QEMU binary")?;
        }
        if features.async_teardown.is_some_and(|teardown| teardown.is_true()) {
            self.need(
                "run-with.async-teardown",
                "asynchronous teardown is not available with this QEMU binary",
            )?;
        }
        if features.ras.is_some() && !machine.is_arm_virt() {
            return Err(unsupported("ras feature is only supported with ARM Virt machines"));
        }
        if let Some(ps2) = &features.ps2 {
            if !machine.has_i8042() {
                return Err(unsupported("ps2 feature is not available with this QEMU binary"));
            }
            self.need("machine-i8042-opt", "ps2 feature state cannot be controlled with this QEMU binary")?;
            let vmport = features.vmport.as_ref().is_some_and(|vmport| vmport.state == OnOff::On);
            if ps2.state == OnOff::Off && vmport {
                return Err(unsupported("vmport feature requires the ps2 feature not to be disabled"));
            }
        }
        if features.aia.is_some() && !machine.is_riscv_virt() {
            return Err(unsupported("aia feature is only supported with RISC-V Virt machines"));
        }
        Ok(())
    }

    fn kvm(&self, features: &Features) -> Result<()> {
        let dedicated = features.kvm.as_ref().and_then(|kvm| kvm.hint_dedicated.as_ref());
        let host = self.domain.cpu.as_ref().and_then(|cpu| cpu.mode);
        if dedicated.is_some_and(|hint| hint.state == OnOff::On)
            && !matches!(host, Some(CpuMode::HostPassthrough | CpuMode::Maximum))
        {
            return Err(unsupported("kvm-hint-dedicated=on is only applicable for cpu host-passthrough"));
        }
        Ok(())
    }
}
