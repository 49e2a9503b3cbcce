//! Machine type, features, vCPUs and NUMA cells.

use std::path::Path;

use virtus_base::{Bitmap, Error, ErrorCode, ErrorDomain, Result};
use virtus_conf::domain::Domain;
use virtus_conf::domain::cpu::{Cpu, GuestNuma, NumaCell};
use virtus_conf::domain::device::graphics::{Graphics, Listen};
use virtus_conf::domain::device::memory::MemoryModel;
use virtus_conf::domain::features::{Features, Gic, GicVersion, IoApic};
use virtus_conf::scaled::KiB;
use virtus_xml::{OnOff, YesNo};

use super::{unsupported, xml_error};
use crate::emulator::{Emulator, Environment};
use crate::machine::Machine;

/// Names the machine type by its version, so that the guest stays the same when the emulator gets newer.
pub(super) fn machine(domain: &mut Domain, emulator: &dyn Emulator) -> Result<()> {
    let found = match domain.os.kind.machine.as_deref() {
        Some(name) => emulator.machine(domain.virt_type, name),
        None => Some(emulator.preferred_machine(domain.virt_type).ok_or_else(|| {
            let text =
                format!("could not get preferred machine for {} type={}", emulator.path(), domain.virt_type);
            Error::new(ErrorDomain::QEMU, ErrorCode::INVALID_ARG, text)
        })?),
    };
    if let Some(machine) = found {
        domain.os.kind.machine = Some(machine.name.clone());
    }
    Ok(())
}

/// More vCPUs than this need an interrupt controller in x2APIC mode.
pub(crate) const MAX_VCPUS_WITHOUT_X2APIC: u32 = 255;

/// Whether the guest has so many vCPUs that its IOMMU has to remap interrupts.
pub(super) fn needs_x2apic(domain: &Domain) -> bool {
    domain.vcpu.max > MAX_VCPUS_WITHOUT_X2APIC && Machine::of(domain).is_q35()
}

/// Features that the machine or another setting needs.
pub(super) fn features(domain: &mut Domain, _: &dyn Emulator) {
    let virt = Machine::of(domain).is_arm_virt();
    let x2apic = needs_x2apic(domain);
    let gic = domain.features.as_ref().and_then(|features| features.gic.as_ref());
    if gic.is_some_and(|gic| gic.version.is_none()) || (gic.is_none() && virt) {
        let features = domain.features.get_or_insert_with(Features::default);
        features.gic = Some(Gic { version: Some(GicVersion::V2) });
    }
    let remaps =
        domain.devices.iommus.first().is_some_and(|iommu| iommu.driver.intremap == Some(OnOff::On) || x2apic);
    if remaps {
        let features = domain.features.get_or_insert_with(Features::default);
        features.ioapic.get_or_insert(IoApic::Qemu);
    }
}

/// VNC sockets that an old daemon made up are not kept: the guest listens on an address, as it did before.
pub(super) fn displays(domain: &mut Domain, environment: &dyn Environment) {
    let own = Path::new(environment.nvram_dir()).parent().filter(|_| domain.id.is_none());
    let Some(own) = own else { return };
    for graphics in &mut domain.devices.graphics {
        let Graphics::Vnc(vnc) = graphics else { continue };
        for listen in &mut vnc.server.listens.list {
            let Listen::Socket { socket: Some(socket), auto_generated: false, .. } = &listen else {
                continue;
            };
            if Path::new(socket).starts_with(own) {
                *listen = Listen::Address { address: None };
                vnc.server.ports.autoport = true;
            }
        }
    }
}

