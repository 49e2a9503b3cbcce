//! What the command line of a domain has to know of this host.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use virtus_base::Bitmap;
use virtus_host::node::{default_huge_page, huge_page_mounts};

use crate::capabilities::ProbedEmulator;
use crate::capabilities::node_cpu::node_cpu;
use crate::command::Context;
use crate::command::guest::Tsc;
use crate::driver::Shared;

/// What the command line of a domain has to know, but for what is opened for it.
pub(crate) fn context(shared: &Shared, id: i32, name: &str) -> Context {
    let layout = &shared.setup.layout;
    let text = |path: std::path::PathBuf| path.to_string_lossy().into_owned();
    let lib_dir = text(layout.domain_dir(id, name));
    Context {
        channel_dir: text(layout.channel_dir(id, name)),
        memory_dir: text(layout.memory_dir(id, name)),
        short_name: layout.short_name(id, name),
        dbus_dir: text(layout.dbus_dir()),
        master_key: Some(format!("{lib_dir}/master-key.aes")),
        lib_dir,
        vnc_listen: shared.setup.settings.vnc_listen.clone(),
        settings: Arc::clone(&shared.setup.settings),
        privileged: layout.privileged,
        now: SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map_or(0, |d| i64::try_from(d.as_secs()).unwrap_or(i64::MAX)),
        utc_offset: virtus_host::clock::utc_offset(),
        tsc: node_cpu().tsc.map(|tsc| Tsc {
            frequency: tsc.frequency,
            scaling: tsc.scaling.is_some_and(|scaling| scaling.is_true()),
        }),
        physical_bits: node_cpu().physical_bits,
        path: std::env::var("PATH").ok(),
        rendernode: rendernode(),
        host_nodes: Some(host_nodes(shared)),
        default_hugepage: default_huge_page(),
        hugepages: hugepages(shared.setup.settings.hugetlbfs_mount.0.as_deref()),
        vfio: std::path::Path::new("/dev/vfio/vfio").exists(),
        ..Context::default()
    }
}

/// Where pages of each size are: where the settings say, or wherever they are mounted.
fn hugepages(allowed: Option<&[String]>) -> Vec<(u64, String)> {
    let mut mounts = huge_page_mounts();
    if let Some(allowed) = allowed {
        mounts.retain(|(_, mount)| allowed.contains(mount));
    }
    mounts
}

/// The host's NUMA nodes.
fn host_nodes(shared: &Shared) -> Bitmap {
    let mut nodes = Bitmap::new();
    for cell in &shared.setup.node.topology().cells {
        nodes.set(cell.id as usize);
    }
    nodes
}

/// The host's first DRM render node.
fn rendernode() -> Option<String> {
    let entries = std::fs::read_dir("/dev/dri").ok()?;
    let mut nodes: Vec<_> = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok()).collect();
    nodes.sort_unstable();
    let node = nodes.into_iter().find(|name| name.starts_with("renderD"))?;
    Some(format!("/dev/dri/{node}"))
}

/// The names of what an emulator can do, for status files.
pub(crate) fn capability_names(emulator: &ProbedEmulator) -> Vec<String> {
    let mut names: Vec<_> = emulator.capabilities.flags.iter().cloned().collect();
    names.sort_unstable();
    names
}

/// QEMU's version as the log has it: the number, then what the packager calls it.
pub(crate) fn version_text(emulator: &ProbedEmulator) -> String {
    let v = emulator.capabilities.version;
    format!("{}.{}.{}{}", v / 1_000_000, v / 1000 % 1000, v % 1000, emulator.capabilities.package)
}
