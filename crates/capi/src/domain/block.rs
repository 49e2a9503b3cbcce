//! Disks.

use std::ffi::{c_int, c_uint, c_void};

use virtus::Result;
use virtus::constants::*;

use crate::arg::{InMut, NonNegative, Out, Rw, Said, Text};
use crate::call::Call;
use crate::ctype::{Char, ULong};
use crate::declare::{exports, structs};
use crate::handle::Of;
use crate::memory;
use crate::object::Domain;
use crate::params::{self, virTypedParameter};

structs! {
    /// How large an image is.
    virDomainBlockInfo {
        capacity: u64,
        allocation: u64,
        physical: u64,
    }
    /// How far a block job is.
    virDomainBlockJobInfo {
        r#type: c_int,
        bandwidth: ULong,
        cur: u64,
        end: u64,
    }
    /// A disk with an error.
    virDomainDiskError {
        disk: *mut Char,
        error: c_int,
    }
}

exports! {
    header DOMAIN, errors DOMAIN;

    "0.8.1" fn virDomainGetBlockInfo(domain: Of<Domain>, disk: Said, info: Out<virDomainBlockInfo>, flags: c_uint)
        -> () = {
        let said = domain.block_info(&disk, flags)?;
        Ok(info.put(virDomainBlockInfo {
            capacity: said.capacity,
            allocation: said.allocation,
            physical: said.physical,
        }))
    };
    "0.4.2" fn virDomainBlockPeek[call](
        dom: Rw<Domain>, disk: Said, offset: u64, size: usize, buffer: *mut c_void, flags: c_uint
    ) -> () = {
        let wanted = peek_size(call, "block", size, buffer)?;
        // SAFETY: there is room for `size` bytes
        unsafe { memory::put_bytes(buffer, size, &dom.block_peek(&disk, offset, wanted, flags)?) };
        Ok(())
    };
    "0.4.2" fn virDomainMemoryPeek[call](
        dom: Rw<Domain>, start: u64, size: usize, buffer: *mut c_void, flags: c_uint
    ) -> () = {
        let wanted = peek_size(call, "memory", size, buffer)?;
        crate::flags::exclusive!(call, flags, VIR_MEMORY_VIRTUAL ^ VIR_MEMORY_PHYSICAL);
        // SAFETY: there is room for `size` bytes
        unsafe { memory::put_bytes(buffer, size, &dom.memory_peek(start, wanted, flags)?) };
        Ok(())
    };
    "0.9.8" fn virDomainBlockResize(dom: Rw<Domain>, disk: Text, size: u64, flags: c_uint) -> ()
        = dom.block_resize(&disk, size, flags);
    "3.1.0" fn virDomainSetBlockThreshold(domain: Rw<Domain>, dev: Text, threshold: u64, flags: c_uint) -> ()
        = domain.set_block_threshold(&dev, threshold, flags);
    "0.9.10" fn virDomainGetDiskErrors[call](
        dom: Of<Domain>, errors: InMut<virDomainDiskError>, maxerrors: c_uint, flags: c_uint
    ) -> c_int = {
        if errors.is_null() && maxerrors > 0 {
            return Err(call.wrong("errors", "must not be NULL"));
        }
        let said = dom.disk_errors(flags)?;
        if errors.is_null() {
            return Ok(c_int::try_from(said.len()).unwrap_or(c_int::MAX));
        }
        let room = usize::try_from(maxerrors).unwrap_or_default();
        let copies = said.iter().take(room).map(|one| {
            Ok(virDomainDiskError { disk: memory::text(&one.disk)?.as_ptr(), error: one.error })
        }).collect::<Result<Vec<_>>>()?;
        // SAFETY: there is room for `maxerrors`
        unsafe { errors.fill(c_int::try_from(maxerrors).unwrap_or(c_int::MAX), &copies, call, "errors") }
    };

    "0.9.4" fn virDomainBlockJobAbort(dom: Rw<Domain>, disk: Text, flags: c_uint) -> ()
        = dom.block_job_abort(&disk, flags);
    "0.9.4" fn virDomainGetBlockJobInfo(
        dom: Of<Domain>, disk: Text, info: Out<virDomainBlockJobInfo>, flags: c_uint
    ) -> bool = {
        let said = dom.block_job_info(&disk, flags)?;
        let none = said.found == 0;
        info.put(virDomainBlockJobInfo {
            r#type: if none { 0 } else { said.kind },
            bandwidth: if none { ULong(0) } else {
                ULong::try_from(said.bandwidth).unwrap_or(ULong(std::ffi::c_ulong::MAX))
            },
            cur: if none { 0 } else { said.cur },
            end: if none { 0 } else { said.end },
        });
        Ok(!none)
    };
    "0.9.4" fn virDomainBlockJobSetSpeed(dom: Rw<Domain>, disk: Text, bandwidth: ULong, flags: c_uint) -> ()
        = dom.block_job_set_speed(&disk, bandwidth.into(), flags);
    "0.9.4" fn virDomainBlockPull(dom: Rw<Domain>, disk: Text, bandwidth: ULong, flags: c_uint) -> ()
        = dom.block_pull(&disk, bandwidth.into(), flags);
    "0.9.10" fn virDomainBlockRebase[call](
        dom: Rw<Domain>, disk: Text, base: Option<Text>, bandwidth: ULong, flags: c_uint
    ) -> () = {
        if flags & VIR_DOMAIN_BLOCK_REBASE_COPY != 0 {
            if base.is_none() {
                return Err(call.wrong("base", "must not be NULL"));
            }
        } else if flags & OF_COPIES != 0 {
            return Err(call.refused("flags", "use of flags requires a copy job"));
        }
        dom.block_rebase(&disk, base.as_deref(), bandwidth.into(), flags)
    };
    "1.2.8" fn virDomainBlockCopy[call](
        dom: Rw<Domain>, disk: Text, destxml: Text, params: InMut<virTypedParameter>, nparams: NonNegative<c_int>,
        flags: c_uint
    ) -> () = {
        // SAFETY: the caller has so many
        let params = unsafe { params::read(&params, nparams.0, call)? };
        dom.block_copy(&disk, &destxml, &params, flags)
    };
    "0.10.2" fn virDomainBlockCommit(
        dom: Rw<Domain>, disk: Text, base: Option<Text>, top: Option<Text>, bandwidth: ULong, flags: c_uint
    ) -> () = dom.block_commit(&disk, base.as_deref(), top.as_deref(), bandwidth.into(), flags);
}

/// What only copies have.
const OF_COPIES: c_uint = VIR_DOMAIN_BLOCK_REBASE_SHALLOW
    | VIR_DOMAIN_BLOCK_REBASE_REUSE_EXT
    | VIR_DOMAIN_BLOCK_REBASE_COPY_RAW
    | VIR_DOMAIN_BLOCK_REBASE_COPY_DEV;

/// The most that one call of the protocol can bring.
const PEEK_MAX: usize = 4_194_304;

/// How many bytes are asked for; there must be room for them.
fn peek_size(call: &Call, what: &str, size: usize, buffer: *mut c_void) -> Result<u32> {
    if size > 0 && buffer.is_null() {
        return Err(call.wrong("buffer", "must not be NULL"));
    }
    let local = call.connection.as_ref().is_some_and(|connection| connection.is_local());
    match u32::try_from(size) {
        Ok(wanted) if local || size <= PEEK_MAX => Ok(wanted),
        _ if local => Ok(u32::MAX),
        _ => {
            let text = format!("{what} peek request too large for remote protocol, {size} > {PEEK_MAX}");
            Err(virtus::Error::new(virtus::ErrorDomain::REMOTE, virtus::ErrorCode::RPC, text))
        }
    }
}
