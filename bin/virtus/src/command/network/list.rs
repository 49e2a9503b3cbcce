//! `net-list`, `net-info`, `net-name` and `net-uuid`.

use virtus::NetworkRef;
use virtus::calls::Remote;
use virtus::constants::*;

use super::{NETWORK, description, network, network_by, networks};
use crate::command::{Command, OUTPUT, Opt};
use crate::grammar::Arguments;
use crate::objects::{Lookup, fact, holds, list_or, names_then, sort_by_name, word};
use crate::shell::{OrSay, Outcome, Shell, fail, out};
use crate::show::{Cell, Table};

pub(super) static LIST: Command = Command {
    name: "net-list",
    summary: "list networks",
    about: "Lists active networks, or those that the options ask for.",
    options: &[
        Opt::flag("inactive", "networks that are not active"),
        Opt::flag("all", "networks that are active and networks that are not"),
        Opt::flag("persistent", "networks with a stored definition"),
        Opt::flag("transient", "networks without a stored definition"),
        Opt::flag("autostart", "networks that start with the daemon"),
        Opt::flag("no-autostart", "networks that do not start with the daemon"),
        Opt::flag("uuid", "print UUIDs"),
        Opt::flag("name", "print names"),
        Opt::flag("table", "print a table (what happens without --uuid and --name)"),
        Opt::flag("title", "print titles"),
        OUTPUT,
    ],
    run: list,
    ..Command::PLAIN
};

/// Options that choose networks.
const FILTERS: [(&str, u32); 4] = [
    ("persistent", VIR_CONNECT_LIST_NETWORKS_PERSISTENT),
    ("transient", VIR_CONNECT_LIST_NETWORKS_TRANSIENT),
    ("autostart", VIR_CONNECT_LIST_NETWORKS_AUTOSTART),
    ("no-autostart", VIR_CONNECT_LIST_NETWORKS_NO_AUTOSTART),
];

fn list(shell: &mut Shell, arguments: &Arguments) -> Outcome {
    let [table, names, uuids, titles] = ["table", "name", "uuid", "title"].map(|name| arguments.has(name));
    let mut flags = VIR_CONNECT_LIST_NETWORKS_ACTIVE;
    if arguments.has("inactive") {
        flags = VIR_CONNECT_LIST_NETWORKS_INACTIVE;
    }
    if arguments.has("all") {
        flags = VIR_CONNECT_LIST_NETWORKS_ACTIVE | VIR_CONNECT_LIST_NETWORKS_INACTIVE;
    }
    flags |= arguments.flags(&FILTERS);
    if [table, names, uuids].into_iter().filter(|chosen| *chosen).count() > 1 {
        fail!("Only one argument from --table, --name and --uuid may be specified.");
    }
    let listed = shell.call(Remote::connect_list_all_networks(1, flags)).map(|reply| reply.nets.0);
    let mut networks = list_or(listed, "Failed to list networks", || by_names(shell, flags))?;
    sort_by_name(&mut networks, |network| &network.name);
    if uuids || names {
        for network in networks {
            match uuids {
                true => out!(shell, "{}\n", network.uuid),
                false => out!(shell, "{}\n", network.name),
            }
        }
        return Ok(());
    }
    let mut columns = vec!["Name", "State", "Autostart", "Persistent"];
    if titles {
        columns.push("Title");
    }
    let mut table = Table::new(&columns);
    for network in networks {
        let autostart = match shell.call(Remote::network_get_autostart(network.clone())) {
            Ok(on) => Cell::flag(on != 0, "yes", "no"),
            Err(_) => Cell::new("no autostart", false),
        };
        let active = holds(shell, Remote::network_is_active(network.clone()));
        let persistent = holds(shell, Remote::network_is_persistent(network.clone()));
        let mut row = vec![
            network.name.as_str().into(),
            (if active { "active" } else { "inactive" }).into(),
            autostart,
            Cell::flag(persistent, "yes", "no"),
        ];
        if titles {
            row.push(description::title(shell, &network)?.into());
        }
        table.row(row);
    }
    table.show(shell, arguments)
}

/// Those that are active, those that are not, or both, from a driver that only has the older calls.
fn by_names(shell: &Shell, flags: u32) -> Outcome<Vec<NetworkRef>> {
    let mut names = Vec::new();
    if flags & VIR_CONNECT_LIST_NETWORKS_ACTIVE != 0 {
        let count = shell.call(Remote::connect_num_of_networks());
        let count = count.or_say("Failed to get the number of active networks")?;
        let listed = shell.call(Remote::connect_list_networks(count));
        names.extend(listed.or_say("Failed to list active networks")?.0);
    }
    if flags & VIR_CONNECT_LIST_NETWORKS_INACTIVE != 0 {
        let count = shell.call(Remote::connect_num_of_defined_networks());
        let count = count.or_say("Failed to get the number of inactive networks")?;
        let listed = shell.call(Remote::connect_list_defined_networks(count));
        names.extend(listed.or_say("Failed to list inactive networks")?.0);
    }
    Ok(names_then(names, |name| shell.call(Remote::network_lookup_by_name(name)).ok()))
}

pub(super) static INFO: Command = Command {
    name: "net-info",
    summary: "the most important facts about a network",
    options: &[NETWORK],
    run: info,
    ..Command::PLAIN
};

fn info(shell: &mut Shell, arguments: &Arguments) -> Outcome {
    let network = network(shell, arguments)?;
    fact(shell, "Name:", &network.name);
    fact(shell, "UUID:", network.uuid);
    if let Ok(active) = shell.call(Remote::network_is_active(network.clone())) {
        fact(shell, "Active:", word(Ok(active), ""));
    }
    let persistent = shell.call(Remote::network_is_persistent(network.clone()));
    fact(shell, "Persistent:", word(persistent, "unknown"));
    let autostart = shell.call(Remote::network_get_autostart(network.clone()));
    fact(shell, "Autostart:", word(autostart, "no autostart"));
    if let Ok(bridge) = shell.call(Remote::network_get_bridge_name(network)) {
        fact(shell, "Bridge:", bridge);
    }
    Ok(())
}

pub(super) static NAME: Command = Command {
    name: "net-name",
    summary: "the name of the network with a UUID",
    options: &[Opt::text("network", "the network's UUID").positional().required()],
    run: name,
    ..Command::PLAIN
};

fn name(shell: &mut Shell, arguments: &Arguments) -> Outcome {
    let network = network_by(shell, arguments, Lookup::Uuid)?;
    out!(shell, "{}\n", network.name);
    Ok(())
}

pub(super) static UUID: Command = Command {
    name: "net-uuid",
    summary: "the UUID of the network with a name",
    options: &[Opt::text("network", "the network's name").positional().required().asks(networks)],
    run: uuid,
    ..Command::PLAIN
};

fn uuid(shell: &mut Shell, arguments: &Arguments) -> Outcome {
    let network = network_by(shell, arguments, Lookup::Name)?;
    out!(shell, "{}\n", network.uuid);
    Ok(())
}
