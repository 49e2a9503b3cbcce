//! From a URI, or from none, to a connection.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use virtus_api::calls::Remote;
use virtus_base::{Error, ErrorCode, ErrorDomain, Result};

use crate::auth;
use crate::config::Config;
use crate::connection::Connection;
use crate::link::Link;
use crate::transport::{Transport, Unix};
use crate::uri::{TransportKind, Uri};

/// Parameters of a URI that say how to reach the daemon; all others are passed on to it.
const FOR_THE_WAY: [&str; 17] = [
    "name",
    "command",
    "socket",
    "auth",
    "sshauth",
    "netcat",
    "keyfile",
    "pkipath",
    "known_hosts",
    "known_hosts_verify",
    "tls_priority",
    "mode",
    "proxy",
    "no_sanity",
    "no_verify",
    "no_tty",
    "authfile",
];

/// How a connection is opened.
///
/// ```no_run
/// # fn main() -> virtus::Result<()> {
/// let connection = virtus::OpenOptions::new().read_only(true).open(Some("qemu:///system"))?;
/// # Ok(()) }
/// ```
#[derive(Clone, Debug, Default)]
pub struct OpenOptions {
    read_only: bool,
    no_aliases: bool,
}

impl OpenOptions {
    /// Reading and writing, no questions asked.
    pub fn new() -> Self {
        Self::default()
    }

    /// Opens for looking only (`VIR_CONNECT_RO`).
    #[must_use]
    pub fn read_only(mut self, yes: bool) -> Self {
        self.read_only = yes;
        self
    }

    /// Takes the URI as it is, though `libvirt.conf` may have an alias of that name (`VIR_CONNECT_NO_ALIASES`).
    #[must_use]
    pub fn no_aliases(mut self, yes: bool) -> Self {
        self.no_aliases = yes;
        self
    }

    /// Opens the connection. Without a URI it is the one of `LIBVIRT_DEFAULT_URI` or of `uri_default` in
    /// `libvirt.conf`, or else the one the local daemon picks.
    ///
    /// # Errors
    /// `NO_CONNECT` for a URI without a driver, what is wrong with the URI, why the daemon cannot be reached,
    /// why it does not let us in, or what it says to the URI.
    pub fn open(&self, uri: Option<&str>) -> Result<Connection> {
        let config = Config::load()?;
        let uri = match uri.filter(|uri| !uri.is_empty()) {
            Some(name) => Some(self.resolve(&config, name)?),
            None => default_uri(&config)?.map(|name| self.resolve(&config, &name)).transpose()?,
        };
        let way = Way::plan(uri.as_ref(), &config, self.read_only)?;
        let link = Link::new(way.connect()?)?;
        let connection = Connection::new(link, self.read_only);
        auth::authenticate(&connection, uri.as_ref())?;
        let name = match &uri {
            None => String::new(),
            Some(uri) => match uri.parameter("name") {
                Some(name) => name.to_owned(),
                None if uri.driver() == "remote" => String::new(),
                None => uri.for_daemon(|name| !FOR_THE_WAY.iter().any(|own| own.eq_ignore_ascii_case(name))),
            },
        };
        connection.call(Remote::connect_open(Some(name), u32::from(self.read_only)))?;
        let uri = match uri {
            Some(uri) => uri.to_string(),
            None => connection.call(Remote::connect_get_uri())?,
        };
        connection.opened(uri);
        Ok(connection)
    }

    fn resolve(&self, config: &Config, name: &str) -> Result<Uri> {
        let name = match name {
            _ if name.eq_ignore_ascii_case("xen") || name.eq_ignore_ascii_case("xen://") => "xen:///system",
            _ if self.no_aliases => name,
            _ => config.alias(name)?.unwrap_or(name),
        };
        let uri = Uri::parse(name)?;
        match uri.scheme {
            Some(_) => Ok(uri),
            None => Err(Error::new(
                ErrorDomain::NONE,
                ErrorCode::NO_CONNECT,
                format!("URI '{name}' does not include a driver name"),
            )),
        }
    }
}

fn default_uri(config: &Config) -> Result<Option<String>> {
    match std::env::var("LIBVIRT_DEFAULT_URI") {
        Ok(uri) if !uri.is_empty() => Ok(Some(uri)),
        _ => Ok(config.text("uri_default")?.filter(|uri| !uri.is_empty()).map(str::to_owned)),
    }
}

/// Where the daemon is, and how to get there.
#[derive(Debug)]
enum Way {
    /// A local socket, with the daemon that is started when nobody listens.
    Unix(PathBuf, Option<PathBuf>),
}

