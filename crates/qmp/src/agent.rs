//! The guest agent: one command at a time, each after a synchronisation, and nothing it says is trusted.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde_json::{Map, Value, json};
use tokio::net::UnixStream;
use tokio::sync::oneshot;

use crate::error::{Error, Result};
use crate::message::Refusal;
use crate::transport::{End, Link, MAX_LINE, Receiver};

/// How long the agent may take to synchronise, unless the caller's own limit is shorter.
pub const SYNC_TIMEOUT: Duration = Duration::from_secs(5);

/// The byte that makes both parsers forget what they had.
const FLUSH: u8 = 0xff;

/// A handle on a guest's agent. Cheap to clone; commands of all clones run one after the other.
#[derive(Clone)]
pub struct Agent(Arc<Handle>);

struct Handle {
    link: Arc<Link>,
    shared: Arc<Mutex<State>>,
    /// Whose turn it is, with the id of the last synchronisation.
    turn: tokio::sync::Mutex<u64>,
}

#[derive(Default)]
struct State {
    wanted: Option<Wanted>,
    ended: bool,
    watchers: Vec<oneshot::Sender<()>>,
}

/// What the caller whose turn it is waits for.
enum Wanted {
    Sync(u64, oneshot::Sender<Result<Value>>),
    Reply(oneshot::Sender<Result<Value>>),
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.link.close();
    }
}

impl std::fmt::Debug for Agent {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Agent").field("closed", &self.0.link.is_closed()).finish_non_exhaustive()
    }
}

impl Agent {
    /// Takes over a connected socket. Says nothing: an agent may not be there yet.
    pub fn attach(stream: UnixStream) -> Agent {
        let shared = Arc::new(Mutex::new(State::default()));
        let link = Link::start(stream, Reader(Arc::clone(&shared)));
        Agent(Arc::new(Handle { link, shared, turn: tokio::sync::Mutex::new(0) }))
    }

    /// Runs a command and gives its `return`. `timeout` limits the command; `None` waits until the agent goes.
    ///
    /// # Errors
    /// [`Error::AgentTimeout`], [`Error::AgentGone`] or [`Error::Agent`] as the agent has it.
    pub async fn execute(&self, name: &str, arguments: Value, timeout: Option<Duration>) -> Result<Value> {
        let mut reply = self.pass_through(command(name, arguments), timeout).await?;
        Ok(reply.get_mut("return").map(Value::take).unwrap_or_default())
    }

    /// Runs a command the agent does not answer when it succeeds (`guest-shutdown`, `guest-suspend-*`): waits
    /// until `done` resolves, or the agent refuses, leaves, or does not react in time.
    ///
    /// # Errors
    /// As [`Agent::execute`]; an agent that leaves has obeyed.
    pub async fn execute_until(
        &self,
        name: &str,
        arguments: Value,
        timeout: Option<Duration>,
        done: impl Future<Output = ()>,
    ) -> Result<()> {
        let command = command(name, arguments);
        tokio::select! {
            reply = self.pass_through(command, timeout) => match reply {
                Err(Error::AgentGone) | Ok(_) => Ok(()),
                Err(e) => Err(e),
            },
            () = done => Ok(()),
        }
    }

    /// Passes on a whole command object, as `virDomainQemuAgentCommand` gets it, and gives the whole reply.
    ///
    /// # Errors
    /// As [`Agent::execute`].
    pub async fn pass_through(
        &self,
        command: Map<String, Value>,
        timeout: Option<Duration>,
    ) -> Result<Value> {
        let name = command.get("execute").and_then(Value::as_str).unwrap_or("<unknown>").to_owned();
        let mut last = self.0.turn.lock().await;
        *last = fresh_id(*last);
        self.synchronise(*last, timeout).await?;

        let (sender, reply) = oneshot::channel();
        self.want(Wanted::Reply(sender))?;
        let mut line = serde_json::to_vec(&command).unwrap_or_default();
        line.push(b'\n');
        self.0.link.send(line, Vec::new());
        let reply = self.wait(reply, timeout, false).await?;
        check(&name, reply)
    }

