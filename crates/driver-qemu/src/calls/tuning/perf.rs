//! Which of the host's performance events are counted for a guest.

use virtus_api::constants::*;
use virtus_api::{Call, DomainRef};
use virtus_base::{Result, TypedParam, TypedValue};
use virtus_conf::domain as conf;
use virtus_conf::domain::misc::{PerfEvent, PerfEventName};
use virtus_xdr::List;
use virtus_xml::YesNo;

use super::super::change::one;
use super::super::flags;
use super::super::params::{self, Kind};
use crate::Driver;
use crate::process::perf;

const IMPACT: u32 = VIR_DOMAIN_AFFECT_LIVE | VIR_DOMAIN_AFFECT_CONFIG;

fn is_on(model: &conf::Domain, name: PerfEventName) -> bool {
    let mut events = model.perf.iter().flat_map(|perf| &perf.events);
    events.any(|event| event.name == name && event.enabled.is_true())
}

/// `virDomainGetPerfEvents`.
pub(super) fn events(driver: &Driver, dom: &DomainRef, given: u32) -> Result<List<TypedParam, 64>> {
    flags(given, IMPACT | VIR_TYPED_PARAM_STRING_OKAY, "qemuDomainGetPerfEvents")?;
    let model = one(&*driver.look(dom)?, given & IMPACT)?;
    let all = PerfEventName::ALL.iter().map(|name| TypedParam::new(name.as_str(), is_on(&model, *name)));
    Ok(all.collect())
}

/// `virDomainSetPerfEvents`.
pub(super) async fn set_events(
    driver: &Driver,
    call: &Call,
    dom: &DomainRef,
    given_params: &[TypedParam],
    given: u32,
) -> Result<()> {
    flags(given, IMPACT, "qemuDomainSetPerfEvents")?;
    let known: Vec<_> = PerfEventName::ALL.iter().map(|name| (name.as_str(), Kind::Boolean)).collect();
    params::check(given_params, &known)?;
    let wanted: Vec<(PerfEventName, bool)> = given_params
        .iter()
        .filter_map(|param| {
            let name = PerfEventName::from_word(&param.field)?;
            Some((name, param.value == TypedValue::Boolean(true)))
        })
        .collect();
    driver
        .amend(call, dom, given, move |change| {
            Box::pin(async move {
                if change.live.is_some() {
                    let running = change.running()?;
                    for (name, on) in &wanted {
                        match on {
                            true => perf::enable(&running, *name)?,
                            false => perf::disable(&running, *name),
                        }
                        // what was done before one fails stays
                        change.touched = true;
                        change.live.iter_mut().for_each(|live| set(live, *name, *on));
                    }
                }
                if let Some(config) = &mut change.config {
                    wanted.iter().for_each(|(name, on)| set(config, *name, *on));
                }
                Ok(())
            })
        })
        .await
}

fn set(model: &mut conf::Domain, name: PerfEventName, on: bool) {
    let events = &mut model.perf.get_or_insert_default().events;
    events.retain(|event| event.name != name);
    let enabled = if on { YesNo::Yes } else { YesNo::No };
    let number = |name: PerfEventName| PerfEventName::ALL.iter().position(|known| *known == name);
    let at = events.partition_point(|event| number(event.name) < number(name));
    events.insert(at, PerfEvent { name, enabled });
}
