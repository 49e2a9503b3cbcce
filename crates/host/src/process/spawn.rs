//! Starting a long-lived process with everything about it stated.
#![allow(unsafe_code)]

use std::ffi::{CString, OsStr, OsString, c_char, c_void};
use std::io;
use std::os::fd::{FromRawFd, OwnedFd, RawFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicI32, Ordering};

use rustix::fs::Mode;
use rustix::process::{Gid, Resource, Rlimit, Uid};
use virtus_base::{Error, ErrorDomain};

use super::child::{self, Plan, Report, Step};
use super::credentials::Credentials;
use super::dev::PrivateDev;
use super::loan::Loan;
use super::pidfd::Process;

/// The child's stack, in bytes. It only makes system calls.
const STACK: usize = 128 * 1024;

/// A process to start. Nothing of the daemon's environment, descriptors or signal handling is passed on unless it
/// is named here. The process outlives the daemon.
#[derive(Debug)]
pub struct Spawn {
    program: PathBuf,
    args: Vec<OsString>,
    env: Vec<(OsString, OsString)>,
    directory: Option<PathBuf>,
    fds: Vec<(OwnedFd, RawFd)>,
    session: bool,
    umask: Option<u32>,
    limits: Vec<(Resource, Rlimit)>,
    cgroups: Vec<PathBuf>,
    affinity: Option<Vec<usize>>,
    oom_score_adj: Option<i32>,
    dev: Option<PrivateDev>,
    loans: Vec<Loan>,
    credentials: Option<Credentials>,
    clear_capabilities: bool,
    no_new_privileges: bool,
}

/// Why a process was not started.
#[derive(Debug)]
pub struct SpawnError {
    /// What was being done.
    pub step: Step,
    /// Why it failed.
    pub error: io::Error,
    /// The program, for the text.
    pub program: PathBuf,
}

impl Spawn {
    /// `program` is a full path; `args` do not begin with the program's name, which is added.
    pub fn new(program: impl Into<PathBuf>) -> Spawn {
        Spawn {
            program: program.into(),
            args: Vec::new(),
            env: Vec::new(),
            directory: None,
            fds: Vec::new(),
            session: true,
            umask: None,
            limits: Vec::new(),
            cgroups: Vec::new(),
            affinity: None,
            oom_score_adj: None,
            dev: None,
            loans: Vec::new(),
            credentials: None,
            clear_capabilities: false,
            no_new_privileges: false,
        }
    }

    /// Adds an argument.
    pub fn arg(&mut self, arg: impl AsRef<OsStr>) -> &mut Spawn {
        self.args.push(arg.as_ref().to_owned());
        self
    }

    /// Adds arguments.
    pub fn args<A: AsRef<OsStr>>(&mut self, args: impl IntoIterator<Item = A>) -> &mut Spawn {
        self.args.extend(args.into_iter().map(|a| a.as_ref().to_owned()));
        self
    }

