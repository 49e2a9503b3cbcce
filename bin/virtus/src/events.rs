//! Waiting for events: what the commands for them have in common.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use signal_hook::consts::SIGINT;
use virtus::{Connection, Event, Registration, Result, Subject};

use crate::grammar::{Arguments, Command, Opt};
use crate::shell::{Failure, Outcome, Shell, fail, out};
use crate::show::time;

pub(crate) const LOOP: Opt = Opt::flag("loop", "go on after the first event, until the time is over");
pub(crate) const TIMEOUT: Opt = Opt::number("timeout", "wait so many seconds at most").also_positional();
pub(crate) const LIST: Opt = Opt::flag("list", "list the kinds of events");
pub(crate) const TIMESTAMP: Opt = Opt::flag("timestamp", "print when events came");

/// The declaration of a command that waits for events of one kind of object; `one` chooses an object of it.
pub(crate) const fn command(
    name: &'static str,
    summary: &'static str,
    options: &'static [Opt],
    run: fn(&mut Shell, &Arguments) -> Outcome,
) -> Command {
    let about = "Lists the kinds of events, or waits for events and prints them.";
    Command { name, summary, about, options, run, ..Command::PLAIN }
}

/// The options of such a command.
pub(crate) const fn options(one: Opt, help: &'static str, kinds: &'static Kinds) -> [Opt; 6] {
    let which = Opt { help, required: false, positional: false, ..one }.also_positional();
    let event = Opt::text("event", "the kind of event to wait for").also_positional().one_of(kinds.names);
    [which, event, LOOP, TIMEOUT, LIST, TIMESTAMP]
}

/// How long an interrupt may go unnoticed.
const PULSE: Duration = Duration::from_millis(100);

/// The kinds of events of one kind of object.
pub(crate) struct Kinds {
    /// By number.
    pub(crate) names: &'static [&'static str],
    /// The text for an event, of which the kind's name is given.
    pub(crate) text: fn(&'static str, &Event) -> Option<String>,
}

/// `…event`: lists the kinds, or waits for events of one or, with `--all`, of all of them.
///
/// # Errors
/// Wrong options; the daemon's; no event came.
pub(crate) fn run(
    shell: &mut Shell,
    arguments: &Arguments,
    kinds: &'static Kinds,
    subject: impl FnOnce(&mut Shell) -> Outcome<Subject>,
) -> Outcome {
    let has_all = arguments.knows("all");
    if has_all {
        arguments.exclusive("all", "event")?;
        arguments.exclusive("list", "all")?;
        arguments.exclusive("list", "event")?;
    }
    if arguments.has("list") {
        for name in kinds.names {
            out!(shell, "{name}\n");
        }
        return Ok(());
    }
    let wanted = arguments.text("event")?;
    let all = has_all && arguments.has("all");
    let mut chosen = Vec::new();
    match wanted {
        None if !all && has_all => fail!("one of --list, --all, or --event <type> is required"),
        None if !all => fail!("either --list or --event <type> is required"),
        None => chosen.extend(kinds.names.iter().copied().enumerate()),
        Some(wanted) => match kinds.names.iter().position(|name| *name == wanted) {
            Some(place) => chosen.push((place, kinds.names[place])),
            None => fail!("unknown event type {wanted}"),
        },
    }
    let timeout = arguments.timeout_ms()?.map(Duration::from_millis);
    let subject = subject(shell)?;
    wait(shell, arguments, timeout, |connection, sender| {
        let mut registered = Vec::new();
        for (number, name) in chosen {
            let sender = sender.clone();
            let number = i32::try_from(number).unwrap_or(i32::MAX);
            let outcome = connection.on_event(subject.clone(), number, move |_, event| {
                if let Some(text) = (kinds.text)(name, event) {
                    let _ = sender.send(text);
                }
            });
            match outcome {
                Ok(registration) => registered.push(registration),
                // an older daemon does not know all kinds
                Err(_) if !registered.is_empty() => {}
                Err(error) => return Err(error),
            }
        }
        Ok(registered)
    })
}

/// Prints the texts that callbacks send, until the first, or with `--loop` until the time is over or the user
/// interrupts it.
///
/// # Errors
/// The daemon's; no event came.
pub(crate) fn wait(
    shell: &mut Shell,
    arguments: &Arguments,
    timeout: Option<Duration>,
    register: impl FnOnce(&Connection, &mpsc::Sender<String>) -> Result<Vec<Registration>>,
) -> Outcome {
    let (looping, stamped) = (arguments.has("loop"), arguments.has("timestamp"));
    let connection = shell.connection()?.clone();
    let (sender, texts) = mpsc::channel();
    let interrupted = Arc::new(AtomicBool::new(false));
    let handler = signal_hook::flag::register(SIGINT, interrupted.clone());
    let end = timeout.map(|timeout| Instant::now() + timeout);
    let mut count = 0;
    let registered = register(&connection, &sender);
    let ended = registered.as_ref().ok().and_then(|_| {
        loop {
            for text in texts.try_iter() {
                if stamped {
                    out!(shell, "{}: ", time::event_stamp());
                }
                out!(shell, "{text}");
                count += 1;
                if !looping {
                    return None;
                }
            }
            shell.flush();
            if interrupted.load(Ordering::Relaxed) {
                out!(shell, "event loop interrupted\n");
                return None;
            }
            let left = end.map(|end| end.saturating_duration_since(Instant::now()));
            if left.is_some_and(|left| left.is_zero()) {
                out!(shell, "event loop timed out\n");
                return None;
            }
            if let Err(error) = connection.run_events(Some(left.map_or(PULSE, |left| left.min(PULSE)))) {
                return Some(error);
            }
        }
    });
    if let Ok(handler) = handler {
        signal_hook::low_level::unregister(handler);
    }
    let mut forgotten = true;
    for registration in registered? {
        forgotten &= ended.is_some() || connection.forget(registration).is_ok();
    }
    out!(shell, "events received: {count}\n");
    match ended {
        Some(error) => Err(error.into()),
        None if count > 0 && forgotten => Ok(()),
        None => Err(Failure::silent()),
    }
}

/// The word for a number.
pub(crate) fn word(words: &[&'static str], number: i32, unknown: &'static str) -> &'static str {
    usize::try_from(number).ok().and_then(|number| words.get(number)).copied().unwrap_or(unknown)
}
