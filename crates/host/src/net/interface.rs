//! One interface: address, state, size of packets, bridge.
#![allow(unsafe_code)]

use std::io;
use std::os::fd::{AsRawFd, OwnedFd};

use rustix::net::{AddressFamily, SocketFlags, SocketType, socket_with};
use virtus_base::{Error, ErrorDomain};

/// The kernel's structure for a request about the interface called `name`.
pub(super) fn request(name: &str) -> io::Result<libc::ifreq> {
    if name.is_empty() || name.len() > super::MAX_NAME || name.contains(['\0', '/']) {
        return Err(io::Error::from_raw_os_error(libc::ENODEV));
    }
    // SAFETY: all of an ifreq's members may be zero.
    let mut request: libc::ifreq = unsafe { std::mem::zeroed() };
    for (to, from) in request.ifr_name.iter_mut().zip(name.bytes()) {
        *to = from.cast_signed();
    }
    Ok(request)
}

/// Makes a request about an interface that reads or writes `request`.
fn call(code: libc::c_ulong, request: &mut libc::ifreq) -> io::Result<()> {
    let socket: OwnedFd = socket_with(AddressFamily::UNIX, SocketType::DGRAM, SocketFlags::CLOEXEC, None)?;
    // SAFETY: the requests made here take a pointer to an ifreq.
    match unsafe { libc::ioctl(socket.as_raw_fd(), code, std::ptr::from_mut(request)) } {
        -1 => Err(io::Error::last_os_error()),
        _ => Ok(()),
    }
}

fn failed(what: String, error: &io::Error) -> Error {
    Error::system(ErrorDomain::NONE, what, error)
}

/// Whether there is such an interface.
pub fn exists(name: &str) -> bool {
    index(name).is_ok()
}

/// An interface's number.
///
/// # Errors
/// When there is no such interface.
pub fn index(name: &str) -> Result<u32, Error> {
    let ask = || {
        let mut asked = request(name)?;
        call(libc::SIOCGIFINDEX, &mut asked)?;
        // SAFETY: the kernel has filled this member.
        Ok(unsafe { asked.ifr_ifru.ifru_ifindex })
    };
    let number: io::Result<i32> = ask();
    number
        .map(i32::cast_unsigned)
        .map_err(|e| failed(format!("Unable to get interface index for {name}"), &e))
}

fn flags(name: &str) -> io::Result<libc::c_short> {
    let mut asked = request(name)?;
    call(libc::SIOCGIFFLAGS, &mut asked)?;
    // SAFETY: the kernel has filled this member.
    Ok(unsafe { asked.ifr_ifru.ifru_flags })
}

const UP: libc::c_short = 1;

/// Whether an interface is turned on.
///
/// # Errors
/// When there is no such interface.
pub fn is_up(name: &str) -> Result<bool, Error> {
    let flags = flags(name).map_err(|e| failed(format!("Cannot get interface flags on '{name}'"), &e))?;
    Ok(flags & UP != 0)
}

/// Turns an interface on or off.
///
/// # Errors
/// When there is no such interface or the right to change it is missing.
pub fn set_up(name: &str, up: bool) -> Result<(), Error> {
    let before = flags(name).map_err(|e| failed(format!("Cannot get interface flags on '{name}'"), &e))?;
    let wanted = if up { before | UP } else { before & !UP };
    if wanted == before {
        return Ok(());
    }
    let set = || {
        let mut set = request(name)?;
        set.ifr_ifru.ifru_flags = wanted;
        call(libc::SIOCSIFFLAGS, &mut set)
    };
    set().map_err(|e| failed(format!("Cannot set interface flags on '{name}'"), &e))
}

/// Sets an interface's hardware address.
///
/// # Errors
/// When there is no such interface or the right to change it is missing.
pub fn set_mac(name: &str, mac: [u8; 6]) -> Result<(), Error> {
    let set = || {
        let mut set = request(name)?;
        // SAFETY: an address is plain bytes; this member is the one the request reads.
        let address = unsafe { &mut set.ifr_ifru.ifru_hwaddr };
        address.sa_family = libc::ARPHRD_ETHER;
        for (to, from) in address.sa_data.iter_mut().zip(mac) {
            *to = from.cast_signed();
        }
        call(libc::SIOCSIFHWADDR, &mut set)
    };
    set().map_err(|e| {
        let mac: Vec<String> = mac.iter().map(|b| format!("{b:02x}")).collect();
        failed(format!("Cannot set interface MAC to {} on '{name}'", mac.join(":")), &e)
    })
}

/// How large an interface's packets may be, in bytes.
///
/// # Errors
/// When there is no such interface.
pub fn mtu(name: &str) -> Result<u32, Error> {
    let ask = || {
        let mut asked = request(name)?;
        call(libc::SIOCGIFMTU, &mut asked)?;
        // SAFETY: the kernel has filled this member.
        Ok(unsafe { asked.ifr_ifru.ifru_mtu }.cast_unsigned())
    };
    ask().map_err(|e: io::Error| failed(format!("Cannot get interface MTU on '{name}'"), &e))
}

/// Sets how large an interface's packets may be, in bytes.
///
/// # Errors
/// When the interface cannot have such packets or the right to change it is missing.
pub fn set_mtu(name: &str, bytes: u32) -> Result<(), Error> {
    let set = || {
        let mut set = request(name)?;
        set.ifr_ifru.ifru_mtu =
            i32::try_from(bytes).map_err(|_| io::Error::from_raw_os_error(libc::EINVAL))?;
        call(libc::SIOCSIFMTU, &mut set)
    };
    set().map_err(|e| failed(format!("Cannot set interface MTU on '{name}'"), &e))
}

/// `SIOCBRADDIF` and `SIOCBRDELIF`, which libc does not name.
const ADD_PORT: libc::c_ulong = 0x89a2;
const REMOVE_PORT: libc::c_ulong = 0x89a3;

/// Makes an interface a port of a bridge.
///
/// # Errors
/// When either does not exist or the right to change them is missing.
pub fn add_to_bridge(bridge: &str, port: &str) -> Result<(), Error> {
    change_port(ADD_PORT, bridge, port)
        .map_err(|e| failed(format!("Unable to add bridge {bridge} port {port}"), &e))
}

/// Takes an interface out of a bridge.
///
/// # Errors
/// When it is not a port of it or the right to change them is missing.
pub fn remove_from_bridge(bridge: &str, port: &str) -> Result<(), Error> {
    change_port(REMOVE_PORT, bridge, port)
        .map_err(|e| failed(format!("Unable to remove bridge {bridge} port {port}"), &e))
}

fn change_port(code: libc::c_ulong, bridge: &str, port: &str) -> io::Result<()> {
    let number = index(port).map_err(|_| io::Error::from_raw_os_error(libc::ENODEV))?;
    let mut change = request(bridge)?;
    change.ifr_ifru.ifru_ifindex = number.cast_signed();
    call(code, &mut change)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_loopback_is_known() {
        assert!(exists("lo") && mtu("lo").unwrap() >= 1500);
        assert_eq!(index("lo").unwrap(), 1);
    }

    #[test]
    fn impossible_names_are_no_interfaces() {
        for name in ["", "a-name-that-is-too-long", "a/b", "a\0b", "no-such-if"] {
            let error = index(name).unwrap_err();
            assert_eq!(error.fields().int1, libc::ENODEV, "{name}");
        }
        assert!(set_mtu("lo", u32::MAX).is_err());
        assert!(add_to_bridge("lo", "no-such-if").is_err());
    }
}
