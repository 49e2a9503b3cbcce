//! Definitions of one kind of object: a registry of them, and for each a file on disk. Networks, filters,
//! storage pools and secrets are kept so.

use std::collections::HashSet;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arc_swap::ArcSwap;
use virtus_base::{Error, ErrorDomain, Result, Uuid};

use crate::file::{self, Durability};
use crate::registry::{Object, Registry};

/// What an object is defined by.
pub trait Definition: Send + Sync + 'static {
    /// Its identity.
    fn uuid(&self) -> Uuid;
    /// Its name, unique among its kind; the file is named after it.
    fn name(&self) -> String;
    /// Reads the document of its file.
    ///
    /// # Errors
    /// When it is none.
    fn from_file(text: &str) -> Result<Self>
    where
        Self: Sized;
    /// The document for its file; `None` when it is not to be on disk.
    fn to_file(&self) -> Option<String>;
}

/// Where the definitions of a kind are.
#[derive(Clone, Debug)]
pub struct Files {
    /// Their directory.
    pub directory: PathBuf,
    /// Whose errors they are.
    pub errors: ErrorDomain,
    /// The virsh command that changes one, for the comment at a file's top; no comment without.
    pub command: Option<&'static str>,
    /// Whether there is a directory `autostart` with links to those that start with the daemon.
    pub autostart: bool,
}

/// An object's definition and what goes with it, at one moment.
#[derive(Debug)]
pub struct View<D> {
    /// The definition.
    pub definition: Arc<D>,
    /// Whether it starts with the daemon.
    pub autostart: bool,
}

/// An object.
#[derive(Debug)]
pub struct Entry<D> {
    uuid: Uuid,
    name: Arc<str>,
    view: ArcSwap<View<D>>,
}

impl<D: Send + Sync + 'static> Object for Entry<D> {
    fn uuid(&self) -> Uuid {
        self.uuid
    }
    fn name(&self) -> Arc<str> {
        Arc::clone(&self.name)
    }
}

impl<D: Definition> Entry<D> {
    fn new(definition: D, autostart: bool) -> Arc<Self> {
        let (uuid, name) = (definition.uuid(), definition.name().into());
        let view = View { definition: Arc::new(definition), autostart };
        Arc::new(Entry { uuid, name, view: ArcSwap::from_pointee(view) })
    }

    /// The object as it is now.
    pub fn view(&self) -> Arc<View<D>> {
        self.view.load_full()
    }

    /// Its definition as it is now.
    pub fn definition(&self) -> Arc<D> {
        Arc::clone(&self.view.load().definition)
    }
}

/// All objects of a kind.
#[derive(Debug)]
pub struct Definitions<D> {
    registry: Registry<Entry<D>>,
    files: Files,
    writer: Mutex<()>,
}

impl<D> std::ops::Deref for Definitions<D> {
    type Target = Registry<Entry<D>>;
    fn deref(&self) -> &Self::Target {
        &self.registry
    }
}

impl<D: Definition> Definitions<D> {
    /// Makes the directories and reads all definitions. A file that cannot be read is set aside and hinders no
    /// other.
    ///
    /// # Errors
    /// When a directory cannot be made or read.
    pub fn open(files: Files) -> Result<Self> {
        let definitions = Definitions { registry: Registry::default(), files, writer: Mutex::new(()) };
        definitions.load()?;
        Ok(definitions)
    }

    fn load(&self) -> Result<()> {
        use std::os::unix::fs::DirBuilderExt;
        let files = &self.files;
        let links = files.directory.join("autostart");
        let innermost = if files.autostart { &links } else { &files.directory };
        // what has links may be looked at; secrets have none
        let mode = if files.autostart { 0o755 } else { 0o700 };
        std::fs::DirBuilder::new().recursive(true).mode(mode).create(innermost).map_err(|e| {
            files.system(format_args!("cannot create config directory '{}'", innermost.display()), &e)
        })?;
        let found = file::list(&files.directory, "xml").map_err(|e| {
            files.system(format_args!("Failed to open dir '{}'", files.directory.display()), &e)
        })?;
        let linked: HashSet<String> = std::fs::read_dir(&links).map_or_else(
            |_| HashSet::new(),
            |entries| {
                let stem =
                    |e: std::fs::DirEntry| e.file_name().to_str()?.strip_suffix(".xml").map(str::to_owned);
                entries.filter_map(|e| stem(e.ok()?)).collect()
            },
        );
        for (stem, path) in found {
            let text = match std::fs::read_to_string(&path) {
                Ok(text) => text,
                Err(e) if e.kind() == io::ErrorKind::InvalidData => {
                    file::set_aside(&path, None, &e);
                    continue;
                }
                Err(e) => {
                    tracing::error!("{}: {e}; it is passed over", path.display());
                    continue;
                }
            };
            match D::from_file(&text) {
                Err(e) => {
                    let line = u32::try_from(e.fields().int1).ok().filter(|line| *line > 0);
                    file::set_aside(&path, line, &e);
                }
                Ok(definition) if definition.name() != stem => {
                    tracing::error!(
                        "{}: it defines '{}'; it is passed over",
                        path.display(),
                        definition.name()
                    );
                }
                Ok(definition) => {
                    if self.registry.insert(Entry::new(definition, linked.contains(&stem))).is_err() {
                        tracing::error!("{}: its UUID is another's; it is passed over", path.display());
                    }
                }
            }
        }
        Ok(())
    }

