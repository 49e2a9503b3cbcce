//! vCPUs plugged into a running guest and out of it.

use std::time::{Duration, Instant};

use serde_json::{Map, Value, json};
use virtus_base::{Bitmap, ErrorCode, Result};
use virtus_conf::domain as conf;
use virtus_conf::domain::cpu_tune::Sched;
use virtus_host::process::set_affinity;
use virtus_qmp::command::{DeviceAdd, DeviceDel, HotpluggableCpu, QueryCpusFast, QueryHotpluggableCpus};

use super::super::change::Change;
use super::vcpu_list::VcpuList;
use crate::error::{bad_argument, error, internal, unsupported};
use crate::process::scheduler;

/// How long a guest may take to give up a vCPU.
const PATIENCE: Duration = Duration::from_secs(5);
/// How often QEMU is asked meanwhile.
const PAUSE: Duration = Duration::from_millis(50);

/// Which vCPUs have to come or go (`true` for come) so that `count` are online.
pub(super) fn choose(list: &VcpuList, count: u32) -> Result<(Bitmap, bool)> {
    let mut online = list.online();
    let plug = count > online;
    let mut which = Bitmap::new();
    if plug {
        for (index, _) in list.vcpus.iter().enumerate().filter(|(_, vcpu)| !vcpu.online) {
            if online >= count {
                break;
            }
            which.set(index);
            online += 1;
        }
    } else {
        for (index, vcpu) in list.vcpus.iter().enumerate().rev() {
            if online <= count {
                break;
            }
            if vcpu.online && vcpu.hotpluggable == Some(true) {
                which.set(index);
                online -= 1;
            }
        }
    }
    match online == count {
        true => Ok((which, plug)),
        false => Err(unsupported(
            "failed to find appropriate hotpluggable vcpus to reach the desired target vcpu count",
        )),
    }
}

/// Whether single vCPUs of a running guest can come or go.
pub(super) fn may_set(list: &VcpuList, which: &Bitmap, online: bool) -> Result<()> {
    for index in which.iter() {
        match list.vcpus.get(index) {
            None => return Err(bad_argument(format!("vcpu {index} is not present in live config"))),
            Some(vcpu) if vcpu.online == online => {
                return Err(bad_argument(format!("vcpu '{index}' is already in requested state")));
            }
            Some(_) => {}
        }
    }
    Ok(())
}

/// Plugs vCPUs in or out, one after the other; what has been done when one fails stays.
pub(super) async fn apply(change: &mut Change, which: &Bitmap, plug: bool) -> Result<()> {
    if which.is_empty() {
        return Ok(());
    }
    let indices: Vec<usize> = which.iter().collect();
    // the last ones go first
    let indices: Vec<usize> = if plug { indices } else { indices.into_iter().rev().collect() };
    for index in indices {
        let places = places(change).await?;
        let place =
            places.get(index).ok_or_else(|| internal(format!("QEMU has no place for vcpu {index}")))?;
        match plug {
            true => plug_in(change, index, place).await?,
            false => plug_out(change, index, place).await?,
        }
        record(change, index, plug).await?;
    }
    Ok(())
}

/// The places for vCPUs by number; QEMU lists them from the last one down.
async fn places(change: &Change) -> Result<Vec<HotpluggableCpu>> {
    let mut places = change.job.execute(&QueryHotpluggableCpus {}).await?;
    places.reverse();
    Ok(places)
}

