//! Manual pages.

use std::fmt::Write;

use crate::command::{Kind, catalogue};
use crate::persona::Persona;
use crate::{globals, help};

/// The manual page of the program under one of its names.
pub(super) fn page(persona: Persona) -> String {
    let (name, catalogue) = (persona.name(), catalogue(persona));
    let called = name.replace("virtus-admin", "virtus admin");
    let what = if persona.is_admin() { "administrate libvirt's daemons" } else { "manage virtual machines" };
    let mut text = format!(
        ".TH {} 1 \"\" \"Virtus {}\" \"Virtus\"\n.SH NAME\n{} \\- {what}\n.SH SYNOPSIS\n",
        escape(&name.to_ascii_uppercase()),
        env!("CARGO_PKG_VERSION"),
        escape(name)
    );
    let called = escape(&called);
    let _ =
        writeln!(text, "\\fB{called}\\fR [\\fIoption\\fR]... [\\fIcommand\\fR [\\fIargument\\fR]...]\n.br");
    let _ = writeln!(text, "\\fB{called}\\fR [\\fIoption\\fR]... \"\\fIcommand\\fR; \\fIcommand\\fR...\"");
    text.push_str(
        ".SH DESCRIPTION\nCarries out the command, or the commands with ';' between them, or, without any, those \
         that it reads from its input. Values without an option's name go to the options in brackets, in their \
         order. '\\-\\-' ends the options of a command.\n.SH OPTIONS\n",
    );
    for option in globals::of(persona) {
        let _ =
            writeln!(text, ".TP\n\\fB{}\\fR\n{}", escape(option.label().trim_start()), sentence(option.help));
    }
    text.push_str(".SH COMMANDS\n");
    for group in catalogue.groups {
        let _ = writeln!(text, ".SS {}", escape(group.name));
        for command in catalogue.of(group).filter(|command| !command.hidden) {
            let _ = writeln!(text, ".TP\n\\fB{}\\fR", escape(&help::synopsis(catalogue, command)));
            let about = if command.about.is_empty() { command.summary } else { command.about };
            let _ = writeln!(text, "{}", sentence(about));
            let mut options = catalogue.options(command).peekable();
            if options.peek().is_some() {
                text.push_str(".RS\n");
                for option in options {
                    let value = if option.kind == Kind::Flag { "" } else { " VALUE" };
                    let label = escape(&format!("--{}{value}", option.name));
                    let _ = writeln!(text, ".TP\n\\fB{label}\\fR\n{}", sentence(option.help));
                }
                text.push_str(".RE\n");
            }
        }
    }
    let prefix = escape(&persona.prefix());
    let _ = write!(
        text,
        ".SH ENVIRONMENT\n.TP\n\\fB{prefix}_DEBUG\\fR\nHow much to tell, as \\fB\\-\\-debug\\fR.\n\
         .TP\n\\fB{prefix}_LOG_FILE\\fR\nThe log, as \\fB\\-\\-log\\fR.\n\
         .TP\n\\fB{prefix}_HISTSIZE\\fR\nHow many lines of history are kept.\n\
         .SH EXIT STATUS\n0, or 1 when the last command failed.\n"
    );
    text
}

/// A text as roff has it.
fn escape(text: &str) -> String {
    let text = text.replace('\\', "\\e").replace('-', "\\-");
    match text.starts_with(['.', '\'']) {
        true => format!("\\&{text}"),
        false => text,
    }
}

/// A text of a declaration as a sentence of its own.
fn sentence(text: &str) -> String {
    let text = text.lines().map(escape).collect::<Vec<_>>().join("\n.br\n");
    let end = if text.ends_with(['.', ':', '!']) { "" } else { "." };
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| format!("{}{}{end}", first.to_uppercase(), chars.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_stay_texts() {
        assert_eq!(escape(".so \\x"), "\\&.so \\ex");
        assert_eq!(sentence("a-b"), "A\\-b.");
    }

    #[test]
    fn all_that_is_declared_is_there() {
        for persona in [Persona::Virtus, Persona::VirtusAdmin, Persona::Virsh, Persona::VirtAdmin] {
            let page = page(persona);
            for command in catalogue(persona).commands().filter(|command| !command.hidden) {
                assert!(page.contains(&format!("\\fB{}", escape(command.name))), "{}", command.name);
            }
            assert_eq!(page.contains("\\fBwait "), persona == Persona::Virtus);
        }
    }
}