impl Way {
    fn plan(uri: Option<&Uri>, config: &Config, read_only: bool) -> Result<Self> {
        let kind = uri.map_or(Ok(TransportKind::Unix), Uri::transport)?;
        let mode = match uri.and_then(|uri| uri.parameter("mode")) {
            Some(mode) => Some(mode),
            None => config.text("remote_mode")?,
        };
        if let Some(mode) = mode.filter(|mode| !["auto", "legacy", "direct"].contains(mode)) {
            let text = format!("Unknown remote mode '{mode}'");
            return Err(Error::new(ErrorDomain::REMOTE, ErrorCode::INVALID_ARG, text));
        }
        match kind {
            TransportKind::Unix => {
                let user = is_for_user(uri);
                if let Some(path) = uri.and_then(|uri| uri.parameter("socket")) {
                    return Ok(Way::Unix(PathBuf::from(path), None));
                }
                let (socket, daemon) = local_socket(uri.map(Uri::driver), mode, user, read_only);
                let start = user && std::env::var_os("LIBVIRT_AUTOSTART").is_none_or(|value| value != "0");
                Ok(Way::Unix(socket, start.then(|| daemon_program(&daemon))))
            }
            other => Err(Error::new(
                ErrorDomain::REMOTE,
                ErrorCode::NO_SUPPORT,
                format!("transport {}", other.name()),
            )),
        }
    }

    fn connect(&self) -> Result<Box<dyn Transport>> {
        match self {
            Way::Unix(path, daemon) => Ok(Box::new(unix(path, daemon.as_deref())?)),
        }
    }
}

/// Whether the caller's own daemon is meant, not the system's.
fn is_for_user(uri: Option<&Uri>) -> bool {
    let session = uri.is_none_or(|uri| {
        uri.path.as_deref() == Some("/session")
            || uri.scheme.as_deref().is_some_and(|s| s.starts_with("test+"))
    });
    session && !rustix::process::geteuid().is_root()
}

/// The socket and the name of the daemon behind it: the driver's own daemon if it is there or wanted, else the
/// one for all of them.
fn local_socket(driver: Option<&str>, mode: Option<&str>, user: bool, read_only: bool) -> (PathBuf, String) {
    let socket = |daemon: &str| match user {
        true => runtime_directory().join(format!("{daemon}-sock")),
        // other hosts than this one have it there too
        false => {
            PathBuf::from(format!("/var/run/libvirt/{daemon}-sock{}", if read_only { "-ro" } else { "" }))
        }
    };
    let own = driver.map_or_else(|| "virtproxyd".to_owned(), |driver| format!("virt{driver}d"));
    let direct = driver.map_or_else(|| socket("libvirt"), |_| socket(&own));
    let legacy = socket("libvirt");
    match mode {
        Some("direct") => (direct, own),
        Some("legacy") => (legacy, "libvirtd".to_owned()),
        _ if direct.exists() && direct != legacy => (direct, own),
        _ => (legacy, "libvirtd".to_owned()),
    }
}

fn runtime_directory() -> PathBuf {
    match std::env::var_os("XDG_RUNTIME_DIR").filter(|dir| !dir.is_empty()) {
        Some(dir) => PathBuf::from(dir).join("libvirt"),
        None => match std::env::var_os("XDG_CACHE_HOME").filter(|dir| !dir.is_empty()) {
            Some(dir) => PathBuf::from(dir).join("libvirt"),
            None => crate::config::home().join(".cache/libvirt"),
        },
    }
}

/// The program of a daemon: as `VIRTD_PATH` or `LIBVIRTD_PATH` say, else Virtus' own where it is installed.
fn daemon_program(name: &str) -> PathBuf {
    let named = |variable| std::env::var_os(variable).filter(|path| !path.is_empty()).map(PathBuf::from);
    if let Some(path) = named("VIRTD_PATH").or_else(|| named("LIBVIRTD_PATH")) {
        return path;
    }
    let places = ["/usr/sbin", "/usr/local/sbin"];
    let found = places.iter().map(|dir| Path::new(dir).join("virtusd")).find(|path| path.exists());
    found.unwrap_or_else(|| Path::new("/usr/sbin").join(name))
}

fn unix(path: &Path, daemon: Option<&Path>) -> Result<Unix> {
    let mut last = match Unix::connect(path) {
        Ok(unix) => return Ok(unix),
        Err(e) => e,
    };
    if let Some(daemon) = daemon {
        start(daemon)?;
        // until the daemon listens; a slow host may need a while
        for wait in [1_u64, 2, 4, 8, 16, 32, 64].into_iter().chain(std::iter::repeat_n(100, 48)) {
            match Unix::connect(path) {
                Ok(unix) => return Ok(unix),
                Err(e) => last = e,
            }
            std::thread::sleep(Duration::from_millis(wait));
        }
    }
    Err(Error::system(ErrorDomain::RPC, format!("Failed to connect socket to '{}'", path.display()), &last))
}

/// Starts a user's daemon, which ends by itself when nobody needs it. It is nobody's child, so that it outlives us.
fn start(daemon: &Path) -> Result<()> {
    use std::os::unix::process::CommandExt;
    let failed = |e: &std::io::Error| {
        Error::system(ErrorDomain::RPC, format!("cannot execute binary {}", daemon.display()), e)
    };
    if let Err(e) = std::fs::metadata(daemon) {
        return Err(failed(&e));
    }
    let status = std::process::Command::new("/bin/sh")
        .args(["-c", "\"$0\" --timeout=120 </dev/null >/dev/null 2>&1 &"])
        .arg(daemon)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .process_group(0)
        .status();
    status.map(drop).map_err(|e| failed(&e))
}
