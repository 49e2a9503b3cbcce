//! Files a QEMU works with. Images stay as they are, whoever owns them: those the guest's user may not open are lent
//! to its QEMU, and where the file system cannot do that, the daemon opens them and hands the descriptors over. What
//! QEMU reads at its start only is copied where its user may not read it.

use std::fs::{File, OpenOptions};
use std::os::unix::fs::{FileTypeExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use serde_json::Value;
use virtus_base::{Error, ErrorDomain, Result};
use virtus_host::process::{Credentials, Lender, Loan, Spawn};

use crate::error::system;

/// Sees to it that QEMU can open the images that a command line names, which names descriptors instead where it
/// could not open the path.
///
/// With a `private` /dev, nodes there are the user's own.
pub(super) fn hand_over(
    args: &mut Vec<String>,
    user: Option<&Credentials>,
    private: bool,
    lender: &Lender,
    spawn: &mut Spawn,
) -> Result<()> {
    let Some(user) = user else { return Ok(()) };
    let mut sets = Vec::new();
    let mut lent: Vec<PathBuf> = Vec::new();
    let written = written(&nodes_of(args));
    let mut blockdev = false;
    for arg in args.iter_mut() {
        if std::mem::replace(&mut blockdev, arg == "-blockdev")
            && let Ok(mut node) = serde_json::from_str::<Value>(arg)
            && let Some(path) = image_path(&node)
        {
            let write =
                node_name(&node).is_none_or(|name| written.iter().any(|w| w == name)) && !is_read_only(&node);
            // that a directory is no image, QEMU says itself
            if lent.contains(&path) || path.is_dir() {
                continue;
            }
            if private && path.starts_with("/dev") && is_node(&path) {
                continue;
            }
            match access(&path, write, user, lender) {
                Access::Own => continue,
                Access::Lent(loan) => {
                    spawn.loan(loan);
                    lent.push(path);
                    continue;
                }
                Access::Descriptor => {}
            }
            let number = sets.len();
            let direct = node.pointer("/cache/direct").and_then(Value::as_bool).unwrap_or(false);
            sets.push(open_set(&path, write, direct, number, spawn)?);
            if let Some(node) = node.as_object_mut() {
                node.insert("filename".to_owned(), Value::String(format!("/dev/fdset/{number}")));
                // a descriptor cannot be opened again for writing: QEMU's locks on the first one would stay in
                // its way. So it is opened at once as it will be needed.
                if node.shift_remove("auto-read-only").is_some() {
                    node.insert("read-only".to_owned(), Value::Bool(!write));
                }
            }
            *arg = node.to_string();
        }
    }
    // sets are known to QEMU before anything is opened, wherever they stand
    for set in sets {
        args.extend(["-add-fd".to_owned(), set]);
    }
    Ok(())
}

/// Whether a path leads to a device.
fn is_node(path: &Path) -> bool {
    std::fs::metadata(path).is_ok_and(|meta| {
        let kind = meta.file_type();
        kind.is_block_device() || kind.is_char_device()
    })
}

/// How a guest's user comes to an image.
enum Access {
    /// It may open it.
    Own,
    /// It may once it is the owner.
    Lent(Loan),
    /// It cannot; the daemon opens the image.
    Descriptor,
}

fn access(path: &Path, write: bool, user: &Credentials, lender: &Lender) -> Access {
    let wanted = if write { 6 } else { 4 };
    let Ok(meta) = std::fs::metadata(path) else { return Access::Descriptor };
    if !may_enter(path, user) {
        return Access::Descriptor;
    }
    if has(&meta, wanted, user) {
        return Access::Own;
    }
    let owner = Credentials { uid: meta.uid(), gid: meta.gid(), groups: Vec::new() };
    let loan = (meta.is_file() && has(&meta, wanted, &owner)).then(|| lender.lend(path, user));
    match loan {
        Some(Ok(loan)) => Access::Lent(loan),
        Some(Err(e)) => {
            tracing::debug!("{} is not lent: {e}", path.display());
            Access::Descriptor
        }
        None => Access::Descriptor,
    }
}

/// Whether a guest's user may open an image as it is.
pub(crate) fn may_open(path: &Path, write: bool, user: &Credentials) -> bool {
    let wanted = if write { 6 } else { 4 };
    may_enter(path, user) && std::fs::metadata(path).is_ok_and(|meta| has(&meta, wanted, user))
}

fn nodes_of(args: &[String]) -> Vec<Value> {
    let nodes = args.windows(2).filter(|pair| pair.first().is_some_and(|a| a == "-blockdev"));
    nodes.filter_map(|pair| serde_json::from_str(pair.get(1)?).ok()).collect()
}

/// The nodes that a format which may be written lies on, or that nobody says anything of.
pub(crate) fn written(nodes: &[Value]) -> Vec<String> {
    let lies_on = |node: &Value, part: &str, name: &str| node.get(part).and_then(Value::as_str) == Some(name);
    let above = |name: &str| {
        nodes.iter().find(|node| ["file", "data-file"].iter().any(|part| lies_on(node, part, name)))
    };
    let names = nodes.iter().filter_map(node_name);
    names.filter(|name| above(name).is_none_or(|format| !is_read_only(format))).map(str::to_owned).collect()
}

fn node_name(node: &Value) -> Option<&str> {
    node.get("node-name")?.as_str()
}

pub(crate) fn is_read_only(node: &Value) -> bool {
    node.get("read-only").and_then(Value::as_bool).unwrap_or(false)
}

/// The path of a node that is a file or device of the host.
pub(crate) fn image_path(node: &Value) -> Option<PathBuf> {
    let driver = node.get("driver")?.as_str()?;
    let path = node.get("filename")?.as_str()?;
    (matches!(driver, "file" | "host_device") && path.starts_with('/') && !path.starts_with("/dev/fdset/"))
        .then(|| PathBuf::from(path))
}

/// Opens an image just as QEMU would.
pub(crate) fn open(path: &Path, write: bool, direct: bool) -> Result<File> {
    use rustix::fs::OFlags;
    // a pipe must not stop the daemon
    let flags = OFlags::NONBLOCK | if direct { OFlags::DIRECT } else { OFlags::empty() };
    let open = || {
        let file =
            OpenOptions::new().read(true).write(write).custom_flags(flags.bits().cast_signed()).open(path)?;
        let kind = file.metadata()?.file_type();
        if !(kind.is_file() || kind.is_block_device() || kind.is_char_device()) {
            return Err(rustix::io::Errno::INVAL.into());
        }
        // QEMU wants the file as an ordinary one
        rustix::fs::fcntl_setfl(&file, rustix::fs::fcntl_getfl(&file)? - OFlags::NONBLOCK)?;
        Ok::<File, std::io::Error>(file)
    };
    open().map_err(|e| system(format_args!("Could not open '{}'", path.display()), &e))
}

/// The option that tells QEMU of a descriptor.
fn open_set(path: &Path, write: bool, direct: bool, number: usize, spawn: &mut Spawn) -> Result<String> {
    let file = open(path, write, direct)?;
    let fd = spawn.next_fd(file);
    let mode = if write { "write" } else { "read" };
    let opaque = crate::command::line::escape(&format!("{mode}:{}", path.display()));
    Ok(format!("set={number},fd={fd},opaque={opaque}"))
}

/// The files that QEMU opens by name when it starts: what stands for them if its user may not read them.
pub(super) fn readable(args: &mut [String], user: Option<&Credentials>, lib_dir: &Path) -> Result<()> {
    let Some(user) = user else { return Ok(()) };
    let mut option = None;
    for arg in args.iter_mut() {
        let kind = option.take();
        match (kind, arg.as_str()) {
            (_, "-kernel" | "-initrd" | "-dtb" | "-shim") => {
                option = Some(arg.trim_start_matches('-').to_owned())
            }
            (Some(kind), path) => {
                let path = PathBuf::from(path);
                let meta = std::fs::metadata(&path).map_err(|e| {
                    Error::system(ErrorDomain::SECURITY, format!("unable to stat: {}", path.display()), &e)
                })?;
                if !may_read(&path, &meta, user) {
                    let copy = lib_dir.join(kind);
                    duplicate(&path, &copy, user)?;
                    *arg = copy.to_string_lossy().into_owned();
                }
            }
            (None, _) => {}
        }
    }
    Ok(())
}

/// Whether a user may read a file: enter all directories above it, and read itself.
fn may_read(path: &Path, meta: &std::fs::Metadata, user: &Credentials) -> bool {
    has(meta, 4, user) && may_enter(path, user)
}

/// Whether a file's mode gives a user all of these rights (4 to read, 2 to write, 1 to enter).
fn has(meta: &std::fs::Metadata, rights: u32, user: &Credentials) -> bool {
    let shift = match meta {
        m if m.uid() == user.uid => 6,
        m if m.gid() == user.gid || user.groups.contains(&m.gid()) => 3,
        _ => 0,
    };
    meta.mode() >> shift & rights == rights
}

/// Whether a user comes to a file: may enter all directories above it.
fn may_enter(path: &Path, user: &Credentials) -> bool {
    let real = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    real.ancestors().skip(1).all(|dir| std::fs::metadata(dir).is_ok_and(|meta| has(&meta, 1, user)))
}

fn duplicate(from: &Path, to: &Path, user: &Credentials) -> Result<()> {
    let copied = std::fs::copy(from, to)
        .and_then(|_| std::os::unix::fs::chown(to, Some(user.uid), Some(user.gid)))
        .and_then(|()| std::fs::set_permissions(to, std::os::unix::fs::PermissionsExt::from_mode(0o400)));
    copied.map_err(|e| {
        let text = format!("cannot copy '{}' for the guest", from.display());
        Error::system(ErrorDomain::QEMU, text, &e)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Nobody, who owns nothing here.
    fn stranger() -> Credentials {
        Credentials { uid: 65500, gid: 65500, groups: Vec::new() }
    }

    #[test]
    fn images_that_cannot_be_reached_are_handed_over_as_descriptors() {
        // a directory that only its owner may enter
        let dir = tempfile::tempdir().unwrap();
        std::fs::set_permissions(dir.path(), std::os::unix::fs::PermissionsExt::from_mode(0o700)).unwrap();
        let image = dir.path().join("a,b.img");
        std::fs::write(&image, "x").unwrap();
        let node = |read_only: bool| {
            format!(r#"{{"driver":"file","filename":"{}","read-only":{read_only}}}"#, image.display())
        };
        let other = r#"{"driver":"qcow2","file":"x"}"#.to_owned();
        let flag = || "-blockdev".to_owned();
        let mut args = vec![flag(), node(true), flag(), node(false), flag(), other.clone()];
        let mut spawn = Spawn::new("/bin/true");
        let lender = Lender::default();
        hand_over(&mut args, Some(&stranger()), false, &lender, &mut spawn).unwrap();
        assert_eq!(args[1], r#"{"driver":"file","filename":"/dev/fdset/0","read-only":true}"#);
        assert_eq!(args[5], other);
        let sets: Vec<_> = args[6..].iter().filter(|a| a.starts_with("set=")).collect();
        assert_eq!(sets.len(), 2);
        assert!(sets[0].starts_with("set=0,fd=3,opaque=read:") && sets[0].ends_with("/a,,b.img"));
        let mut missing = vec![flag(), node(false).replace("a,b", "none")];
        assert!(hand_over(&mut missing, Some(&stranger()), false, &lender, &mut spawn).is_err());
    }

    #[test]
    fn images_are_named_where_the_user_may_open_them() {
        let dir = tempfile::tempdir().unwrap();
        let image = dir.path().join("image");
        std::fs::write(&image, "x").unwrap();
        let meta = std::fs::metadata(&image).unwrap();
        let owner = Credentials { uid: meta.uid(), gid: meta.gid(), groups: Vec::new() };
        assert!(has(&meta, 6, &owner) && !has(&meta, 2, &stranger()));
        let args =
            vec!["-blockdev".to_owned(), format!(r#"{{"driver":"file","filename":"{}"}}"#, image.display())];
        for user in [None, Some(&owner)] {
            let mut same = args.clone();
            hand_over(&mut same, user, false, &Lender::default(), &mut Spawn::new("/bin/true")).unwrap();
            assert_eq!(same, args);
        }
    }
}
