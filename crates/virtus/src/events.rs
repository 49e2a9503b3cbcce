//! Being told of what happens.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use virtus_api::calls::{Qemu, Remote};
use virtus_api::{
    DomainRef, Event, NetworkRef, NodeDeviceRef, Program, Request, SecretRef, StoragePoolRef, Told,
};
use virtus_base::{Error, ErrorCode, ErrorDomain, Result};
use virtus_rpc::client::Message;

use crate::connection::Connection;
use crate::peer::CloseReason;

/// Whose events: those of one object, or with `None` of all of its kind.
#[derive(Clone, Debug, PartialEq)]
#[allow(missing_docs)]
pub enum Subject {
    Domain(Option<DomainRef>),
    Network(Option<NetworkRef>),
    StoragePool(Option<StoragePoolRef>),
    NodeDevice(Option<NodeDeviceRef>),
    Secret(Option<SecretRef>),
}

/// A callback that was registered; [`Connection::forget`] takes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Registration(u64);

/// The daemon can tell one callback from another (`VIR_DRV_FEATURE_REMOTE_EVENT_CALLBACK`).
const FEATURE_CALLBACK_IDS: i32 = 14;
/// The daemon tells when a connection that it passes on ends (`VIR_DRV_FEATURE_REMOTE_CLOSE_CALLBACK`).
const FEATURE_CLOSE_CALLBACK: i32 = 15;
/// The message that tells it.
const CONNECTION_CLOSED: i32 = 362;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Domain,
    Network,
    StoragePool,
    NodeDevice,
    Secret,
    Monitor,
}

type Callback = Arc<Mutex<dyn FnMut(&Connection, &Event) + Send>>;
type CloseCallback = Box<dyn FnOnce(&Connection, CloseReason) + Send>;

struct Entry {
    id: u64,
    kind: Kind,
    event: i32,
    /// The daemon's number for it; old daemons have none.
    remote: Option<i32>,
    /// UUID or name of the one object that it is for.
    only: Option<String>,
    callback: Callback,
}

/// What a connection's callbacks are.
#[derive(Default)]
pub(crate) struct Callbacks {
    table: Mutex<Table>,
}

#[derive(Default)]
struct Table {
    last: u64,
    entries: Vec<Entry>,
    close: Vec<CloseCallback>,
    closed_remotely: Option<CloseReason>,
}

impl std::fmt::Debug for Callbacks {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Callbacks").field("count", &self.lock().entries.len()).finish()
    }
}

