//! Counters.

use std::ffi::{c_int, c_uint};

use virtus::{ErrorCode, Result, TypedParam};

use crate::arg::{Arg, InMut, Out, Text};
use crate::call::Call;
use crate::connect::Connect;
use crate::ctype::CType;
use crate::declare::{exports, structs};
use crate::handle::Of;
use crate::memory;
use crate::object::{Child, Domain, virDomain};
use crate::params::{self, tuned, virTypedParameter};
use crate::ret::gone;

structs! {
    /// Requests and bytes of a disk.
    virDomainBlockStats {
        rd_req: i64,
        rd_bytes: i64,
        wr_req: i64,
        wr_bytes: i64,
        errs: i64,
    }
    /// Packets and bytes of an interface.
    virDomainInterfaceStats {
        rx_bytes: i64,
        rx_packets: i64,
        rx_errs: i64,
        rx_drop: i64,
        tx_bytes: i64,
        tx_packets: i64,
        tx_errs: i64,
        tx_drop: i64,
    }
    /// A counter of memory.
    virDomainMemoryStat {
        tag: c_int,
        val: u64,
    }
    /// All counters of a domain.
    virDomainStatsRecord {
        dom: *mut virDomain,
        params: *mut virTypedParameter,
        nparams: c_int,
    }
}

exports! {
    header DOMAIN, errors DOMAIN;

    "0.3.2" fn virDomainBlockStats[call](
        dom: Of<Domain>, disk: Text, stats: Out<virDomainBlockStats>, size: usize
    ) -> () = {
        check_size::<virDomainBlockStats>(call, size)?;
        let said = dom.block_stats(&disk)?;
        let c = virDomainBlockStats {
            rd_req: said.rd_req,
            rd_bytes: said.rd_bytes,
            wr_req: said.wr_req,
            wr_bytes: said.wr_bytes,
            errs: said.errs,
        };
        // SAFETY: the caller knows a struct of `size` bytes, which is not more than all
        Ok(unsafe { put_part(&stats, &c, size) })
    };
    "0.9.5" fn virDomainBlockStatsFlags[call](
        dom: Of<Domain>, disk: Text, params: InMut<virTypedParameter>, nparams: Out<c_int>, flags: c_uint
    ) -> () = tuned!(call, dom, params, nparams, domain_block_stats_flags(disk.0; call.with_texts(flags)?));
    "0.3.2" fn virDomainInterfaceStats[call](
        dom: Of<Domain>, device: Text, stats: Out<virDomainInterfaceStats>, size: usize
    ) -> () = {
        check_size::<virDomainInterfaceStats>(call, size)?;
        let said = dom.interface_stats(&device)?;
        let c = virDomainInterfaceStats {
            rx_bytes: said.rx_bytes,
            rx_packets: said.rx_packets,
            rx_errs: said.rx_errs,
            rx_drop: said.rx_drop,
            tx_bytes: said.tx_bytes,
            tx_packets: said.tx_packets,
            tx_errs: said.tx_errs,
            tx_drop: said.tx_drop,
        };
        // SAFETY: the caller knows a struct of `size` bytes, which is not more than all
        Ok(unsafe { put_part(&stats, &c, size) })
    };
    "0.7.5" fn virDomainMemoryStats[call](
        dom: Of<Domain>, stats: InMut<virDomainMemoryStat>, nr_stats: c_uint, flags: c_uint
    ) -> c_int = {
        if stats.is_null() || nr_stats == 0 {
            return Ok(0);
        }
        let said: Vec<_> =
            dom.memory_stats(flags)?.iter().map(|s| virDomainMemoryStat { tag: s.tag, val: s.val }).collect();
        // SAFETY: there is room for `nr_stats`
        unsafe { stats.fill(c_int::try_from(nr_stats).unwrap_or(c_int::MAX), &said, call, "stats") }
    };
    "0.9.10" fn virDomainGetCPUStats[call](
        domain: Of<Domain>, params: InMut<virTypedParameter>, nparams: c_uint, start_cpu: c_int, ncpus: c_uint,
        flags: c_uint
    ) -> c_int = {
        check_cpu_stats(call, &params, nparams, start_cpu, ncpus)?;
        let said = domain.cpu_stats(nparams, start_cpu, ncpus, call.with_texts(flags)?)?;
        // SAFETY: there is room for `nparams` for each of `ncpus`
        unsafe { fill_cpu_stats(&params, nparams, ncpus, said.nparams, &said.params)? };
        Ok(said.nparams)
    };
    "1.2.8" fn virConnectGetAllDomainStats[call](
        conn: Of<Connect>, stats: c_uint, retStats: Out<*mut *mut virDomainStatsRecord>, flags: c_uint
    ) -> usize = give_stats(call, &conn, &[], stats, &retStats, flags);
    "1.2.8" fn virDomainListGetStats[call](
        doms: Doms, stats: c_uint, retStats: Out<*mut *mut virDomainStatsRecord>, flags: c_uint
    ) -> usize = {
        doms.check(call)?;
        let Some(conn) = &call.connection else { return Err(gone(call)) };
        give_stats(call, conn, &doms.0, stats, &retStats, flags)
    };

    plain {
        "1.2.8" fn virDomainStatsRecordListFree(stats: *mut *mut virDomainStatsRecord)
            // SAFETY: as the caller promises
            = unsafe { free_stats(stats) };
    }
}

fn check_size<T>(call: &Call, size: usize) -> Result<()> {
    match size > size_of::<T>() {
        true => Err(call.refused("size", format!("size must not exceed {}", size_of::<T>()))),
        false => Ok(()),
    }
}

