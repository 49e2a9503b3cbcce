//! `nodedev-create`, `nodedev-define`, `nodedev-update` and `nodedev-dumpxml`.

use virtus::calls::Remote;
use virtus::constants::*;

use super::{DEVICE, device};
use crate::command::{CONFIG, CURRENT, Command, FILE, LIVE, Opt, VALIDATE, WRAP, XPATH};
use crate::grammar::Arguments;
use crate::objects::{self, holds, tell_updated};
use crate::shell::{OrSay, Outcome, Shell, extra};
use crate::{file, xml};

pub(super) static CREATE: Command = Command {
    name: "nodedev-create",
    summary: "make a device of the host, without storing its definition",
    options: &[FILE, VALIDATE],
    run: create,
    ..Command::PLAIN
};

fn create(shell: &mut Shell, arguments: &Arguments) -> Outcome {
    let path = arguments.needed("file")?;
    let text = file::read(path)?;
    let flags = arguments.flags(&[("validate", VIR_NODE_DEVICE_CREATE_XML_VALIDATE)]);
    let device = shell
        .call(Remote::node_device_create_xml(text, flags))
        .or_say(format_args!("Failed to create node device from {path}"))?;
    extra!(shell, "Node device {} created from {path}\n", device.name);
    Ok(())
}

pub(super) static DEFINE: Command = Command {
    name: "nodedev-define",
    summary: "store the definition of a device of the host",
    options: &[FILE, VALIDATE],
    run: define,
    ..Command::PLAIN
};

fn define(shell: &mut Shell, arguments: &Arguments) -> Outcome {
    let path = arguments.needed("file")?;
    let text = file::read(path)?;
    let flags = arguments.flags(&[("validate", VIR_NODE_DEVICE_DEFINE_XML_VALIDATE)]);
    let device = shell
        .call(Remote::node_device_define_xml(text, flags))
        .or_say(format_args!("Failed to define node device from '{path}'"))?;
    extra!(shell, "Node device '{}' defined from '{path}'\n", device.name);
    Ok(())
}

pub(super) static UPDATE: Command = Command {
    name: "nodedev-update",
    summary: "change the definition of a device of the host",
    options: &[DEVICE, FILE, CONFIG, LIVE, CURRENT],
    run: update,
    ..Command::PLAIN
};

fn update(shell: &mut Shell, arguments: &Arguments) -> Outcome {
    let flags = objects::affect(arguments)?;
    let device = device(shell, arguments)?;
    let path = arguments.needed("file")?;
    let text = file::read(path)?;
    let name = device.name;
    shell
        .call(Remote::node_device_update(name.clone(), text, flags))
        .or_say(format_args!("Failed to update node device {name} from '{path}'"))?;
    let active = holds(shell, Remote::node_device_is_active(name.clone()));
    tell_updated(shell, arguments, &format!("node device {name}"), active);
    Ok(())
}

pub(super) static DUMPXML: Command = Command {
    name: "nodedev-dumpxml",
    summary: "print what is known of a device of the host, as XML",
    options: &[DEVICE, Opt::flag("inactive", "what holds from the next start on"), XPATH, WRAP],
    run: dumpxml,
    ..Command::PLAIN
};

fn dumpxml(shell: &mut Shell, arguments: &Arguments) -> Outcome {
    let device = device(shell, arguments)?;
    let flags = arguments.flags(&[("inactive", VIR_NODE_DEVICE_XML_INACTIVE)]);
    let text = shell.call(Remote::node_device_get_xml_desc(device.name, flags))?;
    xml::show(shell, &text, arguments.xpath()?, arguments.has("wrap"))
}
