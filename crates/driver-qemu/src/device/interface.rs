//! Network interfaces: a `-netdev` for the host's side and a card for the guest's.

use serde_json::json;
use virtus_base::Result;
use virtus_conf::domain::device::interface::{
    BackendType, HostDevAddress, InterfaceSource, NetDriverName, TeamingType, TxMode, VhostUserMode,
};
use virtus_conf::domain::device::{Address, Interface};
use virtus_xml::OnOff;

use super::part::Part;
use super::{Virtio, chardev};
use crate::command::build::Build;
use crate::command::guest::{Guest, internal, unsupported};
use crate::command::line::escape;
use crate::command::props::Props;

/// All interfaces.
pub(crate) fn add(build: &mut Build<'_>) -> Result<()> {
    let guest = build.guest;
    for net in &guest.domain.devices.interfaces {
        if let InterfaceSource::HostDev(source) = &net.source {
            if let HostDevAddress::Pci(address) = &source.address {
                build.device(super::hostdev::vfio(&guest, &address.to_string(), &net.info)?.maybe(
                    "failover_pair_id",
                    net.rest.teaming.as_ref().and_then(|teaming| teaming.persistent.clone()),
                ));
            }
            continue;
        }
        if let InterfaceSource::VhostUser(server) = &net.source {
            let id = chardev::id(&guest.alias(&net.info));
            let path = server.path.clone().unwrap_or_default();
            let text = match (server.mode, guest.context.chardev_fds.get(&id)) {
                (Some(VhostUserMode::Server), Some(fd)) => format!("socket,id={id},fd={fd},server=on"),
                (Some(VhostUserMode::Server), None) => {
                    format!("socket,id={id},path={},server=on", escape(&path))
                }
                _ => chardev::vhost_user(&guest, &id, &path, server.reconnect.as_ref()),
            };
            build.line.option("chardev", text);
        }
        let fds = guest.context.device_fds.get(&guest.alias(&net.info)).copied();
        if let (InterfaceSource::Vdpa { dev }, Some(fd)) = (&net.source, fds) {
            build
                .line
                .option("add-fd", format!("set={fd},fd={fd},opaque={}", dev.as_deref().unwrap_or_default()));
        }
        let netdev = netdev(&guest, net)?;
        build.line.json("netdev", &netdev);
        if on_board(&guest, net) {
            build.line.option("net", board_card(&guest, net)?);
        } else {
            build.device(props(&guest, net)?);
        }
    }
    Ok(())
}

/// Whether the card is one that an Arm board has, and no device that could be made.
fn on_board(guest: &Guest<'_>, net: &Interface) -> bool {
    guest.machine().is_arm() && !matches!(net.info.address, Some(Address::Pci(_) | Address::VirtioMmio))
}

/// The old way to give a board's card its back end.
fn board_card(guest: &Guest<'_>, net: &Interface) -> Result<String> {
    let alias = guest.alias(&net.info);
    let model = net.rest.model.as_deref().unwrap_or("rtl8139");
    let mac = net.mac.as_ref().ok_or_else(|| internal("network interface without MAC address"))?;
    Ok(format!("nic,macaddr={},netdev={},model={model},id={alias}", mac.address, netdev_id(&alias)))
}

/// What an interface is made of.
///
/// # Errors
/// As [`netdev`].
pub(super) fn parts(guest: &Guest<'_>, net: &Interface) -> Result<Vec<Part>> {
    if let InterfaceSource::HostDev(source) = &net.source {
        let HostDevAddress::Pci(address) = &source.address else {
            return Err(unsupported("only PCI devices of the host can be plugged in as network interfaces"));
        };
        return Ok(vec![Part::Device(super::hostdev::vfio(guest, &address.to_string(), &net.info)?)]);
    }
    let mut parts = Vec::new();
    let alias = guest.alias(&net.info);
    if let InterfaceSource::VhostUser(server) = &net.source {
        let path = server.path.clone().unwrap_or_default();
        let backend = chardev::monitor::connection(guest, &path, server.reconnect.as_ref());
        parts.push(Part::Chardev(chardev::id(&alias), backend));
    }
    let mut host = netdev(guest, net)?;
    for (name, many) in [("fd", "fds"), ("vhostfd", "vhostfds")] {
        if let Some(handed) = guest.context.handed.get(&format!("{alias}-{name}")) {
            host.set(if handed.contains(':') { many } else { name }, handed.clone());
            if name == "vhostfd" {
                host.set("vhost", true);
            }
        }
    }
    parts.push(Part::Netdev(host));
    parts.push(Part::Device(props(guest, net)?));
    Ok(parts)
}

