//! Carrying commands out.

use std::time::Instant;

use super::{Level, Outcome, Shell, extra, out};
use crate::grammar::{self, Arguments, Tokens};

impl Shell {
    /// Understands a line, or says what is wrong with it.
    pub(crate) fn parse(&mut self, tokens: Tokens<'_>) -> Option<Vec<Arguments>> {
        match grammar::parse(self.catalogue, tokens) {
            Ok(commands) => Some(commands),
            Err(complaint) => {
                self.error(complaint);
                None
            }
        }
    }

    /// Carries commands out, one after the other, and tells how the last of them ended.
    pub(crate) fn run(&mut self, commands: &[Arguments]) -> bool {
        let mut well = true;
        for arguments in commands {
            let command = arguments.command;
            self.debug(Level::Info, format_args!("{}: started", command.name));
            let started = Instant::now();
            let outcome = self.run_one(arguments);
            let took = started.elapsed();
            well = outcome.is_ok();
            if let Err(failure) = &outcome {
                self.notice_end();
                self.suspect(failure);
                self.report(failure);
            }
            if matches!(command.name, "quit" | "exit") {
                return well;
            }
            match self.timing {
                true => out!(self, "\n(Time: {:.3} ms)\n\n", took.as_secs_f64() * 1000.0),
                false => extra!(self, "\n"),
            }
            self.flush();
        }
        well
    }

    fn run_one(&mut self, arguments: &Arguments) -> Outcome {
        let watch =
            self.limit.map(|limit| crate::limit::Watch::start(limit, arguments.command.name, &self.terminal));
        if !arguments.command.offline {
            self.connected()?;
        }
        let outcome = (arguments.command.run)(self, arguments);
        drop(watch);
        outcome
    }
}
