//! The words for domains' states, and for why they are so.

use virtus::calls::Remote;
use virtus::{DomainRef, ErrorCode};

use crate::shell::Shell;

/// States with their reasons, by number.
const STATES: [(&str, &[&str]); 8] = [
    ("no state", &["unknown"]),
    (
        "running",
        &[
            "unknown",
            "booted",
            "migrated",
            "restored",
            "from snapshot",
            "unpaused",
            "migration canceled",
            "save canceled",
            "event wakeup",
            "crashed",
            "post-copy",
            "post-copy failed",
        ],
    ),
    ("idle", &["unknown"]),
    (
        "paused",
        &[
            "unknown",
            "user",
            "migrating",
            "saving",
            "dumping",
            "I/O error",
            "watchdog",
            "from snapshot",
            "shutting down",
            "creating snapshot",
            "crashed",
            "starting up",
            "post-copy",
            "post-copy failed",
            "api error",
        ],
    ),
    ("in shutdown", &["unknown", "user"]),
    (
        "shut off",
        &[
            "unknown",
            "shutdown",
            "destroyed",
            "crashed",
            "migrated",
            "saved",
            "failed",
            "from snapshot",
            "daemon",
        ],
    ),
    ("crashed", &["unknown", "panicked"]),
    ("pmsuspended", &["unknown"]),
];

fn at<T: Copy>(table: &[T], number: i32) -> Option<T> {
    table.get(usize::try_from(number).ok()?).copied()
}

/// The word for a state.
pub(crate) fn name(state: i32) -> &'static str {
    at(&STATES, state).map_or("no state", |(name, _)| name)
}

/// The words for why a domain is in a state.
pub(crate) fn reason(state: i32, reason: i32) -> &'static str {
    at(&STATES, state).and_then(|(_, reasons)| at(reasons, reason)).unwrap_or("unknown")
}

/// A domain's state and, with daemons that tell it, the reason for it.
///
/// # Errors
/// The daemon's.
pub(crate) fn of(shell: &Shell, domain: &DomainRef) -> virtus::Result<(i32, i32)> {
    match shell.call(Remote::domain_get_state(domain.clone(), 0)) {
        Ok(reply) => Ok((reply.state, reply.reason)),
        Err(error) if error.code() == ErrorCode::NO_SUPPORT => {
            let info = shell.call(Remote::domain_get_info(domain.clone()))?;
            Ok((info.state.into(), -1))
        }
        Err(error) => Err(error),
    }
}
