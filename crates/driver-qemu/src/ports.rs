//! TCP ports of graphics servers: which are taken by guests of ours.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, Ipv6Addr, TcpListener};
use std::sync::Mutex;

use virtus_base::{ErrorCode, Result};

use crate::error::error;
use virtus_state::lock;

/// The range libvirt hands out.
const FIRST: u16 = 5900;
const LAST: u16 = 65_535;

/// Hands out ports; each belongs to a domain's number.
#[derive(Debug, Default)]
pub(crate) struct Ports(Mutex<BTreeMap<u16, i32>>);

impl Ports {
    /// The first port that nobody has, ours or not.
    ///
    /// # Errors
    /// When all are taken.
    pub(crate) fn take(&self, id: i32) -> Result<u16> {
        let mut taken = lock(&self.0);
        let free = (FIRST..=LAST).find(|port| !taken.contains_key(port) && is_free(*port));
        let Some(port) = free else {
            let text = format!("Unable to find an unused port in range 'vnc' ({FIRST}-{LAST})");
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
        let (a, b) = (ports.take(1).unwrap(), ports.take(2).unwrap());
        assert_ne!(a, b);
        ports.release(1);
        assert_eq!(ports.take(3).unwrap(), a);
    }

    #[test]
    fn a_port_with_a_listener_is_not_free() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        assert!(!is_free(listener.local_addr().unwrap().port()));
    }
}
