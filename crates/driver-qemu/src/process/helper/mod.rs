//! Programs that serve a guest beside its QEMU: started before it, in its control group, and ended after it.
//!
//! Each leaves a pid file whose name begins with the guest's number, and nothing else is needed to end them: a guest
//! that ended while no daemon ran, or whose start was never finished, is cleaned up just as any other.

mod bus;
mod descriptor;
mod gpu;
mod passt;
mod reservations;
mod tpm;
mod virtiofs;

use std::collections::HashSet;
use std::fs::File;
use std::io::Write as _;
use std::os::fd::OwnedFd;
use std::os::unix::fs::{DirBuilderExt, chown};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use virtus_base::Result;
use virtus_conf::domain as conf;
use virtus_host::process::{Credentials, Process, Signal, Spawn};
use virtus_state::Undo;
use virtus_state::file::{self, Durability};

use super::prepare::Places;
use super::{cgroup, log};
use crate::command::Context;
use crate::driver::Shared;
use crate::error::{internal, system};

pub(super) use passt::restart as restart_passt;

/// By this variable a process is known as the one a pid file is about: its number alone may be another's by now.
const MARK: &str = "VIRTUS_PID_FILE";
/// How long a helper may take until its socket is there.
const PATIENCE: Duration = Duration::from_secs(10);

/// What a helper is started for.
pub(super) struct Start<'a> {
    pub(super) shared: &'a Arc<Shared>,
    pub(super) places: &'a Places,
    pub(super) id: i32,
    pub(super) context: &'a mut Context,
    /// Sockets for QEMU by the name of their chardev.
    pub(super) sockets: Vec<(String, OwnedFd)>,
}

/// Starts all helpers a guest needs; they are noted in `model` and `context`. Answers sockets that QEMU inherits.
///
/// # Errors
/// libvirt's, when a helper is not there or does not come up.
pub(super) async fn start(
    shared: &Arc<Shared>,
    model: &mut conf::Domain,
    places: &Places,
    id: i32,
    context: &mut Context,
    undo: &mut Undo,
) -> Result<Vec<(String, OwnedFd)>> {
    if !wanted(model) {
        return Ok(Vec::new());
    }
    {
        let (shared, lib_dir) = (Arc::clone(shared), places.lib_dir.clone());
        undo.push("helpers", move || {
            stop(&shared, id, &lib_dir);
            Ok(())
        });
    }
    let mut start = Start { shared, places, id, context, sockets: Vec::new() };
    bus::start(&mut start, model).await?;
    gpu::start(&mut start, model).await?;
    tpm::start(&mut start, model).await?;
    passt::start(&mut start, model).await?;
    virtiofs::start(&mut start, model).await?;
    reservations::start(&mut start, model).await?;
    Ok(start.sockets)
}

/// Starts the helpers of a device that joins a running guest: the only one of `alone`, in which they are noted.
///
/// # Errors
/// As [`start`].
pub(crate) async fn join(
    shared: &Arc<Shared>,
    alone: &mut conf::Domain,
    id: i32,
    context: &mut Context,
    undo: &mut Undo,
) -> Result<()> {
    if !passt::wanted(alone) && !virtiofs::wanted(alone) {
        return Ok(());
    }
    let mut alias = String::new();
    alone.devices.each_info(|_, info| alias = info.alias.clone().unwrap_or_default());
    {
        let (shared, short_name) = (Arc::clone(shared), context.short_name.clone());
        undo.push("helper", move || {
            leave(&shared, &short_name, &alias);
            Ok(())
        });
    }
    let places = Places::of(shared, id, &alone.name);
    let mut start = Start { shared, places: &places, id, context, sockets: Vec::new() };
    passt::start(&mut start, alone).await?;
    virtiofs::start(&mut start, alone).await
}

/// Ends the helper of a device that has left, if it had one. `short_name` is the guest's in names of files.
pub(crate) fn leave(shared: &Shared, short_name: &str, alias: &str) {
    let prefix = format!("{short_name}-{alias}");
    let own: Vec<PathBuf> = files(shared)
        .into_iter()
        .map(|(_, path)| path)
        .filter(|path| {
            let name = path.file_name().and_then(|name| name.to_str());
            let rest = name.and_then(|name| name.strip_prefix(&prefix));
            rest.is_some_and(|rest| rest.starts_with(['-', '.']))
        })
        .collect();
    for path in own.iter().filter(|path| path.extension().is_some_and(|ending| ending == "pid")) {
        end(shared, path);
    }
    for path in own {
        let _ = std::fs::remove_file(path);
    }
}

