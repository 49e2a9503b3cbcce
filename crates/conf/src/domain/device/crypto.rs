//! `<crypto>`: cryptography accelerators.

use virtus_xml::{Xml, keywords};

use super::info::DeviceInfo;
use super::virtio::VirtioOptions;

keywords! {
    /// The device.
    pub enum CryptoModel { Virtio = "virtio" }
}
keywords! {
    /// Its kind.
    pub enum CryptoType { Qemu = "qemu" }
}
keywords! {
    /// Who computes.
    pub enum CryptoBackend { Builtin = "builtin", Lkcf = "lkcf" }
}

/// `<crypto>`.
#[derive(Clone, Debug, PartialEq, Xml)]
pub struct Crypto {
    #[xml(attr)]
    pub model: CryptoModel,
    #[xml(attr = "type")]
    pub kind: CryptoType,
    #[xml(missing = "only one crypto backend is supported")]
    pub backend: CryptoBackendElement,
    #[xml(omit_default)]
    pub driver: VirtioOptions,
    #[xml(flatten)]
    pub info: DeviceInfo,
}

/// `<backend>` of a crypto device.
#[derive(Clone, Debug, PartialEq, Xml)]
pub struct CryptoBackendElement {
    #[xml(attr)]
    pub model: CryptoBackend,
    #[xml(attr)]
    pub queues: Option<u32>,
}
