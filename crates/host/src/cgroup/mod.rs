//! Control groups, where the host has them: version 1, version 2, both at once, or none.
//!
//! A guest starts without them too: what cannot be made is left out, and [`Group`] says what is there.

mod blkio;
mod group;
mod tune;

use std::path::{Path, PathBuf};

pub use blkio::DeviceLimit;
pub use group::Group;
pub use tune::{BandwidthLimit, CpuTimes, MemoryLimit, MemoryLimits};

/// What a group can count or limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[allow(missing_docs)]
pub enum Controller {
    Cpu,
    Cpuacct,
    Cpuset,
    Memory,
    Blkio,
    Freezer,
}

impl Controller {
    /// All controllers.
    pub const ALL: [Controller; 6] = [
        Controller::Cpu,
        Controller::Cpuacct,
        Controller::Cpuset,
        Controller::Memory,
        Controller::Blkio,
        Controller::Freezer,
    ];

    /// Its name in version 1.
    pub fn name(self) -> &'static str {
        match self {
            Controller::Cpu => "cpu",
            Controller::Cpuacct => "cpuacct",
            Controller::Cpuset => "cpuset",
            Controller::Memory => "memory",
            Controller::Blkio => "blkio",
            Controller::Freezer => "freezer",
        }
    }

    /// Its name in version 2, where counting CPU time and freezing need none.
    fn name_v2(self) -> Option<&'static str> {
        match self {
            Controller::Cpu => Some("cpu"),
            Controller::Cpuset => Some("cpuset"),
            Controller::Memory => Some("memory"),
            Controller::Blkio => Some("io"),
            Controller::Cpuacct | Controller::Freezer => None,
        }
    }
}

/// Where the host's control groups are mounted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cgroups {
    v1: Vec<(Controller, PathBuf)>,
    v2: Option<PathBuf>,
}

impl Cgroups {
    /// Those of this host.
    pub fn detect() -> Cgroups {
        Cgroups::from_mounts(&std::fs::read_to_string("/proc/self/mounts").unwrap_or_default())
    }

    fn from_mounts(text: &str) -> Cgroups {
        let mut found = Cgroups::default();
        for line in text.lines() {
            let mut fields = line.split(' ');
            let (Some(_), Some(point), Some(kind), Some(options)) =
                (fields.next(), fields.next(), fields.next(), fields.next())
            else {
                continue;
            };
            match kind {
                "cgroup2" if found.v2.is_none() => found.v2 = Some(PathBuf::from(point)),
                "cgroup" => {
                    for controller in Controller::ALL {
                        let here = options.split(',').any(|o| o == controller.name());
                        if here && found.mount(controller).is_none() {
                            found.v1.push((controller, PathBuf::from(point)));
                        }
                    }
                }
                _ => {}
            }
        }
        found
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.v1.is_empty() && self.v2.is_none()
    }

    fn mount(&self, controller: Controller) -> Option<&Path> {
        self.v1.iter().find(|(c, _)| *c == controller).map(|(_, path)| path.as_path())
    }
}

/// The name libvirt gives a guest on this host: `qemu-<id>-<name>`, of the name only letters, digits, `-` and `.`, and
/// no more than 64 characters. It names the guest's group and its machine to systemd.
pub fn machine_name(driver: &str, id: u32, name: &str) -> String {
    let mut text = format!("{driver}-{id}-");
    for c in name.chars() {
        if text.len() >= 64 {
            break;
        }
        let separator = matches!(c, '-' | '.');
        // no two separators may meet, nor may one stand last
        if separator && text.ends_with(['-', '.']) {
            continue;
        }
        if separator || c.is_ascii_alphanumeric() {
            text.push(c);
        }
    }
    let kept = text.trim_end_matches(['-', '.']).len();
    text.truncate(kept);
    text
}

/// The directory of a guest's group below a mount: its partition and its name.
fn group_path(partition: &str, machine: &str, driver: &str) -> PathBuf {
    let mut path = PathBuf::new();
    let parts: Vec<&str> = partition.split('/').filter(|part| !part.is_empty()).collect();
    for (depth, part) in parts.iter().enumerate() {
        // the three partitions of systemd's tree keep their names
        let standard = depth == 0 && matches!(*part, "machine" | "user" | "system");
        let name = if standard || part.ends_with(".slice") || part.ends_with(".partition") {
            (*part).to_owned()
        } else {
            format!("{part}.partition")
        };
        path.push(escaped(&name));
    }
    path.push(escaped(&format!("{machine}.libvirt-{driver}")));
    path
}

/// Names the kernel keeps for itself get a `_` before them.
fn escaped(name: &str) -> String {
    let controller = name.split_once('.').is_some_and(|(first, _)| {
        ["cgroup", "devices", "pids", "io", "net_cls", "perf_event"].contains(&first)
            || Controller::ALL.iter().any(|c| c.name() == first)
    });
    let special =
        name.starts_with(['_', '.']) || matches!(name, "notify_on_release" | "release_agent" | "tasks");
    if controller || special { format!("_{name}") } else { name.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hybrid_mounts_are_told_apart() {
        let text = "tmpfs /sys/fs/cgroup tmpfs rw 0 0\n\
                    cgroup /sys/fs/cgroup/cpu,cpuacct cgroup rw,relatime,cpu,cpuacct 0 0\n\
                    cgroup /sys/fs/cgroup/systemd cgroup rw,name=systemd 0 0\n\
                    cgroup2 /sys/fs/cgroup/unified cgroup2 rw 0 0\n";
        let found = Cgroups::from_mounts(text);
        assert_eq!(found.mount(Controller::Cpuacct), Some(Path::new("/sys/fs/cgroup/cpu,cpuacct")));
        assert_eq!(found.mount(Controller::Memory), None);
        assert_eq!(found.v2.as_deref(), Some(Path::new("/sys/fs/cgroup/unified")));
        assert!(Cgroups::from_mounts("proc /proc proc rw 0 0").is_empty());
    }

    #[test]
    fn names_are_libvirts() {
        assert_eq!(machine_name("qemu", 1, "cg test"), "qemu-1-cgtest");
        assert_eq!(machine_name("qemu", 12, "a--b_ü.c."), "qemu-12-a-b.c");
        assert_eq!(machine_name("qemu", 1, &"x".repeat(99)).len(), 64);
        assert_eq!(
            group_path("/machine", "qemu-1-cgtest", "qemu"),
            Path::new("machine/qemu-1-cgtest.libvirt-qemu")
        );
        assert_eq!(
            group_path("/virtualmachines/production", "m", "qemu"),
            Path::new("virtualmachines.partition/production.partition/m.libvirt-qemu")
        );
        assert_eq!(escaped("cpu.x"), "_cpu.x");
        assert_eq!(escaped("_x"), "__x");
        assert_eq!(escaped("x"), "x");
    }
}
