//! Which pools would be the same storage twice.

use virtus_conf::storage::{Adapter, Kind, Pool, Source};

/// Whether two pools are the same storage.
pub(crate) fn same_storage(one: &Pool, other: &Pool) -> bool {
    let (a, b) = (&one.source, &other.source);
    match one.kind {
        Kind::Dir => {
            let path = |pool: &Pool| pool.target.as_ref().map(|target| target.path.clone());
            other.kind == Kind::Dir && path(one) == path(other)
        }
        Kind::Netfs => other.kind == Kind::Netfs && a.dir == b.dir && same_host(a, b),
        Kind::Gluster => other.kind == Kind::Gluster && a.name == b.name && a.dir == b.dir && same_host(a, b),
        Kind::Scsi => other.kind == Kind::Scsi && same_adapter(a, b),
        Kind::Iscsi | Kind::IscsiDirect => {
            one.kind == other.kind
                && same_host(a, b)
                && a.initiator == b.initiator
                && a.devices.first().map(|d| &d.path) == b.devices.first().map(|d| &d.path)
        }
        Kind::Fs | Kind::Logical | Kind::Disk | Kind::Zfs => {
            matches!(other.kind, Kind::Fs | Kind::Logical | Kind::Disk | Kind::Zfs)
                && a.devices.iter().any(|d| b.devices.iter().any(|e| e.path == d.path))
        }
        Kind::Mpath | Kind::Rbd | Kind::Sheepdog | Kind::Vstorage => false,
    }
}

/// Whether both are on the same server; with several servers nobody can tell.
fn same_host(a: &Source, b: &Source) -> bool {
    match (a.hosts.as_slice(), b.hosts.as_slice()) {
        ([one], [other]) => one == other,
        _ => false,
    }
}

fn same_adapter(a: &Source, b: &Source) -> bool {
    match (&a.adapter, &b.adapter) {
        (
            Some(Adapter::FcHost { wwnn, wwpn, .. }),
            Some(Adapter::FcHost { wwnn: other_wwnn, wwpn: other_wwpn, .. }),
        ) => wwnn == other_wwnn && wwpn == other_wwpn,
        (Some(one), Some(other)) => one == other,
        _ => false,
    }
}
