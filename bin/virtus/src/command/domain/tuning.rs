//! Limits and shares: `blkiotune`, `memtune`, `numatune` and `schedinfo`.

use virtus::calls::Remote;
use virtus::constants::*;
use virtus::{TypedParam, TypedValue};

use super::params;
use crate::command::{CONFIG, CURRENT, Command, DOMAIN, LIVE, Opt};

/// A limit that is none.
const VIR_DOMAIN_MEMORY_PARAM_UNLIMITED: u64 = 9_007_199_254_740_991;
use crate::grammar::{Arguments, Number, signed_size};
use crate::shell::{OrSay, Outcome, Shell, fail, out};
use crate::show;

pub(super) static BLKIOTUNE: Command = Command {
    name: "blkiotune",
    summary: "tell or set a domain's share of the host's disks",
    options: &[
        DOMAIN,
        Opt::number("weight", "the weight, 10 to 1000").also_positional(),
        Opt::text("device-weights", "weights for devices: /dev/sda,500,...").also_positional(),
        Opt::text("device-read-iops-sec", "reads a second, for devices: /dev/sda,1000,...").also_positional(),
        Opt::text("device-write-iops-sec", "writes a second, for devices: /dev/sda,1000,...")
            .also_positional(),
        Opt::text("device-read-bytes-sec", "bytes a second to read, for devices: /dev/sda,1048576,...")
            .also_positional(),
        Opt::text("device-write-bytes-sec", "bytes a second to write, for devices: /dev/sda,1048576,...")
            .also_positional(),
        CONFIG,
        LIVE,
        CURRENT,
    ],
    run: blkiotune,
    ..Command::PLAIN
};

fn blkiotune(shell: &mut Shell, arguments: &Arguments) -> Outcome {
    let flags = super::affect(arguments)?;
    let domain = shell.domain(arguments)?;
    let mut changes = Vec::new();
    if let Some(weight) = arguments.number::<i32>("weight")? {
        match u32::try_from(weight) {
            Ok(weight @ 1..) => changes.push(TypedParam::new("weight", weight)),
            _ => fail!("Invalid value of {weight} for I/O weight"),
        }
    }
    for (option, field) in [
        ("device-weights", "device_weight"),
        ("device-read-iops-sec", "device_read_iops_sec"),
        ("device-write-iops-sec", "device_write_iops_sec"),
        ("device-read-bytes-sec", "device_read_bytes_sec"),
        ("device-write-bytes-sec", "device_write_bytes_sec"),
    ] {
        match (arguments.has(option), arguments.some_text(option)) {
            (true, None) => fail!("Unable to parse string parameter"),
            (_, text) => changes.extend(text.map(|text| TypedParam::new(field, text))),
        }
    }
    if !changes.is_empty() {
        return shell
            .call(Remote::domain_set_blkio_parameters(domain, changes.into(), flags))
            .or_say("Unable to change blkio parameters");
    }
    let ask = |count| {
        Remote::domain_get_blkio_parameters(domain.clone(), count, flags | VIR_TYPED_PARAM_STRING_OKAY)
    };
    let count = shell.call(ask(0)).or_say("Unable to get number of blkio parameters")?.nparams;
    if count != 0 {
        let params = shell.call(ask(count)).or_say("Unable to get blkio parameters")?.params;
        params::print(shell, &params);
    }
    Ok(())
}

pub(super) static MEMTUNE: Command = Command {
    name: "memtune",
    summary: "tell or set limits of a domain's memory",
    options: &[
        DOMAIN,
        Opt::number("hard-limit", "memory it can have at most, in KiB or with a unit").also_positional(),
        Opt::number("soft-limit", "memory it is to have when memory is scarce, in KiB or with a unit")
            .also_positional(),
        Opt::number("swap-hard-limit", "memory and swap it can have at most, in KiB or with a unit")
            .also_positional(),
        Opt::number("min-guarantee", "memory it gets in any case").also_positional(),
        CONFIG,
        LIVE,
        CURRENT,
    ],
    run: memtune,
    ..Command::PLAIN
};

fn memtune(shell: &mut Shell, arguments: &Arguments) -> Outcome {
    let flags = super::affect(arguments)?;
    let domain = shell.domain(arguments)?;
    let mut changes = Vec::new();
    for (option, field) in [
        ("hard-limit", "hard_limit"),
        ("soft-limit", "soft_limit"),
        ("swap-hard-limit", "swap_hard_limit"),
        ("min-guarantee", "min_guarantee"),
    ] {
        if !arguments.has(option) {
            continue;
        }
        let kib = match arguments.some_text(option).map(|text| signed_size(text, 1024, i64::MAX as u64)) {
            // any negative number lifts the limit
            Some(Ok(None)) => VIR_DOMAIN_MEMORY_PARAM_UNLIMITED,
            Some(Ok(Some(bytes))) => bytes.div_ceil(1024),
            Some(Err(failure)) => {
                let failure = failure.map(crate::shell::Failure::from).unwrap_or_default();
                return Err(crate::shell::Failure::from_parts(
                    format_args!("Unable to parse integer parameter {option}"),
                    failure,
                ));
            }
            None => fail!("Unable to parse integer parameter {option}"),
        };
        changes.push(TypedParam::new(field, kib));
    }
    if !changes.is_empty() {
        return shell
            .call(Remote::domain_set_memory_parameters(domain, changes.into(), flags))
            .or_say("Unable to change memory parameters");
    }
    let ask = |count| {
        Remote::domain_get_memory_parameters(domain.clone(), count, flags | VIR_TYPED_PARAM_STRING_OKAY)
    };
    let count = shell.call(ask(0)).or_say("Unable to get number of memory parameters")?.nparams;
    if count == 0 {
        return Ok(());
    }
    for param in shell.call(ask(count)).or_say("Unable to get memory parameters")?.params {
        match param.value {
            TypedValue::ULLong(VIR_DOMAIN_MEMORY_PARAM_UNLIMITED) => {
                out!(shell, "{:<15}: unlimited\n", param.field);
            }
            value => out!(shell, "{:<15}: {}\n", param.field, show::param(&value)),
        }
    }
    Ok(())
}

