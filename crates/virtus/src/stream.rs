//! Bytes that flow beside calls: consoles, screenshots, the contents of volumes.

use std::io::{self, Read, Write};
use std::sync::{Arc, Mutex, PoisonError};

use virtus_api::Request;
use virtus_base::{Error, ErrorCode, ErrorDomain, Result};
use virtus_rpc::STREAM_CHUNK;
use virtus_rpc::client::StreamPiece;
use virtus_xdr::Decode;

use crate::connection::Connection;
use crate::peer::{Outgoing, Peer};

/// A stream that a call has opened. What is read and written goes over the call's connection. One thread may send
/// while another one receives.
///
/// It ends with [`Stream::finish`], which tells whether the other side has all and kept it, or with
/// [`Stream::abort`]; one that is dropped before is aborted.
///
/// ```no_run
/// use virtus::{Connection, calls::Remote};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let connection = Connection::open("qemu:///system")?;
/// let domain = connection.call(Remote::domain_lookup_by_name("alpha".to_owned()))?;
/// let (kind, mut picture) = connection.open_stream(Remote::domain_screenshot(domain, 0, 0))?;
/// std::io::copy(&mut picture, &mut std::fs::File::create("alpha.ppm")?)?;
/// picture.finish()?;
/// println!("{kind:?}");
/// # Ok(()) }
/// ```
#[derive(Debug)]
pub struct Stream {
    /// Kept, so that it does not end before the stream.
    _connection: Connection,
    /// Who has opened it; nobody else knows it, not even on a connection that was made again.
    peer: Arc<dyn Peer>,
    procedure: (u32, i32),
    serial: u32,
    state: Mutex<State>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Open,
    /// The other side has sent all.
    Ended,
    Closed,
}

/// A piece of a sparse stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece {
    /// Bytes.
    Data(Vec<u8>),
    /// So many bytes of nothing.
    Hole(u64),
}

impl Connection {
    /// Makes a call that opens a stream.
    ///
    /// # Errors
    /// As [`Connection::call`].
    pub fn open_stream<R: Decode>(&self, request: Request<R>) -> Result<(R, Stream)> {
        let procedure = (request.program.0, request.number);
        let peer = self.living(None)?;
        let (serial, reply) = peer.call(Outgoing {
            program: procedure.0,
            procedure: procedure.1,
            arguments: request.arguments()?,
            fds: Vec::new(),
            stream: true,
        })?;
        let state = Mutex::new(State::Open);
        let stream = Stream { _connection: self.clone(), peer, procedure, serial, state };
        Ok((request.reply(&reply.body)?, stream))
    }
}

