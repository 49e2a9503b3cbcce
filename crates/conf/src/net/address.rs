//! IP addresses as libvirt reads them, and the networks they are in.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use virtus_base::{Error, ErrorCode, ErrorDomain, Result};

/// Reads a numeric address the way `getaddrinfo` does: IPv6, or IPv4 in one to four numbers of any base
/// (`0x10` is 0.0.0.16).
pub fn parse_ip(text: &str) -> Option<IpAddr> {
    text.parse::<Ipv6Addr>().map(IpAddr::V6).ok().or_else(|| inet_aton(text).map(IpAddr::V4))
}

/// As [`parse_ip`], with libvirt's error.
///
/// # Errors
/// `SYSTEM_ERROR`: "Cannot parse socket address 'x': Name or service not known".
pub fn require_ip(text: &str) -> Result<IpAddr> {
    parse_ip(text).ok_or_else(|| {
        Error::new(
            ErrorDomain::NONE,
            ErrorCode::SYSTEM_ERROR,
            format!("Cannot parse socket address '{text}': Name or service not known"),
        )
    })
}

fn inet_aton(text: &str) -> Option<Ipv4Addr> {
    let number = |part: &str| -> Option<u32> {
        let (digits, base) = match part.as_bytes() {
            [b'0', b'x' | b'X', rest @ ..] if !rest.is_empty() => (part.get(2..)?, 16),
            [b'0', _, ..] => (part.get(1..)?, 8),
            _ => (part, 10),
        };
        digits.bytes().all(|b| b.is_ascii_hexdigit()).then(|| u32::from_str_radix(digits, base).ok())?
    };
    let parts: Vec<&str> = text.split('.').collect();
    let (last, leading) = parts.split_last()?;
    if leading.len() > 3 {
        return None;
    }
    // the leading numbers are bytes; the last one fills what is left
    let mut value = 0u32;
    for part in leading {
        value = value << 8 | u32::from(u8::try_from(number(part)?).ok()?);
    }
    let bits = 32 - 8 * u32::try_from(leading.len()).ok()?;
    let last = number(last)?;
    if bits < 32 && last >> bits != 0 {
        return None;
    }
    Some(Ipv4Addr::from_bits(value.checked_shl(bits).unwrap_or(0) | last))
}

/// The bits of an address, left-aligned in 128.
fn bits(ip: IpAddr) -> u128 {
    match ip {
        IpAddr::V4(v4) => u128::from(v4.to_bits()) << 96,
        IpAddr::V6(v6) => v6.to_bits(),
    }
}

/// How many bits an address of its family has.
pub fn width(ip: IpAddr) -> u32 {
    if ip.is_ipv4() { 32 } else { 128 }
}

/// The prefix of a netmask, `None` when its ones are not all in front.
pub fn netmask_prefix(mask: Ipv4Addr) -> Option<u32> {
    let bits = mask.to_bits();
    (bits.leading_ones() + bits.trailing_zeros() >= 32).then(|| bits.leading_ones())
}

/// An address with the length of its network's prefix.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Subnet {
    /// An address in the network.
    pub address: IpAddr,
    /// How many leading bits are the network's.
    pub prefix: u32,
}

impl Subnet {
    fn mask(&self) -> u128 {
        u128::MAX.checked_shl(128 - self.prefix.min(128)).unwrap_or(0)
    }

    /// The network's first address.
    pub fn network(&self) -> IpAddr {
        let masked = bits(self.address) & self.mask();
        match self.address {
            IpAddr::V4(_) => IpAddr::V4(Ipv4Addr::from_bits(u32::try_from(masked >> 96).unwrap_or(0))),
            IpAddr::V6(_) => IpAddr::V6(Ipv6Addr::from_bits(masked)),
        }
    }

    /// An IPv4 network's last address.
    pub fn broadcast(&self) -> Option<Ipv4Addr> {
        let IpAddr::V4(v4) = self.address else { return None };
        Some(Ipv4Addr::from_bits(v4.to_bits() | u32::MAX.checked_shr(self.prefix).unwrap_or(0)))
    }

    /// Whether `ip` is in the network.
    pub fn contains(&self, ip: IpAddr) -> bool {
        ip.is_ipv4() == self.address.is_ipv4() && (bits(ip) ^ bits(self.address)) & self.mask() == 0
    }

    /// Whether the two have an address in common.
    pub fn overlaps(&self, other: &Subnet) -> bool {
        self.contains(other.address) || other.contains(self.address)
    }
}

