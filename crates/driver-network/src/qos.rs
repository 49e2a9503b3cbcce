//! Rates: of a network's bridge as a whole, and what is guaranteed to each of its guests.

use virtus_base::{ErrorCode, Result};
use virtus_conf::net::Bandwidth;
use virtus_conf::net::bandwidth::Rate;
use virtus_conf::network::{Network, NetworkPort};
use virtus_host::net::bandwidth as tc;
use virtus_host::program::Runner;

use crate::live::Live;
use crate::{bridge, error, invalid};

/// The most classes a bridge has.
const LAST_CLASS: usize = 0xfffe;

/// A rate as tc takes it.
fn rate(rate: &Rate) -> tc::Rate {
    tc::Rate {
        average: rate.average.unwrap_or(0),
        peak: rate.peak.unwrap_or(0),
        floor: rate.floor.unwrap_or(0),
        burst: rate.burst.unwrap_or(0),
    }
}

/// Gives a network's bridge the network's rates, if it has any.
///
/// # Errors
/// What tc said.
pub(crate) fn limit_bridge(runner: &dyn Runner, network: &Network) -> Result<()> {
    let (Some(bandwidth), Some(bridge)) = (&network.bandwidth, &network.bridge.name) else { return Ok(()) };
    let rates = tc::Bandwidth {
        inbound: bandwidth.inbound.as_ref().map(rate),
        outbound: bandwidth.outbound.as_ref().map(rate),
    };
    rates.set(runner, bridge, true, false)
}

fn floor(bandwidth: Option<&Bandwidth>) -> u64 {
    bandwidth.and_then(|b| b.inbound.as_ref()).and_then(|rate| rate.floor).unwrap_or(0)
}

/// What a port may be guaranteed beside the others.
fn check(live: &Live, port: &NetworkPort, old: u64, new: u64) -> Result<Option<Rate>> {
    let (network, mac) = (&live.network, port.mac);
    if new > 0 && !network.has_own_bridge() {
        return Err(error(
            ErrorCode::OPERATION_UNSUPPORTED,
            format!(
                "Invalid use of 'floor' on interface with MAC address {mac} - 'floor' is only supported for interface type 'network' with forward type 'nat', 'route', 'open' or none"
            ),
        ));
    }
    let inbound = network.bandwidth.as_ref().and_then(|b| b.inbound.clone());
    let Some(inbound) = inbound else {
        return match new {
            0 => Ok(None),
            _ => Err(error(
                ErrorCode::OPERATION_UNSUPPORTED,
                format!(
                    "Invalid use of 'floor' on interface with MAC address {mac} - network '{}' has no inbound QoS set",
                    network.name
                ),
            )),
        };
    };
    if old == 0 && new == 0 {
        return Ok(None);
    }
    let sum = live.floor_sum.saturating_sub(old).saturating_add(new);
    let (what, most) = match inbound.peak.filter(|peak| *peak > 0) {
        Some(peak) => ("peak", peak),
        None => ("average", inbound.average.unwrap_or(0)),
    };
    if sum > most {
        let bridge = bridge::name(network)?;
        return Err(invalid(format!(
            "Cannot plug '{mac}' interface into '{bridge}' because new combined inbound floor={sum} would overcommit {what}={most} on network '{}'",
            network.name
        )));
    }
    Ok(Some(inbound))
}

/// Changes what a port is guaranteed: its new rates instead of `old` ones. The port's class follows.
///
/// # Errors
/// When the network cannot guarantee so much; nothing is changed then.
pub(crate) fn change(
    runner: &dyn Runner,
    live: &mut Live,
    port: &mut NetworkPort,
    new: Option<Bandwidth>,
    plugged: bool,
) -> Result<()> {
    let old_class = port.bandwidth.as_ref().and_then(|b| b.class_id).filter(|_| plugged);
    let old = if plugged { floor(port.bandwidth.as_ref()) } else { 0 };
    let wanted = floor(new.as_ref());
    let mut new = new;
    let mut class = old_class;
    if old != wanted
        && let Some(inbound) = check(live, port, old, wanted)?
    {
        let whole = rate(&inbound);
        let bridge = bridge::name(&live.network)?.to_owned();
        match (old_class, wanted) {
            (Some(id), 0) => {
                tc::unplug(runner, &bridge, id)?;
                live.classes.clear(usize::try_from(id).unwrap_or(usize::MAX));
                class = None;
            }
            (Some(id), _) => tc::change_rate(runner, &bridge, &whole, id, wanted)?,
            (None, 0) => {}
            (None, _) => {
                let free = (0..=LAST_CLASS).find(|id| !live.classes.contains(*id));
                let id = free.ok_or_else(|| crate::internal("Could not generate next class ID"))?;
                let number = u32::try_from(id).unwrap_or(u32::MAX);
                if let Err(e) = tc::plug(runner, &bridge, &whole, port.mac.0, wanted, number) {
                    // what was made of it before it failed
                    let _ = tc::unplug(runner, &bridge, number);
                    return Err(e);
                }
                live.classes.set(id);
                class = Some(number);
            }
        }
        live.floor_sum = live.floor_sum.saturating_sub(old).saturating_add(wanted);
        let most = inbound.peak.or(inbound.average).unwrap_or(0);
        let rest = most.saturating_sub(live.floor_sum);
        if let Err(e) = tc::change_rate(runner, &bridge, &whole, tc::DEFAULT_CLASS, rest) {
            tracing::warn!("Unable to update rate for 1:2 class on {bridge} bridge: {e}");
        }
    }
    if let Some(new) = &mut new {
        new.class_id = class;
    }
    port.bandwidth = new;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use virtus_host::program::Recorder;

    fn port(mac: &str, floor: u64) -> NetworkPort {
        NetworkPort::parse(
            &format!(
                "<networkport><uuid>81ff0d90-c91e-6742-64da-4a736edb9a9b</uuid><owner><name>g</name>
<uuid>81ff0d90-c91e-6742-64da-4a736edb9a9b</uuid></owner><mac address='{mac}'/>
<bandwidth><inbound average='10' floor='{floor}'/></bandwidth></networkport>"
            ),
            false,
        )
        .unwrap()
    }

    #[test]
    fn guarantees_are_kept_within_what_there_is() {
        let xml = "<network><name>n</name><bridge name='b'/><bandwidth><inbound average='1000'/></bandwidth></network>";
        let mut live = Live::new(Network::parse(xml, false).unwrap());
        let recorder = Recorder::default();
        let mut first = port("52:54:00:00:00:01", 600);
        let wanted = first.bandwidth.clone();
        change(&recorder, &mut live, &mut first, wanted, false).unwrap();
        assert_eq!((first.bandwidth.as_ref().unwrap().class_id, live.floor_sum), (Some(3), 600));
        let mut second = port("52:54:00:00:00:02", 500);
        let wanted = second.bandwidth.clone();
        let e = change(&recorder, &mut live, &mut second, wanted, false).unwrap_err();
        assert!(
            e.message()
                .ends_with("new combined inbound floor=1100 would overcommit average=1000 on network 'n'")
        );
        change(&recorder, &mut live, &mut first, None, true).unwrap();
        assert_eq!((live.floor_sum, live.classes.contains(3)), (0, false));
    }
}
