//! What a domain gets: parameters of the scheduler, memory, block devices, interfaces and more.

use std::ffi::{c_int, c_uint};

use virtus::constants::{VIR_DOMAIN_AFFECT_CONFIG, VIR_DOMAIN_AFFECT_LIVE};

use crate::arg::{InMut, NonNegative, Out, Positive, Rw, Text};
use crate::declare::exports;
use crate::flags::{Affect, exclusive};
use crate::handle::Of;
use crate::object::Domain;
use crate::params::{self, tuned, virTypedParameter};

exports! {
    header DOMAIN, errors DOMAIN;

    "0.2.3" fn virDomainGetSchedulerType(domain: Of<Domain>, nparams: Option<Out<c_int>>) -> String = {
        let said = domain.scheduler_type()?;
        if let Some(nparams) = nparams {
            nparams.put(said.nparams);
        }
        Ok(said.kind)
    };
    "0.2.3" fn virDomainGetSchedulerParameters[call](
        domain: Of<Domain>, params: Out<virTypedParameter>, nparams: Out<c_int>
    ) -> () = {
        params::check_some(call, &nparams)?;
        let said = domain.scheduler_parameters()?;
        // SAFETY: there is room for `*nparams`
        unsafe { params::fill(&params.many(), &nparams, &said) }
    };
    "0.9.2" fn virDomainGetSchedulerParametersFlags[call](
        domain: Of<Domain>, params: Out<virTypedParameter>, nparams: Out<c_int>, flags: c_uint
    ) -> () = {
        params::check_some(call, &nparams)?;
        exclusive!(call, flags, VIR_DOMAIN_AFFECT_LIVE ^ VIR_DOMAIN_AFFECT_CONFIG);
        let said = domain.scheduler_parameters_flags(call.with_texts(flags)?)?;
        // SAFETY: there is room for `*nparams`
        unsafe { params::fill(&params.many(), &nparams, &said) }
    };
    "0.2.3" fn virDomainSetSchedulerParameters[call](
        domain: Rw<Domain>, params: Out<virTypedParameter>, nparams: NonNegative<c_int>
    ) -> () = {
        // SAFETY: the caller has so many
        let params = unsafe { params::read(&params.many(), nparams.0, call)? };
        domain.set_scheduler_parameters(&params)
    };
    "0.9.2" fn virDomainSetSchedulerParametersFlags[call](
        domain: Rw<Domain>, params: Out<virTypedParameter>, nparams: NonNegative<c_int>, flags: c_uint
    ) -> () = {
        // SAFETY: the caller has so many
        let params = unsafe { params::read(&params.many(), nparams.0, call)? };
        domain.set_scheduler_parameters_flags(&params, flags)
    };
    "0.8.5" fn virDomainGetMemoryParameters[call](
        domain: Of<Domain>, params: InMut<virTypedParameter>, nparams: Out<c_int>, flags: Affect
    ) -> ()
        = tuned!(call, domain, params, nparams, domain_get_memory_parameters(; call.with_texts(flags.0)?));
    "0.8.5" fn virDomainSetMemoryParameters[call](
        domain: Rw<Domain>, params: Out<virTypedParameter>, nparams: Positive<c_int>, flags: c_uint
    ) -> () = {
        // SAFETY: the caller has so many
        let params = unsafe { params::read(&params.many(), nparams.0, call)? };
        domain.set_memory_parameters(&params, flags)
    };
    "0.9.0" fn virDomainGetBlkioParameters[call](
        domain: Of<Domain>, params: InMut<virTypedParameter>, nparams: Out<c_int>, flags: Affect
    ) -> ()
        = tuned!(call, domain, params, nparams, domain_get_blkio_parameters(; call.with_texts(flags.0)?));
    "0.9.0" fn virDomainSetBlkioParameters[call](
        domain: Rw<Domain>, params: Out<virTypedParameter>, nparams: NonNegative<c_int>, flags: c_uint
    ) -> () = {
        // SAFETY: the caller has so many
        let params = unsafe { params::read(&params.many(), nparams.0, call)? };
        domain.set_blkio_parameters(&params, flags)
    };
    "0.9.9" fn virDomainGetNumaParameters[call](
        domain: Of<Domain>, params: InMut<virTypedParameter>, nparams: Out<c_int>, flags: c_uint
    ) -> ()
        = tuned!(call, domain, params, nparams, domain_get_numa_parameters(; call.with_texts(flags)?));
    "0.9.9" fn virDomainSetNumaParameters[call](
        domain: Rw<Domain>, params: Out<virTypedParameter>, nparams: Positive<c_int>, flags: c_uint
    ) -> () = {
        // SAFETY: the caller has so many
        let params = unsafe { params::read(&params.many(), nparams.0, call)? };
        domain.set_numa_parameters(&params, flags)
    };
    "0.9.9" fn virDomainGetInterfaceParameters[call](
        domain: Of<Domain>, device: Option<Text>, params: InMut<virTypedParameter>, nparams: Out<c_int>,
        flags: c_uint
    ) -> () = {
        let device = device.map_or_else(String::new, |device| device.0);
        tuned!(call, domain, params, nparams, domain_get_interface_parameters(device; call.with_texts(flags)?))
    };
    "0.9.9" fn virDomainSetInterfaceParameters[call](
        domain: Rw<Domain>, device: Option<Text>, params: Out<virTypedParameter>, nparams: Positive<c_int>, flags: c_uint
    ) -> () = {
        // SAFETY: the caller has so many
        let params = unsafe { params::read(&params.many(), nparams.0, call)? };
        domain.set_interface_parameters(device.as_deref().unwrap_or_default(), &params, flags)
    };
    "0.9.8" fn virDomainGetBlockIoTune[call](
        dom: Of<Domain>, disk: Option<Text>, params: InMut<virTypedParameter>, nparams: Out<c_int>, flags: Affect
    ) -> () = {
        if nparams.get() != 0 && disk.is_none() {
            return Err(call.wrong("disk", "must not be NULL"));
        }
        let disk = disk.map(|disk| disk.0);
        tuned!(call, dom, params, nparams, domain_get_block_io_tune(disk; call.with_texts(flags.0)?))
    };
    "0.9.8" fn virDomainSetBlockIoTune[call](
        dom: Rw<Domain>, disk: Text, params: Out<virTypedParameter>, nparams: Positive<c_int>, flags: c_uint
    ) -> () = {
        // SAFETY: the caller has so many
        let params = unsafe { params::read(&params.many(), nparams.0, call)? };
        dom.set_block_io_tune(&disk, &params, flags)
    };
    "11.2.0" fn virDomainSetThrottleGroup[call](
        dom: Rw<Domain>, group: Text, params: Out<virTypedParameter>, nparams: Positive<c_int>, flags: c_uint
    ) -> () = {
        // SAFETY: the caller has so many
        let params = unsafe { params::read(&params.many(), nparams.0, call)? };
        dom.set_throttle_group(&group, &params, flags)
    };
    "11.2.0" fn virDomainDelThrottleGroup(dom: Of<Domain>, group: Text, flags: c_uint) -> ()
        = dom.del_throttle_group(Some(&group), flags);
    "1.3.3" fn virDomainGetPerfEvents[call](
        domain: Of<Domain>, params: Out<*mut virTypedParameter>, nparams: Out<c_int>, flags: c_uint
    ) -> () = {
        let said = domain.perf_events(call.with_texts(flags)?)?;
        params::give(&params, &nparams, &said, call)
    };
    "1.3.3" fn virDomainSetPerfEvents[call](
        domain: Rw<Domain>, params: Out<virTypedParameter>, nparams: Positive<c_int>, flags: c_uint
    ) -> () = {
        // SAFETY: the caller has so many
        let params = unsafe { params::read(&params.many(), nparams.0, call)? };
        domain.set_perf_events(&params, flags)
    };
}
