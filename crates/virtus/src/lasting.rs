//! Connections that are made again after they were lost.

use std::os::fd::{AsFd, BorrowedFd};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use virtus_base::{Error, ErrorDomain, Result};

use crate::peer::Peer;
use crate::reach::Reach;
use crate::watch::Watch;

/// How a connection that was lost is made again; see [`OpenOptions::reconnect`](crate::OpenOptions::reconnect).
///
/// After an attempt in vain the next one follows after [`first_pause`](Self::first_pause), which is doubled with
/// each, up to [`longest_pause`](Self::longest_pause).
///
/// ```
/// use std::time::Duration;
/// use virtus::Reconnect;
///
/// let how = Reconnect { patience: Duration::from_secs(5), ..Reconnect::default() };
/// assert!(how.first_pause < how.longest_pause);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reconnect {
    /// The pause after the first attempt in vain: 100 ms unless it is set.
    pub first_pause: Duration,
    /// The longest pause between two attempts: 10 s unless it is set.
    pub longest_pause: Duration,
    /// How long a call, or somebody who waits for events, waits for the daemon to be there again: 30 s unless it is
    /// set. With zero a call makes one attempt, if it is time for one, and fails when that does.
    pub patience: Duration,
}

impl Default for Reconnect {
    fn default() -> Self {
        Reconnect {
            first_pause: Duration::from_millis(100),
            longest_pause: Duration::from_secs(10),
            patience: Duration::from_secs(30),
        }
    }
}

/// The peer of today, and how the next one is found. Nothing happens by itself: whoever needs the connection makes it
/// again, and everyone else who needs it waits for that.
#[derive(Debug)]
pub(crate) struct Lasting {
    how: Reconnect,
    reach: Reach,
    watch: Watch,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug)]
struct State {
    peer: Arc<dyn Peer>,
    /// How often it has been another one.
    generation: u64,
    /// Its descriptor is in the watch.
    watched: bool,
    keepalive: Option<(Duration, u32)>,
    /// A thread looks for the next one.
    busy: bool,
    /// There is to be no next one.
    closed: bool,
    pause: Duration,
    /// No attempt before this moment.
    not_before: Option<Instant>,
    failure: Option<Error>,
}

/// Ends an attempt, whatever becomes of it.
struct Attempt<'a>(&'a Lasting);

impl Drop for Attempt<'_> {
    fn drop(&mut self) {
        self.0.lock().busy = false;
        self.0.changed.notify_all();
    }
}

