//! What people and programs write about networks: `net-desc` and `net-metadata`.

use virtus::calls::Remote;
use virtus::constants::*;
use virtus::{ErrorCode, NetworkRef};

use super::{NETWORK, network};
use crate::command::{CONFIG, CURRENT, Command, LIVE, Opt};
use crate::edit::{self, Edit};
use crate::grammar::Arguments;
use crate::objects;
use crate::shell::{OrSay, Outcome, Shell, extra, fail, out};
use crate::xml;

pub(super) static DESC: Command = Command {
    name: "net-desc",
    summary: "tell or change the description or title of a network",
    about: "Tells a network's description or, with --title, its title; with new words, or with --edit, changes it.",
    options: &[
        NETWORK,
        LIVE,
        CONFIG,
        CURRENT,
        Opt::flag("title", "the title, not the description"),
        Opt::flag("edit", "open an editor"),
        Opt::many("new-desc", "the new text").positional(),
    ],
    run: desc,
    ..Command::PLAIN
};

fn desc(shell: &mut Shell, arguments: &Arguments) -> Outcome {
    let flags = objects::affect(arguments)?;
    let title = arguments.has("title");
    let query = arguments.flags(&[("config", VIR_NETWORK_XML_INACTIVE)]);
    let network = network(shell, arguments)?;
    let what = if title { "title" } else { "description" };
    let given = arguments.joined("new-desc");
    let old = get(shell, &network, title, flags, query)?;
    if given.is_none() && !arguments.has("edit") {
        match old.is_empty() {
            true => extra!(shell, "No {what} for network: {}", network.name),
            false => out!(shell, "{old}"),
        }
        return Ok(());
    }
    let mut new = given.unwrap_or_else(|| old.clone());
    if arguments.has("edit") {
        new = edit::text(shell, &new)?;
        if new == old {
            extra!(shell, "Network {what} not changed\n");
            return Ok(());
        }
    }
    let kind = if title { VIR_NETWORK_METADATA_TITLE } else { VIR_NETWORK_METADATA_DESCRIPTION };
    shell
        .call(Remote::network_set_metadata(network, kind, Some(new), None, None, flags))
        .or_say(format_args!("Failed to set new network {what}"))?;
    extra!(shell, "Network {what} updated successfully");
    Ok(())
}

/// The description or title of a network; empty if there is none.
///
/// # Errors
/// The daemon's.
pub(super) fn get(
    shell: &Shell,
    network: &NetworkRef,
    title: bool,
    flags: u32,
    query: u32,
) -> Outcome<String> {
    let kind = if title { VIR_NETWORK_METADATA_TITLE } else { VIR_NETWORK_METADATA_DESCRIPTION };
    match shell.call(Remote::network_get_metadata(network.clone(), kind, None, flags)) {
        Ok(text) => Ok(text),
        Err(error) if error.code() == ErrorCode::NO_NETWORK_METADATA => Ok(String::new()),
        // a daemon that does not know the call
        Err(error) if error.code() == ErrorCode::NO_SUPPORT => {
            let text = shell.call(Remote::network_get_xml_desc(network.clone(), query))?;
            let document = xml::parse(&text, "network")?;
            let element = if title { "title" } else { "description" };
            Ok(xml::text(document.root_element(), element).unwrap_or_default().to_owned())
        }
        Err(error) => Err(error.into()),
    }
}

pub(super) static METADATA: Command = Command {
    name: "net-metadata",
    summary: "tell or change what a program of yours keeps with a network",
    about: "A network can carry an element for each XML namespace. This prints it, puts another one in its place, \
            removes it, or opens it in an editor.",
    options: &[
        NETWORK,
        Opt::text("uri", "the namespace").positional().required(),
        LIVE,
        CONFIG,
        CURRENT,
        Opt::flag("edit", "open an editor"),
        Opt::text("key", "the prefix of the namespace").also_positional(),
        Opt::text("set", "the new XML").also_positional(),
        Opt::flag("remove", "remove it"),
    ],
    run: metadata,
    ..Command::PLAIN
};

/// The element of a namespace.
struct Metadata {
    network: NetworkRef,
    uri: String,
    key: Option<String>,
    flags: u32,
}

impl Metadata {
    fn store(&self, shell: &Shell, text: Option<String>) -> virtus::Result<()> {
        let kind = VIR_NETWORK_METADATA_ELEMENT;
        let (key, uri) = (self.key.clone(), Some(self.uri.clone()));
        shell.call(Remote::network_set_metadata(self.network.clone(), kind, text, key, uri, self.flags))
    }

    fn load(&self, shell: &Shell) -> virtus::Result<String> {
        let uri = Some(self.uri.clone());
        let kind = VIR_NETWORK_METADATA_ELEMENT;
        shell.call(Remote::network_get_metadata(self.network.clone(), kind, uri, self.flags))
    }
}

impl Edit for Metadata {
    fn get(&mut self, shell: &mut Shell) -> Outcome<String> {
        Ok(self.load(shell).unwrap_or_else(|_| "\n".to_owned()))
    }

    fn set(&mut self, shell: &mut Shell, text: String) -> Outcome {
        Ok(self.store(shell, Some(text))?)
    }
}

fn metadata(shell: &mut Shell, arguments: &Arguments) -> Outcome {
    let flags = objects::affect(arguments)?;
    arguments.exclusive("edit", "set")?;
    arguments.exclusive("remove", "set")?;
    arguments.exclusive("remove", "edit")?;
    let network = network(shell, arguments)?;
    let uri = arguments.needed("uri")?.to_owned();
    let key = arguments.text("key")?.map(str::to_owned);
    let set = arguments.text("set")?.map(str::to_owned);
    if (set.is_some() || arguments.has("edit")) && key.is_none() {
        fail!("namespace key is required when modifying metadata");
    }
    let mut metadata = Metadata { network, uri, key, flags };
    if arguments.has("remove") {
        metadata.store(shell, None)?;
        extra!(shell, "Metadata removed\n");
    } else if set.is_some() {
        metadata.store(shell, set)?;
        extra!(shell, "Metadata modified\n");
    } else if arguments.has("edit") {
        match edit::run(shell, &mut metadata)? {
            false => extra!(shell, "Metadata not changed"),
            true => extra!(shell, "Metadata modified\n"),
        }
    } else {
        let text = match metadata.load(shell) {
            Err(error) if error.code() == ErrorCode::NO_NETWORK_METADATA => String::new(),
            outcome => outcome?,
        };
        out!(shell, "{text}\n");
    }
    Ok(())
}
