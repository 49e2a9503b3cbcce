//! Where the daemon is, and how to get there.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use virtus_base::{Error, ErrorCode, ErrorDomain, Result};

use crate::config::Config;
use crate::transport::library::{Library, Name};
use crate::transport::ssh::{self, Proxy, Ssh};
use crate::transport::{Credentials, Program, Socket, Tls, Transport};
use crate::uri::{TransportKind, Uri};

/// Parameters of a URI that say how to reach the daemon; all others are passed on to it.
pub(crate) const FOR_THE_WAY: [&str; 17] = [
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

/// Ports that libvirt's daemons listen on.
const TLS_PORT: u16 = 16_514;
const TCP_PORT: u16 = 16_509;
const SSH_PORT: u16 = 22;

/// A way to a daemon.
#[derive(Debug)]
pub(crate) enum Way {
    /// A local socket, with the daemon that is started when nobody listens.
    Local(PathBuf, Option<PathBuf>),
    /// A host and port.
    Tcp(String, u16),
    /// The same with TLS: certificates' directory and priority text, and which checks there are.
    Tls {
        host: String,
        port: u16,
        directory: Option<String>,
        priority: Option<String>,
        sane: bool,
        verify: bool,
    },
    /// Through ssh.
    Ssh(Box<Ssh>),
    /// Through a program.
    Program(String),
}

impl Way {
    /// What the URI and the settings say; without a URI it is the local daemon's socket.
    ///
    /// # Errors
    /// `INVALID_ARG` for parameters that make no sense.
    pub(crate) fn plan(uri: Option<&Uri>, config: &Config, read_only: bool) -> Result<Self> {
        let parameter = |name: &str| uri.and_then(|uri| uri.parameter(name));
        let switch = |name: &str| uri.map_or(Ok(false), |uri| uri.switch(name));
        let kind = uri.map_or(Ok(TransportKind::Unix), Uri::transport)?;
        // mistakes are told whatever the transport, as libvirt does
        let (no_verify, no_sanity, no_tty) = (switch("no_verify")?, switch("no_sanity")?, switch("no_tty")?);
        let mode = match parameter("mode") {
            Some(mode) => Some(mode),
            None => config.text("remote_mode")?,
        };
        if let Some(mode) = mode.filter(|mode| !["auto", "legacy", "direct"].contains(mode)) {
            return Err(failed(ErrorCode::INVALID_ARG, format!("Unknown remote mode '{mode}'")));
        }
        let user = is_for_user(uri);
        let socket = parameter("socket");
        let proxy = match parameter("proxy") {
            Some(name) => Proxy::named(name)?,
            None => match config.text("remote_proxy")? {
                Some(name) => Proxy::named(name)?,
                None if socket.is_some() => Proxy::Netcat,
                None if user => Proxy::Native,
                None => Proxy::Auto,
            },
        };
        let host = uri.and_then(|uri| uri.server.clone()).unwrap_or_else(|| "localhost".to_owned());
        let port = uri.map_or(0, |uri| uri.port);
        match kind {
            TransportKind::Unix => {
                if let Some(path) = socket {
                    return Ok(Way::Local(PathBuf::from(path), None));
                }
                let (socket, daemon) = local_socket(uri.map(Uri::driver), mode, user, read_only);
                let start = user && std::env::var_os("LIBVIRT_AUTOSTART").is_none_or(|value| value != "0");
                Ok(Way::Local(socket, start.then(|| daemon_program(&daemon))))
            }
            TransportKind::Tcp => Ok(Way::Tcp(host, if port == 0 { TCP_PORT } else { port })),
            TransportKind::Tls => Ok(Way::Tls {
                host,
                port: if port == 0 { TLS_PORT } else { port },
                directory: parameter("pkipath").map(str::to_owned),
                priority: match parameter("tls_priority") {
                    Some(text) => Some(text.to_owned()),
                    None => config.text("tls_priority")?.map(str::to_owned),
                },
                sane: !no_sanity,
                verify: !no_verify,
            }),
            TransportKind::Ssh | TransportKind::Libssh | TransportKind::Libssh2 => {
                if socket.is_none() && mode == Some("direct") {
                    let text = format!("Cannot use direct socket mode for {} transport", kind.name());
                    return Err(failed(ErrorCode::OPERATION_UNSUPPORTED, text));
                }
                let own = kind == TransportKind::Ssh;
                let socket = socket.map_or_else(|| ssh_socket(user, read_only), str::to_owned);
                let program = parameter("command").filter(|_| own).unwrap_or("ssh").to_owned();
                Ok(Way::Ssh(Box::new(Ssh {
                    library: library(kind, &host, port, &parameter),
                    program,
                    host,
                    port: (port != 0).then_some(port),
                    user: uri.and_then(|uri| uri.user.clone()),
                    key: parameter("keyfile").map(str::to_owned),
                    options: if own { Vec::new() } else { library_options(&parameter)? },
                    no_tty: no_tty && own,
                    no_verify: no_verify && own,
                    proxy,
                    netcat: parameter("netcat").map(str::to_owned),
                    socket,
                    uri: remote_uri(uri),
                    read_only,
                })))
            }
            TransportKind::Ext => match parameter("command") {
                Some(command) => Ok(Way::Program(command.to_owned())),
                None => Err(failed(
                    ErrorCode::INVALID_ARG,
                    "remote_open: for 'ext' transport, command is required".to_owned(),
                )),
            },
        }
    }

    /// Goes there.
    ///
    /// # Errors
    /// Why one cannot.
    pub(crate) fn connect(&self) -> Result<Box<dyn Transport>> {
        Ok(match self {
            Way::Local(path, daemon) => Box::new(local(path, daemon.as_deref())?),
            Way::Tcp(host, port) => Box::new(Socket::connect_tcp(host, *port)?),
            Way::Tls { host, port, directory, priority, sane, verify } => {
                let credentials =
                    Credentials::load(directory.as_deref(), priority.as_deref(), *sane, *verify)?;
                Box::new(Tls::connect(Socket::connect_tcp(host, *port)?, host, &credentials)?)
            }
            Way::Ssh(ssh) => Box::new(Program::start(ssh.command(), true, ssh.library.clone())?),
            Way::Program(name) => Box::new(Program::start(ssh::program(name), false, None)?),
        })
    }
}

/// The library in whose place the program runs.
fn library<'a>(
    kind: TransportKind,
    host: &str,
    port: u16,
    parameter: &impl Fn(&str) -> Option<&'a str>,
) -> Option<Library> {
    let name = match kind {
        TransportKind::Libssh => Name::Libssh,
        TransportKind::Libssh2 => Name::Libssh2,
        _ => return None,
    };
    let with_key = parameter("sshauth")
        .is_none_or(|list| list.split(',').any(|method| method.eq_ignore_ascii_case("privkey")));
    Some(Library {
        name,
        host: host.to_owned(),
        port: if port == 0 { SSH_PORT } else { port },
        key: parameter("keyfile").filter(|_| with_key).map(str::to_owned),
        hosts: parameter("known_hosts").map(str::to_owned),
    })
}

