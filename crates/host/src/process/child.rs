//! What the child does between clone and exec.
//!
//! It shares the daemon's memory (`CLONE_VM | CLONE_VFORK`) while the thread that made it sleeps. So nothing here
//! may allocate, lock, panic, or use a libc wrapper that speaks to other threads: it makes system calls on what
//! [`super::spawn`] prepared, and writes into the [`Report`].
#![allow(unsafe_code)]

use std::ffi::{CString, c_char, c_int, c_void};
use std::os::fd::{AsFd, OwnedFd, RawFd};
use std::sync::atomic::{AtomicI32, AtomicU32, Ordering};

use rustix::fs::{CWD, Mode, OFlags};
use rustix::io::Errno;
use rustix::mount::MoveMountFlags;
use rustix::process::{Gid, Resource, Rlimit, Uid};

use super::dev::{self, DevPlan};
use super::loan::Loan;

/// What was being done when a start failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
#[allow(missing_docs)]
pub enum Step {
    Clone = 1,
    Session,
    Descriptors,
    Limits,
    Cgroup,
    Affinity,
    Namespace,
    Devices,
    Loans,
    Directory,
    Groups,
    User,
    Capabilities,
    NoNewPrivileges,
    Exec,
}

impl Step {
    const ALL: [Step; 15] = [
        Step::Clone,
        Step::Session,
        Step::Descriptors,
        Step::Limits,
        Step::Cgroup,
        Step::Affinity,
        Step::Namespace,
        Step::Devices,
        Step::Loans,
        Step::Directory,
        Step::Groups,
        Step::User,
        Step::Capabilities,
        Step::NoNewPrivileges,
        Step::Exec,
    ];
}

/// What the child tells: the step that failed and its `errno`, and the `errno` of a cgroup it could not join.
#[derive(Debug, Default)]
pub(super) struct Report {
    step: AtomicU32,
    errno: AtomicI32,
    pub(super) cgroup_errno: AtomicI32,
}

impl Report {
    /// The failure, if there was one.
    pub(super) fn failure(&self) -> Option<(Step, i32)> {
        let step = self.step.load(Ordering::Acquire);
        let step = Step::ALL.into_iter().find(|s| *s as u32 == step)?;
        Some((step, self.errno.load(Ordering::Acquire)))
    }
}

/// All the child needs, allocated beforehand.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) program: CString,
    /// Pointers into strings the parent keeps, ended by null.
    pub(super) argv: Vec<*const c_char>,
    pub(super) envp: Vec<*const c_char>,
    pub(super) directory: Option<CString>,
    /// Descriptors with the numbers they get. Free slots hold the copy's number meanwhile.
    pub(super) fds: Vec<(OwnedFd, RawFd)>,
    pub(super) copies: Vec<AtomicI32>,
    pub(super) session: bool,
    pub(super) umask: Option<Mode>,
    pub(super) limits: Vec<(Resource, Rlimit)>,
    pub(super) cgroups: Vec<CString>,
    pub(super) affinity: Option<Box<rustix::thread::CpuSet>>,
    pub(super) oom_score_adj: Option<Vec<u8>>,
    pub(super) dev: Option<DevPlan>,
    pub(super) loans: Vec<Loan>,
    pub(super) groups: Option<Vec<Gid>>,
    pub(super) gid: Option<Gid>,
    pub(super) uid: Option<Uid>,
    pub(super) clear_capabilities: bool,
    pub(super) no_new_privileges: bool,
    pub(super) report: Report,
}

/// The child's entry.
pub(super) extern "C" fn run(plan: *mut c_void) -> c_int {
    // SAFETY: the parent passes a pointer to a `Plan` that it keeps alive and untouched while it sleeps in clone.
    let plan = unsafe { &*plan.cast::<Plan>() };
    let (step, errno) = steps(plan);
    plan.report.errno.store(errno.raw_os_error(), Ordering::Release);
    plan.report.step.store(step as u32, Ordering::Release);
    // SAFETY: ends the child only, running no handlers of the daemon whose memory it shares.
    unsafe { libc::_exit(127) }
}

/// Runs the steps; returns only when one failed.
fn steps(plan: &Plan) -> (Step, Errno) {
    match prepare(plan) {
        Err(failure) => failure,
        Ok(()) => {
            // SAFETY: program, argv and envp are null-ended arrays of strings the parent keeps alive.
            unsafe { libc::execve(plan.program.as_ptr(), plan.argv.as_ptr(), plan.envp.as_ptr()) };
            (Step::Exec, last_errno())
        }
    }
}

