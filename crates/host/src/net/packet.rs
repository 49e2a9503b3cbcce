//! Looking at the packets that pass an interface, beside their way.
#![allow(unsafe_code)]

use std::io;
use std::mem::{size_of, zeroed};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};

use tokio::io::unix::AsyncFd;
use virtus_base::{Error, ErrorDomain};

/// Which packets a [`PacketSocket`] is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sees {
    /// IPv4 and ARP.
    Addresses,
    /// DHCP over IPv4.
    Dhcp,
}

/// A packet as it stands on the link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Packet {
    /// How many bytes of the buffer it has.
    pub length: usize,
    /// Whether it left through the interface; for a tap device: towards the guest.
    pub outgoing: bool,
}

/// Gets a copy of packets of one interface.
#[derive(Debug)]
pub struct PacketSocket(AsyncFd<OwnedFd>);

const ALL: u16 = 0x0003;
const IPV4: u32 = 0x0800;
const ARP: u32 = 0x0806;
const UDP: u32 = 17;
const BOOTP_SERVER: u32 = 67;
/// Where the address of an Ethernet header ends, the protocol of an IPv4 header stands, its fragment's offset.
const ETHER_TYPE: u32 = 12;
const IP_PROTOCOL: u32 = 23;
const IP_FRAGMENT: u32 = 20;
const IP_START: u32 = 14;

const fn filter(code: u32, jt: u8, jf: u8, k: u32) -> libc::sock_filter {
    // classic BPF's codes have sixteen bits
    libc::sock_filter { code: code as u16, jt, jf, k }
}

const LOAD_HALF: u32 = libc::BPF_LD | libc::BPF_H | libc::BPF_ABS;
const LOAD_BYTE: u32 = libc::BPF_LD | libc::BPF_B | libc::BPF_ABS;
const LOAD_HALF_AT_X: u32 = libc::BPF_LD | libc::BPF_H | libc::BPF_IND;
const HEADER_LENGTH: u32 = libc::BPF_LDX | libc::BPF_B | libc::BPF_MSH;
const EQUAL: u32 = libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K;
const SET: u32 = libc::BPF_JMP | libc::BPF_JSET | libc::BPF_K;
const RETURN: u32 = libc::BPF_RET | libc::BPF_K;

const ADDRESSES: &[libc::sock_filter] = &[
    filter(LOAD_HALF, 0, 0, ETHER_TYPE),
    filter(EQUAL, 1, 0, IPV4),
    filter(EQUAL, 0, 1, ARP),
    filter(RETURN, 0, 0, u32::MAX),
    filter(RETURN, 0, 0, 0),
];

const DHCP: &[libc::sock_filter] = &[
    filter(LOAD_HALF, 0, 0, ETHER_TYPE),
    filter(EQUAL, 0, 10, IPV4),
    filter(LOAD_BYTE, 0, 0, IP_PROTOCOL),
    filter(EQUAL, 0, 8, UDP),
    filter(LOAD_HALF, 0, 0, IP_FRAGMENT),
    // the rest of a packet in parts has no ports
    filter(SET, 6, 0, 0x1fff),
    filter(HEADER_LENGTH, 0, 0, IP_START),
    filter(LOAD_HALF_AT_X, 0, 0, IP_START),
    filter(EQUAL, 2, 0, BOOTP_SERVER),
    filter(LOAD_HALF_AT_X, 0, 0, IP_START + 2),
    filter(EQUAL, 0, 1, BOOTP_SERVER),
    filter(RETURN, 0, 0, u32::MAX),
    filter(RETURN, 0, 0, 0),
];

impl PacketSocket {
    /// Begins to look at an interface. Needs a tokio runtime.
    ///
    /// # Errors
    /// When there is no such interface or the right to look is missing.
    pub fn open(interface: &str, sees: Sees) -> Result<PacketSocket, Error> {
        let index = super::index(interface)?;
        open(index, sees).map(PacketSocket).map_err(|e| {
            Error::system(ErrorDomain::NONE, format!("Unable to look at packets of {interface}"), &e)
        })
    }

