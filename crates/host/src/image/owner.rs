//! Whose a file is while a guest uses it by path, and whose it was before.
//!
//! The former owner stands in extended attributes with the names and values libvirt gives them, so that either
//! daemon gives back what the other took. Where the file system has no attributes, the caller keeps the
//! [`Ownership`] it got.

use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use rustix::fs::{AtFlags, Gid, Mode, OFlags, Uid, XattrFlags};
use rustix::io::Errno;

const OWNER: &str = "trusted.libvirt.security.dac";
const USERS: &str = "trusted.libvirt.security.ref_dac";
const BOOT: &str = "trusted.libvirt.security.timestamp_dac";

/// Whose a file was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ownership {
    /// Its user.
    pub uid: u32,
    /// Its group.
    pub gid: u32,
    /// Whether the file itself remembers this.
    pub remembered: bool,
}

/// Gives the file at `path` to a user and group and remembers whose it was. Each call needs one [`restore`]; the
/// owner comes back with the last.
///
/// # Errors
/// When the file cannot be looked at or given away.
pub fn chown_remember(path: &Path, uid: u32, gid: u32) -> io::Result<Ownership> {
    let file = Attributes::open(path)?;
    let meta = std::fs::metadata(&file.path)?;
    let (users, mut before) = match file.remembered() {
        Some((users, owner)) => (users, owner),
        None => (0, (meta.uid(), meta.gid())),
    };
    let remembered = file.remember(users.saturating_add(1), before);
    if !remembered && users == 0 {
        before = (meta.uid(), meta.gid());
    }
    if (meta.uid(), meta.gid()) != (uid, gid)
        && let Err(e) = file.chown(uid, gid)
    {
        if remembered {
            file.forget(users, before);
        }
        return Err(e.into());
    }
    Ok(Ownership { uid: before.0, gid: before.1, remembered })
}

/// Takes back one [`chown_remember`]. When it was the last, the file goes to whom it says it belonged, or to
/// `otherwise` (user, group) when it says nothing; without either it stays as it is. Tells whether it was given back.
///
/// # Errors
/// When the file cannot be looked at or given back.
pub fn restore(path: &Path, otherwise: Option<(u32, u32)>) -> io::Result<bool> {
    let file = Attributes::open(path)?;
    let owner = match file.remembered() {
        Some((users, owner)) => {
            file.forget(users.saturating_sub(1), owner);
            if users > 1 {
                return Ok(false);
            }
            Some(owner)
        }
        None => otherwise,
    };
    match owner {
        Some((uid, gid)) => file.chown(uid, gid).map(|()| true).map_err(io::Error::from),
        None => Ok(false),
    }
}

/// A file held so that its name cannot come to mean another one meanwhile.
struct Attributes {
    handle: OwnedFd,
    /// The handle's name: attributes cannot be set through a descriptor that only names a file.
    path: String,
}

impl Attributes {
    fn open(path: &Path) -> io::Result<Attributes> {
        let handle = rustix::fs::open(path, OFlags::PATH | OFlags::CLOEXEC, Mode::empty())?;
        let path = format!("/proc/self/fd/{}", std::os::fd::AsRawFd::as_raw_fd(&handle));
        Ok(Attributes { handle, path })
    }

    fn chown(&self, uid: u32, gid: u32) -> Result<(), Errno> {
        let (uid, gid) = (Uid::from_raw(uid), Gid::from_raw(gid));
        rustix::fs::chownat(&self.handle, "", Some(uid), Some(gid), AtFlags::EMPTY_PATH)
    }

    fn get(&self, name: &str) -> Option<String> {
        let mut bytes = [0_u8; 64];
        let size = rustix::fs::getxattr(self.path.as_str(), name, &mut bytes).ok()?;
        String::from_utf8(bytes.get(..size)?.to_vec()).ok()
    }

    fn set(&self, name: &str, value: &str) -> bool {
        rustix::fs::setxattr(self.path.as_str(), name, value.as_bytes(), XattrFlags::empty()).is_ok()
    }

    /// How many use the file and whose it was. What was written before the last boot is out of date: those users are
    /// gone.
    fn remembered(&self) -> Option<(u32, (u32, u32))> {
        if self.get(BOOT)? != boot_time() {
            return None;
        }
        let users = self.get(USERS)?.parse().ok().filter(|n| *n > 0)?;
        let owner = self.get(OWNER)?;
        let (uid, gid) = owner.split_once(':')?;
        let number = |text: &str| text.strip_prefix('+').unwrap_or(text).parse().ok();
        Some((users, (number(uid)?, number(gid)?)))
    }

    fn remember(&self, users: u32, (uid, gid): (u32, u32)) -> bool {
        // the count last: without it the others mean nothing
        self.set(OWNER, &format!("+{uid}:+{gid}"))
            && self.set(BOOT, &boot_time())
            && self.set(USERS, &users.to_string())
    }

    fn forget(&self, users: u32, owner: (u32, u32)) {
        if users > 0 {
            self.remember(users, owner);
            return;
        }
        for name in [USERS, OWNER, BOOT] {
            // what is not there need not be removed
            let _ = rustix::fs::removexattr(self.path.as_str(), name);
        }
    }
}

/// When the host booted, in seconds since the epoch.
fn boot_time() -> String {
    let stat = std::fs::read_to_string("/proc/stat").unwrap_or_default();
    let line = stat.lines().find_map(|line| line.strip_prefix("btime "));
    line.unwrap_or_default().trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_owner_comes_back_with_the_last_user() {
        if !rustix::process::geteuid().is_root() {
            return eprintln!("skipped: needs root");
        }
        let file = tempfile::NamedTempFile::new().unwrap();
        let owner = || {
            let meta = std::fs::metadata(file.path()).unwrap();
            (meta.uid(), meta.gid())
        };
        std::os::unix::fs::chown(file.path(), Some(11), Some(12)).unwrap();
        let before = chown_remember(file.path(), 77, 78).unwrap();
        assert_eq!((before.uid, before.gid, owner()), (11, 12, (77, 78)));
        if !before.remembered {
            assert!(restore(file.path(), Some((11, 12))).unwrap());
            assert_eq!(owner(), (11, 12));
            return eprintln!("skipped the rest: no trusted attributes on this file system");
        }
        assert_eq!(chown_remember(file.path(), 77, 78).unwrap().uid, 11);
        assert!(!restore(file.path(), None).unwrap());
        assert_eq!(owner(), (77, 78));
        assert!(restore(file.path(), None).unwrap());
        assert_eq!(owner(), (11, 12));
        // nothing is left to say whose it was
        assert!(!restore(file.path(), None).unwrap());
    }

    #[test]
    fn a_missing_file_is_an_error() {
        assert!(chown_remember(Path::new("/no/such/file"), 0, 0).is_err());
        assert!(restore(Path::new("/no/such/file"), None).is_err());
    }
}
