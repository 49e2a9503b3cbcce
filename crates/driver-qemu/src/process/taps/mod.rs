//! A guest's network cards on the host's side: the port of its network that a card is given, and the device whose
//! descriptors QEMU gets.
//!
//! [`connect`] makes all of it for one card and pushes what takes it back; [`disconnect`] is for a card whose QEMU has
//! let go of it. [`reattach`] makes sure of it for a guest that goes on running: after a restart of the daemon, and
//! when its network was started anew.

mod device;
mod ovs;
mod port;

pub(crate) use port::network_document;

use std::os::fd::OwnedFd;
use std::sync::Arc;

use virtus_api::NetworkRef;
use virtus_api::network::NetworkDhcpLease;
use virtus_base::{Result, Uuid};
use virtus_conf::domain as conf;
use virtus_conf::domain::device::Interface;
use virtus_conf::domain::device::interface::{InterfaceSource, NetDriverName};
use virtus_host::process::Spawn;
use virtus_state::Undo;

use crate::command::Context;
use crate::domain::Domain;
use crate::driver::Shared;
use crate::error::unsupported;

/// Whose card it is.
#[derive(Clone, Debug)]
pub(crate) struct Owner {
    pub(crate) name: String,
    pub(crate) uuid: Uuid,
    /// Whether KVM runs its guest: no other can use what the kernel does for packets.
    pub(crate) kvm: bool,
}

impl Owner {
    pub(crate) fn of(model: &conf::Domain) -> Owner {
        Owner { name: model.name.clone(), uuid: model.uuid, kvm: model.virt_type == conf::VirtType::Kvm }
    }
}

/// What QEMU is given for a card.
#[derive(Debug, Default)]
pub(crate) struct HostSide {
    /// The queues of its device.
    pub(crate) taps: Vec<OwnedFd>,
    /// What lets the kernel carry the packets of each queue; empty where it does not.
    pub(crate) vhosts: Vec<OwnedFd>,
}

/// Makes what a card needs of the host, and notes in it what that is: its port, its bridge, its device's name. `None`
/// for a card that needs nothing. What was made is taken back by `undo`.
///
/// # Errors
/// libvirt's, when the network does not run, the host has no such bridge or device, or the kernel refuses.
pub(crate) async fn connect(
    shared: &Arc<Shared>,
    owner: &Owner,
    net: &mut Interface,
    undo: &mut Undo,
) -> Result<Option<HostSide>> {
    port::allocate(shared, owner, net, undo).await?;
    if !device::has_one(net) {
        return Ok(None);
    }
    let (work, whose, mut card) = (Arc::clone(shared), owner.clone(), net.clone());
    let (card, taps) = shared
        .blocking(move || {
            let taps = device::make(&work.taps, &whose, &mut card)?;
            Ok((card, taps))
        })
        .await?;
    *net = card;
    let made = net.clone();
    undo.push("network device", move || {
        device::remove(&made);
        Ok(())
    });
    let vhosts = if owner.kvm { vhosts(net, taps.len())? } else { Vec::new() };
    Ok(Some(HostSide { taps, vhosts }))
}

/// Asks for the port of a card that is to be on another network, and notes in the card what it is connected to.
///
/// # Errors
/// The network driver's.
pub(crate) async fn allocate(
    shared: &Arc<Shared>,
    owner: &Owner,
    net: &mut Interface,
    undo: &mut Undo,
) -> Result<()> {
    port::allocate(shared, owner, net, undo).await
}

/// Gives back the port of a card that is on another network now.
pub(crate) async fn release(shared: &Arc<Shared>, owner: &Owner, net: &Interface) {
    port::release(shared, owner, net).await;
}

/// Whether a card's device sees traffic as the guest does: what the host sends through it, the guest has sent.
pub(crate) fn is_direct(net: &Interface) -> bool {
    device::is_direct(net)
}

/// Takes back what a card had of the host. Its QEMU has let go of it.
pub(crate) async fn disconnect(shared: &Arc<Shared>, owner: &Owner, net: &Interface) {
    let gone = net.clone();
    let removed = shared
        .blocking(move || {
            device::remove(&gone);
            Ok(())
        })
        .await;
    // its only error is that of a daemon that ends
    drop(removed);
    port::release(shared, owner, net).await;
}

