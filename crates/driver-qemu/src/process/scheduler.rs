//! By which policies the host schedules a guest's threads.

use virtus_base::{Error, ErrorCode, ErrorDomain, Result};
use virtus_conf::domain::cpu_tune::{CpuTune, Sched, Scheduler};
use virtus_host::process::{Policy, set_scheduler};

/// What is said of a vCPU.
pub(crate) fn of_vcpu(tune: Option<&CpuTune>, vcpu: u32) -> Option<&Sched> {
    let number = usize::try_from(vcpu).ok()?;
    tune?.vcpusched.iter().find(|own| own.vcpus.contains(number)).map(|own| &own.sched)
}

/// What is said of an I/O thread.
pub(crate) fn of_iothread(tune: Option<&CpuTune>, id: u32) -> Option<&Sched> {
    let number = usize::try_from(id).ok()?;
    tune?.iothreadsched.iter().find(|own| own.iothreads.contains(number)).map(|own| &own.sched)
}

/// Has a thread be scheduled as its guest's definition says.
///
/// # Errors
/// `CONFIG_UNSUPPORTED` for priorities that the host does not have, `SYSTEM_ERROR` when the host refuses.
pub(crate) fn apply(thread: i32, sched: &Sched) -> Result<()> {
    let policy = match sched.scheduler {
        Scheduler::Other => Policy::Other,
        Scheduler::Batch => Policy::Batch,
        Scheduler::Idle => Policy::Idle,
        Scheduler::Fifo => Policy::Fifo,
        Scheduler::Rr => Policy::RoundRobin,
    };
    let (priority, known) = (sched.priority.unwrap_or(0), policy.priorities());
    if !known.contains(&priority) {
        let (least, most) = (known.start(), known.end());
        let text = format!("Scheduler priority {priority} out of range [{least}, {most}]");
        return Err(Error::new(ErrorDomain::NONE, ErrorCode::CONFIG_UNSUPPORTED, text));
    }
    set_scheduler(thread, policy, priority).map_err(|e| {
        Error::system(ErrorDomain::NONE, format_args!("Cannot set scheduler parameters for pid {thread}"), &e)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn real_time_needs_a_priority_the_host_has() {
        let sched = Sched { scheduler: Scheduler::Fifo, priority: Some(200) };
        let e = apply(1, &sched).unwrap_err();
        assert_eq!(e.message(), "unsupported configuration: Scheduler priority 200 out of range [1, 99]");
        let nobody = Sched { scheduler: Scheduler::Other, priority: None };
        let e = apply(i32::MAX, &nobody).unwrap_err();
        assert_eq!(e.message(), "Cannot set scheduler parameters for pid 2147483647: No such process");
    }
}
