//! A stream between a client and a guest's terminal or socket.

use std::path::Path;
use std::sync::Arc;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::Notify;
use virtus_api::{Call, Piece, StreamPair, StreamReader, StreamWriter};
use virtus_base::{ErrorCode, Result};
use virtus_conf::domain::device::ChardevSource;
use virtus_host::pty::Terminal;

use super::path_of;
use crate::Driver;
use crate::domain::Domain;
use crate::domain::running::Running;
use crate::error::{error, system};
use virtus_state::lock;

/// Opens a character device and gives it to the caller's stream. Two callers never have the same one open: with
/// `force` the one who has it lets go.
pub(super) async fn open(
    driver: &Driver,
    call: &Call,
    domain: &Arc<Domain>,
    source: &ChardevSource,
    force: bool,
) -> Result<()> {
    let (path, socket) = path_of(source)?;
    let running = domain.running()?;
    let seat = Seat::take(&running, path, force)?;
    let path = Path::new(path).to_owned();
    let opened = driver
        .finish(async move {
            Ok(match socket {
                true => {
                    let stream = UnixStream::connect(&path)
                        .await
                        .map_err(|e| system(format_args!("unable to connect to '{}'", path.display()), &e))?;
                    let (read, write) = stream.into_split();
                    (ReadEnd::Socket(read), WriteEnd::Socket(write))
                }
                false => {
                    let terminal = Terminal::open(&path)
                        .map_err(|e| system(format_args!("unable to open tty {}", path.display()), &e))?;
                    let terminal = Arc::new(terminal);
                    (ReadEnd::Terminal(Arc::clone(&terminal)), WriteEnd::Terminal(terminal))
                }
            })
        })
        .await?;
    let seat = Arc::new(seat);
    let reader = Reader { end: opened.0, seat: Arc::clone(&seat), running: Arc::clone(&running) };
    let writer = Writer { end: Some(opened.1), _seat: seat };
    call.open_stream(StreamPair { reader: Some(Box::new(reader)), writer: Some(Box::new(writer)) });
    Ok(())
}

/// The right to use a console; given back when dropped.
struct Seat {
    running: Arc<Running>,
    path: String,
    /// Tells the one who sits here to leave.
    leave: Arc<Notify>,
}

impl Seat {
    fn take(running: &Arc<Running>, path: &str, force: bool) -> Result<Seat> {
        let mut users = lock(&running.consoles);
        if let Some(present) = users.get(path) {
            if !force {
                return Err(error(
                    ErrorCode::OPERATION_FAILED,
                    "Active console session exists for this domain",
                ));
            }
            present.notify_one();
        }
        let leave = Arc::new(Notify::new());
        users.insert(path.to_owned(), Arc::clone(&leave));
        Ok(Seat { running: Arc::clone(running), path: path.to_owned(), leave })
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut users = lock(&self.running.consoles);
        // somebody else may sit here by now
        if users.get(&self.path).is_some_and(|l| Arc::ptr_eq(l, &self.leave)) {
            users.remove(&self.path);
        }
    }
}

enum ReadEnd {
    Terminal(Arc<Terminal>),
    Socket(OwnedReadHalf),
}

enum WriteEnd {
    Terminal(Arc<Terminal>),
    Socket(OwnedWriteHalf),
}

struct Reader {
    end: ReadEnd,
    seat: Arc<Seat>,
    running: Arc<Running>,
}

#[async_trait::async_trait]
impl StreamReader for Reader {
    async fn read(&mut self) -> Result<Piece> {
        let mut buffer = vec![0; 16 * 1024];
        let read = async {
            match &mut self.end {
                ReadEnd::Terminal(terminal) => terminal.read(&mut buffer).await,
                ReadEnd::Socket(socket) => socket.read(&mut buffer).await,
            }
        };
        let count = tokio::select! {
            biased;
            () = self.seat.leave.notified() => 0,
            () = self.running.gone() => 0,
            read = read => read.map_err(|e| system("cannot read from stream", &e))?,
        };
        if count == 0 {
            return Ok(Piece::End);
        }
        buffer.truncate(count);
        Ok(Piece::Data(buffer))
    }
}

struct Writer {
    end: Option<WriteEnd>,
    _seat: Arc<Seat>,
}

#[async_trait::async_trait]
impl StreamWriter for Writer {
    async fn write(&mut self, piece: Piece) -> Result<()> {
        let bytes = match piece {
            Piece::Data(bytes) => bytes,
            Piece::Hole(_) => return Err(error(ErrorCode::OPERATION_UNSUPPORTED, "a console has no holes")),
            Piece::End => return self.finish().await,
        };
        let written = match &mut self.end {
            Some(WriteEnd::Terminal(terminal)) => terminal.write_all(&bytes).await,
            Some(WriteEnd::Socket(socket)) => socket.write_all(&bytes).await,
            None => return Err(error(ErrorCode::OPERATION_INVALID, "the stream is closed")),
        };
        written.map_err(|e| system("cannot write to stream", &e))
    }

    async fn finish(&mut self) -> Result<()> {
        self.end = None;
        Ok(())
    }

    async fn abort(&mut self) {
        self.end = None;
    }
}
