//! `event`

use std::fmt::Write;

use virtus::constants::{VIR_DOMAIN_MEMORY_FAILURE_ACTION_REQUIRED, VIR_DOMAIN_MEMORY_FAILURE_RECURSIVE};
use virtus::{DomainEvent, Event, Subject, TypedParam};

use crate::command::{Command, Opt};
use crate::complete;
use crate::events::{self, Kinds, word};
use crate::grammar::Arguments;
use crate::shell::{Outcome, Shell};
use crate::show;

pub(super) static COMMAND: Command = Command {
    name: "event",
    summary: "wait for something to happen to domains",
    about: "Lists the kinds of events, or waits for events and prints them.",
    options: &[
        Opt::text("domain", "only events of this domain").also_positional().asks(complete::domains),
        Opt::text("event", "the kind of event to wait for").also_positional().one_of(&NAMES),
        Opt::flag("all", "wait for events of all kinds"),
        events::LOOP,
        events::TIMEOUT,
        events::LIST,
        events::TIMESTAMP,
    ],
    run,
    ..Command::PLAIN
};

/// Kinds of events, by number.
const NAMES: [&str; 28] = [
    "lifecycle",
    "reboot",
    "rtc-change",
    "watchdog",
    "io-error",
    "graphics",
    "io-error-reason",
    "control-error",
    "block-job",
    "disk-change",
    "tray-change",
    "pm-wakeup",
    "pm-suspend",
    "balloon-change",
    "pm-suspend-disk",
    "device-removed",
    "block-job-2",
    "tunable",
    "agent-lifecycle",
    "device-added",
    "migration-iteration",
    "job-completed",
    "device-removal-failed",
    "metadata-change",
    "block-threshold",
    "memory-failure",
    "memory-device-size-change",
    "nic-mac-change",
];

static KINDS: Kinds = Kinds { names: &NAMES, text };

fn run(shell: &mut Shell, arguments: &Arguments) -> Outcome {
    events::run(shell, arguments, &KINDS, |shell| {
        let domain = arguments.has("domain").then(|| shell.domain(arguments)).transpose()?;
        Ok(Subject::Domain(domain))
    })
}

/// What lifecycle events there are, with what details.
const LIFECYCLE: [(&str, &[&str]); 9] = [
    ("Defined", &["Added", "Updated", "Renamed", "Snapshot"]),
    ("Undefined", &["Removed", "Renamed"]),
    ("Started", &["Booted", "Migrated", "Restored", "Snapshot", "Event wakeup"]),
    (
        "Suspended",
        &[
            "Paused",
            "Migrated",
            "I/O Error",
            "Watchdog",
            "Restored",
            "Snapshot",
            "API error",
            "Post-copy",
            "Post-copy Error",
        ],
    ),
    ("Resumed", &["Unpaused", "Migrated", "Snapshot", "Post-copy", "Post-copy Error"]),
    ("Stopped", &["Shutdown", "Destroyed", "Crashed", "Migrated", "Saved", "Failed", "Snapshot"]),
    ("Shutdown", &["Finished", "Finished after guest request", "Finished after host request"]),
    ("PMSuspended", &["Memory", "Disk"]),
    ("Crashed", &["Panicked", "Crashloaded"]),
];

/// What jobs on disks there are, by number.
pub(crate) const BLOCK_JOBS: [&str; 6] =
    ["Unknown job", "Block Pull", "Block Copy", "Block Commit", "Active Block Commit", "Backup"];

const IO_ERROR_ACTIONS: [&str; 3] = ["none", "pause", "report"];

fn text(name: &'static str, event: &Event) -> Option<String> {
    let Event::Domain(domain, event) = event else { return None };
    let what = detail(event);
    Some(match what {
        None => format!("event '{name}' for domain '{}'\n", domain.name),
        // the name of a disk stands before the colon
        Some(text) if text.starts_with(" disk ") => {
            format!("event '{name}' for domain '{}'{text}\n", domain.name)
        }
        Some(text) if text.starts_with('\n') => format!("event '{name}' for domain '{}':{text}", domain.name),
        Some(text) => format!("event '{name}' for domain '{}': {text}\n", domain.name),
    })
}

