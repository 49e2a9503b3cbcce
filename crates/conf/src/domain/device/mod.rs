//! `<devices>`: one file a kind, all kinds listed in one place.

pub mod address;
pub mod audio;
pub mod chardev;
mod consistency;
pub mod console;
pub mod controller;
pub mod crypto;
pub mod disk;
pub mod filesystem;
pub mod graphics;
pub mod hostdev;
pub mod hub;
pub(crate) mod info;
pub mod input;
pub mod interface;
pub mod iommu;
pub mod lease;
pub mod memballoon;
pub mod memory;
pub mod nvram;
pub mod panic;
pub mod pstore;
mod reading;
pub mod redirdev;
pub mod rng;
pub mod shmem;
pub mod smartcard;
pub mod sound;
pub mod storage;
pub mod tpm;
pub mod video;
pub mod virtio;
pub mod vsock;
pub mod watchdog;

pub use address::{Address, PciAddress};
pub use audio::Audio;
pub use chardev::{Chardev, ChardevSource};
pub use console::{Channel, Console, Parallel, Serial};
pub use controller::Controller;
pub use crypto::Crypto;
pub use disk::{Disk, IoTune};
pub use filesystem::Filesystem;
pub use graphics::Graphics;
pub use hostdev::HostDev;
pub use hub::Hub;
pub use info::{BootOrder, DeviceInfo, Rom};
pub use input::Input;
pub use interface::Interface;
pub use iommu::Iommu;
pub use lease::Lease;
pub use memballoon::MemBalloon;
pub use memory::MemoryDevice;
pub use nvram::NvramDevice;
pub use panic::Panic;
pub use pstore::Pstore;
pub use redirdev::{RedirDev, RedirFilter};
pub use rng::Rng;
pub use shmem::Shmem;
pub use smartcard::Smartcard;
pub use sound::Sound;
pub use tpm::Tpm;
pub use video::Video;
pub use virtio::VirtioOptions;
pub use vsock::Vsock;
pub use watchdog::Watchdog;

use virtus_base::{ErrorDomain, Result};
use virtus_xml::{Document, Element, ReadOptions, WriteOptions, Writer, Xml};

/// Declares the kinds of devices, in the order libvirt writes them: the list of each kind in [`Devices`],
/// a variant of [`Device`] for one of any kind, and its name in [`DeviceKind`]. `info` names the kinds that
/// have [`DeviceInfo`].
macro_rules! devices {
    ($($list:ident: $variant:ident($type:ty) = $name:literal $($info:ident)?;)*) => {
        /// All devices of a guest, by kind, in the order of the document.
        #[derive(Clone, Debug, Default, PartialEq)]
        #[allow(missing_docs)]
        pub struct Devices {
            /// The program that runs the guest.
            pub emulator: Option<String>,
            $(pub $list: Vec<$type>,)*
        }

        /// One device of any kind.
        #[derive(Clone, Debug, PartialEq)]
        #[allow(missing_docs)]
        pub enum Device { $($variant(Box<$type>)),* }

        /// A kind of device.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[allow(missing_docs)]
        pub enum DeviceKind { $($variant),* }

        impl DeviceKind {
            /// Every kind.
            pub const ALL: &'static [DeviceKind] = &[$(DeviceKind::$variant),*];

            /// The element's name.
            pub fn name(self) -> &'static str {
                match self { $(DeviceKind::$variant => $name),* }
            }
        }

        impl Devices {
            /// Reads one more device of a kind.
            fn read_one(&mut self, kind: DeviceKind, e: Element<'_>) -> Result<()> {
                match kind {
                    $(DeviceKind::$variant => self.$list.push(<$type>::read(e)?),)*
                }
                Ok(())
            }

            /// Writes the devices, kind by kind.
            fn write_all(&self, w: &mut Writer) {
                $(for device in &self.$list {
                    w.element($name, device);
                })*
            }

            /// Calls `visit` with each device that has an address, kind by kind.
            pub fn each_info(&self, mut visit: impl FnMut(DeviceKind, &DeviceInfo)) {
                $($(for device in &self.$list {
                    visit(DeviceKind::$variant, &device.$info);
                })?)*
            }

            /// The kind of the device of an alias, and its place in the list of its kind.
            pub fn find_alias(&self, alias: &str) -> Option<(DeviceKind, usize)> {
                $($(if let Some(at) = self.$list.iter().position(|d| d.$info.alias.as_deref() == Some(alias)) {
                    return Some((DeviceKind::$variant, at));
                })?)*
                None
            }

            /// A copy of the device at a place of its kind's list.
            pub fn get(&self, kind: DeviceKind, at: usize) -> Option<Device> {
                match kind {
                    $(DeviceKind::$variant => {
                        self.$list.get(at).map(|device| Device::$variant(Box::new(device.clone())))
                    })*
                }
            }

            /// Calls `visit` with each device's changeable address and alias, kind by kind.
            pub fn each_info_mut(&mut self, mut visit: impl FnMut(DeviceKind, &mut DeviceInfo)) {
                $($(for device in &mut self.$list {
                    visit(DeviceKind::$variant, &mut device.$info);
                })?)*
            }

            /// Takes the last device of a kind out.
            pub fn pop(&mut self, kind: DeviceKind) -> Option<Device> {
                match kind {
                    $(DeviceKind::$variant => self.$list.pop().map(|device| Device::$variant(Box::new(device))),)*
                }
            }

            /// Takes the device at a place of its kind's list out.
            pub fn remove(&mut self, kind: DeviceKind, at: usize) -> Option<Device> {
                match kind {
                    $(DeviceKind::$variant => (at < self.$list.len())
                        .then(|| Device::$variant(Box::new(self.$list.remove(at)))),)*
                }
            }

            /// Adds `device` to the list of its kind.
            pub fn push(&mut self, device: Device) {
                match device { $(Device::$variant(device) => self.$list.push(*device)),* }
            }
        }

        impl Device {
            /// The kind.
            pub fn kind(&self) -> DeviceKind {
                match self { $(Device::$variant(_) => DeviceKind::$variant),* }
            }

            /// Reads the device that `e` is.
            pub fn from_element(e: Element<'_>) -> Result<Device> {
                match e.name() {
                    $($name => <$type>::read(e).map(|d| Device::$variant(Box::new(d))),)*
                    other => Err(super::parse::unsupported(format!("unknown device type '{other}'"))),
                }
            }

            /// Writes the device's element.
            pub fn write(&self, w: &mut Writer) {
                match self { $(Device::$variant(device) => w.element($name, &**device)),* }
            }

            /// Its address and alias, if its kind has them.
            pub fn info(&self) -> Option<&DeviceInfo> {
                match self {
                    $($(Device::$variant(device) => Some(&device.$info),)?)*
                    #[allow(unreachable_patterns)]
                    _ => None,
                }
            }

            /// Its changeable address and alias, if its kind has them.
            pub fn info_mut(&mut self) -> Option<&mut DeviceInfo> {
                match self {
                    $($(Device::$variant(device) => Some(&mut device.$info),)?)*
                    #[allow(unreachable_patterns)]
                    _ => None,
                }
            }
        }
    };
}