    /// Begins a change; nobody else changes anything meanwhile. It may wait for the disk.
    pub fn edit(&self) -> Edit<'_, D> {
        Edit { all: self, _writer: self.writer.lock().unwrap_or_else(PoisonError::into_inner) }
    }
}

/// The right to change definitions of a kind.
#[derive(Debug)]
pub struct Edit<'a, D> {
    all: &'a Definitions<D>,
    _writer: MutexGuard<'a, ()>,
}

impl<D: Definition> Edit<'_, D> {
    /// Defines an object, or gives the one of this UUID another definition of the same name. On return it is on
    /// the disk.
    ///
    /// # Errors
    /// When the file cannot be written, or the name is another object's; nothing is changed then.
    pub fn define(&self, definition: D) -> Result<Arc<Entry<D>>> {
        let Definitions { registry, files, .. } = self.all;
        let (uuid, name) = (definition.uuid(), definition.name());
        let old = registry.by_uuid(&uuid);
        let taken = || Error::internal(files.errors, format!("'{name}' is defined with another UUID"));
        if registry.by_name(&name).is_some_and(|o| o.uuid != uuid)
            || old.as_ref().is_some_and(|o| *o.name != *name)
        {
            return Err(taken());
        }
        match definition.to_file() {
            Some(text) => files.save(&name, uuid, &text)?,
            None if old.is_some() => files.remove(&name)?,
            None => {}
        }
        match old {
            Some(entry) => {
                let autostart = entry.view.load().autostart;
                entry.view.store(Arc::new(View { definition: Arc::new(definition), autostart }));
                Ok(entry)
            }
            None => {
                let entry = Entry::new(definition, false);
                // the writer's lock is held: what was free above is still free
                registry.insert(Arc::clone(&entry)).map_err(|_| taken())?;
                Ok(entry)
            }
        }
    }

    /// Gives an object what was found out about it while it is active; its file stays as it is.
    pub fn refresh(&self, entry: &Entry<D>, definition: D) {
        let autostart = entry.view.load().autostart;
        entry.view.store(Arc::new(View { definition: Arc::new(definition), autostart }));
    }

    /// Takes an object away, with its file and its link.
    ///
    /// # Errors
    /// When the file cannot be removed; the object is still there then.
    pub fn undefine(&self, entry: &Arc<Entry<D>>) -> Result<()> {
        self.all.files.remove(&entry.name)?;
        self.all.registry.remove(entry);
        Ok(())
    }

    /// Has an object start with the daemon, or not.
    ///
    /// # Errors
    /// When the link cannot be made or removed.
    pub fn set_autostart(&self, entry: &Entry<D>, on: bool) -> Result<()> {
        let view = entry.view();
        if view.autostart != on {
            self.all.files.set_autostart(&entry.name, on)?;
            entry.view.store(Arc::new(View { definition: Arc::clone(&view.definition), autostart: on }));
        }
        Ok(())
    }
}

impl Files {
    fn definition(&self, name: &str) -> PathBuf {
        self.directory.join(format!("{name}.xml"))
    }

    fn system(&self, what: impl std::fmt::Display, source: &io::Error) -> Error {
        Error::system(self.errors, what, source)
    }

    fn save(&self, name: &str, uuid: Uuid, document: &str) -> Result<()> {
        let path = self.definition(name);
        let text = match self.command {
            Some(command) if is_plain(name) => with_header(&format!("{command} {name}"), document),
            Some(command) => with_header(&format!("{command} {uuid}"), document),
            None => document.to_owned(),
        };
        file::write(&path, text.as_bytes(), 0o600, Durability::Disk)
            .map_err(|e| self.system(format_args!("cannot write config file '{}'", path.display()), &e))
    }

    fn remove(&self, name: &str) -> Result<()> {
        let path = self.definition(name);
        if self.autostart {
            // the link first: a definition without a link is harmless, a link without a definition is a lie
            self.set_autostart(name, false)?;
        }
        file::remove(&path, Durability::Disk)
            .map_err(|e| self.system(format_args!("cannot remove config {}", path.display()), &e))
    }

