//! A daemon's servers: `server-list`, `server-threadpool-info`, `server-threadpool-set`, `server-clients-info`,
//! `server-clients-set` and `server-update-tls`.

use virtus::calls::Administration;
use virtus::{List, TypedParam};

use super::{SERVER, server, settings};
use crate::command::{Command, OUTPUT, Opt};
use crate::grammar::Arguments;
use crate::shell::{OrSay, Outcome, Shell, fail, out};
use crate::show::{self, Table};

pub(super) static LIST: Command = Command {
    name: "server-list",
    aliases: &["srv-list"],
    summary: "the daemon's servers",
    about: "Lists the servers of a daemon. A server has sockets, clients and workers of its own.",
    options: &[OUTPUT],
    run: list,
    ..Command::PLAIN
};

fn list(shell: &mut Shell, arguments: &Arguments) -> Outcome {
    let uri = shell.connection()?.uri().to_owned();
    let servers = shell
        .call(Administration::connect_list_servers(1, 0))
        .or_say(format_args!("failed to obtain list of available servers from {uri}"))?
        .servers;
    let mut table = Table::new(&["Id", "Name"]);
    for (id, server) in servers.0.into_iter().enumerate() {
        table.row(vec![id.into(), server.name.into()]);
    }
    table.show(shell, arguments)
}

/// Prints settings below each other.
fn print(shell: &mut Shell, width: usize, params: &[TypedParam]) {
    for param in params {
        out!(shell, "{:width$}: {}\n", param.field, show::param(&param.value));
    }
}

pub(super) static THREADPOOL_INFO: Command = Command {
    name: "server-threadpool-info",
    aliases: &["srv-threadpool-info"],
    summary: "a server's workers",
    about: "Prints how many threads serve a server's clients, how many may, and how many of them wait for work.",
    options: &[SERVER],
    run: threadpool_info,
    ..Command::PLAIN
};

fn threadpool_info(shell: &mut Shell, arguments: &Arguments) -> Outcome {
    let server = server(shell, arguments)?;
    let params = shell
        .call(Administration::server_get_threadpool_parameters(server, 0))
        .or_say("Unable to get server workerpool parameters")?;
    print(shell, 15, &params.0);
    Ok(())
}

pub(super) static THREADPOOL_SET: Command = Command {
    name: "server-threadpool-set",
    aliases: &["srv-threadpool-set"],
    summary: "change how many workers a server has",
    about: "Changes how many threads may serve a server's clients.",
    options: &[
        SERVER,
        Opt::number("min-workers", "how many workers there are at least").also_positional(),
        Opt::number("max-workers", "how many workers there are at most").also_positional(),
        Opt::number("priority-workers", "how many workers are kept for calls that never wait")
            .also_positional(),
    ],
    run: threadpool_set,
    ..Command::PLAIN
};

fn threadpool_set(shell: &mut Shell, arguments: &Arguments) -> Outcome {
    let known =
        [("max-workers", "maxWorkers"), ("min-workers", "minWorkers"), ("priority-workers", "prioWorkers")];
    let params = settings(arguments, &known)?;
    if let (Some(min), Some(max)) =
        (arguments.number::<u32>("min-workers")?, arguments.number::<u32>("max-workers")?)
        && min > max
    {
        fail!("--min-workers must be less than or equal to --max-workers");
    }
    let server = server(shell, arguments)?;
    shell
        .call(Administration::server_set_threadpool_parameters(server, List(params), 0))
        .or_say("Unable to change server workerpool parameters")
}

pub(super) static CLIENTS_INFO: Command = Command {
    name: "server-clients-info",
    aliases: &["srv-clients-info"],
    summary: "how many clients a server has and may have",
    options: &[SERVER],
    run: clients_info,
    ..Command::PLAIN
};

fn clients_info(shell: &mut Shell, arguments: &Arguments) -> Outcome {
    let server = server(shell, arguments)?;
    let params = shell
        .call(Administration::server_get_client_limits(server, 0))
        .or_say("Unable to retrieve client limits from server's configuration")?;
    print(shell, 20, &params.0);
    Ok(())
}

pub(super) static CLIENTS_SET: Command = Command {
    name: "server-clients-set",
    aliases: &["srv-clients-set"],
    summary: "change how many clients a server may have",
    about: "Changes how many clients may be connected to a server at once.",
    options: &[
        SERVER,
        Opt::number("max-clients", "how many clients there may be").also_positional(),
        Opt::number("max-unauth-clients", "how many of them may still have to say who they are")
            .also_positional(),
    ],
    run: clients_set,
    ..Command::PLAIN
};

fn clients_set(shell: &mut Shell, arguments: &Arguments) -> Outcome {
    let known = [("max-clients", "nclients_max"), ("max-unauth-clients", "nclients_unauth_max")];
    let params = settings(arguments, &known)?;
    if let (Some(all), Some(some)) =
        (arguments.number::<u32>("max-clients")?, arguments.number::<u32>("max-unauth-clients")?)
        && some > all
    {
        fail!("--max-unauth-clients must be less than or equal to --max-clients");
    }
    let server = server(shell, arguments)?;
    shell
        .call(Administration::server_set_client_limits(server, List(params), 0))
        .or_say("Unable to change server's client-related configuration limits")
}

pub(super) static UPDATE_TLS: Command = Command {
    name: "server-update-tls",
    aliases: &["srv-update-tls"],
    summary: "have a server read its TLS files again",
    about: "Has a server read its certificates and its key again: connections from now on use what they say.",
    options: &[SERVER],
    run: update_tls,
    ..Command::PLAIN
};

fn update_tls(shell: &mut Shell, arguments: &Arguments) -> Outcome {
    let server = server(shell, arguments)?;
    shell
        .call(Administration::server_update_tls_files(server, 0))
        .or_say("Unable to update server's tls related files.")?;
    out!(shell, "update tls related files succeed\n");
    Ok(())
}
