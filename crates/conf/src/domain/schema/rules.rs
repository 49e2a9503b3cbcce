//! Which parts of a domain go together by its schema, where the model lets more pass.

use virtus_base::Result;
use virtus_xml::Element;

use super::{Broken, wrong};

/// Elements of a domain of which there is one at most.
const ONCE: &[&str] = &[
    "name",
    "uuid",
    "genid",
    "title",
    "description",
    "metadata",
    "memory",
    "currentMemory",
    "maxMemory",
    "vcpu",
    "vcpus",
    "iothreads",
    "iothreadids",
    "os",
    "features",
    "cpu",
    "clock",
    "on_poweroff",
    "on_reboot",
    "on_crash",
    "on_lockfailure",
    "pm",
    "perf",
    "idmap",
    "devices",
    "numatune",
    "cputune",
    "blkiotune",
    "memtune",
    "memoryBacking",
    "resource",
    "keywrap",
    "bootloader",
    "bootloader_args",
];

/// Elements of a domain of which there may be more.
const MANY: &[&str] = &["seclabel", "sysinfo", "launchSecurity", "throttlegroups", "defaultiothread"];

/// Whether a domain has such an element.
pub(super) fn is_part(name: &str) -> bool {
    ONCE.contains(&name) || MANY.contains(&name)
}

/// Refuses a second one of what there is once.
pub(super) fn once(e: Element<'_>) -> Result<()> {
    let mut seen = std::collections::BTreeSet::new();
    for child in e.elements().filter(|child| ONCE.contains(&child.name())) {
        if !seen.insert(child.name()) {
            return Err(wrong(child, &format!("line {}: {} is there twice", child.line(), child.name())));
        }
    }
    Ok(())
}

fn at(e: Element<'_>, what: &str) -> Broken {
    Err(format!("line {}: {} {what}", e.line(), e.name()))
}

fn number(text: &str, most: usize) -> bool {
    (1..=most).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit())
}

/// What the schema wants of an element.
pub(super) fn check(e: Element<'_>) -> Broken {
    let has = |name: &str| e.elements().any(|inside| inside.name() == name);
    match (e.parent_name().unwrap_or_default(), e.name()) {
        ("domain", "os") => os(e),
        ("devices", "controller") => match e.peek("type") {
            Some("pci") if e.peek("model").is_none() => at(e, "lacks attribute model"),
            Some(other) if other != "usb" && has("master") => at(e, "has a master"),
            _ => Ok(()),
        },
        // hosts' CPUs, which name their architecture, just have their features
        (_, "cpu") if !has("arch") => {
            match e.elements().find(|part| part.name() == "feature" && part.peek("policy").is_none()) {
                Some(feature) => at(feature, "lacks attribute policy"),
                None => Ok(()),
            }
        }
        ("devices", "disk") => disk(e),
        ("devices", "input") => input(e),
        ("devices", "interface") => match e.peek("type") {
            Some(kind) if e.peek("managed").is_some() && kind != "hostdev" => at(e, "is managed"),
            Some(
                "network" | "direct" | "server" | "client" | "mcast" | "udp" | "vdpa" | "internal"
                | "hostdev",
            ) if !has("source") => at(e, "lacks source"),
            _ => Ok(()),
        },
        ("clock", "timer") => match (e.peek("name"), e.peek("tickpolicy")) {
            (Some("kvmclock" | "hypervclock"), Some(_)) => at(e, "has a policy"),
            (_, policy) if policy != Some("catchup") && has("catchup") => at(e, "catches up with nothing"),
            _ => Ok(()),
        },
        ("devices", "rng") => {
            let backend = e.elements().find(|b| b.name() == "backend");
            let path = backend.filter(|b| b.peek("model") == Some("random")).map(|b| b.peek_text());
            match path.is_some_and(|p| !p.is_empty() && !p.starts_with('/')) {
                true => at(e, "has a backend that is no absolute path"),
                false => Ok(()),
            }
        }
        // every character device may have it, whoever reads it
        (
            "serial" | "parallel" | "console" | "channel" | "redirdev" | "smartcard" | "backend",
            "protocol",
        ) => {
            let _ = e.accept().attr("type");
            Ok(())
        }
        // and these may be there twice
        ("bios" | "system" | "chassis" | "baseBoard", "entry") => {
            let _ = (e.accept().attr("name"), e.text());
            Ok(())
        }
        ("source", "address") => Ok(()),
        (_, "address") => address(e),
        _ => Ok(()),
    }
}

fn os(e: Element<'_>) -> Broken {
    let full = e.elements().find(|t| t.name() == "type").is_some_and(|t| t.peek_text() == "hvm");
    let contained = ["init", "initarg", "initenv", "initdir", "inituser", "initgroup"];
    match e.elements().find(|part| contained.contains(&part.name())) {
        Some(part) if full => at(part, "is for containers"),
        _ => Ok(()),
    }
}

fn address(e: Element<'_>) -> Broken {
    let lacks = |name: &str| e.peek(name).is_none();
    match e.peek("type") {
        Some("virtio-serial") if lacks("controller") => at(e, "lacks attribute controller"),
        Some("usb") if lacks("bus") => at(e, "lacks attribute bus"),
        Some("drive") => {
            let short = [("controller", 2), ("bus", 2), ("target", 10), ("unit", 5)];
            let fits = |(name, most)| e.peek(name).is_none_or(|text| number(text, most));
            match short.into_iter().all(fits) {
                true => Ok(()),
                false => at(e, "has a part that is no number"),
            }
        }
        Some("pci") => Ok(()),
        _ if e.elements().any(|inside| inside.name() == "zpci") => at(e, "has a zpci"),
        _ => Ok(()),
    }
}

fn input(e: Element<'_>) -> Broken {
    let source = e.elements().any(|inside| inside.name() == "source");
    match e.peek("type") {
        Some("passthrough") if e.peek("bus") != Some("virtio") || !source => {
            at(e, "is passed through wrongly")
        }
        Some("evdev") if e.peek("bus").is_some() => at(e, "has a bus"),
        Some("evdev") if !source => at(e, "lacks source"),
        Some("passthrough" | "evdev") => Ok(()),
        _ if source => at(e, "has a source"),
        _ => Ok(()),
    }
}

fn disk(e: Element<'_>) -> Broken {
    let kind = e.peek("type").unwrap_or("file");
    match e.peek("device") {
        Some("lun") if !matches!(kind, "block" | "network" | "volume") => {
            return at(e, "is a unit of no such type");
        }
        Some("lun") => {}
        _ if e.peek("rawio").is_some() || e.peek("sgio").is_some() => return at(e, "is no unit"),
        _ => {}
    }
    let Some(source) = e.elements().find(|inside| inside.name() == "source") else { return Ok(()) };
    let has = |name: &str| source.elements().any(|inside| inside.name() == name);
    match (kind, source.peek("protocol")) {
        ("vhostuser" | "nvme", _) if source.peek("type").is_none() => at(source, "lacks attribute type"),
        ("network", None) => at(source, "lacks attribute protocol"),
        ("network", Some("iscsi")) if source.peek("name").is_none() || !has("host") => {
            at(source, "lacks a name or a host")
        }
        ("network", _) if has("seclabel") => at(source, "has a label"),
        ("network", _) => Ok(()),
        _ if has("initiator") => at(source, "has an initiator"),
        _ => Ok(()),
    }
}
