//! A connection to QEMU's monitor.

use std::collections::HashMap;
use std::os::fd::OwnedFd;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde_json::Value;
use serde_json::value::RawValue;
use tokio::net::UnixStream;
use tokio::sync::oneshot;

use crate::command::{Command, QmpCapabilities};
use crate::error::{Error, Result};
use crate::event::{Event, EventSender, Events};
use crate::message::{Greeting, Line};
use crate::request::{Batch, ID_PREFIX, Reply, Ticket, line_of, within};
use crate::transport::{End, Link, Receiver};

/// A QEMU that does not answer is asked no more than this many questions.
const MAX_UNDER_WAY: usize = 4096;

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

/// What callers and the connection's task have in common.
pub(crate) struct Shared {
    vm: String,
    state: Mutex<State>,
}

struct State {
    next_id: u64,
    waiting: HashMap<u64, Waiting>,
    greeting: Option<oneshot::Sender<Result<Greeting>>>,
    /// Why there is no connection any more.
    ended: Option<Error>,
}

/// A caller whose command is under way.
struct Waiting {
    command: String,
    reply: oneshot::Sender<Result<Reply>>,
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.link.close();
    }
}

impl std::fmt::Debug for Monitor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Monitor").field("vm", &self.0.shared.vm).field("closed", &self.is_closed()).finish()
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
        let (greeting, greeted) = oneshot::channel();
        let shared = Arc::new(Shared {
            vm: options.vm,
            state: Mutex::new(State {
                next_id: 1,
                waiting: HashMap::new(),
                greeting: Some(greeting),
                ended: None,
            }),
        });
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
        Batch::new(self)
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
        let mut ticket: Ticket<Value> = Ticket::start(self, name, |id| {
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
        self.0.shared.end(Error::Closed { vm: self.0.shared.vm.clone() });
        self.0.link.close();
    }

    /// Whether the connection has ended.
    pub fn is_closed(&self) -> bool {
        self.0.shared.lock().ended.is_some() || self.0.link.is_closed()
    }

    pub(crate) fn link(&self) -> &Link {
        &self.0.link
    }

    pub(crate) fn shared(&self) -> &Arc<Shared> {
        &self.0.shared
    }
}

impl Shared {
    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Enters a caller: the id its command goes out with, and where the reply comes. Without an id nothing
    /// may be sent and the reply, which says why, is there.
    pub(crate) fn enter(&self, command: String) -> (Option<u64>, oneshot::Receiver<Result<Reply>>) {
        let (sender, reply) = oneshot::channel();
        let mut state = self.lock();
        if let Some(ended) = &state.ended {
            // the receiver is in this function's hands
            let _ = sender.send(Err(ended.clone()));
            return (None, reply);
        }
        if state.waiting.len() >= MAX_UNDER_WAY {
            let _ = sender
                .send(Err(Error::Protocol(format!("too many commands wait for QEMU (vm='{}')", self.vm))));
            return (None, reply);
        }
        let id = state.next_id;
        state.next_id += 1;
        state.waiting.insert(id, Waiting { command, reply: sender });
        (Some(id), reply)
    }

    pub(crate) fn why_ended(&self) -> Error {
        self.lock().ended.clone().unwrap_or_else(|| Error::Closed { vm: self.vm.clone() })
    }

    /// Marks the connection ended, with the first reason given, and tells everyone who waits.
    fn end(&self, why: Error) {
        let (waiting, greeting, why) = {
            let mut state = self.lock();
            let why = state.ended.get_or_insert(why).clone();
            (std::mem::take(&mut state.waiting), state.greeting.take(), why)
        };
        if let Some(greeting) = greeting {
            let _ = greeting.send(Err(why.clone()));
        }
        for (_, waiting) in waiting {
            tracing::debug!(target: "virtus_qmp", vm = self.vm, command = waiting.command, "no reply: {why}");
            let _ = waiting.reply.send(Err(why.clone()));
        }
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
        tracing::trace!(target: "virtus_qmp", vm = self.shared.vm, line = text_str);
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
            if let Some(waiting) = self.shared.lock().greeting.take() {
                // nobody waits when the caller gave up
                let _ = waiting.send(Ok(greeting));
            }
        } else if line.value.is_some() || line.error.is_some() {
            self.reply(text_str, line.id)?;
        } else {
            return Err(format!("Unknown JSON reply '{}'", shown(text)));
        }
        Ok(())
    }

    fn closed(&mut self, why: End) {
        let vm = self.shared.vm.clone();
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
        let mut state = self.shared.lock();
        let waiting = match id {
            Some(id) => state.waiting.remove(&id),
            // an error without an id answers a line QEMU could not parse: the oldest one under way
            None => {
                let oldest = state.waiting.keys().min().copied();
                oldest.and_then(|id| state.waiting.remove(&id))
            }
        };
        drop(state);
        let Some(waiting) = waiting else {
            return Err(format!("Unexpected JSON reply '{}'", shown(text.as_bytes())));
        };
        let line = RawValue::from_string(text.to_owned()).map_err(|e| e.to_string())?;
        // the caller may have stopped waiting
        let _ = waiting.reply.send(Ok(Reply { line }));
        Ok(())
    }
}

/// The beginning of a peer's line, for an error text.
fn shown(line: &[u8]) -> String {
    String::from_utf8_lossy(line.get(..line.len().min(256)).unwrap_or_default()).into_owned()
}
