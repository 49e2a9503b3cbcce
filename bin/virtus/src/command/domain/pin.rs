//! Which host CPUs a domain's threads run on: `vcpuinfo`, `vcpupin`, `emulatorpin` and `iothreadpin`.

use virtus::calls::Remote;
use virtus::constants::*;
use virtus::{DomainRef, Error, ErrorCode, ErrorDomain, Opaque};
use virtus_base::Bitmap;

use super::vcpu;
use crate::command::host::cpu_count;
use crate::command::{CONFIG, CURRENT, Command, DOMAIN, LIVE, OUTPUT, Opt};
use crate::grammar::{Arguments, Number, exclusive};
use crate::shell::{Failure, Outcome, Shell, extra, fail, out};
use crate::show::{Cell, Table};
use crate::xml;

/// A list may name no CPU at or past this.
const LIST_LIMIT: usize = 1024;

/// The map of CPUs that a list means; `r` is all of them.
fn parse(list: &str, count: usize) -> Outcome<Opaque<2_048>> {
    let map = match list.starts_with('r') {
        true => Bitmap::filled(count),
        false => {
            let invalid = || Failure::new(format_args!("Invalid cpulist '{list}'"));
            let map = Bitmap::parse(list).filter(|map| map.last().is_none_or(|last| last < LIST_LIMIT));
            let map = map.ok_or_else(|| {
                let text = format!("Failed to parse bitmap '{list}'");
                invalid().because(Error::new(ErrorDomain::NONE, ErrorCode::INVALID_ARG, text))
            })?;
            map.last().ok_or_else(invalid)?;
            map
        }
    };
    match map.last() {
        Some(last) if last >= count => fail!("CPU {last} in cpulist '{list}' exceed the maxcpu {count}"),
        last => Ok(map.to_bytes(last.map_or(1, |last| last / 8 + 1)).into()),
    }
}

/// How many bytes a map of so many CPUs has.
fn map_length(count: usize) -> usize {
    count.div_ceil(8)
}

fn wire_length(length: usize) -> i32 {
    i32::try_from(length).unwrap_or(i32::MAX)
}

/// The maps of several CPUs, of so many bytes each.
fn maps(bytes: &[u8], length: usize) -> Vec<Bitmap> {
    bytes.chunks(length.max(1)).map(Bitmap::from_bytes).collect()
}

pub(super) static VCPUINFO: Command = Command {
    name: "vcpuinfo",
    summary: "tell what a domain's virtual CPUs do and where",
    options: &[DOMAIN, Opt::flag("pretty", "print it for people")],
    run: vcpuinfo,
    ..Command::PLAIN
};

fn vcpuinfo(shell: &mut Shell, arguments: &Arguments) -> Outcome {
    let pretty = arguments.has("pretty");
    let domain = shell.domain(arguments)?;
    let count = cpu_count(shell)?;
    let info = shell.call(Remote::domain_get_info(domain.clone()))?;
    let length = map_length(count);
    let asked = Remote::domain_get_vcpus(domain.clone(), info.nr_virt_cpu.into(), wire_length(length));
    let reply = match shell.call(asked) {
        Ok(reply) => reply,
        Err(_) if i32::from(info.state) == VIR_DOMAIN_SHUTOFF => {
            return vcpuinfo_inactive(shell, &domain, count, pretty);
        }
        Err(error) => return Err(error.into()),
    };
    let maps = maps(&reply.cpumaps.0, length);
    for (index, vcpu) in reply.info.iter().enumerate() {
        if index > 0 {
            out!(shell, "\n");
        }
        let state = usize::try_from(vcpu.state).ok();
        let state =
            state.and_then(|state| ["offline", "running", "blocked"].get(state)).unwrap_or(&"no state");
        out!(shell, "{:<15} {}\n", "VCPU:", vcpu.number);
        out!(shell, "{:<15} {}\n", "CPU:", vcpu.cpu);
        out!(shell, "{:<15} {state}\n", "State:");
        if vcpu.cpu_time != 0 {
            out!(shell, "{:<15} {:.1}s\n", "CPU time:", vcpu.cpu_time as f64 / 1e9);
        }
        print_affinity(shell, &maps.get(index).cloned().unwrap_or_default(), count, pretty);
    }
    Ok(())
}

fn print_affinity(shell: &mut Shell, map: &Bitmap, count: usize, pretty: bool) {
    let text = match pretty {
        true => format!("{map} (out of {count})"),
        false => (0..count).map(|cpu| if map.contains(cpu) { 'y' } else { '-' }).collect(),
    };
    out!(shell, "{:<15} {text}\n", "CPU Affinity:");
}

