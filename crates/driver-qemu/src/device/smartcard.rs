//! Smartcards.

use virtus_base::Result;
use virtus_conf::domain::device::smartcard::SmartcardMode;
use virtus_conf::domain::device::{Address, Smartcard};

use super::chardev;
use crate::command::build::Build;
use crate::command::guest::{Guest, internal};
use crate::command::props::Props;

/// The certificates' database when none is named.
const DATABASE: &str = "/etc/pki/nssdb";

/// All cards.
pub(crate) fn add(build: &mut Build<'_>) -> Result<()> {
    let guest = build.guest;
    for smartcard in &guest.domain.devices.smartcards {
        if let SmartcardMode::Passthrough(chardev) = &smartcard.mode {
            chardev::add(build, &guest.alias(&smartcard.info), chardev)?;
        }
        build.device(props(&guest, smartcard)?);
    }
    Ok(())
}

/// The card.
///
/// # Errors
/// `INTERNAL_ERROR` for an address that is not of a reader.
pub fn props(guest: &Guest<'_>, smartcard: &Smartcard) -> Result<Props> {
    let alias = guest.alias(&smartcard.info);
    let mut props = match &smartcard.mode {
        SmartcardMode::Host => Props::device("ccid-card-emulated").with("backend", "nss-emulated"),
        SmartcardMode::HostCertificates { certificates, database } => {
            let mut props = Props::device("ccid-card-emulated").with("backend", "certificates");
            for (certificate, i) in certificates.iter().zip(1..) {
                props.set(&format!("cert{i}"), certificate.clone());
            }
            props.with("db", database.clone().unwrap_or_else(|| DATABASE.to_owned()))
        }
        SmartcardMode::Passthrough(_) => {
            Props::device("ccid-card-passthru").with("chardev", chardev::id(&alias))
        }
    };
    props.set("id", alias);
    match &smartcard.info.address {
        Some(Address::Ccid(ccid)) => {
            let controller = guest.controller_alias("ccid", ccid.controller)?;
            Ok(props.with("bus", format!("{controller}.0")))
        }
        _ => Err(internal("unexpected address type for smartcard")),
    }
}
