//! A display of a running guest gets another password.

use std::time::{SystemTime, UNIX_EPOCH};

use virtus_base::Result;
use virtus_conf::domain::device::graphics::{GraphicsAuth, Listen};
use virtus_conf::domain::device::{Device, Graphics};
use virtus_qmp::command::{ExpirePassword, SetPassword};

use super::{Site, missing, refused};
use crate::change::find;
use crate::error::internal;

/// Gives a display the password of `device`, which must not differ in anything else.
///
/// # Errors
/// libvirt's, for what cannot be changed.
pub(super) async fn change(site: &Site<'_>, device: &Device) -> Result<()> {
    let Device::Graphics(new) = device else { return Err(internal("no display")) };
    let model = site.model()?;
    let kind = new.tag();
    let at = find::find(&model.devices, device, true)?;
    let Some((at, old)) = at.and_then(|at| Some((at, model.devices.graphics.get(at)?))) else {
        return Err(missing(format!("cannot find existing graphics device to modify of type '{kind}'")));
    };
    same_listens(kind, listens(old), listens(new))?;
    let changed = match (old, &**new) {
        (Graphics::Vnc(old), Graphics::Vnc(new)) => {
            let (old_ports, ports) = (&old.server.ports, &new.server.ports);
            same_ports(kind, (old_ports.autoport, old_ports.port), (ports.autoport, ports.port))?;
            if old.keymap != new.keymap {
                return Err(refused(format!("cannot change keymap setting on {kind} graphics")));
            }
            (auth_differs(&old.auth, &new.auth), &new.auth)
        }
        (Graphics::Spice(old), Graphics::Spice(new)) => {
            let all =
                |ports: &virtus_conf::domain::device::graphics::SpicePorts| (ports.port, ports.tls_port);
            let (old_ports, ports) = (&old.ports, &new.ports);
            same_ports(kind, (old_ports.autoport, all(old_ports)), (ports.autoport, all(ports)))?;
            if old.keymap != new.keymap {
                return Err(refused(format!("cannot change keymap setting on {kind} graphics")));
            }
            (auth_differs(&old.auth, &new.auth), &new.auth)
        }
        _ => return Err(internal(format!("unable to change config on '{kind}' graphics type"))),
    };
    let (true, auth) = changed else { return Ok(()) };
    set_password(site, kind, auth).await?;
    let auth = auth.clone();
    site.commit(
        |model| match model.devices.graphics.get_mut(at) {
            Some(Graphics::Vnc(vnc)) => vnc.auth = auth,
            Some(Graphics::Spice(spice)) => spice.auth = auth,
            _ => {}
        },
        Vec::new(),
    );
    Ok(())
}

fn listens(graphics: &Graphics) -> &[Listen] {
    match graphics {
        Graphics::Vnc(vnc) => &vnc.server.listens.list,
        Graphics::Spice(spice) => &spice.listens.list,
        _ => &[],
    }
}

fn same_listens(kind: &str, old: &[Listen], new: &[Listen]) -> Result<()> {
    if old.len() != new.len() {
        return Err(refused(format!("cannot change the number of listen addresses on '{kind}' graphics")));
    }
    for (old, new) in old.iter().zip(new) {
        let changed = match (old, new) {
            (Listen::Address { address: old }, Listen::Address { address: new }) => {
                (old != new).then_some("listen address setting")
            }
            (Listen::Network { network: old, .. }, Listen::Network { network: new, .. }) => {
                (old != new).then_some("listen address setting")
            }
            (Listen::Socket { socket: old, .. }, Listen::Socket { socket: new, .. }) => {
                (old != new).then_some("listen socket setting")
            }
            (old, new) => (std::mem::discriminant(old) != std::mem::discriminant(new))
                .then_some("the type of listen address"),
        };
        if let Some(what) = changed {
            return Err(refused(format!("cannot change {what} on '{kind}' graphics")));
        }
    }
    Ok(())
}

fn same_ports<T: PartialEq>(kind: &str, (old_auto, old): (bool, T), (auto, new): (bool, T)) -> Result<()> {
    match old_auto != auto || (!auto && old != new) {
        true => Err(refused(format!("cannot change port settings on {kind} graphics"))),
        false => Ok(()),
    }
}

/// Whether the password is to be set: also when it is the same but was, or is, to end.
fn auth_differs(old: &GraphicsAuth, new: &GraphicsAuth) -> bool {
    old.valid_to.is_some()
        || new.valid_to.is_some()
        || old.connected != new.connected
        || old.passwd != new.passwd
}

async fn set_password(site: &Site<'_>, kind: &str, auth: &GraphicsAuth) -> Result<()> {
    let Some(password) = &auth.passwd else { return Ok(()) };
    let connected = auth.connected.map(|action| action.as_str().to_owned());
    let protocol = kind.to_owned();
    let command = SetPassword { protocol: protocol.clone(), password: password.clone(), connected };
    site.job.execute(&command).await?;
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    let time = match auth.valid_to.as_deref().and_then(seconds) {
        _ if password.is_empty() => "now".to_owned(),
        Some(end) if end <= now => "now".to_owned(),
        Some(end) => end.to_string(),
        None => "never".to_owned(),
    };
    site.job.execute(&ExpirePassword { protocol, time }).await.map(|_| ())
}

/// Seconds since 1970 of a time as documents have it: UTC, `YYYY-MM-DDTHH:MM:SS`.
fn seconds(text: &str) -> Option<u64> {
    let (date, time) = text.split_once('T')?;
    let mut date = date.split('-').map(|part| part.parse::<i64>().ok());
    let (year, month, day) = (date.next()??, date.next()??, date.next()??);
    let mut time = time.split(':').map(|part| part.parse::<i64>().ok());
    let (hour, minute, second) = (time.next()??, time.next()??, time.next()??);
    if !(1970..=9999).contains(&year) || !(1..=12).contains(&month) || !(1..=31).contains(&day) {
        return None;
    }
    // years that begin in March have their odd day at the end
    let (y, m) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let days = 365 * y + y / 4 - y / 100 + y / 400 + (153 * m + 2) / 5 + day - 1 - 719_468;
    u64::try_from(days * 86_400 + hour * 3600 + minute * 60 + second).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ends_of_passwords_are_seconds() {
        assert_eq!(seconds("1970-01-01T00:00:00"), Some(0));
        assert_eq!(seconds("2000-03-01T12:30:15"), Some(951_913_815));
        assert_eq!(seconds("2026-11-28T23:59:59"), Some(1_795_910_399));
        assert_eq!(seconds("soon"), None);
    }
}
