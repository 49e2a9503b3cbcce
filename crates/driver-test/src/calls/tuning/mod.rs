//! Memory, processors and the limits of domains.

mod blkio;
mod iothread;
mod numa;
mod vcpu;

use async_trait::async_trait;
use virtus_api::constants::*;
use virtus_api::domain::tuning::*;
use virtus_api::{Call, DomainRef, DomainTuning};
use virtus_base::{ErrorCode, Result, TypedParam, TypedValue};
use virtus_conf::domain::memory::MemTune;
use virtus_conf::domain::misc::{Perf, PerfEvent, PerfEventName};
use virtus_conf::domain::{self as conf};
use virtus_conf::net::bandwidth::{Bandwidth, Rate};
use virtus_conf::scaled::KiB;
use virtus_xdr::{Chars, List, Opaque};
use virtus_xml::YesNo;

use super::params::{fit, number, validate};
use crate::domain::find_interface;
use crate::{Driver, bad_argument, count, flags, invalid};

const IMPACT: u32 = VIR_DOMAIN_AFFECT_LIVE | VIR_DOMAIN_AFFECT_CONFIG;
/// Callers that ask for parameters may say that they take texts, too.
const ASKING: u32 = IMPACT | VIR_TYPED_PARAM_STRING_OKAY;
/// What a memory limit is where there is none (`VIR_DOMAIN_MEMORY_PARAM_UNLIMITED`).
const UNLIMITED: u64 = 9_007_199_254_740_991;

const MEMORY: [(&str, &str); 3] =
    [("hard_limit", "ullong"), ("soft_limit", "ullong"), ("swap_hard_limit", "ullong")];
const BANDWIDTH: [(&str, &str); 7] = [
    ("inbound.average", "uint"),
    ("inbound.peak", "uint"),
    ("inbound.burst", "uint"),
    ("inbound.floor", "uint"),
    ("outbound.average", "uint"),
    ("outbound.peak", "uint"),
    ("outbound.burst", "uint"),
];

fn limits(definition: &conf::Domain) -> [u64; 3] {
    let tune = definition.memtune.as_ref();
    let limit = |of: fn(&MemTune) -> Option<KiB>| tune.and_then(of).map_or(UNLIMITED, |limit| limit.0);
    [limit(|t| t.hard_limit), limit(|t| t.soft_limit), limit(|t| t.swap_hard_limit)]
}

/// A rate as the call's parameters give it; `None` where they say that there is none.
fn rate(params: &[TypedParam], direction: &str) -> Option<Rate> {
    let value = |name: &str| number(params, &format!("{direction}.{name}")).filter(|value| *value != 0);
    let rate =
        Rate { average: value("average"), peak: value("peak"), floor: value("floor"), burst: value("burst") };
    (rate.average.is_some() || rate.floor.is_some()).then_some(rate)
}

#[async_trait]
impl DomainTuning for Driver {
    async fn domain_get_max_memory(&self, _: &Call, dom: DomainRef) -> Result<u64> {
        Ok(self.state().domain(&dom)?.definition.memory.size.0)
    }

    async fn domain_set_max_memory(&self, call: &Call, dom: DomainRef, memory: u64) -> Result<()> {
        self.domain_set_memory_flags(call, dom, memory, VIR_DOMAIN_MEM_MAXIMUM).await
    }

    async fn domain_set_memory(&self, call: &Call, dom: DomainRef, memory: u64) -> Result<()> {
        self.domain_set_memory_flags(call, dom, memory, VIR_DOMAIN_AFFECT_LIVE).await
    }

