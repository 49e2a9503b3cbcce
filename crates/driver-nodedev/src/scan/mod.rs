//! Reading the host's devices from sysfs, and from udev's database where there is one.

mod entry;
mod ids;
mod kinds;
mod pci;
mod storage;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use virtus_base::Uuid;
use virtus_conf::nodedev::host::{Capability, Hardware, NodeDevice, System};

use entry::Entry;

/// The name of the device all others are on.
pub(crate) const COMPUTER: &str = "computer";

/// All devices, parents before what is on them.
pub(crate) fn all(root: &Path) -> Vec<NodeDevice> {
    let mut found = vec![computer(root)];
    let mut names: BTreeMap<PathBuf, String> = BTreeMap::new();
    for path in paths(root) {
        if let Some(device) = device(root, &path, &names) {
            names.insert(path, device.name.clone());
            found.push(device);
        }
    }
    found
}

/// One device as it is now.
pub(crate) fn again(root: &Path, known: &NodeDevice) -> Option<NodeDevice> {
    let Some(path) = &known.path else { return Some(computer(root)) };
    let path = root.join(path.trim_start_matches('/'));
    let mut device = device(root, &path, &BTreeMap::new())?;
    device.parent.clone_from(&known.parent);
    Some(device)
}

/// The places of all devices that have a bus or a class.
fn paths(root: &Path) -> BTreeSet<PathBuf> {
    let entries = |dir: PathBuf| std::fs::read_dir(dir).into_iter().flatten().flatten().map(|e| e.path());
    let buses = entries(root.join("sys/bus")).map(|bus| bus.join("devices"));
    let classes = entries(root.join("sys/class"));
    buses.chain(classes).flat_map(entries).filter_map(|link| std::fs::canonicalize(link).ok()).collect()
}

fn device(root: &Path, path: &Path, names: &BTreeMap<PathBuf, String>) -> Option<NodeDevice> {
    let entry = Entry::read(root, path)?;
    let (capability, suffix) = kinds::read(&entry)?;
    let name = match &capability {
        Capability::Mdev(mdev) => {
            mdev_name(&mdev.uuid.map(|uuid| uuid.to_string()).unwrap_or_default(), mdev.parent.as_deref())
        }
        _ => {
            let suffix = suffix.map(|s| format!("_{s}")).unwrap_or_default();
            plain(&format!("{}_{}{suffix}", entry.subsystem, entry.name))
        }
    };
    let parent = path.ancestors().skip(1).find_map(|above| names.get(above)).cloned();
    Some(NodeDevice {
        name,
        path: Some(entry.shown()),
        node: entry.property("DEVNAME").map(device_file),
        links: entry.links.clone(),
        parent: Some(parent.unwrap_or_else(|| COMPUTER.to_owned())),
        driver: entry.link_name("driver"),
        capability,
    })
}

/// A name of letters, numbers and underscores.
fn plain(text: &str) -> String {
    text.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect()
}

/// The name of a mediated device.
pub(crate) fn mdev_name(uuid: &str, parent: Option<&str>) -> String {
    plain(&format!("mdev_{uuid}_{}", parent.unwrap_or_default())).trim_end_matches('_').to_owned()
}

fn device_file(name: &str) -> String {
    if name.starts_with('/') { name.to_owned() } else { format!("/dev/{name}") }
}

fn computer(root: &Path) -> NodeDevice {
    let read = |name: &str| {
        let text = std::fs::read_to_string(root.join("sys/devices/virtual/dmi/id").join(name)).ok()?;
        Some(text.trim().to_owned()).filter(|text| !text.is_empty())
    };
    let system = System {
        product: read("product_name"),
        hardware: Hardware {
            vendor: read("sys_vendor"),
            version: read("product_version"),
            serial: read("product_serial"),
        },
        uuid: read("product_uuid").and_then(|text| Uuid::parse(&text)).unwrap_or(Uuid([0; 16])),
        firmware: [read("bios_vendor"), read("bios_version"), read("bios_date")],
    };
    NodeDevice {
        name: COMPUTER.to_owned(),
        path: None,
        node: None,
        links: Vec::new(),
        parent: None,
        driver: None,
        capability: Capability::System(system),
    }
}

#[cfg(test)]
mod tests;
