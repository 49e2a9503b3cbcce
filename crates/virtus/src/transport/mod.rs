//! Ways to a daemon: what carries the protocol's bytes.

mod credentials;
pub(crate) mod library;
mod priority;
mod program;
mod socket;
pub(crate) mod ssh;
mod tls;

use std::collections::VecDeque;
use std::io;
use std::os::fd::{BorrowedFd, OwnedFd};

use virtus_base::Error;

pub(crate) use credentials::Credentials;
pub(crate) use program::Program;
pub(crate) use socket::Socket;
pub(crate) use tls::Tls;

/// A connected way, in non-blocking mode.
pub(crate) trait Transport: Send + Sync + std::fmt::Debug {
    /// What to wait on.
    fn fd(&self) -> BorrowedFd<'_>;

    /// Reads what there is now, and puts descriptors that came with it behind `fds`. `None` when there is nothing,
    /// 0 at the end.
    fn read(&self, buffer: &mut [u8], fds: &mut VecDeque<OwnedFd>) -> io::Result<Option<usize>>;

    /// Writes what it takes now; `None` when it takes nothing.
    fn write(&self, bytes: &[u8]) -> io::Result<Option<usize>>;

    /// Sends a descriptor with one byte; `false` when it cannot now.
    fn send_fd(&self, fd: BorrowedFd<'_>) -> io::Result<bool> {
        let _ = fd;
        Err(io::ErrorKind::Unsupported.into())
    }

    /// Whether descriptors can be sent.
    fn passes_fds(&self) -> bool {
        false
    }

    /// Whether nobody on the way can read or change what is said.
    fn is_secure(&self) -> bool;

    /// Whether what is said is encrypted.
    fn is_encrypted(&self) -> bool {
        false
    }

    /// Whether bytes it took wait for the socket to take them.
    fn wants_write(&self) -> bool {
        false
    }

    /// Gives the socket bytes that it took and could not pass on.
    fn flush(&self) -> io::Result<()> {
        Ok(())
    }

    /// Whether bytes were taken off the socket that were not read yet: waiting on it would not tell of them.
    fn holds_unread(&self) -> bool {
        false
    }

    /// What a helping program complained of.
    fn complaint(&self) -> Option<String> {
        None
    }

    /// The error that such a complaint means, where it has one of its own.
    fn error_of(&self, complaint: &str) -> Option<Error> {
        let _ = complaint;
        None
    }
}

/// An outcome that may be "not now".
fn not_now<T>(result: rustix::io::Result<T>) -> io::Result<Option<T>> {
    use rustix::io::Errno;
    match result {
        Ok(value) => Ok(Some(value)),
        Err(Errno::AGAIN | Errno::INTR) => Ok(None),
        Err(e) => Err(e.into()),
    }
}
