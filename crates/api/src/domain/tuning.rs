//! Memory, processors and the limits of domains.

use virtus_base::TypedParam;
use virtus_xdr::{Chars, List, Opaque, record};

use crate::DomainRef;
use crate::constants::{VIR_DOMAIN_AFFECT_CONFIG, VIR_DOMAIN_AFFECT_LIVE, VIR_DOMAIN_VCPU_GUEST};
use crate::macros::driver;

driver! {
    program REMOTE; via hypervisor; errors DOMAIN;
    /// Memory, processors and the limits of domains.
    pub trait DomainTuning {
        #[call(17, virDomainGetMaxMemory, high, [domain.read])]
        fn domain_get_max_memory(dom: DomainRef) -> u64;
        #[call(18, virDomainGetMaxVcpus, high, [domain.read])]
        fn domain_get_max_vcpus(dom: DomainRef) -> i32;
        #[call(20, virDomainGetVcpus, high, [domain.read])]
        fn domain_get_vcpus(dom: DomainRef, maxinfo: i32, maplen: i32) -> DomainGetVcpusReply;
        #[call(26, virDomainPinVcpu, low, [domain.write])]
        fn domain_pin_vcpu(dom: DomainRef, vcpu: u32, cpumap: Opaque<2_048>);
        #[call(30, virDomainSetMaxMemory, high, [domain.write])]
        fn domain_set_max_memory(dom: DomainRef, memory: u64);
        #[call(31, virDomainSetMemory, low, [domain.write])]
        fn domain_set_memory(dom: DomainRef, memory: u64);
        #[call(32, virDomainSetVcpus, low, [domain.write])]
        fn domain_set_vcpus(dom: DomainRef, nvcpus: u32);
        #[call(56, virDomainGetSchedulerType, low, [domain.read])]
        fn domain_get_scheduler_type(dom: DomainRef) -> DomainGetSchedulerTypeReply;
        #[call(57, virDomainGetSchedulerParameters, low, [domain.read])]
        fn domain_get_scheduler_parameters(dom: DomainRef, nparams: i32) -> List<TypedParam, 16>;
        #[call(58, virDomainSetSchedulerParameters, low, [domain.write, domain.save])]
        fn domain_set_scheduler_parameters(dom: DomainRef, params: List<TypedParam, 16>);
        #[call(121, virDomainGetSecurityLabel, high, [domain.read])]
        fn domain_get_security_label(dom: DomainRef) -> DomainGetSecurityLabelReply;
        #[call(197, virDomainSetMemoryParameters, low, [domain.write, domain.save if flags & (VIR_DOMAIN_AFFECT_CONFIG | VIR_DOMAIN_AFFECT_LIVE) == 0, domain.save if flags & VIR_DOMAIN_AFFECT_CONFIG != 0])]
        fn domain_set_memory_parameters(dom: DomainRef, params: List<TypedParam, 16>, flags: u32);
        #[call(198, virDomainGetMemoryParameters, low, [domain.read])]
        fn domain_get_memory_parameters(dom: DomainRef, nparams: i32, flags: u32) -> DomainGetMemoryParametersReply;
        #[call(199, virDomainSetVcpusFlags, low, [domain.write, domain.save if flags & (VIR_DOMAIN_AFFECT_CONFIG | VIR_DOMAIN_AFFECT_LIVE) == 0, domain.save if flags & VIR_DOMAIN_AFFECT_CONFIG != 0, domain.write if flags & VIR_DOMAIN_VCPU_GUEST != 0])]
        fn domain_set_vcpus_flags(dom: DomainRef, nvcpus: u32, flags: u32);
        #[call(200, virDomainGetVcpusFlags, low, [domain.read, domain.write if flags & VIR_DOMAIN_VCPU_GUEST != 0])]
        fn domain_get_vcpus_flags(dom: DomainRef, flags: u32) -> i32;
        #[call(204, virDomainSetMemoryFlags, low, [domain.write, domain.save if flags & (VIR_DOMAIN_AFFECT_CONFIG | VIR_DOMAIN_AFFECT_LIVE) == 0, domain.save if flags & VIR_DOMAIN_AFFECT_CONFIG != 0])]
        fn domain_set_memory_flags(dom: DomainRef, memory: u64, flags: u32);
        #[call(205, virDomainSetBlkioParameters, low, [domain.write, domain.save if flags & (VIR_DOMAIN_AFFECT_CONFIG | VIR_DOMAIN_AFFECT_LIVE) == 0, domain.save if flags & VIR_DOMAIN_AFFECT_CONFIG != 0])]
        fn domain_set_blkio_parameters(dom: DomainRef, params: List<TypedParam, 16>, flags: u32);
        #[call(206, virDomainGetBlkioParameters, low, [domain.read])]
        fn domain_get_blkio_parameters(dom: DomainRef, nparams: i32, flags: u32) -> DomainGetBlkioParametersReply;
        #[call(219, virDomainSetSchedulerParametersFlags, low, [domain.write, domain.save if flags & (VIR_DOMAIN_AFFECT_CONFIG | VIR_DOMAIN_AFFECT_LIVE) == 0, domain.save if flags & VIR_DOMAIN_AFFECT_CONFIG != 0])]
        fn domain_set_scheduler_parameters_flags(dom: DomainRef, params: List<TypedParam, 16>, flags: u32);
        #[call(223, virDomainGetSchedulerParametersFlags, low, [domain.read])]
        fn domain_get_scheduler_parameters_flags(dom: DomainRef, nparams: i32, flags: u32) -> List<TypedParam, 16>;
        #[call(225, virDomainPinVcpuFlags, low, [domain.write, domain.save if flags & (VIR_DOMAIN_AFFECT_CONFIG | VIR_DOMAIN_AFFECT_LIVE) == 0, domain.save if flags & VIR_DOMAIN_AFFECT_CONFIG != 0])]
        fn domain_pin_vcpu_flags(dom: DomainRef, vcpu: u32, cpumap: Opaque<2_048>, flags: u32);
        #[call(230, virDomainGetVcpuPinInfo, low, [domain.read])]
        fn domain_get_vcpu_pin_info(dom: DomainRef, ncpumaps: i32, maplen: i32, flags: u32) -> DomainGetVcpuPinInfoReply;
        #[call(254, virDomainSetNumaParameters, low, [domain.write, domain.save if flags & (VIR_DOMAIN_AFFECT_CONFIG | VIR_DOMAIN_AFFECT_LIVE) == 0, domain.save if flags & VIR_DOMAIN_AFFECT_CONFIG != 0])]
        fn domain_set_numa_parameters(dom: DomainRef, params: List<TypedParam, 16>, flags: u32);
        #[call(255, virDomainGetNumaParameters, low, [domain.read])]
        fn domain_get_numa_parameters(dom: DomainRef, nparams: i32, flags: u32) -> DomainGetNumaParametersReply;
        #[call(256, virDomainSetInterfaceParameters, low, [domain.write, domain.save if flags & (VIR_DOMAIN_AFFECT_CONFIG | VIR_DOMAIN_AFFECT_LIVE) == 0, domain.save if flags & VIR_DOMAIN_AFFECT_CONFIG != 0])]
        fn domain_set_interface_parameters(dom: DomainRef, device: String, params: List<TypedParam, 16>, flags: u32);
        #[call(257, virDomainGetInterfaceParameters, low, [domain.read])]
        fn domain_get_interface_parameters(dom: DomainRef, device: String, nparams: i32, flags: u32) -> DomainGetInterfaceParametersReply;
        #[call(278, virDomainGetSecurityLabelList, high, [domain.read])]
        fn domain_get_security_label_list(dom: DomainRef) -> DomainGetSecurityLabelListReply;
        #[call(279, virDomainPinEmulator, low, [domain.write, domain.save if flags & (VIR_DOMAIN_AFFECT_CONFIG | VIR_DOMAIN_AFFECT_LIVE) == 0, domain.save if flags & VIR_DOMAIN_AFFECT_CONFIG != 0])]
        fn domain_pin_emulator(dom: DomainRef, cpumap: Opaque<2_048>, flags: u32);
        #[call(280, virDomainGetEmulatorPinInfo, low, [domain.read])]
        fn domain_get_emulator_pin_info(dom: DomainRef, maplen: i32, flags: u32) -> DomainGetEmulatorPinInfoReply;
        #[call(351, virDomainGetIOThreadInfo, low, [domain.read])]
        fn domain_get_iothread_info(dom: DomainRef, flags: u32) -> DomainGetIothreadInfoReply;
        #[call(352, virDomainPinIOThread, low, [domain.write, domain.save if flags & (VIR_DOMAIN_AFFECT_CONFIG | VIR_DOMAIN_AFFECT_LIVE) == 0, domain.save if flags & VIR_DOMAIN_AFFECT_CONFIG != 0])]
        fn domain_pin_iothread(dom: DomainRef, iothreads_id: u32, cpumap: Opaque<2_048>, flags: u32);
        #[call(355, virDomainAddIOThread, low, [domain.write, domain.save if flags & (VIR_DOMAIN_AFFECT_CONFIG | VIR_DOMAIN_AFFECT_LIVE) == 0, domain.save if flags & VIR_DOMAIN_AFFECT_CONFIG != 0])]
        fn domain_add_iothread(dom: DomainRef, iothread_id: u32, flags: u32);
        #[call(356, virDomainDelIOThread, low, [domain.write, domain.save if flags & (VIR_DOMAIN_AFFECT_CONFIG | VIR_DOMAIN_AFFECT_LIVE) == 0, domain.save if flags & VIR_DOMAIN_AFFECT_CONFIG != 0])]
        fn domain_del_iothread(dom: DomainRef, iothread_id: u32, flags: u32);
        #[call(365, virDomainGetPerfEvents, low, [domain.read])]
        fn domain_get_perf_events(dom: DomainRef, flags: u32) -> List<TypedParam, 64>;
        #[call(366, virDomainSetPerfEvents, low, [domain.write])]
        fn domain_set_perf_events(dom: DomainRef, params: List<TypedParam, 64>, flags: u32);
        #[call(384, virDomainSetVcpu, low, [domain.write, domain.save if flags & (VIR_DOMAIN_AFFECT_CONFIG | VIR_DOMAIN_AFFECT_LIVE) == 0, domain.save if flags & VIR_DOMAIN_AFFECT_CONFIG != 0])]
        fn domain_set_vcpu(dom: DomainRef, cpumap: String, state: i32, flags: u32);
        #[call(402, virDomainSetIOThreadParams, low, [domain.write, domain.save if flags & (VIR_DOMAIN_AFFECT_CONFIG | VIR_DOMAIN_AFFECT_LIVE) == 0, domain.save if flags & VIR_DOMAIN_AFFECT_CONFIG != 0])]
        fn domain_set_iothread_params(dom: DomainRef, iothread_id: u32, params: List<TypedParam, 64>, flags: u32);
        #[call(451, virDomainSetThrottleGroup, low, [domain.write, domain.save if flags & (VIR_DOMAIN_AFFECT_CONFIG | VIR_DOMAIN_AFFECT_LIVE) == 0, domain.save if flags & VIR_DOMAIN_AFFECT_CONFIG != 0])]
        fn domain_set_throttle_group(dom: DomainRef, group: String, params: List<TypedParam, 32>, flags: u32);
        #[call(452, virDomainDelThrottleGroup, low, [domain.write, domain.save if flags & (VIR_DOMAIN_AFFECT_CONFIG | VIR_DOMAIN_AFFECT_LIVE) == 0, domain.save if flags & VIR_DOMAIN_AFFECT_CONFIG != 0])]
        fn domain_del_throttle_group(dom: DomainRef, group: Option<String>, flags: u32);
    }
}

