//! Where network filters are used: `nwfilter-binding-create`, `nwfilter-binding-delete`,
//! `nwfilter-binding-dumpxml` and `nwfilter-binding-list`.

use virtus::NwfilterBindingRef;
use virtus::calls::Remote;
use virtus::constants::VIR_NWFILTER_BINDING_CREATE_VALIDATE;

use crate::command::{Command, FILE, OUTPUT, Opt, VALIDATE, WRAP, XPATH};
use crate::grammar::Arguments;
use crate::objects::{act, sort_by_name};
use crate::shell::{OrSay, Outcome, Shell, extra};
use crate::show::Table;
use crate::{file, xml};

const BINDING: Opt =
    Opt::text("binding", "the network device whose filter it is").positional().required().asks(bindings);

fn all(shell: &Shell) -> virtus::Result<Vec<NwfilterBindingRef>> {
    let mut bindings = shell.call(Remote::connect_list_all_nwfilter_bindings(1, 0))?.bindings.0;
    sort_by_name(&mut bindings, |binding| &binding.portdev);
    Ok(bindings)
}

fn bindings(shell: &mut Shell, _: &Arguments) -> Vec<String> {
    all(shell).unwrap_or_default().into_iter().map(|binding| binding.portdev).collect()
}

fn binding(shell: &Shell, arguments: &Arguments) -> Outcome<NwfilterBindingRef> {
    let name = arguments.needed("binding")?;
    shell
        .call(Remote::nwfilter_binding_lookup_by_port_dev(name.to_owned()))
        .or_say(format_args!("failed to get nwfilter binding '{name}'"))
}

pub(super) static CREATE: Command = Command {
    name: "nwfilter-binding-create",
    summary: "filter what a network device sends and receives",
    options: &[FILE, VALIDATE],
    run: create,
    ..Command::PLAIN
};

fn create(shell: &mut Shell, arguments: &Arguments) -> Outcome {
    let path = arguments.needed("file")?;
    let flags = arguments.flags(&[("validate", VIR_NWFILTER_BINDING_CREATE_VALIDATE)]);
    let text = file::read(path)?;
    let binding = shell
        .call(Remote::nwfilter_binding_create_xml(text, flags))
        .or_say(format_args!("Failed to create network filter from {path}"))?;
    extra!(shell, "Network filter binding on {} created from {path}\n", binding.portdev);
    Ok(())
}

pub(super) static DELETE: Command = Command {
    name: "nwfilter-binding-delete",
    summary: "stop filtering a network device",
    options: &[BINDING],
    run: delete,
    ..Command::PLAIN
};

fn delete(shell: &mut Shell, arguments: &Arguments) -> Outcome {
    let (binding, name) = (binding(shell, arguments)?, arguments.needed("binding")?);
    act(
        shell,
        Remote::nwfilter_binding_delete(binding),
        format_args!("Network filter binding on {name} deleted"),
        format_args!("Failed to delete network filter binding on {name}"),
    )
}

pub(super) static DUMPXML: Command = Command {
    name: "nwfilter-binding-dumpxml",
    summary: "print how a network device is filtered, as XML",
    options: &[BINDING, XPATH, WRAP],
    run: dumpxml,
    ..Command::PLAIN
};

fn dumpxml(shell: &mut Shell, arguments: &Arguments) -> Outcome {
    let binding = binding(shell, arguments)?;
    let text = shell.call(Remote::nwfilter_binding_get_xml_desc(binding, 0))?;
    xml::show(shell, &text, arguments.xpath()?, arguments.has("wrap"))
}

pub(super) static LIST: Command = Command {
    name: "nwfilter-binding-list",
    summary: "list network devices that are filtered",
    options: &[OUTPUT],
    run: list,
    ..Command::PLAIN
};

fn list(shell: &mut Shell, arguments: &Arguments) -> Outcome {
    let bindings = all(shell).or_say("Failed to list network filter bindings")?;
    let mut table = Table::new(&["Port Dev", "Filter"]);
    for binding in bindings {
        table.row(vec![binding.portdev.into(), binding.filtername.into()]);
    }
    table.show(shell, arguments)
}