impl Lasting {
    /// Starts with the first peer.
    ///
    /// # Errors
    /// `SYSTEM_ERROR` when there is no descriptor to watch it with.
    pub(crate) fn new(how: Reconnect, reach: Reach, peer: Arc<dyn Peer>) -> Result<Self> {
        let failed = |e| Error::system(ErrorDomain::RPC, "Unable to create wakeup pipe", &e);
        let watch = Watch::new().map_err(failed)?;
        watch.add(peer.as_fd()).map_err(failed)?;
        let state = State {
            peer,
            generation: 0,
            watched: true,
            keepalive: None,
            busy: false,
            closed: false,
            pause: how.first_pause,
            not_before: None,
            failure: None,
        };
        Ok(Lasting { how, reach, watch, state: Mutex::new(state), changed: Condvar::new() })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    #[cfg(feature = "tokio")]
    pub(crate) fn patience(&self) -> Duration {
        self.how.patience
    }

    /// The peer of today and its number.
    pub(crate) fn peer(&self) -> (Arc<dyn Peer>, u64) {
        let state = self.lock();
        (state.peer.clone(), state.generation)
    }

    /// The peer of today, or if that one has ended the next one, for which `renew` prepares what is new and puts it
    /// in its place with [`Lasting::replace`]. Waits no longer than its patience, and not beyond `deadline`. A
    /// connection that was closed stays so.
    ///
    /// # Errors
    /// Why the last attempt was in vain.
    pub(crate) fn living(
        &self,
        deadline: Option<Instant>,
        renew: impl Fn(&Arc<dyn Peer>) -> Result<()>,
    ) -> Result<Arc<dyn Peer>> {
        let mut until = Instant::now().checked_add(self.how.patience);
        if let Some(deadline) = deadline {
            until = Some(until.map_or(deadline, |until| until.min(deadline)));
        }
        let mut state = self.lock();
        loop {
            // one that is gone may not be known to be
            state.peer.look();
            if state.closed || state.peer.ended().is_none() {
                return Ok(state.peer.clone());
            }
            if state.watched {
                state.watched = false;
                self.watch.remove(state.peer.as_fd());
            }
            let now = Instant::now();
            if !state.busy && state.not_before.is_none_or(|moment| moment <= now) {
                state.busy = true;
                drop(state);
                let attempt = Attempt(self);
                let outcome = self.reach.connect().and_then(|fresh| renew(&fresh));
                state = self.lock();
                match outcome {
                    Ok(()) => {
                        (state.pause, state.not_before, state.failure) = (self.how.first_pause, None, None)
                    }
                    Err(error) => {
                        state.not_before = Instant::now().checked_add(state.pause);
                        state.pause = (state.pause.saturating_mul(2)).min(self.how.longest_pause);
                        state.failure = Some(error);
                    }
                }
                drop(state);
                drop(attempt);
                state = self.lock();
                continue;
            }
            if until.is_some_and(|until| until <= now) {
                let busy = || Error::internal(ErrorDomain::RPC, "client socket is closed");
                return Err(state.failure.clone().unwrap_or_else(busy));
            }
            let wake = match state.not_before.filter(|_| !state.busy) {
                Some(moment) => Some(until.map_or(moment, |until| until.min(moment))),
                None => until,
            };
            state = match wake {
                None => self.changed.wait(state).unwrap_or_else(PoisonError::into_inner),
                Some(wake) => {
                    let left = wake.saturating_duration_since(now);
                    match self.changed.wait_timeout(state, left) {
                        Ok((state, _)) => state,
                        Err(poisoned) => poisoned.into_inner().0,
                    }
                }
            };
        }
    }

    /// Puts another peer in the place of the one that has ended, which it returns.
    ///
    /// # Errors
    /// `SYSTEM_ERROR` when it cannot be watched.
    pub(crate) fn replace(&self, peer: Arc<dyn Peer>) -> Result<Arc<dyn Peer>> {
        let mut state = self.lock();
        self.watch
            .add(peer.as_fd())
            .map_err(|e| Error::system(ErrorDomain::RPC, "Unable to create wakeup pipe", &e))?;
        state.watched = true;
        state.generation += 1;
        peer.set_keepalive(state.keepalive);
        if state.closed {
            // while it was made, somebody closed the connection
            peer.close();
        }
        Ok(std::mem::replace(&mut state.peer, peer))
    }

    /// Has those who wait on the descriptor look after the connection, or no more.
    pub(crate) fn tell(&self, news: bool) {
        if news { self.watch.tell() } else { self.watch.take_back() }
    }

    pub(crate) fn set_keepalive(&self, settings: Option<(Duration, u32)>) {
        let mut state = self.lock();
        state.keepalive = settings;
        state.peer.set_keepalive(settings);
    }

    pub(crate) fn due(&self) -> Option<Instant> {
        let state = self.lock();
        match state.peer.ended() {
            Some(_) if state.closed => None,
            Some(_) => Some(state.not_before.unwrap_or_else(Instant::now)),
            None => state.peer.due(),
        }
    }

    pub(crate) fn wants_write(&self) -> bool {
        let state = self.lock();
        let wants = state.peer.wants_write();
        self.watch.for_writing(state.peer.as_fd(), wants);
        wants
    }

    /// No other peer follows.
    pub(crate) fn close(&self) -> Arc<dyn Peer> {
        let mut state = self.lock();
        state.closed = true;
        self.changed.notify_all();
        state.peer.clone()
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.lock().closed
    }
}

impl AsFd for Lasting {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.watch.as_fd()
    }
}
