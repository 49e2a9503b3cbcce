//! Trusted platform modules.

use virtus_base::Result;
use virtus_conf::domain::device::Tpm;
use virtus_conf::domain::device::chardev::ChardevSource;
use virtus_conf::domain::device::tpm::{TpmBackend, TpmModel};

use super::chardev;
use crate::command::build::Build;
use crate::command::guest::Guest;
use crate::command::line::escape;
use crate::command::props::Props;

/// The chardev of the emulator's control channel.
pub const CHARDEV: &str = "chrtpm";

/// All modules.
pub(crate) fn add(build: &mut Build<'_>) -> Result<()> {
    let guest = build.guest;
    for tpm in &guest.domain.devices.tpms {
        if tpm.model == Some(TpmModel::SpaprProxy) {
            let path = match &tpm.backend {
                TpmBackend::Passthrough { path } => path.clone(),
                _ => None,
            };
            build.device(
                Props::device("spapr-tpm-proxy").with("id", guest.alias(&tpm.info)).maybe("host-path", path),
            );
            continue;
        }
        let alias = guest.alias(&tpm.info);
        let id = format!("tpm-{alias}");
        match &tpm.backend {
            TpmBackend::Passthrough { path } => {
                let path = path.clone().unwrap_or_else(|| "/dev/tpm0".to_owned());
                build.line.option(
                    "tpmdev",
                    format!(
                        "passthrough,id={id},path={},cancel-path=/sys/class/tpm/tpm0/device/cancel",
                        escape(&path)
                    ),
                );
            }
            TpmBackend::Emulator(_) | TpmBackend::External { .. } => {
                let path = match &tpm.backend {
                    TpmBackend::External { source } => match &source.chardev {
                        ChardevSource::Unix { source } => source.path.clone(),
                        _ => None,
                    },
                    _ => guest.context.helper_sockets.get(&alias).cloned(),
                };
                let chardev = match path {
                    Some(path) => chardev::vhost_user(&guest, CHARDEV, &path, None),
                    // swtpm was not started: only the shape of the command line is wanted
                    None => format!("null,id={CHARDEV}"),
                };
                build.line.option("chardev", chardev);
                build.line.option("tpmdev", format!("emulator,id={id},chardev={CHARDEV}"));
            }
        }
        build.device(props(&guest, tpm)?);
    }
    Ok(())
}

/// The device.
///
/// # Errors
/// `INTERNAL_ERROR` for an address that does not fit.
pub fn props(guest: &Guest<'_>, tpm: &Tpm) -> Result<Props> {
    let alias = guest.alias(&tpm.info);
    let driver = match tpm.model {
        // boards without an ISA bus have it memory-mapped
        Some(TpmModel::Tis) | None if !guest.machine().is_x86() => "tpm-tis-device",
        Some(model) => model.as_str(),
        None => "tpm-tis",
    };
    Ok(Props::device(driver)
        .with("tpmdev", format!("tpm-{alias}"))
        .with("id", alias)
        .join(guest.address(&tpm.info)?))
}
