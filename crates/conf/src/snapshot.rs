//! `<domainsnapshot>`: a domain as it was once.

use virtus_base::{Error, ErrorCode, ErrorDomain, Result, Uuid};
use virtus_xml::{Document, Element, RawElement, ReadOptions, WriteOptions, Writer, Xml as _, keywords};

use crate::domain::device::Disk;
use crate::domain::device::disk::SnapshotLocation;
use crate::domain::device::storage::{Location, StorageSource};
use crate::domain::{Domain, ParseOptions};
use crate::moment::Moment;

keywords! {
    /// What the domain did then.
    pub enum SnapshotState {
        Nostate = "nostate", Running = "running", Blocked = "blocked", Paused = "paused", Shutdown = "shutdown",
        Shutoff = "shutoff", Crashed = "crashed", Pmsuspended = "pmsuspended", DiskSnapshot = "disk-snapshot",
    }
}
keywords! {
    /// Where the memory is.
    pub enum MemoryLocation { No = "no", Internal = "internal", External = "external" }
}

/// A domain as it was once.
#[derive(Clone, Debug, PartialEq)]
pub struct Snapshot {
    /// Its name.
    pub name: String,
    /// What a person says of it.
    pub description: Option<String>,
    /// What the domain did then; unknown of one that is to be taken.
    pub state: Option<SnapshotState>,
    /// The name of the one before it.
    pub parent: Option<String>,
    /// When it was taken: seconds since 1970.
    pub creation_time: i64,
    /// Where the memory is.
    pub memory: Option<MemoryLocation>,
    /// The file with the memory, if it is in one.
    pub memory_file: Option<String>,
    /// Its disks.
    pub disks: Vec<SnapshotDisk>,
    /// The domain then.
    pub domain: Option<Box<Domain>>,
    /// What it was defined as then, where that was something else.
    pub inactive_domain: Option<Box<Domain>>,
    /// What the hypervisor's driver keeps with it, in its file only.
    pub cookie: Option<RawElement>,
    /// Whether its file says that the domain is on it.
    pub active: bool,
}

/// A disk of a snapshot.
#[derive(Clone, Debug, PartialEq)]
pub struct SnapshotDisk {
    /// Its target or where its bytes are; its target once it is aligned.
    pub name: String,
    /// Where its bytes of then are.
    pub snapshot: Option<SnapshotLocation>,
    /// The format of the image that is written to from then on.
    pub format: Option<String>,
    /// That image.
    pub source: Option<StorageSource>,
}

fn error(code: ErrorCode, text: impl Into<String>) -> Error {
    Error::new(ErrorDomain::DOMAIN_SNAPSHOT, code, text)
}

fn xml_error(text: impl Into<String>) -> Error {
    error(ErrorCode::XML_ERROR, text)
}

/// A place that is none.
fn bad_word(element: &str, word: &str) -> Error {
    let text = format!("Invalid value for attribute 'snapshot' in element '{element}': '{word}'.");
    Error::new(ErrorDomain::XML, ErrorCode::XML_ERROR, text)
}

/// Where a disk's snapshots go by its definition; what nobody writes to needs none.
fn usual(disk: &Disk) -> Option<SnapshotLocation> {
    disk.snapshot.or(disk.rest.readonly.then_some(SnapshotLocation::No))
}

fn unsupported(text: impl Into<String>) -> Error {
    error(ErrorCode::CONFIG_UNSUPPORTED, text)
}

fn internal(text: &str) -> Error {
    error(ErrorCode::INTERNAL_ERROR, text)
}

