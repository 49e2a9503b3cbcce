//! `blockjob`

use virtus::calls::Remote;
use virtus::constants::*;
use virtus::{DomainRef, ErrorCode};

use super::wait::abort;
use super::*;
use crate::command::{ACTIVE_DOMAIN, BLOCK_JOBS, Command};
use crate::job::progress;
use crate::shell::{Shell, extra, fail, out};
use crate::show::size;

pub(in crate::command::domain) static JOB: Command = Command {
    name: "blockjob",
    summary: "tell about the job on a disk, change its speed, or end it",
    options: &[
        ACTIVE_DOMAIN,
        PATH,
        Opt::flag("abort", "end the job"),
        ASYNC,
        PIVOT,
        Opt::flag("info", "tell about the job"),
        BYTES,
        Opt::flag("raw", "print figures as they are"),
        BANDWIDTH,
    ],
    run: job,
    ..Command::PLAIN
};

fn job(shell: &mut Shell, arguments: &Arguments) -> Outcome {
    for option in ["abort", "pivot", "async", "bandwidth"] {
        arguments.exclusive("raw", option)?;
    }
    for option in ["abort", "pivot", "async", "bandwidth"] {
        arguments.exclusive("info", option)?;
    }
    for option in ["abort", "pivot", "async"] {
        arguments.exclusive("bytes", option)?;
    }
    let domain = shell.domain(arguments)?;
    let path = arguments.needed("path")?;
    let bytes = arguments.has("bytes");
    if arguments.has("bandwidth") {
        let bandwidth = bandwidth(arguments, bytes)?;
        let flags = if bytes { VIR_DOMAIN_BLOCK_JOB_SPEED_BANDWIDTH_BYTES } else { 0 };
        return Ok(shell.call(Remote::domain_block_job_set_speed(
            domain,
            path.to_owned(),
            bandwidth,
            flags,
        ))?);
    }
    if arguments.has("abort") || arguments.has("pivot") || arguments.has("async") {
        let flags = arguments.flags(&[
            ("async", VIR_DOMAIN_BLOCK_JOB_ABORT_ASYNC),
            ("pivot", VIR_DOMAIN_BLOCK_JOB_ABORT_PIVOT),
        ]);
        return Ok(abort(shell, &domain, path, flags)?);
    }
    job_info(shell, &domain, path, arguments.has("raw"), bytes)
}

fn job_info(shell: &mut Shell, domain: &DomainRef, path: &str, raw: bool, bytes: bool) -> Outcome {
    let ask = |flags| Remote::domain_get_block_job_info(domain.clone(), path.to_owned(), flags);
    let mut in_bytes = bytes || !raw;
    let flags = if in_bytes { VIR_DOMAIN_BLOCK_JOB_INFO_BANDWIDTH_BYTES } else { 0 };
    let info = match shell.call(ask(flags)) {
        Err(error)
            if in_bytes && !bytes && matches!(error.code(), ErrorCode::INVALID_ARG | ErrorCode::OVERFLOW) =>
        {
            in_bytes = false;
            shell.call(ask(0))?
        }
        outcome => outcome?,
    };
    if info.found == 0 {
        if !raw {
            extra!(shell, "No current block job for {path}");
        }
        return Ok(());
    }
    let kind = usize::try_from(info.kind).ok();
    if raw {
        let kind = kind.and_then(|kind| BLOCK_JOBS.get(kind)).unwrap_or(&"(null)");
        out!(shell, " type={kind}\n bandwidth={}\n cur={}\n end={}\n", info.bandwidth, info.cur, info.end);
        return Ok(());
    }
    let speed = match in_bytes {
        true => info.bandwidth,
        false => match info.bandwidth.checked_mul(1 << 20) {
            Some(speed) => speed,
            None => fail!("overflow in converting {} MiB/s to bytes", info.bandwidth),
        },
    };
    let label = kind.and_then(|kind| BLOCK_JOBS.get(kind)).unwrap_or(&"Unknown job");
    progress(shell, label, info.end.saturating_sub(info.cur), info.end);
    if speed != 0 {
        let (value, unit) = size::pretty(speed);
        out!(shell, "    Bandwidth limit: {speed} bytes/s ({value:.3} {unit}/s)");
    }
    out!(shell, "\n");
    Ok(())
}
