//! The `<driver>` attributes every virtio device has.

use virtus_base::Result;
use virtus_xml::{OnOff, Xml};

use crate::domain::stable::{Stable, equal, switch, told};

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

impl Stable for VirtioOptions {
    fn check_stable(&self, to: &Self) -> Result<()> {
        told!(
            self,
            to,
            |d| switch(d.iommu),
            "Target device iommu option '{to}' does not match source '{from}'"
        );
        told!(self, to, |d| switch(d.ats), "Target device ats option '{to}' does not match source '{from}'");
        told!(
            self,
            to,
            |d| switch(d.packed),
            "Target device packed option '{to}' does not match source '{from}'"
        );
        told!(
            self,
            to,
            |d| switch(d.page_per_vq),
            "Target device page_per_vq option '{to}' does not match source '{from}'"
        );
        Ok(())
    }
}

/// Compares the virtio options in what `<driver>` says; there is one in both or in neither.
pub(super) fn check_driver<T: Default + PartialEq>(
    from: &T,
    to: &T,
    options: impl Fn(&T) -> &VirtioOptions,
) -> Result<()> {
    let none = T::default();
    equal!(from, to, |d| *d == none, "Target device virtio options don't match the source");
    options(from).check_stable(options(to))
}
