//! `<vsock>`: sockets between host and guest.

use virtus_xml::{Xml, YesNo, keywords};

use super::info::DeviceInfo;
use super::virtio::{VirtioOptions, check_driver};
use crate::domain::stable::{Or, Stable, told};
use virtus_base::Result;

keywords! {
    /// Which virtio generation.
    pub enum VsockModel {
        Virtio = "virtio", Transitional = "virtio-transitional", NonTransitional = "virtio-non-transitional",
    }
}

/// `<vsock>`.
#[derive(Clone, Debug, Default, PartialEq, Xml)]
pub struct Vsock {
    #[xml(attr)]
    pub model: Option<VsockModel>,
    /// Whether the daemon chooses the guest's number.
    #[xml(at = "cid/@auto")]
    pub cid_auto: Option<YesNo>,
    /// The guest's number, from 3.
    #[xml(at = "cid/@address")]
    pub cid_address: Option<u32>,
    #[xml(omit_default)]
    pub driver: VirtioOptions,
    #[xml(flatten)]
    pub info: DeviceInfo,
}

impl Stable for Vsock {
    fn check_stable(&self, to: &Self) -> Result<()> {
        told!(
            self,
            to,
            |d| Or(d.model, "default"),
            "Target domain vsock device model '{to}' does not match source '{from}'"
        );
        check_driver(&self.driver, &to.driver, |driver| driver)?;
        self.info.check_stable(&to.info)
    }
}
