//! `--timeout`: a command that takes too long ends the program.

use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread;
use std::time::Duration;

use crate::shell::Terminal;

/// Ends the program unless it is dropped in time.
pub(crate) struct Watch {
    _done: Sender<()>,
}

impl Watch {
    pub(crate) fn start(limit: Duration, command: &'static str, terminal: &Terminal) -> Self {
        let (done, over) = mpsc::channel();
        let terminal = terminal.clone();
        thread::spawn(move || {
            if over.recv_timeout(limit) == Err(RecvTimeoutError::Timeout) {
                terminal.restore();
                eprintln!("error: '{command}' did not end within {} seconds", limit.as_secs_f64());
                std::process::exit(1);
            }
        });
        Watch { _done: done }
    }
}
