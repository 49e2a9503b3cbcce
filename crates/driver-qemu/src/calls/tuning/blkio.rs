//! How much a guest may do with the host's block devices.

use virtus_api::constants::*;
use virtus_api::domain::tuning::DomainGetBlkioParametersReply;
use virtus_api::{Call, DomainRef};
use virtus_base::{Error, ErrorCode, ErrorDomain, Result, TypedParam};
use virtus_conf::domain as conf;
use virtus_conf::domain::misc::{BlkioDevice, BlkioTune};
use virtus_host::cgroup::{Controller, DeviceLimit};
use virtus_xdr::List;

use super::super::change::one;
use super::super::flags;
use super::super::params::{self, Kind, fit};
use super::system_only;
use crate::Driver;
use crate::error::invalid;
use crate::process::cgroup;

const IMPACT: u32 = VIR_DOMAIN_AFFECT_LIVE | VIR_DOMAIN_AFFECT_CONFIG;
const SESSION: &str = "Block I/O tuning is not available in session mode";

/// The limits of single devices, in the order they are told.
const LIMITS: [(&str, DeviceLimit); 5] = [
    ("device_weight", DeviceLimit::Weight),
    ("device_read_iops_sec", DeviceLimit::ReadIops),
    ("device_write_iops_sec", DeviceLimit::WriteIops),
    ("device_read_bytes_sec", DeviceLimit::ReadBytes),
    ("device_write_bytes_sec", DeviceLimit::WriteBytes),
];

fn no_controller() -> Error {
    invalid("blkio cgroup isn't mounted")
}

fn get(device: &BlkioDevice, limit: DeviceLimit) -> Option<u64> {
    let value = match limit {
        DeviceLimit::Weight => device.weight.map(u64::from),
        DeviceLimit::ReadIops => device.read_iops_sec.map(u64::from),
        DeviceLimit::WriteIops => device.write_iops_sec.map(u64::from),
        DeviceLimit::ReadBytes => device.read_bytes_sec,
        DeviceLimit::WriteBytes => device.write_bytes_sec,
    };
    value.filter(|value| *value != 0)
}

fn put(device: &mut BlkioDevice, limit: DeviceLimit, value: u64) {
    let value = Some(value).filter(|value| *value != 0);
    let small = value.and_then(|value| u32::try_from(value).ok());
    match limit {
        DeviceLimit::Weight => device.weight = small,
        DeviceLimit::ReadIops => device.read_iops_sec = small,
        DeviceLimit::WriteIops => device.write_iops_sec = small,
        DeviceLimit::ReadBytes => device.read_bytes_sec = value,
        DeviceLimit::WriteBytes => device.write_bytes_sec = value,
    }
}

/// Reads `path,value,path,value`.
fn parse(name: &str, limit: DeviceLimit, text: &str) -> Result<Vec<(String, u64)>> {
    let wrong = |text: String| Error::new(ErrorDomain::DOMAIN, ErrorCode::INVALID_ARG, text);
    if text.is_empty() {
        return Ok(Vec::new());
    }
    let parts: Vec<&str> = text.split(',').collect();
    let mut devices = Vec::new();
    for pair in parts.chunks(2) {
        let [path, value] = pair else {
            return Err(wrong(format!("unable to parse blkio device '{name}' '{text}'")));
        };
        let number = <u64 as virtus_xml::Value>::parse(value, 10).filter(|value| match limit {
            DeviceLimit::Weight | DeviceLimit::ReadIops | DeviceLimit::WriteIops => {
                u32::try_from(*value).is_ok()
            }
            _ => true,
        });
        let number = number.ok_or_else(|| {
            wrong(format!("invalid value '{value}' for parameter '{name}' of device '{path}'"))
        })?;
        devices.push(((*path).to_owned(), number));
    }
    Ok(devices)
}