/// How many addresses a range has, checked against the network it must lie in.
///
/// # Errors
/// `INTERNAL_ERROR` with libvirt's texts: mixed families, outside the network, reversed, too large, or its
/// ends being the network's or the broadcast address.
pub fn range_size(start: IpAddr, end: IpAddr, within: Option<(IpAddr, Option<u32>)>) -> Result<u32> {
    let wrong = |text: String| Err(Error::new(ErrorDomain::NONE, ErrorCode::INTERNAL_ERROR, text));
    if start.is_ipv4() != end.is_ipv4() {
        return wrong(format!("mismatch of address family in range {start} - {end}"));
    }
    if let Some((network, prefix)) = within {
        if start.is_ipv4() != network.is_ipv4() {
            return wrong(format!(
                "mismatch of address family in range {start} - {end} for network {network}"
            ));
        }
        let Some(prefix) = prefix else {
            return wrong(format!("bad prefix -1 for network {network} when checking range {start} - {end}"));
        };
        let subnet = Subnet { address: network, prefix };
        if !subnet.contains(start) || !subnet.contains(end) {
            return wrong(format!("range {start} - {end} is not entirely within network {network}/{prefix}"));
        }
        if let Some(broadcast) = subnet.broadcast() {
            // a point-to-point network has neither
            if prefix < 31 && start == subnet.network() {
                return wrong(format!(
                    "start of range {start} - {end} in network {network}/{prefix} is the network address"
                ));
            }
            if prefix < 31 && end == IpAddr::V4(broadcast) {
                return wrong(format!(
                    "end of range {start} - {end} in network {network}/{prefix} is the broadcast address"
                ));
            }
        }
    }
    let shift = 128 - width(start);
    let (first, last) = (bits(start) >> shift, bits(end) >> shift);
    let Some(span) = last.checked_sub(first) else {
        return wrong(format!("range {start} - {end} is reversed "));
    };
    match u32::try_from(span) {
        Ok(span) if span <= 65_535 => Ok(span + 1),
        _ => wrong(format!("range {start} - {end} is too large (> 65535)")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> IpAddr {
        parse_ip(text).unwrap()
    }

    #[test]
    fn addresses_are_read_as_getaddrinfo_reads_them() {
        for (text, want) in [
            ("0x10", "0.0.0.16"),
            ("10.1", "10.0.0.1"),
            ("010.0.0.1", "8.0.0.1"),
            ("1", "0.0.0.1"),
            ("::1", "::1"),
        ] {
            assert_eq!(ip(text).to_string(), want);
        }
        for text in ["", "yes", "1.2.3.4.5", "256.1.1.1", "1.2.3.256", "0x", "09", " 1", "-1"] {
            assert_eq!(parse_ip(text), None, "{text:?}");
        }
    }

    #[test]
    fn ranges_are_checked_against_their_network() {
        let within = Some((ip("192.168.122.1"), Some(24)));
        assert_eq!(range_size(ip("192.168.122.2"), ip("192.168.122.254"), within), Ok(253));
        let text = |a: &str, b: &str| range_size(ip(a), ip(b), within).unwrap_err().message().to_owned();
        assert_eq!(
            text("192.168.122.0", "192.168.122.9"),
            "internal error: start of range 192.168.122.0 - 192.168.122.9 in network 192.168.122.1/24 is the network address"
        );
        assert_eq!(
            text("192.168.122.9", "192.168.122.2"),
            "internal error: range 192.168.122.9 - 192.168.122.2 is reversed "
        );
        assert!(
            text("192.168.122.9", "10.0.0.1").ends_with("is not entirely within network 192.168.122.1/24")
        );
        assert!(
            text("192.168.122.9", "::1").starts_with("internal error: mismatch of address family in range")
        );
    }

    #[test]
    fn masks_and_networks() {
        assert_eq!(netmask_prefix(Ipv4Addr::new(255, 255, 252, 0)), Some(22));
        assert_eq!(netmask_prefix(Ipv4Addr::new(255, 0, 255, 0)), None);
        let net = Subnet { address: ip("2001:db8::17"), prefix: 64 };
        assert_eq!(net.network(), ip("2001:db8::"));
        assert!(net.contains(ip("2001:db8::ffff")) && !net.contains(ip("2001:db8:1::")));
        assert!(Subnet { address: ip("0.0.0.0"), prefix: 0 }.contains(ip("8.8.8.8")));
    }
}
