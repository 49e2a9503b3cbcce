//! The pid file, whose lock says that a daemon runs.

use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::path::PathBuf;

use rustix::fs::{FlockOperation, flock};

use crate::paths::Paths;

/// Takes the pid file for as long as the result lives. Without a name, only a daemon in the background has one;
/// a second daemon in the same places is refused all the same.
pub(crate) fn take(name: Option<&str>, paths: &Paths, daemon: bool) -> std::io::Result<File> {
    let path: PathBuf = match name {
        Some(name) => name.into(),
        None if daemon && paths.privileged => "/run/libvirtd.pid".into(),
        None => paths.run.join("virtusd.pid"),
    };
    if let Some(dir) = path.parent() {
        std::fs::create_dir_all(dir)?;
    }
    let told =
        |e: std::io::Error| std::io::Error::new(e.kind(), format!("cannot open {}: {e}", path.display()));
    let mut file =
        OpenOptions::new().create(true).truncate(false).read(true).write(true).open(&path).map_err(told)?;
    flock(&file, FlockOperation::NonBlockingLockExclusive).map_err(|_| {
        std::io::Error::other(format!("Failed to acquire pid file '{}': another daemon runs", path.display()))
    })?;
    file.set_len(0)?;
    writeln!(file, "{}", std::process::id())?;
    Ok(file)
}