impl Callbacks {
    fn lock(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Connection {
    /// Has `callback` called for events of this number (`VIR_DOMAIN_EVENT_ID_…` and the like), whenever somebody is
    /// in [`Connection::run_events`].
    ///
    /// ```no_run
    /// use virtus::{Connection, Event, Subject, constants::VIR_DOMAIN_EVENT_ID_LIFECYCLE};
    ///
    /// # fn main() -> virtus::Result<()> {
    /// let connection = Connection::open("qemu:///system")?;
    /// connection.on_event(Subject::Domain(None), VIR_DOMAIN_EVENT_ID_LIFECYCLE, |_, event| {
    ///     if let Event::Domain(domain, event) = event {
    ///         println!("{}: {event:?}", domain.name);
    ///     }
    /// })?;
    /// loop {
    ///     connection.run_events(None)?;
    /// }
    /// # }
    /// ```
    ///
    /// # Errors
    /// The daemon's, e.g. for a number that no event has.
    pub fn on_event(
        &self,
        subject: Subject,
        event: i32,
        callback: impl FnMut(&Connection, &Event) + Send + 'static,
    ) -> Result<Registration> {
        let (kind, only) = subject.key();
        let request = match subject {
            Subject::Domain(_) if !self.supports_feature(FEATURE_CALLBACK_IDS)? => {
                return self.register(kind, event, only, callback, |entries| {
                    // such a daemon is told once, however many want to hear of it
                    if !entries.iter().any(|e| e.kind == Kind::Domain && e.event == event) {
                        self.call(Remote::connect_domain_event_register_any(event))?;
                    }
                    Ok(None)
                });
            }
            Subject::Domain(domain) => Remote::connect_domain_event_callback_register_any(event, domain),
            Subject::Network(network) => Remote::connect_network_event_register_any(event, network),
            Subject::StoragePool(pool) => Remote::connect_storage_pool_event_register_any(event, pool),
            Subject::NodeDevice(device) => Remote::connect_node_device_event_register_any(event, device),
            Subject::Secret(secret) => Remote::connect_secret_event_register_any(event, secret),
        };
        self.register(kind, event, only.clone(), callback, |entries| {
            // libvirt's daemon takes the same registration only once
            let same = |e: &&Entry| e.kind == kind && e.event == event && e.only == only;
            match entries.iter().find(same) {
                Some(entry) => Ok(entry.remote),
                None => self.call(request).map(Some),
            }
        })
    }

    /// Has `callback` called for a QEMU's own events, those of the name or pattern `event` or all of them; `flags`
    /// are `VIR_CONNECT_DOMAIN_QEMU_MONITOR_EVENT_REGISTER_…`.
    ///
    /// # Errors
    /// The daemon's.
    pub fn on_monitor_event(
        &self,
        domain: Option<DomainRef>,
        event: Option<&str>,
        flags: u32,
        callback: impl FnMut(&Connection, &Event) + Send + 'static,
    ) -> Result<Registration> {
        let request = Qemu::connect_domain_monitor_event_register(domain, event.map(str::to_owned), flags);
        self.register(Kind::Monitor, 0, None, callback, |_| self.call(request).map(Some))
    }

    fn register(
        &self,
        kind: Kind,
        event: i32,
        only: Option<String>,
        callback: impl FnMut(&Connection, &Event) + Send + 'static,
        ask: impl FnOnce(&[Entry]) -> Result<Option<i32>>,
    ) -> Result<Registration> {
        // while the daemon is asked nobody looks an event up: one that comes at once finds its callback
        let mut table = self.callbacks().lock();
        let remote = ask(&table.entries)?;
        table.last += 1;
        let id = table.last;
        let callback = Arc::new(Mutex::new(callback));
        table.entries.push(Entry { id, kind, event, remote, only, callback });
        Ok(Registration(id))
    }

    /// Has a callback called no more.
    ///
    /// # Errors
    /// `INVALID_ARG` when it is not registered; the daemon's.
    pub fn forget(&self, registration: Registration) -> Result<()> {
        let (entry, last) = {
            let mut table = self.callbacks().lock();
            let Some(place) = table.entries.iter().position(|entry| entry.id == registration.0) else {
                let text = format!("could not find event callback {} for deletion", registration.0);
                return Err(Error::new(ErrorDomain::REMOTE, ErrorCode::INVALID_ARG, text));
            };
            let entry = table.entries.remove(place);
            let same = |e: &Entry| (e.kind, e.event, e.remote) == (entry.kind, entry.event, entry.remote);
            let last = !table.entries.iter().any(same);
            (entry, last)
        };
        let request: Request<()> = match (entry.kind, entry.remote) {
            _ if !last => return Ok(()),
            (_, None) => Remote::connect_domain_event_deregister_any(entry.event),
            (Kind::Domain, Some(id)) => Remote::connect_domain_event_callback_deregister_any(id),
            (Kind::Network, Some(id)) => Remote::connect_network_event_deregister_any(id),
            (Kind::StoragePool, Some(id)) => Remote::connect_storage_pool_event_deregister_any(id),
            (Kind::NodeDevice, Some(id)) => Remote::connect_node_device_event_deregister_any(id),
            (Kind::Secret, Some(id)) => Remote::connect_secret_event_deregister_any(id),
            (Kind::Monitor, Some(id)) => Qemu::connect_domain_monitor_event_deregister(id),
        };
        self.call(request)
    }

    /// Has `callback` called, from [`Connection::run_events`], when the connection has ended without
    /// [`Connection::close`].
    ///
    /// # Errors
    /// The daemon's.
    pub fn on_close(&self, callback: impl FnOnce(&Connection, CloseReason) + Send + 'static) -> Result<()> {
        let first = self.callbacks().lock().close.is_empty();
        if first && self.supports_feature(FEATURE_CLOSE_CALLBACK)? {
            self.call(Remote::connect_register_close_callback())?;
        }
        self.callbacks().lock().close.push(Box::new(callback));
        Ok(())
    }

    /// Waits for events, no longer than `timeout`, and calls the callbacks for those that came; says how many did.
    /// Callbacks may make calls, but must not wait for events themselves.
    ///
    /// # Errors
    /// Why the connection has ended, after the callbacks for that.
    pub fn run_events(&self, timeout: Option<Duration>) -> Result<usize> {
        let mut deadline = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
        let mut count = 0;
        loop {
            match self.peer().next_message(deadline) {
                Ok(None) => return Ok(count),
                Ok(Some(message)) => {
                    count += usize::from(self.tell(&message)?);
                    deadline = Some(Instant::now());
                }
                Err(error) => {
                    self.tell_closed();
                    return Err(error);
                }
            }
        }
    }

    fn tell_closed(&self) {
        let (reason, callbacks) = {
            let mut table = self.callbacks().lock();
            let reason = table.closed_remotely.or(self.peer().ended());
            (reason, std::mem::take(&mut table.close))
        };
        if let Some(reason) = reason.filter(|reason| *reason != CloseReason::Client) {
            callbacks.into_iter().for_each(|callback| callback(self, reason));
        }
    }

    fn tell(&self, message: &Message) -> Result<bool> {
        let program = Program(message.program);
        if program == Program::REMOTE && message.procedure == CONNECTION_CLOSED {
            let reason = match virtus_xdr::decode::<i32>(&message.body) {
                Ok(1) => CloseReason::Eof,
                Ok(2) => CloseReason::Keepalive,
                Ok(3) => CloseReason::Client,
                _ => CloseReason::Error,
            };
            self.callbacks().lock().closed_remotely = Some(reason);
            self.tell_closed();
            return Ok(true);
        }
        let Some(told) = Event::decode(program, message.procedure, &message.body) else { return Ok(false) };
        let Told { callback, event } = told
            .map_err(|_| Error::new(ErrorDomain::RPC, ErrorCode::RPC, "Unable to decode message payload"))?;
        let kind = Kind::of(&event);
        let callbacks: Vec<Callback> = {
            let table = self.callbacks().lock();
            let wanted = |entry: &&Entry| entry.kind == kind && entry.hears(callback, &event);
            table.entries.iter().filter(wanted).map(|entry| entry.callback.clone()).collect()
        };
        for callback in &callbacks {
            let mut callback = callback.lock().unwrap_or_else(PoisonError::into_inner);
            callback(self, &event);
        }
        Ok(!callbacks.is_empty())
    }
}

impl Subject {
    /// The kind, and what names the one object.
    fn key(&self) -> (Kind, Option<String>) {
        match self {
            Subject::Domain(domain) => (Kind::Domain, domain.as_ref().map(|d| d.uuid.to_string())),
            Subject::Network(network) => (Kind::Network, network.as_ref().map(|n| n.uuid.to_string())),
            Subject::StoragePool(pool) => (Kind::StoragePool, pool.as_ref().map(|p| p.uuid.to_string())),
            Subject::NodeDevice(device) => (Kind::NodeDevice, device.as_ref().map(|d| d.name.clone())),
            Subject::Secret(secret) => (Kind::Secret, secret.as_ref().map(|s| s.uuid.to_string())),
        }
    }
}

impl Kind {
    fn of(event: &Event) -> Self {
        match event {
            Event::Domain(..) => Kind::Domain,
            Event::Network(..) => Kind::Network,
            Event::StoragePool(..) => Kind::StoragePool,
            Event::NodeDevice(..) => Kind::NodeDevice,
            Event::Secret(..) => Kind::Secret,
            Event::QemuMonitor(..) => Kind::Monitor,
        }
    }
}

impl Entry {
    fn hears(&self, callback: Option<i32>, event: &Event) -> bool {
        match (callback, event) {
            (Some(id), _) => self.remote == Some(id),
            (None, Event::Domain(domain, event)) => {
                self.remote.is_none()
                    && self.event == event.id()
                    && self.only.as_ref().is_none_or(|only| *only == domain.uuid.to_string())
            }
            (None, _) => false,
        }
    }
}
