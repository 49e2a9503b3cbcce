//! How much a group may do with the host's block devices.

use std::os::unix::fs::{FileTypeExt, MetadataExt};

use virtus_base::{Error, ErrorCode, ErrorDomain};

use super::{Controller, Group};

/// A limit of one block device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeviceLimit {
    /// A share of the device's time, 10 to 1000; 0 is the group's own.
    Weight,
    /// Reads each second; 0 for no limit.
    ReadIops,
    /// Writes each second; 0 for no limit.
    WriteIops,
    /// Bytes read each second; 0 for no limit.
    ReadBytes,
    /// Bytes written each second; 0 for no limit.
    WriteBytes,
}

impl Group {
    /// The group's share of disk time.
    pub fn blkio_weight(&self) -> Option<u64> {
        let (v1, v2) = self.weight_files();
        let text = std::fs::read_to_string(self.file(Controller::Blkio, v1, v2)?).ok()?;
        // version 2 has a line "default 100" before those of devices
        let first = text.lines().next().unwrap_or_default();
        first.strip_prefix("default ").unwrap_or(first).trim().parse().ok()
    }

    /// Sets the group's share of disk time, 10 to 1000.
    ///
    /// # Errors
    /// As [`Group::set_cpu_shares`].
    pub fn set_blkio_weight(&self, weight: u32) -> Result<(), Error> {
        let (v1, v2) = self.weight_files();
        self.write(Controller::Blkio, v1, v2, &weight.to_string())
    }

    fn weight_files(&self) -> (&'static str, &'static str) {
        let bfq = self.file(Controller::Blkio, "blkio.bfq.weight", "io.bfq.weight");
        match bfq.is_some_and(|file| file.exists()) {
            true => ("blkio.bfq.weight", "io.bfq.weight"),
            false => ("blkio.weight", "io.weight"),
        }
    }

    /// Limits what the group may do with a block device.
    ///
    /// # Errors
    /// When `path` is no block device, there is no such limit here, or the kernel refuses.
    pub fn set_device_limit(&self, limit: DeviceLimit, path: &str, value: u64) -> Result<(), Error> {
        let device = numbers(path)?;
        let unified = self.directory(Controller::Blkio).is_some_and(|(_, unified)| unified);
        if limit == DeviceLimit::Weight {
            let file = self.file(Controller::Blkio, "blkio.weight_device", "io.weight");
            if file.is_some_and(|file| !file.exists()) {
                let text = "blkio device weight is valid only for cfq scheduler";
                return Err(Error::new(ErrorDomain::CGROUP, ErrorCode::OPERATION_INVALID, text));
            }
            let value = match (value, unified) {
                (0, true) => "default".to_owned(),
                (value, _) => value.to_string(),
            };
            return self.write(
                Controller::Blkio,
                "blkio.weight_device",
                "io.weight",
                &format!("{device} {value}"),
            );
        }
        let (v1, key) = match limit {
            DeviceLimit::ReadIops => ("blkio.throttle.read_iops_device", "riops"),
            DeviceLimit::WriteIops => ("blkio.throttle.write_iops_device", "wiops"),
            DeviceLimit::ReadBytes => ("blkio.throttle.read_bps_device", "rbps"),
            DeviceLimit::WriteBytes | DeviceLimit::Weight => ("blkio.throttle.write_bps_device", "wbps"),
        };
        let text = match (unified, value) {
            (true, 0) => format!("{device} {key}=max"),
            (true, value) => format!("{device} {key}={value}"),
            (false, value) => format!("{device} {value}"),
        };
        self.write(Controller::Blkio, v1, "io.max", &text)
    }
}

/// The numbers of a block device, as control groups name it.
fn numbers(path: &str) -> Result<String, Error> {
    let meta = std::fs::metadata(path).map_err(|e| {
        Error::system(ErrorDomain::CGROUP, format_args!("Path '{path}' is not accessible"), &e)
    })?;
    if !meta.file_type().is_block_device() {
        let e = std::io::Error::from_raw_os_error(libc::EINVAL);
        let text = format_args!("Path '{path}' must be a block device");
        return Err(Error::system(ErrorDomain::CGROUP, text, &e));
    }
    let device = meta.rdev();
    Ok(format!("{}:{}", rustix::fs::major(device), rustix::fs::minor(device)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_block_devices_have_limits() {
        let refused = Group::default().set_device_limit(DeviceLimit::ReadIops, "/dev/null", 5).unwrap_err();
        assert_eq!(refused.message(), "Path '/dev/null' must be a block device: Invalid argument");
        let missing = Group::default().set_device_limit(DeviceLimit::Weight, "/nowhere", 5).unwrap_err();
        assert_eq!(missing.message(), "Path '/nowhere' is not accessible: No such file or directory");
        assert_eq!(Group::default().blkio_weight(), None);
    }
}
