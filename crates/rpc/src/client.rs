//! A client's end of a connection as a value: calls and bytes in, packets and answers out.

use std::collections::{HashMap, VecDeque};
use std::ops::ControlFlow;
use std::os::fd::OwnedFd;

use virtus_base::{Error, ErrorCode, ErrorDomain};
use virtus_xdr::Encode;

use crate::stream::StreamHole;
use crate::{
    Deframer, Frame, FrameError, Header, Kind, MESSAGE_MAX, Status, decode_error, keepalive, write_packet,
};

/// What a call was answered with.
pub type Answer = Result<Reply, Error>;

/// A good answer.
#[derive(Debug, Default)]
pub struct Reply {
    /// The result's bytes.
    pub body: Vec<u8>,
    /// Descriptors that came with it.
    pub fds: Vec<OwnedFd>,
}

/// Something the daemon says unasked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// The program.
    pub program: u32,
    /// The procedure.
    pub procedure: i32,
    /// What it says.
    pub body: Vec<u8>,
}

/// A piece of a stream from the daemon.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StreamPiece {
    /// Bytes.
    Data(Vec<u8>),
    /// So many bytes of nothing.
    Hole(i64),
    /// The daemon has sent all.
    End,
    /// The daemon agrees that the stream is done, or broke it off: nothing follows.
    Closed(Result<(), Error>),
}

/// What goes out: bytes, or a descriptor with its one byte.
#[derive(Debug)]
enum Outgoing {
    Bytes(Vec<u8>),
    Fd(OwnedFd),
}

