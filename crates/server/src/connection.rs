//! One connection: reads packets, runs calls, sends what comes back.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::ops::ControlFlow;
use std::os::fd::{AsFd, OwnedFd};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use std::time::Instant;

use virtus_api::{BoxFuture, Call, Drivers, Mark, Procedure};
use virtus_base::{Error, ErrorCode, ErrorDomain, Result};
use virtus_rpc::keepalive::{self, Action, Keepalive};
use virtus_rpc::{Deframer, Frame, Header, Kind, Status, encode_error, write_packet};

use crate::client::Client;
use crate::dispatch::{self, rpc_error};
use crate::outbox::Batch;
use crate::server::Server;
use crate::session::Session;
use crate::socket::Socket;
use crate::streams::Streams;

/// Nothing more is read from a client while so many bytes wait for it.
const SEND_AHEAD: usize = 4 << 20;
/// What one read takes at most; one such buffer serves all connections of a thread.
const READ_SIZE: usize = 64 << 10;

thread_local! {
    static SCRATCH: RefCell<Vec<u8>> = RefCell::new(vec![0; READ_SIZE]);
}

struct Connection<'a> {
    server: &'a Arc<Server>,
    client: &'a Arc<Client>,
    drivers: Drivers,
    session: Arc<Session>,
    deframer: Deframer,
    fds: VecDeque<OwnedFd>,
    streams: Streams,
    finished: Arc<Mutex<Vec<Finished>>>,
}

/// A call that opens a stream and could not answer at once: its stream belongs to the connection's own state.
struct Finished {
    header: Header,
    result: Result<Vec<u8>>,
    call: Arc<Call>,
}

/// Why a connection ends.
enum End {
    /// The peer is gone, or was told to go.
    Quiet,
    /// The peer does not speak the protocol.
    Wrong(Error),
}

impl From<std::io::Error> for End {
    fn from(_: std::io::Error) -> Self {
        End::Quiet
    }
}

/// Serves a connection until it ends.
pub(crate) async fn serve(server: &Arc<Server>, client: &Arc<Client>, socket: Socket) {
    let (drivers, session) = Session::drivers_for(server, client);
    let mut connection = Connection {
        server,
        client,
        drivers,
        session,
        deframer: Deframer::new(),
        fds: VecDeque::new(),
        streams: Streams::new(),
        finished: Arc::default(),
    };
    if let End::Wrong(error) = connection.run(&socket).await {
        tracing::error!(client = client.id, "{}", error.message());
    }
    connection.streams.close();
}

