//! Who wants to hear of what, and how the daemon knows it.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use virtus_api::calls::{Qemu, Remote};
use virtus_api::{DomainRef, Event, NetworkRef, NodeDeviceRef, Request, SecretRef, StoragePoolRef};
use virtus_base::Result;
use virtus_rpc::client::Message;

use crate::peer::{CloseReason, Peer};

/// The daemon can tell one callback from another (`VIR_DRV_FEATURE_REMOTE_EVENT_CALLBACK`).
const FEATURE_CALLBACK_IDS: i32 = 14;
/// The daemon tells when a connection that it passes on ends (`VIR_DRV_FEATURE_REMOTE_CLOSE_CALLBACK`).
const FEATURE_CLOSE_CALLBACK: i32 = 15;

pub(crate) type Callback<C> = Arc<Mutex<dyn FnMut(&C, &Event) + Send>>;
pub(crate) type CloseCallback<C> = Arc<Mutex<dyn FnMut(&C, CloseReason) + Send>>;
pub(crate) type AgainCallback<C> = Arc<Mutex<dyn FnMut(&C) + Send>>;

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

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Domain,
    Network,
    StoragePool,
    NodeDevice,
    Secret,
    Monitor,
}

impl Kind {
    pub(crate) fn of(event: &Event) -> Self {
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
pub(crate) enum Wish {
    /// Events of this number.
    Of(Subject, i32),
    /// A QEMU's own, of this name or pattern, with flags.
    Monitor(Option<DomainRef>, Option<String>, u32),
}

/// How the daemon knows a callback.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Known {
    /// By this number.
    Id(i32),
    /// Not at all: old daemons know only that somebody wants events of a kind.
    Somebody,
    /// It did not want to hear of it when the connection was made again.
    Refused,
}

impl Wish {
    pub(crate) fn kind(&self) -> Kind {
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
    pub(crate) fn tell<C>(&self, peer: &dyn Peer, others: &[Entry<C>]) -> Result<Known> {
        let (subject, event) = match self {
            Wish::Of(subject, event) => (subject.clone(), *event),
            Wish::Monitor(domain, name, flags) => {
                let request =
                    Qemu::connect_domain_monitor_event_register(domain.clone(), name.clone(), *flags);
                return peer.ask(request).map(Known::Id);
            }
        };
        let known = |entry: &&Entry<C>| entry.wish.is_as(self) && entry.known != Known::Refused;
        if let Some(entry) = others.iter().find(known) {
            return Ok(entry.known);
        }
        let request = match subject {
            Subject::Domain(_) if !peer.supports_feature(FEATURE_CALLBACK_IDS)? => {
                // such a daemon is told once, whosever events they are
                let told = |entry: &Entry<C>| {
                    entry.known == Known::Somebody && matches!(&entry.wish, Wish::Of(_, of) if *of == event)
                };
                if !others.iter().any(told) {
                    peer.ask(Remote::connect_domain_event_register_any(event))?;
                }
                return Ok(Known::Somebody);
            }
            Subject::Domain(domain) => Remote::connect_domain_event_callback_register_any(event, domain),
            Subject::Network(network) => Remote::connect_network_event_register_any(event, network),
            Subject::StoragePool(pool) => Remote::connect_storage_pool_event_register_any(event, pool),
            Subject::NodeDevice(device) => Remote::connect_node_device_event_register_any(event, device),
            Subject::Secret(secret) => Remote::connect_secret_event_register_any(event, secret),
        };
        peer.ask(request).map(Known::Id)
    }

    /// What tells the daemon that nobody wants to hear of it any more.
    pub(crate) fn taken_back(&self, known: Known) -> Option<Request<()>> {
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
pub(crate) struct Entry<C> {
    pub(crate) id: u64,
    pub(crate) wish: Wish,
    pub(crate) known: Known,
    /// How the daemon knew it before the connection was made again: what it said then may still be under way.
    pub(crate) known_before: Known,
    pub(crate) callback: Callback<C>,
}

impl<C> Entry<C> {
    /// Whether the daemon knows both by the same.
    pub(crate) fn shares(&self, other: &Self) -> bool {
        match (&self.wish, &other.wish) {
            _ if self.known != other.known || self.wish.kind() != other.wish.kind() => false,
            (Wish::Of(_, own), Wish::Of(_, event)) if self.known == Known::Somebody => own == event,
            _ => self.known != Known::Refused,
        }
    }

    /// Whether it is for what came with the number `callback` on the connection of today or on the one before.
    pub(crate) fn hears(&self, before: bool, callback: Option<i32>, event: &Event) -> bool {
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
pub(crate) enum News {
    /// What the connection of this number brought and nobody took.
    Late(u64, Message),
    /// It was lost.
    Lost(CloseReason),
    /// It is there again.
    Again,
}

/// All callbacks of a connection.
pub(crate) struct Table<C> {
    pub(crate) last: u64,
    pub(crate) entries: Vec<Entry<C>>,
    pub(crate) close: Vec<CloseCallback<C>>,
    pub(crate) again: Vec<AgainCallback<C>>,
    pub(crate) news: VecDeque<News>,
    /// The number of the connection that they are registered on.
    pub(crate) generation: u64,
    /// That this one is lost has been told.
    pub(crate) told_lost: bool,
    pub(crate) closed_remotely: Option<CloseReason>,
}

impl<C> Default for Table<C> {
    fn default() -> Self {
        Table {
            last: 0,
            entries: Vec::new(),
            close: Vec::new(),
            again: Vec::new(),
            news: VecDeque::new(),
            generation: 0,
            told_lost: false,
            closed_remotely: None,
        }
    }
}

impl<C> Table<C> {
    /// Registers all that there is on another connection. What the daemon refuses, for an object that has gone, is
    /// not heard of any more.
    ///
    /// # Errors
    /// That the connection does not live.
    pub(crate) fn renew(&mut self, fresh: &dyn Peer) -> Result<()> {
        let mut renewed: Vec<Entry<C>> = Vec::with_capacity(self.entries.len());
        for entry in &self.entries {
            let known = match entry.wish.tell(fresh, &renewed) {
                Ok(known) => known,
                Err(error) if fresh.ended().is_some() => return Err(error),
                Err(_) => Known::Refused,
            };
            renewed.push(Entry {
                id: entry.id,
                wish: entry.wish.clone(),
                known,
                known_before: entry.known,
                callback: entry.callback.clone(),
            });
        }
        if !self.close.is_empty() {
            Self::watch_closing(fresh)?;
        }
        self.entries = renewed;
        Ok(())
    }

    /// Has the daemon tell when a connection that it passes on ends.
    pub(crate) fn watch_closing(peer: &dyn Peer) -> Result<()> {
        if peer.supports_feature(FEATURE_CLOSE_CALLBACK)? {
            peer.ask(Remote::connect_register_close_callback())?;
        }
        Ok(())
    }
}

/// A connection's callbacks. `C` is what they are called with: the connection, of which the table need know nothing.
pub(crate) struct Callbacks<C> {
    table: Mutex<Table<C>>,
}

impl<C> Default for Callbacks<C> {
    fn default() -> Self {
        Callbacks { table: Mutex::default() }
    }
}

impl<C> std::fmt::Debug for Callbacks<C> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Callbacks").field("count", &self.lock().entries.len()).finish()
    }
}

impl<C> Callbacks<C> {
    pub(crate) fn lock(&self) -> MutexGuard<'_, Table<C>> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Registers all on a `fresh` peer, and has `replace` put that in the place of the one that was lost,
    /// which it returns. Nobody registers or looks up anything meanwhile.
    ///
    /// # Errors
    /// That the fresh one does not live.
    pub(crate) fn renew(
        &self,
        fresh: &Arc<dyn Peer>,
        replace: impl FnOnce() -> Result<Arc<dyn Peer>>,
    ) -> Result<()> {
        let mut table = self.lock();
        table.renew(&**fresh)?;
        let lost = replace()?;
        let generation = table.generation;
        while let Ok(Some(message)) = lost.next_message(Some(Instant::now())) {
            table.news.push_back(News::Late(generation, message));
        }
        if !table.told_lost {
            let reason = table.closed_remotely.take().or(lost.ended());
            table.news.push_back(News::Lost(reason.unwrap_or(CloseReason::Error)));
        }
        table.news.push_back(News::Again);
        table.generation += 1;
        (table.told_lost, table.closed_remotely) = (false, None);
        Ok(())
    }
}
