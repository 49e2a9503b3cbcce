//! A program that carries the bytes: `ssh`, or what the URI's `command` names.

use std::collections::VecDeque;
use std::io::{self, Read};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use virtus_base::{Error, ErrorDomain, Result};

use super::library::Library;
use super::{Socket, Transport};

/// How much of a program's complaints is told.
const COMPLAINT_MAX: usize = 1024;
/// How long a program that was told to end may take, and a complaint may be waited for.
const PATIENCE: Duration = Duration::from_millis(500);

/// A running program whose input and output are the way to the daemon.
#[derive(Debug)]
pub(crate) struct Program {
    socket: Socket,
    child: Mutex<Child>,
    secure: bool,
    /// In whose place it runs.
    library: Option<Library>,
}

impl Program {
    /// Starts the program. `secure` says whether nobody can listen on its way, `library` in whose place it runs.
    ///
    /// # Errors
    /// `SYSTEM_ERROR` when it cannot be started.
    pub(crate) fn start(mut command: Command, secure: bool, library: Option<Library>) -> Result<Self> {
        let failed = |e: &io::Error| {
            let name = command.get_program().to_string_lossy().into_owned();
            Error::system(ErrorDomain::RPC, format!("cannot execute binary {name}"), e)
        };
        let (socket, theirs) = Socket::pair().map_err(|e| failed(&e))?;
        let input = theirs.try_clone().map_err(|e| failed(&e))?;
        command.stdin(Stdio::from(input)).stdout(Stdio::from(theirs)).stderr(Stdio::piped());
        let started = command.spawn();
        let child = started.map_err(|e| {
            let name = command.get_program().to_string_lossy().into_owned();
            Error::system(ErrorDomain::RPC, format!("cannot execute binary {name}"), &e)
        })?;
        // the command holds the other end of the pair until it is dropped
        drop(command);
        Ok(Program { socket, child: Mutex::new(child), secure, library })
    }
}

impl Transport for Program {
    fn fd(&self) -> BorrowedFd<'_> {
        self.socket.fd()
    }

    fn read(&self, buffer: &mut [u8], fds: &mut VecDeque<OwnedFd>) -> io::Result<Option<usize>> {
        self.socket.read(buffer, fds)
    }

    fn write(&self, bytes: &[u8]) -> io::Result<Option<usize>> {
        self.socket.write(bytes)
    }

    fn is_secure(&self) -> bool {
        self.secure
    }

    fn complaint(&self) -> Option<String> {
        let mut child = self.child.lock().unwrap_or_else(PoisonError::into_inner);
        let errors = child.stderr.as_mut()?;
        let mut text = Vec::new();
        let mut buffer = [0; COMPLAINT_MAX];
        // it ends right after it has complained; one that does not is not waited for
        while text.len() < COMPLAINT_MAX {
            let mut ready = [PollFd::from_borrowed_fd(errors.as_fd(), PollFlags::IN)];
            let patience = Timespec::try_from(PATIENCE).ok();
            if !poll(&mut ready, patience.as_ref()).is_ok_and(|count| count > 0) {
                break;
            }
            match errors.read(&mut buffer) {
                Ok(count) if count > 0 => text.extend_from_slice(buffer.get(..count).unwrap_or_default()),
                _ => break,
            }
        }
        text.truncate(COMPLAINT_MAX);
        Some(String::from_utf8_lossy(&text).trim_end().to_owned())
    }

    fn error_of(&self, complaint: &str) -> Option<Error> {
        self.library.as_ref()?.error(complaint)
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // it sees the end of its input and goes; if not, it is told to, and then made to
        self.socket.shutdown();
        let child = self.child.get_mut().unwrap_or_else(PoisonError::into_inner);
        if has_ended(child) {
            return;
        }
        if let Some(pid) = i32::try_from(child.id()).ok().and_then(rustix::process::Pid::from_raw) {
            let _ = rustix::process::kill_process(pid, rustix::process::Signal::TERM);
        }
        if !has_ended(child) {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

fn has_ended(child: &mut Child) -> bool {
    const STEP: Duration = Duration::from_millis(5);
    (0..PATIENCE.as_millis() / STEP.as_millis()).any(|_| {
        let ended = !matches!(child.try_wait(), Ok(None));
        if !ended {
            std::thread::sleep(STEP);
        }
        ended
    })
}
