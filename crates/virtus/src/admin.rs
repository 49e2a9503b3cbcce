//! The administration of a daemon: its own URIs, which lead to a socket of its own.

use std::path::PathBuf;
use std::sync::Arc;

use virtus_api::calls::Administration;
use virtus_api::constants::VIR_CONNECT_NO_ALIASES;
use virtus_base::{Error, ErrorCode, ErrorDomain, Result};

use crate::config::Config;
use crate::connection::Connection;
use crate::link::Link;
use crate::uri::Uri;
use crate::way;

impl Connection {
    /// Opens a connection for administrating a daemon, e.g. that of `virtqemud:///system`. Without a URI it is the
    /// one of `LIBVIRT_ADMIN_DEFAULT_URI` or of `uri_default` in `libvirt-admin.conf`, or else `libvirtd` of the
    /// system, or the user's. Such a connection answers the calls of [`Administration`] and no others.
    ///
    /// ```no_run
    /// use virtus::{Connection, calls::Administration};
    ///
    /// # fn main() -> virtus::Result<()> {
    /// let connection = Connection::open_admin(Some("virtqemud:///system"))?;
    /// for server in connection.call(Administration::connect_list_servers(1, 0))?.servers.0 {
    ///     println!("{}", server.name);
    /// }
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// What is wrong with the URI, why the daemon cannot be reached, or what it says.
    pub fn open_admin(uri: Option<&str>) -> Result<Connection> {
        Connection::open_admin_flags(uri, 0)
    }

    /// As [`Connection::open_admin`], with flags: `VIR_CONNECT_NO_ALIASES` takes the URI as it is; what else there is
    /// the daemon has to know.
    ///
    /// # Errors
    /// As there.
    pub fn open_admin_flags(uri: Option<&str>, flags: u32) -> Result<Connection> {
        let config = Config::load("libvirt-admin.conf")?;
        let name = match uri {
            Some(uri) => uri.to_owned(),
            None => default_uri(&config)?,
        };
        let alias = if flags & VIR_CONNECT_NO_ALIASES == 0 { config.alias(&name)? } else { None };
        let uri = Uri::parse(alias.unwrap_or(&name))?;
        let path = socket(&uri)?;
        let link = Link::new(Box::new(way::local(&path, None)?))?;
        let connection = Connection::new_admin(Arc::new(link));
        connection.call(Administration::connect_open(flags & !VIR_CONNECT_NO_ALIASES))?;
        connection.opened(uri.to_string());
        Ok(connection)
    }
}

fn default_uri(config: &Config) -> Result<String> {
    match std::env::var("LIBVIRT_ADMIN_DEFAULT_URI") {
        Ok(uri) if !uri.is_empty() => return Ok(uri),
        _ => {}
    }
    let configured = config.text("uri_default")?.map(str::to_owned);
    let place = if rustix::process::geteuid().is_root() { "system" } else { "session" };
    Ok(configured.unwrap_or_else(|| format!("libvirtd:///{place}")))
}

/// The socket that a URI leads to.
fn socket(uri: &Uri) -> Result<PathBuf> {
    let wrong = |text: String| Error::new(ErrorDomain::ADMIN, ErrorCode::CONFIG_UNSUPPORTED, text);
    let mut path = None;
    for (name, value) in &uri.parameters {
        match name.as_str() {
            "socket" => path = Some(PathBuf::from(value)),
            _ => return Err(wrong(format!("Unknown URI parameter '{name}'"))),
        }
    }
    if let Some(path) = path {
        return Ok(path);
    }
    let name = match uri.scheme.as_deref() {
        None => return Err(wrong("No URI scheme specified".to_owned())),
        Some("libvirtd") => "libvirt-admin-sock".to_owned(),
        Some(daemon) if daemon.starts_with("virt") => format!("{daemon}-admin-sock"),
        Some(other) => return Err(wrong(format!("Unsupported URI scheme '{other}'"))),
    };
    match uri.path.as_deref() {
        Some("/system") => Ok(PathBuf::from("/run/libvirt").join(name)),
        Some("/session") => Ok(way::runtime_directory().join(name)),
        path => {
            let path = path.unwrap_or_default();
            Err(wrong(format!("Invalid URI path '{path}', try '/system'")))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn leads_to(uri: &str) -> String {
        match socket(&Uri::parse(uri).unwrap()) {
            Ok(path) => path.display().to_string(),
            Err(error) => error.message().to_owned(),
        }
    }

    #[test]
    fn uris_lead_to_sockets() {
        assert_eq!(leads_to("libvirtd:///system"), "/run/libvirt/libvirt-admin-sock");
        assert_eq!(leads_to("virtqemud:///system"), "/run/libvirt/virtqemud-admin-sock");
        assert!(leads_to("virtqemud:///session").ends_with("/libvirt/virtqemud-admin-sock"));
        assert_eq!(leads_to("any:///x?socket=/a/b"), "/a/b");
    }

    #[test]
    fn wrong_uris_are_told() {
        let unsupported = |text: &str| format!("unsupported configuration: {text}");
        assert_eq!(leads_to("qemu:///system"), unsupported("Unsupported URI scheme 'qemu'"));
        assert_eq!(leads_to("virtqemud:///x"), unsupported("Invalid URI path '/x', try '/system'"));
        assert_eq!(leads_to("virtqemud:///system?a=b"), unsupported("Unknown URI parameter 'a'"));
    }
}
