//! The loop that comes with the library.
//!
//! A call of [`run`] is one round: it waits until a descriptor is ready or a timer has expired, calls whom that
//! concerns, and returns. Callbacks may add, change and remove anything, their own as well, and may run a round
//! themselves. What is removed is given up in the next round at the latest, never while its callback may still run.

use std::ffi::c_int;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::sync::{Condvar, LazyLock, Mutex, MutexGuard, PoisonError};
use std::thread::ThreadId;
use std::time::{Duration, Instant};

use rustix::event::{EventfdFlags, eventfd};

use super::{Callback, virEventHandleCallback, virEventTimeoutCallback, virFreeCallback};
use crate::error::Opaque;

#[derive(Debug)]
struct Handle {
    watch: c_int,
    fd: c_int,
    events: c_int,
    callback: Callback<virEventHandleCallback>,
    removed: bool,
}

#[derive(Debug)]
struct Timer {
    number: c_int,
    /// Milliseconds; negative while it does not run.
    interval: c_int,
    expires: Option<Instant>,
    callback: Callback<virEventTimeoutCallback>,
    removed: bool,
}

#[derive(Debug, Default)]
struct State {
    handles: Vec<Handle>,
    timers: Vec<Timer>,
    last_watch: c_int,
    last_timer: c_int,
    /// Which thread is in a round, and how often it is in one.
    runs: Option<(ThreadId, usize)>,
    waits: bool,
}

struct Default {
    state: Mutex<State>,
    ended: Condvar,
    /// Ends the waiting when something has changed. Without a descriptor for it, rounds are short.
    wake: Option<OwnedFd>,
}

static DEFAULT: LazyLock<Default> = LazyLock::new(|| Default {
    state: Mutex::default(),
    ended: Condvar::new(),
    wake: eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK).ok(),
});
/// How long a round waits when it cannot be woken.
const SHORT: Duration = Duration::from_millis(100);

fn lock() -> MutexGuard<'static, State> {
    DEFAULT.state.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Has the thread that waits look at what has changed.
fn changed(state: &State) {
    if let Some(wake) = DEFAULT.wake.as_ref().filter(|_| state.waits) {
        // it fails only when it is full, and then it wakes anyway
        let _ = rustix::io::write(wake, &1_u64.to_ne_bytes());
    }
}

fn after(interval: c_int) -> Option<Instant> {
    Instant::now().checked_add(Duration::from_millis(u64::try_from(interval).ok()?))
}

pub(super) fn add_handle(fd: c_int, events: c_int, callback: Callback<virEventHandleCallback>) -> c_int {
    let mut state = lock();
    state.last_watch += 1;
    let watch = state.last_watch;
    state.handles.push(Handle { watch, fd, events, callback, removed: false });
    changed(&state);
    watch
}

pub(super) fn update_handle(watch: c_int, events: c_int) {
    let mut state = lock();
    if let Some(handle) = state.handles.iter_mut().find(|h| h.watch == watch && !h.removed) {
        handle.events = events;
        changed(&state);
    }
}

pub(super) fn remove_handle(watch: c_int) -> c_int {
    let mut state = lock();
    match state.handles.iter_mut().find(|h| h.watch == watch && !h.removed) {
        None => -1,
        Some(handle) => {
            handle.removed = true;
            changed(&state);
            0
        }
    }
}

pub(super) fn add_timeout(interval: c_int, callback: Callback<virEventTimeoutCallback>) -> c_int {
    let mut state = lock();
    state.last_timer += 1;
    let number = state.last_timer;
    state.timers.push(Timer { number, interval, expires: after(interval), callback, removed: false });
    changed(&state);
    number
}

pub(super) fn update_timeout(number: c_int, interval: c_int) {
    let mut state = lock();
    if let Some(timer) = state.timers.iter_mut().find(|t| t.number == number && !t.removed) {
        timer.interval = interval;
        timer.expires = after(interval);
        changed(&state);
    }
}

pub(super) fn remove_timeout(number: c_int) -> c_int {
    let mut state = lock();
    match state.timers.iter_mut().find(|t| t.number == number && !t.removed) {
        None => -1,
        Some(timer) => {
            timer.removed = true;
            changed(&state);
            0
        }
    }
}

/// One round. Another thread that is in one is awaited first.
pub(super) fn run() {
    let me = std::thread::current().id();
    let mut state = lock();
    loop {
        match &mut state.runs {
            None => break state.runs = Some((me, 1)),
            Some((thread, depth)) if *thread == me => break *depth += 1,
            Some(_) => state = DEFAULT.ended.wait(state).unwrap_or_else(PoisonError::into_inner),
        }
    }
    round(state);
    let mut state = lock();
    state.runs = match state.runs {
        Some((thread, depth @ 2..)) => Some((thread, depth - 1)),
        _ => None,
    };
    DEFAULT.ended.notify_all();
}

