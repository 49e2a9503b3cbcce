//! `net-start`, `net-destroy`, `net-undefine` and `net-autostart`.

use virtus::calls::Remote;

use super::{NETWORK, network};
use crate::command::{Command, Opt};
use crate::grammar::Arguments;
use crate::objects::{self, act};
use crate::shell::{Outcome, Shell};

pub(super) static START: Command = Command {
    name: "net-start",
    summary: "start a network",
    options: &[NETWORK],
    run: start,
    ..Command::PLAIN
};

fn start(shell: &mut Shell, arguments: &Arguments) -> Outcome {
    let (network, name) = (network(shell, arguments)?, arguments.needed("network")?);
    act(
        shell,
        Remote::network_create(network),
        format_args!("Network {name} started"),
        format_args!("Failed to start network {name}"),
    )
}

pub(super) static DESTROY: Command = Command {
    name: "net-destroy",
    summary: "stop a network",
    about: "Stops a network at once; one without a stored definition is gone then.",
    options: &[NETWORK],
    run: destroy,
    ..Command::PLAIN
};

fn destroy(shell: &mut Shell, arguments: &Arguments) -> Outcome {
    let (network, name) = (network(shell, arguments)?, arguments.needed("network")?);
    act(
        shell,
        Remote::network_destroy(network),
        format_args!("Network {name} destroyed"),
        format_args!("Failed to destroy network {name}"),
    )
}

pub(super) static UNDEFINE: Command = Command {
    name: "net-undefine",
    summary: "remove the stored definition of a network",
    about: "Removes the stored definition of a network; one that is active stays until it is stopped.",
    options: &[NETWORK],
    run: undefine,
    ..Command::PLAIN
};

fn undefine(shell: &mut Shell, arguments: &Arguments) -> Outcome {
    let (network, name) = (network(shell, arguments)?, arguments.needed("network")?);
    act(
        shell,
        Remote::network_undefine(network),
        format_args!("Network {name} has been undefined"),
        format_args!("Failed to undefine network {name}"),
    )
}

pub(super) static AUTOSTART: Command = Command {
    name: "net-autostart",
    summary: "have a network start with the daemon",
    options: &[NETWORK, Opt::flag("disable", "do not start it any more")],
    run: autostart,
    ..Command::PLAIN
};

fn autostart(shell: &mut Shell, arguments: &Arguments) -> Outcome {
    let (network, name) = (network(shell, arguments)?, arguments.needed("network")?);
    objects::autostart(shell, arguments, ("network", "Network"), name, |on| {
        Remote::network_set_autostart(network, on)
    })
}
