//! Every way to a daemon, and what is said when it leads nowhere.
#![allow(clippy::unwrap_used)] // tests, whose helpers clippy does not know as such

mod daemon;
mod pki;

use std::net::{TcpListener, TcpStream};
use std::time::Duration;

use daemon::{AUTHENTICATIONS, Daemon, HOSTNAME, OPEN, xdr};
use pki::{Mistake, Pki};
use virtus::calls::Remote;
use virtus::{CloseReason, Connection, Error, ErrorCode, OpenOptions};

const POLKIT: i32 = 70;

fn answering() -> Daemon {
    let daemon = Daemon::new();
    daemon.answers(HOSTNAME, |_| Some(Ok(xdr("here".to_owned()))));
    daemon.answers(Remote::connect_is_secure().number, |_| Some(Ok(xdr(1_i32))));
    daemon
}

fn over_tcp(daemon: &Daemon) -> u16 {
    daemon.listen(Some)
}

fn refused(uri: &str) -> Error {
    Connection::open(uri).unwrap_err()
}

#[test]
fn a_local_socket() {
    let daemon = answering();
    daemon.start();
    let connection = Connection::open(&daemon.uri()).unwrap();
    assert_eq!(connection.hostname().unwrap(), "here");
    let error = refused("qemu+unix:///system?socket=/nonexistent");
    assert_eq!(error.message(), "Failed to connect socket to '/nonexistent': No such file or directory");
    assert_eq!(error.code(), ErrorCode::SYSTEM_ERROR);
    assert_eq!(
        refused("qemu:///system?mode=bogus").message(),
        "invalid argument: Unknown remote mode 'bogus'"
    );
}

#[test]
fn a_port() {
    let daemon = answering();
    let port = over_tcp(&daemon);
    let connection = Connection::open(&format!("qemu+tcp://127.0.0.1:{port}/system")).unwrap();
    assert_eq!(connection.hostname().unwrap(), "here");
    assert!(!connection.is_encrypted().unwrap() && !connection.is_secure().unwrap());

    // a port where nobody listens any more
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let error = refused(&format!("qemu+tcp://127.0.0.1:{port}/system"));
    assert_eq!(
        error.message(),
        format!("unable to connect to server at '127.0.0.1:{port}': Connection refused")
    );
    assert_eq!(error.code(), ErrorCode::SYSTEM_ERROR);
    let error = refused("qemu+tcp://no-such-host.invalid/system");
    let text = "Unable to resolve address 'no-such-host.invalid' service '16509': ";
    assert!(error.message().starts_with(text), "{error}");
}

#[test]
fn what_the_daemon_is_asked_to_open_is_what_is_not_for_the_way() {
    let daemon = answering();
    daemon.answers(OPEN, |body| {
        let name: (Option<String>, u32) = virtus_xdr::decode(body).unwrap();
        let text = format!("{}/{}", name.0.unwrap_or_default(), name.1);
        Some(Err(Error::new(virtus::ErrorDomain::QEMU, ErrorCode::INTERNAL_ERROR, text)))
    });
    let port = over_tcp(&daemon);
    let asked = |uri: &str| refused(&uri.replace("PORT", &port.to_string())).message().to_owned();
    assert_eq!(
        asked("qemu+tcp://127.0.0.1:PORT/system?no_verify=1&a=b"),
        "internal error: qemu:///system?a=b/0"
    );
    assert_eq!(asked("xen+tcp://127.0.0.1:PORT/?name=qemu:///session"), "internal error: qemu:///session/0");
    assert_eq!(asked("remote+tcp://127.0.0.1:PORT/"), "internal error: /0");
    let read_only = OpenOptions::new().read_only(true);
    let error = read_only.open(Some(&format!("test+tcp://127.0.0.1:{port}/default"))).unwrap_err();
    assert_eq!(error.message(), "internal error: test:///default/1");
}