/// Which vCPUs can be there at the start.
pub(super) fn vcpus(domain: &Domain) -> Result<()> {
    let Some(vcpus) = &domain.vcpus else { return Ok(()) };
    let Some((first, rest)) = vcpus.vcpus.split_first() else { return Ok(()) };
    let hotpluggable =
        |vcpu: &virtus_conf::domain::cpu_tune::VcpuState| vcpu.hotpluggable == Some(YesNo::Yes);
    if first.id == 0 {
        if !first.enabled.is_true() {
            return Err(unsupported("vcpu 0 can't be offline"));
        }
        if hotpluggable(first) {
            return Err(unsupported("vcpu0 can't be hotpluggable"));
        }
        if first.order.is_some_and(|order| order != 1) {
            return Err(unsupported("vcpu0 must be enabled first"));
        }
    }
    let ordered = first.order.is_some();
    let mut previous = first;
    for vcpu in rest {
        if vcpu.enabled.is_true() && vcpu.order.is_some() != ordered {
            return Err(unsupported("all vcpus must have either set or unset order"));
        }
        if vcpu.hotpluggable == Some(YesNo::No) {
            if hotpluggable(previous) {
                return Err(unsupported(
                    "online non-hotpluggable vcpus need to be ordered prior to hotpluggable vcpus",
                ));
            }
            if previous.order > vcpu.order {
                return Err(unsupported("online non-hotpluggable vcpus must be ordered in ascending order"));
            }
        }
        previous = vcpu;
    }
    Ok(())
}

/// The memory that system management mode hides.
pub(super) fn tseg(domain: &Domain, emulator: &dyn Emulator) -> Result<()> {
    let smm = domain.features.as_ref().and_then(|features| features.smm.as_ref());
    let Some(size) = smm.filter(|smm| smm.state == OnOff::On).and_then(|smm| smm.tseg) else { return Ok(()) };
    if !Machine::of(domain).is_q35() {
        return Err(unsupported("SMM TSEG is only supported with q35 machine type"));
    }
    if !emulator.has("mch.extended-tseg-mbytes") {
        return Err(unsupported("Setting TSEG size is not supported with this QEMU binary"));
    }
    if size % (1 << 20) != 0 {
        return Err(unsupported("SMM TSEG size must be divisible by 1 MiB"));
    }
    Ok(())
}

/// Memory that can be added needs a cell to belong to; vCPUs that belong to none go to the first.
pub(super) fn numa(domain: &mut Domain) -> Result<()> {
    let has_cells =
        domain.cpu.as_ref().and_then(|cpu| cpu.numa.as_ref()).is_some_and(|numa| !numa.cells.is_empty());
    if domain.max_memory.is_some() && !has_cells && !Machine::of(domain).is_s390_ccw() {
        let mut left = domain.memory.size.0;
        for memory in &mut domain.devices.memories {
            left = left
                .checked_sub(memory.target.size.0)
                .ok_or_else(|| xml_error("Total size of memory devices exceeds the total memory size"))?;
            if matches!(memory.model, MemoryModel::Dimm | MemoryModel::Nvdimm | MemoryModel::VirtioMem) {
                memory.target.node.get_or_insert(0);
            }
        }
        let cell = NumaCell {
            id: Some(0),
            cpus: None,
            memory: KiB(left),
            mem_access: None,
            discard: None,
            distances: Vec::new(),
            caches: Vec::new(),
        };
        domain.cpu.get_or_insert_with(Cpu::default).numa =
            Some(GuestNuma { cells: vec![cell], interconnects: None });
    }
    let max = domain.vcpu.max as usize;
    let Some(numa) = domain.cpu.as_mut().and_then(|cpu| cpu.numa.as_mut()) else { return Ok(()) };
    let Some((first, others)) = numa.cells.split_first_mut().filter(|_| max <= MOST_VCPUS) else {
        return Ok(());
    };
    let elsewhere: Bitmap =
        others.iter().filter_map(|cell| cell.cpus.as_ref()).flat_map(Bitmap::iter).collect();
    let cpus = first.cpus.get_or_insert_with(Bitmap::new);
    for cpu in (0..max).filter(|cpu| !elsewhere.contains(*cpu)) {
        cpus.set(cpu);
    }
    Ok(())
}

/// No machine has more.
const MOST_VCPUS: usize = 1 << 16;