pub(super) static NUMATUNE: Command = Command {
    name: "numatune",
    summary: "tell or set where on the host a domain's memory is",
    options: &[
        DOMAIN,
        Opt::text("mode", "strict, preferred, interleave or restrictive").also_positional().one_of(&[
            "strict",
            "preferred",
            "interleave",
            "restrictive",
        ]),
        Opt::text("nodeset", "the host's NUMA nodes, e.g. 0-1").also_positional(),
        CONFIG,
        LIVE,
        CURRENT,
    ],
    run: numatune,
    ..Command::PLAIN
};

/// Ways to choose memory, by number.
const NUMA_MODES: [&str; 4] = ["strict", "preferred", "interleave", "restrictive"];

fn numatune(shell: &mut Shell, arguments: &Arguments) -> Outcome {
    let flags = super::affect(arguments)?;
    let domain = shell.domain(arguments)?;
    let mut changes = params::texts(arguments, &[("nodeset", "numa_nodeset")])?;
    if let Some(word) = arguments.text("mode")? {
        let known =
            NUMA_MODES.iter().position(|mode| *mode == word).and_then(|mode| i32::try_from(mode).ok());
        match known.or_else(|| i32::read(word)) {
            Some(mode) => changes.push(TypedParam::new("numa_mode", mode)),
            None => fail!("Invalid mode: {word}"),
        }
    }
    if !changes.is_empty() {
        return shell
            .call(Remote::domain_set_numa_parameters(domain, changes.into(), flags))
            .or_say("Unable to change numa parameters");
    }
    let ask = |count| {
        Remote::domain_get_numa_parameters(domain.clone(), count, flags | VIR_TYPED_PARAM_STRING_OKAY)
    };
    let count = shell.call(ask(0)).or_say("Unable to get number of memory parameters")?.nparams;
    if count == 0 {
        return Ok(());
    }
    for param in shell.call(ask(count)).or_say("Unable to get numa parameters")?.params {
        let mode = match (&*param.field, &param.value) {
            ("numa_mode", TypedValue::Int(mode)) => {
                usize::try_from(*mode).ok().and_then(|mode| NUMA_MODES.get(mode))
            }
            _ => None,
        };
        match mode {
            Some(mode) => out!(shell, "{:<15}: {mode}\n", param.field),
            None => out!(shell, "{:<15}: {}\n", param.field, show::param(&param.value)),
        }
    }
    Ok(())
}

pub(super) static SCHEDINFO: Command = Command {
    name: "schedinfo",
    summary: "tell or set a domain's share of the host's CPUs",
    options: &[
        DOMAIN,
        Opt::number("weight", "the weight of a Xen domain"),
        Opt::number("cap", "the cap of a Xen domain"),
        CURRENT,
        CONFIG,
        LIVE,
        Opt::many("set", "a parameter: NAME=VALUE").positional(),
    ],
    run: schedinfo,
    ..Command::PLAIN
};

fn schedinfo(shell: &mut Shell, arguments: &Arguments) -> Outcome {
    let flags = super::affect(arguments)?;
    let both = flags == VIR_DOMAIN_AFFECT_CONFIG | VIR_DOMAIN_AFFECT_LIVE;
    let query = if both { 0 } else { flags };
    let with_flags = flags != 0 || arguments.has("current");
    let domain = shell.domain(arguments)?;
    let kind = match shell.call(Remote::domain_get_scheduler_type(domain.clone())) {
        Ok(kind) => kind,
        Err(error) => {
            out!(shell, "{:<15}: Unknown\n", "Scheduler");
            return Err(error.into());
        }
    };
    out!(shell, "{:<15}: {}\n", "Scheduler", kind.kind);
    if kind.nparams == 0 {
        return Err(crate::shell::Failure::silent());
    }
    let get = |shell: &Shell| match with_flags {
        true => shell.call(Remote::domain_get_scheduler_parameters_flags(
            domain.clone(),
            kind.nparams,
            query | VIR_TYPED_PARAM_STRING_OKAY,
        )),
        false => shell.call(Remote::domain_get_scheduler_parameters(domain.clone(), kind.nparams)),
    };
    let mut params = get(shell)?;
    let mut changes = Vec::new();
    for change in arguments.many("set") {
        let Some((field, value)) = change.split_once('=') else {
            fail!("Invalid syntax for --set, expecting name=value");
        };
        changes.push(changed(&params, field, value)?);
    }
    for field in ["cap", "weight"] {
        if let Some(value) = arguments.text(field)? {
            changes.push(changed(&params, field, value)?);
        }
    }
    if !changes.is_empty() {
        match with_flags {
            true => shell.call(Remote::domain_set_scheduler_parameters_flags(
                domain.clone(),
                changes.into(),
                flags,
            ))?,
            false => shell.call(Remote::domain_set_scheduler_parameters(domain.clone(), changes.into()))?,
        }
        params = get(shell)?;
    } else if both {
        fail!("cannot query both live and config at once");
    }
    params::print(shell, &params);
    Ok(())
}

fn changed(params: &[TypedParam], field: &str, value: &str) -> Outcome<TypedParam> {
    match params.iter().find(|param| param.field == field) {
        Some(param) => params::like(param, value),
        None => fail!("invalid scheduler option: {field}"),
    }
}
