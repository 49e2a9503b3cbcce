//! Lines over a Unix socket: bounded on the way in, never waiting on the way out.
//!
//! A sender puts its bytes into the queue and writes what the socket takes at once; the connection's one task
//! writes the rest. A line once begun is always finished, whoever stops waiting for its answer.

use std::collections::VecDeque;
use std::io::{self, IoSlice};
use std::os::fd::{AsFd, OwnedFd};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use rustix::net::{SendAncillaryBuffer, SendAncillaryMessage, SendFlags, Shutdown, sendmsg, shutdown};
use tokio::io::Interest;
use tokio::net::UnixStream;
use tokio::sync::Notify;

/// No line of a peer may be longer, in bytes (libvirt's limit for monitor and agent).
pub(crate) const MAX_LINE: usize = 10 * 1024 * 1024;
/// The kernel's limit of descriptors in one message.
const MAX_FDS: usize = 253;
/// How much one read takes at most, in bytes.
const CHUNK: usize = 32 * 1024;
/// An idle connection keeps no more buffer than this, in bytes.
const IDLE_BUFFER: usize = 4 * 1024;

/// What is done with the lines of a peer. Called from the connection's task only.
pub(crate) trait Receiver: Send + 'static {
    /// One line without its line end. An error ends the connection.
    fn line(&mut self, line: &[u8]) -> Result<(), String>;
    /// The connection has ended; nothing is called after this.
    fn closed(&mut self, why: End);
}

/// How a connection ended.
#[derive(Debug)]
pub(crate) enum End {
    /// The peer closed it, or it was closed here.
    Eof,
    /// A read failed.
    Read(io::Error),
    /// A write failed.
    Write(io::Error),
    /// The peer sent a line longer than [`MAX_LINE`].
    TooLong,
    /// The peer sent what the [`Receiver`] refused.
    Refused(String),
}

/// Bytes on their way out, with the descriptors that go with their first byte.
struct Chunk {
    bytes: Vec<u8>,
    written: usize,
    fds: Vec<OwnedFd>,
}

/// The sending half; the task holds another reference.
pub(crate) struct Link {
    stream: UnixStream,
    queue: Mutex<VecDeque<Chunk>>,
    /// Wakes the task when the socket did not take everything.
    unsent: Notify,
    closed: AtomicBool,
}

impl std::fmt::Debug for Link {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Link").field("closed", &self.closed).finish_non_exhaustive()
    }
}

impl Link {
    /// Starts the task that reads `stream` into `receiver`. Needs a tokio runtime.
    pub(crate) fn start(stream: UnixStream, receiver: impl Receiver) -> Arc<Link> {
        let link = Arc::new(Link {
            stream,
            queue: Mutex::default(),
            unsent: Notify::new(),
            closed: AtomicBool::new(false),
        });
        tokio::spawn(run(Arc::clone(&link), receiver));
        link
    }

    /// Queues `bytes` and writes what fits. Errors show up in the task, which ends the connection.
    pub(crate) fn send(&self, bytes: Vec<u8>, fds: Vec<OwnedFd>) {
        if self.is_closed() || bytes.is_empty() {
            return;
        }
        debug_assert!(fds.len() <= MAX_FDS);
        let mut queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        queue.push_back(Chunk { bytes, written: 0, fds });
        if queue.len() > 1 || !matches!(self.write_some(&mut queue), Ok(true)) {
            drop(queue);
            self.unsent.notify_one();
        }
    }

    /// Ends the connection; the task then tells the receiver.
    pub(crate) fn close(&self) {
        if !self.closed.swap(true, Ordering::AcqRel) {
            // the peer may be gone already
            let _ = shutdown(self.stream.as_fd(), Shutdown::Both);
            self.unsent.notify_one();
        }
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Acquire)
    }

    /// Writes until the queue is empty (`true`) or the socket full (`false`).
    fn write_some(&self, queue: &mut VecDeque<Chunk>) -> io::Result<bool> {
        while let Some(chunk) = queue.front_mut() {
            let rest = chunk.bytes.get(chunk.written..).unwrap_or_default();
            let borrowed: Vec<_> = chunk.fds.iter().map(AsFd::as_fd).collect();
            let mut space = vec![std::mem::MaybeUninit::uninit(); ancillary_space(borrowed.len())];
            let mut control = SendAncillaryBuffer::new(&mut space);
            if !borrowed.is_empty() && !control.push(SendAncillaryMessage::ScmRights(&borrowed)) {
                return Err(io::Error::from_raw_os_error(rustix::io::Errno::TOOBIG.raw_os_error()));
            }
            let flags = SendFlags::DONTWAIT | SendFlags::NOSIGNAL;
            match sendmsg(self.stream.as_fd(), &[IoSlice::new(rest)], &mut control, flags) {
                Ok(count) => {
                    chunk.written += count;
                    chunk.fds.clear();
                    if chunk.written >= chunk.bytes.len() {
                        queue.pop_front();
                    }
                }
                Err(rustix::io::Errno::INTR) => {}
                Err(rustix::io::Errno::AGAIN) => return Ok(false),
                Err(e) => return Err(e.into()),
            }
        }
        Ok(true)
    }

    /// For the task: writes what is left, with tokio told when the socket is full.
    fn write_ready(&self) -> io::Result<()> {
        let mut queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        let result = self.stream.try_io(Interest::WRITABLE, || match self.write_some(&mut queue)? {
            true => Ok(()),
            false => Err(io::ErrorKind::WouldBlock.into()),
        });
        match result {
            Err(e) if e.kind() == io::ErrorKind::WouldBlock => Ok(()),
            other => other,
        }
    }

    fn has_unsent(&self) -> bool {
        !self.queue.lock().unwrap_or_else(PoisonError::into_inner).is_empty()
    }
}