fn prepare(plan: &Plan) -> Result<(), (Step, Errno)> {
    let at = |step: Step| move |errno: Errno| (step, errno);
    reset_signals();
    if plan.session {
        rustix::process::setsid().map_err(at(Step::Session))?;
    }
    if let Some(mask) = plan.umask {
        rustix::process::umask(mask);
    }
    if plan.dev.is_some() || !plan.loans.is_empty() {
        dev::leave_mounts().map_err(at(Step::Namespace))?;
    }
    for loan in &plan.loans {
        let flags = MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH;
        rustix::mount::move_mount(&loan.mount, c"", CWD, loan.path.as_c_str(), flags)
            .map_err(at(Step::Loans))?;
    }
    if let Some(dev) = &plan.dev {
        dev.cover().map_err(at(Step::Namespace))?;
        dev.populate().map_err(at(Step::Devices))?;
    }
    // a group that somebody else made may let nobody make nodes
    for group in &plan.cgroups {
        if let Err(errno) = write_file(group, b"0") {
            plan.report.cgroup_errno.store(errno.raw_os_error(), Ordering::Release);
        }
    }
    if let Some(score) = &plan.oom_score_adj {
        // a score below the daemon's own needs a right a session daemon does not have
        let _ = write_file(c"/proc/self/oom_score_adj", score);
    }
    if let Some(cpus) = &plan.affinity {
        rustix::thread::sched_setaffinity(None, cpus).map_err(at(Step::Affinity))?;
    }
    descriptors(plan).map_err(at(Step::Descriptors))?;
    for (resource, limit) in &plan.limits {
        rustix::process::setrlimit(*resource, *limit).map_err(at(Step::Limits))?;
    }
    if let Some(directory) = &plan.directory {
        rustix::process::chdir(directory.as_c_str()).map_err(at(Step::Directory))?;
    }
    if plan.clear_capabilities {
        drop_bounding_set();
    }
    if let Some(groups) = &plan.groups {
        rustix::thread::set_thread_groups(groups).map_err(at(Step::Groups))?;
    }
    if let Some(gid) = plan.gid {
        rustix::thread::set_thread_res_gid(gid, gid, gid).map_err(at(Step::Groups))?;
    }
    if let Some(uid) = plan.uid {
        rustix::thread::set_thread_res_uid(uid, uid, uid).map_err(at(Step::User))?;
    }
    if plan.clear_capabilities {
        let none = rustix::thread::CapabilitySet::empty();
        let sets = rustix::thread::CapabilitySets { effective: none, permitted: none, inheritable: none };
        rustix::thread::set_capabilities(None, sets).map_err(at(Step::Capabilities))?;
    }
    if plan.no_new_privileges {
        rustix::thread::set_no_new_privs(true).map_err(at(Step::NoNewPrivileges))?;
    }
    unblock_signals();
    Ok(())
}

/// Puts each descriptor at its number; everything else from 3 on closes at exec.
fn descriptors(plan: &Plan) -> Result<(), Errno> {
    let above = plan.fds.iter().map(|(_, number)| *number).max().unwrap_or(2).saturating_add(1).max(3);
    // first out of each other's way
    for ((fd, _), copy) in plan.fds.iter().zip(&plan.copies) {
        let moved = rustix::io::fcntl_dupfd_cloexec(fd.as_fd(), above)?;
        copy.store(std::os::fd::IntoRawFd::into_raw_fd(moved), Ordering::Relaxed);
    }
    // SAFETY: marks descriptors of the child's own table; before Linux 5.11 the call fails and what the daemon
    // opened is close-on-exec anyway.
    unsafe { libc::syscall(libc::SYS_close_range, 3_u32, u32::MAX, libc::CLOSE_RANGE_CLOEXEC) };
    for ((_, number), copy) in plan.fds.iter().zip(&plan.copies) {
        // SAFETY: changes the child's own table, in which nothing else is used any more.
        if unsafe { libc::dup2(copy.load(Ordering::Relaxed), *number) } < 0 {
            return Err(last_errno());
        }
    }
    Ok(())
}

/// Signals the daemon ignores must not stay ignored after exec, nor may its handlers run here.
fn reset_signals() {
    // as the kernel has it, not libc's, which refuses its own two signals; all zero is SIG_DFL without flags
    let default = [0_u64; 4];
    for signal in 1..=64_i32 {
        // SAFETY: the child has its own table of handlers; the kernel reads no more than the 32 bytes given. Signals
        // that cannot be changed report an error that does not matter.
        unsafe {
            libc::syscall(libc::SYS_rt_sigaction, signal, default.as_ptr(), std::ptr::null_mut::<u64>(), 8)
        };
    }
}

fn unblock_signals() {
    // SAFETY: an empty set is valid; this changes the child's only thread.
    unsafe {
        let mut none: libc::sigset_t = std::mem::zeroed();
        libc::sigemptyset(&raw mut none);
        libc::sigprocmask(libc::SIG_SETMASK, &raw const none, std::ptr::null_mut());
    }
}

/// Without the right to (a session daemon) there is nothing to drop.
fn drop_bounding_set() {
    for capability in 0..64_u64 {
        // SAFETY: changes this process' own set; numbers the kernel does not know are refused.
        if unsafe { libc::prctl(libc::PR_CAPBSET_DROP, capability, 0, 0, 0) } < 0 {
            return;
        }
    }
}

fn write_file(path: &std::ffi::CStr, text: &[u8]) -> Result<(), Errno> {
    let file = rustix::fs::openat(CWD, path, OFlags::WRONLY | OFlags::CLOEXEC, Mode::empty())?;
    rustix::io::write(&file, text).map(|_| ())
}

fn last_errno() -> Errno {
    // SAFETY: the location is this thread's; the parent's thread, which shares it, sleeps.
    Errno::from_raw_os_error(unsafe { *libc::__errno_location() })
}