    fn set_autostart(&self, name: &str, on: bool) -> Result<()> {
        let (link, target) = (self.directory.join(format!("autostart/{name}.xml")), self.definition(name));
        let (done, harmless, what) = match on {
            true => (
                std::os::unix::fs::symlink(&target, &link),
                io::ErrorKind::AlreadyExists,
                format!("Failed to create symlink '{}' to '{}'", link.display(), target.display()),
            ),
            false => (
                std::fs::remove_file(&link),
                io::ErrorKind::NotFound,
                format!("Failed to delete symlink '{}'", link.display()),
            ),
        };
        match done {
            Err(e) if e.kind() != harmless => Err(self.system(what, &e)),
            _ => Ok(()),
        }
    }
}

/// Whether a shell takes a name as it is.
fn is_plain(name: &str) -> bool {
    name.bytes().all(|c| c.is_ascii_alphanumeric() || b"_.-/,:+@=%".contains(&c))
}

/// A document with the comment that tells who keeps it and how to change it.
pub fn with_header(command: &str, document: &str) -> String {
    format!(
        "<!--\nWARNING: THIS IS AN AUTO-GENERATED FILE. CHANGES TO IT ARE LIKELY TO BE\n\
         OVERWRITTEN AND LOST. Changes to this xml configuration should be made using:\n  virsh {}\n\
         or other application using the libvirt API.\n-->\n\n{document}",
        // `--` may not stand in a comment
        command.replace("--", "-\u{2010}")
    )
}

/// Whether an object passes a listing's filter. Each group is a property with the flag of each of its values and
/// whether the object has that value; a group none of whose flags is set lets everything pass.
pub fn passes(filter: u32, groups: &[&[(u32, bool)]]) -> bool {
    groups.iter().all(|group| {
        let asked = group.iter().fold(0, |all, (flag, _)| all | flag) & filter;
        asked == 0 || group.iter().any(|(flag, has)| *has && filter & flag != 0)
    })
}

/// Runs `work`, which waits for the disk, where it holds up nobody; it runs to its end even if the caller goes
/// away.
///
/// # Errors
/// Those of the work.
pub async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    let done = tokio::task::spawn_blocking(work).await;
    done.unwrap_or_else(|e| Err(Error::internal(ErrorDomain::NONE, format!("the call's task ended: {e}"))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug)]
    struct Note(Uuid, String);

    impl Definition for Note {
        fn uuid(&self) -> Uuid {
            self.0
        }
        fn name(&self) -> String {
            self.1.clone()
        }
        fn from_file(text: &str) -> Result<Self> {
            let last = text.lines().last().unwrap_or_default();
            let bad = || Error::internal(ErrorDomain::NONE, "bad");
            let (uuid, name) = last.split_once(' ').ok_or_else(bad)?;
            Ok(Note(Uuid::parse(uuid).ok_or_else(bad)?, name.to_owned()))
        }
        fn to_file(&self) -> Option<String> {
            Some(format!("{} {}", self.0, self.1))
        }
    }

    #[test]
    fn definitions_outlive_the_daemon() {
        let root = tempfile::tempdir().unwrap();
        let files = Files {
            directory: root.path().join("notes"),
            errors: ErrorDomain::NONE,
            command: Some("note-edit"),
            autostart: true,
        };
        let notes = Definitions::open(files.clone()).unwrap();
        let edit = notes.edit();
        let a = edit.define(Note(Uuid([1; 16]), "a".into())).unwrap();
        let b = edit.define(Note(Uuid([2; 16]), "b".into())).unwrap();
        assert!(edit.define(Note(Uuid([3; 16]), "a".into())).is_err());
        assert!(edit.define(Note(Uuid([1; 16]), "c".into())).is_err());
        edit.set_autostart(&a, true).unwrap();
        edit.set_autostart(&b, true).unwrap();
        edit.undefine(&b).unwrap();
        edit.define(Note(Uuid([1; 16]), "a".into())).unwrap();
        assert!(a.view().autostart && notes.len() == 1);
        drop(edit);
        std::fs::write(files.definition("broken"), "x").unwrap();
        let again = Definitions::<Note>::open(files.clone()).unwrap();
        let seen: Vec<_> = again.list().iter().map(|e| (e.name().to_string(), e.view().autostart)).collect();
        assert_eq!(seen, [("a".to_owned(), true)]);
        assert!(!files.definition("broken").exists());
        assert!(std::fs::read_to_string(files.definition("a")).unwrap().contains("  virsh note-edit a\n"));
        assert!(!files.directory.join("autostart/b.xml").is_symlink());
    }
}
