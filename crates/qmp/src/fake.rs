//! A monitor without QEMU, for tests of this crate and of those above it.

use std::collections::VecDeque;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::{Value, json};
use tokio::io::Interest;
use tokio::net::UnixStream;
use tokio::sync::mpsc;

/// What a fake QEMU answers to a command: its `return`, or class and description of an error.
pub type Answer = Result<Value, (&'static str, String)>;

/// A command a fake QEMU got.
#[derive(Clone, Debug, PartialEq)]
pub struct Received {
    /// The command's name.
    pub name: String,
    /// Its arguments; `Null` when it had none.
    pub arguments: Value,
    /// How many descriptors came with it.
    pub fds: usize,
}

/// A fake QEMU at the other end of a socket. It ends when dropped.
#[derive(Clone, Debug)]
pub struct FakeMonitor {
    stream: Arc<UnixStream>,
    outgoing: mpsc::UnboundedSender<Vec<u8>>,
    received: Arc<Mutex<Vec<Received>>>,
}

impl FakeMonitor {
    /// Starts a fake QEMU that greets and answers `qmp_capabilities` itself and everything else by `answer`
    /// (`None`: never). Gives the other end of its socket. Needs a tokio runtime.
    ///
    /// # Errors
    /// When no socket pair can be made.
    pub fn start(
        answer: impl FnMut(&str, &Value) -> Option<Answer> + Send + 'static,
    ) -> std::io::Result<(UnixStream, FakeMonitor)> {
        let (here, there) = UnixStream::pair()?;
        let stream = Arc::new(here);
        let (outgoing, queue) = mpsc::unbounded_channel();
        tokio::spawn(write_all(Arc::clone(&stream), queue));
        let fake = FakeMonitor { stream, outgoing, received: Arc::default() };
        fake.write(&json!({"QMP": {
            "version": {"qemu": {"micro": 2, "minor": 0, "major": 10}, "package": "fake"},
            "capabilities": ["oob"],
        }}));
        tokio::spawn(fake.clone().serve(answer));
        Ok((there, fake))
    }

    /// What came in so far, without `qmp_capabilities`.
    pub fn received(&self) -> Vec<Received> {
        self.received.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Raises an event.
    pub fn emit(&self, event: &str, data: &Value) {
        self.write(&json!({"timestamp": {"seconds": 1, "microseconds": 2}, "event": event, "data": data}));
    }

    /// Sends any text.
    pub fn write_text(&self, text: &str) {
        // a test that hung up wants nothing more
        let _ = self.outgoing.send(text.as_bytes().to_vec());
    }

    /// Ends the connection as a QEMU that exits does.
    pub fn hang_up(&self) {
        let _ = rustix::net::shutdown(self.stream.as_fd(), rustix::net::Shutdown::Both);
    }

    fn write(&self, message: &Value) {
        self.write_text(&format!("{message}\r\n"));
    }

    async fn serve(self, mut answer: impl FnMut(&str, &Value) -> Option<Answer>) {
        let mut buffer: Vec<u8> = Vec::new();
        let mut fds: VecDeque<OwnedFd> = VecDeque::new();
        while let Some(()) = self.fill(&mut buffer, &mut fds).await {
            while let Some(end) = buffer.iter().position(|b| *b == b'\n') {
                let line: Vec<u8> = buffer.drain(..=end).collect();
                let Ok(command) = serde_json::from_slice::<Value>(&line) else {
                    self.write(
                        &json!({"error": {"class": "GenericError", "desc": "JSON parse error, invalid keyword"}}),
                    );
                    continue;
                };
                self.command(&command, std::mem::take(&mut fds).len(), &mut answer);
            }
        }
    }

    fn command(&self, command: &Value, fds: usize, answer: &mut impl FnMut(&str, &Value) -> Option<Answer>) {
        let name = command.get("execute").and_then(Value::as_str).unwrap_or_default();
        let arguments = command.get("arguments").unwrap_or(&Value::Null);
        let id = command.get("id").unwrap_or(&Value::Null);
        let reply = if name == "qmp_capabilities" {
            Some(Ok(json!({})))
        } else {
            let received = Received { name: name.to_owned(), arguments: arguments.clone(), fds };
            self.received.lock().unwrap_or_else(PoisonError::into_inner).push(received);
            answer(name, arguments)
        };
        match reply {
            Some(Ok(value)) => self.write(&json!({"return": value, "id": id})),
            Some(Err((class, desc))) => {
                self.write(&json!({"error": {"class": class, "desc": desc}, "id": id}));
            }
            None => {}
        }
    }

    /// Reads what there is; `None` at the end.
    async fn fill(&self, buffer: &mut Vec<u8>, fds: &mut VecDeque<OwnedFd>) -> Option<()> {
        use rustix::net::{RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, recvmsg};
        loop {
            self.stream.readable().await.ok()?;
            let mut chunk = [0_u8; 65536];
            let mut space = [std::mem::MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(8))];
            let mut control = RecvAncillaryBuffer::new(&mut space);
            let got = self.stream.try_io(Interest::READABLE, || {
                let mut parts = [std::io::IoSliceMut::new(&mut chunk)];
                Ok(recvmsg(self.stream.as_fd(), &mut parts, &mut control, RecvFlags::DONTWAIT)?)
            });
            match got {
                Ok(message) => {
                    for part in control.drain() {
                        if let RecvAncillaryMessage::ScmRights(sent) = part {
                            fds.extend(sent);
                        }
                    }
                    buffer.extend_from_slice(chunk.get(..message.bytes)?);
                    return (message.bytes > 0).then_some(());
                }
                Err(e) if e.kind() == std::io::ErrorKind::WouldBlock => {}
                Err(_) => return None,
            }
        }
    }
}

/// Writes what is sent, in order, until the other end is gone.
async fn write_all(stream: Arc<UnixStream>, mut queue: mpsc::UnboundedReceiver<Vec<u8>>) {
    while let Some(bytes) = queue.recv().await {
        let mut rest = bytes.as_slice();
        while !rest.is_empty() {
            if stream.writable().await.is_err() {
                return;
            }
            match stream.try_write(rest) {
                Ok(count) => rest = rest.get(count..).unwrap_or_default(),
                Err(e) if e.kind() == std::io::ErrorKind::WouldBlock => {}
                Err(_) => return,
            }
        }
    }
}
