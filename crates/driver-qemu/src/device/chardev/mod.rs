//! The host's side of character devices: `-chardev`.

pub(crate) mod monitor;

use std::fmt::Write as _;

use virtus_base::Result;
use virtus_conf::domain::device::Chardev;
use virtus_conf::domain::device::chardev::{ChardevSource, MouseMode, SocketMode, TcpProtocol};
use virtus_conf::domain::device::storage::Reconnect;

use super::tls;
use crate::command::build::Build;
use crate::command::guest::{Guest, unsupported};
use crate::command::line::escape;
use crate::command::props::Props;
use crate::settings::Service;

/// The id of a device's chardev.
pub fn id(alias: &str) -> String {
    format!("char{alias}")
}

/// Adds a chardev with everything it needs; answers its id.
pub(crate) fn add(build: &mut Build<'_>, alias: &str, chardev: &Chardev) -> Result<String> {
    let id = id(alias);
    add_as(build, alias, &id, chardev)?;
    Ok(id)
}

/// Adds a chardev of a given id.
pub(crate) fn add_as(build: &mut Build<'_>, alias: &str, id: &str, chardev: &Chardev) -> Result<()> {
    for object in credentials(&build.guest, id, chardev)? {
        build.line.json("object", &object);
    }
    let mut text = backend(&build.guest, alias, id, &chardev.source)?;
    if let ChardevSource::File { source } = &chardev.source {
        let append = source.append.map(|on| on.as_str());
        match build.guest.context.chardev_fds.get(&format!("{id}-source")) {
            Some(fd) => {
                let set = fd_set(*fd);
                build.line.option("add-fd", format!("set={set},fd={fd},opaque={id}-source"));
                let _ = write!(text, ",path=/dev/fdset/{set},append=on");
            }
            None => {
                let _ = write!(text, ",path={}", escape(source.path.as_deref().unwrap_or_default()));
                if let Some(append) = append {
                    let _ = write!(text, ",append={append}");
                }
            }
        }
    }
    if let Some(log) = &chardev.log {
        match build.guest.context.chardev_fds.get(&format!("{id}-log")) {
            Some(fd) => {
                let set = fd_set(*fd);
                build.line.option("add-fd", format!("set={set},fd={fd},opaque={id}-log"));
                let _ = write!(text, ",logfile=/dev/fdset/{set},logappend=on");
            }
            None => {
                let _ = write!(text, ",logfile={}", escape(&log.file));
                if let Some(append) = log.append {
                    let _ = write!(text, ",logappend={}", append.as_str());
                }
            }
        }
    }
    build.line.option("chardev", text);
    Ok(())
}

/// The set of a descriptor that is no image: images are numbered from 0.
pub(crate) fn fd_set(fd: i32) -> i32 {
    fd.saturating_add(1000)
}

/// The certificates of a chardev that is encrypted, and what opens their key.
pub(super) fn credentials(guest: &Guest<'_>, id: &str, chardev: &Chardev) -> Result<Vec<Props>> {
    match tls::encrypted(chardev) {
        Some(mode) => {
            let server = mode == SocketMode::Bind;
            tls::objects(guest, Service::Chardev, &tls::credentials_id(id), server)
        }
        None => Ok(Vec::new()),
    }
}

/// The chardev of a vhost-user server that QEMU connects to.
pub(super) fn vhost_user(guest: &Guest<'_>, id: &str, path: &str, reconnect: Option<&Reconnect>) -> String {
    match guest.context.chardev_fds.get(id) {
        Some(fd) => format!("socket,id={id},fd={fd}"),
        None => format!("socket,id={id},path={}{}", escape(path), reconnecting(guest, reconnect)),
    }
}

/// Whether and when a lost connection is tried again.
fn reconnecting(guest: &Guest<'_>, reconnect: Option<&Reconnect>) -> String {
    let Some(reconnect) = reconnect else { return String::new() };
    let seconds = if reconnect.enabled.is_true() { reconnect.timeout.unwrap_or(0) } else { 0 };
    match guest.has("chardev-reconnect-miliseconds") {
        true => format!(",reconnect-ms={}", u64::from(seconds) * 1000),
        false => format!(",reconnect={seconds}"),
    }
}

