//! Devices from files: `attach-device`, `detach-device`, `detach-device-alias` and `update-device`; and what the
//! commands that make devices of options have in common.

use virtus::DomainRef;
use virtus::calls::Remote;
use virtus::constants::*;

use crate::command::{CONFIG, CURRENT, Command, DOMAIN, LIVE, Opt, PERSISTENT};
use crate::complete;
use crate::file;
use crate::grammar::Arguments;
use crate::shell::{OrSay, Outcome, Shell, extra};

/// What a change of a device is to affect.
pub(super) struct Affects {
    flags: u32,
    current: bool,
    persistent: bool,
}

impl Affects {
    /// What `--persistent`, `--config`, `--live` and `--current` say.
    ///
    /// # Errors
    /// They exclude each other.
    pub(super) fn read(arguments: &Arguments) -> Outcome<Self> {
        let persistent = arguments.has("persistent");
        arguments.exclusive("persistent", "current")?;
        let mut flags = super::affect(arguments)?;
        if persistent {
            flags |= VIR_DOMAIN_AFFECT_CONFIG;
        }
        Ok(Affects { flags, current: arguments.has("current"), persistent })
    }

    /// The flags for a domain: what is to persist changes it now, too, if it runs.
    pub(super) fn on(&self, shell: &Shell, domain: &DomainRef) -> u32 {
        match self.persistent && shell.is_active(domain) {
            true => self.flags | VIR_DOMAIN_AFFECT_LIVE,
            false => self.flags,
        }
    }

    /// The flags as the options give them.
    pub(super) fn flags(&self) -> u32 {
        self.flags
    }

    pub(super) fn attach(&self, shell: &Shell, domain: DomainRef, xml: String) -> virtus::Result<()> {
        match self.on(shell, &domain) {
            0 if !self.current => shell.call(Remote::domain_attach_device(domain, xml)),
            flags => shell.call(Remote::domain_attach_device_flags(domain, xml, flags)),
        }
    }

    pub(super) fn detach(&self, shell: &Shell, domain: DomainRef, xml: String) -> virtus::Result<()> {
        match self.on(shell, &domain) {
            0 if !self.current => shell.call(Remote::domain_detach_device(domain, xml)),
            flags => shell.call(Remote::domain_detach_device_flags(domain, xml, flags)),
        }
    }
}

const FILE: Opt = Opt::text("file", "the file with the device").positional().required().file();

/// What a command is to affect, with the domain, and the device in the file that is named.
fn from_file<'a>(
    shell: &mut Shell,
    arguments: &'a Arguments,
) -> Outcome<(Affects, DomainRef, &'a str, String)> {
    let affects = Affects::read(arguments)?;
    let domain = shell.domain(arguments)?;
    let from = arguments.needed("file")?;
    Ok((affects, domain, from, file::read(from)?))
}

pub(super) static ATTACH: Command = Command {
    name: "attach-device",
    summary: "plug a device in that a file describes",
    options: &[DOMAIN, FILE, PERSISTENT, CONFIG, LIVE, CURRENT],
    run: |shell, arguments| {
        let (affects, domain, from, xml) = from_file(shell, arguments)?;
        affects.attach(shell, domain, xml).or_say(format_args!("Failed to attach device from {from}"))?;
        extra!(shell, "Device attached successfully\n");
        Ok(())
    },
    ..Command::PLAIN
};

pub(super) static DETACH: Command = Command {
    name: "detach-device",
    summary: "unplug the device that a file describes",
    options: &[DOMAIN, FILE, PERSISTENT, CONFIG, LIVE, CURRENT],
    run: |shell, arguments| {
        let (affects, domain, from, xml) = from_file(shell, arguments)?;
        affects.detach(shell, domain, xml).or_say(format_args!("Failed to detach device from {from}"))?;
        extra!(shell, "Device detached successfully\n");
        Ok(())
    },
    ..Command::PLAIN
};

pub(super) static DETACH_ALIAS: Command = Command {
    name: "detach-device-alias",
    summary: "ask a guest to let the device of an alias go",
    about: "Asks the guest to let a device go. It does not wait for that: an event tells when the device is gone.",
    options: &[
        DOMAIN,
        Opt::text("alias", "the alias of the device").positional().required().asks(complete::aliases),
        CONFIG,
        LIVE,
        CURRENT,
    ],
    run: |shell, arguments| {
        let flags = super::affect(arguments)?;
        let domain = shell.domain(arguments)?;
        let alias = arguments.needed("alias")?;
        shell
            .call(Remote::domain_detach_device_alias(domain, alias.to_owned(), flags))
            .or_say(format_args!("Failed to detach device with alias {alias}"))?;
        extra!(shell, "Device detach request sent successfully\n");
        Ok(())
    },
    ..Command::PLAIN
};

pub(super) static UPDATE: Command = Command {
    name: "update-device",
    summary: "change a device to what a file describes",
    options: &[DOMAIN, FILE, PERSISTENT, CONFIG, LIVE, CURRENT, Opt::flag("force", "change it by force")],
    run: |shell, arguments| {
        let (affects, domain, from, xml) = from_file(shell, arguments)?;
        let flags =
            affects.on(shell, &domain) | arguments.flags(&[("force", VIR_DOMAIN_DEVICE_MODIFY_FORCE)]);
        shell
            .call(Remote::domain_update_device_flags(domain, xml, flags))
            .or_say(format_args!("Failed to update device from {from}"))?;
        extra!(shell, "Device updated successfully\n");
        Ok(())
    },
    ..Command::PLAIN
};
