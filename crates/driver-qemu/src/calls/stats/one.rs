//! Figures of one disk, one interface, one guest's CPUs.

use virtus_api::DomainRef;
use virtus_api::domain::stats::*;
use virtus_base::{Error, ErrorCode, ErrorDomain, Result, TypedParam};
use virtus_conf::domain::device::{Disk, Interface};
use virtus_qmp::command::{BlockDeviceStats, BlockStats};
use virtus_xdr::List;

use super::{Subject, counted};
use crate::Driver;
use crate::domain::disk_path;
use crate::error::{bad_argument, error, internal};
use crate::process::cgroup;
use crate::stats::Wanted;

/// What QEMU says of a disk. It names the device by its place in the machine.
pub(super) fn device_stats<'a>(stats: &'a [BlockStats], disk: &Disk) -> Option<&'a BlockStats> {
    let alias = disk.info.alias.as_deref()?;
    stats.iter().find(|s| s.qdev.as_deref().is_some_and(|qdev| qdev.split('/').any(|part| part == alias)))
}

/// The name of an interface on the host's side, if it has one.
pub(super) fn host_side(interface: &Interface) -> Option<&str> {
    crate::devices::host_interface(interface)
}

/// The counters of the disk that `path` names, or of all disks together when it names none.
async fn counters(driver: &Driver, dom: &DomainRef, path: &str) -> Result<BlockDeviceStats> {
    let subject = Subject::of(driver.find(dom)?);
    let live = subject.view.live()?;
    let disks = &live.model.devices.disks;
    let chosen: Vec<_> = match path {
        "" => disks.iter().collect(),
        path => {
            let of_name = |d: &&Disk| d.dst() == path || disk_path(d) == Some(path);
            let disk = disks.iter().find(of_name);
            vec![disk.ok_or_else(|| bad_argument(format!("invalid path: {path}")))?]
        }
    };
    subject.refresh(&driver.runtime, Wanted { blocks: true, ..Wanted::default() }).await;
    let running = subject.running.as_ref();
    let sample = running.and_then(|r| r.samples.blocks.last());
    let sample = sample.ok_or_else(|| error(ErrorCode::OPERATION_TIMEOUT, "QEMU has not answered yet"))?;
    let mut total: Option<BlockDeviceStats> = None;
    for disk in chosen {
        let Some(stats) = device_stats(&sample.value, disk) else {
            if path.is_empty() {
                continue;
            }
            let alias = disk.info.alias.as_deref().unwrap_or_default();
            return Err(internal(format!("cannot find statistics for device '{alias}'")));
        };
        match &mut total {
            None => total = Some(stats.stats.clone()),
            Some(total) => add(total, &stats.stats),
        }
    }
    total.ok_or_else(|| internal("the domain has no disks"))
}

fn add(total: &mut BlockDeviceStats, one: &BlockDeviceStats) {
    for (total, one) in [
        (&mut total.rd_bytes, one.rd_bytes),
        (&mut total.wr_bytes, one.wr_bytes),
        (&mut total.rd_operations, one.rd_operations),
        (&mut total.wr_operations, one.wr_operations),
        (&mut total.flush_operations, one.flush_operations),
        (&mut total.rd_total_time_ns, one.rd_total_time_ns),
        (&mut total.wr_total_time_ns, one.wr_total_time_ns),
        (&mut total.flush_total_time_ns, one.flush_total_time_ns),
    ] {
        *total = total.saturating_add(one);
    }
}

fn signed(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

/// `virDomainBlockStats`.
pub(super) async fn block_stats(
    driver: &Driver,
    dom: &DomainRef,
    path: &str,
) -> Result<DomainBlockStatsReply> {
    let s = counters(driver, dom, path).await?;
    Ok(DomainBlockStatsReply {
        rd_req: signed(s.rd_operations),
        rd_bytes: signed(s.rd_bytes),
        wr_req: signed(s.wr_operations),
        wr_bytes: signed(s.wr_bytes),
        // QEMU does not count them
        errs: -1,
    })
}

/// `virDomainBlockStatsFlags`.
pub(super) async fn block_stats_params(
    driver: &Driver,
    dom: &DomainRef,
    path: &str,
) -> Result<Vec<TypedParam>> {
    let s = counters(driver, dom, path).await?;
    let params = [
        ("wr_bytes", s.wr_bytes),
        ("wr_operations", s.wr_operations),
        ("rd_bytes", s.rd_bytes),
        ("rd_operations", s.rd_operations),
        ("flush_operations", s.flush_operations),
        ("wr_total_times", s.wr_total_time_ns),
        ("rd_total_times", s.rd_total_time_ns),
        ("flush_total_times", s.flush_total_time_ns),
    ];
    Ok(params.map(|(name, value)| TypedParam::new(name, signed(value))).into())
}

/// `virDomainInterfaceStats`; the interface by its name on the host, or by its MAC address.
pub(super) fn interface_stats(
    driver: &Driver,
    dom: &DomainRef,
    device: &str,
) -> Result<DomainInterfaceStatsReply> {
    let view = driver.look(dom)?;
    let live = view.live()?;
    let interfaces = &live.model.devices.interfaces;
    let of_name = |i: &&Interface| {
        host_side(i) == Some(device)
            || i.mac.as_ref().is_some_and(|mac| mac.address.to_string().eq_ignore_ascii_case(device))
    };
    let interface = interfaces
        .iter()
        .find(of_name)
        .ok_or_else(|| bad_argument(format!("invalid path, '{device}' is not a known interface")))?;
    let name = host_side(interface).ok_or_else(|| internal("Interface name not provided"))?;
    let stats = virtus_host::net::stats(name)?.seen_by_guest();
    Ok(DomainInterfaceStatsReply {
        rx_bytes: signed(stats.rx_bytes),
        rx_packets: signed(stats.rx_packets),
        rx_errs: signed(stats.rx_errs),
        rx_drop: signed(stats.rx_drop),
        tx_bytes: signed(stats.tx_bytes),
        tx_packets: signed(stats.tx_packets),
        tx_errs: signed(stats.tx_errs),
        tx_drop: signed(stats.tx_drop),
    })
}

/// `virDomainGetCPUStats`: of all CPUs together; single ones are not counted on hosts of today.
pub(super) fn cpu_stats(
    driver: &Driver,
    dom: &DomainRef,
    room: u32,
    start: i32,
) -> Result<DomainGetCpuStatsReply> {
    let subject = Subject::of(driver.find(dom)?);
    subject.view.require_active()?;
    let running = subject.domain.running()?;
    if start != -1 {
        let text = "operation 'getCpuacctPercpuUsage' not supported for backend 'cgroup V2'";
        return Err(Error::new(ErrorDomain::CGROUP, ErrorCode::OPERATION_UNSUPPORTED, text));
    }
    let used =
        cgroup::cpu_times(&running).map_err(|e| crate::error::system("cannot read process usage", &e))?;
    let params = vec![
        TypedParam::new("cpu_time", used.total),
        TypedParam::new("user_time", used.user),
        TypedParam::new("system_time", used.system),
    ];
    let (params, nparams) = counted(params, i32::try_from(room).unwrap_or(i32::MAX));
    Ok(DomainGetCpuStatsReply { params: List(params), nparams })
}