devices! {
    disks: Disk(Disk) = "disk" info;
    controllers: Controller(Controller) = "controller" info;
    leases: Lease(Lease) = "lease";
    filesystems: Filesystem(Filesystem) = "filesystem" info;
    interfaces: Interface(Interface) = "interface" info;
    smartcards: Smartcard(Smartcard) = "smartcard" info;
    serials: Serial(Serial) = "serial" info;
    parallels: Parallel(Parallel) = "parallel" info;
    consoles: Console(Console) = "console" info;
    channels: Channel(Channel) = "channel" info;
    inputs: Input(Input) = "input" info;
    tpms: Tpm(Tpm) = "tpm" info;
    graphics: Graphics(Graphics) = "graphics";
    sounds: Sound(Sound) = "sound" info;
    audios: Audio(Audio) = "audio";
    videos: Video(Video) = "video" info;
    hostdevs: HostDev(HostDev) = "hostdev" info;
    redirdevs: RedirDev(RedirDev) = "redirdev" info;
    redirfilters: RedirFilter(RedirFilter) = "redirfilter";
    hubs: Hub(Hub) = "hub" info;
    watchdogs: Watchdog(Watchdog) = "watchdog" info;
    memballoons: MemBalloon(MemBalloon) = "memballoon" info;
    rngs: Rng(Rng) = "rng" info;
    nvrams: Nvram(NvramDevice) = "nvram" info;
    panics: Panic(Panic) = "panic" info;
    shmems: Shmem(Shmem) = "shmem" info;
    memories: Memory(MemoryDevice) = "memory" info;
    cryptos: Crypto(Crypto) = "crypto" info;
    iommus: Iommu(Iommu) = "iommu" info;
    vsocks: Vsock(Vsock) = "vsock" info;
    pstores: Pstore(Pstore) = "pstore" info;
}

impl Device {
    /// Reads a device's document, as the calls that attach and detach take it.
    ///
    /// # Errors
    /// libvirt's, as [`super::Domain::parse`] has them.
    pub fn parse(xml: &str, options: &super::ParseOptions) -> Result<Device> {
        let read = ReadOptions { inactive: options.inactive, status: false, track: options.strict };
        let document = Document::parse(xml, ErrorDomain::DOMAIN, &read)?;
        let device = Device::from_element(document.root())?;
        match document.unknown() {
            Some((kind, name, line)) if options.strict => {
                Err(super::schema::error(format_args!("line {line}: unexpected {kind} {name}")))
            }
            _ => Ok(device),
        }
    }

    /// The device's text.
    pub fn format(&self, options: &WriteOptions) -> String {
        let mut w = Writer::new(*options);
        self.write(&mut w);
        w.finish()
    }
}
