//! Which vhost-user programs are installed: the descriptor files of QEMU's `docs/interop/vhost-user.json`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use virtus_base::{ErrorCode, Result};
use virtus_host::program::{Host, Program, Runner as _};

use crate::error::error;

/// Where descriptors are; a file replaces those of its name in later directories.
const DIRECTORIES: [&str; 2] = ["/etc/qemu/vhost-user", "/usr/share/qemu/vhost-user"];

/// One program.
#[derive(Clone, Debug, Deserialize)]
struct Descriptor {
    #[serde(rename = "type")]
    kind: String,
    binary: PathBuf,
}

/// What a program says it can do (`--print-capabilities`).
#[derive(Clone, Debug, Default, Deserialize)]
struct Capabilities {
    #[serde(default)]
    features: Vec<String>,
}

/// The programs of a kind (`fs`, `gpu`), by the names of their files.
fn installed(kind: &str, directories: &[PathBuf]) -> Vec<PathBuf> {
    let mut files: BTreeMap<std::ffi::OsString, PathBuf> = BTreeMap::new();
    for directory in directories {
        for entry in std::fs::read_dir(directory).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.extension().is_some_and(|ending| ending == "json") {
                files.entry(entry.file_name()).or_insert(path);
            }
        }
    }
    // an empty file hides one of the same name
    let read = |path: PathBuf| serde_json::from_slice::<Descriptor>(&std::fs::read(path).ok()?).ok();
    files.into_values().filter_map(read).filter(|d| d.kind == kind).map(|d| d.binary).collect()
}

/// The first program of a kind that has what is needed, with its features.
///
/// # Errors
/// `OPERATION_FAILED` when none has.
pub(super) async fn find(kind: &str, name: &str, needed: &[&str]) -> Result<(PathBuf, Vec<String>)> {
    let directories = DIRECTORIES.map(PathBuf::from);
    for binary in installed(kind, &directories) {
        let features = features(&binary).await?;
        if needed.iter().all(|feature| features.iter().any(|has| has == feature)) {
            return Ok((binary, features));
        }
    }
    Err(error(ErrorCode::OPERATION_FAILED, format!("Unable to find a satisfying {name}")))
}

/// What a program says it can do.
///
/// # Errors
/// `INTERNAL_ERROR` in libvirt's words when it cannot be run.
pub(super) async fn features(binary: &Path) -> Result<Vec<String>> {
    let asked = Program::new(binary).arg("--print-capabilities");
    if let Err(e) = rustix::fs::access(binary, rustix::fs::Access::EXEC_OK) {
        let why = std::io::Error::from(e);
        let why = virtus_base::Error::system(virtus_base::ErrorDomain::NONE, "", &why);
        let why = why.message().trim_start_matches(": ").to_owned();
        return Err(crate::error::internal(format!(
            "Child process ({}) unexpected exit status 127: libvirt:  error : cannot execute binary {}: {why}\n",
            asked.line(),
            binary.display()
        )));
    }
    let output = Host.run(&asked).await?.success(&asked)?;
    Ok(serde_json::from_slice::<Capabilities>(&output.stdout).unwrap_or_default().features)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_earlier_directory_replaces_files_of_a_later_one() {
        let root = tempfile::tempdir().unwrap();
        let (own, dist) = (root.path().join("etc"), root.path().join("usr"));
        for (path, text) in [
            (dist.join("50-a.json"), r#"{"type": "fs", "binary": "/a"}"#),
            (dist.join("60-b.json"), r#"{"type": "gpu", "binary": "/b"}"#),
            (dist.join("70-c.json"), r#"{"type": "fs", "binary": "/c"}"#),
            (own.join("50-a.json"), ""),
            (own.join("20-d.json"), r#"{"type": "fs", "binary": "/d", "more": 1}"#),
        ] {
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        assert_eq!(installed("fs", &[own, dist]), [Path::new("/d"), Path::new("/c")]);
    }
}
