//! Being told of what happens: who registered for what, and how it comes to them.
//!
//! What the daemon tells is taken in by whoever reads the socket, and waits here. Callbacks are called from the event
//! loop, one after the other and without a lock, so that they may register, deregister and run the loop themselves.

mod deliver;
mod domain;
mod register;

use std::collections::VecDeque;
use std::ffi::{c_int, c_void};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use virtus::{CloseReason, Error, ErrorCode, ErrorDomain, Event, Registration, Result, Subject};

use crate::declare::{Export, TypeDef, callbacks};
use crate::event::{Callback, Pump};
use crate::handle::{Held, Loose, Of};
use crate::object::{Connect, Stream, virConnect};

pub use deliver::*;
pub use domain::*;
pub use register::*;

#[cfg(test)]
mod tests;

pub(crate) const EXPORTS: &[&[Export]] = register::EXPORTS;
pub(crate) const STRUCTS: &[&[TypeDef]] = &[domain::STRUCTS];
pub(crate) const TYPES: &[&[TypeDef]] = &[CALLBACKS, deliver::CALLBACKS, domain::CALLBACKS];

callbacks! {
    /// A connection has ended.
    virConnectCloseFunc(conn: *mut virConnect, reason: c_int, opaque: *mut c_void);
}

/// Where a function of C's is whose type depends on the event.
pub(crate) type Function = Option<unsafe extern "C" fn()>;

/// Someone who wants to be told.
#[derive(Debug)]
struct Entry {
    id: c_int,
    subject: Subject,
    event: c_int,
    /// Registered by the function, not by a number.
    legacy: bool,
    callback: Callback<Function>,
    registration: Option<Registration>,
    connection: Held<Connect>,
    removed: bool,
}

/// What waits to be told.
#[derive(Debug)]
enum Notice {
    Event(c_int, Box<Event>),
    Closed(CloseReason),
}

#[derive(Debug, Default)]
struct State {
    next: c_int,
    entries: Vec<Entry>,
    queue: VecDeque<Notice>,
    close: Option<(Callback<virConnectCloseFunc>, Held<Connect>)>,
    asked_for_close: bool,
    /// Streams that want to know when there is something for them.
    streams: Vec<Loose<Stream>>,
    pump: Option<Pump>,
    /// So many are being told, one inside the other.
    telling: usize,
}

/// What a connection tells.
#[derive(Debug)]
pub(crate) struct Notices {
    client: virtus::Connection,
    state: Mutex<State>,
}

impl Notices {
    /// Those of a connection, which is looked after by the event loop, if there is one.
    pub(crate) fn new(client: virtus::Connection) -> Arc<Self> {
        let notices = Arc::new(Notices { client, state: Mutex::default() });
        // in this process nothing comes before somebody registers
        if !notices.client.is_local() {
            notices.start();
        }
        notices
    }

