//! What a domain's definition says about its disks and interfaces: `domblklist`, `domblkerror`, `domiflist` and
//! `domif-getlink`.

use virtus::calls::Remote;

use crate::command::{ACTIVE_DOMAIN, CONFIG, Command, DOMAIN, OUTPUT, Opt};
use crate::complete;
use crate::grammar::Arguments;
use crate::shell::{Outcome, Shell, fail, out};
use crate::show::{Cell, Table};
use crate::xml::{self, Node};

const INACTIVE: Opt = Opt::flag("inactive", "what holds from the next boot on, not what runs");

pub(super) static DOMBLKLIST: Command = Command {
    name: "domblklist",
    summary: "list the disks of a domain",
    options: &[DOMAIN, INACTIVE, Opt::flag("details", "tell what kind of disk each is, too"), OUTPUT],
    run: domblklist,
    ..Command::PLAIN
};

fn domblklist(shell: &mut Shell, arguments: &Arguments) -> Outcome {
    let details = arguments.has("details");
    let text = shell.domain_xml(arguments, arguments.has("inactive"))?;
    let document = xml::parse(&text, "domain")?;
    let mut table = match details {
        true => Table::new(&["Type", "Device", "Target", "Source"]),
        false => Table::new(&["Target", "Source"]),
    };
    for disk in xml::children(document.root_element(), "devices/disk") {
        let kind = disk.attribute("type");
        let Some(target) = xml::attribute(disk, "target", "dev") else { fail!("unable to query block list") };
        let source = match kind {
            Some("nvme") => Some(nvme(disk)?),
            _ => first(disk, "source", &["file", "dev", "dir", "name", "volume", "path"]),
        };
        let mut row: Vec<Cell> = Vec::new();
        if details {
            row.push(kind.unwrap_or_default().into());
            row.push(disk.attribute("device").unwrap_or_default().into());
        }
        row.push(target.into());
        row.push(Cell::maybe(source));
        table.row(row);
    }
    table.show(shell, arguments)
}

/// Where on the host an NVMe disk is.
fn nvme(disk: Node<'_, '_>) -> Outcome<String> {
    let address = xml::child(disk, "source/address");
    let part = |name: &str| {
        let text = address?.attribute(name)?;
        u32::from_str_radix(text.trim_start_matches("0x"), 16).ok()
    };
    let namespace = xml::attribute(disk, "source", "namespace");
    match (part("domain"), part("bus"), part("slot"), part("function"), namespace) {
        (domain, Some(bus), Some(slot), Some(function), Some(namespace)) => {
            Ok(format!("nvme://{:04x}:{bus:02x}:{slot:02x}.{function}/{namespace}", domain.unwrap_or(0)))
        }
        _ => fail!("Unable to query NVMe disk address"),
    }
}

/// The first of these attributes, in the order in which they are written.
fn first(device: Node<'_, '_>, element: &str, names: &[&str]) -> Option<String> {
    let element = xml::child(device, element)?;
    let found = element.attributes().find(|attribute| names.contains(&attribute.name()))?;
    Some(found.value().to_owned()).filter(|value| !value.is_empty())
}

pub(super) static DOMIFLIST: Command = Command {
    name: "domiflist",
    summary: "list the network interfaces of a domain",
    options: &[DOMAIN, INACTIVE, OUTPUT],
    run: domiflist,
    ..Command::PLAIN
};

fn domiflist(shell: &mut Shell, arguments: &Arguments) -> Outcome {
    let text = shell.domain_xml(arguments, arguments.has("inactive"))?;
    let document = xml::parse(&text, "domain")?;
    let mut table = Table::new(&["Interface", "Type", "Source", "Model", "MAC"]);
    for interface in xml::children(document.root_element(), "devices/interface") {
        let of = |element, name| Cell::maybe(xml::attribute(interface, element, name));
        table.row(vec![
            of("target", "dev"),
            interface.attribute("type").unwrap_or_default().into(),
            Cell::maybe(first(interface, "source", &["bridge", "dev", "network", "name", "path"])),
            of("model", "type"),
            of("mac", "address"),
        ]);
    }
    table.show(shell, arguments)
}

pub(super) static DOMIF_GETLINK: Command = Command {
    name: "domif-getlink",
    summary: "tell whether a network interface's cable is plugged in",
    options: &[
        DOMAIN,
        Opt::text("interface", "the interface: its device on the host or its MAC address")
            .positional()
            .required()
            .asks(complete::interfaces),
        Opt::alias("persistent", "config"),
        CONFIG,
    ],
    run: domif_getlink,
    ..Command::PLAIN
};

fn domif_getlink(shell: &mut Shell, arguments: &Arguments) -> Outcome {
    let wanted = arguments.needed("interface")?;
    let text = shell.domain_xml(arguments, arguments.has("config"))?;
    let document = xml::parse(&text, "domain")?;
    let mac = normal_mac(wanted);
    let found: Vec<_> = xml::children(document.root_element(), "devices/interface")
        .into_iter()
        .filter(|interface| {
            let address = xml::attribute(*interface, "mac", "address");
            address.is_some_and(|a| Some(a) == mac.as_deref())
                || xml::attribute(*interface, "target", "dev") == Some(wanted)
        })
        .collect();
    match (found.as_slice(), mac) {
        ([interface], _) => {
            let state = xml::attribute(*interface, "link", "state").unwrap_or("up");
            out!(shell, "{wanted} {state}");
            Ok(())
        }
        ([], Some(mac)) => fail!("Interface (mac: {mac}) not found."),
        ([], None) => fail!("Interface (dev: {wanted}) not found."),
        _ => fail!("multiple matching interfaces found"),
    }
}

/// A MAC address as definitions have it; `None` when `text` is none.
pub(crate) fn normal_mac(text: &str) -> Option<String> {
    let bytes: Vec<u8> = text
        .split(':')
        .map(|part| match part.len() {
            1 | 2 => u8::from_str_radix(part, 16).ok(),
            _ => None,
        })
        .collect::<Option<_>>()?;
    let bytes = <[u8; 6]>::try_from(bytes).ok()?;
    Some(bytes.map(|byte| format!("{byte:02x}")).join(":"))
}

pub(super) static DOMBLKERROR: Command = Command {
    name: "domblkerror",
    summary: "tell errors of a domain's disks",
    options: &[ACTIVE_DOMAIN],
    run: domblkerror,
    ..Command::PLAIN
};

fn domblkerror(shell: &mut Shell, arguments: &Arguments) -> Outcome {
    let domain = shell.domain(arguments)?;
    let ask = |count| Remote::domain_get_disk_errors(domain.clone(), count, 0);
    let count = shell.call(ask(0))?.nerrors;
    let errors = match u32::try_from(count) {
        Ok(1..) => shell.call(ask(count as u32))?.errors.0,
        _ => Vec::new(),
    };
    if errors.is_empty() {
        out!(shell, "No errors found\n");
    }
    for error in errors {
        let words = ["no error", "unspecified error", "no space"];
        let word = usize::try_from(error.error)
            .ok()
            .and_then(|number| words.get(number))
            .unwrap_or(&"unknown error");
        out!(shell, "{}: {word}\n", error.disk);
    }
    Ok(())
}
