//! What the host does for a device that is plugged in: sockets, files, network cards, images. QEMU is given the
//! descriptors through its monitor.

use std::collections::BTreeSet;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use serde_json::Value;
use virtus_base::Result;
use virtus_conf::domain as conf;
use virtus_conf::domain::device::chardev::{ChardevSource, SocketMode};
use virtus_conf::domain::device::hostdev::HostDevSource;
use virtus_conf::domain::device::rng::RngBackend;
use virtus_conf::domain::device::{Chardev, Device, Interface};
use virtus_qmp::command::{AddFd, Closefd, Getfd, RemoveFd};
use virtus_state::Undo;

use super::Site;
use crate::command::Context;
use crate::device::part::Part;
use crate::error::{system, unsupported};
use crate::process::{dev, filters, images, prepare, taps};

/// Prepares the host for a device that has its alias. Each step pushes its undo.
///
/// # Errors
/// What the host cannot do.
pub(super) async fn prepare(
    site: &Site<'_>,
    device: &mut Device,
    context: &mut Context,
    undo: &mut Undo,
) -> Result<()> {
    let alias = device.info().and_then(|info| info.alias.clone()).unwrap_or_default();
    if let Device::Interface(net) = device {
        return network(site, net, &alias, context, undo).await;
    }
    if let Some(chardev) = chardev(device) {
        return self::chardev_files(site, chardev, &alias, context, undo).await;
    }
    let node = match device {
        Device::Vsock(_) => ("/dev/vhost-vsock", "unable to open vhost-vsock device"),
        Device::HostDev(hostdev) if matches!(hostdev.source, HostDevSource::ScsiHost(_)) => {
            ("/dev/vhost-scsi", "unable to open vhost-scsi device")
        }
        _ => return Ok(()),
    };
    let (path, text) = node;
    let opened = std::fs::OpenOptions::new().read(true).write(true).open(path);
    let name = give(site, &format!("fd-{alias}"), opened.map_err(|_| unsupported(text))?, undo).await?;
    context.handed.insert(alias, name);
    Ok(())
}

/// The character device's host side of a device that has one: shared or to be changed.
macro_rules! chardev_of {
    ($name:ident, $($reference:tt)+) => {
        pub(super) fn $name(device: $($reference)+ Device) -> Option<$($reference)+ Chardev> {
            match device {
                Device::Serial(x) => Some($($reference)+ x.chardev),
                Device::Parallel(x) => Some($($reference)+ x.chardev),
                Device::Console(x) => Some($($reference)+ x.chardev),
                Device::Channel(x) => Some($($reference)+ x.chardev),
                Device::RedirDev(x) => Some($($reference)+ x.chardev),
                Device::Rng(x) => match $($reference)+ x.backend {
                    RngBackend::Egd(chardev) => Some(chardev),
                    _ => None,
                },
                _ => None,
            }
        }
    };
}
chardev_of!(chardev, &);
chardev_of!(chardev_mut, &mut);

/// Gives QEMU a descriptor under a name, which it keeps until something uses it.
async fn give(site: &Site<'_>, name: &str, fd: impl Into<OwnedFd>, undo: &mut Undo) -> Result<String> {
    let monitor = site.job.monitor()?;
    let command = Getfd { fdname: name.to_owned() };
    site.job.run(async { Ok(monitor.execute_with_fds(&command, vec![fd.into()]).await?) }).await?;
    let fdname = name.to_owned();
    undo.push_async("descriptor", move || async move {
        // used up already if all went well with it
        let _ = monitor.execute(&Closefd { fdname }).await;
        Ok(())
    });
    Ok(name.to_owned())
}

/// Gives QEMU a descriptor in a set of its own; answers the path that stands for it.
async fn give_set(
    site: &Site<'_>,
    opaque: String,
    fd: impl Into<OwnedFd>,
    undo: &mut Undo,
) -> Result<String> {
    let monitor = site.job.monitor()?;
    let command = AddFd { fdset_id: None, opaque: Some(opaque) };
    let added =
        site.job.run(async { Ok(monitor.execute_with_fds(&command, vec![fd.into()]).await?) }).await?;
    let fdset_id = added.fdset_id;
    undo.push_async("set of descriptors", move || async move {
        let _ = monitor.execute(&RemoveFd { fdset_id, fd: None }).await;
        Ok(())
    });
    Ok(format!("/dev/fdset/{fdset_id}"))
}

async fn chardev_files(
    site: &Site<'_>,
    chardev: &Chardev,
    alias: &str,
    context: &mut Context,
    undo: &mut Undo,
) -> Result<()> {
    let id = crate::device::chardev::id(alias);
    match &chardev.source {
        ChardevSource::Unix { source } if source.mode == Some(SocketMode::Bind) => {
            let path = source.path.clone().unwrap_or_default();
            let listener = prepare::listen(Path::new(&path))?;
            prepare::give_to_qemu(site.shared, Path::new(&path))?;
            undo.push("socket", move || {
                let _ = std::fs::remove_file(&path);
                Ok(())
            });
            let name = give(site, &format!("fd-{id}"), listener, undo).await?;
            context.handed.insert(id.clone(), name);
        }
        ChardevSource::File { source } => {
            let append = source.append.is_some_and(|append| append.is_true());
            let file = prepare::append_to(source.path.as_deref().unwrap_or_default(), append)?;
            let path = give_set(site, format!("{id}-source"), file, undo).await?;
            context.handed.insert(format!("{id}-source"), path);
        }
        _ => {}
    }
    if let Some(log) = &chardev.log {
        let file = prepare::append_to(&log.file, log.append.is_none_or(|append| append.is_true()))?;
        let path = give_set(site, format!("{id}-log"), file, undo).await?;
        context.handed.insert(format!("{id}-log"), path);
    }
    Ok(())
}