/// What can be told of a domain that does not run.
fn vcpuinfo_inactive(shell: &mut Shell, domain: &DomainRef, count: usize, pretty: bool) -> Outcome {
    let text = shell.xml_of_domain(domain, VIR_DOMAIN_XML_INACTIVE)?;
    let online = online(&text)?;
    let length = map_length(count);
    let all = online.last().map_or(0, |last| last + 1);
    let reply = shell.call(Remote::domain_get_vcpu_pin_info(
        domain.clone(),
        wire_length(all),
        wire_length(length),
        VIR_DOMAIN_AFFECT_CONFIG,
    ))?;
    let maps = maps(&reply.cpumaps.0, length);
    for (index, vcpu) in online.iter().enumerate() {
        if index > 0 {
            out!(shell, "\n");
        }
        out!(shell, "{:<15} {vcpu}\n", "VCPU:");
        for title in ["CPU:", "State:", "CPU time"] {
            out!(shell, "{title:<15} N/A\n");
        }
        print_affinity(shell, &maps.get(vcpu).cloned().unwrap_or_default(), count, pretty);
    }
    Ok(())
}

/// The virtual CPUs that a definition has plugged in.
fn online(text: &str) -> Outcome<Bitmap> {
    let document = xml::parse(text, "domain")?;
    let root = document.root_element();
    let vcpu = xml::child(root, "vcpu");
    let maximum = vcpu.and_then(|vcpu| vcpu.text()).and_then(|text| u32::read(text.trim()));
    let Some(maximum) = maximum else { fail!("Failed to retrieve maximum vcpu count") };
    let current =
        vcpu.and_then(|vcpu| vcpu.attribute("current")).and_then(u32::read).filter(|count| *count > 0);
    let current = current.unwrap_or(maximum) as usize;
    let each = xml::children(root, "vcpus/vcpu");
    if each.is_empty() {
        return Ok(Bitmap::filled(current));
    }
    let enabled = each.iter().filter(|vcpu| vcpu.attribute("enabled") == Some("yes"));
    let online: Bitmap =
        enabled.filter_map(|vcpu| vcpu.attribute("id").and_then(u32::read)).map(|id| id as usize).collect();
    match online.len() == current {
        true => Ok(online),
        false => fail!("Failed to retrieve vcpu state bitmap"),
    }
}

pub(super) static VCPUPIN: Command = Command {
    name: "vcpupin",
    summary: "tell or choose the host CPUs that virtual CPUs run on",
    options: &[
        DOMAIN,
        Opt::number("vcpu", "the number of the virtual CPU").also_positional(),
        Opt::text("cpulist", "host CPUs, e.g. 0-3,^2, or r for all of them").also_positional().may_be_empty(),
        CONFIG,
        LIVE,
        CURRENT,
        OUTPUT,
    ],
    run: vcpupin,
    ..Command::PLAIN
};

fn vcpupin(shell: &mut Shell, arguments: &Arguments) -> Outcome {
    let flags = super::affect(arguments)?;
    let list = arguments.text("cpulist")?;
    if list.is_none() {
        exclusive(("live", arguments.has("live")), ("config", arguments.has("config")))?;
    }
    let vcpu = arguments.number::<u32>("vcpu")?;
    if list.is_some() && vcpu.is_none() {
        fail!("vcpupin: Missing vCPU number in pin mode.");
    }
    let count = cpu_count(shell)?;
    let domain = shell.domain(arguments)?;
    let (Some(list), Some(vcpu)) = (list, vcpu) else {
        return vcpupin_query(shell, arguments, &domain, vcpu, count, flags);
    };
    let map = parse(list, count)?;
    match flags {
        0 if !arguments.has("current") => shell.call(Remote::domain_pin_vcpu(domain, vcpu, map))?,
        flags => shell.call(Remote::domain_pin_vcpu_flags(domain, vcpu, map, flags))?,
    }
    Ok(())
}

