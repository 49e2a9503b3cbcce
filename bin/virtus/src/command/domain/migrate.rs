//! `migrate`

use std::time::Duration;

use virtus::calls::Remote;
use virtus::constants::*;
use virtus::{Connection, Domain, DomainEvent, DomainRef, Event, Subject, TypedParam};

use super::params;
use crate::command::{Command, DOMAIN, Opt};
use crate::file;
use crate::grammar::Arguments;
use crate::job::{self, TooLong};
use crate::shell::{Failure, Outcome, Shell, fail};

pub(super) static COMMAND: Command = Command {
    name: "migrate",
    summary: "move a domain to another host",
    about: "Moves a domain to another daemon: this program does it with both, or, with --p2p, the daemon here with \
            the one there.",
    options: &[
        DOMAIN,
        Opt::text(
            "desturi",
            "the daemon to go to, as this program sees it (or as the daemon, with --direct or --p2p)",
        )
        .positional()
        .required(),
        Opt::flag("live", "let the guest run meanwhile"),
        Opt::flag("offline", "move a domain that does not run"),
        Opt::flag("p2p", "let the daemons do it among themselves"),
        Opt::flag("direct", "let the hypervisors do it among themselves"),
        Opt::alias("tunneled", "tunnelled"),
        Opt::flag("tunnelled", "send it through the daemons' connection"),
        Opt::flag("persistent", "keep its definition there"),
        Opt::flag("undefinesource", "remove its definition here"),
        Opt::flag("suspend", "leave it paused there"),
        Opt::flag("copy-storage-all", "copy disks that are not shared as a whole"),
        Opt::flag("copy-storage-inc", "copy what disks that are not shared have above their backing image"),
        Opt::flag(
            "copy-storage-synchronous-writes",
            "let the guest write to both sides while disks are copied",
        ),
        Opt::flag("change-protection", "let nobody change the domain meanwhile"),
        Opt::flag("unsafe", "do it though disks may be damaged"),
        Opt::flag("verbose", "show how far it is"),
        Opt::flag("compressed", "compress what is sent"),
        Opt::flag("auto-converge", "slow the guest down when it writes too fast"),
        Opt::flag("rdma-pin-all", "pin all memory before RDMA"),
        Opt::flag("abort-on-error", "give up when a disk fails meanwhile"),
        Opt::flag("postcopy", "move memory after the guest, too"),
        Opt::flag("postcopy-after-precopy", "switch after the first pass"),
        Opt::flag("postcopy-resume", "go on with a switch that broke"),
        Opt::flag("zerocopy", "send memory without copying it"),
        Opt::text("migrateuri", "where to the guest is sent, if not guessed").also_positional(),
        Opt::text("graphicsuri", "where clients of the display are sent").also_positional(),
        Opt::text("listen-address", "the address the other side listens on").also_positional(),
        Opt::text("dname", "the name it gets there").also_positional(),
        Opt::number("timeout", "act when it takes longer than so many seconds").also_positional(),
        Opt::flag("timeout-suspend", "pause the guest then"),
        Opt::flag("timeout-postcopy", "switch to post-copy then"),
        Opt::text("xml", "a file with the definition it is to run with there").also_positional().file(),
        Opt::text("migrate-disks", "the disks to copy, with commas between them").also_positional(),
        Opt::text("migrate-disks-detect-zeroes", "disks to look for zeros in, with commas between them"),
        Opt::number("disks-port", "the port for the disks, on the other side").also_positional(),
        Opt::text("disks-uri", "where to the disks are sent"),
        Opt::text("comp-methods", "ways of compression, with commas between them"),
        Opt::number("comp-mt-level", "level of mt compression"),
        Opt::number("comp-mt-threads", "threads that compress"),
        Opt::number("comp-mt-dthreads", "threads that decompress"),
        Opt::number("comp-xbzrle-cache", "bytes of memory for xbzrle compression"),
        Opt::number("auto-converge-initial", "by how many percent the guest is slowed down at first"),
        Opt::number("auto-converge-increment", "by how many percent more the guest is slowed down each time"),
        Opt::text("persistent-xml", "a file with the definition it is to have there").file(),
        Opt::flag("tls", "encrypt it"),
        Opt::number("postcopy-bandwidth", "MiB/s at most after the switch"),
        Opt::flag("parallel", "use several connections"),
        Opt::number("parallel-connections", "how many connections"),
        Opt::number("bandwidth", "MiB/s at most"),
        Opt::text("tls-destination", "the name in the certificate of the other side"),
        Opt::number("comp-zlib-level", "level of zlib compression"),
        Opt::number("comp-zstd-level", "level of zstd compression"),
        Opt::number("available-switchover-bandwidth", "MiB/s that are there for the switch-over"),
    ],
    run,
    ..Command::PLAIN
};

