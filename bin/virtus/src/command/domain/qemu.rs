//! QEMU's own: `qemu-attach`, `qemu-monitor-command`, `qemu-monitor-event` and `qemu-agent-command`.

use std::time::Duration;

use serde_json::Value;
use virtus::calls::Qemu;
use virtus::{Event, QemuMonitorEvent};

use super::start;
use crate::command::{ACTIVE_DOMAIN, Command, Opt};
use crate::complete;
use crate::events;
use crate::grammar::Arguments;
use crate::shell::{OrSay, Outcome, Shell, extra, fail, out};

// libvirt-qemu.h's constants
const VIR_DOMAIN_QEMU_MONITOR_COMMAND_DEFAULT: u32 = 0;
const VIR_DOMAIN_QEMU_MONITOR_COMMAND_HMP: u32 = 1;
const VIR_CONNECT_DOMAIN_QEMU_MONITOR_EVENT_REGISTER_REGEX: u32 = 1;
const VIR_CONNECT_DOMAIN_QEMU_MONITOR_EVENT_REGISTER_NOCASE: u32 = 2;
const VIR_DOMAIN_QEMU_AGENT_COMMAND_BLOCK: i32 = -2;
const VIR_DOMAIN_QEMU_AGENT_COMMAND_DEFAULT: i32 = -1;
const VIR_DOMAIN_QEMU_AGENT_COMMAND_NOWAIT: i32 = 0;

pub(super) static ATTACH: Command = Command {
    name: "qemu-attach",
    summary: "take a running QEMU over as a domain",
    options: &[Opt::text("pid", "the number of the QEMU process").positional().required()],
    run: |shell, arguments| {
        let pid = arguments.number::<u32>("pid")?.unwrap_or(0);
        let domain =
            shell.call(Qemu::domain_attach(pid, 0)).or_say(format_args!("Failed to attach to pid {pid}"))?;
        extra!(shell, "Domain '{}' attached to pid {pid}\n", domain.name);
        Ok(())
    },
    ..Command::PLAIN
};

pub(super) static MONITOR_COMMAND: Command = Command {
    name: "qemu-monitor-command",
    summary: "send a command to a QEMU's monitor",
    about: "Sends a command to the monitor of a domain's QEMU, behind libvirt's back. The command is a whole JSON \
            object, or the name of one with its arguments as JSON, with or without braces.",
    options: &[
        ACTIVE_DOMAIN,
        Opt::flag("hmp", "the command is for people's monitor, not JSON"),
        Opt::flag("pretty", "print it for people"),
        Opt::flag("return-value", "print only the answer's value"),
        Opt::text("pass-fds", "descriptors of this program to hand over, with commas between them"),
        Opt::many("cmd", "the command with its arguments").positional().required(),
    ],
    run: monitor_command,
    ..Command::PLAIN
};

fn monitor_command(shell: &mut Shell, arguments: &Arguments) -> Outcome {
    let (pretty, value) = (arguments.has("pretty"), arguments.has("return-value"));
    arguments.exclusive("hmp", "pretty")?;
    arguments.exclusive("hmp", "return-value")?;
    let domain = shell.domain(arguments)?;
    let (command, flags) = match arguments.has("hmp") {
        true => (arguments.joined("cmd").unwrap_or_default(), VIR_DOMAIN_QEMU_MONITOR_COMMAND_HMP),
        false => (wrapped(arguments.many("cmd"))?, VIR_DOMAIN_QEMU_MONITOR_COMMAND_DEFAULT),
    };
    let descriptors = start::passed(arguments)?;
    let reply = match descriptors.is_empty() {
        true => shell.call(Qemu::domain_monitor_command(domain, command, flags))?,
        false => {
            let request = Qemu::domain_monitor_command_with_files(domain, command, flags);
            shell.connection()?.call_with_fds(request, descriptors)?.0
        }
    };
    let parsed = match pretty || value {
        true => serde_json::from_str::<Value>(&reply).ok(),
        false => None,
    };
    let shown = match (&parsed, value) {
        (None, true) => fail!("failed to parse JSON returned by qemu"),
        (None, false) => {
            out!(shell, "{reply}\n");
            return Ok(());
        }
        (Some(parsed), true) => match parsed.get("return") {
            Some(value) => value,
            None => fail!("'return' member missing"),
        },
        (Some(parsed), false) => parsed,
    };
    let text = if pretty { serde_json::to_string_pretty(shown) } else { serde_json::to_string(shown) };
    out!(shell, "{}", text.unwrap_or_default());
    Ok(())
}

/// A command as the monitor takes it.
fn wrapped(words: &[String]) -> Outcome<String> {
    let whole = words.join(" ");
    let is_object = |text: &str| serde_json::from_str::<Value>(text).ok().filter(Value::is_object);
    if is_object(&whole).is_some() {
        return Ok(whole);
    }
    let (name, rest) = words.split_first().map_or(("", &[][..]), |(name, rest)| (name.as_str(), rest));
    let mut command = serde_json::Map::new();
    command.insert("execute".to_owned(), name.into());
    if !rest.is_empty() {
        let text = rest.join(" ");
        let given = is_object(&text).or_else(|| is_object(&format!("{{{}}}", rest.join(","))));
        match given {
            Some(given) => command.insert("arguments".to_owned(), given),
            None => fail!("failed to wrap arguments '{text}' into a QMP command wrapper"),
        };
    }
    Ok(Value::Object(command).to_string())
}

