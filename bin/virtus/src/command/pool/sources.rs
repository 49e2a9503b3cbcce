//! What pools could be made of: `find-storage-pool-sources`, `find-storage-pool-sources-as` and
//! `pool-capabilities`.

use virtus::calls::Remote;

use crate::command::{Command, Opt};
use crate::file;
use crate::grammar::Arguments;
use crate::shell::{OrSay, Outcome, Shell, out};
use crate::xml::build::Element;

use super::build::TYPES;

const TYPE: Opt = Opt::text("type", "what the pools would be made of").positional().required().one_of(&TYPES);

pub(super) static FIND_AS: Command = Command {
    name: "find-storage-pool-sources-as",
    summary: "find storage that pools can be made of, as options describe it",
    options: &[
        TYPE,
        Opt::text("host", "the host that has the storage").also_positional(),
        Opt::text("port", "the port to ask at").also_positional(),
        Opt::text("initiator", "the IQN of the iSCSI initiator").also_positional(),
    ],
    run: find_as,
    ..Command::PLAIN
};

fn find_as(shell: &mut Shell, arguments: &Arguments) -> Outcome {
    let (host, initiator) = (arguments.text("host")?, arguments.text("initiator")?);
    let description = match host {
        None => None,
        Some(host) => {
            let mut source = Element::new("source");
            let port = arguments.text("port")?;
            source.child(Element::new("host").attribute("name", Some(host)).attribute("port", port));
            let mut initiated = Element::new("initiator");
            initiated.child(Element::new("iqn").attribute("name", initiator));
            source.child(initiated);
            Some(source.finish())
        }
    };
    show(shell, arguments, description)
}

pub(super) static FIND: Command = Command {
    name: "find-storage-pool-sources",
    summary: "find storage that pools can be made of, as a file describes it",
    options: &[TYPE, Opt::text("srcSpec", "the file with the XML of the source").also_positional().file()],
    run: find,
    ..Command::PLAIN
};

fn find(shell: &mut Shell, arguments: &Arguments) -> Outcome {
    let description = arguments.text("srcSpec")?.map(file::read).transpose()?;
    show(shell, arguments, description)
}

fn show(shell: &mut Shell, arguments: &Arguments, description: Option<String>) -> Outcome {
    let kind = arguments.needed("type")?;
    let found = shell
        .call(Remote::connect_find_storage_pool_sources(kind.to_owned(), description, 0))
        .or_say(format_args!("Failed to find any {kind} pool sources"))?;
    out!(shell, "{found}");
    Ok(())
}

pub(super) static CAPABILITIES: Command = Command {
    name: "pool-capabilities",
    summary: "what pools the daemon can have, as XML",
    run: capabilities,
    ..Command::PLAIN
};

fn capabilities(shell: &mut Shell, _: &Arguments) -> Outcome {
    let text = shell
        .call(Remote::connect_get_storage_pool_capabilities(0))
        .or_say("failed to get storage pool capabilities")?;
    out!(shell, "{text}\n");
    Ok(())
}
