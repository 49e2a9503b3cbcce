//! Cryptography accelerators.

use virtus_base::Result;
use virtus_conf::domain::device::Crypto;
use virtus_conf::domain::device::crypto::CryptoBackend;

use super::Virtio;
use crate::command::build::Build;
use crate::command::guest::Guest;
use crate::command::props::Props;

/// All accelerators.
pub(crate) fn add(build: &mut Build<'_>) -> Result<()> {
    let guest = build.guest;
    for crypto in &guest.domain.devices.cryptos {
        build.line.json("object", &backend(&guest, crypto));
        build.device(props(&guest, crypto)?);
    }
    Ok(())
}

/// Who computes.
pub fn backend(guest: &Guest<'_>, crypto: &Crypto) -> Props {
    let kind = match crypto.backend.model {
        CryptoBackend::Builtin => "cryptodev-backend-builtin",
        CryptoBackend::Lkcf => "cryptodev-backend-lkcf",
    };
    Props::object(kind, format!("obj{}", guest.alias(&crypto.info)))
        .maybe("queues", crypto.backend.queues.filter(|queues| *queues > 0))
}

/// The device.
///
/// # Errors
/// `INTERNAL_ERROR` for an address that does not fit.
pub fn props(guest: &Guest<'_>, crypto: &Crypto) -> Result<Props> {
    let alias = guest.alias(&crypto.info);
    Ok(guest
        .virtio("virtio-crypto", Virtio::Plain, &crypto.driver, &crypto.info)?
        .with("cryptodev", format!("obj{alias}"))
        .with("id", alias)
        .join(guest.address(&crypto.info)?))
}
