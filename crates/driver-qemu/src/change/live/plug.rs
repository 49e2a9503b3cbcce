//! Making and removing parts of devices through the monitor.

use std::collections::HashMap;

use virtus_base::Result;
use virtus_qmp::Monitor;
use virtus_qmp::command::{
    BlockdevAdd, BlockdevDel, ChardevAdd, ChardevRemove, DeviceAdd, DeviceDel, NetdevAdd, NetdevDel,
    ObjectAdd, ObjectDel, QueryNamedBlockNodes, RemoveFd,
};

use crate::device::part::Part;
use crate::process::Job;

/// Makes the parts one after the other; when one cannot be made, those before it are removed again. Answers the
/// terminals that QEMU has opened, by chardev.
pub(super) async fn make(job: &Job, parts: &[Part]) -> Result<HashMap<String, String>> {
    let monitor = job.monitor()?;
    let mut terminals = HashMap::new();
    for (i, part) in parts.iter().enumerate() {
        if let Err(e) = one(job, part, &mut terminals).await {
            remove(&monitor, parts.get(..i).unwrap_or_default()).await;
            return Err(e);
        }
    }
    Ok(terminals)
}

async fn one(job: &Job, part: &Part, terminals: &mut HashMap<String, String>) -> Result<()> {
    let json = |props: &crate::command::props::Props| props.clone().into_json();
    match part {
        Part::Object(props) => job.execute(&ObjectAdd(json(props))).await.map(|_| ()),
        Part::Block(props) => job.execute(&BlockdevAdd(json(props))).await.map(|_| ()),
        Part::Netdev(props) => job.execute(&NetdevAdd(json(props))).await.map(|_| ()),
        Part::Device(props) => job.execute(&DeviceAdd(json(props))).await.map(|_| ()),
        Part::Chardev(id, backend) => {
            let made = job.execute(&ChardevAdd { id: id.clone(), backend: backend.clone() }).await?;
            if let Some(path) = made.pty {
                terminals.insert(id.clone(), path);
            }
            Ok(())
        }
    }
}

/// Removes parts, the last one first, with the descriptors of their images. It goes on past failures: what cannot be
/// removed is in use by something else, or gone already.
pub(super) async fn remove(monitor: &Monitor, parts: &[Part]) {
    let sets = image_sets(monitor, parts).await;
    for part in parts.iter().rev() {
        let id = part.id().to_owned();
        let removed = match part {
            Part::Object(_) => monitor.execute(&ObjectDel { id }).await.map(|_| ()),
            Part::Block(_) => monitor.execute(&BlockdevDel { node_name: id }).await.map(|_| ()),
            Part::Netdev(_) => monitor.execute(&NetdevDel { id }).await.map(|_| ()),
            Part::Chardev(..) => monitor.execute(&ChardevRemove { id }).await.map(|_| ()),
            Part::Device(_) => monitor.execute(&DeviceDel { id }).await.map(|_| ()),
        };
        if let Err(e) = removed {
            tracing::debug!("{part:?} is not removed: {e}");
        }
    }
    for fdset_id in sets {
        let _ = monitor.execute(&RemoveFd { fdset_id, fd: None }).await;
    }
}

/// The sets of descriptors that the images among these parts are opened from.
async fn image_sets(monitor: &Monitor, parts: &[Part]) -> Vec<u64> {
    let names: Vec<&str> = parts.iter().filter(|p| matches!(p, Part::Block(_))).map(Part::id).collect();
    if names.is_empty() {
        return Vec::new();
    }
    let nodes = monitor.execute(&QueryNamedBlockNodes { flat: Some(true) }).await.unwrap_or_default();
    nodes
        .iter()
        .filter(|node| node.get("node-name").and_then(|n| n.as_str()).is_some_and(|n| names.contains(&n)))
        .filter_map(|node| node.get("file")?.as_str()?.strip_prefix("/dev/fdset/")?.parse().ok())
        .collect()
}
