//! Virtual processors, and the host's processors that they may run on.

use virtus_api::DomainRef;
use virtus_api::constants::*;
use virtus_api::domain::tuning::*;
use virtus_base::{Bitmap, Result};
use virtus_conf::domain::cpu_tune::{CpuTune, VcpuPin, VcpuState};
use virtus_conf::domain::{self as conf};
use virtus_xdr::{List, Opaque};
use virtus_xml::YesNo;

use super::super::connection::MOST_VCPUS;
use super::super::info::now;
use super::some_cpus;
use crate::state::State;
use crate::{bad_argument, invalid};

/// The most bytes of a map of processors that a caller may ask for.
const MOST_MAP: usize = 2048;

/// Where a vCPU may run: as it is pinned, as all are, or anywhere.
fn place(definition: &conf::Domain, vcpu: u32, anywhere: &Bitmap) -> Bitmap {
    let pin = definition.cputune.iter().flat_map(|tune| &tune.vcpupin).find(|pin| pin.vcpu == vcpu);
    pin.map(|pin| &pin.cpuset).or(definition.vcpu.cpuset.as_ref()).unwrap_or(anywhere).clone()
}

/// Whether a vCPU is there now.
fn is_online(definition: &conf::Domain, vcpu: u32) -> bool {
    let named = definition.vcpus.iter().flat_map(|vcpus| &vcpus.vcpus).find(|state| state.id == vcpu);
    named.map_or(vcpu < definition.vcpu.online(), |state: &VcpuState| state.enabled == YesNo::Yes)
}

fn length(maplen: i32) -> usize {
    usize::try_from(maplen).unwrap_or(0).min(MOST_MAP)
}

pub(super) fn list(
    state: &mut State,
    dom: &DomainRef,
    maxinfo: i32,
    maplen: i32,
) -> Result<DomainGetVcpusReply> {
    let anywhere = Bitmap::filled(state.node.most_cpus());
    let domain = state.domain(dom)?;
    if !domain.is_active() {
        return Err(invalid("cannot list vcpus for an inactive domain"));
    }
    let definition = &domain.definition;
    let room = u32::try_from(maxinfo).unwrap_or(0);
    let count = definition.vcpu.online().min(room);
    let mut reply = DomainGetVcpusReply { info: List::default(), cpumaps: Opaque::default() };
    for number in 0..count {
        let cpus = place(definition, number, &anywhere);
        let online = is_online(definition, number);
        let maplen = length(maplen);
        reply.cpumaps.0.extend(if online { cpus.to_bytes(maplen) } else { vec![0; maplen] });
        reply.info.0.push(match online {
            true => VcpuInfo {
                number,
                state: VIR_VCPU_RUNNING,
                cpu_time: now() / 10,
                cpu: cpus.last().and_then(|cpu| i32::try_from(cpu).ok()).unwrap_or(-1),
            },
            false => VcpuInfo { number: 0, state: 0, cpu_time: 0, cpu: 0 },
        });
    }
    Ok(reply)
}

pub(super) fn set(state: &mut State, dom: &DomainRef, count: u32, given: u32) -> Result<()> {
    if count > MOST_VCPUS {
        return Err(bad_argument(format!(
            "requested cpu amount exceeds maximum supported amount ({count} > {MOST_VCPUS})"
        )));
    }
    let domain = state.domain(dom)?;
    let affects = domain.affects(given)?;
    let maximum = given & VIR_DOMAIN_VCPU_MAXIMUM != 0;
    let exceeds = |definition: &conf::Domain| match definition.vcpu.max < count {
        true => Err(bad_argument(format!(
            "requested cpu amount exceeds maximum ({count} > {})",
            definition.vcpu.max
        ))),
        false => Ok(()),
    };
    if affects.live {
        exceeds(&domain.definition)?;
    }
    if affects.config && !maximum {
        exceeds(domain.config())?;
    }
    if affects.live {
        set_online(&mut domain.definition, count);
    }
    if affects.config {
        let config = domain.config();
        match maximum {
            true => set_maximum(config, count),
            false => set_online(config, count),
        }
    }
    Ok(())
}

fn set_online(definition: &mut conf::Domain, count: u32) {
    definition.vcpu.current = (count < definition.vcpu.max).then_some(count);
    for vcpu in definition.vcpus.iter_mut().flat_map(|vcpus| &mut vcpus.vcpus) {
        vcpu.enabled = if vcpu.id < count { YesNo::Yes } else { YesNo::No };
    }
}

fn set_maximum(definition: &mut conf::Domain, count: u32) {
    let online = definition.vcpu.online().min(count);
    definition.vcpu.max = count;
    definition.vcpu.current = (online < count).then_some(online);
    if let Some(vcpus) = &mut definition.vcpus {
        vcpus.vcpus.retain(|vcpu| vcpu.id < count);
    }
    if let Some(tune) = &mut definition.cputune {
        tune.vcpupin.retain(|pin| pin.vcpu < count);
    }
}

pub(super) fn pin(state: &mut State, dom: &DomainRef, vcpu: u32, cpumap: &[u8]) -> Result<()> {
    let domain = state.domain(dom)?;
    if !domain.is_active() {
        return Err(invalid("cannot pin vcpus on an inactive domain"));
    }
    let definition = &mut domain.definition;
    if vcpu >= definition.vcpu.max || !is_online(definition, vcpu) {
        return Err(bad_argument(format!("requested vcpu '{vcpu}' is not present in the domain")));
    }
    let cpuset = Bitmap::from_bytes(cpumap);
    let pins = &mut definition.cputune.get_or_insert_with(CpuTune::default).vcpupin;
    pins.retain(|pin| pin.vcpu != vcpu);
    let place = pins.iter().take_while(|pin| pin.vcpu < vcpu).count();
    pins.insert(place, VcpuPin { vcpu, cpuset });
    Ok(())
}

pub(super) fn pins(
    state: &mut State,
    dom: &DomainRef,
    ncpumaps: i32,
    maplen: i32,
    given: u32,
) -> Result<DomainGetVcpuPinInfoReply> {
    let anywhere = Bitmap::filled(state.node.most_cpus());
    let definition = state.domain(dom)?.one(given)?;
    let count = definition.vcpu.max.min(u32::try_from(ncpumaps).unwrap_or(0));
    let maps = (0..count).flat_map(|vcpu| place(definition, vcpu, &anywhere).to_bytes(length(maplen)));
    let cpumaps = Opaque(maps.collect());
    Ok(DomainGetVcpuPinInfoReply { cpumaps, num: i32::try_from(count).unwrap_or(0) })
}

pub(super) fn pin_emulator(state: &mut State, dom: &DomainRef, cpumap: &[u8], given: u32) -> Result<()> {
    let definition = state.domain(dom)?.one(given)?;
    let cpus = some_cpus(cpumap, "cpu")?;
    definition.cputune.get_or_insert_with(CpuTune::default).emulatorpin = Some(cpus);
    Ok(())
}

pub(super) fn emulator_pin(
    state: &mut State,
    dom: &DomainRef,
    maplen: i32,
    given: u32,
) -> Result<DomainGetEmulatorPinInfoReply> {
    let anywhere = Bitmap::filled(state.node.most_cpus());
    let definition = state.domain(dom)?.one(given)?;
    let pin = definition.cputune.as_ref().and_then(|tune| tune.emulatorpin.as_ref());
    let cpus = pin.or(definition.vcpu.cpuset.as_ref()).unwrap_or(&anywhere);
    Ok(DomainGetEmulatorPinInfoReply { cpumaps: Opaque(cpus.to_bytes(length(maplen))), ret: 1 })
}
