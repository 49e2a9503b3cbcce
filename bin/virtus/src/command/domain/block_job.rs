//! Jobs on disks: `blockcommit`, `blockcopy`, `blockpull` and `blockjob`.

use std::sync::mpsc;
use std::time::{Duration, Instant};

use virtus::calls::Remote;
use virtus::constants::*;
use virtus::{DomainEvent, DomainRef, ErrorCode, Event, Registration, Subject, TypedParam};

use crate::command::BLOCK_JOBS;
use crate::command::{ACTIVE_DOMAIN, Command, Opt};
use crate::complete;
use crate::file;
use crate::grammar::{Arguments, Number, Wrapping, exclusive};
use crate::job::{Interrupt, progress};
use crate::shell::{Failure, OrSay, Outcome, Shell, extra, fail, out};
use crate::show::size;
use crate::xml::build::Element;

/// `--bandwidth`: a number as it is, or a size, which becomes MiB unless bytes are wanted.
fn bandwidth(arguments: &Arguments, bytes: bool) -> Outcome<u64> {
    let Some(text) = arguments.has("bandwidth").then(|| arguments.many("bandwidth").last()).flatten() else {
        return Ok(0);
    };
    if let Some(Wrapping(value)) = Wrapping::<u64>::read(text) {
        return Ok(value);
    }
    match arguments.size("bandwidth", 1, u64::MAX) {
        Ok(Some(value)) => Ok(if bytes { value } else { value >> 20 }),
        Ok(None) => Ok(0),
        Err(failure) => {
            let failed = Failure::new(format_args!(
                "Scaled numeric value '{text}' for <--bandwidth> option is malformed or out of range"
            ));
            Err(match failure.cause() {
                Some(cause) => failed.because(cause.clone()),
                None => failed,
            })
        }
    }
}

/// How a job has ended, or that it goes on in step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ended {
    Completed,
    Failed,
    Canceled,
    Ready,
}

/// A job that is waited for.
struct Wait<'a> {
    domain: DomainRef,
    disk: &'a str,
    label: &'static str,
    verbose: bool,
    limit: Option<Duration>,
    abort_flags: u32,
    statuses: mpsc::Receiver<i32>,
    registered: Vec<Registration>,
}

impl<'a> Wait<'a> {
    /// Before the job is started, so that no event is missed.
    fn new(
        shell: &Shell,
        arguments: &Arguments,
        domain: &DomainRef,
        disk: &'a str,
        label: &'static str,
        limit: Option<Duration>,
    ) -> Outcome<Self> {
        let (sender, statuses) = mpsc::channel();
        let mut registered = Vec::new();
        for kind in [VIR_DOMAIN_EVENT_ID_BLOCK_JOB, VIR_DOMAIN_EVENT_ID_BLOCK_JOB_2] {
            let (sender, wanted) = (sender.clone(), disk.to_owned());
            let outcome =
                shell.connection()?.on_event(Subject::Domain(Some(domain.clone())), kind, move |_, event| {
                    let Event::Domain(_, event) = event else { return };
                    let told = match event {
                        DomainEvent::BlockJob { path, status, .. } => Some((path, status)),
                        DomainEvent::BlockJob2 { dst, status, .. } => Some((dst, status)),
                        _ => None,
                    };
                    if let Some((_, status)) = told.filter(|(disk, _)| **disk == wanted) {
                        let _ = sender.send(*status);
                    }
                });
            // without events the job is asked how it is
            registered.extend(outcome);
        }
        let abort_flags = if arguments.has("async") { VIR_DOMAIN_BLOCK_JOB_ABORT_ASYNC } else { 0 };
        let verbose = arguments.has("verbose");
        Ok(Wait { domain: domain.clone(), disk, label, verbose, limit, abort_flags, statuses, registered })
    }

    fn finish(self, shell: &mut Shell) -> Outcome<Ended> {
        let ended = self.wait(shell);
        for registration in &self.registered {
            let _ = shell.connection()?.forget(*registration);
        }
        if self.verbose && matches!(ended, Ok(Ended::Completed | Ended::Ready)) {
            progress(shell, self.label, 0, 1);
        }
        ended
    }