impl Stream {
    fn state(&self) -> State {
        *self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set_state(&self, state: State) {
        *self.state.lock().unwrap_or_else(PoisonError::into_inner) = state;
    }

    fn check_open(&self) -> Result<()> {
        match self.state() {
            State::Closed => {
                Err(Error::new(ErrorDomain::STREAMS, ErrorCode::OPERATION_INVALID, "stream is not open"))
            }
            _ => Ok(()),
        }
    }

    fn send_piece(&self, piece: &StreamPiece) -> Result<()> {
        self.check_open()?;
        if let Some(error) = self.peer.stream_failure(self.serial) {
            self.close();
            return Err(error);
        }
        self.peer.send_piece(self.procedure, self.serial, piece)
    }

    /// Sends all of `bytes`. It returns when most of them are on their way.
    ///
    /// # Errors
    /// Why the other side does not want them, or that the connection has ended.
    pub fn send(&self, bytes: &[u8]) -> Result<()> {
        bytes.chunks(STREAM_CHUNK).try_for_each(|chunk| self.send_piece(&StreamPiece::Data(chunk.to_vec())))
    }

    /// Sends a hole of `length` bytes, which only a stream opened as sparse may have.
    ///
    /// # Errors
    /// As [`Stream::send`]; `INVALID_ARG` for a hole longer than the protocol can say.
    pub fn send_hole(&self, length: u64) -> Result<()> {
        let length = i64::try_from(length)
            .map_err(|_| Error::new(ErrorDomain::STREAMS, ErrorCode::INVALID_ARG, "length"))?;
        self.send_piece(&StreamPiece::Hole(length))
    }

    /// Receives the next piece after waiting for it; `None` at the end.
    ///
    /// # Errors
    /// Why the other side broke it off, or that the connection has ended.
    pub fn recv_piece(&self) -> Result<Option<Piece>> {
        self.next(false).map(Option::flatten)
    }

    /// Receives the next piece if one is there: the outer `None` says that there is none now.
    ///
    /// # Errors
    /// As [`Stream::recv_piece`].
    pub fn try_recv_piece(&self) -> Result<Option<Option<Piece>>> {
        self.next(true)
    }

    fn next(&self, now: bool) -> Result<Option<Option<Piece>>> {
        self.check_open()?;
        if self.state() == State::Ended {
            return Ok(Some(None));
        }
        Ok(match self.peer.take_piece(self.serial, now)? {
            None => None,
            Some(StreamPiece::Data(bytes)) => Some(Some(Piece::Data(bytes))),
            Some(StreamPiece::Hole(length)) => Some(Some(Piece::Hole(length.unsigned_abs()))),
            Some(StreamPiece::End | StreamPiece::Closed(Ok(()))) => {
                self.set_state(State::Ended);
                Some(None)
            }
            Some(StreamPiece::Closed(Err(error))) => {
                self.close();
                return Err(error);
            }
        })
    }

    /// Whether there is something to receive now, be it the end.
    pub fn is_readable(&self) -> bool {
        if self.state() != State::Open {
            return true;
        }
        match self.peer.take_piece(self.serial, true) {
            Ok(None) => false,
            Ok(Some(piece)) => {
                self.peer.put_back(self.serial, piece);
                true
            }
            // whoever receives is told
            Err(_) => true,
        }
    }

    /// Has the descriptor of the connection readable while there is something to receive, too, also when another
    /// thread took it in while it waited for something else.
    pub fn heed(&self, yes: bool) {
        self.peer.heed(self.serial, yes);
    }

    /// Receives bytes into `buffer`, after waiting for some; 0 at the end. Holes are read as zeros.
    ///
    /// # Errors
    /// As [`Stream::recv_piece`].
    pub fn recv(&self, buffer: &mut [u8]) -> Result<usize> {
        self.recv_into(buffer, true).map(Option::unwrap_or_default)
    }

    /// The same as far as there are bytes: `None` at a hole, which stays for [`Stream::recv_hole`].
    ///
    /// # Errors
    /// As [`Stream::recv_piece`].
    pub fn recv_data(&self, buffer: &mut [u8]) -> Result<Option<usize>> {
        self.recv_into(buffer, false)
    }

    /// Receives the hole that is next, after waiting for something; 0 when there are bytes or the end.
    ///
    /// # Errors
    /// As [`Stream::recv_piece`].
    pub fn recv_hole(&self) -> Result<u64> {
        match self.recv_piece()? {
            Some(Piece::Hole(length)) => Ok(length),
            Some(Piece::Data(bytes)) => {
                self.peer.put_back(self.serial, StreamPiece::Data(bytes));
                Ok(0)
            }
            None => Ok(0),
        }
    }

    fn recv_into(&self, buffer: &mut [u8], holes: bool) -> Result<Option<usize>> {
        if buffer.is_empty() {
            return Ok(Some(0));
        }
        match self.recv_piece()? {
            None => Ok(Some(0)),
            Some(Piece::Data(mut bytes)) => {
                let count = bytes.len().min(buffer.len());
                let rest = bytes.split_off(count);
                if let Some(place) = buffer.get_mut(..count) {
                    place.copy_from_slice(&bytes);
                }
                if !rest.is_empty() {
                    self.peer.put_back(self.serial, StreamPiece::Data(rest));
                }
                Ok(Some(count))
            }
            Some(Piece::Hole(length)) if !holes => {
                let hole = StreamPiece::Hole(i64::try_from(length).unwrap_or(i64::MAX));
                self.peer.put_back(self.serial, hole);
                Ok(None)
            }
            Some(Piece::Hole(length)) => {
                let count = usize::try_from(length).unwrap_or(usize::MAX).min(buffer.len());
                buffer.iter_mut().take(count).for_each(|byte| *byte = 0);
                let rest = length - count as u64;
                if let Some(rest) = i64::try_from(rest).ok().filter(|rest| *rest > 0) {
                    self.peer.put_back(self.serial, StreamPiece::Hole(rest));
                }
                Ok(Some(count))
            }
        }
    }

    /// Says that all is sent, and waits until the other side has done with it.
    ///
    /// # Errors
    /// What went wrong there with what was sent.
    pub fn finish(&self) -> Result<()> {
        self.send_piece(&StreamPiece::End)?;
        let outcome = self.await_close();
        self.close();
        outcome
    }

    /// Breaks the stream off, and waits until the other side knows.
    ///
    /// # Errors
    /// That the connection has ended.
    pub fn abort(&self) -> Result<()> {
        self.send_piece(&give_up())?;
        // the other side answers with the error that the stream was aborted, which is what was wanted
        let _ = self.await_close();
        self.close();
        Ok(())
    }

    fn await_close(&self) -> Result<()> {
        loop {
            match self.peer.take_piece(self.serial, false)? {
                Some(StreamPiece::Closed(outcome)) => return outcome,
                Some(_) => {}
                None => return Ok(()),
            }
        }
    }

    fn close(&self) {
        self.set_state(State::Closed);
        self.peer.forget_stream(self.serial);
    }
}

fn give_up() -> StreamPiece {
    StreamPiece::Closed(Err(Error::new(ErrorDomain::STREAMS, ErrorCode::OPERATION_ABORTED, "")))
}

impl Drop for Stream {
    fn drop(&mut self) {
        if self.state() != State::Closed {
            let _ = self.send_piece(&give_up());
            self.close();
        }
    }
}

impl Read for Stream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.recv(buffer).map_err(io::Error::other)
    }
}

impl Write for Stream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.send(bytes).map_err(io::Error::other)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
