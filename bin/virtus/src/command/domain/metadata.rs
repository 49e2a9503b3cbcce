//! `metadata`

use virtus::calls::Remote;
use virtus::constants::VIR_DOMAIN_METADATA_ELEMENT;
use virtus::{DomainRef, ErrorCode};

use crate::command::{CONFIG, CURRENT, Command, DOMAIN, LIVE, Opt};
use crate::edit::{self, Edit};
use crate::grammar::Arguments;
use crate::shell::{Outcome, Shell, extra, fail, out};

pub(super) static COMMAND: Command = Command {
    name: "metadata",
    summary: "tell or change what a program of yours keeps with a domain",
    about: "A domain can carry an element for each XML namespace. This prints it, puts another one in its place, \
            removes it, or opens it in an editor.",
    options: &[
        DOMAIN,
        Opt::text("uri", "the namespace").positional().required(),
        LIVE,
        CONFIG,
        CURRENT,
        Opt::flag("edit", "open an editor"),
        Opt::text("key", "the prefix of the namespace").also_positional(),
        Opt::text("set", "the new XML").also_positional(),
        Opt::flag("remove", "remove it"),
    ],
    run,
    ..Command::PLAIN
};

/// The element of a namespace.
struct Metadata {
    domain: DomainRef,
    uri: String,
    key: Option<String>,
    flags: u32,
}

impl Metadata {
    fn store(&self, shell: &Shell, text: Option<String>) -> virtus::Result<()> {
        let kind = VIR_DOMAIN_METADATA_ELEMENT;
        let (key, uri) = (self.key.clone(), Some(self.uri.clone()));
        shell.call(Remote::domain_set_metadata(self.domain.clone(), kind, text, key, uri, self.flags))
    }

    fn load(&self, shell: &Shell) -> virtus::Result<String> {
        let uri = Some(self.uri.clone());
        shell.call(Remote::domain_get_metadata(
            self.domain.clone(),
            VIR_DOMAIN_METADATA_ELEMENT,
            uri,
            self.flags,
        ))
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

fn run(shell: &mut Shell, arguments: &Arguments) -> Outcome {
    arguments.exclusive("current", "live")?;
    arguments.exclusive("current", "config")?;
    arguments.exclusive("edit", "set")?;
    arguments.exclusive("remove", "set")?;
    arguments.exclusive("remove", "edit")?;
    let flags = super::affect(arguments)?;
    let domain = shell.domain(arguments)?;
    let uri = arguments.needed("uri")?.to_owned();
    let key = arguments.text("key")?.map(str::to_owned);
    let set = arguments.text("set")?.map(str::to_owned);
    if (set.is_some() || arguments.has("edit")) && key.is_none() {
        fail!("namespace key is required when modifying metadata");
    }
    let mut metadata = Metadata { domain, uri, key, flags };
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
            Err(error) if error.code() == ErrorCode::NO_DOMAIN_METADATA => String::new(),
            outcome => outcome?,
        };
        out!(shell, "{text}\n");
    }
    Ok(())
}
