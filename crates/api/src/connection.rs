//! The hypervisor: what it is and can do.

use virtus_xdr::{List, record};

use crate::macros::driver;

driver! {
    program REMOTE; via hypervisor; errors DOMAIN;
    /// The hypervisor: what it is and can do.
    pub trait Connections {
        #[call(3, virConnectGetType, high, [connect.getattr])]
        fn connect_get_type() -> String;
        #[call(4, virConnectGetVersion, high, [connect.getattr])]
        fn connect_get_version() -> u64;
        #[call(5, virConnectGetMaxVcpus, high, [connect.read])]
        fn connect_get_max_vcpus(kind: Option<String>) -> i32;
        #[call(7, virConnectGetCapabilities, low, [connect.read])]
        fn connect_get_capabilities() -> String;
        #[call(59, virConnectGetHostname, high, [connect.getattr])]
        fn connect_get_hostname() -> String;
        #[call(110, virConnectGetURI, high, [connect.getattr])]
        fn connect_get_uri() -> String;
        #[call(157, virConnectGetLibVersion, high, [connect.getattr])]
        fn connect_get_lib_version() -> u64;
        #[call(158, virConnectCompareCPU, high, [connect.read])]
        fn connect_compare_cpu(xml: String, flags: u32) -> i32;
        #[call(162, virConnectBaselineCPU, low, [connect.read])]
        fn connect_baseline_cpu(xml_cpus: List<String, 256>, flags: u32) -> String;
        #[call(203, virConnectGetSysinfo, high, [connect.read])]
        fn connect_get_sysinfo(flags: u32) -> String;
        #[call(312, virConnectGetCPUModelNames, low, [connect.read])]
        fn connect_get_cpu_model_names(arch: String, need_results: i32, flags: u32) -> ConnectGetCpuModelNamesReply;
        #[call(342, virConnectGetDomainCapabilities, low, [connect.write])]
        fn connect_get_domain_capabilities(emulatorbin: Option<String>, arch: Option<String>, machine: Option<String>, virttype: Option<String>, flags: u32) -> String;
        #[call(393, virConnectCompareHypervisorCPU, low, [connect.write])]
        fn connect_compare_hypervisor_cpu(emulator: Option<String>, arch: Option<String>, machine: Option<String>, virttype: Option<String>, xml_cpu: String, flags: u32) -> i32;
        #[call(394, virConnectBaselineHypervisorCPU, low, [connect.write])]
        fn connect_baseline_hypervisor_cpu(emulator: Option<String>, arch: Option<String>, machine: Option<String>, virttype: Option<String>, xml_cpus: List<String, 256>, flags: u32) -> String;
    }
}

record! {
    /// `remote_connect_get_cpu_model_names_ret`.
    pub struct ConnectGetCpuModelNamesReply {
        #[allow(missing_docs)]
        pub models: List<String, 8_192>,
        #[allow(missing_docs)]
        pub ret: i32,
    }
}
