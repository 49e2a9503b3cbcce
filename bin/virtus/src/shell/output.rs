//! Standard output and standard error, which must not overtake each other.

use std::fmt;
use std::io::{self, BufWriter, Stdout, Write};

use rustix::termios::isatty;

/// Standard output. What is written is seen when a command ends, when an error is told, or, on a terminal, at once.
pub(crate) struct Output {
    writer: BufWriter<Stdout>,
    at_once: bool,
}

impl Output {
    pub(crate) fn new() -> Self {
        let stdout = io::stdout();
        let at_once = isatty(&stdout);
        Output { writer: BufWriter::with_capacity(64 * 1024, stdout), at_once }
    }

    pub(crate) fn print(&mut self, text: fmt::Arguments<'_>) {
        heard(self.writer.write_fmt(text));
        if self.at_once {
            self.flush();
        }
    }

    pub(crate) fn write(&mut self, bytes: &[u8]) {
        heard(self.writer.write_all(bytes));
        self.flush();
    }

    pub(crate) fn flush(&mut self) {
        heard(self.writer.flush());
    }

    pub(crate) fn error(&mut self, line: &str) {
        self.flush();
        // nobody can be told that standard error is gone
        let _ = writeln!(io::stderr(), "error: {line}");
    }
}

/// Ends the program when nobody listens any more, as the signal for that would.
fn heard(written: io::Result<()>) {
    if matches!(&written, Err(e) if e.kind() == io::ErrorKind::BrokenPipe) {
        std::process::exit(128 + 13);
    }
}
