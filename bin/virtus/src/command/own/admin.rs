//! `admin`, inside the interactive shell. On a command line it is a program of its own; see `main`.

use crate::command::{Command, Opt, catalogue};
use crate::grammar::{Arguments, Tokens};
use crate::run;
use crate::shell::{Failure, Outcome, Shell};

pub(super) static COMMAND: Command = Command {
    name: "admin",
    summary: "administrate a daemon",
    about: "Carries out a command of those that administrate daemons: 'admin help' lists them. In the interactive \
            shell a command that has options follows a '--'.",
    options: &[Opt::many("command", "the command and what follows it").positional()],
    run,
    offline: true,
    only_virtus: true,
    ..Command::PLAIN
};

fn run(shell: &mut Shell, arguments: &Arguments) -> Outcome {
    let words = arguments.many("command");
    let mut admin = Shell::new(shell.persona, shell.program.clone());
    admin.become_admin();
    admin.quiet = shell.quiet;
    shell.flush();
    let commands_of_admin = catalogue(admin.persona);
    let commands = run::parse(&mut admin, commands_of_admin, Tokens::words(words));
    let well = commands.is_some_and(|commands| run::run(&mut admin, &commands));
    admin.disconnect();
    admin.flush();
    match well {
        true => Ok(()),
        false => Err(Failure::silent()),
    }
}
