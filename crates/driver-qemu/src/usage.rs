//! What a QEMU uses of the host, from /proc.

/// CPU time of a process, all its threads, in nanoseconds.
pub(crate) fn cpu_time(pid: i32) -> Option<u64> {
    let (user, system) = process_times(pid)?;
    user.checked_add(system)
}

/// User and system time of a process, in nanoseconds.
pub(crate) fn process_times(pid: i32) -> Option<(u64, u64)> {
    times(&std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)
}

/// User and system time of a thread, in nanoseconds.
pub(crate) fn thread_times(pid: i32, thread: i32) -> Option<(u64, u64)> {
    times(&std::fs::read_to_string(format!("/proc/{pid}/task/{thread}/stat")).ok()?)
}

fn times(stat: &str) -> Option<(u64, u64)> {
    // the program's name stands in parentheses and may hold anything
    let mut fields = stat.rsplit_once(')')?.1.split_ascii_whitespace().skip(11);
    let mut next = || fields.next()?.parse::<u64>().ok()?.checked_mul(1_000_000_000 / ticks_per_second());
    Some((next()?, next()?))
}

fn ticks_per_second() -> u64 {
    rustix::param::clock_ticks_per_second().max(1)
}

/// How long a thread waited for a processor, in nanoseconds.
pub(crate) fn thread_delay(pid: i32, thread: i32) -> Option<u64> {
    let text = std::fs::read_to_string(format!("/proc/{pid}/task/{thread}/schedstat")).ok()?;
    text.split_ascii_whitespace().nth(1)?.parse().ok()
}

/// Resident memory of a process, in KiB.
pub(crate) fn resident(pid: i32) -> Option<u64> {
    let text = std::fs::read_to_string(format!("/proc/{pid}/statm")).ok()?;
    let pages: u64 = text.split_ascii_whitespace().nth(1)?.parse().ok()?;
    pages.checked_mul(u64::try_from(rustix::param::page_size()).ok()? / 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_programs_name_does_not_confuse() {
        let stat = "7 (a) b (c) S 1 7 7 0 -1 4194304 100 0 0 0 30 20 0 0 20 0 1 0 100 1 1";
        let tick = 1_000_000_000 / ticks_per_second();
        assert_eq!(times(stat), Some((30 * tick, 20 * tick)));
        assert!(resident(std::process::id().cast_signed()).is_some_and(|kib| kib > 0));
    }
}