fn vcpupin_query(
    shell: &mut Shell,
    arguments: &Arguments,
    domain: &DomainRef,
    vcpu: Option<u32>,
    count: usize,
    flags: u32,
) -> Outcome {
    let live = flags & VIR_DOMAIN_AFFECT_LIVE != 0;
    let vcpus = match vcpu::collect(shell, domain, flags | VIR_DOMAIN_VCPU_MAXIMUM, true)? {
        Some(vcpus) => vcpus,
        None if live => fail!("cannot get vcpupin for offline domain"),
        None => fail!("cannot get vcpupin for transient domain"),
    };
    if let Some(vcpu) = vcpu.filter(|vcpu| i64::from(*vcpu) >= i64::from(vcpus)) {
        let live = live || (flags & VIR_DOMAIN_AFFECT_CONFIG == 0 && shell.is_active(domain));
        let which = if live { "live" } else { "persistent" };
        fail!("vcpu {vcpu} is out of range of {which} cpu count {vcpus}");
    }
    let length = map_length(count);
    let asked = Remote::domain_get_vcpu_pin_info(domain.clone(), vcpus, wire_length(length), flags);
    // virsh says nothing when this fails
    let Ok(reply) = shell.call(asked) else { return Ok(()) };
    let known = usize::try_from(reply.num).unwrap_or(0);
    let mut table = Table::new(&["VCPU", "CPU Affinity"]);
    for (index, map) in maps(&reply.cpumaps.0, length).iter().enumerate().take(known) {
        if vcpu.is_none_or(|vcpu| vcpu as usize == index) {
            table.row(vec![Cell::from(index), map.to_string().into()]);
        }
    }
    table.show(shell, arguments)
}

pub(super) static EMULATORPIN: Command = Command {
    name: "emulatorpin",
    summary: "tell or choose the host CPUs that the emulator runs on",
    options: &[
        DOMAIN,
        Opt::text("cpulist", "host CPUs, e.g. 0-3,^2, or r for all of them").also_positional().may_be_empty(),
        CONFIG,
        LIVE,
        CURRENT,
    ],
    run: emulatorpin,
    ..Command::PLAIN
};

fn emulatorpin(shell: &mut Shell, arguments: &Arguments) -> Outcome {
    let given = super::affect(arguments)?;
    let stated = given != 0 || arguments.has("current");
    let domain = shell.domain(arguments)?;
    let list = arguments.text("cpulist")?;
    let count = cpu_count(shell)?;
    let Some(list) = list else {
        let length = wire_length(map_length(count));
        let reply = shell.call(Remote::domain_get_emulator_pin_info(domain, length, given))?;
        extra!(shell, "emulator: CPU Affinity\n{:-<34}\n       *: ", "");
        out!(shell, "{}\n", Bitmap::from_bytes(&reply.cpumaps.0));
        return Ok(());
    };
    let map = parse(list, count)?;
    let flags = if stated { given } else { VIR_DOMAIN_AFFECT_LIVE };
    Ok(shell.call(Remote::domain_pin_emulator(domain, map, flags))?)
}

pub(super) static IOTHREADPIN: Command = Command {
    name: "iothreadpin",
    summary: "choose the host CPUs that an I/O thread runs on",
    options: &[
        DOMAIN,
        Opt::number("iothread", "the number of the I/O thread").positional().required(),
        Opt::text("cpulist", "host CPUs, e.g. 0-3,^2, or r for all of them").positional().required(),
        CONFIG,
        LIVE,
        CURRENT,
    ],
    run: |shell, arguments| {
        let flags = super::affect(arguments)?;
        let domain = shell.domain(arguments)?;
        let thread = arguments.number::<u32>("iothread")?.unwrap_or(0);
        let list = arguments.needed("cpulist")?;
        let count = cpu_count(shell)?;
        let map = parse(list, count)?;
        Ok(shell.call(Remote::domain_pin_iothread(domain, thread, map, flags))?)
    },
    ..Command::PLAIN
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_name_cpus_that_are_there() {
        assert_eq!(parse("0-2,^1", 4).unwrap().0, [5]);
        assert_eq!(parse("r", 9).unwrap().0, [255, 1]);
        let wrong = |list| parse(list, 4).unwrap_err().lines().next().unwrap().to_owned();
        assert_eq!(wrong("x"), "Invalid cpulist 'x'");
        assert_eq!(wrong("0,^0"), "Invalid cpulist '0,^0'");
        assert_eq!(wrong("0,4"), "CPU 4 in cpulist '0,4' exceed the maxcpu 4");
    }

    #[test]
    fn the_definition_says_what_is_plugged_in() {
        let online = |text| online(text).map(|map| map.to_string());
        assert_eq!(online("<domain><vcpu current='2'>4</vcpu></domain>").unwrap(), "0-1");
        assert_eq!(
            online(
                "<domain><vcpu current='1'>2</vcpu><vcpus><vcpu id='0' enabled='no'/>\
                 <vcpu id='1' enabled='yes'/></vcpus></domain>"
            )
            .unwrap(),
            "1"
        );
    }
}
