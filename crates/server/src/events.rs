//! Telling clients what they registered for.

use std::sync::{Arc, RwLock, Weak};

use virtus_api::{Event, EventSink, Program, Registrations};
use virtus_rpc::{Header, Kind, Status, write_packet};

use crate::client::Client;

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

impl EventSink for EventBus {
    fn publish(&self, event: Event) {
        self.each(|client, registrations| {
            registrations.tell(&event, |program, procedure, body| {
                if !client.outbox.post_event(&packet(program, procedure, body)) {
                    tracing::warn!(
                        client = client.id,
                        "client does not read its events, closing its connection"
                    );
                }
            });
        });
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
