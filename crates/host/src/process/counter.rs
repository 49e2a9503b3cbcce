//! Counters of the kernel for what happens in a process (`perf_event_open`).

#![allow(unsafe_code)]

use std::io;
use std::os::fd::{AsFd, FromRawFd, OwnedFd};

/// What can be counted, by the kernel's numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// The CPU counts it (`PERF_COUNT_HW_…`).
    Hardware(u64),
    /// The kernel counts it (`PERF_COUNT_SW_…`).
    Software(u64),
}

/// The kernel's `perf_event_attr` in its first version, which all kernels take.
#[repr(C)]
struct Attributes {
    kind: u32,
    size: u32,
    config: u64,
    sample_period: u64,
    sample_type: u64,
    read_format: u64,
    flags: u64,
    wakeup_events: u32,
    breakpoint: u32,
    config1: u64,
}

/// Threads that begin later are counted too.
const INHERIT: u64 = 1 << 1;
const FLAG_FD_CLOEXEC: libc::c_ulong = 1 << 3;

/// Counts until it is dropped.
#[derive(Debug)]
pub struct Counter(OwnedFd);

impl Counter {
    /// Counts in a process and in the threads it is going to make.
    ///
    /// # Errors
    /// When there is no such process, nobody here counts such events, or the right is missing.
    pub fn open(pid: i32, event: Event) -> io::Result<Counter> {
        let (kind, config) = match event {
            Event::Hardware(config) => (0, config),
            Event::Software(config) => (1, config),
        };
        // the kernel takes 0 for the caller, which nobody here means
        if pid <= 0 {
            return Err(rustix::io::Errno::SRCH.into());
        }
        let attributes = Attributes {
            kind,
            size: const { size_of::<Attributes>() as u32 },
            config,
            sample_period: 0,
            sample_type: 0,
            read_format: 0,
            flags: INHERIT,
            wakeup_events: 0,
            breakpoint: 0,
            config1: 0,
        };
        // SAFETY: the structure has the size it says and lives until the call returns; the numbers are a process, any
        // CPU, and no group
        let fd = unsafe {
            libc::syscall(
                libc::SYS_perf_event_open,
                &raw const attributes,
                pid,
                -1 as libc::c_int,
                -1 as libc::c_int,
                FLAG_FD_CLOEXEC,
            )
        };
        match i32::try_from(fd) {
            // SAFETY: the kernel has just given it, and nobody else has it
            Ok(fd) if fd >= 0 => Ok(Counter(unsafe { OwnedFd::from_raw_fd(fd) })),
            _ => Err(io::Error::last_os_error()),
        }
    }

    /// What has been counted so far. Never waits.
    ///
    /// # Errors
    /// When the kernel does not say.
    pub fn read(&self) -> io::Result<u64> {
        let mut value = [0; 8];
        match rustix::io::read(self.0.as_fd(), &mut value)? {
            8 => Ok(u64::from_ne_bytes(value)),
            _ => Err(io::ErrorKind::UnexpectedEof.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernel_counts() {
        let pid = i32::try_from(std::process::id()).unwrap();
        // PERF_COUNT_SW_TASK_CLOCK; not everybody may count, and then is told so
        if let Ok(counter) = Counter::open(pid, Event::Software(1)) {
            let before = counter.read().unwrap();
            assert!(counter.read().unwrap() >= before);
        }
        assert!(Counter::open(0, Event::Software(1)).is_err());
        assert!(Counter::open(pid, Event::Software(u64::MAX)).is_err());
    }
}