async fn network(
    site: &Site<'_>,
    net: &mut Interface,
    alias: &str,
    context: &mut Context,
    undo: &mut Undo,
) -> Result<()> {
    let owner = taps::Owner::of(&site.model()?);
    let Some(side) = taps::connect(site.shared, &owner, net, undo).await? else { return Ok(()) };
    filter(site, net, false).await?;
    {
        let (shared, net) = (std::sync::Arc::clone(site.shared), net.clone());
        undo.push("packet filter", move || {
            filters::unbind(&shared, &net);
            Ok(())
        });
    }
    for (what, key, fds) in [("tapfd", "fd", side.taps), ("vhostfd", "vhostfd", side.vhosts)] {
        let mut names = Vec::new();
        for (fd, i) in fds.into_iter().zip(0..) {
            names.push(give(site, &format!("{what}-{alias}{i}"), fd, undo).await?);
        }
        if !names.is_empty() {
            context.handed.insert(format!("{alias}-{key}"), names.join(":"));
        }
    }
    Ok(())
}

/// Has an interface filtered as its definition says; with `again`, it may be filtered already.
///
/// # Errors
/// libvirt's for the filter.
pub(super) async fn filter(site: &Site<'_>, net: &Interface, again: bool) -> Result<()> {
    if net.rest.filterref.is_none() {
        return Ok(());
    }
    let (shared, net, model) = (std::sync::Arc::clone(site.shared), net.clone(), site.model()?);
    site.shared.blocking(move || filters::bind(&shared, &model, &net, again)).await
}

/// Sees to it that QEMU can open the images among the parts: those that its user may not open are opened by the daemon.
///
/// # Errors
/// When an image cannot be opened.
pub(super) async fn images(site: &Site<'_>, parts: &mut [Part], undo: &mut Undo) -> Result<()> {
    let Some(user) = &site.shared.setup.user else { return Ok(()) };
    let nodes: Vec<Value> = parts
        .iter()
        .filter_map(|part| match part {
            Part::Block(props) => Some(props.clone().into_json()),
            _ => None,
        })
        .collect();
    let written: Vec<String> = images::written(&nodes);
    for part in parts.iter_mut() {
        let Part::Block(props) = part else { continue };
        let node = props.clone().into_json();
        let Some(path) = images::image_path(&node) else { continue };
        let write = written.iter().any(|name| name == props.text("node-name").unwrap_or_default())
            && !images::is_read_only(&node);
        if images::may_open(&path, write, user) {
            continue;
        }
        let direct = node.pointer("/cache/direct").and_then(Value::as_bool).unwrap_or(false);
        let file = images::open(&path, write, direct)?;
        let mode = if write { "write" } else { "read" };
        let set = give_set(site, format!("{mode}:{}", path.display()), file, undo).await?;
        props.set("filename", set);
        if props.take("auto-read-only").is_some() {
            props.set("read-only", !write);
        }
    }
    Ok(())
}

/// The nodes of /dev that parts need.
fn nodes(parts: &[Part]) -> BTreeSet<PathBuf> {
    let mut nodes = BTreeSet::new();
    for part in parts {
        match part {
            Part::Object(props) | Part::Block(props) | Part::Netdev(props) | Part::Device(props) => {
                dev::of_json(&props.clone().into_json(), &mut nodes);
            }
            Part::Chardev(_, backend) => dev::of_json(backend, &mut nodes),
        }
    }
    nodes
}

/// Puts the nodes that parts need into QEMU's own /dev.
///
/// # Errors
/// When one cannot be made.
pub(super) async fn open_nodes(site: &Site<'_>, parts: &[Part]) -> Result<()> {
    let nodes = nodes(parts);
    if nodes.is_empty() {
        return Ok(());
    }
    let (shared, running) = (std::sync::Arc::clone(site.shared), std::sync::Arc::clone(&site.running));
    site.shared.blocking(move || dev::add(&shared, &running.process, &nodes)).await
}

/// Takes the nodes of a device that has left out of it again, but for those that others have and all QEMUs need.
pub(super) async fn close_nodes(site: &Site<'_>, parts: &[Part]) {
    let mut nodes = nodes(parts);
    let others = site.model().map(|model| model.format(&conf::FormatOptions::default())).unwrap_or_default();
    nodes.retain(|path| {
        let text = path.to_string_lossy();
        dev::is_own(path) && !others.contains(&*text)
    });
    if nodes.is_empty() {
        return;
    }
    let running = std::sync::Arc::clone(&site.running);
    let removed = site.shared.blocking(move || {
        dev::remove(&running.process, &nodes);
        Ok(())
    });
    // it has told of what it could not remove
    let _ = removed.await;
}

/// Closes what a device that has left had on the host.
pub(super) async fn release(site: &Site<'_>, model: &conf::Domain, device: &Device) {
    if let Device::Interface(net) = device {
        filters::unbind(site.shared, net);
        taps::disconnect(site.shared, &taps::Owner::of(model), net).await;
    }
    if let Some(chardev) = chardev(device)
        && let ChardevSource::Unix { source } = &chardev.source
        && source.mode == Some(SocketMode::Bind)
        && let Some(path) = &source.path
        && let Err(e) = std::fs::remove_file(path)
        && e.kind() != std::io::ErrorKind::NotFound
    {
        tracing::warn!("{}", system(format_args!("cannot remove {path}"), &e));
    }
}