/// The next thing to write.
#[derive(Debug)]
pub enum Write<'a> {
    /// Bytes.
    Bytes(&'a [u8]),
    /// One descriptor, with one byte.
    Fd(&'a OwnedFd),
}

#[derive(Debug, Default)]
struct Incoming {
    pieces: VecDeque<StreamPiece>,
    closed: bool,
}

/// The state of a connection: calls that wait, streams that are open, events that came.
#[derive(Debug, Default)]
pub struct Client {
    deframer: Deframer,
    fds: VecDeque<OwnedFd>,
    serial: u32,
    out: VecDeque<Outgoing>,
    written: usize,
    calls: HashMap<u32, Option<Answer>>,
    streams: HashMap<u32, Incoming>,
    messages: VecDeque<Message>,
    touched: Vec<u32>,
}

impl Client {
    /// A connection on which nothing has been said.
    pub fn new() -> Self {
        Self::default()
    }

    /// Queues a call and says its serial, by which its answer is taken. With `stream` the same serial names
    /// the stream that it opens.
    pub fn call(
        &mut self,
        program: u32,
        version: u32,
        procedure: i32,
        arguments: &[u8],
        fds: Vec<OwnedFd>,
        stream: bool,
    ) -> u32 {
        let serial = self.next_serial();
        let kind = if fds.is_empty() { Kind::CALL } else { Kind::CALL_WITH_FDS };
        let header = Header { program, version, procedure, kind, serial, status: Status::OK };
        self.send(&header, fds, |out| out.extend_from_slice(arguments));
        self.calls.insert(serial, None);
        if stream {
            self.streams.insert(serial, Incoming::default());
        }
        serial
    }

    /// Queues a piece of a stream; `End` says that all is sent and asks for the daemon's agreement.
    pub fn stream(&mut self, program: u32, version: u32, procedure: i32, serial: u32, piece: &StreamPiece) {
        let (kind, status) = match piece {
            StreamPiece::Data(_) => (Kind::STREAM, Status::CONTINUE),
            StreamPiece::Hole(_) => (Kind::STREAM_HOLE, Status::CONTINUE),
            StreamPiece::End | StreamPiece::Closed(Ok(())) => (Kind::STREAM, Status::OK),
            StreamPiece::Closed(Err(_)) => (Kind::STREAM, Status::ERROR),
        };
        let header = Header { program, version, procedure, kind, serial, status };
        self.send(&header, Vec::new(), |out| match piece {
            StreamPiece::Data(bytes) => out.extend_from_slice(bytes),
            StreamPiece::Hole(length) => StreamHole { length: *length, flags: 0 }.encode(out),
            StreamPiece::End | StreamPiece::Closed(_) => {}
        });
    }

    /// Queues a keepalive ping.
    pub fn ping(&mut self) {
        self.send(&keepalive::header(keepalive::PING), Vec::new(), |_| {});
    }

    fn next_serial(&mut self) -> u32 {
        loop {
            self.serial = self.serial.wrapping_add(1);
            // after four thousand million calls a stream of the first may still be open
            if !self.calls.contains_key(&self.serial) && !self.streams.contains_key(&self.serial) {
                return self.serial;
            }
        }
    }

    fn send(&mut self, header: &Header, fds: Vec<OwnedFd>, body: impl FnOnce(&mut Vec<u8>)) {
        match self.out.back_mut() {
            Some(Outgoing::Bytes(bytes)) => write_packet(bytes, header, fds.len(), body),
            _ => {
                let mut bytes = Vec::new();
                write_packet(&mut bytes, header, fds.len(), body);
                self.out.push_back(Outgoing::Bytes(bytes));
            }
        }
        self.out.extend(fds.into_iter().map(Outgoing::Fd));
    }

    /// What is to be written next, if anything is.
    pub fn outgoing(&self) -> Option<Write<'_>> {
        match self.out.front()? {
            Outgoing::Bytes(bytes) => Some(Write::Bytes(bytes.get(self.written..).unwrap_or_default())),
            Outgoing::Fd(fd) => Some(Write::Fd(fd)),
        }
    }

    /// So many bytes of it have been written; of a descriptor its one.
    pub fn wrote(&mut self, count: usize) {
        match self.out.front() {
            Some(Outgoing::Bytes(bytes)) if self.written + count < bytes.len() => self.written += count,
            _ => {
                self.out.pop_front();
                self.written = 0;
            }
        }
    }

    /// How many bytes wait to be written.
    pub fn backlog(&self) -> usize {
        let bytes = |o: &Outgoing| if let Outgoing::Bytes(b) = o { b.len() } else { 1 };
        self.out.iter().map(bytes).sum::<usize>().saturating_sub(self.written)
    }

    /// Takes what has come, with the descriptors that came along. What it answers is queued.
    ///
    /// # Errors
    /// `RPC` when the bytes are not the protocol: the connection cannot go on.
    pub fn feed(&mut self, bytes: &[u8], fds: &mut VecDeque<OwnedFd>) -> Result<(), Error> {
        self.fds.append(fds);
        let mut deframer = std::mem::take(&mut self.deframer);
        let mut failure = Ok(());
        let fed = deframer.feed(bytes, |frame| {
            failure = self.packet(&frame);
            if failure.is_ok() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        });
        self.deframer = deframer;
        fed.map_err(|e| frame_error(&e))?;
        failure
    }

    fn packet(&mut self, frame: &Frame<'_>) -> Result<(), Error> {
        let header = &frame.header;
        match header.kind {
            Kind::REPLY | Kind::REPLY_WITH_FDS => self.reply(frame),
            Kind::MESSAGE if header.program == keepalive::PROGRAM => {
                if header.procedure == keepalive::PING {
                    self.send(&keepalive::header(keepalive::PONG), Vec::new(), |_| {});
                }
                Ok(())
            }
            Kind::MESSAGE => {
                self.messages.push_back(Message {
                    program: header.program,
                    procedure: header.procedure,
                    body: frame.body.to_vec(),
                });
                Ok(())
            }
            Kind::STREAM | Kind::STREAM_HOLE => {
                let piece = piece(frame)?;
                // pieces of a stream that was given up may still be under way
                if let Some(stream) = self.streams.get_mut(&header.serial).filter(|s| !s.closed) {
                    stream.closed = matches!(piece, StreamPiece::Closed(_));
                    stream.pieces.push_back(piece);
                    self.touched.push(header.serial);
                }
                Ok(())
            }
            Kind(other) => Err(rpc(format!(
                "got unexpected RPC call prog {} vers {} proc {} type {other}",
                header.program, header.version, header.procedure
            ))),
        }
    }

    fn reply(&mut self, frame: &Frame<'_>) -> Result<(), Error> {
        let header = &frame.header;
        let mut fds = Vec::with_capacity(frame.fds);
        for _ in 0..frame.fds {
            let fd =
                self.fds.pop_front().ok_or_else(|| rpc("a descriptor that was announced did not come"))?;
            fds.push(fd);
        }
        let Some(slot) = self.calls.get_mut(&header.serial) else {
            return Err(rpc(format!(
                "no call waiting for reply with prog {} vers {} serial {}",
                header.program, header.version, header.serial
            )));
        };
        *slot = Some(match header.status {
            Status::OK => Ok(Reply { body: frame.body.to_vec(), fds }),
            Status::ERROR => Err(decode(frame.body)),
            Status(other) => return Err(rpc(format!("got unexpected RPC status {other}"))),
        });
        self.touched.push(header.serial);
        Ok(())
    }

    /// Takes a call's answer, if it has come.
    pub fn take_answer(&mut self, serial: u32) -> Option<Answer> {
        self.calls.get(&serial)?.as_ref()?;
        self.calls.remove(&serial)?
    }

    /// Takes the next piece of a stream, if one has come. `None` of a stream that is not open.
    pub fn take_piece(&mut self, serial: u32) -> Option<StreamPiece> {
        self.streams.get_mut(&serial)?.pieces.pop_front()
    }

    /// Whether a piece of the stream has come.
    pub fn has_piece(&self, serial: u32) -> bool {
        self.streams.get(&serial).is_some_and(|s| !s.pieces.is_empty())
    }

    /// Why the daemon broke the stream off, though pieces that came before may not be taken yet.
    pub fn stream_failure(&self, serial: u32) -> Option<&Error> {
        match self.streams.get(&serial)?.pieces.back() {
            Some(StreamPiece::Closed(Err(error))) => Some(error),
            _ => None,
        }
    }

    /// Puts back a piece of which only a part was wanted.
    pub fn put_back(&mut self, serial: u32, piece: StreamPiece) {
        if let Some(stream) = self.streams.get_mut(&serial) {
            stream.pieces.push_front(piece);
        }
    }

    /// Forgets a stream; pieces that still come are dropped.
    pub fn forget_stream(&mut self, serial: u32) {
        self.streams.remove(&serial);
    }

    /// Takes the next event.
    pub fn take_message(&mut self) -> Option<Message> {
        self.messages.pop_front()
    }

    /// Whether an event waits.
    pub fn has_message(&self) -> bool {
        !self.messages.is_empty()
    }

    /// Takes the serials of calls and streams for which something came since this was last asked.
    pub fn take_touched(&mut self) -> Vec<u32> {
        std::mem::take(&mut self.touched)
    }

    /// The connection is at its end: what waits is answered with `error`.
    pub fn fail(&mut self, error: &Error) {
        for (serial, slot) in &mut self.calls {
            if slot.is_none() {
                *slot = Some(Err(error.clone()));
                self.touched.push(*serial);
            }
        }
        for (serial, stream) in &mut self.streams {
            if !stream.closed {
                stream.closed = true;
                stream.pieces.push_back(StreamPiece::Closed(Err(error.clone())));
                self.touched.push(*serial);
            }
        }
        self.out.clear();
        self.written = 0;
    }
}

