//! A connection in the event loop: what the daemon says is taken in when its descriptor is ready, and signs of life
//! are asked for in time.

use std::ffi::{c_int, c_void};
use std::os::fd::{AsFd, AsRawFd};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use super::{
    Callback, READABLE, add_handle, add_timeout, remove_handle, remove_timeout, update_timeout,
    virEventHandleCallback, virEventTimeoutCallback, virFreeCallback,
};
use crate::error::Opaque;
use crate::notice::Notices;

/// A connection's place in the loop, which it leaves with this.
#[derive(Debug)]
pub(crate) struct Pump {
    watch: c_int,
    timer: c_int,
}

impl Pump {
    /// Puts it into the loop, if there is one.
    pub(crate) fn start(notices: &Arc<Notices>) -> Option<Self> {
        let callback =
            |function| Callback { function, opaque: share(notices), free: virFreeCallback(Some(unshare)) };
        let timer_callback = callback(());
        let timer = add_timeout(-1, timer_callback.with(virEventTimeoutCallback(Some(expired))));
        if timer < 0 {
            timer_callback.give_up();
            return None;
        }
        let handle_callback = callback(());
        let fd = notices.client().as_fd().as_raw_fd();
        let watch = add_handle(fd, READABLE, handle_callback.with(virEventHandleCallback(Some(ready))));
        if watch < 0 {
            handle_callback.give_up();
        }
        let pump = Pump { watch, timer };
        pump.rearm(notices.client().due());
        Some(pump)
    }

    /// Has the connection looked after at that time.
    pub(crate) fn rearm(&self, due: Option<Instant>) {
        let until = due.map(|due| due.saturating_duration_since(Instant::now()));
        update_timeout(self.timer, until.map_or(-1, milliseconds));
    }

    /// Has it looked after as soon as possible.
    pub(crate) fn hurry(&self) {
        update_timeout(self.timer, 0);
    }

    /// The connection has ended: there is nothing more to wait for.
    pub(crate) fn unwatch(&mut self) {
        if self.watch >= 0 {
            remove_handle(self.watch);
            self.watch = -1;
        }
    }
}

impl Drop for Pump {
    fn drop(&mut self) {
        self.unwatch();
        remove_timeout(self.timer);
    }
}

fn milliseconds(time: Duration) -> c_int {
    c_int::try_from(time.as_micros().div_ceil(1000)).unwrap_or(c_int::MAX)
}

/// What the loop keeps of it: it does not keep it alive.
fn share(notices: &Arc<Notices>) -> Opaque {
    Opaque(Box::into_raw(Box::new(Arc::downgrade(notices))).cast())
}

/// # Safety
/// It comes from [`share`], and is not used any more.
unsafe extern "C" fn unshare(opaque: *mut c_void) {
    // SAFETY: as the caller promises
    drop(unsafe { Box::from_raw(opaque.cast::<Weak<Notices>>()) });
}

/// # Safety
/// It comes from [`share`].
unsafe extern "C" fn ready(_: c_int, _: c_int, _: c_int, opaque: *mut c_void) {
    // SAFETY: as the caller promises
    unsafe { look_after(opaque) }
}

/// # Safety
/// It comes from [`share`].
unsafe extern "C" fn expired(_: c_int, opaque: *mut c_void) {
    // SAFETY: as the caller promises
    unsafe { look_after(opaque) }
}

/// # Safety
/// It comes from [`share`].
unsafe fn look_after(opaque: *mut c_void) {
    // a panic must not go through the loop, which may be C's
    let _ = std::panic::catch_unwind(|| {
        // SAFETY: as the caller promises
        let notices = unsafe { (*opaque.cast::<Weak<Notices>>()).upgrade() };
        if let Some(notices) = notices {
            notices.look_after();
        }
    });
}
