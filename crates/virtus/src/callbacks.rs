//! Who wants to hear of what, and how the daemon knows it.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use virtus_api::calls::{Qemu, Remote};
use virtus_api::{DomainRef, Event, Request};
use virtus_base::Result;
use virtus_rpc::client::Message;

use super::Subject;
use crate::connection::Connection;
use crate::peer::CloseReason;

/// The daemon can tell one callback from another (`VIR_DRV_FEATURE_REMOTE_EVENT_CALLBACK`).
const FEATURE_CALLBACK_IDS: i32 = 14;
/// The daemon tells when a connection that it passes on ends (`VIR_DRV_FEATURE_REMOTE_CLOSE_CALLBACK`).
const FEATURE_CLOSE_CALLBACK: i32 = 15;

pub(super) type Callback = Arc<Mutex<dyn FnMut(&Connection, &Event) + Send>>;
pub(super) type CloseCallback = Arc<Mutex<dyn FnMut(&Connection, CloseReason) + Send>>;
pub(super) type AgainCallback = Arc<Mutex<dyn FnMut(&Connection) + Send>>;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Domain,
    Network,
    StoragePool,
    NodeDevice,
    Secret,
    Monitor,
}

impl Kind {
    pub(super) fn of(event: &Event) -> Self {
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

/// What somebody wants to hear of.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Wish {
    /// Events of this number.
    Of(Subject, i32),
    /// A QEMU's own, of this name or pattern, with flags.
    Monitor(Option<DomainRef>, Option<String>, u32),
}

/// How the daemon knows a callback.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Known {
    /// By this number.
    Id(i32),
    /// Not at all: old daemons know only that somebody wants events of a kind.
    Somebody,
    /// It did not want to hear of it when the connection was made again.
    Refused,
}

impl Wish {
    pub(super) fn kind(&self) -> Kind {
        match self {
            Wish::Of(Subject::Domain(_), _) => Kind::Domain,
            Wish::Of(Subject::Network(_), _) => Kind::Network,
            Wish::Of(Subject::StoragePool(_), _) => Kind::StoragePool,
            Wish::Of(Subject::NodeDevice(_), _) => Kind::NodeDevice,
            Wish::Of(Subject::Secret(_), _) => Kind::Secret,
            Wish::Monitor(..) => Kind::Monitor,
        }
    }

    /// Whether one number of the daemon's serves both: it takes the same registration only once.
    fn is_as(&self, other: &Wish) -> bool {
        matches!(self, Wish::Of(..)) && self == other
    }

    /// Tells the daemon, which `others` are known to already.
    pub(super) fn tell(&self, connection: &Connection, others: &[Entry]) -> Result<Known> {
        let (subject, event) = match self {
            Wish::Of(subject, event) => (subject.clone(), *event),
            Wish::Monitor(domain, name, flags) => {
                let request =
                    Qemu::connect_domain_monitor_event_register(domain.clone(), name.clone(), *flags);
                return connection.call(request).map(Known::Id);
            }
        };
        let known = |entry: &&Entry| entry.wish.is_as(self) && entry.known != Known::Refused;
        if let Some(entry) = others.iter().find(known) {
            return Ok(entry.known);
        }
        let request = match subject {
            Subject::Domain(_) if !connection.supports_feature(FEATURE_CALLBACK_IDS)? => {
                // such a daemon is told once, whosever events they are
                let told = |entry: &Entry| {
                    entry.known == Known::Somebody && matches!(&entry.wish, Wish::Of(_, of) if *of == event)
                };
                if !others.iter().any(told) {
                    connection.call(Remote::connect_domain_event_register_any(event))?;
                }
                return Ok(Known::Somebody);
            }
            Subject::Domain(domain) => Remote::connect_domain_event_callback_register_any(event, domain),
            Subject::Network(network) => Remote::connect_network_event_register_any(event, network),
            Subject::StoragePool(pool) => Remote::connect_storage_pool_event_register_any(event, pool),
            Subject::NodeDevice(device) => Remote::connect_node_device_event_register_any(event, device),
            Subject::Secret(secret) => Remote::connect_secret_event_register_any(event, secret),
        };
        connection.call(request).map(Known::Id)
    }

