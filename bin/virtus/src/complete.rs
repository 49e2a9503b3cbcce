//! What could be typed next: commands, options, and values, some of which only the daemon knows.

use virtus::calls::Remote;
use virtus::constants::{
    VIR_CONNECT_LIST_DOMAINS_ACTIVE, VIR_CONNECT_LIST_DOMAINS_INACTIVE, VIR_CONNECT_LIST_DOMAINS_PERSISTENT,
};

use crate::command::{Completer, Kind};
use crate::grammar::{Arguments, Tokens, parse_unfinished};
use crate::shell::Shell;
use crate::xml;

/// What may stand for `word`, the end of `line`.
pub(crate) fn propose(shell: &mut Shell, line: &str, word: &str) -> Vec<String> {
    let catalogue = shell.catalogue;
    let typed = parse_unfinished(catalogue, Tokens::unfinished(line));
    let proposals = match typed {
        // `dump` may become `dumpxml`, and only `dump ` asks for its options
        Some(arguments) if arguments.command.name != word => {
            values(shell, &arguments, word).unwrap_or_else(|| {
                catalogue
                    .options(arguments.command)
                    .filter(|option| option.kind == Kind::Many || !arguments.has(option.name))
                    .map(|option| format!("--{}", option.name))
                    .collect()
            })
        }
        _ => {
            let shown = catalogue.commands().filter(|command| !command.hidden);
            shown.map(|command| command.name.to_owned()).collect()
        }
    };
    let quoted = word.starts_with(['\'', '"']);
    let escape = |text: String| if quoted { text } else { text.replace(' ', "\\ ") };
    proposals.into_iter().map(escape).filter(|text| text.starts_with(word)).collect()
}

/// Values for the option that is being typed, if one is and knows some.
fn values(shell: &mut Shell, arguments: &Arguments, word: &str) -> Option<Vec<String>> {
    let (option, text) = arguments.last()?;
    if text.unwrap_or_default() != word {
        return None;
    }
    match option.completer {
        Completer::Nothing => None,
        Completer::Files => Some(files(word)),
        Completer::Words(words) => Some(words.iter().map(|word| (*word).to_owned()).collect()),
        Completer::Ask(ask) => {
            // who completes wants no complaints
            if !shell.be_connected() {
                return Some(Vec::new());
            }
            Some(ask(shell, arguments))
        }
    }
}

/// Files whose path begins with `word`.
fn files(word: &str) -> Vec<String> {
    let (directory, _) = word.rsplit_once('/').map_or(("", word), |(directory, name)| (directory, name));
    let prefix = word.get(..word.rfind('/').map_or(0, |place| place + 1)).unwrap_or_default();
    let place = match (directory, prefix) {
        ("", "") => ".",
        ("", _) => "/",
        (directory, _) => directory,
    };
    let Ok(entries) = std::fs::read_dir(place) else { return Vec::new() };
    let mut names: Vec<String> = entries
        .filter_map(Result::ok)
        .map(|entry| {
            let slash = if entry.path().is_dir() { "/" } else { "" };
            format!("{prefix}{}{slash}", entry.file_name().to_string_lossy())
        })
        .collect();
    names.sort();
    names
}

fn domains_with(shell: &Shell, flags: u32) -> Vec<String> {
    let listed = shell.call(Remote::connect_list_all_domains(1, flags));
    listed.map(|reply| reply.domains.0.into_iter().map(|domain| domain.name).collect()).unwrap_or_default()
}

pub(crate) fn domains(shell: &mut Shell, _: &Arguments) -> Vec<String> {
    domains_with(shell, VIR_CONNECT_LIST_DOMAINS_ACTIVE | VIR_CONNECT_LIST_DOMAINS_INACTIVE)
}

pub(crate) fn active_domains(shell: &mut Shell, _: &Arguments) -> Vec<String> {
    domains_with(shell, VIR_CONNECT_LIST_DOMAINS_ACTIVE)
}

pub(crate) fn inactive_domains(shell: &mut Shell, _: &Arguments) -> Vec<String> {
    domains_with(shell, VIR_CONNECT_LIST_DOMAINS_INACTIVE)
}

pub(crate) fn persistent_domains(shell: &mut Shell, _: &Arguments) -> Vec<String> {
    domains_with(shell, VIR_CONNECT_LIST_DOMAINS_PERSISTENT)
}

/// What an attribute of a kind of device of the domain in question has.
fn from_devices(
    shell: &mut Shell,
    arguments: &Arguments,
    elements: &str,
    wanted: &[(&str, &str)],
) -> Vec<String> {
    let Ok(domain) = shell.domain(arguments) else { return Vec::new() };
    let Ok(text) = shell.call(Remote::domain_get_xml_desc(domain, 0)) else { return Vec::new() };
    let Ok(document) = xml::parse(&text, "domain") else { return Vec::new() };
    let devices = xml::children(document.root_element(), elements);
    wanted
        .iter()
        .flat_map(|(path, name)| devices.iter().filter_map(|device| xml::attribute(*device, path, name)))
        .map(str::to_owned)
        .collect()
}

pub(crate) fn disk_targets(shell: &mut Shell, arguments: &Arguments) -> Vec<String> {
    from_devices(shell, arguments, "devices/disk", &[("target", "dev")])
}

pub(crate) fn interfaces(shell: &mut Shell, arguments: &Arguments) -> Vec<String> {
    from_devices(shell, arguments, "devices/interface", &[("target", "dev"), ("mac", "address")])
}

pub(crate) fn aliases(shell: &mut Shell, arguments: &Arguments) -> Vec<String> {
    from_devices(shell, arguments, "devices/*", &[("alias", "name")])
}

pub(crate) fn snapshots(shell: &mut Shell, arguments: &Arguments) -> Vec<String> {
    let Ok(domain) = shell.domain(arguments) else { return Vec::new() };
    let listed = shell.call(Remote::domain_list_all_snapshots(domain, 1, 0));
    listed.map(|reply| reply.snapshots.0.into_iter().map(|one| one.name).collect()).unwrap_or_default()
}

pub(crate) fn checkpoints(shell: &mut Shell, arguments: &Arguments) -> Vec<String> {
    let Ok(domain) = shell.domain(arguments) else { return Vec::new() };
    let listed = shell.call(Remote::domain_list_all_checkpoints(domain, 1, 0));
    listed.map(|reply| reply.checkpoints.0.into_iter().map(|one| one.name).collect()).unwrap_or_default()
}
