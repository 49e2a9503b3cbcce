//! Reading a volume's document.

use virtus_base::{ErrorCode, ErrorDomain, Result};
use virtus_xml::{Document, Element, ReadOptions, Xml as _};

use super::*;
use crate::scaled;
use crate::storage::{unsupported, xml_error};

impl Volume {
    /// Reads a volume's document.
    ///
    /// # Errors
    /// libvirt's, from the storage code. With `strict`, what nobody knows is `XML_INVALID_SCHEMA`.
    pub fn parse(text: &str, capacity: Capacity, strict: bool) -> Result<Self> {
        let options = ReadOptions { track: strict, ..ReadOptions::default() };
        let document = Document::parse(text, ErrorDomain::STORAGE, &options)?;
        let read = document.root_named("volume").and_then(|root| Volume::read(root, capacity));
        let volume = match read {
            Err(e) if strict => return Err(crate::schema_error("storagevol", e)),
            other => other?,
        };
        if strict {
            crate::check_all_known(&document, "storagevol")?;
            if document.root().child("target").is_none() {
                return Err(crate::schema_error("storagevol", "no target"));
            }
        }
        Ok(volume)
    }

    /// Reads a volume's element.
    ///
    /// # Errors
    /// As [`Volume::parse`].
    pub fn read(e: Element<'_>, rule: Capacity) -> Result<Self> {
        let text = |name: &str| e.child(name).and_then(|c| c.text());
        let name = text("name").ok_or_else(|| xml_error("missing volume name element"))?;
        let kind = match e.attr("type") {
            None => VolumeKind::File,
            Some(word) => VolumeKind::from_word(word)
                .ok_or_else(|| unsupported(format!("unknown volume type '{word}'")))?,
        };
        let backing = match e.child("backingStore") {
            Some(store) => VolumeTarget::read_backing(store)?,
            None => None,
        };
        let capacity = match size(e, "capacity")? {
            Some(bytes) => bytes,
            None if rule == Capacity::Optional || backing.is_some() => 0,
            None => return Err(xml_error("missing capacity element")),
        };
        let allocation = size(e, "allocation")?;
        let target = match e.child("target") {
            Some(target) => VolumeTarget::read(target)?,
            None => VolumeTarget::new("", VolumeFormat::Raw),
        };
        // these are the storage's to say, not the document's
        for known in ["source", "physical"] {
            e.children(known).for_each(|element| {
                element.accept_all();
            });
        }
        let key = text("key").unwrap_or_default();
        Ok(Volume { kind, name, key, capacity, allocation, physical: 0, target, backing })
    }
}

impl VolumeTarget {
    /// What a volume builds on; without a path, nothing.
    fn read_backing(e: Element<'_>) -> Result<Option<Self>> {
        let path = e.child("path").and_then(|p| p.text());
        path.map(|path| {
            let format = format(e)?;
            Ok(VolumeTarget { permissions: permissions(e)?, ..VolumeTarget::new(path, format) })
        })
        .transpose()
    }

    fn read(e: Element<'_>) -> Result<Self> {
        let text = |name: &str| e.child(name).and_then(|c| c.text());
        let path = text("path").unwrap_or_default();
        let format = format(e)?;
        let permissions = permissions(e)?;
        let encryption = e.child("encryption").map(Encryption::read).transpose()?;
        let mut compat = text("compat");
        if let Some(compat) = &compat {
            check_compat(compat)?;
        }
        let cluster_size = match e.child("clusterSize").and_then(|c| Some((c, c.text()?))) {
            Some((c, text)) => scaled::scale(&text, c.attr("unit").unwrap_or("B"), "./target/clusterSize")?,
            None => 0,
        };
        let nocow = e.child("nocow").is_some();
        let features = e.child("features").map(Features::read).transpose()?;
        if features.is_some() && compat.is_none() {
            compat = Some("1.1".into());
        }
        if let Some(times) = e.child("timestamps") {
            times.accept_all();
        }
        Ok(VolumeTarget {
            path,
            format,
            permissions,
            times: None,
            encryption,
            compat,
            cluster_size,
            nocow,
            features,
        })
    }
}

impl Features {
    fn read(e: Element<'_>) -> Result<Self> {
        let mut features = Features::default();
        for feature in e.elements() {
            match feature.accept().name() {
                "lazy_refcounts" => features.lazy_refcounts = true,
                "extended_l2" => features.extended_l2 = true,
                other => return Err(unsupported(format!("unsupported feature {other}"))),
            }
        }
        Ok(features)
    }
}