    /// The connection.
    pub(crate) fn client(&self) -> &virtus::Connection {
        &self.client
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Has the event loop look after it; whether there is one.
    pub(crate) fn start(self: &Arc<Self>) -> bool {
        if self.lock().pump.is_some() {
            return true;
        }
        // a program's own loop may call anything from its functions
        let Some(pump) = Pump::start(self) else { return false };
        let mut state = self.lock();
        let superfluous = match state.pump {
            Some(_) => Some(pump),
            None => {
                state.pump = Some(pump);
                None
            }
        };
        drop(state);
        drop(superfluous);
        true
    }

    /// The connection goes.
    pub(crate) fn stop(&self) {
        let pump = self.lock().pump.take();
        drop(pump);
    }

    /// Whether the event loop looks after it.
    pub(crate) fn in_loop(&self) -> bool {
        self.lock().pump.is_some()
    }

    /// Has it looked after in time for what is due, or at once.
    pub(crate) fn rearm(&self) {
        let due = self.client.due();
        let state = self.lock();
        if let Some(pump) = &state.pump {
            match state.queue.is_empty() {
                true => pump.rearm(due),
                false => pump.hurry(),
            }
        }
    }

    /// Takes in what has come, and tells it. The event loop calls this.
    pub(crate) fn look_after(&self) {
        if self.client.run_events(Some(std::time::Duration::ZERO)).is_err() {
            // its descriptor stays ready for ever
            let mut state = self.lock();
            if let Some(pump) = &mut state.pump {
                pump.unwatch();
            }
        }
        self.tell();
        let streams: Vec<_> = {
            let mut state = self.lock();
            state.streams.retain(|stream| stream.find().is_some());
            state.streams.iter().filter_map(Loose::find).collect()
        };
        streams.iter().for_each(|stream| stream.look());
        self.rearm();
    }

    /// Has a stream look whenever something has come.
    pub(crate) fn add_stream(self: &Arc<Self>, stream: &Of<Stream>) {
        // a stream in this process is looked at by its own timer
        if self.client.is_local() {
            return;
        }
        self.start();
        let mut state = self.lock();
        if !state.streams.iter().filter_map(Loose::find).any(|other| other.as_c() == stream.as_c()) {
            state.streams.push(stream.loose());
        }
    }

    fn tell(&self) {
        loop {
            let mut state = self.lock();
            let Some(notice) = state.queue.pop_front() else { break };
            state.telling += 1;
            match notice {
                Notice::Event(id, event) => {
                    let entry = state.entries.iter().find(|entry| entry.id == id && !entry.removed);
                    let found = entry.map(|entry| (entry.callback, entry.connection.of()));
                    drop(state);
                    if let Some((callback, connection)) = found {
                        deliver::deliver(&connection, &callback, &event);
                    }
                }
                Notice::Closed(reason) => {
                    let found = state.close.take();
                    drop(state);
                    if let Some((callback, connection)) = found {
                        if let Some(function) = callback.function.0 {
                            // SAFETY: C has given it to be called so
                            unsafe { function(connection.as_c(), reason as c_int, callback.opaque.0) }
                        }
                        callback.give_up();
                    }
                }
            }
            let removed = {
                let mut state = self.lock();
                state.telling -= 1;
                state.bury()
            };
            removed.iter().for_each(|entry| entry.callback.give_up());
        }
    }

    /// Registers someone; says the number.
    ///
    /// # Errors
    /// `INVALID_ARG` for one who is registered already, `INTERNAL_ERROR` without an event loop, or the daemon's.
    pub(crate) fn register(
        self: &Arc<Self>,
        connection: &Of<Connect>,
        (subject, event): (Subject, c_int),
        callback: Callback<Function>,
        legacy: bool,
    ) -> Result<c_int> {
        let id = self.enter(connection, (subject.clone(), event), callback, legacy)?;
        let notices = Arc::downgrade(self);
        let registered = self.client.on_event(subject, event, move |_, event| {
            if let Some(notices) = notices.upgrade() {
                notices.lock().queue.push_back(Notice::Event(id, Box::new(event.clone())));
            }
        });
        self.entered(id, registered)
    }

    /// Registers someone for a QEMU's own events.
    ///
    /// # Errors
    /// As [`Notices::register`].
    pub(crate) fn register_monitor(
        self: &Arc<Self>,
        connection: &Of<Connect>,
        domain: Option<virtus::DomainRef>,
        (event, flags): (Option<&str>, u32),
        callback: Callback<Function>,
    ) -> Result<c_int> {
        let id = self.enter(connection, (Subject::Domain(domain.clone()), MONITOR), callback, false)?;
        let notices = Arc::downgrade(self);
        let registered = self.client.on_monitor_event(domain, event, flags, move |_, event| {
            if let Some(notices) = notices.upgrade() {
                notices.lock().queue.push_back(Notice::Event(id, Box::new(event.clone())));
            }
        });
        self.entered(id, registered)
    }

    fn enter(
        self: &Arc<Self>,
        connection: &Of<Connect>,
        (subject, event): (Subject, c_int),
        callback: Callback<Function>,
        legacy: bool,
    ) -> Result<c_int> {
        if !self.start() {
            let text = "could not initialize domain event timer";
            return Err(Error::internal(ErrorDomain::NONE, text));
        }
        let Some(connection) = connection.hold() else {
            return Err(Error::new(ErrorDomain::NONE, ErrorCode::INVALID_CONN, ""));
        };
        let mut state = self.lock();
        let same = |entry: &Entry| {
            let function =
                entry.callback.function.map(|f| f as usize) == callback.function.map(|f| f as usize);
            let what = entry.subject == subject && entry.event == event && entry.legacy == legacy;
            what && function && !entry.removed
        };
        // what a daemon filters may be asked for by any number
        if event != MONITOR && state.entries.iter().any(same) {
            let text = "event callback already tracked";
            return Err(Error::new(ErrorDomain::NONE, ErrorCode::INVALID_ARG, text));
        }
        let id = state.next;
        state.next = state.next.checked_add(1).unwrap_or_default();
        let (registration, removed) = (None, false);
        state.entries.push(Entry { id, subject, event, legacy, callback, registration, connection, removed });
        Ok(id)
    }

    fn entered(self: &Arc<Self>, id: c_int, registered: Result<Registration>) -> Result<c_int> {
        let mut state = self.lock();
        match registered {
            Ok(registration) => {
                if let Some(entry) = state.entries.iter_mut().find(|entry| entry.id == id) {
                    entry.registration = Some(registration);
                }
                drop(state);
                // the last of those before may have gone meanwhile, and the loop with it
                self.start();
                Ok(id)
            }
            Err(error) => {
                // who was never registered is not given up either
                let place = state.entries.iter().position(|entry| entry.id == id);
                let entry = place.map(|place| state.entries.remove(place));
                drop(state);
                drop(entry);
                Err(error)
            }
        }
    }

    /// Tells someone no more.
    ///
    /// # Errors
    /// `INVALID_ARG` for a number that nobody has; the daemon's.
    pub(crate) fn deregister(&self, id: c_int) -> Result<()> {
        let missing = || match self.client.is_local() {
            true => format!("could not find event callback {id} for deletion"),
            false => format!("event callback id {id} not registered"),
        };
        self.remove(|entry| entry.id == id, missing)
    }

    /// Tells a function no more that was registered without a number.
    ///
    /// # Errors
    /// `INVALID_ARG` for a function that is not registered; the daemon's.
    pub(crate) fn deregister_function(&self, function: usize) -> Result<()> {
        self.remove(
            |entry| entry.legacy && entry.callback.function.is_some_and(|f| f as usize == function),
            || format!("event callback function {function:#x} not registered"),
        )
    }

    fn remove(&self, wanted: impl Fn(&Entry) -> bool, missing: impl FnOnce() -> String) -> Result<()> {
        let (registration, removed) = {
            let mut state = self.lock();
            let Some(entry) = state.entries.iter_mut().find(|entry| !entry.removed && wanted(entry)) else {
                return Err(Error::new(ErrorDomain::NONE, ErrorCode::INVALID_ARG, missing()));
            };
            entry.removed = true;
            let registration = entry.registration.take();
            (registration, state.bury())
        };
        removed.iter().for_each(|entry| entry.callback.give_up());
        let forgotten = registration.map_or(Ok(()), |registration| self.client.forget(registration));
        let pump = {
            let mut state = self.lock();
            let idle = self.client.is_local() && state.entries.iter().all(|entry| entry.removed);
            if idle { state.pump.take() } else { None }
        };
        drop(pump);
        forgotten
    }

    /// Has someone told when the connection ends.
    ///
    /// # Errors
    /// `OPERATION_INVALID` when somebody is already; the daemon's.
    pub(crate) fn register_close(
        self: &Arc<Self>,
        connection: &Of<Connect>,
        callback: Callback<virConnectCloseFunc>,
    ) -> Result<()> {
        let Some(connection) = connection.hold() else {
            return Err(Error::new(ErrorDomain::NONE, ErrorCode::INVALID_CONN, ""));
        };
        let ask = {
            let mut state = self.lock();
            if state.close.is_some() {
                let text = "A close callback is already registered";
                return Err(Error::new(ErrorDomain::REMOTE, ErrorCode::OPERATION_INVALID, text));
            }
            state.close = Some((callback, connection));
            !std::mem::replace(&mut state.asked_for_close, true)
        };
        if !ask {
            return Ok(());
        }
        let notices = Arc::downgrade(self);
        let asked = self.client.on_close(move |_, reason| {
            if let Some(notices) = notices.upgrade() {
                notices.lock().queue.push_back(Notice::Closed(reason));
            }
        });
        asked.inspect_err(|_| {
            let mut state = self.lock();
            state.asked_for_close = false;
            let close = state.close.take();
            drop(state);
            drop(close);
        })
    }

    /// Tells it no more.
    ///
    /// # Errors
    /// `OPERATION_INVALID` when it is somebody else who is told.
    pub(crate) fn deregister_close(&self, function: virConnectCloseFunc) -> Result<()> {
        let mut state = self.lock();
        let close = state.close.take_if(|(callback, _)| callback.function == function);
        drop(state);
        let Some((callback, _)) = close else {
            let text = "A different callback was requested";
            return Err(Error::new(ErrorDomain::REMOTE, ErrorCode::OPERATION_INVALID, text));
        };
        callback.give_up();
        Ok(())
    }
}

/// Stands for a QEMU's own events, which have names.
const MONITOR: c_int = -1;

impl State {
    /// Takes out those who were removed, unless somebody is being told who may be one of them.
    fn bury(&mut self) -> Vec<Entry> {
        match self.telling {
            0 => self.entries.extract_if(.., |entry| entry.removed).collect(),
            _ => Vec::new(),
        }
    }
}
