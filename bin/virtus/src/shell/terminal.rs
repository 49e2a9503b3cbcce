//! The terminal on standard input, if it is one.

use std::io;

use rustix::termios::{OptionalActions, Termios, isatty, tcgetattr, tcsetattr};

/// How the terminal was found, so that it can be left like that.
#[derive(Clone, Debug, Default)]
pub(crate) struct Terminal {
    found: Option<Termios>,
}

impl Terminal {
    pub(crate) fn new() -> Self {
        let stdin = io::stdin();
        let found = isatty(&stdin).then(|| tcgetattr(&stdin).ok()).flatten();
        Terminal { found }
    }

    pub(crate) fn is_there(&self) -> bool {
        self.found.is_some()
    }

    /// Passes keys on as they are typed, without echo or signals.
    ///
    /// # Errors
    /// There is no terminal, or it cannot be set.
    pub(crate) fn raw(&self) -> io::Result<()> {
        let Some(mut raw) = self.found.clone() else { return Err(io::ErrorKind::NotFound.into()) };
        raw.make_raw();
        Ok(tcsetattr(io::stdin(), OptionalActions::Flush, &raw)?)
    }

    /// Does not show what is typed, for passwords.
    pub(crate) fn hide(&self) {
        if let Some(mut quiet) = self.found.clone() {
            quiet.local_modes.remove(rustix::termios::LocalModes::ECHO);
            let _ = tcsetattr(io::stdin(), OptionalActions::Flush, &quiet);
        }
    }

    /// Reads a line that is not shown.
    pub(crate) fn password(&self) -> Option<String> {
        self.hide();
        let mut line = String::new();
        let read = io::stdin().read_line(&mut line);
        self.restore();
        read.is_ok_and(|count| count > 0).then(|| line.trim_end_matches(['\n', '\r']).to_owned())
    }

    pub(crate) fn restore(&self) {
        if let Some(found) = &self.found {
            let _ = tcsetattr(io::stdin(), OptionalActions::Flush, found);
        }
    }
}
