//! Certificates with which QEMU encrypts what it says to others: the objects that hold them, and their keys' secrets.

use virtus_base::{Result, Uuid};
use virtus_conf::domain::Domain;
use virtus_conf::domain::device::chardev::{ChardevSource, SocketMode};
use virtus_conf::domain::device::rng::RngBackend;
use virtus_conf::domain::device::smartcard::SmartcardMode;
use virtus_conf::domain::device::storage::SecretRef;
use virtus_conf::domain::device::{Chardev, DeviceInfo, Graphics};

use super::chardev;
use super::storage::{NeededSecret, SecretKind, secret_object};
use crate::command::guest::{Guest, unsupported};
use crate::command::props::Props;
use crate::settings::{Service, Settings};

/// The id of VNC's certificates.
pub(super) const VNC: &str = "vnc-tls-creds0";

/// The id of the secret that opens the key of these certificates. That of a character device is named after the
/// device, any other after what it opens.
fn secret_id(id: &str) -> String {
    match id.strip_prefix("objchar").and_then(|rest| rest.strip_suffix("_tls0")) {
        Some(alias) => format!("char{alias}-secret0"),
        None => format!("{id}-secret0"),
    }
}

/// The secret of a service's key, if there is one that can be looked up.
pub(super) fn needed(settings: &Settings, service: Service, id: &str) -> Option<NeededSecret> {
    let uuid = settings.tls(service).secret.and_then(|uuid| Uuid::parse(uuid))?;
    let lookup = SecretRef { uuid: Some(uuid), usage: None };
    Some(NeededSecret { id: secret_id(id), kind: SecretKind::Tls, lookup, text: None })
}

/// The secrets of a guest's displays and character devices.
pub(super) fn needed_of(domain: &Domain, settings: &Settings) -> Vec<NeededSecret> {
    let devices = &domain.devices;
    let vnc = devices.graphics.iter().filter(|g| settings.vnc_tls && matches!(g, Graphics::Vnc(_)));
    let mut all: Vec<_> = vnc.take(1).filter_map(|_| needed(settings, Service::Vnc, VNC)).collect();
    let mut of = |info: &DeviceInfo, chardev: &Chardev| {
        if let (Some(alias), Some(_)) = (&info.alias, encrypted(chardev)) {
            all.extend(needed(settings, Service::Chardev, &credentials_id(&chardev::id(alias))));
        }
    };
    devices.serials.iter().for_each(|d| of(&d.info, &d.chardev));
    devices.parallels.iter().for_each(|d| of(&d.info, &d.chardev));
    devices.channels.iter().for_each(|d| of(&d.info, &d.chardev));
    devices.consoles.iter().for_each(|d| of(&d.info, &d.chardev));
    devices.redirdevs.iter().for_each(|d| of(&d.info, &d.chardev));
    for smartcard in &devices.smartcards {
        if let SmartcardMode::Passthrough(chardev) = &smartcard.mode {
            of(&smartcard.info, chardev);
        }
    }
    for rng in &devices.rngs {
        if let RngBackend::Egd(chardev) = &rng.backend {
            of(&rng.info, chardev);
        }
    }
    all
}

/// Whether a character device is encrypted: as a server or as a client.
pub(super) fn encrypted(chardev: &Chardev) -> Option<SocketMode> {
    let ChardevSource::Tcp(tcp) = &chardev.source else { return None };
    let on = tcp.source.tls.is_some_and(|tls| tls.is_true());
    on.then(|| tcp.source.mode.unwrap_or(SocketMode::Connect))
}

/// The id of the certificates of a chardev or a node.
pub(super) fn credentials_id(of: &str) -> String {
    format!("obj{of}_tls0")
}

/// The objects of a service's certificates, the last one with the id.
///
/// # Errors
/// `CONFIG_UNSUPPORTED` when the settings name a secret that cannot be, `NO_SECRET` when it was not looked up.
pub(super) fn objects(guest: &Guest<'_>, service: Service, id: &str, server: bool) -> Result<Vec<Props>> {
    let tls = guest.context.settings.tls(service);
    let mut objects = Vec::new();
    let mut password = None;
    if let Some(uuid) = tls.secret {
        if Uuid::parse(uuid).is_none() {
            return Err(unsupported(format!("malformed TLS secret uuid '{uuid}' provided")));
        }
        objects.push(secret_object(guest, &secret_id(id))?);
        password = Some(secret_id(id));
    }
    let credentials = Props::object("tls-creds-x509", id)
        .with("dir", tls.directory)
        .with("endpoint", if server { "server" } else { "client" })
        // a server that is not who it says it is is of no use to anybody
        .with("verify-peer", !server || tls.verify)
        .maybe("passwordid", password);
    objects.push(credentials);
    Ok(objects)
}
