//! `domblkstat`

use virtus::calls::Remote;
use virtus::{ErrorCode, TypedParam};

use crate::command::{ACTIVE_DOMAIN, Command, Opt};
use crate::complete;
use crate::grammar::Arguments;
use crate::shell::{OrSay, Outcome, Shell, out};
use crate::show;

pub(super) static COMMAND: Command = Command {
    name: "domblkstat",
    summary: "traffic of a domain's disk",
    about: "Prints how much a running domain reads from and writes to one of its disks, or, without one, to all.",
    options: &[
        ACTIVE_DOMAIN,
        Opt::text("device", "the disk: its target or its source")
            .positional()
            .may_be_empty()
            .asks(complete::disk_targets),
        Opt::flag("human", "print what the figures mean"),
    ],
    run,
    ..Command::PLAIN
};

/// What comes first, in this order: the figure's name, how it is printed, and how for people.
const FIGURES: [(&str, &str, &str); 9] = [
    ("rd_operations", "rd_req", "number of read operations:"),
    ("rd_bytes", "rd_bytes", "number of bytes read:"),
    ("wr_operations", "wr_req", "number of write operations:"),
    ("wr_bytes", "wr_bytes", "number of bytes written:"),
    ("errs", "errs", "error count:"),
    ("flush_operations", "flush_operations", "number of flush operations:"),
    ("rd_total_times", "rd_total_times", "total duration of reads (ns):"),
    ("wr_total_times", "wr_total_times", "total duration of writes (ns):"),
    ("flush_total_times", "flush_total_times", "total duration of flushes (ns):"),
];

fn run(shell: &mut Shell, arguments: &Arguments) -> Outcome {
    let human = arguments.has("human");
    let domain = shell.domain(arguments)?;
    let name = arguments.needed("domain")?;
    let device = arguments.text("device")?.unwrap_or("");
    let ask = |count| Remote::domain_block_stats_flags(domain.clone(), device.to_owned(), count, 0);
    let mut params = match shell.call(ask(0)) {
        Ok(reply) => {
            shell
                .call(ask(reply.nparams))
                .or_say(format_args!("Failed to get block stats for domain '{name}' device '{device}'"))?
                .params
                .0
        }
        Err(error) if error.code() == ErrorCode::NO_SUPPORT => {
            let stats = shell
                .call(Remote::domain_block_stats(domain.clone(), device.to_owned()))
                .or_say(format_args!("Failed to get block stats {name} {device}"))?;
            let values = [stats.rd_req, stats.rd_bytes, stats.wr_req, stats.wr_bytes, stats.errs];
            let known = FIGURES.iter().zip(values).filter(|(_, value)| *value >= 0);
            known.map(|((field, ..), value)| TypedParam::new(*field, value)).collect()
        }
        Err(error) => return Err(error.into()),
    };
    let mut device = device;
    if human {
        out!(shell, "Device: {device}\n");
        device = "";
    }
    for (field, short, long) in FIGURES {
        let Some(place) = params.iter().position(|param| param.field == field) else { continue };
        let value = show::param(&params.remove(place).value);
        match human {
            true => out!(shell, "{device} {long:<31} {value}\n"),
            false => out!(shell, "{device} {short} {value}\n"),
        }
    }
    for param in &params {
        out!(shell, "{device} {} {}\n", param.field, show::param(&param.value));
    }
    Ok(())
}
