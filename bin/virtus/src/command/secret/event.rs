//! `secret-event`

use virtus::{Event, SecretEvent, Subject};

use super::{SECRET, secret, secrets};
use crate::command::{Command, Opt};
use crate::events::{self, Kinds, word};
use crate::grammar::Arguments;
use crate::shell::{Outcome, Shell};

pub(super) static COMMAND: Command = Command {
    name: "secret-event",
    summary: "wait for something to happen to secrets",
    about: "Lists the kinds of events, or waits for events and prints them.",
    options: &[
        Opt::text(SECRET.name, "only events of this secret").also_positional().asks(secrets),
        Opt::text("event", "the kind of event to wait for").also_positional().one_of(KINDS.names),
        events::LOOP,
        events::TIMEOUT,
        events::LIST,
        events::TIMESTAMP,
    ],
    run,
    ..Command::PLAIN
};

static KINDS: Kinds = Kinds { names: &["lifecycle", "value-changed"], text };

fn run(shell: &mut Shell, arguments: &Arguments) -> Outcome {
    events::run(shell, arguments, &KINDS, |shell| {
        Ok(Subject::Secret(match arguments.has("secret") {
            true => Some(secret(shell, arguments)?),
            false => None,
        }))
    })
}

fn text(kind: &'static str, event: &Event) -> Option<String> {
    let Event::Secret(secret, event) = event else { return None };
    let about = format!("event '{kind}' for secret {}", secret.uuid);
    Some(match event {
        SecretEvent::Lifecycle { event, .. } => {
            format!("{about}: {}\n", word(&["Defined", "Undefined"], *event, "unknown"))
        }
        SecretEvent::ValueChanged { .. } => format!("{about}\n"),
    })
}