impl Connection<'_> {
    async fn run(&mut self, socket: &Socket) -> End {
        let mut batch = Batch::default();
        let mut keepalive: Option<Keepalive> = None;
        loop {
            self.collect_finished();
            if let Err(end) = flush(socket, self.client, &mut batch) {
                return end;
            }
            if self.client.outbox.is_closed() {
                return End::Quiet;
            }
            let waiting = self.client.outbox.len();
            let most = self.server.limits.max_requests.load(Ordering::Relaxed);
            let can_read =
                self.client.active_calls() < most && !self.streams.is_full() && waiting < SEND_AHEAD;
            if can_read && self.deframer.pending() > 0 {
                // packets that were held back
                if let Err(end) = self.handle(&[]) {
                    return end;
                }
                if self.client.outbox.len() > waiting {
                    continue;
                }
            }
            let tick = match self.keepalive_tick(&mut keepalive) {
                Ok(tick) => tick,
                Err(end) => return end,
            };
            tokio::select! {
                biased;
                ready = socket.readable(), if can_read => {
                    if ready.is_err() {
                        return End::Quiet;
                    }
                    if let Err(end) = self.read(socket) {
                        return end;
                    }
                    if let Some(k) = &mut keepalive {
                        k.heard(Instant::now());
                    }
                }
                () = self.client.outbox.posted() => {}
                writable = socket.writable(), if !batch.is_done() => {
                    if writable.is_err() {
                        return End::Quiet;
                    }
                }
                () = sleep_until(tick), if tick.is_some() => {}
            }
        }
    }

    fn keepalive_tick(&self, state: &mut Option<Keepalive>) -> Result<Option<Instant>, End> {
        let Some(interval) = self.server.config.keepalive_interval else { return Ok(None) };
        if !self.client.keepalive.load(Ordering::Relaxed) {
            return Ok(None);
        }
        let now = Instant::now();
        let keepalive =
            state.get_or_insert_with(|| Keepalive::new(interval, self.server.config.keepalive_count, now));
        loop {
            match keepalive.tick(now) {
                Action::Wait(until) => return Ok(Some(until)),
                Action::Dead => {
                    tracing::warn!(
                        client = self.client.id,
                        "no response to keepalive, closing the connection"
                    );
                    return Err(End::Quiet);
                }
                Action::Ping => {
                    let header = keepalive::header(keepalive::PING);
                    self.client.outbox.post(Vec::new(), |out| write_packet(out, &header, 0, |_| {}));
                }
            }
        }
    }

    fn read(&mut self, socket: &Socket) -> Result<(), End> {
        SCRATCH.with_borrow_mut(|scratch| match socket.read(scratch, &mut self.fds)? {
            None => Ok(()),
            Some(0) => Err(End::Quiet),
            Some(count) => self.handle(scratch.get(..count).unwrap_or_default()),
        })
    }

    /// Takes bytes and runs the calls they complete.
    fn handle(&mut self, bytes: &[u8]) -> Result<(), End> {
        let runtime = self.server.runtime.clone();
        let _context = runtime.enter();
        let mut deframer = std::mem::take(&mut self.deframer);
        let mut end = None;
        let fed = deframer.feed(bytes, |frame| match self.packet(&frame) {
            Ok(()) if self.has_enough() => ControlFlow::Break(()),
            Ok(()) => ControlFlow::Continue(()),
            Err(e) => {
                end = Some(e);
                ControlFlow::Break(())
            }
        });
        self.deframer = deframer;
        match (end, fed) {
            (Some(end), _) => Err(end),
            (None, Err(e)) => Err(End::Wrong(rpc_error(e.to_string()))),
            (None, Ok(())) => Ok(()),
        }
    }

    fn has_enough(&self) -> bool {
        self.client.active_calls() >= self.server.limits.max_requests.load(Ordering::Relaxed)
            || self.streams.is_full()
    }

    fn packet(&mut self, frame: &Frame<'_>) -> Result<(), End> {
        let header = &frame.header;
        let fds: Vec<OwnedFd> = (0..frame.fds).filter_map(|_| self.fds.pop_front()).collect();
        if fds.len() < frame.fds {
            return Err(End::Wrong(rpc_error("packet announces descriptors that did not come")));
        }
        if header.program == keepalive::PROGRAM {
            return self.keepalive(header);
        }
        match header.kind {
            kind if dispatch::is_call(kind) => {
                self.call(*header, frame.body, fds);
                Ok(())
            }
            Kind::STREAM | Kind::STREAM_HOLE => {
                self.streams.accept(self.client, header, frame.body).map_err(End::Wrong)
            }
            kind => Err(End::Wrong(rpc_error(format!("Unexpected message type {}", kind.0)))),
        }
    }

    fn keepalive(&self, header: &Header) -> Result<(), End> {
        if header.version == 1 && header.kind == Kind::MESSAGE && header.procedure == keepalive::PING {
            let pong = keepalive::header(keepalive::PONG);
            self.client.outbox.put(Vec::new(), |out| write_packet(out, &pong, 0, |_| {}));
        }
        Ok(())
    }

    fn call(&mut self, header: Header, body: &[u8], fds: Vec<OwnedFd>) {
        let procedure = match dispatch::find(&header, self.server.programs)
            .and_then(|procedure| self.session.check_open(procedure).map(|()| procedure))
        {
            Ok(procedure) => procedure,
            Err(error) => return answer(self.client, &header, Err(error), Vec::new()),
        };
        let call = Arc::new(Call::new(self.client.caller.clone(), procedure.function, fds));
        let other = self
            .session
            .drivers()
            .map(|drivers| Drivers { session: self.drivers.session.clone(), ..drivers.clone() });
        let mut future = procedure.run(other.as_ref().unwrap_or(&self.drivers), call.clone(), body);
        match poll_once(&mut future) {
            Poll::Ready(result) => self.finish(&header, &call, result),
            Poll::Pending => self.wait(header, procedure, call, future),
        }
    }

    /// Lets a call that could not answer at once go on beside the connection.
    fn wait(
        &self,
        header: Header,
        procedure: &'static Procedure,
        call: Arc<Call>,
        future: BoxFuture<Result<Vec<u8>>>,
    ) {
        let client = self.client.clone();
        let finished = self.finished.clone();
        client.active.fetch_add(1, Ordering::Relaxed);
        self.server.runtime.spawn(async move {
            let result = CatchPanic(future).await;
            client.active.fetch_sub(1, Ordering::Relaxed);
            if procedure.has(Mark::Stream) {
                let done = Finished { header, result, call };
                finished.lock().unwrap_or_else(|e| e.into_inner()).push(done);
            } else {
                answer(&client, &header, result, call.take_sent());
            }
            client.outbox.wake();
        });
    }

    fn collect_finished(&mut self) {
        let finished = std::mem::take(&mut *self.finished.lock().unwrap_or_else(|e| e.into_inner()));
        for done in finished {
            self.finish(&done.header, &done.call, done.result);
        }
    }

    /// Answers a call and lets the stream flow that it may have opened.
    fn finish(&mut self, header: &Header, call: &Call, result: Result<Vec<u8>>) {
        let succeeded = result.is_ok();
        answer(self.client, header, result, call.take_sent());
        if let Some(pair) = call.take_stream().filter(|_| succeeded) {
            self.streams.open(&self.server.runtime, self.client, *header, pair);
        }
    }
}

