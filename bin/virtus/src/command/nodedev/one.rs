//! `nodedev-info`, `nodedev-start`, `nodedev-destroy`, `nodedev-undefine` and `nodedev-autostart`.

use virtus::calls::Remote;

use super::{DEVICE, device, named};
use crate::command::{Command, Opt};
use crate::grammar::Arguments;
use crate::objects::{self, act, fact, holds, word, yes_no};
use crate::shell::{Outcome, Shell};

pub(super) static INFO: Command = Command {
    name: "nodedev-info",
    summary: "the most important facts about a device of the host",
    options: &[DEVICE],
    run: info,
    ..Command::PLAIN
};

fn info(shell: &mut Shell, arguments: &Arguments) -> Outcome {
    let name = device(shell, arguments)?.name;
    let parent = shell.call(Remote::node_device_get_parent(name.clone())).ok().flatten();
    fact(shell, "Name:", &name);
    fact(shell, "Parent:", parent.unwrap_or_default());
    let active = holds(shell, Remote::node_device_is_active(name.clone()));
    fact(shell, "Active:", yes_no(active));
    let persistent = holds(shell, Remote::node_device_is_persistent(name.clone()));
    fact(shell, "Persistent:", yes_no(persistent));
    let autostart = shell.call(Remote::node_device_get_autostart(name));
    fact(shell, "Autostart:", word(autostart, "no autostart"));
    Ok(())
}

pub(super) static START: Command = Command {
    name: "nodedev-start",
    summary: "start a device of the host whose definition is stored",
    options: &[DEVICE],
    run: start,
    ..Command::PLAIN
};

fn start(shell: &mut Shell, arguments: &Arguments) -> Outcome {
    let (device, name) = (named(shell, arguments)?, arguments.needed("device")?);
    act(
        shell,
        Remote::node_device_create(device.name, 0),
        format_args!("Device {name} started"),
        format_args!("Failed to start device {name}"),
    )
}

pub(super) static DESTROY: Command = Command {
    name: "nodedev-destroy",
    summary: "stop a device of the host that was made",
    options: &[Opt::alias("name", "device"), DEVICE],
    run: destroy,
    ..Command::PLAIN
};

fn destroy(shell: &mut Shell, arguments: &Arguments) -> Outcome {
    let (device, name) = (device(shell, arguments)?, arguments.needed("device")?);
    act(
        shell,
        Remote::node_device_destroy(device.name),
        format_args!("Destroyed node device '{name}'"),
        format_args!("Failed to destroy node device '{name}'"),
    )
}

pub(super) static UNDEFINE: Command = Command {
    name: "nodedev-undefine",
    summary: "remove the stored definition of a device of the host",
    options: &[DEVICE],
    run: undefine,
    ..Command::PLAIN
};

fn undefine(shell: &mut Shell, arguments: &Arguments) -> Outcome {
    let (device, name) = (device(shell, arguments)?, arguments.needed("device")?);
    act(
        shell,
        Remote::node_device_undefine(device.name, 0),
        format_args!("Undefined node device '{name}'"),
        format_args!("Failed to undefine node device '{name}'"),
    )
}

pub(super) static AUTOSTART: Command = Command {
    name: "nodedev-autostart",
    summary: "have a device of the host start with the daemon",
    options: &[DEVICE, Opt::flag("disable", "do not start it any more")],
    run: autostart,
    ..Command::PLAIN
};

fn autostart(shell: &mut Shell, arguments: &Arguments) -> Outcome {
    let (device, name) = (device(shell, arguments)?, arguments.needed("device")?);
    objects::autostart(shell, arguments, ("device", "Device"), name, |on| {
        Remote::node_device_set_autostart(device.name, on)
    })
}
