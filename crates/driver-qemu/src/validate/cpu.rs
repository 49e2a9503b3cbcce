//! What the guest sees of the CPU's cache and address width.

use virtus_base::Result;
use virtus_conf::domain::cpu::{CpuCacheMode, CpuMode, MaxPhysAddrMode};
use virtus_xml::OnOff;

use super::{Checks, unsupported};

impl Checks<'_> {
    pub(super) fn cpu(&self) -> Result<()> {
        let Some(cpu) = &self.domain.cpu else { return Ok(()) };
        let arch = self.machine.arch;
        let host = matches!(cpu.mode, Some(CpuMode::HostPassthrough | CpuMode::Maximum));
        if cpu.mode == Some(CpuMode::HostPassthrough)
            && cpu.migratable == Some(OnOff::On)
            && !self.emulator.has("cpu.migratable")
        {
            return Err(unsupported(
                "Migratable attribute for host-passthrough CPU is not supported by this QEMU binary",
            ));
        }
        if let Some(cache) = &cpu.cache {
            let mode = cache.mode;
            if !self.machine.is_x86() {
                let text = format!("CPU cache specification is not supported for '{arch}' architecture");
                return Err(unsupported(text));
            }
            match mode {
                CpuCacheMode::Emulate if cache.level != Some(3) => {
                    return Err(unsupported(format!(
                        "CPU cache mode '{mode}' can only be used with level='3'"
                    )));
                }
                CpuCacheMode::Emulate => {}
                CpuCacheMode::Passthrough if !host => {
                    return Err(unsupported(format!(
                        "CPU cache mode '{mode}' can only be used with 'host-passthrough' / 'maximum' CPUs"
                    )));
                }
                CpuCacheMode::Passthrough | CpuCacheMode::Disable if cache.level.is_some() => {
                    return Err(unsupported(format!("unsupported CPU cache level for mode '{mode}'")));
                }
                CpuCacheMode::Passthrough | CpuCacheMode::Disable => {}
            }
        }
        if let Some(width) = &cpu.maxphysaddr {
            let mode = width.mode;
            if !self.machine.is_x86() {
                let text = format!(
                    "CPU maximum physical address bits specification is not supported for '{arch}' architecture"
                );
                return Err(unsupported(text));
            }
            if mode == MaxPhysAddrMode::Passthrough && width.bits.is_some() {
                return Err(unsupported(format!(
                    "CPU maximum physical address bits number specification cannot be used with mode='{mode}'"
                )));
            }
        }
        if cpu.mode == Some(CpuMode::Maximum) && !self.emulator.has("cpu-max") {
            return Err(unsupported("maximum CPU is not supported by QEMU binary"));
        }
        Ok(())
    }
}
