//! Streams between a connection and a driver in this process.

use std::collections::{HashMap, VecDeque};
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use virtus_api::{Piece, StreamPair};
use virtus_base::{Error, ErrorCode, ErrorDomain, Result};
use virtus_rpc::client::StreamPiece;

use super::wait;

#[derive(Debug, Default)]
pub(super) struct Streams(HashMap<u32, Stream>);

#[derive(Debug)]
struct Stream {
    pair: StreamPair,
    /// What is to be taken before more is read.
    held: VecDeque<StreamPiece>,
    failure: Option<Error>,
}

impl Streams {
    pub(super) fn open(&mut self, serial: u32, pair: StreamPair) {
        self.0.insert(serial, Stream { pair, held: VecDeque::new(), failure: None });
    }

    fn stream(&mut self, serial: u32) -> Result<&mut Stream> {
        self.0.get_mut(&serial).ok_or_else(|| {
            Error::new(ErrorDomain::STREAMS, ErrorCode::OPERATION_INVALID, "stream is not open")
        })
    }

    pub(super) fn send(&mut self, serial: u32, piece: &StreamPiece) -> Result<()> {
        let stream = self.stream(serial)?;
        let sent = match piece {
            StreamPiece::Data(bytes) => stream.write(Piece::Data(bytes.clone())),
            StreamPiece::Hole(length) => stream.write(Piece::Hole(*length)),
            StreamPiece::End => {
                let outcome = match stream.pair.writer.as_mut() {
                    Some(writer) => wait(writer.finish()),
                    None => Ok(()),
                };
                stream.held.push_back(StreamPiece::Closed(outcome));
                Ok(())
            }
            StreamPiece::Closed(_) => {
                if let Some(writer) = stream.pair.writer.as_mut() {
                    wait(writer.abort());
                }
                stream.held.clear();
                stream.held.push_back(StreamPiece::Closed(Ok(())));
                Ok(())
            }
        };
        if let Err(error) = &sent {
            stream.failure = Some(error.clone());
        }
        sent
    }

    pub(super) fn take(&mut self, serial: u32, now: bool) -> Result<Option<StreamPiece>> {
        let stream = self.stream(serial)?;
        if let Some(piece) = stream.held.pop_front() {
            return Ok(Some(piece));
        }
        let Some(reader) = stream.pair.reader.as_mut() else { return Ok(Some(StreamPiece::End)) };
        let read = if now {
            let mut future = pin!(reader.read());
            match future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
                Poll::Ready(read) => read,
                Poll::Pending => return Ok(None),
            }
        } else {
            wait(reader.read())
        };
        Ok(Some(match read {
            Ok(Piece::Data(bytes)) => StreamPiece::Data(bytes),
            Ok(Piece::Hole(length)) => StreamPiece::Hole(length),
            Ok(Piece::End) => StreamPiece::End,
            Err(error) => {
                stream.failure = Some(error.clone());
                StreamPiece::Closed(Err(error))
            }
        }))
    }

    pub(super) fn failure(&self, serial: u32) -> Option<Error> {
        self.0.get(&serial)?.failure.clone()
    }

    pub(super) fn put_back(&mut self, serial: u32, piece: StreamPiece) {
        if let Some(stream) = self.0.get_mut(&serial) {
            stream.held.push_front(piece);
        }
    }

    pub(super) fn forget(&mut self, serial: u32) {
        self.0.remove(&serial);
    }
}

impl Stream {
    fn write(&mut self, piece: Piece) -> Result<()> {
        match self.pair.writer.as_mut() {
            Some(writer) => wait(writer.write(piece)),
            None => {
                Err(Error::new(ErrorDomain::STREAMS, ErrorCode::OPERATION_INVALID, "stream is not writable"))
            }
        }
    }
}
