//! Where the driver keeps its files: libvirt's own places.

use std::path::{Path, PathBuf};

/// The driver's directories, for the system's instance or a user's own.
#[derive(Clone, Debug)]
pub struct Layout {
    /// Whether this is the system's instance: it runs guests under another user.
    pub privileged: bool,
    /// Definitions.
    pub config: PathBuf,
    /// Status and pid files; a reboot empties it.
    pub state: PathBuf,
    /// A directory for each running guest, and what outlives guests.
    pub lib: PathBuf,
    /// What QEMU says.
    pub log: PathBuf,
    /// What can be made again.
    pub cache: PathBuf,
    /// UEFI variables.
    pub nvram: PathBuf,
    /// Files behind guests' memory.
    pub memory: PathBuf,
}

impl Layout {
    /// The system's places.
    pub fn system() -> Layout {
        Layout {
            privileged: true,
            config: "/etc/libvirt/qemu".into(),
            state: "/run/libvirt/qemu".into(),
            lib: "/var/lib/libvirt/qemu".into(),
            log: "/var/log/libvirt/qemu".into(),
            cache: "/var/cache/libvirt/qemu".into(),
            nvram: "/var/lib/libvirt/qemu/nvram".into(),
            memory: "/var/lib/libvirt/qemu/ram".into(),
        }
    }

    /// A user's places, from the XDG base directories `config_home` (`~/.config`), `cache_home` (`~/.cache`)
    /// and `runtime` (`$XDG_RUNTIME_DIR`).
    pub fn session(config_home: &Path, cache_home: &Path, runtime: &Path) -> Layout {
        let config = config_home.join("libvirt/qemu");
        Layout {
            privileged: false,
            state: runtime.join("libvirt/qemu/run"),
            lib: config.join("lib"),
            log: cache_home.join("libvirt/qemu/log"),
            cache: cache_home.join("libvirt/qemu/cache"),
            nvram: config.join("nvram"),
            memory: config.join("lib/ram"),
            config,
        }
    }

    /// A private instance with all its files under `root`, for tests.
    pub fn under(root: &Path) -> Layout {
        Layout {
            privileged: false,
            config: root.join("etc"),
            state: root.join("run"),
            lib: root.join("lib"),
            log: root.join("log"),
            cache: root.join("cache"),
            nvram: root.join("lib/nvram"),
            memory: root.join("lib/ram"),
        }
    }

    /// Every directory there has to be, with its mode and whether it is QEMU's.
    pub fn directories(&self) -> Vec<(PathBuf, u32, bool)> {
        let lib = |name: &str| (self.lib.join(name), 0o755, true);
        let state = |name: &str, mode| (self.state.join(name), mode, true);
        vec![
            (self.config.clone(), 0o755, false),
            (self.autostart_dir(), 0o755, false),
            (self.state.clone(), 0o755, true),
            state("channel", 0o755),
            state("dbus", 0o770),
            (self.lib.clone(), 0o755, true),
            lib("save"),
            lib("snapshot"),
            lib("checkpoint"),
            lib("dump"),
            (self.memory.clone(), 0o755, true),
            (self.nvram.clone(), 0o755, true),
            (self.log.clone(), 0o755, false),
            (self.cache.clone(), 0o755, false),
        ]
    }

    fn autostart_dir(&self) -> PathBuf {
        self.config.join("autostart")
    }

    /// A domain's definition.
    pub fn definition(&self, name: &str) -> PathBuf {
        self.config.join(format!("{name}.xml"))
    }

    /// The link that has a domain started with the daemon.
    pub fn autostart(&self, name: &str) -> PathBuf {
        self.autostart_dir().join(format!("{name}.xml"))
    }

    /// The link that has a domain started with the daemon the next time only.
    pub fn autostart_once(&self, name: &str) -> PathBuf {
        self.autostart_dir().join(format!("{name}.xml.once"))
    }

    /// Notes that domains have been started since boot.
    pub fn autostarted(&self) -> PathBuf {
        self.state.join("autostarted")
    }

    /// A running domain's status.
    pub fn status(&self, name: &str) -> PathBuf {
        self.state.join(format!("{name}.xml"))
    }

    /// A running domain's process id.
    pub fn pid_file(&self, name: &str) -> PathBuf {
        self.state.join(format!("{name}.pid"))
    }

    /// A running domain's number and name, short enough for the paths of sockets.
    pub fn short_name(&self, id: i32, name: &str) -> String {
        format!("{id}-{}", short(name))
    }

    /// A running domain's own directory.
    pub fn domain_dir(&self, id: i32, name: &str) -> PathBuf {
        self.lib.join(format!("domain-{}", self.short_name(id, name)))
    }

    /// The sockets of a running domain's channels.
    pub fn channel_dir(&self, id: i32, name: &str) -> PathBuf {
        self.state.join(format!("channel/{id}-{}", short(name)))
    }

    /// Files that back a running domain's memory.
    pub fn memory_dir(&self, id: i32, name: &str) -> PathBuf {
        self.memory.join(format!("{id}-{}", short(name)))
    }

    /// The sockets of private D-Bus servers.
    pub fn dbus_dir(&self) -> PathBuf {
        self.state.join("dbus")
    }

    /// What a domain's QEMU says.
    pub fn log(&self, name: &str) -> PathBuf {
        self.log.join(format!("{name}.log"))
    }

    /// A domain's saved memory.
    pub fn managed_save(&self, name: &str) -> PathBuf {
        self.lib.join(format!("save/{name}.save"))
    }

    /// A domain's snapshots.
    pub fn snapshots(&self, name: &str) -> PathBuf {
        self.lib.join(format!("snapshot/{name}"))
    }

    /// A domain's checkpoints.
    pub fn checkpoints(&self, name: &str) -> PathBuf {
        self.lib.join(format!("checkpoint/{name}"))
    }
}

/// A name's first 20 characters, so that socket paths stay short enough.
fn short(name: &str) -> &str {
    match name.char_indices().nth(20) {
        Some((end, _)) => name.get(..end).unwrap_or(name),
        None => name,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn socket_directories_have_short_names() {
        let layout = Layout::system();
        let dir = layout.domain_dir(7, "a-name-of-more-than-twenty-characters");
        assert_eq!(dir, Path::new("/var/lib/libvirt/qemu/domain-7-a-name-of-more-than-"));
        assert_eq!(layout.channel_dir(1, "g"), Path::new("/run/libvirt/qemu/channel/1-g"));
    }
}
