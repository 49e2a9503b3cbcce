//! Watching long jobs: how far they are on a terminal's line, and ending them when the user interrupts.

use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use signal_hook::SigId;
use signal_hook::consts::SIGINT;
use virtus::calls::Remote;
use virtus::constants::{VIR_DOMAIN_JOB_BOUNDED, VIR_DOMAIN_JOB_UNBOUNDED};
use virtus::{Connection, DomainRef};

use crate::shell::{Failure, Outcome, Shell};

/// How often a job is looked at.
const PULSE: Duration = Duration::from_millis(500);

/// Writes over the last line how far a job is.
pub(crate) fn progress(shell: &mut Shell, label: &str, remaining: u64, total: u64) {
    let percent = match remaining {
        0 => 100.0,
        _ => (100.0 - remaining as f64 * 100.0 / total as f64).min(99.99),
    };
    shell.flush();
    let percent = (percent * 100.0).trunc() / 100.0;
    let _ = write!(std::io::stderr(), "\r{label}: [{percent:5.2} %]");
}

/// Whether the user has interrupted the program since this was made.
pub(crate) struct Interrupt {
    flag: Arc<AtomicBool>,
    handler: Option<SigId>,
}

impl Interrupt {
    pub(crate) fn watch() -> Self {
        let flag = Arc::new(AtomicBool::new(false));
        let handler = signal_hook::flag::register(SIGINT, flag.clone()).ok();
        Interrupt { flag, handler }
    }

    pub(crate) fn came(&self) -> bool {
        self.flag.load(Ordering::Relaxed)
    }
}

impl Drop for Interrupt {
    fn drop(&mut self) {
        if let Some(handler) = self.handler.take() {
            signal_hook::low_level::unregister(handler);
        }
    }
}

/// What is done when a job takes too long.
pub(crate) struct TooLong {
    pub(crate) after: Duration,
    pub(crate) act: fn(&Connection, &DomainRef),
}

/// Has `work` done by another thread, watches the domain's job meanwhile, and ends it when the user interrupts.
///
/// # Errors
/// The work's.
pub(crate) fn run<R: Send>(
    shell: &mut Shell,
    domain: &DomainRef,
    verbose: bool,
    label: &str,
    too_long: Option<&TooLong>,
    work: impl FnOnce(&Connection) -> Outcome<R> + Send,
) -> Outcome<R> {
    let connection = shell.connection()?.clone();
    let interrupt = Interrupt::watch();
    let (sender, done) = mpsc::channel();
    let worker_connection = connection.clone();
    let outcome = thread::scope(|scope| {
        scope.spawn(move || {
            let _ = sender.send(work(&worker_connection));
        });
        let mut aborted = false;
        let mut started: Option<Instant> = None;
        loop {
            match done.recv_timeout(PULSE) {
                Ok(outcome) => return outcome,
                Err(RecvTimeoutError::Disconnected) => return Err(Failure::silent()),
                Err(RecvTimeoutError::Timeout) => {}
            }
            if interrupt.came() && !std::mem::replace(&mut aborted, true) {
                let _ = connection.call(Remote::domain_abort_job(domain.clone()));
            }
            let Ok(info) = connection.call(Remote::domain_get_job_info(domain.clone())) else { continue };
            if verbose && info.data_total > 0 {
                progress(shell, label, info.data_remaining, info.data_total);
            }
            let running = matches!(info.kind, VIR_DOMAIN_JOB_BOUNDED | VIR_DOMAIN_JOB_UNBOUNDED);
            if running && info.data_total > 0 && started.is_none() {
                started = Some(Instant::now());
            }
            if let (Some(too_long), Some(start)) = (too_long, started)
                && start.elapsed() >= too_long.after
            {
                (too_long.act)(&connection, domain);
                // once is enough
                started = Some(Instant::now() + Duration::from_secs(u32::MAX.into()));
            }
        }
    });
    if outcome.is_ok() && verbose {
        progress(shell, label, 0, 1);
    }
    outcome
}
