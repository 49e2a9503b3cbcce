//! Waiting at the gate.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::Notify;
use virtus_base::{Error, ErrorCode, ErrorDomain};

use super::{Current, Job, Wanted, admit};

/// Who asks for a job: for those who have to wait for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Owner {
    /// The call, under the name libvirt's texts have for it, e.g. `remoteDispatchDomainSuspend`.
    pub api: &'static str,
    /// The client's process id, where it has one.
    pub pid: Option<i32>,
}

/// Lets jobs begin when [`admit`] says so, in the order they came.
#[derive(Debug, Default)]
pub struct Gate(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    changed: Notify,
}

#[derive(Debug, Default)]
struct State {
    current: Current,
    next: u64,
    holders: BTreeMap<u64, Holder>,
    waiting: BTreeMap<u64, Wanted>,
}

#[derive(Clone, Debug)]
struct Holder {
    wanted: Wanted,
    owner: Owner,
    since: Instant,
    cancelled: Arc<Cancel>,
}

#[derive(Debug, Default)]
struct Cancel {
    set: AtomicBool,
    notify: Notify,
}

/// The job has lost its object to a destroy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cancelled;

/// A job that has begun; it ends when this is dropped.
#[derive(Debug)]
pub struct Guard {
    gate: Arc<Shared>,
    ticket: u64,
    wanted: Wanted,
    cancelled: Arc<Cancel>,
}

impl Gate {
    /// Waits at most `patience` until the job may begin. A destroy does not wait and cancels what goes on.
    /// `object` is for the log.
    ///
    /// # Errors
    /// `OPERATION_TIMEOUT` in libvirt's words, with the holder's age and process in the raw fields `str3` and
    /// `int1` (seconds).
    pub async fn begin(
        &self,
        wanted: Wanted,
        owner: Owner,
        patience: Duration,
        object: &str,
    ) -> Result<Guard, Error> {
        if let Some(guard) = self.try_begin(wanted, owner) {
            return Ok(guard);
        }
        let ticket = Waiting::new(&self.0, wanted);
        let admitted = async {
            loop {
                // before looking, so that no change is missed
                let changed = self.0.changed.notified();
                if let Some(guard) = ticket.enter(owner) {
                    return guard;
                }
                changed.await;
            }
        };
        match tokio::time::timeout(patience, admitted).await {
            Ok(guard) => Ok(guard),
            Err(_) => Err(self.refusal(wanted, owner, object)),
        }
    }

    /// Begins the job if that is possible now and nobody came before.
    pub fn try_begin(&self, wanted: Wanted, owner: Owner) -> Option<Guard> {
        let mut state = self.0.lock();
        let ticket = state.ticket();
        state.enter(&self.0, ticket, wanted, owner)
    }

    /// What goes on now.
    pub fn current(&self) -> Current {
        self.0.lock().current
    }

    /// For how long the oldest of the jobs has gone on.
    pub fn oldest(&self) -> Option<Duration> {
        self.0.lock().holders.values().map(|h| h.since.elapsed()).max()
    }

    fn refusal(&self, wanted: Wanted, owner: Owner, object: &str) -> Error {
        let state = self.0.lock();
        let agent = matches!(wanted, Wanted::Agent(_));
        // a short job explains more than the long one beside it
        let holder = state
            .holders
            .values()
            .filter(|h| matches!(h.wanted, Wanted::Agent(_)) == agent)
            .min_by_key(|h| matches!(h.wanted, Wanted::Async(..)));
        let detail = match holder {
            Some(h) => {
                let side = if agent { "agent" } else { "monitor" };
                format!("cannot acquire state change lock (held by {side}={})", h.owner.api)
            }
            None => "cannot acquire state change lock".to_owned(),
        };
        let mut fields = Error::new(ErrorDomain::QEMU, ErrorCode::OPERATION_TIMEOUT, detail).fields().clone();
        if let Some(h) = holder {
            let age = h.since.elapsed().as_secs();
            let pid = h.owner.pid.map_or_else(String::new, |pid| format!(" by process {pid}"));
            fields.str3 = Some(format!("{} held for {age}s{pid}", name(h.wanted)));
            fields.int1 = i32::try_from(age).unwrap_or(i32::MAX);
            tracing::warn!(
                "Cannot start job ({}) in API {} for domain {object}; current job is ({}) owned by ({}{pid}) for ({age}s)",
                name(wanted),
                owner.api,
                name(h.wanted),
                h.owner.api,
            );
        }
        Error::from_fields(fields)
    }
}

fn name(wanted: Wanted) -> &'static str {
    match wanted {
        Wanted::Job(job) | Wanted::Nested(job) => job.name(),
        Wanted::Agent(job) => job.name(),
        Wanted::Async(job, _) => job.name(),
    }
}

impl Shared {
    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn ticket(&mut self) -> u64 {
        self.next += 1;
        self.next
    }

