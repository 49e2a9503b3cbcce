//! `libvirtd.conf`: the daemon's settings.

use std::path::Path;

virtus_base::settings! {
    /// The settings the daemon knows, with libvirt's names and defaults.
    pub struct Config {
        unix_sock_group: Option<String> = None,
        unix_sock_ro_perms: String = "0777".into(),
        unix_sock_rw_perms: Option<String> = None,
        unix_sock_admin_perms: String = "0700".into(),
        unix_sock_dir: Option<String> = None,
        auth_unix_ro: Option<String> = None,
        auth_unix_rw: Option<String> = None,
        max_clients: u32 = 5000,
        max_queued_clients: u32 = 1000,
        max_anonymous_clients: u32 = 20,
        min_workers: u32 = 5,
        max_workers: u32 = 20,
        prio_workers: u32 = 5,
        /// Nothing here has to wait for a worker, so this only bounds what one client can pile up.
        max_client_requests: u32 = 1024,
        /// Seconds a call waits for another one's change of the same domain to end.
        job_wait: u32 = 30,
        admin_min_workers: u32 = 1,
        admin_max_workers: u32 = 5,
        admin_max_clients: u32 = 5,
        admin_max_queued_clients: u32 = 5,
        admin_max_client_requests: u32 = 5,
        log_level: u32 = 0,
        log_filters: Option<String> = None,
        log_outputs: Option<String> = None,
        /// `text` as libvirt writes it, or `json`.
        log_format: String = "text".into(),
        host_uuid: Option<String> = None,
        host_uuid_source: Option<String> = None,
        keepalive_interval: i64 = 5,
        keepalive_count: u32 = 5,
        admin_keepalive_interval: i64 = 5,
        admin_keepalive_count: u32 = 5,
    }
}

impl Config {
    /// Reads the file; one that is not there sets nothing.
    pub(crate) fn load(path: &Path) -> std::io::Result<Self> {
        match std::fs::read_to_string(path) {
            Ok(text) => Self::parse(&path.display().to_string(), &text).map_err(std::io::Error::other),
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(Config::default()),
            Err(e) => Err(std::io::Error::new(e.kind(), format!("cannot read {}: {e}", path.display()))),
        }
    }
}
