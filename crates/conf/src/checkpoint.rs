//! `<domaincheckpoint>`: a moment from which on changes of a domain's disks are known.

use virtus_base::{Error, ErrorCode, ErrorDomain, Result, Uuid};
use virtus_xml::{Document, Element, ReadOptions, WriteOptions, Writer, keywords};

use crate::domain::device::storage::Location;
use crate::domain::{Domain, ParseOptions};
use crate::moment::Moment;
use crate::snapshot::{CheckStable, ReadDomain};

keywords! {
    /// How changes of a disk are known.
    pub enum CheckpointKind { No = "no", Bitmap = "bitmap" }
}

/// A moment from which on changes are known.
#[derive(Clone, Debug, PartialEq)]
pub struct Checkpoint {
    /// Its name.
    pub name: String,
    /// What a person says of it.
    pub description: Option<String>,
    /// The name of the one before it.
    pub parent: Option<String>,
    /// When it was made: seconds since 1970.
    pub creation_time: i64,
    /// Its disks.
    pub disks: Vec<CheckpointDisk>,
    /// The domain then.
    pub domain: Option<Box<Domain>>,
    /// Whether its file says that it is the last one.
    pub active: bool,
}

/// A disk of a checkpoint.
#[derive(Clone, Debug, PartialEq)]
pub struct CheckpointDisk {
    /// Its target or where its bytes are; its target once it is aligned.
    pub name: String,
    /// How its changes are known.
    pub kind: Option<CheckpointKind>,
    /// The bitmap's name.
    pub bitmap: Option<String>,
    /// How many bytes have changed, where that was asked for.
    pub size: Option<u64>,
}

fn error(code: ErrorCode, text: impl Into<String>) -> Error {
    Error::new(ErrorDomain::DOMAIN_CHECKPOINT, code, text)
}

fn xml_error(text: impl Into<String>) -> Error {
    error(ErrorCode::XML_ERROR, text)
}

fn unsupported(text: impl Into<String>) -> Error {
    error(ErrorCode::CONFIG_UNSUPPORTED, text)
}

/// What the schema says before anybody else does: checkpoints are always held against it.
fn follow_schema(document: &Document<'_>, root: Element<'_>) -> Result<()> {
    let wrong = |e: Element<'_>| {
        Err(crate::schema_error("domaincheckpoint", format_args!("line {}: wrong {}", e.line(), e.name())))
    };
    let named = |e: Element<'_>| {
        let name = e.text().unwrap_or_default();
        let plain = |c: char| c.is_ascii_alphanumeric() || "_-.".contains(c);
        !name.is_empty() && !name.starts_with('.') && name.chars().all(plain)
    };
    let digits = |text: &str| text.parse::<u64>().is_ok() && !text.starts_with('+');
    let mut seen = std::collections::BTreeSet::new();
    for e in root.elements() {
        let known = match e.accept().name() {
            "name" => named(e),
            "description" => e.text().is_some() || e.elements().next().is_none(),
            "creationTime" => e.text().is_some_and(|time| digits(&time)),
            "parent" => e.child("name").is_some_and(named),
            "domain" if e.attr("type").is_some() => {
                crate::domain::schema::follow(e)?;
                true
            }
            "domain" => e.child("uuid").is_some_and(|e| e.text().is_some_and(|t| Uuid::parse(&t).is_some())),
            "disks" => e.children("disk").next().is_some(),
            _ => false,
        };
        if !known || !seen.insert(e.name()) {
            return wrong(e);
        }
    }
    for disk in root.children("disks").flat_map(|disks| disks.children("disk")) {
        let kind = disk.attr("checkpoint").unwrap_or("bitmap");
        let bitmap = disk.attr("bitmap").is_none() || kind == "bitmap";
        let size = disk.attr("size").is_none_or(digits);
        let name = disk.attr("name").is_some_and(crate::domain::schema::names_disk);
        if CheckpointKind::from_word(kind).is_none() || !bitmap || !size || !name {
            return wrong(disk);
        }
    }
    crate::check_all_known(document, "domaincheckpoint")
}

