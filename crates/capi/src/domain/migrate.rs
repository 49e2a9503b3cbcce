//! Moving domains to other hosts.

use std::ffi::{c_int, c_uint};

use virtus::constants::*;
use virtus::{ErrorCode, Result, TypedParam};

use crate::arg::{InMut, Later, Out, Rw, Text};
use crate::call::Call;
use crate::connect::Connect;
use crate::ctype::ULong;
use crate::declare::exports;
use crate::flags::{exclusive, lacks};
use crate::handle::{Held, Of};
use crate::object::Domain;
use crate::params::{self, virTypedParameter};

exports! {
    header DOMAIN, errors DOMAIN;

    "0.3.2" fn virDomainMigrate[call](
        domain: Rw<Domain>, dconn: Of<Connect>, flags: ULong, dname: Option<Text>, uri: Option<Text>,
        bandwidth: ULong
    ) -> Held<Domain> = managed(call, &domain, &dconn, &Old { flags, dxml: None, dname, uri, bandwidth });
    "0.9.2" fn virDomainMigrate2[call](
        domain: Rw<Domain>, dconn: Of<Connect>, dxml: Option<Text>, flags: ULong, dname: Option<Text>,
        uri: Option<Text>, bandwidth: ULong
    ) -> Held<Domain> = managed(call, &domain, &dconn, &Old { flags, dxml, dname, uri, bandwidth });
    "1.1.0" fn virDomainMigrate3[call](
        domain: Rw<Domain>, dconn: Of<Connect>, params: InMut<virTypedParameter>, nparams: c_uint, flags: c_uint
    ) -> Held<Domain> = {
        // SAFETY: the caller has so many
        let params = unsafe { params::read(&params, nparams, call)? };
        check_copies(call, flags)?;
        if flags & VIR_MIGRATE_PEER2PEER != 0 {
            return Err(call.refused("flags", "use virDomainMigrateToURI3 for peer-to-peer migration"));
        }
        if flags & VIR_MIGRATE_TUNNELLED != 0 {
            let text = "cannot perform tunnelled migration without using peer2peer flag";
            return Err(call.refused("flags", text));
        }
        direct(call, &domain, &dconn, &params, flags)
    };
    "0.7.2" fn virDomainMigrateToURI[call](
        domain: Rw<Domain>, duri: Text, flags: ULong, dname: Option<Text>, bandwidth: ULong
    ) -> () = {
        let peer = u64::from(flags) & u64::from(VIR_MIGRATE_PEER2PEER) != 0;
        let (dconnuri, uri) = if peer { (Some(duri), None) } else { (None, Some(duri)) };
        let old = Old { flags, dxml: None, dname, uri, bandwidth };
        by_daemon(call, &domain, dconnuri.as_deref(), &old)
    };
    "0.9.2" fn virDomainMigrateToURI2[call](
        domain: Rw<Domain>, dconnuri: Option<Text>, miguri: Option<Text>, dxml: Option<Text>, flags: ULong,
        dname: Option<Text>, bandwidth: ULong
    ) -> () = by_daemon(call, &domain, dconnuri.as_deref(), &Old { flags, dxml, dname, uri: miguri, bandwidth });
    "1.1.0" fn virDomainMigrateToURI3[call](
        domain: Rw<Domain>, dconnuri: Option<Text>, params: InMut<virTypedParameter>, nparams: c_uint,
        flags: c_uint
    ) -> () = {
        check_copies(call, flags)?;
        // SAFETY: the caller has so many
        let params = unsafe { params::read(&params, nparams, call)? };
        unmanaged(call, &domain, dconnuri.as_deref(), &params, flags)
    };

    "0.8.0" fn virDomainMigrateSetMaxDowntime(domain: Rw<Domain>, downtime: u64, flags: c_uint) -> ()
        = domain.migrate_set_max_downtime(downtime, flags);
    "3.7.0" fn virDomainMigrateGetMaxDowntime(domain: Of<Domain>, downtime: Out<u64>, flags: c_uint) -> ()
        = Ok(downtime.put(domain.migrate_max_downtime(flags)?));
    "1.0.3" fn virDomainMigrateGetCompressionCache(domain: Of<Domain>, cacheSize: Out<u64>, flags: c_uint) -> ()
        = Ok(cacheSize.put(domain.migrate_compression_cache(flags)?));
    "1.0.3" fn virDomainMigrateSetCompressionCache(domain: Rw<Domain>, cacheSize: u64, flags: c_uint) -> ()
        = domain.migrate_set_compression_cache(cacheSize, flags);
    "0.9.0" fn virDomainMigrateSetMaxSpeed(domain: Rw<Domain>, bandwidth: ULong, flags: c_uint) -> ()
        = domain.migrate_set_max_speed(bandwidth.into(), flags);
    "0.9.5" fn virDomainMigrateGetMaxSpeed[call](domain: Later<Domain>, bandwidth: Out<ULong>, flags: c_uint) -> () = {
        let speed = domain.migrate_max_speed(flags)?;
        let long = ULong::try_from(speed).map_err(|_| call.error(ErrorCode::OVERFLOW, "bandwidth"))?;
        Ok(bandwidth.put(long))
    };
    "1.3.3" fn virDomainMigrateStartPostCopy(domain: Rw<Domain>, flags: c_uint) -> ()
        = domain.migrate_start_post_copy(flags);
}

