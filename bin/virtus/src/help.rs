//! Help from the declarations: lists, and a page for each command.

use std::fmt::Write;

use crate::globals;
use crate::grammar::{Catalogue, Command, Group, Kind, Opt};
use crate::shell::{Failure, Outcome, Shell, out};

/// `help`, and `help NAME` for a command or a group.
///
/// # Errors
/// There is nothing of that name.
pub(crate) fn show(shell: &mut Shell, catalogue: &Catalogue, name: Option<&str>) -> Outcome {
    let Some(name) = name else {
        out!(shell, "Grouped commands:\n\n");
        for group in catalogue.groups {
            let text = list(catalogue, group, ":");
            out!(shell, "{text}\n");
        }
        return Ok(());
    };
    let text = match (catalogue.find(name), catalogue.group(name)) {
        (Some(command), _) => page(catalogue, command),
        (None, Some(group)) => list(catalogue, group, ":"),
        (None, None) => {
            return Err(Failure::new(format_args!("command or command group '{name}' doesn't exist")));
        }
    };
    out!(shell, "{text}");
    Ok(())
}

/// The commands of a group, a line each.
fn list(catalogue: &Catalogue, group: &'static Group, end: &str) -> String {
    let mut text = format!(" {} (help keyword '{}'){end}\n", group.name, group.keyword);
    for command in catalogue.of(group).filter(|command| !command.hidden) {
        let _ = writeln!(text, "    {:<30} {}", command.name, command.summary);
    }
    text
}

/// All there is to say about a command.
pub(crate) fn page(catalogue: &Catalogue, command: &'static Command) -> String {
    let mut text = format!("  NAME\n    {} - {}\n", command.name, command.summary);
    let _ = writeln!(text, "\n  SYNOPSIS\n    {}", synopsis(catalogue, command));
    let about = if command.about.is_empty() { sentence(command.summary) } else { command.about.to_owned() };
    if !about.is_empty() {
        text.push_str("\n  DESCRIPTION\n");
        for line in wrap(&about, 76) {
            let _ = writeln!(text, "    {line}");
        }
    }
    let mut options = catalogue.options(command).peekable();
    if options.peek().is_some() {
        text.push_str("\n  OPTIONS\n");
        for option in options {
            let _ = writeln!(text, "    {:<15}  {}", usage_of(option), option.help);
        }
    }
    text
}

/// The command with its options in short.
pub(crate) fn synopsis(catalogue: &Catalogue, command: &'static Command) -> String {
    let mut text = command.name.to_owned();
    for option in catalogue.options(command) {
        let name = option.name;
        let value = if option.kind == Kind::Number { "number" } else { "string" };
        let item = match option.positional {
            _ if option.kind == Kind::Flag => format!("--{name}"),
            true => format!("<{name}>"),
            false => format!("--{name} <{value}>"),
        };
        let many = if option.kind == Kind::Many { "..." } else { "" };
        let _ = match option.required {
            true => write!(text, " {item}{many}"),
            false => write!(text, " [{item}]{many}"),
        };
    }
    text
}

/// An option with what it takes.
pub(crate) fn usage_of(option: &Opt) -> String {
    let name = match option.positional {
        true => format!("[--{}]", option.name),
        false => format!("--{}", option.name),
    };
    match option.kind {
        Kind::Flag | Kind::Alias(_) => name,
        Kind::Number => format!("{name} <number>"),
        Kind::Text => format!("{name} <string>"),
        Kind::Many => format!("{name} <string>..."),
    }
}

/// A line of help as a sentence.
fn sentence(summary: &str) -> String {
    let mut chars = summary.chars();
    match chars.next() {
        None => String::new(),
        Some(first) => format!("{}{}.", first.to_uppercase(), chars.as_str()),
    }
}

/// `text` in lines of at most `width` characters; its own line ends stay.
pub(crate) fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines = Vec::new();
    for paragraph in text.lines() {
        let mut line = String::new();
        for word in paragraph.split(' ') {
            if !line.is_empty() && line.chars().count() + 1 + word.chars().count() > width {
                lines.push(std::mem::take(&mut line));
            }
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(word);
        }
        lines.push(line);
    }
    lines
}

/// `--help`.
pub(crate) fn usage(shell: &mut Shell, catalogue: &Catalogue) {
    let program = shell.program.clone();
    out!(
        shell,
        "\n{program} [options]... [<command_string>]\n{program} [options]... <command> [args...]\n\n  options:\n"
    );
    for option in globals::of(shell.persona) {
        out!(shell, "    {:<30} {}\n", option.label(), option.help);
    }
    out!(shell, "\n  commands (non interactive mode):\n\n");
    for group in catalogue.groups {
        let text = list(catalogue, group, "");
        out!(shell, "{text}\n");
    }
    out!(shell, "\n  (help <group> tells about the commands of a group)\n");
    out!(shell, "\n  (help <command> tells about the command)\n\n");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::{VIRSH, VIRTUS};

    fn of(catalogue: &Catalogue, name: &str) -> String {
        page(catalogue, catalogue.find(name).unwrap())
    }

    #[test]
    fn a_page_has_virshs_form() {
        insta::assert_snapshot!(of(&VIRSH, "attach-interface"));
        insta::assert_snapshot!(of(&VIRSH, "echo"));
        insta::assert_snapshot!(of(&VIRSH, "schedinfo"));
    }

    #[test]
    fn virtus_has_more() {
        let (virsh, virtus) = (of(&VIRSH, "list"), of(&VIRTUS, "list"));
        assert!(!virsh.contains("--output") && virtus.contains("[--output <string>]"));
        assert!(VIRSH.find("wait").is_none());
        insta::assert_snapshot!(of(&VIRTUS, "wait"));
    }

    #[test]
    fn long_lines_are_broken() {
        assert_eq!(wrap("one two three\nfour", 8), ["one two", "three", "four"]);
    }
}
