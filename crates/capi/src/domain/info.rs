//! What a domain is and does now.

use std::ffi::{c_int, c_uint, c_ushort};

use virtus::Result;
use virtus::constants::*;

use crate::arg::{Later, Out, Positive, Rw, Text};
use crate::call::Call;
use crate::ctype::{Char, UChar, ULong};
use crate::declare::{exports, structs};
use crate::flags::{Affect, required};
use crate::handle::Of;
use crate::memory;
use crate::object::Domain;
use crate::params::{self, virTypedParameter};

structs! {
    /// State, memory and time of a domain.
    virDomainInfo {
        state: UChar,
        maxMem: ULong,
        memory: ULong,
        nrVirtCpu: c_ushort,
        cpuTime: u64,
    }
    /// What the daemon does with a domain.
    virDomainControlInfo {
        state: c_uint,
        details: c_uint,
        stateTime: u64,
    }
    /// How far a job is.
    virDomainJobInfo {
        r#type: c_int,
        timeElapsed: u64,
        timeRemaining: u64,
        dataTotal: u64,
        dataProcessed: u64,
        dataRemaining: u64,
        memTotal: u64,
        memProcessed: u64,
        memRemaining: u64,
        fileTotal: u64,
        fileProcessed: u64,
        fileRemaining: u64,
    }
}

