//! `<iommu>`.

use virtus_xml::{OnOff, Xml, keywords};

use super::info::DeviceInfo;
use crate::domain::stable::{Or, Stable, switch, told};
use virtus_base::Result;

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

impl Stable for Iommu {
    fn check_stable(&self, to: &Self) -> Result<()> {
        told!(
            self,
            to,
            |d| d.model,
            "Target domain IOMMU device model '{to}' does not match source '{from}'"
        );
        told!(
            self,
            to,
            |d| switch(d.driver.intremap),
            "Target domain IOMMU device intremap value '{to}' does not match source '{from}'"
        );
        told!(
            self,
            to,
            |d| switch(d.driver.caching_mode),
            "Target domain IOMMU device caching mode '{to}' does not match source '{from}'"
        );
        told!(
            self,
            to,
            |d| switch(d.driver.eim),
            "Target domain IOMMU device eim value '{to}' does not match source '{from}'"
        );
        told!(
            self,
            to,
            |d| switch(d.driver.iotlb),
            "Target domain IOMMU device iotlb value '{to}' does not match source '{from}'"
        );
        told!(
            self,
            to,
            |d| Or(d.driver.aw_bits, "0"),
            "Target domain IOMMU device aw_bits value '{to}' does not match source '{from}'"
        );
        told!(
            self,
            to,
            |d| switch(d.driver.dma_translation),
            "Target domain IOMMU device dma translation '{to}' does not match source '{from}'"
        );
        self.info.check_stable(&to.info)
    }
}
