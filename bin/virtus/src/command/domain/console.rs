//! `console`

use virtus::constants::{VIR_DOMAIN_CONSOLE_FORCE, VIR_DOMAIN_CONSOLE_SAFE};

use crate::command::{ACTIVE_DOMAIN, Command, Opt};
use crate::console;

pub(super) static COMMAND: Command = Command {
    name: "console",
    summary: "open a guest's console",
    about: "Connects the terminal to a console or serial port of a running domain. The escape character, Ctrl and ] \
            unless --escape says otherwise, ends it.",
    options: &[
        ACTIVE_DOMAIN,
        Opt::text("devname", "the device: the alias of a console or serial port").also_positional(),
        Opt::flag("force", "take the console away from whoever has it"),
        Opt::flag("resume", "let the domain go on when the console is there"),
        Opt::flag("safe", "only if nobody can be disturbed"),
    ],
    run: |shell, arguments| {
        let domain = shell.domain(arguments)?;
        let device = arguments.text("devname")?;
        let flags =
            arguments.flags(&[("force", VIR_DOMAIN_CONSOLE_FORCE), ("safe", VIR_DOMAIN_CONSOLE_SAFE)]);
        console::run(shell, &domain, device, arguments.has("resume"), flags)
    },
    ..Command::PLAIN
};
