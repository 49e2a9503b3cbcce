//! Figures of domains: of all at once (`virConnectGetAllDomainStats`), and of one device or guest.

mod groups;
mod memory;
mod one;

use std::sync::Arc;

use virtus_api::constants::*;
use virtus_api::domain::stats::*;
use virtus_api::{Call, DomainRef, DomainStats};
use virtus_base::{ErrorCode, Result, TypedParam};
use virtus_xdr::{List, Opaque};

use super::{flags, list};
use crate::Driver;
use crate::domain::{Domain, View, reference};
use crate::error::error;
use crate::process::Running;
use crate::stats::{self, Wanted};

/// Every group there is.
const GROUPS: u32 = VIR_DOMAIN_STATS_STATE
    | VIR_DOMAIN_STATS_CPU_TOTAL
    | VIR_DOMAIN_STATS_BALLOON
    | VIR_DOMAIN_STATS_VCPU
    | VIR_DOMAIN_STATS_INTERFACE
    | VIR_DOMAIN_STATS_BLOCK
    | VIR_DOMAIN_STATS_PERF
    | VIR_DOMAIN_STATS_IOTHREAD
    | VIR_DOMAIN_STATS_MEMORY
    | VIR_DOMAIN_STATS_DIRTYRATE
    | VIR_DOMAIN_STATS_VM;

/// How long a reader waits for images to be looked at.
const PATIENCE: std::time::Duration = std::time::Duration::from_millis(250);

/// Images of domains that do not run, by path.
type StoredImages = std::collections::HashMap<Box<str>, super::block::Stored>;

/// What the groups are made from.
struct Subject {
    domain: Arc<Domain>,
    view: Arc<View>,
    running: Option<Arc<Running>>,
}

impl Subject {
    fn of(domain: Arc<Domain>) -> Subject {
        let view = domain.view();
        let running = domain.running.load_full().filter(|_| view.is_active());
        Subject { domain, view, running }
    }

    /// Has QEMU's figures be of now, as far as QEMU answers.
    async fn refresh(&self, runtime: &tokio::runtime::Handle, wanted: Wanted) {
        if let (Some(running), Some(live)) = (&self.running, &self.view.live) {
            stats::refresh(runtime, running, &live.model, wanted).await;
        }
    }
}

#[async_trait::async_trait]
impl DomainStats for Driver {
    async fn connect_get_all_domain_stats(
        &self,
        _: &Call,
        doms: List<DomainRef, 16_384>,
        stats: u32,
        given: u32,
    ) -> Result<List<DomainStatsRecord, 16_384>> {
        let own = VIR_CONNECT_GET_ALL_DOMAINS_STATS_NOWAIT
            | VIR_CONNECT_GET_ALL_DOMAINS_STATS_BACKING
            | VIR_CONNECT_GET_ALL_DOMAINS_STATS_ENFORCE_STATS;
        let filters = VIR_CONNECT_LIST_DOMAINS_ACTIVE
            | VIR_CONNECT_LIST_DOMAINS_INACTIVE
            | VIR_CONNECT_LIST_DOMAINS_PERSISTENT
            | VIR_CONNECT_LIST_DOMAINS_TRANSIENT
            | VIR_CONNECT_LIST_DOMAINS_RUNNING
            | VIR_CONNECT_LIST_DOMAINS_PAUSED
            | VIR_CONNECT_LIST_DOMAINS_SHUTOFF
            | VIR_CONNECT_LIST_DOMAINS_OTHER;
        flags(given, own | filters, "qemuConnectGetAllDomainStats")?;
        if given & VIR_CONNECT_GET_ALL_DOMAINS_STATS_ENFORCE_STATS != 0 && stats & !GROUPS != 0 {
            let unknown = stats & !GROUPS;
            let text = format!("Stats types bits 0x{unknown:x} are not supported by this daemon or QEMU");
            return Err(error(ErrorCode::ARGUMENT_UNSUPPORTED, text));
        }
        let groups = if stats == 0 { GROUPS } else { stats & GROUPS };
        let subjects = self.subjects(&doms, given & filters);
        self.refresh_all(&subjects, groups).await;
        let stored = self.stored_images(&subjects, groups).await;
        let backing = given & VIR_CONNECT_GET_ALL_DOMAINS_STATS_BACKING != 0;
        let records = subjects.iter().map(|subject| DomainStatsRecord {
            dom: reference(virtus_state::Object::uuid(&*subject.domain), &subject.view),
            params: List(groups::all(subject, groups, backing, &stored)),
        });
        Ok(records.collect())
    }

