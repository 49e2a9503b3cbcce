//! The header of a packet.

use virtus_xdr::{Decode, Encode, Error, Reader};

/// What a packet is. Unknown numbers survive, so that they can be named when they are refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kind(pub i32);

impl Kind {
    /// A client asks for something.
    pub const CALL: Kind = Kind(0);
    /// The answer.
    pub const REPLY: Kind = Kind(1);
    /// An event, or a keepalive.
    pub const MESSAGE: Kind = Kind(2);
    /// A piece of a stream.
    pub const STREAM: Kind = Kind(3);
    /// A call that brings descriptors.
    pub const CALL_WITH_FDS: Kind = Kind(4);
    /// An answer that brings descriptors.
    pub const REPLY_WITH_FDS: Kind = Kind(5);
    /// A hole in a stream.
    pub const STREAM_HOLE: Kind = Kind(6);

    /// Whether a count of descriptors follows the header, and so many bytes with one each the packet.
    pub fn has_fds(self) -> bool {
        self == Kind::CALL_WITH_FDS || self == Kind::REPLY_WITH_FDS
    }
}

/// How a call went, or where in a stream a piece is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Status(pub i32);

impl Status {
    /// All went well; of a stream: it is finished.
    pub const OK: Status = Status(0);
    /// The body is an error; of a stream: it is aborted.
    pub const ERROR: Status = Status(1);
    /// More of the stream follows.
    pub const CONTINUE: Status = Status(2);
}

/// What precedes the body of every packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// The program.
    pub program: u32,
    /// Its version.
    pub version: u32,
    /// The procedure.
    pub procedure: i32,
    /// What the packet is.
    pub kind: Kind,
    /// The call's number, by which an answer and a stream's pieces belong to it.
    pub serial: u32,
    /// How it went.
    pub status: Status,
}

impl Header {
    /// Appends the header.
    pub fn write(&self, out: &mut Vec<u8>) {
        (self.program, self.version, self.procedure, self.kind.0, self.serial, self.status.0).encode(out);
    }

    /// Reads a header.
    ///
    /// # Errors
    /// When the bytes end too early.
    pub fn read(from: &mut Reader<'_>) -> Result<Self, Error> {
        let (program, version, procedure, kind, serial, status) = Decode::decode(from)?;
        Ok(Header { program, version, procedure, kind: Kind(kind), serial, status: Status(status) })
    }

    /// The header of the answer to this call.
    pub fn reply(&self, status: Status) -> Header {
        Header { kind: Kind::REPLY, status, ..*self }
    }
}
