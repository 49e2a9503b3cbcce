//! SASL: SCRAM, PLAIN and EXTERNAL. None of them protects what follows, so that TCP alone is refused as libvirt
//! refuses it.

use rsasl::mechname::Mechname;
use rsasl::prelude::{SASLClient, SASLConfig, State};
use virtus_api::calls::Remote;
use virtus_base::{Error, ErrorCode, ErrorDomain, Result};
use virtus_xdr::Chars;

use super::ask::{Ask, name_and_password};
use crate::peer::Peer;
use crate::uri::Uri;

/// Talks until both sides are content. `wanted` is a mechanism's name.
pub(super) fn authenticate(
    peer: &dyn Peer,
    uri: Option<&Uri>,
    wanted: Option<&str>,
    ask: Option<&Ask>,
) -> Result<()> {
    let offered = peer.ask(Remote::auth_sasl_init())?;
    let mut offered: Vec<&str> = offered.split([' ', ',']).filter(|name| !name.is_empty()).collect();
    if let Some(wanted) = wanted {
        if !offered.contains(&wanted) {
            return Err(failed(format!("SASL mechanism {wanted} not supported by server")));
        }
        offered = vec![wanted];
    }
    let host = uri.and_then(|uri| uri.server.clone()).unwrap_or_else(|| "localhost".to_owned());
    let config = match offered.as_slice() {
        ["EXTERNAL"] => SASLConfig::builder().with_default_mechanisms().with_callback(Nobody),
        _ => {
            let (name, password) = name_and_password(uri, &host, ask)?;
            SASLConfig::with_credentials(None, name, password)
        }
    };
    let start = |e: &dyn std::fmt::Display| failed(format!("Failed to start SASL negotiation: {e}"));
    let step = |e: &dyn std::fmt::Display| failed(format!("Failed to step SASL negotiation: {e}"));
    // a password is not said where others can hear it
    if !peer.is_secure() {
        offered.retain(|name| *name != "PLAIN");
    }
    let names: Vec<&Mechname> =
        offered.iter().filter_map(|name| Mechname::parse(name.as_bytes()).ok()).collect();
    let mut session =
        SASLClient::new(config.map_err(|e| start(&e))?).start_suggested(&names).map_err(|e| start(&e))?;
    let mechanism = session.get_mechname().as_str().to_owned();

    let mut out = Vec::new();
    let mut state = match session.are_we_first() {
        true => session.step(None, &mut out).map_err(|e| step(&e))?,
        false => State::Running,
    };
    let nil = i32::from(!state.has_sent_message());
    let reply = peer.ask(Remote::auth_sasl_start(mechanism, nil, Chars(out)))?;
    let (mut complete, mut nil, mut data) = (reply.complete, reply.nil, reply.data);
    for _ in 0..ROUNDS_MAX {
        let mut out = Vec::new();
        let mut says = false;
        if !state.is_finished() {
            let heard = (nil == 0).then_some(data.as_slice());
            state = session.step(heard, &mut out).map_err(|e| step(&e))?;
            says = state.has_sent_message();
        }
        match (complete != 0, state.is_finished()) {
            (true, true) => return check_strength(peer),
            // the server is content, but has not shown that it knows the password
            (true, false) => break,
            (false, _) => {}
        }
        let reply = peer.ask(Remote::auth_sasl_step(i32::from(!says), Chars(out)))?;
        (complete, nil, data) = (reply.complete, reply.nil, reply.data);
    }
    Err(failed("Failed to step SASL negotiation: it does not come to an end".to_owned()))
}

/// Refuses a way on which others can listen after an authentication that does not protect it.
fn check_strength(peer: &dyn Peer) -> Result<()> {
    match peer.is_secure() {
        true => Ok(()),
        false => Err(failed("negotiation SSF 0 was not strong enough".to_owned())),
    }
}

/// No mechanism needs more.
const ROUNDS_MAX: usize = 16;

/// Answers nothing: for mechanisms that ask nothing.
struct Nobody;

impl rsasl::callback::SessionCallback for Nobody {}

fn failed(text: String) -> Error {
    Error::new(ErrorDomain::RPC, ErrorCode::AUTH_FAILED, text)
}
