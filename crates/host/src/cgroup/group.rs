//! A guest's group in every hierarchy the host has.

use std::io;
use std::path::{Path, PathBuf};

use super::{Cgroups, Controller, group_path};
use crate::process::Signal;

/// One directory of a group.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Directory {
    path: PathBuf,
    /// What it controls.
    controllers: Vec<Controller>,
    unified: bool,
}

/// A guest's group. Making one does nothing yet; [`Group::create`] makes what it can.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Group {
    directories: Vec<Directory>,
}

impl Group {
    /// Makes the group of `machine` (see [`super::machine_name`]) in `partition` (`/machine` unless configured) where
    /// the host lets it; errors are logged and leave a hierarchy out.
    pub fn create(cgroups: &Cgroups, partition: &str, machine: &str, driver: &str) -> Group {
        let below = group_path(partition, machine, driver);
        let mut group = Group::default();
        for (mount, controllers) in hierarchies(cgroups) {
            let unified = controllers.is_empty();
            let path = mount.join(&below);
            // what an earlier guest of this name was allowed and forbidden is not for this one; if it still runs,
            // its group stays
            if processes(&path).is_empty() {
                let _ = remove_tree(&path);
            }
            match make(&mount, &path, unified, controllers.contains(&Controller::Cpuset)) {
                Ok(()) => group.directories.push(Directory::new(path, controllers)),
                Err(e) => {
                    tracing::debug!(target: "virtus_host", path = %path.display(), "no control group: {e}");
                }
            }
        }
        group
    }

    /// The group of `machine` as far as it is there, whoever made it.
    pub fn find(cgroups: &Cgroups, partition: &str, machine: &str, driver: &str) -> Group {
        let below = group_path(partition, machine, driver);
        let all =
            hierarchies(cgroups).into_iter().map(|(mount, controllers)| (mount.join(&below), controllers));
        let there = all.filter(|(path, _)| path.is_dir());
        Group { directories: there.map(|(path, controllers)| Directory::new(path, controllers)).collect() }
    }

    /// The group a process is in, if it is one that [`Group::create`] or libvirt makes for `driver`.
    pub fn of_process(cgroups: &Cgroups, pid: i32, driver: &str) -> Group {
        let text = std::fs::read_to_string(format!("/proc/{pid}/cgroup")).unwrap_or_default();
        let suffix = format!(".libvirt-{driver}");
        let mut group = Group::default();
        for (mount, controllers) in hierarchies(cgroups) {
            let line = text.lines().find_map(|line| {
                let (_, rest) = line.split_once(':')?;
                let (names, path) = rest.split_once(':')?;
                let here = match controllers.first() {
                    None => names.is_empty(),
                    Some(first) => names.split(',').any(|n| n == first.name()),
                };
                here.then_some(path)
            });
            // threads are in groups below the guest's
            let own = line.map(Path::new).into_iter().flat_map(Path::ancestors).find(|path| {
                let name = path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
                name.ends_with(&suffix) || (name.starts_with("machine-") && name.ends_with(".scope"))
            });
            if let Some(path) = own.and_then(|p| p.strip_prefix("/").ok()).map(|p| mount.join(p))
                && path.is_dir()
            {
                group.directories.push(Directory::new(path, controllers));
            }
        }
        group
    }

    /// Whether the guest has no group anywhere.
    pub fn is_empty(&self) -> bool {
        self.directories.is_empty()
    }

