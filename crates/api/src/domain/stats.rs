//! Figures of domains.

use virtus_base::TypedParam;
use virtus_xdr::{List, Opaque, record};

use crate::DomainRef;
use crate::constants::{VIR_DOMAIN_AFFECT_CONFIG, VIR_DOMAIN_AFFECT_LIVE};
use crate::macros::driver;

driver! {
    program REMOTE; via hypervisor; errors DOMAIN;
    /// Figures of domains.
    pub trait DomainStats {
        #[call(64, virDomainBlockStats, low, [domain.read])]
        fn domain_block_stats(dom: DomainRef, path: String) -> DomainBlockStatsReply;
        #[call(65, virDomainInterfaceStats, high, [domain.read])]
        fn domain_interface_stats(dom: DomainRef, device: String) -> DomainInterfaceStatsReply;
        #[call(104, virDomainMemoryPeek, low, [domain.mem_read])]
        fn domain_memory_peek(dom: DomainRef, offset: u64, size: u32, flags: u32) -> Opaque<4_194_304>;
        #[call(159, virDomainMemoryStats, low, [domain.read])]
        fn domain_memory_stats(dom: DomainRef, max_stats: u32, flags: u32) -> List<DomainMemoryStat, 1_024>;
        #[call(243, virDomainBlockStatsFlags, low, [domain.read])]
        fn domain_block_stats_flags(dom: DomainRef, path: String, nparams: i32, flags: u32) -> DomainBlockStatsFlagsReply;
        #[call(262, virDomainGetCPUStats, low, [domain.read])]
        fn domain_get_cpu_stats(dom: DomainRef, nparams: u32, start_cpu: i32, ncpus: u32, flags: u32) -> DomainGetCpuStatsReply;
        #[call(308, virDomainSetMemoryStatsPeriod, low, [domain.write, domain.save if flags & (VIR_DOMAIN_AFFECT_CONFIG | VIR_DOMAIN_AFFECT_LIVE) == 0, domain.save if flags & VIR_DOMAIN_AFFECT_CONFIG != 0])]
        fn domain_set_memory_stats_period(dom: DomainRef, period: i32, flags: u32);
        #[call(344, virConnectGetAllDomainStats, low, [connect.search_domains])]
        fn connect_get_all_domain_stats(doms: List<DomainRef, 16_384>, stats: u32, flags: u32) -> List<DomainStatsRecord, 16_384>;
        #[call(426, virDomainGetMessages, low, [domain.read])]
        fn domain_get_messages(dom: DomainRef, flags: u32) -> List<String, 2_048>;
        #[call(427, virDomainStartDirtyRateCalc, low, [domain.write])]
        fn domain_start_dirty_rate_calc(dom: DomainRef, seconds: i32, flags: u32);
    }
}

record! {
    /// `remote_domain_block_stats_ret`.
    pub struct DomainBlockStatsReply {
        #[allow(missing_docs)]
        pub rd_req: i64,
        #[allow(missing_docs)]
        pub rd_bytes: i64,
        #[allow(missing_docs)]
        pub wr_req: i64,
        #[allow(missing_docs)]
        pub wr_bytes: i64,
        #[allow(missing_docs)]
        pub errs: i64,
    }
    /// `remote_domain_interface_stats_ret`.
    pub struct DomainInterfaceStatsReply {
        #[allow(missing_docs)]
        pub rx_bytes: i64,
        #[allow(missing_docs)]
        pub rx_packets: i64,
        #[allow(missing_docs)]
        pub rx_errs: i64,
        #[allow(missing_docs)]
        pub rx_drop: i64,
        #[allow(missing_docs)]
        pub tx_bytes: i64,
        #[allow(missing_docs)]
        pub tx_packets: i64,
        #[allow(missing_docs)]
        pub tx_errs: i64,
        #[allow(missing_docs)]
        pub tx_drop: i64,
    }
    /// `remote_domain_memory_stat`.
    pub struct DomainMemoryStat {
        #[allow(missing_docs)]
        pub tag: i32,
        #[allow(missing_docs)]
        pub val: u64,
    }
    /// `remote_domain_block_stats_flags_ret`.
    pub struct DomainBlockStatsFlagsReply {
        #[allow(missing_docs)]
        pub params: List<TypedParam, 16>,
        #[allow(missing_docs)]
        pub nparams: i32,
    }
    /// `remote_domain_get_cpu_stats_ret`.
    pub struct DomainGetCpuStatsReply {
        #[allow(missing_docs)]
        pub params: List<TypedParam, 2_048>,
        #[allow(missing_docs)]
        pub nparams: i32,
    }
    /// `remote_domain_stats_record`.
    pub struct DomainStatsRecord {
        #[allow(missing_docs)]
        pub dom: DomainRef,
        #[allow(missing_docs)]
        pub params: List<TypedParam, 262_144>,
    }
}
