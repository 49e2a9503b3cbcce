//! virsh's grammar: commands with options that can be given by name or, most of those with a value, by place.
//!
//! ```text
//! command  := NAME word*            commands end at ';' and at the end of a line
//! word     := '--'                  from here on values only
//!           | '--' NAME ['=' value]
//!           | '--' NAME value       when the option takes one
//!           | value                 goes to the first positional option that has none
//! ```

mod arguments;
mod declare;
mod number;
mod token;

pub(crate) use arguments::{Arguments, exclusive, requires};
pub(crate) use declare::{Catalogue, Command, Completer, Group, Kind, Opt};
pub(crate) use number::{Number, Wrapping, byte_size, c_number, signed_size};
pub(crate) use token::Tokens;

use token::Token;

/// What a command line asks for.
///
/// # Errors
/// What is wrong with it, in virsh's words.
pub(crate) fn parse(catalogue: &Catalogue, tokens: Tokens<'_>) -> Result<Vec<Arguments>, String> {
    let mut parser = Parser { catalogue, done: Vec::new(), current: None, help: false };
    parser.run(tokens, true)?;
    Ok(parser.done)
}

/// The last command of a line that is being typed, as far as it can be understood.
pub(crate) fn parse_unfinished(catalogue: &Catalogue, tokens: Tokens<'_>) -> Option<Arguments> {
    let mut parser = Parser { catalogue, done: Vec::new(), current: None, help: false };
    let _ = parser.run(tokens, false);
    parser.current.or_else(|| parser.done.pop())
}

struct Parser<'a> {
    catalogue: &'a Catalogue,
    done: Vec<Arguments>,
    current: Option<Arguments>,
    /// `--help` was among the options of the current command.
    help: bool,
}

impl Parser<'_> {
    fn run(&mut self, mut tokens: Tokens<'_>, strict: bool) -> Result<(), String> {
        // an option that waits for its value
        let mut open: Option<usize> = None;
        let mut comment = false;
        let mut names_allowed = true;
        loop {
            let word = match tokens.next()? {
                Token::Word(word) => word,
                end => {
                    if let (Some(index), Some(current)) = (open.take(), &mut self.current) {
                        if strict {
                            return Err(expected(current, index));
                        }
                        current.fill(index, None);
                    }
                    self.end_command(strict)?;
                    (comment, names_allowed) = (false, true);
                    match end {
                        Token::End => return Ok(()),
                        _ => continue,
                    }
                }
            };
            let Some(current) = &mut self.current else {
                if comment || word.starts_with('#') {
                    comment = true;
                    continue;
                }
                let command =
                    self.catalogue.find(&word).ok_or_else(|| format!("unknown command: '{word}'"))?;
                self.current = Some(Arguments::new(command));
                continue;
            };
            if let Some(index) = open.take() {
                current.fill(index, Some(word));
            } else if !names_allowed || !word.starts_with("--") {
                position(current, word)?;
            } else if word == "--" {
                names_allowed = false;
            } else {
                let (name, value) = match word.split_once('=') {
                    Some((name, value)) => (name, Some(value.to_owned())),
                    None => (word.as_str(), None),
                };
                match name.strip_prefix("--").unwrap_or(name) {
                    "help" => self.help = true,
                    name => open = named(current, self.catalogue.extended, name, value)?,
                }
            }
        }
    }

    fn end_command(&mut self, strict: bool) -> Result<(), String> {
        let Some(mut arguments) = self.current.take() else { return Ok(()) };
        if std::mem::take(&mut self.help)
            && let Some(help) = self.catalogue.find("help")
        {
            let name = arguments.command.name.to_owned();
            arguments = Arguments::new(help);
            arguments.fill(0, Some(name));
        }
        if strict {
            let command = arguments.command;
            let missing =
                command.options.iter().enumerate().find(|(i, o)| o.required && !arguments.is_filled(*i));
            if let Some((_, option)) = missing {
                return Err(match option.positional {
                    true => format!("command '{}' requires <{}> option", command.name, option.name),
                    false => format!("command '{}' requires --{} option", command.name, option.name),
                });
            }
        }
        self.done.push(arguments);
        Ok(())
    }
}

fn expected(arguments: &Arguments, index: usize) -> String {
    let option = &arguments.command.options[index];
    let what = if matches!(option.kind, Kind::Number) { "number" } else { "string" };
    format!("expected syntax: --{} <{what}>", option.name)
}

/// A value without a name.
fn position(arguments: &mut Arguments, word: String) -> Result<(), String> {
    let options = arguments.command.options;
    let free = options.iter().enumerate().find(|(index, option)| {
        (option.positional || option.also_positional)
            && (matches!(option.kind, Kind::Many) || !arguments.is_filled(*index))
    });
    match free {
        Some((index, _)) => arguments.fill(index, Some(word)),
        // whoever asks for help gets it
        None if arguments.command.name == "help" => {}
        None => return Err(format!("unexpected data '{word}'")),
    }
    Ok(())
}

