//! The host's side of a character device as `chardev-add` takes it.

use serde_json::{Map, Value, json};
use virtus_base::{ErrorCode, Result};
use virtus_conf::domain::device::Chardev;
use virtus_conf::domain::device::chardev::{ChardevSource, MouseMode, SocketMode, TcpProtocol};
use virtus_conf::domain::device::storage::Reconnect;

use crate::command::guest::Guest;
use crate::error::error;

/// What is behind a chardev.
///
/// # Errors
/// `OPERATION_FAILED` for kinds that a running QEMU cannot make.
pub(crate) fn backend(guest: &Guest<'_>, alias: &str, id: &str, chardev: &Chardev) -> Result<Value> {
    let (kind, mut data) = source(guest, alias, id, &chardev.source)?;
    if let Some(log) = &chardev.log {
        let handed = guest.context.handed.get(&format!("{id}-log"));
        data.insert("logfile".to_owned(), handed.unwrap_or(&log.file).as_str().into());
        let append = handed.is_some() || log.append.is_some_and(|append| append.is_true());
        data.insert("logappend".to_owned(), append.into());
    }
    Ok(json!({"type": kind, "data": data}))
}

/// A Unix socket that QEMU connects to.
pub(crate) fn connection(guest: &Guest<'_>, path: &str, again: Option<&Reconnect>) -> Value {
    let mut data = Map::new();
    data.insert("addr".to_owned(), json!({"type": "unix", "data": {"path": path}}));
    data.insert("server".to_owned(), false.into());
    reconnecting(guest, again, &mut data);
    json!({"type": "socket", "data": data})
}

fn reconnecting(guest: &Guest<'_>, reconnect: Option<&Reconnect>, data: &mut Map<String, Value>) {
    let Some(reconnect) = reconnect else { return };
    let seconds = if reconnect.enabled.is_true() { reconnect.timeout.unwrap_or(0) } else { 0 };
    match guest.has("chardev-reconnect-miliseconds") {
        true => data.insert("reconnect-ms".to_owned(), (u64::from(seconds) * 1000).into()),
        false => data.insert("reconnect".to_owned(), seconds.into()),
    };
}

fn source(
    guest: &Guest<'_>,
    alias: &str,
    id: &str,
    source: &ChardevSource,
) -> Result<(&'static str, Map<String, Value>)> {
    let mut data = Map::new();
    let kind = match source {
        ChardevSource::Null => "null",
        ChardevSource::Vc => "vc",
        ChardevSource::Pty { .. } => "pty",
        ChardevSource::Dev { source } => {
            data.insert("device".to_owned(), source.path.clone().into());
            if alias.starts_with("parallel") { "parallel" } else { "serial" }
        }
        ChardevSource::File { source } => {
            let handed = guest.context.handed.get(&format!("{id}-source"));
            data.insert("out".to_owned(), handed.or(source.path.as_ref()).cloned().into());
            // the daemon has emptied a file that is not to be kept
            let append = handed.is_some() || source.append.is_some_and(|append| append.is_true());
            data.insert("append".to_owned(), append.into());
            "file"
        }
        ChardevSource::Udp(udp) => {
            let end = |end: &Option<virtus_conf::domain::device::chardev::UdpEndpoint>, service: &str| {
                let end = end.clone().unwrap_or_default();
                let port = end.service.unwrap_or_else(|| service.to_owned());
                json!({"type": "inet", "data": {"host": end.host.unwrap_or_default(), "port": port}})
            };
            data.insert("remote".to_owned(), end(&udp.connect, ""));
            if udp.bind.is_some() {
                data.insert("local".to_owned(), end(&udp.bind, "0"));
            }
            "udp"
        }
        ChardevSource::Tcp(tcp) => {
            let end = &tcp.source;
            let address = json!({
                "host": end.host.clone().unwrap_or_default(),
                "port": end.service.clone().unwrap_or_default(),
            });
            data.insert("addr".to_owned(), json!({"type": "inet", "data": address}));
            data.insert("telnet".to_owned(), (tcp.protocol == Some(TcpProtocol::Telnet)).into());
            serving(end.mode, &mut data);
            reconnecting(guest, end.reconnect.as_ref(), &mut data);
            if end.tls.is_some_and(|tls| tls.is_true()) {
                data.insert("tls-creds".to_owned(), format!("obj{id}_tls0").into());
            }
            "socket"
        }
        ChardevSource::Unix { source } => {
            let address = match guest.context.handed.get(id) {
                Some(name) => json!({"type": "fd", "data": {"str": name}}),
                None => json!({"type": "unix", "data": {"path": source.path}}),
            };
            data.insert("addr".to_owned(), address);
            serving(source.mode, &mut data);
            reconnecting(guest, source.reconnect.as_ref(), &mut data);
            "socket"
        }
        ChardevSource::SpiceVmc => {
            let name = match alias {
                alias if alias.starts_with("redir") => "usbredir",
                alias if alias.starts_with("smartcard") => "smartcard",
                _ => "vdagent",
            };
            data.insert("type".to_owned(), name.into());
            "spicevmc"
        }
        ChardevSource::QemuVdagent { source } => {
            let clipboard = source.clipboard.is_some_and(|on| on.is_true());
            data.insert("clipboard".to_owned(), clipboard.into());
            if let Some(mouse) = source.mouse {
                data.insert("mouse".to_owned(), (mouse == MouseMode::Client).into());
            }
            "qemu-vdagent"
        }
        ChardevSource::Dbus { source } => {
            data.insert("name".to_owned(), source.channel.clone().unwrap_or_default().into());
            "dbus"
        }
        ChardevSource::SpicePort { .. } => return unplugged("spiceport"),
        ChardevSource::Pipe { .. } => return unplugged("pipe"),
        ChardevSource::Stdio => return unplugged("stdio"),
        ChardevSource::Nmdm { .. } => return unplugged("nmdm"),
    };
    Ok((kind, data))
}

fn unplugged<T>(kind: &str) -> Result<T> {
    let text = format!("Hotplug unsupported for char device type '{kind}'");
    Err(error(ErrorCode::OPERATION_FAILED, text))
}

fn serving(mode: Option<SocketMode>, data: &mut Map<String, Value>) {
    let server = mode == Some(SocketMode::Bind);
    data.insert("server".to_owned(), server.into());
    if server {
        data.insert("wait".to_owned(), false.into());
    }
}
