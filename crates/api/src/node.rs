//! The host: its processors and memory.

use virtus_base::TypedParam;
use virtus_xdr::{CharArray, Chars, List, Opaque, record};

use crate::macros::driver;

driver! {
    program REMOTE; via hypervisor; errors DOMAIN;
    /// The host: its processors and memory.
    pub trait Node {
        #[call(6, virNodeGetInfo, high, [connect.read])]
        fn node_get_info() -> NodeGetInfoReply;
        #[call(101, virNodeGetCellsFreeMemory, high, [connect.read])]
        fn node_get_cells_free_memory(start_cell: i32, maxcells: i32) -> List<u64, 1_024>;
        #[call(102, virNodeGetFreeMemory, high, [connect.read])]
        fn node_get_free_memory() -> u64;
        #[call(122, virNodeGetSecurityModel, high, [connect.read])]
        fn node_get_security_model() -> NodeGetSecurityModelReply;
        #[call(227, virNodeGetCPUStats, high, [connect.read])]
        fn node_get_cpu_stats(cpu_num: i32, nparams: i32, flags: u32) -> NodeGetCpuStatsReply;
        #[call(228, virNodeGetMemoryStats, high, [connect.read])]
        fn node_get_memory_stats(nparams: i32, cell_num: i32, flags: u32) -> NodeGetMemoryStatsReply;
        #[call(250, virNodeSuspendForDuration, low, [connect.pm_control])]
        fn node_suspend_for_duration(target: u32, duration: u64, flags: u32);
        #[call(288, virNodeSetMemoryParameters, low, [connect.write])]
        fn node_set_memory_parameters(params: List<TypedParam, 64>, flags: u32);
        #[call(289, virNodeGetMemoryParameters, low, [connect.read])]
        fn node_get_memory_parameters(nparams: i32, flags: u32) -> NodeGetMemoryParametersReply;
        #[call(293, virNodeGetCPUMap, low, [connect.read])]
        fn node_get_cpu_map(need_map: i32, need_online: i32, flags: u32) -> NodeGetCpuMapReply;
        #[call(340, virNodeGetFreePages, high, [connect.read])]
        fn node_get_free_pages(pages: List<u32, 1_024>, start_cell: i32, cell_count: u32, flags: u32) -> List<u64, 1_024>;
        #[call(347, virNodeAllocPages, low, [connect.write])]
        fn node_alloc_pages(page_sizes: List<u32, 1_024>, page_counts: List<u64, 1_024>, start_cell: i32, cell_count: u32, flags: u32) -> i32;
        #[call(395, virNodeGetSEVInfo, low, [connect.read], rw)]
        fn node_get_sev_info(nparams: i32, flags: u32) -> NodeGetSevInfoReply;
    }
}

record! {
    /// `remote_node_get_info_ret`.
    pub struct NodeGetInfoReply {
        #[allow(missing_docs)]
        pub model: CharArray<32>,
        #[allow(missing_docs)]
        pub memory: u64,
        #[allow(missing_docs)]
        pub cpus: i32,
        #[allow(missing_docs)]
        pub mhz: i32,
        #[allow(missing_docs)]
        pub nodes: i32,
        #[allow(missing_docs)]
        pub sockets: i32,
        #[allow(missing_docs)]
        pub cores: i32,
        #[allow(missing_docs)]
        pub threads: i32,
    }
    /// `remote_node_get_security_model_ret`.
    pub struct NodeGetSecurityModelReply {
        #[allow(missing_docs)]
        pub model: Chars<257>,
        #[allow(missing_docs)]
        pub doi: Chars<257>,
    }
    /// `remote_node_get_cpu_stats`.
    pub struct NodeGetCpuStats {
        #[allow(missing_docs)]
        pub field: String,
        #[allow(missing_docs)]
        pub value: u64,
    }
    /// `remote_node_get_cpu_stats_ret`.
    pub struct NodeGetCpuStatsReply {
        #[allow(missing_docs)]
        pub params: List<NodeGetCpuStats, 16>,
        #[allow(missing_docs)]
        pub nparams: i32,
    }
    /// `remote_node_get_memory_stats`.
    pub struct NodeGetMemoryStats {
        #[allow(missing_docs)]
        pub field: String,
        #[allow(missing_docs)]
        pub value: u64,
    }
    /// `remote_node_get_memory_stats_ret`.
    pub struct NodeGetMemoryStatsReply {
        #[allow(missing_docs)]
        pub params: List<NodeGetMemoryStats, 16>,
        #[allow(missing_docs)]
        pub nparams: i32,
    }
    /// `remote_node_get_memory_parameters_ret`.
    pub struct NodeGetMemoryParametersReply {
        #[allow(missing_docs)]
        pub params: List<TypedParam, 64>,
        #[allow(missing_docs)]
        pub nparams: i32,
    }
    /// `remote_node_get_cpu_map_ret`.
    pub struct NodeGetCpuMapReply {
        #[allow(missing_docs)]
        pub cpumap: Opaque<2_048>,
        #[allow(missing_docs)]
        pub online: u32,
        #[allow(missing_docs)]
        pub ret: i32,
    }
    /// `remote_node_get_sev_info_ret`.
    pub struct NodeGetSevInfoReply {
        #[allow(missing_docs)]
        pub params: List<TypedParam, 64>,
        #[allow(missing_docs)]
        pub nparams: i32,
    }
}
