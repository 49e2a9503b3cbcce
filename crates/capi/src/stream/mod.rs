//! Streams.

use std::sync::{Mutex, PoisonError};

use virtus::{ErrorCode, ErrorDomain, Result};

use crate::call::Call;
use crate::handle::{Held, Object, Of};
use crate::object::{Connect, Kind, virStream};

/// A stream that C has.
#[derive(Debug)]
pub(crate) struct Stream {
    connection: Held<Connect>,
    flags: u32,
    state: Mutex<Option<virtus::Stream>>,
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
    /// Has a call open it. It must be of the same connection; if it is not, that is said of the argument `name`.
    pub(crate) fn open<R>(
        &self,
        call: &Call,
        (name, wrong): (&str, impl FnOnce() -> String),
        open: impl FnOnce() -> Result<(R, virtus::Stream)>,
    ) -> Result<R> {
        if call.connection.as_ref().is_none_or(|connection| connection.as_c() != self.connection.as_c()) {
            return Err(call.refused(name, wrong()));
        }
        let (reply, stream) = open()?;
        *self.state.lock().unwrap_or_else(PoisonError::into_inner) = Some(stream);
        Ok(reply)
    }
}
