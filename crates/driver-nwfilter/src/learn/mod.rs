//! Finding out guests' addresses by looking at their packets.

pub(crate) mod leases;
mod packet;

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use tokio::task::AbortHandle;
use virtus_conf::nwfilter::Binding;
use virtus_host::net::{PacketSocket, Sees};

use self::leases::{Lease, now};
use self::packet::Dhcp;
use crate::Shared;
use crate::plan::{Method, trusted_servers};

/// How much of a packet is looked at, in bytes; a DHCP message is in it.
const SNAPSHOT: usize = 2048;
/// How many addresses a guest may have leased at a time.
const LEASES_MAX: usize = 64;

/// The tasks that look, by interface.
#[derive(Debug, Default)]
pub(crate) struct Learners(Mutex<BTreeMap<String, (Method, AbortHandle)>>);

impl Learners {
    /// Has the packets of an interface looked at in this way, or not.
    pub(crate) fn follow(&self, shared: &Arc<Shared>, binding: &Binding, method: Option<Method>) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let running = all.get(&binding.port).filter(|(_, task)| !task.is_finished()).map(|(how, _)| *how);
        if running == method {
            return;
        }
        if let Some((_, task)) = all.remove(&binding.port) {
            task.abort();
        }
        if let Some(method) = method {
            let task = shared.runtime.spawn(look(Arc::downgrade(shared), binding.clone(), method));
            all.insert(binding.port.clone(), (method, task.abort_handle()));
        }
    }

    /// Ends looking at an interface.
    pub(crate) fn stop(&self, port: &str) {
        if let Some((_, task)) = self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(port) {
            task.abort();
        }
    }
}

async fn look(shared: Weak<Shared>, binding: Binding, method: Method) {
    let sees = if method == Method::Any { Sees::Addresses } else { Sees::Dhcp };
    let socket = match PacketSocket::open(&binding.port, sees) {
        Ok(socket) => socket,
        Err(e) => {
            return tracing::error!("the address of {}'s guest cannot be found out: {e}", binding.port);
        }
    };
    match method {
        Method::Any => {
            if let Some(address) = first(&socket, &binding).await
                && let Some(shared) = shared.upgrade()
            {
                tracing::info!("the guest of {} uses {address}", binding.port);
                shared.bindings.note_seen(&binding.port, address);
                tell(&shared, &binding, Some(address));
            }
        }
        Method::Dhcp => follow_leases(&shared, &socket, &binding).await,
    }
}

/// The address the guest shows first, by using it or by being offered it.
async fn first(socket: &PacketSocket, binding: &Binding) -> Option<Ipv4Addr> {
    let (mut buffer, mac) = ([0; SNAPSHOT], binding.mac.0);
    loop {
        let packet = next(socket, &mut buffer).await?;
        let frame = buffer.get(..packet.length)?;
        let found = match packet.outgoing {
            true => match packet::dhcp(frame, mac, true) {
                Some(Dhcp::Given { confirmed: true, address, .. }) => Some(address),
                _ => None,
            },
            false => packet::used(frame, mac),
        };
        if found.is_some() {
            return found;
        }
    }
}

/// The next packet; `None` when the interface is gone. One that is turned off for a while comes back.
async fn next(socket: &PacketSocket, buffer: &mut [u8]) -> Option<virtus_host::net::Packet> {
    loop {
        match socket.next(buffer).await {
            Ok(packet) => return Some(packet),
            // ENETDOWN is told once, when it is turned off and when it goes
            Err(e) if e.kind() == std::io::ErrorKind::NetworkDown => tokio::time::sleep(PAUSE).await,
            Err(_) => return None,
        }
    }
}

const PAUSE: Duration = Duration::from_millis(100);

async fn follow_leases(shared: &Weak<Shared>, socket: &PacketSocket, binding: &Binding) {
    let key = leases::key(binding.owner_uuid, binding.mac);
    let trusted = trusted_servers(binding);
    let mut buffer = [0; SNAPSHOT];
    loop {
        let Some(mine) = shared.upgrade().map(|s| s.leases().get(&key).cloned().unwrap_or_default()) else {
            return;
        };
        let ends = mine.iter().map(|lease| lease.ends).min();
        let left = ends.map(|ends| Duration::from_secs(ends.saturating_sub(now())));
        let packet = match left {
            Some(left) => tokio::time::timeout(left, next(socket, &mut buffer)).await.ok(),
            None => Some(next(socket, &mut buffer).await),
        };
        let mut changed: Vec<Lease> = mine.iter().copied().filter(|lease| lease.ends > now()).collect();
        if let Some(packet) = packet {
            let Some(packet) = packet else { return };
            let frame = buffer.get(..packet.length).unwrap_or_default();
            match packet::dhcp(frame, binding.mac.0, packet.outgoing) {
                Some(Dhcp::Given { confirmed: true, address, server, seconds })
                    if trusted.is_empty() || trusted.contains(&server) =>
                {
                    changed.retain(|lease| lease.address != address);
                    if changed.len() < LEASES_MAX {
                        changed.push(Lease { address, server, ends: now().saturating_add(seconds.into()) });
                    }
                }
                Some(Dhcp::Returned { address }) => changed.retain(|lease| lease.address != address),
                _ => {}
            }
        }
        let Some(shared) = shared.upgrade() else { return };
        if changed != mine {
            let mut all = shared.leases();
            match changed.is_empty() {
                true => drop(all.remove(&key)),
                false => drop(all.insert(key.clone(), changed)),
            }
            leases::write(&shared.bindings.leases_file, &all);
            drop(all);
            tell(&shared, binding, None);
        }
    }
}

/// Has the rules made for what was found out, beside the runtime, for that waits for the kernel.
fn tell(shared: &Arc<Shared>, binding: &Binding, found: Option<Ipv4Addr>) {
    let (work, port) = (Arc::clone(shared), binding.port.clone());
    drop(shared.runtime.spawn_blocking(move || {
        if let Err(e) = work.seen(&port, found) {
            tracing::error!("the rules of {port} cannot be made for the address that was seen: {e}");
        }
    }));
}
