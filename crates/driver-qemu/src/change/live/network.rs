//! Network cards of a running guest: cable, bridge, rates.

use virtus_base::Result;
use virtus_conf::domain::device::interface::{InterfaceSource, LinkState, NetworkSource};
use virtus_conf::domain::device::{Device, Interface};
use virtus_conf::net::Bandwidth;
use virtus_conf::net::bandwidth::Rate;
use virtus_host::net::{self, PortOptions};
use virtus_qmp::command::SetLink;
use virtus_state::Undo;

use super::{Site, failed, host, refused};
use crate::change::{Asked, compatible, find};
use crate::error::internal;
use crate::process::{filters, taps};

/// What is left to do once QEMU has a new card: its cable.
pub(super) async fn after_plug(site: &Site<'_>, net: &Interface) -> Result<()> {
    match net.rest.link {
        Some(LinkState::Down) => set_link(site, net, false).await,
        _ => Ok(()),
    }
}

async fn set_link(site: &Site<'_>, net: &Interface, up: bool) -> Result<()> {
    let name = net.info.alias.clone();
    let name = name.ok_or_else(|| failed("can't change link state: device alias not found"))?;
    site.job.execute(&SetLink { name, up }).await.map(|_| ())
}

/// Gives a card's device on the host its rates.
async fn set_rates(site: &Site<'_>, net: &Interface, bandwidth: Bandwidth) -> Result<()> {
    let Some(device) = net.rest.target_dev.clone() else { return Ok(()) };
    let swapped = taps::is_direct(net);
    let work = move || {
        let rate = |rate: &Rate| net::bandwidth::Rate {
            average: rate.average.unwrap_or(0),
            peak: rate.peak.unwrap_or(0),
            floor: rate.floor.unwrap_or(0),
            burst: rate.burst.unwrap_or(0),
        };
        let rates = net::bandwidth::Bandwidth {
            inbound: bandwidth.inbound.as_ref().map(rate),
            outbound: bandwidth.outbound.as_ref().map(rate),
        };
        rates.set(&virtus_host::program::Host, &device, false, swapped)
    };
    site.shared.blocking(work).await
}

/// Makes a card as `asked` says, where that can be done while the guest uses it.
///
/// # Errors
/// `OPERATION_UNSUPPORTED`, naming what cannot be changed.
pub(super) async fn change(site: &Site<'_>, asked: Asked) -> Result<()> {
    let model = site.model()?;
    let at = find::find(&model.devices, &asked.device, asked.mac)?;
    let old = at.and_then(|at| model.devices.interfaces.get(at));
    let old = old.ok_or_else(|| internal("network interface is lost"))?;
    compatible::replaces(&model, &asked.device, Some(&old.info), true)?;
    let Device::Interface(mut new) = asked.device else { return Err(internal("no network interface")) };
    unchangeable(old, &mut new)?;
    let owner = taps::Owner::of(&model);
    let mut undo = Undo::new();
    match replace(site, &owner, old, &mut new, &mut undo).await {
        Ok(()) => undo.commit(),
        Err(e) => {
            undo.unwind().await;
            return Err(e);
        }
    }
    if has_port(old) && port(old) != port(&new) {
        taps::release(site.shared, &owner, old).await;
    }
    let alias = old.info.alias.clone();
    site.commit(
        |model| {
            if let Some(slot) = model.devices.interfaces.iter_mut().find(|net| net.info.alias == alias) {
                *slot = *new;
            }
        },
        Vec::new(),
    );
    Ok(())
}

fn has_port(net: &Interface) -> bool {
    port(net).is_some()
}

/// The port that a card has on its network.
fn port(net: &Interface) -> Option<virtus_base::Uuid> {
    match &net.source {
        InterfaceSource::Network(source) => source.portid,
        _ => None,
    }
}

