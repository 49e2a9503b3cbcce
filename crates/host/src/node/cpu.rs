//! How long the CPUs did what.

use virtus_base::{Error, ErrorDomain};

use super::{Node, open_failed};

/// Times since boot, in ns.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct CpuStats {
    pub kernel: u64,
    pub user: u64,
    pub idle: u64,
    pub iowait: u64,
}

impl Node {
    /// The times of one CPU, or of all (`None`).
    ///
    /// # Errors
    /// libvirt's "Invalid cpuNum" for a CPU that is not there.
    pub fn cpu_stats(&self, cpu: Option<u32>) -> Result<CpuStats, Error> {
        let path = self.path("proc/stat");
        let text = std::fs::read_to_string(&path).map_err(|e| open_failed(&path, &e))?;
        let name = cpu.map_or_else(|| "cpu".to_owned(), |n| format!("cpu{n}"));
        find(&text, &name).ok_or_else(|| {
            let function = "virHostCPUGetStatsLinux";
            Error::invalid_arg(ErrorDomain::NONE, function, "cpuNum", format!("Invalid cpuNum in {function}"))
        })
    }
}

fn find(text: &str, name: &str) -> Option<CpuStats> {
    let rest = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '))?;
    let mut ticks = rest.split_ascii_whitespace().map_while(|n| n.parse::<u64>().ok());
    let mut next = || ticks.next();
    // user nice system idle iowait irq softirq
    let (user, nice, system, idle) = (next()?, next()?, next()?, next()?);
    let (iowait, irq, softirq) = (next().unwrap_or(0), next().unwrap_or(0), next().unwrap_or(0));
    let ns = 1_000_000_000 / rustix::param::clock_ticks_per_second().max(1);
    let sum = |parts: &[u64]| parts.iter().fold(0_u64, |s, p| s.saturating_add(*p)).saturating_mul(ns);
    Some(CpuStats {
        kernel: sum(&[system, irq, softirq]),
        user: sum(&[user, nice]),
        idle: sum(&[idle]),
        iowait: sum(&[iowait]),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_found_by_whole_name() {
        let text = "cpu  5 1 2 40 3 1 1 0 0 0\ncpu1 1 0 1 7 0 0 0 0 0 0\ncpu11 2 0 2 9 0 0 0 0 0 0\nintr 4\n";
        let tick = 1_000_000_000 / rustix::param::clock_ticks_per_second();
        let all = find(text, "cpu").unwrap();
        assert_eq!(all, CpuStats { kernel: 4 * tick, user: 6 * tick, idle: 40 * tick, iowait: 3 * tick });
        assert_eq!(find(text, "cpu11").unwrap().idle, 9 * tick);
        assert_eq!(find(text, "cpu2"), None);
        assert_eq!(find("cpu 1 2\n", "cpu"), None);
    }

    #[test]
    fn this_host_has_run() {
        let node = Node::host().unwrap();
        assert!(node.cpu_stats(None).unwrap().idle > 0);
        let error = node.cpu_stats(Some(99_999)).unwrap_err();
        assert_eq!(error.message(), "Invalid cpuNum in virHostCPUGetStatsLinux");
    }
}
