//! `connect`

use crate::command::{Command, Opt};
use crate::grammar::Arguments;
use crate::shell::{Outcome, Shell};

pub(super) static COMMAND: Command = Command {
    name: "connect",
    summary: "connect to a daemon, or again to the same",
    about: "Connects to the daemon of a URI, or, without one, once more to the present daemon.",
    options: &[
        Opt::text("name", "the daemon's URI").positional().may_be_empty(),
        Opt::flag("readonly", "connect for looking only"),
    ],
    run,
    offline: true,
    ..Command::PLAIN
};

fn run(shell: &mut Shell, arguments: &Arguments) -> Outcome {
    let name = arguments.text("name")?.map(str::to_owned);
    shell.connect(name.as_deref(), arguments.has("readonly"), true)
}
