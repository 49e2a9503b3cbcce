//! `secret-event`

use virtus::{Event, SecretEvent, Subject};

use super::{SECRET, secret, secrets};
use crate::command::Command;
use crate::events::{self, Kinds, word};
use crate::grammar::Arguments;
use crate::shell::{Outcome, Shell};

pub(super) static COMMAND: Command = events::command(
    "secret-event",
    "wait for something to happen to secrets",
    &events::options(SECRET.asks(secrets), "only events of this secret", &KINDS),
    run,
);

const KINDS: Kinds = Kinds { names: &["lifecycle", "value-changed"], text };

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
