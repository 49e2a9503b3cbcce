//! Memory that is added, shared or kept from devices.

use virtus_base::Result;
use virtus_conf::domain::device::iommu::{Iommu, IommuModel};
use virtus_conf::domain::device::memballoon::BalloonModel;
use virtus_conf::domain::device::memory::{MemoryDevice, MemoryModel};
use virtus_conf::domain::device::shmem::{Shmem, ShmemModel};
use virtus_conf::domain::device::{Address, MemBalloon};

use super::{Checks, unsupported};

impl Checks<'_> {
    /// Whether memory devices fit the definition.
    pub(super) fn memory_hotplug(&self) -> Result<()> {
        let devices = &self.domain.devices.memories;
        let Some(max) = &self.domain.max_memory else {
            return match devices.iter().any(|memory| memory.model != MemoryModel::SgxEpc) {
                true => Err(unsupported(
                    "cannot use/hotplug a memory device when domain 'maxMemory' is not defined",
                )),
                false => Ok(()),
            };
        };
        let cells =
            self.domain.cpu.as_ref().and_then(|cpu| cpu.numa.as_ref()).map_or(0, |numa| numa.cells.len());
        if cells == 0 && !self.machine.is_s390_ccw() {
            return Err(unsupported(
                "At least one numa node has to be configured when enabling memory hotplug",
            ));
        }
        let slots = devices
            .iter()
            .filter(|memory| matches!(memory.model, MemoryModel::Dimm | MemoryModel::Nvdimm))
            .count();
        if slots > max.slots as usize {
            return Err(unsupported(format!(
                "memory device count '{slots}' exceeds slots count '{}'",
                max.slots
            )));
        }
        Ok(())
    }

    pub(super) fn memories(&self, memory: &MemoryDevice) -> Result<()> {
        let address = &memory.info.address;
        let of_a_node =
            matches!(memory.model, MemoryModel::Dimm | MemoryModel::Nvdimm | MemoryModel::VirtioMem);
        let numa = self.domain.cpu.as_ref().and_then(|cpu| cpu.numa.as_ref());
        if of_a_node && memory.target.node.is_none() && numa.is_some_and(|numa| !numa.cells.is_empty()) {
            return Err(unsupported("target NUMA node needs to be specified for memory device"));
        }
        match memory.model {
            MemoryModel::Dimm | MemoryModel::Nvdimm => {
                match memory.model {
                    MemoryModel::Nvdimm => {
                        self.need("nvdimm", "nvdimm isn't supported by this QEMU binary")?
                    }
                    _ => self.need("pc-dimm", "memory hotplug isn't supported by this QEMU binary")?,
                }
                if let Some(Address::Dimm(dimm)) = address {
                    let slots = self.domain.max_memory.as_ref().map_or(0, |max| max.slots);
                    if let Some(slot) = dimm.slot.filter(|slot| *slot >= slots) {
                        return Err(unsupported(format!(
                            "memory device slot '{slot}' exceeds slots count '{slots}'"
                        )));
                    }
                } else if address.is_some() {
                    return Err(unsupported("only 'dimm' addresses are supported for the pc-dimm device"));
                }
                Ok(())
            }
            MemoryModel::VirtioPmem => match address {
                None | Some(Address::Pci(_)) => {
                    self.need("virtio-pmem-pci", "virtio-pmem isn't supported by this QEMU binary")
                }
                _ => Err(unsupported("only 'pci' addresses are supported for the virtio-pmem device")),
            },
            MemoryModel::VirtioMem => {
                if matches!(address, Some(Address::Pci(_))) {
                    self.need("virtio-mem-pci", "virtio-mem isn't supported by this QEMU binary")?;
                }
                match address {
                    None | Some(Address::Pci(_) | Address::Ccw(_)) => Ok(()),
                    _ => Err(unsupported(
                        "only 'pci' and 'ccw' addresses are supported for the virtio-mem device",
                    )),
                }
            }
            MemoryModel::SgxEpc => self.need("sgx-epc", "sgx epc isn't supported by this QEMU binary"),
        }
    }

    pub(super) fn memballoons(&self, balloon: &MemBalloon) -> Result<()> {
        if balloon.model == BalloonModel::Xen {
            return Err(unsupported(format!(
                "Memory balloon device type '{}' is not supported by this version of qemu",
                balloon.model
            )));
        }
        if balloon.autodeflate.is_some() {
            self.need(
                "virtio-balloon-pci.deflate-on-oom",
                "deflate-on-oom is not supported by this QEMU binary",
            )?;
        }
        if balloon.free_page_reporting.is_some() {
            self.need(
                "virtio-balloon.free-page-reporting",
                "freePageReporting is not supported by this QEMU binary",
            )?;
        }
        Ok(())
    }

    pub(super) fn shmems(&self, shmem: &Shmem) -> Result<()> {
        let model = shmem.model;
        let capability = match model {
            ShmemModel::Ivshmem => return Err(unsupported("ivshmem device is no longer supported")),
            ShmemModel::IvshmemPlain => "ivshmem-plain",
            ShmemModel::IvshmemDoorbell => "ivshmem-doorbell",
        };
        self.need(capability, &format!("shmem model '{model}' is not supported by this QEMU binary"))?;
        if let Some(size) = &shmem.size {
            // in bytes
            if size.0 < 1 << 20 || !size.0.is_power_of_two() {
                return Err(super::xml_error(
                    "shmem size must be a power of 2 and at least 1 MiB (1024 KiB)",
                ));
            }
        }
        Ok(())
    }

    pub(super) fn iommus(&self, iommu: &Iommu) -> Result<()> {
        let model = iommu.model;
        let lacks = || unsupported(format!("IOMMU device: '{model}' is not supported with this QEMU binary"));
        match model {
            IommuModel::Intel => {
                if !self.machine.is_q35() {
                    return Err(unsupported(format!(
                        "IOMMU device: '{model}' is only supported with Q35 machines"
                    )));
                }
                if !self.has("intel-iommu") {
                    return Err(lacks());
                }
            }
            IommuModel::Smmuv3 => {
                if !self.machine.is_arm_virt() {
                    return Err(unsupported(format!(
                        "IOMMU device: '{model}' is only supported with ARM Virt machines"
                    )));
                }
                if !self.has("machine.virt.iommu") {
                    return Err(lacks());
                }
            }
            IommuModel::Virtio => {
                if !self.machine.is_q35() && !self.machine.is_arm_virt() {
                    return Err(unsupported(format!(
                        "IOMMU device: '{model}' is only supported with Q35 and ARM Virt machines"
                    )));
                }
                if !self.has("virtio-iommu-pci") {
                    return Err(lacks());
                }
                if !matches!(iommu.info.address, None | Some(Address::Pci(_))) {
                    return Err(unsupported(format!("IOMMU device: '{model}' needs a PCI address")));
                }
                if !self.domain.features.as_ref().is_some_and(|features| features.acpi) {
                    return Err(unsupported(format!("IOMMU device: '{model}' requires ACPI")));
                }
            }
        }
        let driver = &iommu.driver;
        let options = [
            (driver.intremap.is_some(), "intremap", "interrupt remapping is not supported"),
            (driver.caching_mode.is_some(), "caching-mode", "caching mode is not supported"),
            (driver.eim.is_some(), "eim", "eim is not supported"),
            (driver.iotlb.is_some(), "device-iotlb", "device IOTLB is not supported"),
            (driver.aw_bits.is_some(), "aw-bits", "aw_bits is not supported"),
            (
                driver.dma_translation.is_some(),
                "dma-translation",
                "updating dma translation is not supported",
            ),
        ];
        for (set, capability, what) in options {
            if set && !self.has(&format!("intel-iommu.{capability}")) {
                return Err(unsupported(format!("iommu: {what} with this QEMU binary")));
            }
        }
        Ok(())
    }
}