    /// Sets a variable in the otherwise empty environment.
    pub fn env(&mut self, name: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> &mut Spawn {
        self.env.push((name.as_ref().to_owned(), value.as_ref().to_owned()));
        self
    }

    /// The working directory; `/` unless set.
    pub fn directory(&mut self, path: impl Into<PathBuf>) -> &mut Spawn {
        self.directory = Some(path.into());
        self
    }

    /// Passes a descriptor on under an exact number. Numbers 0, 1 and 2 not given are `/dev/null`.
    pub fn fd(&mut self, fd: impl Into<OwnedFd>, number: RawFd) -> &mut Spawn {
        self.fds.retain(|(_, taken)| *taken != number);
        self.fds.push((fd.into(), number));
        self
    }

    /// Passes a descriptor on under the lowest number from 3 on that is free, and says which.
    pub fn next_fd(&mut self, fd: impl Into<OwnedFd>) -> RawFd {
        let number = (3..).find(|n| self.fds.iter().all(|(_, taken)| taken != n)).unwrap_or(RawFd::MAX);
        self.fd(fd, number);
        number
    }

    /// Whether it leads a session of its own; it does unless told otherwise.
    pub fn session(&mut self, own: bool) -> &mut Spawn {
        self.session = own;
        self
    }

    /// The file mode creation mask.
    pub fn umask(&mut self, mask: u32) -> &mut Spawn {
        self.umask = Some(mask);
        self
    }

    /// A resource limit, soft and hard the same; `None` for unlimited.
    pub fn limit(&mut self, resource: Resource, value: Option<u64>) -> &mut Spawn {
        self.limits.push((resource, Rlimit { current: value, maximum: value }));
        self
    }

    /// Joins a cgroup through its `cgroup.procs` (or v1 `tasks`) file. A cgroup that cannot be joined does not stop
    /// the start; it is logged.
    pub fn cgroup(&mut self, procs: impl Into<PathBuf>) -> &mut Spawn {
        self.cgroups.push(procs.into());
        self
    }

    /// The CPUs it may run on.
    pub fn affinity(&mut self, cpus: impl IntoIterator<Item = usize>) -> &mut Spawn {
        self.affinity = Some(cpus.into_iter().collect());
        self
    }

    /// How gladly the kernel kills it when memory ends, -1000 to 1000.
    pub fn oom_score_adj(&mut self, score: i32) -> &mut Spawn {
        self.oom_score_adj = Some(score);
        self
    }

    /// Gives it a mount namespace with a /dev of its own.
    pub fn private_dev(&mut self, dev: PrivateDev) -> &mut Spawn {
        self.dev = Some(dev);
        self
    }

    /// Has it see a lent file in the file's place, which takes a mount namespace.
    pub fn loan(&mut self, loan: Loan) -> &mut Spawn {
        self.loans.push(loan);
        self
    }

    /// Whom it runs as.
    pub fn credentials(&mut self, credentials: Credentials) -> &mut Spawn {
        self.credentials = Some(credentials);
        self
    }

    /// Takes all capabilities away, also from a root process and from what it may start.
    pub fn clear_capabilities(&mut self) -> &mut Spawn {
        self.clear_capabilities = true;
        self
    }

    /// Forbids it to gain privileges by set-user-id programs.
    pub fn no_new_privileges(&mut self) -> &mut Spawn {
        self.no_new_privileges = true;
        self
    }

    /// Starts the process; returns once it runs the program. This takes about a millisecond of sleep (the exec), so
    /// tasks that must not stop for that call it on a blocking thread. Needs a tokio runtime's context.
    ///
    /// # Errors
    /// With the step that failed; there is no process then.
    pub fn start(self) -> Result<Process, SpawnError> {
        let program = self.program.clone();
        let failed = |step: Step, error: io::Error| SpawnError { step, error, program: program.clone() };
        let strings = Strings::of(&self).map_err(|e| failed(Step::Exec, e))?;
        let mut plan = self.plan(&strings).map_err(|(step, e)| failed(step, e))?;
        let (pid, pidfd) = clone(&mut plan).map_err(|e| failed(Step::Clone, e))?;
        let cgroup = plan.report.cgroup_errno.load(Ordering::Acquire);
        if cgroup != 0 {
            let error = io::Error::from_raw_os_error(cgroup);
            tracing::warn!(target: "virtus_host", pid, "cannot join a cgroup: {error}");
        }
        if let Some((step, errno)) = plan.report.failure() {
            // it has exited; nothing but its status is left
            let _ = rustix::process::waitid(
                rustix::process::WaitId::PidFd(std::os::fd::AsFd::as_fd(&pidfd)),
                rustix::process::WaitIdOptions::EXITED,
            );
            return Err(failed(step, io::Error::from_raw_os_error(errno)));
        }
        Process::started(pid, pidfd).map_err(|e| failed(Step::Clone, e))
    }

    fn plan(self, strings: &Strings) -> Result<Plan, (Step, io::Error)> {
        let dev = self.dev.as_ref().map(PrivateDev::plan).transpose().map_err(|e| (Step::Devices, e))?;
        let mut fds = self.fds;
        for number in 0..3 {
            if fds.iter().all(|(_, taken)| *taken != number) {
                let null = std::fs::OpenOptions::new().read(true).write(true).open("/dev/null");
                fds.push((null.map_err(|e| (Step::Descriptors, e))?.into(), number));
            }
        }
        let affinity = self.affinity.map(|cpus| {
            let mut set = Box::new(rustix::thread::CpuSet::new());
            cpus.into_iter().filter(|c| *c < rustix::thread::CpuSet::MAX_CPU).for_each(|c| set.set(c));
            set
        });
        let directory = self.directory.unwrap_or_else(|| PathBuf::from("/"));
        let credentials = self.credentials;
        Ok(Plan {
            program: c_string(self.program.as_os_str()).map_err(|e| (Step::Exec, e))?,
            argv: pointers(&strings.args),
            envp: pointers(&strings.env),
            directory: Some(c_string(directory.as_os_str()).map_err(|e| (Step::Directory, e))?),
            copies: fds.iter().map(|_| AtomicI32::new(-1)).collect(),
            fds,
            session: self.session,
            umask: self.umask.map(Mode::from_raw_mode),
            limits: self.limits,
            cgroups: self.cgroups.iter().filter_map(|p| c_string(p.as_os_str()).ok()).collect(),
            affinity,
            oom_score_adj: self.oom_score_adj.map(|score| score.to_string().into_bytes()),
            dev,
            loans: self.loans,
            groups: credentials.as_ref().map(|c| c.groups.iter().copied().map(Gid::from_raw).collect()),
            gid: credentials.as_ref().map(|c| Gid::from_raw(c.gid)),
            uid: credentials.as_ref().map(|c| Uid::from_raw(c.uid)),
            clear_capabilities: self.clear_capabilities,
            no_new_privileges: self.no_new_privileges,
            report: Report::default(),
        })
    }
}

/// The strings the child's pointers point into.
struct Strings {
    args: Vec<CString>,
    env: Vec<CString>,
}

impl Strings {
    fn of(spawn: &Spawn) -> io::Result<Strings> {
        let program = std::iter::once(spawn.program.as_os_str());
        let args = program.chain(spawn.args.iter().map(OsString::as_os_str)).map(c_string);
        let env = spawn.env.iter().map(|(name, value)| {
            let mut both = name.clone();
            both.push("=");
            both.push(value);
            c_string(&both)
        });
        Ok(Strings { args: args.collect::<io::Result<_>>()?, env: env.collect::<io::Result<_>>()? })
    }
}

fn pointers(strings: &[CString]) -> Vec<*const c_char> {
    strings.iter().map(|s| s.as_ptr()).chain(std::iter::once(std::ptr::null())).collect()
}

fn c_string(text: &OsStr) -> io::Result<CString> {
    CString::new(text.as_bytes()).map_err(|_| io::ErrorKind::InvalidInput.into())
}

/// Makes the child and sleeps until it has exec'd or exited.
fn clone(plan: &mut Plan) -> io::Result<(i32, OwnedFd)> {
    let mut stack: Vec<u128> = Vec::with_capacity(STACK / size_of::<u128>());
    let stack_top = stack.spare_capacity_mut().as_mut_ptr_range().end;
    let mut pidfd: libc::c_int = -1;
    let flags = libc::CLONE_VM | libc::CLONE_VFORK | libc::CLONE_PIDFD | libc::SIGCHLD;
    let dumpable = rustix::process::dumpable_behavior();
    let pid = with_signals_blocked(|| {
        // SAFETY: the child runs `child::run` on a stack of its own, aligned to 16 bytes; this thread sleeps until
        // the child has left the shared memory, so stack, plan and what it points to outlive its use of them.
        unsafe {
            libc::clone(
                child::run,
                stack_top.cast::<c_void>(),
                flags,
                std::ptr::from_mut(plan).cast::<c_void>(),
                &raw mut pidfd,
            )
        }
    });
    let cloned = if pid < 0 { Err(io::Error::last_os_error()) } else { Ok(pid) };
    // a change of user in the child makes the shared memory, and so the daemon, undumpable
    if let Ok(before) = dumpable {
        let _ = rustix::process::set_dumpable_behavior(before);
    }
    let pid = cloned?;
    // SAFETY: CLONE_PIDFD stored a new descriptor that nothing else owns.
    Ok((pid, unsafe { OwnedFd::from_raw_fd(pidfd) }))
}

/// No handler of the daemon may run in the child, which shares its memory.
fn with_signals_blocked<T>(work: impl FnOnce() -> T) -> T {
    // SAFETY: both sets are valid for the calls, which change this thread's mask only and put it back.
    unsafe {
        let mut all: libc::sigset_t = std::mem::zeroed();
        let mut before: libc::sigset_t = std::mem::zeroed();
        libc::sigfillset(&raw mut all);
        libc::pthread_sigmask(libc::SIG_SETMASK, &raw const all, &raw mut before);
        let result = work();
        let errno = *libc::__errno_location();
        libc::pthread_sigmask(libc::SIG_SETMASK, &raw const before, std::ptr::null_mut());
        *libc::__errno_location() = errno;
        result
    }
}

impl std::fmt::Display for SpawnError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", what(self.step, &self.program), self.error)
    }
}

