//! Reading as strictly as the document's schema: nothing unknown, nothing left out that the schema demands,
//! and every value of its type. The model knows most of the schema's rules; the others are here ([`rules`]: which
//! parts go together; [`forms`]: what a value looks like).

mod forms;
mod rules;

use virtus_base::{Error, ErrorCode, ErrorDomain, Result};
use virtus_xml::{Element, Xml};

use super::Domain;
use super::device::Device;
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
    forms::check(e)
        .map_err(|what| error(format_args!("Element domain failed to validate content\n{what}")))?;
    for part in e.elements() {
        check(part, 0).map_err(|what| wrong(part, &what))?;
    }
    rules::once(e)?;
    let arch = e.descend(&["os", "type"]).and_then(|t| t.attr("arch"));
    if arch.is_some_and(|arch| !is_architecture(arch)) {
        return Err(error("os names an unknown architecture"));
    }
    // the schema does without the element `os`
    let without = e.child("os").is_none();
    Domain::read(e).map_err(|found| match contradicts(&found) || without && is_os(&found) {
        true => found,
        false => error(found.message()),
    })
}

fn is_os(found: &Error) -> bool {
    found.message().contains("an os <type> must be specified")
}

/// Whether an error of reading is about what the schema does not see.
pub fn contradicts(found: &Error) -> bool {
    CONTRADICTIONS.iter().any(|text| found.message().contains(text))
}

/// Reading ended at what the schema does not see. The document is looked through to its end, for what it does see
/// comes first wherever it stands.
pub(super) fn to_the_end(e: Element<'_>) -> Result<()> {
    let _ = (e.attr("type"), e.attr("id"));
    for part in e.elements() {
        match part.name() {
            "devices" => part.accept().elements().try_for_each(device_to_its_end)?,
            name if rules::is_part(name) || part.namespace().is_some() => drop(part.accept_all()),
            _ => {}
        }
    }
    Ok(())
}

fn device_to_its_end(e: Element<'_>) -> Result<()> {
    if e.name() == "emulator" {
        e.accept_all();
        return Ok(());
    }
    match Device::from_element(e.accept()) {
        Ok(_) => Ok(()),
        Err(found) if contradicts(&found) => {
            e.accept_all();
            Ok(())
        }
        Err(found) => Err(wrong(e, found.message())),
    }
}

/// Holds a `<cpu>` that is a document of its own against what the schema says of values.
///
/// # Errors
/// What is wrong, in words.
pub fn follow_cpu(e: Element<'_>) -> std::result::Result<(), String> {
    check(e, 0)
}

/// Holds the definition inside another document against the schema. What is unknown there is found with the rest of
/// that document.
///
/// # Errors
/// `XML_INVALID_SCHEMA` alone; what else is wrong is told by who reads it.
pub(crate) fn follow(e: Element<'_>) -> Result<()> {
    match read(e) {
        Ok(_) => Ok(()),
        Err(found) if found.code() == ErrorCode::XML_INVALID_SCHEMA => Err(found),
        Err(_) => to_the_end(e),
    }
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
    "Missing CPU model name",
    "exceeds the <vcpu> count",
    "overlapping vCPU ids",
    "in element 'model': Zero",
    "duplicate vcpupin",
    "Duplicate NUMA cell info",
    "Exactly one 'cell' element",
    "Invalid port number",
    "in element 'address': '0x",
    "attribute 'id' in element 'audio'",
    "duplicate cookie",
    "requires a 'source' element",
    "missing profileid",
    "only one source element",
    "was already specified",
    "is out of range of maximum",
    "is already occupied",
    "No master USB controller",
    "Attribute migratable is only",
    "must match 'address' attribute",
    "maximum vCPU count must not",
    "unknown target type",
    "is not present in domain definition",
    "value too large",
];

/// Whether snapshots and checkpoints may name a disk so: by what it is in the guest, or where its bytes are.
pub(crate) fn names_disk(name: &str) -> bool {
    forms::fits("disk-name", name) || forms::fits("path", name)
}

/// What a rule says that is broken.
type Broken = std::result::Result<(), String>;

/// No part of a domain's schema nests deeper, but chains of images, of which the inner ones are like the outer.
const DEEP: usize = 16;

/// Holds an element and all in it against the rules and the forms of values.
fn check(e: Element<'_>, depth: usize) -> Broken {
    if e.name() == "metadata" || depth > DEEP || e.namespace().is_some() {
        return Ok(());
    }
    forms::check(e)?;
    rules::check(e)?;
    e.elements().try_for_each(|inside| check(inside, depth + 1))
}

/// The error of a rule that is broken somewhere in this part of the domain.
fn wrong(part: Element<'_>, what: &str) -> Error {
    error(format_args!("{}{what}", as_a_validator(Some(part))))
}
