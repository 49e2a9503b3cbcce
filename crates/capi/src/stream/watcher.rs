//! Who wants to know when something can be done with a stream, told from the event loop.

use std::ffi::{c_int, c_void};

use virtus::constants::{VIR_STREAM_EVENT_READABLE, VIR_STREAM_EVENT_WRITABLE};
use virtus::{Error, ErrorDomain, Result};

use super::{Stream, virStreamEventCallback};
use crate::error::Opaque;
use crate::event::{
    Callback, add_timeout, remove_timeout, update_timeout, virEventTimeoutCallback, virFreeCallback,
};
use crate::handle::{Loose, Of};

/// A callback, with the timer that calls it.
#[derive(Debug)]
pub(super) struct Watcher {
    timer: c_int,
    events: c_int,
    callback: Callback<virStreamEventCallback>,
    /// It is being called, and given up afterwards.
    calling: bool,
    removed: bool,
}

impl Drop for Watcher {
    fn drop(&mut self) {
        remove_timeout(self.timer);
        self.callback.give_up();
    }
}

impl Stream {
    pub(super) fn add_watcher(
        this: &Of<Self>,
        events: c_int,
        callback: Callback<virStreamEventCallback>,
    ) -> Result<()> {
        this.opened("virStreamEventAddCallback")?;
        if this.lock().watcher.as_ref().is_some_and(|watcher| !watcher.removed) {
            return Err(Error::internal(ErrorDomain::RPC, "multiple stream callbacks not supported"));
        }
        let opaque = Opaque(Box::into_raw(Box::new(this.loose())).cast());
        let timer = Callback { function: (), opaque, free: virFreeCallback(Some(unshare)) };
        let number = add_timeout(-1, timer.with(virEventTimeoutCallback(Some(expired))));
        if number < 0 {
            timer.give_up();
            return Err(crate::error::unknown());
        }
        let watcher = Watcher { timer: number, events, callback, calling: false, removed: false };
        let before = this.lock().watcher.replace(watcher);
        drop(before);
        this.connection.notices().add_stream(this);
        this.watch();
        Ok(())
    }

    pub(super) fn update_watcher(&self, events: c_int) -> Result<()> {
        self.opened("virStreamEventUpdateCallback")?;
        match self.lock().watcher.as_mut().filter(|watcher| !watcher.removed) {
            Some(watcher) => watcher.events = events,
            None => return Err(Error::internal(ErrorDomain::RPC, "no stream callback registered")),
        }
        self.watch();
        Ok(())
    }

    pub(super) fn remove_watcher(&self) -> Result<()> {
        let open = self.opened("virStreamEventRemoveCallback")?;
        let gone = {
            let mut state = self.lock();
            match &mut state.watcher {
                Some(watcher) if watcher.removed => None,
                Some(watcher) if watcher.calling => {
                    watcher.removed = true;
                    update_timeout(watcher.timer, -1);
                    Some(None)
                }
                Some(_) => Some(state.watcher.take()),
                None => None,
            }
        };
        if gone.is_none() {
            return Err(Error::internal(ErrorDomain::RPC, "no stream callback registered"));
        }
        open.heed(false);
        drop(gone);
        Ok(())
    }

    /// Has the connection's descriptor speak for the stream as well, and looks.
    fn watch(&self) {
        let (open, events) = {
            let state = self.lock();
            let events = state.watcher.as_ref().map_or(0, |watcher| watcher.events);
            (state.open.clone(), events)
        };
        if let Some(open) = open {
            open.heed(events & VIR_STREAM_EVENT_READABLE != 0);
        }
        self.look();
    }

    /// Something may have come: the callback is called soon if it is what it waits for.
    pub(crate) fn look(&self) {
        let ready = self.ready() != 0;
        if let Some(watcher) = self.lock().watcher.as_ref().filter(|watcher| !watcher.removed) {
            update_timeout(watcher.timer, if ready { 0 } else { -1 });
        }
    }

    /// What of that for which the callback waits can be done now.
    fn ready(&self) -> c_int {
        let (open, events) = {
            let state = self.lock();
            let watcher = state.watcher.as_ref().filter(|watcher| !watcher.removed);
            (state.open.clone(), watcher.map_or(0, |watcher| watcher.events))
        };
        let Some(open) = open else { return 0 };
        // what is sent is waited for, hence always possible
        let mut ready = events & VIR_STREAM_EVENT_WRITABLE;
        if events & VIR_STREAM_EVENT_READABLE != 0 && open.is_readable() {
            ready |= VIR_STREAM_EVENT_READABLE;
        }
        ready
    }

    fn fire(this: &Of<Self>) {
        let ready = this.ready();
        let callback = {
            let mut state = this.lock();
            match state.watcher.as_mut().filter(|watcher| !watcher.removed && !watcher.calling && ready != 0)
            {
                Some(watcher) => {
                    watcher.calling = true;
                    Some(watcher.callback)
                }
                None => None,
            }
        };
        if let Some(callback) = callback {
            if let Some(function) = callback.function.0 {
                // SAFETY: C has given it to be called so
                unsafe { function(this.as_c(), ready, callback.opaque.0) }
            }
            let gone = {
                let mut state = this.lock();
                if let Some(watcher) = &mut state.watcher {
                    watcher.calling = false;
                }
                state.watcher.take_if(|watcher| watcher.removed)
            };
            drop(gone);
        }
        this.look();
    }
}

/// # Safety
/// It is what a timer was given.
unsafe extern "C" fn unshare(opaque: *mut c_void) {
    // SAFETY: as the caller promises
    drop(unsafe { Box::from_raw(opaque.cast::<Loose<Stream>>()) });
}

/// # Safety
/// It is what a timer was given.
unsafe extern "C" fn expired(_: c_int, opaque: *mut c_void) {
    // a panic must not go through the loop, which may be C's
    let _ = std::panic::catch_unwind(|| {
        // SAFETY: as the caller promises
        let stream = unsafe { (*opaque.cast::<Loose<Stream>>()).find() };
        if let Some(stream) = stream {
            Stream::fire(&stream);
        }
    });
}
