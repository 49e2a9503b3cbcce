//! What a process that has become quiet keeps in memory without using it.
#![allow(unsafe_code)]

use std::time::Duration;

/// How much the allocator may keep for itself, in bytes.
const SPARE: usize = 512 * 1024;

/// Watches a process, and gives back what it no longer uses once it is quiet: memory the allocator keeps after
/// large work (finding out what an emulator can do takes some 20 MiB in passing), and pages of the program's own
/// code that were needed once. The kernel has those in its cache and brings them back when they are called for.
#[derive(Debug, Default)]
pub struct Footprint {
    last: Allocated,
    given_back: Option<Allocated>,
    pause: Duration,
}

/// What the allocator says: bytes in use, and bytes it keeps for later.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Allocated {
    used: usize,
    kept: usize,
}

/// How soon a process that has just done something is looked at again, and how rarely one that does nothing.
const SOON: Duration = Duration::from_millis(100);
const RARELY: Duration = Duration::from_secs(1);

impl Footprint {
    /// Looks at the process: if nothing has changed since the last look, but much since memory was last given back,
    /// it is given back now, which takes some milliseconds. Says when to look again.
    pub fn look(&mut self) -> Duration {
        let now = allocated();
        let quiet = std::mem::replace(&mut self.last, now) == now;
        self.pause = if quiet { self.pause.saturating_mul(2).clamp(SOON, RARELY) } else { SOON };
        let differs = |before: Allocated| {
            before.used.abs_diff(now.used) > SPARE || before.kept.abs_diff(now.kept) > SPARE
        };
        if quiet && self.given_back.is_none_or(differs) {
            give_back();
            self.last = allocated();
            self.given_back = Some(self.last);
        }
        self.pause
    }
}

/// Gives back what is not used now, after work that was large in passing.
pub fn give_back() {
    crate::allocator::trim();
    forget_code();
}

fn allocated() -> Allocated {
    #[cfg(target_env = "gnu")]
    {
        // SAFETY: the call only reads the allocator's books, under its own locks.
        let info = unsafe { libc::mallinfo2() };
        Allocated { used: info.uordblks, kept: info.fordblks }
    }
    #[cfg(not(target_env = "gnu"))]
    Allocated::default()
}

/// Unmaps the pages of the program's own code until they are used again.
fn forget_code() {
    let Ok(program) = std::fs::read_link("/proc/self/exe") else { return };
    let Ok(maps) = std::fs::read_to_string("/proc/self/maps") else { return };
    for (start, length) in code(&maps, &program.to_string_lossy()) {
        // SAFETY: the range is a mapping of the program's file that nobody can have written to, so that what is read
        // there afterwards is what was there before.
        unsafe {
            libc::madvise(std::ptr::with_exposed_provenance_mut(start), length, libc::MADV_DONTNEED);
        }
    }
}

/// Where the code of `program` lies: starts and lengths of what is mapped to be run and not written.
fn code(maps: &str, program: &str) -> Vec<(usize, usize)> {
    let of_line = |line: &str| {
        let (range, rest) = line.split_once(' ')?;
        let (start, end) = range.split_once('-')?;
        let mut fields = rest.split_ascii_whitespace();
        let is_code = fields.next() == Some("r-xp") && fields.nth(3) == Some(program);
        let (start, end) = (usize::from_str_radix(start, 16).ok()?, usize::from_str_radix(end, 16).ok()?);
        is_code.then(|| (start, end.saturating_sub(start)))
    };
    maps.lines().filter_map(of_line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_code_is_forgotten() {
        let maps = "\
1000-2000 r--p 00000000 fe:00 1 /usr/bin/virtusd
2000-5000 r-xp 00001000 fe:00 1 /usr/bin/virtusd
5000-6000 rw-p 00004000 fe:00 1 /usr/bin/virtusd
7000-8000 r-xp 00000000 fe:00 2 /lib/libc.so.6
";
        assert_eq!(code(maps, "/usr/bin/virtusd"), [(0x2000, 0x3000)]);
    }

    #[test]
    fn memory_is_given_back_once_the_process_is_quiet() {
        let mut footprint = Footprint { last: Allocated { used: 1, kept: 1 }, ..Footprint::default() };
        // something happened since the last look
        assert_eq!(footprint.look(), SOON);
        assert_eq!(footprint.given_back, None);
        // other tests run in this process, so it may take a few looks until nothing changes between two of them
        assert!((0..100_000).any(|_| footprint.look() > SOON));
        assert_ne!(footprint.given_back, None);
        assert!((0..100).all(|_| footprint.look() <= RARELY));
    }
}
