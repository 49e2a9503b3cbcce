//! The kinds of storage pools, and what each needs.

use virtus_xml::keywords;

keywords! {
    /// A kind of storage, in libvirt's order.
    pub enum Kind {
        Dir = "dir", Fs = "fs", Netfs = "netfs", Logical = "logical", Disk = "disk", Iscsi = "iscsi",
        IscsiDirect = "iscsi-direct", Scsi = "scsi", Mpath = "mpath", Rbd = "rbd", Sheepdog = "sheepdog",
        Gluster = "gluster", Zfs = "zfs", Vstorage = "vstorage",
    }
}

/// What a kind's source has to say, and whether it has a target.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Needs {
    pub host: bool,
    pub device: bool,
    pub dir: bool,
    pub adapter: bool,
    pub name: bool,
    pub initiator: bool,
    pub protocol: bool,
    /// QEMU reaches it by itself: there is no target on the host.
    pub network: bool,
}

const NONE: Needs = Needs {
    host: false,
    device: false,
    dir: false,
    adapter: false,
    name: false,
    initiator: false,
    protocol: false,
    network: false,
};

impl Kind {
    /// What its source has to say.
    pub fn needs(self) -> Needs {
        match self {
            Kind::Dir | Kind::Mpath => NONE,
            Kind::Fs | Kind::Disk => Needs { device: true, ..NONE },
            Kind::Netfs => Needs { host: true, dir: true, protocol: true, ..NONE },
            Kind::Logical | Kind::Zfs => Needs { name: true, device: true, ..NONE },
            Kind::Iscsi => Needs { host: true, device: true, ..NONE },
            Kind::IscsiDirect => Needs { host: true, device: true, network: true, initiator: true, ..NONE },
            Kind::Scsi => Needs { adapter: true, ..NONE },
            Kind::Rbd | Kind::Sheepdog => Needs { host: true, network: true, name: true, ..NONE },
            Kind::Gluster => Needs { host: true, network: true, name: true, dir: true, ..NONE },
            Kind::Vstorage => Needs { name: true, ..NONE },
        }
    }

    /// Its formats; the first is the default.
    pub fn formats(self) -> &'static [&'static str] {
        match self {
            Kind::Fs => &[
                "auto", "ext2", "ext3", "ext4", "ufs", "iso9660", "udf", "gfs", "gfs2", "vfat", "hfs+",
                "xfs", "ocfs2", "vmfs",
            ],
            Kind::Netfs => &["auto", "nfs", "glusterfs", "cifs"],
            Kind::Logical => &["lvm2", "unknown"],
            Kind::Disk => &["unknown", "dos", "dvh", "gpt", "mac", "bsd", "pc98", "sun", "lvm2"],
            _ => &[],
        }
    }

    /// The namespace its options are in, with the prefix libvirt gives it.
    pub(super) fn namespace(self) -> Option<(&'static str, &'static str)> {
        match self {
            Kind::Fs | Kind::Netfs => Some(("xmlns:fs", super::FS_NAMESPACE)),
            Kind::Rbd => Some(("xmlns:rbd", super::RBD_NAMESPACE)),
            _ => None,
        }
    }
}
