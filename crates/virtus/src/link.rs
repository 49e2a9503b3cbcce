//! A connection's end that several threads share. No thread of its own reads the socket: of those that wait for
//! something one does, hands what came to those it is for, and passes the reading on when it has what it wants.

use std::collections::VecDeque;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock};
use std::time::{Duration, Instant};

use rustix::event::{EventfdFlags, PollFd, PollFlags, Timespec, eventfd, poll};
use virtus_base::{Error, ErrorDomain, Result};
use virtus_rpc::client::{Client, Message, Reply, StreamPiece, Write};
use virtus_rpc::keepalive::{Action, Keepalive};

use crate::peer::{CloseReason, Outgoing, Peer};
use crate::transport::Transport;
use crate::watch::Watch;

/// How much is read at once.
const BUFFER: usize = 128 * 1024;

#[derive(Debug)]
pub(crate) struct Link {
    transport: Box<dyn Transport>,
    wake: OwnedFd,
    /// What programs wait on that do so by themselves; made when the first asks for it.
    watch: OnceLock<Option<Watch>>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    client: Client,
    buffer: Vec<u8>,
    /// A thread waits on the socket, without the lock.
    reading: bool,
    waiters: Vec<Waiter>,
    /// Streams whose pieces the watch is told of.
    heeded: Vec<u32>,
    keepalive: Option<Keepalive>,
    /// The watch was told that there are events, though the socket may have nothing more.
    told: bool,
    ended: Option<(Error, CloseReason)>,
}

/// A thread that waits while another one reads: for a call or a stream of this serial, or for events.
#[derive(Debug)]
struct Waiter {
    serial: Option<u32>,
    wake: Arc<Condvar>,
}

impl Link {
    pub(crate) fn new(transport: Box<dyn Transport>) -> Result<Self> {
        let wake = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)
            .map_err(|e| Error::system(ErrorDomain::RPC, "Unable to create wakeup pipe", &e.into()))?;
        Ok(Link { transport, wake, watch: OnceLock::new(), state: Mutex::default() })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // nothing that holds it panics half-way through a change
        self.state.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    fn wait<T>(
        &self,
        serial: Option<u32>,
        deadline: Option<Instant>,
        mut ready: impl FnMut(&mut State) -> Option<T>,
    ) -> Result<Option<T>> {
        let mut state = self.lock();
        let mut looked = false;
        let outcome = loop {
            if let Some(value) = ready(&mut state) {
                break Ok(Some(value));
            }
            if let Some((error, _)) = &state.ended {
                break Err(error.clone());
            }
            let left = deadline.map(|until| until.saturating_duration_since(Instant::now()));
            // at least one look at the socket, also for those who do not want to wait
            if left == Some(Duration::ZERO) && (looked || state.reading) {
                break Ok(None);
            }
            looked = true;
            state = match state.reading {
                true => Self::await_reader(state, serial, left),
                false => self.read(state, left),
            };
        };
        if !state.reading {
            // somebody else has to read now
            if let Some(waiter) = state.waiters.first() {
                waiter.wake.notify_one();
            }
        }
        outcome
    }

