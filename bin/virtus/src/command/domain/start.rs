//! Bringing domains into being: `define`, `create`, `start` and `autostart`.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use virtus::calls::Remote;
use virtus::constants::*;
use virtus::{DomainRef, ErrorCode};

use crate::command::{Command, INACTIVE_DOMAIN, Opt, PERSISTENT_DOMAIN, VALIDATE};
use crate::console;
use crate::domain::By;
use crate::file;
use crate::grammar::{Arguments, Number};
use crate::shell::{Failure, OrSay, Outcome, Shell, extra, fail};

pub(super) static DEFINE: Command = Command {
    name: "define",
    summary: "store a domain's definition without starting it",
    about: "Stores the definition of a domain. If there is a domain with its UUID, it gets the new definition, which \
            a running domain has from its next boot on.",
    options: &[Opt::text("file", "the file with the definition").positional().required().file(), VALIDATE],
    run: define,
    ..Command::PLAIN
};

fn define(shell: &mut Shell, arguments: &Arguments) -> Outcome {
    let from = arguments.needed("file")?;
    let flags = arguments.flags(&[("validate", VIR_DOMAIN_DEFINE_VALIDATE)]);
    let text = file::read(from)?;
    let domain = match flags {
        0 => shell.call(Remote::domain_define_xml(text)),
        flags => shell.call(Remote::domain_define_xml_flags(text, flags)),
    }
    .or_say(format_args!("Failed to define domain from {from}"))?;
    extra!(shell, "Domain '{}' defined from {from}\n", domain.name);
    Ok(())
}

/// Descriptors of this program that `--pass-fds` names.
pub(super) fn passed(arguments: &Arguments) -> Outcome<Vec<OwnedFd>> {
    let Some(list) = arguments.some_text("pass-fds") else { return Ok(Vec::new()) };
    list.split(',')
        .map(|number| {
            let descriptor = i32::read(number)
                .ok_or_else(|| Failure::new(format_args!("Unable to parse FD number '{number}'")))?;
            inherited(descriptor)
        })
        .collect()
}

/// A copy of a descriptor that this program was started with.
fn inherited(number: i32) -> Outcome<OwnedFd> {
    // the descriptor is opened anew through /proc, so that no number has to be taken on trust
    let path = format!("/proc/self/fd/{number}");
    let opened = std::fs::OpenOptions::new().read(true).write(true).open(&path);
    let opened = opened.or_else(|_| std::fs::File::open(&path));
    opened.map(OwnedFd::from).map_err(|error| {
        virtus::Error::system(virtus::ErrorDomain::NONE, format!("Unable to pass FD '{number}'"), &error)
            .into()
    })
}

const START_FLAGS: [(&str, u32); 5] = [
    ("paused", VIR_DOMAIN_START_PAUSED),
    ("autodestroy", VIR_DOMAIN_START_AUTODESTROY),
    ("bypass-cache", VIR_DOMAIN_START_BYPASS_CACHE),
    ("force-boot", VIR_DOMAIN_START_FORCE_BOOT),
    ("reset-nvram", VIR_DOMAIN_START_RESET_NVRAM),
];

pub(super) static START: Command = Command {
    name: "start",
    summary: "start a domain that has a definition",
    about: "Starts a domain: from the state that managedsave left, or else by booting it.",
    options: &[
        INACTIVE_DOMAIN,
        Opt::flag("console", "open the console when it has started"),
        Opt::flag("paused", "leave it paused"),
        Opt::flag("autodestroy", "end the domain when this connection ends"),
        Opt::flag("bypass-cache", "go around the host's page cache"),
        Opt::flag("force-boot", "boot afresh and forget a saved state"),
        Opt::text("pass-fds", "descriptors of this program to hand over, with commas between them")
            .also_positional(),
        Opt::flag("reset-nvram", "reset the variables of its firmware"),
    ],
    run: start,
    ..Command::PLAIN
};

fn start(shell: &mut Shell, arguments: &Arguments) -> Outcome {
    let domain = shell.domain_by(arguments, By::NameOrUuid)?;
    if domain.id != -1 {
        fail!("Domain is already active");
    }
    let descriptors = passed(arguments)?;
    let console = arguments.has("console");
    let mut flags = arguments.flags(&START_FLAGS);
    // the console is to be there before the guest says anything
    let mut resume = console && flags & VIR_DOMAIN_START_PAUSED == 0;
    if resume {
        flags |= VIR_DOMAIN_START_PAUSED;
    }
    let mut outcome = create(shell, &domain, &descriptors, flags);
    if flags & VIR_DOMAIN_START_FORCE_BOOT != 0
        && let Err(error) = &outcome
    {
        if !matches!(error.code(), ErrorCode::NO_SUPPORT | ErrorCode::INVALID_ARG) {
            return outcome.map_err(Failure::from);
        }
        // an older daemon: the saved state is removed by hand
        if shell.call(Remote::domain_has_managed_save_image(domain.clone(), 0)).unwrap_or(0) > 0 {
            shell.call(Remote::domain_managed_save_remove(domain.clone(), 0))?;
        }
        flags &= !VIR_DOMAIN_START_FORCE_BOOT;
        outcome = create(shell, &domain, &descriptors, flags);
    }
    if resume && matches!(&outcome, Err(error) if error.code() == ErrorCode::INVALID_ARG) {
        resume = false;
        outcome = create(shell, &domain, &descriptors, flags & !VIR_DOMAIN_START_PAUSED);
    }
    outcome.or_say(format_args!("Failed to start domain '{}'", domain.name))?;
    extra!(shell, "Domain '{}' started\n", domain.name);
    match console {
        true => console::run(shell, &domain, None, resume, 0),
        false => Ok(()),
    }
}