pub(super) static MONITOR_EVENT: Command = Command {
    name: "qemu-monitor-event",
    summary: "wait for events of QEMU's monitor",
    options: &[
        Opt::text("domain", "only events of this domain").also_positional().asks(complete::domains),
        Opt::text("event", "the kind of event").also_positional(),
        Opt::flag("pretty", "print it for people"),
        Opt::flag("loop", "go on after the first event"),
        Opt::number("timeout", "give up after so many seconds").also_positional(),
        Opt::flag("regex", "the kind is a regular expression"),
        Opt::flag("no-case", "letters count alike in either case"),
        Opt::flag("timestamp", "print when events came"),
    ],
    run: monitor_event,
    ..Command::PLAIN
};

fn monitor_event(shell: &mut Shell, arguments: &Arguments) -> Outcome {
    let flags = arguments.flags(&[
        ("regex", VIR_CONNECT_DOMAIN_QEMU_MONITOR_EVENT_REGISTER_REGEX),
        ("no-case", VIR_CONNECT_DOMAIN_QEMU_MONITOR_EVENT_REGISTER_NOCASE),
    ]);
    let timeout = arguments.timeout_ms()?.map(Duration::from_millis);
    let wanted = arguments.text("event")?;
    let domain = arguments.has("domain").then(|| shell.domain(arguments)).transpose()?;
    let (pretty, stamped) = (arguments.has("pretty"), arguments.has("timestamp"));
    events::wait(shell, arguments, timeout, |connection, sender| {
        let sender = sender.clone();
        let registration = connection.on_monitor_event(domain, wanted, flags, move |_, event| {
            if let Event::QemuMonitor(domain, event) = event {
                let _ = sender.send(told(&domain.name, event, pretty, stamped));
            }
        })?;
        Ok(vec![registration])
    })
}

fn told(domain: &str, told: &QemuMonitorEvent, pretty: bool, stamped: bool) -> String {
    let QemuMonitorEvent { event, seconds, micros, details } = told;
    let details = details.as_deref().map(|details| match pretty {
        true => {
            let parsed = serde_json::from_str::<Value>(details).ok();
            let text = parsed.and_then(|parsed| serde_json::to_string_pretty(&parsed).ok());
            text.unwrap_or_else(|| details.to_owned())
        }
        false => details.to_owned(),
    });
    let details = details.unwrap_or_else(|| "<null>".to_owned());
    match stamped {
        true => format!("event {event} for domain '{domain}': {details}\n"),
        false => format!("event {event} at {seconds}.{micros:06} for domain '{domain}': {details}\n"),
    }
}

pub(super) static AGENT_COMMAND: Command = Command {
    name: "qemu-agent-command",
    summary: "send a command to a guest's agent",
    options: &[
        ACTIVE_DOMAIN,
        Opt::number("timeout", "give up after so many seconds"),
        Opt::flag("async", "do not wait for an answer"),
        Opt::flag("block", "wait for an answer as long as it takes"),
        Opt::flag("pretty", "print it for people"),
        Opt::many("cmd", "the command with its arguments").positional().required(),
    ],
    run: agent_command,
    ..Command::PLAIN
};

fn agent_command(shell: &mut Shell, arguments: &Arguments) -> Outcome {
    let domain = shell.domain(arguments)?;
    let mut timeout = VIR_DOMAIN_QEMU_AGENT_COMMAND_DEFAULT;
    let mut given = 0;
    if let Some(seconds) = arguments.number::<i32>("timeout")? {
        if seconds < 1 {
            fail!("timeout must be positive");
        }
        (timeout, given) = (seconds, 1);
    }
    for (option, value) in
        [("async", VIR_DOMAIN_QEMU_AGENT_COMMAND_NOWAIT), ("block", VIR_DOMAIN_QEMU_AGENT_COMMAND_BLOCK)]
    {
        if arguments.has(option) {
            timeout = value;
            given += 1;
        }
    }
    if given > 1 {
        fail!("timeout, async and block options are exclusive");
    }
    let command = arguments.joined("cmd").unwrap_or_default();
    let Some(reply) = shell.call(Qemu::domain_agent_command(domain, command, timeout, 0))? else {
        return Err(crate::shell::Failure::silent());
    };
    let pretty = arguments.has("pretty").then(|| serde_json::from_str::<Value>(&reply).ok()).flatten();
    let text = pretty.and_then(|value| serde_json::to_string_pretty(&value).ok()).unwrap_or(reply);
    out!(shell, "{text}\n");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_wrapped() {
        let wrap = |words: &[&str]| {
            let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
            wrapped(&words)
        };
        assert_eq!(wrap(&["{\"execute\":", "\"x\"}"]).unwrap(), "{\"execute\": \"x\"}");
        assert_eq!(wrap(&["query-status"]).unwrap(), r#"{"execute":"query-status"}"#);
        assert_eq!(wrap(&["a", "{\"b\":1}"]).unwrap(), r#"{"execute":"a","arguments":{"b":1}}"#);
        assert_eq!(
            wrap(&["a", "\"b\":1", "\"c\":2"]).unwrap(),
            r#"{"execute":"a","arguments":{"b":1,"c":2}}"#
        );
        assert!(wrap(&["a", "b"]).is_err());
    }
}
