//! Moving domains between hosts.

use virtus_base::TypedParam;
use virtus_xdr::{List, Opaque, record};

use crate::DomainRef;
use crate::macros::driver;

driver! {
    program REMOTE; via hypervisor; errors DOMAIN;
    /// Moving domains between hosts.
    pub trait DomainMigration {
        #[call(61, virDomainMigratePrepare, low, [domain.migrate, domain.start, domain.write])]
        fn domain_migrate_prepare(uri_in: Option<String>, flags: u64, dname: Option<String>, resource: u64) -> DomainMigratePrepareReply;
        #[call(62, virDomainMigratePerform, low, [domain.migrate])]
        fn domain_migrate_perform(dom: DomainRef, cookie: Opaque<4_194_304>, uri: String, flags: u64, dname: Option<String>, resource: u64);
        #[call(63, virDomainMigrateFinish, low, [domain.migrate])]
        fn domain_migrate_finish(dname: String, cookie: Opaque<4_194_304>, uri: String, flags: u64) -> DomainRef;
        #[call(108, virDomainMigratePrepare2, low, [domain.migrate, domain.start, domain.write])]
        fn domain_migrate_prepare2(uri_in: Option<String>, flags: u64, dname: Option<String>, resource: u64, dom_xml: String) -> DomainMigratePrepare2Reply;
        #[call(109, virDomainMigrateFinish2, low, [domain.migrate])]
        fn domain_migrate_finish2(dname: String, cookie: Opaque<4_194_304>, uri: String, flags: u64, retcode: i32) -> DomainRef;
        #[call(148, virDomainMigratePrepareTunnel, low, [domain.migrate, domain.start, domain.write], stream)]
        fn domain_migrate_prepare_tunnel(flags: u64, dname: Option<String>, resource: u64, dom_xml: String);
        #[call(166, virDomainMigrateSetMaxDowntime, low, [domain.migrate])]
        fn domain_migrate_set_max_downtime(dom: DomainRef, downtime: u64, flags: u32);
        #[call(207, virDomainMigrateSetMaxSpeed, low, [domain.migrate])]
        fn domain_migrate_set_max_speed(dom: DomainRef, bandwidth: u64, flags: u32);
        #[call(213, virDomainMigrateBegin3, low, [domain.migrate])]
        fn domain_migrate_begin3(dom: DomainRef, xmlin: Option<String>, flags: u64, dname: Option<String>, resource: u64) -> DomainMigrateBegin3Reply;
        #[call(214, virDomainMigratePrepare3, low, [domain.migrate, domain.start, domain.write])]
        fn domain_migrate_prepare3(cookie_in: Opaque<4_194_304>, uri_in: Option<String>, flags: u64, dname: Option<String>, resource: u64, dom_xml: String) -> DomainMigratePrepare3Reply;
        #[call(215, virDomainMigratePrepareTunnel3, low, [domain.migrate, domain.start, domain.write], stream)]
        fn domain_migrate_prepare_tunnel3(cookie_in: Opaque<4_194_304>, flags: u64, dname: Option<String>, resource: u64, dom_xml: String) -> Opaque<4_194_304>;
        #[call(216, virDomainMigratePerform3, low, [domain.migrate])]
        fn domain_migrate_perform3(dom: DomainRef, xmlin: Option<String>, cookie_in: Opaque<4_194_304>, dconnuri: Option<String>, uri: Option<String>, flags: u64, dname: Option<String>, resource: u64) -> Opaque<4_194_304>;
        #[call(217, virDomainMigrateFinish3, low, [domain.migrate])]
        fn domain_migrate_finish3(dname: String, cookie_in: Opaque<4_194_304>, dconnuri: Option<String>, uri: Option<String>, flags: u64, cancelled: i32) -> DomainMigrateFinish3Reply;
        #[call(218, virDomainMigrateConfirm3, low, [domain.migrate])]
        fn domain_migrate_confirm3(dom: DomainRef, cookie_in: Opaque<4_194_304>, flags: u64, cancelled: i32);
        #[call(242, virDomainMigrateGetMaxSpeed, low, [domain.migrate])]
        fn domain_migrate_get_max_speed(dom: DomainRef, flags: u32) -> u64;
        #[call(299, virDomainMigrateGetCompressionCache, low, [domain.migrate], ro)]
        fn domain_migrate_get_compression_cache(dom: DomainRef, flags: u32) -> u64;
        #[call(300, virDomainMigrateSetCompressionCache, low, [domain.migrate])]
        fn domain_migrate_set_compression_cache(dom: DomainRef, cache_size: u64, flags: u32);
        #[call(302, virDomainMigrateBegin3Params, low, [domain.migrate])]
        fn domain_migrate_begin3_params(dom: DomainRef, params: List<TypedParam, 64>, flags: u32) -> DomainMigrateBegin3ParamsReply;
        #[call(303, virDomainMigratePrepare3Params, low, [domain.migrate, domain.start, domain.write])]
        fn domain_migrate_prepare3_params(params: List<TypedParam, 64>, cookie_in: Opaque<4_194_304>, flags: u32) -> DomainMigratePrepare3ParamsReply;
        #[call(304, virDomainMigratePrepareTunnel3Params, low, [domain.migrate, domain.start, domain.write])]
        fn domain_migrate_prepare_tunnel3_params(params: List<TypedParam, 64>, cookie_in: Opaque<4_194_304>, flags: u32) -> Opaque<4_194_304>;
        #[call(305, virDomainMigratePerform3Params, low, [domain.migrate])]
        fn domain_migrate_perform3_params(dom: DomainRef, dconnuri: Option<String>, params: List<TypedParam, 64>, cookie_in: Opaque<4_194_304>, flags: u32) -> Opaque<4_194_304>;
        #[call(306, virDomainMigrateFinish3Params, low, [domain.migrate])]
        fn domain_migrate_finish3_params(params: List<TypedParam, 64>, cookie_in: Opaque<4_194_304>, flags: u32, cancelled: i32) -> DomainMigrateFinish3ParamsReply;
        #[call(307, virDomainMigrateConfirm3Params, low, [domain.migrate])]
        fn domain_migrate_confirm3_params(dom: DomainRef, params: List<TypedParam, 64>, cookie_in: Opaque<4_194_304>, flags: u32, cancelled: i32);
        #[call(364, virDomainMigrateStartPostCopy, low, [domain.migrate])]
        fn domain_migrate_start_post_copy(dom: DomainRef, flags: u32);
        #[call(387, virDomainMigrateGetMaxDowntime, low, [domain.migrate], ro)]
        fn domain_migrate_get_max_downtime(dom: DomainRef, flags: u32) -> u64;
    }
}

