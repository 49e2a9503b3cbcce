//! Network filters: `nwfilter-define`, `nwfilter-dumpxml`, `nwfilter-edit`, `nwfilter-list` and `nwfilter-undefine`.

use virtus::NwfilterRef;
use virtus::calls::Remote;
use virtus::constants::VIR_NWFILTER_DEFINE_VALIDATE;

use crate::command::{Command, FILE, OUTPUT, Opt, VALIDATE, WRAP, XPATH};
use crate::grammar::Arguments;
use crate::objects::{self, Lookup, act, edit_definition, list_or, names_then, sort_by_name};
use crate::shell::{OrSay, Outcome, Shell, extra};
use crate::show::Table;
use crate::{file, xml};

const FILTER: Opt =
    Opt::text("nwfilter", "the filter: its name or UUID").positional().required().asks(filters);

fn all(shell: &Shell) -> Outcome<Vec<NwfilterRef>> {
    let listed = shell.call(Remote::connect_list_all_nwfilters(1, 0)).map(|reply| reply.filters.0);
    let mut filters = list_or(listed, "Failed to list network filters", || {
        let count = Remote::connect_num_of_nwfilters();
        let count = shell.call(count).or_say("Failed to count network filters")?;
        let names = shell.call(Remote::connect_list_nwfilters(count));
        let names = names.or_say("Failed to list network filters")?.0;
        Ok(names_then(names, |name| shell.call(Remote::nwfilter_lookup_by_name(name)).ok()))
    })?;
    sort_by_name(&mut filters, |filter| &filter.name);
    Ok(filters)
}

fn filters(shell: &mut Shell, _: &Arguments) -> Vec<String> {
    all(shell).unwrap_or_default().into_iter().map(|filter| filter.name).collect()
}

fn filter(shell: &Shell, arguments: &Arguments) -> Outcome<NwfilterRef> {
    let name = arguments.needed("nwfilter")?;
    let by_uuid = Remote::nwfilter_lookup_by_uuid;
    let kind = ("nwfilter", "virNWFilterLookupByUUIDString");
    objects::find(shell, kind, name, Lookup::Any, by_uuid, Remote::nwfilter_lookup_by_name)
}

pub(super) static DEFINE: Command = Command {
    name: "nwfilter-define",
    summary: "store a network filter, or change one",
    options: &[FILE, VALIDATE],
    run: define,
    ..Command::PLAIN
};

fn define(shell: &mut Shell, arguments: &Arguments) -> Outcome {
    let path = arguments.needed("file")?;
    let text = file::read(path)?;
    let filter = match arguments.flags(&[("validate", VIR_NWFILTER_DEFINE_VALIDATE)]) {
        0 => shell.call(Remote::nwfilter_define_xml(text)),
        flags => shell.call(Remote::nwfilter_define_xml_flags(text, flags)),
    };
    let filter = filter.or_say(format_args!("Failed to define network filter from {path}"))?;
    extra!(shell, "Network filter {} defined from {path}\n", filter.name);
    Ok(())
}

pub(super) static DUMPXML: Command = Command {
    name: "nwfilter-dumpxml",
    summary: "print a network filter, as XML",
    options: &[FILTER, XPATH, WRAP],
    run: dumpxml,
    ..Command::PLAIN
};

fn dumpxml(shell: &mut Shell, arguments: &Arguments) -> Outcome {
    let filter = filter(shell, arguments)?;
    let text = shell.call(Remote::nwfilter_get_xml_desc(filter, 0))?;
    xml::show(shell, &text, arguments.xpath()?, arguments.has("wrap"))
}

pub(super) static EDIT: Command = Command {
    name: "nwfilter-edit",
    summary: "change a network filter, in an editor",
    options: &[FILTER],
    run: edit,
    ..Command::PLAIN
};

fn edit(shell: &mut Shell, arguments: &Arguments) -> Outcome {
    let filter = filter(shell, arguments)?;
    let name = filter.name.clone();
    let get = |shell: &mut Shell| Ok(shell.call(Remote::nwfilter_get_xml_desc(filter.clone(), 0))?);
    let set = |shell: &mut Shell, text| Ok(shell.call(Remote::nwfilter_define_xml(text))?.name);
    edit_definition(shell, "Network filter", &name, get, set)
}

pub(super) static LIST: Command = Command {
    name: "nwfilter-list",
    summary: "list network filters",
    options: &[OUTPUT],
    run: list,
    ..Command::PLAIN
};

fn list(shell: &mut Shell, arguments: &Arguments) -> Outcome {
    let filters = all(shell)?;
    let mut table = Table::new(&["UUID", "Name"]);
    for filter in filters {
        table.row(vec![filter.uuid.to_string().into(), filter.name.into()]);
    }
    table.show(shell, arguments)
}

pub(super) static UNDEFINE: Command = Command {
    name: "nwfilter-undefine",
    summary: "remove a network filter",
    options: &[FILTER],
    run: undefine,
    ..Command::PLAIN
};

fn undefine(shell: &mut Shell, arguments: &Arguments) -> Outcome {
    let (filter, name) = (filter(shell, arguments)?, arguments.needed("nwfilter")?);
    act(
        shell,
        Remote::nwfilter_undefine(filter),
        format_args!("Network filter {name} undefined"),
        format_args!("Failed to undefine network filter {name}"),
    )
}
