//! Devices that are handed to guests and taken back: `nodedev-detach`, `nodedev-reattach` and `nodedev-reset`.

use virtus::calls::Remote;

use super::{DEVICE, named};
use crate::command::{Command, Opt};
use crate::grammar::Arguments;
use crate::objects::act;
use crate::shell::{Outcome, Shell};

pub(super) static DETACH: Command = Command {
    name: "nodedev-detach",
    aliases: &["nodedev-dettach"],
    summary: "take a device from its driver, to give it to a guest",
    options: &[DEVICE, Opt::text("driver", "the driver that takes it over, e.g. vfio").also_positional()],
    run: detach,
    ..Command::PLAIN
};

fn detach(shell: &mut Shell, arguments: &Arguments) -> Outcome {
    let (device, name) = (named(shell, arguments)?, arguments.needed("device")?);
    let request = match arguments.some_text("driver") {
        Some(driver) => Remote::node_device_detach_flags(device.name, Some(driver.to_owned()), 0),
        None => Remote::node_device_dettach(device.name),
    };
    act(
        shell,
        request,
        format_args!("Device {name} detached"),
        format_args!("Failed to detach device {name}"),
    )
}

pub(super) static REATTACH: Command = Command {
    name: "nodedev-reattach",
    summary: "give a device back to its driver",
    options: &[DEVICE],
    run: reattach,
    ..Command::PLAIN
};

fn reattach(shell: &mut Shell, arguments: &Arguments) -> Outcome {
    let (device, name) = (named(shell, arguments)?, arguments.needed("device")?);
    act(
        shell,
        Remote::node_device_re_attach(device.name),
        format_args!("Device {name} re-attached"),
        format_args!("Failed to re-attach device {name}"),
    )
}

pub(super) static RESET: Command = Command {
    name: "nodedev-reset",
    summary: "reset a device",
    options: &[DEVICE],
    run: reset,
    ..Command::PLAIN
};

fn reset(shell: &mut Shell, arguments: &Arguments) -> Outcome {
    let (device, name) = (named(shell, arguments)?, arguments.needed("device")?);
    act(
        shell,
        Remote::node_device_reset(device.name),
        format_args!("Device {name} reset"),
        format_args!("Failed to reset device {name}"),
    )
}
