//! The event loop (`libvirt-event.h`): the program's own, or the one that comes with the library.

mod poll;
mod pump;

use std::ffi::{c_int, c_void};
use std::sync::{PoisonError, RwLock};

use crate::declare::{callbacks, exports};
use crate::error::{self, Opaque};

pub(crate) use pump::Pump;

callbacks! {
    /// Gives up what a callback was given.
    virFreeCallback(opaque: *mut c_void);
    /// A descriptor is ready.
    virEventHandleCallback(watch: c_int, fd: c_int, events: c_int, opaque: *mut c_void);
    /// A timer has expired.
    virEventTimeoutCallback(timer: c_int, opaque: *mut c_void);
    /// Watches a descriptor.
    virEventAddHandleFunc(
        fd: c_int, event: c_int, cb: virEventHandleCallback, opaque: *mut c_void, ff: virFreeCallback
    ) -> c_int;
    /// Watches it for something else.
    virEventUpdateHandleFunc(watch: c_int, event: c_int);
    /// Watches it no more.
    virEventRemoveHandleFunc(watch: c_int) -> c_int;
    /// Starts a timer.
    virEventAddTimeoutFunc(
        timeout: c_int, cb: virEventTimeoutCallback, opaque: *mut c_void, ff: virFreeCallback
    ) -> c_int;
    /// Has it expire at another time.
    virEventUpdateTimeoutFunc(timer: c_int, timeout: c_int);
    /// Stops it.
    virEventRemoveTimeoutFunc(timer: c_int) -> c_int;
}

exports! {
    header EVENT, errors EVENT;

    "0.9.0" fn virEventRegisterDefaultImpl() -> () = { register(Loop::Default); Ok(()) };
    "0.9.0" fn virEventRunDefaultImpl() -> () = { poll::run(); Ok(()) };

    plain {
        "0.5.0" fn virEventRegisterImpl(
            addHandle: virEventAddHandleFunc, updateHandle: virEventUpdateHandleFunc,
            removeHandle: virEventRemoveHandleFunc, addTimeout: virEventAddTimeoutFunc,
            updateTimeout: virEventUpdateTimeoutFunc, removeTimeout: virEventRemoveTimeoutFunc
        ) = register(Loop::Own(Own {
            addHandle, updateHandle, removeHandle, addTimeout, updateTimeout, removeTimeout
        }));
        "0.9.3" fn virEventAddHandle(
            fd: c_int, events: c_int, cb: virEventHandleCallback, opaque: *mut c_void, ff: virFreeCallback
        ) -> c_int = add_handle(fd, events, Callback { function: cb, opaque: Opaque(opaque), free: ff });
        "0.9.3" fn virEventUpdateHandle(watch: c_int, events: c_int) = update_handle(watch, events);
        "0.9.3" fn virEventRemoveHandle(watch: c_int) -> c_int = remove_handle(watch);
        "0.9.3" fn virEventAddTimeout(
            timeout: c_int, cb: virEventTimeoutCallback, opaque: *mut c_void, ff: virFreeCallback
        ) -> c_int = add_timeout(timeout, Callback { function: cb, opaque: Opaque(opaque), free: ff });
        "0.9.3" fn virEventUpdateTimeout(timer: c_int, timeout: c_int) = update_timeout(timer, timeout);
        "0.9.3" fn virEventRemoveTimeout(timer: c_int) -> c_int = remove_timeout(timer);
    }
}

/// The descriptor can be read (`VIR_EVENT_HANDLE_READABLE`).
pub(crate) const READABLE: c_int = virtus::constants::VIR_EVENT_HANDLE_READABLE;

/// A function of C's, what it wants to see again, and what gives that up.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Callback<F> {
    pub(crate) function: F,
    pub(crate) opaque: Opaque,
    pub(crate) free: virFreeCallback,
}

impl<F> Callback<F> {
    /// The same for another function.
    pub(crate) fn with<G>(&self, function: G) -> Callback<G> {
        Callback { function, opaque: self.opaque, free: self.free }
    }

