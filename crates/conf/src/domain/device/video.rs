//! `<video>`: graphics cards.

use virtus_xml::{OnOff, Xml, YesNo, keywords};

use super::info::DeviceInfo;
use super::virtio::VirtioOptions;

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
#[derive(Clone, Debug, Default, PartialEq, Xml)]
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
    #[xml(attr, rule = "nonzero")]
    pub heads: Option<u32>,
    #[xml(attr)]
    pub primary: Option<YesNo>,
    #[xml(attr)]
    pub blob: Option<OnOff>,
    #[xml(attr)]
    pub edid: Option<OnOff>,
    pub acceleration: Option<Acceleration>,
    pub resolution: Option<Resolution>,
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
