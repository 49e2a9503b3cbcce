//! A domain's state with its reason, as numbers and as the words of status files.

use virtus_api::constants::*;

/// A state and why (`virDomainState` and the reasons of each).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct State {
    /// The state.
    pub state: i32,
    /// The reason; its meaning depends on the state.
    pub reason: i32,
}

impl State {
    /// This state for this reason.
    pub const fn new(state: i32, reason: i32) -> State {
        State { state, reason }
    }

    /// Never started, as far as is known.
    pub const OFF: State = State::new(VIR_DOMAIN_SHUTOFF, VIR_DOMAIN_SHUTOFF_UNKNOWN);

    /// Whether the guest's CPUs run.
    pub fn is_running(self) -> bool {
        self.state == VIR_DOMAIN_RUNNING
    }

    /// The words of a status file.
    pub fn words(self) -> (&'static str, &'static str) {
        let state = usize::try_from(self.state).ok().and_then(|s| STATES.get(s));
        let Some((name, reasons)) = state else { return ("nostate", "unknown") };
        let reason = usize::try_from(self.reason).ok().and_then(|r| reasons.get(r));
        (name, reason.copied().unwrap_or("unknown"))
    }

    /// The state of these words; an unknown reason is "unknown".
    pub fn from_words(state: &str, reason: Option<&str>) -> Option<State> {
        let index = STATES.iter().position(|(name, _)| *name == state)?;
        let reasons = STATES.get(index)?.1;
        let reason = reasons.iter().position(|r| Some(*r) == reason).unwrap_or(0);
        Some(State::new(i32::try_from(index).ok()?, i32::try_from(reason).ok()?))
    }
}

/// States and their reasons, each at the place of its number.
const STATES: [(&str, &[&str]); 8] = [
    ("nostate", &["unknown"]),
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
            "wakeup",
            "crashed",
            "post-copy",
            "post-copy failed",
        ],
    ),
    ("blocked", &["unknown"]),
    (
        "paused",
        &[
            "unknown",
            "user",
            "migration",
            "save",
            "dump",
            "ioerror",
            "watchdog",
            "from snapshot",
            "shutdown",
            "snapshot",
            "panicked",
            "starting up",
            "post-copy",
            "post-copy failed",
            "api error",
        ],
    ),
    ("shutdown", &["unknown", "user"]),
    (
        "shutoff",
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_and_numbers_agree() {
        let state = State::new(VIR_DOMAIN_PAUSED, VIR_DOMAIN_PAUSED_API_ERROR);
        assert_eq!(state.words(), ("paused", "api error"));
        assert_eq!(State::new(VIR_DOMAIN_SHUTOFF, VIR_DOMAIN_SHUTOFF_DAEMON).words(), ("shutoff", "daemon"));
        assert_eq!(
            State::new(VIR_DOMAIN_RUNNING, VIR_DOMAIN_RUNNING_POSTCOPY_FAILED).words().1,
            "post-copy failed"
        );
        for (index, (name, reasons)) in STATES.iter().enumerate() {
            for (reason, word) in reasons.iter().enumerate() {
                let state = State::from_words(name, Some(word)).unwrap();
                assert_eq!((state.state, state.reason), (index as i32, reason as i32));
                assert_eq!(state.words(), (*name, *word));
            }
        }
        assert_eq!(State::from_words("flying", None), None);
    }
}
