//! `complete`, which the completion scripts of users' shells call.

use crate::command::{Command, Opt, catalogue};
use crate::grammar::Arguments;
use crate::shell::{Failure, Outcome, Shell, out};
use crate::typing;

pub(in crate::command) static COMMAND: Command = Command {
    name: "complete",
    summary: "what a command line can be completed to",
    options: &[Opt::many("string", "the words so far").positional().may_be_empty()],
    run,
    offline: true,
    hidden: true,
    ..Command::PLAIN
};

fn run(shell: &mut Shell, arguments: &Arguments) -> Outcome {
    let words = arguments.many("string");
    let line = words.join(" ");
    let word = words.last().map_or("", String::as_str);
    let proposals = typing::propose(shell, catalogue(shell.persona), &line, word);
    if proposals.is_empty() {
        return Err(Failure::silent());
    }
    for proposal in proposals {
        out!(shell, "{proposal}\n");
    }
    Ok(())
}
