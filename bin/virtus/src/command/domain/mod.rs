//! Commands that manage domains.

mod console;
pub(crate) mod description;
mod dumpxml;
mod identity;
mod lifecycle;
mod start;

use virtus::constants::{VIR_DOMAIN_AFFECT_CONFIG, VIR_DOMAIN_AFFECT_LIVE};

use super::Group;
use crate::grammar::Arguments;
use crate::shell::Outcome;

pub(crate) static GROUP: Group = Group {
    name: "Domain Management",
    keyword: "domain",
    commands: &[
        &start::AUTOSTART,
        &console::COMMAND,
        &start::CREATE,
        &start::DEFINE,
        &description::COMMAND,
        &lifecycle::DESTROY,
        &identity::DOMID,
        &identity::DOMNAME,
        &identity::DOMRENAME,
        &identity::DOMUUID,
        &dumpxml::FROM_NATIVE,
        &dumpxml::TO_NATIVE,
        &dumpxml::DUMPXML,
        &dumpxml::EDIT,
        &lifecycle::REBOOT,
        &lifecycle::RESET,
        &lifecycle::RESUME,
        &lifecycle::SHUTDOWN,
        &start::START,
        &lifecycle::SUSPEND,
    ],
};

/// What `--config`, `--live` and `--current` say, of which the last excludes the others.
///
/// # Errors
/// They were given together.
pub(crate) fn affect(arguments: &Arguments) -> Outcome<u32> {
    arguments.exclusive("current", "live")?;
    arguments.exclusive("current", "config")?;
    Ok(arguments.flags(&[("config", VIR_DOMAIN_AFFECT_CONFIG), ("live", VIR_DOMAIN_AFFECT_LIVE)]))
}
