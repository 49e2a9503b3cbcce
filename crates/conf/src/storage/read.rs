//! Reading a pool's document.

use virtus_base::{ErrorDomain, Result, Uuid};
use virtus_xml::{Document, Element, ReadOptions, Value, field};

use super::*;

/// Whether the schema takes this for a device: a path, a plain name, or a target of iSCSI (`iqn.YYYY-MM.name:more`).
fn names_device(path: &str) -> bool {
    let plain = |text: &str, more: &str| {
        !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || more.contains(c))
    };
    let target = || {
        let (date, name) = path.strip_prefix("iqn.")?.split_once('.')?;
        let (year, month) = date.split_once('-')?;
        let number =
            |text: &str, digits: usize| text.len() == digits && text.bytes().all(|b| b.is_ascii_digit());
        let dated = number(year, 4) && number(month, 2) && (1..=12).contains(&month.parse::<u8>().ok()?);
        let (name, more) = name.split_once(':').map_or((name, None), |(name, more)| (name, Some(more)));
        Some(dated && plain(name, ".-") && more != Some(""))
    };
    path.starts_with('/') || plain(path, "_+-") || target().unwrap_or(false)
}

impl Pool {
    /// Reads a pool's document.
    ///
    /// # Errors
    /// libvirt's, from the storage code. With `strict`, what nobody knows is `XML_INVALID_SCHEMA`.
    pub fn parse(text: &str, strict: bool) -> Result<Self> {
        let options = ReadOptions { track: strict, ..ReadOptions::default() };
        let document = Document::parse(text, ErrorDomain::STORAGE, &options)?;
        let root = document.root_named("pool")?;
        let pool = match Self::read(root) {
            // whatever can be wrong with a pool's values, the schema says so first
            Err(e) if strict => return Err(crate::schema_error("storagepool", e)),
            other => other?,
        };
        if strict {
            pool.check_schema(root)?;
            crate::check_all_known(&document, "storagepool")?;
        }
        Ok(pool)
    }

    /// Reads the status file of an active pool.
    ///
    /// # Errors
    /// As [`Pool::parse`].
    pub fn parse_state(text: &str) -> Result<Self> {
        let document = Document::parse(text, ErrorDomain::STORAGE, &ReadOptions::default())?;
        let pool = document.root_named("poolstate")?.child("pool");
        Self::read(pool.ok_or_else(|| xml_error("missing pool element"))?)
    }

    /// Reads a pool's element.
    ///
    /// # Errors
    /// As [`Pool::parse`].
    pub fn read(e: Element<'_>) -> Result<Self> {
        let text = |name: &str| e.child(name).and_then(|c| c.text());
        let kind: Kind = field::required_attr(Some(e), e, "type", &crate::RULES)?;
        let mut source = match e.child("source") {
            Some(source) => Source::read(source, kind)?,
            None => Source { format: kind.formats().first().copied(), ..Source::default() },
        };
        let name = text("name").or_else(|| source.name.clone().filter(|_| kind.needs().name));
        let name = name.ok_or_else(|| xml_error("missing pool source name element"))?;
        if name.contains('/') {
            return Err(xml_error(format!("name {name} cannot contain '/'")));
        }
        let uuid = match text("uuid") {
            None => Uuid::random()?,
            Some(text) => Uuid::parse(&text).ok_or_else(|| xml_error("malformed uuid element"))?,
        };
        let cow = field::attr(e.descend(&["features", "cow"]), "state", &crate::RULES)?;
        source.check(kind, &name)?;
        let target = match kind.needs().network {
            true => None,
            false => Some(Target::read(e, kind, &source)?),
        };
        // the sizes are the storage's to say, not the document's
        for size in ["capacity", "allocation", "available"] {
            e.children(size).for_each(|element| {
                element.accept_all();
            });
        }
        let mut pool = Pool {
            kind,
            name,
            uuid,
            cow,
            sizes: Sizes::default(),
            source,
            target,
            mount_options: Vec::new(),
            rbd_options: Vec::new(),
        };
        pool.read_options(e)?;
        Ok(pool)
    }

