//! What becomes of a domain when its QEMU tells something. Pure: state and event in, effects out.
//!
//! ```text
//!            start                    STOP
//!  shutoff ---------> paused <------------------- running --- SUSPEND ---> pmsuspended
//!     ^               |    \-------- RESUME -------> ^  ^-------- WAKEUP -------/
//!     |               |                              |
//!     |<--- exit -----+------ crashed <- PANICKED ---+--- SHUTDOWN ---> shutdown --- exit ---> shutoff
//! ```

use virtus_api::DomainEvent;
use virtus_api::constants::*;
use virtus_conf::domain::LifecycleAction;

use super::state::State;

/// Something that happened to a running domain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Input {
    /// The CPUs stopped, for this reason of `virDomainPausedReason`.
    Stop(i32),
    /// The CPUs run, for this reason of `virDomainRunningReason`.
    Resume(i32),
    /// The guest is off: by itself, by the host, or nobody knows.
    Shutdown(Option<bool>),
    /// The machine was reset.
    Reset,
    /// The guest sleeps.
    Suspend,
    /// The guest sleeps on its disk.
    SuspendDisk,
    /// The guest woke.
    Wakeup,
    /// The guest's kernel panicked.
    Panicked,
    /// The guest's kernel panicked and its crash kernel runs.
    Crashloaded,
    /// The watchdog stopped the CPUs.
    WatchdogPause,
    /// An I/O error stopped the CPUs.
    IoErrorPause,
}

/// What the domain's definition, and who asked, want to happen.
#[derive(Clone, Copy, Debug)]
pub struct Policy {
    /// When the guest turns itself off.
    pub on_poweroff: LifecycleAction,
    /// When the guest restarts itself.
    pub on_reboot: LifecycleAction,
    /// When it crashes.
    pub on_crash: LifecycleAction,
    /// Somebody asked for a reboot by way of a shutdown.
    pub rebooting: bool,
}

/// Why a QEMU ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StopReason {
    /// The guest is off.
    Shutdown,
    /// Somebody destroyed it.
    Destroyed,
    /// It went away by itself.
    Crashed,
    /// It could not be started.
    Failed,
    /// Its memory was saved.
    Saved,
    /// The domain goes back to a snapshot.
    FromSnapshot,
    /// The daemon could not find it again.
    Daemon,
    /// The guest's kernel panicked and that ends it.
    Panicked,
}

/// What follows from an event.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// The domain is in this state.
    State(State),
    /// Everybody is told.
    Event(DomainEvent),
    /// QEMU is ended.
    Kill(StopReason),
    /// The machine is reset and runs again.
    Restart,
}

fn lifecycle(event: i32, detail: i32) -> Effect {
    Effect::Event(DomainEvent::Lifecycle { event, detail })
}

fn to(state: i32, reason: i32) -> Effect {
    Effect::State(State::new(state, reason))
}

