//! Waiting for a job, and ending it.

use std::sync::mpsc;
use std::time::{Duration, Instant};

use virtus::calls::Remote;
use virtus::constants::*;
use virtus::{DomainEvent, DomainRef, Event, Registration, Subject};

use crate::grammar::Arguments;
use crate::job::{Interrupt, progress};
use crate::shell::{Failure, OrSay, Outcome, Shell, extra, fail};

/// How a job has ended, or that it goes on in step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ended {
    Completed,
    Failed,
    Canceled,
    Ready,
}

/// A job that is waited for.
pub(super) struct Wait<'a> {
    domain: DomainRef,
    disk: &'a str,
    label: &'static str,
    verbose: bool,
    limit: Option<Duration>,
    pub(super) abort_flags: u32,
    statuses: mpsc::Receiver<i32>,
    registered: Vec<Registration>,
}

impl<'a> Wait<'a> {
    /// Before the job is started, so that no event is missed.
    pub(super) fn new(
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

    pub(super) fn finish(self, shell: &mut Shell) -> Outcome<Ended> {
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

pub(super) fn abort(shell: &Shell, domain: &DomainRef, disk: &str, flags: u32) -> virtus::Result<()> {
    shell.call(Remote::domain_block_job_abort(domain.clone(), disk.to_owned(), flags))
}

/// Tells of a job that did not do what it was to do.
pub(super) fn unless_ended_well(shell: &mut Shell, ended: Ended, what: &str) -> Outcome {
    match ended {
        Ended::Canceled => extra!(shell, "\n{what} aborted"),
        Ended::Failed => extra!(shell, "\n{what} failed"),
        Ended::Completed | Ended::Ready => return Ok(()),
    }
    Err(Failure::silent())
}

/// `--verbose` and `--async` are for those who wait.
pub(super) fn waits(arguments: &Arguments, blocking: bool, finish: &str) -> Outcome {
    for option in ["verbose", "async"] {
        if !blocking && arguments.has(option) {
            fail!("--{option} requires at least one of --timeout, --wait, --pivot, or --{finish}");
        }
    }
    Ok(())
}

/// Ends a job that has come into step, as the options want: goes over to the copy, or stays with what was there.
pub(super) fn settle(
    shell: &mut Shell,
    arguments: &Arguments,
    (domain, disk, abort_flags): (&DomainRef, &str, u32),
    (finish, finished): (&str, &str),
    in_step: &str,
) -> Outcome {
    if arguments.has("pivot") {
        abort(shell, domain, disk, abort_flags | VIR_DOMAIN_BLOCK_JOB_ABORT_PIVOT)
            .or_say(format_args!("failed to pivot job for disk {disk}"))?;
        extra!(shell, "\nSuccessfully pivoted");
    } else if arguments.has(finish) {
        abort(shell, domain, disk, abort_flags)
            .or_say(format_args!("failed to finish job for disk {disk}"))?;
        extra!(shell, "\n{finished}");
    } else {
        extra!(shell, "\n{in_step}");
    }
    Ok(())
}
