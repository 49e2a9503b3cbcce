//! qemu-pr-helper: SCSI reservations for disks of a guest whose QEMU may not make them itself.

use virtus_base::{ErrorCode, Result};
use virtus_conf::domain as conf;
use virtus_host::process::Spawn;

use super::Start;
use crate::error::{error, internal, system};
use crate::process::prepare;

/// Its pid file, in the guest's own directory.
pub(super) const PID_FILE: &str = "pr-helper0.pid";

pub(super) fn wanted(model: &conf::Domain) -> bool {
    let disks = &model.devices.disks;
    disks.iter().any(|disk| disk.source.common.reservations.as_ref().is_some_and(|r| r.managed.is_true()))
}

pub(super) async fn start(start: &mut Start<'_>, model: &mut conf::Domain) -> Result<()> {
    if !wanted(model) {
        return Ok(());
    }
    let program = super::configured(&start.shared.setup.settings.pr_helper, "pr helper")?;
    let socket = start.places.lib_dir.join("pr-helper0.sock");
    let complaints = super::scratch()?;
    let mut spawn = Spawn::new(&program);
    // it stays root: the kernel asks for the right to raw SCSI commands
    spawn.arg("-k").arg(&socket);
    spawn.fd(complaints.try_clone().map_err(|e| system("cannot duplicate a descriptor", &e))?, 2);
    let process = start.launch(model, spawn, &start.places.lib_dir.join(PID_FILE))?;
    if !super::appears(&socket, &process).await {
        return Err(match process.is_alive() {
            true => {
                error(ErrorCode::OPERATION_TIMEOUT, format!("pr helper {} didn't show up", program.display()))
            }
            false => internal(format!("pr helper died and reported: {}", super::said(&complaints))),
        });
    }
    prepare::give_to_qemu(start.shared, &socket)
}