    /// The files to give to [`crate::process::Spawn::cgroup`].
    pub fn procs_files(&self) -> impl Iterator<Item = PathBuf> + '_ {
        self.directories.iter().map(|directory| directory.path.join("cgroup.procs"))
    }

    /// Puts a thread of the guest into a group of its own below (`vcpu0`, `emulator`, `iothread1`), where CPUs can be
    /// controlled by thread.
    ///
    /// # Errors
    /// When a hierarchy that has the guest's group refuses.
    pub fn add_thread(&self, name: &str, thread: i32) -> io::Result<()> {
        for directory in self.directories.iter().filter(|d| d.by_thread()) {
            let path = directory.path.join(name);
            match std::fs::create_dir(&path) {
                Err(e) if e.kind() != io::ErrorKind::AlreadyExists => return Err(e),
                _ => {}
            }
            let file = if directory.unified {
                if std::fs::read_to_string(path.join("cgroup.type"))?.trim() != "threaded" {
                    std::fs::write(path.join("cgroup.type"), "threaded")?;
                    enable(&directory.path, &["cpu", "cpuset"]);
                }
                "cgroup.threads"
            } else {
                inherit_cpuset(&path);
                "tasks"
            };
            std::fs::write(path.join(file), thread.to_string())?;
        }
        Ok(())
    }

    /// The group of one thread, made by [`Group::add_thread`].
    #[must_use]
    pub fn thread(&self, name: &str) -> Group {
        let below = self.directories.iter().filter(|d| d.by_thread()).map(|d| Directory {
            path: d.path.join(name),
            controllers: d.controllers.clone(),
            unified: d.unified,
        });
        Group { directories: below.filter(|d| d.path.is_dir()).collect() }
    }

    /// Kills everything in the group. Tells whether anything was there.
    pub fn kill(&self) -> bool {
        let mut any = false;
        for directory in &self.directories {
            let pids = processes(&directory.path);
            any |= !pids.is_empty();
            // Linux 5.14 kills a whole group at once
            if directory.unified && std::fs::write(directory.path.join("cgroup.kill"), "1").is_ok() {
                continue;
            }
            for pid in pids.into_iter().filter_map(rustix::process::Pid::from_raw) {
                // it may have ended on its own
                let _ = rustix::process::kill_process(pid, Signal::KILL);
            }
        }
        any
    }

    /// Removes the group and those of its threads. The processes must have ended.
    ///
    /// # Errors
    /// With the last refusal; the rest is removed all the same.
    pub fn remove(&self) -> io::Result<()> {
        let mut result = Ok(());
        for directory in &self.directories {
            if let Err(e) = remove_tree(&directory.path)
                && e.kind() != io::ErrorKind::NotFound
            {
                result = Err(e);
            }
        }
        result
    }

    /// Whether the group is under a controller.
    pub fn has(&self, controller: Controller) -> bool {
        self.directory(controller).is_some()
    }

    /// The directory for a controller, and whether it is of version 2. Version 1 goes first where both have it, as
    /// the kernel lets a controller live in one only.
    pub(super) fn directory(&self, controller: Controller) -> Option<(&Path, bool)> {
        let mut all = self.directories.iter();
        all.find(|d| d.controllers.contains(&controller)).map(|d| (d.path.as_path(), d.unified))
    }

    /// The directory of version 2, where it has what the controller is for.
    pub(super) fn unified(&self, controller: Controller) -> Option<&Path> {
        let mut all = self.directories.iter();
        all.find(|d| d.unified && d.controllers.contains(&controller)).map(|d| d.path.as_path())
    }
}

impl Directory {
    /// `controllers` are version 1's; none means the unified hierarchy, which says itself what it has.
    fn new(path: PathBuf, controllers: Vec<Controller>) -> Directory {
        if !controllers.is_empty() {
            return Directory { path, controllers, unified: false };
        }
        let has = std::fs::read_to_string(path.join("cgroup.controllers")).unwrap_or_default();
        let counts_cpu = path.join("cpu.stat").exists();
        let controllers = Controller::ALL.into_iter().filter(|controller| match controller.name_v2() {
            Some(name) => has.split_ascii_whitespace().any(|h| h == name),
            None => match controller {
                Controller::Cpuacct => counts_cpu,
                _ => path.join("cgroup.freeze").exists(),
            },
        });
        Directory { controllers: controllers.collect(), path, unified: true }
    }

    fn by_thread(&self) -> bool {
        [Controller::Cpu, Controller::Cpuset].iter().any(|c| self.controllers.contains(c))
    }
}

/// Every mount once, with version 1's controllers of it; none for version 2, which comes last.
fn hierarchies(cgroups: &Cgroups) -> Vec<(PathBuf, Vec<Controller>)> {
    let mut all: Vec<(PathBuf, Vec<Controller>)> = Vec::new();
    for (controller, mount) in &cgroups.v1 {
        match all.iter_mut().find(|(known, _)| known == mount) {
            Some((_, controllers)) => controllers.push(*controller),
            None => all.push((mount.clone(), vec![*controller])),
        }
    }
    all.extend(cgroups.v2.iter().map(|mount| (mount.clone(), Vec::new())));
    all
}

/// Makes all directories from the mount down to `path`.
fn make(mount: &Path, path: &Path, unified: bool, cpuset: bool) -> io::Result<()> {
    let mut above: Vec<&Path> = path.ancestors().take_while(|a| *a != mount).collect();
    above.reverse();
    let mut parent = mount;
    for directory in above {
        if unified {
            enable(parent, &["cpu", "cpuset", "memory", "io"]);
        }
        match std::fs::create_dir(directory) {
            Err(e) if e.kind() != io::ErrorKind::AlreadyExists => return Err(e),
            _ => {}
        }
        if cpuset {
            inherit_cpuset(directory);
        }
        parent = directory;
    }
    Ok(())
}

