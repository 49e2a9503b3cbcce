//! Starting over and ending: `suspend`, `resume`, `shutdown`, `reboot`, `reset` and `destroy`.

use virtus::calls::Remote;
use virtus::constants::*;

use crate::command::{ACTIVE_DOMAIN, Command, Opt};
use crate::grammar::Arguments;
use crate::shell::{OrSay, Outcome, extra, fail};

pub(super) static SUSPEND: Command = Command {
    name: "suspend",
    summary: "pause a domain",
    about: "Stops the guest's CPUs; its memory stays as it is.",
    options: &[ACTIVE_DOMAIN],
    run: |shell, arguments| {
        let domain = shell.domain(arguments)?;
        let name = arguments.needed("domain")?;
        shell
            .call(Remote::domain_suspend(domain))
            .or_say(format_args!("Failed to suspend domain '{name}'"))?;
        extra!(shell, "Domain '{name}' suspended\n");
        Ok(())
    },
    ..Command::PLAIN
};

pub(super) static RESUME: Command = Command {
    name: "resume",
    summary: "let a paused domain go on",
    options: &[ACTIVE_DOMAIN],
    run: |shell, arguments| {
        let domain = shell.domain(arguments)?;
        let name = arguments.needed("domain")?;
        shell.call(Remote::domain_resume(domain)).or_say(format_args!("Failed to resume domain '{name}'"))?;
        extra!(shell, "Domain '{name}' resumed\n");
        Ok(())
    },
    ..Command::PLAIN
};

pub(super) static RESET: Command = Command {
    name: "reset",
    summary: "press a domain's reset button",
    about: "Resets the machine without a word to the guest, which may lose data.",
    options: &[ACTIVE_DOMAIN],
    run: |shell, arguments| {
        let domain = shell.domain(arguments)?;
        let name = arguments.needed("domain")?;
        shell
            .call(Remote::domain_reset(domain, 0))
            .or_say(format_args!("Failed to reset domain '{name}'"))?;
        extra!(shell, "Domain '{name}' was reset\n");
        Ok(())
    },
    ..Command::PLAIN
};

pub(super) static DESTROY: Command = Command {
    name: "destroy",
    summary: "pull a domain's plug",
    about: "Ends the domain at once, without a word to the guest, which may lose data. Its definition stays.",
    options: &[
        ACTIVE_DOMAIN,
        Opt::flag("graceful", "end it only if it ends by itself"),
        Opt::flag("remove-logs", "remove its logs"),
    ],
    run: |shell, arguments| {
        let domain = shell.domain(arguments)?;
        let name = arguments.needed("domain")?;
        let flags = arguments.flags(&[
            ("graceful", VIR_DOMAIN_DESTROY_GRACEFUL),
            ("remove-logs", VIR_DOMAIN_DESTROY_REMOVE_LOGS),
        ]);
        match flags {
            0 => shell.call(Remote::domain_destroy(domain)),
            flags => shell.call(Remote::domain_destroy_flags(domain, flags)),
        }
        .or_say(format_args!("Failed to destroy domain '{name}'"))?;
        extra!(shell, "Domain '{name}' destroyed\n");
        Ok(())
    },
    ..Command::PLAIN
};

/// Ways to ask a guest to end, which have the same numbers for `shutdown` and `reboot`.
const MODES: [(&str, u32); 5] = [
    ("acpi", VIR_DOMAIN_SHUTDOWN_ACPI_POWER_BTN),
    ("agent", VIR_DOMAIN_SHUTDOWN_GUEST_AGENT),
    ("initctl", VIR_DOMAIN_SHUTDOWN_INITCTL),
    ("signal", VIR_DOMAIN_SHUTDOWN_SIGNAL),
    ("paravirt", VIR_DOMAIN_SHUTDOWN_PARAVIRT),
];

/// The ways that `--mode` names; `last` is what stands before the last of them in the complaint.
fn modes(arguments: &Arguments, last: &str) -> Outcome<u32> {
    let mut flags = 0;
    for word in arguments.text("mode")?.map_or_else(Vec::new, |text| text.split(',').collect()) {
        match MODES.iter().find(|(name, _)| *name == word) {
            Some((_, flag)) => flags |= flag,
            None => fail!(
                "Unknown mode {word} value, expecting 'acpi', 'agent', 'initctl', 'signal'{last} or 'paravirt'"
            ),
        }
    }
    Ok(flags)
}

const MODE: Opt = Opt::text("mode", "acpi, agent, initctl, signal or paravirt; several with commas")
    .positional()
    .one_of(&["acpi", "agent", "initctl", "signal", "paravirt"]);

pub(super) static SHUTDOWN: Command = Command {
    name: "shutdown",
    summary: "ask a guest to shut down",
    about: "Asks the guest to shut down, which it need not do. It does not wait for that.",
    options: &[ACTIVE_DOMAIN, MODE],
    run: |shell, arguments| {
        let flags = modes(arguments, ",")?;
        let domain = shell.domain(arguments)?;
        let name = arguments.needed("domain")?;
        match flags {
            0 => shell.call(Remote::domain_shutdown(domain)),
            flags => shell.call(Remote::domain_shutdown_flags(domain, flags)),
        }
        .or_say(format_args!("Failed to shutdown domain '{name}'"))?;
        extra!(shell, "Domain '{name}' is being shutdown\n");
        Ok(())
    },
    ..Command::PLAIN
};

pub(super) static REBOOT: Command = Command {
    name: "reboot",
    summary: "ask a guest to reboot",
    about: "Asks the guest to reboot, which it need not do. It does not wait for that.",
    options: &[ACTIVE_DOMAIN, MODE],
    run: |shell, arguments| {
        let flags = modes(arguments, "")?;
        let domain = shell.domain(arguments)?;
        let name = arguments.needed("domain")?;
        shell
            .call(Remote::domain_reboot(domain, flags))
            .or_say(format_args!("Failed to reboot domain '{name}'"))?;
        extra!(shell, "Domain '{name}' is being rebooted\n");
        Ok(())
    },
    ..Command::PLAIN
};
