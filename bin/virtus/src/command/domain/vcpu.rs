//! Virtual CPUs: `vcpucount`, `setvcpus`, `setvcpu` and `guestvcpus`.

use virtus::calls::Remote;
use virtus::constants::*;
use virtus::{DomainRef, ErrorCode};

use super::params;
use crate::command::{ACTIVE_DOMAIN, CONFIG, CURRENT, Command, DOMAIN, LIVE, Opt};
use crate::grammar::{Arguments, Number, exclusive, requires};
use crate::shell::{Failure, Outcome, Shell, fail, out};
use crate::xml;

pub(super) static COUNT: Command = Command {
    name: "vcpucount",
    summary: "tell how many virtual CPUs a domain has",
    options: &[
        DOMAIN,
        Opt::flag("maximum", "the most there can be"),
        Opt::flag("active", "the number that is in use"),
        LIVE,
        Opt::flag("config", "x"),
        CURRENT,
        Opt::flag("guest", "ask the guest's agent"),
    ],
    run: count,
    ..Command::PLAIN
};

fn count(shell: &mut Shell, arguments: &Arguments) -> Outcome {
    let [maximum, active, config, live, guest] =
        ["maximum", "active", "config", "live", "guest"].map(|name| (name, arguments.has(name)));
    let all =
        ![maximum, active, config, live, guest].iter().any(|(_, given)| *given) && !arguments.has("current");
    // `--current` once meant what `--active` means
    let current = ("current", arguments.has("current") && (maximum.1 || active.1));
    exclusive(live, config)?;
    exclusive(current, live)?;
    exclusive(current, config)?;
    exclusive(active, maximum)?;
    exclusive(guest, config)?;
    let flags = arguments.flags(&[
        ("live", VIR_DOMAIN_AFFECT_LIVE),
        ("config", VIR_DOMAIN_AFFECT_CONFIG),
        ("maximum", VIR_DOMAIN_VCPU_MAXIMUM),
        ("guest", VIR_DOMAIN_VCPU_GUEST),
    ]);
    let domain = shell.domain(arguments)?;
    if !all {
        let count = collect(shell, &domain, flags, false)?.unwrap_or(0);
        out!(shell, "{count}\n");
        return Ok(());
    }
    let (config, live) = (VIR_DOMAIN_AFFECT_CONFIG, VIR_DOMAIN_AFFECT_LIVE);
    let rows = [
        ("maximum", "config", collect(shell, &domain, config | VIR_DOMAIN_VCPU_MAXIMUM, true)?),
        ("maximum", "live", collect(shell, &domain, live | VIR_DOMAIN_VCPU_MAXIMUM, true)?),
        ("current", "config", collect(shell, &domain, config, true)?),
        ("current", "live", collect(shell, &domain, live, true)?),
    ];
    for (which, state, count) in rows {
        if let Some(count) = count.filter(|count| *count > 0) {
            out!(shell, "{which:<12} {state:<12} {count:>3}\n");
        }
    }
    Ok(())
}

/// How many virtual CPUs; `None` when the domain is not in the state that the flags are about.
pub(super) fn collect(shell: &Shell, domain: &DomainRef, flags: u32, check: bool) -> Outcome<Option<i32>> {
    let is = |request| shell.call(request).is_ok_and(|yes: i32| yes == 1);
    if check
        && ((flags & VIR_DOMAIN_AFFECT_LIVE != 0 && !shell.is_active(domain))
            || (flags & VIR_DOMAIN_AFFECT_CONFIG != 0 && !is(Remote::domain_is_persistent(domain.clone()))))
    {
        return Ok(None);
    }
    let error = match shell.call(Remote::domain_get_vcpus_flags(domain.clone(), flags)) {
        Ok(count) => return Ok(Some(count)),
        Err(error) => error,
    };
    if !matches!(error.code(), ErrorCode::NO_SUPPORT | ErrorCode::INVALID_ARG) {
        return Err(error.into());
    }
    if flags & VIR_DOMAIN_VCPU_GUEST != 0 {
        return Err(Failure::new("Failed to retrieve vCPU count from the guest").because(error));
    }
    // a driver that knows the calls of old only
    let either = VIR_DOMAIN_AFFECT_LIVE | VIR_DOMAIN_AFFECT_CONFIG;
    let live = flags & VIR_DOMAIN_AFFECT_LIVE != 0 || (flags & either == 0 && shell.is_active(domain));
    let maximum = flags & VIR_DOMAIN_VCPU_MAXIMUM != 0;
    if live {
        return Ok(Some(match maximum {
            true => shell.call(Remote::domain_get_max_vcpus(domain.clone()))?,
            false => shell.call(Remote::domain_get_info(domain.clone()))?.nr_virt_cpu.into(),
        }));
    }
    let text = shell.xml_of_domain(domain, VIR_DOMAIN_XML_INACTIVE)?;
    let document = xml::parse(&text, "domain")?;
    let vcpu = xml::child(document.root_element(), "vcpu");
    let (text, which) = match maximum {
        true => (vcpu.and_then(|vcpu| vcpu.text()), "maximum"),
        false => (vcpu.and_then(|vcpu| vcpu.attribute("current")), "current"),
    };
    match text.and_then(|text| i32::read(text.trim())) {
        Some(count) => Ok(Some(count)),
        None => fail!("Failed to retrieve {which} vcpu count"),
    }
}