/// Room for the control message of `count` descriptors, in bytes.
fn ancillary_space(count: usize) -> usize {
    if count == 0 { 0 } else { SendAncillaryMessage::ScmRights(&[]).size() + count.min(MAX_FDS) * 4 + 16 }
}

async fn run(link: Arc<Link>, mut receiver: impl Receiver) {
    let end = match pump(&link, &mut receiver).await {
        Ok(()) => End::Eof,
        Err(end) => end,
    };
    link.close();
    link.queue.lock().unwrap_or_else(PoisonError::into_inner).clear();
    receiver.closed(end);
}

async fn pump(link: &Link, receiver: &mut impl Receiver) -> Result<(), End> {
    let mut buffer: Vec<u8> = Vec::new();
    loop {
        let mut interest = Interest::READABLE;
        if link.has_unsent() {
            interest |= Interest::WRITABLE;
        }
        let ready = tokio::select! {
            ready = link.stream.ready(interest) => ready.map_err(End::Read)?,
            () = link.unsent.notified() => {
                if link.is_closed() {
                    return Ok(());
                }
                continue;
            }
        };
        if ready.is_writable() {
            link.write_ready().map_err(End::Write)?;
        }
        if ready.is_readable() || ready.is_read_closed() {
            let before = buffer.len();
            buffer.reserve(CHUNK.min(before.max(IDLE_BUFFER)));
            match link.stream.try_read_buf(&mut buffer) {
                Ok(0) => return Ok(()),
                Ok(_) => {
                    take_lines(&mut buffer, before, receiver)?;
                    if buffer.is_empty() && buffer.capacity() > IDLE_BUFFER {
                        buffer = Vec::new();
                    }
                }
                Err(e) if e.kind() == io::ErrorKind::WouldBlock => {}
                Err(e) => return Err(End::Read(e)),
            }
        }
    }
}

/// Hands every complete line to the receiver and keeps the rest. Bytes before `searched` hold no line end.
fn take_lines(buffer: &mut Vec<u8>, searched: usize, receiver: &mut impl Receiver) -> Result<(), End> {
    let mut start = 0;
    let mut from = searched;
    while let Some(found) = buffer.get(from..).and_then(|rest| rest.iter().position(|b| *b == b'\n')) {
        let end = from + found;
        let line = buffer.get(start..end).unwrap_or_default();
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if line.len() > MAX_LINE {
            return Err(End::TooLong);
        }
        if !line.is_empty() {
            receiver.line(line).map_err(End::Refused)?;
        }
        start = end + 1;
        from = start;
    }
    buffer.drain(..start);
    if buffer.len() > MAX_LINE { Err(End::TooLong) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[derive(Default)]
    struct Lines(Vec<Vec<u8>>);

    impl Receiver for Lines {
        fn line(&mut self, line: &[u8]) -> Result<(), String> {
            self.0.push(line.to_vec());
            Ok(())
        }
        fn closed(&mut self, _: End) {}
    }

    proptest! {
        #[test]
        fn lines_do_not_depend_on_how_they_are_cut(text in "[a-c\r\n]{0,60}", cuts in prop::collection::vec(1usize..9, 0..40)) {
            let expected: Vec<Vec<u8>> = {
                let mut parts: Vec<&str> = text.split('\n').collect();
                parts.pop();
                parts.iter().map(|l| l.strip_suffix('\r').unwrap_or(l)).filter(|l| !l.is_empty())
                    .map(|l| l.as_bytes().to_vec()).collect()
            };
            let (mut lines, mut buffer, mut rest) = (Lines::default(), Vec::new(), text.as_bytes());
            for cut in cuts.into_iter().chain(std::iter::repeat(7)) {
                if rest.is_empty() { break; }
                let (head, tail) = rest.split_at(cut.min(rest.len()));
                let before = buffer.len();
                buffer.extend_from_slice(head);
                take_lines(&mut buffer, before, &mut lines).unwrap();
                rest = tail;
            }
            prop_assert_eq!(lines.0, expected);
        }
    }

    #[test]
    fn an_endless_line_is_refused() {
        let mut buffer = vec![b'x'; MAX_LINE + 1];
        assert!(matches!(take_lines(&mut buffer, 0, &mut Lines::default()), Err(End::TooLong)));
    }
}