impl std::error::Error for SpawnError {}

impl From<SpawnError> for Error {
    fn from(e: SpawnError) -> Error {
        Error::system(ErrorDomain::NONE, what(e.step, &e.program), &e.error)
    }
}

fn what(step: Step, program: &Path) -> String {
    let program = program.display();
    match step {
        Step::Clone => "cannot fork child process".to_owned(),
        Step::Session => "cannot become session leader".to_owned(),
        Step::Descriptors => format!("cannot pass file descriptors to {program}"),
        Step::Limits => "cannot limit resources of process".to_owned(),
        Step::Cgroup => "unable to move process into cgroup".to_owned(),
        Step::Affinity => "cannot set CPU affinity on process".to_owned(),
        Step::Namespace => "Unable to unshare mount namespace".to_owned(),
        Step::Devices => "Cannot create device nodes in private /dev".to_owned(),
        Step::Loans => "cannot lend files to process".to_owned(),
        Step::Directory => format!("Unable to change directory of {program}"),
        Step::Groups => "cannot change group of process".to_owned(),
        Step::User => "cannot change user of process".to_owned(),
        Step::Capabilities => "cannot clear process capabilities".to_owned(),
        Step::NoNewPrivileges => "cannot forbid new privileges".to_owned(),
        Step::Exec => format!("cannot execute binary {program}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::process::Exit;
    use std::io::Read;

    /// Runs a shell script with its output on a pipe.
    async fn shell(script: &str, set_up: impl FnOnce(&mut Spawn)) -> Result<(String, Exit), SpawnError> {
        let (mut read, write) = std::io::pipe().unwrap();
        let mut spawn = Spawn::new("/bin/sh");
        spawn.arg("-c").arg(script).fd(OwnedFd::from(write), 1).env("PATH", "/usr/bin:/bin:/usr/sbin:/sbin");
        set_up(&mut spawn);
        let process = spawn.start()?;
        let mut text = String::new();
        read.read_to_string(&mut text).unwrap();
        Ok((text, process.exited().await))
    }

    #[tokio::test]
    async fn only_what_is_named_is_passed_on() {
        let (text, exit) = shell("env; ls -l /proc/self/fd | grep -c null; cat <&7; umask; exit 3", |s| {
            let (read, mut write) = std::io::pipe().unwrap();
            std::io::Write::write_all(&mut write, b"seven\n").unwrap();
            s.env("A", "b c").umask(0o027).fd(read, 7);
        })
        .await
        .unwrap();
        assert!(text.contains("A=b c\n") && text.contains("seven\n") && text.contains("0027\n"), "{text}");
        assert!(!text.contains("CARGO"), "{text}");
        assert_eq!(exit, Exit::Code(3));
    }

    #[tokio::test]
    async fn descriptors_may_change_places() {
        let pipe = |text: &str| {
            let (read, mut write) = std::io::pipe().unwrap();
            std::io::Write::write_all(&mut write, text.as_bytes()).unwrap();
            OwnedFd::from(read)
        };
        let (a, b) = (pipe("a"), pipe("b"));
        let (na, nb) = {
            use std::os::fd::AsRawFd;
            (a.as_raw_fd(), b.as_raw_fd())
        };
        let (text, _) = shell(&format!("cat /proc/self/fd/{na}; cat /proc/self/fd/{nb}"), |s| {
            s.fd(a, nb).fd(b, na);
        })
        .await
        .unwrap();
        assert_eq!(text, "ba");
    }

    #[tokio::test]
    async fn failures_name_their_step() {
        let error = Spawn::new("/no/such/program").start().unwrap_err();
        assert_eq!((error.step, error.error.raw_os_error()), (Step::Exec, Some(libc::ENOENT)));
        assert_eq!(
            Error::from(error).message(),
            "cannot execute binary /no/such/program: No such file or directory"
        );
        let mut spawn = Spawn::new("/bin/true");
        spawn.directory("/no/such/directory");
        assert_eq!(spawn.start().unwrap_err().step, Step::Directory);
        let mut spawn = Spawn::new("/bin/true");
        spawn.cgroup("/no/such/cgroup.procs");
        assert_eq!(spawn.start().unwrap().exited().await, Exit::Code(0));
    }

    #[tokio::test]
    async fn ignored_and_blocked_signals_do_not_stay_so() {
        // the test harness ignores SIGPIPE as Rust programs do
        let (text, _) = shell("grep -E 'Sig(Ign|Blk)' /proc/self/status", |_| {}).await.unwrap();
        for line in text.lines() {
            assert!(line.ends_with("0000000000000000"), "{line}");
        }
        assert_eq!(text.lines().count(), 2);
    }

    #[tokio::test]
    async fn root_can_give_everything_up() {
        if !rustix::process::geteuid().is_root() {
            return eprintln!("skipped: needs root");
        }
        let (text, _) = shell("id; grep -E 'Cap|NoNew' /proc/self/status; ls /dev; test -c /dev/null", |s| {
            s.credentials(Credentials { uid: 12345, gid: 12346, groups: vec![12347] })
                .clear_capabilities()
                .no_new_privileges()
                .limit(Resource::Core, Some(0));
        })
        .await
        .unwrap();
        assert!(text.contains("uid=12345 gid=12346 groups=12346,12347"), "{text}");
        for set in ["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"] {
            assert!(text.contains(&format!("{set}:\t0000000000000000")), "{text}");
        }
        assert!(text.contains("NoNewPrivs:\t1"), "{text}");
    }

    #[tokio::test]
    async fn a_private_dev_has_only_its_nodes() {
        let mut dev = PrivateDev::new();
        dev.node("/dev/tty", Some((5, 6)));
        let result =
            shell("ls /dev; stat -c '%n %F %u:%g' /dev/tty; echo x > /dev/null && echo works", |s| {
                s.private_dev(dev);
            })
            .await;
        let text = match result {
            // containers and sessions may not do this
            Err(e) if matches!(e.step, Step::Namespace | Step::Devices) => {
                return eprintln!("skipped: {e}");
            }
            other => other.unwrap().0,
        };
        assert!(text.contains("/dev/tty character special file 5:6"), "{text}");
        assert!(text.contains("null\n") && text.ends_with("works\n"), "{text}");
        assert!(!text.contains("loop") && !text.contains("console\n"), "{text}");
    }
}