impl Checkpoint {
    /// Reads a checkpoint's document; one that was made already (`redefine`) has to say when. `now` is the time, of
    /// which one that is to be made gets its name; `domain` reads the domain in it.
    ///
    /// # Errors
    /// libvirt's, from the code for checkpoints.
    pub fn parse(xml: &str, redefine: bool, now: i64, domain: ReadDomain<'_>) -> Result<Self> {
        let read = ReadOptions { inactive: true, track: true, ..ReadOptions::default() };
        let document = Document::parse(xml, ErrorDomain::DOMAIN_CHECKPOINT, &read)?;
        let e = document.root_named("domaincheckpoint")?;
        follow_schema(&document, e)?;
        Self::read(e, redefine, now, domain)
    }

    /// Reads the text of a checkpoint's file, which says what the schema does not know: whether it is the last one.
    ///
    /// # Errors
    /// As [`Checkpoint::parse`].
    pub fn parse_file(xml: &str, domain: ReadDomain<'_>) -> Result<Self> {
        let read = ReadOptions { inactive: true, ..ReadOptions::default() };
        let document = Document::parse(xml, ErrorDomain::DOMAIN_CHECKPOINT, &read)?;
        Self::read(document.root_named("domaincheckpoint")?, true, 0, domain)
    }

    fn read(e: Element<'_>, redefine: bool, now: i64, domain: ReadDomain<'_>) -> Result<Self> {
        let text = |name: &str| e.child(name).and_then(|e| e.text());
        let name = match text("name").filter(|name| !name.is_empty()) {
            Some(name) if name.contains('/') => {
                return Err(xml_error(format!("name {name} cannot contain '/'")));
            }
            Some(name) => name,
            None if redefine => return Err(xml_error("a redefined checkpoint must have a name")),
            None => now.to_string(),
        };
        let mut checkpoint = Checkpoint {
            name,
            description: text("description"),
            parent: None,
            creation_time: now,
            disks: Vec::new(),
            domain: None,
            active: text("active").is_some_and(|active| active != "0"),
        };
        if redefine {
            let time = text("creationTime").and_then(|text| text.trim().parse().ok());
            checkpoint.creation_time = time.ok_or_else(|| {
                error(ErrorCode::INTERNAL_ERROR, "missing creationTime from existing checkpoint")
            })?;
            checkpoint.parent = e.descend(&["parent", "name"]).and_then(|e| e.text());
            let options = ParseOptions { inactive: true, skip_validate: true, strict: false };
            let whole = e.child("domain").filter(|e| e.attr("type").is_some());
            checkpoint.domain = whole.map(|e| domain(e, &options).map(Box::new)).transpose()?;
        }
        for disk in e.children("disks").flat_map(|disks| disks.elements()).filter(|e| e.name() == "disk") {
            checkpoint.disks.push(CheckpointDisk::read(disk)?);
        }
        Ok(checkpoint)
    }

    /// Makes it ready to take the place of `other`, the checkpoint of its name that is there already, or to be entered
    /// anew, for a domain with `uuid`. `stable` refuses another definition that the guest could tell from the old one.
    ///
    /// # Errors
    /// `INVALID_ARG` for one of another domain, those of [`Checkpoint::align_disks`], and `stable`'s.
    pub fn redefine(
        &mut self,
        uuid: Uuid,
        other: Option<&Checkpoint>,
        stable: CheckStable<'_>,
    ) -> Result<()> {
        if self.domain.as_ref().is_some_and(|inside| inside.uuid != uuid) {
            let text = format!("definition for checkpoint {} must use uuid {uuid}", self.name);
            return Err(error(ErrorCode::INVALID_ARG, text));
        }
        if self.domain.is_none() {
            self.domain = other.and_then(|other| other.domain.clone());
        }
        if let Some(inside) = self.domain.take() {
            self.align_disks(&inside)?;
            if let Some(old) = other.and_then(|other| other.domain.as_ref()) {
                stable(old, &inside)?;
            }
            self.domain = Some(inside);
        }
        Ok(())
    }

