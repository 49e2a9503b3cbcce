//! Callers whose commands are under way, and the replies that come for them.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use serde_json::value::RawValue;
use tokio::sync::oneshot;

use crate::error::{Error, Result};
use crate::message::{Greeting, Refusal};

/// A QEMU that does not answer is asked no more than this many questions.
const MAX_UNDER_WAY: usize = 4096;

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

/// A reply's two faces: the value for typed callers, the whole line for those that pass it on.
pub(crate) struct Reply {
    pub(crate) line: Box<RawValue>,
}

impl Shared {
    /// The table of a new connection, and where its greeting comes.
    pub(crate) fn new(vm: String) -> (Self, oneshot::Receiver<Result<Greeting>>) {
        let (greeting, greeted) = oneshot::channel();
        let state = State { next_id: 1, waiting: HashMap::new(), greeting: Some(greeting), ended: None };
        (Shared { vm, state: Mutex::new(state) }, greeted)
    }

    /// The domain's name.
    pub(crate) fn vm(&self) -> &str {
        &self.vm
    }

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

    /// Hands QEMU's greeting to who waits for it.
    pub(crate) fn greet(&self, greeting: Greeting) {
        if let Some(waiting) = self.lock().greeting.take() {
            // nobody waits when the caller gave up
            let _ = waiting.send(Ok(greeting));
        }
    }

    /// Hands a reply to the caller whose command has this id; says whether there is one. Without an id it answers a
    /// line that QEMU could not parse: the oldest one under way.
    pub(crate) fn answer(&self, id: Option<u64>, reply: Reply) -> bool {
        let waiting = {
            let mut state = self.lock();
            let id = id.or_else(|| state.waiting.keys().min().copied());
            id.and_then(|id| state.waiting.remove(&id))
        };
        let Some(waiting) = waiting else { return false };
        // the caller may have stopped waiting
        let _ = waiting.reply.send(Ok(reply));
        true
    }

    /// Whether the connection has ended.
    pub(crate) fn has_ended(&self) -> bool {
        self.lock().ended.is_some()
    }

    /// Why it has ended.
    pub(crate) fn why_ended(&self) -> Error {
        self.lock().ended.clone().unwrap_or_else(|| Error::Closed { vm: self.vm.clone() })
    }

    /// Marks the connection ended, with the first reason given, and tells everyone who waits.
    pub(crate) fn end(&self, why: Error) {
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

impl Reply {
    /// The value of it that a caller wants: its `return`, or with `whole` the object itself.
    pub(crate) fn read<R: serde::de::DeserializeOwned>(&self, command: &str, whole: bool) -> Result<R> {
        #[derive(serde::Deserialize)]
        struct Parts<'a> {
            #[serde(borrow, rename = "return")]
            value: Option<&'a RawValue>,
            error: Option<Refusal>,
        }
        let odd = |e: serde_json::Error| Error::Protocol(format!("cannot read reply to '{command}': {e}"));
        if whole {
            return serde_json::from_str(self.line.get()).map_err(odd);
        }
        let parts: Parts<'_> = serde_json::from_str(self.line.get()).map_err(odd)?;
        match (parts.value, parts.error) {
            (_, Some(refusal)) => Err(Error::Command {
                command: command.to_owned(),
                desc: refusal.desc.unwrap_or_else(|| refusal.class.clone()),
                class: refusal.class,
            }),
            (Some(value), None) => serde_json::from_str(value.get()).map_err(odd),
            (None, None) => Err(Error::Protocol(format!("unable to execute QEMU command '{command}'"))),
        }
    }
}