fn piece(frame: &Frame<'_>) -> Result<StreamPiece, Error> {
    let header = &frame.header;
    Ok(match (header.kind, header.status) {
        (Kind::STREAM_HOLE, Status::CONTINUE) => {
            let hole: StreamHole =
                virtus_xdr::decode(frame.body).map_err(|_| rpc("Unable to decode message payload"))?;
            if hole.length < 0 {
                return Err(rpc("a hole of a stream has a negative length"));
            }
            StreamPiece::Hole(hole.length)
        }
        (Kind::STREAM, Status::CONTINUE) if frame.body.is_empty() => StreamPiece::End,
        (Kind::STREAM, Status::CONTINUE) => StreamPiece::Data(frame.body.to_vec()),
        (Kind::STREAM, Status::OK) => StreamPiece::Closed(Ok(())),
        (_, Status::ERROR) => StreamPiece::Closed(Err(decode(frame.body))),
        (_, Status(other)) => return Err(rpc(format!("got unexpected RPC status {other}"))),
    })
}

fn decode(body: &[u8]) -> Error {
    decode_error(body).unwrap_or_else(|_| rpc("Unable to decode message payload"))
}

fn rpc(text: impl Into<String>) -> Error {
    Error::new(ErrorDomain::RPC, ErrorCode::RPC, text)
}

