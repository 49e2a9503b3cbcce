//! macvtap devices: a guest's network card on a device of the host, without a bridge in between.
#![allow(unsafe_code)]

use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::time::{Duration, Instant};

use rustix::fs::{Mode, OFlags};
use virtus_base::{Error, ErrorDomain};

use super::interface::{self, request};
use super::link::{
    IFLA_ADDRESS, IFLA_IFNAME, IFLA_INFO_DATA, IFLA_INFO_KIND, IFLA_LINK, IFLA_LINKINFO, header,
};
use super::netlink::{self, Message};

const IFLA_MACVLAN_MODE: u16 = 1;
/// How long the device's node may take to appear.
const NODE: Duration = Duration::from_secs(2);

/// How a macvtap device forwards; the numbers are the kernel's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum MacvtapMode {
    Private = 1,
    Vepa = 2,
    Bridge = 4,
    Passthrough = 8,
}

/// What a macvtap device is made with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MacvtapOptions {
    /// Its name.
    pub name: String,
    /// The host's device it is made on.
    pub lower: String,
    /// How it forwards.
    pub mode: MacvtapMode,
    /// The guest's hardware address.
    pub mac: Option<[u8; 6]>,
    /// How many queues it has, each with a descriptor; 0 is 1.
    pub queues: u32,
    /// Whether packets carry a virtio header.
    pub vnet_header: bool,
}

impl MacvtapOptions {
    /// Makes the device, turns it on and opens its queues. It stays until it is removed (`delete_link`).
    ///
    /// # Errors
    /// When there is no lower device, the name is taken (`EEXIST`), or the kernel refuses. Nothing is left then.
    pub fn create(&self) -> Result<Vec<OwnedFd>, Error> {
        let lower = interface::exists(&self.lower).then(|| interface::index(&self.lower)).transpose()?;
        let lower = lower.ok_or_else(|| {
            let text = format!("Unable to get index for interface {}", self.lower);
            Error::system(ErrorDomain::NONE, text, &io::Error::from_raw_os_error(libc::ENODEV))
        })?;
        let mut message = Message::new(
            libc::RTM_NEWLINK,
            libc::NLM_F_ACK | libc::NLM_F_CREATE | libc::NLM_F_EXCL,
            &header(libc::AF_UNSPEC, 0),
        )
        .attr(IFLA_LINK, &lower.to_ne_bytes())
        .text(IFLA_IFNAME, &self.name);
        if let Some(mac) = &self.mac {
            message = message.attr(IFLA_ADDRESS, mac);
        }
        let mode = (self.mode as u32).to_ne_bytes();
        let message = message.nested(IFLA_LINKINFO, |m| {
            m.text(IFLA_INFO_KIND, "macvtap").nested(IFLA_INFO_DATA, |m| m.attr(IFLA_MACVLAN_MODE, &mode))
        });
        netlink::request(message).map_err(|e| {
            let text = format!("error creating macvtap interface {}@{}", self.name, self.lower);
            Error::system(ErrorDomain::NONE, text, &e)
        })?;
        let open = || {
            interface::set_up(&self.name, true)?;
            (0..self.queues.max(1)).map(|_| self.queue()).collect()
        };
        let opened: Result<Vec<OwnedFd>, Error> = open();
        opened.inspect_err(|_| {
            // what failed first is what to tell
            let _ = super::delete_link(&self.name);
        })
    }

    fn queue(&self) -> Result<OwnedFd, Error> {
        let path = format!("/dev/tap{}", interface::index(&self.name)?);
        let failed = |e: io::Error| {
            Error::system(ErrorDomain::NONE, format!("cannot open macvtap tap device {path}"), &e)
        };
        let deadline = Instant::now() + NODE;
        let fd = loop {
            match rustix::fs::open(&path, OFlags::RDWR | OFlags::CLOEXEC, Mode::empty()) {
                // the node is made by another program, which may come after us
                Err(rustix::io::Errno::NOENT | rustix::io::Errno::NXIO) if Instant::now() < deadline => {
                    std::thread::sleep(Duration::from_millis(10));
                }
                opened => break opened.map_err(|e| failed(e.into()))?,
            }
        };
        self.set_flags(&fd).map_err(failed)?;
        Ok(fd)
    }

    fn set_flags(&self, fd: &OwnedFd) -> io::Result<()> {
        let mut flags = libc::IFF_TAP | libc::IFF_NO_PI;
        if self.vnet_header {
            flags |= libc::IFF_VNET_HDR;
        }
        if self.queues > 1 {
            flags |= libc::IFF_MULTI_QUEUE;
        }
        let mut asked = request(&self.name)?;
        asked.ifr_ifru.ifru_flags = flags as libc::c_short;
        // SAFETY: TUNSETIFF takes a pointer to an ifreq.
        match unsafe { libc::ioctl(fd.as_raw_fd(), libc::TUNSETIFF as libc::c_ulong, &raw mut asked) } {
            -1 => Err(io::Error::last_os_error()),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_has_to_be_a_device_below() {
        let options = MacvtapOptions {
            name: "mvtest0".to_owned(),
            lower: "no-such-if".to_owned(),
            mode: MacvtapMode::Bridge,
            mac: None,
            queues: 1,
            vnet_header: true,
        };
        let e = options.create().unwrap_err();
        assert_eq!(e.message(), "Unable to get index for interface no-such-if: No such device");
    }
}