fn backend(guest: &Guest<'_>, alias: &str, id: &str, source: &ChardevSource) -> Result<String> {
    let with_path = |kind: &str, path: &Option<String>| {
        format!("{kind},id={id},path={}", escape(path.as_deref().unwrap_or_default()))
    };
    Ok(match source {
        ChardevSource::Null => format!("null,id={id}"),
        ChardevSource::Vc => format!("vc,id={id}"),
        ChardevSource::Pty { .. } => format!("pty,id={id}"),
        ChardevSource::Stdio => format!("stdio,id={id}"),
        ChardevSource::Dev { source } => {
            let kind = if alias.starts_with("parallel") { "parallel" } else { "serial" };
            with_path(kind, &source.path)
        }
        ChardevSource::Pipe { source } => with_path("pipe", &source.path),
        ChardevSource::File { .. } => format!("file,id={id}"),
        ChardevSource::Udp(udp) => {
            let (connect, bind) =
                (udp.connect.clone().unwrap_or_default(), udp.bind.clone().unwrap_or_default());
            format!(
                "udp,id={id},host={},port={},localaddr={},localport={}",
                escape(connect.host.as_deref().unwrap_or_default()),
                escape(connect.service.as_deref().unwrap_or_default()),
                escape(bind.host.as_deref().unwrap_or_default()),
                escape(bind.service.as_deref().unwrap_or("0")),
            )
        }
        ChardevSource::Tcp(tcp) => {
            let end = &tcp.source;
            let mut text = format!(
                "socket,id={id},host={},port={}",
                escape(end.host.as_deref().unwrap_or_default()),
                escape(end.service.as_deref().unwrap_or_default())
            );
            if tcp.protocol == Some(TcpProtocol::Telnet) {
                text.push_str(",telnet=on");
            }
            if end.mode == Some(SocketMode::Bind) {
                text.push_str(",server=on,wait=off");
            }
            text.push_str(&reconnecting(guest, end.reconnect.as_ref()));
            if end.tls.is_some_and(|tls| tls.is_true()) {
                let _ = write!(text, ",tls-creds=obj{id}_tls0");
            }
            text
        }
        ChardevSource::Unix { source } => {
            let mut text = match guest.context.chardev_fds.get(id) {
                Some(fd) => format!("socket,id={id},fd={fd}"),
                None => with_path("socket", &source.path),
            };
            match source.mode {
                Some(SocketMode::Bind) => text.push_str(",server=on,wait=off"),
                _ => text.push_str(&reconnecting(guest, source.reconnect.as_ref())),
            }
            text
        }
        ChardevSource::SpiceVmc => {
            let name = match alias {
                alias if alias.starts_with("redir") => "usbredir",
                alias if alias.starts_with("smartcard") => "smartcard",
                _ => "vdagent",
            };
            format!("spicevmc,id={id},name={name}")
        }
        ChardevSource::SpicePort { source } => {
            format!("spiceport,id={id},name={}", source.channel.as_deref().unwrap_or_default())
        }
        ChardevSource::QemuVdagent { source } => {
            let clipboard = source.clipboard.is_some_and(|on| on.is_true());
            let mut text = format!(
                "qemu-vdagent,id={id},name=vdagent,clipboard={}",
                if clipboard { "on" } else { "off" }
            );
            if let Some(mouse) = source.mouse {
                let _ = write!(text, ",mouse={}", if mouse == MouseMode::Client { "on" } else { "off" });
            }
            text
        }
        ChardevSource::Dbus { source } => {
            format!("dbus,id={id},name={}", source.channel.as_deref().unwrap_or_default())
        }
        ChardevSource::Nmdm { .. } => return Err(unsupported("unsupported chardev 'nmdm'")),
    })
}