record! {
    /// `remote_vcpu_info`.
    pub struct VcpuInfo {
        #[allow(missing_docs)]
        pub number: u32,
        #[allow(missing_docs)]
        pub state: i32,
        #[allow(missing_docs)]
        pub cpu_time: u64,
        #[allow(missing_docs)]
        pub cpu: i32,
    }
    /// `remote_domain_get_vcpus_ret`.
    pub struct DomainGetVcpusReply {
        #[allow(missing_docs)]
        pub info: List<VcpuInfo, 16_384>,
        #[allow(missing_docs)]
        pub cpumaps: Opaque<8_388_608>,
    }
    /// `remote_domain_get_scheduler_type_ret`.
    pub struct DomainGetSchedulerTypeReply {
        #[allow(missing_docs)]
        pub kind: String,
        #[allow(missing_docs)]
        pub nparams: i32,
    }
    /// `remote_domain_get_security_label_ret`.
    pub struct DomainGetSecurityLabelReply {
        #[allow(missing_docs)]
        pub label: Chars<4_097>,
        #[allow(missing_docs)]
        pub enforcing: i32,
    }
    /// `remote_domain_get_memory_parameters_ret`.
    pub struct DomainGetMemoryParametersReply {
        #[allow(missing_docs)]
        pub params: List<TypedParam, 16>,
        #[allow(missing_docs)]
        pub nparams: i32,
    }
    /// `remote_domain_get_blkio_parameters_ret`.
    pub struct DomainGetBlkioParametersReply {
        #[allow(missing_docs)]
        pub params: List<TypedParam, 16>,
        #[allow(missing_docs)]
        pub nparams: i32,
    }
    /// `remote_domain_get_vcpu_pin_info_ret`.
    pub struct DomainGetVcpuPinInfoReply {
        #[allow(missing_docs)]
        pub cpumaps: Opaque<8_388_608>,
        #[allow(missing_docs)]
        pub num: i32,
    }
    /// `remote_domain_get_numa_parameters_ret`.
    pub struct DomainGetNumaParametersReply {
        #[allow(missing_docs)]
        pub params: List<TypedParam, 16>,
        #[allow(missing_docs)]
        pub nparams: i32,
    }
    /// `remote_domain_get_interface_parameters_ret`.
    pub struct DomainGetInterfaceParametersReply {
        #[allow(missing_docs)]
        pub params: List<TypedParam, 16>,
        #[allow(missing_docs)]
        pub nparams: i32,
    }
    /// `remote_domain_get_security_label_list_ret`.
    pub struct DomainGetSecurityLabelListReply {
        #[allow(missing_docs)]
        pub labels: List<DomainGetSecurityLabelReply, 64>,
        #[allow(missing_docs)]
        pub ret: i32,
    }
    /// `remote_domain_get_emulator_pin_info_ret`.
    pub struct DomainGetEmulatorPinInfoReply {
        #[allow(missing_docs)]
        pub cpumaps: Opaque<8_388_608>,
        #[allow(missing_docs)]
        pub ret: i32,
    }
    /// `remote_domain_iothread_info`.
    pub struct DomainIothreadInfo {
        #[allow(missing_docs)]
        pub iothread_id: u32,
        #[allow(missing_docs)]
        pub cpumap: Opaque<2_048>,
    }
    /// `remote_domain_get_iothread_info_ret`.
    pub struct DomainGetIothreadInfoReply {
        #[allow(missing_docs)]
        pub info: List<DomainIothreadInfo, 16_384>,
        #[allow(missing_docs)]
        pub ret: u32,
    }
}
