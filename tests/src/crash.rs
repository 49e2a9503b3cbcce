//! Death at a chosen instruction, without a hook in the daemon: strace kills it at its n-th system call that changes
//! the world outside.

use std::fs;
use std::process::{Child, Command, Stdio};

use crate::{Outcome, wait_for};

/// Calls after which something is different on disk, in the process table or for a client.
pub const STEPS: [&str; 16] = [
    "openat",
    "fsync",
    "fdatasync",
    "rename",
    "renameat",
    "renameat2",
    "unlink",
    "unlinkat",
    "mkdir",
    "mkdirat",
    "fchownat",
    "bind",
    "clone",
    "clone3",
    "sendmsg",
    "connect",
];

/// Whose steps count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Threads {
    /// Those that are there now.
    Now,
    /// Those that come later too. Programs that the process starts are among them, and would be killed as well.
    Later,
}

/// Makes the process die (SIGKILL) at the `nth` system call of this name that one of its threads makes from now on.
/// The answer is the watcher: dropping it is not enough, kill it.
///
/// # Errors
/// That the process is gone, or may not be traced.
pub fn die_at(pid: u32, call: &str, nth: u32, threads: Threads) -> Outcome<Child> {
    // a thread that ends between being listed and being attached to ends strace; the next list lacks it
    for _ in 0..TRIES {
        if let Some(watcher) = watch(pid, call, nth, threads)? {
            return Ok(watcher);
        }
    }
    Err("strace cannot attach".into())
}

/// How often threads may have changed while strace attached to them.
const TRIES: u32 = 20;

fn watch(pid: u32, call: &str, nth: u32, threads: Threads) -> Outcome<Option<Child>> {
    let mut strace = Command::new("strace");
    strace.args(["-qq", "-o", "/dev/null", &format!("--inject={call}:signal=KILL:when={nth}")]);
    strace.args(["-e", &format!("trace={call}")]);
    if threads == Threads::Later {
        strace.arg("-f");
    }
    for thread in fs::read_dir(format!("/proc/{pid}/task"))? {
        strace.arg("-p").arg(thread?.file_name());
    }
    let mut child = strace.stdin(Stdio::null()).stderr(Stdio::null()).spawn()?;
    let mut ended = false;
    let traced = wait_for("strace to attach", 20, || {
        ended = child.try_wait()?.is_some();
        let mut all = true;
        for thread in fs::read_dir(format!("/proc/{pid}/task"))? {
            let status = fs::read_to_string(thread?.path().join("status")).unwrap_or_default();
            all &= !status.contains("TracerPid:\t0\n");
        }
        Ok(all || ended)
    });
    if let Err(e) = traced {
        let _ = child.kill();
        let _ = child.wait();
        return Err(e);
    }
    Ok((!ended).then_some(child))
}
