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
    /// A user's own base directories (`~/.config`, `~/.cache`, `$XDG_RUNTIME_DIR`).
    pub(crate) config_home: PathBuf,
    pub(crate) cache_home: PathBuf,
    pub(crate) runtime: PathBuf,
}

impl Paths {
    /// The host's places for root, the user's own for everyone else.
    pub(crate) fn find() -> std::io::Result<Self> {
        if rustix::process::geteuid().is_root() {
            return Ok(Paths {
                privileged: true,
                run: "/run/libvirt".into(),
                config: "/etc/libvirt".into(),
                config_home: "/etc".into(),
                cache_home: "/var/cache".into(),
                runtime: "/run".into(),
            });
        }
        let config_home = base("XDG_CONFIG_HOME", ".config")?;
        let cache_home = base("XDG_CACHE_HOME", ".cache")?;
        let runtime = base("XDG_RUNTIME_DIR", ".cache")?;
        Ok(Paths {
            privileged: false,
            run: runtime.join("libvirt"),
            config: config_home.join("libvirt"),
            config_home,
            cache_home,
            runtime,
        })
    }
}

/// A base directory: where the variable says, or under the user's home.
fn base(variable: &str, otherwise: &str) -> std::io::Result<PathBuf> {
    if let Some(dir) = std::env::var_os(variable).filter(|d| !d.is_empty()) {
        return Ok(dir.into());
    }
    let home = std::env::var_os("HOME").ok_or_else(|| {
        std::io::Error::other("HOME is not set, and so there is no place for a user's daemon")
    })?;
    Ok(PathBuf::from(home).join(otherwise))
}
