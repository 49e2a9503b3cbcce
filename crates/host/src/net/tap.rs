//! Tap devices: a guest's network card seen from the host.
#![allow(unsafe_code)]

use std::io;
use std::os::fd::{AsRawFd, OwnedFd};

use rustix::fs::{Mode, OFlags};
use virtus_base::{Error, ErrorDomain};

use super::interface::{self, request};

/// How many interfaces of one kind a host may have.
const MAX_NUMBER: u32 = 100_000;

/// What a tap device is made with.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TapOptions {
    /// Its name, in which `%d` stands for the next free number.
    pub name: String,
    /// How many queues it has, each with a descriptor; 0 is 1.
    pub queues: u32,
    /// Whether packets carry a virtio header, which lets guest and host leave checksums and cuts to the card.
    pub vnet_header: bool,
    /// The node it is asked of, if not the usual one.
    pub device: Option<String>,
    /// Its hardware address.
    pub mac: Option<[u8; 6]>,
    /// The bridge it is a port of.
    pub bridge: Option<String>,
    /// How large packets may be, in bytes.
    pub mtu: Option<u32>,
    /// Whether it stays when its descriptors are closed.
    pub persistent: bool,
    /// Whether it is turned on.
    pub up: bool,
}

/// Where the kernel makes taps.
const TUN: &str = "/dev/net/tun";

/// A tap device and the descriptors of its queues. It goes with the last of them unless it is persistent.
#[derive(Debug)]
pub struct Tap {
    /// The name it got.
    pub name: String,
    /// One descriptor for each queue.
    pub fds: Vec<OwnedFd>,
}

impl TapOptions {
    /// Makes the device.
    ///
    /// # Errors
    /// When the kernel has no tap devices, the right to make them is missing, or the bridge does not exist. Nothing is
    /// left then.
    pub fn create(&self) -> Result<Tap, Error> {
        let tap = self.open()?;
        let name = tap.name.as_str();
        let set_up = || {
            if let Some(mac) = self.mac {
                interface::set_mac(name, mac)?;
            }
            // a bridge takes the smallest MTU of its ports, so this comes first
            if let Some(mtu) = self.mtu {
                interface::set_mtu(name, mtu)?;
            }
            if let Some(bridge) = &self.bridge {
                interface::add_to_bridge(bridge, name)?;
            }
            if self.up { interface::set_up(name, true) } else { Ok(()) }
        };
        if let Err(e) = set_up() {
            if let Some(first) = tap.fds.first().filter(|_| self.persistent) {
                // the error of what failed first is the one to tell
                let _ = persist(first, false);
            }
            return Err(e);
        }
        Ok(tap)
    }

    fn open(&self) -> Result<Tap, Error> {
        if let Some(device) = self.device.as_deref().filter(|device| !std::path::Path::new(device).exists()) {
            let gone = io::Error::from_raw_os_error(libc::ENOENT);
            let what = format!("Unable to open {device}, is tun module loaded?");
            return Err(Error::system(ErrorDomain::NONE, what, &gone));
        }
        let failed = |name: &str, e: &io::Error| {
            Error::system(ErrorDomain::NONE, format!("Unable to create tap device {name}"), e)
        };
        let mut flags = libc::IFF_TAP | libc::IFF_NO_PI;
        if self.queues > 1 {
            flags |= libc::IFF_MULTI_QUEUE;
        }
        if self.vnet_header {
            flags |= libc::IFF_VNET_HDR;
        }
        let (first, name) = self.first_queue(flags).map_err(|e| failed(&self.name, &e))?;
        if self.persistent {
            persist(&first, true).map_err(|e| {
                Error::system(ErrorDomain::NONE, "Unable to set tap device to persistent", &e)
            })?;
        }
        let mut fds = vec![first];
        for _ in 1..self.queues {
            let next = self.open_tun().and_then(|fd| attach(&fd, &name, flags).map(|_| fd));
            fds.push(next.map_err(|e| failed(&name, &e))?);
        }
        Ok(Tap { name, fds })
    }

    fn open_tun(&self) -> io::Result<OwnedFd> {
        let device = self.device.as_deref().unwrap_or(TUN);
        Ok(rustix::fs::open(device, OFlags::RDWR | OFlags::CLOEXEC, Mode::empty())?)
    }

    /// The kernel finds the next free number itself, but from 0 on each time; libvirt's names are never used again
    /// while a later one is in use, which this leaves to the caller who wants it: it passes a name without `%d`.
    fn first_queue(&self, flags: libc::c_int) -> io::Result<(OwnedFd, String)> {
        let fd = self.open_tun()?;
        let Some((before, after)) = self.name.split_once("%d") else {
            let name = attach(&fd, &self.name, flags)?;
            return Ok((fd, name));
        };
        for number in 0..MAX_NUMBER {
            let name = format!("{before}{number}{after}");
            if interface::exists(&name) {
                continue;
            }
            match attach(&fd, &name, flags) {
                // somebody else was faster
                Err(e) if matches!(e.raw_os_error(), Some(libc::EBUSY | libc::EEXIST)) => {}
                other => return other.map(|name| (fd, name)),
            }
        }
        Err(io::Error::from_raw_os_error(libc::EEXIST))
    }
}

