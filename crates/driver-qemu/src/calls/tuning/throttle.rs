//! Limits of disks' throughput: of single disks, and of groups that disks share.

use serde_json::json;
use virtus_api::constants::*;
use virtus_api::domain::block::DomainGetBlockIoTuneReply;
use virtus_api::{Call, DomainRef};
use virtus_base::{ErrorCode, Result, TypedParam};
use virtus_conf::domain as conf;
use virtus_conf::domain::device::{Disk, IoTune};
use virtus_qmp::command::{BlockSetIoThrottle, ObjectAdd, ObjectDel, QomSet, QueryBlock};
use virtus_state::gate::{Job, Wanted as Gate};
use virtus_xdr::List;

use super::super::change::{Change, one};
use super::super::flags;
use super::super::params::{self, Kind, fit};
use crate::Driver;
use crate::command::throttle_limits;
use crate::device::iotune::{self, BASES, reported};
use crate::domain::disk_path;
use crate::error::{bad_argument, error, internal, unsupported};

const IMPACT: u32 = VIR_DOMAIN_AFFECT_LIVE | VIR_DOMAIN_AFFECT_CONFIG;
/// No limit may be more.
const MOST: u64 = 1_000_000_000_000_000;
/// Limits that are replaced together when one of them is given.
const FAMILIES: [(&str, &str); 4] =
    [("_bytes_sec", ""), ("_bytes_sec", "_max"), ("_iops_sec", ""), ("_iops_sec", "_max")];
const KINDS: [&str; 3] = ["total", "read", "write"];

fn check(given: &[TypedParam]) -> Result<()> {
    let mut known: Vec<_> = IoTune::LIMITS.iter().map(|name| (*name, Kind::ULLong)).collect();
    known.push(("group_name", Kind::String));
    params::check(given, &known)
}

/// The limits that parameters say; the rest is none.
fn read(given: &[TypedParam]) -> Result<IoTune> {
    let mut tune = IoTune { group_name: params::text(given, "group_name"), ..IoTune::default() };
    for name in IoTune::LIMITS {
        let Some(value) = params::ullong(given, name) else { continue };
        if value > MOST {
            return Err(error(
                ErrorCode::ARGUMENT_UNSUPPORTED,
                format!("block I/O throttle limit value must be no more than {MOST}"),
            ));
        }
        if let Some(slot) = tune.limit_mut(name) {
            *slot = Some(value).filter(|value| *value != 0);
        }
    }
    for (unit, suffix) in FAMILIES {
        let has = |kind: &str| tune.limit(&format!("{kind}{unit}{suffix}")).is_some();
        if has("total") && (has("read") || has("write")) {
            let what = format!("{}{suffix}", unit.trim_start_matches('_'));
            return Err(bad_argument(format!(
                "total and read/write of {what} cannot be set at the same time"
            )));
        }
    }
    Ok(tune)
}

/// The disk's limits once those of `given` are set: families that are not given stay.
fn over(wanted: &IoTune, now: &IoTune, given: &[TypedParam]) -> IoTune {
    let is_given = |name: &str| given.iter().any(|param| param.field == name);
    let mut tune = wanted.clone();
    let keep = |name: &str, tune: &mut IoTune| {
        if let Some(slot) = tune.limit_mut(name) {
            *slot = now.limit(name);
        }
    };
    for (unit, suffix) in FAMILIES {
        let names = KINDS.map(|kind| format!("{kind}{unit}{suffix}"));
        if !names.iter().any(|name| is_given(name)) {
            names.iter().for_each(|name| keep(name, &mut tune));
        }
    }
    for unit in ["_bytes_sec", "_iops_sec"] {
        let names = KINDS.map(|kind| format!("{kind}{unit}_max_length"));
        let given = names.iter().any(|name| is_given(name));
        for name in &names {
            let burst = name.trim_end_matches("_length");
            if !given {
                keep(name, &mut tune);
            } else if now.limit(name).is_some() && tune.limit(name).is_none() {
                // QEMU takes no length of 0 for a burst that there is
                let any = tune.limit(burst).or(now.limit(burst)).is_some();
                if let Some(slot) = tune.limit_mut(name) {
                    *slot = any.then_some(1);
                }
            }
        }
    }
    if !is_given("size_iops_sec") {
        keep("size_iops_sec", &mut tune);
    }
    if !is_given("group_name") {
        tune.group_name.clone_from(&now.group_name);
    }
    tune
}

/// A burst is more than what it bursts.
fn check_bursts(tune: &IoTune) -> Result<()> {
    for base in BASES {
        let burst = format!("{base}_max");
        let Some(most) = tune.limit(&burst) else { continue };
        match tune.limit(base) {
            None => {
                return Err(unsupported(format!("value '{burst}' cannot be set if '{base}' is not set")));
            }
            Some(value) if most < value => {
                return Err(unsupported(format!("value '{burst}' cannot be smaller than '{base}'")));
            }
            Some(_) => {}
        }
    }
    Ok(())
}

