//! A connection becomes a client of a server.

use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use virtus_api::Identity;

use crate::client::Client;
use crate::connection;
use crate::dispatch::Programs;
use crate::server::Server;
use crate::socket::Socket;

/// Connections are numbered across all servers.
static CONNECTIONS: AtomicU64 = AtomicU64::new(1);

impl Server {
    /// Serves a connection from now on.
    pub fn accept(self: &Arc<Self>, fd: OwnedFd, read_only: bool) {
        let identity = peer(&fd);
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        let connection = CONNECTIONS.fetch_add(1, Ordering::Relaxed);
        let client =
            Arc::new(Client::new(id, identity, connection, read_only, self.programs == Programs::Admin));
        self.lock().insert(id, client.clone());
        let server = self.clone();
        self.shards.run(move || {
            tokio::task::spawn_local(async move {
                match Socket::new(fd) {
                    Ok(socket) => connection::serve(&server, &client, socket).await,
                    Err(e) => tracing::error!("cannot serve a connection: {e}"),
                }
                server.leave(&client);
            });
        });
    }

    fn leave(&self, client: &Arc<Client>) {
        self.lock().remove(&client.id);
        client.outbox.close();
        client.registrations.lock().unwrap_or_else(|e| e.into_inner()).clear();
        let caller = client.caller.clone();
        // what a driver does then may wait
        self.runtime.spawn_blocking(move || caller.closed());
    }
}

/// Who is at the other end of a local socket.
fn peer(fd: &OwnedFd) -> Identity {
    match rustix::net::sockopt::socket_peercred(fd) {
        Ok(cred) => {
            let pid = cred.pid.as_raw_nonzero().get();
            Identity {
                uid: Some(cred.uid.as_raw()),
                gid: Some(cred.gid.as_raw()),
                process: Some((pid, start_time(pid).unwrap_or(0))),
                ..Identity::default()
            }
        }
        Err(_) => Identity::default(),
    }
}

/// When a process started, in clock ticks since boot.
fn start_time(pid: i32) -> Option<u64> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // the second field may hold blanks and parentheses; 20 fields on from its end is the 22nd
    stat.rsplit_once(')')?.1.split_ascii_whitespace().nth(19)?.parse().ok()
}
