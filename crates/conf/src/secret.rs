//! Secrets: the `<secret>` document.

use virtus_base::{Error, ErrorCode, ErrorDomain, Result, Uuid};
use virtus_xml::{Document, Element, ReadOptions, WriteOptions, Writer, YesNo, field, keywords};

keywords! {
    /// What a secret is for, in the order of libvirt's numbers (`virSecretUsageType`).
    pub enum UsageType {
        None = "none", Volume = "volume", Ceph = "ceph", Iscsi = "iscsi", Tls = "tls", Vtpm = "vtpm",
    }
}

impl UsageType {
    /// libvirt's number.
    pub fn number(self) -> i32 {
        self as i32
    }

    /// The element that names the user, and what is said when it is not there.
    fn element(self) -> Option<(&'static str, &'static str)> {
        Some(match self {
            UsageType::None => return None,
            UsageType::Volume => ("volume", "volume usage specified, but volume path is missing"),
            UsageType::Ceph => ("name", "Ceph usage specified, but name is missing"),
            UsageType::Iscsi => ("target", "iSCSI usage specified, but target is missing"),
            UsageType::Tls => ("name", "TLS usage specified, but name is missing"),
            UsageType::Vtpm => ("name", "vTPM usage specified, but name is missing"),
        })
    }
}

/// A secret's definition, without its value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Secret {
    /// Its identity.
    pub uuid: Uuid,
    /// Whether it is kept in memory alone.
    pub ephemeral: bool,
    /// Whether its value is never told to clients.
    pub private: bool,
    /// Text for a person.
    pub description: Option<String>,
    /// What it is for.
    pub usage: UsageType,
    /// Who uses it; empty for [`UsageType::None`].
    pub usage_id: String,
}

impl Secret {
    /// Reads a secret's document.
    ///
    /// # Errors
    /// libvirt's, from the secret code. With `strict`, what the schema does not know is `XML_INVALID_SCHEMA`.
    pub fn parse(text: &str, strict: bool) -> Result<Self> {
        let options = ReadOptions { track: strict, ..ReadOptions::default() };
        let document = Document::parse(text, ErrorDomain::SECRET, &options)?;
        let root = document.root();
        if root.name() != "secret" {
            let text = format!("unexpected root element <{}>, expecting <secret>", root.name());
            return Err(Error::new(ErrorDomain::SECRET, ErrorCode::XML_ERROR, text));
        }
        let secret = match Self::read(root) {
            // whatever can be wrong with a secret, the schema says so first
            Err(e) if strict => return Err(crate::schema_error("secret", e)),
            other => other?,
        };
        if strict {
            if secret.usage == UsageType::None && root.child("usage").is_some() {
                return Err(crate::schema_error("secret", "a usage of no type"));
            }
            crate::check_all_known(&document, "secret")?;
        }
        Ok(secret)
    }

    fn read(e: Element<'_>) -> Result<Self> {
        let flag = |name: &str| match e.attr(name) {
            None => Ok(false),
            Some("yes") => Ok(true),
            Some("no") => Ok(false),
            Some(_) => {
                let text = format!("invalid value of '{name}'");
                Err(Error::new(ErrorDomain::SECRET, ErrorCode::XML_ERROR, text))
            }
        };
        let (ephemeral, private) = (flag("ephemeral")?, flag("private")?);
        let uuid = match e.child("uuid").and_then(|u| u.text()) {
            None => Uuid::random()?,
            Some(text) => Uuid::parse(&text)
                .ok_or_else(|| Error::internal(ErrorDomain::SECRET, "malformed uuid element"))?,
        };
        let description = e.child("description").and_then(|d| d.text());
        let (mut usage, mut usage_id) = (UsageType::None, String::new());
        if let Some(element) = e.child("usage") {
            usage = field::required_attr(Some(element), element, "type", &crate::RULES)?;
            if let Some((name, missing)) = usage.element() {
                usage_id = element
                    .child(name)
                    .and_then(|n| n.text())
                    .ok_or_else(|| Error::internal(ErrorDomain::SECRET, missing))?;
            }
        }
        Ok(Secret { uuid, ephemeral, private, description, usage, usage_id })
    }

    /// The document.
    pub fn format(&self) -> String {
        let mut w = Writer::new(WriteOptions::default());
        w.start("secret");
        w.attr("ephemeral", YesNo::from(self.ephemeral).as_str());
        w.attr("private", YesNo::from(self.private).as_str());
        w.element_fmt("uuid", format_args!("{}", self.uuid));
        if let Some(description) = &self.description {
            w.element_text("description", description);
        }
        if let Some((name, _)) = self.usage.element() {
            w.start("usage");
            w.attr("type", self.usage.as_str());
            w.element_text(name, &self.usage_id);
            w.end();
        }
        w.end();
        w.finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_comes_back_as_it_went_in() {
        let text = "<secret ephemeral='no' private='yes'>
  <uuid>27f25d34-aea6-4e2a-be85-fa2c18380be8</uuid>
  <description>for the disks</description>
  <usage type='iscsi'>
    <target>iqn.x</target>
  </usage>
</secret>
";
        let secret = Secret::parse(text, true).unwrap();
        assert_eq!((secret.usage.number(), secret.usage_id.as_str()), (3, "iqn.x"));
        assert_eq!(secret.format(), text);
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (text, want) in [
            ("<secret private='maybe'/>", "XML error: invalid value of 'private'"),
            ("<secret><uuid>zz</uuid></secret>", "internal error: malformed uuid element"),
            ("<secret><usage/></secret>", "XML error: Missing required attribute 'type' in element 'usage'"),
            (
                "<secret><usage type='vtpm'/></secret>",
                "internal error: vTPM usage specified, but name is missing",
            ),
        ] {
            assert_eq!(Secret::parse(text, false).unwrap_err().message(), want);
            assert_eq!(Secret::parse(text, true).unwrap_err().code(), ErrorCode::XML_INVALID_SCHEMA);
        }
        assert!(Secret::parse("<secret><usage type='none'/></secret>", false).is_ok());
        assert!(Secret::parse("<secret><usage type='none'/></secret>", true).is_err());
    }
}
