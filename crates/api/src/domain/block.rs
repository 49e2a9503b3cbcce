//! What can be done with a domain's disks while it runs.

use virtus_base::TypedParam;
use virtus_xdr::{List, Opaque, record};

use crate::DomainRef;
use crate::constants::{VIR_DOMAIN_AFFECT_CONFIG, VIR_DOMAIN_AFFECT_LIVE};
use crate::macros::driver;

driver! {
    program REMOTE; via hypervisor; errors DOMAIN;
    /// What can be done with a domain's disks while it runs.
    pub trait DomainBlock {
        #[call(103, virDomainBlockPeek, low, [domain.block_read])]
        fn domain_block_peek(dom: DomainRef, path: String, offset: u64, size: u32, flags: u32) -> Opaque<4_194_304>;
        #[call(194, virDomainGetBlockInfo, low, [domain.read])]
        fn domain_get_block_info(dom: DomainRef, path: String, flags: u32) -> DomainGetBlockInfoReply;
        #[call(237, virDomainBlockJobAbort, low, [domain.write])]
        fn domain_block_job_abort(dom: DomainRef, path: String, flags: u32);
        #[call(238, virDomainGetBlockJobInfo, low, [domain.read])]
        fn domain_get_block_job_info(dom: DomainRef, path: String, flags: u32) -> DomainGetBlockJobInfoReply;
        #[call(239, virDomainBlockJobSetSpeed, low, [domain.write])]
        fn domain_block_job_set_speed(dom: DomainRef, path: String, bandwidth: u64, flags: u32);
        #[call(240, virDomainBlockPull, low, [domain.block_write])]
        fn domain_block_pull(dom: DomainRef, path: String, bandwidth: u64, flags: u32);
        #[call(251, virDomainBlockResize, low, [domain.block_write])]
        fn domain_block_resize(dom: DomainRef, disk: String, size: u64, flags: u32);
        #[call(252, virDomainSetBlockIoTune, low, [domain.write, domain.save if flags & (VIR_DOMAIN_AFFECT_CONFIG | VIR_DOMAIN_AFFECT_LIVE) == 0, domain.save if flags & VIR_DOMAIN_AFFECT_CONFIG != 0])]
        fn domain_set_block_io_tune(dom: DomainRef, disk: String, params: List<TypedParam, 32>, flags: u32);
        #[call(253, virDomainGetBlockIoTune, low, [domain.read])]
        fn domain_get_block_io_tune(dom: DomainRef, disk: Option<String>, nparams: i32, flags: u32) -> DomainGetBlockIoTuneReply;
        #[call(263, virDomainGetDiskErrors, low, [domain.read])]
        fn domain_get_disk_errors(dom: DomainRef, maxerrors: u32, flags: u32) -> DomainGetDiskErrorsReply;
        #[call(266, virDomainBlockRebase, low, [domain.block_write])]
        fn domain_block_rebase(dom: DomainRef, path: String, base: Option<String>, bandwidth: u64, flags: u32);
        #[call(290, virDomainBlockCommit, low, [domain.block_write])]
        fn domain_block_commit(dom: DomainRef, disk: String, base: Option<String>, top: Option<String>, bandwidth: u64, flags: u32);
        #[call(345, virDomainBlockCopy, low, [domain.block_write])]
        fn domain_block_copy(dom: DomainRef, path: String, destxml: String, params: List<TypedParam, 16>, flags: u32);
        #[call(386, virDomainSetBlockThreshold, low, [domain.write])]
        fn domain_set_block_threshold(dom: DomainRef, dev: String, threshold: u64, flags: u32);
    }
}

record! {
    /// `remote_domain_get_block_info_ret`.
    pub struct DomainGetBlockInfoReply {
        #[allow(missing_docs)]
        pub allocation: u64,
        #[allow(missing_docs)]
        pub capacity: u64,
        #[allow(missing_docs)]
        pub physical: u64,
    }
    /// `remote_domain_get_block_job_info_ret`.
    pub struct DomainGetBlockJobInfoReply {
        #[allow(missing_docs)]
        pub found: i32,
        #[allow(missing_docs)]
        pub kind: i32,
        #[allow(missing_docs)]
        pub bandwidth: u64,
        #[allow(missing_docs)]
        pub cur: u64,
        #[allow(missing_docs)]
        pub end: u64,
    }
    /// `remote_domain_get_block_io_tune_ret`.
    pub struct DomainGetBlockIoTuneReply {
        #[allow(missing_docs)]
        pub params: List<TypedParam, 32>,
        #[allow(missing_docs)]
        pub nparams: i32,
    }
    /// `remote_domain_disk_error`.
    pub struct DomainDiskError {
        #[allow(missing_docs)]
        pub disk: String,
        #[allow(missing_docs)]
        pub error: i32,
    }
    /// `remote_domain_get_disk_errors_ret`.
    pub struct DomainGetDiskErrorsReply {
        #[allow(missing_docs)]
        pub errors: List<DomainDiskError, 256>,
        #[allow(missing_docs)]
        pub nerrors: i32,
    }
}
