//! Limits of a disk's throughput, as QEMU's monitor names them.

use serde_json::{Map, Value, json};
use virtus_base::Result;
use virtus_conf::domain::device::{Disk, IoTune};

use crate::devices::drive_path;
use crate::error::internal;

/// What can be limited.
pub(crate) const BASES: [&str; 6] = [
    "total_bytes_sec",
    "read_bytes_sec",
    "write_bytes_sec",
    "total_iops_sec",
    "read_iops_sec",
    "write_iops_sec",
];

/// A limit's name in `block_set_io_throttle` and `query-block`.
fn qemu_name(name: &str) -> String {
    let bases = ["bps", "bps_rd", "bps_wr", "iops", "iops_rd", "iops_wr"];
    let found = BASES.iter().zip(bases).find_map(|(base, qemu)| Some((qemu, name.strip_prefix(base)?)));
    found.map_or_else(|| "iops_size".to_owned(), |(qemu, suffix)| format!("{qemu}{suffix}"))
}

/// The arguments that give a running guest's disk these limits.
pub(crate) fn arguments(disk: &Disk, tune: &IoTune) -> Result<Value> {
    let id = drive_path(disk).ok_or_else(|| internal("the disk has no alias"))?;
    let mut arguments = Map::new();
    arguments.insert("id".to_owned(), json!(id));
    for base in BASES {
        arguments.insert(qemu_name(base), json!(tune.limit(base).unwrap_or(0)));
    }
    for name in IoTune::LIMITS.iter().filter(|name| !BASES.contains(name)) {
        if let Some(value) = tune.limit(name) {
            arguments.insert(qemu_name(name), json!(value));
        }
    }
    if let Some(group) = tune.group_name.as_ref().filter(|group| !group.is_empty()) {
        arguments.insert("group".to_owned(), json!(group));
    }
    Ok(Value::Object(arguments))
}

/// The limits as QEMU tells them.
pub(crate) fn reported(drive: &Map<String, Value>) -> IoTune {
    let mut tune = IoTune::default();
    for name in IoTune::LIMITS {
        let value = drive.get(&qemu_name(name)).and_then(Value::as_u64);
        if let Some(slot) = tune.limit_mut(name) {
            *slot = value.filter(|value| *value != 0);
        }
    }
    tune.group_name = drive.get("group").and_then(Value::as_str).map(str::to_owned);
    tune
}

#[cfg(test)]
mod tests {
    use virtus_conf::domain::ParseOptions;
    use virtus_conf::domain::device::Device;

    use super::*;

    #[test]
    fn qemu_has_names_of_its_own() {
        assert_eq!(qemu_name("read_iops_sec_max_length"), "iops_rd_max_length");
        assert_eq!(qemu_name("size_iops_sec"), "iops_size");
    }

    #[test]
    fn what_qemu_tells_is_what_it_was_told() {
        let xml = "<disk type='file'><source file='/x'/><target dev='vda' bus='virtio'/>\
                   <alias name='virtio-disk0'/></disk>";
        let Device::Disk(mut disk) = Device::parse(xml, &ParseOptions::default()).unwrap() else {
            panic!("a disk");
        };
        let tune = IoTune {
            total_bytes_sec: Some(9),
            read_iops_sec_max: Some(7),
            group_name: Some("g".to_owned()),
            ..IoTune::default()
        };
        let told = arguments(&disk, &tune).unwrap();
        assert_eq!((&told["bps"], &told["iops_rd_max"], &told["iops_wr"]), (&json!(9), &json!(7), &json!(0)));
        assert_eq!(reported(told.as_object().unwrap()), tune);
        disk.info.alias = None;
        assert!(arguments(&disk, &tune).is_err());
    }
}