    async fn domain_set_memory_flags(&self, _: &Call, dom: DomainRef, memory: u64, given: u32) -> Result<()> {
        flags(given, IMPACT | VIR_DOMAIN_MEM_MAXIMUM, "testDomainSetMemoryFlags")?;
        let mut state = self.state();
        let domain = state.domain(&dom)?;
        let live = domain.one_affected(given)?.live;
        let definition = domain.one(given)?;
        if given & VIR_DOMAIN_MEM_MAXIMUM == 0 {
            if memory > definition.memory.size.0 {
                return Err(bad_argument("cannot set memory higher than max memory"));
            }
            definition.current_memory = Some(KiB(memory));
            return Ok(());
        }
        if live {
            return Err(invalid("cannot resize the maximum memory on an active domain"));
        }
        if definition.cpu.as_ref().is_some_and(|cpu| cpu.numa.is_some()) {
            return Err(invalid(
                "initial memory size of a domain with NUMA nodes cannot be modified with this API",
            ));
        }
        if definition.max_memory.as_ref().is_some_and(|most| most.size.0 < memory) {
            return Err(invalid("cannot set initial memory size greater than the maximum memory size"));
        }
        definition.memory.size = KiB(memory);
        definition.current_memory = definition.current_memory.map(|current| current.min(KiB(memory)));
        Ok(())
    }

    async fn domain_get_max_vcpus(&self, call: &Call, dom: DomainRef) -> Result<i32> {
        self.domain_get_vcpus_flags(call, dom, VIR_DOMAIN_AFFECT_LIVE | VIR_DOMAIN_VCPU_MAXIMUM).await
    }

    async fn domain_get_vcpus(
        &self,
        _: &Call,
        dom: DomainRef,
        maxinfo: i32,
        maplen: i32,
    ) -> Result<DomainGetVcpusReply> {
        vcpu::list(&mut self.state(), &dom, maxinfo, maplen)
    }

    async fn domain_get_vcpus_flags(&self, _: &Call, dom: DomainRef, given: u32) -> Result<i32> {
        flags(given, IMPACT | VIR_DOMAIN_VCPU_MAXIMUM, "testDomainGetVcpusFlags")?;
        let mut state = self.state();
        let definition = state.domain(&dom)?.one(given)?;
        let vcpu = &definition.vcpu;
        let number = if given & VIR_DOMAIN_VCPU_MAXIMUM != 0 { vcpu.max } else { vcpu.online() };
        Ok(i32::try_from(number).unwrap_or(i32::MAX))
    }

    async fn domain_set_vcpus(&self, call: &Call, dom: DomainRef, nvcpus: u32) -> Result<()> {
        self.domain_set_vcpus_flags(call, dom, nvcpus, VIR_DOMAIN_AFFECT_LIVE).await
    }

    async fn domain_set_vcpus_flags(&self, _: &Call, dom: DomainRef, nvcpus: u32, given: u32) -> Result<()> {
        flags(given, IMPACT | VIR_DOMAIN_VCPU_MAXIMUM, "testDomainSetVcpusFlags")?;
        vcpu::set(&mut self.state(), &dom, nvcpus, given)
    }

    async fn domain_pin_vcpu(
        &self,
        call: &Call,
        dom: DomainRef,
        vcpu: u32,
        cpumap: Opaque<2_048>,
    ) -> Result<()> {
        self.domain_pin_vcpu_flags(call, dom, vcpu, cpumap, 0).await
    }

    async fn domain_pin_vcpu_flags(
        &self,
        _: &Call,
        dom: DomainRef,
        vcpu: u32,
        cpumap: Opaque<2_048>,
        given: u32,
    ) -> Result<()> {
        flags(given, 0, "testDomainPinVcpuFlags")?;
        vcpu::pin(&mut self.state(), &dom, vcpu, &cpumap)
    }

    async fn domain_get_vcpu_pin_info(
        &self,
        _: &Call,
        dom: DomainRef,
        ncpumaps: i32,
        maplen: i32,
        given: u32,
    ) -> Result<DomainGetVcpuPinInfoReply> {
        vcpu::pins(&mut self.state(), &dom, ncpumaps, maplen, given)
    }

    async fn domain_pin_emulator(
        &self,
        _: &Call,
        dom: DomainRef,
        cpumap: Opaque<2_048>,
        given: u32,
    ) -> Result<()> {
        flags(given, IMPACT, "testDomainPinEmulator")?;
        vcpu::pin_emulator(&mut self.state(), &dom, &cpumap, given)
    }

    async fn domain_get_emulator_pin_info(
        &self,
        _: &Call,
        dom: DomainRef,
        maplen: i32,
        given: u32,
    ) -> Result<DomainGetEmulatorPinInfoReply> {
        flags(given, IMPACT, "testDomainGetEmulatorPinInfo")?;
        vcpu::emulator_pin(&mut self.state(), &dom, maplen, given)
    }