/// What the schema says before anybody else does.
fn follow_schema(document: &Document<'_>, root: Element<'_>) -> Result<()> {
    let wrong = |e: Element<'_>| {
        Err(crate::schema_error("domainsnapshot", format_args!("line {}: wrong {}", e.line(), e.name())))
    };
    let mut seen = std::collections::BTreeSet::new();
    for e in root.elements() {
        let known = match e.accept().name() {
            "name" | "description" | "creationTime" => e.text().is_some() || e.elements().next().is_none(),
            "state" => e.text().is_some_and(|state| SnapshotState::from_word(&state).is_some()),
            "active" => e.text().is_some_and(|active| matches!(active.as_str(), "0" | "1")),
            "parent" => e.child("name").is_some_and(|name| name.text().is_some()),
            "memory" => {
                let (word, file) = (e.attr("snapshot"), e.attr("file"));
                let absolute = file.is_none_or(|file| file.starts_with('/'));
                let known = word.map_or(file.is_some(), |word| MemoryLocation::from_word(word).is_some());
                known && absolute && (file.is_none() || word.is_none_or(|word| word == "external"))
            }
            "cookie" => {
                e.accept_all();
                true
            }
            "domain" | "inactiveDomain" if e.attr("type").is_some() => {
                crate::domain::schema::follow(e)?;
                true
            }
            "domain" => e.child("uuid").is_some_and(|uuid| uuid.text().is_some()),
            "disks" => true,
            _ => false,
        };
        if !known || !seen.insert(e.name()) {
            return wrong(e);
        }
    }
    for disk in root.children("disks").flat_map(|disks| disks.children("disk")) {
        let read =
            SnapshotDisk::read(disk).map_err(|e| crate::schema_error("domainsnapshot", e.message()))?;
        let inside = read.source.is_some() || read.format.is_some();
        let kind = disk.attr("snapshot");
        if !crate::domain::schema::names_disk(&read.name) || inside && kind.is_some_and(|k| k != "external") {
            return wrong(disk);
        }
    }
    crate::check_all_known(document, "domainsnapshot")
}

/// How a snapshot is read.
#[derive(Clone, Copy, Debug, Default)]
pub struct SnapshotOptions {
    /// It was taken already: the document has to say when, and of what.
    pub redefine: bool,
    /// Refuse what nobody knows.
    pub strict: bool,
    /// The time now, of which one that is to be taken gets its name.
    pub now: i64,
}