/// Turns controllers on for the groups below; each alone, since one the host lacks must not stop the others.
fn enable(directory: &Path, controllers: &[&str]) {
    let has = std::fs::read_to_string(directory.join("cgroup.controllers")).unwrap_or_default();
    let on = std::fs::read_to_string(directory.join("cgroup.subtree_control")).unwrap_or_default();
    let listed = |list: &str, name: &str| list.split_ascii_whitespace().any(|c| c == name);
    for name in controllers.iter().filter(|name| listed(&has, name) && !listed(&on, name)) {
        let _ = std::fs::write(directory.join("cgroup.subtree_control"), format!("+{name}"));
    }
}

/// A new group of version 1 has no CPUs and no memory, and takes no process before it does.
fn inherit_cpuset(directory: &Path) {
    for file in ["cpuset.cpus", "cpuset.mems"] {
        let read = |path: PathBuf| std::fs::read_to_string(path).unwrap_or_default();
        if read(directory.join(file)).trim().is_empty()
            && let Some(parent) = directory.parent()
        {
            let _ = std::fs::write(directory.join(file), read(parent.join(file)).trim());
        }
    }
}

fn processes(directory: &Path) -> Vec<i32> {
    let mut found: Vec<i32> = Vec::new();
    let mut queue = vec![directory.to_owned()];
    while let Some(next) = queue.pop() {
        let text = std::fs::read_to_string(next.join("cgroup.procs")).unwrap_or_default();
        found.extend(text.lines().filter_map(|line| line.parse::<i32>().ok()).filter(|pid| *pid > 0));
        queue.extend(subdirectories(&next));
    }
    found
}

fn subdirectories(directory: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(directory).into_iter().flatten().flatten();
    entries.filter(|e| e.file_type().is_ok_and(|t| t.is_dir())).map(|e| e.path()).collect()
}

fn remove_tree(directory: &Path) -> io::Result<()> {
    for below in subdirectories(directory) {
        remove_tree(&below)?;
    }
    std::fs::remove_dir(directory)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::process::{Exit, Spawn};

    #[tokio::test]
    async fn a_process_joins_is_found_killed_and_leaves_nothing() {
        let cgroups = Cgroups::detect();
        let machine = super::super::machine_name("qemu", 1, &format!("virtus-test-{}", std::process::id()));
        let group = Group::create(&cgroups, "/machine", &machine, "qemu");
        if group.is_empty() {
            return eprintln!("skipped: no control groups may be made here");
        }
        let mut spawn = Spawn::new("/bin/sleep");
        spawn.arg("1000");
        group.procs_files().for_each(|file| {
            spawn.cgroup(file);
        });
        let process = spawn.start().unwrap();
        assert_eq!(Group::of_process(&cgroups, process.pid(), "qemu"), group);
        assert_eq!(Group::find(&cgroups, "/machine", &machine, "qemu"), group);
        if group.directories.iter().any(Directory::by_thread) {
            group.add_thread("emulator", process.pid()).unwrap();
            group.add_thread("emulator", process.pid()).unwrap();
            assert_eq!(Group::of_process(&cgroups, process.pid(), "qemu"), group);
            assert!(!group.thread("emulator").is_empty());
        }
        assert!(group.thread("vcpu9").is_empty());
        assert_eq!(Group::create(&cgroups, "/machine", &machine, "qemu"), group, "a group in use stays");
        assert!(processes(&group.directories[0].path).contains(&process.pid()));
        assert!(group.kill());
        assert_eq!(process.exited().await, Exit::Signal(libc::SIGKILL));
        let left = group.directories[0].path.join("left");
        std::fs::create_dir(&left).unwrap();
        assert_eq!(Group::create(&cgroups, "/machine", &machine, "qemu"), group);
        assert!(!left.exists(), "what an ended guest left is not taken over");
        group.remove().unwrap();
        assert!(group.remove().is_ok());
        assert!(Group::find(&cgroups, "/machine", &machine, "qemu").is_empty());
        assert!(Group::of_process(&cgroups, std::process::id() as i32, "qemu").is_empty());
    }

    #[test]
    fn a_host_without_groups_makes_none() {
        let group = Group::create(&Cgroups::default(), "/machine", "m", "qemu");
        assert!(group.is_empty() && !group.kill());
        assert_eq!(group.procs_files().count(), 0);
        assert!(group.add_thread("vcpu0", 1).is_ok());
    }
}