const FLAGS: [(&str, u32); 21] = [
    ("live", VIR_MIGRATE_LIVE),
    ("p2p", VIR_MIGRATE_PEER2PEER),
    ("tunnelled", VIR_MIGRATE_TUNNELLED),
    ("persistent", VIR_MIGRATE_PERSIST_DEST),
    ("undefinesource", VIR_MIGRATE_UNDEFINE_SOURCE),
    ("copy-storage-all", VIR_MIGRATE_NON_SHARED_DISK),
    ("copy-storage-inc", VIR_MIGRATE_NON_SHARED_INC),
    ("copy-storage-synchronous-writes", VIR_MIGRATE_NON_SHARED_SYNCHRONOUS_WRITES),
    ("change-protection", VIR_MIGRATE_CHANGE_PROTECTION),
    ("unsafe", VIR_MIGRATE_UNSAFE),
    ("compressed", VIR_MIGRATE_COMPRESSED),
    ("auto-converge", VIR_MIGRATE_AUTO_CONVERGE),
    ("rdma-pin-all", VIR_MIGRATE_RDMA_PIN_ALL),
    ("offline", VIR_MIGRATE_OFFLINE),
    ("abort-on-error", VIR_MIGRATE_ABORT_ON_ERROR),
    ("postcopy", VIR_MIGRATE_POSTCOPY),
    ("postcopy-resume", VIR_MIGRATE_POSTCOPY_RESUME),
    ("zerocopy", VIR_MIGRATE_ZEROCOPY),
    ("tls", VIR_MIGRATE_TLS),
    ("parallel", VIR_MIGRATE_PARALLEL),
    ("suspend", VIR_MIGRATE_PAUSED),
];

/// Options with their parameters, by type.
const TEXTS: [params::Field; 6] = [
    ("migrateuri", "migrate_uri"),
    ("graphicsuri", "graphics_uri"),
    ("listen-address", "listen_address"),
    ("disks-uri", "disks_uri"),
    ("dname", "destination_name"),
    ("tls-destination", "tls.destination"),
];
const LISTS: [params::Field; 3] = [
    ("migrate-disks", "migrate_disks"),
    ("migrate-disks-detect-zeroes", "migrate_disks_detect_zeroes"),
    ("comp-methods", "compression"),
];
const INTS: [params::Field; 8] = [
    ("comp-mt-level", "compression.mt.level"),
    ("comp-mt-threads", "compression.mt.threads"),
    ("comp-mt-dthreads", "compression.mt.dthreads"),
    ("auto-converge-initial", "auto_converge.initial"),
    ("auto-converge-increment", "auto_converge.increment"),
    ("parallel-connections", "parallel.connections"),
    ("comp-zlib-level", "compression.zlib.level"),
    ("comp-zstd-level", "compression.zstd.level"),
];
const LONGS: [params::Field; 4] = [
    ("comp-xbzrle-cache", "compression.xbzrle.cache"),
    ("postcopy-bandwidth", "bandwidth.postcopy"),
    ("bandwidth", "bandwidth"),
    ("available-switchover-bandwidth", "bandwidth.avail.switchover"),
];
const FILES: [params::Field; 2] = [("xml", "destination_xml"), ("persistent-xml", "persistent_xml")];