/// Whether a guest has helpers.
pub(super) fn wanted(model: &conf::Domain) -> bool {
    bus::wanted(model)
        || gpu::wanted(model)
        || tpm::wanted(model)
        || passt::wanted(model)
        || virtiofs::wanted(model)
        || reservations::wanted(model)
}

impl Start<'_> {
    /// A file of the guest's own below the directory of run-time files, e.g. `passt/1-guest-net0.socket`.
    fn file(&self, directory: &str, rest: &str) -> PathBuf {
        let name = format!("{}-{rest}", self.context.short_name);
        self.shared.setup.layout.state.join(directory).join(name)
    }

    /// Whom QEMU runs as.
    fn user(&self) -> Option<Credentials> {
        self.shared.setup.user.clone()
    }

    /// Notes a helper's command in the guest's log, as libvirt does.
    fn note(&self, name: &str, line: &str) {
        log::helper(&self.places.log, name, line);
    }

    /// Starts a helper that stays, in the guest's control group.
    ///
    /// # Errors
    /// `SYSTEM_ERROR` when it cannot be started or noted.
    fn launch(&self, model: &conf::Domain, mut spawn: Spawn, pid_file: &Path) -> Result<Arc<Process>> {
        spawn.env(MARK, pid_file).session(true);
        cgroup::join(model, self.id, &mut spawn);
        let process = {
            let _runtime = self.shared.runtime.enter();
            Arc::new(spawn.start()?)
        };
        // a child that ended has to be fetched
        let watched = Arc::clone(&process);
        self.shared.runtime.spawn(async move { watched.exited().await });
        let number = process.pid().to_string();
        file::write(pid_file, number.as_bytes(), 0o644, Durability::Process).map_err(|e| {
            let _ = process.kill(Signal::KILL);
            system(format_args!("Failed to write pid file '{}'", pid_file.display()), &e)
        })?;
        Ok(process)
    }
}

/// A helper's log or output file, which only root reads.
fn output(path: &Path) -> Result<File> {
    use std::os::unix::fs::OpenOptionsExt;
    let file = std::fs::OpenOptions::new().append(true).create(true).mode(0o600).open(path);
    file.map_err(|e| system(format_args!("failed to create logfile {}", path.display()), &e))
}

/// A file without a name, for what a helper says.
fn scratch() -> Result<File> {
    let memory = rustix::fs::memfd_create("helper", rustix::fs::MemfdFlags::CLOEXEC);
    Ok(File::from(memory.map_err(|e| system("cannot create a file in memory", &e.into()))?))
}

/// What was written to a file, from its beginning, up to a limit.
fn said(mut file: &File) -> String {
    use std::io::{Read, Seek};
    let mut text = Vec::new();
    // what cannot be read back was not said
    if file.rewind().is_ok() {
        let _ = file.take(64 * 1024).read_to_end(&mut text);
    }
    String::from_utf8_lossy(&text).into_owned()
}

