//! `<vsock>`: sockets between host and guest.

use virtus_xml::{Xml, YesNo, keywords};

use super::info::DeviceInfo;
use super::virtio::VirtioOptions;

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
