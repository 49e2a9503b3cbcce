//! Bridges between the host's interfaces and guests: `iface-bridge` and `iface-unbridge`.

use virtus::calls::Remote;
use virtus::constants::VIR_INTERFACE_XML_INACTIVE;

use super::{interface_by, interfaces};
use crate::command::{Command, Opt};
use crate::grammar::Arguments;
use crate::objects::{Lookup, act};
use crate::shell::{OrSay, Outcome, Shell, extra, fail};
use crate::xml;
use crate::xml::tree::Tree;

pub(super) static BRIDGE: Command = Command {
    name: "iface-bridge",
    summary: "make a bridge and attach an interface of the host to it",
    options: &[
        Opt::text("interface", "the interface").positional().required().asks(interfaces),
        Opt::text("bridge", "the name of the bridge").positional().required(),
        Opt::flag("no-stp", "switch the spanning tree protocol off"),
        Opt::number("delay", "seconds that the bridge learns before it forwards").also_positional(),
        Opt::flag("no-start", "do not start the bridge"),
    ],
    run: bridge,
    ..Command::PLAIN
};

/// What belongs to the interface itself and goes where it goes.
const OWN: [&str; 3] = ["mac", "bond", "vlan"];

/// Moves what belongs to an interface.
fn move_own(from: &mut Tree, to: &mut Tree) {
    for name in OWN {
        while let Some(part) = from.remove(name) {
            to.push(part);
        }
    }
}

fn bridge(shell: &mut Shell, arguments: &Arguments) -> Outcome {
    let name = arguments.needed("interface")?;
    let interface = interface_by(shell, name, Lookup::Name)?;
    let bridge = arguments.needed("bridge")?;
    if shell.call(Remote::interface_lookup_by_name(bridge.to_owned())).is_ok() {
        fail!("Network device {bridge} already exists");
    }
    let stp = !arguments.has("no-stp");
    let delay = arguments.number::<u32>("delay")?.unwrap_or(0);
    let text = shell.call(Remote::interface_get_xml_desc(interface, VIR_INTERFACE_XML_INACTIVE))?;
    let document = xml::parse(&text, "interface definition")
        .or_say(format_args!("Failed to parse configuration of {name}"))?;
    let mut top = Tree::of(document.root_element());
    let Some(kind) = top.attribute("type").map(str::to_owned) else {
        fail!("Existing device {name} has no type");
    };
    if kind == "bridge" {
        fail!("Existing device {name} is already a bridge");
    }
    match top.attribute("name") {
        Some(own) if own == name => {}
        own => {
            let own = own.unwrap_or("(null)");
            fail!("Interface name from config {own} doesn't match given supplied name {name}");
        }
    }
    top.set_attribute("type", "bridge");
    top.set_attribute("name", bridge);
    let mut port = Tree::new("interface");
    port.set_attribute("type", &kind);
    port.set_attribute("name", name);
    move_own(&mut top, &mut port);
    let mut middle = Tree::new("bridge");
    middle.set_attribute("stp", if stp { "on" } else { "off" });
    if stp {
        middle.set_attribute("delay", &delay.to_string());
    }
    middle.push(port);
    top.push(middle);
    let made = shell
        .call(Remote::interface_define_xml(top.text(), 0))
        .or_say(format_args!("Failed to define new bridge interface {bridge}"))?;
    extra!(shell, "Created bridge {bridge} with attached device {name}\n");
    match arguments.has("no-start") {
        true => Ok(()),
        false => act(
            shell,
            Remote::interface_create(made, 0),
            format_args!("Bridge interface {bridge} started"),
            format_args!("Failed to start bridge interface {bridge}"),
        ),
    }
}

pub(super) static UNBRIDGE: Command = Command {
    name: "iface-unbridge",
    summary: "detach an interface of the host from its bridge, and remove the bridge",
    options: &[
        Opt::text("bridge", "the bridge").positional().required().asks(interfaces),
        Opt::flag("no-start", "do not start the interface that was attached"),
    ],
    run: unbridge,
    ..Command::PLAIN
};

fn unbridge(shell: &mut Shell, arguments: &Arguments) -> Outcome {
    let name = arguments.needed("bridge")?;
    let bridge = interface_by(shell, name, Lookup::Name)?;
    let text = shell.call(Remote::interface_get_xml_desc(bridge.clone(), VIR_INTERFACE_XML_INACTIVE))?;
    let document = xml::parse(&text, "bridge interface definition")
        .or_say(format_args!("Failed to parse configuration of {name}"))?;
    let root = document.root_element();
    match root.attribute("type") {
        None => fail!("Existing device {name} has no type"),
        Some("bridge") => {}
        Some(_) => fail!("Device {name} is not a bridge"),
    }
    match root.attribute("name") {
        Some(own) if own == name => {}
        own => {
            let own = own.unwrap_or("(null)");
            fail!("Interface name from config {own} doesn't match given supplied name {name}");
        }
    }
    if xml::child(root, "bridge").is_none() {
        fail!("No bridge node in xml document");
    }
    let ports = xml::children(root, "bridge/interface");
    let port = match ports.as_slice() {
        [] => fail!("No interface attached to bridge"),
        [port] => *port,
        _ => fail!("Multiple interfaces attached to bridge"),
    };
    let Some(own) = port.attribute("name") else {
        fail!("Device attached to bridge {name} has no name");
    };
    let Some(kind) = port.attribute("type") else { fail!("Attached device {own} has no type") };
    let mut top = Tree::of(root);
    top.remove("bridge");
    top.set_attribute("type", kind);
    top.set_attribute("name", own);
    move_own(&mut Tree::of(port), &mut top);
    shell
        .call(Remote::interface_destroy(bridge.clone(), 0))
        .or_say(format_args!("Failed to destroy bridge interface {name}"))?;
    shell
        .call(Remote::interface_undefine(bridge))
        .or_say(format_args!("Failed to undefine bridge interface {name}"))?;
    let made = shell
        .call(Remote::interface_define_xml(top.text(), 0))
        .or_say(format_args!("Failed to define new interface {own}"))?;
    extra!(shell, "Device {own} un-attached from bridge {name}\n");
    match arguments.has("no-start") {
        true => Ok(()),
        false => act(
            shell,
            Remote::interface_create(made, 0),
            format_args!("Interface {own} started"),
            format_args!("Failed to start interface {own}"),
        ),
    }
}
