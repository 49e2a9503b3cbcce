//! Definitions on disk: one file a domain, and a link for those that start with the daemon.

use std::collections::HashSet;
use std::io;
use std::path::{Path, PathBuf};

use virtus_base::Result;
use virtus_conf::domain as conf;
use virtus_state::file::{self, Durability};

use crate::domain::Definition;
use crate::domain::status::{line_of, with_header};
use crate::error::system;
use crate::layout::Layout;

/// Writes a domain's definition; when this returns it is on the disk.
///
/// # Errors
/// When the file cannot be written; the old one is still there then.
pub fn save(layout: &Layout, name: &str, definition: &Definition) -> Result<()> {
    let path = layout.definition(name);
    let text = with_header(&format!("edit {name}"), definition.file_text());
    file::write(&path, text.as_bytes(), 0o600, Durability::Disk)
        .map_err(|e| system(format_args!("cannot write config file '{}'", path.display()), &e))
}

/// Removes a domain's definition and its autostart link.
///
/// # Errors
/// When the file cannot be removed.
pub fn remove(layout: &Layout, name: &str) -> Result<()> {
    let path = layout.definition(name);
    // the link first: a definition without a link is harmless, a link without a definition is a lie
    set_autostart(layout, name, false)?;
    set_autostart_once(layout, name, false)?;
    file::remove(&path, Durability::Disk)
        .map_err(|e| system(format_args!("cannot remove config {}", path.display()), &e))
}

/// Makes or removes the autostart link.
///
/// # Errors
/// When that fails.
pub fn set_autostart(layout: &Layout, name: &str, on: bool) -> Result<()> {
    set_link(&layout.autostart(name), &layout.definition(name), on)
}

/// Makes or removes the link for a single automatic start.
///
/// # Errors
/// When that fails.
pub fn set_autostart_once(layout: &Layout, name: &str, on: bool) -> Result<()> {
    set_link(&layout.autostart_once(name), &layout.definition(name), on)
}

fn set_link(link: &Path, target: &Path, on: bool) -> Result<()> {
    if on {
        return match std::os::unix::fs::symlink(target, link) {
            Err(e) if e.kind() != io::ErrorKind::AlreadyExists => {
                let what = format!("Failed to create symlink '{}' to '{}'", link.display(), target.display());
                Err(system(what, &e))
            }
            _ => Ok(()),
        };
    }
    match std::fs::remove_file(link) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => {
            Err(system(format_args!("Failed to delete symlink '{}'", link.display()), &e))
        }
        _ => Ok(()),
    }
}

/// A definition as it was found.
#[derive(Debug)]
pub struct Loaded {
    /// The domain's name.
    pub name: String,
    /// Its UUID.
    pub uuid: virtus_base::Uuid,
    /// Its definition.
    pub definition: Definition,
    /// Whether it starts with the daemon.
    pub autostart: bool,
    /// Whether it does so the next time only.
    pub autostart_once: bool,
}

/// Reads all definitions, on all processors. What cannot be read is set aside and hinders nothing else.
///
/// # Errors
/// When the directory cannot be read.
pub fn load(layout: &Layout) -> io::Result<Vec<Loaded>> {
    let files = file::list(&layout.config, "xml")?;
    let linked: HashSet<String> = match std::fs::read_dir(layout.config.join("autostart")) {
        Ok(entries) => entries.filter_map(|e| e.ok()?.file_name().into_string().ok()).collect(),
        Err(_) => HashSet::new(),
    };
    let threads = std::thread::available_parallelism().map_or(1, usize::from).min(8);
    let share = files.len().div_ceil(threads).max(1);
    let loaded = std::thread::scope(|scope| {
        let workers: Vec<_> = files
            .chunks(share)
            .map(|chunk| {
                scope.spawn(|| chunk.iter().filter_map(|file| load_one(file, &linked)).collect::<Vec<_>>())
            })
            .collect();
        workers.into_iter().filter_map(|w| w.join().ok()).flatten().collect()
    });
    Ok(loaded)
}

fn load_one((stem, path): &(String, PathBuf), linked: &HashSet<String>) -> Option<Loaded> {
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(e) if e.kind() == io::ErrorKind::InvalidData => {
            file::set_aside(path, None, &e);
            return None;
        }
        Err(e) => {
            tracing::error!("{}: {e}; it is passed over", path.display());
            return None;
        }
    };
    let read = match Definition::skim(&text) {
        Ok(Some(found)) => Ok(found),
        Ok(None) => read_whole(&text),
        Err(e) => Err(e),
    };
    let (name, uuid, definition) = match read {
        Ok(found) => found,
        Err(e) => {
            file::set_aside(path, line_of(&e), &e);
            return None;
        }
    };
    if name != *stem {
        let path = path.display();
        tracing::error!("Domain config filename '{path}' does not match domain name '{name}'");
        return None;
    }
    Some(Loaded {
        name,
        uuid,
        definition,
        autostart: linked.contains(&format!("{stem}.xml")),
        autostart_once: linked.contains(&format!("{stem}.xml.once")),
    })
}

fn read_whole(text: &str) -> Result<(String, virtus_base::Uuid, Definition)> {
    let options = conf::ParseOptions { inactive: true, skip_validate: true, strict: false };
    let domain = conf::Domain::parse(text, &options)?;
    Ok((domain.name.clone(), domain.uuid, Definition::new(&domain)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn definition(name: &str) -> Definition {
        let xml = format!(
            "<domain type='qemu'><name>{name}</name><uuid>8f7a3c1e-5d2b-4e6f-9a10-0c0ffee00011</uuid>\
             <memory>1024</memory><os><type arch='x86_64'>hvm</type></os></domain>"
        );
        Definition::new(&conf::Domain::parse(&xml, &conf::ParseOptions::default()).unwrap())
    }

    #[test]
    fn a_damaged_definition_is_set_aside_and_the_others_are_read() {
        let root = tempfile::tempdir().unwrap();
        let layout = Layout::under(root.path());
        std::fs::create_dir_all(layout.config.join("autostart")).unwrap();
        for name in ["a", "b", "c"] {
            save(&layout, name, &definition(name)).unwrap();
        }
        set_autostart(&layout, "c", true).unwrap();
        set_autostart(&layout, "c", true).unwrap();
        std::fs::write(layout.definition("b"), "<domain type='qemu'>\n<name>b</na").unwrap();
        std::fs::copy(layout.definition("a"), layout.definition("other")).unwrap();
        let loaded = load(&layout).unwrap();
        let seen: Vec<_> = loaded.iter().map(|l| (l.name.as_str(), l.autostart)).collect();
        assert_eq!(seen, [("a", false), ("c", true)]);
        assert!(layout.config.join("b.xml.damaged-1").exists());
        remove(&layout, "c").unwrap();
        assert!(!layout.autostart("c").is_symlink() && !layout.definition("c").exists());
    }
}
