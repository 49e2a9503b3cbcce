//! Being told that a connection to a daemon's administration has ended.

use std::ffi::{c_int, c_void};
use std::os::fd::{AsFd, AsRawFd};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use virtus::{CloseReason, Connection, Error, ErrorCode, ErrorDomain, Result};

use crate::arg::Arg;
use crate::call::Call;
use crate::declare::{callbacks, exports};
use crate::error::Opaque;
use crate::event::{Callback, READABLE, add_handle, remove_handle, virEventHandleCallback, virFreeCallback};
use crate::handle::{Held, Of};
use crate::object::{AdmConnect, virAdmConnect};

callbacks! {
    /// A connection has ended.
    virAdmConnectCloseFunc(conn: *mut virAdmConnect, reason: c_int, opaque: *mut c_void);
}

impl Arg for virAdmConnectCloseFunc {
    type C = virAdmConnectCloseFunc;

    // SAFETY: what callers keep to is said where the method is declared
    unsafe fn take(c: virAdmConnectCloseFunc, call: &mut Call, name: &str) -> Result<Self> {
        if c.0.is_none() { Err(call.wrong(name, "must not be NULL")) } else { Ok(c) }
    }
}

exports! {
    header ADMIN, errors ADMIN;

    "2.0.0" fn virAdmConnectRegisterCloseCallback(
        conn: Of<AdmConnect>, cb: virAdmConnectCloseFunc, opaque: *mut c_void, freecb: virFreeCallback
    ) -> ()
        = conn.closing().register(&conn, Callback { function: cb, opaque: Opaque(opaque), free: freecb });
    "2.0.0" fn virAdmConnectUnregisterCloseCallback(conn: Of<AdmConnect>, cb: virAdmConnectCloseFunc) -> ()
        = conn.closing().unregister(cb);
}

/// Who is told, and the watch in the event loop by which it is noticed.
#[derive(Debug)]
struct Told {
    callback: Callback<virAdmConnectCloseFunc>,
    connection: Held<AdmConnect>,
    watch: c_int,
}

/// A connection's end.
#[derive(Debug)]
pub(super) struct Closing {
    client: Connection,
    told: Mutex<Option<Told>>,
}

impl Closing {
    pub(super) fn new(client: Connection) -> Arc<Self> {
        Arc::new(Closing { client, told: Mutex::default() })
    }

    fn lock(&self) -> MutexGuard<'_, Option<Told>> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn register(
        self: &Arc<Self>,
        connection: &Of<AdmConnect>,
        callback: Callback<virAdmConnectCloseFunc>,
    ) -> Result<()> {
        let already = || {
            let text = "A close callback is already registered";
            Error::new(ErrorDomain::ADMIN, ErrorCode::OPERATION_INVALID, text)
        };
        let Some(connection) = connection.hold() else {
            return Err(Error::new(ErrorDomain::ADMIN, ErrorCode::INVALID_CONN, ""));
        };
        if self.lock().is_some() {
            return Err(already());
        }
        // a program's own loop may call anything from its functions, hence without the lock
        let watch = self.watch();
        let mut told = self.lock();
        if told.is_some() {
            drop(told);
            unwatch(watch);
            return Err(already());
        }
        *told = Some(Told { callback, connection, watch });
        Ok(())
    }

    fn unregister(&self, function: virAdmConnectCloseFunc) -> Result<()> {
        let told = self.lock().take_if(|told| told.callback.function == function);
        let Some(told) = told else {
            let text = "A different callback was requested";
            return Err(Error::new(ErrorDomain::NONE, ErrorCode::OPERATION_INVALID, text));
        };
        unwatch(told.watch);
        told.callback.give_up();
        Ok(())
    }

    /// Has the event loop look, if there is one.
    fn watch(self: &Arc<Self>) -> c_int {
        let opaque = Opaque(Box::into_raw(Box::new(Arc::downgrade(self))).cast());
        let callback = Callback {
            function: virEventHandleCallback(Some(ready)),
            opaque,
            free: virFreeCallback(Some(unshare)),
        };
        let watch = add_handle(self.client.as_fd().as_raw_fd(), READABLE, callback);
        if watch < 0 {
            callback.give_up();
        }
        watch
    }

    /// Looks whether it has ended, and tells.
    fn look(&self) {
        if self.client.run_events(Some(Duration::ZERO)).is_ok() {
            return;
        }
        let Some(told) = self.lock().take() else { return };
        unwatch(told.watch);
        let reason = self.client.close_reason().unwrap_or(CloseReason::Error);
        if let Some(function) = told.callback.function.0 {
            // SAFETY: C has given it to be called so
            unsafe { function(told.connection.as_c(), reason as c_int, told.callback.opaque.0) }
        }
        told.callback.give_up();
    }
}

fn unwatch(watch: c_int) {
    if watch >= 0 {
        remove_handle(watch);
    }
}

/// # Safety
/// It comes from [`Closing::watch`], and is not used any more.
unsafe extern "C" fn unshare(opaque: *mut c_void) {
    // SAFETY: as the caller promises
    drop(unsafe { Box::from_raw(opaque.cast::<Weak<Closing>>()) });
}

/// # Safety
/// It comes from [`Closing::watch`].
unsafe extern "C" fn ready(_: c_int, _: c_int, _: c_int, opaque: *mut c_void) {
    // a panic must not go through the loop, which may be C's
    let _ = std::panic::catch_unwind(|| {
        // SAFETY: as the caller promises
        let closing = unsafe { (*opaque.cast::<Weak<Closing>>()).upgrade() };
        if let Some(closing) = closing {
            closing.look();
        }
    });
}
