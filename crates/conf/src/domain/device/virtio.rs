//! The `<driver>` attributes every virtio device has.

use virtus_xml::{OnOff, Xml};

/// `iommu`, `ats`, `packed`, `page_per_vq` of a virtio device.
#[derive(Clone, Debug, Default, PartialEq, Xml)]
pub struct VirtioOptions {
    #[xml(attr)]
    pub iommu: Option<OnOff>,
    #[xml(attr)]
    pub ats: Option<OnOff>,
    #[xml(attr)]
    pub packed: Option<OnOff>,
    #[xml(attr)]
    pub page_per_vq: Option<OnOff>,
}
