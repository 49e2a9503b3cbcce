//! Which of the host's NUMA nodes a guest's memory comes from.

use virtus_api::constants::*;
use virtus_api::domain::tuning::DomainGetNumaParametersReply;
use virtus_api::{Call, DomainRef};
use virtus_base::{Bitmap, Error, ErrorCode, ErrorDomain, Result, TypedParam};
use virtus_conf::domain as conf;
use virtus_conf::domain::cpu_tune::Placement;
use virtus_conf::domain::numa::{NumaMemory, NumaMode};
use virtus_host::cgroup::Controller;
use virtus_xdr::List;

use super::super::change::{Change, one};
use super::super::flags;
use super::super::params::{self, Kind, fit};
use super::super::sets::parse_set;
use super::system_only;
use crate::Driver;
use crate::error::{bad_argument, invalid};

const IMPACT: u32 = VIR_DOMAIN_AFFECT_LIVE | VIR_DOMAIN_AFFECT_CONFIG;
const SESSION: &str = "NUMA tuning is not available in session mode";

/// The modes by libvirt's numbers.
const MODES: [NumaMode; 4] =
    [NumaMode::Strict, NumaMode::Preferred, NumaMode::Interleave, NumaMode::Restrictive];

fn memory(model: &conf::Domain) -> Option<&NumaMemory> {
    model.numatune.as_ref()?.memory.as_ref()
}

/// `virDomainGetNumaParameters`.
pub(super) fn parameters(
    driver: &Driver,
    dom: &DomainRef,
    room: i32,
    given: u32,
) -> Result<DomainGetNumaParametersReply> {
    flags(given, IMPACT | VIR_TYPED_PARAM_STRING_OKAY, "qemuDomainGetNumaParameters")?;
    let domain = driver.find(dom)?;
    system_only(driver, SESSION)?;
    let model = one(&domain.view(), given & IMPACT)?;
    let mode = memory(&model).map_or(NumaMode::Strict, |memory| memory.mode);
    let number = MODES.iter().position(|known| *known == mode).unwrap_or(0);
    let nodes = memory(&model).and_then(|memory| memory.nodeset.as_ref()).map(Bitmap::to_string);
    let all = vec![
        TypedParam::new("numa_mode", i32::try_from(number).unwrap_or(0)),
        TypedParam::new("numa_nodeset", nodes.unwrap_or_default()),
    ];
    let (params, nparams) = fit(all, room, 16)?;
    Ok(DomainGetNumaParametersReply { params: List(params), nparams })
}

/// `virDomainSetNumaParameters`.
pub(super) async fn set_parameters(
    driver: &Driver,
    call: &Call,
    dom: &DomainRef,
    given_params: Vec<TypedParam>,
    given: u32,
) -> Result<()> {
    flags(given, IMPACT, "qemuDomainSetNumaParameters")?;
    params::check(&given_params, &[("numa_mode", Kind::Int), ("numa_nodeset", Kind::String)])?;
    driver.find(dom)?;
    system_only(driver, SESSION)?;
    let mode = match params::int(&given_params, "numa_mode") {
        None => None,
        Some(number) => {
            let mode = usize::try_from(number).ok().and_then(|number| MODES.get(number));
            let unknown = || bad_argument(format!("unsupported numatune mode: '{number}'"));
            Some(*mode.ok_or_else(unknown)?)
        }
    };
    let nodes = match params::text(&given_params, "numa_nodeset") {
        None => None,
        Some(text) => {
            let nodes = parse_set(&text)?;
            if nodes.is_empty() {
                return Err(invalid(format!("Invalid nodeset of 'numatune': {text}")));
            }
            Some(nodes)
        }
    };
    driver
        .amend(call, dom, given, move |change| {
            Box::pin(async move {
                if let Some(live) = &change.live {
                    may_change(live, mode, nodes.is_some())?;
                    if !change.group()?.has(Controller::Cpuset) {
                        return Err(invalid("cgroup cpuset controller is not mounted"));
                    }
                    if let Some(nodes) = &nodes {
                        move_to(change, nodes)?;
                    }
                }
                for model in change.both() {
                    set(model, mode, nodes.as_ref())?;
                }
                Ok(())
            })
        })
        .await
}