fn create(shell: &Shell, domain: &DomainRef, descriptors: &[OwnedFd], flags: u32) -> virtus::Result<()> {
    if !descriptors.is_empty() {
        let request = Remote::domain_create_with_files(domain.clone(), flags);
        shell.connection()?.call_with_fds(request, copies(descriptors)?)?;
    } else if flags != 0 {
        shell.call(Remote::domain_create_with_flags(domain.clone(), flags))?;
    } else {
        shell.call(Remote::domain_create(domain.clone()))?;
    }
    Ok(())
}

/// Copies for one call, which takes them.
pub(super) fn copies(descriptors: &[OwnedFd]) -> virtus::Result<Vec<OwnedFd>> {
    descriptors
        .iter()
        .map(|descriptor| {
            let descriptor: BorrowedFd<'_> = descriptor.as_fd();
            descriptor.try_clone_to_owned().map_err(|error| {
                virtus::Error::system(virtus::ErrorDomain::NONE, "Unable to duplicate descriptor", &error)
            })
        })
        .collect()
}

pub(super) static CREATE: Command = Command {
    name: "create",
    summary: "start a domain from a file, without storing its definition",
    about: "Starts a domain from a definition that is forgotten when the domain ends, unless there is a stored one.",
    options: &[
        Opt::text("file", "the file with the definition").positional().required().file(),
        Opt::flag("console", "open the console when it has started"),
        Opt::flag("paused", "leave it paused"),
        Opt::flag("autodestroy", "end the domain when this connection ends"),
        Opt::text("pass-fds", "descriptors of this program to hand over, with commas between them")
            .also_positional(),
        VALIDATE,
        Opt::flag("reset-nvram", "reset the variables of its firmware"),
    ],
    run: create_from_file,
    ..Command::PLAIN
};

fn create_from_file(shell: &mut Shell, arguments: &Arguments) -> Outcome {
    let from = arguments.needed("file")?;
    let text = file::read(from)?;
    let descriptors = passed(arguments)?;
    let console = arguments.has("console");
    let mut flags = arguments.flags(&[
        ("paused", VIR_DOMAIN_START_PAUSED),
        ("autodestroy", VIR_DOMAIN_START_AUTODESTROY),
        ("validate", VIR_DOMAIN_START_VALIDATE),
        ("reset-nvram", VIR_DOMAIN_START_RESET_NVRAM),
    ]);
    let mut resume = console && flags & VIR_DOMAIN_START_PAUSED == 0;
    if resume {
        flags |= VIR_DOMAIN_START_PAUSED;
    }
    let start = |flags| match descriptors.is_empty() {
        true => shell.call(Remote::domain_create_xml(text.clone(), flags)),
        false => {
            let request = Remote::domain_create_xml_with_files(text.clone(), flags);
            Ok(shell.connection()?.call_with_fds(request, copies(&descriptors)?)?.0)
        }
    };
    let mut outcome = start(flags);
    if resume && matches!(&outcome, Err(error) if error.code() == ErrorCode::INVALID_ARG) {
        resume = false;
        outcome = start(flags & !VIR_DOMAIN_START_PAUSED);
    }
    let domain = outcome.or_say(format_args!("Failed to create domain from {from}"))?;
    extra!(shell, "Domain '{}' created from {from}\n", domain.name);
    if console {
        // the domain is there, whatever becomes of its console
        if let Err(failure) = console::run(shell, &domain, None, resume, 0) {
            shell.report(&failure);
        }
    }
    Ok(())
}

pub(super) static AUTOSTART: Command = Command {
    name: "autostart",
    summary: "start a domain with the daemon from now on",
    options: &[
        PERSISTENT_DOMAIN,
        Opt::flag("disable", "do not start it any more"),
        Opt::flag("once", "only the next time"),
    ],
    run: autostart,
    ..Command::PLAIN
};

fn autostart(shell: &mut Shell, arguments: &Arguments) -> Outcome {
    let domain = shell.domain(arguments)?;
    let name = arguments.needed("domain")?;
    let on = !arguments.has("disable");
    let (outcome, when) = match arguments.has("once") {
        true => (shell.call(Remote::domain_set_autostart_once(domain, i32::from(on))), " on next boot"),
        false => (shell.call(Remote::domain_set_autostart(domain, i32::from(on))), ""),
    };
    let un = if on { "" } else { "un" };
    outcome.or_say(format_args!("Failed to {un}mark domain '{name}' as autostarted{when}"))?;
    extra!(shell, "Domain '{name}' {un}marked as autostarted{when}\n");
    Ok(())
}