fn round(mut state: MutexGuard<'_, State>) {
    let gone = bury(&mut state);
    let timeout = match gone.is_empty() {
        // giving up is something done as well
        false => Some(Duration::ZERO),
        true => state.timeout(),
    };
    let watched: Vec<(c_int, c_int, c_int)> = state
        .handles
        .iter()
        .filter(|handle| handle.events != 0)
        .map(|handle| (handle.watch, handle.fd, handle.events))
        .collect();
    state.waits = true;
    drop(state);
    gone.iter().for_each(|(free, opaque)| give_up(*free, *opaque));

    let ready = wait(&watched, timeout);
    let now = Instant::now();
    let expired = {
        let mut state = lock();
        state.waits = false;
        state.expired(now)
    };
    for number in expired {
        let callback = {
            let state = lock();
            state
                .timers
                .iter()
                .find(|t| t.number == number && !t.removed && t.interval >= 0)
                .map(|t| t.callback)
        };
        if let Some(Callback { function: virEventTimeoutCallback(Some(function)), opaque, .. }) = callback {
            // SAFETY: C has given it to be called so
            unsafe { function(number, opaque.0) }
        }
    }
    for (watch, fd, events) in ready {
        let callback = {
            let state = lock();
            state.handles.iter().find(|h| h.watch == watch && !h.removed).map(|h| h.callback)
        };
        if let Some(Callback { function: virEventHandleCallback(Some(function)), opaque, .. }) = callback {
            // SAFETY: C has given it to be called so
            unsafe { function(watch, fd, events, opaque.0) }
        }
    }
    let gone = bury(&mut lock());
    gone.iter().for_each(|(free, opaque)| give_up(*free, *opaque));
}

/// Takes out what was removed, unless a round around this one may still be at it.
fn bury(state: &mut State) -> Vec<(virFreeCallback, Opaque)> {
    if !matches!(state.runs, Some((_, 1))) {
        return Vec::new();
    }
    let handles = state.handles.extract_if(.., |handle| handle.removed);
    let mut gone: Vec<_> = handles.map(|handle| (handle.callback.free, handle.callback.opaque)).collect();
    let timers = state.timers.extract_if(.., |timer| timer.removed);
    gone.extend(timers.map(|timer| (timer.callback.free, timer.callback.opaque)));
    gone
}

fn give_up(free: virFreeCallback, opaque: Opaque) {
    Callback { function: (), opaque, free }.give_up();
}

impl State {
    /// How long until the next timer expires.
    fn timeout(&self) -> Option<Duration> {
        let next = self.timers.iter().filter(|t| !t.removed).filter_map(|t| t.expires).min();
        next.map(|next| next.saturating_duration_since(Instant::now()))
    }

    /// The timers that have expired; they begin anew.
    fn expired(&mut self, now: Instant) -> Vec<c_int> {
        let expired = self.timers.iter_mut().filter(|t| !t.removed && t.expires.is_some_and(|at| at <= now));
        expired
            .map(|timer| {
                timer.expires = after(timer.interval);
                timer.number
            })
            .collect()
    }
}

/// Waits for descriptors; says which are ready for what.
fn wait(watched: &[(c_int, c_int, c_int)], timeout: Option<Duration>) -> Vec<(c_int, c_int, c_int)> {
    use virtus::constants::{
        VIR_EVENT_HANDLE_ERROR, VIR_EVENT_HANDLE_HANGUP, VIR_EVENT_HANDLE_READABLE, VIR_EVENT_HANDLE_WRITABLE,
    };
    // an invalid one is an error of its descriptor
    const NAMES: [(libc::c_short, c_int); 5] = [
        (libc::POLLIN, VIR_EVENT_HANDLE_READABLE),
        (libc::POLLOUT, VIR_EVENT_HANDLE_WRITABLE),
        (libc::POLLERR, VIR_EVENT_HANDLE_ERROR),
        (libc::POLLHUP, VIR_EVENT_HANDLE_HANGUP),
        (libc::POLLNVAL, VIR_EVENT_HANDLE_ERROR),
    ];
    let wanted = |events: c_int| {
        NAMES.iter().filter(|(_, name)| events & name != 0).fold(0, |all, (poll, _)| all | poll)
    };
    let mut fds: Vec<libc::pollfd> = watched
        .iter()
        .map(|(_, fd, events)| libc::pollfd { fd: *fd, events: wanted(*events), revents: 0 })
        .collect();
    let timeout = match &DEFAULT.wake {
        Some(wake) => {
            fds.push(libc::pollfd { fd: wake.as_fd().as_raw_fd(), events: libc::POLLIN, revents: 0 });
            timeout
        }
        None => Some(timeout.map_or(SHORT, |timeout| timeout.min(SHORT))),
    };
    // a part of a millisecond is waited for as a whole one, lest the round ends before the timer does
    let milliseconds = timeout
        .map_or(-1, |timeout| c_int::try_from(timeout.as_micros().div_ceil(1000)).unwrap_or(c_int::MAX));
    let count = libc::nfds_t::try_from(fds.len()).unwrap_or_default();
    // SAFETY: there are so many
    let polled = unsafe { libc::poll(fds.as_mut_ptr(), count, milliseconds) };
    if let Some(wake) = &DEFAULT.wake {
        let _ = rustix::io::read(wake, &mut [0_u8; 8]);
    }
    if polled <= 0 {
        return Vec::new();
    }
    watched
        .iter()
        .zip(&fds)
        .filter(|(_, polled)| polled.revents != 0)
        .map(|((watch, fd, _), polled)| {
            let events = NAMES.iter().filter(|(poll, _)| polled.revents & poll != 0);
            (*watch, *fd, events.fold(0, |all, (_, name)| all | name))
        })
        .collect()
}