/// As much of a struct as the caller knows.
///
/// # Safety
/// There is room for `size` bytes, which are not more than the struct has.
unsafe fn put_part<T: CType>(place: &Out<T>, value: &T, size: usize) {
    let from = std::ptr::from_ref(value).cast::<u8>();
    // SAFETY: as the caller promises
    unsafe { place.many().as_ptr().cast::<u8>().copy_from_nonoverlapping(from, size) };
}

fn check_cpu_stats(
    call: &Call,
    params: &InMut<virTypedParameter>,
    nparams: c_uint,
    start_cpu: c_int,
    ncpus: c_uint,
) -> Result<()> {
    if start_cpu == -1 && ncpus != 1 {
        return Err(call.refused("start_cpu", "ncpus must be 1 when start_cpu is -1"));
    }
    if start_cpu < -1 {
        return Err(call.wrong("start_cpu", "must be zero or greater"));
    }
    match nparams > 0 && ncpus > 0 {
        true if params.is_null() => return Err(call.wrong("params", "must not be NULL")),
        false if !params.is_null() => return Err(call.wrong("params", "must be NULL")),
        _ => {}
    }
    if nparams.cast_signed().checked_mul(ncpus.cast_signed()).is_none() {
        let text = format!("input too large: {nparams} * {ncpus}");
        return Err(call.error(ErrorCode::OVERFLOW, text));
    }
    Ok(())
}

/// Puts what each processor has where its parameters belong; a processor may have less than there is room for.
///
/// # Safety
/// There is room for `nparams` for each of `ncpus`, unless the pointer is null.
unsafe fn fill_cpu_stats(
    room: &InMut<virTypedParameter>,
    nparams: c_uint,
    ncpus: c_uint,
    each: c_int,
    params: &[TypedParam],
) -> Result<()> {
    let size = |number: c_uint| usize::try_from(number).unwrap_or_default();
    if room.is_null() || nparams == 0 {
        return Ok(());
    }
    // SAFETY: as the caller promises
    unsafe { room.as_ptr().write_bytes(0, size(nparams) * size(ncpus)) };
    let each = usize::try_from(each).unwrap_or_default().max(1);
    for (cpu, params) in params.chunks(each).take(size(ncpus)).enumerate() {
        for (place, param) in params.iter().take(size(nparams)).enumerate() {
            let param = virTypedParameter::new(param)?;
            // SAFETY: it is inside
            unsafe { room.as_ptr().add(cpu * size(nparams) + place).write(param) };
        }
    }
    Ok(())
}

/// A list of domains with null at its end, all of one connection.
#[derive(Debug)]
struct Doms(Vec<Of<Domain>>);

impl Arg for Doms {
    type C = *mut *mut virDomain;

    // SAFETY: what callers keep to is said where the method is declared
    unsafe fn take(c: Self::C, call: &mut Call, name: &str) -> Result<Self> {
        if c.is_null() {
            return Err(call.wrong(name, "must not be NULL"));
        }
        let mut domains = Vec::new();
        for place in 0.. {
            // SAFETY: the list has null at its end
            let domain = unsafe { *c.add(place) };
            if domain.is_null() {
                break;
            }
            // SAFETY: as the caller promises
            domains.push(unsafe { Of::<Domain>::take(domain, call, name)? });
        }
        Ok(Doms(domains))
    }
}

impl Doms {
    /// Refuses none, and those of several connections.
    fn check(&self, call: &Call) -> Result<()> {
        let Some(first) = self.0.first() else {
            let text = format!("doms array in {} must contain at least one domain", call.function);
            return Err(call.error(ErrorCode::INVALID_ARG, text));
        };
        match self.0.iter().any(|domain| domain.parent().as_c() != first.parent().as_c()) {
            true => {
                let text = "domains in 'doms' array must belong to a single connection";
                Err(call.error(ErrorCode::INVALID_ARG, text))
            }
            false => Ok(()),
        }
    }
}

fn give_stats(
    call: &Call,
    conn: &Of<Connect>,
    domains: &[Of<Domain>],
    stats: c_uint,
    place: &Out<*mut *mut virDomainStatsRecord>,
    flags: c_uint,
) -> Result<usize> {
    place.put(std::ptr::null_mut());
    let domains: Vec<virtus::Domain> = domains.iter().map(|domain| (***domain).clone()).collect();
    let records = conn.all_domain_stats(&domains, stats, flags)?;
    let count = records.len();
    let copies = records.into_iter().map(|record| {
        let domain = virtus::Domain::new((***conn).clone(), record.dom);
        memory::one(virDomainStatsRecord {
            params: params::array(&record.params)?.as_ptr(),
            nparams: c_int::try_from(record.params.len())
                .map_err(|_| call.error(ErrorCode::OVERFLOW, "too many parameters"))?,
            dom: conn.adopt::<Domain>(domain)?.into_c(),
        })
    });
    place.put(memory::list(&copies.collect::<Result<Vec<_>>>()?)?);
    Ok(count)
}

/// # Safety
/// Null, or a list that [`give_stats`] has given.
unsafe fn free_stats(list: *mut *mut virDomainStatsRecord) {
    if list.is_null() {
        return;
    }
    // SAFETY: as the caller promises
    unsafe {
        for place in 0.. {
            let record = *list.add(place);
            let Some(record) = record.as_mut() else { break };
            params::clear(record.params, record.nparams);
            memory::free(record.params);
            if let Some(domain) = Of::<Domain>::find(record.dom) {
                domain.release();
            }
            memory::free(record);
        }
        memory::free(list);
    }
}