    fn wait(&self, shell: &mut Shell) -> Outcome<Ended> {
        let interrupt = Interrupt::watch();
        let start = Instant::now();
        let connection = shell.connection()?.clone();
        let has_events = self.registered.len() == 2;
        let mut retries = 5;
        let mut last = (0, 0);
        loop {
            let info = shell
                .call(Remote::domain_get_block_job_info(self.domain.clone(), self.disk.to_owned(), 0))
                .or_say(format_args!("failed to query job for disk {}", self.disk))?;
            if let Some(status) = self.statuses.try_iter().last() {
                return Ok(match status {
                    VIR_DOMAIN_BLOCK_JOB_COMPLETED => Ended::Completed,
                    VIR_DOMAIN_BLOCK_JOB_CANCELED => Ended::Canceled,
                    VIR_DOMAIN_BLOCK_JOB_READY => Ended::Ready,
                    _ => Ended::Failed,
                });
            }
            if !has_events {
                if info.found == 0 {
                    return Ok(Ended::Completed);
                }
                if info.end == info.cur {
                    retries -= 1;
                    if self.registered.is_empty() || retries == 0 {
                        return Ok(Ended::Ready);
                    }
                }
            }
            if self.verbose && (info.cur, info.end) != last {
                progress(shell, self.label, info.end.saturating_sub(info.cur), info.end);
            }
            last = (info.cur, info.end);
            if interrupt.came() || self.limit.is_some_and(|limit| start.elapsed() > limit) {
                abort(shell, &self.domain, self.disk, self.abort_flags)
                    .or_say(format_args!("failed to abort job for disk '{}'", self.disk))?;
                return Ok(Ended::Canceled);
            }
            connection.run_events(Some(Duration::from_millis(500)))?;
        }
    }
}

fn abort(shell: &Shell, domain: &DomainRef, disk: &str, flags: u32) -> virtus::Result<()> {
    shell.call(Remote::domain_block_job_abort(domain.clone(), disk.to_owned(), flags))
}

/// Tells of a job that did not do what it was to do.
fn unless_ended_well(shell: &mut Shell, ended: Ended, what: &str) -> Outcome {
    match ended {
        Ended::Canceled => extra!(shell, "\n{what} aborted"),
        Ended::Failed => extra!(shell, "\n{what} failed"),
        Ended::Completed | Ended::Ready => return Ok(()),
    }
    Err(Failure::silent())
}

/// `--verbose` and `--async` are for those who wait.
fn waits(arguments: &Arguments, blocking: bool, finish: &str) -> Outcome {
    for option in ["verbose", "async"] {
        if !blocking && arguments.has(option) {
            fail!("--{option} requires at least one of --timeout, --wait, --pivot, or --{finish}");
        }
    }
    Ok(())
}

pub(super) static COMMIT: Command = Command {
    name: "blockcommit",
    summary: "merge images of a disk into an image below them",
    options: &[
        ACTIVE_DOMAIN,
        Opt::text("path", "the disk: its target or its source")
            .positional()
            .required()
            .asks(complete::disk_targets),
        Opt::number("bandwidth", "MiB/s at most").also_positional(),
        Opt::text("base", "the image to commit into").also_positional(),
        Opt::flag("shallow", "only the top image"),
        Opt::text("top", "the image from which to commit").also_positional(),
        Opt::flag("active", "commit the image that the guest writes to, in two phases"),
        Opt::flag("delete", "delete the images that are committed"),
        Opt::flag("wait", "wait until it is done"),
        Opt::flag("verbose", "show how far it is"),
        Opt::number("timeout", "give up after so many seconds").also_positional(),
        Opt::flag("pivot", "go over to the copy when it is done"),
        Opt::flag("keep-overlay", "keep writing to the overlay when it is done"),
        Opt::flag("async", "do not wait until the job has ended"),
        Opt::flag("keep-relative", "keep backing paths relative"),
        Opt::flag("bytes", "--bandwidth counts in bytes"),
    ],
    run: commit,
    ..Command::PLAIN
};

