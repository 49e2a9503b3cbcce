//! What can be done with a domain's disks.

use async_trait::async_trait;
use virtus_api::constants::*;
use virtus_api::domain::block::*;
use virtus_api::{Call, DomainBlock, DomainRef};
use virtus_base::{ErrorCode, Result, TypedParam, TypedValue};
use virtus_conf::domain::device::IoTune;
use virtus_conf::domain::device::disk::Disk;
use virtus_conf::domain::{self as conf};
use virtus_xdr::List;

use super::params::{fit, validate};
use crate::domain::{find_disk, source_path};
use crate::{Driver, bad_argument, error, flags};

const IMPACT: u32 = VIR_DOMAIN_AFFECT_LIVE | VIR_DOMAIN_AFFECT_CONFIG;
/// The most that a limit can be.
const MOST: u64 = 1_000_000_000_000_000;
/// How many limits come before the name of the group.
const BEFORE_GROUP: usize = 13;

fn disk_mut<'a>(definition: &'a mut conf::Domain, path: &str, error: &str) -> Result<&'a mut Disk> {
    let place = find_disk(definition, path);
    let disk = place.and_then(|place| definition.devices.disks.get_mut(place));
    disk.ok_or_else(|| bad_argument(error.replace("{}", path)))
}

/// Refuses limits that contradict each other.
fn check(tune: &IoTune) -> Result<()> {
    let together = |total: Option<u64>, parts: [Option<u64>; 2], what: &str| match total
        .zip(parts.iter().flatten().next())
    {
        Some(_) => {
            Err(bad_argument(format!("total and read/write of {what} cannot be set at the same time")))
        }
        None => Ok(()),
    };
    together(tune.total_bytes_sec, [tune.read_bytes_sec, tune.write_bytes_sec], "bytes_sec")?;
    together(tune.total_iops_sec, [tune.read_iops_sec, tune.write_iops_sec], "iops_sec")?;
    together(tune.total_bytes_sec_max, [tune.read_bytes_sec_max, tune.write_bytes_sec_max], "bytes_sec_max")?;
    together(tune.total_iops_sec_max, [tune.read_iops_sec_max, tune.write_iops_sec_max], "iops_sec_max")?;
    for (name, limit, most) in [
        ("total_bytes_sec", tune.total_bytes_sec, tune.total_bytes_sec_max),
        ("read_bytes_sec", tune.read_bytes_sec, tune.read_bytes_sec_max),
        ("write_bytes_sec", tune.write_bytes_sec, tune.write_bytes_sec_max),
        ("total_iops_sec", tune.total_iops_sec, tune.total_iops_sec_max),
        ("read_iops_sec", tune.read_iops_sec, tune.read_iops_sec_max),
        ("write_iops_sec", tune.write_iops_sec, tune.write_iops_sec_max),
    ] {
        if limit.unwrap_or(0) > most.unwrap_or(0) {
            return Err(bad_argument(format!("{name} cannot be set higher than {name}_max")));
        }
    }
    Ok(())
}

#[async_trait]
impl DomainBlock for Driver {
    async fn domain_get_block_info(
        &self,
        _: &Call,
        dom: DomainRef,
        path: String,
        given: u32,
    ) -> Result<DomainGetBlockInfoReply> {
        flags(given, 0, "testDomainGetBlockInfo")?;
        let mut state = self.state();
        let definition = &mut state.domain(&dom)?.definition;
        let disk = disk_mut(definition, &path, "invalid path {} not assigned to domain")?;
        if source_path(disk).is_none() {
            return Err(bad_argument(format!("disk '{path}' does not currently have a source assigned")));
        }
        Ok(DomainGetBlockInfoReply {
            allocation: 1_099_511_627_776,
            capacity: 1_099_506_450_432,
            physical: 1_099_511_627_776,
        })
    }

    async fn domain_get_disk_errors(
        &self,
        _: &Call,
        dom: DomainRef,
        maxerrors: u32,
        given: u32,
    ) -> Result<DomainGetDiskErrorsReply> {
        flags(given, 0, "testDomainGetDiskErrors")?;
        let mut state = self.state();
        let domain = state.domain(&dom)?;
        domain.check_active()?;
        let disks = &domain.definition.devices.disks;
        let room = usize::try_from(maxerrors).unwrap_or(0);
        // each of libvirt's errors in turn
        let errors: List<_, 256> = disks
            .iter()
            .zip([VIR_DOMAIN_DISK_ERROR_UNSPEC, VIR_DOMAIN_DISK_ERROR_NO_SPACE].into_iter().cycle())
            .map(|(disk, error)| DomainDiskError { disk: disk.dst().to_owned(), error })
            .take(room)
            .collect();
        let told = if room == 0 { disks.len() } else { errors.len() };
        Ok(DomainGetDiskErrorsReply { errors, nerrors: i32::try_from(told).unwrap_or(i32::MAX) })
    }

    async fn domain_set_block_io_tune(
        &self,
        _: &Call,
        dom: DomainRef,
        path: String,
        params: List<TypedParam, 32>,
        given: u32,
    ) -> Result<()> {
        flags(given, IMPACT, "testDomainSetBlockIoTune")?;
        let empty = IoTune::default();
        let known: Vec<(&str, &str)> =
            empty.limits().map(|(name, _)| (name, "ullong")).chain([("group_name", "string")]).collect();
        validate(&params, &known)?;
        let mut state = self.state();
        let definition = state.domain(&dom)?.one(given)?;
        let disk = disk_mut(definition, &path, "missing persistent configuration for disk '{}'")?;
        let mut tune = disk.rest.iotune.clone();
        for param in params.iter() {
            match &param.value {
                TypedValue::ULLong(value) if *value > MOST => {
                    let text = format!("block I/O throttle limit value must be no more than {MOST}");
                    return Err(error(ErrorCode::ARGUMENT_UNSUPPORTED, text));
                }
                TypedValue::ULLong(value) => {
                    if let Some(limit) = tune.limit_mut(&param.field) {
                        *limit = Some(*value).filter(|value| *value != 0);
                    }
                }
                TypedValue::String(name) => tune.group_name = Some(name.clone()),
                _ => {}
            }
        }
        check(&tune)?;
        disk.rest.iotune = tune;
        Ok(())
    }

    async fn domain_get_block_io_tune(
        &self,
        _: &Call,
        dom: DomainRef,
        path: Option<String>,
        nparams: i32,
        given: u32,
    ) -> Result<DomainGetBlockIoTuneReply> {
        flags(given, IMPACT | VIR_TYPED_PARAM_STRING_OKAY, "testDomainGetBlockIoTune")?;
        let mut params: Vec<TypedParam> = match path.filter(|_| nparams != 0) {
            // how many there are is the same for every disk
            None => IoTune::default().limits().map(|(name, _)| TypedParam::new(name, 0_u64)).collect(),
            Some(path) => {
                let mut state = self.state();
                let definition = state.domain(&dom)?.one(given)?;
                let disk = disk_mut(definition, &path, "disk '{}' was not found in the domain config")?;
                let tune = &disk.rest.iotune;
                let mut params: Vec<_> =
                    tune.limits().map(|(name, value)| TypedParam::new(name, value.unwrap_or(0))).collect();
                let group = tune.group_name.clone().unwrap_or_default();
                params.insert(BEFORE_GROUP, TypedParam::new("group_name", group));
                params
            }
        };
        if params.len() == IoTune::default().limits().count() {
            params.push(TypedParam::new("group_name", String::new()));
        }
        let (params, nparams) = fit(params, nparams);
        Ok(DomainGetBlockIoTuneReply { params: List(params), nparams })
    }
}
