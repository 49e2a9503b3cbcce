//! The addresses of this host's interfaces.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use virtus_base::{Error, ErrorDomain};

use super::netlink::{self, Message};

const IFA_ADDRESS: u16 = 1;
const IFA_LOCAL: u16 = 2;
const IFA_BROADCAST: u16 = 4;
/// The length of `struct ifaddrmsg`.
const HEADER: usize = 8;

pub(super) fn family(ip: IpAddr) -> u8 {
    u8::try_from(if ip.is_ipv4() { libc::AF_INET } else { libc::AF_INET6 }).unwrap_or_default()
}

pub(super) fn bytes(ip: IpAddr) -> Vec<u8> {
    match ip {
        IpAddr::V4(v4) => v4.octets().to_vec(),
        IpAddr::V6(v6) => v6.octets().to_vec(),
    }
}

pub(super) fn read(value: &[u8]) -> Option<IpAddr> {
    match value.len() {
        4 => value.first_chunk::<4>().map(|b| Ipv4Addr::from(*b).into()),
        16 => value.first_chunk::<16>().map(|b| Ipv6Addr::from(*b).into()),
        _ => None,
    }
}

/// Gives an interface an address in a network whose prefix has this many bits.
///
/// # Errors
/// When it has the address already, does not exist, or the right to change it is missing.
pub fn add_address(interface: &str, ip: IpAddr, prefix: u8) -> Result<(), Error> {
    let index = super::index(interface)?;
    let [i0, i1, i2, i3] = index.to_ne_bytes();
    let mut message = Message::new(
        libc::RTM_NEWADDR,
        libc::NLM_F_ACK | libc::NLM_F_CREATE | libc::NLM_F_EXCL,
        &[family(ip), prefix, 0, 0, i0, i1, i2, i3],
    )
    .attr(IFA_LOCAL, &bytes(ip))
    .attr(IFA_ADDRESS, &bytes(ip));
    // networks of one or two addresses have none to reach all of them by
    if let IpAddr::V4(v4) = ip
        && prefix < 31
    {
        let broadcast = v4.to_bits() | u32::MAX.checked_shr(prefix.into()).unwrap_or(0);
        message = message.attr(IFA_BROADCAST, &broadcast.to_be_bytes());
    }
    netlink::request(message).map_err(|e| {
        let what = format!("Failed to add IP address {ip}/{prefix} to {interface}");
        Error::system(ErrorDomain::NONE, what, &e)
    })
}

/// An address of an interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Address {
    /// The interface's number.
    pub interface: u32,
    /// The address.
    pub ip: IpAddr,
    /// How many leading bits are the network's.
    pub prefix: u8,
}

/// All addresses of this host.
///
/// # Errors
/// When the kernel cannot be asked.
pub fn addresses() -> Result<Vec<Address>, Error> {
    let message = Message::new(libc::RTM_GETADDR, libc::NLM_F_DUMP, &[0; HEADER]);
    let answers =
        netlink::dump(message).map_err(|e| Error::system(ErrorDomain::NONE, "cannot list addresses", &e))?;
    Ok(answers
        .iter()
        .filter(|a| a.kind == libc::RTM_NEWADDR)
        .filter_map(|answer| {
            let [_, prefix, _, _, i0, i1, i2, i3] = answer.header::<HEADER>()?;
            let all = answer.attributes(HEADER);
            let value = all.get(IFA_LOCAL).or_else(|| all.get(IFA_ADDRESS))?;
            Some(Address { interface: u32::from_ne_bytes([i0, i1, i2, i3]), ip: read(value)?, prefix })
        })
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_both_kinds_are_read() {
        assert_eq!(read(&[127, 0, 0, 1]), Some("127.0.0.1".parse().unwrap()));
        assert_eq!(read(&bytes("2001:db8::1".parse().unwrap())), Some("2001:db8::1".parse().unwrap()));
        assert_eq!(read(&[1, 2]), None);
        assert!(addresses().is_ok());
        assert!(add_address("no-such-if", [10, 0, 0, 1].into(), 24).is_err());
    }
}