/// The id of an interface's `-netdev`.
pub fn netdev_id(alias: &str) -> String {
    format!("host{alias}")
}

fn fds(one: &str, many: &str, fds: Option<&Vec<i32>>) -> Props {
    let text = |fds: &[i32]| fds.iter().map(i32::to_string).collect::<Vec<_>>().join(":");
    match fds.map(Vec::as_slice) {
        None | Some([]) => Props::new(),
        Some([fd]) => Props::new().with(one, fd.to_string()),
        Some(fds) => Props::new().with(many, text(fds)),
    }
}

/// The host's side.
///
/// # Errors
/// `CONFIG_UNSUPPORTED` for what QEMU does not have, `INTERNAL_ERROR` for an incomplete source.
pub fn netdev(guest: &Guest<'_>, net: &Interface) -> Result<Props> {
    let alias = guest.alias(&net.info);
    let kind = |name: &str| Props::new().with("type", name);
    let endpoint = |address: &Option<String>, port: Option<i32>| {
        format!("{}:{}", address.as_deref().unwrap_or_default(), port.unwrap_or(0))
    };
    let props = match &net.source {
        InterfaceSource::Network(_)
        | InterfaceSource::Bridge(_)
        | InterfaceSource::Direct(_)
        | InterfaceSource::Ethernet(_) => {
            let vhost = guest.context.vhost_fds.get(&alias).filter(|fds| !fds.is_empty());
            kind("tap")
                .join(fds("fd", "fds", guest.context.tap_fds.get(&alias)))
                .flag("vhost", vhost.is_some())
                .join(fds("vhostfd", "vhostfds", vhost))
                .maybe("sndbuf", net.rest.tune.as_ref().and_then(|tune| tune.sndbuf))
        }
        InterfaceSource::Client(socket) => {
            kind("socket").with("connect", endpoint(&socket.address, socket.port))
        }
        InterfaceSource::Server(socket) => {
            kind("socket").with("listen", endpoint(&socket.address, socket.port))
        }
        InterfaceSource::Mcast(socket) => {
            kind("socket").with("mcast", endpoint(&socket.address, socket.port))
        }
        InterfaceSource::Udp(udp) => kind("socket")
            .with("udp", endpoint(&udp.address, udp.port))
            .with("localaddr", endpoint(&udp.local_address, udp.local_port)),
        InterfaceSource::User(_) if net.rest.backend.kind == Some(BackendType::Passt) => {
            let path = guest.context.helper_sockets.get(&alias).cloned().unwrap_or_default();
            let reconnect = match guest.has("netdev-stream-reconnect-miliseconds") {
                true => Props::new().with("reconnect-ms", 5000),
                false => Props::new().with("reconnect", 5),
            };
            kind("stream")
                .with("addr", json!({"type": "unix", "path": path}))
                .with("server", false)
                .join(reconnect)
        }
        InterfaceSource::User(_) => user(net),
        InterfaceSource::VhostUser(_) => kind("vhost-user")
            .with("chardev", chardev::id(&alias))
            .maybe("queues", net.rest.driver.queues.filter(|queues| *queues > 1)),
        InterfaceSource::Vdpa { dev } => {
            let path = match guest.context.device_fds.get(&alias) {
                Some(fd) => format!("/dev/fdset/{}", chardev::fd_set(*fd)),
                None => dev.clone().unwrap_or_default(),
            };
            kind("vhost-vdpa")
                .with("vhostdev", path)
                .maybe("queues", net.rest.driver.queues.filter(|queues| *queues > 1))
        }
        InterfaceSource::HostDev(_)
        | InterfaceSource::Vds(_)
        | InterfaceSource::Null
        | InterfaceSource::Internal { .. } => {
            let kind = net.source.tag();
            return Err(unsupported(format!(
                "network device type '{kind}' is not supported by this hypervisor"
            )));
        }
    };
    Ok(props.with("id", netdev_id(&alias)))
}

