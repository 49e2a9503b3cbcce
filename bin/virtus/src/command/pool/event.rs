//! `pool-event`

use virtus::{Event, StoragePoolEvent, Subject};

use super::{POOL, pool, pools};
use crate::command::Command;
use crate::events::{self, Kinds, word};
use crate::grammar::Arguments;
use crate::shell::{Outcome, Shell};

pub(super) static COMMAND: Command = events::command(
    "pool-event",
    "wait for something to happen to pools",
    &events::options(POOL.asks(pools), "only events of this pool", &KINDS),
    run,
);

const KINDS: Kinds = Kinds { names: &["lifecycle", "refresh"], text };

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
