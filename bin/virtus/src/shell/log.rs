//! The log that `--log` asks for, and how much is told on standard error (`--debug`).

use std::fs::{File, OpenOptions};
use std::io::Write;

use crate::time;

/// How important a message is; `--debug` takes the least number to be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Level {
    Debug = 0,
    Info = 1,
    Error = 4,
}

impl Level {
    fn name(self) -> &'static str {
        match self {
            Level::Debug => "DEBUG",
            Level::Info => "INFO",
            Level::Error => "ERROR",
        }
    }
}

#[derive(Debug)]
pub(crate) struct Log {
    file: File,
    program: String,
}

impl Log {
    pub(crate) fn open(path: &str, program: &str) -> std::io::Result<Log> {
        let file = OpenOptions::new().append(true).create(true).open(path)?;
        Ok(Log { file, program: program.to_owned() })
    }

    pub(crate) fn write(&mut self, level: Level, text: &str) -> std::io::Result<()> {
        let line = format!(
            "[{} {} {}] {} {}\n",
            time::log_stamp(),
            self.program,
            std::process::id(),
            level.name(),
            text.trim_end_matches('\n')
        );
        self.file.write_all(line.as_bytes())
    }
}
