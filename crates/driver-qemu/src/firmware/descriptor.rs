//! Descriptor files of firmware, as QEMU's `docs/interop/firmware.json` has them.

use crate::machine::libvirt_arch;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;

/// One firmware that is installed.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Firmware {
    /// What the guest meets: `uefi`, `bios` ….
    pub interface_types: Vec<String>,
    /// How it is shown to the guest.
    pub mapping: Mapping,
    /// The guests it is for.
    pub targets: Vec<Target>,
    /// What it can do and what it needs.
    #[serde(default)]
    pub features: Vec<String>,
}

/// How firmware is shown to the guest.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(tag = "device", rename_all = "kebab-case")]
pub enum Mapping {
    /// As flash memory.
    #[serde(rename_all = "kebab-case")]
    Flash {
        #[serde(default)]
        mode: FlashMode,
        executable: File,
        nvram_template: Option<File>,
    },
    /// As a kernel.
    Kernel { filename: String },
    /// As read-only memory.
    Memory { filename: String },
}

/// Where flash firmware keeps its variables.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FlashMode {
    /// In a second file.
    #[default]
    Split,
    /// In the firmware's own file.
    Combined,
    /// Nowhere.
    Stateless,
}

/// A file and its format.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct File {
    pub filename: String,
    pub format: String,
}

/// Guests that firmware is for.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Target {
    /// QEMU's name of the architecture.
    pub architecture: String,
    /// Patterns of machine types.
    pub machines: Vec<String>,
}

impl Firmware {
    /// Whether it has a feature.
    pub fn has(&self, feature: &str) -> bool {
        self.features.iter().any(|has| has == feature)
    }

    /// Whether it is for a machine type (a versioned one) of an architecture.
    pub fn suits(&self, arch: &str, machine: &str) -> bool {
        self.targets.iter().any(|target| {
            libvirt_arch(&target.architecture) == arch
                && target.machines.iter().any(|pattern| matches(pattern, machine))
        })
    }
}

/// Whether `text` is as a shell pattern of `*` and `?` says.
fn matches(pattern: &str, text: &str) -> bool {
    let (pattern, text) = (pattern.as_bytes(), text.as_bytes());
    let (mut p, mut t) = (0, 0);
    // where to go on when the last `*` has to take one more
    let mut again: Option<(usize, usize)> = None;
    while t < text.len() {
        match pattern.get(p) {
            Some(b'*') => {
                again = Some((p, t));
                p += 1;
            }
            Some(c) if *c == b'?' || Some(c) == text.get(t) => {
                p += 1;
                t += 1;
            }
            _ => match again {
                Some((star, from)) => {
                    again = Some((star, from + 1));
                    p = star + 1;
                    t = from + 1;
                }
                None => return false,
            },
        }
    }
    pattern.iter().skip(p).all(|c| *c == b'*')
}

/// The firmware that descriptor files in `directories` tell of, in the order in which it is preferred. A file in a
/// later directory replaces one of the same name, or removes it when it is empty.
pub fn installed(directories: &[PathBuf]) -> Vec<Firmware> {
    let mut files: BTreeMap<std::ffi::OsString, PathBuf> = BTreeMap::new();
    for directory in directories {
        let Ok(entries) = std::fs::read_dir(directory) else { continue };
        for entry in entries.flatten() {
            let path = entry.path();
            if path.extension().is_some_and(|extension| extension == "json") {
                files.insert(entry.file_name(), path);
            }
        }
    }
    files.values().filter_map(|path| read(path)).collect()
}

/// Descriptors are small; anything larger is not one.
const LARGEST: u64 = 1 << 20;

fn read(path: &Path) -> Option<Firmware> {
    let size = std::fs::metadata(path).ok()?.len();
    if size == 0 || size > LARGEST {
        return None;
    }
    let text = std::fs::read_to_string(path).ok()?;
    match serde_json::from_str(&text) {
        Ok(firmware) => Some(firmware),
        Err(error) => {
            tracing::warn!(path = %path.display(), %error, "firmware descriptor is not understood");
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn patterns_are_the_shells() {
        for (pattern, text, want) in [
            ("pc-q35-*", "pc-q35-10.0", true),
            ("pc-q35-*", "pc-i440fx-10.0", false),
            ("*", "", true),
            ("virt-*", "virt", false),
            ("a*b*c", "axxbyyc", true),
            ("a*b*c", "axxbyy", false),
            ("a?c", "abc", true),
            ("a?c", "ac", false),
        ] {
            assert_eq!(matches(pattern, text), want, "{pattern} {text}");
        }
    }
}
