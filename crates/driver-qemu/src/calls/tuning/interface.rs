//! The rates a guest's network card may use.

use virtus_api::constants::*;
use virtus_api::domain::tuning::DomainGetInterfaceParametersReply;
use virtus_api::{Call, DomainRef};
use virtus_base::{Error, ErrorCode, ErrorDomain, Result, TypedParam};
use virtus_conf::domain as conf;
use virtus_conf::domain::device::Interface;
use virtus_conf::net::MacAddr;
use virtus_conf::net::bandwidth::{Bandwidth, Rate};
use virtus_host::net::bandwidth as host;
use virtus_xdr::List;

use super::super::change::{Change, one};
use super::super::flags;
use super::super::params::{self, Kind, fit};
use crate::Driver;
use crate::error::unsupported;

const IMPACT: u32 = VIR_DOMAIN_AFFECT_LIVE | VIR_DOMAIN_AFFECT_CONFIG;

/// The parameters, in the order they are told.
const PARAMS: [&str; 7] = [
    "inbound.average",
    "inbound.peak",
    "inbound.burst",
    "inbound.floor",
    "outbound.average",
    "outbound.peak",
    "outbound.burst",
];

/// The card with this MAC address or name on the host.
fn find<'a>(model: &'a conf::Domain, device: &str) -> Result<&'a Interface> {
    let address = MacAddr::parse(device);
    let is = |interface: &&Interface| match &address {
        Some(address) => interface.mac.as_ref().is_some_and(|mac| mac.address == *address),
        None => interface.rest.target_dev.as_deref() == Some(device),
    };
    model.devices.interfaces.iter().find(is).ok_or_else(|| unknown(device))
}

fn unknown(device: &str) -> Error {
    let text = format!("'{device}' is not a known interface");
    Error::new(ErrorDomain::DOMAIN, ErrorCode::INVALID_ARG, text)
}

/// `virDomainGetInterfaceParameters`.
pub(super) fn parameters(
    driver: &Driver,
    dom: &DomainRef,
    device: &str,
    room: i32,
    given: u32,
) -> Result<DomainGetInterfaceParametersReply> {
    flags(given, IMPACT | VIR_TYPED_PARAM_STRING_OKAY, "qemuDomainGetInterfaceParameters")?;
    let model = one(&*driver.look(dom)?, given & IMPACT)?;
    let bandwidth = find(&model, device)?.rest.bandwidth.clone().unwrap_or_default();
    let (inbound, outbound) = (bandwidth.inbound.unwrap_or_default(), bandwidth.outbound.unwrap_or_default());
    let values = [
        inbound.average,
        inbound.peak,
        inbound.burst,
        inbound.floor,
        outbound.average,
        outbound.peak,
        outbound.burst,
    ];
    let all = PARAMS.into_iter().zip(values).map(|(name, value)| {
        let value = u32::try_from(value.unwrap_or(0)).unwrap_or(u32::MAX);
        TypedParam::new(name, value)
    });
    let (params, nparams) = fit(all.collect(), room, 16)?;
    Ok(DomainGetInterfaceParametersReply { params: List(params), nparams })
}

/// What a caller wants of one direction.
#[derive(Clone, Debug, Default, PartialEq)]
struct Wanted {
    /// The rate, if it says one.
    rate: Option<Rate>,
    /// Whether the direction's rates are replaced even if none is said.
    named: bool,
}

impl Wanted {
    fn of(params: &[TypedParam], direction: &str) -> Wanted {
        let get = |what: &str| params::uint(params, &format!("{direction}.{what}"));
        let named = get("average").is_some() || get("floor").is_some();
        let some = |what: &str| get(what).filter(|value| *value != 0).map(u64::from);
        let rate =
            Rate { average: some("average"), peak: some("peak"), floor: some("floor"), burst: some("burst") };
        // an average or a floor is mandatory
        let says = rate.average.is_some() || rate.floor.is_some();
        Wanted { rate: says.then_some(rate), named }
    }

    /// The direction's rates from now on.
    fn over(&self, now: Option<Rate>) -> Option<Rate> {
        self.rate.clone().or(now.filter(|_| !self.named))
    }
}