/// Makes the changes on the host and in QEMU.
async fn replace(
    site: &Site<'_>,
    owner: &taps::Owner,
    old: &Interface,
    new: &mut Interface,
    undo: &mut Undo,
) -> Result<()> {
    match (&old.source, &mut new.source) {
        // another port of the same network would be another device of the host
        (InterfaceSource::Network(from), InterfaceSource::Network(to))
            if from.network == to.network && taps::is_direct(old) =>
        {
            *to = NetworkSource { portgroup: to.portgroup.clone(), ..from.clone() };
        }
        (_, InterfaceSource::Network(_)) => taps::allocate(site.shared, owner, new, undo).await?,
        _ => {}
    }
    if reconnects(old, new) {
        let kind = new.source.tag();
        return Err(refused(format!("unable to change config on '{kind}' network type")));
    }
    if !same_rates(old, new) {
        set_rates(site, new, new.rest.bandwidth.clone().unwrap_or_default()).await?;
    }
    let (from, to) = (bridge(old), bridge(new));
    let moved = to.is_some()
        && (from != to || old.rest.virtualport != new.rest.virtualport || old.rest.vlan != new.rest.vlan);
    if let (true, Some(to), Some(device)) = (moved, to, new.rest.target_dev.as_deref()) {
        if !net::exists(to) {
            let name = &site.domain().view().name;
            return Err(failed(format!(
                "cannot add domain {name} device {device} to nonexistent bridge {to}"
            )));
        }
        if let Some(from) = from {
            // it may have been taken off by somebody else
            let _ = net::remove_from_bridge(from, device);
        }
        net::add_to_bridge(to, device)?;
    }
    let isolated = |net: &Interface| net.rest.isolated.is_some_and(|isolated| isolated.is_true());
    if let (true, Some(_), Some(device)) =
        (moved || isolated(old) != isolated(new), to, new.rest.target_dev.as_deref())
    {
        net::set_port(device, &PortOptions { isolated: Some(isolated(new)), ..PortOptions::default() })?;
    }
    if old.rest.filterref != new.rest.filterref {
        change_filter(site, old, new).await?;
    }
    if old.rest.link != new.rest.link {
        set_link(site, old, new.rest.link != Some(LinkState::Down)).await?;
    }
    Ok(())
}

/// Filters a card's packets by another filter; by the old one again when that fails.
async fn change_filter(site: &Site<'_>, old: &Interface, new: &Interface) -> Result<()> {
    use InterfaceSource as S;
    if !matches!(new.source, S::Ethernet(_) | S::Bridge(_) | S::Network(_)) {
        let kind = new.source.tag();
        return Err(crate::error::unsupported(format!("filters not supported on interfaces of type {kind}")));
    }
    filters::unbind(site.shared, old);
    let Err(e) = host::filter(site, new, true).await else { return Ok(()) };
    tracing::warn!("the new filter cannot be had: {e}");
    if let Err(e) = host::filter(site, old, true).await {
        tracing::error!("the old filter cannot be had again: {e}");
    }
    let device = old.rest.target_dev.as_deref().unwrap_or_default();
    Err(failed(format!("failed to add new filter rules to '{device}' - attempting to restore old rules")))
}

/// The bridge a card's device is a port of.
fn bridge(net: &Interface) -> Option<&str> {
    match &net.source {
        InterfaceSource::Bridge(source) => source.bridge.as_deref(),
        InterfaceSource::Network(source) => source.bridge.as_deref(),
        _ => None,
    }
}

