//! `<sound>`: sound cards.

use virtus_xml::{Xml, YesNo, keywords};

use super::info::DeviceInfo;
use super::virtio::{VirtioOptions, check_driver};
use crate::domain::stable::{Stable, switch, told};
use virtus_base::Result;

keywords! {
    /// The card.
    pub enum SoundModel {
        Sb16 = "sb16", Es1370 = "es1370", Pcspk = "pcspk", Ac97 = "ac97", Ich6 = "ich6", Ich9 = "ich9",
        Usb = "usb", Ich7 = "ich7", Virtio = "virtio",
    }
}
keywords! {
    /// What the card's codec does.
    pub enum CodecType { Duplex = "duplex", Micro = "micro", Output = "output" }
}

/// `<sound>`.
#[derive(Clone, Debug, PartialEq, Xml)]
pub struct Sound {
    #[xml(attr)]
    pub model: SoundModel,
    #[xml(attr)]
    pub multichannel: Option<YesNo>,
    #[xml(attr)]
    pub streams: Option<u32>,
    #[xml(child = "codec")]
    pub codecs: Vec<Codec>,
    /// The `<audio>` it belongs to.
    #[xml(at = "audio/@id", rule = "nonzero")]
    pub audio: Option<u32>,
    #[xml(flatten)]
    pub info: DeviceInfo,
    #[xml(omit_default)]
    pub driver: VirtioOptions,
}

/// A codec on the card.
#[derive(Clone, Debug, PartialEq, Xml)]
pub struct Codec {
    #[xml(attr = "type", missing = "unknown codec type '(null)'", code = CONFIG_UNSUPPORTED, invalid = "unknown codec type '{}'")]
    pub kind: CodecType,
}

impl Stable for Sound {
    fn check_stable(&self, to: &Self) -> Result<()> {
        told!(self, to, |d| d.model, "Target sound card model {to} does not match source {from}");
        told!(
            self,
            to,
            |d| switch(d.multichannel),
            "Target sound card multichannel setting '{to}' does not match source '{from}'"
        );
        check_driver(&self.driver, &to.driver, |driver| driver)?;
        self.info.check_stable(&to.info)
    }
}
