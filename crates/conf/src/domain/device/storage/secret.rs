//! As whom a source is opened, and how it is decrypted.

use virtus_base::Uuid;
use virtus_xml::{Xml, keywords};

/// Who a network source is opened as.
#[derive(Clone, Debug, PartialEq, Xml)]
pub struct Auth {
    #[xml(attr, missing = "missing username for auth")]
    pub username: String,
    #[xml(missing = "missing <secret> element in auth")]
    pub secret: AuthSecret,
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
pub struct SecretRef {
    #[xml(attr)]
    pub uuid: Option<Uuid>,
    #[xml(attr)]
    pub usage: Option<String>,
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
    #[xml(attr, missing = "unknown volume encryption format type (null)", code = CONFIG_UNSUPPORTED,
        invalid = "unknown volume encryption format type {}", domain = STORAGE)]
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
    #[xml(attr = "type")]
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
