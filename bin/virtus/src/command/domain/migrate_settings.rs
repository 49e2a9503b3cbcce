//! Settings of migrations: `migrate-setmaxdowntime`, `migrate-setspeed` and their kin, and `migrate-postcopy`.

use virtus::calls::Remote;
use virtus::constants::VIR_DOMAIN_MIGRATE_MAX_SPEED_POSTCOPY;

use crate::command::{ACTIVE_DOMAIN, Command, Opt};
use crate::grammar::Wrapping;
use crate::shell::{fail, out};
use crate::show::size;

pub(super) static SET_DOWNTIME: Command = Command {
    name: "migrate-setmaxdowntime",
    summary: "set how long a guest may stand still when it moves",
    options: &[
        ACTIVE_DOMAIN,
        Opt::number("downtime", "milliseconds it may stand still").positional().required(),
    ],
    run: |shell, arguments| {
        let domain = shell.domain(arguments)?;
        match arguments.number::<u64>("downtime")?.unwrap_or(0) {
            0 => fail!("migrate: Invalid downtime"),
            downtime => Ok(shell.call(Remote::domain_migrate_set_max_downtime(domain, downtime, 0))?),
        }
    },
    ..Command::PLAIN
};

pub(super) static GET_DOWNTIME: Command = Command {
    name: "migrate-getmaxdowntime",
    summary: "tell how long a guest may stand still when it moves",
    options: &[ACTIVE_DOMAIN],
    run: |shell, arguments| {
        let domain = shell.domain(arguments)?;
        let downtime = shell.call(Remote::domain_migrate_get_max_downtime(domain, 0))?;
        out!(shell, "{downtime}\n");
        Ok(())
    },
    ..Command::PLAIN
};

pub(super) static COMPCACHE: Command = Command {
    name: "migrate-compcache",
    summary: "tell or set how much memory compression may use",
    options: &[ACTIVE_DOMAIN, Opt::number("size", "how large, in bytes")],
    run: |shell, arguments| {
        let domain = shell.domain(arguments)?;
        if let Some(size) = arguments.number::<u64>("size")? {
            shell.call(Remote::domain_migrate_set_compression_cache(domain.clone(), size, 0))?;
        }
        let bytes = shell.call(Remote::domain_migrate_get_compression_cache(domain, 0))?;
        let (value, unit) = size::pretty(bytes);
        out!(shell, "Compression cache: {value:.3} {unit}");
        Ok(())
    },
    ..Command::PLAIN
};

const POSTCOPY: [(&str, u32); 1] = [("postcopy", VIR_DOMAIN_MIGRATE_MAX_SPEED_POSTCOPY)];

pub(super) static SET_SPEED: Command = Command {
    name: "migrate-setspeed",
    summary: "set how fast a guest may be sent",
    options: &[
        ACTIVE_DOMAIN,
        Opt::number("bandwidth", "MiB/s at most").positional().required(),
        Opt::flag("postcopy", "the speed after the switch"),
    ],
    run: |shell, arguments| {
        let domain = shell.domain(arguments)?;
        let bandwidth = arguments.number::<Wrapping<u64>>("bandwidth")?.map_or(0, |speed| speed.0);
        let flags = arguments.flags(&POSTCOPY);
        Ok(shell.call(Remote::domain_migrate_set_max_speed(domain, bandwidth, flags))?)
    },
    ..Command::PLAIN
};

pub(super) static GET_SPEED: Command = Command {
    name: "migrate-getspeed",
    summary: "tell how fast a guest may be sent",
    options: &[ACTIVE_DOMAIN, Opt::flag("postcopy", "the speed after the switch")],
    run: |shell, arguments| {
        let domain = shell.domain(arguments)?;
        let speed = shell.call(Remote::domain_migrate_get_max_speed(domain, arguments.flags(&POSTCOPY)))?;
        out!(shell, "{speed}\n");
        Ok(())
    },
    ..Command::PLAIN
};

pub(super) static START_POSTCOPY: Command = Command {
    name: "migrate-postcopy",
    summary: "have a migration switch to post-copy now",
    options: &[ACTIVE_DOMAIN],
    run: |shell, arguments| {
        let domain = shell.domain(arguments)?;
        Ok(shell.call(Remote::domain_migrate_start_post_copy(domain, 0))?)
    },
    ..Command::PLAIN
};