    /// Nobody calls the function any more.
    pub(crate) fn give_up(&self) {
        if let Some(free) = self.free.0 {
            // SAFETY: C has given it to be called with this, once
            unsafe { free(self.opaque.0) }
        }
    }
}

#[derive(Clone, Copy, Debug)]
enum Loop {
    Default,
    Own(Own),
}

/// A program's own loop.
#[derive(Clone, Copy, Debug)]
struct Own {
    addHandle: virEventAddHandleFunc,
    updateHandle: virEventUpdateHandleFunc,
    removeHandle: virEventRemoveHandleFunc,
    addTimeout: virEventAddTimeoutFunc,
    updateTimeout: virEventUpdateTimeoutFunc,
    removeTimeout: virEventRemoveTimeoutFunc,
}

static LOOP: RwLock<Option<Loop>> = RwLock::new(None);

fn register(new: Loop) {
    error::reset();
    *LOOP.write().unwrap_or_else(PoisonError::into_inner) = Some(new);
}

fn present() -> Option<Loop> {
    *LOOP.read().unwrap_or_else(PoisonError::into_inner)
}

/// Has a descriptor watched; -1 when there is nobody to do it.
pub(crate) fn add_handle(fd: c_int, events: c_int, callback: Callback<virEventHandleCallback>) -> c_int {
    match present() {
        None => -1,
        Some(Loop::Default) => poll::add_handle(fd, events, callback),
        Some(Loop::Own(own)) => own.addHandle.0.map_or(-1, |add| {
            // SAFETY: C has given it to be called so
            unsafe { add(fd, events, callback.function, callback.opaque.0, callback.free) }
        }),
    }
}

/// Has it watched for something else.
pub(crate) fn update_handle(watch: c_int, events: c_int) {
    match present() {
        None => {}
        Some(Loop::Default) => poll::update_handle(watch, events),
        Some(Loop::Own(own)) => {
            if let Some(update) = own.updateHandle.0 {
                // SAFETY: C has given it to be called so
                unsafe { update(watch, events) }
            }
        }
    }
}

/// Has it watched no more; -1 when it was not.
pub(crate) fn remove_handle(watch: c_int) -> c_int {
    match present() {
        None => -1,
        Some(Loop::Default) => poll::remove_handle(watch),
        // SAFETY: C has given it to be called so
        Some(Loop::Own(own)) => own.removeHandle.0.map_or(-1, |remove| unsafe { remove(watch) }),
    }
}

/// Starts a timer of so many milliseconds, or of none for now if negative; -1 when there is nobody to do it.
pub(crate) fn add_timeout(timeout: c_int, callback: Callback<virEventTimeoutCallback>) -> c_int {
    match present() {
        None => -1,
        Some(Loop::Default) => poll::add_timeout(timeout, callback),
        Some(Loop::Own(own)) => own.addTimeout.0.map_or(-1, |add| {
            // SAFETY: C has given it to be called so
            unsafe { add(timeout, callback.function, callback.opaque.0, callback.free) }
        }),
    }
}

/// Has it expire at another time.
pub(crate) fn update_timeout(timer: c_int, timeout: c_int) {
    match present() {
        None => {}
        Some(Loop::Default) => poll::update_timeout(timer, timeout),
        Some(Loop::Own(own)) => {
            if let Some(update) = own.updateTimeout.0 {
                // SAFETY: C has given it to be called so
                unsafe { update(timer, timeout) }
            }
        }
    }
}

/// Stops it; -1 when there is none.
pub(crate) fn remove_timeout(timer: c_int) -> c_int {
    match present() {
        None => -1,
        Some(Loop::Default) => poll::remove_timeout(timer),
        // SAFETY: C has given it to be called so
        Some(Loop::Own(own)) => own.removeTimeout.0.map_or(-1, |remove| unsafe { remove(timer) }),
    }
}
