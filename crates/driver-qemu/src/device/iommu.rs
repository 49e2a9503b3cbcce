//! The guest's IOMMU.

use virtus_base::Result;
use virtus_conf::domain::device::Iommu;
use virtus_conf::domain::device::iommu::IommuModel;

use super::Virtio;
use crate::command::build::Build;
use crate::command::guest::Guest;
use crate::command::props::Props;

/// The device; ARM's is a property of the machine.
pub(crate) fn add(build: &mut Build<'_>) -> Result<()> {
    let guest = build.guest;
    for iommu in guest.domain.devices.iommus.iter().filter(|iommu| iommu.model != IommuModel::Smmuv3) {
        build.device(props(&guest, iommu)?);
    }
    Ok(())
}

/// The device.
///
/// # Errors
/// `INTERNAL_ERROR` for an address that does not fit.
pub fn props(guest: &Guest<'_>, iommu: &Iommu) -> Result<Props> {
    let alias = guest.alias(&iommu.info);
    let driver = &iommu.driver;
    if iommu.model == IommuModel::Virtio {
        let options = virtus_conf::domain::device::VirtioOptions::default();
        return Ok(guest
            .virtio("virtio-iommu", Virtio::Plain, &options, &iommu.info)?
            .with("id", alias)
            .join(guest.address(&iommu.info)?));
    }
    let word = |value: virtus_xml::OnOff| value.as_str();
    Ok(Props::device("intel-iommu")
        .with("id", alias)
        .maybe("intremap", driver.intremap.map(word))
        .switch("caching-mode", driver.caching_mode)
        .maybe("eim", driver.eim.map(word))
        .switch("device-iotlb", driver.iotlb)
        .maybe("aw-bits", driver.aw_bits.filter(|bits| *bits > 0))
        .switch("dma-translation", driver.dma_translation))
}
