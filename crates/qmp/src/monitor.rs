//! A connection to QEMU's monitor.

use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use serde_json::value::RawValue;
use tokio::net::UnixStream;
use tokio::sync::oneshot;

use crate::command::{Command, QmpCapabilities};
use crate::error::{Error, Result};
use crate::event::{Event, EventSender, Events};
use crate::message::{Greeting, Line};
use crate::pending::{Reply, Shared};
use crate::request::{Batch, ID_PREFIX, Ticket, line_of, within};
use crate::transport::{End, Link, Receiver};

/// How a monitor is opened.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// The domain's name, for error texts and logs.
    pub vm: String,
    /// How long a command may take before its caller gets [`Error::Timeout`]; `None` waits for ever.
    pub timeout: Option<Duration>,
}

/// A handle on QEMU's monitor. Cheap to clone; all clones may have commands under way at once. The connection
/// closes when the last clone is dropped or [`Monitor::close`] is called.
#[derive(Clone)]
pub struct Monitor(Arc<Handle>);

struct Handle {
    shared: Arc<Shared>,
    link: Arc<Link>,
    timeout: Option<Duration>,
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.link.close();
    }
}

impl std::fmt::Debug for Monitor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Monitor").field("vm", &self.0.shared.vm()).field("closed", &self.is_closed()).finish()
    }
}

impl Monitor {
    /// Takes over a connected socket, waits for QEMU's greeting and leaves capabilities negotiation behind.
    ///
    /// # Errors
    /// When QEMU closes the connection, breaks the protocol, or does not answer within the options' timeout.
    pub async fn connect(stream: UnixStream, options: Options) -> Result<(Monitor, Events, Greeting)> {
        let (monitor, events, greeting) = Self::attach(stream, options);
        let accepted = monitor.submit(&QmpCapabilities {});
        let timeout = monitor.0.timeout;
        let both = async {
            let greeting = greeting.await.map_err(|_| monitor.0.shared.why_ended())??;
            accepted.await?;
            Ok(greeting)
        };
        let greeting = within(timeout, "qmp_capabilities", both).await?;
        Ok((monitor, events, greeting))
    }

    /// Starts the connection's task without saying anything yet.
    fn attach(
        stream: UnixStream,
        options: Options,
    ) -> (Monitor, Events, oneshot::Receiver<Result<Greeting>>) {
        let (shared, greeted) = Shared::new(options.vm);
        let shared = Arc::new(shared);
        let (sender, events) = Events::channel();
        let link = Link::start(stream, Reader { shared: Arc::clone(&shared), events: Some(sender) });
        (Monitor(Arc::new(Handle { shared, link, timeout: options.timeout })), events, greeted)
    }

    /// Runs `command` and waits for its result, at most the monitor's timeout.
    ///
    /// # Errors
    /// [`Error::Command`] when QEMU refuses, others when it cannot be reached. A caller that stops waiting does not
    /// stop the command.
    pub async fn execute<C: Command>(&self, command: &C) -> Result<C::Reply> {
        self.submit(command).within(self.0.timeout).await
    }

    /// Like [`Monitor::execute`] with a limit of its own; `None` waits for ever.
    ///
    /// # Errors
    /// As [`Monitor::execute`].
    pub async fn execute_within<C: Command>(
        &self,
        command: &C,
        timeout: Option<Duration>,
    ) -> Result<C::Reply> {
        self.submit(command).within(timeout).await
    }

    /// Runs `command` with descriptors in the same message (`getfd`, `add-fd`).
    ///
    /// # Errors
    /// As [`Monitor::execute`].
    pub async fn execute_with_fds<C: Command>(&self, command: &C, fds: Vec<OwnedFd>) -> Result<C::Reply> {
        let mut batch = self.batch();
        let ticket = batch.add_with_fds(command, fds);
        batch.send();
        ticket.within(self.0.timeout).await
    }

    /// Sends `command` now and gives a future of its result. Commands sent one after the other are run in order.
    pub fn submit<C: Command>(&self, command: &C) -> Ticket<C::Reply> {
        let mut batch = self.batch();
        let ticket = batch.add(command);
        batch.send();
        ticket
    }

