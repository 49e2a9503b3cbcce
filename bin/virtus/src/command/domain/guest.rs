//! What the guest's agent does: file systems, `guestinfo`, `domhostname`, users, their keys, and its time limit.

use virtus::calls::Remote;
use virtus::constants::*;

use crate::command::{ACTIVE_DOMAIN, Command, DOMAIN, OUTPUT, Opt};
use crate::file;
use crate::grammar::Arguments;
use crate::shell::{OrSay, Outcome, Shell, extra, fail, out};
use crate::show::{self, Table};

pub(super) static FSTRIM: Command = Command {
    name: "domfstrim",
    summary: "have a guest give back what its file systems do not use",
    options: &[
        ACTIVE_DOMAIN,
        Opt::number("minimum", "smallest free range worth it, in bytes").also_positional(),
        Opt::text("mountpoint", "a mount point in the guest").also_positional(),
    ],
    run: |shell, arguments| {
        let domain = shell.domain(arguments)?;
        let minimum = arguments.number::<u64>("minimum")?.unwrap_or(0);
        let mountpoint = arguments.text("mountpoint")?.map(str::to_owned);
        shell.call(Remote::domain_fstrim(domain, mountpoint, minimum, 0)).or_say("Unable to invoke fstrim")
    },
    ..Command::PLAIN
};

pub(super) static FSFREEZE: Command = Command {
    name: "domfsfreeze",
    summary: "have a guest flush and stop its file systems",
    options: &[ACTIVE_DOMAIN, Opt::many("mountpoint", "a mount point in the guest").positional()],
    run: |shell, arguments| {
        let domain = shell.domain(arguments)?;
        let mountpoints = arguments.many("mountpoint").to_vec();
        let count = shell
            .call(Remote::domain_fsfreeze(domain, mountpoints.into(), 0))
            .or_say("Unable to freeze filesystems")?;
        extra!(shell, "Froze {count} filesystem(s)\n");
        Ok(())
    },
    ..Command::PLAIN
};

pub(super) static FSTHAW: Command = Command {
    name: "domfsthaw",
    summary: "have a guest let its file systems go on",
    options: &[ACTIVE_DOMAIN, Opt::many("mountpoint", "a mount point in the guest").positional()],
    run: |shell, arguments| {
        let domain = shell.domain(arguments)?;
        let mountpoints = arguments.many("mountpoint").to_vec();
        let count = shell
            .call(Remote::domain_fsthaw(domain, mountpoints.into(), 0))
            .or_say("Unable to thaw filesystems")?;
        extra!(shell, "Thawed {count} filesystem(s)\n");
        Ok(())
    },
    ..Command::PLAIN
};

pub(super) static FSINFO: Command = Command {
    name: "domfsinfo",
    summary: "list a guest's file systems",
    options: &[ACTIVE_DOMAIN, OUTPUT],
    run: |shell, arguments| {
        let domain = shell.domain(arguments)?;
        let systems = shell
            .call(Remote::domain_get_fsinfo(domain, 0))
            .or_say("Unable to get filesystem information")?
            .info;
        if systems.is_empty() && !arguments.has_output() {
            extra!(shell, "No filesystems are mounted in the domain");
            return Ok(());
        }
        let mut table = Table::new(&["Mountpoint", "Name", "Type", "Target"]);
        for system in systems {
            let targets = system.dev_aliases.join(",");
            table.row(vec![
                system.mountpoint.into(),
                system.name.into(),
                system.fstype.into(),
                targets.into(),
            ]);
        }
        table.show(shell, arguments)
    },
    ..Command::PLAIN
};

pub(super) static INFO: Command = Command {
    name: "guestinfo",
    summary: "tell what a guest's agent knows",
    about: "Prints what the agent knows: all of it, or what the options name.",
    options: &[
        ACTIVE_DOMAIN,
        Opt::flag("user", "who is logged in"),
        Opt::flag("os", "its operating system"),
        Opt::flag("timezone", "its time zone"),
        Opt::flag("hostname", "its name"),
        Opt::flag("filesystem", "its file systems"),
        Opt::flag("disk", "its disks"),
        Opt::flag("interface", "its network interfaces"),
        Opt::flag("load", "its load"),
    ],
    run: |shell, arguments| {
        let kinds = arguments.flags(&[
            ("user", VIR_DOMAIN_GUEST_INFO_USERS.cast_unsigned()),
            ("os", VIR_DOMAIN_GUEST_INFO_OS.cast_unsigned()),
            ("timezone", VIR_DOMAIN_GUEST_INFO_TIMEZONE.cast_unsigned()),
            ("hostname", VIR_DOMAIN_GUEST_INFO_HOSTNAME.cast_unsigned()),
            ("filesystem", VIR_DOMAIN_GUEST_INFO_FILESYSTEM.cast_unsigned()),
            ("disk", VIR_DOMAIN_GUEST_INFO_DISKS.cast_unsigned()),
            ("interface", VIR_DOMAIN_GUEST_INFO_INTERFACES.cast_unsigned()),
            ("load", VIR_DOMAIN_GUEST_INFO_LOAD.cast_unsigned()),
        ]);
        let domain = shell.domain(arguments)?;
        for param in shell.call(Remote::domain_get_guest_info(domain, kinds, 0))? {
            out!(shell, "{:<20}: {}\n", param.field, show::param(&param.value));
        }
        Ok(())
    },
    ..Command::PLAIN
};

