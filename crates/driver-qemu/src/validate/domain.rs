//! The definition as a whole.

use virtus_base::Result;
use virtus_conf::domain::clock::{TickPolicy, TimerName, TimerTrack};
use virtus_conf::domain::device::console::ConsoleType;
use virtus_conf::domain::device::iommu::IommuModel;
use virtus_conf::domain::memory::{MemoryAllocation, MemorySource};
use virtus_conf::domain::os::{Firmware, LoaderType, OsType};
use virtus_conf::domain::sysinfo::SysInfo;
use virtus_conf::domain::{LifecycleAction, VirtType};
use virtus_xml::{OnOff, YesNo};

use super::{Checks, unsupported, xml_error};

/// More vCPUs need an IOMMU that delivers interrupts to them.
const MAX_VCPUS_WITHOUT_EIM: u32 = 255;

impl Checks<'_> {
    pub(super) fn domain(&self) -> Result<()> {
        self.runnable()?;
        if self.domain.memtune.as_ref().is_some_and(|tune| tune.min_guarantee.is_some()) {
            return Err(unsupported("Parameter 'min_guarantee' not supported by QEMU."));
        }
        self.firmware()?;
        self.hmat()?;
        if self.domain.genid.is_some() {
            self.need("vmgenid", "this QEMU does not support the 'genid' capability")?;
        }
        self.serial_output()?;
        self.memory_hotplug()?;
        self.timers()?;
        self.power()?;
        self.topology()?;
        self.cache_tune()?;
        self.cpu()?;
        self.features()?;
        self.memory_backing()?;
        self.consoles_of_kind()?;
        self.sysinfo()?;
        self.panic_devices()?;
        self.tpm_devices()?;
        self.watchdog_devices()?;
        self.launch_security()?;
        self.lifecycle()
    }

    /// Whether the emulator runs such guests at all.
    fn runnable(&self) -> Result<()> {
        let Checks { domain, emulator, machine, .. } = self;
        let refuse = |what: &str, value: &str| {
            Err(unsupported(format!("Emulator '{}' does not support {what} '{value}'", emulator.path())))
        };
        if domain.os.kind.name != OsType::Hvm {
            return refuse("os type", domain.os.kind.name.as_str());
        }
        // emulators of wider processors run the narrower ones' guests too
        let narrower =
            [("x86_64", "i686"), ("aarch64", "armv7l"), ("armv7l", "armv6l"), ("ppc64", "ppc64le")];
        let same = machine.arch == emulator.arch() || narrower.contains(&(emulator.arch(), machine.arch));
        if !same {
            return refuse("arch", machine.arch);
        }
        if !emulator.runs(domain.virt_type) {
            return refuse("virt type", domain.virt_type.as_str());
        }
        if emulator.machine(domain.virt_type, machine.name).is_none() {
            return refuse("machine type", machine.name);
        }
        Ok(())
    }

    fn firmware(&self) -> Result<()> {
        let os = &self.domain.os;
        let acpi = self.domain.features.as_ref().is_some_and(|features| features.acpi);
        let flash = os.loader.as_ref().is_some_and(|loader| loader.loader_type == Some(LoaderType::Pflash));
        let uefi = flash || os.firmware == Some(Firmware::Efi);
        if uefi && self.machine.is_x86() && !acpi {
            return Err(unsupported("UEFI requires ACPI on this architecture"));
        }
        let known = self.emulator.machine(self.domain.virt_type, self.machine.name);
        if acpi && known.is_some_and(|machine| machine.acpi == Some(false)) {
            return Err(unsupported(format!("machine type '{}' does not support ACPI", self.machine.name)));
        }
        if acpi && self.machine.arch == "aarch64" && !uefi {
            return Err(unsupported("ACPI requires UEFI on this architecture"));
        }
        if os.loader.as_ref().is_some_and(|loader| loader.secure == Some(YesNo::Yes)) {
            if !self.machine.is_q35() {
                return Err(unsupported("Secure boot is supported with q35 machine types only"));
            }
            if self.machine.arch != "x86_64" {
                return Err(unsupported("Secure boot is supported for x86_64 architecture only"));
            }
            let smm = self.domain.features.as_ref().and_then(|features| features.smm.as_ref());
            if os.firmware.is_none() && smm.is_none_or(|smm| smm.state != OnOff::On) {
                return Err(unsupported("Secure boot requires SMM feature enabled"));
            }
        }
        if os.shim.is_some() {
            self.need("shim", "shim is not supported by this QEMU binary")?;
        }
        if self.domain.bootloader.is_some() {
            return Err(unsupported("bootloader is not supported by QEMU"));
        }
        Ok(())
    }

    fn hmat(&self) -> Result<()> {
        let numa = self.domain.cpu.as_ref().and_then(|cpu| cpu.numa.as_ref());
        let described = numa.is_some_and(|numa| {
            numa.interconnects.is_some() || numa.cells.iter().any(|cell| !cell.caches.is_empty())
        });
        if described { self.need("numa.hmat", "HMAT is not supported with this QEMU") } else { Ok(()) }
    }

    fn serial_output(&self) -> Result<()> {
        if self.domain.os.bios_useserial != Some(YesNo::Yes) {
            return Ok(());
        }
        if !self.machine.is_x86() {
            return Err(unsupported("BIOS serial console only supported on x86 architectures"));
        }
        if self.domain.devices.serials.is_empty() {
            return Err(xml_error("need at least one serial port to use BIOS serial output"));
        }
        Ok(())
    }

    fn timers(&self) -> Result<()> {
        for timer in &self.domain.clock.timers {
            let name = timer.name;
            let elsewhere = || {
                unsupported(format!(
                    "Configuring the '{name}' timer is not supported for virtType={} arch={} machine={} guests",
                    self.domain.virt_type, self.machine.arch, self.machine.name
                ))
            };
            match name {
                TimerName::Platform => {
                    return Err(unsupported(format!("unsupported timer type (name) '{name}'")));
                }
                TimerName::Tsc | TimerName::KvmClock | TimerName::HypervClock => {
                    if !self.machine.is_x86() && timer.present == Some(YesNo::Yes) {
                        return Err(elsewhere());
                    }
                }
                TimerName::Rtc => {
                    if let Some(track @ TimerTrack::Boot) = timer.track {
                        return Err(unsupported(format!("unsupported rtc timer track '{track}'")));
                    }
                    if let Some(policy @ (TickPolicy::Merge | TickPolicy::Discard)) = timer.tickpolicy {
                        return Err(unsupported(format!("unsupported rtc timer tickpolicy '{policy}'")));
                    }
                }
                TimerName::Pit => {
                    let bad = match timer.tickpolicy {
                        Some(TickPolicy::Catchup) => !self.has("kvm-pit-lost-tick-policy"),
                        Some(TickPolicy::Merge) => true,
                        _ => false,
                    };
                    if let Some(policy) = timer.tickpolicy.filter(|_| bad) {
                        return Err(unsupported(format!("unsupported pit tickpolicy '{policy}'")));
                    }
                }
                TimerName::Hpet => {
                    if !self.machine.is_x86() && timer.present == Some(YesNo::Yes) {
                        return Err(unsupported("hpet timer is not supported by this architecture"));
                    }
                }
                TimerName::ArmVTimer => {
                    if self.domain.virt_type != VirtType::Kvm || !self.machine.is_arm_virt() {
                        return Err(elsewhere());
                    }
                    if timer.present == Some(YesNo::No) {
                        return Err(unsupported(format!("The '{name}' timer can't be disabled")));
                    }
                    if let Some(policy @ (TickPolicy::Catchup | TickPolicy::Merge)) = timer.tickpolicy {
                        return Err(unsupported(format!(
                            "The '{name}' timer does not support tickpolicy '{policy}'"
                        )));
                    }
                }
            }
        }
        Ok(())
    }

    fn power(&self) -> Result<()> {
        let pm = self.domain.pm.as_ref();
        let asked = pm.is_some_and(|pm| pm.suspend_to_mem.is_some() || pm.suspend_to_disk.is_some());
        if asked && !self.machine.is_q35() && !self.machine.is_i440fx() {
            return Err(unsupported("setting ACPI S3/S4 not supported"));
        }
        Ok(())
    }

    fn topology(&self) -> Result<()> {
        let max = self.domain.vcpu.max;
        let topology = self.domain.cpu.as_ref().and_then(|cpu| cpu.topology.as_ref());
        if let Some(topology) = topology {
            let parts = [topology.dies, topology.clusters, topology.cores, topology.threads];
            let count = parts.iter().try_fold(topology.sockets, |count, part| count.checked_mul(*part));
            if count != Some(max) {
                return Err(unsupported("CPU topology doesn't match maximum vcpu count"));
            }
            if self.machine.is_pseries() && !self.domain.vcpu.online().is_multiple_of(topology.threads.max(1))
            {
                return Err(unsupported(format!(
                    "vCPUs count must be a multiple of the vCPU hotplug granularity ({})",
                    topology.threads
                )));
            }
        }
        if self.domain.vcpu.online() == 0 {
            return Err(unsupported("Domain requires at least 1 vCPU"));
        }
        let limit = self.emulator.machine(self.domain.virt_type, self.machine.name).map_or(0, |m| m.max_cpus);
        if limit > 0 && max > limit {
            return Err(unsupported(format!(
                "Maximum CPUs greater than specified machine type limit {limit}"
            )));
        }
        if self.machine.is_x86() && max > MAX_VCPUS_WITHOUT_EIM {
            if !self.machine.is_q35() {
                return Err(unsupported(format!(
                    "more than {MAX_VCPUS_WITHOUT_EIM} vCPUs are only supported on q35-based machine types"
                )));
            }
            let eim = self
                .domain
                .devices
                .iommus
                .iter()
                .any(|iommu| iommu.model == IommuModel::Intel && iommu.driver.eim == Some(OnOff::On));
            if !eim {
                return Err(unsupported(format!(
                    "more than {MAX_VCPUS_WITHOUT_EIM} vCPUs require extended interrupt mode enabled on the iommu \
                     device"
                )));
            }
        }
        Ok(())
    }

    fn cache_tune(&self) -> Result<()> {
        let tuned = self
            .domain
            .cputune
            .as_ref()
            .is_some_and(|tune| !tune.cachetune.is_empty() || !tune.memorytune.is_empty());
        if tuned && self.domain.virt_type != VirtType::Kvm {
            return Err(unsupported("cachetune is only supported for KVM domains"));
        }
        Ok(())
    }

    fn memory_backing(&self) -> Result<()> {
        let Some(backing) = &self.domain.memory_backing else { return Ok(()) };
        if backing.hugepages.is_none() {
            return Ok(());
        }
        if backing.allocation == Some(MemoryAllocation::Ondemand) {
            return Err(unsupported("hugepages are not allowed with memory allocation ondemand"));
        }
        if backing.source == Some(MemorySource::Anonymous) {
            return Err(unsupported("hugepages are not allowed with anonymous memory source"));
        }
        if backing.source == Some(MemorySource::Memfd) {
            self.need("memory-backend-memfd.hugetlb", "hugepages is not supported with memfd memory source")?;
        }
        Ok(())
    }

    fn consoles_of_kind(&self) -> Result<()> {
        for console in &self.domain.devices.consoles {
            match console.kind {
                Some(ConsoleType::Sclp) => {
                    self.need("sclpconsole", "sclpconsole is not supported in this QEMU binary")?;
                }
                Some(ConsoleType::Sclplm) => {
                    self.need("sclplmconsole", "sclplmconsole is not supported in this QEMU binary")?;
                }
                None | Some(ConsoleType::Virtio | ConsoleType::Serial) => {}
                Some(kind) => return Err(unsupported(format!("unsupported console target type {kind}"))),
            }
        }
        Ok(())
    }

    fn sysinfo(&self) -> Result<()> {
        for info in &self.domain.sysinfo {
            let SysInfo::FwCfg { entries } = info else { continue };
            for entry in entries {
                if !entry.name.starts_with("opt/") {
                    return Err(unsupported("Invalid firmware name"));
                }
                if entry.name.starts_with("opt/ovmf/") || entry.name.starts_with("opt/org.qemu/") {
                    return Err(unsupported("That firmware name is reserved"));
                }
            }
        }
        Ok(())
    }

    fn lifecycle(&self) -> Result<()> {
        let domain = self.domain;
        let actions = [domain.on_reboot, domain.on_poweroff];
        if actions.contains(&LifecycleAction::Preserve) {
            return Err(unsupported(
                "qemu driver doesn't support the 'preserve' action for 'on_reboot'/'on_poweroff'",
            ));
        }
        if actions.contains(&LifecycleAction::RenameRestart)
            || domain.on_crash == LifecycleAction::RenameRestart
        {
            return Err(unsupported(
                "qemu driver doesn't support the 'rename-restart' action for \
                 'on_reboot'/'on_poweroff'/'on_crash'",
            ));
        }
        if domain.on_reboot == LifecycleAction::Destroy && domain.on_poweroff == LifecycleAction::Restart {
            return Err(unsupported(
                "qemu driver doesn't support 'onReboot' set to 'destroy and 'onPoweroff' set to 'reboot'",
            ));
        }
        Ok(())
    }
}
