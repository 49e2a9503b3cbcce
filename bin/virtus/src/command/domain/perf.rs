//! `perf`

use virtus::calls::Remote;
use virtus::constants::VIR_TYPED_PARAM_STRING_OKAY;
use virtus::{TypedParam, TypedValue};

use crate::command::{CONFIG, CURRENT, Command, DOMAIN, LIVE, Opt};
use crate::grammar::Arguments;
use crate::shell::{OrSay, Outcome, Shell, extra};

pub(super) static COMMAND: Command = Command {
    name: "perf",
    summary: "tell or choose which perf events are counted for a domain",
    options: &[
        DOMAIN,
        Opt::text("enable", "events to switch on, with commas between them").also_positional(),
        Opt::text("disable", "events to switch off, with commas between them").also_positional(),
        CONFIG,
        LIVE,
        CURRENT,
    ],
    run,
    ..Command::PLAIN
};

fn run(shell: &mut Shell, arguments: &Arguments) -> Outcome {
    let flags = super::affect(arguments)?;
    let mut changes = Vec::new();
    for (option, on) in [("enable", true), ("disable", false)] {
        let events = arguments.text(option)?.unwrap_or_default().split(',').filter(|event| !event.is_empty());
        changes.extend(events.map(|event| TypedParam::new(event, on)));
    }
    let domain = shell.domain(arguments)?;
    let params = if changes.is_empty() {
        shell
            .call(Remote::domain_get_perf_events(domain, flags | VIR_TYPED_PARAM_STRING_OKAY))
            .or_say("Unable to get perf events")?
            .0
    } else {
        shell
            .call(Remote::domain_set_perf_events(domain, changes.clone().into(), flags))
            .or_say("Unable to enable/disable perf events")?;
        changes
    };
    for param in params {
        let on = if param.value == TypedValue::Boolean(true) { "enabled" } else { "disabled" };
        extra!(shell, "{:<15}: {on}\n", param.field);
    }
    Ok(())
}
