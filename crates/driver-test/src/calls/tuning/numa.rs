//! The host's NUMA nodes of a domain's memory.

use virtus_base::{Bitmap, Error, ErrorCode, ErrorDomain, Result, TypedParam, TypedValue};
use virtus_conf::domain::cpu_tune::Placement;
use virtus_conf::domain::numa::{NumaMemory, NumaMode};
use virtus_conf::domain::{self as conf};

use super::super::params::{get as value, text};
use crate::error::generic;
use crate::{bad_argument, invalid};

pub(super) const PARAMETERS: [(&str, &str); 2] = [("numa_mode", "int"), ("numa_nodeset", "string")];

/// `virDomainNumatuneMemMode` by its numbers.
const MODES: [NumaMode; 4] =
    [NumaMode::Strict, NumaMode::Preferred, NumaMode::Interleave, NumaMode::Restrictive];

pub(super) fn get(definition: &conf::Domain) -> Vec<TypedParam> {
    let memory = definition.numatune.as_ref().and_then(|tune| tune.memory.as_ref());
    let mode = memory.and_then(|memory| MODES.iter().position(|mode| *mode == memory.mode)).unwrap_or(0);
    let nodes = memory.and_then(|memory| memory.nodeset.as_ref()).map(Bitmap::to_string).unwrap_or_default();
    vec![
        TypedParam::new("numa_mode", i32::try_from(mode).unwrap_or(0)),
        TypedParam::new("numa_nodeset", nodes),
    ]
}

pub(super) fn set(definition: &mut conf::Domain, params: &[TypedParam], live: bool) -> Result<()> {
    let mode = match value(params, "numa_mode") {
        Some(TypedValue::Int(number)) => {
            let mode = usize::try_from(*number).ok().and_then(|number| MODES.get(number));
            Some(*mode.ok_or_else(|| bad_argument(format!("unsupported numatune mode: '{number}'")))?)
        }
        _ => None,
    };
    let nodeset = text(params, "numa_nodeset").map(nodes).transpose()?;
    let memory = definition.numatune.as_ref().and_then(|tune| tune.memory.as_ref());
    if live && mode.is_some_and(|mode| memory.is_some_and(|memory| memory.mode != mode)) {
        return Err(invalid("can't change numatune mode for running domain"));
    }
    if mode.is_none() && nodeset.is_none() {
        return Ok(());
    }
    let mut memory =
        memory.cloned().unwrap_or(NumaMemory { mode: NumaMode::Strict, nodeset: None, placement: None });
    memory.mode = mode.unwrap_or(memory.mode);
    if let Some(nodeset) = nodeset {
        memory.nodeset = Some(nodeset);
        memory.placement = None;
    }
    if memory.nodeset.is_none() {
        if definition.vcpu.placement == Placement::Static {
            return Err(generic(
                ErrorCode::CONFIG_UNSUPPORTED,
                "nodeset for NUMA memory tuning must be set if 'placement' is 'static'",
            ));
        }
        memory.placement = Some(Placement::Auto);
    }
    definition.numatune.get_or_insert_default().memory = Some(memory);
    Ok(())
}

fn nodes(text: &str) -> Result<Bitmap> {
    let nodes = Bitmap::parse(text).ok_or_else(|| {
        Error::new(ErrorDomain::NONE, ErrorCode::INVALID_ARG, format!("Failed to parse bitmap '{text}'"))
    })?;
    match nodes.is_empty() {
        true => Err(invalid(format!("Invalid nodeset of 'numatune': {text}"))),
        false => Ok(nodes),
    }
}
