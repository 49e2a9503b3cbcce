//! Control groups.

use std::path::PathBuf;

use virtus::{ErrorCode, Result};

use super::{kernel, system};
use crate::call::Call;

/// Where control groups are.
const ROOT: &str = "/sys/fs/cgroup";

/// Moves the process into the groups of another one.
pub(super) fn enter(call: &Call, pid: i32) -> Result<()> {
    if pid < 0 {
        return Err(call.error(ErrorCode::OPERATION_INVALID, "domain is not running"));
    }
    let path = format!("/proc/{pid}/cgroup");
    let groups = kernel(call, &path, &format!("Unable to open '{path}'"))?;
    for place in groups.lines().filter_map(place) {
        // not every controller is mounted
        if place.exists() {
            let done = std::fs::write(&place, std::process::id().to_string());
            done.map_err(|error| {
                system(call, &format!("unable to add task to cgroup {}", place.display()), &error)
            })?;
        }
    }
    Ok(())
}

/// The file that takes processes, of one line such as `0::/a` or `4:cpu,cpuacct:/a`.
fn place(line: &str) -> Option<PathBuf> {
    let mut fields = line.splitn(3, ':');
    let (_, controllers, path) = (fields.next()?, fields.next()?, fields.next()?);
    let root = match controllers.strip_prefix("name=").unwrap_or(controllers) {
        "" => PathBuf::from(ROOT),
        controllers => PathBuf::from(ROOT).join(controllers),
    };
    Some(root.join(path.trim_start_matches('/')).join("cgroup.procs"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_lead_to_files() {
        let at = |line: &str| place(line).unwrap().display().to_string();
        assert_eq!(at("0::/machine/a"), "/sys/fs/cgroup/machine/a/cgroup.procs");
        assert_eq!(at("4:cpu,cpuacct:/a:b"), "/sys/fs/cgroup/cpu,cpuacct/a:b/cgroup.procs");
        assert_eq!(at("1:name=systemd:/"), "/sys/fs/cgroup/systemd/cgroup.procs");
        assert!(place("nothing").is_none());
    }
}
