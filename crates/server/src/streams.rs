//! Streams: bytes beside calls, each way with its own flow control.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::task::AbortHandle;
use virtus_api::{Piece, StreamPair, StreamReader, StreamWriter};
use virtus_base::Error;
use virtus_rpc::stream::StreamHole;
use virtus_rpc::{Header, Kind, STREAM_CHUNK, Status, encode_error, write_packet};
use virtus_xdr::Encode;

use crate::client::Client;
use crate::dispatch::rpc_error;

/// No more is read from a stream while so many bytes wait to be sent.
const SEND_AHEAD: usize = 1 << 20;
/// No more is read from the client while its streams have so many bytes to take.
const RECEIVE_AHEAD: usize = 4 << 20;

enum FromClient {
    Piece(Piece),
    Finish,
    Abort,
}

impl FromClient {
    /// The bytes of data it holds.
    fn size(&self) -> usize {
        match self {
            FromClient::Piece(Piece::Data(data)) => data.len(),
            _ => 0,
        }
    }
}

struct Stream {
    header: Header,
    input: Option<mpsc::UnboundedSender<FromClient>>,
    reader: Option<AbortHandle>,
}

/// The open streams of one connection, by the number of the call that opened each.
pub(crate) struct Streams {
    open: HashMap<u32, Stream>,
    /// Bytes that came and were not taken yet.
    queued: Arc<AtomicUsize>,
}

impl Streams {
    pub(crate) fn new() -> Self {
        Streams { open: HashMap::new(), queued: Arc::default() }
    }

    /// Whether the streams have so much to take that the client must wait.
    pub(crate) fn is_full(&self) -> bool {
        self.queued.load(Ordering::Relaxed) > RECEIVE_AHEAD
    }

    /// A call has opened a stream.
    pub(crate) fn open(
        &mut self,
        runtime: &tokio::runtime::Handle,
        client: &Arc<Client>,
        call: Header,
        pair: StreamPair,
    ) {
        let header = Header { kind: Kind::STREAM, status: Status::CONTINUE, ..call };
        let reader =
            pair.reader.map(|reader| runtime.spawn(send(client.clone(), header, reader)).abort_handle());
        let input = pair.writer.map(|writer| {
            let (sender, receiver) = mpsc::unbounded_channel();
            runtime.spawn(receive(
                client.clone(),
                header,
                writer,
                receiver,
                self.queued.clone(),
                reader.clone(),
            ));
            sender
        });
        self.open.insert(call.serial, Stream { header, input, reader });
    }

    /// A piece came from the client. One for a stream that is closed already is passed over: it may have been
    /// on its way.
    ///
    /// # Errors
    /// A piece no stream can have; the connection cannot go on.
    pub(crate) fn accept(&mut self, client: &Arc<Client>, header: &Header, body: &[u8]) -> Result<(), Error> {
        let Some(stream) = self.open.get(&header.serial) else { return Ok(()) };
        if stream.header.procedure != header.procedure || stream.header.program != header.program {
            return Ok(());
        }
        let input = match (header.kind, header.status) {
            (Kind::STREAM_HOLE, Status::CONTINUE) => {
                let hole: StreamHole =
                    virtus_xdr::decode(body).map_err(|_| rpc_error("Unable to decode message payload"))?;
                FromClient::Piece(Piece::Hole(hole.length))
            }
            (Kind::STREAM, Status::CONTINUE) => FromClient::Piece(match body {
                [] => Piece::End,
                data => Piece::Data(data.to_vec()),
            }),
            (Kind::STREAM, Status::OK) => FromClient::Finish,
            (Kind::STREAM, Status::ERROR) => FromClient::Abort,
            (_, status) => return Err(rpc_error(format!("Unexpected message status {}", status.0))),
        };
        let ends = matches!(input, FromClient::Finish | FromClient::Abort);
        match &stream.input {
            Some(sender) => {
                let size = input.size();
                self.queued.fetch_add(size, Ordering::Relaxed);
                // a stream that failed has told so already
                if sender.send(input).is_err() {
                    self.queued.fetch_sub(size, Ordering::Relaxed);
                }
            }
            None => match input {
                FromClient::Finish => finish(client, stream),
                FromClient::Abort => abort(client, stream),
                FromClient::Piece(_) => {}
            },
        }
        if ends {
            self.open.remove(&header.serial);
        }
        Ok(())
    }