    async fn domain_get_scheduler_type(&self, _: &Call, _: DomainRef) -> Result<DomainGetSchedulerTypeReply> {
        Ok(DomainGetSchedulerTypeReply { kind: "fair".to_owned(), nparams: 1 })
    }

    async fn domain_get_scheduler_parameters(
        &self,
        call: &Call,
        dom: DomainRef,
        nparams: i32,
    ) -> Result<List<TypedParam, 16>> {
        self.domain_get_scheduler_parameters_flags(call, dom, nparams, 0).await
    }

    async fn domain_get_scheduler_parameters_flags(
        &self,
        _: &Call,
        dom: DomainRef,
        _: i32,
        given: u32,
    ) -> Result<List<TypedParam, 16>> {
        flags(given, 0, "testDomainGetSchedulerParametersFlags")?;
        self.state().domain(&dom)?;
        Ok(List(vec![TypedParam::new("weight", 50_u32)]))
    }

    async fn domain_set_scheduler_parameters(
        &self,
        call: &Call,
        dom: DomainRef,
        params: List<TypedParam, 16>,
    ) -> Result<()> {
        self.domain_set_scheduler_parameters_flags(call, dom, params, 0).await
    }

    async fn domain_set_scheduler_parameters_flags(
        &self,
        _: &Call,
        dom: DomainRef,
        params: List<TypedParam, 16>,
        given: u32,
    ) -> Result<()> {
        flags(given, 0, "testDomainSetSchedulerParametersFlags")?;
        validate(&params, &[("weight", "uint")])?;
        // a host in memory always schedules by the same weight, as the reference's does
        self.state().domain(&dom).map(drop)
    }

    async fn domain_get_security_label(
        &self,
        _: &Call,
        dom: DomainRef,
    ) -> Result<DomainGetSecurityLabelReply> {
        Ok(match self.state().domain(&dom)?.is_active() {
            true => DomainGetSecurityLabelReply { label: Chars(b"libvirt-test\0".to_vec()), enforcing: 1 },
            false => DomainGetSecurityLabelReply { label: Chars(b"\0".to_vec()), enforcing: 0 },
        })
    }

    async fn domain_set_memory_parameters(
        &self,
        _: &Call,
        dom: DomainRef,
        params: List<TypedParam, 16>,
        given: u32,
    ) -> Result<()> {
        flags(given, IMPACT, "testDomainSetMemoryParameters")?;
        validate(&params, &MEMORY)?;
        let mut state = self.state();
        let domain = state.domain(&dom)?;
        let [now_hard, _, now_swap] = limits(&domain.definition);
        let definition = domain.one(given)?;
        let value = |name| number(&params, name);
        let (hard, soft, swap) = (value("hard_limit"), value("soft_limit"), value("swap_hard_limit"));
        if (hard.is_some() || swap.is_some()) && hard.unwrap_or(now_hard) > swap.unwrap_or(now_swap) {
            return Err(bad_argument(
                "memory hard_limit tunable value must be lower than or equal to swap_hard_limit",
            ));
        }
        let tune = definition.memtune.get_or_insert_with(MemTune::default);
        for (limit, value) in
            [(&mut tune.hard_limit, hard), (&mut tune.soft_limit, soft), (&mut tune.swap_hard_limit, swap)]
        {
            if let Some(value) = value {
                *limit = (value < UNLIMITED).then_some(KiB(value));
            }
        }
        definition.memtune = definition.memtune.take().filter(|tune| *tune != MemTune::default());
        Ok(())
    }

    async fn domain_get_memory_parameters(
        &self,
        _: &Call,
        dom: DomainRef,
        nparams: i32,
        given: u32,
    ) -> Result<DomainGetMemoryParametersReply> {
        flags(given, ASKING, "testDomainGetMemoryParameters")?;
        let mut state = self.state();
        let values = limits(state.domain(&dom)?.one(given)?);
        let params = MEMORY.iter().zip(values).map(|((name, _), value)| TypedParam::new(*name, value));
        let (params, nparams) = fit(params.collect(), nparams);
        Ok(DomainGetMemoryParametersReply { params: List(params), nparams })
    }

