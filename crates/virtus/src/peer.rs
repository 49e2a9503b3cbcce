//! What answers a connection's calls: a daemon, or a driver in this process.

use std::os::fd::{AsFd, OwnedFd};
use std::time::{Duration, Instant};

use virtus_api::Request;
use virtus_api::calls::Remote;
use virtus_base::{Error, ErrorCode, ErrorDomain, Result};
use virtus_rpc::client::{Message, Reply, StreamPiece};
use virtus_xdr::Decode;

/// Why a connection has ended (`virConnectCloseReason`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(i32)]
pub enum CloseReason {
    /// Reading or writing failed.
    Error = 0,
    /// The daemon closed it.
    Eof = 1,
    /// The daemon did not answer keepalive messages.
    Keepalive = 2,
    /// This side closed it.
    Client = 3,
}

/// What a call is made of.
#[derive(Debug)]
pub(crate) struct Outgoing<'a> {
    pub(crate) program: u32,
    pub(crate) procedure: i32,
    pub(crate) arguments: &'a [u8],
    pub(crate) fds: Vec<OwnedFd>,
    pub(crate) stream: bool,
}

/// The other end of a connection, as several threads share it.
pub(crate) trait Peer: AsFd + std::fmt::Debug + Send + Sync {
    /// Makes a call and waits for its answer. Says the serial too, by which a stream that it opens goes on.
    fn call(&self, outgoing: Outgoing<'_>) -> Result<(u32, Reply)>;

    /// Sends a piece of a stream, and waits until all but a little of it is on its way.
    fn send_piece(&self, procedure: (u32, i32), serial: u32, piece: &StreamPiece) -> Result<()>;

    /// Takes the next piece of a stream, after waiting for it unless `now`.
    fn take_piece(&self, serial: u32, now: bool) -> Result<Option<StreamPiece>>;

    /// Has those who watch the connection told of pieces of a stream, or no more.
    fn heed(&self, serial: u32, yes: bool) {
        let _ = (serial, yes);
    }

    /// Why the other side broke a stream off, if it did.
    fn stream_failure(&self, serial: u32) -> Option<Error>;

    /// Whether calls are answered in this process.
    fn is_local(&self) -> bool {
        false
    }

    /// Puts back what was left of a piece.
    fn put_back(&self, serial: u32, piece: StreamPiece);

    /// Drops what still comes of a stream.
    fn forget_stream(&self, serial: u32);

    /// Waits for an event until `deadline`; `None` when none came. `Err` once the connection has ended and
    /// all events were taken.
    fn next_message(&self, deadline: Option<Instant>) -> Result<Option<Message>>;

    /// Takes in what has come, without waiting: it may be the end.
    fn look(&self);

    /// Asks for signs of life every `interval`, at most `count` unanswered ones; `None` stops that.
    fn set_keepalive(&self, settings: Option<(Duration, u32)>);

    /// When somebody has to look after the connection though nothing came.
    fn due(&self) -> Option<Instant>;

    /// Whether there is something to write that the socket did not take.
    fn wants_write(&self) -> bool;

    /// Why the connection has ended, once it has.
    fn ended(&self) -> Option<CloseReason>;

    /// Ends the connection from this side. Whoever waits is told.
    fn close(&self);

    /// Whether descriptors can be sent.
    fn passes_fds(&self) -> bool;

    /// Whether nobody between the two can read or change what is said.
    fn is_secure(&self) -> bool;

    /// Whether what is said is encrypted.
    fn is_encrypted(&self) -> bool;
}

impl dyn Peer + '_ {
    /// Makes any call of the protocol, and waits for its answer.
    ///
    /// # Errors
    /// The other side's, or why it could not be asked.
    pub(crate) fn ask<R: Decode>(&self, request: Request<R>) -> Result<R> {
        self.ask_with_fds(request, Vec::new()).map(|(reply, _)| reply)
    }

    /// The same with descriptors in both directions.
    ///
    /// # Errors
    /// As [`Self::ask`]; `ARGUMENT_UNSUPPORTED` when there are some and it does not take them.
    pub(crate) fn ask_with_fds<R: Decode>(
        &self,
        request: Request<R>,
        fds: Vec<OwnedFd>,
    ) -> Result<(R, Vec<OwnedFd>)> {
        if !fds.is_empty() && !self.passes_fds() {
            return Err(Error::new(
                ErrorDomain::REMOTE,
                ErrorCode::ARGUMENT_UNSUPPORTED,
                "Unable to pass file descriptors over this transport",
            ));
        }
        let (_, reply) = self.call(Outgoing {
            program: request.program.0,
            procedure: request.number,
            arguments: request.arguments()?,
            fds,
            stream: false,
        })?;
        Ok((request.reply(&reply.body)?, reply.fds))
    }

    /// Whether the other side has the feature of this number (`virDrvFeature`).
    ///
    /// # Errors
    /// As [`Self::ask`].
    pub(crate) fn supports_feature(&self, feature: i32) -> Result<bool> {
        Ok(self.ask(Remote::connect_supports_feature(feature))? != 0)
    }
}
