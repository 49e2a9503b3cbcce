//! Moments on disk: one file each, in a directory of the domain's.

use std::path::Path;

use virtus_base::Result;
use virtus_conf::checkpoint::Checkpoint;
use virtus_conf::domain as conf;
use virtus_conf::moment::{Moment, Tree, domain_text};
use virtus_conf::snapshot::{Snapshot, SnapshotOptions};
use virtus_state::file::{self, Durability};
use virtus_xml::Element;

use crate::domain::status::{line_of, with_header};
use crate::error::system;

/// A moment that is kept in a file.
pub(crate) trait Kept: Moment {
    /// The virsh command that edits one.
    const EDIT: &'static str;
    /// The document for the file; `active` when the domain is on it.
    fn file(&self, active: bool) -> String;
    /// Reads a file, and whether the domain is on it.
    fn from_file(text: &str) -> Result<(Self, bool)>
    where
        Self: Sized;
}

fn domain(e: Element<'_>, options: &conf::ParseOptions) -> Result<conf::Domain> {
    conf::Domain::parse(&domain_text(e), options)
}

impl Kept for Snapshot {
    const EDIT: &'static str = "snapshot-edit";
    fn file(&self, active: bool) -> String {
        self.format_file(active)
    }
    fn from_file(text: &str) -> Result<(Self, bool)> {
        let options = SnapshotOptions { redefine: true, strict: false, now: 0 };
        let snapshot = Snapshot::parse(text, options, &domain)?;
        let active = snapshot.active;
        Ok((snapshot, active))
    }
}

impl Kept for Checkpoint {
    const EDIT: &'static str = "checkpoint-edit";
    fn file(&self, active: bool) -> String {
        self.format_file(active)
    }
    fn from_file(text: &str) -> Result<(Self, bool)> {
        let checkpoint = Checkpoint::parse_file(text, &domain)?;
        let active = checkpoint.active;
        Ok((checkpoint, active))
    }
}

/// Reads a directory. What cannot be read is set aside and hinders nothing else.
pub(crate) fn load<T: Kept>(directory: &Path) -> Tree<T> {
    let mut tree = Tree::default();
    let mut current = None;
    for (_, path) in file::list(directory, "xml").unwrap_or_default() {
        let read = std::fs::read_to_string(&path);
        match read.map_err(|e| system("cannot read", &e)).and_then(|text| T::from_file(&text)) {
            Ok((moment, active)) => {
                if active {
                    current = Some(moment.name().to_owned());
                }
                tree.insert(moment);
            }
            Err(e) => file::set_aside(&path, line_of(&e), &e),
        }
    }
    tree.set_current(current);
    tree
}

/// Writes those of these names.
///
/// # Errors
/// When a file cannot be written.
pub(crate) fn save<T: Kept>(directory: &Path, tree: &Tree<T>, names: &[String]) -> Result<()> {
    if names.is_empty() {
        return Ok(());
    }
    std::fs::create_dir_all(directory).map_err(|e| {
        system(format_args!("cannot create {} directory '{}'", T::KIND, directory.display()), &e)
    })?;
    let current = tree.current().map(|moment| moment.name().to_owned());
    for moment in names.iter().filter_map(|name| tree.get(name)) {
        let active = current.as_deref() == Some(moment.name());
        let path = directory.join(format!("{}.xml", moment.name()));
        let text = with_header(T::EDIT, &moment.file(active));
        file::write(&path, text.as_bytes(), 0o600, Durability::Disk)
            .map_err(|e| system(format_args!("cannot write config file '{}'", path.display()), &e))?;
    }
    Ok(())
}

/// Removes those of these names, and the directory when nothing is left in it.
///
/// # Errors
/// When a file cannot be removed.
pub(crate) fn remove(directory: &Path, names: &[String]) -> Result<()> {
    for name in names {
        let path = directory.join(format!("{name}.xml"));
        file::remove(&path, Durability::Disk)
            .map_err(|e| system(format_args!("cannot remove config {}", path.display()), &e))?;
    }
    // it may hold others
    let _ = std::fs::remove_dir(directory);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_is_found_again() {
        let root = tempfile::tempdir().unwrap();
        let directory = root.path().join("guest");
        let text = "<domainsnapshot><name>s</name><state>shutoff</state><creationTime>5</creationTime>\
            </domainsnapshot>";
        let (snapshot, _) = Snapshot::from_file(text).unwrap();
        let mut tree = Tree::default();
        tree.insert(snapshot);
        tree.set_current(Some("s".to_owned()));
        save(&directory, &tree, &["s".to_owned()]).unwrap();
        std::fs::write(directory.join("bad.xml"), "<domainsn").unwrap();
        let found: Tree<Snapshot> = load(&directory);
        assert_eq!(found.current().unwrap().creation_time, 5);
        assert!(directory.join("bad.xml.damaged-1").exists());
        std::fs::remove_file(directory.join("bad.xml.damaged-1")).unwrap();
        remove(&directory, &["s".to_owned()]).unwrap();
        assert!(!directory.exists());
    }
}
