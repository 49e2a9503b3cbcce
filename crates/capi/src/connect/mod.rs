//! Connections.

mod open;

use virtus::{ErrorCode, ErrorDomain};

use crate::error::Errors;
use crate::handle::{Object, Of};
use crate::object::{Kind, virConnect};

pub(crate) use open::EXPORTS;
pub use open::*;

/// A connection that C has.
#[derive(Debug)]
pub(crate) struct Connect {
    client: virtus::Connection,
    errors: Errors,
}

impl Object for Connect {
    type C = virConnect;
}

impl Kind for Connect {
    const INVALID: ErrorCode = ErrorCode::INVALID_CONN;
    const ERRORS: Option<ErrorDomain> = None;

    fn connection(this: &Of<Self>) -> Option<Of<Connect>> {
        Some(this.clone())
    }
}

impl std::ops::Deref for Connect {
    type Target = virtus::Connection;

    fn deref(&self) -> &virtus::Connection {
        &self.client
    }
}

impl Connect {
    /// One that C does not have yet.
    pub(crate) fn new(client: virtus::Connection) -> Self {
        Connect { client, errors: Errors::default() }
    }

    /// Its last error and who is told.
    pub(crate) fn errors(&self) -> &Errors {
        &self.errors
    }
}
