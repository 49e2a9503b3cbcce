//! Names and passwords, by SCRAM and in the clear: right ones, wrong ones, and none.
#![allow(clippy::unwrap_used)] // tests, whose helpers clippy does not know as such

mod daemon;
mod pki;

use std::net::TcpStream;
use std::sync::{Arc, Mutex};

use daemon::{AUTHENTICATIONS, Daemon, OPEN, xdr};
use pki::{Mistake, Pki};
use rsasl::callback::{Context, Request, SessionCallback, SessionData};
use rsasl::mechanisms::scram::properties::ScramStoredPassword;
use rsasl::mechanisms::scram::tools;
use rsasl::mechname::Mechname;
use rsasl::prelude::{SASLConfig, SASLServer, Session, SessionError, State, Validation};
use rsasl::property::{AuthId, Password};
use rsasl::validate::{Validate, ValidationError};
use sha2::{Digest, Sha256};
use virtus::{CredentialKind, Error, ErrorCode, ErrorDomain, OpenOptions};
use virtus_xdr::Chars;

const INIT: i32 = 67;
const START: i32 = 68;
const STEP: i32 = 69;
const ROUNDS: u32 = 4096;
const SALT: &[u8] = b"pepper";

/// Knows one user.
struct Fred;

impl SessionCallback for Fred {
    fn callback(
        &self,
        _: &SessionData,
        context: &Context,
        request: &mut Request,
    ) -> Result<(), SessionError> {
        if context.get_ref::<AuthId>() == Some("fred") {
            let mut salted = Default::default();
            tools::hash_password::<Sha256>(b"secret", ROUNDS, SALT, &mut salted);
            let (client, server) = tools::derive_keys::<Sha256>(salted.as_slice());
            let stored = Sha256::digest(client);
            request
                .satisfy::<ScramStoredPassword>(&ScramStoredPassword::new(ROUNDS, SALT, &stored, &server))?;
        }
        Ok(())
    }

    fn validate(
        &self,
        data: &SessionData,
        context: &Context,
        validate: &mut Validate<'_>,
    ) -> Result<(), ValidationError> {
        let fred = context.get_ref::<AuthId>() == Some("fred");
        // SCRAM has looked at the password itself
        let knows = data.mechanism().mechanism != "PLAIN" || context.get_ref::<Password>() == Some(b"secret");
        validate.with::<Known, _>(|| Ok(fred && knows))?;
        Ok(())
    }
}

struct Known;

impl Validation for Known {
    type Value = bool;
}

fn answer(session: &mut Session<Known>, heard: &[u8]) -> Result<Vec<u8>, Error> {
    let refused = || Error::new(ErrorDomain::RPC, ErrorCode::AUTH_FAILED, "authentication failed");
    let mut out = Vec::new();
    let state = session.step(Some(heard), &mut out).map_err(|_| refused())?;
    let complete = matches!(state, State::Finished(_));
    if complete && session.validation() != Some(true) {
        return Err(refused());
    }
    let nil = i32::from(!state.has_sent_message());
    Ok(xdr((i32::from(complete), nil, Chars::<65_536>(out))))
}

/// A daemon that wants to know who calls.
fn asking(mechanisms: &str) -> Daemon {
    let daemon = Daemon::new();
    let offered = mechanisms.to_owned();
    daemon.answers(AUTHENTICATIONS, |_| Some(Ok(xdr((1_u32, 1_i32)))));
    daemon.answers(INIT, move |_| Some(Ok(xdr(offered.clone()))));
    let session = Arc::new(Mutex::new(None::<Session<Known>>));
    let started = session.clone();
    daemon.answers(START, move |body| {
        let (name, _, heard): (String, i32, Chars<65_536>) = virtus_xdr::decode(body).unwrap();
        let config = SASLConfig::builder().with_defaults().with_callback(Fred).unwrap();
        let mut session = SASLServer::<Known>::new(config)
            .start_suggested(Mechname::parse(name.as_bytes()).unwrap())
            .unwrap();
        let answer = answer(&mut session, &heard.0);
        *started.lock().unwrap() = Some(session);
        Some(answer)
    });
    daemon.answers(STEP, move |body| {
        let (_, heard): (i32, Chars<65_536>) = virtus_xdr::decode(body).unwrap();
        Some(answer(session.lock().unwrap().as_mut().unwrap(), &heard.0))
    });
    daemon
}

/// Who says this when asked.
fn says(name: &str, password: &str) -> OpenOptions {
    let (name, password) = (name.to_owned(), password.to_owned());
    OpenOptions::new().auth(move |questions| {
        for question in questions {
            question.answer = match question.kind {
                CredentialKind::AuthName => Some(name.clone()),
                CredentialKind::Passphrase => Some(password.clone()),
                _ => None,
            };
        }
        Ok(())
    })
}

fn file(daemon: &Daemon, text: &str) -> (tempfile::NamedTempFile, String) {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), text).unwrap();
    let uri = format!("{}&authfile={}", daemon.uri(), file.path().display());
    (file, uri)
}

