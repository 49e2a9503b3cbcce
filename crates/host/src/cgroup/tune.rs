//! What a group has used and may use.

use std::path::{Path, PathBuf};

use virtus_base::{Error, ErrorCode, ErrorDomain};

use super::{Controller, Group};

/// CPU time used, in ns.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct CpuTimes {
    pub total: u64,
    pub user: u64,
    pub system: u64,
}

/// How much CPU time a group may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BandwidthLimit {
    /// In µs.
    pub period: u64,
    /// In µs for each period; negative for no limit.
    pub quota: i64,
}

/// How much memory a group may use, in KiB; `None` for no limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MemoryLimits {
    /// More is never given.
    pub hard: Option<u64>,
    /// More is taken back when memory is short.
    pub soft: Option<u64>,
    /// Limit of memory and swap together in version 1, of swap alone in version 2.
    pub swap_hard: Option<u64>,
}

/// One of the limits of [`MemoryLimits`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum MemoryLimit {
    Hard,
    Soft,
    SwapHard,
}

/// Version 1 says "no limit" with the largest multiple of the page size, which is above this, in KiB.
const UNLIMITED_KIB: u64 = 9_007_199_254_740_000;

impl Group {
    /// CPU time used; `None` when the host does not count it by group. Version 2 counts in µs, version 1 does not.
    pub fn cpu_times(&self) -> Option<CpuTimes> {
        if let Some(path) = self.unified(Controller::Cpuacct) {
            let text = std::fs::read_to_string(path.join("cpu.stat")).ok()?;
            let field = |name| keyed(&text, name).map(|us| us.saturating_mul(1000));
            return Some(CpuTimes {
                total: field("usage_usec")?,
                user: field("user_usec")?,
                system: field("system_usec")?,
            });
        }
        let (path, _) = self.directory(Controller::Cpuacct)?;
        let total = number(&path.join("cpuacct.usage"))?;
        let stat = std::fs::read_to_string(path.join("cpuacct.stat")).ok()?;
        let ns = 1_000_000_000 / rustix::param::clock_ticks_per_second().max(1);
        let field = |name| keyed(&stat, name).map(|ticks| ticks.saturating_mul(ns));
        Some(CpuTimes { total, user: field("user")?, system: field("system")? })
    }

    /// Memory used, in KiB.
    pub fn memory_used(&self) -> Option<u64> {
        let file = self.file(Controller::Memory, "memory.usage_in_bytes", "memory.current")?;
        number(&file).map(|bytes| bytes / 1024)
    }

    /// The group's share of CPU time against others'. In version 2 this is its weight.
    pub fn cpu_shares(&self) -> Option<u64> {
        number(&self.file(Controller::Cpu, "cpu.shares", "cpu.weight")?)
    }

    /// Sets the group's share of CPU time.
    ///
    /// # Errors
    /// When there is no such controller or the kernel refuses.
    pub fn set_cpu_shares(&self, shares: u64) -> Result<(), Error> {
        self.write(Controller::Cpu, "cpu.shares", "cpu.weight", &shares.to_string())
    }

    /// How much CPU time the group may use.
    pub fn bandwidth(&self) -> Option<BandwidthLimit> {
        let (path, unified) = self.directory(Controller::Cpu)?;
        if !unified {
            let period = number(&path.join("cpu.cfs_period_us"))?;
            let quota = text(&path.join("cpu.cfs_quota_us"))?.parse().ok()?;
            return Some(BandwidthLimit { period, quota });
        }
        let text = text(&path.join("cpu.max"))?;
        let (quota, period) = text.split_once(' ')?;
        let quota = if quota == "max" { -1 } else { quota.parse().ok()? };
        Some(BandwidthLimit { period: period.parse().ok()?, quota })
    }

    /// Limits the CPU time the group may use; `None` leaves a part as it is.
    ///
    /// # Errors
    /// As [`Group::set_cpu_shares`].
    pub fn set_bandwidth(&self, period: Option<u64>, quota: Option<i64>) -> Result<(), Error> {
        let (_, unified) = self.directory(Controller::Cpu).ok_or_else(|| missing(Controller::Cpu))?;
        if unified {
            let now = self.bandwidth().unwrap_or(BandwidthLimit { period: 100_000, quota: -1 });
            let quota = quota.unwrap_or(now.quota);
            let quota = if quota < 0 { "max".to_owned() } else { quota.to_string() };
            let both = format!("{quota} {}", period.unwrap_or(now.period));
            return self.write(Controller::Cpu, "", "cpu.max", &both);
        }
        if let Some(period) = period {
            self.write(Controller::Cpu, "cpu.cfs_period_us", "", &period.to_string())?;
        }
        match quota {
            Some(quota) => self.write(Controller::Cpu, "cpu.cfs_quota_us", "", &quota.max(-1).to_string()),
            None => Ok(()),
        }
    }

    /// The CPUs the group may run on, as a list.
    pub fn cpuset_cpus(&self) -> Option<String> {
        text(&self.file(Controller::Cpuset, "cpuset.cpus", "cpuset.cpus")?)
    }

    /// Says on which CPUs the group may run.
    ///
    /// # Errors
    /// As [`Group::set_cpu_shares`].
    pub fn set_cpuset_cpus(&self, list: &str) -> Result<(), Error> {
        self.write(Controller::Cpuset, "cpuset.cpus", "cpuset.cpus", list)
    }

    /// Says of which NUMA nodes the group may have memory.
    ///
    /// # Errors
    /// As [`Group::set_cpu_shares`].
    pub fn set_cpuset_mems(&self, list: &str) -> Result<(), Error> {
        self.write(Controller::Cpuset, "cpuset.mems", "cpuset.mems", list)
    }

