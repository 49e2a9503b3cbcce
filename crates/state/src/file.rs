//! Files that are either the old or the new one, whatever happens in between.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// Whether a file has to survive a crash of the machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Durability {
    /// File and directory are on the disk when the call returns.
    Disk,
    /// It need only outlive this process: for a directory that a reboot empties anyway.
    Process,
}

/// Replaces `path` by `contents` with this mode: written beside as `path.new`, then renamed over it.
///
/// # Errors
/// The failing system call's; `path` is then the old file, and nothing is left beside it.
pub fn write(path: &Path, contents: &[u8], mode: u32, durability: Durability) -> io::Result<()> {
    let beside = beside(path, "new");
    let done = write_beside(&beside, contents, mode, durability).and_then(|()| fs::rename(&beside, path));
    if done.is_err() {
        let _ = fs::remove_file(&beside);
        return done;
    }
    match durability {
        Durability::Disk => sync_directory(path),
        Durability::Process => Ok(()),
    }
}

fn write_beside(path: &Path, contents: &[u8], mode: u32, durability: Durability) -> io::Result<()> {
    let open = || OpenOptions::new().write(true).create_new(true).mode(mode).open(path);
    let mut file = match open() {
        // left by a process that died between the two steps
        Err(e) if e.kind() == io::ErrorKind::AlreadyExists => {
            fs::remove_file(path)?;
            open()?
        }
        opened => opened?,
    };
    file.write_all(contents)?;
    match durability {
        // the size changes, so the metadata that matters goes out with the data
        Durability::Disk => file.sync_data(),
        Durability::Process => Ok(()),
    }
}

/// Removes `path`, durably. That it is not there is no error.
///
/// # Errors
/// The failing system call's.
pub fn remove(path: &Path, durability: Durability) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(()),
        removed => removed?,
    }
    match durability {
        Durability::Disk => sync_directory(path),
        Durability::Process => Ok(()),
    }
}

/// Renames `from` to `to` in the same directory, durably.
///
/// # Errors
/// The failing system call's.
pub fn rename(from: &Path, to: &Path) -> io::Result<()> {
    fs::rename(from, to)?;
    sync_directory(to)
}

/// Makes what happened in the directory of `path` durable.
fn sync_directory(path: &Path) -> io::Result<()> {
    match path.parent() {
        Some(directory) => File::open(directory)?.sync_all(),
        None => Ok(()),
    }
}

fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".");
    name.push(suffix);
    PathBuf::from(name)
}

/// Sets a file aside that cannot be used, as `path.damaged-N`, and says so in the log. `line` is where the
/// reader gave up, when it knows.
pub fn set_aside(path: &Path, line: Option<u32>, reason: &dyn std::fmt::Display) {
    let place = match line {
        Some(line) => format!("{}:{line}", path.display()),
        None => path.display().to_string(),
    };
    let free = (1..1000).map(|n| beside(path, &format!("damaged-{n}"))).find(|p| !p.exists());
    let moved = match &free {
        Some(aside) => fs::rename(path, aside),
        None => Err(io::ErrorKind::AlreadyExists.into()),
    };
    match (moved, free) {
        (Ok(()), Some(aside)) => {
            tracing::error!("{place}: {reason}; the file was set aside as {}", aside.display());
        }
        (Err(e), _) => {
            tracing::error!("{place}: {reason}; it could not be set aside ({e}) and is passed over")
        }
        (Ok(()), None) => {}
    }
}

/// The files of `directory` whose names end in `.suffix`, with the name before it, in order of name. A
/// directory that is not there has none. Temporary files of a writer that died (`*.new`) are removed.
///
/// # Errors
/// When the directory cannot be read.
pub fn list(directory: &Path, suffix: &str) -> io::Result<Vec<(String, PathBuf)>> {
    let entries = match fs::read_dir(directory) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let suffix = format!(".{suffix}");
    let mut found = Vec::new();
    for entry in entries {
        let entry = entry?;
        let Ok(name) = entry.file_name().into_string() else { continue };
        if name.strip_suffix(".new").is_some_and(|n| n.ends_with(&suffix)) {
            let _ = fs::remove_file(entry.path());
        } else if let Some(stem) = name.strip_suffix(&suffix)
            && !stem.is_empty()
            && !stem.starts_with('.')
            && entry.file_type()?.is_file()
        {
            found.push((stem.to_owned(), entry.path()));
        }
    }
    found.sort();
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn a_write_replaces_the_whole_file_and_leaves_nothing_beside() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.xml");
        fs::write(beside(&path, "new"), "half").unwrap();
        for text in ["first, and longer", "second"] {
            write(&path, text.as_bytes(), 0o600, Durability::Disk).unwrap();
            assert_eq!(fs::read_to_string(&path).unwrap(), text);
        }
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
        remove(&path, Durability::Disk).unwrap();
        remove(&path, Durability::Disk).unwrap();
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
    }

    #[test]
    fn a_failed_write_keeps_the_old_file() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.xml");
        fs::create_dir(&path).unwrap();
        fs::write(path.join("x"), "").unwrap();
        assert!(write(&path, b"new", 0o600, Durability::Disk).is_err());
        assert!(path.join("x").exists());
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }

    #[test]
    fn damaged_files_are_set_aside_and_not_listed() {
        let dir = tempfile::tempdir().unwrap();
        for name in ["b.xml", "a.xml", "a.xml.new", "notes.txt", ".xml", "c.xml.damaged-1"] {
            fs::write(dir.path().join(name), name).unwrap();
        }
        fs::create_dir(dir.path().join("d.xml")).unwrap();
        let names = || list(dir.path(), "xml").unwrap().into_iter().map(|(name, _)| name).collect::<Vec<_>>();
        assert_eq!(names(), ["a", "b"]);
        assert!(!dir.path().join("a.xml.new").exists());
        set_aside(&dir.path().join("a.xml"), Some(3), &"bad");
        assert_eq!(names(), ["b"]);
        assert_eq!(fs::read_to_string(dir.path().join("a.xml.damaged-1")).unwrap(), "a.xml");
        assert!(list(&dir.path().join("none"), "xml").unwrap().is_empty());
    }
}
