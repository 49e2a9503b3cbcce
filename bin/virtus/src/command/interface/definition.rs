//! `iface-define`, `iface-undefine`, `iface-dumpxml` and `iface-edit`.

use virtus::calls::Remote;
use virtus::constants::{VIR_INTERFACE_DEFINE_VALIDATE, VIR_INTERFACE_XML_INACTIVE};

use super::{INTERFACE, interface};
use crate::command::{Command, FILE, Opt, VALIDATE, WRAP, XPATH};
use crate::grammar::Arguments;
use crate::objects::{act, edit_definition};
use crate::shell::{OrSay, Outcome, Shell, extra};
use crate::{file, xml};

pub(super) static DEFINE: Command = Command {
    name: "iface-define",
    summary: "store the definition of a network interface of the host",
    options: &[FILE, VALIDATE],
    run: define,
    ..Command::PLAIN
};

fn define(shell: &mut Shell, arguments: &Arguments) -> Outcome {
    let path = arguments.needed("file")?;
    let flags = arguments.flags(&[("validate", VIR_INTERFACE_DEFINE_VALIDATE)]);
    let text = file::read(path)?;
    let interface = shell
        .call(Remote::interface_define_xml(text, flags))
        .or_say(format_args!("Failed to define interface from {path}"))?;
    extra!(shell, "Interface {} defined from {path}\n", interface.name);
    Ok(())
}

pub(super) static UNDEFINE: Command = Command {
    name: "iface-undefine",
    summary: "remove the stored definition of a network interface of the host",
    options: &[INTERFACE],
    run: undefine,
    ..Command::PLAIN
};

fn undefine(shell: &mut Shell, arguments: &Arguments) -> Outcome {
    let (interface, name) = (interface(shell, arguments)?, arguments.needed("interface")?);
    act(
        shell,
        Remote::interface_undefine(interface),
        format_args!("Interface {name} undefined"),
        format_args!("Failed to undefine interface {name}"),
    )
}

pub(super) static DUMPXML: Command = Command {
    name: "iface-dumpxml",
    summary: "print the definition of a network interface of the host, as XML",
    options: &[INTERFACE, Opt::flag("inactive", "what holds from the next start on"), XPATH, WRAP],
    run: dumpxml,
    ..Command::PLAIN
};

fn dumpxml(shell: &mut Shell, arguments: &Arguments) -> Outcome {
    let flags = arguments.flags(&[("inactive", VIR_INTERFACE_XML_INACTIVE)]);
    let interface = interface(shell, arguments)?;
    let text = shell.call(Remote::interface_get_xml_desc(interface, flags))?;
    xml::show(shell, &text, arguments.xpath()?, arguments.has("wrap"))
}

pub(super) static EDIT: Command = Command {
    name: "iface-edit",
    summary: "change the definition of a network interface of the host, in an editor",
    options: &[INTERFACE],
    run: edit,
    ..Command::PLAIN
};

fn edit(shell: &mut Shell, arguments: &Arguments) -> Outcome {
    let interface = interface(shell, arguments)?;
    let name = interface.name.clone();
    let get = |shell: &mut Shell| {
        Ok(shell.call(Remote::interface_get_xml_desc(interface.clone(), VIR_INTERFACE_XML_INACTIVE))?)
    };
    let set = |shell: &mut Shell, text| Ok(shell.call(Remote::interface_define_xml(text, 0))?.name);
    edit_definition(shell, "Interface", &name, get, set)
}