fn commit(shell: &mut Shell, arguments: &Arguments) -> Outcome {
    let (pivot, keep) = (arguments.has("pivot"), arguments.has("keep-overlay"));
    let active = arguments.has("active") || pivot || keep;
    arguments.exclusive("pivot", "keep-overlay")?;
    let path = arguments.needed("path")?;
    let (base, top) = (arguments.text("base")?.map(str::to_owned), arguments.text("top")?.map(str::to_owned));
    let bandwidth = bandwidth(arguments, arguments.has("bytes"))?;
    let mut flags = arguments.flags(&[
        ("bytes", VIR_DOMAIN_BLOCK_COMMIT_BANDWIDTH_BYTES),
        ("shallow", VIR_DOMAIN_BLOCK_COMMIT_SHALLOW),
        ("delete", VIR_DOMAIN_BLOCK_COMMIT_DELETE),
        ("keep-relative", VIR_DOMAIN_BLOCK_COMMIT_RELATIVE),
    ]);
    if active {
        flags |= VIR_DOMAIN_BLOCK_COMMIT_ACTIVE;
    }
    let limit = arguments.timeout_ms()?.map(Duration::from_millis);
    let blocking = arguments.has("wait") || pivot || keep || limit.is_some();
    waits(arguments, blocking, "keep-overlay")?;
    let domain = shell.domain(arguments)?;
    let wait =
        blocking.then(|| Wait::new(shell, arguments, &domain, path, "Block commit", limit)).transpose()?;
    shell.call(Remote::domain_block_commit(domain.clone(), path.to_owned(), base, top, bandwidth, flags))?;
    let Some(wait) = wait else {
        extra!(shell, "{}Block Commit started", if active { "Active " } else { "" });
        return Ok(());
    };
    let abort_flags = wait.abort_flags;
    let ended = wait.finish(shell)?;
    unless_ended_well(shell, ended, "Commit")?;
    if !active {
        extra!(shell, "\nCommit complete");
    } else if pivot {
        abort(shell, &domain, path, abort_flags | VIR_DOMAIN_BLOCK_JOB_ABORT_PIVOT)
            .or_say(format_args!("failed to pivot job for disk {path}"))?;
        extra!(shell, "\nSuccessfully pivoted");
    } else if keep {
        abort(shell, &domain, path, abort_flags)
            .or_say(format_args!("failed to finish job for disk {path}"))?;
        extra!(shell, "\nCommit complete, overlay image kept");
    } else {
        extra!(shell, "\nNow in synchronized phase");
    }
    Ok(())
}

pub(super) static COPY: Command = Command {
    name: "blockcopy",
    summary: "copy a disk of a running domain",
    options: &[
        ACTIVE_DOMAIN,
        Opt::text("path", "the disk: its target or its source")
            .positional()
            .required()
            .asks(complete::disk_targets),
        Opt::text("dest", "the path to copy to").also_positional(),
        Opt::number("bandwidth", "MiB/s at most").also_positional(),
        Opt::flag("shallow", "only the top image"),
        Opt::flag("reuse-external", "use files that are there"),
        Opt::alias("raw", "format=raw"),
        Opt::flag("blockdev", "the destination is a block device"),
        Opt::flag("wait", "wait until it is done"),
        Opt::flag("verbose", "show how far it is"),
        Opt::number("timeout", "give up after so many seconds").also_positional(),
        Opt::flag("pivot", "go over to the copy when it is done"),
        Opt::flag("finish", "end the copy when it is in step"),
        Opt::flag("async", "do not wait until the job has ended"),
        Opt::text("xml", "a file with the XML of the destination").also_positional().file(),
        Opt::text("format", "the format of the destination").also_positional(),
        Opt::number("granularity", "copy in pieces of so many bytes").also_positional(),
        Opt::number("buf-size", "bytes that may be on their way").also_positional(),
        Opt::flag("bytes", "--bandwidth counts in bytes"),
        Opt::flag("transient-job", "do not let it survive the daemon"),
        Opt::flag("synchronous-writes", "let the guest write to both sides meanwhile"),
        Opt::flag("print-xml", "print the XML and do nothing"),
    ],
    run: copy,
    ..Command::PLAIN
};

