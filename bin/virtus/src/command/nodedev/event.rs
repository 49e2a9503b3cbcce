//! `nodedev-event`

use virtus::{Event, NodeDeviceEvent, Subject};

use super::{DEVICE, devices, named};
use crate::command::Command;
use crate::events::{self, Kinds, word};
use crate::grammar::Arguments;
use crate::shell::{Outcome, Shell};

pub(super) static COMMAND: Command = events::command(
    "nodedev-event",
    "wait for something to happen to devices of the host",
    &events::options(DEVICE.asks(devices), "only events of this device", &KINDS),
    run,
);

const KINDS: Kinds = Kinds { names: &["lifecycle", "update"], text };

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