fn frame_error(error: &FrameError) -> Error {
    rpc(match error {
        FrameError::TooShort(n) => format!("packet {n} bytes received from server too small, want 4"),
        FrameError::TooLong(n) => {
            format!("packet {n} bytes received from server too large, want {MESSAGE_MAX}")
        }
        FrameError::TooManyFds(_) => error.to_string(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::encode_error;

    fn answer(serial: u32, kind: Kind, status: Status, body: &[u8]) -> Vec<u8> {
        let header = Header { program: 1, version: 1, procedure: 3, kind, serial, status };
        let mut out = Vec::new();
        write_packet(&mut out, &header, 0, |out| out.extend_from_slice(body));
        out
    }

    fn feed(client: &mut Client, bytes: &[u8]) -> Result<(), Error> {
        client.feed(bytes, &mut VecDeque::new())
    }

    #[test]
    fn answers_find_their_calls_in_any_order() {
        let mut client = Client::new();
        let first = client.call(1, 1, 3, b"", vec![], false);
        let second = client.call(1, 1, 3, b"", vec![], false);
        assert_eq!(client.backlog(), 56);
        client.wrote(50);
        assert!(matches!(client.outgoing(), Some(Write::Bytes(rest)) if rest.len() == 6));
        client.wrote(6);
        assert!(client.outgoing().is_none());

        let refused = Error::new(ErrorDomain::QEMU, ErrorCode::NO_DOMAIN, "x");
        let mut body = Vec::new();
        encode_error(&refused, &mut body);
        feed(&mut client, &answer(second, Kind::REPLY, Status::ERROR, &body)).unwrap();
        assert!(client.take_answer(first).is_none());
        assert_eq!(client.take_answer(second).unwrap().unwrap_err(), refused);
        feed(&mut client, &answer(first, Kind::REPLY, Status::OK, b"abcd")).unwrap();
        assert_eq!(client.take_touched(), [second, first]);
        assert_eq!(client.take_answer(first).unwrap().unwrap().body, b"abcd");
    }

    #[test]
    fn what_nobody_asked_for_ends_the_connection() {
        let mut client = Client::new();
        assert!(feed(&mut client, &answer(7, Kind::REPLY, Status::OK, b"")).is_err());
        assert!(feed(&mut client, &answer(7, Kind::CALL, Status::OK, b"")).is_err());
        let serial = client.call(1, 1, 3, b"", vec![], false);
        assert!(feed(&mut client, &answer(serial, Kind::REPLY, Status(9), b"")).is_err());
        assert!(feed(&mut client, &[255; 4]).is_err());
    }

    #[test]
    fn a_stream_brings_pieces_until_it_is_closed() {
        let mut client = Client::new();
        let serial = client.call(1, 1, 3, b"", vec![], true);
        let mut bytes = answer(serial, Kind::STREAM, Status::CONTINUE, b"data");
        bytes.extend(answer(
            serial,
            Kind::STREAM_HOLE,
            Status::CONTINUE,
            &[0, 0, 0, 0, 0, 0, 0, 9, 0, 0, 0, 0],
        ));
        bytes.extend(answer(serial, Kind::STREAM, Status::CONTINUE, b""));
        bytes.extend(answer(serial, Kind::STREAM, Status::OK, b""));
        bytes.extend(answer(serial, Kind::STREAM, Status::CONTINUE, b"late"));
        feed(&mut client, &bytes).unwrap();
        let pieces: Vec<_> = std::iter::from_fn(|| client.take_piece(serial)).collect();
        let expected = [
            StreamPiece::Data(b"data".to_vec()),
            StreamPiece::Hole(9),
            StreamPiece::End,
            StreamPiece::Closed(Ok(())),
        ];
        assert_eq!(pieces, expected);
    }

    #[test]
    fn pings_are_answered_and_events_are_kept() {
        let mut client = Client::new();
        let mut bytes = Vec::new();
        write_packet(&mut bytes, &keepalive::header(keepalive::PING), 0, |_| {});
        bytes.extend(answer(0, Kind::MESSAGE, Status::OK, b"body"));
        feed(&mut client, &bytes).unwrap();
        assert_eq!(client.backlog(), 28);
        assert_eq!(client.take_message(), Some(Message { program: 1, procedure: 3, body: b"body".to_vec() }));
        assert!(!client.has_message());
    }

    #[test]
    fn the_end_answers_everyone_once() {
        let mut client = Client::new();
        let call = client.call(1, 1, 3, b"", vec![], true);
        let error = rpc("gone");
        client.fail(&error);
        client.fail(&rpc("again"));
        assert_eq!(client.take_answer(call).unwrap().unwrap_err(), error);
        assert_eq!(client.take_piece(call), Some(StreamPiece::Closed(Err(error))));
        assert_eq!(client.take_piece(call), None);
    }
}