    fn enter(&mut self, gate: &Arc<Shared>, ticket: u64, wanted: Wanted, owner: Owner) -> Option<Guard> {
        let destroy = matches!(wanted, Wanted::Job(Job::Destroy) | Wanted::Nested(Job::Destroy));
        let first = !self.waiting.range(..ticket).any(|(_, earlier)| admit(&self.current, *earlier));
        if !admit(&self.current, wanted) || !(first || destroy) {
            return None;
        }
        if destroy {
            self.holders.values().for_each(|h| h.cancelled.set());
        }
        let cancelled = Arc::new(Cancel::default());
        self.waiting.remove(&ticket);
        self.current.begin(wanted);
        let holder = Holder { wanted, owner, since: Instant::now(), cancelled: Arc::clone(&cancelled) };
        self.holders.insert(ticket, holder);
        Some(Guard { gate: Arc::clone(gate), ticket, wanted, cancelled })
    }
}

/// A place in the queue, given up when the waiter does.
struct Waiting<'a> {
    gate: &'a Arc<Shared>,
    ticket: u64,
    wanted: Wanted,
}

impl<'a> Waiting<'a> {
    fn new(gate: &'a Arc<Shared>, wanted: Wanted) -> Self {
        let mut state = gate.lock();
        let ticket = state.ticket();
        state.waiting.insert(ticket, wanted);
        Waiting { gate, ticket, wanted }
    }

    fn enter(&self, owner: Owner) -> Option<Guard> {
        self.gate.lock().enter(self.gate, self.ticket, self.wanted, owner)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        if self.gate.lock().waiting.remove(&self.ticket).is_some() {
            // it may have been the one that others let go first
            self.gate.changed.notify_waiters();
        }
    }
}

impl Cancel {
    fn set(&self) {
        self.set.store(true, Ordering::Release);
        self.notify.notify_waiters();
    }
}

impl Guard {
    /// Whether a destroy has taken the object away.
    pub fn is_cancelled(&self) -> bool {
        self.cancelled.set.load(Ordering::Acquire)
    }

    /// Runs `work` until it ends or a destroy takes the object away.
    ///
    /// # Errors
    /// [`Cancelled`] in the second case; `work` was dropped then.
    pub async fn unless_cancelled<T>(&self, work: impl Future<Output = T>) -> Result<T, Cancelled> {
        let cancelled = async {
            loop {
                let notified = self.cancelled.notify.notified();
                if self.is_cancelled() {
                    return;
                }
                notified.await;
            }
        };
        tokio::select! {
            biased;
            () = cancelled => Err(Cancelled),
            result = work => Ok(result),
        }
    }

    /// Which job it is.
    pub fn wanted(&self) -> Wanted {
        self.wanted
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        let mut state = self.gate.lock();
        state.current.end(self.wanted);
        state.holders.remove(&self.ticket);
        drop(state);
        self.gate.changed.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use super::super::{AgentJob, AsyncJob, Mask};
    use super::*;

    const ME: Owner = Owner { api: "remoteDispatchDomainSuspend", pid: Some(42) };
    const SOON: Duration = Duration::ZERO;
    const LONG: Duration = Duration::from_secs(3600);

    #[tokio::test]
    async fn the_refusal_names_the_holder() {
        let gate = Gate::default();
        let _held = gate.begin(Wanted::Job(Job::Suspend), ME, SOON, "d").await.unwrap();
        let e = gate.begin(Wanted::Job(Job::Modify), ME, SOON, "d").await.unwrap_err();
        assert_eq!(e.code(), ErrorCode::OPERATION_TIMEOUT);
        assert_eq!(
            e.message(),
            "Timed out during operation: cannot acquire state change lock (held by monitor=remoteDispatchDomainSuspend)"
        );
        assert_eq!(e.fields().str3.as_deref(), Some("suspend held for 0s by process 42"));
        gate.begin(Wanted::Agent(AgentJob::Query), ME, SOON, "d").await.unwrap();
    }

    #[tokio::test]
    async fn a_destroy_goes_first_and_cancels() {
        let gate = Gate::default();
        let held = gate.begin(Wanted::Async(AsyncJob::Start, Mask::NONE), ME, SOON, "d").await.unwrap();
        assert!(!held.is_cancelled());
        let destroy = gate.begin(Wanted::Job(Job::Destroy), ME, SOON, "d").await.unwrap();
        assert_eq!(held.unless_cancelled(std::future::pending::<()>()).await, Err(Cancelled));
        drop(held);
        assert!(gate.try_begin(Wanted::Job(Job::Query), ME).is_none());
        drop(destroy);
        assert!(gate.try_begin(Wanted::Job(Job::Query), ME).is_some());
        assert_eq!(gate.current(), Current::default());
    }

    #[tokio::test]
    async fn those_who_wait_come_in_order() {
        let gate = Arc::new(Gate::default());
        let order = Arc::new(Mutex::new(Vec::new()));
        let held = gate.begin(Wanted::Job(Job::Modify), ME, SOON, "d").await.unwrap();
        let mut tasks = Vec::new();
        for n in 0..5 {
            let (gate2, order) = (Arc::clone(&gate), Arc::clone(&order));
            tasks.push(tokio::spawn(async move {
                let _guard = gate2.begin(Wanted::Job(Job::Modify), ME, LONG, "d").await.unwrap();
                order.lock().unwrap().push(n);
            }));
            while gate.0.lock().waiting.len() <= n {
                tokio::task::yield_now().await;
            }
        }
        drop(held);
        for task in tasks {
            task.await.unwrap();
        }
        assert_eq!(*order.lock().unwrap(), [0, 1, 2, 3, 4]);
    }
}
