//! The device a card has on the host: a tap on a bridge, a tap alone, a macvtap on another device.

use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use virtus_base::{Error, ErrorDomain, Result};
use virtus_conf::domain::device::Interface;
use virtus_conf::domain::device::interface::{ActualType, DirectMode, InterfaceSource, IpAddress};
use virtus_conf::net::Vlan;
use virtus_conf::net::bandwidth::Rate;
use virtus_conf::net::vlan::NativeMode;
use virtus_conf::network::MacTableManager;
use virtus_host::net::bandwidth as tc;
use virtus_host::net::{self, MacvtapMode, MacvtapOptions, PortOptions, PortVlan, TapOptions};
use virtus_host::program::{self, Program, run_blocking};
use virtus_xml::YesNo;

use super::{Owner, ovs};
use crate::error::unsupported;
use crate::tap_names::Names;

/// How often another number is tried for a name that somebody else takes first.
const TRIES: u32 = 64;
/// How long a script for a device may take.
const SCRIPT: Duration = Duration::from_secs(30);

/// What a card's device is to be.
enum Kind<'a> {
    /// A tap that is a port of this bridge.
    Bridged(&'a str, Option<MacTableManager>),
    /// A tap.
    Alone,
    /// A macvtap on this device.
    Direct(&'a str, DirectMode),
}

fn kind(net: &Interface) -> Option<Kind<'_>> {
    match &net.source {
        InterfaceSource::Bridge(source) => {
            Some(Kind::Bridged(source.bridge.as_deref().unwrap_or_default(), None))
        }
        InterfaceSource::Network(source) if source.actual == ActualType::Direct => Some(Kind::Direct(
            source.dev.as_deref().unwrap_or_default(),
            source.mode.unwrap_or(DirectMode::Vepa),
        )),
        InterfaceSource::Network(source) => {
            Some(Kind::Bridged(source.bridge.as_deref().unwrap_or_default(), source.mac_table_manager))
        }
        InterfaceSource::Direct(source) => Some(Kind::Direct(
            source.dev.as_deref().unwrap_or_default(),
            source.mode.unwrap_or(DirectMode::Vepa),
        )),
        InterfaceSource::Ethernet(_) => Some(Kind::Alone),
        _ => None,
    }
}

/// Whether a card has a device on the host.
pub(super) fn has_one(net: &Interface) -> bool {
    kind(net).is_some()
}

pub(super) fn is_direct(net: &Interface) -> bool {
    matches!(kind(net), Some(Kind::Direct(..)))
}

/// Makes a card's device, notes its name, and gives it the card's rates; answers its queues.
///
/// # Errors
/// When the kernel refuses. Nothing is left then.
pub(super) fn make(names: &Names, owner: &Owner, net: &mut Interface) -> Result<Vec<OwnedFd>> {
    let taps = match kind(net) {
        None => return Ok(Vec::new()),
        Some(Kind::Direct(..)) => macvtap(names, net)?,
        Some(_) => tap(names, net)?,
    };
    if let Some(Err(e)) = net.rest.target_dev.as_deref().map(net::set_noqueue) {
        // it is a little slower then, and nothing else
        tracing::debug!("{e}");
    }
    let finish = || {
        finish_port(owner, net)?;
        finish_alone(net)?;
        limit(net)
    };
    finish().inspect_err(|_| remove(net))?;
    Ok(taps)
}

fn is_virtio(net: &Interface) -> bool {
    net.model().is_some_and(|model| model.starts_with("virtio"))
}

/// Finds a free name, unless the definition has one. `make` is tried until somebody else is not faster.
fn named<T>(
    given: Option<&str>,
    prefix: &str,
    last: &AtomicU32,
    make: impl Fn(&str) -> Result<T>,
) -> Result<(String, T)> {
    if let Some(name) = given {
        return Ok((name.to_owned(), make(name)?));
    }
    for _ in 0..TRIES {
        let name = loop {
            let name = format!("{prefix}{}", last.fetch_add(1, Ordering::Relaxed));
            if !net::exists(&name) {
                break name;
            }
        };
        match make(&name) {
            Err(e) if is_taken(&e) => {}
            made => return Ok((name, made?)),
        }
    }
    Err(unsupported(format!("no free name for a device '{prefix}'")))
}

