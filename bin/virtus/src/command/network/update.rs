//! `net-update`

use virtus::calls::Remote;

use super::{NETWORK, network};
use crate::command::{CONFIG, CURRENT, Command, LIVE, Opt};
use crate::file;
use crate::grammar::Arguments;
use crate::objects::{self, holds, tell_updated};
use crate::shell::{OrSay, Outcome, Shell, fail};

pub(super) static COMMAND: Command = Command {
    name: "net-update",
    summary: "change a part of a network",
    about: "Adds, changes or removes an element in a section of a network's definition; an active network does not \
            have to be started anew for that.",
    options: &[
        NETWORK,
        Opt::text("command", "what to do: add-first, add-last (add), delete or modify")
            .positional()
            .required()
            .one_of(&COMMANDS),
        Opt::text("section", "which section of the definition").positional().required().one_of(&SECTIONS),
        Opt::text("xml", "the element, or a file that has it").positional().required().file(),
        Opt::number("parent-index", "which of several equal parents it is in").also_positional(),
        CONFIG,
        LIVE,
        CURRENT,
    ],
    run,
    ..Command::PLAIN
};

/// By number, which begin with 1.
const COMMANDS: [&str; 4] = ["modify", "delete", "add-last", "add-first"];
const SECTIONS: [&str; 12] = [
    "bridge",
    "domain",
    "ip",
    "ip-dhcp-host",
    "ip-dhcp-range",
    "forward",
    "forward-interface",
    "forward-pf",
    "portgroup",
    "dns-host",
    "dns-txt",
    "dns-srv",
];

fn number(words: &[&str], word: &str) -> Option<u32> {
    words.iter().zip(1..).find(|(known, _)| **known == word).map(|(_, number)| number)
}

fn run(shell: &mut Shell, arguments: &Arguments) -> Outcome {
    let flags = objects::affect(arguments)?;
    let network = network(shell, arguments)?;
    let word = arguments.needed("command")?;
    let wanted = if word == "add" { "add-last" } else { word };
    let Some(command) = number(&COMMANDS, wanted) else {
        fail!("unrecognized command name '{word}'");
    };
    let word = arguments.needed("section")?;
    let Some(section) = number(&SECTIONS, word) else { fail!("unrecognized section name '{word}'") };
    let parent = arguments.number::<i32>("parent-index")?.unwrap_or(-1);
    let xml = arguments.needed("xml")?;
    let xml = if xml.starts_with('<') { xml.to_owned() } else { file::read(xml)? };
    shell
        .call(Remote::network_update(network.clone(), command, section, parent, xml, flags))
        .or_say(format_args!("Failed to update network {}", network.name))?;
    let name = format!("network {}", network.name);
    let active = holds(shell, Remote::network_is_active(network));
    tell_updated(shell, arguments, &name, active);
    Ok(())
}
