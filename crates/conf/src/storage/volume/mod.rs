//! The `<volume>` document.

mod read;
mod write;

use virtus_xml::keywords;

use super::Permissions;
use crate::domain::device::storage::Encryption;

keywords! {
    /// What a volume is, in the order of libvirt's numbers (`virStorageVolType`).
    pub enum VolumeKind {
        File = "file", Block = "block", Dir = "dir", Network = "network", Netdir = "netdir", Ploop = "ploop",
    }
}

impl VolumeKind {
    /// libvirt's number.
    pub fn number(self) -> i8 {
        self as i8
    }
}

keywords! {
    /// The format of a volume that is a file.
    pub enum VolumeFormat {
        Raw = "raw", Dir = "dir", Bochs = "bochs", Cloop = "cloop", Dmg = "dmg", Iso = "iso", Vpc = "vpc",
        Vdi = "vdi", Fat = "fat", Vhd = "vhd", Ploop = "ploop", Cow = "cow", Qcow = "qcow", Qcow2 = "qcow2",
        Qed = "qed", Vmdk = "vmdk",
    }
}

/// What a format has beyond the smallest version of it: the elements of `<features>`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Features {
    /// Reference counts are written late.
    pub lazy_refcounts: bool,
    /// Clusters have parts.
    pub extended_l2: bool,
}

/// A point in time as the file system has it: seconds and nanoseconds since the epoch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Time {
    /// Seconds.
    pub seconds: i64,
    /// Nanoseconds.
    pub nanos: u32,
}

/// When a volume was touched.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Timestamps {
    /// Last read.
    pub access: Time,
    /// Last written.
    pub modification: Time,
    /// Last changed, its attributes included.
    pub change: Time,
    /// Made; zero where the file system does not tell libvirt.
    pub birth: Time,
}

/// Where a volume, or what it builds on, is on the host, and how it is laid out: `<target>`, `<backingStore>`.
#[derive(Clone, Debug, PartialEq)]
pub struct VolumeTarget {
    /// Its path; empty until it is known.
    pub path: String,
    /// Its format.
    pub format: VolumeFormat,
    /// Whose it is.
    pub permissions: Permissions,
    /// When it was touched.
    pub times: Option<Timestamps>,
    /// How it is encrypted.
    pub encryption: Option<Encryption>,
    /// The version of QEMU that has to be able to read it: `0.10` or `1.1`.
    pub compat: Option<String>,
    /// The size of a cluster, in bytes; 0 leaves it to the format.
    pub cluster_size: u64,
    /// Whether the file system is asked not to copy on write.
    pub nocow: bool,
    /// What the format has beyond the smallest version of it.
    pub features: Option<Features>,
}

impl VolumeTarget {
    /// A target of which only path and format are known.
    pub fn new(path: impl Into<String>, format: VolumeFormat) -> Self {
        VolumeTarget {
            path: path.into(),
            format,
            permissions: Permissions::default(),
            times: None,
            encryption: None,
            compat: None,
            cluster_size: 0,
            nocow: false,
            features: None,
        }
    }
}

/// A volume's definition.
#[derive(Clone, Debug, PartialEq)]
pub struct Volume {
    /// What it is.
    pub kind: VolumeKind,
    /// Its name, unique in its pool.
    pub name: String,
    /// Its key, unique on the host: the path.
    pub key: String,
    /// What a guest sees, in bytes.
    pub capacity: u64,
    /// What it takes on the host, in bytes; what a definition does not say is its capacity.
    pub allocation: Option<u64>,
    /// The length of its file, in bytes; 0 where it has none.
    pub physical: u64,
    /// Where it is.
    pub target: VolumeTarget,
    /// What it builds on.
    pub backing: Option<VolumeTarget>,
}

/// Whether a definition has to say how much the volume holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Capacity {
    /// Unless it builds on another, which says it.
    UnlessBacked,
    /// No: it is made from another volume.
    Optional,
}
