//! TCP ports of graphics servers: which are taken by guests of ours.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, Ipv6Addr, TcpListener};
use std::sync::Mutex;

use virtus_base::{ErrorCode, Result};

use crate::error::error;
use virtus_state::lock;

/// Hands out ports; each belongs to a domain's number.
#[derive(Debug, Default)]
pub(crate) struct Ports(Mutex<BTreeMap<u16, i32>>);

impl Ports {
    /// The first port of a range that nobody has, ours or not.
    ///
    /// # Errors
    /// When all are taken; `what` the range is called.
    pub(crate) fn take(&self, id: i32, (first, last): (u32, u32), what: &str) -> Result<u16> {
        let mut taken = lock(&self.0);
        let mut ports = (first..=last).filter_map(|port| u16::try_from(port).ok());
        let free = ports.find(|port| !taken.contains_key(port) && is_free(*port));
        let Some(port) = free else {
            let text = format!("Unable to find an unused port in range '{what}' ({first}-{last})");
            return Err(error(ErrorCode::INTERNAL_ERROR, text));
        };
        taken.insert(port, id);
        Ok(port)
    }

    /// A port that the definition names; also one that a found guest has.
    pub(crate) fn note(&self, port: u16, id: i32) {
        lock(&self.0).insert(port, id);
    }

    /// The domain of this number has no ports any more.
    pub(crate) fn release(&self, id: i32) {
        lock(&self.0).retain(|_, owner| *owner != id);
    }
}

/// Whether nobody listens on a port, on any address.
fn is_free(port: u16) -> bool {
    // a host without IPv6 cannot have a listener there
    let v6 = TcpListener::bind((Ipv6Addr::UNSPECIFIED, port));
    if matches!(&v6, Err(e) if e.kind() == std::io::ErrorKind::AddrInUse) {
        return false;
    }
    drop(v6);
    TcpListener::bind((Ipv4Addr::UNSPECIFIED, port)).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_are_given_once_and_come_back() {
        let ports = Ports::default();
        let take = |id| ports.take(id, (5900, 65535), "vnc");
        let (a, b) = (take(1).unwrap(), take(2).unwrap());
        assert_ne!(a, b);
        ports.release(1);
        assert_eq!(take(3).unwrap(), a);
        let e = ports.take(4, (5900, 5899), "vnc").unwrap_err();
        assert_eq!(e.message(), "internal error: Unable to find an unused port in range 'vnc' (5900-5899)");
    }

    #[test]
    fn a_port_with_a_listener_is_not_free() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        assert!(!is_free(listener.local_addr().unwrap().port()));
    }
}