/// What there is to say about an event beyond its name.
fn detail(event: &DomainEvent) -> Option<String> {
    let unsupported = |words: &[&'static str], number| word(words, number, "unsupported value");
    Some(match event {
        DomainEvent::Lifecycle { event, detail } => {
            let row = usize::try_from(*event).ok().and_then(|number| LIFECYCLE.get(number));
            let (event, details) = row.copied().unwrap_or(("unknown", &[]));
            format!("{event} {}", word(details, *detail, "unknown"))
        }
        DomainEvent::Reboot {}
        | DomainEvent::ControlError {}
        | DomainEvent::Pmwakeup { .. }
        | DomainEvent::Pmsuspend { .. }
        | DomainEvent::PmsuspendDisk { .. } => return None,
        DomainEvent::RtcChange { offset } => offset.to_string(),
        DomainEvent::Watchdog { action } => {
            let actions = ["none", "pause", "reset", "poweroff", "shutdown", "debug", "inject-nmi"];
            word(&actions, *action, "unknown").to_owned()
        }
        DomainEvent::IoError { src_path, dev_alias, action } => {
            format!("{src_path} ({dev_alias}) {}", word(&IO_ERROR_ACTIONS, *action, "unknown"))
        }
        DomainEvent::IoErrorReason { src_path, dev_alias, action, reason } => {
            let action = word(&IO_ERROR_ACTIONS, *action, "unknown");
            format!("{src_path} ({dev_alias}) {action} due to {reason}")
        }
        DomainEvent::Graphics { phase, local, remote, auth_scheme, subject } => {
            let family = |number| word(&["IPv4", "IPv6", "unix"], number, "unknown");
            let mut text = format!(
                "{} local[{} {} {}] remote[{} {} {}] {auth_scheme}",
                word(&["connect", "initialize", "disconnect"], *phase, "unknown"),
                family(local.family),
                local.node,
                local.service,
                family(remote.family),
                remote.node,
                remote.service
            );
            for identity in subject.iter() {
                let _ = write!(text, "\n\t{}={}", identity.kind, identity.name);
            }
            text
        }
        DomainEvent::BlockJob { path, kind, status } => block_job(path, *kind, *status),
        DomainEvent::BlockJob2 { dst, kind, status } => block_job(dst, *kind, *status),
        DomainEvent::DiskChange { old_src_path, new_src_path, dev_alias, reason } => format!(
            " disk {dev_alias}: {} -> {}: {}",
            old_src_path.as_deref().unwrap_or("<null>"),
            new_src_path.as_deref().unwrap_or("<null>"),
            word(&["changed", "dropped"], *reason, "unknown")
        ),
        DomainEvent::TrayChange { dev_alias, reason } => {
            format!(" disk {dev_alias}: {}", word(&["opened", "closed"], *reason, "unknown"))
        }
        DomainEvent::BalloonChange { actual } => format!("{actual}KiB"),
        DomainEvent::DeviceRemoved { dev_alias }
        | DomainEvent::DeviceAdded { dev_alias }
        | DomainEvent::DeviceRemovalFailed { dev_alias } => dev_alias.clone(),
        DomainEvent::Tunable { params } => listed(params),
        DomainEvent::JobCompleted { params } => listed(params),
        DomainEvent::AgentLifecycle { state, reason } => format!(
            "state: '{}' reason: '{}'",
            unsupported(&["unknown", "connected", "disconnected"], *state),
            unsupported(&["unknown", "domain started", "channel event"], *reason)
        ),
        DomainEvent::MigrationIteration { iteration } => format!("iteration: '{iteration}'"),
        DomainEvent::MetadataChange { kind, nsuri } => format!(
            "type {}, uri {}",
            unsupported(&["description", "title", "element"], *kind),
            nsuri.as_deref().unwrap_or("<null>")
        ),
        DomainEvent::BlockThreshold { dev, path, threshold, excess } => {
            format!("dev: {dev}({}) {threshold} {excess}", path.as_deref().unwrap_or("<null>"))
        }
        DomainEvent::MemoryFailure { recipient, action, flags } => format!(
            "\nrecipient: {}\naction: {}\nflags:\n\taction required: {}\n\trecursive: {}\n",
            unsupported(&["hypervisor", "guest"], *recipient),
            unsupported(&["ignore", "inject", "fatal", "reset"], *action),
            u8::from(flags & VIR_DOMAIN_MEMORY_FAILURE_ACTION_REQUIRED != 0),
            u8::from(flags & VIR_DOMAIN_MEMORY_FAILURE_RECURSIVE != 0)
        ),
        DomainEvent::MemoryDeviceSizeChange { alias, size } => format!("\nalias: {alias}\nsize: {size}\n"),
        DomainEvent::NicMacChange { alias, old_mac, new_mac } => {
            format!("\nalias: {alias}\noldMAC: {old_mac}\nnewMAC: {new_mac}\n")
        }
    })
}

fn block_job(disk: &str, kind: i32, status: i32) -> String {
    let status = word(&["completed", "failed", "canceled", "ready"], status, "unknown");
    format!("{} for {disk} {status}", word(&BLOCK_JOBS, kind, "Unknown job"))
}

fn listed(params: &[TypedParam]) -> String {
    let lines: String =
        params.iter().map(|p| format!("\t{}: {}\n", p.field, show::param(&p.value))).collect();
    format!("\n{lines}")
}

#[cfg(test)]
mod tests {
    use virtus::{DomainRef, Uuid};

    use super::*;

    fn said(name: &'static str, event: DomainEvent) -> String {
        let domain = DomainRef { name: "a".to_owned(), uuid: Uuid([0; 16]), id: 1 };
        text(name, &Event::Domain(domain, event)).unwrap()
    }

    #[test]
    fn events_are_told_in_virshs_words() {
        assert_eq!(
            said("lifecycle", DomainEvent::Lifecycle { event: 5, detail: 1 }),
            "event 'lifecycle' for domain 'a': Stopped Destroyed\n"
        );
        assert_eq!(
            said("lifecycle", DomainEvent::Lifecycle { event: 99, detail: 1 }),
            "event 'lifecycle' for domain 'a': unknown unknown\n"
        );
        assert_eq!(said("reboot", DomainEvent::Reboot {}), "event 'reboot' for domain 'a'\n");
        assert_eq!(
            said("tray-change", DomainEvent::TrayChange { dev_alias: "ide0".to_owned(), reason: 1 }),
            "event 'tray-change' for domain 'a' disk ide0: closed\n"
        );
        assert_eq!(
            said("tunable", DomainEvent::Tunable { params: vec![TypedParam::new("x", 1)].into() }),
            "event 'tunable' for domain 'a':\n\tx: 1\n"
        );
    }
}
