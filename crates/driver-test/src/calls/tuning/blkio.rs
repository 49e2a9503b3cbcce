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
type Field = (&'static str, fn(&BlkioDevice) -> Option<u64>, fn(&mut BlkioDevice, u64));
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

fn small(field: &mut Option<u32>, value: u64) {
    *field = u32::try_from(value).ok().filter(|value| *value != 0);
}

fn large(field: &mut Option<u64>, value: u64) {
    *field = Some(value).filter(|value| *value != 0);
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
    // what is wrong with one keeps nobody from setting the others; the last complaint is told
    let mut outcome = Ok(());
    for (name, _, put) in FIELDS {
        let Some(text) = text(params, name) else { continue };
        let most = if name.ends_with("_bytes_sec") { u64::MAX } else { u32::MAX.into() };
        let pairs = match pairs(text, name, most) {
            Ok(pairs) => pairs,
            Err(wrong) => {
                outcome = Err(wrong);
                continue;
            }
        };
        for (path, value) in pairs {
            let place = tune.devices.iter().position(|device| device.path == path);
            let place = place.unwrap_or_else(|| {
                tune.devices.push(BlkioDevice {
                    path: path.to_owned(),
                    weight: None,
                    read_iops_sec: None,
                    write_iops_sec: None,
                    read_bytes_sec: None,
                    write_bytes_sec: None,
                });
                tune.devices.len() - 1
            });
            if let Some(device) = tune.devices.get_mut(place) {
                put(device, value);
            }
        }
    }
    tune.devices.retain(|device| FIELDS.iter().any(|(_, value, _)| value(device).is_some()));
    definition.blkiotune = Some(tune).filter(|tune| *tune != BlkioTune::default());
    outcome
}

fn bad(text: String) -> Error {
    Error::new(ErrorDomain::DOMAIN, ErrorCode::INVALID_ARG, text)
}

/// `/dev/one,1,/dev/two,2` in pairs, of numbers up to `most`.
fn pairs<'a>(text: &'a str, name: &str, most: u64) -> Result<Vec<(&'a str, u64)>> {
    let mut pairs = Vec::new();
    let parts: Vec<&str> = if text.is_empty() { Vec::new() } else { text.split(',').collect() };
    if !parts.len().is_multiple_of(2) {
        return Err(bad(format!("unable to parse blkio device '{name}' '{text}'")));
    }
    for pair in parts.chunks_exact(2) {
        let [path, value] = pair else { continue };
        match value.parse().ok().filter(|number| *number <= most) {
            Some(number) => pairs.push((*path, number)),
            None => {
                let text = format!("invalid value '{value}' for parameter '{name}' of device '{path}'");
                return Err(bad(text));
            }
        }
    }
    Ok(pairs)
}

#[cfg(test)]
mod tests {
    use super::pairs;

    #[test]
    fn devices_come_with_their_values() {
        assert_eq!(pairs("/dev/a,1,b,2", "x", 9).unwrap(), [("/dev/a", 1), ("b", 2)]);
        assert_eq!(pairs("", "x", 9).unwrap(), []);
        for wrong in ["/dev/a", "/dev/a,", "/dev/a,10", "/dev/a,-1", "/dev/a,1,"] {
            assert!(pairs(wrong, "x", 9).is_err(), "{wrong}");
        }
    }
}
