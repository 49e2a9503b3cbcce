//! `iface-list`, `iface-name` and `iface-mac`.

use virtus::InterfaceRef;
use virtus::calls::Remote;
use virtus::constants::{VIR_CONNECT_LIST_INTERFACES_ACTIVE, VIR_CONNECT_LIST_INTERFACES_INACTIVE};

use super::{interface_by, interfaces};
use crate::command::{Command, OUTPUT, Opt};
use crate::grammar::Arguments;
use crate::objects::{Lookup, holds, list_or, names_then, sort_by_name};
use crate::shell::{OrSay, Outcome, Shell, out};
use crate::show::Table;

pub(super) static LIST: Command = Command {
    name: "iface-list",
    summary: "list network interfaces of the host",
    about: "Lists active network interfaces of the host, or those that the options ask for.",
    options: &[
        Opt::flag("inactive", "interfaces that are not active"),
        Opt::flag("all", "interfaces that are active and interfaces that are not"),
        OUTPUT,
    ],
    run: list,
    ..Command::PLAIN
};

fn list(shell: &mut Shell, arguments: &Arguments) -> Outcome {
    arguments.exclusive("all", "inactive")?;
    let flags = match (arguments.has("all"), arguments.has("inactive")) {
        (true, _) => VIR_CONNECT_LIST_INTERFACES_ACTIVE | VIR_CONNECT_LIST_INTERFACES_INACTIVE,
        (false, true) => VIR_CONNECT_LIST_INTERFACES_INACTIVE,
        (false, false) => VIR_CONNECT_LIST_INTERFACES_ACTIVE,
    };
    let listed = shell.call(Remote::connect_list_all_interfaces(1, flags)).map(|reply| reply.ifaces.0);
    let mut interfaces = list_or(listed, "Failed to list interfaces", || by_names(shell, flags))?;
    sort_by_name(&mut interfaces, |interface| &interface.name);
    let mut table = Table::new(&["Name", "State", "MAC Address"]);
    for interface in interfaces {
        let active = holds(shell, Remote::interface_is_active(interface.clone()));
        let state = if active { "active" } else { "inactive" };
        table.row(vec![interface.name.into(), state.into(), interface.mac.into()]);
    }
    table.show(shell, arguments)
}

/// The same from a driver that only has the older calls.
fn by_names(shell: &Shell, flags: u32) -> Outcome<Vec<InterfaceRef>> {
    let mut names = Vec::new();
    if flags & VIR_CONNECT_LIST_INTERFACES_ACTIVE != 0 {
        let failed = "Failed to list active interfaces";
        let count = shell.call(Remote::connect_num_of_interfaces()).or_say(failed)?;
        names.extend(shell.call(Remote::connect_list_interfaces(count)).or_say(failed)?.0);
    }
    if flags & VIR_CONNECT_LIST_INTERFACES_INACTIVE != 0 {
        let failed = "Failed to list inactive interfaces";
        let count = shell.call(Remote::connect_num_of_defined_interfaces()).or_say(failed)?;
        names.extend(shell.call(Remote::connect_list_defined_interfaces(count)).or_say(failed)?.0);
    }
    Ok(names_then(names, |name| shell.call(Remote::interface_lookup_by_name(name)).ok()))
}

pub(super) static NAME: Command = Command {
    name: "iface-name",
    summary: "the name of the interface with a MAC address",
    options: &[Opt::text("interface", "the interface's MAC address").positional().required()],
    run: name,
    ..Command::PLAIN
};

fn name(shell: &mut Shell, arguments: &Arguments) -> Outcome {
    let interface = interface_by(shell, arguments.needed("interface")?, Lookup::Uuid)?;
    out!(shell, "{}\n", interface.name);
    Ok(())
}

pub(super) static MAC: Command = Command {
    name: "iface-mac",
    summary: "the MAC address of the interface with a name",
    options: &[Opt::text("interface", "the interface's name").positional().required().asks(interfaces)],
    run: mac,
    ..Command::PLAIN
};

fn mac(shell: &mut Shell, arguments: &Arguments) -> Outcome {
    let interface = interface_by(shell, arguments.needed("interface")?, Lookup::Name)?;
    out!(shell, "{}\n", interface.mac);
    Ok(())
}
