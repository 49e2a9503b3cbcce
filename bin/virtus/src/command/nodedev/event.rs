//! `nodedev-event`

use virtus::{Event, NodeDeviceEvent, Subject};

use super::{DEVICE, devices, named};
use crate::command::{Command, Opt};
use crate::events::{self, Kinds, word};
use crate::grammar::Arguments;
use crate::shell::{Outcome, Shell};

pub(super) static COMMAND: Command = Command {
    name: "nodedev-event",
    summary: "wait for something to happen to devices of the host",
    about: "Lists the kinds of events, or waits for events and prints them.",
    options: &[
        Opt::text(DEVICE.name, "only events of this device").also_positional().asks(devices),
        Opt::text("event", "the kind of event to wait for").also_positional().one_of(KINDS.names),
        events::LOOP,
        events::TIMEOUT,
        events::LIST,
        events::TIMESTAMP,
    ],
    run,
    ..Command::PLAIN
};

static KINDS: Kinds = Kinds { names: &["lifecycle", "update"], text };

fn run(shell: &mut Shell, arguments: &Arguments) -> Outcome {
    events::run(shell, arguments, &KINDS, |shell| {
        Ok(Subject::NodeDevice(match arguments.has("device") {
            true => Some(named(shell, arguments)?),
            false => None,
        }))
    })
}

fn text(kind: &'static str, event: &Event) -> Option<String> {
    let Event::NodeDevice(device, event) = event else { return None };
    let about = format!("event '{kind}' for node device {}", device.name);
    Some(match event {
        NodeDeviceEvent::Lifecycle { event, .. } => {
            let what = word(&["Created", "Deleted", "Defined", "Undefined"], *event, "unknown");
            format!("{about}: {what}\n")
        }
        NodeDeviceEvent::Update { .. } => format!("{about}\n"),
    })
}