#[test]
fn a_program() {
    let directory = tempfile::tempdir().unwrap();
    let script = |name: &str, text: &str| {
        use std::os::unix::fs::PermissionsExt;
        let path = directory.path().join(name);
        std::fs::write(&path, format!("#!/bin/sh\n{text}\n")).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
        path.display().to_string()
    };
    let gives_up = script("gives-up", "echo 'no way to there' >&2; exit 1");
    let error = refused(&format!("qemu+ext:///system?command={gives_up}"));
    assert!(error.message().contains("no way to there"), "{error}");
    assert_eq!(error.code(), ErrorCode::SYSTEM_ERROR);
    let error = refused("qemu+ext:///system");
    assert_eq!(error.message(), "invalid argument: remote_open: for 'ext' transport, command is required");
    let error = refused("qemu+ext:///system?command=/nonexistent");
    assert_eq!(error.message(), "cannot execute binary /nonexistent: No such file or directory");

    // the same for ssh, whose program sees where to and what for
    let seen = directory.path().join("seen");
    let ssh = script("ssh", &format!("printf '%s|' \"$@\" > {}; exit 255", seen.display()));
    refused(&format!(
        "qemu+ssh://fred@host.example:22/system?command={ssh}&keyfile=/k&no_tty=1&no_verify=1&proxy=netcat&netcat=nc6"
    ));
    let words = std::fs::read_to_string(seen).unwrap();
    let (options, command) = words.split_once("|--|").unwrap();
    assert_eq!(options, "-p|22|-l|fred|-i|/k|-T|-e|none|-o|BatchMode=yes|-o|StrictHostKeyChecking=no");
    assert!(command.starts_with("host.example|sh -c 'if 'nc6' -q "), "{command}");
    assert!(command.contains("/var/run/libvirt/libvirt-sock"), "{command}");
}

#[test]
fn libraries_for_ssh_have_their_own_mistakes() {
    for (parameter, text) in [
        ("known_hosts_verify=bogus", "invalid argument: Invalid host key verification method: 'bogus'"),
        ("sshauth=agent,bogus", "invalid argument: Invalid authentication method: 'bogus'"),
        ("mode=direct", "Operation not supported: Cannot use direct socket mode for libssh transport"),
        ("proxy=bogus", "invalid argument: Unnkown proxy type 'bogus'"),
    ] {
        assert_eq!(refused(&format!("qemu+libssh://localhost/system?{parameter}")).message(), text);
    }
}

#[test]
fn polkit_needs_nothing() {
    let daemon = answering();
    daemon.answers(AUTHENTICATIONS, |_| Some(Ok(xdr((1_u32, 2_i32)))));
    daemon.answers(POLKIT, |_| Some(Ok(xdr(1_i32))));
    daemon.start();
    assert_eq!(Connection::open(&daemon.uri()).unwrap().hostname().unwrap(), "here");
    assert_eq!(daemon.asked(POLKIT), 1);
    let text = "authentication unavailable: no polkit agent available to authenticate action 'org.libvirt.unix.manage'";
    daemon.answers(POLKIT, move |_| {
        Some(Err(Error::new(virtus::ErrorDomain::RPC, ErrorCode::AUTH_UNAVAILABLE, text)))
    });
    let error = refused(&daemon.uri());
    assert_eq!((error.code(), daemon.asked(OPEN)), (ErrorCode::AUTH_UNAVAILABLE, 1));
    let error = refused(&format!("{}&auth=sasl", daemon.uri()));
    assert_eq!(error.message(), "authentication failed: requested authentication type sasl rejected");
    let error = refused(&format!("{}&auth=none", daemon.uri()));
    assert_eq!(error.message(), "authentication failed: unknown authentication type none");
}

#[test]
fn a_daemon_that_says_nothing_is_given_up() {
    let daemon = answering();
    daemon.answers(HOSTNAME, |_| None);
    daemon.start();
    let connection = Connection::open(&daemon.uri()).unwrap();
    connection.set_keepalive(Duration::from_millis(20), 2);
    // it answers no pings: it only knows calls
    let error = connection.hostname().unwrap_err();
    assert_eq!(error.message(), "internal error: connection closed due to keepalive timeout");
    assert_eq!(connection.close_reason(), Some(CloseReason::Keepalive));
    assert_eq!(connection.hostname().unwrap_err().message(), "internal error: client socket is closed");
}