/// Makes `fd` a queue of the device called `name`, which comes to be if it is not there.
fn attach(fd: &OwnedFd, name: &str, flags: libc::c_int) -> io::Result<String> {
    let mut asked = request(name)?;
    asked.ifr_ifru.ifru_flags = flags as libc::c_short;
    // SAFETY: TUNSETIFF takes a pointer to an ifreq, whose name it may change.
    if unsafe { libc::ioctl(fd.as_raw_fd(), libc::TUNSETIFF as libc::c_ulong, &raw mut asked) } < 0 {
        return Err(io::Error::last_os_error());
    }
    let name: Vec<u8> = asked.ifr_name.iter().map(|c| c.cast_unsigned()).take_while(|c| *c != 0).collect();
    String::from_utf8(name).map_err(|_| io::ErrorKind::InvalidData.into())
}

fn persist(fd: &OwnedFd, on: bool) -> io::Result<()> {
    // SAFETY: TUNSETPERSIST takes a number.
    let set =
        unsafe { libc::ioctl(fd.as_raw_fd(), libc::TUNSETPERSIST as libc::c_ulong, libc::c_int::from(on)) };
    if set < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// Removes a persistent tap device.
///
/// # Errors
/// When it is in use, is no tap device, or the right to remove it is missing.
pub fn delete_tap(name: &str) -> Result<(), Error> {
    let delete = || {
        // opening one that is not there would make it
        if !interface::exists(name) {
            return Err(io::Error::from_raw_os_error(libc::ENODEV));
        }
        let fd = TapOptions::default().open_tun()?;
        let flags = libc::IFF_TAP | libc::IFF_NO_PI;
        match attach(&fd, name, flags) {
            // it was made with several queues
            Err(e) if e.raw_os_error() == Some(libc::EINVAL) => {
                attach(&fd, name, flags | libc::IFF_MULTI_QUEUE)?;
            }
            Err(e) => return Err(e),
            Ok(_) => {}
        }
        persist(&fd, false)
    };
    delete().map_err(|e: io::Error| {
        Error::system(ErrorDomain::NONE, format!("Unable to delete tap device {name}"), &e)
    })
}

/// A descriptor that lets the kernel carry a guest's packets; `None` when this host cannot.
pub fn open_vhost_net(device: Option<&str>) -> Option<OwnedFd> {
    rustix::fs::open(device.unwrap_or("/dev/vhost-net"), OFlags::RDWR | OFlags::CLOEXEC, Mode::empty()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A device, or nothing where they may not be made.
    fn create(options: &TapOptions) -> Option<Tap> {
        match options.create() {
            Ok(tap) => Some(tap),
            Err(e) if matches!(e.fields().int1, libc::EPERM | libc::EACCES | libc::ENOENT | libc::ENODEV) => {
                eprintln!("skipped: {e}");
                None
            }
            Err(e) => panic!("{e}"),
        }
    }

    #[test]
    fn a_device_lives_as_long_as_its_descriptors() {
        let options = TapOptions {
            name: "vtest%d".to_owned(),
            mac: Some([0xfe, 0x54, 0, 1, 2, 3]),
            mtu: Some(1400),
            vnet_header: true,
            up: true,
            ..TapOptions::default()
        };
        let Some(first) = create(&options) else { return };
        let second = create(&options).unwrap();
        assert_ne!(first.name, second.name);
        assert!(interface::is_up(&first.name).unwrap());
        assert_eq!(interface::mtu(&first.name).unwrap(), 1400);
        let address = std::fs::read_to_string(format!("/sys/class/net/{}/address", first.name));
        // a namespace may have the host's /sys
        if let Ok(address) = address {
            assert_eq!(address.trim(), "fe:54:00:01:02:03");
        }
        assert_eq!(super::super::stats(&first.name).unwrap().rx_bytes, 0);
        let name = first.name.clone();
        drop(first);
        assert!(!interface::exists(&name));
    }

    #[test]
    fn queues_have_a_descriptor_each_and_failures_leave_nothing() {
        let mut options =
            TapOptions { name: "vmulti%d".to_owned(), queues: 3, persistent: true, ..TapOptions::default() };
        let Some(tap) = create(&options) else { return };
        assert_eq!(tap.fds.len(), 3);
        let name = tap.name.clone();
        drop(tap);
        assert!(interface::exists(&name));
        delete_tap(&name).unwrap();
        assert!(delete_tap(&name).is_err());
        assert!(!interface::exists(&name));

        options.queues = 1;
        options.name = "vfail0".to_owned();
        options.bridge = Some("no-such-bridge".to_owned());
        let error = options.create().unwrap_err();
        assert_eq!(error.message(), "Unable to add bridge no-such-bridge port vfail0: No such device");
        assert!(!interface::exists("vfail0"));
    }
}
