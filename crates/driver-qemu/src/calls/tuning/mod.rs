//! Memory, processors and the limits of domains.

mod blkio;
mod hotplug;
mod interface;
mod iothread;
mod memory;
mod numa;
mod perf;
mod pin;
mod sched;
pub(super) mod throttle;
mod vcpu_list;
pub(super) mod vcpus;

use virtus_api::constants::*;
use virtus_api::domain::tuning::*;
use virtus_api::{Call, DomainRef, DomainTuning};
use virtus_base::{Bitmap, Error, ErrorCode, ErrorDomain, Result, TypedParam};
use virtus_xdr::{List, Opaque};

use super::security;
use crate::Driver;
use crate::error::{error, internal};

/// Only the system's instance can do this.
fn system_only(driver: &Driver, text: &str) -> Result<()> {
    match driver.setup.layout.privileged {
        true => Ok(()),
        false => Err(error(ErrorCode::OPERATION_UNSUPPORTED, text)),
    }
}

/// CPUs as the wire has them, cut to so many bytes.
fn cpu_map(cpus: &Bitmap, length: usize) -> Vec<u8> {
    cpus.to_bytes(length)
}

/// Whether maps of CPUs of this many and this length go over the wire.
fn maps_fit(count: i32, length: i32, name: &str) -> Result<()> {
    let refuse = |text: String| Err(Error::internal(ErrorDomain::RPC, text));
    let negative = count < 0 || length < 0;
    if negative || count > 16_384 {
        return refuse(format!("{name} > REMOTE_VCPUINFO_MAX"));
    }
    match count.checked_mul(length) {
        Some(bytes) if bytes <= 8_388_608 => Ok(()),
        _ => refuse(format!("{name} * maplen > REMOTE_CPUMAPS_MAX")),
    }
}

/// The number in an I/O thread's name.
fn iothread_number(id: &str) -> Option<u32> {
    id.strip_prefix("iothread")?.parse().ok()
}

#[async_trait::async_trait]
impl DomainTuning for Driver {
    async fn domain_get_max_memory(&self, _: &Call, dom: DomainRef) -> Result<u64> {
        let view = self.look(&dom)?;
        let summary = view.summary().ok_or_else(|| internal("the domain has no definition"))?;
        Ok(summary.max_memory)
    }

    async fn domain_get_max_vcpus(&self, call: &Call, dom: DomainRef) -> Result<i32> {
        vcpus::count(self, call, &dom, VIR_DOMAIN_AFFECT_LIVE | VIR_DOMAIN_VCPU_MAXIMUM).await
    }

    async fn domain_get_vcpus(
        &self,
        _: &Call,
        dom: DomainRef,
        max: i32,
        length: i32,
    ) -> Result<DomainGetVcpusReply> {
        vcpus::list(self, &dom, max, length)
    }

    async fn domain_pin_vcpu(
        &self,
        call: &Call,
        dom: DomainRef,
        vcpu: u32,
        cpumap: Opaque<2_048>,
    ) -> Result<()> {
        pin::vcpu(self, call, &dom, vcpu, cpumap.0, VIR_DOMAIN_AFFECT_LIVE).await
    }

    async fn domain_set_max_memory(&self, call: &Call, dom: DomainRef, memory: u64) -> Result<()> {
        memory::set(self, call, &dom, memory, VIR_DOMAIN_MEM_MAXIMUM).await
    }

    async fn domain_set_memory(&self, call: &Call, dom: DomainRef, memory: u64) -> Result<()> {
        memory::set(self, call, &dom, memory, VIR_DOMAIN_AFFECT_LIVE).await
    }

    async fn domain_set_vcpus(&self, call: &Call, dom: DomainRef, count: u32) -> Result<()> {
        vcpus::set_count(self, call, &dom, count, VIR_DOMAIN_AFFECT_LIVE).await
    }

    async fn domain_get_scheduler_type(
        &self,
        _: &Call,
        dom: DomainRef,
    ) -> Result<DomainGetSchedulerTypeReply> {
        sched::kind(self, &dom)
    }

