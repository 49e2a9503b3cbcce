//! Figures of domains: made up, but such that programs that watch them see something.

use async_trait::async_trait;
use virtus_api::constants::*;
use virtus_api::domain::stats::*;
use virtus_api::{Call, DomainRef};
use virtus_base::{ErrorCode, Result, TypedParam};
use virtus_conf::domain::device::memballoon::BalloonModel;
use virtus_xdr::{List, Opaque};

use super::info::{admits, now};
use crate::domain::{Domain, find_disk, find_interface};
use crate::{Driver, bad_argument, error, flags};

/// How long a domain has used the host's processors, in nanoseconds.
const CPU_TIME: u64 = 48_772_617_035;
/// When the guest's memory was looked at last.
const LAST_UPDATE: u64 = 627_319_920;

/// The groups of statistics that there are.
const GROUPS: u32 = VIR_DOMAIN_STATS_STATE | VIR_DOMAIN_STATS_IOTHREAD;

fn signed(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

#[async_trait]
impl virtus_api::DomainStats for Driver {
    async fn domain_block_stats(
        &self,
        _: &Call,
        dom: DomainRef,
        path: String,
    ) -> Result<DomainBlockStatsReply> {
        if path.is_empty() {
            let text = "summary statistics are not supported yet";
            return Err(error(ErrorCode::OPERATION_UNSUPPORTED, text));
        }
        let mut state = self.state();
        let domain = state.domain(&dom)?;
        domain.check_active()?;
        if find_disk(&domain.definition, &path).is_none() {
            return Err(bad_argument(format!("invalid path: {path}")));
        }
        let base = now();
        Ok(DomainBlockStatsReply {
            rd_req: signed(base / 10),
            rd_bytes: signed(base / 20),
            wr_req: signed(base / 30),
            wr_bytes: signed(base / 40),
            errs: signed(base / 2_000_000),
        })
    }

    async fn domain_interface_stats(
        &self,
        _: &Call,
        dom: DomainRef,
        device: String,
    ) -> Result<DomainInterfaceStatsReply> {
        let mut state = self.state();
        let domain = state.domain(&dom)?;
        domain.check_active()?;
        find_interface(&mut domain.definition, &device)?;
        let base = now();
        Ok(DomainInterfaceStatsReply {
            rx_bytes: signed(base / 10),
            rx_packets: signed(base / 100),
            rx_errs: signed(base / 1_000_000),
            rx_drop: signed(base / 2_000_000),
            tx_bytes: signed(base / 20),
            tx_packets: signed(base / 110),
            tx_errs: signed(base / 3_000_000),
            tx_drop: signed(base / 4_000_000),
        })
    }

    async fn domain_memory_peek(
        &self,
        _: &Call,
        dom: DomainRef,
        offset: u64,
        size: u32,
        given: u32,
    ) -> Result<Opaque<4_194_304>> {
        flags(given, VIR_MEMORY_VIRTUAL | VIR_MEMORY_PHYSICAL, "testDomainMemoryPeek")?;
        if given != VIR_MEMORY_VIRTUAL && given != VIR_MEMORY_PHYSICAL {
            let text = "flags parameter must be VIR_MEMORY_VIRTUAL or VIR_MEMORY_PHYSICAL";
            return Err(bad_argument(text));
        }
        self.state().domain(&dom)?.check_active()?;
        let size = usize::try_from(size).unwrap_or(usize::MAX).min(4_194_304);
        // each byte holds the end of its address
        let first = offset.to_le_bytes().first().copied().unwrap_or(0);
        Ok(Opaque(std::iter::successors(Some(first), |byte| Some(byte.wrapping_add(1))).take(size).collect()))
    }

    async fn domain_memory_stats(
        &self,
        _: &Call,
        dom: DomainRef,
        max_stats: u32,
        given: u32,
    ) -> Result<List<DomainMemoryStat, 1_024>> {
        flags(given, 0, "testDomainMemoryStats")?;
        let mut state = self.state();
        let domain = state.domain(&dom)?;
        domain.check_active()?;
        let definition = &domain.definition;
        let balloon =
            definition.devices.memballoons.iter().any(|balloon| balloon.model != BalloonModel::None);
        if !balloon {
            return Ok(List::default());
        }
        let current = definition.current_memory.unwrap_or(definition.memory.size).0;
        let stats = [
            (VIR_DOMAIN_MEMORY_STAT_ACTUAL_BALLOON, current),
            (VIR_DOMAIN_MEMORY_STAT_SWAP_IN, 0),
            (VIR_DOMAIN_MEMORY_STAT_SWAP_OUT, 0),
            (VIR_DOMAIN_MEMORY_STAT_MAJOR_FAULT, 0),
            (VIR_DOMAIN_MEMORY_STAT_MINOR_FAULT, 0),
            (VIR_DOMAIN_MEMORY_STAT_UNUSED, current / 2),
            (VIR_DOMAIN_MEMORY_STAT_AVAILABLE, current),
            (VIR_DOMAIN_MEMORY_STAT_USABLE, current / 2),
            (VIR_DOMAIN_MEMORY_STAT_LAST_UPDATE, LAST_UPDATE),
            (VIR_DOMAIN_MEMORY_STAT_DISK_CACHES, current / 8),
            (VIR_DOMAIN_MEMORY_STAT_HUGETLB_PGALLOC, 0),
            (VIR_DOMAIN_MEMORY_STAT_HUGETLB_PGFAIL, 0),
            (VIR_DOMAIN_MEMORY_STAT_RSS, current / 2),
        ];
        let room = usize::try_from(max_stats).unwrap_or(usize::MAX);
        Ok(stats.into_iter().take(room).map(|(tag, val)| DomainMemoryStat { tag, val }).collect())
    }

    async fn domain_get_cpu_stats(
        &self,
        _: &Call,
        dom: DomainRef,
        nparams: u32,
        start_cpu: i32,
        ncpus: u32,
        given: u32,
    ) -> Result<DomainGetCpuStatsReply> {
        flags(given, VIR_TYPED_PARAM_STRING_OKAY, "testDomainGetCPUStats")?;
        let mut state = self.state();
        let cpus = u32::try_from(state.node.cores).unwrap_or(0).max(1);
        state.domain(&dom)?.check_active()?;
        let reply = |params: Vec<TypedParam>, nparams: u32| DomainGetCpuStatsReply {
            params: List(params),
            nparams: i32::try_from(nparams).unwrap_or(i32::MAX),
        };
        if start_cpu == -1 {
            let total =
                [("cpu_time", CPU_TIME), ("user_time", 5_540_000_000), ("system_time", 6_460_000_000)];
            let room = usize::try_from(nparams).unwrap_or(usize::MAX);
            let params: Vec<_> =
                total.into_iter().take(room).map(|(name, value)| TypedParam::new(name, value)).collect();
            let told = if nparams == 0 { 3 } else { nparams.min(3) };
            return Ok(reply(params, told));
        }
        if ncpus == 0 {
            return Ok(reply(Vec::new(), cpus));
        }
        if nparams == 0 {
            return Ok(reply(Vec::new(), 2));
        }
        let start = u32::try_from(start_cpu).unwrap_or(u32::MAX);
        if start >= cpus {
            return Err(bad_argument(format!(
                "start_cpu {start_cpu} larger than maximum of {}",
                cpus.saturating_sub(1)
            )));
        }
        let each = CPU_TIME / u64::from(cpus);
        let mut params = Vec::new();
        for cpu in start..cpus.min(start.saturating_add(ncpus)) {
            let time = each.saturating_add(u64::from(cpu));
            params.push(TypedParam::new("cpu_time", time));
            if nparams > 1 {
                params.push(TypedParam::new("vcpu_time", time.saturating_sub(1_234_567_890)));
            }
        }
        Ok(reply(params, nparams.min(2)))
    }

    async fn domain_set_memory_stats_period(
        &self,
        _: &Call,
        dom: DomainRef,
        period: i32,
        given: u32,
    ) -> Result<()> {
        let impact = VIR_DOMAIN_AFFECT_LIVE | VIR_DOMAIN_AFFECT_CONFIG;
        flags(given, impact, "testDomainSetMemoryStatsPeriod")?;
        let mut state = self.state();
        let definition = state.domain(&dom)?.one(given)?;
        let balloon = definition.devices.memballoons.iter_mut().find(|b| b.model != BalloonModel::None);
        let balloon = balloon.ok_or_else(|| {
            crate::internal("No memory balloon device configured, can not set the collection period")
        })?;
        balloon.stats_period = Some(period).filter(|period| *period != 0);
        Ok(())
    }

    async fn connect_get_all_domain_stats(
        &self,
        _: &Call,
        doms: List<DomainRef, 16_384>,
        stats: u32,
        given: u32,
    ) -> Result<List<DomainStatsRecord, 16_384>> {
        /// Filters by activity, persistence and state.
        const FILTERS: u32 = 0xff;
        let enforce = VIR_CONNECT_GET_ALL_DOMAINS_STATS_ENFORCE_STATS;
        let known = FILTERS
            | VIR_CONNECT_GET_ALL_DOMAINS_STATS_NOWAIT
            | VIR_CONNECT_GET_ALL_DOMAINS_STATS_BACKING
            | enforce;
        flags(given, known, "testConnectGetAllDomainStats")?;
        let unknown = stats & !GROUPS;
        if given & enforce != 0 && unknown != 0 {
            let text = format!("Stats types bits 0x{unknown:x} are not supported by this daemon");
            return Err(error(ErrorCode::ARGUMENT_UNSUPPORTED, text));
        }
        let stats = if stats == 0 { GROUPS } else { stats };
        let mut state = self.state();
        if !doms.is_empty() {
            // the list may name domains that are gone: those are left out
            let listed: Vec<_> =
                doms.iter().filter_map(|dom| state.domain(dom).ok().map(|domain| domain.clone())).collect();
            let wanted = listed.iter().filter(|domain| admits(domain, given & FILTERS));
            return Ok(wanted.map(|domain| record(domain, stats)).collect());
        }
        let wanted = state.domains.iter().filter(|domain| admits(domain, given & FILTERS));
        Ok(wanted.map(|domain| record(domain, stats)).collect())
    }

    async fn domain_get_messages(&self, _: &Call, dom: DomainRef, given: u32) -> Result<List<String, 2_048>> {
        let deprecation = VIR_DOMAIN_MESSAGE_DEPRECATION.cast_unsigned();
        let tainting = VIR_DOMAIN_MESSAGE_TAINTING.cast_unsigned();
        /// `VIR_DOMAIN_MESSAGE_IOERRORS`, of which there are none here.
        const IO_ERRORS: u32 = 4;
        flags(given, deprecation | tainting | IO_ERRORS, "testDomainGetMessages")?;
        let mut state = self.state();
        let domain = state.domain(&dom)?;
        let mut messages = Vec::new();
        if given == 0 || given & tainting != 0 {
            messages.extend(domain.tainted.iter().map(|taint| format!("tainted: {taint}")));
        }
        if given == 0 || given & deprecation != 0 {
            messages.extend(domain.deprecated.iter().map(|what| format!("deprecated configuration: {what}")));
        }
        Ok(List(messages))
    }
}

fn record(domain: &Domain, stats: u32) -> DomainStatsRecord {
    let mut params = Vec::new();
    if stats & VIR_DOMAIN_STATS_STATE != 0 {
        params.push(TypedParam::new("state.state", domain.state));
        params.push(TypedParam::new("state.reason", domain.reason));
    }
    if stats & VIR_DOMAIN_STATS_IOTHREAD != 0 && domain.is_active() && !domain.iothreads.is_empty() {
        params.push(TypedParam::new(
            "iothread.count",
            u32::try_from(domain.iothreads.len()).unwrap_or(u32::MAX),
        ));
        for thread in &domain.iothreads {
            let id = thread.id;
            params.push(TypedParam::new(format!("iothread.{id}.poll-max-ns"), thread.poll_max_ns));
            params.push(TypedParam::new(format!("iothread.{id}.poll-grow"), thread.poll_grow));
            params.push(TypedParam::new(format!("iothread.{id}.poll-shrink"), thread.poll_shrink));
        }
    }
    DomainStatsRecord { dom: domain.reference(), params: List(params) }
}
