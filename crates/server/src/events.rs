//! Who wants to be told of what, and the telling.

use std::sync::atomic::{AtomicI32, Ordering};
use std::sync::{Arc, RwLock, Weak};

use virtus_api::event::QemuMonitorEvent;
use virtus_api::{DomainRef, Event, EventSink, Program};
use virtus_base::{Error, ErrorCode, ErrorDomain, Result, Uuid};
use virtus_rpc::{Header, Kind, Status, write_packet};
use virtus_xdr::Encode;

use crate::client::Client;

/// The kinds of objects that have events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Of {
    Domain,
    Network,
    StoragePool,
    NodeDevice,
    Secret,
}

/// Which object a registration is limited to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Only {
    Any,
    Uuid(Uuid),
    Name(String),
}

#[derive(Debug)]
struct Registration {
    id: i32,
    of: Of,
    event: i32,
    only: Only,
}

/// A pattern of QEMU event names.
#[derive(Debug)]
enum Pattern {
    Any,
    Name(String),
    NameAnyCase(String),
    Regex(regex_lite::Regex),
}

#[derive(Debug)]
struct QemuRegistration {
    id: i32,
    only: Only,
    pattern: Pattern,
}

/// What one client is told of.
#[derive(Debug, Default)]
pub(crate) struct Registrations {
    legacy: Vec<i32>,
    callbacks: Vec<Registration>,
    qemu: Vec<QemuRegistration>,
}

/// Callback ids are unique in the daemon.
static NEXT: AtomicI32 = AtomicI32::new(0);

fn internal(text: String) -> Error {
    Error::new(ErrorDomain::RPC, ErrorCode::INTERNAL_ERROR, text)
}

impl Registrations {
    /// Registers the old way, without a callback's id.
    pub(crate) fn add_legacy(&mut self, event: i32) -> Result<()> {
        if self.legacy.contains(&event) {
            return Err(Error::new(
                ErrorDomain::NONE,
                ErrorCode::INVALID_ARG,
                "event callback already tracked",
            ));
        }
        self.legacy.push(event);
        Ok(())
    }

    /// Takes an old registration back.
    pub(crate) fn remove_legacy(&mut self, event: i32) -> Result<()> {
        let place = self.legacy.iter().position(|e| *e == event);
        let place = place.ok_or_else(|| internal(format!("domain event {event} not registered")))?;
        self.legacy.swap_remove(place);
        Ok(())
    }

    /// Registers a callback and gives its id.
    pub(crate) fn add(&mut self, of: Of, event: i32, only: Only) -> i32 {
        let id = NEXT.fetch_add(1, Ordering::Relaxed);
        self.callbacks.push(Registration { id, of, event, only });
        id
    }

    /// Takes a callback back.
    pub(crate) fn remove(&mut self, of: Of, id: i32, what: &str) -> Result<()> {
        let place = self.callbacks.iter().position(|r| r.of == of && r.id == id);
        let place = place.ok_or_else(|| internal(format!("{what} event callback {id} not registered")))?;
        self.callbacks.swap_remove(place);
        Ok(())
    }

    /// Registers a callback for a QEMU's own events; flag 1 makes the name a pattern, flag 2 ignores case.
    pub(crate) fn add_qemu(&mut self, only: Only, event: Option<String>, flags: u32) -> Result<i32> {
        let pattern = match event {
            None => Pattern::Any,
            Some(text) if flags & 1 != 0 => {
                let text = if flags & 2 != 0 { format!("(?i){text}") } else { text };
                Pattern::Regex(regex_lite::Regex::new(&text).map_err(|e| {
                    Error::new(
                        ErrorDomain::QEMU,
                        ErrorCode::INVALID_ARG,
                        format!("failed to compile regex '{text}': {e}"),
                    )
                })?)
            }
            Some(name) if flags & 2 != 0 => Pattern::NameAnyCase(name),
            Some(name) => Pattern::Name(name),
        };
        let id = NEXT.fetch_add(1, Ordering::Relaxed);
        self.qemu.push(QemuRegistration { id, only, pattern });
        Ok(id)
    }

    /// Takes such a callback back.
    pub(crate) fn remove_qemu(&mut self, id: i32) -> Result<()> {
        let place = self.qemu.iter().position(|r| r.id == id);
        let place =
            place.ok_or_else(|| internal(format!("qemu monitor event callback {id} not registered")))?;
        self.qemu.swap_remove(place);
        Ok(())
    }

    /// Forgets everything.
    pub(crate) fn clear(&mut self) {
        *self = Registrations::default();
    }