/// `virDomainGetBlkioParameters`.
pub(super) fn parameters(
    driver: &Driver,
    dom: &DomainRef,
    room: i32,
    given: u32,
) -> Result<DomainGetBlkioParametersReply> {
    flags(given, IMPACT | VIR_TYPED_PARAM_STRING_OKAY, "qemuDomainGetBlkioParameters")?;
    let domain = driver.find(dom)?;
    system_only(driver, SESSION)?;
    let model = one(&domain.view(), given & IMPACT)?;
    let tune = model.blkiotune.clone().unwrap_or_default();
    let mut weight = u64::from(tune.weight.unwrap_or(0));
    if model.is_live() {
        let group = cgroup::of(&*domain.running()?);
        if !group.has(Controller::Blkio) {
            return Err(no_controller());
        }
        weight = group.blkio_weight().unwrap_or(weight);
    }
    let mut all = vec![TypedParam::new("weight", u32::try_from(weight).unwrap_or(u32::MAX))];
    for (name, limit) in LIMITS {
        let pairs = tune.devices.iter().filter_map(|device| {
            let value = get(device, limit)?;
            Some(format!("{},{value}", device.path))
        });
        all.push(TypedParam::new(name, pairs.collect::<Vec<_>>().join(",")));
    }
    let (params, nparams) = fit(all, room, 16)?;
    Ok(DomainGetBlkioParametersReply { params: List(params), nparams })
}

/// `virDomainSetBlkioParameters`.
pub(super) async fn set_parameters(
    driver: &Driver,
    call: &Call,
    dom: &DomainRef,
    given_params: Vec<TypedParam>,
    given: u32,
) -> Result<()> {
    flags(given, IMPACT, "qemuDomainSetBlkioParameters")?;
    let mut known = vec![("weight", Kind::UInt)];
    known.extend(LIMITS.map(|(name, _)| (name, Kind::String)));
    params::check(&given_params, &known)?;
    driver.find(dom)?;
    system_only(driver, SESSION)?;
    let weight = params::uint(&given_params, "weight");
    let mut devices = Vec::new();
    for (name, limit) in LIMITS {
        if let Some(text) = params::text(&given_params, name) {
            let pairs = parse(name, limit, &text)?;
            devices.extend(pairs.into_iter().map(|(path, value)| (limit, path, value)));
        }
    }
    driver
        .amend(call, dom, given, move |change| {
            Box::pin(async move {
                if change.live.is_some() {
                    let group = change.group()?;
                    if !group.has(Controller::Blkio) {
                        return Err(no_controller());
                    }
                    if let Some(weight) = weight {
                        group.set_blkio_weight(weight)?;
                        change.touched = true;
                        change.live.iter_mut().for_each(|live| set_weight(live, weight));
                    }
                    for (limit, path, value) in &devices {
                        group.set_device_limit(*limit, path, *value)?;
                        change.touched = true;
                        change.live.iter_mut().for_each(|live| set_device(live, *limit, path, *value));
                    }
                }
                if let Some(config) = &mut change.config {
                    if let Some(weight) = weight {
                        set_weight(config, weight);
                    }
                    for (limit, path, value) in &devices {
                        set_device(config, *limit, path, *value);
                    }
                }
                Ok(())
            })
        })
        .await
}

fn set_weight(model: &mut conf::Domain, weight: u32) {
    model.blkiotune.get_or_insert_default().weight = Some(weight).filter(|weight| *weight != 0);
}

fn set_device(model: &mut conf::Domain, limit: DeviceLimit, path: &str, value: u64) {
    let BlkioTune { devices, .. } = model.blkiotune.get_or_insert_default();
    match devices.iter_mut().find(|device| device.path == path) {
        Some(device) => put(device, limit, value),
        None => {
            let mut device = BlkioDevice {
                path: path.to_owned(),
                weight: None,
                read_iops_sec: None,
                write_iops_sec: None,
                read_bytes_sec: None,
                write_bytes_sec: None,
            };
            put(&mut device, limit, value);
            devices.push(device);
        }
    }
    // what says nothing is not kept
    devices.retain(|device| LIMITS.iter().any(|(_, limit)| get(device, *limit).is_some()));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn devices_come_in_pairs() {
        let parse = |text| parse("device_weight", DeviceLimit::Weight, text);
        assert_eq!(parse("/a,1,/b,2").unwrap(), [("/a".to_owned(), 1), ("/b".to_owned(), 2)]);
        assert!(parse("").unwrap().is_empty());
        for (text, want) in [
            ("/a", "unable to parse blkio device 'device_weight' '/a'"),
            ("/a,1,", "unable to parse blkio device 'device_weight' '/a,1,'"),
            ("/a,x", "invalid value 'x' for parameter 'device_weight' of device '/a'"),
            ("/a,-1", "invalid value '-1' for parameter 'device_weight' of device '/a'"),
            ("/a,4294967296", "invalid value '4294967296' for parameter 'device_weight' of device '/a'"),
        ] {
            assert_eq!(parse(text).unwrap_err().message(), format!("invalid argument: {want}"));
        }
    }
}
