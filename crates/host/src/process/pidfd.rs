//! A running process, held so that its number cannot come to mean another one.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::process::{Pid, PidfdFlags, Signal, WaitId, WaitIdOptions};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

/// A process, ours or one started by an earlier daemon.
#[derive(Debug)]
pub struct Process {
    pid: i32,
    start_time: u64,
    pidfd: AsyncFd<OwnedFd>,
}

/// How a process ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// It exited with this status.
    Code(i32),
    /// This signal ended it.
    Signal(i32),
    /// It is not a child of this daemon, so nobody knows.
    Unknown,
}

impl Process {
    /// Takes hold of a process by number. With `start_time` (from [`Process::start_time`], kept across a restart of
    /// the daemon) a later process of the same number is refused. Needs a tokio runtime's context.
    ///
    /// # Errors
    /// `ESRCH` when there is no such process.
    pub fn open(pid: i32, start_time: Option<u64>) -> io::Result<Process> {
        let number = Some(pid).filter(|p| *p > 0).and_then(Pid::from_raw).ok_or_else(gone)?;
        let pidfd = rustix::process::pidfd_open(number, PidfdFlags::empty())?;
        let process = Process::started(pid, pidfd)?;
        // the number was read after the descriptor was taken; if that one lives they are the same process
        if start_time.is_some_and(|expected| expected != process.start_time) || !process.is_alive() {
            return Err(gone());
        }
        Ok(process)
    }

    #[allow(unsafe_code)]
    pub(super) fn started(pid: i32, pidfd: OwnedFd) -> io::Result<Process> {
        // a process that ended at once has no time to compare, nor any need to
        let start_time = start_time(pid).unwrap_or(0);
        // SAFETY: an `OwnedFd` stays the same open descriptor until it is dropped.
        let pidfd = unsafe { AsyncFd::register_with_interest(pidfd, Interest::READABLE)? };
        Ok(Process { pid, start_time, pidfd })
    }

    pub(super) fn pidfd(&self) -> BorrowedFd<'_> {
        self.pidfd.get_ref().as_fd()
    }

    /// Its number.
    pub fn pid(&self) -> i32 {
        self.pid
    }

    /// When it started, in clock ticks since the host's boot. With the number and the boot id this names a process
    /// for ever.
    pub fn start_time(&self) -> u64 {
        self.start_time
    }

    /// Whether it still runs.
    pub fn is_alive(&self) -> bool {
        let mut poll = [rustix::event::PollFd::new(self.pidfd.get_ref(), rustix::event::PollFlags::IN)];
        let now = rustix::event::Timespec { tv_sec: 0, tv_nsec: 0 };
        !matches!(rustix::event::poll(&mut poll, Some(&now)), Ok(1..))
    }

    /// Sends a signal; never to another process than this.
    ///
    /// # Errors
    /// `ESRCH` when it has ended, `EPERM` when it is somebody else's.
    pub fn kill(&self, signal: Signal) -> io::Result<()> {
        Ok(rustix::process::pidfd_send_signal(self.pidfd.get_ref(), signal)?)
    }

    /// Waits until it has ended. A child's status is read, so that nothing of it is left; later calls and other
    /// callers get [`Exit::Unknown`].
    pub async fn exited(&self) -> Exit {
        // an error means that the runtime shuts down; the status may be there all the same
        let _ = self.pidfd.readable().await;
        let pidfd = WaitId::PidFd(self.pidfd());
        match rustix::process::waitid(pidfd, WaitIdOptions::EXITED | WaitIdOptions::NOHANG) {
            Ok(Some(status)) => match (status.exit_status(), status.terminating_signal()) {
                (Some(code), _) => Exit::Code(code),
                (_, Some(signal)) => Exit::Signal(signal),
                _ => Exit::Unknown,
            },
            _ => Exit::Unknown,
        }
    }
}

fn gone() -> io::Error {
    rustix::io::Errno::SRCH.into()
}

/// When a process started, in clock ticks since boot.
///
/// # Errors
/// When there is no such process, or /proc says something unknown.
pub fn start_time(pid: i32) -> io::Result<u64> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat"))?;
    super::usage::stat_field(&stat, 22).ok_or_else(|| io::ErrorKind::InvalidData.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::process::Spawn;

    #[tokio::test]
    async fn a_process_is_watched_and_killed() {
        let mut spawn = Spawn::new("/bin/sleep");
        spawn.arg("1000");
        let ours = spawn.start().unwrap();
        let again = Process::open(ours.pid(), Some(ours.start_time())).unwrap();
        assert!(again.is_alive());
        assert_eq!(
            Process::open(ours.pid(), Some(ours.start_time() + 1)).unwrap_err().raw_os_error(),
            Some(libc::ESRCH)
        );
        again.kill(Signal::KILL).unwrap();
        assert_eq!(ours.exited().await, Exit::Signal(libc::SIGKILL));
        assert!(!again.is_alive());
        assert_eq!(again.exited().await, Exit::Unknown);
        assert!(again.kill(Signal::TERM).is_err());
        assert!(Process::open(ours.pid(), Some(ours.start_time())).is_err());
    }

    #[tokio::test]
    async fn impossible_numbers_are_refused() {
        for pid in [0, -1, i32::MIN, i32::MAX] {
            assert!(Process::open(pid, None).is_err());
        }
    }
}
