//! Hears when somebody removes tables of the packet filter.

use std::io;
use std::os::fd::OwnedFd;

use rustix::net::netlink::{NETFILTER, SocketAddrNetlink};
use rustix::net::{AddressFamily, RecvFlags, SocketFlags, SocketType, socket_with};

use super::netlink::{self, Attributes};

/// The group of changes of tables (`NFNLGRP_NFTABLES`), as a bit.
const TABLES: u32 = 1 << 6;
/// A removed table: the subsystem of nftables, then `NFT_MSG_DELTABLE`.
const REMOVED: u16 = (10 << 8) | 2;
const TABLE_NAME: u16 = 1;
/// The lengths of `struct nlmsghdr` and of the subsystem's own header.
const HEADER: usize = 16;
const OWN: usize = 4;
const BUFFER: usize = 64 * 1024;

/// Hears what others do to the packet filter.
#[derive(Debug)]
pub struct TableWatch(OwnedFd);

impl TableWatch {
    /// Begins to listen.
    ///
    /// # Errors
    /// When the kernel has no such thing.
    pub fn new() -> io::Result<TableWatch> {
        let socket =
            socket_with(AddressFamily::NETLINK, SocketType::RAW, SocketFlags::CLOEXEC, Some(NETFILTER))?;
        rustix::net::bind(&socket, &SocketAddrNetlink::new(0, TABLES))?;
        Ok(TableWatch(socket))
    }

    /// Waits for changes; the names of the tables that were removed by them. What was missed while too much happened
    /// is no error: nobody knows then what was removed.
    ///
    /// # Errors
    /// When the kernel tells no more.
    pub fn removed(&self) -> io::Result<Option<Vec<String>>> {
        let mut buffer = vec![0; BUFFER];
        match rustix::net::recv(&self.0, &mut buffer[..], RecvFlags::empty()) {
            Err(rustix::io::Errno::NOBUFS) => Ok(None),
            Err(e) => Err(e.into()),
            Ok((received, _)) => Ok(Some(names(buffer.get(..received).unwrap_or_default()))),
        }
    }
}

fn names(mut rest: &[u8]) -> Vec<String> {
    let mut names = Vec::new();
    while let Some((header, _)) = rest.split_first_chunk::<HEADER>() {
        let [l0, l1, l2, l3, k0, k1, ..] = *header;
        let length = usize::try_from(u32::from_ne_bytes([l0, l1, l2, l3])).unwrap_or(0);
        let Some(body) = rest.get(HEADER + OWN..length) else { break };
        if u16::from_ne_bytes([k0, k1]) == REMOVED {
            names.extend(Attributes::inside(body).get(TABLE_NAME).map(netlink::name));
        }
        rest = rest.get(length.next_multiple_of(4)..).unwrap_or_default();
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn removed_tables_are_named() {
        let message = |kind: u16| {
            let mut bytes = vec![36, 0, 0, 0];
            bytes.extend(kind.to_ne_bytes());
            bytes.extend([0; 10]);
            bytes.extend([1, 0, 0, 0]);
            bytes.extend([9, 0, 1, 0]);
            bytes.extend(b"filt\0\0\0\0");
            bytes.extend([0; 4]);
            bytes
        };
        assert_eq!(names(&[message(REMOVED), message(REMOVED - 1)].concat()), ["filt"]);
        assert!(names(&[1, 2, 3]).is_empty() && names(&[0; 16]).is_empty());
    }
}
