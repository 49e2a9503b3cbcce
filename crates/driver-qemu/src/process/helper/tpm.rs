//! Emulated TPMs: a `swtpm` beside each guest. It ends by itself when QEMU does.

use std::os::unix::fs::{OpenOptionsExt, chown};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use virtus_base::{Result, Uuid};
use virtus_conf::domain as conf;
use virtus_conf::domain::device::storage::SecretRef;
use virtus_conf::domain::device::tpm::{TpmBackend, TpmEmulator, TpmVersion};
use virtus_host::process::{Credentials, Exit, Spawn};

use super::{Start, directory, program};
use crate::device::storage::{NeededSecret, SecretKind};
use crate::driver::Shared;
use crate::error::{internal, system};
use crate::process::{prepare, secrets};

/// As whom TPMs are emulated.
const ACCOUNT: &str = "tss";

pub(super) fn wanted(model: &conf::Domain) -> bool {
    model.devices.tpms.iter().any(|tpm| matches!(tpm.backend, TpmBackend::Emulator(_)))
}

/// Starts the emulators of a guest and notes where QEMU finds them.
///
/// # Errors
/// `SYSTEM_ERROR` for what cannot be made, `INTERNAL_ERROR` when a new TPM cannot be set up.
pub(super) async fn start(start: &mut Start<'_>, model: &mut conf::Domain) -> Result<()> {
    for tpm in &model.devices.tpms {
        let TpmBackend::Emulator(emulator) = &tpm.backend else { continue };
        let socket = start.file("swtpm", "swtpm.sock");
        emulate(start, model, emulator, &socket).await?;
        let alias = tpm.info.alias.clone().unwrap_or_default();
        start.context.helper_sockets.insert(alias, socket.to_string_lossy().into_owned());
    }
    Ok(())
}

async fn emulate(
    start: &Start<'_>,
    model: &conf::Domain,
    emulator: &TpmEmulator,
    socket: &Path,
) -> Result<()> {
    let shared = start.shared;
    let user = match shared.setup.layout.privileged {
        true => {
            let settings = &shared.setup.settings;
            let user = settings.swtpm_user.as_deref().unwrap_or(ACCOUNT);
            Credentials::lookup(user, settings.swtpm_group.as_deref().unwrap_or(ACCOUNT)).ok()
        }
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
    let key = emulator.encryption.map(|uuid| key(shared, uuid)).transpose()?;
    let log = log_file(shared, &model.name, user.as_ref())?;
    if !state.exists() {
        directory(&base, 0o711, None)?;
        if let Some(parent) = state.parent() {
            directory(parent, 0o711, None)?;
        }
        directory(&state, 0o700, user.as_ref())?;
        let made = set_up(shared, model, version, &state, &log, key.as_deref(), user.as_ref()).await;
        if made.is_err() {
            // a TPM that is set up by half is none
            let _ = std::fs::remove_dir_all(&state);
        }
        made?;
    }
    if let Some(parent) = socket.parent() {
        directory(parent, 0o711, None)?;
    }
    let program = program("swtpm")?;
    let mut spawn = Spawn::new(&program);
    let fd = spawn.next_fd(prepare::listen(socket)?);
    prepare::give_to_qemu(shared, socket)?;
    let mut args = vec!["socket".to_owned(), "--ctrl".to_owned(), format!("type=unixio,fd={fd}")];
    args.extend(["--tpmstate".to_owned(), format!("dir={},mode=0600", state.display())]);
    args.extend(["--log".to_owned(), format!("file={}", log.display()), "--terminate".to_owned()]);
    if version == TpmVersion::V2_0 {
        args.push("--tpm2".to_owned());
    }
    if let Some(key) = &key {
        for option in ["--key", "--migration-key"] {
            let fd = spawn.next_fd(held(key)?);
            args.extend([option.to_owned(), format!("pwdfd={fd},mode=aes-256-cbc")]);
        }
    }
    start.note("TPM Emulator", &format!("{} {}", program.display(), args.join(" ")));
    spawn.args(&args);
    if let Some(user) = user {
        spawn.credentials(user).clear_capabilities();
    }
    start.launch(model, spawn, &start.file("swtpm", "swtpm.pid"))?;
    Ok(())
}

/// The passphrase that a TPM's state is encrypted with.
fn key(shared: &Shared, uuid: Uuid) -> Result<Vec<u8>> {
    let needed = NeededSecret {
        id: String::new(),
        kind: SecretKind::Vtpm,
        lookup: SecretRef { uuid: Some(uuid), usage: None },
        text: None,
    };
    secrets::value(&*shared.setup.secrets, &needed)
}

/// A passphrase as something a program can read once.
fn held(key: &[u8]) -> Result<std::fs::File> {
    use std::io::{Seek as _, Write as _};
    let mut file = super::scratch()?;
    file.write_all(key).and_then(|()| file.rewind()).map_err(|e| system("cannot hand a key over", &e))?;
    Ok(file)
}

/// Makes the keys and certificates of a new TPM.
async fn set_up(
    shared: &Arc<Shared>,
    model: &conf::Domain,
    version: TpmVersion,
    state: &Path,
    log: &Path,
    key: Option<&[u8]>,
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
    if let Some(key) = key {
        let fd = spawn.next_fd(held(key)?);
        spawn.args(["--pwdfile-fd", &fd.to_string(), "--cipher", "aes-256-cbc"]);
    }
    if let Some(user) = user {
        spawn.credentials(user.clone()).clear_capabilities();
    }
    let process = {
        let _runtime = shared.runtime.enter();
        spawn.start()?
    };
    let exit = process.exited().await;
    match exit {
        Exit::Code(0) => Ok(()),
        exit => Err(internal(format!(
            "Could not run 'swtpm_setup'. exitstatus: {exit:?}; Check error log '{}' for details.",
            log.display()
        ))),
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