    /// Makes its disks those of the domain: all of them where the document names none.
    ///
    /// # Errors
    /// `CONFIG_UNSUPPORTED` for a disk that is not there, is named twice, or has no bytes that could change.
    pub fn align_disks(&mut self, domain: &Domain) -> Result<()> {
        let disks = &domain.devices.disks;
        let default = if self.disks.is_empty() { CheckpointKind::Bitmap } else { CheckpointKind::No };
        let mut given: Vec<Option<CheckpointDisk>> = vec![None; disks.len()];
        for mut disk in std::mem::take(&mut self.disks) {
            let found = disks
                .iter()
                .position(|own| own.dst() == disk.name || own.source.path() == Some(disk.name.as_str()));
            let own = found.and_then(|at| Some((disks.get(at)?, given.get_mut(at)?)));
            let (own, place) = own.ok_or_else(|| unsupported(format!("no disk named '{}'", disk.name)))?;
            if place.is_some() {
                return Err(unsupported(format!("disk '{}' specified twice", disk.name)));
            }
            let kind = *disk.kind.get_or_insert(CheckpointKind::Bitmap);
            if kind == CheckpointKind::Bitmap && !can_change(own) {
                return Err(unsupported(format!("disk '{}' is empty or readonly", disk.name)));
            }
            disk.name = own.dst().to_owned();
            *place = Some(disk);
        }
        for (own, given) in disks.iter().zip(given) {
            let kind = if can_change(own) { default } else { CheckpointKind::No };
            let mut disk = given.unwrap_or_else(|| CheckpointDisk {
                name: own.dst().to_owned(),
                kind: Some(kind),
                bitmap: None,
                size: None,
            });
            if disk.kind == Some(CheckpointKind::Bitmap) {
                disk.bitmap.get_or_insert_with(|| self.name.clone());
            }
            self.disks.push(disk);
        }
        Ok(())
    }

    /// The document's text, with the domain or without.
    pub fn format(&self, options: &WriteOptions, domain: bool) -> String {
        self.write(options, domain, None)
    }

    /// The text of its file, which says whether it is the last one.
    pub fn format_file(&self, active: bool) -> String {
        let options = WriteOptions { inactive: true, secure: true, ..WriteOptions::default() };
        self.write(&options, true, Some(active))
    }

    fn write(&self, options: &WriteOptions, domain: bool, file: Option<bool>) -> String {
        let mut w = Writer::new(*options);
        w.start("domaincheckpoint");
        w.element_text("name", &self.name);
        if let Some(description) = &self.description {
            w.element_text("description", description);
        }
        if let Some(parent) = &self.parent {
            w.start("parent");
            w.element_text("name", parent);
            w.end();
        }
        w.element_value("creationTime", &self.creation_time);
        if !self.disks.is_empty() {
            w.start("disks");
            for disk in &self.disks {
                w.start("disk");
                w.attr("name", &disk.name);
                w.attr_opt("checkpoint", disk.kind.map(CheckpointKind::as_str));
                w.attr_opt("bitmap", disk.bitmap.as_deref());
                if let Some(size) = &disk.size {
                    w.attr_value("size", size);
                }
                w.end();
            }
            w.end();
        }
        if let Some(inside) = self.domain.as_ref().filter(|_| domain) {
            inside.write(&mut w);
        }
        if let Some(active) = file {
            w.element_text("active", if active { "1" } else { "0" });
        }
        w.end();
        w.finish()
    }
}

/// Whether a disk has bytes that could change.
fn can_change(disk: &crate::domain::device::Disk) -> bool {
    let empty = disk.source.path().is_none() && matches!(disk.source.location, Location::File(_));
    !empty && !disk.rest.readonly
}

impl CheckpointDisk {
    fn read(e: Element<'_>) -> Result<Self> {
        let name = e.attr("name").ok_or_else(|| xml_error("missing name from disk checkpoint element"))?;
        let kind = match e.attr("checkpoint") {
            None => None,
            Some(word) => Some(
                CheckpointKind::from_word(word)
                    .ok_or_else(|| xml_error(format!("unknown disk checkpoint setting '{word}'")))?,
            ),
        };
        let bitmap = e.attr("bitmap").map(str::to_owned);
        if let (Some(bitmap), Some(CheckpointKind::No)) = (&bitmap, kind) {
            return Err(xml_error(format!("disk checkpoint bitmap '{bitmap}' requires type='bitmap'")));
        }
        Ok(CheckpointDisk { name: name.to_owned(), kind, bitmap, size: None })
    }
}

impl Moment for Checkpoint {
    const KIND: &'static str = "checkpoint";
    fn name(&self) -> &str {
        &self.name
    }
    fn parent(&self) -> Option<&str> {
        self.parent.as_deref()
    }
    fn set_parent(&mut self, parent: Option<String>) {
        self.parent = parent;
    }
}