    async fn domain_block_stats(
        &self,
        _: &Call,
        dom: DomainRef,
        path: String,
    ) -> Result<DomainBlockStatsReply> {
        one::block_stats(self, &dom, &path).await
    }

    async fn domain_block_stats_flags(
        &self,
        _: &Call,
        dom: DomainRef,
        path: String,
        nparams: i32,
        given: u32,
    ) -> Result<DomainBlockStatsFlagsReply> {
        flags(given, VIR_TYPED_PARAM_STRING_OKAY, "qemuDomainBlockStatsFlags")?;
        let params = one::block_stats_params(self, &dom, &path).await?;
        let (params, nparams) = counted(params, nparams);
        Ok(DomainBlockStatsFlagsReply { params: List(params), nparams })
    }

    async fn domain_interface_stats(
        &self,
        _: &Call,
        dom: DomainRef,
        device: String,
    ) -> Result<DomainInterfaceStatsReply> {
        one::interface_stats(self, &dom, &device)
    }

    async fn domain_memory_stats(
        &self,
        _: &Call,
        dom: DomainRef,
        max: u32,
        given: u32,
    ) -> Result<List<DomainMemoryStat, 1_024>> {
        flags(given, 0, "qemuDomainMemoryStats")?;
        memory::stats(self, &dom, max).await
    }

    async fn domain_set_memory_stats_period(
        &self,
        call: &Call,
        dom: DomainRef,
        period: i32,
        given: u32,
    ) -> Result<()> {
        flags(given, VIR_DOMAIN_AFFECT_LIVE | VIR_DOMAIN_AFFECT_CONFIG, "qemuDomainSetMemoryStatsPeriod")?;
        memory::set_period(self, call, &dom, period, given).await
    }

    async fn domain_memory_peek(
        &self,
        call: &Call,
        dom: DomainRef,
        offset: u64,
        size: u32,
        given: u32,
    ) -> Result<Opaque<4_194_304>> {
        flags(given, VIR_MEMORY_VIRTUAL | VIR_MEMORY_PHYSICAL, "qemuDomainMemoryPeek")?;
        memory::peek(self, call, &dom, offset, size, given).await.map(Opaque)
    }

    async fn domain_get_cpu_stats(
        &self,
        _: &Call,
        dom: DomainRef,
        nparams: u32,
        start_cpu: i32,
        _ncpus: u32,
        given: u32,
    ) -> Result<DomainGetCpuStatsReply> {
        flags(given, VIR_TYPED_PARAM_STRING_OKAY, "qemuDomainGetCPUStats")?;
        one::cpu_stats(self, &dom, nparams, start_cpu)
    }

    async fn domain_get_messages(&self, _: &Call, dom: DomainRef, given: u32) -> Result<List<String, 2_048>> {
        flags(
            given,
            VIR_DOMAIN_MESSAGE_DEPRECATION.cast_unsigned()
                | VIR_DOMAIN_MESSAGE_TAINTING.cast_unsigned()
                | VIR_DOMAIN_MESSAGE_IOERRORS.cast_unsigned(),
            "qemuDomainGetMessages",
        )?;
        self.look(&dom)?;
        // nothing a guest is given here taints it
        Ok(List::default())
    }

