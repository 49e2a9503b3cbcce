//! Reading as strictly as the document's schema: nothing unknown, nothing left out that the schema demands,
//! and every value of its type. The model knows all but a few of the schema's rules; those are here.

use virtus_base::{Error, ErrorCode, ErrorDomain, Result};
use virtus_xml::{Element, Xml};

use super::Domain;
use crate::architecture::is_architecture;

/// The schema, where it is installed: clients know the error by it.
const SCHEMA: &str = "/usr/share/libvirt/schemas/domain.rng";

/// The error of a document the schema does not allow.
pub fn error(what: impl std::fmt::Display) -> Error {
    Error::new(
        ErrorDomain::XML,
        ErrorCode::XML_INVALID_SCHEMA,
        format!("Unable to validate doc against {SCHEMA}\n{what}"),
    )
}

/// Something nobody asked for stands at `line`.
pub(super) fn unknown(root: Element<'_>, kind: &str, name: &str, line: u32) -> Error {
    // to tell one line takes reading all before it
    let parts: Vec<Element<'_>> = root.elements().collect();
    let after = parts.partition_point(|part| part.line() <= line);
    let around = after.checked_sub(1).and_then(|last| parts.get(last).copied());
    error(format_args!("{}line {line}: unexpected {kind} {name}", as_a_validator(around)))
}

/// What a validator of schemas says first: which part of the domain it gave up at.
fn as_a_validator(part: Option<Element<'_>>) -> String {
    let part = part.map_or("domain", |part| part.name());
    // these stand in a group of their own in the schema
    let grouped =
        ["memory", "currentMemory", "maxMemory", "vcpu", "on_poweroff", "on_reboot", "on_crash", "os"];
    let mut text = match part {
        "domain" => String::new(),
        "os" => "Element os failed to validate content\n".to_owned(),
        part => format!("Extra element {part} in interleave\n"),
    };
    if grouped.contains(&part) {
        text.push_str("Invalid sequence in interleave\n");
    }
    text.push_str("Element domain failed to validate content\n");
    text
}

/// Reads a definition; whatever is wrong with a value is an error of the schema.
pub(super) fn read(e: Element<'_>) -> Result<Domain> {
    e.elements().try_for_each(|part| rules(part).map_err(|what| wrong(part, &what)))?;
    once(e)?;
    if let Some(devices) = e.child("devices") {
        devices.elements().try_for_each(device).map_err(|what| wrong(devices, &what))?;
    }
    let arch = e.descend(&["os", "type"]).and_then(|t| t.attr("arch"));
    if arch.is_some_and(|arch| !is_architecture(arch)) {
        return Err(error("os names an unknown architecture"));
    }
    if e.child("os").is_none() {
        // the schema does without
        return Domain::read(e);
    }
    Domain::read(e).map_err(|found| match CONTRADICTIONS.iter().any(|c| found.message().contains(c)) {
        true => found,
        false => error(found.message()),
    })
}

/// What only more than one value together makes wrong; the schema does not see it.
const CONTRADICTIONS: &[&str] = &[
    "source elements are allowed",
    "specified more than once",
    "definition already found",
    "Invalid value of 'nodeset'",
    "requires TPM version",
    "is already provided",
    "when using multiple labels",
    "USB is disabled",
    "USB bus is disabled",
    "Colliding cache allocations",
    "vcpus in ",
    "must not overlap",
    "automatic NUMA placement",
    "without CPU model",
    "exceeds the <vcpu> count",
    "overlapping vCPU ids",
];

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

/// Refuses a second one of what there is once.
fn once(e: Element<'_>) -> Result<()> {
    let mut seen = std::collections::BTreeSet::new();
    for child in e.elements().filter(|child| ONCE.contains(&child.name())) {
        if !seen.insert(child.name()) {
            return Err(wrong(child, &format!("line {}: {} is there twice", child.line(), child.name())));
        }
    }
    Ok(())
}

/// What a rule says that is broken.
type Broken = std::result::Result<(), String>;

fn at(e: Element<'_>, what: &str) -> Broken {
    Err(format!("line {}: {} {what}", e.line(), e.name()))
}

/// The error of a rule that is broken somewhere in this part of the domain.
fn wrong(part: Element<'_>, what: &str) -> Error {
    error(format_args!("{}{what}", as_a_validator(Some(part))))
}

/// What the schema wants of the elements of a domain.
fn rules(e: Element<'_>) -> Broken {
    match e.name() {
        "clock" if e.attr("offset").is_none() => at(e, "lacks attribute offset"),
        "on_poweroff" | "on_reboot" | "on_crash" if e.text().is_none() => at(e, "is empty"),
        _ => Ok(()),
    }
}

/// What the schema wants of devices.
fn device(e: Element<'_>) -> Broken {
    match e.name() {
        "emulator" if !e.text().is_some_and(|t| t.starts_with('/')) => at(e, "is no absolute path")?,
        "controller" => match e.attr("type") {
            None => at(e, "lacks attribute type")?,
            Some("pci") if e.attr("model").is_none() => at(e, "lacks attribute model")?,
            _ => {}
        },
        "disk" => disk(e)?,
        "input"
            if !matches!(e.attr("type"), Some("passthrough" | "evdev")) && e.child("source").is_some() =>
        {
            at(e, "has a source")?
        }
        "input" if e.attr("type") == Some("evdev") && e.attr("bus").is_some() => at(e, "has a bus")?,
        "rng" => {
            let path =
                e.child("backend").filter(|b| b.attr("model") == Some("random")).and_then(|b| b.text());
            if path.is_some_and(|p| !p.starts_with('/')) {
                return at(e, "has a backend that is no absolute path");
            }
        }
        _ => {}
    }
    match e.child("address") {
        Some(address)
            if address.attr("type") == Some("virtio-serial") && address.attr("controller").is_none() =>
        {
            at(address, "lacks attribute controller")
        }
        Some(address) if address.attr("type") == Some("drive") => {
            let number = |name: &str| {
                address.attr(name).is_none_or(|t| !t.is_empty() && t.bytes().all(|b| b.is_ascii_digit()))
            };
            match ["controller", "bus", "target", "unit"].iter().all(|name| number(name)) {
                true => Ok(()),
                false => at(address, "has a part that is no number"),
            }
        }
        _ => Ok(()),
    }
}

fn disk(e: Element<'_>) -> Broken {
    let name = e.child("target").and_then(|t| t.attr("dev")).unwrap_or_default();
    let name = name.strip_prefix("ioemu:").unwrap_or(name);
    let prefix = ["fd", "hd", "sd", "vd", "xvd", "ubd"].iter().find_map(|p| name.strip_prefix(p));
    if !prefix.is_some_and(|rest| rest.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')) {
        return at(e, "has a target of a name that is none");
    }
    let Some(source) = e.child("source") else { return Ok(()) };
    match (e.attr("type").unwrap_or("file"), source.attr("protocol")) {
        ("network", Some("iscsi")) if source.attr("name").is_none() || source.child("host").is_none() => {
            at(source, "lacks a name or a host")
        }
        ("network", _) if source.child("seclabel").is_some() => at(source, "has a label"),
        ("network", _) => Ok(()),
        _ if source.child("initiator").is_some() => at(source, "has an initiator"),
        _ => Ok(()),
    }
}