/// An option by its name; gives its place when its value is still to come.
fn named(
    arguments: &mut Arguments,
    extended: bool,
    name: &str,
    mut value: Option<String>,
) -> Result<Option<usize>, String> {
    let command = arguments.command;
    let mut wanted = name;
    // an alias stands before what it stands for
    for (index, option) in command.options.iter().enumerate().filter(|(_, o)| extended || !o.only_virtus) {
        if option.name != wanted {
            continue;
        }
        match option.kind {
            Kind::Alias(target) => match target.split_once('=') {
                Some(_) if value.is_some() => {
                    return Err(format!("invalid '=' after option --{}", option.name));
                }
                Some((target, fixed)) => {
                    wanted = target;
                    value = Some(fixed.to_owned());
                }
                None => wanted = target,
            },
            Kind::Many if value.is_none() => return Ok(Some(index)),
            _ if arguments.is_filled(index) && !matches!(option.kind, Kind::Many) => {
                return Err(format!("option --{wanted} already seen"));
            }
            Kind::Flag if value.is_some() => {
                return Err(format!("invalid '=' after option --{}", option.name));
            }
            Kind::Text | Kind::Number if value.is_none() => return Ok(Some(index)),
            _ => {
                arguments.fill(index, value);
                return Ok(None);
            }
        }
    }
    match command.name {
        "help" => Ok(None),
        command => Err(format!("command '{command}' doesn't support option --{wanted}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::{VIRSH, VIRTUS};

    fn line(text: &str) -> String {
        match parse(&VIRSH, Tokens::line(text)) {
            Err(complaint) => complaint,
            Ok(commands) => commands.iter().map(shown).collect::<Vec<_>>().join("; "),
        }
    }

    fn shown(arguments: &Arguments) -> String {
        let mut text = arguments.command.name.to_owned();
        for option in arguments.command.options {
            if !matches!(option.kind, Kind::Alias(_)) && arguments.has(option.name) {
                text += &format!(" {}={:?}", option.name, arguments.many(option.name));
            }
        }
        text
    }

    #[test]
    fn values_go_where_there_is_room() {
        assert_eq!(line("dominfo a"), r#"dominfo domain=["a"]"#);
        assert_eq!(line("dominfo --domain a"), r#"dominfo domain=["a"]"#);
        assert_eq!(line("dominfo --domain=a"), r#"dominfo domain=["a"]"#);
        assert_eq!(line("dominfo --domain --all"), r#"dominfo domain=["--all"]"#);
        assert_eq!(line("dominfo -- --all"), r#"dominfo domain=["--all"]"#);
        assert_eq!(line("desc --title a b c"), r#"desc domain=["a"] title=[] new-desc=["b", "c"]"#);
        assert_eq!(line("echo --hi --str x y"), r#"echo string=["hello", "x", "y"]"#);
        assert_eq!(line("list; # no\n echo 'a;b'"), r#"list; echo string=["a;b"]"#);
        assert_eq!(line("# only a comment"), "");
        assert_eq!(line("dominfo --help"), r#"help command=["dominfo"]"#);
        assert_eq!(line("help dominfo more --and more"), r#"help command=["dominfo"]"#);
    }

    #[test]
    fn complaints_are_virshs() {
        assert_eq!(line("bogus"), "unknown command: 'bogus'");
        assert_eq!(line("list; bogus"), "unknown command: 'bogus'");
        assert_eq!(line("list --bogus"), "command 'list' doesn't support option --bogus");
        assert_eq!(line("list extra"), "unexpected data 'extra'");
        assert_eq!(line("list --all=yes"), "invalid '=' after option --all");
        assert_eq!(line("list --all --all"), "option --all already seen");
        assert_eq!(line("echo --hi=x"), "invalid '=' after option --hi");
        assert_eq!(line("dominfo"), "command 'dominfo' requires <domain> option");
        assert_eq!(line("dominfo --domain"), "expected syntax: --domain <string>");
        assert_eq!(line("event --timeout"), "expected syntax: --timeout <number>");
        assert_eq!(line("dominfo --domain a --domain b"), "option --domain already seen");
        assert_eq!(line("echo \"a"), "missing \"");
    }

    #[test]
    fn virsh_has_no_more_than_virsh_has() {
        assert_eq!(line("list --output json"), "command 'list' doesn't support option --output");
        assert!(parse(&VIRTUS, Tokens::line("list --output json")).is_ok());
    }

    #[test]
    fn what_is_being_typed_is_understood_as_far_as_it_goes() {
        let typed = |text| parse_unfinished(&VIRSH, Tokens::unfinished(text));
        let last = |text| typed(text)?.last().map(|(option, value)| (option.name, value.map(str::to_owned)));
        assert_eq!(last("dominfo al"), Some(("domain", Some("al".to_owned()))));
        assert_eq!(last("list; event --event "), Some(("event", None)));
        assert_eq!(last("dominfo "), None);
        assert!(typed("domi").is_none());
    }

    /// What virsh's own grammar relies on, of each declaration.
    #[test]
    fn declarations_make_sense() {
        for command in VIRTUS.commands() {
            let name = command.name;
            let mut seen_optional = false;
            for (index, option) in command.options.iter().enumerate() {
                let later = command.options.get(index + 1..).unwrap_or_default();
                assert!(!later.iter().any(|o| o.name == option.name), "{name}: --{} twice", option.name);
                match option.kind {
                    Kind::Alias(target) => {
                        let target = target.split('=').next().unwrap();
                        assert!(
                            later.iter().any(|o| o.name == target),
                            "{name}: --{} means nothing",
                            option.name
                        );
                        continue;
                    }
                    Kind::Flag => {
                        assert!(!option.required && !option.positional, "{name}: --{}", option.name)
                    }
                    Kind::Many => {
                        assert!(later.iter().all(|o| o.only_virtus), "{name}: --{} is not last", option.name);
                    }
                    _ => {}
                }
                assert!(!option.help.is_empty(), "{name}: --{} has no help", option.name);
                if option.positional {
                    assert!(!(option.required && seen_optional), "{name}: <{}> too late", option.name);
                    seen_optional |= !option.required;
                }
            }
            assert!(!command.summary.is_empty() && !command.summary.ends_with('.'), "{name}: summary");
            let same = VIRTUS.commands().filter(|c| c.name == name || c.aliases.contains(&name)).count();
            assert_eq!(same, 1, "{name} is there twice");
        }
    }
}