    async fn domain_start_dirty_rate_calc(
        &self,
        call: &Call,
        dom: DomainRef,
        seconds: i32,
        given: u32,
    ) -> Result<()> {
        memory::start_dirty_rate(self, call, &dom, seconds, given).await
    }
}

impl Driver {
    /// The domains a caller names, or all that pass the filters.
    fn subjects(&self, doms: &[DomainRef], filters: u32) -> Vec<Subject> {
        let named = doms.iter().filter_map(|dom| self.find(dom).ok());
        let all = match doms.is_empty() {
            true => self.registry.list().to_vec(),
            false => named.collect(),
        };
        let subjects = all.into_iter().map(Subject::of);
        subjects.filter(|s| list::passes(self, &s.view, filters)).collect()
    }

    /// Looks at the images of domains that do not run, for as long as a reader waits.
    async fn stored_images(&self, subjects: &[Subject], groups: u32) -> StoredImages {
        let idle = subjects.iter().filter(|subject| subject.running.is_none());
        let definitions = idle.filter_map(|subject| subject.view.persistent.as_ref());
        let disks = definitions.flat_map(|definition| &*definition.summary.disks);
        let images: Vec<_> = disks.filter_map(|disk| Some((disk.path.clone()?, disk.format))).collect();
        if groups & VIR_DOMAIN_STATS_BLOCK == 0 || images.is_empty() {
            return StoredImages::default();
        }
        // what lies on a host that does not answer is left out
        let permit = tokio::time::timeout(PATIENCE, Arc::clone(&self.looks).acquire_owned()).await;
        let Ok(Ok(permit)) = permit else { return StoredImages::default() };
        let work = self.runtime.spawn_blocking(move || {
            let _permit = permit;
            let local = images.into_iter().filter(|(path, _)| path.starts_with('/'));
            let look = |(path, format): (Box<str>, _)| {
                let stored = super::block::stored(&path, format).ok()?;
                Some((path, stored))
            };
            local.filter_map(look).collect()
        });
        match tokio::time::timeout(PATIENCE, work).await {
            Ok(Ok(images)) => images,
            _ => StoredImages::default(),
        }
    }

    /// Refreshes all guests at once: each takes as long as the slowest, and no longer than a reader waits.
    async fn refresh_all(&self, subjects: &[Subject], groups: u32) {
        let wanted = Wanted {
            balloon: groups & VIR_DOMAIN_STATS_BALLOON != 0,
            blocks: groups & VIR_DOMAIN_STATS_BLOCK != 0,
            iothreads: groups & VIR_DOMAIN_STATS_IOTHREAD != 0,
            dirty_rate: groups & VIR_DOMAIN_STATS_DIRTYRATE != 0,
        };
        if !(wanted.balloon || wanted.blocks || wanted.iothreads || wanted.dirty_rate) {
            return;
        }
        let mut tasks = Vec::new();
        for subject in subjects {
            if let (Some(running), Some(live)) = (&subject.running, &subject.view.live) {
                let (runtime, running, live) = (self.runtime.clone(), Arc::clone(running), Arc::clone(live));
                tasks.push(self.runtime.spawn(async move {
                    stats::refresh(&runtime, &running, &live.model, wanted).await;
                }));
            }
        }
        for task in tasks {
            // a task that ended otherwise leaves the figures of last time
            let _ = task.await;
        }
    }
}

/// Parameters for a caller with room for `room` of them; with none it only wants to know how many there are.
fn counted(mut params: Vec<TypedParam>, room: i32) -> (Vec<TypedParam>, i32) {
    let count = i32::try_from(params.len()).unwrap_or(i32::MAX);
    match usize::try_from(room) {
        Ok(0) | Err(_) => (Vec::new(), count),
        Ok(room) => {
            params.truncate(room);
            let count = i32::try_from(params.len()).unwrap_or(i32::MAX);
            (params, count)
        }
    }
}
