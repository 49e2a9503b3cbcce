//! Who wants to be told of what. The daemon keeps it for each client, and a program that has a driver in itself for
//! each of its connections.

use std::sync::atomic::{AtomicI32, Ordering};

use virtus_base::{Error, ErrorCode, ErrorDomain, Result, Uuid};
use virtus_xdr::Encode;

use crate::event::QemuMonitorEvent;
use crate::{
    Call, DomainRef, Event, EventRegistration, NetworkRef, NodeDeviceRef, Program, QemuEventRegistration,
    SecretRef, StoragePoolRef, constants,
};

/// The kinds of objects that have events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Of {
    Domain,
    Network,
    StoragePool,
    NodeDevice,
    Secret,
}

impl Of {
    /// How many events the kind has.
    fn events(self) -> i32 {
        1 + match self {
            Of::Domain => constants::VIR_DOMAIN_EVENT_ID_NIC_MAC_CHANGE,
            Of::Network => constants::VIR_NETWORK_EVENT_ID_METADATA_CHANGE,
            Of::StoragePool => constants::VIR_STORAGE_POOL_EVENT_ID_REFRESH,
            Of::NodeDevice => constants::VIR_NODE_DEVICE_EVENT_ID_UPDATE,
            Of::Secret => constants::VIR_SECRET_EVENT_ID_VALUE_CHANGED,
        }
    }
}

/// Which object a registration is limited to.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Only {
    Any,
    Uuid(Uuid),
    Name(String),
}

impl Only {
    fn uuid(uuid: Option<Uuid>) -> Self {
        uuid.map_or(Only::Any, Only::Uuid)
    }
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
pub struct Registrations {
    legacy: Vec<i32>,
    callbacks: Vec<Registration>,
    qemu: Vec<QemuRegistration>,
}

/// Callback ids are unique in the process.
static NEXT: AtomicI32 = AtomicI32::new(0);

fn internal(text: String) -> Error {
    Error::new(ErrorDomain::RPC, ErrorCode::INTERNAL_ERROR, text)
}

fn check_event(event: i32, count: i32) -> Result<()> {
    match (0..count).contains(&event) {
        true => Ok(()),
        false => Err(internal(format!("unsupported event ID {event}"))),
    }
}

impl Registrations {
    /// Forgets everything.
    pub fn clear(&mut self) {
        *self = Registrations::default();
    }

    /// Calls `tell` with each message that this client is to get of `event`: its program, its procedure, and what
    /// writes its body.
    pub fn tell(&self, event: &Event, mut tell: impl FnMut(Program, i32, &dyn Fn(&mut Vec<u8>))) {
        /// Those who registered a callback for `$event`.
        macro_rules! callbacks {
            ($of:expr, $object:expr, $event:expr, $uuid:expr, $name:expr) => {
                for id in self.callbacks($of, $event.id(), $uuid, $name) {
                    tell(Program::REMOTE, $event.callback_procedure(), &|out| {
                        $event.encode_callback(id, $object, out);
                    });
                }
            };
        }
        match event {
            Event::Domain(domain, event) => {
                if let Some(procedure) = event.legacy_procedure()
                    && self.legacy.contains(&event.id())
                {
                    tell(Program::REMOTE, procedure, &|out| event.encode_legacy(domain, out));
                }
                callbacks!(Of::Domain, domain, event, Some(domain.uuid), &domain.name);
            }
            Event::Network(net, event) => callbacks!(Of::Network, net, event, Some(net.uuid), &net.name),
            Event::StoragePool(pool, event) => {
                callbacks!(Of::StoragePool, pool, event, Some(pool.uuid), &pool.name);
            }
            Event::NodeDevice(device, event) => {
                callbacks!(Of::NodeDevice, device, event, None, &device.name);
            }
            Event::Secret(secret, event) => callbacks!(Of::Secret, secret, event, Some(secret.uuid), ""),
            Event::QemuMonitor(domain, event) => {
                for registration in self.qemu.iter().filter(|r| r.wants(domain, event)) {
                    tell(Program::QEMU, QemuMonitorEvent::PROCEDURE, &|out| {
                        registration.id.encode(out);
                        domain.encode(out);
                        event.event.encode(out);
                        (event.seconds, event.micros).encode(out);
                        event.details.encode(out);
                    });
                }
            }
        }
    }

