//! Emulated TPMs: a `swtpm` beside each guest. It ends by itself when QEMU does.

use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, chown};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use virtus_base::Result;
use virtus_conf::domain as conf;
use virtus_conf::domain::device::tpm::{TpmBackend, TpmEmulator, TpmVersion};
use virtus_host::process::{Credentials, Exit, Process, Signal, Spawn};
use virtus_state::Undo;

use super::prepare;
use crate::command::Context;
use crate::driver::Shared;
use crate::error::{internal, system, unsupported};

/// As whom TPMs are emulated.
const ACCOUNT: &str = "tss";

/// Starts the emulators of a guest and notes where QEMU finds them.
///
/// # Errors
/// `SYSTEM_ERROR` for what cannot be made, `INTERNAL_ERROR` when a new TPM cannot be set up.
pub(super) async fn start(
    shared: &Arc<Shared>,
    model: &conf::Domain,
    context: &mut Context,
    undo: &mut Undo,
) -> Result<()> {
    for tpm in &model.devices.tpms {
        let TpmBackend::Emulator(emulator) = &tpm.backend else { continue };
        if emulator.encryption.is_some() {
            return Err(unsupported("encrypted state of an emulated TPM is not supported"));
        }
        let socket = shared.setup.layout.state.join(format!("swtpm/{}-swtpm.sock", context.short_name));
        let process = emulate(shared, model, emulator, &socket).await?;
        let (watched, ended) = (Arc::new(process), socket.clone());
        let killed = Arc::clone(&watched);
        undo.push("TPM", move || {
            let _ = killed.kill(Signal::KILL);
            let _ = std::fs::remove_file(ended);
            Ok(())
        });
        let gone = socket.clone();
        shared.runtime.spawn(async move {
            watched.exited().await;
            let _ = std::fs::remove_file(gone);
        });
        let alias = tpm.info.alias.clone().unwrap_or_default();
        context.helper_sockets.insert(alias, socket.to_string_lossy().into_owned());
    }
    Ok(())
}

async fn emulate(
    shared: &Arc<Shared>,
    model: &conf::Domain,
    emulator: &TpmEmulator,
    socket: &Path,
) -> Result<Process> {
    let user = match shared.setup.layout.privileged {
        true => Credentials::lookup(ACCOUNT, ACCOUNT).ok(),
        false => None,
    };
    let version = emulator.version.unwrap_or(TpmVersion::V2_0);
    let base = shared.setup.layout.lib.parent().unwrap_or(&shared.setup.layout.lib).join("swtpm");
    let state = match &emulator.source {
        Some(source) => PathBuf::from(&source.path),
        None => base.join(model.uuid.to_string()).join(if version == TpmVersion::V2_0 {
            "tpm2"
        } else {
            "tpm1.2"
        }),
    };
    let log = log_file(shared, &model.name, user.as_ref())?;
    if !state.exists() {
        directory(&base, 0o711, None)?;
        if let Some(parent) = state.parent() {
            directory(parent, 0o711, None)?;
        }
        directory(&state, 0o700, user.as_ref())?;
        let made = set_up(shared, model, version, &state, &log, user.as_ref()).await;
        if made.is_err() {
            // a TPM that is set up by half is none
            let _ = std::fs::remove_dir_all(&state);
        }
        made?;
    }
    if let Some(parent) = socket.parent() {
        directory(parent, 0o711, None)?;
    }
    let mut spawn = Spawn::new(program("swtpm")?);
    let fd = spawn.next_fd(prepare::listen(socket)?);
    prepare::give_to_qemu(shared, socket)?;
    spawn
        .args(["socket", "--ctrl", &format!("type=unixio,fd={fd}")])
        .args(["--tpmstate", &format!("dir={},mode=0600", state.display())])
        .args(["--log", &format!("file={}", log.display()), "--terminate"])
        .session(true);
    if version == TpmVersion::V2_0 {
        spawn.arg("--tpm2");
    }
    run(shared, spawn, user)
}

fn program(name: &str) -> Result<PathBuf> {
    virtus_host::program::find_in_path(Path::new(name))
        .ok_or_else(|| internal(format!("Unable to find '{name}' binary in $PATH")))
}

/// Makes the keys and certificates of a new TPM.
async fn set_up(
    shared: &Arc<Shared>,
    model: &conf::Domain,
    version: TpmVersion,
    state: &Path,
    log: &Path,
    user: Option<&Credentials>,
) -> Result<()> {
    let mut spawn = Spawn::new(program("swtpm_setup")?);
    if version == TpmVersion::V2_0 {
        spawn.arg("--tpm2");
    }
    spawn
        .args(["--tpm-state", &state.to_string_lossy()])
        .args(["--vmid", &format!("{}:{}", model.name, model.uuid)])
        .args(["--logfile", &log.to_string_lossy()])
        .args(["--createek", "--create-ek-cert", "--create-platform-cert", "--lock-nvram", "--not-overwrite"])
        .env("PATH", std::env::var("PATH").unwrap_or_default());
    let exit = run(shared, spawn, user.cloned())?.exited().await;
    match exit {
        Exit::Code(0) => Ok(()),
        exit => Err(internal(format!(
            "Could not run 'swtpm_setup'. exitstatus: {exit:?}; Check error log '{}' for details.",
            log.display()
        ))),
    }
}

fn run(shared: &Arc<Shared>, mut spawn: Spawn, user: Option<Credentials>) -> Result<Process> {
    if let Some(user) = user {
        spawn.credentials(user).clear_capabilities();
    }
    let _runtime = shared.runtime.enter();
    Ok(spawn.start()?)
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

/// The emulator's log, which its user may write.
fn log_file(shared: &Shared, name: &str, owner: Option<&Credentials>) -> Result<PathBuf> {
    let own = &shared.setup.layout.log;
    // the system's instance has them where libvirt has them
    let dir = match own == Path::new("/var/log/libvirt/qemu") {
        true => PathBuf::from("/var/log/swtpm/libvirt/qemu"),
        false => own.join("swtpm"),
    };
    directory(&dir, 0o711, None)?;
    let path = dir.join(format!("{name}-swtpm.log"));
    let failed = |e: std::io::Error| system(format_args!("Could not create {}", path.display()), &e);
    std::fs::OpenOptions::new().create(true).append(true).mode(0o600).open(&path).map_err(failed)?;
    if let Some(owner) = owner {
        chown(&path, Some(owner.uid), Some(owner.gid)).map_err(failed)?;
    }
    Ok(path)
}