    /// Resolves when the connection has ended.
    pub async fn closed(&self) {
        let (sender, ended) = oneshot::channel();
        {
            let mut state = lock(&self.0.shared);
            if state.ended {
                return;
            }
            state.watchers.push(sender);
        }
        // sent to or dropped, it has ended
        let _ = ended.await;
    }

    /// Ends the connection.
    pub fn close(&self) {
        self.0.link.close();
    }

    /// Whether the connection has ended.
    pub fn is_closed(&self) -> bool {
        self.0.link.is_closed()
    }

    async fn synchronise(&self, id: u64, timeout: Option<Duration>) -> Result<()> {
        let (sender, synchronised) = oneshot::channel();
        self.want(Wanted::Sync(id, sender))?;
        let mut line = vec![FLUSH];
        let sync = json!({"execute": "guest-sync-delimited", "arguments": {"id": id}});
        line.extend(sync.to_string().into_bytes());
        line.push(b'\n');
        self.0.link.send(line, Vec::new());
        let limit = timeout.map_or(SYNC_TIMEOUT, |t| t.min(SYNC_TIMEOUT));
        self.wait(synchronised, Some(limit), true).await.map(|_| ())
    }

    fn want(&self, wanted: Wanted) -> Result<()> {
        let mut state = lock(&self.0.shared);
        if state.ended {
            return Err(Error::AgentGone);
        }
        state.wanted = Some(wanted);
        Ok(())
    }

    async fn wait(
        &self,
        reply: oneshot::Receiver<Result<Value>>,
        timeout: Option<Duration>,
        synchronising: bool,
    ) -> Result<Value> {
        let reply = match timeout {
            None => reply.await,
            Some(after) => match tokio::time::timeout(after, reply).await {
                Ok(reply) => reply,
                Err(_) => {
                    lock(&self.0.shared).wanted = None;
                    return Err(Error::AgentTimeout { synchronising, after });
                }
            },
        };
        reply.unwrap_or(Err(Error::AgentGone))
    }
}

fn lock(state: &Mutex<State>) -> std::sync::MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Milliseconds since the epoch, as libvirt has it, but never the same twice.
fn fresh_id(last: u64) -> u64 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    u64::try_from(now.as_millis()).unwrap_or(u64::MAX).max(last.saturating_add(1))
}

fn command(name: &str, arguments: Value) -> Map<String, Value> {
    let mut command = Map::new();
    command.insert("execute".to_owned(), name.into());
    if !arguments.is_null() {
        command.insert("arguments".to_owned(), arguments);
    }
    command
}

fn check(command: &str, reply: Value) -> Result<Value> {
    use serde::Deserialize;
    match reply.get("error") {
        Some(error) => {
            let refusal = Refusal::deserialize(error).unwrap_or_default();
            let desc = refusal.desc.unwrap_or_else(|| class_text(&refusal.class).to_owned());
            Err(Error::Agent { command: command.to_owned(), class: refusal.class, desc })
        }
        None => Ok(reply),
    }
}

/// What libvirt says of an agent's error that has a class but no description.
fn class_text(class: &str) -> &str {
    match class {
        "" => "unknown QEMU command error",
        "BufferOverrun" => "Buffer overrun",
        "CommandDisabled" => "The command has been disabled for this instance",
        "CommandNotFound" => "The command has not been found",
        "FdNotFound" => "File descriptor not found",
        "InvalidParameter" => "Invalid parameter",
        "InvalidParameterType" => "Invalid parameter type",
        "InvalidParameterValue" => "Invalid parameter value",
        "OpenFileFailed" => "Cannot open file",
        "QgaCommandFailed" => "Guest agent command failed",
        "QMPBadInputObjectMember" => "Bad QMP input object member",
        "QMPExtraInputObjectMember" => "Unexpected extra object member",
        "UndefinedError" => "An undefined error has occurred",
        "Unsupported" => "this feature or command is not currently supported",
        other => other,
    }
}

struct Reader(Arc<Mutex<State>>);