fn tap(names: &Names, net: &mut Interface) -> Result<Vec<OwnedFd>> {
    let bridge = match kind(net) {
        Some(Kind::Bridged(bridge, _)) => Some(bridge.to_owned()),
        _ => None,
    };
    // a tap is as wide as its bridge, which would otherwise become as narrow as its tap
    let mtu = match (net.rest.mtu, &bridge) {
        (Some(mtu), _) => Some(mtu),
        (None, Some(bridge)) => Some(net::mtu(bridge)?),
        (None, None) => None,
    };
    let mac = net.mac.as_ref().map(|mac| {
        let mut bytes = mac.address.0;
        // higher than any other of the bridge, which takes the lowest for its own
        bytes[0] = if bytes[0] == 0xfe { 0xfa } else { 0xfe };
        bytes
    });
    let managed = net.rest.target_managed != Some(YesNo::No);
    if let Some(name) = &net.rest.target_dev {
        if name.len() > net::MAX_NAME {
            let e = std::io::Error::from(rustix::io::Errno::RANGE);
            let what = format!("Network interface name '{name}' is too long");
            return Err(Error::system(ErrorDomain::NONE, what, &e));
        }
        if !managed && !net::exists(name) {
            let text = "target managed='no' but specified dev doesn't exist";
            return Err(Error::internal(ErrorDomain::DOMAIN, text));
        }
    }
    let options = TapOptions {
        queues: net.rest.driver.queues.unwrap_or(1),
        vnet_header: is_virtio(net),
        mac: mac.filter(|_| managed),
        // a switch of its own kind takes ports by its own ways
        bridge: bridge.filter(|_| !ovs::is_port(net)),
        mtu: mtu.filter(|_| managed),
        up: managed,
        device: net.rest.backend.tap.clone(),
        ..TapOptions::default()
    };
    let (name, made) = named(net.rest.target_dev.as_deref(), "vnet", &names.vnet, |name| {
        TapOptions { name: name.to_owned(), ..options.clone() }.create()
    })?;
    net.rest.target_dev = Some(name);
    Ok(made.fds)
}

fn macvtap(names: &Names, net: &mut Interface) -> Result<Vec<OwnedFd>> {
    let Some(Kind::Direct(lower, mode)) = kind(net) else { return Ok(Vec::new()) };
    if let Some(port) = net.rest.virtualport.as_ref().and_then(|port| port.kind) {
        let text =
            format!("associating with a switch by virtualport type '{}' is not supported", port.as_str());
        return Err(unsupported(text));
    }
    if mode == DirectMode::Passthrough && !net::exists(lower) {
        let e = std::io::Error::from(rustix::io::Errno::NODEV);
        return Err(Error::system(
            ErrorDomain::NONE,
            format_args!("Cannot get interface MAC on '{lower}'"),
            &e,
        ));
    }
    let mode = match mode {
        DirectMode::Vepa => MacvtapMode::Vepa,
        DirectMode::Private => MacvtapMode::Private,
        DirectMode::Bridge => MacvtapMode::Bridge,
        DirectMode::Passthrough => MacvtapMode::Passthrough,
    };
    let options = MacvtapOptions {
        name: String::new(),
        lower: lower.to_owned(),
        mode,
        mac: net.mac.as_ref().map(|mac| mac.address.0),
        queues: net.rest.driver.queues.unwrap_or(1),
        vnet_header: is_virtio(net),
    };
    let (name, fds) = named(net.rest.target_dev.as_deref(), "macvtap", &names.macvtap, |name| {
        MacvtapOptions { name: name.to_owned(), ..options.clone() }.create()
    })?;
    net.rest.target_dev = Some(name);
    Ok(fds)
}

/// What a bridge does with the card's device.
fn finish_port(owner: &Owner, net: &Interface) -> Result<()> {
    let (Some(Kind::Bridged(bridge, manager)), Some(device)) = (kind(net), net.rest.target_dev.as_deref())
    else {
        return Ok(());
    };
    if ovs::is_port(net) {
        return ovs::add(owner, net, bridge, device);
    }
    if let Some(vlan) = &net.rest.vlan {
        net::set_port_vlans(device, &vlans(vlan))?;
    }
    let isolated = net.rest.isolated.map(|isolated| isolated == YesNo::Yes);
    let by_us = manager == Some(MacTableManager::Libvirt);
    let options =
        PortOptions { isolated, learning: by_us.then_some(false), unicast_flood: by_us.then_some(false) };
    if options != PortOptions::default() {
        net::set_port(device, &options)?;
    }
    match (&net.mac, by_us) {
        (Some(mac), true) => net::add_to_mac_table(device, mac.address.0),
        _ => Ok(()),
    }
}

