//! The /dev that a guest's QEMU sees: a few nodes that every QEMU needs, and those of the guest's own devices, which are
//! its user's there. The host's nodes stay as they are.
//!
//! Which nodes a guest needs follows from what QEMU is told: it opens no others.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use serde_json::Value;
use virtus_base::Result;
use virtus_host::process::{PrivateDev, Process, Spawn, Step, add_node, remove_node};

use crate::driver::Shared;
use crate::error::system;

/// Whether guests get a /dev of their own: where the settings do not say otherwise, the system's daemon gives them one
/// if the host can.
pub(super) fn is_private(shared: &Shared) -> bool {
    static POSSIBLE: OnceLock<bool> = OnceLock::new();
    // a program that is not there fails later than all that concerns the namespace
    let possible = || {
        let mut spawn = Spawn::new("/dev/null/none");
        spawn.private_dev(PrivateDev::new());
        !matches!(spawn.start(), Err(e) if matches!(e.step, Step::Namespace | Step::Devices))
    };
    let namespaces = shared.setup.settings.namespaces.as_ref();
    let wanted = namespaces.is_none_or(|list| list.iter().any(|namespace| namespace == "mount"));
    shared.setup.layout.privileged && wanted && *POSSIBLE.get_or_init(possible)
}

/// The /dev of a QEMU with these arguments.
pub(super) fn of(shared: &Shared, args: &[String]) -> PrivateDev {
    let mut dev = match &shared.setup.settings.cgroup_device_acl {
        Some(nodes) => PrivateDev::with(nodes),
        None => PrivateDev::new(),
    };
    for path in needed(args).into_iter().filter(|path| !PrivateDev::is_usual(path)) {
        let owner = owner(shared).filter(|_| is_own(&path));
        dev.node(path, owner);
    }
    if shared.setup.settings.cgroup_device_acl.is_none() {
        // what a migration that fetches memory later reads its faults from
        dev.node("/dev/userfaultfd", owner(shared));
    }
    dev
}

fn owner(shared: &Shared) -> Option<(u32, u32)> {
    shared.setup.user.as_ref().map(|user| (user.uid, user.gid))
}

/// Adds nodes to the /dev of a QEMU that runs. One that shares the host's needs none.
///
/// # Errors
/// When a node cannot be made.
pub(crate) fn add(shared: &Shared, process: &Process, nodes: &BTreeSet<PathBuf>) -> Result<()> {
    for path in nodes.iter().filter(|path| path.exists()) {
        add_node(process, path, owner(shared))
            .map_err(|e| system(format_args!("Unable to create device {}", path.display()), &e))?;
    }
    Ok(())
}

/// Takes nodes out of it again.
pub(crate) fn remove(process: &Process, nodes: &BTreeSet<PathBuf>) {
    for path in nodes {
        if let Err(e) = remove_node(process, path) {
            tracing::warn!("cannot remove {} from a guest's /dev: {e}", path.display());
        }
    }
}

/// Whether a node is one guest's own: neither what all QEMUs have, nor what several devices may use.
pub(crate) fn is_own(path: &Path) -> bool {
    !PrivateDev::is_usual(path) && path != Path::new("/dev/vfio/vfio") && path != Path::new("/dev/udmabuf")
}

/// The nodes that a command line needs beside those of every QEMU.
fn needed(args: &[String]) -> BTreeSet<PathBuf> {
    let mut nodes = BTreeSet::new();
    for arg in args.iter().filter(|arg| arg.contains("/dev/") || arg.starts_with('{')) {
        match serde_json::from_str::<Value>(arg) {
            Ok(json) => of_json(&json, &mut nodes),
            Err(_) => arg.split(',').for_each(|option| {
                of_text(option.split_once('=').map_or(option, |(_, value)| value), &mut nodes);
            }),
        }
    }
    nodes
}

/// The nodes that an object, a device or a block node needs.
pub(crate) fn of_json(json: &Value, nodes: &mut BTreeSet<PathBuf>) {
    let text = |name: &str| json.get(name).and_then(Value::as_str);
    let number = |name: &str| json.get(name).and_then(Value::as_u64);
    match (text("driver").or(text("qom-type")), json) {
        (Some("vfio-pci"), _) => {
            let device = match (text("sysfsdev"), text("host")) {
                (Some(path), _) => Some(PathBuf::from(path)),
                (None, Some(address)) => Some(Path::new("/sys/bus/pci/devices").join(address)),
                (None, None) => None,
            };
            nodes.insert("/dev/vfio/vfio".into());
            let group = device.and_then(|device| std::fs::read_link(device.join("iommu_group")).ok());
            nodes.extend(group.and_then(|group| Some(Path::new("/dev/vfio").join(group.file_name()?))));
        }
        (Some("usb-host"), _) => {
            if let (Some(bus), Some(device)) = (number("hostbus"), number("hostaddr")) {
                nodes.insert(format!("/dev/bus/usb/{bus:03}/{device:03}").into());
            }
        }
        (Some("sev-guest" | "sev-snp-guest"), _) => {
            nodes.insert("/dev/sev".into());
        }
        (Some("memory-backend-epc"), _) => {
            nodes.extend(["/dev/sgx_vepc", "/dev/sgx_provision"].map(PathBuf::from));
        }
        _ => {}
    }
    match json {
        Value::String(text) => of_text(text, nodes),
        Value::Array(list) => list.iter().for_each(|item| of_json(item, nodes)),
        Value::Object(members) => {
            if members.get("blob").and_then(Value::as_bool) == Some(true) {
                nodes.insert("/dev/udmabuf".into());
            }
            members.values().for_each(|item| of_json(item, nodes));
        }
        _ => {}
    }
}

fn of_text(text: &str, nodes: &mut BTreeSet<PathBuf>) {
    // sets of descriptors are no nodes, though QEMU names them so
    if text.starts_with("/dev/") && !text.starts_with("/dev/fdset/") {
        nodes.insert(PathBuf::from(text));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_line_tells_which_nodes_it_needs() {
        let args = [
            "-blockdev",
            r#"{"driver":"host_device","filename":"/dev/vdb","node-name":"a"}"#,
            "-blockdev",
            r#"{"driver":"file","filename":"/dev/fdset/0"}"#,
            "-object",
            r#"{"qom-type":"rng-random","id":"objrng0","filename":"/dev/urandom"}"#,
            "-chardev",
            "serial,id=charserial0,path=/dev/ttyS0",
            "-device",
            r#"{"driver":"usb-host","hostbus":1,"hostaddr":12}"#,
            "-device",
            r#"{"driver":"vfio-pci","host":"ffff:ff:1f.7"}"#,
            "-device",
            r#"{"driver":"virtio-gpu-pci","blob":true}"#,
            "-kernel",
            "/boot/vmlinuz",
        ]
        .map(str::to_owned);
        let found: Vec<String> = needed(&args).iter().map(|path| path.display().to_string()).collect();
        let expected = [
            "/dev/bus/usb/001/012",
            "/dev/ttyS0",
            "/dev/udmabuf",
            "/dev/urandom",
            "/dev/vdb",
            "/dev/vfio/vfio",
        ];
        assert_eq!(found, expected);
    }
}