/// `virDomainSetBlockIoTune`.
pub(in super::super) async fn set(
    driver: &Driver,
    call: &Call,
    dom: &DomainRef,
    device: String,
    given_params: Vec<TypedParam>,
    given: u32,
) -> Result<()> {
    flags(given, IMPACT, "qemuDomainSetBlockIoTune")?;
    check(&given_params)?;
    let wanted = read(&given_params)?;
    driver
        .amend(call, dom, given, move |change| {
            Box::pin(async move {
                if let Some(live) = &change.live {
                    let disk = find(live, &device)?.clone();
                    let tune = over(&wanted, &disk.rest.iotune.clone(), &given_params);
                    check_bursts(&tune)?;
                    if disk.source.is_empty() {
                        return Err(no_source(disk.dst()));
                    }
                    send(change, &disk, &tune).await?;
                    change.touched = true;
                    put(change.live.as_mut(), disk.dst(), tune);
                    let name = TypedParam::new("blkdeviotune.disk", disk.dst());
                    let told = given_params.iter().map(|param| TypedParam {
                        field: format!("blkdeviotune.{}", param.field),
                        value: param.value.clone(),
                    });
                    change.tuned(std::iter::once(name).chain(told).collect());
                }
                if let Some(config) = &change.config {
                    let live = change.live.is_some();
                    let disk = find(config, &device).map_err(|e| match live {
                        true => bad_argument(format!("missing persistent configuration for disk '{device}'")),
                        false => e,
                    })?;
                    let (dst, tune) =
                        (disk.dst().to_owned(), over(&wanted, &disk.rest.iotune, &given_params));
                    put(change.config.as_mut(), &dst, tune);
                }
                Ok(())
            })
        })
        .await
}

/// The disk of this target or path.
fn find<'a>(model: &'a conf::Domain, device: &str) -> Result<&'a Disk> {
    let mut disks = model.devices.disks.iter();
    disks
        .find(|disk| disk.dst() == device || disk_path(disk) == Some(device))
        .ok_or_else(|| bad_argument(format!("disk '{device}' was not found in the domain config")))
}

fn no_source(target: &str) -> virtus_base::Error {
    bad_argument(format!("disk '{target}' does not currently have a source assigned"))
}

fn put(model: Option<&mut conf::Domain>, dst: &str, tune: IoTune) {
    let disks = model.into_iter().flat_map(|model| &mut model.devices.disks);
    for disk in disks.filter(|disk| disk.dst() == dst) {
        disk.rest.iotune = tune.clone();
    }
}

async fn send(change: &Change, disk: &Disk, tune: &IoTune) -> Result<()> {
    change.job.execute(&BlockSetIoThrottle(iotune::arguments(disk, tune)?)).await.map(|_| ())
}

/// `virDomainGetBlockIoTune`.
pub(in super::super) async fn get(
    driver: &Driver,
    call: &Call,
    dom: &DomainRef,
    device: Option<String>,
    room: i32,
    given: u32,
) -> Result<DomainGetBlockIoTuneReply> {
    flags(given, IMPACT | VIR_TYPED_PARAM_STRING_OKAY, "qemuDomainGetBlockIoTune")?;
    let domain = driver.find(dom)?;
    let model = one(&domain.view(), given & IMPACT)?;
    let mut tune = IoTune::default();
    // without room for any the caller asks how many there are, of no disk
    if room != 0 {
        let disk = find(&model, device.as_deref().unwrap_or_default())?;
        tune.clone_from(&disk.rest.iotune);
        if model.is_live() {
            if disk.source.is_empty() {
                return Err(no_source(disk.dst()));
            }
            let job = driver.job(call, &domain, Gate::Job(Job::Query)).await?;
            let drives = job.execute(&QueryBlock {}).await?;
            let alias = disk.info.alias.clone().unwrap_or_default();
            let own = |qdev: &str| qdev.split('/').any(|part| part == alias);
            let drive = drives.iter().find(|drive| drive.qdev.as_deref().is_some_and(own));
            let inserted = drive.and_then(|drive| drive.inserted.as_ref());
            let missing = || internal(format!("cannot find throttling info for device '{alias}'"));
            tune = reported(&inserted.ok_or_else(missing)?.limits);
        }
    }
    let mut all: Vec<TypedParam> = Vec::new();
    for name in IoTune::LIMITS {
        all.push(TypedParam::new(*name, tune.limit(name).unwrap_or(0)));
        if *name == "size_iops_sec" {
            all.push(TypedParam::new("group_name", tune.group_name.clone().unwrap_or_default()));
        }
    }
    let (params, nparams) = fit(all, room, 32)?;
    Ok(DomainGetBlockIoTuneReply { params: List(params), nparams })
}

