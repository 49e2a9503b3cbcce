//! Watchdogs and what QEMU does when one bites.

use virtus_base::Result;
use virtus_conf::domain::device::Watchdog;
use virtus_conf::domain::device::watchdog::{WatchdogAction, WatchdogModel};

use crate::command::build::Build;
use crate::command::guest::Guest;
use crate::command::props::Props;

/// All watchdogs. QEMU knows one action for them all.
pub(crate) fn add(build: &mut Build<'_>) -> Result<()> {
    let guest = build.guest;
    let watchdogs = &guest.domain.devices.watchdogs;
    let Some(first) = watchdogs.first() else { return Ok(()) };
    let mut itco = false;
    for watchdog in watchdogs {
        match watchdog.model {
            // part of the board, which has it switched off
            WatchdogModel::Itco => itco = true,
            _ => build.device(props(&guest, watchdog)?),
        }
    }
    if itco {
        build.line.option("global", "ICH9-LPC.noreboot=off");
    }
    let action = match first.action {
        // the daemon makes the dump when QEMU says it has stopped
        WatchdogAction::Dump => "pause",
        action => action.as_str(),
    };
    build.line.option("watchdog-action", action);
    Ok(())
}

/// The device.
///
/// # Errors
/// `INTERNAL_ERROR` for an address that does not fit.
pub fn props(guest: &Guest<'_>, watchdog: &Watchdog) -> Result<Props> {
    Ok(Props::device(watchdog.model.as_str())
        .with("id", guest.alias(&watchdog.info))
        .join(guest.address(&watchdog.info)?))
}
