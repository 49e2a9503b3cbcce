//! Interfaces that come up and go down (`iface-start`, `iface-destroy`), and changes that can be taken back
//! (`iface-begin`, `iface-commit`, `iface-rollback`).

use virtus::calls::Remote;

use super::{INTERFACE, interface};
use crate::command::Command;
use crate::grammar::Arguments;
use crate::objects::act;
use crate::shell::{Failure, Outcome, Shell};

pub(super) static START: Command = Command {
    name: "iface-start",
    summary: "start a network interface of the host",
    options: &[INTERFACE],
    run: start,
    ..Command::PLAIN
};

fn start(shell: &mut Shell, arguments: &Arguments) -> Outcome {
    let (interface, name) = (interface(shell, arguments)?, arguments.needed("interface")?);
    act(
        shell,
        Remote::interface_create(interface, 0),
        format_args!("Interface {name} started"),
        format_args!("Failed to start interface {name}"),
    )
}

pub(super) static DESTROY: Command = Command {
    name: "iface-destroy",
    summary: "stop a network interface of the host",
    options: &[INTERFACE],
    run: destroy,
    ..Command::PLAIN
};

fn destroy(shell: &mut Shell, arguments: &Arguments) -> Outcome {
    let (interface, name) = (interface(shell, arguments)?, arguments.needed("interface")?);
    act(
        shell,
        Remote::interface_destroy(interface, 0),
        format_args!("Interface {name} destroyed"),
        format_args!("Failed to destroy interface {name}"),
    )?;
    // virsh's exit code says so, and scripts have got used to it
    Err(Failure::silent())
}

pub(super) static BEGIN: Command = Command {
    name: "iface-begin",
    summary: "remember the host's network settings, to be able to go back",
    run: begin,
    ..Command::PLAIN
};

fn begin(shell: &mut Shell, _: &Arguments) -> Outcome {
    act(
        shell,
        Remote::interface_change_begin(0),
        "Network config change transaction started",
        "Failed to begin network config change transaction",
    )
}

pub(super) static COMMIT: Command = Command {
    name: "iface-commit",
    summary: "keep what was changed since iface-begin",
    run: commit,
    ..Command::PLAIN
};

fn commit(shell: &mut Shell, _: &Arguments) -> Outcome {
    act(
        shell,
        Remote::interface_change_commit(0),
        "Network config change transaction committed",
        "Failed to commit network config change transaction",
    )
}

pub(super) static ROLLBACK: Command = Command {
    name: "iface-rollback",
    summary: "take back what was changed since iface-begin",
    run: rollback,
    ..Command::PLAIN
};

fn rollback(shell: &mut Shell, _: &Arguments) -> Outcome {
    act(
        shell,
        Remote::interface_change_rollback(0),
        "Network config change transaction rolled back",
        "Failed to rollback network config change transaction",
    )
}