    async fn domain_get_scheduler_parameters(
        &self,
        _: &Call,
        dom: DomainRef,
        room: i32,
    ) -> Result<List<TypedParam, 16>> {
        sched::parameters(self, &dom, room, 0)
    }

    async fn domain_set_scheduler_parameters(
        &self,
        call: &Call,
        dom: DomainRef,
        params: List<TypedParam, 16>,
    ) -> Result<()> {
        sched::set_parameters(self, call, &dom, params.0, 0).await
    }

    async fn domain_get_security_label(
        &self,
        _: &Call,
        dom: DomainRef,
    ) -> Result<DomainGetSecurityLabelReply> {
        security::label(self, &dom)
    }

    async fn domain_set_memory_parameters(
        &self,
        call: &Call,
        dom: DomainRef,
        params: List<TypedParam, 16>,
        given: u32,
    ) -> Result<()> {
        memory::set_parameters(self, call, &dom, params.0, given).await
    }

    async fn domain_get_memory_parameters(
        &self,
        _: &Call,
        dom: DomainRef,
        room: i32,
        given: u32,
    ) -> Result<DomainGetMemoryParametersReply> {
        memory::parameters(self, &dom, room, given)
    }

    async fn domain_set_vcpus_flags(
        &self,
        call: &Call,
        dom: DomainRef,
        count: u32,
        given: u32,
    ) -> Result<()> {
        vcpus::set_count(self, call, &dom, count, given).await
    }

    async fn domain_get_vcpus_flags(&self, call: &Call, dom: DomainRef, given: u32) -> Result<i32> {
        vcpus::count(self, call, &dom, given).await
    }

    async fn domain_set_memory_flags(
        &self,
        call: &Call,
        dom: DomainRef,
        memory: u64,
        given: u32,
    ) -> Result<()> {
        memory::set(self, call, &dom, memory, given).await
    }

    async fn domain_set_blkio_parameters(
        &self,
        call: &Call,
        dom: DomainRef,
        params: List<TypedParam, 16>,
        given: u32,
    ) -> Result<()> {
        blkio::set_parameters(self, call, &dom, params.0, given).await
    }

    async fn domain_get_blkio_parameters(
        &self,
        _: &Call,
        dom: DomainRef,
        room: i32,
        given: u32,
    ) -> Result<DomainGetBlkioParametersReply> {
        blkio::parameters(self, &dom, room, given)
    }

    async fn domain_set_scheduler_parameters_flags(
        &self,
        call: &Call,
        dom: DomainRef,
        params: List<TypedParam, 16>,
        given: u32,
    ) -> Result<()> {
        sched::set_parameters(self, call, &dom, params.0, given).await
    }

    async fn domain_get_scheduler_parameters_flags(
        &self,
        _: &Call,
        dom: DomainRef,
        room: i32,
        given: u32,
    ) -> Result<List<TypedParam, 16>> {
        sched::parameters(self, &dom, room, given)
    }

    async fn domain_pin_vcpu_flags(
        &self,
        call: &Call,
        dom: DomainRef,
        vcpu: u32,
        cpumap: Opaque<2_048>,
        given: u32,
    ) -> Result<()> {
        pin::vcpu(self, call, &dom, vcpu, cpumap.0, given).await
    }

    async fn domain_get_vcpu_pin_info(
        &self,
        _: &Call,
        dom: DomainRef,
        maps: i32,
        length: i32,
        given: u32,
    ) -> Result<DomainGetVcpuPinInfoReply> {
        pin::vcpu_info(self, &dom, maps, length, given)
    }

    async fn domain_set_numa_parameters(
        &self,
        call: &Call,
        dom: DomainRef,
        params: List<TypedParam, 16>,
        given: u32,
    ) -> Result<()> {
        numa::set_parameters(self, call, &dom, params.0, given).await
    }

    async fn domain_get_numa_parameters(
        &self,
        _: &Call,
        dom: DomainRef,
        room: i32,
        given: u32,
    ) -> Result<DomainGetNumaParametersReply> {
        numa::parameters(self, &dom, room, given)
    }