    async fn domain_set_blkio_parameters(
        &self,
        _: &Call,
        dom: DomainRef,
        params: List<TypedParam, 16>,
        given: u32,
    ) -> Result<()> {
        flags(given, IMPACT, "testDomainSetBlkioParameters")?;
        validate(&params, &blkio::PARAMETERS)?;
        blkio::set(self.state().domain(&dom)?.one(given)?, &params)
    }

    async fn domain_get_blkio_parameters(
        &self,
        _: &Call,
        dom: DomainRef,
        nparams: i32,
        given: u32,
    ) -> Result<DomainGetBlkioParametersReply> {
        flags(given, ASKING, "testDomainGetBlkioParameters")?;
        let mut state = self.state();
        let (params, nparams) = fit(blkio::get(state.domain(&dom)?.one(given)?), nparams);
        Ok(DomainGetBlkioParametersReply { params: List(params), nparams })
    }

    async fn domain_set_numa_parameters(
        &self,
        _: &Call,
        dom: DomainRef,
        params: List<TypedParam, 16>,
        given: u32,
    ) -> Result<()> {
        flags(given, IMPACT, "testDomainSetNumaParameters")?;
        validate(&params, &numa::PARAMETERS)?;
        let mut state = self.state();
        let domain = state.domain(&dom)?;
        let live = domain.one_affected(given)?.live;
        numa::set(domain.one(given)?, &params, live)
    }

    async fn domain_get_numa_parameters(
        &self,
        _: &Call,
        dom: DomainRef,
        nparams: i32,
        given: u32,
    ) -> Result<DomainGetNumaParametersReply> {
        flags(given, ASKING, "testDomainGetNumaParameters")?;
        let mut state = self.state();
        let domain = state.domain(&dom)?;
        if nparams == 0 {
            let nparams = count(numa::PARAMETERS.len());
            return Ok(DomainGetNumaParametersReply { params: List::default(), nparams });
        }
        let (params, nparams) = fit(numa::get(domain.one(given)?), nparams);
        Ok(DomainGetNumaParametersReply { params: List(params), nparams })
    }

    async fn domain_set_interface_parameters(
        &self,
        _: &Call,
        dom: DomainRef,
        device: String,
        params: List<TypedParam, 16>,
        given: u32,
    ) -> Result<()> {
        flags(given, IMPACT, "testDomainSetInterfaceParameters")?;
        validate(&params, &BANDWIDTH)?;
        let mut state = self.state();
        let net = find_interface(state.domain(&dom)?.one(given)?, &device)?;
        let bandwidth = net.rest.bandwidth.get_or_insert_with(Bandwidth::default);
        // what is not spoken of stays, unless there was nothing before
        let named = |names: &[&str]| names.iter().any(|name| number(&params, name).is_some());
        let inbound = rate(&params, "inbound");
        if inbound.is_some() || named(&["inbound.average", "inbound.floor"]) {
            bandwidth.inbound = inbound;
        }
        let outbound = rate(&params, "outbound");
        if outbound.is_some() || named(&["outbound.average"]) {
            bandwidth.outbound = outbound;
        }
        net.rest.bandwidth = net.rest.bandwidth.take().filter(|bandwidth| *bandwidth != Bandwidth::default());
        Ok(())
    }

    async fn domain_get_interface_parameters(
        &self,
        _: &Call,
        dom: DomainRef,
        device: String,
        nparams: i32,
        given: u32,
    ) -> Result<DomainGetInterfaceParametersReply> {
        flags(given, ASKING, "testDomainGetInterfaceParameters")?;
        // how many there are, no interface has to be there for
        if nparams == 0 {
            let nparams = i32::try_from(BANDWIDTH.len()).unwrap_or(i32::MAX);
            return Ok(DomainGetInterfaceParametersReply { params: List::default(), nparams });
        }
        let mut state = self.state();
        let net = find_interface(state.domain(&dom)?.one(given)?, &device)?;
        let bandwidth = net.rest.bandwidth.clone().unwrap_or_default();
        let (inbound, outbound) =
            (bandwidth.inbound.unwrap_or_default(), bandwidth.outbound.unwrap_or_default());
        let values = [
            inbound.average,
            inbound.peak,
            inbound.burst,
            inbound.floor,
            outbound.average,
            outbound.peak,
            outbound.burst,
        ];
        let param = |((name, _), value): (&(&str, &str), Option<u64>)| {
            TypedParam::new(*name, u32::try_from(value.unwrap_or(0)).unwrap_or(u32::MAX))
        };
        let (params, nparams) = fit(BANDWIDTH.iter().zip(values).map(param).collect(), nparams);
        Ok(DomainGetInterfaceParametersReply { params: List(params), nparams })
    }

