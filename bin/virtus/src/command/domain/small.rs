//! Commands that are one call: `dompmsuspend`, `dompmwakeup`, `inject-nmi`, `set-lifecycle-action`,
//! `domdirtyrate-calc`, `domlaunchsecinfo`, `domsetlaunchsecstate` and `dom-fd-associate`.

use virtus::TypedParam;
use virtus::calls::Remote;
use virtus::constants::*;

use super::{params, start};
use crate::command::{ACTIVE_DOMAIN, CONFIG, CURRENT, Command, DOMAIN, LIVE, Opt};
use crate::file;
use crate::shell::{OrSay, extra, fail};

/// How deep a sleep is, by number.
pub(crate) const SLEEPS: [&str; 3] = ["mem", "disk", "hybrid"];

/// The place of a word in a list.
pub(crate) fn number_of(words: &[&str], word: &str) -> Option<u32> {
    words.iter().position(|known| *known == word).and_then(|place| u32::try_from(place).ok())
}

pub(super) static PM_SUSPEND: Command = Command {
    name: "dompmsuspend",
    summary: "have a guest go to sleep",
    options: &[
        ACTIVE_DOMAIN,
        Opt::text("target", "mem, disk or hybrid").positional().required().one_of(&["mem", "disk", "hybrid"]),
        Opt::number("duration", "seconds until it wakes, 0 for never"),
    ],
    run: |shell, arguments| {
        let domain = shell.domain(arguments)?;
        let duration = arguments.number::<u64>("duration")?.unwrap_or(0);
        let Some(target) = number_of(&SLEEPS, arguments.needed("target")?) else { fail!("Invalid target") };
        let name = domain.name.clone();
        shell
            .call(Remote::domain_pm_suspend_for_duration(domain, target, duration, 0))
            .or_say(format_args!("Domain '{name}' could not be suspended"))?;
        extra!(shell, "Domain '{name}' successfully suspended");
        Ok(())
    },
    ..Command::PLAIN
};

pub(super) static PM_WAKEUP: Command = Command {
    name: "dompmwakeup",
    summary: "wake a guest that sleeps",
    options: &[DOMAIN],
    run: |shell, arguments| {
        let domain = shell.domain(arguments)?;
        let name = domain.name.clone();
        shell
            .call(Remote::domain_pm_wakeup(domain, 0))
            .or_say(format_args!("Domain '{name}' could not be woken up"))?;
        extra!(shell, "Domain '{name}' successfully woken up");
        Ok(())
    },
    ..Command::PLAIN
};

pub(super) static INJECT_NMI: Command = Command {
    name: "inject-nmi",
    summary: "send a non-maskable interrupt to a guest",
    options: &[ACTIVE_DOMAIN],
    run: |shell, arguments| {
        let domain = shell.domain(arguments)?;
        Ok(shell.call(Remote::domain_inject_nmi(domain, 0))?)
    },
    ..Command::PLAIN
};

pub(super) static LIFECYCLE_ACTION: Command = Command {
    name: "set-lifecycle-action",
    summary: "choose what is done when a guest ends, reboots or crashes",
    options: &[
        DOMAIN,
        Opt::text("type", "poweroff, reboot or crash")
            .positional()
            .required()
            .one_of(&["poweroff", "reboot", "crash"]),
        Opt::text(
            "action",
            "destroy, restart, rename-restart, preserve, coredump-destroy or coredump-restart",
        )
        .positional()
        .required()
        .one_of(&[
            "destroy",
            "restart",
            "rename-restart",
            "preserve",
            "coredump-destroy",
            "coredump-restart",
        ]),
        CONFIG,
        LIVE,
        CURRENT,
    ],
    run: |shell, arguments| {
        let flags = super::affect(arguments)?;
        let (kind, action) = (arguments.needed("type")?, arguments.needed("action")?);
        let Some(kind) = number_of(&["poweroff", "reboot", "crash"], kind) else {
            fail!("Invalid lifecycle type '{kind}'.");
        };
        let actions =
            ["destroy", "restart", "rename-restart", "preserve", "coredump-destroy", "coredump-restart"];
        let Some(action) = number_of(&actions, action) else {
            fail!("Invalid lifecycle action '{action}'.");
        };
        let domain = shell.domain(arguments)?;
        shell
            .call(Remote::domain_set_lifecycle_action(domain, kind, action, flags))
            .or_say("Unable to change lifecycle action.")
    },
    ..Command::PLAIN
};

