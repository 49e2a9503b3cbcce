//! The host's side of character devices.

use virtus_base::{Error, ErrorCode, ErrorDomain, Result};

use super::Known;
use super::disk::labels;
use crate::domain::device::chardev::{ChardevSource, SocketMode};
use crate::domain::device::storage::Reconnect;
use crate::domain::parse::{internal, unsupported};

/// `generated`: the daemon chooses the path of a socket that has none.
pub(super) fn source(source: &ChardevSource, generated: bool, known: &Known<'_>) -> Result<()> {
    let missing = |what: &str| Err(internal(format!("Missing source {what} attribute for char device")));
    match source {
        ChardevSource::File { source } => {
            if source.path.is_none() {
                return missing("path");
            }
            labels(&source.seclabels, known)
        }
        ChardevSource::Dev { source } | ChardevSource::Pipe { source } => {
            if source.path.is_none() {
                return missing("path");
            }
            labels(&source.seclabels, known)
        }
        ChardevSource::Nmdm { source } if source.master.is_some() != source.slave.is_some() => {
            Err(internal("Should define both master and slave path attributes for nmdm device"))
        }
        ChardevSource::Tcp(tcp) => {
            let end = &tcp.source;
            if end.host.is_none() {
                return missing("host");
            }
            if end.service.is_none() {
                return missing("service");
            }
            reconnect(end.mode, end.reconnect.as_ref())
        }
        ChardevSource::Udp(udp) => match udp.connect.as_ref().and_then(|c| c.service.as_ref()) {
            Some(_) => Ok(()),
            None => missing("service"),
        },
        ChardevSource::Unix { source } => {
            if source.path.is_none() && !generated {
                return missing("path");
            }
            reconnect(source.mode, source.reconnect.as_ref())?;
            labels(&source.seclabels, known)
        }
        ChardevSource::SpicePort { source } | ChardevSource::Dbus { source } => {
            channel_name(source.channel.as_deref())
        }
        _ => Ok(()),
    }
}

fn reconnect(mode: Option<SocketMode>, reconnect: Option<&Reconnect>) -> Result<()> {
    match reconnect {
        Some(r) if r.enabled.is_true() && mode == Some(SocketMode::Bind) => {
            Err(internal("chardev reconnect is possible only for connect mode"))
        }
        _ => Ok(()),
    }
}

fn channel_name(name: Option<&str>) -> Result<()> {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_-.".contains(c);
    match name {
        None => Err(unsupported("Missing source channel attribute for char device")),
        Some(name) if !name.chars().all(plain) => Err(Error::new(
            ErrorDomain::DOMAIN,
            ErrorCode::INVALID_ARG,
            "Invalid character in source channel for char device",
        )),
        Some(_) => Ok(()),
    }
}