    /// The next packet, as far as `buffer` goes.
    ///
    /// # Errors
    /// When the interface is gone or was turned off.
    pub async fn next(&self, buffer: &mut [u8]) -> io::Result<Packet> {
        loop {
            let mut ready = self.0.readable().await?;
            match ready.try_io(|fd| receive(fd.get_ref(), buffer)) {
                Ok(done) => return done,
                // somebody else's wake-up
                Err(_) => continue,
            }
        }
    }
}

fn open(index: u32, sees: Sees) -> io::Result<AsyncFd<OwnedFd>> {
    let kind = libc::SOCK_RAW | libc::SOCK_CLOEXEC | libc::SOCK_NONBLOCK;
    // SAFETY: no pointers; protocol 0 gets no packets before it is bound.
    let number = unsafe { libc::socket(libc::AF_PACKET, kind, 0) };
    if number < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the descriptor was just made and is nobody else's.
    let fd = unsafe { OwnedFd::from_raw_fd(number) };
    let code = match sees {
        Sees::Addresses => ADDRESSES,
        Sees::Dhcp => DHCP,
    };
    let program = libc::sock_fprog {
        len: u16::try_from(code.len()).unwrap_or_default(),
        // the kernel only reads it
        filter: code.as_ptr().cast_mut(),
    };
    // SAFETY: the program and the code it points to live until the kernel has copied them.
    let attached = unsafe {
        libc::setsockopt(
            fd.as_raw_fd(),
            libc::SOL_SOCKET,
            libc::SO_ATTACH_FILTER,
            (&raw const program).cast(),
            size_of::<libc::sock_fprog>() as libc::socklen_t,
        )
    };
    if attached < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: all of a sockaddr_ll's members may be zero.
    let mut address: libc::sockaddr_ll = unsafe { zeroed() };
    address.sll_family = u16::try_from(libc::AF_PACKET).unwrap_or_default();
    address.sll_protocol = ALL.to_be();
    address.sll_ifindex = index.cast_signed();
    // SAFETY: the address is of the size told.
    let bound = unsafe {
        libc::bind(
            fd.as_raw_fd(),
            (&raw const address).cast(),
            size_of::<libc::sockaddr_ll>() as libc::socklen_t,
        )
    };
    if bound < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the descriptor stays open and the same until the whole is dropped.
    unsafe { AsyncFd::register(fd) }.map_err(Into::into)
}

fn receive(fd: &OwnedFd, buffer: &mut [u8]) -> io::Result<Packet> {
    // SAFETY: all of a sockaddr_ll's members may be zero.
    let mut from: libc::sockaddr_ll = unsafe { zeroed() };
    let mut size = size_of::<libc::sockaddr_ll>() as libc::socklen_t;
    // SAFETY: the buffer and the address are as long as told; both may be written to.
    let length = unsafe {
        libc::recvfrom(
            fd.as_raw_fd(),
            buffer.as_mut_ptr().cast(),
            buffer.len(),
            0,
            (&raw mut from).cast(),
            &raw mut size,
        )
    };
    match usize::try_from(length) {
        Ok(length) => Ok(Packet { length, outgoing: from.sll_pkttype == libc::PACKET_OUTGOING }),
        Err(_) => Err(io::Error::last_os_error()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn only_what_was_asked_for_is_seen() {
        let socket = match PacketSocket::open("lo", Sees::Dhcp) {
            Ok(socket) => socket,
            Err(e) if e.fields().int1 == libc::EPERM => return eprintln!("skipped: {e}"),
            Err(e) => panic!("{e}"),
        };
        let sender = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
        sender.send_to(b"other", "127.0.0.1:9").unwrap();
        sender.send_to(b"lease", "127.0.0.1:67").unwrap();
        let mut buffer = [0; 2048];
        let packet = socket.next(&mut buffer).await.unwrap();
        assert!(buffer[..packet.length].ends_with(b"lease"));
        assert!(PacketSocket::open("no-such-if", Sees::Addresses).is_err());
    }
}
