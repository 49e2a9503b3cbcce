//! By which policy the kernel gives threads their time.

#![allow(unsafe_code)]

use std::io;
use std::ops::RangeInclusive;

/// A policy of the kernel's scheduler.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Policy {
    /// A fair share, as everybody has.
    Other,
    /// A fair share for who does not mind to wait.
    Batch,
    /// What nobody else wants.
    Idle,
    /// Real time, until it gives up by itself.
    Fifo,
    /// Real time, in turns with others of the same priority.
    RoundRobin,
}

impl Policy {
    fn number(self) -> libc::c_int {
        match self {
            Policy::Other => libc::SCHED_OTHER,
            Policy::Batch => libc::SCHED_BATCH,
            Policy::Idle => libc::SCHED_IDLE,
            Policy::Fifo => libc::SCHED_FIFO,
            Policy::RoundRobin => libc::SCHED_RR,
        }
    }

    /// The priorities the kernel knows of this policy: 0 alone without real time.
    pub fn priorities(self) -> RangeInclusive<i32> {
        let number = self.number();
        // SAFETY: both take a number and give one; no memory is involved
        unsafe { libc::sched_get_priority_min(number)..=libc::sched_get_priority_max(number) }
    }
}

/// Has the kernel schedule a thread (or a process' first) so.
///
/// # Errors
/// When there is no such thread, the priority is none of the policy's, or the right is missing.
pub fn set_scheduler(thread: i32, policy: Policy, priority: i32) -> io::Result<()> {
    // the kernel takes 0 for the caller, which nobody here means
    if thread <= 0 {
        return Err(rustix::io::Errno::SRCH.into());
    }
    // SAFETY: a zeroed sched_param is valid on every C library, some of which have more fields
    let mut param: libc::sched_param = unsafe { std::mem::zeroed() };
    param.sched_priority = priority;
    // SAFETY: the structure lives until the call returns, which only reads it
    match unsafe { libc::sched_setscheduler(thread, policy.number(), &raw const param) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thread_can_become_less_eager() {
        std::thread::spawn(|| {
            let own = rustix::thread::gettid().as_raw_nonzero().get();
            set_scheduler(own, Policy::Batch, 0).unwrap();
            let stat = std::fs::read_to_string("/proc/thread-self/stat").unwrap();
            let (_, fields) = stat.rsplit_once(") ").unwrap();
            assert_eq!(fields.split(' ').nth(38), Some("3"), "the policy is the 41st field: {stat}");
            assert!(set_scheduler(own, Policy::Batch, 7).is_err());
        })
        .join()
        .unwrap();
    }

    #[test]
    fn priorities_are_of_real_time() {
        assert_eq!(Policy::Fifo.priorities(), 1..=99);
        assert_eq!(Policy::Idle.priorities(), 0..=0);
        assert!(set_scheduler(0, Policy::Other, 0).is_err());
    }
}
