//! `desc`

use virtus::calls::Remote;
use virtus::constants::*;
use virtus::{DomainRef, ErrorCode};

use crate::command::{CONFIG, CURRENT, Command, DOMAIN, LIVE, Opt};
use crate::edit;
use crate::grammar::Arguments;
use crate::shell::{OrSay, Outcome, Shell, extra, out};
use crate::xml;

pub(super) static COMMAND: Command = Command {
    name: "desc",
    summary: "tell or change the description or title of a domain",
    about: "Tells a domain's description or, with --title, its title; with new words, or with --edit, changes it.",
    options: &[
        DOMAIN,
        LIVE,
        CONFIG,
        CURRENT,
        Opt::flag("title", "the title, not the description"),
        Opt::flag("edit", "open an editor"),
        Opt::many("new-desc", "the new text").positional(),
    ],
    run,
    ..Command::PLAIN
};

fn run(shell: &mut Shell, arguments: &Arguments) -> Outcome {
    let flags = super::affect(arguments)?;
    let title = arguments.has("title");
    let query = if arguments.has("config") { VIR_DOMAIN_XML_INACTIVE } else { 0 };
    let domain = shell.domain(arguments)?;
    crate::state::of(shell, &domain)?;
    let what = if title { "title" } else { "description" };
    let given = arguments.joined("new-desc");
    if given.is_none() && !arguments.has("edit") {
        let text = get(shell, &domain, title, query)?;
        match text.is_empty() {
            true => extra!(shell, "No {what} for domain: {}", domain.name),
            false => out!(shell, "{text}"),
        }
        return Ok(());
    }
    let old = get(shell, &domain, title, query)?;
    let mut new = given.unwrap_or_else(|| old.clone());
    if arguments.has("edit") {
        new = edit::text(shell, &new)?;
        if new == old {
            extra!(shell, "Domain {what} not changed\n");
            return Ok(());
        }
    }
    let kind = if title { VIR_DOMAIN_METADATA_TITLE } else { VIR_DOMAIN_METADATA_DESCRIPTION };
    shell
        .call(Remote::domain_set_metadata(domain, kind, Some(new), None, None, flags))
        .or_say(format_args!("Failed to set new domain {what}"))?;
    extra!(shell, "Domain {what} updated successfully");
    Ok(())
}

/// The description or title of a domain; empty if there is none.
///
/// # Errors
/// The daemon's.
pub(crate) fn get(shell: &Shell, domain: &DomainRef, title: bool, flags: u32) -> Outcome<String> {
    let kind = if title { VIR_DOMAIN_METADATA_TITLE } else { VIR_DOMAIN_METADATA_DESCRIPTION };
    match shell.call(Remote::domain_get_metadata(domain.clone(), kind, None, flags)) {
        Ok(text) => Ok(text),
        Err(error) if error.code() == ErrorCode::NO_DOMAIN_METADATA => Ok(String::new()),
        // a daemon that does not know the call
        Err(error) if error.code() == ErrorCode::NO_SUPPORT => {
            let text = shell.xml_of_domain(domain, flags)?;
            let document = xml::parse(&text, "domain")?;
            let element = if title { "title" } else { "description" };
            Ok(xml::text(document.root_element(), element).unwrap_or_default().to_owned())
        }
        Err(error) => Err(error.into()),
    }
}