/// Refuses changes of what a guest's card is, and takes over what `new` leaves out.
fn unchangeable(old: &Interface, new: &mut Interface) -> Result<()> {
    let kind = old.source.tag();
    if matches!(old.source, InterfaceSource::HostDev(_) | InterfaceSource::Vdpa { .. }) {
        return Err(refused(format!("cannot change config of '{kind}' network interface type")));
    }
    let mac = |net: &Interface| net.mac.as_ref().map(|mac| mac.address);
    if let (Some(from), Some(to)) = (mac(old), mac(new))
        && from != to
    {
        return Err(refused(format!("cannot change network interface mac address from {from} to {to}")));
    }
    if old.model() != new.model() {
        let model = |net: &Interface| net.model().unwrap_or("<null>").to_owned();
        let (from, to) = (model(old), model(new));
        return Err(refused(format!("cannot modify network device model from {from} to {to}")));
    }
    let virtio = |net: &Interface| net.rest.driver.virtio.clone();
    let plain = |net: &Interface| {
        let mut driver = net.rest.driver.clone();
        driver.virtio = Default::default();
        driver
    };
    if plain(old) != plain(new) {
        return Err(refused("cannot modify virtio network device driver attributes"));
    }
    if virtio(old) != virtio(new) {
        return Err(refused("cannot modify virtio network device driver options"));
    }
    if old.rest.script != new.rest.script {
        return Err(refused("cannot modify network device script attribute"));
    }
    if new.rest.target_dev.is_none() {
        new.rest.target_dev.clone_from(&old.rest.target_dev);
    }
    if old.rest.target_dev != new.rest.target_dev {
        return Err(refused("cannot modify network device tap name"));
    }
    if new.info.address.is_none() {
        new.info.address.clone_from(&old.info.address);
    }
    if old.info.address != new.info.address {
        return Err(refused("cannot modify network device guest PCI address"));
    }
    if new.info.alias.is_none() {
        new.info.alias.clone_from(&old.info.alias);
    }
    let rom = |net: &Interface| net.info.rom.clone().unwrap_or_default();
    let (old_rom, new_rom) = (rom(old), rom(new));
    let boot = |net: &Interface| net.info.boot.as_ref().map(|boot| boot.order);
    let changes = [
        (old_rom.bar != new_rom.bar, "cannot modify network device rom bar setting"),
        (old_rom.file != new_rom.file, "cannot modify network rom file"),
        (boot(old) != boot(new), "cannot modify network device boot index setting"),
        (old_rom.enabled != new_rom.enabled, "cannot modify network device rom enabled setting"),
        (old.rest.mtu != new.rest.mtu, "cannot modify MTU"),
        (old.rest.backend != new.rest.backend, "cannot modify network device backend settings"),
    ];
    if let (InterfaceSource::Network(from), InterfaceSource::Network(to)) = (&old.source, &new.source)
        && from.portgroup != to.portgroup
    {
        return Err(refused("cannot modify network device portgroup attribute"));
    }
    match changes.iter().find(|(changed, _)| *changed) {
        Some((_, text)) => Err(refused(*text)),
        None => Ok(()),
    }
}

fn same_rates(old: &Interface, new: &Interface) -> bool {
    let rates = |net: &Interface| {
        net.rest.bandwidth.as_ref().map(|b| (b.inbound.clone(), b.outbound.clone())).unwrap_or_default()
    };
    rates(old) == rates(new)
}

/// Whether the change would take another connection of QEMU's.
fn reconnects(old: &Interface, new: &Interface) -> bool {
    use InterfaceSource as S;
    let sndbuf = |net: &Interface| net.rest.tune.as_ref().and_then(|tune| tune.sndbuf);
    if sndbuf(old) != sndbuf(new) {
        return true;
    }
    match (&old.source, &new.source) {
        _ if bridge(old).is_some() && bridge(new).is_some() => false,
        (S::Network(from), S::Network(to)) => {
            !taps::is_direct(old) || (&from.dev, from.mode) != (&to.dev, to.mode)
        }
        (S::User(_), S::User(_)) | (S::Ethernet(_), S::Ethernet(_)) | (S::Bridge(_), S::Bridge(_)) => false,
        (S::Server(a), S::Server(b)) | (S::Client(a), S::Client(b)) | (S::Mcast(a), S::Mcast(b)) => a != b,
        (S::Udp(a), S::Udp(b)) => a != b,
        (S::Direct(a), S::Direct(b)) => a != b || old.rest.virtualport != new.rest.virtualport,
        (S::Internal { name: a }, S::Internal { name: b }) => a != b,
        _ => true,
    }
}
