//! Secrets that open images: the objects which hold them, encrypted with the guest's master key.

use virtus_base::{Error, ErrorCode, ErrorDomain, Result};
use virtus_conf::domain::Domain;
use virtus_conf::domain::device::HostDev;
use virtus_conf::domain::device::hostdev::{HostDevSource, ScsiSource};
use virtus_conf::domain::device::storage::{
    BackingStore, EncryptionEngine, Location, NetProtocol, SecretRef, SourceCommon, StorageSource,
};

use super::super::tls;
use super::{Names, Node};
use crate::command::guest::Guest;
use crate::command::props::Props;
use crate::settings::{Service, Settings};

/// What a secret is used for: libvirt's usage type has to fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SecretKind {
    Volume,
    Ceph,
    Iscsi,
    Tls,
    Vtpm,
    /// Made of the document itself: the cookies of an HTTP source.
    Text,
}

/// A secret that has to be looked up and encrypted before the command line is built.
#[derive(Clone, Debug, PartialEq)]
pub struct NeededSecret {
    /// The id of the object that holds it: the key of [`crate::command::guest::Context::secrets`].
    pub id: String,
    pub kind: SecretKind,
    pub lookup: SecretRef,
    /// The secret itself, when the document has it.
    pub text: Option<String>,
}

/// All secrets of a guest whose images are numbered.
pub fn needed_secrets(domain: &Domain, settings: &Settings) -> Vec<NeededSecret> {
    let mut needed = tls::needed_of(domain, settings);
    for disk in &domain.devices.disks {
        of_image(&disk.source, &Names::of(&disk.source), settings, &mut needed);
        let mut below = disk.backing.as_ref();
        while let Some(BackingStore::Image(image)) = below {
            of_image(&image.source, &Names::of(&image.source), settings, &mut needed);
            below = image.backing.as_ref();
        }
    }
    if let Some(source) = domain.os.nvram.as_ref().and_then(|nvram| nvram.source.as_ref()) {
        of_image(source, &Names::pflash(1), settings, &mut needed);
    }
    for hostdev in &domain.devices.hostdevs {
        if let Some((id, lookup)) = iscsi_secret(hostdev) {
            needed.push(NeededSecret { id, kind: SecretKind::Iscsi, lookup, text: None });
        }
    }
    needed
}

/// The secret of an iSCSI unit: the id of its object, and where to look it up.
pub(crate) fn iscsi_secret(hostdev: &HostDev) -> Option<(String, SecretRef)> {
    let HostDevSource::Scsi(scsi) = &hostdev.source else { return None };
    let ScsiSource::Iscsi { auth: Some(auth), .. } = &scsi.source else { return None };
    let alias = hostdev.info.alias.as_deref()?;
    Some((format!("libvirt-{alias}-backend-secret0"), auth.secret.lookup.clone()))
}

fn of_image(source: &StorageSource, names: &Names, settings: &Settings, needed: &mut Vec<NeededSecret>) {
    if let (Some(auth), Location::Network(network)) = (&source.common.auth, &source.location) {
        let kind = match auth.secret.kind.as_deref() {
            Some("ceph") => SecretKind::Ceph,
            Some("iscsi") => SecretKind::Iscsi,
            _ if network.protocol == Some(NetProtocol::Rbd) => SecretKind::Ceph,
            _ => SecretKind::Iscsi,
        };
        let id = format!("{}-auth-secret0", names.storage());
        needed.push(NeededSecret { id, kind, lookup: auth.secret.lookup.clone(), text: None });
    }
    if let Location::Network(network) = &source.location
        && !network.cookies.is_empty()
    {
        let cookies: Vec<String> = network
            .cookies
            .iter()
            .map(|cookie| format!("{}={}", cookie.name, cookie.value.as_deref().unwrap_or_default()))
            .collect();
        needed.push(NeededSecret {
            id: format!("{}-httpcookie-secret0", names.storage()),
            kind: SecretKind::Text,
            lookup: SecretRef::default(),
            text: Some(cookies.join("; ")),
        });
    }
    if encrypted(source) {
        needed.extend(tls::needed(settings, Service::Nbd, &tls::credentials_id(&names.storage())));
    }
    if let Some(encryption) = &source.common.encryption {
        let node = match encryption.engine {
            Some(EncryptionEngine::Librbd) => names.storage(),
            _ => names.format(),
        };
        for (secret, i) in encryption.secrets.iter().zip(0..) {
            needed.push(NeededSecret {
                id: format!("{node}-encryption-secret{i}"),
                kind: SecretKind::Volume,
                lookup: secret.lookup.clone(),
                text: None,
            });
        }
    }
    if let Some(data) = &source.common.data_store {
        of_image(&data.source, &Names::of(&data.source), settings, needed);
    }
}

/// Whether what goes over the network is encrypted.
fn encrypted(source: &StorageSource) -> bool {
    let Location::Network(network) = &source.location else { return false };
    network.protocol == Some(NetProtocol::Nbd) && network.tls.is_some_and(|tls| tls.is_true())
}

/// The objects with an image's secrets.
pub(super) fn objects(
    guest: &Guest<'_>,
    source: &StorageSource,
    names: &Names,
    nodes: &mut Vec<Node>,
) -> Result<()> {
    let mut needed = Vec::new();
    // those of an external data file come with its own nodes
    let own = StorageSource {
        common: SourceCommon { data_store: None, ..source.common.clone() },
        location: source.location.clone(),
    };
    of_image(&own, names, &guest.context.settings, &mut needed);
    // that of a key comes with its certificates
    for secret in needed.into_iter().filter(|secret| secret.kind != SecretKind::Tls) {
        nodes.push(Node::Object(object(guest, &secret.id)?));
    }
    if encrypted(source) {
        let id = tls::credentials_id(&names.storage());
        nodes.extend(tls::objects(guest, Service::Nbd, &id, false)?.into_iter().map(Node::Object));
    }
    if let Some(reservations) = source.common.reservations.as_ref().filter(|r| !r.managed.is_true()) {
        let path = reservations.source.as_ref().map(|source| source.path.clone()).unwrap_or_default();
        let id = format!("pr-helper-libvirt-{}", source.common.index.unwrap_or(0));
        nodes.push(Node::Object(Props::object("pr-manager-helper", id).with("path", path)));
    }
    Ok(())
}

/// The object of one secret.
///
/// # Errors
/// `NO_SECRET` when it was not looked up.
pub(crate) fn object(guest: &Guest<'_>, id: &str) -> Result<Props> {
    let secret = guest.context.secrets.get(id).ok_or_else(|| {
        Error::new(ErrorDomain::QEMU, ErrorCode::NO_SECRET, format!("secret for '{id}' was not found"))
    })?;
    Ok(Props::object("secret", id)
        .with("data", secret.data.clone())
        .with("keyid", "masterKey0")
        .with("iv", secret.iv.clone())
        .with("format", "base64"))
}
