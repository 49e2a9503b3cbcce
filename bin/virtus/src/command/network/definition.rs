//! `net-create`, `net-define`, `net-dumpxml` and `net-edit`.

use virtus::ErrorCode;
use virtus::calls::Remote;
use virtus::constants::{VIR_NETWORK_CREATE_VALIDATE, VIR_NETWORK_DEFINE_VALIDATE, VIR_NETWORK_XML_INACTIVE};

use super::{NETWORK, network};
use crate::command::{Command, FILE, Opt, VALIDATE, WRAP, XPATH};
use crate::grammar::Arguments;
use crate::objects::edit_definition;
use crate::shell::{OrSay, Outcome, Shell, extra};
use crate::{file, xml};

pub(super) static CREATE: Command = Command {
    name: "net-create",
    summary: "start a network from a file, without storing its definition",
    options: &[FILE, VALIDATE],
    run: create,
    ..Command::PLAIN
};

fn create(shell: &mut Shell, arguments: &Arguments) -> Outcome {
    let path = arguments.needed("file")?;
    let text = file::read(path)?;
    let network = match arguments.flags(&[("validate", VIR_NETWORK_CREATE_VALIDATE)]) {
        0 => shell.call(Remote::network_create_xml(text)),
        flags => shell.call(Remote::network_create_xml_flags(text, flags)),
    };
    let network = network.or_say(format_args!("Failed to create network from {path}"))?;
    extra!(shell, "Network {} created from {path}\n", network.name);
    Ok(())
}

pub(super) static DEFINE: Command = Command {
    name: "net-define",
    summary: "store the definition of a network",
    about: "Stores the definition of a network, which can be started then, or changes that of one that there is.",
    options: &[FILE, VALIDATE],
    run: define,
    ..Command::PLAIN
};

fn define(shell: &mut Shell, arguments: &Arguments) -> Outcome {
    let path = arguments.needed("file")?;
    let text = file::read(path)?;
    let network = match arguments.flags(&[("validate", VIR_NETWORK_DEFINE_VALIDATE)]) {
        0 => shell.call(Remote::network_define_xml(text)),
        flags => shell.call(Remote::network_define_xml_flags(text, flags)),
    };
    let network = network.or_say(format_args!("Failed to define network from {path}"))?;
    extra!(shell, "Network {} defined from {path}\n", network.name);
    Ok(())
}

pub(super) static DUMPXML: Command = Command {
    name: "net-dumpxml",
    summary: "print the definition of a network, as XML",
    options: &[NETWORK, Opt::flag("inactive", "what holds from the next start on"), XPATH, WRAP],
    run: dumpxml,
    ..Command::PLAIN
};

fn dumpxml(shell: &mut Shell, arguments: &Arguments) -> Outcome {
    let network = network(shell, arguments)?;
    let flags = arguments.flags(&[("inactive", VIR_NETWORK_XML_INACTIVE)]);
    let text = shell.call(Remote::network_get_xml_desc(network, flags))?;
    xml::show(shell, &text, arguments.xpath()?, arguments.has("wrap"))
}

pub(super) static EDIT: Command = Command {
    name: "net-edit",
    summary: "change the stored definition of a network, in an editor",
    options: &[NETWORK],
    run: edit,
    ..Command::PLAIN
};

fn edit(shell: &mut Shell, arguments: &Arguments) -> Outcome {
    let network = network(shell, arguments)?;
    let name = network.name.clone();
    let get = |shell: &mut Shell| {
        match shell.call(Remote::network_get_xml_desc(network.clone(), VIR_NETWORK_XML_INACTIVE)) {
            // a daemon that does not know the flag
            Err(error) if error.code() == ErrorCode::INVALID_ARG => {
                Ok(shell.call(Remote::network_get_xml_desc(network.clone(), 0))?)
            }
            outcome => Ok(outcome?),
        }
    };
    let set = |shell: &mut Shell, text| Ok(shell.call(Remote::network_define_xml(text))?.name);
    edit_definition(shell, "Network", &name, get, set)
}
