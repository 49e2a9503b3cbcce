//! What the kernel tells of devices that come, change and go.
#![allow(unsafe_code)]

use std::io;
use std::os::fd::OwnedFd;

use rustix::net::netlink::SocketAddrNetlink;
use rustix::net::{AddressFamily, RecvFlags, SocketFlags, SocketType, bind, recv, socket_with};
use tokio::io::unix::AsyncFd;

/// `NETLINK_KOBJECT_UEVENT`, and the group the kernel tells.
const PROTOCOL: u32 = 15;
const KERNEL: u32 = 1;
/// The longest event, in bytes: its header and the variables the kernel has room for.
const LONGEST: usize = 8192;

/// Hears of devices.
#[derive(Debug)]
pub struct Uevents(AsyncFd<OwnedFd>);

impl Uevents {
    /// Begins to listen. Needs a tokio runtime.
    ///
    /// # Errors
    /// When the kernel does not tell.
    pub fn open() -> io::Result<Uevents> {
        let protocol = rustix::net::Protocol::from_raw(
            rustix::net::RawProtocol::new(PROTOCOL).ok_or(io::ErrorKind::InvalidInput)?,
        );
        let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
        let fd = socket_with(AddressFamily::NETLINK, SocketType::DGRAM, flags, Some(protocol))?;
        bind(&fd, &SocketAddrNetlink::new(0, KERNEL))?;
        // SAFETY: the descriptor stays open and the same until the whole is dropped.
        Ok(Uevents(unsafe { AsyncFd::register(fd) }.map_err(io::Error::from)?))
    }

    /// Waits for the next event: what happened and the device's place in sysfs, e.g. `add@/devices/virtual/net/tap0`.
    /// `None` says that some were missed.
    ///
    /// # Errors
    /// When nothing more will be told.
    pub async fn next(&self) -> io::Result<Option<String>> {
        let mut buffer = [0; LONGEST];
        loop {
            let mut ready = self.0.readable().await?;
            let received = ready.try_io(|fd| Ok(recv(fd.get_ref(), &mut buffer[..], RecvFlags::empty())?));
            match received {
                Ok(Ok((length, _))) => {
                    let text = buffer.get(..length).unwrap_or_default();
                    let head = text.split(|byte| *byte == 0).next().unwrap_or_default();
                    return Ok(Some(String::from_utf8_lossy(head).into_owned()));
                }
                Ok(Err(e)) if e.raw_os_error() == Some(libc::ENOBUFS) => return Ok(None),
                Ok(Err(e)) => return Err(e),
                // somebody else's wake-up
                Err(_) => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_device_that_comes_is_heard_of() {
        let events = Uevents::open().unwrap();
        let options = crate::net::TapOptions { name: "vheard%d".into(), ..Default::default() };
        let tap = match options.create() {
            Ok(tap) => tap,
            Err(e) => return eprintln!("skipped: {e}"),
        };
        let wanted = format!("add@/devices/virtual/net/{}", tap.name);
        while events.next().await.unwrap().is_none_or(|event| event != wanted) {}
    }
}
