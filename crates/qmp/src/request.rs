//! Commands on their way and what comes back.

use std::future::Future;
use std::marker::PhantomData;
use std::os::fd::OwnedFd;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use serde_json::Value;
use tokio::sync::oneshot;

use crate::command::Command;
use crate::error::{Error, Result};
use crate::pending::{Reply, Shared};
use crate::transport::Link;

/// libvirt's form of ids, which its pass-through shows to clients.
pub(crate) const ID_PREFIX: &str = "libvirt-";

/// Commands collected to go out in one write; QEMU runs them in order. Dropped unsent, it sends what it has.
#[must_use]
pub struct Batch<'a> {
    shared: &'a Arc<Shared>,
    link: &'a Link,
    bytes: Vec<u8>,
    fds: Vec<OwnedFd>,
}

impl std::fmt::Debug for Batch<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Batch").field("bytes", &self.bytes.len()).field("fds", &self.fds.len()).finish()
    }
}

impl<'a> Batch<'a> {
    pub(crate) fn new(shared: &'a Arc<Shared>, link: &'a Link) -> Batch<'a> {
        Batch { shared, link, bytes: Vec::new(), fds: Vec::new() }
    }

    /// Adds a command.
    pub fn add<C: Command>(&mut self, command: &C) -> Ticket<C::Reply> {
        let empty = size_of::<C>() == 0;
        self.push(C::NAME, (!empty).then_some(command))
    }

    /// Adds a command with descriptors. QEMU hands the descriptors of one message to the command it reads first,
    /// so what was added before goes out first, alone.
    pub fn add_with_fds<C: Command>(&mut self, command: &C, fds: Vec<OwnedFd>) -> Ticket<C::Reply> {
        self.flush();
        let ticket = self.add(command);
        self.fds = fds;
        self.flush();
        ticket
    }

    /// Adds a command by name, with arguments as JSON (`Value::Null` for none).
    pub fn add_raw(&mut self, name: &str, arguments: &Value) -> Ticket<Value> {
        self.push(name, (!arguments.is_null()).then_some(arguments))
    }

    /// Sends what was added.
    pub fn send(self) {}

    fn push<R>(&mut self, name: &str, arguments: Option<impl serde::Serialize>) -> Ticket<R> {
        #[derive(serde::Serialize)]
        struct Out<'a, A> {
            execute: &'a str,
            #[serde(skip_serializing_if = "Option::is_none")]
            arguments: Option<A>,
            id: String,
        }
        Ticket::start(self.shared, name.to_owned(), |id| {
            self.bytes.extend(line_of(&Out { execute: name, arguments, id }));
        })
    }

    fn flush(&mut self) {
        let fds = std::mem::take(&mut self.fds);
        self.link.send(std::mem::take(&mut self.bytes), fds);
    }
}

impl Drop for Batch<'_> {
    fn drop(&mut self) {
        self.flush();
    }
}

/// A command as one line. Our own types always have a JSON form; a line that has none is left out and its caller
/// sees the timeout.
pub(crate) fn line_of(command: &impl serde::Serialize) -> Vec<u8> {
    let mut line = serde_json::to_vec(command).unwrap_or_default();
    line.push(b'\n');
    tracing::trace!(target: "virtus_qmp", command = %String::from_utf8_lossy(&line).trim_end());
    line
}

/// The result of a command that has been sent. Resolves without a time limit unless awaited through
/// [`Ticket::within`].
#[must_use]
pub struct Ticket<R> {
    command: String,
    shared: Arc<Shared>,
    reply: oneshot::Receiver<Result<Reply>>,
    /// Whether the caller wants the whole reply object rather than its `return`.
    pub(crate) whole: bool,
    result: PhantomData<fn() -> R>,
}

impl<R> std::fmt::Debug for Ticket<R> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Ticket").field("command", &self.command).finish_non_exhaustive()
    }
}

impl<R> Ticket<R> {
    /// Enters a caller and lets `send` send the command under the id it got.
    pub(crate) fn start(shared: &Arc<Shared>, command: String, send: impl FnOnce(String)) -> Self {
        let (id, reply) = shared.enter(command.clone());
        if let Some(id) = id {
            send(format!("{ID_PREFIX}{id}"));
        }
        Ticket { command, shared: Arc::clone(shared), reply, whole: false, result: PhantomData }
    }
}

impl<R: serde::de::DeserializeOwned> Ticket<R> {
    /// Waits at most `timeout`; `None` waits for ever.
    ///
    /// # Errors
    /// As [`Monitor::execute`](crate::Monitor::execute).
    pub async fn within(self, timeout: Option<Duration>) -> Result<R> {
        let command = self.command.clone();
        within(timeout, &command, self).await
    }
}

impl<R: serde::de::DeserializeOwned> Future for Ticket<R> {
    type Output = Result<R>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Poll::Ready(reply) = Pin::new(&mut self.reply).poll(cx) else {
            return Poll::Pending;
        };
        let reply = reply.unwrap_or_else(|_| Err(self.shared.why_ended()));
        Poll::Ready(reply.and_then(|reply| reply.read(&self.command, self.whole)))
    }
}

pub(crate) async fn within<T>(
    timeout: Option<Duration>,
    command: &str,
    work: impl Future<Output = Result<T>>,
) -> Result<T> {
    match timeout {
        None => work.await,
        Some(after) => tokio::time::timeout(after, work)
            .await
            .unwrap_or_else(|_| Err(Error::Timeout { command: command.to_owned(), after })),
    }
}
