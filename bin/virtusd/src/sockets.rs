//! The sockets clients look for.

use std::os::fd::OwnedFd;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixListener;
use std::path::PathBuf;

use crate::paths::Paths;

/// A listening socket.
#[derive(Debug)]
pub(crate) struct Socket {
    pub(crate) fd: OwnedFd,
    /// Where it is, if it is ours to remove.
    pub(crate) path: Option<PathBuf>,
    pub(crate) read_only: bool,
}

/// The daemons whose sockets a client may look for. One daemon answers on all of them.
const DAEMONS: [&str; 7] =
    ["libvirt", "virtqemud", "virtnetworkd", "virtnwfilterd", "virtstoraged", "virtnodedevd", "virtsecretd"];

/// Binds every socket.
pub(crate) fn bind(paths: &Paths) -> std::io::Result<Vec<Socket>> {
    std::fs::create_dir_all(&paths.run)?;
    let mut sockets = Vec::new();
    for daemon in DAEMONS {
        let mut add = |suffix: &str, mode: u32, read_only: bool| -> std::io::Result<()> {
            let path = paths.run.join(format!("{daemon}-sock{suffix}"));
            match std::fs::remove_file(&path) {
                Err(e) if e.kind() != std::io::ErrorKind::NotFound => return Err(e),
                _ => {}
            }
            // nobody can connect between bind and chmod
            let old = rustix::process::umask(rustix::fs::Mode::from_bits_truncate(0o777));
            let bound = UnixListener::bind(&path);
            rustix::process::umask(old);
            let listener =
                bound.map_err(|e| std::io::Error::other(format!("cannot bind {}: {e}", path.display())))?;
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode))?;
            sockets.push(Socket { fd: listener.into(), path: Some(path), read_only });
            Ok(())
        };
        if paths.privileged {
            add("", 0o777, false)?;
            add("-ro", 0o777, true)?;
        } else {
            add("", 0o700, false)?;
        }
    }
    Ok(sockets)
}

/// Removes the sockets that are ours.
pub(crate) fn remove(sockets: &[Socket]) {
    for path in sockets.iter().filter_map(|s| s.path.as_ref()) {
        // one that is gone already is as good
        let _ = std::fs::remove_file(path);
    }
}
