//! Jobs of domains: what runs, and stopping it; backups.

use virtus_base::TypedParam;
use virtus_xdr::{List, record};

use crate::DomainRef;
use crate::macros::driver;

driver! {
    program REMOTE; via hypervisor; errors DOMAIN;
    /// Jobs of domains: what runs, and stopping it; backups.
    pub trait DomainJobs {
        #[call(163, virDomainGetJobInfo, low, [domain.read])]
        fn domain_get_job_info(dom: DomainRef) -> DomainGetJobInfoReply;
        #[call(164, virDomainAbortJob, low, [domain.write])]
        fn domain_abort_job(dom: DomainRef);
        #[call(298, virDomainGetJobStats, low, [domain.read])]
        fn domain_get_job_stats(dom: DomainRef, flags: u32) -> DomainGetJobStatsReply;
        #[call(421, virDomainBackupBegin, low, [domain.checkpoint, domain.block_write])]
        fn domain_backup_begin(dom: DomainRef, backup_xml: String, checkpoint_xml: Option<String>, flags: u32);
        #[call(422, virDomainBackupGetXMLDesc, high, [domain.read])]
        fn domain_backup_get_xml_desc(dom: DomainRef, flags: u32) -> String;
        #[call(442, virDomainAbortJobFlags, low, [domain.write])]
        fn domain_abort_job_flags(dom: DomainRef, flags: u32);
    }
}

record! {
    /// `remote_domain_get_job_info_ret`.
    pub struct DomainGetJobInfoReply {
        #[allow(missing_docs)]
        pub kind: i32,
        #[allow(missing_docs)]
        pub time_elapsed: u64,
        #[allow(missing_docs)]
        pub time_remaining: u64,
        #[allow(missing_docs)]
        pub data_total: u64,
        #[allow(missing_docs)]
        pub data_processed: u64,
        #[allow(missing_docs)]
        pub data_remaining: u64,
        #[allow(missing_docs)]
        pub mem_total: u64,
        #[allow(missing_docs)]
        pub mem_processed: u64,
        #[allow(missing_docs)]
        pub mem_remaining: u64,
        #[allow(missing_docs)]
        pub file_total: u64,
        #[allow(missing_docs)]
        pub file_processed: u64,
        #[allow(missing_docs)]
        pub file_remaining: u64,
    }
    /// `remote_domain_get_job_stats_ret`.
    pub struct DomainGetJobStatsReply {
        #[allow(missing_docs)]
        pub kind: i32,
        #[allow(missing_docs)]
        pub params: List<TypedParam, 64>,
    }
}