    /// What tells the daemon that nobody wants to hear of it any more.
    pub(super) fn taken_back(&self, known: Known) -> Option<Request<()>> {
        Some(match (known, self) {
            (Known::Refused, _) | (Known::Somebody, Wish::Monitor(..)) => return None,
            (Known::Somebody, Wish::Of(_, event)) => Remote::connect_domain_event_deregister_any(*event),
            (Known::Id(id), wish) => match wish.kind() {
                Kind::Domain => Remote::connect_domain_event_callback_deregister_any(id),
                Kind::Network => Remote::connect_network_event_deregister_any(id),
                Kind::StoragePool => Remote::connect_storage_pool_event_deregister_any(id),
                Kind::NodeDevice => Remote::connect_node_device_event_deregister_any(id),
                Kind::Secret => Remote::connect_secret_event_deregister_any(id),
                Kind::Monitor => Qemu::connect_domain_monitor_event_deregister(id),
            },
        })
    }
}

/// A callback that is registered.
#[derive(Clone)]
pub(super) struct Entry {
    pub(super) id: u64,
    pub(super) wish: Wish,
    pub(super) known: Known,
    /// How the daemon knew it before the connection was made again: what it said then may still be under way.
    pub(super) known_before: Known,
    pub(super) callback: Callback,
}

impl Entry {
    /// Whether the daemon knows both by the same.
    pub(super) fn shares(&self, other: &Entry) -> bool {
        match (&self.wish, &other.wish) {
            _ if self.known != other.known || self.wish.kind() != other.wish.kind() => false,
            (Wish::Of(_, own), Wish::Of(_, event)) if self.known == Known::Somebody => own == event,
            _ => self.known != Known::Refused,
        }
    }

    /// Whether it is for what came with the number `callback` on the connection of today or on the one before.
    pub(super) fn hears(&self, before: bool, callback: Option<i32>, event: &Event) -> bool {
        let known = if before { self.known_before } else { self.known };
        if self.wish.kind() != Kind::of(event) {
            return false;
        }
        match (callback, event, &self.wish) {
            (Some(id), _, _) => known == Known::Id(id),
            (None, Event::Domain(domain, event), Wish::Of(Subject::Domain(only), of)) => {
                known == Known::Somebody
                    && *of == event.id()
                    && only.as_ref().is_none_or(|only| only.uuid == domain.uuid)
            }
            (None, _, _) => false,
        }
    }
}

/// What is to be told beside what the connection of today brings.
pub(super) enum News {
    /// What the connection of this number brought and nobody took.
    Late(u64, Message),
    /// It was lost.
    Lost(CloseReason),
    /// It is there again.
    Again,
}

/// All callbacks of a connection.
#[derive(Default)]
pub(super) struct Table {
    pub(super) last: u64,
    pub(super) entries: Vec<Entry>,
    pub(super) close: Vec<CloseCallback>,
    pub(super) again: Vec<AgainCallback>,
    pub(super) news: VecDeque<News>,
    /// The number of the connection that they are registered on.
    pub(super) generation: u64,
    /// That this one is lost has been told.
    pub(super) told_lost: bool,
    pub(super) closed_remotely: Option<CloseReason>,
}

impl Table {
    /// Registers all that there is on another connection. What the daemon refuses, for an object that has gone, is
    /// not heard of any more.
    ///
    /// # Errors
    /// That the connection does not live.
    pub(super) fn renew(&mut self, fresh: &Connection) -> Result<()> {
        let mut renewed: Vec<Entry> = Vec::with_capacity(self.entries.len());
        for entry in &self.entries {
            let known = match entry.wish.tell(fresh, &renewed) {
                Ok(known) => known,
                Err(error) if !fresh.is_alive() => return Err(error),
                Err(_) => Known::Refused,
            };
            renewed.push(Entry { known, known_before: entry.known, ..entry.clone() });
        }
        if !self.close.is_empty() {
            Self::watch_closing(fresh)?;
        }
        self.entries = renewed;
        Ok(())
    }

    /// Has the daemon tell when a connection that it passes on ends.
    pub(super) fn watch_closing(connection: &Connection) -> Result<()> {
        if connection.supports_feature(FEATURE_CLOSE_CALLBACK)? {
            connection.call(Remote::connect_register_close_callback())?;
        }
        Ok(())
    }
}
