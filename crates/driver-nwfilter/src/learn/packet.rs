//! What packets tell of a guest's addresses.

use std::net::Ipv4Addr;

/// What a DHCP message says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dhcp {
    /// A server offers or confirms an address.
    Given {
        /// Whether it is confirmed.
        confirmed: bool,
        /// The address.
        address: Ipv4Addr,
        /// Who gives it.
        server: Ipv4Addr,
        /// For how many seconds.
        seconds: u32,
    },
    /// A client gives an address back.
    Returned {
        /// The address.
        address: Ipv4Addr,
    },
}

const BROADCAST: [u8; 6] = [0xff; 6];

fn bytes<const N: usize>(frame: &[u8], at: usize) -> Option<[u8; N]> {
    frame.get(at..)?.first_chunk().copied()
}

fn number(frame: &[u8], at: usize) -> Option<u16> {
    bytes(frame, at).map(u16::from_be_bytes)
}

fn address(frame: &[u8], at: usize) -> Option<Ipv4Addr> {
    bytes::<4>(frame, at).map(Ipv4Addr::from)
}

/// The address a guest uses, from a frame it sent: the source of an IPv4 packet or of ARP.
pub(crate) fn used(frame: &[u8], mac: [u8; 6]) -> Option<Ipv4Addr> {
    if bytes(frame, 6)? != mac {
        return None;
    }
    let found = match number(frame, 12)? {
        0x0800 => address(frame, 14 + 12)?,
        0x0806 if bytes(frame, 14 + 2)? == [8, 0, 6, 4] && bytes(frame, 14 + 8)? == mac => {
            address(frame, 14 + 14)?
        }
        _ => return None,
    };
    let odd = found.is_unspecified() || found.is_multicast() || found.is_broadcast() || found.is_loopback();
    (!odd).then_some(found)
}

/// What a frame says of a guest's lease; `outgoing` are those that go to the guest.
pub(crate) fn dhcp(frame: &[u8], mac: [u8; 6], outgoing: bool) -> Option<Dhcp> {
    let header = usize::from(bytes::<1>(frame, 14)?.first()? & 0xf) * 4;
    if number(frame, 12)? != 0x0800 || bytes::<1>(frame, 14 + 9)? != [17] || header < 20 {
        return None;
    }
    let udp = 14 + header;
    let (from, to) = (number(frame, udp)?, number(frame, udp + 2)?);
    let message = frame.get(udp + 8..)?;
    // the guest's own hardware address, in a message with the mark of DHCP
    if bytes(message, 28)? != mac || bytes(message, 236)? != [99, 130, 83, 99] {
        return None;
    }
    let options = message.get(240..)?;
    let kind = *option(options, 53)?.first()?;
    match (outgoing, from, to, message.first()?) {
        (true, 67, 68, 2) => {
            let target = bytes(frame, 0)?;
            let confirmed = match kind {
                2 => false,
                5 => true,
                _ => return None,
            };
            let server = option(options, 54).and_then(|value| address(value, 0));
            let given = Dhcp::Given {
                confirmed,
                address: address(message, 16)?,
                server: server.or_else(|| address(frame, 14 + 12))?,
                seconds: option(options, 51).and_then(|v| bytes(v, 0)).map_or(u32::MAX, u32::from_be_bytes),
            };
            (target == mac || target == BROADCAST).then_some(given)
        }
        (false, 68, 67, 1) if bytes(frame, 6)? == mac => match kind {
            // RELEASE has it where the client's is, DECLINE in an option
            7 => Some(Dhcp::Returned { address: address(message, 12)? }),
            4 => Some(Dhcp::Returned { address: address(option(options, 50)?, 0)? }),
            _ => None,
        },
        _ => None,
    }
}

/// The value of an option.
fn option(mut options: &[u8], wanted: u8) -> Option<&[u8]> {
    loop {
        let (kind, rest) = options.split_first()?;
        match kind {
            0 => options = rest,
            255 => return None,
            _ => {
                let (length, rest) = rest.split_first()?;
                let value = rest.get(..usize::from(*length))?;
                if *kind == wanted {
                    return Some(value);
                }
                options = rest.get(usize::from(*length)..)?;
            }
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(crate) const MAC: [u8; 6] = [0x52, 0x54, 0, 1, 2, 3];

    /// A DHCP message in a frame.
    pub(crate) fn frame(outgoing: bool, kind: u8, given: [u8; 4], options: &[u8]) -> Vec<u8> {
        let other = [2, 0, 0, 0, 0, 9];
        let (to, from) = if outgoing { (MAC, other) } else { (other, MAC) };
        let mut frame = [to, from].concat();
        frame.extend([8, 0, 0x45, 0, 0, 0, 0, 0, 0, 0, 64, 17, 0, 0, 10, 0, 0, 1, 10, 0, 0, 9]);
        let (source, target) = if outgoing { (67u16, 68u16) } else { (68, 67) };
        frame.extend(source.to_be_bytes());
        frame.extend(target.to_be_bytes());
        frame.extend([0; 4]);
        let mut message = vec![0; 240];
        message[0] = if outgoing { 2 } else { 1 };
        message[if outgoing { 16 } else { 12 }..][..4].copy_from_slice(&given);
        message[28..34].copy_from_slice(&MAC);
        message[236..240].copy_from_slice(&[99, 130, 83, 99]);
        frame.extend(message);
        frame.extend([53, 1, kind]);
        frame.extend(options);
        frame.push(255);
        frame
    }

    #[test]
    fn leases_are_read() {
        let ack = frame(true, 5, [10, 0, 0, 5], &[51, 4, 0, 0, 0, 60, 54, 4, 10, 0, 0, 2]);
        let given = Dhcp::Given {
            confirmed: true,
            address: [10, 0, 0, 5].into(),
            server: [10, 0, 0, 2].into(),
            seconds: 60,
        };
        assert_eq!(dhcp(&ack, MAC, true), Some(given));
        // what a guest tells itself is no lease
        assert_eq!(dhcp(&ack, MAC, false), None);
        assert_eq!(dhcp(&ack, [9; 6], true), None);
        let release = frame(false, 7, [10, 0, 0, 5], &[]);
        assert_eq!(dhcp(&release, MAC, false), Some(Dhcp::Returned { address: [10, 0, 0, 5].into() }));
    }

    #[test]
    fn cut_frames_say_nothing() {
        let ack = frame(true, 5, [10, 0, 0, 5], &[51, 4, 0, 0, 0, 60]);
        for length in 0..ack.len() - 8 {
            let cut = dhcp(&ack[..length], MAC, true);
            assert_eq!(cut, None, "{length}");
            assert!(used(&ack[..length], MAC).is_none());
        }
    }

    #[test]
    fn addresses_are_read_from_what_the_guest_sends() {
        let mut arp = [[0xff; 6], MAC].concat();
        arp.extend([8, 6, 0, 1, 8, 0, 6, 4, 0, 1]);
        arp.extend(MAC);
        arp.extend([10, 0, 0, 7]);
        assert_eq!(used(&arp, MAC), Some([10, 0, 0, 7].into()));
        assert_eq!(used(&arp, [9; 6]), None);
        let ip = frame(false, 1, [0; 4], &[]);
        assert_eq!(used(&ip, MAC), Some([10, 0, 0, 1].into()));
    }
}
