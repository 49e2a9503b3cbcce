//! A guest's memory: what it says of it, a look into it, how fast it changes.

use std::sync::Arc;

use serde_json::json;
use virtus_api::constants::*;
use virtus_api::domain::stats::DomainMemoryStat;
use virtus_api::{Call, DomainRef};
use virtus_base::{Error, ErrorCode, ErrorDomain, Result};
use virtus_conf::domain::device::memballoon::BalloonModel;
use virtus_host::process::usage;
use virtus_qmp::command::{CalcDirtyRate, QomSet};
use virtus_state::gate::{Job, Wanted as Gate};
use virtus_xdr::List;

use super::Subject;
use super::groups::guest_stat;
use crate::Driver;
use crate::error::{bad_argument, error, internal, invalid, system, unsupported};
use crate::stats::Wanted;

/// libvirt's tag, QEMU's name, and what QEMU's figure has to be divided by.
const TAGS: [(i32, &str, u64); 7] = [
    (VIR_DOMAIN_MEMORY_STAT_SWAP_IN, "stat-swap-in", 1024),
    (VIR_DOMAIN_MEMORY_STAT_SWAP_OUT, "stat-swap-out", 1024),
    (VIR_DOMAIN_MEMORY_STAT_MAJOR_FAULT, "stat-major-faults", 1),
    (VIR_DOMAIN_MEMORY_STAT_MINOR_FAULT, "stat-minor-faults", 1),
    (VIR_DOMAIN_MEMORY_STAT_UNUSED, "stat-free-memory", 1024),
    (VIR_DOMAIN_MEMORY_STAT_AVAILABLE, "stat-total-memory", 1024),
    (VIR_DOMAIN_MEMORY_STAT_USABLE, "stat-available-memory", 1024),
];
const MORE_TAGS: [(i32, &str, u64); 3] = [
    (VIR_DOMAIN_MEMORY_STAT_DISK_CACHES, "stat-disk-caches", 1024),
    (VIR_DOMAIN_MEMORY_STAT_HUGETLB_PGALLOC, "stat-htlb-pgalloc", 1),
    (VIR_DOMAIN_MEMORY_STAT_HUGETLB_PGFAIL, "stat-htlb-pgfail", 1),
];

/// `virDomainMemoryStats`.
pub(super) async fn stats(
    driver: &Driver,
    dom: &DomainRef,
    max: u32,
) -> Result<List<DomainMemoryStat, 1_024>> {
    let subject = Subject::of(driver.find(dom)?);
    let live = Arc::clone(subject.view.live()?);
    let running = subject.domain.running()?;
    subject.refresh(&driver.runtime, Wanted { balloon: true, ..Wanted::default() }).await;
    let mut list = vec![(VIR_DOMAIN_MEMORY_STAT_ACTUAL_BALLOON, live.summary.memory)];
    if let Some(sample) = running.samples.balloon.last() {
        let found = |(tag, name, divisor): (i32, &str, u64)| {
            guest_stat(&sample.value, name, divisor).map(|value| (tag, value))
        };
        list.extend(TAGS.into_iter().filter_map(found));
        if let Some(time) = sample.value.get("last-update").and_then(serde_json::Value::as_u64) {
            list.push((VIR_DOMAIN_MEMORY_STAT_LAST_UPDATE, time));
        }
        list.extend(MORE_TAGS.into_iter().filter_map(found));
    }
    if let Ok(used) = usage(running.process.pid(), None) {
        list.push((VIR_DOMAIN_MEMORY_STAT_RSS, used.rss_kib));
    }
    let max = usize::try_from(max).unwrap_or(usize::MAX);
    Ok(list.into_iter().take(max).map(|(tag, val)| DomainMemoryStat { tag, val }).collect())
}

