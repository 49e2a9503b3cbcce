//! The other side of the wire: every procedure as a request that a client can send.

use std::marker::PhantomData;

use virtus_base::{Error, ErrorCode, ErrorDomain, Result};
use virtus_xdr::{Decode, Encode};

use crate::{Mark, Program};

/// The procedures of the API proper.
#[derive(Debug)]
pub enum Remote {}

/// The procedures that only QEMU has.
#[derive(Debug)]
pub enum Qemu {}

/// The procedures that only LXC has.
#[derive(Debug)]
pub enum Lxc {}

/// The procedures of the daemon's administration.
#[derive(Debug)]
pub enum Administration {}

/// A call that is ready to be sent, and knows how its reply is read. The functions of [`Remote`], [`Qemu`],
/// [`Lxc`] and [`Administration`] make them.
#[derive(Debug)]
#[must_use = "a request does nothing until a connection sends it"]
pub struct Request<R> {
    /// The program.
    pub program: Program,
    /// The procedure's number in it.
    pub number: i32,
    /// The C function's name.
    pub function: &'static str,
    /// Where errors of the call itself come from.
    pub errors: ErrorDomain,
    /// What else the procedure's declaration says.
    pub marks: &'static [Mark],
    arguments: Result<Vec<u8>, virtus_xdr::Error>,
    reply: PhantomData<fn() -> R>,
}

impl<R: Decode> Request<R> {
    pub(crate) fn new(
        (program, number, errors): (Program, i32, ErrorDomain),
        function: &'static str,
        marks: &'static [Mark],
        arguments: &impl Encode,
    ) -> Self {
        let arguments = virtus_xdr::encode(arguments);
        Request { program, number, function, errors, marks, arguments, reply: PhantomData }
    }

    /// Whether the call opens a stream.
    pub fn opens_stream(&self) -> bool {
        self.marks.contains(&Mark::Stream)
    }

    /// The arguments' bytes.
    ///
    /// # Errors
    /// `RPC` when an argument is longer than the protocol lets it be.
    pub fn arguments(&self) -> Result<&[u8]> {
        self.arguments.as_deref().map_err(|e| {
            Error::new(ErrorDomain::RPC, ErrorCode::RPC, format!("Unable to encode message payload: {e}"))
        })
    }

    /// What the reply's bytes say.
    ///
    /// # Errors
    /// `RPC` when they are not such a reply.
    pub fn reply(&self, bytes: &[u8]) -> Result<R> {
        virtus_xdr::decode(bytes)
            .map_err(|_| Error::new(ErrorDomain::RPC, ErrorCode::RPC, "Unable to decode message payload"))
    }
}
