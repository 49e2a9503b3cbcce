//! `domjobinfo` and `domjobabort`

use virtus::calls::Remote;
use virtus::constants::*;
use virtus::{ErrorCode, TypedParam, TypedValue};

use crate::command::{ACTIVE_DOMAIN, Command, Opt};
use crate::events::word;
use crate::grammar::Arguments;
use crate::shell::{Failure, Outcome, Shell, out};
use crate::show::{self, size};

pub(super) static INFO: Command = Command {
    name: "domjobinfo",
    summary: "tell how far a domain's job is",
    about: "Tells about a save, dump, migration or backup that goes on, or, with --completed, about the last one.",
    options: &[
        ACTIVE_DOMAIN,
        Opt::flag("completed", "tell about the job that ended last"),
        Opt::flag("keep-completed", "keep what is known of the job that ended last"),
        Opt::flag("anystats", "print figures of every kind of job"),
        Opt::flag("rawstats", "print figures as they are"),
    ],
    run: info,
    ..Command::PLAIN
};

pub(super) static ABORT: Command = Command {
    name: "domjobabort",
    summary: "end a domain's job",
    options: &[ACTIVE_DOMAIN, Opt::flag("postcopy", "end a migration that has switched already")],
    run: |shell, arguments| {
        let domain = shell.domain(arguments)?;
        match arguments.has("postcopy") {
            false => shell.call(Remote::domain_abort_job(domain))?,
            true => shell.call(Remote::domain_abort_job_flags(domain, VIR_DOMAIN_ABORT_JOB_POSTCOPY))?,
        }
        Ok(())
    },
    ..Command::PLAIN
};

const KINDS: [&str; 6] = ["None", "Bounded", "Unbounded", "Completed", "Failed", "Cancelled"];
const OPERATIONS: [&str; 11] = [
    "Unknown",
    "Start",
    "Save",
    "Restore",
    "Incoming migration",
    "Outgoing migration",
    "Snapshot",
    "Snapshot revert",
    "Dump",
    "Backup",
    "Snapshot delete",
];