/// What a running guest's definition says of its memory cannot be changed; only the nodes of one that is not bound
/// to them by QEMU can.
fn may_change(live: &conf::Domain, mode: Option<NumaMode>, nodes: bool) -> Result<()> {
    let Some(now) = memory(live).map(|memory| memory.mode) else { return Ok(()) };
    if mode.is_some_and(|mode| mode != now) {
        return Err(invalid("can't change numatune mode for running domain"));
    }
    match now {
        NumaMode::Strict if nodes => Err(invalid("can't change nodeset for strict mode for running domain")),
        NumaMode::Preferred | NumaMode::Interleave if nodes => {
            Err(invalid("change of nodeset for running domain requires restrictive numa mode"))
        }
        _ => Ok(()),
    }
}

/// Moves the running guest's memory: its threads' groups first, for they may not have more than their parent.
fn move_to(change: &mut Change, nodes: &Bitmap) -> Result<()> {
    let (running, group) = (change.running()?, change.group()?);
    let nodes = nodes.to_string();
    let mut names: Vec<String> = running.vcpus().iter().map(|(n, _)| format!("vcpu{n}")).collect();
    names.push("emulator".to_owned());
    let ids = change.live.as_ref().map(conf::Domain::iothread_ids).unwrap_or_default();
    names.extend(ids.iter().map(|id| format!("iothread{id}")));
    for name in names {
        let own = group.thread(&name);
        if own.has(Controller::Cpuset) {
            own.set_cpuset_mems(&nodes)?;
        }
    }
    group.set_cpuset_mems(&nodes)?;
    change.touched = true;
    Ok(())
}

fn set(model: &mut conf::Domain, mode: Option<NumaMode>, nodes: Option<&Bitmap>) -> Result<()> {
    let fixed = model.vcpu.placement == Placement::Static;
    let tune = model.numatune.get_or_insert_default();
    let now = tune.memory.clone();
    let nodeset = nodes.cloned().or(now.as_ref().and_then(|memory| memory.nodeset.clone()));
    let automatic = match &now {
        Some(memory) => nodes.is_none() && memory.placement == Some(Placement::Auto),
        None => nodeset.is_none() && !fixed,
    };
    if !automatic && nodeset.is_none() {
        return Err(Error::new(
            ErrorDomain::DOMAIN,
            ErrorCode::XML_ERROR,
            "nodeset for NUMA memory tuning must be set if 'placement' is 'static'",
        ));
    }
    tune.memory = Some(NumaMemory {
        mode: mode.or(now.map(|memory| memory.mode)).unwrap_or(NumaMode::Strict),
        nodeset: nodeset.filter(|_| !automatic),
        placement: automatic.then_some(Placement::Auto),
    });
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn domain() -> conf::Domain {
        let xml = "<domain type='qemu'><name>g</name><memory>1024</memory>\
            <os><type arch='x86_64'>hvm</type></os></domain>";
        conf::Domain::parse(xml, &conf::ParseOptions::default()).unwrap()
    }

    #[test]
    fn nodes_come_first_then_the_mode() {
        let mut model = domain();
        let why = set(&mut model, Some(NumaMode::Preferred), None).unwrap_err();
        assert_eq!(
            why.message(),
            "XML error: nodeset for NUMA memory tuning must be set if 'placement' is 'static'"
        );
        set(&mut model, None, Bitmap::parse("0-1").as_ref()).unwrap();
        set(&mut model, Some(NumaMode::Interleave), None).unwrap();
        let memory = memory(&model).unwrap();
        assert_eq!((memory.mode, memory.placement), (NumaMode::Interleave, None));
        assert_eq!(memory.nodeset, Bitmap::parse("0-1"));
        let why = may_change(&model, Some(NumaMode::Strict), false).unwrap_err();
        assert_eq!(
            why.message(),
            "Requested operation is not valid: can't change numatune mode for running domain"
        );
        assert!(may_change(&model, None, true).is_err());
        assert!(may_change(&domain(), None, true).is_ok());
    }
}