record! {
    /// `remote_domain_migrate_prepare_ret`.
    pub struct DomainMigratePrepareReply {
        #[allow(missing_docs)]
        pub cookie: Opaque<4_194_304>,
        #[allow(missing_docs)]
        pub uri_out: Option<String>,
    }
    /// `remote_domain_migrate_prepare2_ret`.
    pub struct DomainMigratePrepare2Reply {
        #[allow(missing_docs)]
        pub cookie: Opaque<4_194_304>,
        #[allow(missing_docs)]
        pub uri_out: Option<String>,
    }
    /// `remote_domain_migrate_begin3_ret`.
    pub struct DomainMigrateBegin3Reply {
        #[allow(missing_docs)]
        pub cookie_out: Opaque<4_194_304>,
        #[allow(missing_docs)]
        pub xml: String,
    }
    /// `remote_domain_migrate_prepare3_ret`.
    pub struct DomainMigratePrepare3Reply {
        #[allow(missing_docs)]
        pub cookie_out: Opaque<4_194_304>,
        #[allow(missing_docs)]
        pub uri_out: Option<String>,
    }
    /// `remote_domain_migrate_finish3_ret`.
    pub struct DomainMigrateFinish3Reply {
        #[allow(missing_docs)]
        pub dom: DomainRef,
        #[allow(missing_docs)]
        pub cookie_out: Opaque<4_194_304>,
    }
    /// `remote_domain_migrate_begin3_params_ret`.
    pub struct DomainMigrateBegin3ParamsReply {
        #[allow(missing_docs)]
        pub cookie_out: Opaque<4_194_304>,
        #[allow(missing_docs)]
        pub xml: String,
    }
    /// `remote_domain_migrate_prepare3_params_ret`.
    pub struct DomainMigratePrepare3ParamsReply {
        #[allow(missing_docs)]
        pub cookie_out: Opaque<4_194_304>,
        #[allow(missing_docs)]
        pub uri_out: Option<String>,
    }
    /// `remote_domain_migrate_finish3_params_ret`.
    pub struct DomainMigrateFinish3ParamsReply {
        #[allow(missing_docs)]
        pub dom: DomainRef,
        #[allow(missing_docs)]
        pub cookie_out: Opaque<4_194_304>,
    }
}
