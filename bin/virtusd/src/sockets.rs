//! The sockets clients look for.

use std::os::fd::OwnedFd;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};

use crate::config::Config;
use crate::paths::Paths;

/// What the clients of a socket may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Everything.
    ReadWrite,
    /// Look.
    ReadOnly,
    /// Administrate the daemon.
    Admin,
}

/// A listening socket.
#[derive(Debug)]
pub(crate) struct Socket {
    pub(crate) fd: OwnedFd,
    /// Where it is, if it is ours to remove.
    pub(crate) path: Option<PathBuf>,
    pub(crate) kind: Kind,
}

/// The daemons whose sockets a client may look for. One daemon answers on all of them.
const DAEMONS: [&str; 8] = [
    "libvirt",
    "virtqemud",
    "virtnetworkd",
    "virtnwfilterd",
    "virtstoraged",
    "virtnodedevd",
    "virtinterfaced",
    "virtsecretd",
];

/// Refuses to start with a way of authentication there is not: falling back to none would open the door.
pub(crate) fn check_auth(config: &Config) -> std::io::Result<()> {
    for (name, value) in [("auth_unix_ro", &config.auth_unix_ro), ("auth_unix_rw", &config.auth_unix_rw)] {
        match value.as_deref() {
            None | Some("none") => {}
            Some(other) => {
                return Err(std::io::Error::other(format!(
                    "{name}: authentication '{other}' is not supported"
                )));
            }
        }
    }
    Ok(())
}

fn mode(name: &str, text: &str) -> std::io::Result<u32> {
    u32::from_str_radix(text, 8)
        .map_err(|_| std::io::Error::other(format!("{name}: Failed to parse mode '{text}'")))
}

/// Binds every socket.
pub(crate) fn bind(paths: &Paths, config: &Config) -> std::io::Result<Vec<Socket>> {
    let dir = config.unix_sock_dir.as_ref().map_or(paths.run.as_path(), Path::new);
    std::fs::create_dir_all(dir)?;
    let group = config.unix_sock_group.as_deref().map(group_id).transpose()?;
    // where only the mode guards the socket, root alone may write unless a group is named
    let rw = config.unix_sock_rw_perms.as_deref().unwrap_or(match (paths.privileged, group) {
        (true, Some(_)) => "0770",
        (true, None) => "0700",
        (false, _) => "0700",
    });
    let (rw, ro, admin) = (
        mode("unix_sock_rw_perms", rw)?,
        mode("unix_sock_ro_perms", &config.unix_sock_ro_perms)?,
        mode("unix_sock_admin_perms", &config.unix_sock_admin_perms)?,
    );
    let mut sockets = Vec::new();
    for daemon in DAEMONS {
        let mut kinds = vec![("-sock", rw, Kind::ReadWrite), ("-admin-sock", admin, Kind::Admin)];
        if paths.privileged {
            kinds.push(("-sock-ro", ro, Kind::ReadOnly));
        }
        for (suffix, mode, kind) in kinds {
            let path = dir.join(format!("{daemon}{suffix}"));
            let fd = bind_one(&path, mode, group.filter(|_| kind != Kind::Admin))?;
            sockets.push(Socket { fd, path: Some(path), kind });
        }
    }
    Ok(sockets)
}

fn bind_one(path: &Path, mode: u32, group: Option<u32>) -> std::io::Result<OwnedFd> {
    match std::fs::remove_file(path) {
        Err(e) if e.kind() != std::io::ErrorKind::NotFound => return Err(e),
        _ => {}
    }
    // nobody can connect between bind and chmod
    let old = rustix::process::umask(rustix::fs::Mode::from_bits_truncate(0o777));
    let bound = UnixListener::bind(path);
    rustix::process::umask(old);
    let told =
        |e: std::io::Error| std::io::Error::new(e.kind(), format!("cannot bind {}: {e}", path.display()));
    let listener = bound.map_err(told)?;
    if let Some(group) = group {
        std::os::unix::fs::chown(path, None, Some(group)).map_err(told)?;
    }
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode))?;
    Ok(listener.into())
}

/// The number of a group.
fn group_id(name: &str) -> std::io::Result<u32> {
    if let Ok(number) = name.parse() {
        return Ok(number);
    }
    let groups = std::fs::read_to_string("/etc/group")?;
    let id = groups.lines().find_map(|line| {
        let mut fields = line.split(':');
        (fields.next()? == name).then(|| fields.nth(1)?.parse().ok())?
    });
    id.ok_or_else(|| std::io::Error::other(format!("unix_sock_group: there is no group '{name}'")))
}

/// Removes the sockets that are ours.
pub(crate) fn remove(sockets: &[Socket]) {
    for path in sockets.iter().filter_map(|s| s.path.as_ref()) {
        // one that is gone already is as good
        let _ = std::fs::remove_file(path);
    }
}