    fn add_legacy(&mut self, event: i32) -> Result<()> {
        // what came after the callback ids has no old form
        check_event(event, constants::VIR_DOMAIN_EVENT_ID_DEVICE_REMOVED + 1)?;
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

    fn remove_legacy(&mut self, event: i32) -> Result<()> {
        check_event(event, constants::VIR_DOMAIN_EVENT_ID_DEVICE_REMOVED + 1)?;
        let place = self.legacy.iter().position(|e| *e == event);
        let place = place.ok_or_else(|| internal(format!("domain event {event} not registered")))?;
        self.legacy.swap_remove(place);
        Ok(())
    }

    fn add(&mut self, of: Of, event: i32, only: Only) -> Result<i32> {
        check_event(event, of.events())?;
        let id = NEXT.fetch_add(1, Ordering::Relaxed);
        self.callbacks.push(Registration { id, of, event, only });
        Ok(id)
    }

    fn remove(&mut self, of: Of, id: i32, what: &str) -> Result<()> {
        let place = self.callbacks.iter().position(|r| r.of == of && r.id == id);
        let place = place.ok_or_else(|| internal(format!("{what} event callback {id} not registered")))?;
        self.callbacks.swap_remove(place);
        Ok(())
    }

    /// Registers a callback for a QEMU's own events; flag 1 makes the name a pattern, flag 2 ignores case.
    fn add_qemu(&mut self, only: Only, event: Option<String>, flags: u32) -> Result<i32> {
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

    fn remove_qemu(&mut self, id: i32) -> Result<()> {
        let place = self.qemu.iter().position(|r| r.id == id);
        let place =
            place.ok_or_else(|| internal(format!("qemu monitor event callback {id} not registered")))?;
        self.qemu.swap_remove(place);
        Ok(())
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

impl QemuRegistration {
    fn wants(&self, domain: &DomainRef, event: &QemuMonitorEvent) -> bool {
        let named = match &self.pattern {
            Pattern::Any => true,
            Pattern::Name(name) => *name == event.event,
            Pattern::NameAnyCase(name) => name.eq_ignore_ascii_case(&event.event),
            Pattern::Regex(regex) => regex.is_match(&event.event),
        };
        named && (self.only == Only::Any || self.only == Only::Uuid(domain.uuid))
    }
}

/// Who keeps the registrations of a connection. The calls that register for events come with it.
pub trait Registrar: Send + Sync {
    /// The registrations of the connection that calls.
    fn registrations(&self) -> std::sync::MutexGuard<'_, Registrations>;

    /// Whether there are secrets, which not every driver has: without them nobody can register for what happens to one.
    fn has_secrets(&self) -> bool;

    /// Whether domains have monitors whose events can be told.
    fn has_monitors(&self) -> bool;
}

#[async_trait::async_trait]
impl<T: Registrar> EventRegistration for T {
    async fn connect_domain_event_register(&self, _: &Call) -> Result<i32> {
        self.registrations().add_legacy(constants::VIR_DOMAIN_EVENT_ID_LIFECYCLE)?;
        Ok(1)
    }
    async fn connect_domain_event_deregister(&self, _: &Call) -> Result<i32> {
        self.registrations().remove_legacy(constants::VIR_DOMAIN_EVENT_ID_LIFECYCLE)?;
        Ok(0)
    }
    async fn connect_domain_event_register_any(&self, _: &Call, event_id: i32) -> Result<()> {
        self.registrations().add_legacy(event_id)
    }
    async fn connect_domain_event_deregister_any(&self, _: &Call, event_id: i32) -> Result<()> {
        self.registrations().remove_legacy(event_id)
    }
    async fn connect_domain_event_callback_register_any(
        &self,
        _: &Call,
        event_id: i32,
        dom: Option<DomainRef>,
    ) -> Result<i32> {
        self.registrations().add(Of::Domain, event_id, Only::uuid(dom.map(|d| d.uuid)))
    }
    async fn connect_domain_event_callback_deregister_any(&self, _: &Call, callback_id: i32) -> Result<()> {
        self.registrations().remove(Of::Domain, callback_id, "domain")
    }
    async fn connect_network_event_register_any(
        &self,
        _: &Call,
        event_id: i32,
        net: Option<NetworkRef>,
    ) -> Result<i32> {
        self.registrations().add(Of::Network, event_id, Only::uuid(net.map(|n| n.uuid)))
    }
    async fn connect_network_event_deregister_any(&self, _: &Call, callback_id: i32) -> Result<()> {
        self.registrations().remove(Of::Network, callback_id, "network")
    }
    async fn connect_storage_pool_event_register_any(
        &self,
        _: &Call,
        event_id: i32,
        pool: Option<StoragePoolRef>,
    ) -> Result<i32> {
        self.registrations().add(Of::StoragePool, event_id, Only::uuid(pool.map(|p| p.uuid)))
    }
    async fn connect_storage_pool_event_deregister_any(&self, _: &Call, callback_id: i32) -> Result<()> {
        self.registrations().remove(Of::StoragePool, callback_id, "storage pool")
    }
    async fn connect_node_device_event_register_any(
        &self,
        _: &Call,
        event_id: i32,
        dev: Option<NodeDeviceRef>,
    ) -> Result<i32> {
        self.registrations().add(Of::NodeDevice, event_id, dev.map_or(Only::Any, |d| Only::Name(d.name)))
    }
    async fn connect_node_device_event_deregister_any(&self, _: &Call, callback_id: i32) -> Result<()> {
        self.registrations().remove(Of::NodeDevice, callback_id, "node device")
    }
    async fn connect_secret_event_register_any(
        &self,
        call: &Call,
        event_id: i32,
        secret: Option<SecretRef>,
    ) -> Result<i32> {
        if !self.has_secrets() {
            return Err(crate::procedure::unsupported(ErrorDomain::SECRET, call.function));
        }
        self.registrations().add(Of::Secret, event_id, Only::uuid(secret.map(|s| s.uuid)))
    }
    async fn connect_secret_event_deregister_any(&self, _: &Call, callback_id: i32) -> Result<()> {
        self.registrations().remove(Of::Secret, callback_id, "secret")
    }
}

#[async_trait::async_trait]
impl<T: Registrar> QemuEventRegistration for T {
    async fn connect_domain_monitor_event_register(
        &self,
        call: &Call,
        dom: Option<DomainRef>,
        event: Option<String>,
        flags: u32,
    ) -> Result<i32> {
        if !self.has_monitors() {
            return Err(crate::procedure::unsupported(ErrorDomain::NONE, call.function));
        }
        Error::check_flags(ErrorDomain::QEMU, flags, 3, "qemuConnectDomainQemuMonitorEventRegister")?;
        self.registrations().add_qemu(Only::uuid(dom.map(|d| d.uuid)), event, flags)
    }
    async fn connect_domain_monitor_event_deregister(&self, _: &Call, callback_id: i32) -> Result<()> {
        self.registrations().remove_qemu(callback_id)
    }
}