fn answer(client: &Client, call: &Header, result: Result<Vec<u8>>, fds: Vec<OwnedFd>) {
    match result {
        Ok(body) => {
            let mut header = call.reply(Status::OK);
            if !fds.is_empty() {
                header.kind = Kind::REPLY_WITH_FDS;
            }
            let count = fds.len();
            client
                .outbox
                .put(fds, |out| write_packet(out, &header, count, |out| out.extend_from_slice(&body)));
        }
        Err(error) => {
            let header = call.reply(Status::ERROR);
            client.outbox.put(Vec::new(), |out| {
                write_packet(out, &header, 0, |out| encode_error(&error, out));
            });
        }
    }
}

/// Polls a call where it was read. One that is not ready is polled again elsewhere, so nothing needs to wake.
fn poll_once(future: &mut BoxFuture<Result<Vec<u8>>>) -> Poll<Result<Vec<u8>>> {
    poll_caught(future.as_mut(), &mut Context::from_waker(Waker::noop()))
}

/// A driver's panic is one call's failure.
fn poll_caught(
    future: Pin<&mut (dyn Future<Output = Result<Vec<u8>>> + Send)>,
    cx: &mut Context<'_>,
) -> Poll<Result<Vec<u8>>> {
    catch_unwind(AssertUnwindSafe(|| future.poll(cx))).unwrap_or_else(|_| {
        Poll::Ready(Err(Error::new(
            ErrorDomain::RPC,
            ErrorCode::INTERNAL_ERROR,
            "the call failed in a way that should not be possible; the daemon's log says where",
        )))
    })
}

struct CatchPanic(BoxFuture<Result<Vec<u8>>>);

impl Future for CatchPanic {
    type Output = Result<Vec<u8>>;
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        poll_caught(self.0.as_mut(), cx)
    }
}

async fn sleep_until(instant: Option<Instant>) {
    match instant {
        Some(instant) => tokio::time::sleep_until(instant.into()).await,
        None => std::future::pending().await,
    }
}

/// Sends what waits, as far as the socket takes it.
fn flush(socket: &Socket, client: &Client, batch: &mut Batch) -> Result<(), End> {
    loop {
        if batch.is_done() {
            client.outbox.take(batch);
            if batch.is_done() {
                batch.bytes = Vec::new();
                batch.sent = 0;
                return Ok(());
            }
        }
        let until = batch.fds.front().map_or(batch.bytes.len(), |(offset, _)| *offset);
        if batch.sent < until {
            let piece = batch.bytes.get(batch.sent..until).unwrap_or_default();
            match socket.try_write(piece)? {
                Some(count) => batch.sent += count,
                None => return Ok(()),
            }
        } else if let Some((_, fd)) = batch.fds.front() {
            if !socket.try_send_fd(fd.as_fd())? {
                return Ok(());
            }
            batch.fds.pop_front();
        }
    }
}