/// What daemons can do (`VIR_DRV_FEATURE_…`).
const PEER2PEER: c_int = 4;
const PARAMS: c_int = 13;

/// What the functions without parameters are given instead.
struct Old {
    flags: ULong,
    dxml: Option<Text>,
    dname: Option<Text>,
    uri: Option<Text>,
    bandwidth: ULong,
}

impl Old {
    /// Refuses flags that do not go together.
    fn check(&self, call: &Call) -> Result<()> {
        let known = u64::from(self.flags) & u64::from(u32::MAX);
        let flags = u32::try_from(known).unwrap_or_default();
        exclusive!(call, flags, VIR_MIGRATE_TUNNELLED ^ VIR_MIGRATE_PARALLEL);
        check_copies(call, flags)
    }

    /// The flags, and the rest as parameters.
    fn read(&self, call: &Call) -> Result<(u32, Vec<TypedParam>)> {
        if self.dname.as_ref().is_some_and(|name| name.is_empty()) {
            let text = format!("string dname in {} must not be empty", call.function);
            return Err(call.refused("dname", text));
        }
        self.check(call)?;
        let flags = narrow(call, self.flags)?;
        let texts = [
            (VIR_MIGRATE_PARAM_DEST_XML, &self.dxml),
            (VIR_MIGRATE_PARAM_DEST_NAME, &self.dname),
            (VIR_MIGRATE_PARAM_URI, &self.uri),
        ];
        let mut params: Vec<_> = texts
            .into_iter()
            .filter_map(|(field, text)| text.as_ref().map(|text| TypedParam::new(field, text.0.clone())))
            .collect();
        let bandwidth = u64::from(self.bandwidth);
        if bandwidth > 0 {
            params.push(TypedParam::new(VIR_MIGRATE_PARAM_BANDWIDTH, bandwidth));
        }
        Ok((flags, params))
    }
}

/// No flag needs more than 32 bits.
fn narrow(call: &Call, flags: ULong) -> Result<u32> {
    u32::try_from(u64::from(flags)).map_err(|_| {
        let text = format!("unsupported flags (0x{:x}) in function {}", u64::from(flags), call.function);
        call.refused("flags", text)
    })
}