/// Reads the domain inside another document.
pub type ReadDomain<'a> = &'a dyn Fn(Element<'_>, &ParseOptions) -> Result<Domain>;

/// Refuses a second definition that a guest with the first one could tell from it.
pub type CheckStable<'a> = &'a dyn Fn(&Domain, &Domain) -> Result<()>;

impl Snapshot {
    /// Reads a snapshot's document; `domain` reads the domains in it.
    ///
    /// # Errors
    /// libvirt's, from the code for snapshots.
    pub fn parse(xml: &str, options: SnapshotOptions, domain: ReadDomain<'_>) -> Result<Self> {
        let read = ReadOptions { inactive: true, status: false, track: options.strict };
        let document = Document::parse(xml, ErrorDomain::DOMAIN_SNAPSHOT, &read)?;
        let root = document.root_named("domainsnapshot")?;
        if options.strict {
            follow_schema(&document, root)?;
        }
        Self::read(root, options, domain)
    }

    /// Reads a snapshot's element.
    ///
    /// # Errors
    /// As [`Snapshot::parse`].
    pub fn read(e: Element<'_>, options: SnapshotOptions, domain: ReadDomain<'_>) -> Result<Self> {
        let text = |name: &str| e.child(name).and_then(|e| e.text());
        let name = text("name").filter(|name| !name.is_empty());
        let mut snapshot = Snapshot {
            name: match name {
                Some(name) => name,
                None if options.redefine => return Err(xml_error("a redefined snapshot must have a name")),
                None => options.now.to_string(),
            },
            description: text("description"),
            state: None,
            parent: None,
            creation_time: options.now,
            memory: None,
            memory_file: None,
            disks: Vec::new(),
            domain: None,
            inactive_domain: None,
            cookie: e.child("cookie").map(RawElement::read).transpose()?,
            active: text("active").is_some_and(|active| active != "0"),
        };
        if options.redefine {
            let time = text("creationTime").and_then(|text| text.trim().parse().ok());
            snapshot.creation_time =
                time.ok_or_else(|| internal("missing creationTime from existing snapshot"))?;
            snapshot.parent = e.descend(&["parent", "name"]).and_then(|e| e.text());
            let state = text("state").ok_or_else(|| xml_error("missing state from existing snapshot"))?;
            let known = SnapshotState::from_word(&state);
            snapshot.state = Some(
                known
                    .ok_or_else(|| unsupported(format!("Invalid state '{state}' in domain snapshot XML")))?,
            );
            let domains = ParseOptions { inactive: true, skip_validate: true, strict: false };
            // one without a type is from before snapshots kept the whole definition
            let whole = |name: &str| e.child(name).filter(|e| e.attr("type").is_some());
            let inside = |name: &str| whole(name).map(|e| domain(e, &domains).map(Box::new)).transpose();
            snapshot.domain = inside("domain")?;
            snapshot.inactive_domain = inside("inactiveDomain")?;
        }
        snapshot.read_memory(e, options.redefine)?;
        for disk in e.children("disks").flat_map(|disks| disks.children("disk")) {
            snapshot.disks.push(SnapshotDisk::read(disk)?);
        }
        Ok(snapshot)
    }

    fn read_memory(&mut self, e: Element<'_>, redefine: bool) -> Result<()> {
        let memory = e.child("memory");
        let file = memory.and_then(|memory| memory.attr("file")).map(str::to_owned);
        let offline = matches!(self.state, Some(SnapshotState::Shutoff | SnapshotState::DiskSnapshot));
        self.memory = match memory.and_then(|memory| memory.attr("snapshot")) {
            Some(word) => Some(MemoryLocation::from_word(word).ok_or_else(|| bad_word("memory", word))?),
            None if file.is_some() => Some(MemoryLocation::External),
            None if redefine && offline => Some(MemoryLocation::No),
            None if redefine => Some(MemoryLocation::Internal),
            None => None,
        };
        let external = self.memory == Some(MemoryLocation::External);
        match &file {
            Some(file) if !external => {
                return Err(xml_error(format!("memory filename '{file}' requires external snapshot")));
            }
            None if external => return Err(xml_error("external memory snapshots require a filename")),
            _ => {}
        }
        if offline && !matches!(self.memory, None | Some(MemoryLocation::No)) {
            return Err(xml_error("memory state cannot be saved with offline or disk-only snapshot"));
        }
        if let Some(file) = file.as_ref().filter(|file| !file.starts_with('/')) {
            return Err(xml_error(format!("memory snapshot file path ({file}) must be absolute")));
        }
        self.memory_file = file;
        Ok(())
    }

    /// Makes it ready to take the place of `other`, the snapshot of its name that is there already, or to be entered
    /// anew, for a domain with `uuid`. `stable` refuses another definition that the guest could tell from the old one.
    ///
    /// # Errors
    /// `INVALID_ARG` for one of another domain or kind, `stable`'s, `INTERNAL_ERROR` where there is no domain.
    pub fn redefine(&mut self, uuid: Uuid, other: Option<&Snapshot>, stable: CheckStable<'_>) -> Result<()> {
        let name = &self.name;
        let wrong = |text: String| Err(error(ErrorCode::INVALID_ARG, text));
        if self.domain.as_ref().is_some_and(|inside| inside.uuid != uuid) {
            return wrong(format!("definition for snapshot {name} must use uuid {uuid}"));
        }
        if let Some(other) = other {
            let online =
                |s: &Snapshot| matches!(s.state, Some(SnapshotState::Running | SnapshotState::Paused));
            if online(other) != online(self) {
                return wrong(format!(
                    "cannot change between online and offline snapshot state in snapshot {name}"
                ));
            }
            let disks_only = |s: &Snapshot| s.state == Some(SnapshotState::DiskSnapshot);
            if disks_only(other) != disks_only(self) {
                return wrong(format!("cannot change between disk only and full system in snapshot {name}"));
            }
            match (&other.domain, &mut self.domain) {
                (Some(old), Some(new)) => stable(old, new)?,
                (old, new @ None) => new.clone_from(old),
                (None, Some(_)) => {}
            }
        }
        match self.domain {
            Some(_) => Ok(()),
            None => Err(internal("missing domain in snapshot")),
        }
    }

    /// Makes its disks those of the domain, each with a place for its bytes: `location` where the document does not
    /// say one. Where all have to be the same (`uniform`), another is refused.
    ///
    /// # Errors
    /// `CONFIG_UNSUPPORTED` for a disk that is not there or is named twice, and for places that cannot be.
    pub fn align_disks(&mut self, domain: &Domain, location: SnapshotLocation, uniform: bool) -> Result<()> {
        let disks = &domain.devices.disks;
        if self.disks.len() > disks.len() {
            return Err(unsupported("too many disk snapshot requests for domain"));
        }
        let mut given: Vec<Option<SnapshotDisk>> = vec![None; disks.len()];
        for mut disk in std::mem::take(&mut self.disks) {
            let found = disks
                .iter()
                .position(|own| own.dst() == disk.name || own.source.path() == Some(disk.name.as_str()));
            let own = found.and_then(|at| Some((disks.get(at)?, given.get_mut(at)?)));
            let (own, place) = own.ok_or_else(|| unsupported(format!("no disk named '{}'", disk.name)))?;
            if place.is_some() {
                return Err(unsupported(format!("disk '{}' specified twice", own.dst())));
            }
            let chosen = usual(own);
            match disk.snapshot {
                None => {
                    let fits = !uniform || chosen == Some(location) || chosen == Some(SnapshotLocation::No);
                    disk.snapshot = Some(chosen.filter(|_| fits).unwrap_or(location));
                }
                Some(asked) => {
                    let none = asked == SnapshotLocation::No && chosen == Some(SnapshotLocation::No);
                    if uniform && asked != location && !none {
                        return Err(unsupported(format!(
                            "disk '{}' must use snapshot mode '{}'",
                            disk.name,
                            location.as_str()
                        )));
                    }
                }
            }
            disk.name = own.dst().to_owned();
            let outside = disk.snapshot == Some(SnapshotLocation::External);
            if let Some(path) = disk.source.as_ref().and_then(StorageSource::path).filter(|_| !outside) {
                return Err(unsupported(format!(
                    "file '{path}' for disk '{}' requires use of external snapshot mode",
                    disk.name
                )));
            }
            *place = Some(disk);
        }
        for (own, given) in disks.iter().zip(given) {
            self.disks.push(given.unwrap_or_else(|| {
                let empty = own.source.path().is_none() && matches!(own.source.location, Location::File(_));
                let location = if empty { SnapshotLocation::No } else { usual(own).unwrap_or(location) };
                SnapshotDisk {
                    name: own.dst().to_owned(),
                    snapshot: Some(location),
                    format: None,
                    source: None,
                }
            }));
        }
        Ok(())
    }

    /// Whether something of it is in files of its own.
    pub fn is_external(&self) -> bool {
        let outside = |disk: &SnapshotDisk| disk.snapshot == Some(SnapshotLocation::External);
        self.memory == Some(MemoryLocation::External) || self.disks.iter().any(outside)
    }

    /// The document's text.
    pub fn format(&self, options: &WriteOptions) -> String {
        self.write(options, None)
    }

    /// The text of its file, which says whether the domain is on it.
    pub fn format_file(&self, active: bool) -> String {
        let options = WriteOptions { inactive: true, secure: true, ..WriteOptions::default() };
        self.write(&options, Some(active))
    }

    fn write(&self, options: &WriteOptions, file: Option<bool>) -> String {
        let mut w = Writer::new(*options);
        w.start("domainsnapshot");
        w.element_text("name", &self.name);
        if let Some(description) = &self.description {
            w.element_text("description", description);
        }
        if let Some(state) = self.state {
            w.element_text("state", state.as_str());
        }
        if let Some(parent) = &self.parent {
            w.start("parent");
            w.element_text("name", parent);
            w.end();
        }
        w.element_value("creationTime", &self.creation_time);
        if let Some(memory) = self.memory {
            w.start("memory");
            w.attr("snapshot", memory.as_str());
            w.attr_opt("file", self.memory_file.as_deref());
            w.end();
        }
        if !self.disks.is_empty() {
            w.start("disks");
            self.disks.iter().for_each(|disk| disk.write(&mut w));
            w.end();
        }
        if let Some(domain) = &self.domain {
            domain.write(&mut w);
        }
        if let Some(domain) = &self.inactive_domain {
            w.element("inactiveDomain", &**domain);
        }
        if let Some(active) = file {
            if let Some(cookie) = &self.cookie {
                w.raw_element(cookie);
            }
            w.element_text("active", if active { "1" } else { "0" });
        }
        w.end();
        w.finish()
    }
}

impl SnapshotDisk {
    fn read(e: Element<'_>) -> Result<Self> {
        let name = e.attr("name").ok_or_else(|| internal("missing name from disk snapshot element"))?;
        let snapshot = match e.attr("snapshot") {
            None => None,
            Some(word) => Some(SnapshotLocation::from_word(word).ok_or_else(|| bad_word("disk", word))?),
        };
        let source = e.child("source").map(|_| StorageSource::read(e)).transpose()?;
        let file = source.as_ref().filter(|source| matches!(source.location, Location::File(_)));
        if let Some(path) = file.and_then(StorageSource::path).filter(|path| !path.starts_with('/')) {
            return Err(xml_error(format!("disk snapshot image path '{path}' must be absolute")));
        }
        let format = e.child("driver").and_then(|driver| driver.attr("type")).map(str::to_owned);
        let outside = source.is_some() || format.is_some();
        let snapshot = snapshot.or(outside.then_some(SnapshotLocation::External));
        Ok(SnapshotDisk { name: name.to_owned(), snapshot, format, source })
    }

    fn write(&self, w: &mut Writer) {
        w.start("disk");
        w.attr("name", &self.name);
        w.attr_opt("snapshot", self.snapshot.map(SnapshotLocation::as_str));
        if self.source.is_some() || self.format.is_some() {
            let kind = self.source.as_ref().map_or("file", |source| source.location.tag());
            w.attr("type", kind);
            if let Some(format) = &self.format {
                w.start("driver");
                w.attr("type", format);
                w.end();
            }
            if let Some(source) = &self.source {
                source.write_body(w);
            }
        }
        w.end();
    }
}

impl Moment for Snapshot {
    const KIND: &'static str = "snapshot";
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

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str, redefine: bool) -> Result<Snapshot> {
        let options = SnapshotOptions { redefine, strict: false, now: 7 };
        Snapshot::parse(text, options, &|e, options| Domain::from_element(e, options))
    }

    #[test]
    fn what_is_written_is_read_again() {
        let text = "<domainsnapshot><name>s</name><state>disk-snapshot</state><creationTime>5</creationTime>\
            <parent><name>p</name></parent><disks><disk name='vda' snapshot='external'><driver type='qcow2'/>\
            <source file='/o'/></disk><disk name='sda' snapshot='no'/></disks></domainsnapshot>";
        let snapshot = parse(text, true).unwrap();
        let written = snapshot.format(&WriteOptions::default());
        assert!(written.contains("<memory snapshot='no'/>"), "{written}");
        assert!(written.contains("<disk name='vda' snapshot='external' type='file'>"), "{written}");
        assert_eq!(parse(&written, true).unwrap(), snapshot);
        assert!(snapshot.is_external());
        assert!(parse(&snapshot.format_file(true), true).unwrap().active);
    }

    #[test]
    fn what_is_wrong_is_told_as_libvirt_does() {
        let why = |inner: &str, redefine| {
            let text = format!("<domainsnapshot>{inner}</domainsnapshot>");
            parse(&text, redefine).unwrap_err().message().to_owned()
        };
        assert_eq!(why("", true), "XML error: a redefined snapshot must have a name");
        assert_eq!(
            why("<memory snapshot='external' file='x'/>", false),
            "XML error: memory snapshot file path (x) must be absolute"
        );
        assert_eq!(
            why("<disks><disk name='vda' snapshot='bogus'/></disks>", false),
            "XML error: Invalid value for attribute 'snapshot' in element 'disk': 'bogus'."
        );
        assert_eq!(parse("<domainsnapshot/>", false).unwrap().name, "7");
    }
}
