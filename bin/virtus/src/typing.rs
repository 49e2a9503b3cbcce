//! What could be typed next: commands, options, and values, some of which only the daemon knows.

use crate::grammar::{Arguments, Catalogue, Completer, Kind, Tokens, parse_unfinished};
use crate::shell::Shell;

/// What may stand for `word`, the end of `line`.
pub(crate) fn propose(shell: &mut Shell, catalogue: &Catalogue, line: &str, word: &str) -> Vec<String> {
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
