//! Commands of virt-admin, which administrate a daemon.

mod client;
mod daemon;
mod server;

use virtus::calls::Administration;
use virtus::{ServerRef, TypedParam, TypedValue};

use super::own::{CD, COMPLETE, ECHO, EXIT, HELP, PWD, QUIT};
use super::{Group, Opt};
use crate::grammar::Arguments;
use crate::shell::{Failure, Outcome, Shell};

pub(crate) static OWN: Group = Group {
    name: "Virt-admin itself",
    keyword: "virt-admin",
    commands: &[
        &CD,
        &ECHO,
        &EXIT,
        &HELP,
        &PWD,
        &QUIT,
        &COMPLETE,
        &daemon::URI,
        &daemon::VERSION,
        &daemon::CONNECT,
    ],
};

pub(crate) static MONITOR: Group = Group {
    name: "Monitoring commands",
    keyword: "monitor",
    commands: &[&server::LIST, &server::THREADPOOL_INFO, &client::LIST, &client::INFO, &server::CLIENTS_INFO],
};

pub(crate) static MANAGEMENT: Group = Group {
    name: "Management commands",
    keyword: "management",
    commands: &[
        &server::THREADPOOL_SET,
        &client::DISCONNECT,
        &server::CLIENTS_SET,
        &server::UPDATE_TLS,
        &daemon::LOG_FILTERS,
        &daemon::LOG_OUTPUTS,
        &daemon::TIMEOUT,
        &daemon::SHUTDOWN,
    ],
};

const SERVER: Opt =
    Opt::text("server", "one of the daemon's servers, by its name").positional().required().asks(servers);

fn servers(shell: &mut Shell, _: &Arguments) -> Vec<String> {
    let listed = shell.call(Administration::connect_list_servers(1, 0));
    listed.map(|reply| reply.servers.0.into_iter().map(|server| server.name).collect()).unwrap_or_default()
}

/// The server that is meant.
fn server(shell: &Shell, arguments: &Arguments) -> Outcome<ServerRef> {
    let name = arguments.needed("server")?.to_owned();
    Ok(shell.call(Administration::connect_lookup_server(name, 0))?)
}

/// Settings that options give: the option's and the setting's name.
fn settings(arguments: &Arguments, known: &[(&str, &str)]) -> Outcome<Vec<TypedParam>> {
    let mut params = Vec::new();
    for (option, field) in known {
        let value = arguments.number::<u32>(option);
        let value = value
            .map_err(|failure| failure.and(format_args!("Unable to parse integer parameter '{option}'")))?;
        params.extend(value.map(|value| TypedParam::new(*field, TypedValue::UInt(value))));
    }
    match params.is_empty() {
        false => Ok(params),
        true => {
            let mut names: Vec<String> = known.iter().map(|(option, _)| format!("--{option}")).collect();
            names.sort();
            let names = names.join(", ");
            Err(Failure::new(format_args!("At least one of options {names} is mandatory")))
        }
    }
}