fn run(shell: &mut Shell, arguments: &Arguments) -> Outcome {
    arguments.exclusive("live", "offline")?;
    arguments.exclusive("timeout-suspend", "timeout-postcopy")?;
    arguments.exclusive("copy-storage-all", "copy-storage-inc")?;
    arguments.requires("postcopy-after-precopy", "postcopy")?;
    arguments.requires("postcopy-resume", "postcopy")?;
    arguments.requires("timeout-postcopy", "postcopy")?;
    arguments.requires("persistent-xml", "persistent")?;
    arguments.requires("tls-destination", "tls")?;
    let domain = shell.domain(arguments)?;
    let timeout = arguments.number::<u32>("timeout")?.unwrap_or(0);
    if timeout > 0 && !arguments.has("live") {
        fail!("migrate: Unexpected timeout for offline migration");
    }
    if timeout == 0 && (arguments.has("timeout-suspend") || arguments.has("timeout-postcopy")) {
        fail!("migrate: Unexpected --timeout-* option without --timeout");
    }
    let flags = arguments.flags(&FLAGS);
    let (moved, params) = (domain.clone(), read(arguments, flags)?);
    let destination = arguments.needed("desturi")?.to_owned();
    let managed = arguments.has("p2p") || arguments.has("direct");
    let there = match managed {
        true => None,
        false => Some(shell.open(Some(&destination), false)?),
    };
    let registration = match arguments.has("postcopy-after-precopy") {
        true => Some(switch_after_first_pass(shell, &domain)?),
        false => None,
    };
    let too_long = (timeout > 0).then(|| TooLong {
        after: Duration::from_secs(timeout.into()),
        act: if arguments.has("timeout-postcopy") { start_postcopy } else { suspend },
    });
    let peer_to_peer = arguments.has("p2p");
    let verbose = arguments.has("verbose");
    let outcome = job::run(shell, &domain, verbose, "Migration", too_long.as_ref(), |here| match &there {
        None => {
            let destination = peer_to_peer.then_some(destination.as_str());
            Ok(Domain::new(here.clone(), moved).migrate_by_daemon(destination, &params, flags)?)
        }
        Some(there) => Ok(Domain::new(here.clone(), moved).migrate_to(there, params, flags).map(drop)?),
    });
    if let Some(registration) = registration {
        let _ = shell.connection()?.forget(registration);
    }
    if let Some(there) = there {
        let _ = there.close();
    }
    outcome
}

/// What the options say about the migration.
fn read(arguments: &Arguments, flags: u32) -> Outcome<Vec<TypedParam>> {
    let copies = flags & (VIR_MIGRATE_NON_SHARED_DISK | VIR_MIGRATE_NON_SHARED_INC) != 0;
    if flags & VIR_MIGRATE_NON_SHARED_SYNCHRONOUS_WRITES != 0 && !copies {
        fail!(
            "'--copy-storage-synchronous-writes' requires one of '--copy-storage-all', '--copy-storage-inc'"
        );
    }
    let mut params = params::texts(arguments, &TEXTS)?;
    if let Some(port) = arguments.number::<i32>("disks-port")?.filter(|port| *port != 0) {
        params.push(TypedParam::new("disks_port", port));
    }
    for (option, field) in LISTS {
        let Some(list) = arguments.text(option)? else { continue };
        if option.starts_with("migrate-disks") && !copies {
            fail!("'--{option}' requires one of '--copy-storage-all', '--copy-storage-inc'");
        }
        params.extend(list.split(',').map(|item| TypedParam::new(field, item)));
    }
    params.extend(params::numbers::<i32>(arguments, &INTS)?);
    params.extend(params::numbers::<u64>(arguments, &LONGS)?);
    for (option, field) in FILES {
        if let Some(path) = arguments.text(option)? {
            let text = file::read(path)
                .map_err(|failure| Failure::from_parts(format_args!("cannot read file '{path}'"), failure))?;
            params.push(TypedParam::new(field, text));
        }
    }
    Ok(params)
}

fn suspend(connection: &Connection, domain: &DomainRef) {
    // the migration goes on all the same
    let _ = connection.call(Remote::domain_suspend(domain.clone()));
}

fn start_postcopy(connection: &Connection, domain: &DomainRef) {
    let _ = connection.call(Remote::domain_migrate_start_post_copy(domain.clone(), 0));
}

/// Has post-copy started when all of the memory has been sent once.
fn switch_after_first_pass(shell: &Shell, domain: &DomainRef) -> virtus::Result<virtus::Registration> {
    let target = domain.clone();
    shell.connection()?.on_event(
        Subject::Domain(Some(domain.clone())),
        VIR_DOMAIN_EVENT_ID_MIGRATION_ITERATION,
        move |connection, event| {
            if let Event::Domain(_, DomainEvent::MigrationIteration { iteration: 2 }) = event {
                start_postcopy(connection, &target);
            }
        },
    )
}