    /// How much memory the group may use.
    pub fn memory_limits(&self) -> Option<MemoryLimits> {
        let (path, unified) = self.directory(Controller::Memory)?;
        let limit = |file: &str| {
            let kib = number(&path.join(file))? / 1024;
            (kib < UNLIMITED_KIB).then_some(kib)
        };
        if !unified {
            return Some(MemoryLimits {
                hard: limit("memory.limit_in_bytes"),
                soft: limit("memory.soft_limit_in_bytes"),
                swap_hard: limit("memory.memsw.limit_in_bytes"),
            });
        }
        Some(MemoryLimits {
            hard: limit("memory.max"),
            soft: limit("memory.high"),
            swap_hard: limit("memory.swap.max"),
        })
    }

    /// Limits the memory the group may use, in KiB; `None` for no limit.
    ///
    /// # Errors
    /// As [`Group::set_cpu_shares`].
    pub fn set_memory_limit(&self, limit: MemoryLimit, kib: Option<u64>) -> Result<(), Error> {
        let (_, unified) = self.directory(Controller::Memory).ok_or_else(|| missing(Controller::Memory))?;
        let value = match kib.filter(|kib| *kib < UNLIMITED_KIB) {
            Some(kib) => kib.saturating_mul(1024).to_string(),
            None if unified => "max".to_owned(),
            None => "-1".to_owned(),
        };
        let (v1, v2) = match limit {
            MemoryLimit::Hard => ("memory.limit_in_bytes", "memory.max"),
            MemoryLimit::Soft => ("memory.soft_limit_in_bytes", "memory.high"),
            MemoryLimit::SwapHard => ("memory.memsw.limit_in_bytes", "memory.swap.max"),
        };
        self.write(Controller::Memory, v1, v2, &value)
    }

    pub(super) fn file(&self, controller: Controller, v1: &str, v2: &str) -> Option<PathBuf> {
        self.directory(controller).map(|(path, unified)| path.join(if unified { v2 } else { v1 }))
    }

    pub(super) fn write(&self, controller: Controller, v1: &str, v2: &str, value: &str) -> Result<(), Error> {
        let path = self.file(controller, v1, v2).ok_or_else(|| missing(controller))?;
        std::fs::write(&path, value).map_err(|e| {
            let what = match e.raw_os_error() {
                Some(libc::EINVAL) => {
                    let name = path.file_name().unwrap_or_default().to_string_lossy();
                    format!("Invalid value '{value}' for '{name}'")
                }
                _ => format!("Unable to write to '{}'", path.display()),
            };
            Error::system(ErrorDomain::CGROUP, what, &e)
        })
    }
}

pub(super) fn missing(controller: Controller) -> Error {
    let text = format!("cgroup {} controller is not mounted", controller.name().to_uppercase());
    Error::new(ErrorDomain::QEMU, ErrorCode::OPERATION_INVALID, text)
}

fn text(path: &Path) -> Option<String> {
    std::fs::read_to_string(path).ok().map(|text| text.trim().to_owned())
}

/// A file's number; `max` is none.
pub(super) fn number(path: &Path) -> Option<u64> {
    text(path)?.parse().ok()
}

/// The number behind a name in a file of `name number` lines.
fn keyed(text: &str, name: &str) -> Option<u64> {
    text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ')?.trim().parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cgroup::Cgroups;

    /// Leaves nothing behind when the test fails.
    struct Remove(Group);

    impl Drop for Remove {
        fn drop(&mut self) {
            self.0.remove().unwrap();
        }
    }

    #[test]
    fn what_is_set_is_read_back() {
        let machine = format!("virtus-tune-{}", std::process::id());
        let group = Remove(Group::create(&Cgroups::detect(), "/machine", &machine, "qemu"));
        let group = &group.0;
        let tried = [
            group.cpu_shares().map(|_| {
                group.set_cpu_shares(512).unwrap();
                assert_eq!(group.cpu_shares(), Some(512));
                group.set_bandwidth(Some(50_000), Some(20_000)).unwrap();
                assert_eq!(group.bandwidth(), Some(BandwidthLimit { period: 50_000, quota: 20_000 }));
                group.set_bandwidth(None, Some(-1)).unwrap();
                assert_eq!(group.bandwidth().unwrap().quota, -1);
            }),
            group.memory_limits().map(|before| {
                assert_eq!(before, MemoryLimits::default());
                group.set_memory_limit(MemoryLimit::Hard, Some(65_536)).unwrap();
                group.set_memory_limit(MemoryLimit::Soft, Some(32_768)).unwrap();
                let limits = MemoryLimits { hard: Some(65_536), soft: Some(32_768), swap_hard: None };
                assert_eq!(group.memory_limits(), Some(limits));
                group.set_memory_limit(MemoryLimit::Hard, None).unwrap();
                group.set_memory_limit(MemoryLimit::Soft, None).unwrap();
                assert_eq!(group.memory_limits(), Some(MemoryLimits::default()));
            }),
            group.cpu_times().map(|times| assert_eq!(times, CpuTimes::default())),
        ];
        if tried.iter().any(Option::is_none) {
            eprintln!("skipped in part: controllers {tried:?}");
        }
    }

    #[test]
    fn without_a_controller_the_error_is_libvirts() {
        let error = Group::default().set_cpu_shares(1).unwrap_err();
        assert_eq!(error.message(), "Requested operation is not valid: cgroup CPU controller is not mounted");
        assert_eq!(keyed("usage 1\nusage_usec 7\n", "usage_usec"), Some(7));
    }
}
