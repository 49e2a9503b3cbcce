//! Changing the private /dev of a process that runs.

use std::io;
use std::os::fd::BorrowedFd;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use rustix::fs::{AtFlags, CWD, FileType, Gid, Mode, Uid};
use rustix::thread::{ThreadNameSpaceType, UnshareFlags};

use super::Process;

/// Gives a process with a private /dev a node of the host's; `owner` (user, group) in place of the host's. Does nothing
/// for a path outside /dev or a process without a /dev of its own.
///
/// # Errors
/// When the host has no such node, or the process' /dev cannot be changed.
pub fn add_node(process: &Process, path: &Path, owner: Option<(u32, u32)>) -> io::Result<()> {
    if !path.starts_with("/dev") || shares_mounts(process)? {
        return Ok(());
    }
    let path = path.canonicalize()?;
    let meta = std::fs::metadata(&path)?;
    let kind = FileType::from_raw_mode(meta.mode());
    if !matches!(kind, FileType::CharacterDevice | FileType::BlockDevice) {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    let (uid, gid) = owner.unwrap_or((meta.uid(), meta.gid()));
    let mode = Mode::from_raw_mode(meta.mode() & 0o7777);
    inside(process, move || {
        if let Some(parent) = path.parent() {
            std::fs::create_dir_all(parent)?;
        }
        match rustix::fs::mknodat(CWD, &path, kind, mode, meta.rdev()) {
            Err(rustix::io::Errno::EXIST) => {}
            other => other?,
        }
        let (uid, gid) = (Uid::from_raw(uid), Gid::from_raw(gid));
        rustix::fs::chownat(CWD, &path, Some(uid), Some(gid), AtFlags::SYMLINK_NOFOLLOW)?;
        // mknod is subject to the umask
        Ok(rustix::fs::chmodat(CWD, &path, mode, AtFlags::empty())?)
    })
}

/// Takes a node out of a process' private /dev. Does nothing where [`add_node`] does nothing.
///
/// # Errors
/// When the process' /dev cannot be changed.
pub fn remove_node(process: &Process, path: &Path) -> io::Result<()> {
    if !path.starts_with("/dev") || shares_mounts(process)? {
        return Ok(());
    }
    inside(process, || match std::fs::remove_file(path) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    })
}

/// Whether a process sees the daemon's own mounts.
fn shares_mounts(process: &Process) -> io::Result<bool> {
    let theirs = std::fs::metadata(format!("/proc/{}/ns/mnt", process.pid()))?;
    let ours = std::fs::metadata("/proc/self/ns/mnt")?;
    Ok((theirs.dev(), theirs.ino()) == (ours.dev(), ours.ino()))
}

/// Does `work` where the process' mounts are seen. A thread of its own goes there and ends.
fn inside<T: Send>(process: &Process, work: impl FnOnce() -> io::Result<T> + Send) -> io::Result<T> {
    let pidfd = process.pidfd();
    std::thread::scope(|scope| {
        let thread = scope.spawn(move || {
            leave_for(pidfd)?;
            work()
        });
        thread.join().unwrap_or_else(|_| Err(io::Error::other("the thread in the namespace panicked")))
    })
}

#[allow(unsafe_code)]
fn leave_for(pidfd: BorrowedFd<'_>) -> io::Result<()> {
    // SAFETY: only this thread's root and working directory become its own, which it must have to change its mounts;
    // the thread opens full paths only and ends right after.
    unsafe { rustix::thread::unshare_unsafe(UnshareFlags::FS)? };
    Ok(rustix::thread::move_into_thread_name_spaces(pidfd, ThreadNameSpaceType::MOUNT)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::process::{PrivateDev, Signal, Spawn, Step};

    #[tokio::test]
    async fn nodes_come_and_go_in_one_process_only() {
        let mut spawn = Spawn::new("/bin/sleep");
        spawn.arg("1000").private_dev(PrivateDev::new());
        let process = match spawn.start() {
            Err(e) if matches!(e.step, Step::Namespace | Step::Devices) => return eprintln!("skipped: {e}"),
            other => other.unwrap(),
        };
        let seen = std::path::PathBuf::from(format!("/proc/{}/root/dev/tty", process.pid()));
        assert!(!seen.exists());
        add_node(&process, Path::new("/dev/tty"), Some((7, 8))).unwrap();
        add_node(&process, Path::new("/dev/tty"), Some((7, 9))).unwrap();
        let meta = std::fs::metadata(&seen).unwrap();
        assert_eq!((meta.uid(), meta.gid()), (7, 9));
        assert_ne!(std::fs::metadata("/dev/tty").unwrap().gid(), 9);
        remove_node(&process, Path::new("/dev/tty")).unwrap();
        remove_node(&process, Path::new("/dev/tty")).unwrap();
        assert!(!seen.exists() && Path::new("/dev/tty").exists());
        assert!(add_node(&process, Path::new("/dev/no-such-node"), None).is_err());
        add_node(&process, Path::new("/tmp"), None).unwrap();
        process.kill(Signal::KILL).unwrap();
        process.exited().await;
    }
}
