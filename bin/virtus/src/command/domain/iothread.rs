//! I/O threads: `iothreadinfo`, `iothreadadd`, `iothreadset` and `iothreaddel`.

use virtus::calls::Remote;
use virtus::{DomainRef, TypedParam};
use virtus_base::Bitmap;

use super::params;
use crate::command::{CONFIG, CURRENT, Command, DOMAIN, LIVE, OUTPUT, Opt};
use crate::grammar::Arguments;
use crate::shell::{OrSay, Outcome, Shell, extra, fail};
use crate::show::{Cell, Table};

pub(super) static INFO: Command = Command {
    name: "iothreadinfo",
    summary: "list the I/O threads of a domain",
    options: &[DOMAIN, CONFIG, LIVE, CURRENT, OUTPUT],
    run: |shell, arguments| {
        let flags = super::affect(arguments)?;
        let domain = shell.domain(arguments)?;
        let threads = shell
            .call(Remote::domain_get_iothread_info(domain, flags))
            .or_say("Unable to get domain IOThreads information")?
            .info;
        if threads.is_empty() && !arguments.has_output() {
            extra!(shell, "No IOThreads found for the domain");
            return Ok(());
        }
        let mut table = Table::new(&["IOThread ID", "CPU Affinity"]);
        for thread in threads {
            let map = Bitmap::from_bytes(&thread.cpumap.0).to_string();
            table.row(vec![Cell::from(thread.iothread_id), map.into()]);
        }
        table.show(shell, arguments)
    },
    ..Command::PLAIN
};

/// Flags, the domain, and the number of the thread that a change is about.
fn subject(shell: &mut Shell, arguments: &Arguments) -> Outcome<(u32, DomainRef, u32)> {
    let flags = super::affect(arguments)?;
    let domain = shell.domain(arguments)?;
    let id = arguments.number::<i32>("id")?.unwrap_or(0);
    match u32::try_from(id) {
        Ok(id @ 1..) => Ok((flags, domain, id)),
        _ => fail!("Invalid IOThread id value: '{id}'"),
    }
}

const ID: Opt = Opt::number("id", "the number of the I/O thread").positional().required();

pub(super) static ADD: Command = Command {
    name: "iothreadadd",
    summary: "give a domain another I/O thread",
    options: &[DOMAIN, ID, CONFIG, LIVE, CURRENT],
    run: |shell, arguments| {
        let (flags, domain, id) = subject(shell, arguments)?;
        Ok(shell.call(Remote::domain_add_iothread(domain, id, flags))?)
    },
    ..Command::PLAIN
};

pub(super) static DEL: Command = Command {
    name: "iothreaddel",
    summary: "take an I/O thread away from a domain",
    options: &[DOMAIN, ID, CONFIG, LIVE, CURRENT],
    run: |shell, arguments| {
        let (flags, domain, id) = subject(shell, arguments)?;
        Ok(shell.call(Remote::domain_del_iothread(domain, id, flags))?)
    },
    ..Command::PLAIN
};

pub(super) static SET: Command = Command {
    name: "iothreadset",
    summary: "change how an I/O thread polls and how many threads it uses",
    options: &[
        DOMAIN,
        ID,
        Opt::number("poll-max-ns", "nanoseconds to poll at most").also_positional(),
        Opt::number("poll-grow", "factor by which polling grows").also_positional(),
        Opt::number("poll-shrink", "divisor by which polling shrinks").also_positional(),
        Opt::number("thread-pool-min", "threads at least").also_positional(),
        Opt::number("thread-pool-max", "threads at most").also_positional(),
        CONFIG,
        LIVE,
        CURRENT,
    ],
    run: |shell, arguments| {
        let (flags, domain, id) = subject(shell, arguments)?;
        let mut changes = params::numbers::<u64>(arguments, &[("poll-max-ns", "poll_max_ns")])?;
        for (option, field) in [("poll-grow", "poll_grow"), ("poll-shrink", "poll_shrink")] {
            // the daemon takes the type that fits
            changes.extend(arguments.number::<u64>(option)?.map(|value| match u32::try_from(value) {
                Ok(value) => TypedParam::new(field, value),
                Err(_) => TypedParam::new(field, value),
            }));
        }
        changes.extend(params::numbers::<i32>(
            arguments,
            &[("thread-pool-min", "thread_pool_min"), ("thread-pool-max", "thread_pool_max")],
        )?);
        if changes.is_empty() {
            fail!("Not enough arguments passed, nothing to set");
        }
        Ok(shell.call(Remote::domain_set_iothread_params(domain, id, changes.into(), flags))?)
    },
    ..Command::PLAIN
};
