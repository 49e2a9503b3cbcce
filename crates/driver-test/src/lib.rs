//! The test driver, `test:///`: a host with domains, networks, pools, interfaces and devices that are only in memory.
//! Programs that manage virtual machines run their tests on it.
//!
//! Nothing is asked of the host but the files that a call names, and no call ever waits: the futures of its methods
//! are ready when they are polled first, so that it runs inside a client as well as inside a daemon.

mod calls;
mod domain;
mod error;
mod moment;
mod node;
mod open;
mod state;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use virtus_api::{Drivers, Event, EventSink};
use virtus_base::{Error, ErrorCode, ErrorDomain, Result};

pub use open::Defaults;

use state::State;

/// The version of libvirt that this driver answers for.
const LIBVIRT_VERSION: u64 = 11_003_000;

/// The test driver: one host in memory. Cheap to clone; clones are the same host.
#[derive(Clone)]
pub struct Driver(Arc<Shared>);

struct Shared {
    uri: String,
    state: Mutex<State>,
    events: Arc<dyn EventSink>,
}

impl std::fmt::Debug for Driver {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Driver").field("uri", &self.0.uri).finish_non_exhaustive()
    }
}

impl Driver {
    /// What answers the calls of a connection; the session is the opener's to add.
    pub fn drivers(&self) -> Drivers {
        Drivers {
            hypervisor: Some(Arc::new(self.clone())),
            network: Some(Arc::new(self.clone())),
            interface: Some(Arc::new(self.clone())),
            storage: Some(Arc::new(self.clone())),
            nodedev: Some(Arc::new(self.clone())),
            ..Drivers::default()
        }
    }

    /// The users of the node's file with their passwords: when there are any, only they may open a connection.
    pub fn users(&self) -> Vec<(String, Option<String>)> {
        self.state().users.clone()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // a call that panicked half-way has changed no more than the objects it was about
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the host, and tells what happened once it is changed.
    fn change<R>(&self, change: impl FnOnce(&mut State, &mut Vec<Event>) -> Result<R>) -> Result<R> {
        let mut events = Vec::new();
        let outcome = change(&mut self.state(), &mut events);
        events.into_iter().for_each(|event| self.0.events.publish(event));
        outcome
    }
}

fn error(code: ErrorCode, text: impl Into<String>) -> Error {
    Error::new(ErrorDomain::TEST, code, text)
}

fn internal(text: impl Into<String>) -> Error {
    error(ErrorCode::INTERNAL_ERROR, text)
}

fn invalid(text: impl Into<String>) -> Error {
    error(ErrorCode::OPERATION_INVALID, text)
}

fn bad_argument(text: impl Into<String>) -> Error {
    error(ErrorCode::INVALID_ARG, text)
}

fn flags(given: u32, known: u32, function: &str) -> Result<()> {
    Error::check_flags(ErrorDomain::TEST, given, known, function)
}

/// Whether an object passes a listing's filter. Each group is a property with the flag of each of its values and
/// whether the object has that value; a group none of whose flags is set lets everything pass.
fn passes(filter: u32, groups: &[&[(u32, bool)]]) -> bool {
    groups.iter().all(|group| {
        let asked = group.iter().fold(0, |all, (flag, _)| all | flag) & filter;
        asked == 0 || group.iter().any(|(flag, has)| *has && filter & flag != 0)
    })
}

/// How many a list has, as the wire counts.
fn count<T: TryFrom<usize> + From<u16>>(length: usize) -> T {
    T::try_from(length).unwrap_or_else(|_| T::from(u16::MAX))
}
