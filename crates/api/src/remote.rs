//! The other side of the wire: every driver trait over a channel that carries calls.

use virtus_base::{Error, ErrorCode, ErrorDomain, Result};

use crate::{Call, Program};

/// Something that carries a call to a daemon and brings its reply.
#[async_trait::async_trait]
pub trait Channel: Send + Sync {
    /// Sends the arguments of one procedure; the reply's bytes come back, or the error the daemon gave.
    async fn call(&self, call: &Call, program: Program, number: i32, args: Vec<u8>) -> Result<Vec<u8>>;
}

/// The driver at the other end of a [`Channel`].
#[derive(Clone, Debug)]
pub struct Remote<C>(pub C);

pub(crate) fn arguments<T: virtus_xdr::Encode>(args: &T) -> Result<Vec<u8>> {
    virtus_xdr::encode(args).map_err(|e| {
        Error::new(ErrorDomain::RPC, ErrorCode::RPC, format!("Unable to encode message payload: {e}"))
    })
}

pub(crate) fn result<T: virtus_xdr::Decode>(reply: &[u8]) -> Result<T> {
    virtus_xdr::decode(reply)
        .map_err(|_| Error::new(ErrorDomain::RPC, ErrorCode::RPC, "Unable to decode message payload"))
}