fn copy(shell: &mut Shell, arguments: &Arguments) -> Outcome {
    let [pivot, finish, blockdev, bytes, transient, synchronous] =
        ["pivot", "finish", "blockdev", "bytes", "transient-job", "synchronous-writes"]
            .map(|name| arguments.has(name));
    let path = arguments.needed("path")?;
    let (dest, xml, format) = (arguments.text("dest")?, arguments.text("xml")?, arguments.text("format")?);
    let mut bandwidth = bandwidth(arguments, bytes)?;
    let granularity = arguments.number::<u32>("granularity")?.unwrap_or(0);
    let buffer = arguments.number::<u64>("buf-size")?.unwrap_or(0);
    let mut flags = arguments.flags(&[
        ("shallow", VIR_DOMAIN_BLOCK_REBASE_SHALLOW),
        ("reuse-external", VIR_DOMAIN_BLOCK_REBASE_REUSE_EXT),
        ("transient-job", VIR_DOMAIN_BLOCK_COPY_TRANSIENT_JOB),
        ("synchronous-writes", VIR_DOMAIN_BLOCK_COPY_SYNCHRONOUS_WRITES),
    ]);
    let limit = arguments.timeout_ms()?.map(Duration::from_millis);
    let blocking = arguments.has("wait") || finish || pivot || limit.is_some();
    let with_xml = ("xml", xml.is_some());
    exclusive(("dest", dest.is_some()), with_xml)?;
    exclusive(("format", format.is_some()), with_xml)?;
    exclusive(("blockdev", blockdev), with_xml)?;
    exclusive(("pivot", pivot), ("finish", finish))?;
    if dest.is_none() && xml.is_none() {
        fail!("need either --dest or --xml");
    }
    waits(arguments, blocking, "finish")?;
    let domain = shell.domain(arguments)?;
    let wait =
        blocking.then(|| Wait::new(shell, arguments, &domain, path, "Block Copy", limit)).transpose()?;
    let print = arguments.has("print-xml");
    let modern = granularity != 0
        || buffer != 0
        || format.is_some_and(|format| format != "raw")
        || xml.is_some()
        || transient
        || synchronous
        || print;
    if modern {
        let mut params = Vec::new();
        if bandwidth != 0 {
            if !bytes {
                let most = u64::MAX >> 20;
                if bandwidth > most {
                    fail!("bandwidth must be less than {most}");
                }
                bandwidth <<= 20;
            }
            params.push(TypedParam::new("bandwidth", bandwidth));
        }
        if granularity != 0 {
            params.push(TypedParam::new("granularity", granularity));
        }
        if buffer != 0 {
            params.push(TypedParam::new("buf-size", buffer));
        }
        let xml = match xml {
            Some(path) => file::read(path)?,
            None => destination(dest, blockdev, format),
        };
        if print {
            out!(shell, "{xml}");
            return Ok(());
        }
        shell.call(Remote::domain_block_copy(domain.clone(), path.to_owned(), xml, params.into(), flags))?;
    } else {
        flags |= VIR_DOMAIN_BLOCK_REBASE_COPY;
        flags |= arguments.flags(&[
            ("blockdev", VIR_DOMAIN_BLOCK_REBASE_COPY_DEV),
            ("bytes", VIR_DOMAIN_BLOCK_REBASE_BANDWIDTH_BYTES),
        ]);
        if format == Some("raw") {
            flags |= VIR_DOMAIN_BLOCK_REBASE_COPY_RAW;
        }
        let dest = dest.map(str::to_owned);
        shell.call(Remote::domain_block_rebase(domain.clone(), path.to_owned(), dest, bandwidth, flags))?;
    }
    let Some(wait) = wait else {
        extra!(shell, "Block Copy started");
        return Ok(());
    };
    let abort_flags = wait.abort_flags;
    let ended = wait.finish(shell)?;
    unless_ended_well(shell, ended, "Copy")?;
    if pivot {
        abort(shell, &domain, path, abort_flags | VIR_DOMAIN_BLOCK_JOB_ABORT_PIVOT)
            .or_say(format_args!("failed to pivot job for disk {path}"))?;
        extra!(shell, "\nSuccessfully pivoted");
    } else if finish {
        abort(shell, &domain, path, abort_flags)
            .or_say(format_args!("failed to finish job for disk {path}"))?;
        extra!(shell, "\nSuccessfully copied");
    } else {
        extra!(shell, "\nNow in mirroring phase");
    }
    Ok(())
}