exports! {
    header DOMAIN, errors DOMAIN;

    "0.0.3" fn virDomainGetXMLDesc[call](domain: Of<Domain>, flags: c_uint) -> String = {
        call.check_secure(flags & (VIR_DOMAIN_XML_SECURE | VIR_DOMAIN_XML_MIGRATABLE))?;
        domain.xml(flags)
    };
    "0.0.3" fn virDomainGetInfo(domain: Of<Domain>, info: Out<virDomainInfo>) -> () = {
        let said = domain.info()?;
        // what is more than C can say is as much as it can
        let long = |value: u64| ULong::try_from(value).unwrap_or(ULong(std::ffi::c_ulong::MAX));
        Ok(info.put(virDomainInfo {
            state: UChar(said.state),
            maxMem: long(said.max_mem),
            memory: long(said.memory),
            nrVirtCpu: said.nr_virt_cpu,
            cpuTime: said.cpu_time,
        }))
    };
    "0.9.2" fn virDomainGetState(domain: Of<Domain>, state: Out<c_int>, reason: Option<Out<c_int>>, flags: c_uint)
        -> () = {
        let said = domain.state(flags)?;
        state.put(said.state);
        Ok(reason.map_or((), |reason| reason.put(said.reason)))
    };
    "0.9.3" fn virDomainGetControlInfo(domain: Of<Domain>, info: Out<virDomainControlInfo>, flags: c_uint) -> () = {
        let said = domain.control_info(flags)?;
        Ok(info.put(virDomainControlInfo { state: said.state, details: said.details, stateTime: said.state_time }))
    };
    "0.0.3" fn virDomainGetOSType(domain: Of<Domain>) -> String = domain.os_type();
    "0.7.3" fn virDomainIsActive(dom: Of<Domain>) -> bool = dom.is_active();
    "0.7.3" fn virDomainIsPersistent(dom: Of<Domain>) -> bool = dom.is_persistent();
    "0.8.6" fn virDomainIsUpdated(dom: Of<Domain>) -> bool = dom.is_updated();
    "0.10.0" fn virDomainGetHostname(domain: Rw<Domain>, flags: c_uint) -> String = domain.hostname(flags);

    "0.9.10" fn virDomainSetMetadata[call](
        domain: Rw<Domain>, r#type: c_int, metadata: Option<Text>, key: Option<Text>, uri: Option<Text>,
        flags: c_uint
    ) -> () = {
        match r#type {
            VIR_DOMAIN_METADATA_TITLE | VIR_DOMAIN_METADATA_DESCRIPTION => {
                if r#type == VIR_DOMAIN_METADATA_TITLE && metadata.as_ref().is_some_and(|text| text.contains('\n')) {
                    return Err(call.refused("metadata", "metadata title can't contain newlines"));
                }
                must_be_null(call, "uri", uri.as_ref())?;
                must_be_null(call, "key", key.as_ref())?;
            }
            VIR_DOMAIN_METADATA_ELEMENT => {
                must_be_there(call, "uri", uri.as_ref())?;
                if metadata.is_some() {
                    must_be_there(call, "key", key.as_ref())?;
                }
            }
            // a daemon that is newer may know it
            _ => {}
        }
        domain.set_metadata(r#type, metadata.as_deref(), key.as_deref(), uri.as_deref(), flags)
    };
    "0.9.10" fn virDomainGetMetadata[call](domain: Of<Domain>, r#type: c_int, uri: Option<Text>, flags: Affect)
        -> String = {
        match r#type {
            VIR_DOMAIN_METADATA_TITLE | VIR_DOMAIN_METADATA_DESCRIPTION => must_be_null(call, "uri", uri.as_ref())?,
            VIR_DOMAIN_METADATA_ELEMENT => must_be_there(call, "uri", uri.as_ref())?,
            _ => {}
        }
        domain.metadata(r#type, uri.as_deref(), flags.0)
    };
    "7.1.0" fn virDomainGetMessages(domain: Of<Domain>, msgs: Out<*mut *mut Char>, flags: c_uint) -> usize = {
        let messages = domain.messages(flags)?;
        msgs.put(memory::texts(&messages)?);
        Ok(messages.len())
    };

    "0.7.7" fn virDomainGetJobInfo(domain: Of<Domain>, info: Out<virDomainJobInfo>) -> () = {
        let said = domain.job_info()?;
        Ok(info.put(virDomainJobInfo {
            r#type: said.kind,
            timeElapsed: said.time_elapsed,
            timeRemaining: said.time_remaining,
            dataTotal: said.data_total,
            dataProcessed: said.data_processed,
            dataRemaining: said.data_remaining,
            memTotal: said.mem_total,
            memProcessed: said.mem_processed,
            memRemaining: said.mem_remaining,
            fileTotal: said.file_total,
            fileProcessed: said.file_processed,
            fileRemaining: said.file_remaining,
        }))
    };
    "1.0.3" fn virDomainGetJobStats[call](
        domain: Of<Domain>, r#type: Out<c_int>, params: Out<*mut virTypedParameter>, nparams: Out<c_int>,
        flags: c_uint
    ) -> () = {
        required!(call, flags, VIR_DOMAIN_JOB_STATS_COMPLETED by VIR_DOMAIN_JOB_STATS_KEEP_COMPLETED);
        let said = domain.job_stats(flags)?;
        params::give(&params, &nparams, &said.params, call)?;
        Ok(r#type.put(said.kind))
    };
    "0.7.7" fn virDomainAbortJob(domain: Rw<Domain>) -> () = domain.abort_job();
    "8.5.0" fn virDomainAbortJobFlags(domain: Rw<Domain>, flags: c_uint) -> () = domain.abort_job_flags(flags);
    "6.0.0" fn virDomainBackupBegin(
        domain: Later<Domain>, backupXML: Text, checkpointXML: Option<Text>, flags: c_uint
    ) -> () = domain.backup_begin(&backupXML, checkpointXML.as_deref(), flags);
    "6.0.0" fn virDomainBackupGetXMLDesc(domain: Of<Domain>, flags: c_uint) -> String = domain.backup_xml(flags);
    "4.5.0" fn virDomainGetLaunchSecurityInfo[call](
        domain: Later<Domain>, params: Out<*mut virTypedParameter>, nparams: Out<c_int>, flags: c_uint
    ) -> () = {
        let said = domain.launch_security_info(call.with_texts(flags)?)?;
        params::give(&params, &nparams, &said, call)
    };
    "8.0.0" fn virDomainSetLaunchSecurityState[call](
        domain: Later<Domain>, params: Out<virTypedParameter>, nparams: Positive<c_int>, flags: c_uint
    ) -> () = {
        // SAFETY: the caller has so many
        let params = unsafe { params::read(&params.many(), nparams.0, call)? };
        domain.set_launch_security_state(&params, flags)
    };
}

fn must_be_null(call: &Call, name: &str, text: Option<&Text>) -> Result<()> {
    if text.is_some() { Err(call.wrong(name, "must be NULL")) } else { Ok(()) }
}

fn must_be_there(call: &Call, name: &str, text: Option<&Text>) -> Result<()> {
    if text.is_none() { Err(call.wrong(name, "must not be NULL")) } else { Ok(()) }
}