/// What follows from `input` for a domain that runs in `state`.
pub fn transition(state: State, policy: &Policy, input: Input) -> Vec<Effect> {
    match input {
        Input::Stop(reason) if matches!(state.state, VIR_DOMAIN_RUNNING | VIR_DOMAIN_PMSUSPENDED) => {
            vec![
                to(VIR_DOMAIN_PAUSED, reason),
                lifecycle(VIR_DOMAIN_EVENT_SUSPENDED, suspended_detail(reason)),
            ]
        }
        Input::Resume(reason) if state.state == VIR_DOMAIN_PAUSED => {
            vec![to(VIR_DOMAIN_RUNNING, reason), lifecycle(VIR_DOMAIN_EVENT_RESUMED, resumed_detail(reason))]
        }
        Input::Resume(reason) if state.state == VIR_DOMAIN_PMSUSPENDED => {
            vec![
                to(VIR_DOMAIN_RUNNING, reason),
                lifecycle(VIR_DOMAIN_EVENT_STARTED, VIR_DOMAIN_EVENT_STARTED_WAKEUP),
            ]
        }
        Input::Shutdown(guest) if state.state != VIR_DOMAIN_SHUTDOWN => {
            let detail = match guest {
                Some(true) => VIR_DOMAIN_EVENT_SHUTDOWN_GUEST,
                Some(false) => VIR_DOMAIN_EVENT_SHUTDOWN_HOST,
                None => VIR_DOMAIN_EVENT_SHUTDOWN_FINISHED,
            };
            let then = match restarts(policy.on_poweroff) || policy.rebooting {
                true => Effect::Restart,
                false => Effect::Kill(StopReason::Shutdown),
            };
            vec![
                to(VIR_DOMAIN_SHUTDOWN, VIR_DOMAIN_SHUTDOWN_UNKNOWN),
                lifecycle(VIR_DOMAIN_EVENT_SHUTDOWN, detail),
                then,
            ]
        }
        Input::Reset => {
            let mut effects = vec![Effect::Event(DomainEvent::Reboot {})];
            // while it restarts by our own doing its policy has been heard
            let own = policy.rebooting || state.state == VIR_DOMAIN_SHUTDOWN;
            if !own && policy.on_reboot == LifecycleAction::Destroy {
                effects.push(Effect::Kill(StopReason::Destroyed));
            }
            effects
        }
        Input::Suspend if state.is_running() => vec![
            to(VIR_DOMAIN_PMSUSPENDED, VIR_DOMAIN_PMSUSPENDED_UNKNOWN),
            lifecycle(VIR_DOMAIN_EVENT_PMSUSPENDED, VIR_DOMAIN_EVENT_PMSUSPENDED_MEMORY),
            Effect::Event(DomainEvent::Pmsuspend { reason: 0 }),
        ],
        Input::SuspendDisk => {
            let mut effects = Vec::new();
            if state.is_running() {
                effects.push(to(VIR_DOMAIN_PMSUSPENDED, VIR_DOMAIN_PMSUSPENDED_UNKNOWN));
                effects.push(lifecycle(VIR_DOMAIN_EVENT_PMSUSPENDED, VIR_DOMAIN_EVENT_PMSUSPENDED_DISK));
            }
            effects.push(Effect::Event(DomainEvent::PmsuspendDisk { reason: 0 }));
            effects
        }
        Input::Wakeup => {
            let mut effects = Vec::new();
            if state.state == VIR_DOMAIN_PMSUSPENDED {
                effects.push(to(VIR_DOMAIN_RUNNING, VIR_DOMAIN_RUNNING_WAKEUP));
                effects.push(lifecycle(VIR_DOMAIN_EVENT_STARTED, VIR_DOMAIN_EVENT_STARTED_WAKEUP));
            }
            effects.push(Effect::Event(DomainEvent::Pmwakeup { reason: 0 }));
            effects
        }
        Input::Panicked => {
            let mut effects = vec![
                to(VIR_DOMAIN_CRASHED, VIR_DOMAIN_CRASHED_PANICKED),
                lifecycle(VIR_DOMAIN_EVENT_CRASHED, VIR_DOMAIN_EVENT_CRASHED_PANICKED),
            ];
            match policy.on_crash {
                LifecycleAction::Preserve => {}
                action if restarts(action) => effects.push(Effect::Restart),
                _ => effects.push(Effect::Kill(StopReason::Panicked)),
            }
            effects
        }
        Input::Crashloaded => {
            vec![lifecycle(VIR_DOMAIN_EVENT_CRASHED, VIR_DOMAIN_EVENT_CRASHED_CRASHLOADED)]
        }
        Input::WatchdogPause if state.is_running() => vec![
            to(VIR_DOMAIN_PAUSED, VIR_DOMAIN_PAUSED_WATCHDOG),
            lifecycle(VIR_DOMAIN_EVENT_SUSPENDED, VIR_DOMAIN_EVENT_SUSPENDED_WATCHDOG),
        ],
        Input::IoErrorPause if state.is_running() => vec![
            to(VIR_DOMAIN_PAUSED, VIR_DOMAIN_PAUSED_IOERROR),
            lifecycle(VIR_DOMAIN_EVENT_SUSPENDED, VIR_DOMAIN_EVENT_SUSPENDED_IOERROR),
        ],
        // it is there already
        Input::Stop(_) | Input::Resume(_) | Input::Shutdown(_) | Input::Suspend => Vec::new(),
        Input::WatchdogPause | Input::IoErrorPause => Vec::new(),
    }
}

fn restarts(action: LifecycleAction) -> bool {
    matches!(
        action,
        LifecycleAction::Restart | LifecycleAction::RenameRestart | LifecycleAction::CoredumpRestart
    )
}

/// `qemuDomainPausedReasonToSuspendedEvent`.
fn suspended_detail(reason: i32) -> i32 {
    match reason {
        VIR_DOMAIN_PAUSED_MIGRATION => VIR_DOMAIN_EVENT_SUSPENDED_MIGRATED,
        VIR_DOMAIN_PAUSED_FROM_SNAPSHOT => VIR_DOMAIN_EVENT_SUSPENDED_FROM_SNAPSHOT,
        VIR_DOMAIN_PAUSED_POSTCOPY => VIR_DOMAIN_EVENT_SUSPENDED_POSTCOPY,
        VIR_DOMAIN_PAUSED_POSTCOPY_FAILED => VIR_DOMAIN_EVENT_SUSPENDED_POSTCOPY_FAILED,
        VIR_DOMAIN_PAUSED_IOERROR => VIR_DOMAIN_EVENT_SUSPENDED_IOERROR,
        VIR_DOMAIN_PAUSED_WATCHDOG => VIR_DOMAIN_EVENT_SUSPENDED_WATCHDOG,
        VIR_DOMAIN_PAUSED_API_ERROR => VIR_DOMAIN_EVENT_SUSPENDED_API_ERROR,
        _ => VIR_DOMAIN_EVENT_SUSPENDED_PAUSED,
    }
}