    async fn domain_set_interface_parameters(
        &self,
        call: &Call,
        dom: DomainRef,
        device: String,
        params: List<TypedParam, 16>,
        given: u32,
    ) -> Result<()> {
        interface::set_parameters(self, call, &dom, device, &params, given).await
    }

    async fn domain_get_interface_parameters(
        &self,
        _: &Call,
        dom: DomainRef,
        device: String,
        room: i32,
        given: u32,
    ) -> Result<DomainGetInterfaceParametersReply> {
        interface::parameters(self, &dom, &device, room, given)
    }

    async fn domain_get_security_label_list(
        &self,
        _: &Call,
        dom: DomainRef,
    ) -> Result<DomainGetSecurityLabelListReply> {
        security::labels(self, &dom)
    }

    async fn domain_pin_emulator(
        &self,
        call: &Call,
        dom: DomainRef,
        cpumap: Opaque<2_048>,
        given: u32,
    ) -> Result<()> {
        pin::emulator(self, call, &dom, cpumap.0, given).await
    }

    async fn domain_get_emulator_pin_info(
        &self,
        _: &Call,
        dom: DomainRef,
        length: i32,
        given: u32,
    ) -> Result<DomainGetEmulatorPinInfoReply> {
        pin::emulator_info(self, &dom, length, given)
    }

    async fn domain_get_iothread_info(
        &self,
        call: &Call,
        dom: DomainRef,
        given: u32,
    ) -> Result<DomainGetIothreadInfoReply> {
        pin::iothread_info(self, call, &dom, given).await
    }

    async fn domain_pin_iothread(
        &self,
        call: &Call,
        dom: DomainRef,
        id: u32,
        cpumap: Opaque<2_048>,
        given: u32,
    ) -> Result<()> {
        pin::iothread(self, call, &dom, id, cpumap.0, given).await
    }

    async fn domain_add_iothread(&self, call: &Call, dom: DomainRef, id: u32, given: u32) -> Result<()> {
        iothread::add(self, call, &dom, id, given).await
    }

    async fn domain_del_iothread(&self, call: &Call, dom: DomainRef, id: u32, given: u32) -> Result<()> {
        iothread::delete(self, call, &dom, id, given).await
    }

    async fn domain_get_perf_events(
        &self,
        _: &Call,
        dom: DomainRef,
        given: u32,
    ) -> Result<List<TypedParam, 64>> {
        perf::events(self, &dom, given)
    }

    async fn domain_set_perf_events(
        &self,
        call: &Call,
        dom: DomainRef,
        params: List<TypedParam, 64>,
        given: u32,
    ) -> Result<()> {
        perf::set_events(self, call, &dom, &params, given).await
    }

    async fn domain_set_vcpu(
        &self,
        call: &Call,
        dom: DomainRef,
        cpumap: String,
        state: i32,
        given: u32,
    ) -> Result<()> {
        vcpus::set_one(self, call, &dom, &cpumap, state, given).await
    }

    async fn domain_set_iothread_params(
        &self,
        call: &Call,
        dom: DomainRef,
        id: u32,
        params: List<TypedParam, 64>,
        given: u32,
    ) -> Result<()> {
        iothread::set_params(self, call, &dom, id, &params, given).await
    }

    async fn domain_set_throttle_group(
        &self,
        call: &Call,
        dom: DomainRef,
        group: String,
        params: List<TypedParam, 32>,
        given: u32,
    ) -> Result<()> {
        throttle::set_group(self, call, &dom, group, &params, given).await
    }

    async fn domain_del_throttle_group(
        &self,
        call: &Call,
        dom: DomainRef,
        group: Option<String>,
        given: u32,
    ) -> Result<()> {
        throttle::delete_group(self, call, &dom, group.unwrap_or_default(), given).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn maps_have_bounds() {
        assert!(maps_fit(16_384, 512, "ncpumaps").is_ok());
        assert_eq!(
            maps_fit(16_385, 1, "maxinfo").unwrap_err().message(),
            "internal error: maxinfo > REMOTE_VCPUINFO_MAX"
        );
        assert!(maps_fit(16_384, 513, "x").is_err() && maps_fit(-1, 1, "x").is_err());
        assert_eq!(iothread_number("iothread12"), Some(12));
    }
}
