//! What is asked of the connection itself, and of the host (`libvirt-host.h`).

use std::ffi::{c_int, c_uint};
use std::time::Duration;

use virtus::{Error, ErrorCode, ErrorDomain, Result};

use super::Connect;
use crate::arg::{InMut, Later, NonNegative, NonZero, Out, Positive, Rw, Text};
use crate::call::Call;
use crate::ctype::{Char, UChar, ULong};
use crate::declare::{exports, structs};
use crate::handle::Of;
use crate::memory;
use crate::params::{self, virTypedParameter};
use crate::ret::Lent;

structs! {
    /// What the host is made of.
    virNodeInfo {
        model: [Char; 32],
        memory: ULong,
        cpus: c_uint,
        mhz: c_uint,
        nodes: c_uint,
        sockets: c_uint,
        cores: c_uint,
        threads: c_uint,
    }
    /// A counter of processors.
    virNodeCPUStats {
        field: [Char; 80],
        value: u64,
    }
    /// A counter of memory.
    virNodeMemoryStats {
        field: [Char; 80],
        value: u64,
    }
    /// A security model.
    virSecurityModel {
        model: [Char; 257],
        doi: [Char; 257],
    }
}

exports! {
    header HOST, errors DOMAIN;

    "0.6.0" fn virConnectRef(conn: Of<Connect>) -> () = conn.add();
    "0.0.3" fn virConnectGetType(conn: Of<Connect>) -> Lent = Ok(Lent::new(conn.kind()?));
    "0.0.3" fn virConnectGetVersion[call](conn: Of<Connect>, hvVer: Out<ULong>) -> ()
        = Ok(hvVer.put(long(call, conn.version()?)?));
    "0.7.3" fn virConnectGetLibVersion[call](conn: Of<Connect>, libVer: Out<ULong>) -> ()
        = Ok(libVer.put(long(call, conn.lib_version()?)?));
    "0.3.0" fn virConnectGetHostname(conn: Of<Connect>) -> String = conn.hostname();
    "0.3.0" fn virConnectGetURI(conn: Of<Connect>) -> String = Ok(conn.uri().to_owned());
    "0.8.8" fn virConnectGetSysinfo(conn: Of<Connect>, flags: c_uint) -> String = conn.sysinfo(flags);
    "0.2.1" fn virConnectGetMaxVcpus(conn: Of<Connect>, r#type: Option<Text>) -> c_int
        = conn.max_vcpus(r#type.as_deref());
    "0.2.1" fn virConnectGetCapabilities(conn: Of<Connect>) -> String = conn.capabilities();
    "0.7.3" fn virConnectIsEncrypted(conn: Of<Connect>) -> bool = conn.is_encrypted();
    "0.7.3" fn virConnectIsSecure(conn: Of<Connect>) -> bool = conn.is_secure();
    "0.9.8" fn virConnectIsAlive(conn: Of<Connect>) -> bool = Ok(conn.is_alive());
    "0.9.8" fn virConnectSetKeepAlive[call](conn: Of<Connect>, interval: c_int, count: c_uint) -> c_int
        = set_keepalive(call, &conn, interval, count);
    "5.8.0" fn virConnectSetIdentity[call](
        conn: Of<Connect>, params: InMut<virTypedParameter>, nparams: c_int, flags: c_uint
    ) -> () = {
        // SAFETY: the caller has so many
        let params = unsafe { params::read(&params, nparams, call)? };
        conn.set_identity(&params, flags)
    };

    "0.7.5" fn virConnectCompareCPU(conn: Of<Connect>, xmlDesc: Text, flags: c_uint) -> c_int
        = conn.compare_cpu(&xmlDesc, flags);
    "4.4.0" fn virConnectCompareHypervisorCPU(
        conn: Later<Connect>, emulator: Option<Text>, arch: Option<Text>, machine: Option<Text>,
        virttype: Option<Text>, xmlCPU: Text, flags: c_uint
    ) -> c_int = conn.compare_hypervisor_cpu(
        emulator.as_deref(), arch.as_deref(), machine.as_deref(), virttype.as_deref(), &xmlCPU, flags
    );
    "0.7.7" fn virConnectBaselineCPU[call](
        conn: Of<Connect>, xmlCPUs: InMut<*const Char>, ncpus: c_uint, flags: c_uint
    ) -> String = {
        let cpus = texts(call, &xmlCPUs, ncpus, "xmlCPUs")?;
        conn.baseline_cpu(&borrowed(&cpus), flags)
    };
    "4.4.0" fn virConnectBaselineHypervisorCPU[call](
        conn: Of<Connect>, emulator: Option<Text>, arch: Option<Text>, machine: Option<Text>,
        virttype: Option<Text>, xmlCPUs: InMut<*const Char>, ncpus: c_uint, flags: c_uint
    ) -> String = {
        let cpus = texts(call, &xmlCPUs, ncpus, "xmlCPUs")?;
        call.check_write()?;
        conn.baseline_hypervisor_cpu(
            emulator.as_deref(), arch.as_deref(), machine.as_deref(), virttype.as_deref(), &borrowed(&cpus), flags
        )
    };
    "1.1.3" fn virConnectGetCPUModelNames(
        conn: Of<Connect>, arch: Text, models: Option<Out<*mut *mut Char>>, flags: c_uint
    ) -> usize = {
        if let Some(models) = &models {
            models.put(std::ptr::null_mut());
        }
        let names = conn.cpu_model_names(&arch, flags)?;
        if let Some(models) = models {
            models.put(memory::texts(&names)?);
        }
        Ok(names.len())
    };

    "0.1.0" fn virNodeGetInfo(conn: Of<Connect>, info: Out<virNodeInfo>) -> () = {
        let said = conn.node_info()?;
        let count = i32::cast_unsigned;
        Ok(info.put(virNodeInfo {
            model: said.model.0.map(|c| Char(c as std::ffi::c_char)),
            memory: ULong::try_from(said.memory).unwrap_or(ULong(std::ffi::c_ulong::MAX)),
            cpus: count(said.cpus),
            mhz: count(said.mhz),
            nodes: count(said.nodes),
            sockets: count(said.sockets),
            cores: count(said.cores),
            threads: count(said.threads),
        }))
    };
    "0.3.3" fn virNodeGetFreeMemory(conn: Of<Connect>) -> u64 = conn.node_free_memory();
    "0.3.3" fn virNodeGetCellsFreeMemory(
        conn: Of<Connect>, freeMems: Out<u64>, startCell: NonNegative<c_int>, maxCells: Positive<c_int>
    ) -> usize = {
        let cells = conn.node_cells_free_memory(startCell.0, maxCells.0)?;
        // SAFETY: there is room for `maxCells`
        Ok(unsafe { freeMems.fill(usize::try_from(maxCells.0).unwrap_or_default(), &cells) })
    };
    "0.6.1" fn virNodeGetSecurityModel(conn: Of<Connect>, secmodel: Out<virSecurityModel>) -> () = {
        let said = conn.node_security_model()?;
        Ok(secmodel.put(virSecurityModel {
            model: memory::bytes_as_chars(&said.model.0),
            doi: memory::bytes_as_chars(&said.doi.0),
        }))
    };
    "0.9.3" fn virNodeGetCPUStats[call](
        conn: Of<Connect>, cpuNum: c_int, params: InMut<virNodeCPUStats>, nparams: Out<c_int>, flags: c_uint
    ) -> () = {
        check_number(call, cpuNum, "cpuNum", -1)?;
        let stats = conn.node_cpu_stats(cpuNum, flags)?;
        let stats: Vec<_> =
            stats.iter().map(|s| virNodeCPUStats { field: memory::chars(&s.field), value: s.value }).collect();
        // SAFETY: there is room for `*nparams`
        unsafe { count_or_fill(&params, &nparams, &stats) }
    };
    "0.9.3" fn virNodeGetMemoryStats[call](
        conn: Of<Connect>, cellNum: c_int, params: InMut<virNodeMemoryStats>, nparams: Out<c_int>, flags: c_uint
    ) -> () = {
        check_number(call, cellNum, "cellNum", -1)?;
        let stats = conn.node_memory_stats(cellNum, flags)?;
        let stats: Vec<_> =
            stats.iter().map(|s| virNodeMemoryStats { field: memory::chars(&s.field), value: s.value }).collect();
        // SAFETY: there is room for `*nparams`
        unsafe { count_or_fill(&params, &nparams, &stats) }
    };
    "0.9.8" fn virNodeSuspendForDuration(
        conn: Rw<Connect>, target: c_uint, duration: u64, flags: c_uint
    ) -> () = conn.node_suspend_for_duration(target, duration, flags);
    "0.10.2" fn virNodeGetMemoryParameters[call](
        conn: Of<Connect>, params: InMut<virTypedParameter>, nparams: Out<c_int>, flags: c_uint
    ) -> () = {
        params::check_room(call, &params, &nparams)?;
        let said = conn.node_memory_parameters(call.with_texts(flags)?)?;
        // SAFETY: there is room for `*nparams`
        unsafe { params::fill(&params, &nparams, &said) }
    };
    "0.10.2" fn virNodeSetMemoryParameters[call](
        conn: Rw<Connect>, params: Out<virTypedParameter>, nparams: NonNegative<c_int>, flags: c_uint
    ) -> () = {
        // SAFETY: the caller has so many
        let params = unsafe { params::read(&params.many(), nparams.0, call)? };
        conn.node_set_memory_parameters(&params, flags)
    };
    "4.5.0" fn virNodeGetSEVInfo[call](
        conn: Rw<Connect>, params: Out<*mut virTypedParameter>, nparams: Out<c_int>, flags: c_uint
    ) -> () = {
        let said = conn.node_sev_info(call.with_texts(flags)?)?;
        params::give(&params, &nparams, &said, call)
    };
    "1.0.0" fn virNodeGetCPUMap(
        conn: Of<Connect>, cpumap: Option<Out<*mut UChar>>, online: Option<Out<c_uint>>, flags: c_uint
    ) -> c_int = {
        let said = conn.node_cpu_map(flags)?;
        if let Some(cpumap) = cpumap {
            cpumap.put(memory::copy(&said.cpumap.0)?.as_ptr().cast());
        }
        if let Some(online) = online {
            online.put(said.online);
        }
        Ok(said.ret)
    };
    "1.2.6" fn virNodeGetFreePages[call](
        conn: Of<Connect>, npages: NonZero<c_uint>, pages: Out<c_uint>, startCell: c_int,
        cellCount: NonZero<c_uint>, counts: Out<u64>, flags: c_uint
    ) -> usize = {
        // SAFETY: the caller has so many
        let sizes = unsafe { pages.many().values(npages.0, call, "pages")?.to_vec() };
        let said = conn.node_free_pages(&sizes, startCell, cellCount.0, flags)?;
        let room = usize::try_from(u64::from(npages.0) * u64::from(cellCount.0)).unwrap_or(usize::MAX);
        // SAFETY: there is room for a count of each size in each cell
        Ok(unsafe { counts.fill(room, &said) })
    };
    "1.2.9" fn virNodeAllocPages[call](
        conn: Rw<Connect>, npages: NonZero<c_uint>, pageSizes: Out<c_uint>, pageCounts: Out<u64>,
        startCell: c_int, cellCount: NonZero<c_uint>, flags: c_uint
    ) -> c_int = {
        // SAFETY: the caller has so many of both
        let (sizes, counts) = unsafe {
            (pageSizes.many().values(npages.0, call, "pageSizes")?.to_vec(),
             pageCounts.many().values(npages.0, call, "pageCounts")?.to_vec())
        };
        conn.node_alloc_pages(&sizes, &counts, startCell, cellCount.0, flags)
    };
}

/// A number that the wire has as 64 bits.
fn long(call: &Call, value: u64) -> Result<ULong> {
    ULong::try_from(value).map_err(|_| call.error(ErrorCode::OVERFLOW, "value"))
}

/// Numbers from 0, of which `all` stands for all together.
fn check_number(call: &Call, number: c_int, name: &str, all: c_int) -> Result<()> {
    match number < 0 && number != all {
        true => {
            let text = format!("{name} in {} only accepts {all} as a negative value", call.function);
            Err(virtus::Error::invalid_arg(call.errors, call.function, name, text))
        }
        false => Ok(()),
    }
}

/// Puts values where the caller has room for `*nparams`, and says there how many. One who has none is only told.
///
/// # Safety
/// There is room for as many.
unsafe fn count_or_fill<T: Copy + crate::ctype::CType>(
    room: &InMut<T>,
    nparams: &Out<c_int>,
    values: &[T],
) -> Result<()> {
    let count = match usize::try_from(nparams.get()) {
        Ok(places) if places > 0 && !room.is_null() => {
            let count = places.min(values.len());
            // SAFETY: as the caller promises
            unsafe { room.as_ptr().copy_from_nonoverlapping(values.as_ptr(), count) };
            count
        }
        _ => values.len(),
    };
    nparams.put(c_int::try_from(count).unwrap_or(c_int::MAX));
    Ok(())
}

/// Texts that the caller has.
///
/// # Errors
/// `INVALID_ARG` when they or one of them are not there.
pub(crate) fn texts(
    call: &Call,
    texts: &InMut<*const Char>,
    count: c_uint,
    name: &str,
) -> Result<Vec<String>> {
    if texts.is_null() {
        return Err(call.wrong(name, "must not be NULL"));
    }
    // SAFETY: the caller has so many
    let texts = unsafe { texts.values(count, call, name)? };
    let owned = texts.iter().map(|text| match text.is_null() {
        true => Err(call.wrong(name, "must not be NULL")),
        // SAFETY: not null, hence a text with its end
        false => Ok(unsafe { std::ffi::CStr::from_ptr(text.cast()) }.to_string_lossy().into_owned()),
    });
    owned.collect()
}

/// The texts as the client crate wants them.
pub(crate) fn borrowed(texts: &[String]) -> Vec<&str> {
    texts.iter().map(String::as_str).collect()
}

/// The daemon answers signs of life (`VIR_DRV_FEATURE_PROGRAM_KEEPALIVE`).
const FEATURE_KEEPALIVE: i32 = 10;

/// Asks for signs of life; 1 when the daemon gives none.
fn set_keepalive(call: &Call, conn: &Connect, interval: c_int, count: c_uint) -> Result<c_int> {
    if conn.is_local() {
        return Err(call.error(ErrorCode::NO_SUPPORT, call.function));
    }
    if !conn.notices().in_loop() {
        let text =
            "the caller doesn't support keepalive protocol; perhaps it's missing event loop implementation";
        return Err(Error::internal(ErrorDomain::REMOTE, text));
    }
    if !conn.supports_feature(FEATURE_KEEPALIVE)? {
        return Ok(1);
    }
    let interval = u64::try_from(interval).unwrap_or_default();
    conn.set_keepalive(Duration::from_secs(interval), count);
    conn.notices().rearm();
    Ok(0)
}
