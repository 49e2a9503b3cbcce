//! What calls are given and return beside objects, numbers and text.

pub use virtus_api::admin::{
    ConnectGetLoggingFiltersReply, ConnectGetLoggingOutputsReply, ConnectListServersReply,
    ServerListClientsReply,
};
pub use virtus_api::connection::ConnectGetCpuModelNamesReply;
pub use virtus_api::domain::agent::{
    DomainFsinfo, DomainGetFsinfoReply, DomainGetTimeReply, DomainInterface, DomainIpAddr,
};
pub use virtus_api::domain::block::{
    DomainDiskError, DomainGetBlockInfoReply, DomainGetBlockIoTuneReply, DomainGetBlockJobInfoReply,
    DomainGetDiskErrorsReply,
};
pub use virtus_api::domain::checkpoint::{
    DomainCheckpointListAllChildrenReply, DomainListAllCheckpointsReply,
};
pub use virtus_api::domain::info::{
    ConnectListAllDomainsReply, DomainGetControlInfoReply, DomainGetInfoReply, DomainGetStateReply,
};
pub use virtus_api::domain::job::{DomainGetJobInfoReply, DomainGetJobStatsReply};
pub use virtus_api::domain::migration::{
    DomainMigrateBegin3ParamsReply, DomainMigrateBegin3Reply, DomainMigrateFinish3ParamsReply,
    DomainMigrateFinish3Reply, DomainMigratePrepare2Reply, DomainMigratePrepare3ParamsReply,
    DomainMigratePrepare3Reply, DomainMigratePrepareReply,
};
pub use virtus_api::domain::snapshot::{DomainListAllSnapshotsReply, DomainSnapshotListAllChildrenReply};
pub use virtus_api::domain::stats::{
    DomainBlockStatsFlagsReply, DomainBlockStatsReply, DomainGetCpuStatsReply, DomainInterfaceStatsReply,
    DomainMemoryStat, DomainStatsRecord,
};
pub use virtus_api::domain::tuning::{
    DomainGetBlkioParametersReply, DomainGetEmulatorPinInfoReply, DomainGetInterfaceParametersReply,
    DomainGetIothreadInfoReply, DomainGetMemoryParametersReply, DomainGetNumaParametersReply,
    DomainGetSchedulerTypeReply, DomainGetSecurityLabelListReply, DomainGetSecurityLabelReply,
    DomainGetVcpuPinInfoReply, DomainGetVcpusReply, DomainIothreadInfo, VcpuInfo,
};
pub use virtus_api::event::{DomainEventGraphicsAddress, DomainEventGraphicsIdentity};
pub use virtus_api::interface::ConnectListAllInterfacesReply;
pub use virtus_api::network::{
    ConnectListAllNetworksReply, NetworkDhcpLease, NetworkGetDhcpLeasesReply, NetworkListAllPortsReply,
    NetworkPortGetParametersReply,
};
pub use virtus_api::node::{
    NodeGetCpuMapReply, NodeGetCpuStats, NodeGetCpuStatsReply, NodeGetInfoReply,
    NodeGetMemoryParametersReply, NodeGetMemoryStats, NodeGetMemoryStatsReply, NodeGetSecurityModelReply,
    NodeGetSevInfoReply,
};
pub use virtus_api::nodedev::ConnectListAllNodeDevicesReply;
pub use virtus_api::nwfilter::{ConnectListAllNwfilterBindingsReply, ConnectListAllNwfiltersReply};
pub use virtus_api::secret::ConnectListAllSecretsReply;
pub use virtus_api::storage::pool::{
    ConnectListAllStoragePoolsReply, StoragePoolGetInfoReply, StoragePoolListAllVolumesReply,
};
pub use virtus_api::storage::volume::{StorageVolGetInfoFlagsReply, StorageVolGetInfoReply};
