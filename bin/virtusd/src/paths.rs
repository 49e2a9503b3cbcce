//! Where the daemon keeps what: libvirt's own places.

use std::path::PathBuf;

/// The places of one daemon.
#[derive(Clone, Debug)]
pub(crate) struct Paths {
    /// Whether it serves the whole host.
    pub(crate) privileged: bool,
    /// Sockets: `/run/libvirt`.
    pub(crate) run: PathBuf,
    /// Settings: `/etc/libvirt`.
    pub(crate) config: PathBuf,
}

impl Paths {
    /// The host's places for root, the user's own for everyone else.
    pub(crate) fn find() -> std::io::Result<Self> {
        if rustix::process::geteuid().is_root() {
            return Ok(Paths { privileged: true, run: "/run/libvirt".into(), config: "/etc/libvirt".into() });
        }
        let runtime = match std::env::var_os("XDG_RUNTIME_DIR").filter(|d| !d.is_empty()) {
            Some(dir) => PathBuf::from(dir),
            None => home()?.join(".cache"),
        };
        let config = match std::env::var_os("XDG_CONFIG_HOME").filter(|d| !d.is_empty()) {
            Some(dir) => PathBuf::from(dir),
            None => home()?.join(".config"),
        };
        Ok(Paths { privileged: false, run: runtime.join("libvirt"), config: config.join("libvirt") })
    }
}

fn home() -> std::io::Result<PathBuf> {
    std::env::var_os("HOME")
        .map(PathBuf::from)
        .ok_or_else(|| std::io::Error::other("HOME is not set, and so there is no place for a user's daemon"))
}
