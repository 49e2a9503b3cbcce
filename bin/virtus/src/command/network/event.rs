//! `net-event`

use virtus::{Event, NetworkEvent, Subject};

use super::{NETWORK, network, networks};
use crate::command::Command;
use crate::events::{self, Kinds, word};
use crate::grammar::Arguments;
use crate::shell::{Outcome, Shell};

pub(super) static COMMAND: Command = events::command(
    "net-event",
    "wait for something to happen to networks",
    &events::options(NETWORK.asks(networks), "only events of this network", &KINDS),
    run,
);

const KINDS: Kinds = Kinds { names: &["lifecycle", "metadata-change"], text };

fn run(shell: &mut Shell, arguments: &Arguments) -> Outcome {
    events::run(shell, arguments, &KINDS, |shell| {
        Ok(Subject::Network(match arguments.has("network") {
            true => Some(network(shell, arguments)?),
            false => None,
        }))
    })
}

fn text(kind: &'static str, event: &Event) -> Option<String> {
    let Event::Network(network, event) = event else { return None };
    let about = format!("event '{kind}' for network {}", network.name);
    Some(match event {
        NetworkEvent::Lifecycle { event, .. } => {
            let what = word(&["Defined", "Undefined", "Started", "Stopped"], *event, "unknown");
            format!("{about}: {what}\n")
        }
        NetworkEvent::MetadataChange { kind, nsuri } => {
            let kind = word(&["description", "title", "element"], *kind, "unsupported value");
            format!("{about}: type {kind}, uri {}\n", nsuri.as_deref().unwrap_or("<null>"))
        }
    })
}
