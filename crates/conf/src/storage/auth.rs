//! How a pool's host is convinced.

use virtus_base::{Error, ErrorCode, ErrorDomain, Result, Uuid};
use virtus_xml::{Element, Writer, keywords};

keywords! {
    /// The way.
    pub enum AuthType { Chap = "chap", Ceph = "ceph" }
}

/// Which secret holds the password.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SecretLookup {
    /// The one of this identity.
    Uuid(Uuid),
    /// The one for this use.
    Usage(String),
}

/// Who one is, and which secret proves it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Auth {
    /// The way.
    pub kind: AuthType,
    /// The user.
    pub username: String,
    /// The secret.
    pub secret: SecretLookup,
}

fn wrong(text: impl Into<String>) -> Error {
    Error::new(ErrorDomain::NONE, ErrorCode::XML_ERROR, text)
}

impl Auth {
    pub(super) fn read(e: Element<'_>) -> Result<Self> {
        let username = e.attr("username").ok_or_else(|| wrong("missing username for auth"))?.to_owned();
        let kind = match e.attr("type") {
            None => None,
            Some(word) => {
                Some(AuthType::from_word(word).ok_or_else(|| wrong(format!("unknown auth type '{word}'")))?)
            }
        };
        let secret = e.child("secret").ok_or_else(|| wrong("Missing <secret> element in auth"))?;
        let secret = match (secret.attr("uuid"), secret.attr("usage")) {
            (Some(text), None) => SecretLookup::Uuid(
                Uuid::parse(text).ok_or_else(|| wrong(format!("invalid secret uuid '{text}'")))?,
            ),
            (None, Some(usage)) => SecretLookup::Usage(usage.to_owned()),
            _ => return Err(wrong("either secret uuid or usage expected")),
        };
        let kind = kind.ok_or_else(|| super::xml_error("storage pool missing auth type"))?;
        Ok(Auth { kind, username, secret })
    }

    pub(super) fn write(&self, w: &mut Writer) {
        w.start("auth");
        w.attr("type", self.kind.as_str());
        w.attr("username", &self.username);
        w.start("secret");
        match &self.secret {
            SecretLookup::Uuid(uuid) => w.attr_value("uuid", uuid),
            SecretLookup::Usage(usage) => w.attr("usage", usage),
        }
        w.end();
        w.end();
    }
}
