//! Events on their way to the connections of this process.

use std::collections::VecDeque;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Instant;

use rustix::event::{EventfdFlags, eventfd};
use virtus_api::{Event, EventSink, Registrations};
use virtus_base::{Error, ErrorDomain, Result};
use virtus_rpc::client::Message;

use crate::peer::CloseReason;

/// Tells the connections to one host what they registered for.
#[derive(Debug, Default)]
pub(super) struct Hub(Mutex<Vec<Weak<Queue>>>);

impl Hub {
    /// From now on the connection is told.
    pub(super) fn join(&self, queue: &Arc<Queue>) {
        let mut queues = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        queues.retain(|queue| queue.strong_count() > 0);
        queues.push(Arc::downgrade(queue));
    }
}

impl EventSink for Hub {
    fn publish(&self, event: Event) {
        let queues: Vec<_> = {
            let queues = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            queues.iter().filter_map(Weak::upgrade).collect()
        };
        queues.iter().for_each(|queue| queue.tell(&event));
    }
}

/// What waits for one connection.
#[derive(Debug)]
pub(super) struct Queue {
    /// Readable while something waits.
    ready: OwnedFd,
    registrations: Mutex<Registrations>,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    messages: VecDeque<Message>,
    closed: bool,
}

impl Queue {
    pub(super) fn new() -> Result<Self> {
        let ready = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)
            .map_err(|e| Error::system(ErrorDomain::RPC, "Unable to create wakeup pipe", &e.into()))?;
        Ok(Queue { ready, registrations: Mutex::default(), state: Mutex::default(), changed: Condvar::new() })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn registrations(&self) -> MutexGuard<'_, Registrations> {
        self.registrations.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn tell(&self, event: &Event) {
        let mut told = Vec::new();
        self.registrations().tell(event, |program, procedure, write| {
            let mut body = Vec::new();
            write(&mut body);
            told.push(Message { program: program.0, procedure, body });
        });
        if !told.is_empty() {
            self.state().messages.extend(told);
            self.wake();
        }
    }

    fn wake(&self) {
        // it fails only when it is full, and then it is readable anyway
        let _ = rustix::io::write(&self.ready, &1_u64.to_ne_bytes());
        self.changed.notify_all();
    }

    /// The next message, after waiting for it until `deadline`.
    pub(super) fn next(&self, deadline: Option<Instant>) -> Result<Option<Message>> {
        let mut state = self.state();
        loop {
            if let Some(message) = state.messages.pop_front() {
                if state.messages.is_empty() && !state.closed {
                    let _ = rustix::io::read(&self.ready, &mut [0_u8; 8]);
                }
                return Ok(Some(message));
            }
            if state.closed {
                return Err(closed());
            }
            state = match deadline {
                None => self.changed.wait(state).unwrap_or_else(PoisonError::into_inner),
                Some(until) => {
                    let left = until.saturating_duration_since(Instant::now());
                    if left.is_zero() {
                        return Ok(None);
                    }
                    match self.changed.wait_timeout(state, left) {
                        Ok((state, _)) => state,
                        Err(poisoned) => poisoned.into_inner().0,
                    }
                }
            };
        }
    }

    pub(super) fn check_open(&self) -> Result<()> {
        if self.state().closed { Err(closed()) } else { Ok(()) }
    }

    pub(super) fn ended(&self) -> Option<CloseReason> {
        self.state().closed.then_some(CloseReason::Client)
    }

    pub(super) fn close(&self) {
        self.state().closed = true;
        self.registrations().clear();
        self.wake();
    }
}

impl AsFd for Queue {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.ready.as_fd()
    }
}

fn closed() -> Error {
    Error::internal(ErrorDomain::RPC, "client socket is closed")
}
