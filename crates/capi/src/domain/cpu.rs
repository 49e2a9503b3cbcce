//! Memory, processors and I/O threads.

use std::ffi::{c_int, c_uint};

use virtus::constants::*;
use virtus::{ErrorCode, Result};

use crate::arg::{InMut, NonNegative, NonZero, Out, Positive, Rw, Text};
use crate::call::Call;
use crate::ctype::{UChar, ULong};
use crate::declare::{exports, structs};
use crate::flags::{Affect, exclusive, required};
use crate::handle::Of;
use crate::memory;
use crate::object::Domain;
use crate::params::{self, virTypedParameter};

structs! {
    /// What a virtual processor does.
    virVcpuInfo {
        number: c_uint,
        state: c_int,
        cpuTime: u64,
        cpu: c_int,
    }
    /// Where an I/O thread may run.
    virDomainIOThreadInfo {
        iothread_id: c_uint,
        cpumap: *mut UChar,
        cpumaplen: c_int,
    }
}

exports! {
    header DOMAIN, errors DOMAIN;

    "0.0.3" fn virDomainGetMaxMemory[call](domain: Of<Domain>) -> ULong
        = ULong::try_from(domain.max_memory()?).map_err(|_| call.error(ErrorCode::OVERFLOW, "result too large"));
    "0.0.3" fn virDomainSetMaxMemory[call](domain: Rw<Domain>, memory: NonZero<ULong>) -> ()
        = domain.set_max_memory(kibibytes(call, memory)?);
    "0.1.1" fn virDomainSetMemory[call](domain: Rw<Domain>, memory: NonZero<ULong>) -> ()
        = domain.set_memory(kibibytes(call, memory)?);
    "0.9.0" fn virDomainSetMemoryFlags[call](domain: Rw<Domain>, memory: NonZero<ULong>, flags: c_uint) -> ()
        = domain.set_memory_flags(kibibytes(call, memory)?, flags);
    "1.1.1" fn virDomainSetMemoryStatsPeriod(domain: Rw<Domain>, period: NonNegative<c_int>, flags: c_uint) -> ()
        = domain.set_memory_stats_period(period.0, flags);

    "0.2.1" fn virDomainGetMaxVcpus(domain: Of<Domain>) -> c_int = domain.max_vcpus();
    "0.1.4" fn virDomainSetVcpus(domain: Rw<Domain>, nvcpus: NonZero<c_uint>) -> () = domain.set_vcpus(nvcpus.0);
    "0.8.5" fn virDomainSetVcpusFlags[call](domain: Rw<Domain>, nvcpus: c_uint, flags: c_uint) -> () = {
        required!(call, flags, VIR_DOMAIN_AFFECT_CONFIG by VIR_DOMAIN_VCPU_MAXIMUM);
        exclusive!(call, flags, VIR_DOMAIN_VCPU_GUEST ^ VIR_DOMAIN_AFFECT_CONFIG);
        if nvcpus == 0 {
            return Err(call.wrong("nvcpus", "must not be zero"));
        }
        domain.set_vcpus_flags(nvcpus, flags)
    };
    "0.8.5" fn virDomainGetVcpusFlags[call](domain: Of<Domain>, flags: Affect) -> c_int = {
        if flags.0 & VIR_DOMAIN_VCPU_GUEST != 0 {
            call.check_write()?;
        }
        domain.vcpus_flags(flags.0)
    };
    "0.1.4" fn virDomainGetVcpus[call](
        domain: Of<Domain>, info: Out<virVcpuInfo>, maxinfo: Positive<c_int>, cpumaps: InMut<UChar>, maplen: c_int
    ) -> usize = {
        match cpumaps.is_null() {
            true if maplen != 0 => return Err(call.wrong("maplen", "must not be zero")),
            false if maplen <= 0 => return Err(call.wrong("maplen", "must be greater than zero")),
            _ => {}
        }
        product(call, maxinfo.0, maplen)?;
        let said = domain.vcpus(maxinfo.0, maplen)?;
        let vcpus: Vec<_> = said.info.iter().map(|vcpu| virVcpuInfo {
            number: vcpu.number,
            state: vcpu.state,
            cpuTime: vcpu.cpu_time,
            cpu: vcpu.cpu,
        }).collect();
        // SAFETY: there is room for `maxinfo`, and for a map of each
        unsafe {
            fill_maps(&cpumaps, maxinfo.0, maplen, &said.cpumaps.0);
            Ok(info.fill(usize::try_from(maxinfo.0).unwrap_or_default(), &vcpus))
        }
    };
    "0.1.4" fn virDomainPinVcpu[call](
        domain: Rw<Domain>, vcpu: c_uint, cpumap: Out<UChar>, maplen: Positive<c_int>
    ) -> () = domain.pin_vcpu(vcpu, &map(call, &cpumap, maplen)?);
    "0.9.3" fn virDomainPinVcpuFlags[call](
        domain: Rw<Domain>, vcpu: c_uint, cpumap: Out<UChar>, maplen: Positive<c_int>, flags: c_uint
    ) -> () = domain.pin_vcpu_flags(vcpu, &map(call, &cpumap, maplen)?, flags);
    "0.9.3" fn virDomainGetVcpuPinInfo[call](
        domain: Of<Domain>, ncpumaps: Positive<c_int>, cpumaps: Out<UChar>, maplen: Positive<c_int>, flags: Affect
    ) -> c_int = {
        product(call, ncpumaps.0, maplen.0)?;
        let said = domain.vcpu_pin_info(ncpumaps.0, maplen.0, flags.0)?;
        // SAFETY: there is room for so many maps
        unsafe { fill_maps(&cpumaps.many(), ncpumaps.0, maplen.0, &said.cpumaps.0) };
        Ok(said.num)
    };
    "0.10.0" fn virDomainPinEmulator[call](
        domain: Rw<Domain>, cpumap: Out<UChar>, maplen: Positive<c_int>, flags: c_uint
    ) -> () = domain.pin_emulator(&map(call, &cpumap, maplen)?, flags);
    "0.10.0" fn virDomainGetEmulatorPinInfo(
        domain: Of<Domain>, cpumap: Out<UChar>, maplen: Positive<c_int>, flags: Affect
    ) -> c_int = {
        let said = domain.emulator_pin_info(maplen.0, flags.0)?;
        // SAFETY: there is room for a map
        unsafe { fill_maps(&cpumap.many(), 1, maplen.0, &said.cpumaps.0) };
        Ok(said.ret)
    };
    "3.1.0" fn virDomainSetVcpu(domain: Rw<Domain>, vcpumap: Text, state: c_int, flags: c_uint) -> ()
        = domain.set_vcpu(&vcpumap, state, flags);

    "1.2.14" fn virDomainGetIOThreadInfo(
        dom: Of<Domain>, info: Out<*mut *mut virDomainIOThreadInfo>, flags: Affect
    ) -> usize = {
        info.put(std::ptr::null_mut());
        let threads = dom.iothread_info(flags.0)?;
        let copies = threads.iter().map(|thread| {
            let cpumap = memory::copy(&thread.cpumap.0)?.as_ptr().cast();
            let cpumaplen = c_int::try_from(thread.cpumap.0.len()).unwrap_or_default();
            memory::one(virDomainIOThreadInfo { iothread_id: thread.iothread_id, cpumap, cpumaplen })
        }).collect::<Result<Vec<_>>>()?;
        info.put(memory::list(&copies)?);
        Ok(copies.len())
    };
    "1.2.14" fn virDomainPinIOThread[call](
        domain: Rw<Domain>, iothread_id: c_uint, cpumap: Out<UChar>, maplen: Positive<c_int>, flags: c_uint
    ) -> () = domain.pin_iothread(iothread_id, &map(call, &cpumap, maplen)?, flags);
    "1.2.15" fn virDomainAddIOThread(domain: Rw<Domain>, iothread_id: c_uint, flags: c_uint) -> ()
        = domain.add_iothread(iothread_id, flags);
    "1.2.15" fn virDomainDelIOThread(domain: Rw<Domain>, iothread_id: NonZero<c_uint>, flags: c_uint) -> ()
        = domain.del_iothread(iothread_id.0, flags);
    "4.10.0" fn virDomainSetIOThreadParams[call](
        domain: Rw<Domain>, iothread_id: c_uint, params: Out<virTypedParameter>, nparams: Positive<c_int>,
        flags: c_uint
    ) -> () = {
        // SAFETY: the caller has so many
        let params = unsafe { params::read(&params.many(), nparams.0, call)? };
        domain.set_iothread_params(iothread_id, &params, flags)
    };

    plain {
        "1.2.14" fn virDomainIOThreadInfoFree(info: *mut virDomainIOThreadInfo)
            // SAFETY: as the caller promises
            = unsafe {
            if let Some(info) = info.as_mut() {
                memory::free(info.cpumap);
                memory::free(info);
            }
        };
    }
}

