//! A server's clients: `client-list`, `client-info` and `client-disconnect`.

use virtus::ClientRef;
use virtus::calls::Administration;

use super::{SERVER, server};
use crate::command::{Command, OUTPUT, Opt};
use crate::grammar::{Arguments, Wrapping};
use crate::shell::{OrSay, Outcome, Shell, out};
use crate::show::{self, Table, time};

pub(super) static LIST: Command = Command {
    name: "client-list",
    aliases: &["srv-clients-list"],
    summary: "a server's clients",
    about: "Lists the clients that are connected to a server.",
    options: &[SERVER, OUTPUT],
    run: list,
    ..Command::PLAIN
};

fn list(shell: &mut Shell, arguments: &Arguments) -> Outcome {
    let server = server(shell, arguments)?;
    let name = server.name.clone();
    let clients = shell
        .call(Administration::server_list_clients(server, 1, 0))
        .or_say(format_args!("failed to obtain list of connected clients from server '{name}'"))?
        .clients;
    let mut table = Table::new(&["Id", "Transport", "Connected since"]);
    for client in clients.0 {
        table.row(vec![client.id.into(), transport(&client).into(), time::joined(client.timestamp).into()]);
    }
    table.show(shell, arguments)
}

fn transport(client: &ClientRef) -> &'static str {
    match client.transport {
        0 => "unix",
        1 => "tcp",
        2 => "tls",
        _ => "unknown",
    }
}

pub(super) static INFO: Command = Command {
    name: "client-info",
    summary: "what a server knows of a client",
    about: "Prints who a client is, as far as the server knows, and since when it has been connected.",
    options: &[SERVER, Opt::text("client", "the client's ID").positional().required().asks(clients)],
    run: info,
    ..Command::PLAIN
};

fn clients(shell: &mut Shell, arguments: &Arguments) -> Vec<String> {
    let Ok(server) = server(shell, arguments) else { return Vec::new() };
    let listed = shell.call(Administration::server_list_clients(server, 1, 0));
    listed
        .map(|reply| reply.clients.0.into_iter().map(|client| client.id.to_string()).collect())
        .unwrap_or_default()
}

fn info(shell: &mut Shell, arguments: &Arguments) -> Outcome {
    let id = arguments.number::<u64>("client")?.unwrap_or_default();
    let server = server(shell, arguments)?;
    let name = server.name.clone();
    let client = shell.call(Administration::server_lookup_client(server, id, 0))?;
    let params = shell.call(Administration::client_get_info(client.clone(), 0)).or_say(format_args!(
        "failed to retrieve client identity information for client '{id}' connected to server '{name}'"
    ))?;
    out!(shell, "{:15}: {}\n", "id", client.id);
    out!(shell, "{:15}: {}\n", "connection_time", time::joined(client.timestamp));
    out!(shell, "{:15}: {}\n", "transport", transport(&client));
    for param in params.0 {
        out!(shell, "{:15}: {}\n", param.field, show::param(&param.value));
    }
    Ok(())
}

pub(super) static DISCONNECT: Command = Command {
    name: "client-disconnect",
    summary: "end the connection of a client",
    about: "Ends the connection of a client of a server. The client may connect anew.",
    options: &[SERVER, Opt::number("client", "the client's ID").positional().required().asks(clients)],
    run: disconnect,
    ..Command::PLAIN
};

fn disconnect(shell: &mut Shell, arguments: &Arguments) -> Outcome {
    let server_name = arguments.needed("server")?;
    let id = arguments.number::<Wrapping<u64>>("client")?.map_or(0, |id| id.0);
    let server = server(shell, arguments)?;
    let client = shell.call(Administration::server_lookup_client(server, id, 0))?;
    shell
        .call(Administration::client_close(client, 0))
        .or_say(format_args!("Failed to disconnect client '{id}' from server {server_name}"))?;
    out!(shell, "Client '{id}' disconnected");
    Ok(())
}
