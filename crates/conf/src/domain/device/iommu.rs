//! `<iommu>`.

use virtus_xml::{OnOff, Xml, keywords};

use super::info::DeviceInfo;

keywords! {
    /// The device.
    pub enum IommuModel { Intel = "intel", Smmuv3 = "smmuv3", Virtio = "virtio" }
}

/// `<iommu>`.
#[derive(Clone, Debug, PartialEq, Xml)]
pub struct Iommu {
    #[xml(attr)]
    pub model: IommuModel,
    #[xml(omit_default)]
    pub driver: IommuDriver,
    #[xml(flatten)]
    pub info: DeviceInfo,
}

/// What it can do.
#[derive(Clone, Debug, Default, PartialEq, Xml)]
pub struct IommuDriver {
    #[xml(attr)]
    pub intremap: Option<OnOff>,
    #[xml(attr)]
    pub caching_mode: Option<OnOff>,
    #[xml(attr)]
    pub eim: Option<OnOff>,
    #[xml(attr)]
    pub iotlb: Option<OnOff>,
    /// The width of addresses, in bits.
    #[xml(attr)]
    pub aw_bits: Option<u32>,
    #[xml(attr)]
    pub dma_translation: Option<OnOff>,
}
