//! Carrying commands out.

use std::time::Instant;

use crate::grammar::{self, Arguments, Catalogue, Tokens};
use crate::limit::Watch;
use crate::shell::{Level, Outcome, Shell, extra, out};

/// Understands a line, or says what is wrong with it.
pub(crate) fn parse(shell: &mut Shell, catalogue: &Catalogue, tokens: Tokens<'_>) -> Option<Vec<Arguments>> {
    match grammar::parse(catalogue, tokens) {
        Ok(commands) => Some(commands),
        Err(complaint) => {
            shell.error(complaint);
            None
        }
    }
}

/// Carries commands out, one after the other, and tells how the last of them ended.
pub(crate) fn run(shell: &mut Shell, commands: &[Arguments]) -> bool {
    let mut well = true;
    for arguments in commands {
        let command = arguments.command;
        shell.debug(Level::Info, format_args!("{}: started", command.name));
        let started = Instant::now();
        let outcome = one(shell, arguments);
        let took = started.elapsed();
        well = outcome.is_ok();
        if let Err(failure) = &outcome {
            shell.notice_end();
            shell.suspect(failure);
            shell.report(failure);
        }
        if matches!(command.name, "quit" | "exit") {
            return well;
        }
        match shell.timing {
            true => out!(shell, "\n(Time: {:.3} ms)\n\n", took.as_secs_f64() * 1000.0),
            false => extra!(shell, "\n"),
        }
        shell.flush();
    }
    well
}

fn one(shell: &mut Shell, arguments: &Arguments) -> Outcome {
    let command = arguments.command;
    let watch = shell.limit.map(|limit| Watch::start(limit, command.name, &shell.terminal));
    if !command.offline {
        shell.connected()?;
    }
    let outcome = (command.run)(shell, arguments);
    drop(watch);
    outcome
}