/// How a figure is printed.
#[derive(Clone, Copy)]
enum As {
    Milliseconds,
    Size,
    /// A size each second, unless it is nothing.
    Rate,
    Number(&'static str),
    /// A number in a wider column.
    Wide,
}

/// What of processed, remaining and total there is, and the figures that come with it.
struct Amount {
    title: &'static str,
    field: &'static str,
    with: &'static [(&'static str, &'static str, As)],
}

const AMOUNTS: [Amount; 3] = [
    Amount { title: "Data", field: "data", with: &[] },
    Amount {
        title: "Memory",
        field: "memory",
        with: &[
            ("Memory bandwidth:", "memory_bps", As::Rate),
            ("Dirty rate:", "memory_dirty_rate", As::Number(" pages/s")),
            ("Page size:", "memory_page_size", As::Number(" bytes")),
            ("Iteration:", "memory_iteration", As::Number("")),
            ("Postcopy requests:", "memory_postcopy_requests", As::Number("")),
        ],
    },
    Amount { title: "File", field: "disk", with: &[("File bandwidth:", "disk_bps", As::Rate)] },
];

/// What is printed in the end.
const REST: [(&str, &str, As); 13] = [
    ("Constant pages:", "memory_constant", As::Number("")),
    ("Normal pages:", "memory_normal", As::Number("")),
    ("Normal data:", "memory_normal_bytes", As::Size),
    ("Expected downtime:", "downtime", As::Milliseconds),
    ("Downtime w/o network:", "downtime_net", As::Milliseconds),
    ("Setup time:", "setup_time", As::Milliseconds),
    ("Compression cache:", "compression_cache", As::Size),
    ("Compressed data:", "compression_bytes", As::Size),
    ("Compressed pages:", "compression_pages", As::Wide),
    ("Compression cache misses:", "compression_cache_misses", As::Wide),
    ("Compression overflows:", "compression_overflow", As::Wide),
    ("Auto converge throttle:", "auto_converge_throttle", As::Wide),
    ("Temporary disk space use:", "disk_temp_used", As::Size),
];

fn info(shell: &mut Shell, arguments: &Arguments) -> Outcome {
    arguments.requires("keep-completed", "completed")?;
    let raw = arguments.has("rawstats");
    let domain = shell.domain(arguments)?;
    let flags = arguments.flags(&[
        ("completed", VIR_DOMAIN_JOB_STATS_COMPLETED),
        ("keep-completed", VIR_DOMAIN_JOB_STATS_KEEP_COMPLETED),
    ]);
    let (kind, params) = match shell.call(Remote::domain_get_job_stats(domain.clone(), flags)) {
        Ok(reply) => (reply.kind, reply.params.0),
        Err(error) if error.code() == ErrorCode::NO_SUPPORT => {
            if flags != 0 || raw {
                let text = "Optional flags or --rawstats are not supported by the daemon";
                return Err(Failure::new(text).because(error));
            }
            let info = shell.call(Remote::domain_get_job_info(domain))?;
            let fields = [
                ("time_elapsed", info.time_elapsed),
                ("time_remaining", info.time_remaining),
                ("data_total", info.data_total),
                ("data_processed", info.data_processed),
                ("data_remaining", info.data_remaining),
                ("memory_total", info.mem_total),
                ("memory_processed", info.mem_processed),
                ("memory_remaining", info.mem_remaining),
                ("disk_total", info.file_total),
                ("disk_processed", info.file_processed),
                ("disk_remaining", info.file_remaining),
            ];
            (info.kind, fields.map(|(field, value)| TypedParam::new(field, value)).to_vec())
        }
        Err(error) => return Err(error.into()),
    };
    if raw {
        out!(shell, "Job type: {kind}\n\n");
        for param in &params {
            out!(shell, "{}: {}\n", param.field, show::param(&param.value));
        }
        return Ok(());
    }
    out!(shell, "{:<17} {:<12}\n", "Job type:", word(&KINDS, kind, "unknown"));
    if kind == VIR_DOMAIN_JOB_NONE {
        return Ok(());
    }
    let operation = number(&params, "operation").and_then(|number| i32::try_from(number).ok()).unwrap_or(0);
    out!(shell, "{:<17} {:<12}\n", "Operation:", word(&OPERATIONS, operation, "unknown"));
    let completed = flags & VIR_DOMAIN_JOB_STATS_COMPLETED != 0 && kind == VIR_DOMAIN_JOB_COMPLETED;
    let running = matches!(kind, VIR_DOMAIN_JOB_BOUNDED | VIR_DOMAIN_JOB_UNBOUNDED);
    if !arguments.has("anystats") && !running && !completed {
        return Ok(());
    }
    let elapsed = number(&params, "time_elapsed").unwrap_or(0);
    print(shell, "Time elapsed:", elapsed, As::Milliseconds);
    given(shell, &params, ("Time elapsed w/o network:", "time_elapsed_net", As::Milliseconds));
    if kind == VIR_DOMAIN_JOB_BOUNDED {
        print(shell, "Time remaining:", number(&params, "time_remaining").unwrap_or(0), As::Milliseconds);
    }
    for Amount { title, field, with } in AMOUNTS {
        let parts = ["processed", "remaining", "total"];
        let values = parts.map(|part| number(&params, &format!("{field}_{part}")).unwrap_or(0));
        if values == [0; 3] {
            continue;
        }
        for (part, value) in parts.iter().zip(values) {
            print(shell, &format!("{title} {part}:"), value, As::Size);
        }
        for figure in with {
            given(shell, &params, *figure);
        }
    }
    for (title, field, how) in REST {
        let title = match title {
            "Expected downtime:" if kind == VIR_DOMAIN_JOB_COMPLETED => "Total downtime:",
            title => title,
        };
        given(shell, &params, (title, field, how));
    }
    given(shell, &params, ("Temporary disk space total:", "disk_temp_total", As::Size));
    if let Some(TypedValue::String(text)) = params.iter().find(|p| p.field == "errmsg").map(|p| &p.value) {
        out!(shell, "{:<17} {text}\n", "Error message:");
    }
    Ok(())
}

fn number(params: &[TypedParam], field: &str) -> Option<u64> {
    match &params.iter().find(|param| param.field == field)?.value {
        TypedValue::ULLong(value) => Some(*value),
        TypedValue::UInt(value) => Some((*value).into()),
        TypedValue::Int(value) => u64::try_from(*value).ok(),
        TypedValue::LLong(value) => u64::try_from(*value).ok(),
        _ => None,
    }
}

/// Prints a figure if there is one.
fn given(shell: &mut Shell, params: &[TypedParam], (title, field, how): (&str, &str, As)) {
    if let Some(value) = number(params, field) {
        print(shell, title, value, how);
    }
}

fn print(shell: &mut Shell, title: &str, value: u64, how: As) {
    let (pretty, unit) = size::pretty(value);
    match how {
        As::Milliseconds => out!(shell, "{title:<17} {value:<12} ms\n"),
        As::Size => out!(shell, "{title:<17} {pretty:.3} {unit}\n"),
        As::Rate if value == 0 => {}
        As::Rate => out!(shell, "{title:<17} {pretty:.3} {unit}/s\n"),
        As::Number(unit) => out!(shell, "{title:<17} {value:<12}{unit}\n"),
        As::Wide => out!(shell, "{title:<17} {value:<13}\n"),
    }
}