    /// Several commands that go out in one write.
    pub fn batch(&self) -> Batch<'_> {
        Batch::new(&self.0.shared, &self.0.link)
    }

    /// Runs a command given by name, with arguments as JSON (`Value::Null` for none); the result is its `return`.
    ///
    /// # Errors
    /// As [`Monitor::execute`].
    pub async fn execute_raw(&self, name: &str, arguments: &Value) -> Result<Value> {
        let mut batch = self.batch();
        let ticket = batch.add_raw(name, arguments);
        batch.send();
        ticket.within(self.0.timeout).await
    }

    /// Passes on a whole command object, as `virDomainQemuMonitorCommand` gets it, and gives QEMU's whole reply
    /// object, also when it is an error. An `id` of the caller comes back in the reply.
    ///
    /// # Errors
    /// When QEMU cannot be reached or does not answer in time.
    pub async fn pass_through(&self, mut command: serde_json::Map<String, Value>) -> Result<Value> {
        let name = ["execute", "exec-oob"].iter().find_map(|k| command.get(*k)?.as_str());
        let name = name.unwrap_or("<unknown>").to_owned();
        let own_id = command.remove("id");
        let mut ticket: Ticket<Value> = Ticket::start(&self.0.shared, name, |id| {
            command.insert("id".to_owned(), Value::String(id));
            self.0.link.send(line_of(&command), Vec::new());
        });
        ticket.whole = true;
        let mut reply = ticket.within(self.0.timeout).await?;
        if let (Some(id), Some(object)) = (own_id, reply.as_object_mut()) {
            object.insert("id".to_owned(), id);
        }
        Ok(reply)
    }

    /// Ends the connection; commands under way and later ones get [`Error::Closed`].
    pub fn close(&self) {
        self.0.shared.end(Error::Closed { vm: self.0.shared.vm().to_owned() });
        self.0.link.close();
    }

    /// Whether the connection has ended.
    pub fn is_closed(&self) -> bool {
        self.0.shared.has_ended() || self.0.link.is_closed()
    }
}

/// The task's side.
struct Reader {
    shared: Arc<Shared>,
    events: Option<EventSender>,
}

impl Receiver for Reader {
    fn line(&mut self, text: &[u8]) -> std::result::Result<(), String> {
        let bad = |e: &dyn std::fmt::Display| format!("cannot parse json {}: {e}", shown(text));
        let text_str = std::str::from_utf8(text).map_err(|e| bad(&e))?;
        tracing::trace!(target: "virtus_qmp", vm = self.shared.vm(), line = text_str);
        let line: Line<'_> = serde_json::from_str(text_str).map_err(|e| bad(&e))?;
        if let Some(name) = line.event {
            if let Some(events) = &self.events {
                let data =
                    line.data.map(|d| serde_json::from_str(d.get())).transpose().map_err(|e| bad(&e))?;
                events.send(Event {
                    kind: name.into(),
                    data: data.unwrap_or(Value::Null),
                    timestamp: line.timestamp,
                });
            }
        } else if let Some(greeting) = line.greeting {
            let greeting: Greeting = serde_json::from_str(greeting.get()).map_err(|e| bad(&e))?;
            self.shared.greet(greeting);
        } else if line.value.is_some() || line.error.is_some() {
            self.reply(text_str, line.id)?;
        } else {
            return Err(format!("Unknown JSON reply '{}'", shown(text)));
        }
        Ok(())
    }

    fn closed(&mut self, why: End) {
        let vm = self.shared.vm().to_owned();
        self.shared.end(match why {
            End::Eof => Error::Closed { vm },
            End::Read(e) => match e.raw_os_error() {
                // a QEMU that died with unread bytes resets the socket
                Some(errno) if errno == rustix::io::Errno::CONNRESET.raw_os_error() => Error::Closed { vm },
                errno => Error::Io { what: "Unable to read from monitor", errno: errno.unwrap_or(0) },
            },
            End::Write(e) => match e.raw_os_error() {
                Some(errno) if errno == rustix::io::Errno::PIPE.raw_os_error() => Error::Closed { vm },
                errno => Error::Io { what: "Unable to write to monitor", errno: errno.unwrap_or(0) },
            },
            End::TooLong => Error::Protocol(format!(
                "QEMU monitor reply exceeds buffer size ({} bytes)",
                crate::transport::MAX_LINE
            )),
            End::Refused(text) => Error::Protocol(text),
        });
        self.events = None;
    }
}

impl Reader {
    fn reply(&self, text: &str, id: Option<&RawValue>) -> std::result::Result<(), String> {
        let id = id.and_then(|id| id.get().trim_matches('"').strip_prefix(ID_PREFIX)?.parse::<u64>().ok());
        let line = RawValue::from_string(text.to_owned()).map_err(|e| e.to_string())?;
        match self.shared.answer(id, Reply { line }) {
            true => Ok(()),
            false => Err(format!("Unexpected JSON reply '{}'", shown(text.as_bytes()))),
        }
    }
}

/// The beginning of a peer's line, for an error text.
fn shown(line: &[u8]) -> String {
    String::from_utf8_lossy(line.get(..line.len().min(256)).unwrap_or_default()).into_owned()
}