pub(super) static DIRTY_RATE: Command = Command {
    name: "domdirtyrate-calc",
    summary: "have it measured how fast a guest writes memory",
    about: "Starts the measurement and does not wait for it: domstats --dirtyrate tells what came of it.",
    options: &[
        DOMAIN,
        Opt::number("seconds", "seconds to watch").also_positional(),
        Opt::text("mode", "page-sampling, dirty-bitmap or dirty-ring").also_positional().one_of(&[
            "page-sampling",
            "dirty-bitmap",
            "dirty-ring",
        ]),
    ],
    run: |shell, arguments| {
        let domain = shell.domain(arguments)?;
        let seconds = arguments.number::<i32>("seconds")?.unwrap_or(1);
        let flags = match arguments.text("mode")? {
            None => 0,
            Some("page-sampling") => VIR_DOMAIN_DIRTYRATE_MODE_PAGE_SAMPLING,
            Some("dirty-bitmap") => VIR_DOMAIN_DIRTYRATE_MODE_DIRTY_BITMAP,
            Some("dirty-ring") => VIR_DOMAIN_DIRTYRATE_MODE_DIRTY_RING,
            Some(other) => fail!("Unknown calculation mode '{other}'"),
        };
        shell.call(Remote::domain_start_dirty_rate_calc(domain, seconds, flags))?;
        extra!(shell, "Start to calculate domain's memory dirty rate successfully.\n");
        Ok(())
    },
    ..Command::PLAIN
};

pub(super) static LAUNCH_SECURITY: Command = Command {
    name: "domlaunchsecinfo",
    summary: "tell how a confidential guest was started",
    options: &[DOMAIN],
    run: |shell, arguments| {
        let domain = shell.domain(arguments)?;
        let found = shell
            .call(Remote::domain_get_launch_security_info(domain, VIR_TYPED_PARAM_STRING_OKAY))
            .or_say("Unable to get launch security parameters")?;
        params::print(shell, &found);
        Ok(())
    },
    ..Command::PLAIN
};

/// How long a secret may be.
const SECRET_LIMIT: u64 = 64 * 1024;

pub(super) static SET_LAUNCH_SECURITY: Command = Command {
    name: "domsetlaunchsecstate",
    summary: "hand a secret to a confidential guest",
    options: &[
        DOMAIN,
        Opt::text("secrethdr", "the file with its header"),
        Opt::text("secret", "the file with the secret"),
        Opt::number("set-address", "the address in memory").also_positional(),
    ],
    run: |shell, arguments| {
        let domain = shell.domain(arguments)?;
        let (Some(header), Some(secret)) = (arguments.text("secrethdr")?, arguments.text("secret")?) else {
            fail!("Both secret and the secret header are required");
        };
        let mut changes = vec![
            TypedParam::new("sev-secret-header", file::read_at_most(header, SECRET_LIMIT)?),
            TypedParam::new("sev-secret", file::read_at_most(secret, SECRET_LIMIT)?),
        ];
        changes.extend(params::numbers::<u64>(arguments, &[("set-address", "sev-secret-set-address")])?);
        shell
            .call(Remote::domain_set_launch_security_state(domain, changes.into(), 0))
            .or_say("Unable to set launch security state")
    },
    ..Command::PLAIN
};

pub(super) static FD_ASSOCIATE: Command = Command {
    name: "dom-fd-associate",
    summary: "give a domain descriptors that its definition names",
    options: &[
        DOMAIN,
        Opt::text("name", "the name of the group of descriptors").positional().required(),
        Opt::text("pass-fds", "descriptors of this program to hand over, with commas between them")
            .positional()
            .required(),
        Opt::flag("seclabel-writable", "label it for writing"),
        Opt::flag("seclabel-restore", "restore the security label when it is no longer used"),
    ],
    run: |shell, arguments| {
        let flags = arguments.flags(&[
            ("seclabel-writable", VIR_DOMAIN_FD_ASSOCIATE_SECLABEL_WRITABLE),
            ("seclabel-restore", VIR_DOMAIN_FD_ASSOCIATE_SECLABEL_RESTORE),
        ]);
        let domain = shell.domain(arguments)?;
        let name = arguments.needed("name")?.to_owned();
        let descriptors = start::passed(arguments)?;
        shell.connection()?.call_with_fds(Remote::domain_fd_associate(domain, name, flags), descriptors)?;
        Ok(())
    },
    ..Command::PLAIN
};