/// Waits until a path is there; `false` when the helper ended first, or takes too long.
async fn appears(path: &Path, process: &Process) -> bool {
    let waited = async {
        while !path.exists() {
            if !process.is_alive() {
                return false;
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        true
    };
    tokio::time::timeout(PATIENCE, waited).await.unwrap_or(false)
}

/// Makes a directory, if it is not there yet.
fn directory(path: &Path, mode: u32, owner: Option<&Credentials>) -> Result<()> {
    let failed =
        |e: &std::io::Error| system(format_args!("Could not create directory {}", path.display()), e);
    std::fs::DirBuilder::new().recursive(true).mode(mode).create(path).map_err(|e| failed(&e))?;
    match owner {
        Some(owner) => chown(path, Some(owner.uid), Some(owner.gid)).map_err(|e| failed(&e)),
        None => Ok(()),
    }
}

/// A program that the settings name, as a path or by its name in `/usr/bin`; `what` it is called in errors.
fn configured(name: &str, what: &str) -> Result<PathBuf> {
    let path = Path::new("/usr/bin").join(name);
    match rustix::fs::access(&path, rustix::fs::Access::EXEC_OK) {
        Ok(()) => Ok(path),
        Err(e) => Err(system(format_args!("'{}' is not a suitable {what}", path.display()), &e.into())),
    }
}

/// A program by its name.
fn program(name: &str) -> Result<PathBuf> {
    virtus_host::program::find_in_path(Path::new(name))
        .ok_or_else(|| internal(format!("Unable to find '{name}' binary in $PATH")))
}

/// Writes a file that the helper, running as `owner`, reads.
fn write_for(path: &Path, text: &str, owner: Option<&Credentials>) -> std::io::Result<()> {
    use std::os::unix::fs::OpenOptionsExt;
    let mut file =
        std::fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)?;
    file.write_all(text.as_bytes())?;
    match owner {
        Some(owner) => chown(path, Some(owner.uid), Some(owner.gid)),
        None => Ok(()),
    }
}

/// The directories with files of helpers, below that of run-time files. Of its own files only some are helpers'.
const DIRECTORIES: [&str; 4] = ["", "dbus", "passt", "swtpm"];
const ENDINGS: [&str; 2] = ["-fs.pid", "-vhost-user-gpu.pid"];

/// All files of helpers, with the number of the guest they are for.
fn files(shared: &Shared) -> Vec<(i32, PathBuf)> {
    let mut found = Vec::new();
    for directory in DIRECTORIES {
        let entries = std::fs::read_dir(shared.setup.layout.state.join(directory));
        for entry in entries.into_iter().flatten().flatten() {
            let name = entry.file_name();
            let Some(name) = name.to_str() else { continue };
            let ours = !directory.is_empty() || ENDINGS.iter().any(|ending| name.ends_with(ending));
            if let Some(id) = name.split('-').next().and_then(|id| id.parse().ok()).filter(|_| ours) {
                found.push((id, entry.path()));
            }
        }
    }
    found
}

/// Ends the helpers of a guest that has ended, and removes what they leave.
pub(super) fn stop(shared: &Shared, id: i32, lib_dir: &Path) {
    let own = files(shared).into_iter().filter(|(of, _)| *of == id).map(|(_, path)| path);
    let mut all: Vec<PathBuf> = own.collect();
    all.push(lib_dir.join(reservations::PID_FILE));
    for path in all.iter().filter(|path| path.extension().is_some_and(|ending| ending == "pid")) {
        end(shared, path);
    }
    for path in all {
        // what is not there need not go
        let _ = std::fs::remove_file(path);
    }
}

/// Ends helpers whose guest does not run.
pub(super) fn sweep(shared: &Shared, running: &HashSet<i32>) {
    let orphans: HashSet<i32> = files(shared).into_iter().map(|(id, _)| id).collect();
    for id in orphans.difference(running) {
        tracing::info!("ending what helped the guest with id {id}");
        stop(shared, *id, Path::new("/"));
    }
}

/// Ends the process that a pid file is about, if it still lives.
fn end(shared: &Shared, pid_file: &Path) {
    let Some(pid) = std::fs::read_to_string(pid_file).ok().and_then(|text| text.trim().parse().ok()) else {
        return;
    };
    let _runtime = shared.runtime.enter();
    // taken hold of first, so that the number cannot come to mean another one
    let Ok(process) = Process::open(pid, None) else { return };
    if !is_about(pid_file, pid) {
        return;
    }
    // a TPM has to write down its state, and ends by itself when QEMU does
    let gently = pid_file.parent().is_some_and(|parent| parent.ends_with("swtpm"));
    let _ = process.kill(if gently { Signal::TERM } else { Signal::KILL });
}

/// Whether a process is the one that a pid file was written for: it has the mark, or is told of the file; one that
/// libvirt started holds a lock on it.
fn is_about(pid_file: &Path, pid: i32) -> bool {
    let path = pid_file.as_os_str().as_encoded_bytes();
    let has = |what: &str| {
        let text = std::fs::read(format!("/proc/{pid}/{what}")).unwrap_or_default();
        text.windows(path.len()).any(|part| part == path)
    };
    let locked = || {
        let Ok(file) = File::options().write(true).open(pid_file) else { return false };
        let taken = rustix::fs::fcntl_lock(&file, rustix::fs::FlockOperation::NonBlockingLockExclusive);
        matches!(taken, Err(rustix::io::Errno::AGAIN | rustix::io::Errno::ACCESS))
    };
    has("environ") || has("cmdline") || locked()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_process_of_a_pid_file_is_known_by_it() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("1-g-fs0-fs.pid");
        std::fs::write(&path, "1").unwrap();
        let mut child = std::process::Command::new("sleep").arg("100").env(MARK, &path).spawn().unwrap();
        let pid = i32::try_from(child.id()).unwrap();
        let other = dir.path().join("2-g-fs0-fs.pid");
        std::fs::write(&other, "1").unwrap();
        // a process has its environment a moment after it was made
        while !is_about(&path, pid) {
            std::thread::yield_now();
        }
        assert!(!is_about(&other, pid));
        child.kill().unwrap();
        child.wait().unwrap();
    }
}
