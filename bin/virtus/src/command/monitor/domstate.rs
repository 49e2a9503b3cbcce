//! `domstate`

use crate::command::{Command, DOMAIN, Opt};
use crate::grammar::Arguments;
use crate::shell::{Outcome, Shell, out};
use crate::state;

pub(super) static COMMAND: Command = Command {
    name: "domstate",
    summary: "tell the state of a domain",
    options: &[DOMAIN, Opt::flag("reason", "tell why it is in that state, too")],
    run,
    ..Command::PLAIN
};

fn run(shell: &mut Shell, arguments: &Arguments) -> Outcome {
    let domain = shell.domain(arguments)?;
    let (state, reason) = state::of(shell, &domain)?;
    match arguments.has("reason") {
        true => out!(shell, "{} ({})\n", state::name(state), state::reason(state, reason)),
        false => out!(shell, "{}\n", state::name(state)),
    }
    Ok(())
}
