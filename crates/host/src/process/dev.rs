//! A private /dev for a QEMU: only the nodes it needs.

use std::ffi::CString;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicI32, Ordering};

use rustix::fs::{AtFlags, CWD, FileType, Gid, Mode, Uid};
use rustix::io::Errno;
use rustix::mount::{MountFlags, MountPropagationFlags, MoveMountFlags, OpenTreeFlags};

/// Which parts of the host's /dev a process sees.
#[derive(Clone, Debug, Default)]
pub struct PrivateDev {
    nodes: Vec<(PathBuf, Option<(u32, u32)>)>,
    mounts: Vec<PathBuf>,
}

/// What every QEMU needs.
const NODES: [&str; 8] = [
    "/dev/null",
    "/dev/full",
    "/dev/zero",
    "/dev/random",
    "/dev/urandom",
    "/dev/ptmx",
    "/dev/kvm",
    "/dev/userfaultfd",
];

impl PrivateDev {
    /// A /dev with what every QEMU needs (libvirt's default `cgroup_device_acl`) and the file systems below /dev.
    pub fn new() -> PrivateDev {
        PrivateDev::with(&NODES)
    }

    /// A /dev with nodes of the host's choice and the file systems below /dev.
    pub fn with(nodes: &[impl AsRef<Path>]) -> PrivateDev {
        let mut dev = PrivateDev::default();
        for node in nodes {
            dev.nodes.push((node.as_ref().to_owned(), None));
        }
        let mounts = std::fs::read_to_string("/proc/self/mounts").unwrap_or_default();
        dev.mounts = mounts_below_dev(&mounts);
        dev
    }

    /// Whether every QEMU has this node.
    pub fn is_usual(path: &Path) -> bool {
        NODES.iter().any(|node| path == Path::new(node))
    }

    /// Adds a node of the host's, if it is below /dev; `owner` (user, group) in place of the host's.
    pub fn node(&mut self, path: impl Into<PathBuf>, owner: Option<(u32, u32)>) -> &mut PrivateDev {
        let path = path.into();
        self.nodes.retain(|(known, _)| *known != path);
        self.nodes.push((path, owner));
        self
    }

    /// Looks at the host and writes down what the child has to do.
    pub(super) fn plan(&self) -> io::Result<DevPlan> {
        let mut plan = DevPlan::default();
        let mut made: Vec<PathBuf> = vec![PathBuf::from("/dev")];
        for mount in &self.mounts {
            plan.directories(mount, true, &mut made)?;
            plan.mounts.push((c_string(mount)?, AtomicI32::new(-1)));
        }
        let mut queue: Vec<(PathBuf, Option<(u32, u32)>)> = self.nodes.clone();
        let mut links = 0;
        while let Some((path, owner)) = queue.pop() {
            let below = path.starts_with("/dev") && !self.mounts.iter().any(|m| path.starts_with(m));
            let Ok(meta) = std::fs::symlink_metadata(&path) else { continue };
            if !below || made.contains(&path) {
                continue;
            }
            plan.directories(&path, false, &mut made)?;
            made.push(path.clone());
            let kind = FileType::from_raw_mode(meta.mode());
            if kind == FileType::Symlink {
                let target = std::fs::read_link(&path)?;
                links += 1;
                // loops of links end here
                if links <= 64 {
                    queue.push((path.parent().unwrap_or(Path::new("/dev")).join(&target), owner));
                }
                plan.links.push((c_string(&path)?, c_string(&target)?));
            } else if matches!(kind, FileType::CharacterDevice | FileType::BlockDevice) {
                let (uid, gid) = owner.unwrap_or((meta.uid(), meta.gid()));
                plan.nodes.push(Node {
                    path: c_string(&path)?,
                    kind,
                    mode: Mode::from_raw_mode(meta.mode() & 0o7777),
                    device: meta.rdev(),
                    uid: Uid::from_raw(uid),
                    gid: Gid::from_raw(gid),
                });
            }
        }
        Ok(plan)
    }
}

#[derive(Debug)]
struct Node {
    path: CString,
    kind: FileType,
    mode: Mode,
    device: u64,
    uid: Uid,
    gid: Gid,
}

/// The child's work, allocated beforehand; see the rules of [`super::child`].
#[derive(Debug, Default)]
pub(super) struct DevPlan {
    /// File systems to carry over, with the child's handle on each.
    mounts: Vec<(CString, AtomicI32)>,
    directories: Vec<CString>,
    nodes: Vec<Node>,
    links: Vec<(CString, CString)>,
}

