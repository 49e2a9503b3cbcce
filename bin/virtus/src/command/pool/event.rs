//! `pool-event`

use virtus::{Event, StoragePoolEvent, Subject};

use super::{POOL, pool, pools};
use crate::command::{Command, Opt};
use crate::events::{self, Kinds, word};
use crate::grammar::Arguments;
use crate::shell::{Outcome, Shell};

pub(super) static COMMAND: Command = Command {
    name: "pool-event",
    summary: "wait for something to happen to pools",
    about: "Lists the kinds of events, or waits for events and prints them.",
    options: &[
        Opt::text(POOL.name, "only events of this pool").also_positional().asks(pools),
        Opt::text("event", "the kind of event to wait for").also_positional().one_of(KINDS.names),
        events::LOOP,
        events::TIMEOUT,
        events::LIST,
        events::TIMESTAMP,
    ],
    run,
    ..Command::PLAIN
};

static KINDS: Kinds = Kinds { names: &["lifecycle", "refresh"], text };

fn run(shell: &mut Shell, arguments: &Arguments) -> Outcome {
    events::run(shell, arguments, &KINDS, |shell| {
        Ok(Subject::StoragePool(match arguments.has("pool") {
            true => Some(pool(shell, arguments)?),
            false => None,
        }))
    })
}

fn text(kind: &'static str, event: &Event) -> Option<String> {
    let Event::StoragePool(pool, event) = event else { return None };
    let about = format!("event '{kind}' for storage pool {}", pool.name);
    Some(match event {
        StoragePoolEvent::Lifecycle { event, .. } => {
            let words = ["Defined", "Undefined", "Started", "Stopped", "Created", "Deleted"];
            format!("{about}: {}\n", word(&words, *event, "unknown"))
        }
        StoragePoolEvent::Refresh { .. } => format!("{about}\n"),
    })
}