    /// Sleeps until the thread that reads has something for us, or leaves the reading to us.
    fn await_reader(
        mut state: MutexGuard<'_, State>,
        serial: Option<u32>,
        left: Option<Duration>,
    ) -> MutexGuard<'_, State> {
        let wake = Arc::new(Condvar::new());
        state.waiters.push(Waiter { serial, wake: wake.clone() });
        let mut state = match left {
            None => wake.wait(state).unwrap_or_else(std::sync::PoisonError::into_inner),
            Some(left) => match wake.wait_timeout(state, left) {
                Ok((state, _)) => state,
                Err(poisoned) => poisoned.into_inner().0,
            },
        };
        state.waiters.retain(|waiter| !Arc::ptr_eq(&waiter.wake, &wake));
        state
    }

    /// Waits on the socket without the lock, and then takes what came.
    fn read<'a>(&'a self, mut state: MutexGuard<'a, State>, left: Option<Duration>) -> MutexGuard<'a, State> {
        let mut timeout = left;
        if let Some(keepalive) = &mut state.keepalive {
            match keepalive.tick(Instant::now()) {
                Action::Wait(until) => {
                    let until = until.saturating_duration_since(Instant::now());
                    timeout = Some(timeout.map_or(until, |left| left.min(until)));
                }
                Action::Ping => {
                    state.client.ping();
                    self.flush(&mut state);
                    return state;
                }
                Action::Dead => {
                    let error =
                        Error::internal(ErrorDomain::RPC, "connection closed due to keepalive timeout");
                    self.end(&mut state, error, CloseReason::Keepalive);
                    return state;
                }
            }
        }
        let mut events = PollFlags::IN;
        if state.client.backlog() > 0 || self.transport.wants_write() {
            events |= PollFlags::OUT;
        }
        state.reading = true;
        drop(state);
        let mut fds =
            [PollFd::from_borrowed_fd(self.transport.fd(), events), PollFd::new(&self.wake, PollFlags::IN)];
        let timeout = timeout.and_then(|t| Timespec::try_from(t).ok());
        let polled = poll(&mut fds, timeout.as_ref());
        let [socket, wake] = fds.map(|fd| fd.revents());
        let mut state = self.lock();
        state.reading = false;
        if !wake.is_empty() {
            let _ = rustix::io::read(&self.wake, &mut [0_u8; 8]);
        }
        match polled {
            Err(rustix::io::Errno::INTR) | Ok(0) => {}
            Err(e) => {
                let error = Error::system(ErrorDomain::RPC, "poll on socket failed", &e.into());
                self.end(&mut state, error, CloseReason::Error);
            }
            Ok(_) => {
                if !socket.is_empty() {
                    self.take(&mut state);
                }
                if state.client.backlog() > 0 || self.transport.wants_write() {
                    self.flush(&mut state);
                }
            }
        }
        state
    }

    /// Reads what the socket has, and tells those it is for. Whether there was anything, and may be more.
    fn take(&self, state: &mut State) -> bool {
        if state.ended.is_some() {
            return false;
        }
        let mut some = false;
        let mut buffer = std::mem::take(&mut state.buffer);
        buffer.resize(BUFFER, 0);
        let mut fds = VecDeque::new();
        loop {
            let count = match self.transport.read(&mut buffer, &mut fds) {
                Ok(None) => break,
                Ok(Some(0)) => {
                    let error =
                        self.failure("End of file while reading data", &std::io::Error::from_raw_os_error(5));
                    self.end(state, error, CloseReason::Eof);
                    break;
                }
                Ok(Some(count)) => count,
                Err(e) => {
                    let reset = e.kind() == std::io::ErrorKind::ConnectionReset;
                    let reason = if reset { CloseReason::Eof } else { CloseReason::Error };
                    self.end(state, self.failure("Cannot recv data", &e), reason);
                    break;
                }
            };
            some = true;
            if let Some(keepalive) = &mut state.keepalive {
                keepalive.heard(Instant::now());
            }
            let with_fds = !fds.is_empty();
            if let Err(error) = state.client.feed(buffer.get(..count).unwrap_or_default(), &mut fds) {
                self.end(state, error, CloseReason::Error);
                break;
            }
            // a short read has emptied the socket, unless it stopped at a descriptor
            if count < BUFFER && !with_fds && !self.transport.holds_unread() {
                break;
            }
        }
        state.buffer = buffer;
        let touched = state.client.take_touched();
        let events = state.client.has_message();
        self.update_watch(state);
        for waiter in &state.waiters {
            if waiter.serial.map_or(events, |serial| touched.contains(&serial)) {
                waiter.wake.notify_one();
            }
        }
        some
    }

    /// Writes what the socket takes; the thread that reads sees to the rest.
    fn flush(&self, state: &mut State) {
        let failed = loop {
            if let Err(e) = self.transport.flush() {
                break Some(e);
            }
            let written = match state.client.outgoing() {
                None => break None,
                Some(Write::Bytes(bytes)) => self.transport.write(bytes),
                Some(Write::Fd(fd)) => self.transport.send_fd(fd.as_fd()).map(|sent| sent.then_some(1)),
            };
            match written {
                Ok(Some(count)) => state.client.wrote(count),
                Ok(None) => break None,
                Err(e) => break Some(e),
            }
        };
        if let Some(e) = failed {
            // what the daemon said before it went may explain it better
            self.take(state);
            self.end(state, self.failure("Cannot write data", &e), CloseReason::Error);
        }
        // those who wait for room are told when the last of it is gone
        match state.client.backlog() {
            0 => state.waiters.iter().filter(|w| w.serial.is_none()).for_each(|w| w.wake.notify_one()),
            _ if state.reading => self.wake(),
            _ => {}
        }
        if state.reading && self.transport.wants_write() {
            self.wake();
        }
    }

    fn failure(&self, what: &str, e: &std::io::Error) -> Error {
        match self.transport.complaint() {
            Some(text) => self
                .transport
                .error_of(&text)
                .unwrap_or_else(|| Error::system(ErrorDomain::RPC, format!("{what}: {text}"), e)),
            None => Error::system(ErrorDomain::RPC, what, e),
        }
    }

    /// Has those who wait on the descriptor know of events that a thread took off the socket while it awaited
    /// something else, and of an end that the socket does not tell of.
    fn update_watch(&self, state: &mut State) {
        let Some(Some(watch)) = self.watch.get() else { return };
        let of_streams = state.heeded.iter().any(|serial| state.client.has_piece(*serial));
        let news = of_streams || state.client.has_message() || state.ended.is_some();
        if news != state.told {
            state.told = news;
            if news { watch.tell() } else { watch.take_back() }
        }
    }

    fn end(&self, state: &mut State, error: Error, reason: CloseReason) {
        if state.ended.is_none() {
            state.client.fail(&error);
            state.ended = Some((error, reason));
        }
        state.waiters.iter().for_each(|waiter| waiter.wake.notify_one());
        if state.reading {
            self.wake();
        }
        self.update_watch(state);
    }

    fn wake(&self) {
        // it fails only when it is full, and then it wakes anyway
        let _ = rustix::io::write(&self.wake, &1_u64.to_ne_bytes());
    }
}

