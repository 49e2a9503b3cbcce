//! Pools that are file systems, of a device of the host or of a server: they are mounted while they are active.

use std::time::Duration;

use virtus_base::{Error, ErrorCode, ErrorDomain, Result};
use virtus_conf::storage::{Kind, Pool};
use virtus_host::program::{Program, Runner, run_blocking};

use crate::error;

/// How long a server may take before it is given up. libvirt waits for as long as the kernel does.
const PATIENCE: Duration = Duration::from_secs(90);

/// Whether pools of the kind are mounted.
pub(crate) fn is_mountable(kind: Kind) -> bool {
    matches!(kind, Kind::Fs | Kind::Netfs)
}

fn internal(text: &str) -> Error {
    Error::internal(ErrorDomain::STORAGE, text)
}

/// What is mounted: a device, or a directory of a server.
fn source(pool: &Pool) -> Result<String> {
    let from = &pool.source;
    if pool.kind == Kind::Fs {
        let device = from.devices.first().map(|device| device.path.clone());
        return device.ok_or_else(|| internal("missing source device"));
    }
    let [host] = from.hosts.as_slice() else {
        return Err(internal("Expected exactly 1 host for the storage pool"));
    };
    let dir = from.dir.as_deref().ok_or_else(|| internal("missing source path"))?;
    Ok(match from.format {
        Some("cifs") => format!("//{}/{}", host.name, dir.trim_start_matches('/')),
        // an address of IPv6 has colons of its own
        _ if host.name.contains(':') => format!("[{}]:{dir}", host.name),
        _ => format!("{}:{dir}", host.name),
    })
}

/// The command line that mounts a pool.
fn mount_program(pool: &Pool, target: &str) -> Result<Program> {
    let format = pool.source.format.unwrap_or("auto");
    // what comes from outside the host has no devices, programs or users' rights of the host's in it
    let mut options = vec!["nodev".to_owned(), "nosuid".to_owned(), "noexec".to_owned()];
    if let Some(version) = &pool.source.protocol {
        options.push(format!("nfsvers={version}"));
    }
    if format == "cifs" {
        options.push("guest".to_owned());
    }
    options.extend(pool.mount_options.iter().cloned());
    let mut program = Program::new("mount").timeout(PATIENCE);
    // the kernel's clients find out by themselves which protocol the server speaks
    if !(pool.kind == Kind::Netfs && format == "auto") {
        program = program.args(["-t", format]);
    }
    Ok(program.arg(source(pool)?).arg(target).args(["-o", &options.join(",")]))
}

/// Whether the pool's file system is where it belongs. Asks nobody but the kernel's table.
fn is_mounted(target: &str) -> bool {
    let table = std::fs::read_to_string("/proc/self/mounts").unwrap_or_default();
    is_in_table(&table, target)
}

fn is_in_table(table: &str, target: &str) -> bool {
    let target = target.trim_end_matches('/');
    let unescaped = |field: &str| field.replace("\\040", " ").replace("\\011", "\t").replace("\\134", "\\");
    table.lines().filter_map(|line| line.split(' ').nth(1)).any(|point| unescaped(point) == target)
}

/// Whether a pool is a server's file system that is mounted.
pub(crate) fn is_reachable(pool: &Pool) -> bool {
    pool.kind == Kind::Netfs && pool.target.as_ref().is_some_and(|target| is_mounted(&target.path))
}

/// Mounts a pool that has to be mounted and is not. Says whether it did.
///
/// # Errors
/// What mount(8) says.
pub(crate) fn mount(pool: &Pool, programs: &dyn Runner) -> Result<bool> {
    let Some(target) = pool.target.as_ref().filter(|_| is_mountable(pool.kind)) else { return Ok(false) };
    if is_mounted(&target.path) {
        return Ok(false);
    }
    let program = mount_program(pool, &target.path)?;
    run_blocking(programs, &program)?.success(&program).map(|_| true)
}

