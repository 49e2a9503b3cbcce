//! What commands work with: the connection, the output, and what the program was started with.

mod ask;
mod connection;
mod failure;
mod log;
mod output;
mod terminal;

use std::fmt;
use std::time::Duration;

use virtus::{Connection, Decode, Request};

use crate::persona::Persona;

pub(crate) use failure::{Failure, OrSay, Outcome, fail};
pub(crate) use log::{Level, Log};
pub(crate) use output::Output;
pub(crate) use terminal::Terminal;

pub(crate) struct Shell {
    pub(crate) persona: Persona,
    /// How the program was called.
    pub(crate) program: String,
    pub(crate) quiet: bool,
    pub(crate) timing: bool,
    pub(crate) read_only: bool,
    /// Reads commands until it is told to stop.
    pub(crate) interactive: bool,
    /// What ends a console: a character, or `^` and one.
    pub(crate) escape: String,
    pub(crate) keepalive_interval: Option<u32>,
    pub(crate) keepalive_count: Option<u32>,
    /// How long a command may take.
    pub(crate) limit: Option<Duration>,
    pub(crate) debug: Level,
    pub(crate) log: Option<Log>,
    pub(crate) terminal: Terminal,
    pub(crate) uri: Option<String>,
    connection: Option<Connection>,
    /// The daemon may be gone: the next command connects anew.
    disconnected: bool,
    output: Output,
}

impl Shell {
    pub(crate) fn new(persona: Persona, program: String) -> Self {
        Shell {
            persona,
            program,
            quiet: false,
            timing: false,
            read_only: false,
            interactive: false,
            escape: "^]".to_owned(),
            keepalive_interval: None,
            keepalive_count: None,
            limit: None,
            debug: Level::Error,
            log: None,
            terminal: Terminal::new(),
            uri: None,
            connection: None,
            disconnected: false,
            output: Output::new(),
        }
    }

    /// Goes on as `virtus admin`.
    pub(crate) fn become_admin(&mut self) {
        self.persona = Persona::VirtusAdmin;
        self.program.push_str(" admin");
    }

    /// Makes a call of the daemon's protocol.
    ///
    /// # Errors
    /// The daemon's, or why it cannot be asked.
    pub(crate) fn call<R: Decode>(&self, request: Request<R>) -> virtus::Result<R> {
        self.connection()?.call(request)
    }

    /// The connection, which the runner opened before the command.
    ///
    /// # Errors
    /// There is none.
    pub(crate) fn connection(&self) -> virtus::Result<&Connection> {
        self.connection.as_ref().ok_or_else(|| {
            virtus::Error::new(
                virtus::ErrorDomain::NONE,
                virtus::ErrorCode::NO_CONNECT,
                "no valid connection",
            )
        })
    }

    pub(crate) fn print(&mut self, text: fmt::Arguments<'_>) {
        self.output.print(text);
    }

    /// Prints what `--quiet` leaves out.
    pub(crate) fn print_extra(&mut self, text: fmt::Arguments<'_>) {
        if !self.quiet {
            self.output.print(text);
        }
    }

    /// Bytes as they are, at once.
    pub(crate) fn write(&mut self, bytes: &[u8]) {
        self.output.write(bytes);
    }

    pub(crate) fn flush(&mut self) {
        self.output.flush();
    }

    /// Tells an error of a command that goes on.
    pub(crate) fn error(&mut self, text: impl fmt::Display) {
        let text = text.to_string();
        self.note(Level::Error, &text);
        self.output.error(&text);
    }

    /// Tells why a command failed.
    pub(crate) fn report(&mut self, failure: &Failure) {
        for line in failure.lines() {
            self.error(line);
        }
    }

    /// Tells what goes on, if `--debug` or `--log` asks for it.
    pub(crate) fn debug(&mut self, level: Level, text: fmt::Arguments<'_>) {
        if level >= self.debug {
            let text = text.to_string();
            self.note(level, &text);
            self.output.flush();
            eprintln!("{text}");
        }
    }

    fn note(&mut self, level: Level, text: &str) {
        if let Some(log) = &mut self.log
            && log.write(level, text).is_err()
        {
            self.log = None;
            self.error("failed to write the log file");
        }
    }
}

/// Prints.
macro_rules! out {
    ($shell:expr, $($text:tt)*) => { $shell.print(format_args!($($text)*)) };
}

/// Prints what `--quiet` leaves out.
macro_rules! extra {
    ($shell:expr, $($text:tt)*) => { $shell.print_extra(format_args!($($text)*)) };
}

pub(crate) use {extra, out};
