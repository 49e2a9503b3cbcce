//! Streams (`libvirt-stream.h`).

mod all;
mod exports;
#[cfg(test)]
mod tests;
mod watcher;

use std::ffi::{c_int, c_void};
use std::sync::{Arc, Mutex, PoisonError};

use virtus::constants::{VIR_STREAM_NONBLOCK, VIR_STREAM_RECV_STOP_AT_HOLE};
use virtus::{Error, ErrorCode, ErrorDomain, Result};

use crate::call::Call;
use crate::ctype::Char;
use crate::declare::{Export, callbacks};
use crate::handle::{Held, Object, Of};
use crate::object::{Connect, Kind, virStream};

use watcher::Watcher;

pub use all::*;
pub use exports::*;

pub(crate) const EXPORTS: &[&[Export]] = &[all::EXPORTS, exports::EXPORTS];

callbacks! {
    /// Has bytes to send.
    virStreamSourceFunc(st: *mut virStream, data: *mut Char, nbytes: usize, opaque: *mut c_void) -> c_int;
    /// Says whether bytes or a hole are next, and how many.
    virStreamSourceHoleFunc(st: *mut virStream, inData: *mut c_int, length: *mut i64, opaque: *mut c_void) -> c_int;
    /// Passes over a hole.
    virStreamSourceSkipFunc(st: *mut virStream, length: i64, opaque: *mut c_void) -> c_int;
    /// Takes bytes that came.
    virStreamSinkFunc(st: *mut virStream, data: *const Char, nbytes: usize, opaque: *mut c_void) -> c_int;
    /// Takes a hole.
    virStreamSinkHoleFunc(st: *mut virStream, length: i64, opaque: *mut c_void) -> c_int;
    /// Something can be done with a stream.
    virStreamEventCallback(stream: *mut virStream, events: c_int, opaque: *mut c_void);
}

/// What a receiver gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Got {
    Bytes(usize),
    /// Nothing now, and the caller does not want to wait.
    Nothing,
    Hole,
}

/// A stream that C has. It does not do anything before a call has opened it.
#[derive(Debug)]
pub(crate) struct Stream {
    connection: Held<Connect>,
    flags: u32,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    open: Option<Arc<virtus::Stream>>,
    /// It was open.
    closed: bool,
    /// It may have holes.
    sparse: bool,
    watcher: Option<Watcher>,
}

impl Object for Stream {
    type C = virStream;
}

impl Kind for Stream {
    const INVALID: ErrorCode = ErrorCode::INVALID_STREAM;
    const ERRORS: Option<ErrorDomain> = Some(ErrorDomain::STREAMS);

    fn connection(this: &Of<Self>) -> Option<Of<Connect>> {
        Some(this.connection.of())
    }
}

impl Stream {
    fn new(connection: Held<Connect>, flags: u32) -> Self {
        Stream { connection, flags, state: Mutex::default() }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Has a call open it. It must be of the same connection; if it is not, that is said of the argument `name`.
    pub(crate) fn open<R>(
        &self,
        call: &Call,
        wrong: (&str, impl FnOnce() -> String),
        open: impl FnOnce() -> Result<(R, virtus::Stream)>,
    ) -> Result<R> {
        self.open_sparse(call, wrong, false, open)
    }

    /// The same for one that may have holes.
    pub(crate) fn open_sparse<R>(
        &self,
        call: &Call,
        (name, wrong): (&str, impl FnOnce() -> String),
        sparse: bool,
        open: impl FnOnce() -> Result<(R, virtus::Stream)>,
    ) -> Result<R> {
        if call.connection.as_ref().is_none_or(|connection| connection.as_c() != self.connection.as_c()) {
            return Err(call.refused(name, wrong()));
        }
        let (reply, stream) = open()?;
        let before = {
            let mut state = self.lock();
            (state.closed, state.sparse) = (false, sparse);
            state.open.replace(Arc::new(stream))
        };
        drop(before);
        Ok(reply)
    }

    fn waits(&self) -> bool {
        self.flags & VIR_STREAM_NONBLOCK == 0
    }

    /// What a call has opened; `function` is not supported by one that was never open.
    fn opened(&self, function: &str) -> Result<Arc<virtus::Stream>> {
        let state = self.lock();
        match &state.open {
            Some(open) => Ok(open.clone()),
            None if state.closed => {
                Err(Error::new(ErrorDomain::RPC, ErrorCode::OPERATION_FAILED, "stream is closed"))
            }
            None => Err(Error::new(ErrorDomain::STREAMS, ErrorCode::NO_SUPPORT, function)),
        }
    }

    /// The same for a call about holes, which `what` says.
    fn opened_for_holes(&self, function: &str, flags: u32, what: &str) -> Result<Arc<virtus::Stream>> {
        let open = self.opened(function);
        if open.as_ref().is_err_and(|error| error.code() == ErrorCode::NO_SUPPORT) {
            return open;
        }
        Error::check_flags(ErrorDomain::STREAMS, flags, 0, function)?;
        if !self.lock().sparse {
            let text = format!("{what} not supported with this stream");
            return Err(Error::new(ErrorDomain::RPC, ErrorCode::OPERATION_INVALID, text));
        }
        open
    }

    fn send(&self, bytes: &[u8]) -> Result<()> {
        self.opened("virStreamSend")?.send(bytes)
    }

    fn send_hole(&self, length: i64, flags: u32) -> Result<()> {
        let open = self.opened_for_holes("virStreamSendHole", flags, "Skipping is")?;
        let length = u64::try_from(length).map_err(|_| {
            let text = "length in virStreamSendHole must be zero or greater";
            Error::invalid_arg(ErrorDomain::STREAMS, "virStreamSendHole", "length", text)
        })?;
        open.send_hole(length)
    }

    fn recv<'a>(&self, function: &str, room: impl FnOnce() -> &'a mut [u8], flags: u32) -> Result<Got> {
        let open = self.opened(function)?;
        Error::check_flags(ErrorDomain::STREAMS, flags, VIR_STREAM_RECV_STOP_AT_HOLE, function)?;
        if !self.waits() && !open.is_readable() {
            return Ok(Got::Nothing);
        }
        match flags & VIR_STREAM_RECV_STOP_AT_HOLE {
            0 => open.recv(room()).map(Got::Bytes),
            _ => Ok(open.recv_data(room())?.map_or(Got::Hole, Got::Bytes)),
        }
    }

    fn recv_hole(&self, flags: u32) -> Result<i64> {
        let open = self.opened_for_holes("virStreamRecvHole", flags, "Holes are")?;
        let length = open.recv_hole()?;
        Ok(i64::try_from(length).unwrap_or(i64::MAX))
    }

    fn finish(&self) -> Result<()> {
        let open = self.opened("virStreamFinish")?;
        self.close();
        open.finish()
    }

    fn abort(&self) -> Result<()> {
        let open = match self.opened("virStreamAbort") {
            // there is nothing to break off in one that was never open
            Err(error) if error.code() == ErrorCode::NO_SUPPORT => return Ok(()),
            open => open?,
        };
        self.close();
        open.abort()
    }

    /// It is open no more, and nobody is told anything of it.
    fn close(&self) {
        let (open, watcher) = {
            let mut state = self.lock();
            state.closed |= state.open.is_some();
            (state.open.take(), state.watcher.take())
        };
        drop(open);
        drop(watcher);
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        self.close();
    }
}
