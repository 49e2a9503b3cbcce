//! A network's ports: `net-port-list`, `net-port-create`, `net-port-dumpxml` and `net-port-delete`.

use virtus::calls::Remote;
use virtus::constants::VIR_NETWORK_PORT_CREATE_VALIDATE;
use virtus::{NetworkPortRef, NetworkRef, Uuid};

use super::{NETWORK, network};
use crate::command::{Command, FILE, OUTPUT, Opt, VALIDATE, WRAP, XPATH};
use crate::grammar::Arguments;
use crate::objects::act;
use crate::shell::{OrSay, Outcome, Shell, extra, fail, out};
use crate::show::Table;
use crate::{file, xml};

const PORT: Opt = Opt::text("port", "the port's UUID").positional().required().asks(ports);

fn all(shell: &Shell, network: NetworkRef) -> virtus::Result<Vec<NetworkPortRef>> {
    let mut ports = shell.call(Remote::network_list_all_ports(network, 1, 0))?.ports.0;
    ports.sort_by_key(|port| port.uuid.to_string());
    Ok(ports)
}

fn ports(shell: &mut Shell, arguments: &Arguments) -> Vec<String> {
    let Ok(network) = network(shell, arguments) else { return Vec::new() };
    all(shell, network).unwrap_or_default().iter().map(|port| port.uuid.to_string()).collect()
}

/// The port that is meant. That there is none, or no such network, is told and, as in virsh, no failure of the command.
fn port(shell: &mut Shell, arguments: &Arguments) -> Outcome<Option<NetworkPortRef>> {
    let network = match network(shell, arguments) {
        Ok(network) => network,
        Err(failure) => {
            failure.said().for_each(|line| shell.error(line));
            return Ok(None);
        }
    };
    let name = arguments.needed("port")?;
    let found = Uuid::parse(name)
        .and_then(|uuid| shell.call(Remote::network_port_lookup_by_uuid(network, uuid)).ok());
    if found.is_none() {
        shell.error(format_args!("failed to get network port '{name}'"));
    }
    Ok(found)
}

pub(super) static LIST: Command = Command {
    name: "net-port-list",
    summary: "list the ports of a network",
    options: &[
        NETWORK,
        Opt::flag("uuid", "print UUIDs"),
        Opt::flag("table", "print a table (what happens without --uuid)"),
        OUTPUT,
    ],
    run: list,
    ..Command::PLAIN
};

fn list(shell: &mut Shell, arguments: &Arguments) -> Outcome {
    if arguments.has("table") && arguments.has("uuid") {
        fail!("Only one argument from --table and --uuid may be specified.");
    }
    let network = network(shell, arguments)?;
    let ports = all(shell, network)?;
    let mut table = Table::new(&["UUID"]);
    for port in ports {
        match arguments.has("uuid") {
            true => out!(shell, "{}\n", port.uuid),
            false => table.row(vec![port.uuid.to_string().into()]),
        }
    }
    match arguments.has("uuid") {
        true => Ok(()),
        false => table.show(shell, arguments),
    }
}

pub(super) static CREATE: Command = Command {
    name: "net-port-create",
    summary: "add a port to a network",
    options: &[NETWORK, FILE, VALIDATE],
    run: create,
    ..Command::PLAIN
};

fn create(shell: &mut Shell, arguments: &Arguments) -> Outcome {
    let network = network(shell, arguments)?;
    let path = arguments.needed("file")?;
    let flags = arguments.flags(&[("validate", VIR_NETWORK_PORT_CREATE_VALIDATE)]);
    let text = file::read(path)?;
    let port = shell
        .call(Remote::network_port_create_xml(network, text, flags))
        .or_say(format_args!("Failed to create network from {path}"))?;
    extra!(shell, "Network port {} created from {path}\n", port.uuid);
    Ok(())
}

pub(super) static DUMPXML: Command = Command {
    name: "net-port-dumpxml",
    summary: "print the definition of a port of a network, as XML",
    options: &[NETWORK, PORT, XPATH, WRAP],
    run: dumpxml,
    ..Command::PLAIN
};

fn dumpxml(shell: &mut Shell, arguments: &Arguments) -> Outcome {
    let Some(port) = port(shell, arguments)? else { return Ok(()) };
    let text = shell.call(Remote::network_port_get_xml_desc(port, 0))?;
    xml::show(shell, &text, arguments.xpath()?, arguments.has("wrap"))
}

pub(super) static DELETE: Command = Command {
    name: "net-port-delete",
    summary: "remove a port from a network",
    options: &[NETWORK, PORT],
    run: delete,
    ..Command::PLAIN
};

fn delete(shell: &mut Shell, arguments: &Arguments) -> Outcome {
    let Some(port) = port(shell, arguments)? else { return Ok(()) };
    let uuid = port.uuid;
    act(
        shell,
        Remote::network_port_delete(port, 0),
        format_args!("Network port {uuid} deleted"),
        format_args!("Failed to delete network port {uuid}"),
    )
}