async fn plug_in(change: &Change, index: usize, place: &HotpluggableCpu) -> Result<()> {
    let mut arguments = Map::new();
    arguments.insert("driver".to_owned(), json!(place.r#type));
    arguments.insert("id".to_owned(), json!(format!("vcpu{index}")));
    let props = &place.props;
    for (name, value) in [
        ("node-id", props.node_id),
        ("socket-id", props.socket_id),
        ("die-id", props.die_id),
        ("cluster-id", props.cluster_id),
        ("module-id", props.module_id),
        ("core-id", props.core_id),
        ("thread-id", props.thread_id),
    ] {
        if let Some(value) = value {
            arguments.insert(name.to_owned(), json!(value));
        }
    }
    change.job.execute(&DeviceAdd(Value::Object(arguments))).await.map(|_| ())
}

async fn plug_out(change: &Change, index: usize, place: &HotpluggableCpu) -> Result<()> {
    // what was there from the start has no name of its own
    let alias = place.qom_path.as_deref().and_then(|path| path.strip_prefix("/machine/peripheral/"));
    let Some(alias) = alias else {
        let text = format!("vcpu '{index}' can't be unplugged");
        return Err(error(ErrorCode::OPERATION_UNSUPPORTED, text));
    };
    change.job.execute(&DeviceDel { id: alias.to_owned() }).await?;
    let since = Instant::now();
    while since.elapsed() < PATIENCE {
        if places(change).await?.get(index).is_none_or(|place| place.qom_path.is_none()) {
            return Ok(());
        }
        tokio::time::sleep(PAUSE).await;
    }
    Err(error(
        ErrorCode::OPERATION_TIMEOUT,
        "vcpu unplug request timed out. Unplug result must be manually inspected in the domain",
    ))
}

/// Notes that a vCPU has come or gone, and has its thread run where the definition says.
async fn record(change: &mut Change, index: usize, plug: bool) -> Result<()> {
    let running = change.running()?;
    let cpus = change.job.execute(&QueryCpusFast {}).await?;
    let threads = cpus
        .iter()
        .filter_map(|c| Some((u32::try_from(c.cpu_index).ok()?, i32::try_from(c.thread_id).ok()?)));
    running.set_vcpus(threads.collect());
    let Some(live) = &mut change.live else { return Ok(()) };
    let mut list = VcpuList::of(live)?;
    list.listed = true;
    let mut next = 1;
    for vcpu in list.vcpus.iter_mut().filter(|vcpu| vcpu.online) {
        next = next.max(vcpu.order.get_or_insert(next).saturating_add(1));
    }
    // it is there, whatever becomes of its place among the others
    if let Some(vcpu) = list.vcpus.get_mut(index) {
        (vcpu.online, vcpu.order) = (plug, None);
    }
    list.store(live);
    let (pin, sched) = (pin_of(live, index), sched_of(live, index));
    change.touched = true;
    let thread = running.vcpus().into_iter().find(|(n, _)| usize::try_from(*n) == Ok(index));
    if let (Some((_, thread)), true) = (thread, plug) {
        // it begins where the thread that made it runs
        let cpus = pin.unwrap_or_else(|| change.shared.setup.node.topology().online.clone());
        set_affinity(thread, &cpus).map_err(|e| {
            crate::error::system(format_args!("cannot set CPU affinity on process {thread}"), &e)
        })?;
        sched.map_or(Ok(()), |sched| scheduler::apply(thread, &sched))?;
    }
    if let (Some(live), Some(vcpu)) = (&mut change.live, list.vcpus.get_mut(index)) {
        vcpu.order = plug.then_some(next);
        list.store(live);
    }
    Ok(())
}

/// How a vCPU is to be scheduled, if the definition says.
fn sched_of(domain: &conf::Domain, index: usize) -> Option<Sched> {
    scheduler::of_vcpu(domain.cputune.as_ref(), u32::try_from(index).ok()?).cloned()
}

/// Where a vCPU is to run, if the definition says.
fn pin_of(domain: &conf::Domain, index: usize) -> Option<Bitmap> {
    let own = domain.cputune.iter().flat_map(|tune| &tune.vcpupin);
    let mut own = own.filter(|pin| usize::try_from(pin.vcpu) == Ok(index)).map(|pin| &pin.cpuset);
    own.next().or(domain.vcpu.cpuset.as_ref()).cloned()
}

#[cfg(test)]
mod tests {
    use super::super::vcpu_list::Vcpu;
    use super::*;

    #[test]
    fn only_what_was_plugged_goes() {
        let vcpu = |online, hotpluggable| Vcpu { online, hotpluggable: Some(hotpluggable), order: None };
        let vcpus = vec![vcpu(true, false), vcpu(true, true), vcpu(true, false), vcpu(false, true)];
        let list = VcpuList { vcpus, listed: true };
        let bits = |text| Bitmap::parse(text).unwrap();
        assert_eq!(choose(&list, 4).unwrap(), (bits("3"), true));
        assert_eq!(choose(&list, 2).unwrap(), (bits("1"), false));
        assert!(choose(&list, 3).unwrap().0.is_empty());
        assert_eq!(choose(&list, 1).unwrap_err().code(), ErrorCode::CONFIG_UNSUPPORTED);
        assert!(may_set(&list, &bits("3"), true).is_ok());
        assert_eq!(
            may_set(&list, &bits("1"), true).unwrap_err().message(),
            "invalid argument: vcpu '1' is already in requested state"
        );
    }
}
