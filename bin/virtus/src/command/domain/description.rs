//! `desc` and `metadata`

use virtus::calls::Remote;
use virtus::constants::VIR_DOMAIN_XML_INACTIVE;
use virtus::{DomainRef, ErrorCode};

use crate::command::describe::{self, Described};
use crate::command::{CONFIG, CURRENT, Command, DOMAIN, LIVE};
use crate::grammar::Arguments;
use crate::shell::{Outcome, Shell};
use crate::state;

pub(super) static DESC: Command = Command {
    name: "desc",
    summary: "tell or change the description or title of a domain",
    about: "Tells a domain's description or, with --title, its title; with new words, or with --edit, changes it.",
    options: &[DOMAIN, LIVE, CONFIG, CURRENT, describe::TITLE, describe::EDIT, describe::NEW],
    run: desc,
    ..Command::PLAIN
};

pub(super) static METADATA: Command = Command {
    name: "metadata",
    summary: "tell or change what a program of yours keeps with a domain",
    about: "A domain can carry an element for each XML namespace. This prints it, puts another one in its place, \
            removes it, or opens it in an editor.",
    options: &[
        DOMAIN,
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
        let flags = super::affect(arguments)?;
        describe::metadata(shell, arguments, flags, |shell| shell.domain(arguments))
    },
    ..Command::PLAIN
};

impl Described for DomainRef {
    const WORD: &'static str = "domain";
    const NONE: ErrorCode = ErrorCode::NO_DOMAIN_METADATA;

    fn name(&self) -> &str {
        &self.name
    }

    fn read(&self, shell: &Shell, kind: i32, uri: Option<&str>, flags: u32) -> virtus::Result<String> {
        shell.call(Remote::domain_get_metadata(self.clone(), kind, uri.map(str::to_owned), flags))
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
        shell.call(Remote::domain_set_metadata(self.clone(), kind, text, key.flatten(), uri, flags))
    }

    fn xml(&self, shell: &Shell, flags: u32) -> Outcome<String> {
        shell.xml_of_domain(self, flags)
    }
}

fn desc(shell: &mut Shell, arguments: &Arguments) -> Outcome {
    let flags = super::affect(arguments)?;
    let query = arguments.flags(&[("config", VIR_DOMAIN_XML_INACTIVE)]);
    let domain = shell.domain(arguments)?;
    state::of(shell, &domain)?;
    describe::describe(shell, arguments, &domain, flags, (query, query))
}

/// The title of a domain; empty if there is none.
///
/// # Errors
/// The daemon's.
pub(crate) fn title(shell: &Shell, domain: &DomainRef) -> Outcome<String> {
    describe::get(shell, domain, true, 0, 0)
}