fn format(e: Element<'_>) -> Result<VolumeFormat> {
    match e.child("format").and_then(|f| f.attr("type")) {
        None => Ok(VolumeFormat::Raw),
        Some(word) => VolumeFormat::from_word(word)
            .ok_or_else(|| unsupported(format!("unknown volume format type {word}"))),
    }
}

fn permissions(e: Element<'_>) -> Result<Permissions> {
    e.child("permissions").map(Permissions::read).transpose().map(Option::unwrap_or_default)
}

/// `<capacity>` or `<allocation>` in bytes.
fn size(e: Element<'_>, name: &str) -> Result<Option<u64>> {
    let Some((element, text)) = e.child(name).and_then(|c| Some((c, c.text()?))) else { return Ok(None) };
    let malformed = || xml_error(format!("malformed {name} element"));
    if <u64 as virtus_xml::Value>::parse(&text, 10).is_none() {
        return Err(malformed());
    }
    let given = element.attr("unit").filter(|u| !u.is_empty());
    scaled::scale_to(&text, scaled::Units { given, usual: "bytes" }, name, u64::MAX).map(Some)
}

/// Two numbers with a point between them.
fn check_compat(compat: &str) -> Result<()> {
    if compat.chars().any(|c| !c.is_ascii_digit() && c != '.') {
        return Err(xml_error("forbidden characters in 'compat' attribute"));
    }
    match compat.split('.').collect::<Vec<_>>().as_slice() {
        [major, minor] if !major.is_empty() && !minor.is_empty() => Ok(()),
        _ => Err(virtus_base::Error::new(
            ErrorDomain::STORAGE,
            ErrorCode::INTERNAL_ERROR,
            format!("failed to parse compat value '{compat}'"),
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BACKED: &str = "<volume type='file'>
  <name>v.qcow2</name>
  <key>/srv/v.qcow2</key>
  <capacity unit='bytes'>5242880</capacity>
  <allocation unit='bytes'>200704</allocation>
  <target>
    <path>/srv/v.qcow2</path>
    <format type='qcow2'/>
    <permissions>
      <mode>0600</mode>
      <owner>0</owner>
      <group>0</group>
    </permissions>
    <compat>1.1</compat>
    <clusterSize unit='B'>65536</clusterSize>
    <features>
      <lazy_refcounts/>
    </features>
  </target>
  <backingStore>
    <path>/srv/base</path>
    <format type='raw'/>
  </backingStore>
</volume>
";

    #[test]
    fn a_volume_comes_back_as_it_went_in() {
        let volume = Volume::parse(BACKED, Capacity::UnlessBacked, true).unwrap();
        assert_eq!(volume.format(), BACKED);
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (from, to, want) in [
            ("<name>v.qcow2</name>", "", "XML error: missing volume name element"),
            (">5242880<", ">-5<", "XML error: malformed capacity element"),
            ("unit='bytes'>52", "unit='Q'>52", "invalid argument: unknown suffix 'Q'"),
            ("<lazy_refcounts/>", "<odd/>", "unsupported configuration: unsupported feature odd"),
            ("type='qcow2'", "type='odd'", "unsupported configuration: unknown volume format type odd"),
            ("type='file'", "type='odd'", "unsupported configuration: unknown volume type 'odd'"),
            (">1.1<", ">new<", "XML error: forbidden characters in 'compat' attribute"),
            (">0600<", ">rwx<", "XML error: malformed octal mode"),
            (
                ">65536<",
                ">x<",
                "XML error: Invalid value 'x' for element or attribute './target/clusterSize'",
            ),
        ] {
            let e = Volume::parse(&BACKED.replacen(from, to, 1), Capacity::UnlessBacked, false).unwrap_err();
            assert_eq!(e.message(), want);
        }
        let none = "<volume><name>v</name><target/></volume>";
        assert!(Volume::parse(none, Capacity::UnlessBacked, false).is_err());
        assert_eq!(Volume::parse(none, Capacity::Optional, false).unwrap().capacity, 0);
        let unknown = BACKED.replace("<target>", "<wat/><target>");
        let e = Volume::parse(&unknown, Capacity::UnlessBacked, true).unwrap_err();
        assert_eq!(e.code(), ErrorCode::XML_INVALID_SCHEMA);
    }
}
