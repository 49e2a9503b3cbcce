//! Constants of `libvirt-host.h`.

use crate::macros::constants;

constants! {
    virConnectBaselineCPUFlags: u32 {
        VIR_CONNECT_BASELINE_CPU_EXPAND_FEATURES = 1,
        VIR_CONNECT_BASELINE_CPU_MIGRATABLE = 2,
    }
    virConnectCompareCPUFlags: u32 {
        VIR_CONNECT_COMPARE_CPU_FAIL_INCOMPATIBLE = 1,
        VIR_CONNECT_COMPARE_CPU_VALIDATE_XML = 2,
    }
    virConnectFlags: u32 {
        VIR_CONNECT_NO_ALIASES = 2,
        VIR_CONNECT_RO = 1,
    }
    virCPUCompareResult: i32 {
        VIR_CPU_COMPARE_ERROR = -1,
        VIR_CPU_COMPARE_IDENTICAL = 1,
        VIR_CPU_COMPARE_INCOMPATIBLE = 0,
        VIR_CPU_COMPARE_LAST = 3,
        VIR_CPU_COMPARE_SUPERSET = 2,
    }
    virConnectCredentialType: i32 {
        VIR_CRED_AUTHNAME = 2,
        VIR_CRED_CNONCE = 4,
        VIR_CRED_ECHOPROMPT = 6,
        VIR_CRED_EXTERNAL = 9,
        VIR_CRED_LANGUAGE = 3,
        VIR_CRED_LAST = 10,
        VIR_CRED_NOECHOPROMPT = 7,
        VIR_CRED_PASSPHRASE = 5,
        VIR_CRED_REALM = 8,
        VIR_CRED_USERNAME = 1,
    }
    virNodeAllocPagesFlags: u32 {
        VIR_NODE_ALLOC_PAGES_ADD = 0,
        VIR_NODE_ALLOC_PAGES_SET = 1,
    }
    virNodeGetCPUStatsAllCPUs: i32 {
        VIR_NODE_CPU_STATS_ALL_CPUS = -1,
    }
    virNodeGetMemoryStatsAllCells: i32 {
        VIR_NODE_MEMORY_STATS_ALL_CELLS = -1,
    }
    virNodeSuspendTarget: i32 {
        VIR_NODE_SUSPEND_TARGET_DISK = 1,
        VIR_NODE_SUSPEND_TARGET_HYBRID = 2,
        VIR_NODE_SUSPEND_TARGET_LAST = 3,
        VIR_NODE_SUSPEND_TARGET_MEM = 0,
    }
}