/// The leases of a guest's cards on networks that serve addresses, by card.
///
/// # Errors
/// The network driver's.
pub(crate) async fn leases(
    shared: &Arc<Shared>,
    model: &conf::Domain,
) -> Result<Vec<(Interface, Vec<NetworkDhcpLease>)>> {
    let mut found = Vec::new();
    for net in &model.devices.interfaces {
        let leases = port::leases(shared, net).await?;
        if !leases.is_empty() {
            found.push((net.clone(), leases));
        }
    }
    Ok(found)
}

/// Takes back what all cards of a guest had.
pub(crate) async fn disconnect_all(shared: &Arc<Shared>, model: &conf::Domain) {
    let owner = Owner::of(model);
    for net in &model.devices.interfaces {
        disconnect(shared, &owner, net).await;
    }
}

/// What the kernel carries the packets of a card's queues with.
fn vhosts(net: &Interface, queues: usize) -> Result<Vec<OwnedFd>> {
    let virtio = net.model().is_some_and(|model| model.starts_with("virtio"));
    let driver = net.rest.driver.name;
    if !virtio || driver == Some(NetDriverName::Qemu) {
        return Ok(Vec::new());
    }
    let opened: Option<Vec<_>> =
        (0..queues).map(|_| virtus_host::net::open_vhost_net(net.rest.backend.vhost.as_deref())).collect();
    match opened {
        Some(fds) => Ok(fds),
        None if driver == Some(NetDriverName::Vhost) => {
            Err(unsupported("vhost-net was requested for an interface, but is unavailable"))
        }
        None => Ok(Vec::new()),
    }
}

/// What QEMU is given for the cards of a guest that is started, by alias.
pub(super) type Connected = Vec<(String, HostSide)>;

/// Connects all cards of a guest that is started.
///
/// # Errors
/// As [`connect`].
pub(super) async fn connect_all(
    shared: &Arc<Shared>,
    model: &mut conf::Domain,
    undo: &mut Undo,
) -> Result<Connected> {
    let owner = Owner::of(model);
    let mut connected = Vec::new();
    for net in &mut model.devices.interfaces {
        if let Some(side) = connect(shared, &owner, net, undo).await? {
            connected.push((net.info.alias.clone().unwrap_or_default(), side));
        }
    }
    Ok(connected)
}

/// Hands the descriptors over to a QEMU that is about to be started.
pub(super) fn hand_over(connected: Connected, context: &mut Context, spawn: &mut Spawn) {
    for (alias, side) in connected {
        let mut numbers = |fds: Vec<OwnedFd>| fds.into_iter().map(|fd| spawn.next_fd(fd)).collect::<Vec<_>>();
        context.tap_fds.insert(alias.clone(), numbers(side.taps));
        if !side.vhosts.is_empty() {
            context.vhost_fds.insert(alias, numbers(side.vhosts));
        }
    }
}

/// Makes sure that the cards of a running guest are connected: of all its networks, or of `network`.
pub(crate) async fn reattach(shared: &Arc<Shared>, domain: &Arc<Domain>, network: Option<&NetworkRef>) {
    let Some(live) = domain.view().live.clone() else { return };
    let owner = Owner::of(&live.model);
    for net in &live.model.devices.interfaces {
        device::seen(&shared.taps, net);
        let InterfaceSource::Network(source) = &net.source else { continue };
        if network.is_some_and(|network| source.network.as_ref() != Some(&network.name)) {
            continue;
        }
        let mut now = net.clone();
        match port::reclaim(shared, &owner, &mut now).await {
            Ok(()) => {}
            Err(e) => {
                tracing::warn!("domain '{}': a port of its network is lost: {e}", owner.name);
                continue;
            }
        }
        let (card, whose) = (now.clone(), owner.clone());
        let attached = shared.blocking(move || device::attach(&whose, &card)).await;
        if let Err(e) = attached {
            tracing::warn!("domain '{}': a network card stays unconnected: {e}", owner.name);
        }
        if now != *net {
            shared.change(domain, |view| {
                let Some(live) = &view.live else { return Vec::new() };
                let mut model = live.model.clone();
                let slot = model.devices.interfaces.iter_mut().find(|n| n.info.alias == now.info.alias);
                if let Some(slot) = slot {
                    slot.source = now.source.clone();
                }
                view.live = Some(Arc::new(crate::domain::Live::new(model)));
                Vec::new()
            });
        }
    }
}
