//! A connected client, as the rest of the daemon sees it.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use virtus_api::{Caller, Identity, Registrations};

use crate::outbox::Outbox;

/// A connected client.
#[derive(Debug)]
pub struct Client {
    /// Its number, counted from 1 in each server.
    pub id: u64,
    /// When it connected, in seconds since 1970.
    pub since: i64,
    /// Who calls.
    pub caller: Arc<Caller>,
    /// Whether it has authenticated, where the server asks for that.
    pub authenticated: AtomicBool,
    pub(crate) outbox: Outbox,
    pub(crate) registrations: Mutex<Registrations>,
    pub(crate) keepalive: AtomicBool,
    pub(crate) tell_close: AtomicBool,
    pub(crate) active: AtomicU32,
}

impl Client {
    pub(crate) fn new(
        id: u64,
        identity: Identity,
        connection: u64,
        read_only: bool,
        authenticated: bool,
    ) -> Self {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
        Client {
            id,
            since: i64::try_from(now.as_secs()).unwrap_or(i64::MAX),
            caller: Arc::new(Caller::new(virtus_api::ConnectionId(connection), identity, read_only)),
            authenticated: AtomicBool::new(authenticated),
            outbox: Outbox::default(),
            registrations: Mutex::default(),
            keepalive: AtomicBool::new(false),
            tell_close: AtomicBool::new(false),
            active: AtomicU32::new(0),
        }
    }

    /// Ends the connection.
    pub fn disconnect(&self) {
        self.outbox.close();
    }

    /// How many calls of it wait for an answer.
    pub fn active_calls(&self) -> u32 {
        self.active.load(Ordering::Relaxed)
    }
}
