//! A server: its clients, their limits, and what they may reach.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use virtus_api::Drivers;
use virtus_base::Result;

use crate::client::Client;
use crate::dispatch::Programs;
use crate::events::EventBus;
use crate::shard::Shards;

/// How clients of a socket prove who they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Auth {
    /// The socket's mode is enough.
    None,
}

/// Limits that can be changed while the server runs.
#[derive(Debug)]
pub struct Limits {
    /// How many clients may be connected.
    pub max_clients: AtomicU32,
    /// How many of them may not have authenticated yet.
    pub max_anonymous: AtomicU32,
    /// How many calls of one client may wait for their answer.
    pub max_requests: AtomicU32,
}

/// What a server is made with.
#[derive(Clone, Debug)]
pub struct ServerConfig {
    /// Its name, e.g. `libvirtd`.
    pub name: String,
    /// How many clients may be connected.
    pub max_clients: u32,
    /// How many of them may not have authenticated yet.
    pub max_anonymous: u32,
    /// How many calls of one client may wait for their answer.
    pub max_requests: u32,
    /// Silence after which a client that can answer is pinged; never without.
    pub keepalive_interval: Option<Duration>,
    /// How many pings may remain unanswered.
    pub keepalive_count: u32,
    /// Whether the daemon serves the whole host or one user.
    pub privileged: bool,
}

/// Drivers that clients reach by a URI of their own, and where those drivers tell their events.
#[derive(Clone, Debug)]
pub struct Target {
    /// What answers the calls.
    pub drivers: Drivers,
    /// What is told to those clients.
    pub events: Arc<EventBus>,
    /// What has to stay as long as they are connected.
    pub keep: Arc<dyn std::any::Any + Send + Sync>,
}

/// Finds what a URI names that is not the daemon's own; `None` when it is none of this.
pub type Opener = fn(&str) -> Option<Result<Target>>;

/// A server: one set of clients with the same rights and limits.
#[derive(Debug)]
pub struct Server {
    /// What it was made with.
    pub config: ServerConfig,
    /// What can be changed.
    pub limits: Limits,
    /// Where its clients are told of events.
    pub events: Arc<EventBus>,
    pub(crate) programs: Programs,
    pub(crate) runtime: tokio::runtime::Handle,
    pub(crate) drivers: Drivers,
    pub(crate) opener: Option<Opener>,
    pub(crate) shards: Arc<Shards>,
    clients: Mutex<BTreeMap<u64, Arc<Client>>>,
    pub(crate) next: AtomicU64,
}

impl Server {
    /// A server for the API, or, with an administration driver, for that alone. `opener` knows the URIs that name
    /// other drivers than `drivers`.
    pub fn new(
        config: ServerConfig,
        drivers: Drivers,
        opener: Option<Opener>,
        shards: Arc<Shards>,
        events: Arc<EventBus>,
        runtime: tokio::runtime::Handle,
    ) -> Arc<Self> {
        Arc::new(Server {
            limits: Limits {
                max_clients: AtomicU32::new(config.max_clients),
                max_anonymous: AtomicU32::new(config.max_anonymous),
                max_requests: AtomicU32::new(config.max_requests),
            },
            programs: if drivers.admin.is_some() { Programs::Admin } else { Programs::Api },
            config,
            events,
            runtime,
            drivers,
            opener,
            shards,
            clients: Mutex::default(),
            next: AtomicU64::new(1),
        })
    }

    pub(crate) fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<u64, Arc<Client>>> {
        self.clients.lock().unwrap_or_else(|e| e.into_inner())
    }

    /// The clients that are connected, by their numbers.
    pub fn clients(&self) -> Vec<Arc<Client>> {
        self.lock().values().cloned().collect()
    }

    /// How many clients are connected.
    pub fn client_count(&self) -> usize {
        self.lock().len()
    }

    /// The client of this number.
    pub fn client(&self, id: u64) -> Option<Arc<Client>> {
        self.lock().get(&id).cloned()
    }

    /// Whether another client may connect: neither too many are connected nor too many that have not
    /// authenticated.
    pub fn has_room(&self) -> bool {
        let most = |limit: &AtomicU32| usize::try_from(limit.load(Ordering::Relaxed)).unwrap_or(usize::MAX);
        let clients = self.lock();
        let anonymous = clients.values().filter(|c| !c.authenticated.load(Ordering::Relaxed));
        clients.len() < most(&self.limits.max_clients)
            && (self.programs == Programs::Admin || anonymous.count() < most(&self.limits.max_anonymous))
    }

    /// Ends all connections.
    pub fn disconnect_all(&self) {
        self.clients().iter().for_each(|client| client.disconnect());
    }
}