/// Memory in KiB, of which the bytes can be counted.
fn kibibytes(call: &Call, memory: NonZero<ULong>) -> Result<u64> {
    let memory = u64::from(memory.0);
    match memory < u64::MAX / 2 / 1024 {
        true => Ok(memory),
        false => Err(call.error(ErrorCode::OVERFLOW, format!("input too large: {memory}"))),
    }
}

/// No daemon is asked for more virtual CPUs, or more bytes of maps.
const MOST_VCPUS: usize = 16_384;
const MOST_MAPS: usize = 8_388_608;

fn product(call: &Call, one: c_int, other: c_int) -> Result<()> {
    call.measure(one, MOST_VCPUS, "vCPU count exceeds maximum")?;
    match one.checked_mul(other) {
        Some(size) => call.measure(size, MOST_MAPS, "vCPU map buffer length exceeds maximum"),
        None => Err(call.error(ErrorCode::OVERFLOW, format!("input too large: {one} * {other}"))),
    }
}

fn map(call: &Call, map: &Out<UChar>, length: Positive<c_int>) -> Result<Vec<u8>> {
    call.measure(length.0, 2048, "cpumap length greater than maximum")?;
    let map = map.many();
    // SAFETY: the caller has so many bytes
    Ok(unsafe { map.values(length.0, call, "cpumap")? }.iter().map(|byte| byte.0).collect())
}

/// Puts maps of processors there; what is not said of is none.
///
/// # Safety
/// There is room for `count` maps of `length` bytes, unless the pointer is null.
unsafe fn fill_maps(room: &InMut<UChar>, count: c_int, length: c_int, maps: &[u8]) {
    let size = usize::try_from(count).unwrap_or_default() * usize::try_from(length).unwrap_or_default();
    if room.is_null() || size == 0 {
        return;
    }
    let filled = size.min(maps.len());
    // SAFETY: as the caller promises
    unsafe {
        room.as_ptr().cast::<u8>().write_bytes(0, size);
        room.as_ptr().cast::<u8>().copy_from_nonoverlapping(maps.as_ptr(), filled);
    }
}
