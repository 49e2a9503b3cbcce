//! `exit` and `quit`.

use crate::command::Command;
use crate::grammar::Arguments;
use crate::shell::{Outcome, Shell};

pub(in crate::command) static EXIT: Command =
    Command { name: "exit", summary: "leave the interactive shell", run, offline: true, ..Command::PLAIN };

pub(in crate::command) static QUIT: Command =
    Command { name: "quit", summary: "leave the interactive shell", run, offline: true, ..Command::PLAIN };

fn run(shell: &mut Shell, _: &Arguments) -> Outcome {
    shell.interactive = false;
    Ok(())
}