    fn callbacks<'a>(
        &'a self,
        of: Of,
        event: i32,
        uuid: Option<Uuid>,
        name: &'a str,
    ) -> impl Iterator<Item = i32> + 'a {
        let wanted = move |r: &&Registration| {
            r.of == of
                && r.event == event
                && match &r.only {
                    Only::Any => true,
                    Only::Uuid(only) => uuid == Some(*only),
                    Only::Name(only) => only == name,
                }
        };
        self.callbacks.iter().filter(wanted).map(|r| r.id)
    }
}

/// Tells every client what it registered for. Publishing never waits.
#[derive(Debug, Default)]
pub struct EventBus {
    clients: RwLock<Vec<Weak<Client>>>,
}

impl EventBus {
    /// From now on the client may register.
    pub(crate) fn join(&self, client: &Arc<Client>) {
        let mut clients = self.clients.write().unwrap_or_else(|e| e.into_inner());
        clients.retain(|c| c.strong_count() > 0);
        if !clients.iter().any(|c| std::ptr::eq(c.as_ptr(), Arc::as_ptr(client))) {
            clients.push(Arc::downgrade(client));
        }
    }

    fn each(&self, mut tell: impl FnMut(&Client, &Registrations)) {
        let clients = self.clients.read().unwrap_or_else(|e| e.into_inner());
        for client in clients.iter().filter_map(Weak::upgrade) {
            let registrations = client.registrations.lock().unwrap_or_else(|e| e.into_inner());
            tell(&client, &registrations);
        }
    }
}

fn packet(program: Program, procedure: i32, body: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
    let header = Header {
        program: program.0,
        version: Program::VERSION,
        procedure,
        kind: Kind::MESSAGE,
        serial: 0,
        status: Status::OK,
    };
    let mut out = Vec::new();
    write_packet(&mut out, &header, 0, body);
    out
}

fn post(client: &Client, packet: &[u8]) {
    if !client.outbox.post_event(packet) {
        tracing::warn!(client = client.id, "client does not read its events, closing its connection");
    }
}

/// Tells those who registered a callback; `$legacy` likewise those who registered without.
macro_rules! tell {
    ($bus:expr, $of:expr, $object:expr, $event:expr, $uuid:expr) => {
        $bus.each(|client, registrations| {
            for id in registrations.callbacks($of, $event.id(), $uuid, &$object.name) {
                let told = packet(Program::REMOTE, $event.callback_procedure(), |out| {
                    $event.encode_callback(id, $object, out)
                });
                post(client, &told);
            }
        })
    };
}

impl EventSink for EventBus {
    fn publish(&self, event: Event) {
        match &event {
            Event::Domain(domain, event) => {
                let legacy = event.legacy_procedure().map(|procedure| {
                    packet(Program::REMOTE, procedure, |out| event.encode_legacy(domain, out))
                });
                if let Some(legacy) = legacy {
                    self.each(|client, registrations| {
                        if registrations.legacy.contains(&event.id()) {
                            post(client, &legacy);
                        }
                    });
                }
                tell!(self, Of::Domain, domain, event, Some(domain.uuid));
            }
            Event::Network(net, event) => tell!(self, Of::Network, net, event, Some(net.uuid)),
            Event::StoragePool(pool, event) => tell!(self, Of::StoragePool, pool, event, Some(pool.uuid)),
            Event::NodeDevice(device, event) => tell!(self, Of::NodeDevice, device, event, None),
            Event::Secret(secret, event) => {
                self.each(|client, registrations| {
                    for id in registrations.callbacks(Of::Secret, event.id(), Some(secret.uuid), "") {
                        let told = packet(Program::REMOTE, event.callback_procedure(), |out| {
                            event.encode_callback(id, secret, out)
                        });
                        post(client, &told);
                    }
                });
            }
            Event::QemuMonitor(domain, event) => self.publish_qemu(domain, event),
        }
    }
}

impl EventBus {
    fn publish_qemu(&self, domain: &DomainRef, event: &QemuMonitorEvent) {
        /// The procedure of the QEMU program that tells it.
        const MONITOR_EVENT: i32 = 6;
        self.each(|client, registrations| {
            for r in &registrations.qemu {
                let named = match &r.pattern {
                    Pattern::Any => true,
                    Pattern::Name(name) => *name == event.event,
                    Pattern::NameAnyCase(name) => name.eq_ignore_ascii_case(&event.event),
                    Pattern::Regex(regex) => regex.is_match(&event.event),
                };
                if named && (r.only == Only::Any || r.only == Only::Uuid(domain.uuid)) {
                    let told = packet(Program::QEMU, MONITOR_EVENT, |out| {
                        r.id.encode(out);
                        domain.encode(out);
                        event.event.encode(out);
                        (event.seconds, event.micros).encode(out);
                        event.details.encode(out);
                    });
                    post(client, &told);
                }
            }
        });
    }
}
