//! What processes and threads have used, and where they may run.

use std::io;
use std::path::PathBuf;

use rustix::process::Pid;
use rustix::thread::CpuSet;
use virtus_base::Bitmap;

/// What a process or thread has used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// CPU time in user mode, in ns. For a virtual CPU this holds the guest's time too.
    pub user: u64,
    /// CPU time in the kernel, in ns.
    pub system: u64,
    /// Memory in RAM, in KiB; of the whole process.
    pub rss_kib: u64,
    /// The CPU it ran on last.
    pub cpu: u32,
    /// How long it could have run but had no CPU, in ns; 0 where the kernel does not count it.
    pub delay: u64,
}

/// What a process (`thread` none) or one of its threads has used.
///
/// # Errors
/// `ENOENT` when there is no such process or thread.
pub fn usage(pid: i32, thread: Option<i32>) -> io::Result<Usage> {
    let directory = match thread {
        None => PathBuf::from(format!("/proc/{pid}")),
        Some(thread) => PathBuf::from(format!("/proc/{pid}/task/{thread}")),
    };
    let stat = std::fs::read_to_string(directory.join("stat"))?;
    let schedstat = std::fs::read_to_string(directory.join("schedstat")).unwrap_or_default();
    parse(&stat, &schedstat).ok_or_else(|| io::ErrorKind::InvalidData.into())
}

fn parse(stat: &str, schedstat: &str) -> Option<Usage> {
    let ns = 1_000_000_000 / rustix::param::clock_ticks_per_second().max(1);
    let page_kib = u64::try_from(rustix::param::page_size() / 1024).unwrap_or(4);
    Some(Usage {
        user: stat_field(stat, 14)?.saturating_mul(ns),
        system: stat_field(stat, 15)?.saturating_mul(ns),
        rss_kib: stat_field(stat, 24)?.saturating_mul(page_kib),
        cpu: u32::try_from(stat_field(stat, 39)?).ok()?,
        delay: schedstat.split_ascii_whitespace().nth(1).and_then(|n| n.parse().ok()).unwrap_or(0),
    })
}

/// A number of a `stat` file, numbered as proc(5) does. The program's name stands in parentheses and may hold anything,
/// so fields are counted from its end; only those after it can be asked for.
pub(super) fn stat_field(stat: &str, number: usize) -> Option<u64> {
    let (_, after) = stat.rsplit_once(')')?;
    after.split_ascii_whitespace().nth(number.checked_sub(3)?)?.parse().ok()
}

/// The threads of a process.
///
/// # Errors
/// When there is no such process.
pub fn threads(pid: i32) -> io::Result<Vec<i32>> {
    let entries = std::fs::read_dir(format!("/proc/{pid}/task"))?;
    Ok(entries.flatten().filter_map(|e| e.file_name().to_str()?.parse().ok()).collect())
}

/// The CPUs a thread (or a process' first) may run on.
///
/// # Errors
/// When there is no such thread.
pub fn affinity(thread: i32) -> io::Result<Bitmap> {
    let set = rustix::thread::sched_getaffinity(number(thread)?)?;
    Ok((0..CpuSet::MAX_CPU).filter(|cpu| set.is_set(*cpu)).collect())
}

/// Says on which CPUs a thread (or a process' first) may run.
///
/// # Errors
/// When there is no such thread, none of the CPUs, or the right is missing.
pub fn set_affinity(thread: i32, cpus: &Bitmap) -> io::Result<()> {
    let mut set = CpuSet::new();
    cpus.iter().filter(|cpu| *cpu < CpuSet::MAX_CPU).for_each(|cpu| set.set(cpu));
    Ok(rustix::thread::sched_setaffinity(number(thread)?, &set)?)
}

/// The kernel takes 0 for the caller, which nobody here means.
fn number(thread: i32) -> io::Result<Option<Pid>> {
    match Some(thread).filter(|t| *t > 0).and_then(Pid::from_raw) {
        Some(thread) => Ok(Some(thread)),
        None => Err(rustix::io::Errno::SRCH.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_with_parentheses_do_not_shift_fields() {
        let fields: Vec<String> = (4..=52).map(|n| n.to_string()).collect();
        let stat = format!("7 (a) b) R {}\n", fields.join(" "));
        assert_eq!(stat_field(&stat, 14), Some(14));
        let tick = 1_000_000_000 / rustix::param::clock_ticks_per_second();
        let usage = parse(&stat, "5 6 7\n").unwrap();
        assert_eq!((usage.user, usage.system, usage.cpu, usage.delay), (14 * tick, 15 * tick, 39, 6));
        assert!(parse("7 (a) R 1", "").is_none());
        assert_eq!(stat_field("", 0), None);
    }

    #[test]
    fn this_process_runs_somewhere() {
        let pid = i32::try_from(std::process::id()).unwrap();
        assert!(usage(pid, None).unwrap().rss_kib > 0);
        let all = threads(pid).unwrap();
        assert!(all.contains(&pid));
        assert!(usage(pid, Some(pid)).is_ok());
        let cpus = affinity(pid).unwrap();
        assert!(!cpus.is_empty());
        set_affinity(pid, &cpus).unwrap();
        assert!(set_affinity(pid, &Bitmap::new()).is_err());
        assert!(affinity(0).is_err() && affinity(i32::MAX).is_err());
    }
}