pub(super) static SET: Command = Command {
    name: "setvcpus",
    summary: "change how many virtual CPUs a domain has",
    options: &[
        DOMAIN,
        Opt::number("count", "how many virtual CPUs").positional().required(),
        Opt::flag("maximum", "the most there can be"),
        CONFIG,
        LIVE,
        CURRENT,
        Opt::flag("guest", "ask the guest's agent"),
        Opt::flag("hotpluggable", "let the new CPUs be unpluggable"),
    ],
    run: set,
    ..Command::PLAIN
};

fn set(shell: &mut Shell, arguments: &Arguments) -> Outcome {
    let mut flags = super::affect(arguments)?;
    arguments.exclusive("guest", "config")?;
    requires(("maximum", arguments.has("maximum")), ("config", arguments.has("config")))?;
    flags |= arguments.flags(&[
        ("guest", VIR_DOMAIN_VCPU_GUEST),
        ("maximum", VIR_DOMAIN_VCPU_MAXIMUM),
        ("hotpluggable", VIR_DOMAIN_VCPU_HOTPLUGGABLE),
    ]);
    let domain = shell.domain(arguments)?;
    let count = arguments.number::<u32>("count")?.unwrap_or(0);
    if count == 0 {
        fail!("Can't set 0 processors for a VM");
    }
    match flags {
        0 if !arguments.has("current") => shell.call(Remote::domain_set_vcpus(domain, count))?,
        flags => shell.call(Remote::domain_set_vcpus_flags(domain, count, flags))?,
    }
    Ok(())
}

pub(super) static SET_ONE: Command = Command {
    name: "setvcpu",
    summary: "plug some virtual CPUs in or out",
    options: &[
        DOMAIN,
        Opt::text("vcpulist", "virtual CPUs, e.g. 0-3,^2").positional().required(),
        Opt::flag("enable", "switch it on"),
        Opt::flag("disable", "switch it off"),
        CONFIG,
        LIVE,
        CURRENT,
    ],
    run: |shell, arguments| {
        arguments.exclusive("enable", "disable")?;
        let flags = super::affect(arguments)?;
        if !arguments.has("enable") && !arguments.has("disable") {
            fail!("one of --enable, --disable is required");
        }
        let list = arguments.needed("vcpulist")?.to_owned();
        let domain = shell.domain(arguments)?;
        let on = i32::from(arguments.has("enable"));
        Ok(shell.call(Remote::domain_set_vcpu(domain, list, on, flags))?)
    },
    ..Command::PLAIN
};

pub(super) static GUEST: Command = Command {
    name: "guestvcpus",
    summary: "tell which virtual CPUs a guest uses, or have it use others",
    options: &[
        ACTIVE_DOMAIN,
        Opt::text("cpulist", "virtual CPUs, e.g. 0-3,^2").also_positional(),
        Opt::flag("enable", "switch it on"),
        Opt::flag("disable", "switch it off"),
    ],
    run: |shell, arguments| {
        arguments.exclusive("enable", "disable")?;
        arguments.requires("enable", "cpulist")?;
        arguments.requires("disable", "cpulist")?;
        let list = arguments.text("cpulist")?.map(str::to_owned);
        if list.is_some() && !arguments.has("enable") && !arguments.has("disable") {
            fail!("One of options --enable or --disable is required by option --cpulist");
        }
        let domain = shell.domain(arguments)?;
        if let Some(list) = list {
            let on = i32::from(arguments.has("enable"));
            return Ok(shell.call(Remote::domain_set_guest_vcpus(domain, list, on, 0))?);
        }
        let params = shell.call(Remote::domain_get_guest_vcpus(domain, 0))?;
        params::print(shell, &params);
        Ok(())
    },
    ..Command::PLAIN
};
