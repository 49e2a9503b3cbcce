//! Bytes that flow beside calls, one way or both.

use virtus_base::Result;

/// A piece of a stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece {
    /// Bytes.
    Data(Vec<u8>),
    /// So many bytes of nothing (sparse streams only).
    Hole(i64),
    /// There is no more.
    End,
}

/// The daemon's side of a stream towards the client.
#[async_trait::async_trait]
pub trait StreamReader: Send {
    /// The next piece; waits until there is one. Dropping the future loses nothing.
    async fn read(&mut self) -> Result<Piece>;
}

/// The daemon's side of a stream from the client.
#[async_trait::async_trait]
pub trait StreamWriter: Send {
    /// Takes a piece; waits until there is room.
    async fn write(&mut self, piece: Piece) -> Result<()>;

    /// The client has sent all and waits for this to be confirmed.
    async fn finish(&mut self) -> Result<()> {
        Ok(())
    }

    /// The client has given up, or is gone.
    async fn abort(&mut self) {}
}

/// The halves a stream has; one may be missing.
#[derive(Default)]
pub struct StreamPair {
    /// Towards the client.
    pub reader: Option<Box<dyn StreamReader>>,
    /// From the client.
    pub writer: Option<Box<dyn StreamWriter>>,
}

impl std::fmt::Debug for StreamPair {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "StreamPair(reader: {}, writer: {})", self.reader.is_some(), self.writer.is_some())
    }
}
