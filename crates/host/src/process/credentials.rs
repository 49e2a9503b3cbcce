//! Users and groups by name or number.
#![allow(unsafe_code)]

use std::ffi::CString;
use std::io;

/// Whom a process runs as.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credentials {
    /// User id.
    pub uid: u32,
    /// Group id.
    pub gid: u32,
    /// Supplementary groups.
    pub groups: Vec<u32>,
}

/// No account's record needs more than this, in bytes.
const MAX_RECORD: usize = 1 << 20;

impl Credentials {
    /// A user and group as `qemu.conf` names them: a name, or a number, which a `+` before it makes certain. The user's
    /// other groups are found where it has a name. May ask the network, as the system's name service does.
    ///
    /// # Errors
    /// `NotFound` for a name nobody has.
    pub fn lookup(user: &str, group: &str) -> io::Result<Credentials> {
        let account = match numeric(user) {
            Some(uid) => Account::by_uid(uid),
            None => Account::by_name(user)?,
        };
        let gid = match numeric(group) {
            Some(gid) => gid,
            None => group_by_name(group)?,
        };
        // its own group too, which another one may have been put in the place of: it may be the one that opens KVM
        let mut groups = account.named.map(|(name, own)| groups_of(&name, own)).unwrap_or_default();
        if !groups.is_empty() && !groups.contains(&gid) {
            groups.push(gid);
        }
        Ok(Credentials { uid: account.uid, gid, groups })
    }
}

impl Credentials {
    /// The number of a user by its name, or as [`Credentials::lookup`] takes it; `None` for a name nobody has.
    pub fn user_id(user: &str) -> Option<u32> {
        numeric(user).or_else(|| Account::by_name(user).ok().map(|account| account.uid))
    }

    /// The number of a group, likewise.
    pub fn group_id(group: &str) -> Option<u32> {
        numeric(group).or_else(|| group_by_name(group).ok())
    }
}

/// The number of a text like `+107`; names made of digits only do not exist, so `107` is one too.
fn numeric(text: &str) -> Option<u32> {
    text.strip_prefix('+').unwrap_or(text).parse().ok()
}

struct Account {
    uid: u32,
    /// Its name and group, if it is a known one.
    named: Option<(CString, u32)>,
}

impl Account {
    fn by_name(name: &str) -> io::Result<Account> {
        let c_name = CString::new(name)?;
        let found = search(|buffer| {
            // SAFETY: all members may be zero; the call fills them, with pointers into `buffer`, or leaves `found` null.
            unsafe {
                let mut record: libc::passwd = std::mem::zeroed();
                let mut found = std::ptr::null_mut();
                let (at, size) = (buffer.as_mut_ptr(), buffer.len());
                let error = libc::getpwnam_r(c_name.as_ptr(), &raw mut record, at, size, &raw mut found);
                (error, (!found.is_null()).then_some((record.pw_uid, record.pw_gid)))
            }
        })?;
        let (uid, gid) = found.ok_or_else(|| not_found("user", name))?;
        Ok(Account { uid, named: Some((c_name, gid)) })
    }

    fn by_uid(uid: u32) -> Account {
        let named = search(|buffer| {
            // SAFETY: as in `by_name`; the name is copied while `buffer`, which it points into, is there.
            unsafe {
                let mut record: libc::passwd = std::mem::zeroed();
                let mut found = std::ptr::null_mut();
                let (at, size) = (buffer.as_mut_ptr(), buffer.len());
                let error = libc::getpwuid_r(uid, &raw mut record, at, size, &raw mut found);
                let named = (!found.is_null())
                    .then(|| (std::ffi::CStr::from_ptr(record.pw_name).to_owned(), record.pw_gid));
                (error, named)
            }
        });
        Account { uid, named: named.ok().flatten() }
    }
}

fn group_by_name(name: &str) -> io::Result<u32> {
    let c_name = CString::new(name)?;
    let gid = search(|buffer| {
        // SAFETY: as in `Account::by_name`.
        unsafe {
            let mut record: libc::group = std::mem::zeroed();
            let mut found = std::ptr::null_mut();
            let (at, size) = (buffer.as_mut_ptr(), buffer.len());
            let error = libc::getgrnam_r(c_name.as_ptr(), &raw mut record, at, size, &raw mut found);
            (error, (!found.is_null()).then_some(record.gr_gid))
        }
    })?;
    gid.ok_or_else(|| not_found("group", name))
}

fn groups_of(user: &CString, gid: u32) -> Vec<u32> {
    let mut groups = vec![0; 64];
    loop {
        let mut count = libc::c_int::try_from(groups.len()).unwrap_or(libc::c_int::MAX);
        // SAFETY: the call writes no more than `count` groups and says how many there are.
        let fits = unsafe { libc::getgrouplist(user.as_ptr(), gid, groups.as_mut_ptr(), &raw mut count) };
        let count = usize::try_from(count).unwrap_or(0);
        if fits >= 0 {
            groups.truncate(count);
            return groups;
        }
        // the kernel takes no more than 65536
        if count <= groups.len() || count > 65536 {
            return vec![gid];
        }
        groups.resize(count, 0);
    }
}

/// Asks with ever more room until the answer fits.
fn search<T>(mut ask: impl FnMut(&mut [libc::c_char]) -> (libc::c_int, Option<T>)) -> io::Result<Option<T>> {
    let mut buffer = vec![0; 1024];
    loop {
        match ask(&mut buffer) {
            (libc::ERANGE, _) if buffer.len() < MAX_RECORD => buffer.resize(buffer.len() * 2, 0),
            (0, answer) => return Ok(answer),
            // some name services say so instead of answering with nothing
            (libc::ENOENT | libc::ESRCH, _) => return Ok(None),
            (error, _) => return Err(io::Error::from_raw_os_error(error)),
        }
    }
}

fn not_found(what: &str, name: &str) -> io::Error {
    io::Error::new(io::ErrorKind::NotFound, format!("there is no {what} called '{name}'"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_numbers_are_the_same() {
        let by_name = Credentials::lookup("root", "root").unwrap();
        assert_eq!((by_name.uid, by_name.gid), (0, 0));
        assert!(by_name.groups.contains(&0));
        assert_eq!(Credentials::lookup("+0", "0").unwrap(), by_name);
        let nobody = Credentials::lookup("+3999999", "+3999998").unwrap();
        assert_eq!(nobody, Credentials { uid: 3_999_999, gid: 3_999_998, groups: vec![] });
    }

    #[test]
    fn an_accounts_own_group_stays_with_it() {
        let other = Credentials::lookup("root", "+3999998").unwrap();
        assert_eq!(other.gid, 3_999_998);
        assert!(other.groups.contains(&0) && other.groups.contains(&3_999_998));
    }

    #[test]
    fn strangers_are_not_found() {
        for (user, group) in [("no-such-user-here", "root"), ("root", "no-such-group-here")] {
            assert_eq!(Credentials::lookup(user, group).unwrap_err().kind(), io::ErrorKind::NotFound);
        }
        assert!(Credentials::lookup("a\0b", "root").is_err());
    }
}
