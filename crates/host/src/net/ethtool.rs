//! What a network card can do for its packets.
#![allow(unsafe_code)]

use std::os::fd::{AsRawFd, OwnedFd};

use rustix::net::{AddressFamily, SocketFlags, SocketType, socket_with};

use super::interface::request;

/// The kernel's structure for questions with a number for an answer.
#[repr(C)]
struct Value {
    command: u32,
    data: u32,
}

/// Questions whose answer is yes or no, by libvirt's name of the feature, in its order.
const ASKED: &[(&str, u32)] =
    &[("rx", 0x14), ("tx", 0x16), ("sg", 0x18), ("tso", 0x1e), ("gso", 0x23), ("gro", 0x2b)];
/// A question whose answer has a bit for each of these.
const FLAGS: u32 = 0x25;
const BITS: &[(&str, u32)] =
    &[("lro", 1 << 15), ("rxvlan", 1 << 8), ("txvlan", 1 << 7), ("ntuple", 1 << 27), ("rxhash", 1 << 28)];

/// The features that are turned on, by libvirt's names; none for an interface that does not say.
pub fn features(interface: &str) -> Vec<&'static str> {
    let Ok(socket) = socket_with(AddressFamily::INET, SocketType::DGRAM, SocketFlags::CLOEXEC, None) else {
        return Vec::new();
    };
    let mut found: Vec<&str> = ASKED
        .iter()
        .filter(|(_, command)| ask(&socket, interface, *command).is_some_and(|v| v > 0))
        .map(|(n, _)| *n)
        .collect();
    let bits = ask(&socket, interface, FLAGS).unwrap_or(0);
    found.extend(BITS.iter().filter(|(_, bit)| bits & bit != 0).map(|(name, _)| *name));
    found
}

fn ask(socket: &OwnedFd, interface: &str, command: u32) -> Option<u32> {
    let mut value = Value { command, data: 0 };
    let mut asked = request(interface).ok()?;
    asked.ifr_ifru.ifru_data = (&raw mut value).cast();
    // SAFETY: SIOCETHTOOL takes an ifreq that points to a structure of the command's kind, which these commands fill.
    let done = unsafe { libc::ioctl(socket.as_raw_fd(), libc::SIOCETHTOOL as libc::c_ulong, &raw mut asked) };
    (done == 0).then_some(value.data)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_loopback_cuts_packets_itself() {
        assert!(features("lo").contains(&"gso"));
        assert!(features("no-such-if").is_empty());
    }
}
