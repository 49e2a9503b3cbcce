//! Limits of what a domain reads from and writes to the host's block devices.

use virtus_base::{Error, ErrorCode, ErrorDomain, Result, TypedParam};
use virtus_conf::domain::misc::{BlkioDevice, BlkioTune};
use virtus_conf::domain::{self as conf};

use super::super::params::{number, text};

pub(super) const PARAMETERS: [(&str, &str); 6] = [
    ("weight", "uint"),
    ("device_weight", "string"),
    ("device_read_iops_sec", "string"),
    ("device_write_iops_sec", "string"),
    ("device_read_bytes_sec", "string"),
    ("device_write_bytes_sec", "string"),
];

/// What a parameter is of a device: reading it, and setting it.
type Field = (&'static str, fn(&BlkioDevice) -> Option<u64>, fn(&mut BlkioDevice, u64) -> bool);
const FIELDS: [Field; 5] = [
    ("device_weight", |d| d.weight.map(u64::from), |d, value| small(&mut d.weight, value)),
    (
        "device_read_iops_sec",
        |d| d.read_iops_sec.map(u64::from),
        |d, value| small(&mut d.read_iops_sec, value),
    ),
    (
        "device_write_iops_sec",
        |d| d.write_iops_sec.map(u64::from),
        |d, value| small(&mut d.write_iops_sec, value),
    ),
    ("device_read_bytes_sec", |d| d.read_bytes_sec, |d, value| large(&mut d.read_bytes_sec, value)),
    ("device_write_bytes_sec", |d| d.write_bytes_sec, |d, value| large(&mut d.write_bytes_sec, value)),
];

fn small(field: &mut Option<u32>, value: u64) -> bool {
    let value = u32::try_from(value);
    *field = value.ok().filter(|value| *value != 0);
    value.is_ok()
}

fn large(field: &mut Option<u64>, value: u64) -> bool {
    *field = Some(value).filter(|value| *value != 0);
    true
}

pub(super) fn get(definition: &conf::Domain) -> Vec<TypedParam> {
    let tune = definition.blkiotune.clone().unwrap_or_default();
    let mut params = vec![TypedParam::new("weight", tune.weight.unwrap_or(0))];
    for (name, value, _) in FIELDS {
        let pairs: Vec<String> = tune
            .devices
            .iter()
            .filter_map(|device| Some(format!("{},{}", device.path, value(device)?)))
            .collect();
        params.push(TypedParam::new(name, pairs.join(",")));
    }
    params
}

pub(super) fn set(definition: &mut conf::Domain, params: &[TypedParam]) -> Result<()> {
    let mut tune = definition.blkiotune.clone().unwrap_or_default();
    if let Some(weight) = number(params, "weight") {
        tune.weight = u32::try_from(weight).ok().filter(|weight| *weight != 0);
    }
    for (name, _, put) in FIELDS {
        let Some(text) = text(params, name) else { continue };
        for (path, value) in pairs(text, name)? {
            let device = match tune.devices.iter().position(|device| device.path == path) {
                Some(place) => tune.devices.get_mut(place),
                None => {
                    tune.devices.push(BlkioDevice {
                        path: path.to_owned(),
                        weight: None,
                        read_iops_sec: None,
                        write_iops_sec: None,
                        read_bytes_sec: None,
                        write_bytes_sec: None,
                    });
                    tune.devices.last_mut()
                }
            };
            let parsed: Option<u64> = value.parse().ok();
            if !device.zip(parsed).is_some_and(|(device, value)| put(device, value)) {
                return Err(bad(format!(
                    "invalid value '{value}' for parameter '{name}' of device '{path}'"
                )));
            }
        }
    }
    tune.devices.retain(|device| FIELDS.iter().any(|(_, value, _)| value(device).is_some()));
    definition.blkiotune = Some(tune).filter(|tune| *tune != BlkioTune::default());
    Ok(())
}

fn bad(text: String) -> Error {
    Error::new(ErrorDomain::DOMAIN, ErrorCode::INVALID_ARG, text)
}

/// `/dev/one,1,/dev/two,2` in pairs.
fn pairs<'a>(text: &'a str, name: &str) -> Result<Vec<(&'a str, &'a str)>> {
    if text.is_empty() {
        return Ok(Vec::new());
    }
    let mut parts = text.split(',');
    let mut pairs = Vec::new();
    while let Some(path) = parts.next() {
        match parts.next() {
            Some(value) if path.starts_with('/') => pairs.push((path, value)),
            _ => return Err(bad(format!("unable to parse blkio device '{name}' '{text}'"))),
        }
    }
    Ok(pairs)
}

#[cfg(test)]
mod tests {
    use super::pairs;

    #[test]
    fn devices_come_with_their_values() {
        assert_eq!(pairs("/dev/a,1,/dev/b,2", "x").unwrap(), [("/dev/a", "1"), ("/dev/b", "2")]);
        assert_eq!(pairs("", "x").unwrap(), []);
        assert!(pairs("/dev/a", "x").is_err());
        assert!(pairs("a,1", "x").is_err());
    }
}