/// What the URIs of libvirt's own ssh libraries say, as options of the program.
fn library_options<'a>(parameter: &impl Fn(&str) -> Option<&'a str>) -> Result<Vec<String>> {
    let wrong = |what: &str, word: &str| {
        Err(Error::new(ErrorDomain::RPC, ErrorCode::INVALID_ARG, format!("Invalid {what} method: '{word}'")))
    };
    let mut options = Vec::new();
    if let Some(path) = parameter("known_hosts") {
        options.push(format!("UserKnownHostsFile={path}"));
    }
    if let Some(how) = parameter("known_hosts_verify") {
        options.push(format!(
            "StrictHostKeyChecking={}",
            match how {
                "normal" => "ask",
                "auto" => "accept-new",
                "ignore" => "no",
                other => return wrong("host key verification", other),
            }
        ));
    }
    if let Some(list) = parameter("sshauth") {
        let mut methods = Vec::new();
        for method in list.split(',') {
            methods.push(match method.to_ascii_lowercase().as_str() {
                "agent" | "privkey" => "publickey",
                "password" => "password",
                "keyboard-interactive" => "keyboard-interactive",
                _ => return wrong("authentication", method),
            });
        }
        options.push(format!("PreferredAuthentications={}", methods.join(",")));
    }
    Ok(options)
}

/// The socket on the other host, which netcat is told.
fn ssh_socket(user: bool, read_only: bool) -> String {
    match user {
        true => runtime_directory().join("libvirt-sock").to_string_lossy().into_owned(),
        false => format!("/var/run/libvirt/libvirt-sock{}", if read_only { "-ro" } else { "" }),
    }
}

/// The URI for the helper on the other host, which finds the socket as we would.
fn remote_uri(uri: Option<&Uri>) -> String {
    let Some(uri) = uri else { return String::new() };
    if let Some(name) = uri.parameter("name") {
        return name.to_owned();
    }
    let kept = |name: &str| {
        let own = FOR_THE_WAY.iter().any(|own| own.eq_ignore_ascii_case(name));
        !own || ["mode", "socket"].iter().any(|kept| kept.eq_ignore_ascii_case(name))
    };
    match uri.driver() {
        "remote" => String::new(),
        _ => uri.for_daemon(kept),
    }
}

fn failed(code: ErrorCode, text: String) -> Error {
    Error::new(ErrorDomain::REMOTE, code, text)
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

pub(crate) fn runtime_directory() -> PathBuf {
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

pub(crate) fn local(path: &Path, daemon: Option<&Path>) -> Result<Socket> {
    let mut last = match Socket::connect_local(path) {
        Ok(socket) => return Ok(socket),
        Err(e) => e,
    };
    if let Some(daemon) = daemon {
        start(daemon)?;
        // until the daemon listens; a slow host may need a while
        for wait in [1_u64, 2, 4, 8, 16, 32, 64].into_iter().chain(std::iter::repeat_n(100, 48)) {
            match Socket::connect_local(path) {
                Ok(socket) => return Ok(socket),
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