/// A daemon behind TLS, and the URI to it with certificates from `directory`.
fn over_tls(daemon: &Daemon, server: &Pki) -> u16 {
    let config = server.server();
    daemon.listen(move |client: TcpStream| {
        use std::io::Write;
        let session = rustls::ServerConnection::new(config.clone()).unwrap();
        let mut stream = rustls::StreamOwned::new(session, client);
        // after the handshake it says that it lets the client in
        stream.write_all(&[1]).and_then(|()| stream.flush()).ok().map(|()| stream)
    })
}

#[test]
fn certificates() {
    let (pki, foreign) = (Pki::new("localhost"), Pki::new("localhost"));
    let daemon = answering();
    let port = over_tls(&daemon, &pki);
    let uri = |host: &str, directory: &tempfile::TempDir, more: &str| {
        format!("qemu+tls://{host}:{port}/system?pkipath={}{more}", directory.path().display())
    };
    let good = pki.client(Mistake::None);
    for more in ["", "&tls_priority=NORMAL:-VERS-TLS1.3", "&tls_priority=SECURE256"] {
        let connection = Connection::open(&uri("localhost", &good, more)).unwrap();
        assert_eq!(connection.hostname().unwrap(), "here");
        assert!(connection.is_encrypted().unwrap() && connection.is_secure().unwrap());
    }
    let error = refused(&uri("localhost", &good, "&tls_priority=NORMAL:BOGUS"));
    assert_eq!(
        error.message(),
        "Failed to set TLS session priority to NORMAL:BOGUS: The request is invalid."
    );

    // the name on the certificate is another one
    let error = refused(&uri("127.0.0.1", &good, ""));
    assert_eq!(error.message(), "authentication failed: Failed to verify peer's certificate");
    assert!(Connection::open(&uri("127.0.0.1", &good, "&no_verify=1")).is_ok());

    // we do not trust who has signed it
    let error = refused(&uri("localhost", &foreign.client(Mistake::None), ""));
    assert_eq!(error.message(), "authentication failed: Failed to verify peer's certificate");
    assert_eq!(error.code(), ErrorCode::AUTH_FAILED);

    // ours is no good: we say so before they do, unless we are told not to look
    for (mistake, text) in [
        (Mistake::Expired, "The client certificate DIR/clientcert.pem has expired"),
        (Mistake::Early, "The client certificate DIR/clientcert.pem is not yet active"),
        (Mistake::NoFile, "Cannot read CA certificate 'DIR/cacert.pem': No such file or directory"),
        (Mistake::Junk, "Unable to import CA certificate list DIR/cacert.pem"),
        (
            Mistake::Authority,
            "The certificate DIR/clientcert.pem basic constraints show a CA, but we need one for a client",
        ),
    ] {
        let directory = pki.client(mistake);
        let text = text.replace("DIR", &directory.path().display().to_string());
        let error = refused(&uri("localhost", &directory, ""));
        assert_eq!((error.message(), error.code()), (text.as_str(), ErrorCode::SYSTEM_ERROR));
    }
    let expired = pki.client(Mistake::Expired);
    let error = refused(&uri("localhost", &expired, "&no_sanity=1"));
    assert!(error.message().starts_with("Unable to read TLS confirmation: "), "{error}");
    let nobody = pki.client(Mistake::NoIdentity);
    let error = refused(&uri("localhost", &nobody, ""));
    assert!(error.message().starts_with("Unable to read TLS confirmation: "), "{error}");
}

#[test]
fn a_servers_certificate_that_has_expired() {
    let pki = Pki::new("localhost").with_server(Mistake::Expired);
    let daemon = answering();
    let port = over_tls(&daemon, &pki);
    let good = pki.client(Mistake::None);
    let uri = format!("qemu+tls://localhost:{port}/system?pkipath={}", good.path().display());
    let error = refused(&uri);
    assert_eq!(error.message(), "authentication failed: Failed to verify peer's certificate");
    assert!(Connection::open(&format!("{uri}&no_verify=1")).is_ok());
}
