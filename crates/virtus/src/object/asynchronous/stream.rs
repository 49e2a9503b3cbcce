//! Bytes that flow beside calls, to be awaited.

use super::*;
use crate::Piece;

/// [`Stream`](crate::Stream) with methods to be awaited.
///
/// A method that is given up before its end breaks the stream off: what it has done with the bytes is not known.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> virtus::Result<()> {
/// let connection = virtus::asynchronous::Connection::open("test:///default").await?;
/// let domain = connection.lookup_domain_by_name("test").await?;
/// let (kind, mut stream) = domain.screenshot(0, 0).await?;
/// let mut picture = Vec::new();
/// while let Some(bytes) = stream.recv().await? {
///     picture.extend(bytes);
/// }
/// stream.finish().await?;
/// assert!(kind.is_some() && !picture.is_empty());
/// # Ok(()) }
/// ```
#[derive(Debug)]
pub struct Stream(Option<crate::Stream>);

impl From<crate::Stream> for Stream {
    fn from(stream: crate::Stream) -> Self {
        Stream(Some(stream))
    }
}

impl Stream {
    fn take(&mut self) -> Result<crate::Stream> {
        self.0.take().ok_or_else(|| {
            Error::new(ErrorDomain::STREAMS, ErrorCode::OPERATION_INVALID, "stream is not open")
        })
    }

    async fn with<R: Send + 'static>(
        &mut self,
        act: impl FnOnce(&crate::Stream) -> Result<R> + Send + 'static,
    ) -> Result<R> {
        let stream = self.take()?;
        let (stream, outcome) = blocking(move || {
            let outcome = act(&stream);
            Ok((stream, outcome))
        })
        .await?;
        self.0 = Some(stream);
        outcome
    }

    /// The stream whose methods wait.
    ///
    /// # Errors
    /// `OPERATION_INVALID` when a method was given up.
    pub fn into_blocking(mut self) -> Result<crate::Stream> {
        self.take()
    }

    /// Sends all of `bytes`.
    ///
    /// # Errors
    /// As [`Stream::send`](crate::Stream::send).
    pub async fn send(&mut self, bytes: impl Into<Vec<u8>>) -> Result<()> {
        let bytes = bytes.into();
        self.with(move |stream| stream.send(&bytes)).await
    }

    /// Sends a hole of `length` bytes, which only a stream opened as sparse may have.
    ///
    /// # Errors
    /// As [`Stream::send_hole`](crate::Stream::send_hole).
    pub async fn send_hole(&mut self, length: u64) -> Result<()> {
        self.with(move |stream| stream.send_hole(length)).await
    }

    /// Receives the next bytes; `None` at the end. Holes are read as zeros.
    ///
    /// # Errors
    /// As [`Stream::recv`](crate::Stream::recv).
    pub async fn recv(&mut self) -> Result<Option<Vec<u8>>> {
        const AT_ONCE: usize = virtus_rpc::STREAM_CHUNK;
        self.with(|stream| {
            let mut bytes = vec![0; AT_ONCE];
            let count = stream.recv(&mut bytes)?;
            bytes.truncate(count);
            Ok((count > 0).then_some(bytes))
        })
        .await
    }

    /// Receives the next piece; `None` at the end.
    ///
    /// # Errors
    /// As [`Stream::recv_piece`](crate::Stream::recv_piece).
    pub async fn recv_piece(&mut self) -> Result<Option<Piece>> {
        self.with(|stream| stream.recv_piece()).await
    }

    /// Says that all is sent, and awaits that the other side has done with it.
    ///
    /// # Errors
    /// What went wrong there with what was sent.
    pub async fn finish(mut self) -> Result<()> {
        let stream = self.take()?;
        blocking(move || stream.finish()).await
    }

    /// Breaks the stream off.
    ///
    /// # Errors
    /// That the connection has ended.
    pub async fn abort(mut self) -> Result<()> {
        let stream = self.take()?;
        blocking(move || stream.abort()).await
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        // breaking it off says so to the daemon, for which a task must not wait
        if let (Some(stream), Ok(runtime)) = (self.0.take(), tokio::runtime::Handle::try_current()) {
            runtime.spawn_blocking(move || drop(stream));
        }
    }
}