/// The VLANs of a port: one alone is for a guest that knows of none.
fn vlans(vlan: &Vlan) -> Vec<PortVlan> {
    let port = |tag: &virtus_conf::net::vlan::Tag| {
        let alone = !vlan.trunk && vlan.tags.len() == 1;
        PortVlan {
            id: u16::try_from(tag.id).unwrap_or(u16::MAX),
            native: alone || tag.native_mode.is_some(),
            untagged: alone || tag.native_mode == Some(NativeMode::Untagged),
        }
    };
    vlan.tags.iter().map(port).collect()
}

/// The host's addresses, routes and script of a device that is on no bridge.
fn finish_alone(net: &Interface) -> Result<()> {
    let (InterfaceSource::Ethernet(source), Some(device)) = (&net.source, net.rest.target_dev.as_deref())
    else {
        return Ok(());
    };
    for ip in &source.ips {
        let (address, prefix) = parsed(ip)?;
        net::add_address(device, address, prefix)?;
    }
    match &net.rest.script {
        Some(script) => run_script(script, device),
        None => Ok(()),
    }
}

fn parsed(ip: &IpAddress) -> Result<(std::net::IpAddr, u8)> {
    let address: std::net::IpAddr =
        ip.address.parse().map_err(|_| unsupported(format!("'{}' is no address", ip.address)))?;
    let whole = if address.is_ipv4() { 24 } else { 64 };
    Ok((address, ip.prefix.and_then(|p| u8::try_from(p).ok()).filter(|p| *p > 0).unwrap_or(whole)))
}

fn run_script(script: &str, device: &str) -> Result<()> {
    let program = Program::new(script).arg(device).timeout(SCRIPT);
    run_blocking(&program::Host, &program)?.success(&program).map(drop)
}

/// The rates of a card, seen from its device.
fn limit(net: &Interface) -> Result<()> {
    let (Some(bandwidth), Some(device)) = (&net.rest.bandwidth, net.rest.target_dev.as_deref()) else {
        return Ok(());
    };
    let rate = |rate: &Rate| tc::Rate {
        average: rate.average.unwrap_or(0),
        peak: rate.peak.unwrap_or(0),
        burst: rate.burst.unwrap_or(0),
        floor: 0,
    };
    let rates = tc::Bandwidth {
        inbound: bandwidth.inbound.as_ref().map(rate),
        outbound: bandwidth.outbound.as_ref().map(rate),
    };
    rates.set(&program::Host, device, false, is_direct(net))
}

/// Removes what does not go with QEMU's descriptors. What fails is logged.
pub(super) fn remove(net: &Interface) {
    let Some(device) = net.rest.target_dev.as_deref() else { return };
    let warn = |done: Result<()>| {
        if let Err(e) = done {
            tracing::warn!("the network device '{device}' is not cleaned up: {e}");
        }
    };
    match kind(net) {
        Some(Kind::Direct(..)) if net::exists(device) => warn(net::delete_link(device)),
        Some(Kind::Bridged(..)) if ovs::is_port(net) => warn(ovs::remove(device)),
        Some(Kind::Alone) => {
            if let Some(script) = &net.rest.downscript {
                warn(run_script(script, device));
            }
        }
        _ => {}
    }
}

/// Makes sure that a running guest's tap is a port of its bridge.
///
/// # Errors
/// When the bridge or the device is gone.
pub(super) fn attach(owner: &Owner, net: &Interface) -> Result<()> {
    let (Some(Kind::Bridged(bridge, _)), Some(device)) = (kind(net), net.rest.target_dev.as_deref()) else {
        return Ok(());
    };
    if ovs::is_port(net) || net::ports(bridge)?.iter().any(|port| port == device) {
        return Ok(());
    }
    net::add_to_bridge(bridge, device)?;
    finish_port(owner, net)
}

/// Notes the number in the name of a device that is there already.
pub(super) fn seen(names: &Names, net: &Interface) {
    let Some(device) = net.rest.target_dev.as_deref() else { return };
    for (prefix, last) in [("vnet", &names.vnet), ("macvtap", &names.macvtap)] {
        if let Some(number) = device.strip_prefix(prefix).and_then(|n| n.parse::<u32>().ok()) {
            last.fetch_max(number.saturating_add(1), Ordering::Relaxed);
        }
    }
}

/// Whether a name was taken by somebody else meanwhile.
fn is_taken(e: &Error) -> bool {
    // EBUSY for a tap, EEXIST for a link
    matches!(e.fields().int1, 16 | 17)
}