/// The disk to copy to.
fn destination(dest: Option<&str>, blockdev: bool, format: Option<&str>) -> String {
    let (kind, attribute) = if blockdev { ("block", "dev") } else { ("file", "file") };
    let mut disk = Element::new("disk").attribute("type", Some(kind));
    disk.child(Element::new("source").attribute(attribute, dest));
    disk.child(Element::new("driver").attribute("type", format));
    disk.finish()
}

pub(super) static PULL: Command = Command {
    name: "blockpull",
    summary: "merge the images below a disk's image into it",
    options: &[
        ACTIVE_DOMAIN,
        Opt::text("path", "the disk: its target or its source")
            .positional()
            .required()
            .asks(complete::disk_targets),
        Opt::number("bandwidth", "MiB/s at most").also_positional(),
        Opt::text("base", "the image that is not changed and what is below it").also_positional(),
        Opt::flag("wait", "wait until it is done"),
        Opt::flag("verbose", "show how far it is"),
        Opt::number("timeout", "give up after so many seconds").also_positional(),
        Opt::flag("async", "do not wait until the job has ended"),
        Opt::flag("keep-relative", "keep backing paths relative"),
        Opt::flag("bytes", "--bandwidth counts in bytes"),
    ],
    run: pull,
    ..Command::PLAIN
};

fn pull(shell: &mut Shell, arguments: &Arguments) -> Outcome {
    arguments.requires("verbose", "wait")?;
    arguments.requires("async", "wait")?;
    let path = arguments.needed("path")?;
    let base = arguments.text("base")?.map(str::to_owned);
    let bytes = arguments.has("bytes");
    let bandwidth = bandwidth(arguments, bytes)?;
    let limit = arguments.timeout_ms()?.map(Duration::from_millis);
    let mut flags = arguments.flags(&[("keep-relative", VIR_DOMAIN_BLOCK_REBASE_RELATIVE)]);
    let domain = shell.domain(arguments)?;
    let wait = arguments
        .has("wait")
        .then(|| Wait::new(shell, arguments, &domain, path, "Block Pull", limit))
        .transpose()?;
    if base.is_some() || flags != 0 {
        if bytes {
            flags |= VIR_DOMAIN_BLOCK_REBASE_BANDWIDTH_BYTES;
        }
        shell.call(Remote::domain_block_rebase(domain, path.to_owned(), base, bandwidth, flags))?;
    } else {
        let flags = if bytes { VIR_DOMAIN_BLOCK_PULL_BANDWIDTH_BYTES } else { 0 };
        shell.call(Remote::domain_block_pull(domain, path.to_owned(), bandwidth, flags))?;
    }
    let Some(wait) = wait else {
        extra!(shell, "Block Pull started");
        return Ok(());
    };
    let ended = wait.finish(shell)?;
    unless_ended_well(shell, ended, "Pull")?;
    extra!(shell, "\nPull complete");
    Ok(())
}

pub(super) static JOB: Command = Command {
    name: "blockjob",
    summary: "tell about the job on a disk, change its speed, or end it",
    options: &[
        ACTIVE_DOMAIN,
        Opt::text("path", "the disk: its target or its source")
            .positional()
            .required()
            .asks(complete::disk_targets),
        Opt::flag("abort", "end the job"),
        Opt::flag("async", "do not wait until the job has ended"),
        Opt::flag("pivot", "go over to the copy when it is done"),
        Opt::flag("info", "tell about the job"),
        Opt::flag("bytes", "--bandwidth counts in bytes"),
        Opt::flag("raw", "print figures as they are"),
        Opt::number("bandwidth", "MiB/s at most").also_positional(),
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