/// QEMU's own user network.
fn user(net: &Interface) -> Props {
    let mut props = Props::new().with("type", "user");
    for ip in &net.rest.ips {
        if ip.address.contains(':') {
            props = props.with("ipv6-prefix", ip.address.clone()).maybe("ipv6-prefixlen", ip.prefix);
        } else {
            let prefix = ip.prefix.map(|prefix| format!("/{prefix}")).unwrap_or_default();
            props.set("net", format!("{}{prefix}", ip.address));
        }
    }
    props
}

/// The guest's card.
///
/// # Errors
/// As [`netdev`].
pub fn props(guest: &Guest<'_>, net: &Interface) -> Result<Props> {
    let alias = guest.alias(&net.info);
    let model = net.rest.model.as_deref().unwrap_or("rtl8139");
    let generation = match model {
        "virtio" => Some(Virtio::Plain),
        "virtio-transitional" => Some(Virtio::Transitional),
        "virtio-non-transitional" => Some(Virtio::NonTransitional),
        _ => None,
    };
    let props = match generation {
        Some(generation) => virtio(guest, net, generation)?,
        None => Props::device(match model {
            // the name under which old definitions know it
            "netfront" => "netfront",
            model => model,
        }),
    };
    let mac = net.mac.as_ref().ok_or_else(|| internal("network interface without MAC address"))?;
    Ok(props
        .with("netdev", netdev_id(&alias))
        .with("id", alias)
        .with("mac", mac.address.to_string())
        .join(guest.bootindex(&net.info))
        .join(guest.address(&net.info)?)
        .join(guest.rom(&net.info)))
}

fn virtio(guest: &Guest<'_>, net: &Interface, generation: Virtio) -> Result<Props> {
    let driver = &net.rest.driver;
    let (host, offloads) = (&driver.host, &driver.guest);
    let mut props = guest.virtio("virtio-net", generation, &driver.virtio, &net.info)?;
    props.opt(
        "tx",
        driver.txmode.map(|mode| match mode {
            TxMode::Iothread => "bh",
            TxMode::Timer => "timer",
        }),
    );
    props = props
        .switch("ioeventfd", driver.ioeventfd)
        .switch("event_idx", driver.event_idx)
        .switch("csum", host.csum)
        .switch("gso", host.gso)
        .switch("host_tso4", host.tso4)
        .switch("host_tso6", host.tso6)
        .switch("host_ecn", host.ecn)
        .switch("host_ufo", host.ufo)
        .switch("mrg_rxbuf", host.mrg_rxbuf)
        .switch("guest_csum", offloads.csum)
        .switch("guest_tso4", offloads.tso4)
        .switch("guest_tso6", offloads.tso6)
        .switch("guest_ecn", offloads.ecn)
        .switch("guest_ufo", offloads.ufo);
    if let Some(queues) = driver.queues.filter(|queues| *queues > 1 && many_queues(net)) {
        props.set("mq", true);
        // two vectors a pair of queues, one for control, one for configuration; not on channel I/O
        match &net.info.address {
            Some(virtus_conf::domain::device::Address::Ccw(_)) => {}
            _ => props.set("vectors", u64::from(queues) * 2 + 2),
        }
    }
    Ok(props
        .maybe("rx_queue_size", driver.rx_queue_size.filter(|size| *size > 0))
        .maybe("tx_queue_size", driver.tx_queue_size.filter(|size| *size > 0))
        .switch("rss", driver.rss)
        .switch("hash", driver.rss_hash_report)
        .maybe("host_mtu", net.rest.mtu.filter(|mtu| *mtu > 0))
        .switch(
            "failover",
            net.rest
                .teaming
                .as_ref()
                .filter(|teaming| teaming.kind == TeamingType::Persistent)
                .map(|_| OnOff::On),
        ))
}

/// Whether the host's side can have more than one queue.
fn many_queues(net: &Interface) -> bool {
    net.rest.driver.name != Some(NetDriverName::Qemu)
        && matches!(
            net.source,
            InterfaceSource::Network(_)
                | InterfaceSource::Bridge(_)
                | InterfaceSource::Direct(_)
                | InterfaceSource::Ethernet(_)
                | InterfaceSource::VhostUser(_)
                | InterfaceSource::Vdpa { .. }
        )
}