/// `virDomainSetMemoryStatsPeriod`; `period` in seconds, 0 for never.
pub(super) async fn set_period(
    driver: &Driver,
    call: &Call,
    dom: &DomainRef,
    period: i32,
    given: u32,
) -> Result<()> {
    if period < 0 {
        let text = "period in virDomainSetMemoryStatsPeriod must be zero or greater";
        let function = "virDomainSetMemoryStatsPeriod";
        return Err(Error::invalid_arg(ErrorDomain::DOMAIN, function, "period", text));
    }
    driver
        .amend(call, dom, given, move |change| {
            Box::pin(async move {
                for model in change.both() {
                    let balloon = model.devices.memballoons.first_mut();
                    let balloon = balloon.filter(|balloon| balloon.model != BalloonModel::None);
                    let Some(balloon) = balloon else {
                        return Err(invalid(
                            "No memory balloon device configured, can not set the collection period",
                        ));
                    };
                    balloon.stats_period = (period != 0).then_some(period);
                }
                let balloon = change.live.as_ref().and_then(|live| live.devices.memballoons.first());
                if let Some(alias) = balloon.and_then(|balloon| balloon.info.alias.as_deref()) {
                    let command = QomSet {
                        path: format!("/machine/peripheral/{alias}"),
                        property: "guest-stats-polling-interval".to_owned(),
                        value: json!(period),
                    };
                    change.job.execute(&command).await?;
                    change.touched = true;
                }
                Ok(())
            })
        })
        .await
}

/// `virDomainMemoryPeek`: QEMU writes what is asked for into a file, which is read and removed.
pub(super) async fn peek(
    driver: &Driver,
    call: &Call,
    dom: &DomainRef,
    offset: u64,
    size: u32,
    given: u32,
) -> Result<Vec<u8>> {
    let domain = driver.find(dom)?;
    if !matches!(given, VIR_MEMORY_VIRTUAL | VIR_MEMORY_PHYSICAL) {
        return Err(bad_argument("flags parameter must be VIR_MEMORY_VIRTUAL or VIR_MEMORY_PHYSICAL"));
    }
    domain.view().require_active()?;
    let job = driver.job(call, &domain, Gate::Job(Job::Query)).await?;
    let running = job.running()?;
    let path = running.lib_dir.join("memory-peek");
    let name = if given == VIR_MEMORY_VIRTUAL { "memsave" } else { "pmemsave" };
    let arguments = json!({ "val": offset, "size": size, "filename": path.to_string_lossy() });
    let monitor = job.monitor()?;
    let written = job.run(async { Ok(monitor.execute_raw(name, &arguments).await?) }).await;
    let read = driver
        .blocking(move || {
            let bytes = std::fs::read(&path).map_err(|e| system("failed to read temporary file", &e));
            let _ = std::fs::remove_file(&path);
            bytes
        })
        .await;
    written?;
    let bytes = read?;
    match u32::try_from(bytes.len()) == Ok(size) {
        true => Ok(bytes),
        false => Err(internal("QEMU wrote less memory than was asked for")),
    }
}

/// `virDomainStartDirtyRateCalc`.
pub(super) async fn start_dirty_rate(
    driver: &Driver,
    call: &Call,
    dom: &DomainRef,
    seconds: i32,
    given: u32,
) -> Result<()> {
    let known = VIR_DOMAIN_DIRTYRATE_MODE_PAGE_SAMPLING
        | VIR_DOMAIN_DIRTYRATE_MODE_DIRTY_BITMAP
        | VIR_DOMAIN_DIRTYRATE_MODE_DIRTY_RING;
    super::flags(given, known, "qemuDomainStartDirtyRateCalc")?;
    if !(1..=60).contains(&seconds) {
        let text = format!("seconds={seconds} is invalid, please choose value within [1, 60].");
        return Err(unsupported(text));
    }
    let domain = driver.find(dom)?;
    domain.view().require_active()?;
    let has_ring = |features: &virtus_conf::domain::features::Features| {
        let ring = features.kvm.as_ref().and_then(|kvm| kvm.dirty_ring.as_ref());
        ring.is_some_and(|ring| ring.state.is_true())
    };
    let view = domain.view();
    let ring = view.live()?.model.features.as_ref().is_some_and(has_ring);
    if given & VIR_DOMAIN_DIRTYRATE_MODE_DIRTY_RING != 0 && !ring {
        let text = "dirty-ring calculation mode requires dirty-ring feature enabled.";
        return Err(error(ErrorCode::OPERATION_UNSUPPORTED, text));
    }
    let mode = match given {
        f if f & VIR_DOMAIN_DIRTYRATE_MODE_DIRTY_BITMAP != 0 => "dirty-bitmap",
        f if f & VIR_DOMAIN_DIRTYRATE_MODE_DIRTY_RING != 0 => "dirty-ring",
        _ => "page-sampling",
    };
    let job = driver.job(call, &domain, Gate::Job(Job::Modify)).await?;
    let command =
        CalcDirtyRate { calc_time: i64::from(seconds), mode: Some(mode.to_owned()), sample_pages: None };
    job.execute(&command).await.map(|_| ())
}