    /// What the schema asks for and reading does not.
    fn check_schema(&self, root: Element<'_>) -> Result<()> {
        let broken = match self.kind {
            _ if self.name.contains('\n') => Some("a name of several lines"),
            _ if self.target.is_some() && root.child("target").is_none() => Some("no target"),
            _ if self.target.as_ref().is_some_and(|t| !t.path.starts_with('/')) => Some("a relative path"),
            Kind::Disk if self.source.devices.len() > 1 => Some("several devices"),
            _ if !self.source.devices.iter().all(|device| names_device(&device.path)) => {
                Some("a device that is none")
            }
            _ => None,
        };
        broken.map_or(Ok(()), |what| Err(crate::schema_error("storagepool", what)))
    }

    fn read_options(&mut self, e: Element<'_>) -> Result<()> {
        match self.kind {
            Kind::Fs | Kind::Netfs => {
                for options in e.children_ns(FS_NAMESPACE, "mount_opts") {
                    for option in options.children_ns(FS_NAMESPACE, "option") {
                        let name =
                            option.attr("name").ok_or_else(|| xml_error("no mount option name specified"))?;
                        self.mount_options.push(name.to_owned());
                    }
                }
            }
            Kind::Rbd => {
                for options in e.children_ns(RBD_NAMESPACE, "config_opts") {
                    for option in options.children_ns(RBD_NAMESPACE, "option") {
                        let get = |attr: &str, missing| option.attr(attr).ok_or_else(|| xml_error(missing));
                        let name = get("name", "no rbd option name specified")?;
                        let value = get("value", "no rbd option value specified")?;
                        self.rbd_options.push((name.to_owned(), value.to_owned()));
                    }
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// What is looked at only when a pool is defined, not when its file is read.
    ///
    /// # Errors
    /// When its name has a line break.
    pub fn validate(&self) -> Result<()> {
        crate::legal_name(&self.name, "\n")
    }
}

impl Target {
    fn read(e: Element<'_>, kind: Kind, source: &Source) -> Result<Self> {
        let target = e.child("target");
        let given = target.and_then(|t| t.child("path")).and_then(|p| p.text());
        let name = source.name.as_deref().unwrap_or_default();
        let path = match kind {
            Kind::Logical => given.unwrap_or_else(|| format!("/dev/{name}")),
            Kind::Zfs => given.unwrap_or_else(|| format!("/dev/zvol/{name}")),
            _ => given.ok_or_else(|| xml_error("missing storage pool target path"))?,
        };
        let permissions = match e.children("target").find_map(|t| t.child("permissions")) {
            Some(permissions) => Permissions::read(permissions)?,
            None => Permissions::default(),
        };
        Ok(Target { path: sanitized(&path), permissions })
    }
}

impl Permissions {
    pub(super) fn read(e: Element<'_>) -> Result<Self> {
        let text = |name: &str| e.child(name).and_then(|c| c.text());
        let mode = match text("mode") {
            None => None,
            Some(text) => Some(
                u32::from_str_radix(text.trim_start(), 8)
                    .ok()
                    .filter(|mode| *mode <= 0o7777)
                    .ok_or_else(|| xml_error("malformed octal mode"))?,
            ),
        };
        // -1 leaves it to whoever makes the target
        let number = |name: &str| match text(name) {
            None => Ok(None),
            Some(text) if text == "-1" => Ok(None),
            Some(text) => <u32 as Value>::parse(&text, 10)
                .map(Some)
                .ok_or_else(|| xml_error(format!("malformed {name} element"))),
        };
        Ok(Permissions { mode, owner: number("owner")?, group: number("group")?, label: text("label") })
    }
}

/// A path without doubled slashes and without one at its end; two at the beginning have a meaning of their own,
/// and more have not.
fn sanitized(path: &str) -> String {
    let leading = path.len() - path.trim_start_matches('/').len();
    let body: Vec<_> = path.split('/').filter(|part| !part.is_empty()).collect();
    let start = match leading {
        0 => "",
        2 => "//",
        _ => "/",
    };
    format!("{start}{}", body.join("/"))
}
