//! What all parts of the command line look at.

use std::collections::HashMap;
use std::sync::Arc;

use virtus_api::VolumePlace;
use virtus_base::Bitmap;
use virtus_conf::domain::Domain;
use virtus_conf::domain::device::DeviceInfo;

use crate::emulator::Emulator;
pub(crate) use crate::error::{internal, unsupported};
use crate::machine::Machine;
use crate::settings::Settings;

use super::plan::Plan;

/// What the command line needs to know of the host and of what was opened for the guest.
#[derive(Clone, Debug, Default)]
pub struct Context {
    /// The guest's own directory, e.g. `/var/lib/libvirt/qemu/domain-1-guest`.
    pub lib_dir: String,
    /// Where the sockets of channels without a path are.
    pub channel_dir: String,
    /// Where files behind guest memory are, e.g. `/var/lib/libvirt/qemu/ram/1-guest`.
    pub memory_dir: String,
    /// The id and name that run-time files have in their names, e.g. `1-guest`.
    pub short_name: String,
    /// Where D-Bus sockets are.
    pub dbus_dir: String,
    /// The monitor's listening socket; QEMU makes one in `lib_dir` itself when there is none.
    pub monitor_fd: Option<i32>,
    /// The key that secrets are encrypted with: its file. No secrets can be handed over without.
    pub master_key: Option<String>,
    /// Secrets, encrypted with the master key, by the id of the object that holds them.
    pub secrets: HashMap<String, Secret>,
    /// Listening sockets and log files of character devices by the id of the chardev (`charchannel0`).
    pub chardev_fds: HashMap<String, i32>,
    /// The volumes of pools, by the pool's name and their own.
    pub volumes: HashMap<(String, String), VolumePlace>,
    /// Tap devices by the interface's alias.
    pub tap_fds: HashMap<String, Vec<i32>>,
    /// vhost devices by the interface's alias.
    pub vhost_fds: HashMap<String, Vec<i32>>,
    /// The generic device (`sg0`) of SCSI units by their place, e.g. `0:0:0:0`.
    pub scsi_generic: HashMap<String, String>,
    /// Other descriptors (vDPA devices, vhost-vsock, pmsuspend …) by the device's alias.
    pub device_fds: HashMap<String, i32>,
    /// What a running QEMU was given for a device that is plugged in, by what it is for (as above): the name of a
    /// descriptor, or the path of a set of them.
    pub handed: HashMap<String, String>,
    /// Sockets that passt and other helpers serve, by the device's alias.
    pub helper_sockets: HashMap<String, String>,
    /// The page size of the host's default huge pages, in KiB, and where each size is mounted.
    pub default_hugepage: Option<u64>,
    /// Mount points of huge pages by page size in KiB.
    pub hugepages: Vec<(u64, String)>,
    /// The host's NUMA nodes; not checked when not known.
    pub host_nodes: Option<Bitmap>,
    /// The nodes numad proposes.
    pub advised_nodes: Option<Bitmap>,
    /// The host's DRM render node, for displays that need one and name none.
    pub rendernode: Option<String>,
    /// Whether PCI devices of the host can be handed over (VFIO).
    pub vfio: bool,
    /// The default address of VNC servers.
    pub vnc_listen: String,
    /// The driver's settings.
    pub settings: Arc<Settings>,
    /// Whether the daemon serves the whole system.
    pub privileged: bool,
    /// Seconds since 1970, UTC, and the host's offset from UTC in seconds.
    pub now: i64,
    /// The host's offset from UTC in seconds.
    pub utc_offset: i64,
    /// An incoming migration or restore: the URI.
    pub incoming: Option<String>,
    /// The host's time stamp counter, when it is invariant.
    pub tsc: Option<Tsc>,
    /// How wide the host's physical addresses are, when known.
    pub physical_bits: Option<u32>,
    /// The environment QEMU gets from the daemon's.
    pub path: Option<String>,
}

/// A time stamp counter; its frequency is in Hz.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Tsc {
    pub frequency: u64,
    /// Whether guests can have it at another frequency.
    pub scaling: bool,
}

/// A secret encrypted with the master key, both in base64.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Secret {
    pub data: String,
    pub iv: String,
}

/// A guest as the command line is built for it.
#[derive(Clone, Copy, Debug)]
pub struct Guest<'a> {
    pub domain: &'a Domain,
    pub emulator: &'a dyn Emulator,
    pub context: &'a Context,
    pub plan: &'a Plan,
}

impl<'a> Guest<'a> {
    pub(crate) fn machine(&self) -> Machine<'a> {
        Machine::of(self.domain)
    }

    pub(crate) fn has(&self, capability: &str) -> bool {
        self.emulator.has(capability)
    }

    /// The ids QEMU gives the board's own PCI bus and multi-bus hosts.
    pub(crate) fn alias(&self, info: &DeviceInfo) -> String {
        info.alias.clone().unwrap_or_default()
    }
}
