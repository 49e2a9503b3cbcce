//! Control groups: what a container's process is in can be entered by others.

use std::path::PathBuf;

use virtus_base::{Error, ErrorCode, ErrorDomain, Result};

/// Where control groups are.
const ROOT: &str = "/sys/fs/cgroup";

/// Moves this process into the groups of another one, e.g. those of a container, whose first process has the
/// domain's id as its number.
///
/// # Errors
/// `OPERATION_INVALID` for a negative number, as domains have that do not run; `SYSTEM_ERROR`.
pub fn enter_cgroup(pid: i32) -> Result<()> {
    if pid < 0 {
        return Err(Error::new(ErrorDomain::NONE, ErrorCode::OPERATION_INVALID, "domain is not running"));
    }
    let system = |what: String, error| Error::system(ErrorDomain::NONE, what, &error);
    let path = format!("/proc/{pid}/cgroup");
    let groups = std::fs::read_to_string(&path).map_err(|e| system(format!("Unable to open '{path}'"), e))?;
    for place in groups.lines().filter_map(place) {
        // not every controller is mounted
        if place.exists() {
            std::fs::write(&place, std::process::id().to_string())
                .map_err(|e| system(format!("unable to add task to cgroup {}", place.display()), e))?;
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