/// `virDomainSetThrottleGroup`.
pub(super) async fn set_group(
    driver: &Driver,
    call: &Call,
    dom: &DomainRef,
    group: String,
    given_params: &[TypedParam],
    given: u32,
) -> Result<()> {
    flags(given, IMPACT, "qemuDomainSetThrottleGroup")?;
    check(given_params)?;
    let mut tune = read(given_params)?;
    tune.group_name = Some(group);
    driver
        .amend(call, dom, given, move |change| {
            Box::pin(async move {
                if let Some(live) = &change.live {
                    check_bursts(&tune)?;
                    let id = object_id(&tune);
                    let limits = throttle_limits(&tune).into_json();
                    if has_group(live, &tune) {
                        let (path, property) = (format!("/objects/{id}"), "limits".to_owned());
                        change.job.execute(&QomSet { path, property, value: limits }).await?;
                    } else {
                        let object = json!({ "qom-type": "throttle-group", "id": id, "limits": limits });
                        change.job.execute(&ObjectAdd(object)).await?;
                    }
                    change.touched = true;
                }
                for model in change.both() {
                    let groups = &mut model.throttlegroups.get_or_insert_default().groups;
                    match groups.iter_mut().find(|known| known.group_name == tune.group_name) {
                        Some(known) => known.clone_from(&tune),
                        None => groups.push(tune.clone()),
                    }
                }
                Ok(())
            })
        })
        .await
}

fn object_id(tune: &IoTune) -> String {
    format!("throttle-{}", tune.group_name.as_deref().unwrap_or_default())
}

fn has_group(model: &conf::Domain, tune: &IoTune) -> bool {
    let mut groups = model.throttlegroups.iter().flat_map(|groups| &groups.groups);
    groups.any(|known| known.group_name == tune.group_name)
}

/// `virDomainDelThrottleGroup`.
pub(super) async fn delete_group(
    driver: &Driver,
    call: &Call,
    dom: &DomainRef,
    group: String,
    given: u32,
) -> Result<()> {
    flags(given, IMPACT, "qemuDomainDelThrottleGroup")?;
    driver
        .amend(call, dom, given, move |change| {
            Box::pin(async move {
                for model in change.both() {
                    let mut disks = model.devices.disks.iter();
                    let user = disks
                        .find(|disk| disk.rest.throttlefilters.iter().any(|filter| filter.group == group));
                    if let Some(disk) = user {
                        return Err(crate::error::invalid(format!(
                            "throttle group '{group}' is still being used by disk {}",
                            disk.dst()
                        )));
                    }
                }
                let tune = IoTune { group_name: Some(group), ..IoTune::default() };
                if change.live.as_ref().is_some_and(|live| has_group(live, &tune)) {
                    change.job.execute(&ObjectDel { id: object_id(&tune) }).await?;
                    change.touched = true;
                }
                for model in change.both() {
                    if let Some(groups) = &mut model.throttlegroups {
                        groups.groups.retain(|known| known.group_name != tune.group_name);
                    }
                }
                Ok(())
            })
        })
        .await
}

#[cfg(test)]
mod tests {
    use super::*;

    fn given(list: &[(&str, u64)]) -> Vec<TypedParam> {
        list.iter().map(|(name, value)| TypedParam::new(*name, *value)).collect()
    }

    #[test]
    fn families_are_replaced_together() {
        let now = IoTune {
            total_bytes_sec: Some(10),
            total_bytes_sec_max: Some(20),
            total_bytes_sec_max_length: Some(3),
            group_name: Some("g".to_owned()),
            ..IoTune::default()
        };
        let set = |list: &[(&str, u64)]| {
            let given = given(list);
            over(&read(&given).unwrap(), &now, &given)
        };
        let tune = set(&[("read_bytes_sec", 5)]);
        assert_eq!((tune.total_bytes_sec, tune.read_bytes_sec), (None, Some(5)));
        assert_eq!((tune.total_bytes_sec_max, tune.group_name.as_deref()), (Some(20), Some("g")));
        // a length that is cleared is QEMU's shortest
        assert_eq!(set(&[("total_bytes_sec_max_length", 0)]).total_bytes_sec_max_length, Some(1));
        assert_eq!(set(&[("size_iops_sec", 4)]).size_iops_sec, Some(4));
    }

    #[test]
    fn what_cannot_be_is_refused() {
        let why = |list: &[(&str, u64)]| read(&given(list)).unwrap_err().message().to_owned();
        assert_eq!(
            why(&[("total_bytes_sec", 1), ("read_bytes_sec", 1)]),
            "invalid argument: total and read/write of bytes_sec cannot be set at the same time"
        );
        assert_eq!(
            why(&[("total_iops_sec_max", 1), ("write_iops_sec_max", 1)]),
            "invalid argument: total and read/write of iops_sec_max cannot be set at the same time"
        );
        assert_eq!(
            why(&[("total_bytes_sec", MOST + 1)]),
            "argument unsupported: block I/O throttle limit value must be no more than 1000000000000000"
        );
        let burst = IoTune { total_bytes_sec: Some(9), total_bytes_sec_max: Some(5), ..IoTune::default() };
        assert_eq!(
            check_bursts(&burst).unwrap_err().message(),
            "unsupported configuration: value 'total_bytes_sec_max' cannot be smaller than 'total_bytes_sec'"
        );
    }
}
