//! `-machine` and `-accel`.

use virtus_base::Result;
use virtus_conf::domain::VirtType;
use virtus_conf::domain::clock::TimerName;
use virtus_conf::domain::device::iommu::IommuModel;
use virtus_conf::domain::device::memory::MemoryModel;
use virtus_conf::domain::features::{Features, GicVersion, IoApic};
use virtus_xml::OnOff;

use super::build::Build;
use super::guest::unsupported;
use super::{firmware, memory};
use crate::device::sound;

/// The machine with its options.
pub(super) fn machine(b: &mut Build<'_>) -> Result<()> {
    let guest = b.guest;
    let domain = guest.domain;
    let machine = guest.machine();
    let features = domain.features.clone().unwrap_or_default();
    let name = domain.os.kind.machine.clone().unwrap_or_default();
    let mut options = vec![name, "usb=off".to_owned()];
    let mut on_off = |name: &str, value: Option<OnOff>| {
        options.extend(value.map(|value| format!("{name}={}", value.as_str())));
    };
    on_off("vmport", features.vmport.map(|switch| switch.state));
    on_off("smm", features.smm.as_ref().map(|smm| smm.state));
    on_off("i8042", features.ps2.map(|switch| switch.state).filter(|_| guest.has("machine-i8042-opt")));
    match features.ioapic {
        Some(IoApic::Qemu) => options.push("kernel_irqchip=split".to_owned()),
        Some(IoApic::Kvm) => options.push("kernel_irqchip=on".to_owned()),
        None => {}
    }
    for cipher in domain.keywrap.iter().flat_map(|keywrap| &keywrap.ciphers) {
        if !machine.is_s390() {
            return Err(unsupported("'aes-key-wrap'/'dea-key-wrap' is not available on this architecture"));
        } else {
            options.push(format!("{}-key-wrap={}", cipher.name.as_str(), cipher.state.as_str()));
        }
    }
    if let Some(version) = features.gic.as_ref().and_then(|gic| gic.version) {
        // 32-bit boards have the one there is, and no option for it
        if guest.emulator.arch() == "aarch64" {
            options.push(format!("gic-version={}", GicVersion::as_str(version)));
        } else if version != GicVersion::V2 {
            return Err(unsupported("gic-version option is not available with this QEMU binary"));
        }
    }
    if domain.devices.iommus.iter().any(|iommu| iommu.model == IommuModel::Smmuv3) {
        options.push("iommu=smmuv3".to_owned());
    }
    if machine.is_pseries() {
        pseries(&features, &mut options);
    }
    options.extend(features.ras.as_ref().map(|ras| format!("ras={}", ras.state.as_str())));
    options.extend(features.aia.map(|aia| format!("aia={}", aia.as_str())));
    let dump = domain.memory.dump_core.unwrap_or(OnOff::from(guest.context.settings.dump_guest_core));
    options.push(format!("dump-guest-core={}", dump.as_str()));
    if domain.memory_backing.as_ref().is_some_and(|backing| backing.nosharepages) {
        options.push("mem-merge=off".to_owned());
    }
    if domain.devices.memories.iter().any(|memory| memory.model == MemoryModel::Nvdimm) {
        options.push("nvdimm=on".to_owned());
    }
    if domain.launch_security.is_some() {
        options.push("confidential-guest-support=lsec0".to_owned());
    }
    if super::numa::has_hmat(domain) {
        options.push("hmat=on".to_owned());
    }
    if let Some(id) = memory::default_backend(&guest) {
        options.push(format!("memory-backend={id}"));
    }
    options.extend(firmware::machine_options(&guest));
    options.extend(sound::pc_speaker(&guest).map(|audio| format!("pcspk-audiodev={audio}")));
    let hpet = domain.clock.timers.iter().find(|timer| timer.name == TimerName::Hpet);
    if let Some(present) = hpet.and_then(|timer| timer.present).filter(|_| guest.has("machine-hpet")) {
        options.push(format!("hpet={}", OnOff::from(present.is_true()).as_str()));
    }
    if domain.os.bios_useserial.is_some_and(|serial| serial.is_true()) {
        options.push("graphics=off".to_owned());
    }
    let known = guest.emulator.machine(domain.virt_type, machine.name);
    let acpi = match known.map(|known| known.acpi) {
        Some(Some(supported)) => supported,
        _ => {
            machine.is_x86()
                || machine.is_arm_virt()
                || machine.is_riscv_virt()
                || machine.is_loongarch_virt()
        }
    };
    if acpi {
        options.push(format!("acpi={}", OnOff::from(features.acpi).as_str()));
    }
    b.line.option("machine", options.join(","));
    Ok(())
}

/// What only pSeries has.
fn pseries(features: &Features, options: &mut Vec<String>) {
    if let Some(hpt) = &features.hpt {
        options.extend(hpt.resizing.map(|resizing| format!("resize-hpt={}", resizing.as_str())));
        options.extend(hpt.maxpagesize.map(|size| format!("cap-hpt-max-page-size={}k", size.0)));
    }
    for (name, switch) in [
        ("cap-htm", &features.htm),
        ("cap-nested-hv", &features.nested_hv),
        ("cap-ccf-assist", &features.ccf_assist),
    ] {
        options.extend(switch.as_ref().map(|switch| format!("{name}={}", switch.state.as_str())));
    }
    options.extend(features.cfpc.map(|value| format!("cap-cfpc={}", value.as_str())));
    options.extend(features.sbbc.map(|value| format!("cap-sbbc={}", value.as_str())));
    options.extend(features.ibs.map(|value| format!("cap-ibs={}", value.as_str())));
}

/// What runs the guest's code.
pub(super) fn accelerator(b: &mut Build<'_>) {
    let features = b.guest.domain.features.clone().unwrap_or_default();
    let text = match b.guest.domain.virt_type {
        VirtType::Kvm => {
            let ring = features.kvm.and_then(|kvm| kvm.dirty_ring).filter(|ring| ring.state.is_true());
            match ring {
                Some(ring) => format!("kvm,dirty-ring-size={}", ring.size.unwrap_or(0)),
                None => "kvm".to_owned(),
            }
        }
        VirtType::Hvf => "hvf".to_owned(),
        _ => match features.tcg.and_then(|tcg| tcg.tb_cache).filter(|size| size.0 > 0) {
            Some(size) => format!("tcg,tb-size={}", size.0 >> 10),
            None => "tcg".to_owned(),
        },
    };
    b.line.option("accel", text);
}

/// The size of q35's SMM memory, in MiB.
pub(super) fn tseg(b: &mut Build<'_>) {
    let smm = b.guest.domain.features.as_ref().and_then(|features| features.smm.clone());
    if let Some(bytes) = smm.and_then(|smm| smm.tseg).filter(|bytes| *bytes > 0) {
        b.line.option("global", format!("mch.extended-tseg-mbytes={}", bytes >> 20));
    }
}