/// Takes away what [`mount`] has put there.
///
/// # Errors
/// What umount(8) says, for example that the file system is in use.
pub(crate) fn unmount(pool: &Pool, programs: &dyn Runner) -> Result<()> {
    let Some(target) = pool.target.as_ref().filter(|_| is_mountable(pool.kind)) else { return Ok(()) };
    if !is_mounted(&target.path) {
        return Ok(());
    }
    let program = Program::new("umount").timeout(PATIENCE).arg(&target.path);
    run_blocking(programs, &program)?.success(&program).map(drop)
}

/// Makes a new file system on the pool's device; on one that has something on it only if that may be `lost`.
///
/// # Errors
/// `OPERATION_INVALID` when it may not be lost; what mkfs(8) says.
pub(crate) fn format(pool: &Pool, lost: bool, programs: &dyn Runner) -> Result<()> {
    let none = || {
        error(
            ErrorCode::OPERATION_INVALID,
            format!("No source device specified when formatting pool '{}'", pool.name),
        )
    };
    let first = pool.source.devices.first().filter(|_| pool.kind == Kind::Fs);
    let device = &first.ok_or_else(none)?.path;
    if !std::path::Path::new(device).exists() {
        let text = format!("Source device does not exist when formatting pool '{}'", pool.name);
        return Err(error(ErrorCode::OPERATION_INVALID, text));
    }
    if !lost {
        let probe = Program::new("blkid").args(["-p", "-o", "value", "-s", "TYPE", "-s", "PTTYPE", device]);
        let found = run_blocking(programs, &probe)?;
        let has = String::from_utf8_lossy(&found.stdout).trim().to_owned();
        // blkid ends with 2 where it finds nothing
        if found.status != Some(2) {
            let text = format!("Device '{device}' already formatted using '{has}'");
            return Err(error(ErrorCode::OPERATION_INVALID, text));
        }
    }
    let kind = pool.source.format.filter(|format| *format != "auto").unwrap_or("ext4");
    let mkfs = Program::new("mkfs").args(["-t", kind, device]);
    run_blocking(programs, &mkfs)?.success(&mkfs).map_err(|e| {
        let text =
            format!("Failed to make filesystem of type '{kind}' on device '{device}': {}", e.message());
        error(ErrorCode::OPERATION_FAILED, text)
    })?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pool(kind: &str, source: &str) -> Pool {
        let text = format!(
            "<pool type='{kind}'><name>p</name><source>{source}</source><target><path>/mnt/p</path></target></pool>"
        );
        Pool::parse(&text, false).unwrap()
    }

    #[test]
    fn pools_are_mounted_as_libvirt_does() {
        let line = |pool: &Pool| mount_program(pool, "/mnt/p").unwrap().line();
        let nfs =
            pool("netfs", "<host name='fe80::1'/><dir path='/x'/><format type='nfs'/><protocol ver='4.1'/>");
        assert_eq!(line(&nfs), "mount -t nfs '[fe80::1]:/x' /mnt/p -o nodev,nosuid,noexec,nfsvers=4.1");
        let auto = pool("netfs", "<host name='h'/><dir path='/x'/>");
        assert_eq!(line(&auto), "mount h:/x /mnt/p -o nodev,nosuid,noexec");
        let cifs = pool("netfs", "<host name='h'/><dir path='/x'/><format type='cifs'/>");
        assert_eq!(line(&cifs), "mount -t cifs //h/x /mnt/p -o nodev,nosuid,noexec,guest");
        let fs = pool("fs", "<device path='/dev/sdx1'/>");
        assert_eq!(line(&fs), "mount -t auto /dev/sdx1 /mnt/p -o nodev,nosuid,noexec");
    }

    #[test]
    fn mount_points_are_found_whatever_is_in_their_names() {
        let table = "a / ext4 rw 0 0\nb /mnt/with\\040blank ext4 rw 0 0\n";
        assert!(is_in_table(table, "/mnt/with blank/"));
        assert!(!is_in_table(table, "/mnt/with"));
    }

    #[test]
    fn only_devices_that_are_there_are_formatted() {
        let refused =
            format(&pool("fs", "<device path='/dev/no-such-device'/>"), true, &virtus_host::program::Host);
        assert_eq!(
            refused.unwrap_err().message(),
            "Requested operation is not valid: Source device does not exist when formatting pool 'p'"
        );
    }
}
