//! Telling the daemon who we are.

mod ask;
mod sasl;

pub(crate) use ask::{Ask, one};
pub use ask::{Credential, CredentialKind};

use virtus_api::calls::Remote;
use virtus_base::{Error, ErrorCode, ErrorDomain, Result};

use crate::peer::Peer;
use crate::uri::Uri;

const NONE: i32 = 0;
const SASL: i32 = 1;
const POLKIT: i32 = 2;

/// Authenticates as the daemon asks, or as the URI's `auth` parameter wants.
pub(crate) fn authenticate(peer: &dyn Peer, uri: Option<&Uri>, ask: Option<&Ask>) -> Result<()> {
    let offered = peer.ask(Remote::auth_list())?;
    let wanted = match uri.and_then(|uri| uri.parameter("auth")) {
        None => None,
        Some("polkit") => Some(POLKIT),
        Some(text) if text == "sasl" || text.starts_with("sasl.") => Some(SASL),
        Some(other) => return Err(failed(format!("unknown authentication type {other}"))),
    };
    let kind = match wanted {
        Some(kind) if offered.contains(&kind) => kind,
        Some(kind) => {
            return Err(failed(format!("requested authentication type {} rejected", name(kind))));
        }
        None => offered.first().copied().unwrap_or(NONE),
    };
    match kind {
        NONE => Ok(()),
        SASL => {
            let mechanism =
                uri.and_then(|uri| uri.parameter("auth")).and_then(|auth| auth.strip_prefix("sasl."));
            sasl::authenticate(peer, uri, mechanism, ask)
        }
        POLKIT => peer.ask(Remote::auth_polkit()).map(drop),
        other => Err(failed(format!("unsupported authentication type {other}"))),
    }
}

fn name(kind: i32) -> &'static str {
    match kind {
        SASL => "sasl",
        POLKIT => "polkit",
        _ => "none",
    }
}

fn failed(text: String) -> Error {
    Error::new(ErrorDomain::REMOTE, ErrorCode::AUTH_FAILED, text)
}