impl DevPlan {
    /// Adds the directories above `path`, and itself if asked, that are not there yet.
    fn directories(&mut self, path: &Path, itself: bool, made: &mut Vec<PathBuf>) -> io::Result<()> {
        let mut above: Vec<&Path> = path.ancestors().skip(usize::from(!itself)).collect();
        above.reverse();
        for directory in above {
            if directory.starts_with("/dev") && !made.iter().any(|m| m == directory) {
                self.directories.push(c_string(directory)?);
                made.push(directory.to_owned());
            }
        }
        Ok(())
    }

    /// Covers /dev, after [`leave_mounts`].
    pub(super) fn cover(&self) -> Result<(), Errno> {
        for (path, handle) in &self.mounts {
            // with what is mounted on them: a lent file, for one
            let flags = OpenTreeFlags::OPEN_TREE_CLONE
                | OpenTreeFlags::OPEN_TREE_CLOEXEC
                | OpenTreeFlags::AT_RECURSIVE;
            let tree = rustix::mount::open_tree(CWD, path.as_c_str(), flags)?;
            handle.store(std::os::fd::IntoRawFd::into_raw_fd(tree), Ordering::Relaxed);
        }
        let flags = MountFlags::NOSUID;
        rustix::mount::mount(c"devfs", c"/dev", c"tmpfs", flags, Some(c"mode=755,size=65536"))
    }

    /// Fills the new /dev.
    #[allow(unsafe_code)]
    pub(super) fn populate(&self) -> Result<(), Errno> {
        for directory in &self.directories {
            rustix::fs::mkdirat(CWD, directory.as_c_str(), Mode::from_raw_mode(0o755))?;
        }
        for (path, handle) in &self.mounts {
            // SAFETY: `cover` put a descriptor of the child's there, which nothing else owns.
            let tree: OwnedFd =
                unsafe { std::os::fd::FromRawFd::from_raw_fd(handle.load(Ordering::Relaxed)) };
            let flags = MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH;
            rustix::mount::move_mount(&tree, c"", CWD, path.as_c_str(), flags)?;
        }
        for node in &self.nodes {
            let path = node.path.as_c_str();
            rustix::fs::mknodat(CWD, path, node.kind, node.mode, node.device)?;
            rustix::fs::chownat(CWD, path, Some(node.uid), Some(node.gid), AtFlags::SYMLINK_NOFOLLOW)?;
            // mknod is subject to the umask
            rustix::fs::chmodat(CWD, path, node.mode, AtFlags::empty())?;
        }
        for (path, target) in &self.links {
            rustix::fs::symlinkat(target.as_c_str(), CWD, path.as_c_str())?;
        }
        Ok(())
    }
}

/// Gives the child mounts of its own, into which the host's changes still come.
#[allow(unsafe_code)]
pub(super) fn leave_mounts() -> Result<(), Errno> {
    // SAFETY: only the mount namespace is unshared; the child has its own file-system state already.
    unsafe { rustix::thread::unshare_unsafe(rustix::thread::UnshareFlags::NEWNS)? };
    rustix::mount::mount_change(c"/", MountPropagationFlags::DOWNSTREAM | MountPropagationFlags::REC)
}

/// Mount points below /dev that are not below another one, from the text of a `mounts` file.
fn mounts_below_dev(text: &str) -> Vec<PathBuf> {
    let mut points: Vec<PathBuf> = text
        .lines()
        .filter_map(|line| line.split(' ').nth(1))
        .map(|point| PathBuf::from(point.replace("\\040", " ")))
        .filter(|point| point.starts_with("/dev") && point != Path::new("/dev"))
        // a node can be a mount point too; it comes in as a node
        .filter(|point| point.is_dir())
        .collect();
    points.sort();
    points.dedup();
    let all = points.clone();
    points.retain(|point| !all.iter().any(|other| other != point && point.starts_with(other)));
    points
}

fn c_string(path: &Path) -> io::Result<CString> {
    CString::new(path.as_os_str().as_bytes()).map_err(|_| io::ErrorKind::InvalidInput.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_uppermost_mounts_count() {
        let text =
            "devtmpfs /dev devtmpfs rw 0 0\ndevpts /dev/pts devpts rw 0 0\nx /dev/pts/deeper tmpfs rw 0 0\n";
        let found = mounts_below_dev(text);
        assert!(found.iter().all(|p| p == Path::new("/dev/pts")), "{found:?}");
    }

    #[test]
    fn nodes_outside_dev_and_missing_ones_are_left_out() {
        let mut dev = PrivateDev::default();
        dev.node("/etc/passwd", None).node("/dev/no-such-node", None).node("/dev/null", Some((1, 2)));
        let plan = dev.plan().unwrap();
        assert_eq!(plan.nodes.len(), 1);
        assert_eq!(plan.nodes[0].uid, Uid::from_raw(1));
        assert!(plan.directories.is_empty());
    }
}