fn check_copies(call: &Call, flags: u32) -> Result<()> {
    exclusive!(call, flags, VIR_MIGRATE_NON_SHARED_DISK ^ VIR_MIGRATE_NON_SHARED_INC);
    let copies = VIR_MIGRATE_NON_SHARED_DISK | VIR_MIGRATE_NON_SHARED_INC;
    match flags & VIR_MIGRATE_NON_SHARED_SYNCHRONOUS_WRITES != 0 && flags & copies == 0 {
        true => Err(lacks(
            call,
            "VIR_MIGRATE_NON_SHARED_DISK | VIR_MIGRATE_NON_SHARED_INC",
            "VIR_MIGRATE_NON_SHARED_SYNCHRONOUS_WRITES",
        )),
        false => Ok(()),
    }
}

/// Both daemons are told by this side, or the one here by itself if it is to be peer to peer.
fn managed(call: &Call, domain: &Of<Domain>, there: &Of<Connect>, old: &Old) -> Result<Held<Domain>> {
    let (flags, params) = old.read(call)?;
    if flags & VIR_MIGRATE_PEER2PEER == 0 {
        if flags & VIR_MIGRATE_TUNNELLED != 0 {
            let text = "cannot perform tunnelled migration without using peer2peer flag";
            return Err(call.error(ErrorCode::OPERATION_INVALID, text));
        }
        return direct(call, domain, there, &params, flags);
    }
    if !domain.connection().supports_feature(PEER2PEER)? {
        return Err(call.error(ErrorCode::NO_SUPPORT, call.function));
    }
    let to = old.uri.as_ref().map_or_else(|| there.uri().to_owned(), |uri| uri.0.clone());
    let params: Vec<_> = params.into_iter().filter(|param| param.field != VIR_MIGRATE_PARAM_URI).collect();
    unmanaged(call, domain, Some(&to), &params, flags)?;
    let name = old.dname.as_deref().unwrap_or_else(|| virtus::Domain::name(domain));
    there.adopt(there.lookup_domain_by_name(name)?)
}

fn direct(
    call: &Call,
    domain: &Of<Domain>,
    there: &Of<Connect>,
    params: &[TypedParam],
    flags: u32,
) -> Result<Held<Domain>> {
    if there.is_read_only() {
        let text = format!("read only access prevents {}", call.function);
        return Err(call.error(ErrorCode::OPERATION_DENIED, text));
    }
    // of a function without parameters it is not said that those are unknown
    let old = params.iter().all(|param| OLD_PARAMS.contains(&param.field.as_str()));
    if old && (!domain.connection().supports_feature(PARAMS)? || !there.supports_feature(PARAMS)?) {
        return Err(call.error(ErrorCode::NO_SUPPORT, call.function));
    }
    there.adopt(domain.migrate_to(there, params.to_vec(), flags)?)
}

/// What could be said before there were parameters.
const OLD_PARAMS: [&str; 4] = [
    VIR_MIGRATE_PARAM_URI,
    VIR_MIGRATE_PARAM_DEST_NAME,
    VIR_MIGRATE_PARAM_DEST_XML,
    VIR_MIGRATE_PARAM_BANDWIDTH,
];

fn by_daemon(call: &Call, domain: &Of<Domain>, dconnuri: Option<&str>, old: &Old) -> Result<()> {
    let (flags, params) = old.read(call)?;
    unmanaged(call, domain, dconnuri, &params, flags)
}

/// The daemon here does it: with the daemon of a URI, or with a hypervisor that needs none.
fn unmanaged(
    call: &Call,
    domain: &Of<Domain>,
    dconnuri: Option<&str>,
    params: &[TypedParam],
    flags: u32,
) -> Result<()> {
    if flags & VIR_MIGRATE_PEER2PEER == 0 {
        return domain.migrate_by_daemon(None, params, flags);
    }
    let Some(uri) = dconnuri else { return Err(call.wrong("dconnuri", "must not be NULL")) };
    let server = virtus::Uri::parse(uri)?.server;
    if server.is_none_or(|server| server.is_empty() || server.starts_with("localhost")) {
        return Err(call.refused("dconnuri", format!("Attempt to migrate guest to the same host {uri}")));
    }
    domain.migrate_by_daemon(Some(uri), params, flags)
}