    async fn domain_get_perf_events(
        &self,
        _: &Call,
        dom: DomainRef,
        given: u32,
    ) -> Result<List<TypedParam, 64>> {
        flags(given, ASKING, "testDomainGetPerfEvents")?;
        let mut state = self.state();
        let perf = state.domain(&dom)?.one(given)?.perf.clone().unwrap_or_default();
        let counted = |name| perf.events.iter().any(|e| e.name == name && e.enabled == YesNo::Yes);
        Ok(PerfEventName::ALL.iter().map(|name| TypedParam::new(name.as_str(), counted(*name))).collect())
    }

    async fn domain_set_perf_events(
        &self,
        _: &Call,
        dom: DomainRef,
        params: List<TypedParam, 64>,
        given: u32,
    ) -> Result<()> {
        flags(given, IMPACT, "testDomainSetPerfEvents")?;
        let known: Vec<_> = PerfEventName::ALL.iter().map(|name| (name.as_str(), "boolean")).collect();
        validate(&params, &known)?;
        let mut state = self.state();
        let definition = state.domain(&dom)?.one(given)?;
        let perf = definition.perf.get_or_insert_with(Perf::default);
        for param in params.iter() {
            let (Some(name), TypedValue::Boolean(on)) =
                (PerfEventName::from_word(&param.field), &param.value)
            else {
                continue;
            };
            let enabled = if *on { YesNo::Yes } else { YesNo::No };
            perf.events.retain(|event| event.name != name);
            perf.events.push(PerfEvent { name, enabled });
        }
        perf.events.sort_by_key(|event| PerfEventName::ALL.iter().position(|name| *name == event.name));
        Ok(())
    }

    async fn domain_get_iothread_info(
        &self,
        _: &Call,
        dom: DomainRef,
        given: u32,
    ) -> Result<DomainGetIothreadInfoReply> {
        flags(given, IMPACT, "testDomainGetIOThreadInfo")?;
        iothread::list(self.state().domain(&dom)?.one(given)?)
    }

    async fn domain_pin_iothread(
        &self,
        _: &Call,
        dom: DomainRef,
        id: u32,
        cpumap: Opaque<2_048>,
        given: u32,
    ) -> Result<()> {
        flags(given, IMPACT, "testDomainPinIOThread")?;
        iothread::pin(self.state().domain(&dom)?.one(given)?, id, &cpumap)
    }

    async fn domain_add_iothread(&self, _: &Call, dom: DomainRef, id: u32, given: u32) -> Result<()> {
        flags(given, IMPACT, "testDomainAddIOThread")?;
        iothread::add(&mut self.state(), &dom, id, given)
    }

    async fn domain_del_iothread(&self, _: &Call, dom: DomainRef, id: u32, given: u32) -> Result<()> {
        flags(given, IMPACT, "testDomainDelIOThread")?;
        iothread::remove(&mut self.state(), &dom, id, given)
    }

    async fn domain_set_iothread_params(
        &self,
        _: &Call,
        dom: DomainRef,
        id: u32,
        params: List<TypedParam, 64>,
        given: u32,
    ) -> Result<()> {
        flags(given, VIR_DOMAIN_AFFECT_LIVE, "testDomainSetIOThreadParams")?;
        iothread::set(&mut self.state(), &dom, id, &params, given)
    }
}

/// A set of processors that is not empty.
fn some_cpus(bytes: &[u8], what: &str) -> Result<virtus_base::Bitmap> {
    let cpus = virtus_base::Bitmap::from_bytes(bytes);
    match cpus.is_empty() {
        true => Err(crate::error(ErrorCode::INVALID_ARG, format!("Empty {what} list for pinning"))),
        false => Ok(cpus),
    }
}
