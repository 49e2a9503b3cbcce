//! What waits to be sent to a client: replies, events and pieces of streams in the order they came about.

use std::collections::VecDeque;
use std::os::fd::OwnedFd;
use std::sync::Mutex;

use tokio::sync::Notify;

/// A client that lets more than this many bytes wait is given up when an event is to be added: it does not
/// read, and events come whether it asks or not.
const EVENTS_MAX: usize = 16 << 20;

#[derive(Debug, Default)]
struct Waiting {
    bytes: Vec<u8>,
    /// Descriptors, each with the offset into `bytes` before which it goes out.
    fds: VecDeque<(usize, OwnedFd)>,
    closed: bool,
}

/// Filled from anywhere, emptied by the connection's task.
#[derive(Debug, Default)]
pub(crate) struct Outbox {
    waiting: Mutex<Waiting>,
    wake: Notify,
}

/// What was taken out to be sent.
#[derive(Debug, Default)]
pub(crate) struct Batch {
    pub(crate) bytes: Vec<u8>,
    pub(crate) sent: usize,
    pub(crate) fds: VecDeque<(usize, OwnedFd)>,
}

impl Batch {
    /// Whether all of it has gone.
    pub(crate) fn is_done(&self) -> bool {
        self.sent >= self.bytes.len() && self.fds.is_empty()
    }
}

impl Outbox {
    fn waiting(&self) -> std::sync::MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(|e| e.into_inner())
    }

    /// Appends packets, with descriptors that follow them.
    pub(crate) fn put(&self, fds: Vec<OwnedFd>, write: impl FnOnce(&mut Vec<u8>)) {
        let mut waiting = self.waiting();
        if waiting.closed {
            return;
        }
        write(&mut waiting.bytes);
        let offset = waiting.bytes.len();
        waiting.fds.extend(fds.into_iter().map(|fd| (offset, fd)));
    }

    /// Appends packets from outside the connection's task and wakes it.
    pub(crate) fn post(&self, fds: Vec<OwnedFd>, write: impl FnOnce(&mut Vec<u8>)) {
        self.put(fds, write);
        self.wake.notify_one();
    }

    /// Wakes the connection's task, which looks at everything anew.
    pub(crate) fn wake(&self) {
        self.wake.notify_one();
    }

    /// Appends an event. `false`: the client does not read and is given up.
    pub(crate) fn post_event(&self, packet: &[u8]) -> bool {
        let mut waiting = self.waiting();
        if waiting.bytes.len() + packet.len() > EVENTS_MAX {
            waiting.closed = true;
            waiting.bytes = Vec::new();
        }
        let closed = waiting.closed;
        if !closed {
            waiting.bytes.extend_from_slice(packet);
        }
        drop(waiting);
        self.wake.notify_one();
        !closed
    }

    /// How many bytes wait.
    pub(crate) fn len(&self) -> usize {
        self.waiting().bytes.len()
    }

    /// Nothing more is taken; the connection's task will notice.
    pub(crate) fn close(&self) {
        self.waiting().closed = true;
        self.wake.notify_one();
    }

    /// Whether nothing more is taken.
    pub(crate) fn is_closed(&self) -> bool {
        self.waiting().closed
    }

    /// Moves all that waits into `batch`, which must be done.
    pub(crate) fn take(&self, batch: &mut Batch) {
        batch.sent = 0;
        batch.bytes.clear();
        let mut waiting = self.waiting();
        std::mem::swap(&mut waiting.bytes, &mut batch.bytes);
        std::mem::swap(&mut waiting.fds, &mut batch.fds);
        // a client that is quiet keeps no large buffers
        if waiting.bytes.capacity() > 8192 {
            waiting.bytes = Vec::new();
        }
    }

    /// Waits until something was posted or the outbox was closed.
    pub(crate) async fn posted(&self) {
        self.wake.notified().await;
    }
}