impl Peer for Link {
    fn call(&self, outgoing: Outgoing<'_>) -> Result<(u32, Reply)> {
        let Outgoing { program, procedure, arguments, fds, stream } = outgoing;
        let serial = {
            let mut state = self.lock();
            state.check_open()?;
            let serial = state.client.call(program, VERSION, procedure, arguments, fds, stream);
            self.flush(&mut state);
            serial
        };
        let answer = self.wait(Some(serial), None, |state| state.client.take_answer(serial))?;
        let reply = answer.unwrap_or_else(|| Err(closed()));
        if reply.is_err() && stream {
            self.lock().client.forget_stream(serial);
        }
        Ok((serial, reply?))
    }

    fn send_piece(&self, (program, procedure): (u32, i32), serial: u32, piece: &StreamPiece) -> Result<()> {
        {
            let mut state = self.lock();
            state.check_open()?;
            state.client.stream(program, VERSION, procedure, serial, piece);
            self.flush(&mut state);
        }
        self.wait(None, None, |state| (state.client.backlog() < BUFFER).then_some(()))?;
        Ok(())
    }

    fn take_piece(&self, serial: u32, now: bool) -> Result<Option<StreamPiece>> {
        let deadline = now.then(Instant::now);
        let piece = self.wait(Some(serial), deadline, |state| state.client.take_piece(serial));
        self.update_watch(&mut self.lock());
        piece
    }

    fn heed(&self, serial: u32, yes: bool) {
        let mut state = self.lock();
        state.heeded.retain(|heeded| *heeded != serial);
        if yes {
            state.heeded.push(serial);
        }
        self.update_watch(&mut state);
    }

    fn stream_failure(&self, serial: u32) -> Option<Error> {
        self.lock().client.stream_failure(serial).cloned()
    }

    fn put_back(&self, serial: u32, piece: StreamPiece) {
        let mut state = self.lock();
        state.client.put_back(serial, piece);
        self.update_watch(&mut state);
    }

    fn forget_stream(&self, serial: u32) {
        let mut state = self.lock();
        state.client.forget_stream(serial);
        state.heeded.retain(|heeded| *heeded != serial);
        self.update_watch(&mut state);
    }

    fn next_message(&self, deadline: Option<Instant>) -> Result<Option<Message>> {
        self.wait(None, deadline, |state| {
            let message = state.client.take_message();
            self.update_watch(state);
            message
        })
    }

    fn look(&self) {
        let mut state = self.lock();
        // a thread that reads sees it anyway; behind the last words may stand the end
        while !state.reading && self.take(&mut state) {}
    }

    fn set_keepalive(&self, settings: Option<(Duration, u32)>) {
        let mut state = self.lock();
        state.keepalive = settings.map(|(interval, count)| Keepalive::new(interval, count, Instant::now()));
        if state.reading {
            self.wake();
        }
    }

    fn due(&self) -> Option<Instant> {
        let state = self.lock();
        // asking does not change when it is due: nothing is done before that moment
        match state.keepalive.clone()?.tick(Instant::now()) {
            Action::Wait(until) => Some(until),
            Action::Ping | Action::Dead => Some(Instant::now()),
        }
    }

    fn wants_write(&self) -> bool {
        let wants = self.lock().client.backlog() > 0 || self.transport.wants_write();
        if let Some(Some(watch)) = self.watch.get() {
            watch.for_writing(self.transport.fd(), wants);
        }
        wants
    }

    fn ended(&self) -> Option<CloseReason> {
        self.lock().ended.as_ref().map(|(_, reason)| *reason)
    }

    fn close(&self) {
        self.end(&mut self.lock(), closed(), CloseReason::Client);
    }

    fn passes_fds(&self) -> bool {
        self.transport.passes_fds()
    }

    fn is_secure(&self) -> bool {
        self.transport.is_secure()
    }

    fn is_encrypted(&self) -> bool {
        self.transport.is_encrypted()
    }
}

impl AsFd for Link {
    fn as_fd(&self) -> BorrowedFd<'_> {
        let mut state = self.lock();
        let watch = self.watch.get_or_init(|| {
            let watch = Watch::new().ok()?;
            watch.add(self.transport.fd()).ok()?;
            Some(watch)
        });
        self.update_watch(&mut state);
        // without a descriptor to spare it is the socket's, which tells of almost everything
        watch.as_ref().map_or_else(|| self.transport.fd(), AsFd::as_fd)
    }
}

impl State {
    fn check_open(&self) -> Result<()> {
        if self.ended.is_some() { Err(closed()) } else { Ok(()) }
    }
}

const VERSION: u32 = virtus_api::Program::VERSION;

fn closed() -> Error {
    Error::internal(ErrorDomain::RPC, "client socket is closed")
}
