//! Which jobs may run on an object at the same time.
//!
//! The rule is the pure [`admit`]; [`Gate`] waits by it. The kinds of job are libvirt's.

mod wait;

pub use wait::{Cancelled, Gate, Guard, Owner};

macro_rules! kinds {
    ($($(#[$meta:meta])* pub enum $name:ident { $($variant:ident = $text:literal,)* })*) => {$(
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[allow(missing_docs)]
        pub enum $name { $($variant,)* }

        impl $name {
            /// libvirt's name.
            pub fn name(self) -> &'static str {
                match self { $($name::$variant => $text,)* }
            }
        }
    )*};
}

kinds! {
    /// Short jobs (`virDomainJob`).
    pub enum Job {
        Query = "query", Destroy = "destroy", Suspend = "suspend", Modify = "modify", Abort = "abort",
        MigrationOp = "migration operation",
    }
    /// Jobs that talk to the agent inside the guest; they go beside the others.
    pub enum AgentJob {
        Query = "query", Modify = "modify",
    }
    /// Jobs that take long and let some short ones in between (`virDomainAsyncJob`).
    pub enum AsyncJob {
        MigrationOut = "migration out", MigrationIn = "migration in", Save = "save", Dump = "dump",
        Snapshot = "snapshot", Start = "start", Backup = "backup",
    }
}

/// The short jobs a long one lets in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mask(u8);

impl Mask {
    /// No job at all.
    pub const NONE: Mask = Mask(0);
    /// What long jobs usually let in: query, destroy and abort.
    pub const DEFAULT: Mask = Mask::NONE.and(Job::Query).and(Job::Destroy).and(Job::Abort);

    /// This mask with one more job.
    pub const fn and(self, job: Job) -> Mask {
        Mask(self.0 | 1 << job as u8)
    }

    /// Whether the job may come in.
    pub const fn allows(self, job: Job) -> bool {
        self.0 & 1 << job as u8 != 0
    }
}

/// What somebody wants to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// A short job.
    Job(Job),
    /// A short job as a part of the long one that the caller holds.
    Nested(Job),
    /// A job with the agent.
    Agent(AgentJob),
    /// A long job, which lets in what its mask says.
    Async(AsyncJob, Mask),
}

/// What is going on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Current {
    /// The short job, if any; a destroy goes beside it.
    pub job: Option<Job>,
    /// The job with the agent.
    pub agent: Option<AgentJob>,
    /// The long job.
    pub long: Option<(AsyncJob, Mask)>,
    /// How many destroys there are.
    pub destroys: u32,
}

/// Whether `wanted` may begin while `current` goes on.
///
/// A destroy always may. A short job waits for another short one, for a destroy, and for a long job that does
/// not let it in; a part of a long job does not wait for that. A long job waits for every other but the
/// agent's. The agent's jobs wait only for each other.
pub fn admit(current: &Current, wanted: Wanted) -> bool {
    let quiet = current.job.is_none() && current.destroys == 0;
    match wanted {
        Wanted::Job(Job::Destroy) | Wanted::Nested(Job::Destroy) => true,
        Wanted::Job(job) => quiet && current.long.is_none_or(|(_, mask)| mask.allows(job)),
        Wanted::Nested(_) => quiet,
        Wanted::Async(..) => quiet && current.long.is_none(),
        Wanted::Agent(_) => current.agent.is_none(),
    }
}

impl Current {
    /// Notes that `wanted` has begun; [`admit`] has allowed it.
    pub fn begin(&mut self, wanted: Wanted) {
        match wanted {
            Wanted::Job(Job::Destroy) | Wanted::Nested(Job::Destroy) => self.destroys += 1,
            Wanted::Job(job) | Wanted::Nested(job) => self.job = Some(job),
            Wanted::Agent(job) => self.agent = Some(job),
            Wanted::Async(job, mask) => self.long = Some((job, mask)),
        }
    }

    /// Notes that it has ended.
    pub fn end(&mut self, wanted: Wanted) {
        match wanted {
            Wanted::Job(Job::Destroy) | Wanted::Nested(Job::Destroy) => {
                self.destroys = self.destroys.saturating_sub(1);
            }
            Wanted::Job(_) | Wanted::Nested(_) => self.job = None,
            Wanted::Agent(_) => self.agent = None,
            Wanted::Async(..) => self.long = None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const JOBS: [Job; 6] =
        [Job::Query, Job::Destroy, Job::Suspend, Job::Modify, Job::Abort, Job::MigrationOp];

    fn wanted() -> impl Strategy<Value = Wanted> {
        let job = (0..JOBS.len()).prop_map(|n| JOBS[n]);
        prop_oneof![
            job.clone().prop_map(Wanted::Job),
            job.prop_map(Wanted::Nested),
            prop_oneof![Just(AgentJob::Query), Just(AgentJob::Modify)].prop_map(Wanted::Agent),
            (0u8..64).prop_map(|mask| Wanted::Async(AsyncJob::Save, Mask(mask))),
        ]
    }

    proptest! {
        /// Jobs come and go in any order; at no time do two run together that must not.
        #[test]
        fn no_two_writers(steps in prop::collection::vec((wanted(), any::<prop::sample::Index>()), 1..60)) {
            let mut current = Current::default();
            let mut running: Vec<Wanted> = Vec::new();
            for (wanted, end) in steps {
                // a part of a long job is wanted only by the one that holds it
                let sensible = !matches!(wanted, Wanted::Nested(_)) || current.long.is_some();
                if sensible && admit(&current, wanted) {
                    current.begin(wanted);
                    running.push(wanted);
                } else if !running.is_empty() {
                    current.end(running.swap_remove(end.index(running.len())));
                }
                let count = |f: fn(&Wanted) -> bool| running.iter().filter(|w| f(w)).count();
                let short = |w: &Wanted| {
                    matches!(w, Wanted::Job(j) | Wanted::Nested(j) if *j != Job::Destroy)
                };
                prop_assert!(count(short) <= 1);
                prop_assert!(count(|w| matches!(w, Wanted::Agent(_))) <= 1);
                prop_assert!(count(|w| matches!(w, Wanted::Async(..))) <= 1);
                prop_assert!(admit(&current, Wanted::Job(Job::Destroy)));
                prop_assert_eq!(current == Current::default(), running.is_empty());
            }
        }

        /// Whoever waits gets in once all that runs has ended.
        #[test]
        fn nobody_waits_for_ever(wanted in wanted()) {
            prop_assert!(admit(&Current::default(), wanted));
        }
    }

    #[test]
    fn a_long_job_lets_in_what_its_mask_says() {
        let current = Current { long: Some((AsyncJob::Save, Mask::DEFAULT)), ..Current::default() };
        for (job, may) in JOBS.into_iter().zip([true, true, false, false, true, false]) {
            assert_eq!(admit(&current, Wanted::Job(job)), may, "{job:?}");
            assert!(admit(&current, Wanted::Nested(job)), "{job:?}");
        }
    }
}