    /// The connection ends: every stream is aborted.
    pub(crate) fn close(&mut self) {
        for (_, stream) in self.open.drain() {
            if let Some(reader) = &stream.reader {
                reader.abort();
            }
            // dropping the sender tells the writer's task
        }
    }
}

fn packet(client: &Client, header: &Header, status: Status, body: impl FnOnce(&mut Vec<u8>)) {
    client.outbox.post(Vec::new(), |out| write_packet(out, &Header { status, ..*header }, 0, body));
}

fn fail(client: &Client, header: &Header, error: &Error) {
    packet(client, header, Status::ERROR, |out| encode_error(error, out));
}

fn finish(client: &Client, stream: &Stream) {
    if let Some(reader) = &stream.reader {
        reader.abort();
    }
    packet(client, &stream.header, Status::OK, |_| {});
}

fn abort(client: &Client, stream: &Stream) {
    if let Some(reader) = &stream.reader {
        reader.abort();
    }
    fail(client, &stream.header, &rpc_error("stream aborted at client request"));
}

/// Sends what the daemon's side has.
async fn send(client: Arc<Client>, header: Header, mut reader: Box<dyn StreamReader>) {
    loop {
        while client.outbox.len() > SEND_AHEAD {
            if client.outbox.is_closed() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        match reader.read().await {
            Ok(Piece::Data(data)) => {
                for chunk in data.chunks(STREAM_CHUNK) {
                    packet(&client, &header, Status::CONTINUE, |out| out.extend_from_slice(chunk));
                }
            }
            Ok(Piece::Hole(length)) => {
                let header = Header { kind: Kind::STREAM_HOLE, ..header };
                packet(&client, &header, Status::CONTINUE, |out| StreamHole { length, flags: 0 }.encode(out));
            }
            Ok(Piece::End) => {
                packet(&client, &header, Status::CONTINUE, |_| {});
                return;
            }
            Err(error) => {
                fail(&client, &header, &error);
                return;
            }
        }
        if client.outbox.is_closed() {
            return;
        }
    }
}

/// Gives the daemon's side what came from the client.
async fn receive(
    client: Arc<Client>,
    header: Header,
    mut writer: Box<dyn StreamWriter>,
    mut input: mpsc::UnboundedReceiver<FromClient>,
    queued: Arc<AtomicUsize>,
    reader: Option<AbortHandle>,
) {
    let stop_reader = || reader.iter().for_each(AbortHandle::abort);
    loop {
        let next = input.recv().await;
        let size = next.as_ref().map_or(0, FromClient::size);
        match next {
            Some(FromClient::Piece(piece)) => {
                let result = writer.write(piece).await;
                queued.fetch_sub(size, Ordering::Relaxed);
                // the connection may be waiting for this room
                client.outbox.wake();
                if let Err(error) = result {
                    stop_reader();
                    fail(&client, &header, &error);
                    return;
                }
            }
            Some(FromClient::Finish) => {
                let result = writer.finish().await;
                stop_reader();
                match result {
                    Ok(()) => packet(&client, &header, Status::OK, |_| {}),
                    Err(error) => fail(&client, &header, &error),
                }
                return;
            }
            Some(FromClient::Abort) => {
                writer.abort().await;
                stop_reader();
                fail(&client, &header, &rpc_error("stream aborted at client request"));
                return;
            }
            None => {
                writer.abort().await;
                stop_reader();
                return;
            }
        }
    }
}
