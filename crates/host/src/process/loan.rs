//! Lending files: a process sees a file of somebody else's at its own path, as if its user owned it.
//!
//! The file itself stays as it is. What the process gets is an id-mapped mount of the file over itself, in a mount
//! namespace of its own (mount_setattr(2), Linux 5.12). Not every file system can do that; who lends has to have
//! another way.

use std::collections::HashMap;
use std::ffi::CString;
use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use rustix::fs::CWD;
use rustix::mount::OpenTreeFlags;

use super::Credentials;

/// Lends files. It keeps a user namespace for each pair of owner and borrower, which is what the kernel takes a
/// mapping from.
#[derive(Debug, Default)]
pub struct Lender {
    maps: Mutex<HashMap<Mapping, Arc<OwnedFd>>>,
}

/// The owner (user, group) on disk, and who is to be it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Mapping {
    owner: (u32, u32),
    borrower: (u32, u32),
}

/// A file that is lent: a mount that is nowhere yet. [`Spawn::loan`](super::Spawn::loan) puts it in its place.
#[derive(Debug)]
pub struct Loan {
    pub(super) mount: OwnedFd,
    pub(super) path: CString,
}

impl Lender {
    /// Lends the file at `path`, with what its mode gives the owner.
    ///
    /// # Errors
    /// When the kernel or the file system cannot, or the daemon may not.
    pub fn lend(&self, path: &Path, borrower: &Credentials) -> io::Result<Loan> {
        let path = path.canonicalize()?;
        let meta = std::fs::metadata(&path)?;
        let mapping = Mapping { owner: (meta.uid(), meta.gid()), borrower: (borrower.uid, borrower.gid) };
        let name = CString::new(path.as_os_str().as_bytes()).map_err(|_| io::ErrorKind::InvalidInput)?;
        let flags = OpenTreeFlags::OPEN_TREE_CLONE | OpenTreeFlags::OPEN_TREE_CLOEXEC;
        let mount = rustix::mount::open_tree(CWD, &name, flags)?;
        map_ids(&mount, &*self.map(mapping)?)?;
        Ok(Loan { mount, path: name })
    }

    fn map(&self, mapping: Mapping) -> io::Result<Arc<OwnedFd>> {
        // nothing that holds it panics half-way through a change
        let mut maps = self.maps.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(found) = maps.get(&mapping) {
            return Ok(Arc::clone(found));
        }
        let made = Arc::new(user_namespace(mapping)?);
        maps.insert(mapping, Arc::clone(&made));
        Ok(made)
    }
}

#[allow(unsafe_code)]
fn map_ids(mount: &OwnedFd, namespace: &OwnedFd) -> io::Result<()> {
    let attributes = libc::mount_attr {
        attr_set: libc::MOUNT_ATTR_IDMAP,
        attr_clr: 0,
        propagation: 0,
        userns_fd: u64::try_from(namespace.as_raw_fd()).map_err(|_| io::ErrorKind::InvalidInput)?,
    };
    // SAFETY: the path is an empty string, the attributes live through the call, and their size is theirs.
    let result = unsafe {
        libc::syscall(
            libc::SYS_mount_setattr,
            mount.as_raw_fd(),
            c"".as_ptr(),
            libc::AT_EMPTY_PATH,
            &raw const attributes,
            size_of::<libc::mount_attr>(),
        )
    };
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// A user namespace in which the owner's numbers are the borrower's. A namespace begins with a process: one that
/// waits in it until it is known.
#[allow(unsafe_code)]
fn user_namespace(mapping: Mapping) -> io::Result<OwnedFd> {
    let mut pidfd: libc::c_int = -1;
    let flags = libc::CLONE_NEWUSER | libc::CLONE_PIDFD | libc::SIGCHLD;
    // SAFETY: without a stack the child goes on with a copy of this thread's memory, as after fork(2). It makes system
    // calls only, touching nothing that another thread of the daemon could have left half-changed.
    let pid = unsafe {
        libc::syscall(
            libc::SYS_clone,
            i64::from(flags),
            std::ptr::null::<libc::c_void>(),
            &raw mut pidfd,
            std::ptr::null::<libc::c_void>(),
            std::ptr::null::<libc::c_void>(),
        )
    };
    if pid == 0 {
        loop {
            // SAFETY: waits for the signal that ends this child, also when the daemon ends.
            unsafe {
                libc::syscall(libc::SYS_prctl, libc::PR_SET_PDEATHSIG, libc::SIGKILL, 0, 0, 0);
                libc::syscall(libc::SYS_rt_sigsuspend, [0_u64; 1].as_ptr(), 8);
            }
        }
    }
    if pid < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: CLONE_PIDFD stored a new descriptor that nothing else owns.
    let pidfd = unsafe { OwnedFd::from_raw_fd(pidfd) };
    let namespace = describe(pid, mapping);
    let _ = rustix::process::pidfd_send_signal(&pidfd, rustix::process::Signal::KILL);
    let _ = rustix::process::waitid(
        rustix::process::WaitId::PidFd(std::os::fd::AsFd::as_fd(&pidfd)),
        rustix::process::WaitIdOptions::EXITED,
    );
    namespace
}

fn describe(pid: libc::c_long, mapping: Mapping) -> io::Result<OwnedFd> {
    let line = |owner: u32, borrower: u32| format!("{owner} {borrower} 1\n");
    std::fs::write(format!("/proc/{pid}/uid_map"), line(mapping.owner.0, mapping.borrower.0))?;
    std::fs::write(format!("/proc/{pid}/gid_map"), line(mapping.owner.1, mapping.borrower.1))?;
    Ok(std::fs::File::open(format!("/proc/{pid}/ns/user"))?.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::process::{Exit, Spawn};

    #[tokio::test]
    async fn a_lent_file_is_the_borrowers_in_one_process_only() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::set_permissions(dir.path(), std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
        let file = dir.path().join("image");
        std::fs::write(&file, "before").unwrap();
        std::fs::set_permissions(&file, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
        let user = Credentials { uid: 12345, gid: 12346, groups: Vec::new() };
        let lender = Lender::default();
        let loan = match lender.lend(&file, &user) {
            // needs root, a kernel with such mounts, and a file system that takes part
            Err(e) => return eprintln!("skipped: {e}"),
            Ok(loan) => loan,
        };
        let script = |name: &Path| format!("printf after > {}", name.display());
        let run = |loan: Option<Loan>| {
            let mut spawn = Spawn::new("/bin/sh");
            spawn.arg("-c").arg(script(&file)).credentials(user.clone()).clear_capabilities();
            loan.into_iter().for_each(|loan| {
                spawn.loan(loan);
            });
            spawn.start().unwrap()
        };
        assert_eq!(run(None).exited().await, Exit::Code(2));
        assert_eq!(run(Some(loan)).exited().await, Exit::Code(0));
        assert_eq!(std::fs::read_to_string(&file).unwrap(), "after");
        let meta = std::fs::metadata(&file).unwrap();
        assert_eq!((meta.uid(), meta.mode() & 0o777), (0, 0o600));
        lender.lend(&file, &user).unwrap();
        assert_eq!(lender.maps.lock().unwrap().len(), 1);
    }
}
