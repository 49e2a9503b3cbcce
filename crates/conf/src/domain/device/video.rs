//! `<video>`: graphics cards.

use virtus_base::Result;
use virtus_xml::{Element, OnOff, Xml, YesNo, keywords};

use super::info::DeviceInfo;
use super::virtio::{VirtioOptions, check_driver};
use crate::domain::stable::{Or, Stable, equal, told};

keywords! {
    /// The card.
    pub enum VideoType {
        Vga = "vga", Cirrus = "cirrus", Vmvga = "vmvga", Xen = "xen", Vbox = "vbox", Qxl = "qxl",
        Parallels = "parallels", Virtio = "virtio", Gop = "gop", None = "none", Bochs = "bochs",
        Ramfb = "ramfb",
    }
}
keywords! {
    /// Which program emulates it.
    pub enum VideoDriverName { Qemu = "qemu", VhostUser = "vhostuser" }
}
keywords! {
    /// How the firmware sets the card up.
    pub enum VgaConf { Io = "io", On = "on", Off = "off" }
}

/// `<video>`.
#[derive(Clone, Debug, Default, PartialEq, Xml)]
pub struct Video {
    #[xml(omit_default)]
    pub driver: VideoDriver,
    #[xml(default)]
    pub model: VideoModel,
    #[xml(flatten)]
    pub info: DeviceInfo,
}

/// `<driver>` of a card.
#[derive(Clone, Debug, Default, PartialEq, Xml)]
pub struct VideoDriver {
    #[xml(flatten)]
    pub virtio: VirtioOptions,
    #[xml(attr)]
    pub name: Option<VideoDriverName>,
    #[xml(attr)]
    pub vgaconf: Option<VgaConf>,
}

/// `<model>`: memory in KiB.
#[derive(Clone, Debug, PartialEq, Xml)]
#[xml(check = complete)]
pub struct VideoModel {
    /// The card; chosen by post-parse when absent.
    #[xml(attr = "type")]
    pub kind: Option<VideoType>,
    #[xml(attr)]
    pub ram: Option<u32>,
    #[xml(attr)]
    pub vram: Option<u32>,
    #[xml(attr)]
    pub vram64: Option<u32>,
    #[xml(attr)]
    pub vgamem: Option<u32>,
    /// How many screens; one where the document does not say.
    #[xml(attr, rule = "nonzero")]
    pub heads: Option<u32>,
    #[xml(attr, lenient)]
    pub primary: Option<YesNo>,
    #[xml(attr)]
    pub blob: Option<OnOff>,
    #[xml(attr)]
    pub edid: Option<OnOff>,
    pub acceleration: Option<Acceleration>,
    pub resolution: Option<Resolution>,
}

fn complete(model: &mut VideoModel, _: Element<'_>) -> Result<()> {
    if model.kind != Some(VideoType::None) {
        model.heads.get_or_insert(1);
    }
    model.primary = model.primary.filter(|p| p.is_true());
    Ok(())
}

impl Default for VideoModel {
    fn default() -> Self {
        VideoModel {
            kind: None,
            ram: None,
            vram: None,
            vram64: None,
            vgamem: None,
            heads: Some(1),
            primary: None,
            blob: None,
            edid: None,
            acceleration: None,
            resolution: None,
        }
    }
}

/// What the host's graphics card helps with.
#[derive(Clone, Debug, Default, PartialEq, Xml)]
pub struct Acceleration {
    #[xml(attr)]
    pub accel3d: Option<YesNo>,
    #[xml(attr)]
    pub accel2d: Option<YesNo>,
    #[xml(attr)]
    pub rendernode: Option<String>,
}

/// The size at start, in pixels.
#[derive(Clone, Debug, PartialEq, Xml)]
pub struct Resolution {
    #[xml(attr)]
    pub x: u32,
    #[xml(attr)]
    pub y: u32,
}

impl Stable for Video {
    fn check_stable(&self, to: &Self) -> Result<()> {
        told!(
            self,
            to,
            |d| Or(d.model.kind, "default"),
            "Target video card model {to} does not match source {from}"
        );
        told!(
            self,
            to,
            |d| d.model.ram.unwrap_or(0),
            "Target video card ram {to} does not match source {from}"
        );
        told!(
            self,
            to,
            |d| d.model.vram.unwrap_or(0),
            "Target video card vram {to} does not match source {from}"
        );
        told!(
            self,
            to,
            |d| d.model.vram64.unwrap_or(0),
            "Target video card vram64 {to} does not match source {from}"
        );
        told!(
            self,
            to,
            |d| d.model.vgamem.unwrap_or(0),
            "Target video card vgamem {to} does not match source {from}"
        );
        told!(
            self,
            to,
            |d| d.model.heads.unwrap_or(0),
            "Target video card heads {to} does not match source {from}"
        );
        equal!(
            self,
            to,
            |d| d.model.acceleration.is_some(),
            "Target video card acceleration does not match source"
        );
        told!(
            self,
            to,
            |d| number(d, |a| a.accel2d),
            "Target video card 2d accel {to} does not match source {from}"
        );
        told!(
            self,
            to,
            |d| number(d, |a| a.accel3d),
            "Target video card 3d accel {to} does not match source {from}"
        );
        check_driver(&self.driver, &to.driver, |driver| &driver.virtio)?;
        self.info.check_stable(&to.info)
    }
}

/// libvirt tells switches of acceleration as numbers.
fn number(video: &Video, of: impl Fn(&Acceleration) -> Option<YesNo>) -> u32 {
    match video.model.acceleration.as_ref().and_then(of) {
        None => 0,
        Some(YesNo::Yes) => 1,
        Some(YesNo::No) => 2,
    }
}
