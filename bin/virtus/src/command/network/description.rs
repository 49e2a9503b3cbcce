//! `net-desc` and `net-metadata`

use virtus::calls::Remote;
use virtus::constants::VIR_NETWORK_XML_INACTIVE;
use virtus::{ErrorCode, NetworkRef};

use super::{NETWORK, network};
use crate::command::describe::{self, Described};
use crate::command::{CONFIG, CURRENT, Command, LIVE};
use crate::objects;
use crate::shell::{Outcome, Shell};

pub(super) static DESC: Command = Command {
    name: "net-desc",
    summary: "tell or change the description or title of a network",
    about: "Tells a network's description or, with --title, its title; with new words, or with --edit, changes it.",
    options: &[NETWORK, LIVE, CONFIG, CURRENT, describe::TITLE, describe::EDIT, describe::NEW],
    run: |shell, arguments| {
        let flags = objects::affect(arguments)?;
        let query = arguments.flags(&[("config", VIR_NETWORK_XML_INACTIVE)]);
        let network = network(shell, arguments)?;
        describe::describe(shell, arguments, &network, flags, (flags, query))
    },
    ..Command::PLAIN
};

pub(super) static METADATA: Command = Command {
    name: "net-metadata",
    summary: "tell or change what a program of yours keeps with a network",
    about: "A network can carry an element for each XML namespace. This prints it, puts another one in its place, \
            removes it, or opens it in an editor.",
    options: &[
        NETWORK,
        describe::URI,
        LIVE,
        CONFIG,
        CURRENT,
        describe::EDIT,
        describe::KEY,
        describe::SET,
        describe::REMOVE,
    ],
    run: |shell, arguments| {
        let flags = objects::affect(arguments)?;
        describe::metadata(shell, arguments, flags, |shell| network(shell, arguments))
    },
    ..Command::PLAIN
};

impl Described for NetworkRef {
    const WORD: &'static str = "network";
    const NONE: ErrorCode = ErrorCode::NO_NETWORK_METADATA;

    fn name(&self) -> &str {
        &self.name
    }

    fn read(&self, shell: &Shell, kind: i32, uri: Option<&str>, flags: u32) -> virtus::Result<String> {
        shell.call(Remote::network_get_metadata(self.clone(), kind, uri.map(str::to_owned), flags))
    }

    fn write(
        &self,
        shell: &Shell,
        kind: i32,
        text: Option<String>,
        namespace: Option<(Option<&str>, &str)>,
        flags: u32,
    ) -> virtus::Result<()> {
        let (key, uri) = namespace.map(|(key, uri)| (key.map(str::to_owned), uri.to_owned())).unzip();
        shell.call(Remote::network_set_metadata(self.clone(), kind, text, key.flatten(), uri, flags))
    }

    fn xml(&self, shell: &Shell, flags: u32) -> Outcome<String> {
        Ok(shell.call(Remote::network_get_xml_desc(self.clone(), flags))?)
    }
}

/// The title of a network; empty if there is none.
///
/// # Errors
/// The daemon's.
pub(super) fn title(shell: &Shell, network: &NetworkRef) -> Outcome<String> {
    describe::get(shell, network, true, 0, 0)
}
