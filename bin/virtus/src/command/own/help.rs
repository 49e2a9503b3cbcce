//! `help`

use crate::command::{Command, Opt, catalogue};
use crate::grammar::Arguments;
use crate::help;
use crate::shell::{Outcome, Shell};

pub(in crate::command) static COMMAND: Command = Command {
    name: "help",
    summary: "tell about commands",
    about: "Lists all commands, those of a group, or tells all about one command.",
    options: &[Opt::text("command", "a command, or the name or keyword of a group").positional().asks(names)],
    run,
    offline: true,
    ..Command::PLAIN
};

fn run(shell: &mut Shell, arguments: &Arguments) -> Outcome {
    help::show(shell, catalogue(shell.persona), arguments.some_text("command"))
}

fn names(shell: &mut Shell, _: &Arguments) -> Vec<String> {
    catalogue(shell.persona)
        .commands()
        .filter(|command| !command.hidden)
        .map(|command| command.name.to_owned())
        .collect()
}