pub(super) static HOSTNAME: Command = Command {
    name: "domhostname",
    summary: "tell a guest's name",
    options: &[
        ACTIVE_DOMAIN,
        Opt::text("source", "who is asked: agent or lease").also_positional().one_of(&["agent", "lease"]),
    ],
    run: |shell, arguments| {
        let domain = shell.domain(arguments)?;
        let flags = match arguments.text("source")? {
            None => 0,
            Some("agent") => VIR_DOMAIN_GET_HOSTNAME_AGENT,
            Some("lease") => VIR_DOMAIN_GET_HOSTNAME_LEASE,
            Some(other) => fail!("Unknown data source '{other}'"),
        };
        let name = shell.call(Remote::domain_get_hostname(domain, flags)).or_say("failed to get hostname")?;
        out!(shell, "{name}\n");
        Ok(())
    },
    ..Command::PLAIN
};

pub(super) static TIMEOUT: Command = Command {
    name: "guest-agent-timeout",
    summary: "set how long a guest's agent is waited for",
    options: &[DOMAIN, Opt::number("timeout", "seconds, or -2 (for ever), -1 (the default), 0 (none)")],
    run: |shell, arguments| {
        let domain = shell.domain(arguments)?;
        let timeout = arguments.number::<i32>("timeout")?.unwrap_or(VIR_DOMAIN_AGENT_RESPONSE_TIMEOUT_BLOCK);
        shell.call(Remote::domain_agent_set_response_timeout(domain, timeout, 0))?;
        Ok(())
    },
    ..Command::PLAIN
};

pub(super) static SET_PASSWORD: Command = Command {
    name: "set-user-password",
    summary: "set the password of a guest's user",
    options: &[
        ACTIVE_DOMAIN,
        Opt::text("user", "the user").positional().required(),
        Opt::text("password", "the new password").positional().required(),
        Opt::flag("encrypted", "the password is encrypted already"),
    ],
    run: |shell, arguments| {
        let flags = arguments.flags(&[("encrypted", VIR_DOMAIN_PASSWORD_ENCRYPTED)]);
        let user = arguments.needed("user")?;
        let password = arguments.needed("password")?.to_owned();
        let domain = shell.domain(arguments)?;
        let name = arguments.needed("domain")?;
        shell.call(Remote::domain_set_user_password(domain, Some(user.to_owned()), Some(password), flags))?;
        extra!(shell, "Password set successfully for {user} in {name}");
        Ok(())
    },
    ..Command::PLAIN
};

pub(super) static GET_KEYS: Command = Command {
    name: "get-user-sshkeys",
    summary: "tell the ssh keys with which a guest's user may come in",
    options: &[ACTIVE_DOMAIN, Opt::text("user", "the user").positional().required()],
    run: |shell, arguments| {
        let domain = shell.domain(arguments)?;
        let user = arguments.needed("user")?.to_owned();
        for key in shell.call(Remote::domain_authorized_ssh_keys_get(domain, user, 0))? {
            out!(shell, "{key}");
        }
        Ok(())
    },
    ..Command::PLAIN
};

pub(super) static SET_KEYS: Command = Command {
    name: "set-user-sshkeys",
    summary: "change the ssh keys with which a guest's user may come in",
    about: "Adds the keys of a file to those of a user, or takes them away, or puts them in place of all others.",
    options: &[
        ACTIVE_DOMAIN,
        Opt::text("user", "the user").positional().required(),
        Opt::text("file", "a file with keys").positional().file(),
        Opt::flag("reset", "remove all keys first"),
        Opt::flag("remove", "remove the keys of the file"),
    ],
    run: set_keys,
    ..Command::PLAIN
};

fn set_keys(shell: &mut Shell, arguments: &Arguments) -> Outcome {
    arguments.requires("remove", "file")?;
    arguments.exclusive("reset", "remove")?;
    let domain = shell.domain(arguments)?;
    let user = arguments.needed("user")?.to_owned();
    let from = arguments.text("file")?;
    let flags = match (arguments.has("remove"), arguments.has("reset")) {
        (true, _) => VIR_DOMAIN_AUTHORIZED_SSH_KEYS_SET_REMOVE,
        (_, true) => 0,
        _ if from.is_none() => fail!("Option --file is required"),
        _ => VIR_DOMAIN_AUTHORIZED_SSH_KEYS_SET_APPEND,
    };
    let keys: Vec<String> = match from {
        None => Vec::new(),
        Some(path) => {
            let text = file::read(path)?;
            if text.is_empty() {
                fail!("File {path} contains no keys");
            }
            text.split('\n').map(str::to_owned).collect()
        }
    };
    Ok(shell.call(Remote::domain_authorized_ssh_keys_set(domain, user, keys.into(), flags))?)
}