/// `virDomainSetInterfaceParameters`.
pub(super) async fn set_parameters(
    driver: &Driver,
    call: &Call,
    dom: &DomainRef,
    device: String,
    given_params: &[TypedParam],
    given: u32,
) -> Result<()> {
    flags(given, IMPACT, "qemuDomainSetInterfaceParameters")?;
    let known: Vec<_> = PARAMS.iter().map(|name| (*name, Kind::UInt)).collect();
    params::check(given_params, &known)?;
    let (inbound, outbound) = (Wanted::of(given_params, "inbound"), Wanted::of(given_params, "outbound"));
    driver
        .amend(call, dom, given, move |change| {
            Box::pin(async move {
                for model in change.both() {
                    may_have_rates(find(model, &device)?)?;
                }
                let wanted = |now: Option<Bandwidth>| {
                    let now = now.unwrap_or_default();
                    Bandwidth {
                        class_id: now.class_id,
                        inbound: inbound.over(now.inbound),
                        outbound: outbound.over(now.outbound),
                    }
                };
                if let Some(live) = &change.live {
                    let interface = find(live, &device)?.clone();
                    let bandwidth = wanted(interface.rest.bandwidth.clone());
                    apply(change, interface, &bandwidth).await?;
                    change.touched = true;
                    let empty = bandwidth.is_empty();
                    put(change.live.as_mut(), &device, (!empty).then_some(bandwidth))?;
                }
                if let Some(config) = &change.config {
                    let bandwidth = wanted(find(config, &device)?.rest.bandwidth.clone());
                    put(change.config.as_mut(), &device, Some(bandwidth))?;
                }
                Ok(())
            })
        })
        .await
}

fn may_have_rates(interface: &Interface) -> Result<()> {
    match interface.source.tag() {
        "bridge" | "network" | "direct" | "ethernet" => Ok(()),
        kind => Err(unsupported(format!(
            "setting bandwidth on interfaces of type '{kind}' is not implemented yet"
        ))),
    }
}

fn put(model: Option<&mut conf::Domain>, device: &str, bandwidth: Option<Bandwidth>) -> Result<()> {
    let Some(model) = model else { return Ok(()) };
    let mac = find(model, device)?.mac.clone();
    let found = model.devices.interfaces.iter_mut().find(|interface| interface.mac == mac);
    found.ok_or_else(|| unknown(device))?.rest.bandwidth = bandwidth;
    Ok(())
}

/// Gives the card's host side these rates and no others.
async fn apply(change: &Change, interface: Interface, bandwidth: &Bandwidth) -> Result<()> {
    let rate = |rate: &Option<Rate>| {
        rate.as_ref().map(|rate| host::Rate {
            average: rate.average.unwrap_or(0),
            peak: rate.peak.unwrap_or(0),
            floor: rate.floor.unwrap_or(0),
            burst: rate.burst.unwrap_or(0),
        })
    };
    let wanted = host::Bandwidth { inbound: rate(&bandwidth.inbound), outbound: rate(&bandwidth.outbound) };
    let name = interface.rest.target_dev.clone().unwrap_or_default();
    // a macvtap is seen from the guest's side
    let swapped = interface.source.tag() != "direct";
    let runner = virtus_host::program::Host;
    change.shared.blocking(move || wanted.set(&runner, &name, false, swapped)).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_direction_is_replaced_as_a_whole() {
        let params = |list: &[(&str, u32)]| {
            list.iter().map(|(name, value)| TypedParam::new(*name, *value)).collect::<Vec<_>>()
        };
        let now = Rate { average: Some(100), ..Rate::default() };
        let only_peak = Wanted::of(&params(&[("inbound.peak", 5)]), "inbound");
        assert_eq!(only_peak.over(Some(now.clone())), Some(now.clone()));
        let none = Wanted::of(&params(&[("inbound.average", 0)]), "inbound");
        assert_eq!(none.over(Some(now.clone())), None);
        let both = Wanted::of(&params(&[("inbound.average", 7), ("inbound.peak", 9)]), "inbound");
        assert_eq!(both.over(Some(now)).unwrap().peak, Some(9));
        assert_eq!(Wanted::of(&params(&[("inbound.average", 7)]), "outbound"), Wanted::default());
    }
}