impl Receiver for Reader {
    fn line(&mut self, line: &[u8]) -> std::result::Result<(), String> {
        // what stands before the flush byte is the rest of something older
        let line = line.rsplit(|b| *b == FLUSH).next().unwrap_or_default();
        let parsed: Option<Value> = serde_json::from_slice(line).ok().filter(Value::is_object);
        let mut state = lock(&self.0);
        match (state.wanted.take(), parsed) {
            (Some(Wanted::Sync(id, sender)), Some(reply)) => {
                match reply.get("return").and_then(Value::as_u64) {
                    Some(got) if got == id => drop(sender.send(Ok(reply))),
                    // a late reply to something given up
                    _ => state.wanted = Some(Wanted::Sync(id, sender)),
                }
            }
            (Some(Wanted::Reply(sender)), Some(reply))
                if reply.get("return").is_some() || reply.get("error").is_some() =>
            {
                drop(sender.send(Ok(reply)));
            }
            (Some(Wanted::Reply(sender)), None) => {
                drop(sender.send(Err(Error::Protocol("Invalid data provided by guest agent".to_owned()))));
            }
            (wanted, _) => state.wanted = wanted,
        }
        Ok(())
    }

    fn closed(&mut self, why: End) {
        if matches!(why, End::TooLong) {
            tracing::warn!(target: "virtus_qmp", "QEMU guest agent reply exceeds buffer size ({MAX_LINE} bytes)");
        }
        let (wanted, watchers) = {
            let mut state = lock(&self.0);
            state.ended = true;
            (state.wanted.take(), std::mem::take(&mut state.watchers))
        };
        if let Some(Wanted::Sync(_, sender) | Wanted::Reply(sender)) = wanted {
            drop(sender.send(Err(Error::AgentGone)));
        }
        for watcher in watchers {
            // whoever waited may have stopped
            let _ = watcher.send(());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};

    /// An agent that answers each command with the next of `answers`, after synchronising.
    async fn serve(stream: UnixStream, answers: Vec<&'static str>) {
        let (read, mut write) = stream.into_split();
        let mut read = BufReader::new(read);
        let mut answers = answers.into_iter();
        let mut line = Vec::new();
        while read.read_until(b'\n', &mut line).await.unwrap() > 0 {
            if line.first() == Some(&FLUSH) {
                let sync: Value = serde_json::from_slice(&line[1..]).unwrap();
                assert_eq!(sync["execute"], "guest-sync-delimited");
                let id = &sync["arguments"]["id"];
                // stale output first: it has to be skipped
                write.write_all(b"{\"return\": 3}\n{\"retu").await.unwrap();
                write.write_all(&[FLUSH]).await.unwrap();
                write.write_all(format!("{{\"return\": {id}}}\n").as_bytes()).await.unwrap();
            } else {
                match answers.next() {
                    Some(answer) => write.write_all(answer.as_bytes()).await.unwrap(),
                    None => return,
                }
            }
            line.clear();
        }
    }

    fn agent(answers: Vec<&'static str>) -> Agent {
        let (here, there) = UnixStream::pair().unwrap();
        tokio::spawn(serve(there, answers));
        Agent::attach(here)
    }

    #[tokio::test]
    async fn replies_follow_synchronisation() {
        let agent =
            agent(vec!["{\"return\": {\"a\": 1}}\n", "{\"error\": {\"class\": \"CommandNotFound\"}}\n"]);
        assert_eq!(agent.execute("guest-info", Value::Null, None).await.unwrap()["a"], 1);
        let refused = agent.execute("guest-x", Value::Null, None).await.unwrap_err();
        assert!(refused.is_command_not_found());
        assert_eq!(
            refused.to_string(),
            "unable to execute QEMU agent command 'guest-x': The command has not been found"
        );
        let gone = agent.execute("guest-ping", Value::Null, None).await.unwrap_err();
        assert_eq!(gone, Error::AgentGone);
        agent.closed().await;
    }

    #[tokio::test]
    async fn rubbish_is_an_error_of_its_command_only() {
        let agent = agent(vec!["what?\n", "{\"return\": {}}\n"]);
        assert!(matches!(agent.execute("guest-ping", Value::Null, None).await, Err(Error::Protocol(_))));
        assert!(agent.execute("guest-ping", Value::Null, None).await.is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn a_silent_agent_times_out_in_synchronisation() {
        let (here, _there) = UnixStream::pair().unwrap();
        let error = Agent::attach(here).execute("guest-ping", Value::Null, None).await.unwrap_err();
        assert_eq!(error, Error::AgentTimeout { synchronising: true, after: SYNC_TIMEOUT });
    }
}
