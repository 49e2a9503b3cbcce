//! A device's directory in sysfs.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// A device's directory, with what the kernel and udev say of it.
#[derive(Debug)]
pub(super) struct Entry<'a> {
    pub(super) root: &'a Path,
    pub(super) path: &'a Path,
    /// The last part of its path.
    pub(super) name: String,
    /// Its bus or class.
    pub(super) subsystem: String,
    properties: BTreeMap<String, String>,
    /// Links to its file in `/dev`, from udev.
    pub(super) links: Vec<String>,
}

impl<'a> Entry<'a> {
    pub(super) fn read(root: &'a Path, path: &'a Path) -> Option<Self> {
        let name = path.file_name()?.to_str()?.to_owned();
        let mut entry = Entry {
            root,
            path,
            name,
            subsystem: String::new(),
            properties: BTreeMap::new(),
            links: Vec::new(),
        };
        entry.subsystem = entry.link_name("subsystem")?;
        let text = std::fs::read_to_string(path.join("uevent")).unwrap_or_default();
        for line in text.lines() {
            if let Some((name, value)) = line.split_once('=') {
                entry.properties.insert(name.to_owned(), value.to_owned());
            }
        }
        entry.read_database();
        Some(entry)
    }

    /// What udev found out, where it runs.
    fn read_database(&mut self) {
        let number = match (self.property("MAJOR"), self.property("MINOR")) {
            (Some(major), Some(minor)) => {
                let kind = if self.subsystem == "block" { 'b' } else { 'c' };
                Some(format!("{kind}{major}:{minor}"))
            }
            _ => self.property("IFINDEX").map(|index| format!("n{index}")),
        };
        let key = number.unwrap_or_else(|| format!("+{}:{}", self.subsystem, self.name));
        let text = std::fs::read_to_string(self.root.join("run/udev/data").join(key)).unwrap_or_default();
        for line in text.lines() {
            match line.split_once(':') {
                Some(("E", pair)) => {
                    if let Some((name, value)) = pair.split_once('=') {
                        self.properties.insert(name.to_owned(), value.to_owned());
                    }
                }
                Some(("S", link)) => self.links.push(format!("/dev/{link}")),
                _ => {}
            }
        }
        self.links.sort_unstable();
    }

    /// Its path as it is told.
    pub(super) fn shown(&self) -> String {
        let below = self.path.strip_prefix(self.root).unwrap_or(self.path);
        PathBuf::from("/").join(below).to_string_lossy().into_owned()
    }

    /// A property the kernel or udev gives it.
    pub(super) fn property(&self, name: &str) -> Option<&str> {
        self.properties.get(name).map(String::as_str)
    }

    /// A property that is a number.
    pub(super) fn number_property(&self, name: &str, base: u32) -> Option<u32> {
        u32::from_str_radix(self.property(name)?, base).ok()
    }

    /// The text of one of its files.
    pub(super) fn attribute(&self, name: &str) -> Option<String> {
        let text = std::fs::read_to_string(self.path.join(name)).ok()?;
        Some(text.trim().to_owned())
    }

    /// A file that has a number; `0x` in front says that it is hexadecimal.
    pub(super) fn number(&self, name: &str, base: u32) -> Option<u32> {
        let text = self.attribute(name)?;
        match text.strip_prefix("0x") {
            Some(digits) => u32::from_str_radix(digits, 16).ok(),
            None => u32::from_str_radix(&text, base).ok(),
        }
    }

    /// The last part of where a link of it leads.
    pub(super) fn link_name(&self, name: &str) -> Option<String> {
        let target = std::fs::read_link(self.path.join(name)).ok()?;
        Some(target.file_name()?.to_str()?.to_owned())
    }

    /// The names in one of its directories, in order.
    pub(super) fn names(&self, directory: &str) -> Vec<String> {
        let entries = std::fs::read_dir(self.path.join(directory)).into_iter().flatten().flatten();
        let mut names: Vec<String> = entries.filter_map(|e| e.file_name().into_string().ok()).collect();
        names.sort_unstable();
        names
    }
}
