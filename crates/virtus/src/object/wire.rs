//! What callers give and get, and what the wire has for it.

use std::os::fd::OwnedFd;

use virtus_xdr::{List, Opaque};

use super::*;

/// What can stand for an argument of type `W`.
pub(crate) trait ToWire<W> {
    /// The argument.
    fn to_wire(self) -> W;
}

/// What a reply of type `R` is given to callers as.
pub(crate) trait FromReply<R> {
    /// The reply to a call of `connection`.
    fn from_reply(connection: &Connection, reply: R) -> Self;
}

impl<T> ToWire<T> for T {
    fn to_wire(self) -> T {
        self
    }
}

impl ToWire<String> for &str {
    fn to_wire(self) -> String {
        self.to_owned()
    }
}

impl ToWire<Option<String>> for Option<&str> {
    fn to_wire(self) -> Option<String> {
        self.map(str::to_owned)
    }
}

impl ToWire<i32> for bool {
    fn to_wire(self) -> i32 {
        self.into()
    }
}

impl ToWire<String> for &NodeDevice {
    fn to_wire(self) -> String {
        self.name().to_owned()
    }
}

impl<const MAX: usize> ToWire<Opaque<MAX>> for &[u8] {
    fn to_wire(self) -> Opaque<MAX> {
        Opaque(self.to_vec())
    }
}

impl<const MAX: usize> ToWire<List<String, MAX>> for &[&str] {
    fn to_wire(self) -> List<String, MAX> {
        self.iter().map(|text| (*text).to_owned()).collect()
    }
}

impl<T> FromReply<T> for T {
    fn from_reply(_: &Connection, reply: T) -> T {
        reply
    }
}

impl FromReply<i32> for bool {
    fn from_reply(_: &Connection, reply: i32) -> bool {
        reply != 0
    }
}

impl<T, U: FromReply<T>, const MAX: usize> FromReply<List<T, MAX>> for Vec<U> {
    fn from_reply(connection: &Connection, reply: List<T, MAX>) -> Self {
        reply.into_iter().map(|one| U::from_reply(connection, one)).collect()
    }
}

impl<const MAX: usize> FromReply<Opaque<MAX>> for Vec<u8> {
    fn from_reply(_: &Connection, reply: Opaque<MAX>) -> Self {
        reply.0
    }
}

/// Lists of what goes over the wire as it is.
macro_rules! plain {
    ($($type:ty),*) => {$(
        impl<const MAX: usize> ToWire<List<$type, MAX>> for &[$type] {
            fn to_wire(self) -> List<$type, MAX> {
                List(self.to_vec())
            }
        }
    )*};
}

plain!(TypedParam, u32, u64);

/// Replies that are nothing but a list, with its length or without.
macro_rules! lists {
    ($($reply:ident.$list:ident: $type:ty;)*) => {$(
        impl<U: FromReply<$type>> FromReply<$reply> for Vec<U> {
            fn from_reply(connection: &Connection, reply: $reply) -> Self {
                FromReply::from_reply(connection, reply.$list)
            }
        }
    )*};
}

lists! {
    ConnectGetCpuModelNamesReply.models: String;
    NodeGetCpuStatsReply.params: NodeGetCpuStats;
    NodeGetMemoryStatsReply.params: NodeGetMemoryStats;
    NodeGetMemoryParametersReply.params: TypedParam;
    NodeGetSevInfoReply.params: TypedParam;
    ConnectListAllDomainsReply.domains: DomainRef;
    DomainGetMemoryParametersReply.params: TypedParam;
    DomainGetBlkioParametersReply.params: TypedParam;
    DomainGetNumaParametersReply.params: TypedParam;
    DomainGetInterfaceParametersReply.params: TypedParam;
    DomainGetSecurityLabelListReply.labels: DomainGetSecurityLabelReply;
    DomainGetIothreadInfoReply.info: DomainIothreadInfo;
    DomainBlockStatsFlagsReply.params: TypedParam;
    DomainGetBlockIoTuneReply.params: TypedParam;
    DomainGetDiskErrorsReply.errors: DomainDiskError;
    DomainGetFsinfoReply.info: DomainFsinfo;
    DomainListAllSnapshotsReply.snapshots: DomainSnapshotRef;
    DomainSnapshotListAllChildrenReply.snapshots: DomainSnapshotRef;
    DomainListAllCheckpointsReply.checkpoints: DomainCheckpointRef;
    DomainCheckpointListAllChildrenReply.checkpoints: DomainCheckpointRef;
    ConnectListAllNetworksReply.nets: NetworkRef;
    NetworkGetDhcpLeasesReply.leases: NetworkDhcpLease;
    NetworkListAllPortsReply.ports: NetworkPortRef;
    NetworkPortGetParametersReply.params: TypedParam;
    ConnectListAllInterfacesReply.ifaces: InterfaceRef;
    ConnectListAllStoragePoolsReply.pools: StoragePoolRef;
    StoragePoolListAllVolumesReply.vols: StorageVolRef;
    ConnectListAllNodeDevicesReply.devices: NodeDeviceRef;
    ConnectListAllNwfiltersReply.filters: NwfilterRef;
    ConnectListAllNwfilterBindingsReply.bindings: NwfilterBindingRef;
    ConnectListAllSecretsReply.secrets: SecretRef;
    ConnectListServersReply.servers: ServerRef;
    ServerListClientsReply.clients: ClientRef;
}

/// The descriptor that came with a reply.
pub(crate) fn only(files: Vec<OwnedFd>) -> Result<OwnedFd> {
    files.into_iter().next().ok_or_else(|| {
        Error::new(ErrorDomain::REMOTE, ErrorCode::INTERNAL_ERROR, "no file descriptor received")
    })
}
