//! As whom a source is opened, and how it is decrypted.

use virtus_base::{Error, ErrorCode, ErrorDomain, Result, Uuid};
use virtus_xml::{Element, Xml, keywords};

/// Who a network source is opened as.
#[derive(Clone, Debug, PartialEq, Xml)]
#[xml(order(username, fn known_type, secret))]
pub struct Auth {
    #[xml(attr, nonempty, missing = "missing username for auth", domain = STORAGE)]
    pub username: String,
    #[xml(missing = "Missing <secret> element in auth", domain = STORAGE)]
    pub secret: AuthSecret,
}

/// Who asks may say what kind of secret it is.
fn known_type(e: Element<'_>) -> Result<()> {
    match e.attr("type") {
        Some(kind) if !["none", "chap", "ceph"].contains(&kind) => Err(Error::new(
            ErrorDomain::STORAGE,
            ErrorCode::CONFIG_UNSUPPORTED,
            format!("unknown auth type '{kind}'"),
        )),
        _ => Ok(()),
    }
}

/// The secret of [`Auth`].
#[derive(Clone, Debug, Default, PartialEq, Xml)]
pub struct AuthSecret {
    #[xml(attr = "type")]
    pub kind: Option<String>,
    #[xml(flatten)]
    pub lookup: SecretRef,
}

/// A secret by its UUID or by what it is used for.
#[derive(Clone, Debug, Default, PartialEq, Xml)]
#[xml(order(fn one_way))]
pub struct SecretRef {
    #[xml(attr)]
    pub uuid: Option<Uuid>,
    #[xml(attr)]
    pub usage: Option<String>,
}

/// A secret is looked up in one way.
fn one_way(e: Element<'_>) -> Result<()> {
    let wrong = |text: String| Err(Error::new(ErrorDomain::NONE, ErrorCode::XML_ERROR, text));
    match (e.attr("uuid"), e.attr("usage")) {
        (None, None) => wrong("missing secret uuid or usage attribute".to_owned()),
        (Some(_), Some(_)) => wrong("either secret uuid or usage expected".to_owned()),
        (Some(uuid), None) if Uuid::parse(uuid).is_none() => wrong(format!("invalid secret uuid '{uuid}'")),
        _ => Ok(()),
    }
}

keywords! {
    /// A format of an encrypted image.
    pub enum EncryptionFormat { Default = "default", Qcow = "qcow", Luks = "luks", Luks2 = "luks2", LuksAny = "luks-any" }
}

keywords! {
    /// Who decrypts.
    pub enum EncryptionEngine { Qemu = "qemu", Librbd = "librbd" }
}

/// `<encryption>`.
#[derive(Clone, Debug, PartialEq, Xml)]
pub struct Encryption {
    #[xml(attr, nonempty, missing = "unknown volume encryption format", domain = STORAGE,
        invalid = "unknown volume encryption format type {}", invalid_code = CONFIG_UNSUPPORTED)]
    pub format: EncryptionFormat,
    #[xml(attr)]
    pub engine: Option<EncryptionEngine>,
    #[xml(child = "secret")]
    pub secrets: Vec<EncryptionSecret>,
    pub cipher: Option<Cipher>,
    pub ivgen: Option<IvGen>,
}

/// A secret that opens the image.
#[derive(Clone, Debug, PartialEq, Xml)]
pub struct EncryptionSecret {
    #[xml(attr = "type", nonempty, missing = "unknown volume encryption secret type", domain = STORAGE,
        invalid = "unknown volume encryption secret type {}", invalid_code = CONFIG_UNSUPPORTED)]
    pub kind: SecretKind,
    #[xml(flatten)]
    pub lookup: SecretRef,
}

keywords! {
    /// What the secret is.
    pub enum SecretKind { Passphrase = "passphrase" }
}

/// How a new image is encrypted.
#[derive(Clone, Debug, PartialEq, Xml)]
pub struct Cipher {
    #[xml(attr)]
    pub name: String,
    #[xml(attr)]
    pub size: u32,
    #[xml(attr)]
    pub mode: Option<String>,
    #[xml(attr)]
    pub hash: Option<String>,
}

/// How initialisation vectors are made.
#[derive(Clone, Debug, PartialEq, Xml)]
pub struct IvGen {
    #[xml(attr)]
    pub name: String,
    #[xml(attr)]
    pub hash: Option<String>,
}