fn resumed_detail(reason: i32) -> i32 {
    match reason {
        VIR_DOMAIN_RUNNING_MIGRATED => VIR_DOMAIN_EVENT_RESUMED_MIGRATED,
        VIR_DOMAIN_RUNNING_FROM_SNAPSHOT => VIR_DOMAIN_EVENT_RESUMED_FROM_SNAPSHOT,
        VIR_DOMAIN_RUNNING_POSTCOPY => VIR_DOMAIN_EVENT_RESUMED_POSTCOPY,
        VIR_DOMAIN_RUNNING_POSTCOPY_FAILED => VIR_DOMAIN_EVENT_RESUMED_POSTCOPY_FAILED,
        _ => VIR_DOMAIN_EVENT_RESUMED_UNPAUSED,
    }
}

impl StopReason {
    /// The state a domain is in afterwards.
    pub fn state(self) -> State {
        State::new(
            VIR_DOMAIN_SHUTOFF,
            match self {
                StopReason::Shutdown => VIR_DOMAIN_SHUTOFF_SHUTDOWN,
                StopReason::Destroyed => VIR_DOMAIN_SHUTOFF_DESTROYED,
                StopReason::Crashed | StopReason::Panicked => VIR_DOMAIN_SHUTOFF_CRASHED,
                StopReason::Failed => VIR_DOMAIN_SHUTOFF_FAILED,
                StopReason::Saved => VIR_DOMAIN_SHUTOFF_SAVED,
                StopReason::Daemon => VIR_DOMAIN_SHUTOFF_DAEMON,
                StopReason::FromSnapshot => VIR_DOMAIN_SHUTOFF_FROM_SNAPSHOT,
            },
        )
    }

    /// The detail of the event that tells it.
    pub fn detail(self) -> i32 {
        match self {
            StopReason::Shutdown => VIR_DOMAIN_EVENT_STOPPED_SHUTDOWN,
            StopReason::Destroyed => VIR_DOMAIN_EVENT_STOPPED_DESTROYED,
            StopReason::Panicked => VIR_DOMAIN_EVENT_STOPPED_CRASHED,
            StopReason::Crashed | StopReason::Failed | StopReason::Daemon => VIR_DOMAIN_EVENT_STOPPED_FAILED,
            StopReason::Saved => VIR_DOMAIN_EVENT_STOPPED_SAVED,
            StopReason::FromSnapshot => VIR_DOMAIN_EVENT_STOPPED_FROM_SNAPSHOT,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const RUNNING: State = State::new(VIR_DOMAIN_RUNNING, VIR_DOMAIN_RUNNING_BOOTED);
    const POLICY: Policy = Policy {
        on_poweroff: LifecycleAction::Destroy,
        on_reboot: LifecycleAction::Restart,
        on_crash: LifecycleAction::Destroy,
        rebooting: false,
    };

    fn run(mut state: State, policy: &Policy, inputs: &[Input]) -> (State, Vec<Effect>) {
        let mut all = Vec::new();
        for input in inputs {
            let effects = transition(state, policy, *input);
            for effect in &effects {
                if let Effect::State(new) = effect {
                    state = *new;
                }
            }
            all.extend(effects);
        }
        (state, all)
    }

    #[test]
    fn a_guest_that_turns_itself_off_is_told_and_ended() {
        let (state, effects) = run(RUNNING, &POLICY, &[Input::Shutdown(Some(true)), Input::Stop(0)]);
        assert_eq!(state.state, VIR_DOMAIN_SHUTDOWN);
        assert_eq!(
            effects.get(1..),
            Some(
                &[
                    lifecycle(VIR_DOMAIN_EVENT_SHUTDOWN, VIR_DOMAIN_EVENT_SHUTDOWN_GUEST),
                    Effect::Kill(StopReason::Shutdown)
                ][..]
            )
        );
        let rebooting = Policy { rebooting: true, ..POLICY };
        assert!(
            run(RUNNING, &rebooting, &[Input::Shutdown(None), Input::Reset]).1.contains(&Effect::Restart)
        );
    }

    fn input() -> impl Strategy<Value = Input> {
        prop::sample::select(vec![
            Input::Stop(VIR_DOMAIN_PAUSED_USER),
            Input::Resume(VIR_DOMAIN_RUNNING_UNPAUSED),
            Input::Shutdown(None),
            Input::Reset,
            Input::Suspend,
            Input::SuspendDisk,
            Input::Wakeup,
            Input::Panicked,
            Input::Crashloaded,
            Input::WatchdogPause,
            Input::IoErrorPause,
        ])
    }

    proptest! {
        /// Told twice, an event that leaves the state alone tells nothing new of it.
        #[test]
        fn stops_and_resumes_are_told_once(inputs in prop::collection::vec(input(), 0..20), stop: bool) {
            let (state, _) = run(RUNNING, &POLICY, &inputs);
            let last = if stop { Input::Stop(1) } else { Input::Resume(5) };
            let (state, _) = run(state, &POLICY, &[last]);
            prop_assert!(transition(state, &POLICY, last).is_empty());
        }

        /// A running guest is never said to be off before its QEMU is.
        #[test]
        fn only_the_end_of_qemu_is_shutoff(inputs in prop::collection::vec(input(), 0..20)) {
            prop_assert_ne!(run(RUNNING, &POLICY, &inputs).0.state, VIR_DOMAIN_SHUTOFF);
        }
    }
}