#[test]
fn the_right_password_lets_in_and_a_wrong_one_does_not() {
    for mechanisms in ["SCRAM-SHA-256", "PLAIN", "GSSAPI SCRAM-SHA-256 PLAIN"] {
        let daemon = asking(mechanisms);
        daemon.start();
        let (_file, uri) = file(&daemon, "");
        says("fred", "secret").open(Some(&uri)).unwrap();
        for (name, password) in [("fred", "wrong"), ("nobody", "secret"), ("fred", "")] {
            let error = says(name, password).open(Some(&uri)).unwrap_err();
            assert_eq!(error.code(), ErrorCode::AUTH_FAILED, "{mechanisms} {name} {password}: {error}");
        }
        assert_eq!(daemon.asked(OPEN), 1, "nobody else has come as far");
    }
}

#[test]
fn a_file_knows_names_and_passwords() {
    let daemon = asking("SCRAM-SHA-256");
    daemon.start();
    let (_file, uri) = file(
        &daemon,
        "[credentials-x]\nauthname=fred\npassword=secret\n[auth-libvirt-localhost]\ncredentials=x\n",
    );
    OpenOptions::new().open(Some(&uri)).unwrap();
    OpenOptions::new().open(Some(&format!("{uri}&auth=sasl.SCRAM-SHA-256"))).unwrap();
    let error = OpenOptions::new().open(Some(&format!("{uri}&auth=sasl.SCRAM-SHA-1"))).unwrap_err();
    assert_eq!(error.message(), "authentication failed: SASL mechanism SCRAM-SHA-1 not supported by server");
    let error = OpenOptions::new().open(Some(&format!("{uri}&auth=polkit"))).unwrap_err();
    assert_eq!(error.message(), "authentication failed: requested authentication type polkit rejected");

    let (_half, uri) =
        file(&daemon, "[credentials-x]\nauthname=fred\n[auth-libvirt-default]\ncredentials=x\n");
    let error = OpenOptions::new().open(Some(&uri)).unwrap_err();
    assert_eq!(error.message(), "authentication failed: No authentication callback available");
    says("not asked for", "secret").open(Some(&uri)).unwrap();
    let (broken, uri) = file(&daemon, "[auth-libvirt-default]\ncredentials=y\n");
    let error = OpenOptions::new().open(Some(&uri)).unwrap_err();
    let text = "configuration file syntax error: Missing group 'credentials-y' referenced from group \
                'auth-libvirt-default' in 'FILE'";
    assert_eq!(error.message(), text.replace("FILE", &broken.path().display().to_string()));
}

#[test]
fn where_others_can_listen_nothing_is_said() {
    let daemon = asking("PLAIN SCRAM-SHA-256");
    let port = daemon.listen(Some);
    let uri = format!("qemu+tcp://127.0.0.1:{port}/system?authfile=/dev/null");
    let error = says("fred", "secret").open(Some(&uri)).unwrap_err();
    assert_eq!(error.message(), "authentication failed: negotiation SSF 0 was not strong enough");
    assert_eq!(daemon.asked(OPEN), 0);
    let error = says("fred", "secret").open(Some(&format!("{uri}&auth=sasl.PLAIN"))).unwrap_err();
    assert_eq!((error.code(), daemon.asked(START)), (ErrorCode::AUTH_FAILED, 1), "the password was not sent");
}

#[test]
fn behind_tls_it_is_protected() {
    let pki = Pki::new("localhost");
    let daemon = asking("SCRAM-SHA-256");
    let config = pki.server();
    let port = daemon.listen(move |client: TcpStream| {
        use std::io::Write;
        let session = rustls::ServerConnection::new(config.clone()).unwrap();
        let mut stream = rustls::StreamOwned::new(session, client);
        stream.write_all(&[1]).and_then(|()| stream.flush()).ok().map(|()| stream)
    });
    let directory = pki.client(Mistake::None);
    let uri = format!(
        "qemu+tls://localhost:{port}/system?authfile=/dev/null&pkipath={}",
        directory.path().display()
    );
    says("fred", "secret").open(Some(&uri)).unwrap();
    assert_eq!(says("fred", "wrong").open(Some(&uri)).unwrap_err().code(), ErrorCode::AUTH_FAILED);
}

#[test]
fn a_daemon_that_does_not_know_the_password_is_not_believed() {
    let daemon = asking("SCRAM-SHA-256");
    // it lets everyone in, and proves nothing
    daemon.answers(START, |_| Some(Ok(xdr((1_i32, 1_i32, Chars::<65_536>(Vec::new()))))));
    daemon.start();
    let (_file, uri) = file(&daemon, "");
    let error = says("fred", "secret").open(Some(&uri)).unwrap_err();
    assert_eq!((error.code(), daemon.asked(OPEN)), (ErrorCode::AUTH_FAILED, 0));
}
